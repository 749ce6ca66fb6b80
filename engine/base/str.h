/* Bytes with a length, not NUL-terminated, owned by somebody else; and UTF-8. */
#ifndef ASSAY_BASE_STR_H
#define ASSAY_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t len; /* bytes */
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

static inline struct str str_of(const char *text) { return (struct str){text, strlen(text)}; }
static inline bool str_equal(struct str a, struct str b) { return a.len == b.len && memcmp(a.p, b.p, a.len) == 0; }

/* The length of the longest prefix that is valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF);
 * equal to len when all is. *ascii tells whether that prefix is ASCII only. */
size_t utf8_valid_prefix(const char *p, size_t len, bool *ascii);
/* Code points in valid UTF-8. */
size_t utf8_count(const char *p, size_t len);
/* Decodes one code point of valid UTF-8 at p and sets *bytes to its length (1-4). */
uint32_t utf8_decode(const char *p, unsigned *bytes);
/* Writes the code point (not a surrogate) to out[4] and returns its length. */
unsigned utf8_encode(uint32_t code_point, char *out);

#endif
