/* Fitted scikit-learn vectorizers (text.vectorize): a text to a vector of term counts or tf-idf, or on to the answer of the
 * linear model at the end of a pipeline. The build makes the part `vectorizer/N` (python/assay/_vectorizers.py); it is
 * verified as hostile when it is opened, read in place and immutable then. The part, little endian:
 *
 *   "ASSAYVEC"  u32 x 14: version (1), analyzer, flags, least n, most n, shortest token (code points), features, slots,
 *               stop slots, words, accents, stages, text bytes, 0
 *   slots       16 bytes each: u32 hash, u32 1 + the term's number (0: empty), u32 place in the text, u32 bytes.
 *               A term lies at its hash & (slots - 1) or one of the PROBES_MAX - 1 slots after it; no slots: hashed
 *   stop slots  the same for words left out
 *   words       u32 pairs: first and last code point of those that make words (\w), ascending
 *   accents     u32 code point, u32 place << 8 | bytes: what stands for it, ascending
 *   text        terms, stop words and replacements, filled with zeros to 8 bytes
 *   stages      u32 kind, u32 width, then doubles (enum vectorizer_stage)
 *
 * and not a byte more. Terms are hashed with MurmurHash3 (x86, 32 bits, seed 0), which HashingVectorizer uses too. Sums go
 * over terms in the order of their numbers, as in scipy's and scikit-learn's loops over a sorted CSR row: their bits. */
#ifndef ASSAY_TEXT_VECTORIZER_H
#define ASSAY_TEXT_VECTORIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"
#include "../base/str.h"

enum vectorizer_analyzer { ANALYZER_WORD, ANALYZER_CHAR, ANALYZER_CHAR_WB, ANALYZERS };

enum vectorizer_flag {
    VECTORIZER_LOWER = 1,    /* ASCII letters here; of other texts the caller lowers (vectorizer_lowers) */
    VECTORIZER_ACCENTS = 2,  /* code points are replaced by `accents`, Hangul syllables by their letters */
    VECTORIZER_ASCII = 4,    /* with it: what is neither ASCII nor in `accents` is dropped */
    VECTORIZER_BINARY = 8,   /* a term that occurs counts 1 */
    VECTORIZER_SIGNED = 16,  /* hashed: a term whose hash is negative counts -1 */
    VECTORIZER_NUMBER = 32,  /* the result is a number, not a vector of one */
    VECTORIZER_FLAGS = 63,
};

enum vectorizer_stage {
    STAGE_LOG,      /* 1 + log(x); f64[width]: of the counts 1 to width, as numpy has them */
    STAGE_SCALE,    /* x * f64[features]; before any matrix */
    STAGE_L1,       /* divided by the norm, if it is not 0 */
    STAGE_L2,
    STAGE_MATRIX,   /* f64[features or width before][width], then f64[width], which is added */
    STAGE_SIGMOID,
    STAGE_SHARES,   /* sigmoids divided by their sum */
    STAGE_SOFTMAX,
    STAGE_BAYES,    /* exp(x - log(sum(exp(x)))) */
    STAGE_SECOND,   /* of two: the second only */
    STAGES,
};

enum { VECTORIZER_STAGES_MAX = 16 };

struct vectorizer_terms { /* slots and what they hold */
    const char *slots;
    uint32_t count;
};

struct vectorizer {
    struct vectorizer_terms terms, stops;
    const char *words, *accents, *text; /* in the part, which outlives this; not aligned */
    uint32_t analyzer, flags, least, most, token_least, features, word_count, accent_count;
    uint32_t stage_count, width; /* width: items of the result */
    uint32_t widest;             /* of it and of all between the stages */
    struct { uint32_t kind, width; const char *numbers; } stages[VECTORIZER_STAGES_MAX];
};

bool vectorizer_open(struct vectorizer *vectorizer, const void *part, size_t len, struct error *error);

/* What is vectorized: a text (valid UTF-8), or words found in it (tokens != NULL) by a pattern of the caller's. */
struct vectorizer_input {
    const char *p;
    size_t len;
    bool ascii;
    const struct str *tokens;
    uint32_t token_count;
};

/* Whether the caller has to lower the text first, as Python does. */
static inline bool vectorizer_lowers(const struct vectorizer *v, bool ascii) {
    return !ascii && (v->flags & VECTORIZER_LOWER);
}
/* Bytes of the text, or of the tokens with one more for each. */
size_t vectorizer_input_bytes(const struct vectorizer_input *input);
/* Bytes of scratch. */
size_t vectorizer_scratch_size(const struct vectorizer *vectorizer, const struct vectorizer_input *input);
/* Fills out[width]; scratch is aligned to 16. False if the text has more than VECTORIZER_TERMS_MAX different terms. */
bool vectorizer_run(const struct vectorizer *vectorizer, const struct vectorizer_input *input, void *scratch,
                    size_t scratch_bytes, double *out);
/* Only what comes before the tokens: lower case of ASCII and accents. Bytes in *text, which lies in the scratch. */
size_t vectorizer_prepare(const struct vectorizer *vectorizer, const struct vectorizer_input *input, void *scratch,
                          size_t scratch_bytes, const char **text);
/* How many n-grams a text of so many bytes has at most: what it costs. */
static inline uint64_t vectorizer_work(const struct vectorizer *v, size_t len) {
    return ((uint64_t)len + 1) * (v->most - v->least + 1);
}

#endif
