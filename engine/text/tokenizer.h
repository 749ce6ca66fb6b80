/* Tokenizers: a text to the ids that Hugging Face's `tokenizers` gives, `Tokenizer.encode(text).ids`. The build makes a
 * tokenizer's part out of tokenizer.json or a rank file (python/assay/_tokenizers); it is read here, everything in it
 * checked (a part is hostile), and encodes without allocation: the caller gives scratch memory, whose size is known
 * beforehand. Immutable after open; any thread may encode. The part, byte by byte: read.c.
 *
 * The time is linear in the text for parts that the build makes; nothing is cached between calls. */
#ifndef ASSAY_TEXT_TOKENIZER_H
#define ASSAY_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"

struct tokenizer;

/* Reads a tokenizer's part; copies what it keeps. NULL and error, which names the place, on failure. */
struct tokenizer *tokenizer_open(const void *part, size_t size, struct error *error);
void tokenizer_close(struct tokenizer *tokenizer);

/* Bytes of scratch, and ids, that a text of so many bytes needs at most (both grow with text_bytes, never shrink). */
size_t tokenizer_scratch_size(const struct tokenizer *tokenizer, size_t text_bytes);
size_t tokenizer_ids_size(const struct tokenizer *tokenizer, size_t text_bytes);
/* One more than the largest id that can come out. */
uint32_t tokenizer_id_bound(const struct tokenizer *tokenizer);

enum tokenizer_failure {
    TOKENIZER_TOO_LONG = -1,   /* the text grows over what scratch or ids hold */
    TOKENIZER_UNKNOWN = -2,    /* a word is not in the vocabulary and the tokenizer has no token for unknown ones */
    TOKENIZER_TOO_COSTLY = -3, /* a pattern took too many steps: only parts that the build did not make */
};
const char *tokenizer_failure_text(int64_t failure);

/* The ids of a text (valid UTF-8); `special`: with the post-processor's special tokens. scratch is aligned to 16 bytes.
 * The number of ids, or a failure. */
int64_t tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t text_bytes, bool special,
                         void *scratch, size_t scratch_bytes, uint32_t *ids, size_t ids_size);

/* Only the normalizer: bytes written to `out` (room for tokenizer_ids_size(text_bytes) bytes is enough), or a failure.
 * For the build, which normalizes added tokens, and tests. */
int64_t tokenizer_normalize(const struct tokenizer *tokenizer, const char *text, size_t text_bytes, void *scratch,
                            size_t scratch_bytes, char *out, size_t out_size);

#endif
