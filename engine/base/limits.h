/* Every limit of the engine has its name here, with its unit last. What happens at a limit is said beside it. */
#ifndef ASSAY_BASE_LIMITS_H
#define ASSAY_BASE_LIMITS_H

/* --- a request --- */
#define LIMIT_EVENT_BYTES (64u * 1024u)            /* one event's JSON: 413 */
#define LIMIT_BATCH_BYTES (8u * 1024u * 1024u)     /* one request body: 413 */
#define LIMIT_BATCH_EVENTS 10000u                  /* events in one request: 413 */
#define LIMIT_JSON_DEPTH 32u                       /* nesting of one event: field error */
#define LIMIT_FIELD_ERRORS 16u                     /* field errors named in one answer; the rest are counted */
#define LIMIT_LIST_ITEMS 4096u                     /* items of one list field: field error */
#define LIMIT_STRING_BYTES (32u * 1024u)           /* one string field: field error */
#define LIMIT_ID_BYTES 256u                        /* an event's id: field error */

/* --- HTTP --- */
#define LIMIT_HEADER_BYTES (16u * 1024u)           /* request line and headers: 431 */
#define LIMIT_HEADERS 64u                          /* header fields in one request: 431 */
#define LIMIT_TARGET_BYTES 2048u                   /* request target: 414 */
#define LIMIT_CONNECTIONS 4096u                    /* open connections of one server: 503 and closed */
#define LIMIT_HEADER_TIME_MS 10000u                /* from first byte to end of headers: 408 */
#define LIMIT_BODY_TIME_MS 30000u                  /* from end of headers to end of body: 408 */
#define LIMIT_IDLE_TIME_MS 60000u                  /* a kept-alive connection without a request: closed */

/* --- memory of a request --- */
#define LIMIT_ARENA_BYTES (64u * 1024u * 1024u)    /* one event's memory: 413 */
#define LIMIT_SHARE_BYTES (16u * 1024u * 1024u)    /* of it: for the functions before the windows, for those after them, and
                                                      for the decision, each: LimitError */

/* --- a definition (checked at load: the bundle is refused) --- */
#define LIMIT_BUNDLE_BYTES (1024u * 1024u * 1024u)
#define LIMIT_EVENT_CLASSES 32u
#define LIMIT_FIELDS 1024u                         /* over all event classes */
#define LIMIT_FRAME_CELLS 32768u                   /* constants, slots and temporaries */
#define LIMIT_FUNCTIONS 8192u
#define LIMIT_INSTRUCTIONS 1048576u                /* of a whole bundle */
#define LIMIT_FUNCTION_INSTRUCTIONS 32768u
#define LIMIT_HANDLERS 4096u                       /* of a function: what its try statements cover */
#define LIMIT_CLASSES 1024u                        /* of a definition's own, and as many exception classes */
#define LIMIT_FILES 4096u                          /* source files that instructions stand in */
#define LIMIT_STREAMS 64u
#define LIMIT_STREAM_COLUMNS 64u
#define LIMIT_STREAM_WHERES 64u
#define LIMIT_WINDOWS 512u
#define LIMIT_KEY_PARTS 8u
#define LIMIT_RULES 256u
#define LIMIT_OUTCOMES 16u
#define LIMIT_MODELS 32u
#define LIMIT_MODEL_INPUTS 4096u
#define LIMIT_EMBEDDINGS 32u
#define LIMIT_VECTOR_ITEMS 4096u                   /* of a vector feature: build error, at load a bad plan */
#define LIMIT_MODEL_CELLS 8192u                    /* inputs and what the steps of a model give */
#define LIMIT_MODEL_OUTPUTS 1024u
#define LIMIT_TOKENIZERS 32u
#define LIMIT_VECTORIZERS 32u
#define LIMIT_VECTORIZER_FEATURES (1u << 24)       /* terms, or places that terms are hashed to */
#define LIMIT_VECTORIZER_NGRAM 64u                 /* words or characters of a term */
#define LIMIT_WINDOW_SPAN_US (400ll * 86400ll * 1000000ll)  /* over + delay */

/* --- a function --- */
#define LIMIT_STEPS 1000000u                       /* instructions a call: LimitError */
#define LIMIT_VALUE_BYTES (1024u * 1024u)          /* bytes one value may grow to: LimitError */
#define LIMIT_VECTORIZER_TERMS 65536u               /* different terms of one text, nearly: LimitError */
#define LIMIT_PATTERN_BYTES (64u * 1024u)          /* a regular expression's text in a bundle */
#define LIMIT_PATTERN_HEAP_BYTES (4u * 1024u * 1024u) /* what a match may need to go back: LimitError */
#define LIMIT_INT_BITS 4096u                       /* an int inside a function: OverflowError */

#endif
