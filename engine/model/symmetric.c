/* Symmetric trees (fast.h): every level of a tree has one decision. Eight trees take eight bytes each of 64 columns and
 * places; one comparison gives 64 bits, and byte k of them is the leaf's number in tree k, the root's bit lowest. */
#include <stdlib.h>

#include "../base/assert.h"
#include "fast.h"
#include "vectors.h"

enum { TOGETHER = 8, LEVELS = 8, NEVER = 255 };

struct eight {
    _Alignas(64) uint8_t columns[TOGETHER * LEVELS];
    uint8_t places[TOGETHER * LEVELS];
};

struct symmetric {
    struct eight *trees;
    uint32_t *leaf_first; /* per tree */
    uint32_t levels;      /* of the deepest tree */
};

static void release(void *own) {
    struct symmetric *s = own;
    free(s->trees);
    free(s->leaf_first);
    free(s);
}

/* Trees lie breadth first, so a symmetric tree's level l is the 2^l nodes behind the level before. */
bool symmetric_tree(const struct forest *forest, const struct columns *columns, uint32_t tree) {
    uint32_t root = forest->tree_roots[tree], depth = forest->tree_depths[tree];
    if (depth > LEVELS || forest->tree_sizes[tree] != (2u << depth) - 1)
        return false;
    for (uint32_t level = 0, at = root; level < depth; at += 1u << level++) {
        struct decision first = columns_decision(columns, at);
        for (uint32_t i = at; i < at + (1u << level); i++) {
            if (!forest->nodes[i].step)
                return false;
            struct decision own = columns_decision(columns, i);
            if (own.column != first.column || own.place != first.place)
                return false;
        }
    }
    return true;
}

static void lay_tree(struct symmetric *s, const struct forest *forest, const struct columns *columns,
                     struct leaves *leaves, uint32_t tree) {
    uint32_t root = forest->tree_roots[tree], depth = forest->tree_depths[tree];
    struct eight *eight = &s->trees[tree / TOGETHER];
    for (uint32_t level = 0, at = root; level < depth; at = forest->nodes[at].child, level++) {
        struct decision own = columns_decision(columns, at);
        eight->columns[tree % TOGETHER * LEVELS + level] = own.column;
        eight->places[tree % TOGETHER * LEVELS + level] = own.place;
    }
    s->levels = depth > s->levels ? depth : s->levels;
    for (uint32_t leaf = 0; leaf < 1u << depth; leaf++) {
        uint32_t at = root;
        for (uint32_t level = 0; level < depth; level++)
            at = forest->nodes[at].child + (leaf >> level & 1);
        leaves_put(leaves, forest, s->leaf_first[tree] + leaf, at);
    }
}

/* Levels that a tree does not have never go right. */
static inline void walk_levels(const struct symmetric *s, const uint8_t *bytes, uint32_t first, uint32_t count,
                               uint32_t *slots, const uint32_t levels) {
    for (uint32_t t = first; t < first + count; t++) {
        const uint8_t *columns = s->trees[t / TOGETHER].columns + t % TOGETHER * LEVELS;
        const uint8_t *places = s->trees[t / TOGETHER].places + t % TOGETHER * LEVELS;
        uint32_t leaf = 0;
#pragma GCC unroll 8
        for (uint32_t level = 0; level < levels; level++)
            leaf |= (uint32_t)(bytes[columns[level]] > places[level]) << level;
        slots[t - first] = s->leaf_first[t] + leaf;
    }
}

static void walk_plain_6(const void *s, const uint8_t *bytes, uint32_t first, uint32_t count, uint32_t *slots) {
    walk_levels(s, bytes, first, count, slots, 6);
}
static void walk_plain_8(const void *s, const uint8_t *bytes, uint32_t first, uint32_t count, uint32_t *slots) {
    walk_levels(s, bytes, first, count, slots, LEVELS);
}

#if defined(__x86_64__)

VBMI_INLINE void walk_vectors(const struct symmetric *s, const uint8_t *bytes, uint32_t first, uint32_t count,
                              uint32_t *slots, const int registers) {
    struct byte_row row = byte_row_load(bytes, registers);
    for (uint32_t t = 0; t < count; t += TOGETHER) { /* slots and leaf_first have room up to a whole eight */
        const struct eight *eight = &s->trees[(first + t) / TOGETHER];
        __m512i found = byte_row_pick(&row, _mm512_load_si512(eight->columns), registers);
        uint64_t leaf = _mm512_cmpgt_epu8_mask(found, _mm512_load_si512(eight->places));
        __m256i wide = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)leaf));
        __m256i from = _mm256_loadu_si256((const __m256i *)(s->leaf_first + first + t));
        _mm256_storeu_si256((__m256i *)(slots + t), _mm256_add_epi32(wide, from));
    }
}

VBMI static void walk_1(const void *own, const uint8_t *bytes, uint32_t first, uint32_t count, uint32_t *slots) {
    walk_vectors(own, bytes, first, count, slots, 1);
}
VBMI static void walk_2(const void *own, const uint8_t *bytes, uint32_t first, uint32_t count, uint32_t *slots) {
    walk_vectors(own, bytes, first, count, slots, 2);
}
VBMI static void walk_4(const void *own, const uint8_t *bytes, uint32_t first, uint32_t count, uint32_t *slots) {
    walk_vectors(own, bytes, first, count, slots, 4);
}

#endif

bool symmetric_make(const struct forest *forest, const struct columns *columns, struct leaves *leaves,
                    struct table *table) {
    uint32_t trees = forest->tree_count, eights = (trees + TOGETHER - 1) / TOGETHER, total = 0;
    for (uint32_t t = 0; t < trees; t++)
        if (!symmetric_tree(forest, columns, t))
            return false;
    struct symmetric *s = calloc(1, sizeof *s);
    if (s == NULL)
        return false;
    s->trees = aligned_alloc(64, ((size_t)eights + 1) * sizeof *s->trees);
    s->leaf_first = calloc((size_t)eights * TOGETHER + 1, sizeof *s->leaf_first);
    for (uint32_t t = 0; t < trees && s->leaf_first != NULL; t++) {
        s->leaf_first[t] = total;
        total += 1u << forest->tree_depths[t];
    }
    if (s->trees == NULL || s->leaf_first == NULL || !leaves_make(leaves, forest, total)) {
        release(s);
        return false;
    }
    for (uint32_t i = 0; i <= eights; i++) {
        memset(s->trees[i].columns, 0, sizeof s->trees[i].columns);
        memset(s->trees[i].places, NEVER, sizeof s->trees[i].places);
    }
    for (uint32_t t = 0; t < trees; t++)
        lay_tree(s, forest, columns, leaves, t);
    *table =
        (struct table){.own = s, .walk = s->levels <= 6 ? walk_plain_6 : walk_plain_8, .release = release, .chunk = 64};
#if defined(__x86_64__)
    uint32_t count = columns_count(columns);
    if (fast_vectors(forest))
        table->walk = count <= 64 ? walk_1 : count <= 128 ? walk_2 : walk_4;
#endif
    return true;
}
