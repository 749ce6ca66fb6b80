/* Bytes of a row picked by number with AVX-512 VBMI: what lanes.c, blocks.c and symmetric.c have in common. */
#ifndef ASSAY_MODEL_VECTORS_H
#define ASSAY_MODEL_VECTORS_H

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define VBMI        __attribute__((target("avx512f,avx512bw,avx512dq,avx512vbmi,avx512vl")))
#define VBMI_INLINE VBMI static inline __attribute__((always_inline))

/* A row's bytes in 1, 2 or 4 registers. */
struct byte_row {
    __m512i r[4];
};

VBMI_INLINE struct byte_row byte_row_load(const uint8_t *bytes, const int registers) {
    struct byte_row row;
    for (int i = 0; i < 4; i++)
        row.r[i] = _mm512_loadu_si512(bytes + 64 * (i < registers ? i : 0));
    return row;
}

/* bytes[numbers[i]], 64 of them. */
VBMI_INLINE __m512i byte_row_pick(const struct byte_row *row, __m512i numbers, const int registers) {
    if (registers == 1)
        return _mm512_permutexvar_epi8(numbers, row->r[0]);
    __m512i low = _mm512_permutex2var_epi8(row->r[0], numbers, row->r[1]);
    if (registers == 2)
        return low;
    __m512i high = _mm512_permutex2var_epi8(row->r[2], numbers, row->r[3]);
    return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(numbers), high);
}

#endif
#endif
