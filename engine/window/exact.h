/* Exact sums of doubles in 192-bit fixed point, so that a window's sum is a function of its values only: the same bits
 * in whatever order they are added, and after any are taken out again.
 *
 * A value is taken to a multiple of 2^-96 (half to even; exact for every double of magnitude 2^-43 or more). Values
 * that are not finite or of magnitude 2^63 or more are beyond the range: they are counted, and a sum that covers one
 * has no value. 2^32 values fit without overflow. The rounded sum equals CPython's math.fsum of the values as taken. */
#ifndef ASSAY_WINDOW_EXACT_H
#define ASSAY_WINDOW_EXACT_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct exact {
    uint64_t words[3];     /* two's complement, in units of 2^-96, least significant first */
    uint32_t beyond_count; /* values covered that are beyond the range */
};

enum {
    EXACT_UNIT_EXPONENT = 979,    /* the biased exponent of a double whose last bit is worth 2^-96 */
    EXACT_BEYOND_EXPONENT = 1086, /* that of 2^63 */
};

/* mantissa * 2^shift (shift at most 106), negated if `negative`, added to the 192 bits. */
static inline void exact_add_shifted(struct exact *sum, uint64_t mantissa, unsigned shift, bool negative) {
    unsigned __int128 wide = (unsigned __int128)mantissa << (shift & 63);
    uint64_t low = (uint64_t)wide, high = (uint64_t)(wide >> 64), flip = negative ? UINT64_MAX : 0;
    bool upper = shift >= 64;
    unsigned __int128 carry = (unsigned __int128)sum->words[0] + ((upper ? 0 : low) ^ flip) + (flip & 1);
    sum->words[0] = (uint64_t)carry;
    carry = (unsigned __int128)sum->words[1] + ((upper ? low : high) ^ flip) + (uint64_t)(carry >> 64);
    sum->words[1] = (uint64_t)carry;
    sum->words[2] += ((upper ? high : 0) ^ flip) + (uint64_t)(carry >> 64);
}

/* A value as it is taken, without its sign: mantissa * 2^shift in units of 2^-96, shift at most 106. False: it is beyond
 * the range. */
static inline bool exact_taken(double value, uint64_t *mantissa, unsigned *shift) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff);
    *shift = exponent >= EXACT_UNIT_EXPONENT ? (unsigned)(exponent - EXACT_UNIT_EXPONENT) : 0;
    if (exponent >= EXACT_UNIT_EXPONENT)
        *mantissa = (bits & 0xfffffffffffffu) | 1ull << 52;
    else /* rint rounds half to even; the product is exact */
        *mantissa = exponent >= EXACT_BEYOND_EXPONENT ? 0 : (uint64_t)rint(fabs(value) * 0x1p96);
    return exponent < EXACT_BEYOND_EXPONENT;
}

/* Adds the value, or takes it out when `take_out`. */
static inline void exact_change(struct exact *sum, double value, bool take_out) {
    uint64_t mantissa;
    unsigned shift;
    if (exact_taken(value, &mantissa, &shift))
        exact_add_shifted(sum, mantissa, shift, (signbit(value) != 0) != take_out);
    else
        sum->beyond_count += take_out ? UINT32_MAX : 1;
}

static inline void exact_merge(struct exact *sum, const struct exact *other) {
    unsigned __int128 carry = 0;
    for (int i = 0; i < 3; i++) {
        carry += (unsigned __int128)sum->words[i] + other->words[i];
        sum->words[i] = (uint64_t)carry;
        carry >>= 64;
    }
    sum->beyond_count += other->beyond_count;
}

static inline void exact_add(struct exact *sum, double value) { exact_change(sum, value, false); }
static inline void exact_subtract(struct exact *sum, double value) { exact_change(sum, value, true); }

/* The sum, rounded once to the nearest double, half to even; 0.0 for an exact zero. No value may be beyond the range.
 */
double exact_round(const struct exact *sum);

#endif
