/* Sets of ASCII characters, and which bytes of a text are in one: 64 at a time, as bits of a word.
 *
 * A set is looked up by the two halves of a byte: nibbles[low half] has bit `high half` set for each of its characters
 * (Mula, "SIMD-ized check which bytes are in a set", 2018). Bytes from 128 on are in no set. */
#ifndef ASSAY_CODE_ASCII_H
#define ASSAY_CODE_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ascii_set {
    uint8_t nibbles[16];
};

enum { ASCII_BLOCK = 64 };

static inline void ascii_set_add(struct ascii_set *set, unsigned char c) {
    if (c < 128)
        set->nibbles[c % 16] |= (uint8_t)(1u << c / 16);
}

static inline bool ascii_set_has(const struct ascii_set *set, unsigned char c) {
    return c < 128 && set->nibbles[c % 16] >> c / 16 & 1;
}

/* Bit i: whether p[i] is in the set; for the first 64 of len bytes. */
uint64_t ascii_mask(const struct ascii_set *set, const char *p, size_t len);
/* How many of the bytes are in the set. */
size_t ascii_count(const struct ascii_set *set, const char *p, size_t len);
/* How often a byte, of any value, is there. */
size_t ascii_count_byte(const char *p, size_t len, char byte);
/* The first byte at or after `at` that is in the set (`in`) or is not; len if there is none. */
size_t ascii_next(const struct ascii_set *set, const char *p, size_t len, size_t at, bool in);

#endif
