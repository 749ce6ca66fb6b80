/* The one rounding of an exact sum (exact.h). Called by window reads. */
#include "exact.h"

#include "../base/assert.h"

static unsigned bit_length(const uint64_t words[3]) {
    for (unsigned i = 3; i-- > 0;)
        if (words[i] != 0)
            return 64 * i + 64 - (unsigned)__builtin_clzll(words[i]);
    return 0;
}

/* Bits [from, from + 64) of the number. */
static uint64_t bits_from(const uint64_t words[3], unsigned from) {
    unsigned word = from / 64, shift = from % 64;
    uint64_t low = words[word] >> shift;
    uint64_t high = shift > 0 && word < 2 ? words[word + 1] << (64 - shift) : 0;
    return low | high;
}

static bool any_below(const uint64_t words[3], unsigned bit) {
    for (unsigned i = 0; i < bit / 64; i++)
        if (words[i] != 0)
            return true;
    return bit % 64 != 0 && (words[bit / 64] & ((1ull << bit % 64) - 1)) != 0;
}

double exact_round(const struct exact *sum) {
    ASSERT(sum->beyond_count == 0);
    uint64_t words[3] = {sum->words[0], sum->words[1], sum->words[2]};
    bool negative = words[2] >> 63;
    if (negative) {
        unsigned __int128 carry = 1;
        for (int i = 0; i < 3; i++) {
            carry += ~words[i];
            words[i] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    unsigned length = bit_length(words), drop = length > 53 ? length - 53 : 0;
    uint64_t mantissa = drop == 0 ? words[0] : bits_from(words, drop) & ((1ull << 53) - 1);
    if (drop > 0) {
        bool half = bits_from(words, drop - 1) & 1;
        if (half && ((mantissa & 1) || any_below(words, drop - 1)))
            mantissa++; /* 2^53 at most, which is exact */
    }
    ASSERT(mantissa <= 1ull << 53);
    double result = ldexp((double)mantissa, (int)drop - 96);
    return negative ? -result : result;
}
