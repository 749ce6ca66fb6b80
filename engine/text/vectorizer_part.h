/* Private to the vectorizer's files: loads from its part, the hash of terms, and the terms of one text. */
#ifndef ASSAY_TEXT_VECTORIZER_PART_H
#define ASSAY_TEXT_VECTORIZER_PART_H

#include "../base/assert.h"
#include "../base/limits.h"
#include "vectorizer.h"

enum { SLOT_BYTES = 16, PROBES_MAX = 64, GROWTH_MAX = 12 };

struct vectorizer_slot { uint32_t hash, number, at, len; }; /* as in the part */

static inline uint32_t load32(const char *p) {
    uint32_t n;
    memcpy(&n, p, sizeof n);
    return n;
}
static inline double load_double(const char *p, size_t i) {
    double n;
    memcpy(&n, p + i * sizeof n, sizeof n);
    return n;
}

static inline uint32_t rotated(uint32_t x, int by) { return x << by | x >> (32 - by); }

/* MurmurHash3_x86_32, seed 0. */
static inline uint32_t term_hash(const char *p, size_t len) {
    uint32_t hash = 0, rest = 0;
    size_t i = 0;
    for (; i + 4 <= len; i += 4)
        hash = rotated(hash ^ rotated(load32(p + i) * 0xcc9e2d51u, 15) * 0x1b873593u, 13) * 5 + 0xe6546b64u;
    for (size_t left = len - i; left > 0; left--)
        rest = rest << 8 | (uint8_t)p[i + left - 1];
    hash ^= rotated(rest * 0xcc9e2d51u, 15) * 0x1b873593u;
    hash ^= (uint32_t)len;
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

/* The terms of a text: number << 32 | count as 32 bits. When there is no more room, equal ones become one. */
struct term_list {
    uint64_t *entries, *spare;
    uint32_t count, room;
    uint32_t number_bits; /* of the greatest number */
    bool full;
};

/* Sorts by number and makes one entry of equal ones. */
void terms_merge(struct term_list *list);
void terms_make_room(struct term_list *list);

static inline void terms_add(struct term_list *list, uint32_t number, int32_t count) {
    if (__builtin_expect(list->count == list->room, 0))
        terms_make_room(list);
    list->entries[list->count++] = (uint64_t)number << 32 | (uint32_t)count;
}

/* From merged terms to the result. numbers: room for two rows of `widest`; values: for a double each entry. */
void vectorizer_weigh(const struct vectorizer *v, const struct term_list *list, double *values, double *rows, double *out);

#endif
