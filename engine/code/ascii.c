/* Membership of ASCII sets by byte shuffles where the processor has them (SSSE3), a byte at a time elsewhere. */
#include "ascii.h"

#include <string.h>

#include "../base/assert.h"

#ifdef __x86_64__
#include <immintrin.h>

#define SSSE3 __attribute__((target("ssse3")))

SSSE3 static inline uint64_t mask_of(__m128i nibbles, __m128i bytes) {
    const __m128i bit_of = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0);
    __m128i low = _mm_shuffle_epi8(nibbles, _mm_and_si128(bytes, _mm_set1_epi8(15)));
    __m128i high = _mm_shuffle_epi8(bit_of, _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15)));
    __m128i out = _mm_cmpeq_epi8(_mm_and_si128(low, high), _mm_setzero_si128());
    return ~(unsigned)_mm_movemask_epi8(out) & 0xffff;
}

/* Fewer than 16 bytes, zeros behind them. */
SSSE3 static inline __m128i load_few(const char *p, size_t len) {
    uint64_t a = 0, b = 0;
    uint32_t front, back;
    if (len >= 8) {
        memcpy(&a, p, 8);
        memcpy(&b, p + len - 8, 8);
        b = len == 8 ? 0 : b >> (128 - 8 * len);
    } else if (len >= 4) {
        memcpy(&front, p, 4);
        memcpy(&back, p + len - 4, 4);
        a = front | (uint64_t)back << (8 * len - 32);
    } else {
        for (size_t i = 0; i < len; i++)
            a |= (uint64_t)(unsigned char)p[i] << 8 * i;
    }
    return _mm_set_epi64x((long long)b, (long long)a);
}

SSSE3 static uint64_t mask_by_shuffles(const struct ascii_set *set, const char *p, size_t len) {
    const __m128i nibbles = _mm_loadu_si128((const __m128i *)(const void *)set->nibbles);
    uint64_t mask = 0;
    size_t at = 0;
    for (; at + 16 <= len; at += 16)
        mask |= mask_of(nibbles, _mm_loadu_si128((const __m128i *)(const void *)(p + at))) << at;
    if (at < len)
        mask |= (mask_of(nibbles, load_few(p + at, len - at)) & ((1u << (len - at)) - 1)) << at;
    return mask;
}
#endif

static uint64_t mask_by_bytes(const struct ascii_set *set, const char *p, size_t len) {
    uint64_t mask = 0;
    for (size_t i = 0; i < len; i++)
        mask |= (uint64_t)ascii_set_has(set, (unsigned char)p[i]) << i;
    return mask;
}

uint64_t ascii_mask(const struct ascii_set *set, const char *p, size_t len) {
    if (len > ASCII_BLOCK)
        len = ASCII_BLOCK;
#ifdef __x86_64__
    if (__builtin_cpu_supports("ssse3"))
        return mask_by_shuffles(set, p, len);
#endif
    return mask_by_bytes(set, p, len);
}

size_t ascii_count(const struct ascii_set *set, const char *p, size_t len) {
    size_t found = 0;
    for (size_t at = 0; at < len; at += ASCII_BLOCK)
        found += (size_t)__builtin_popcountll(ascii_mask(set, p + at, len - at));
    return found;
}

size_t ascii_next(const struct ascii_set *set, const char *p, size_t len, size_t at, bool in) {
    for (; at < len; at += ASCII_BLOCK) {
        uint64_t mask = ascii_mask(set, p + at, len - at);
        mask = in ? mask : ~mask;
        if (mask == 0)
            continue;
        at += (size_t)__builtin_ctzll(mask);
        return at < len ? at : len;
    }
    return len;
}

size_t ascii_count_byte(const char *p, size_t len, char byte) {
    size_t found = 0, at = 0;
#ifdef __SSE2__
    const __m128i all = _mm_set1_epi8(byte);
    for (; at + 16 <= len; at += 16) {
        __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + at)), all); /* 0 or -1 each */
        __m128i sums = _mm_sad_epu8(_mm_sub_epi8(_mm_setzero_si128(), same), _mm_setzero_si128());
        found += (size_t)_mm_cvtsi128_si64(sums) + (size_t)_mm_extract_epi16(sums, 4);
    }
#endif
    for (; at < len; at++)
        found += p[at] == byte;
    return found;
}
