/* Many rows at once (together.h). For each tree: every split is decided for all rows (a bit each), the set of all rows
 * is divided from the root to the leaves, the sets at the leaves give each row its leaf's number bit by bit, and the
 * leaves' values are added to the rows' sums: tree by tree, so in the framework's order. */
#include "together.h"

#include <stdlib.h>

#include "../base/assert.h"
#include "vectors.h"

#if defined(__x86_64__)

enum { LEAVES = 64, BITS = 6, VECTORS = TOGETHER_ROWS / 64 };

struct one_split {
    uint8_t column, place, left, right; /* children: splits by number, leaves by number + LEAVES */
};

struct one_tree {
    uint32_t first_split;
    uint16_t splits;
    bool symmetric; /* its splits are one a level, and a leaf's number has their bits */
};

struct together {
    const struct forest *forest;
    struct one_tree *trees;
    struct one_split *splits;
    double *values; /* [tree][LEAVES] */
    float *floats;  /* instead, where sums are float32 */
};

void together_free(struct together *together) {
    if (together == NULL)
        return;
    free(together->trees);
    free(together->splits);
    free(together->values);
    free(together->floats);
    free(together);
}

static bool fits(const struct forest *forest, bool *floats) {
    *floats = forest->sum_rule == SUM_FLOAT32;
    if (!fast_vectors(forest) || forest->line_count > 0 || forest->output_count > TOGETHER_OUTPUTS)
        return false;
    for (uint32_t t = 0; t < forest->tree_count; t++)
        if (forest->tree_sizes[t] > 2 * LEAVES - 1)
            return false;
    return !*floats || forest_is_float32(forest);
}

static void put_value(struct together *g, uint32_t tree, uint32_t leaf, uint32_t node) {
    double value = g->forest->nodes[node].threshold;
    if (g->floats != NULL)
        g->floats[(size_t)tree * LEAVES + leaf] = (float)value;
    else
        g->values[(size_t)tree * LEAVES + leaf] = value;
}

static void lay_symmetric(struct together *g, const struct columns *columns, uint32_t tree) {
    const struct forest *forest = g->forest;
    uint32_t depth = forest->tree_depths[tree], at = forest->tree_roots[tree];
    struct one_split *splits = g->splits + g->trees[tree].first_split;
    g->trees[tree].symmetric = true;
    g->trees[tree].splits = (uint16_t)depth;
    for (uint32_t level = 0; level < depth; level++, at = forest->nodes[at].child) {
        struct decision own = columns_decision(columns, at);
        splits[level] = (struct one_split){own.column, own.place, 0, 0};
    }
    for (uint32_t leaf = 0; leaf < 1u << depth; leaf++) {
        at = forest->tree_roots[tree];
        for (uint32_t level = 0; level < depth; level++)
            at = forest->nodes[at].child + (leaf >> level & 1);
        put_value(g, tree, leaf, at);
    }
}

/* Trees lie breadth first, so splits keep their order, and parents come before their children. */
static void lay_tree(struct together *g, const struct columns *columns, uint32_t tree) {
    const struct forest *forest = g->forest;
    uint32_t root = forest->tree_roots[tree], size = forest->tree_sizes[tree], splits = 0, leaves = 0;
    uint8_t numbers[2 * LEAVES];
    for (uint32_t i = 0; i < size; i++)
        numbers[i] = (uint8_t)(forest->nodes[root + i].step ? splits++ : LEAVES + leaves++);
    g->trees[tree].splits = (uint16_t)splits;
    for (uint32_t i = 0; i < size; i++) {
        const struct node *node = &forest->nodes[root + i];
        if (!node->step) {
            put_value(g, tree, numbers[i] - LEAVES, root + i);
            continue;
        }
        struct decision own = columns_decision(columns, root + i);
        uint32_t child = node->child - root;
        g->splits[g->trees[tree].first_split + numbers[i]] =
            (struct one_split){own.column, own.place, numbers[child], numbers[child + 1]};
    }
}

struct together *together_make(const struct forest *forest, const struct columns *columns) {
    bool floats;
    uint32_t splits = 0;
    if (!fits(forest, &floats))
        return NULL;
    struct together *g = calloc(1, sizeof *g);
    if (g == NULL)
        return NULL;
    size_t slots = (size_t)forest->tree_count * LEAVES;
    g->forest = forest;
    g->trees = calloc((size_t)forest->tree_count + 1, sizeof *g->trees);
    g->splits = calloc((size_t)forest->node_count + 1, sizeof *g->splits);
    g->floats = floats ? aligned_alloc(64, slots * sizeof *g->floats + 64) : NULL;
    g->values = floats ? NULL : aligned_alloc(64, slots * sizeof *g->values + 64);
    if (g->trees == NULL || g->splits == NULL || (g->floats == NULL && g->values == NULL)) {
        together_free(g);
        return NULL;
    }
    if (floats)
        memset(g->floats, 0, slots * sizeof *g->floats);
    else
        memset(g->values, 0, slots * sizeof *g->values);
    for (uint32_t t = 0; t < forest->tree_count; t++) {
        g->trees[t].first_split = splits;
        if (symmetric_tree(forest, columns, t))
            lay_symmetric(g, columns, t);
        else
            lay_tree(g, columns, t);
        splits += g->trees[t].splits;
    }
    return g;
}

/* --- rows --- */

/* Each split's decisions for all rows. */
VBMI_INLINE void decide(const struct one_split *splits, uint32_t count, const uint8_t *bytes, const uint32_t vectors,
                        uint64_t decided[LEAVES][VECTORS]) {
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *column = bytes + (size_t)splits[i].column * TOGETHER_ROWS;
        __m512i place = _mm512_set1_epi8((char)splits[i].place);
#pragma GCC unroll 8
        for (uint32_t v = 0; v < vectors; v++)
            decided[i][v] = _mm512_cmpgt_epu8_mask(_mm512_load_si512(column + (size_t)v * 64), place);
    }
}

/* The sets of rows at the leaves: sets[LEAVES ...], eight words each. */
VBMI_INLINE void divide(const struct one_split *splits, uint32_t count, uint64_t decided[LEAVES][VECTORS],
                        __m512i sets[2 * LEAVES]) {
    for (uint32_t i = count + 1; i < LEAVES; i++)
        sets[LEAVES + i] = _mm512_setzero_si512();
    sets[count > 0 ? 0 : LEAVES] = _mm512_set1_epi8((char)0xff);
    for (uint32_t i = 0; i < count; i++) {
        __m512i own = sets[i], right = _mm512_loadu_si512(decided[i]);
        sets[splits[i].left] = _mm512_andnot_si512(right, own);
        sets[splits[i].right] = _mm512_and_si512(right, own);
    }
}

/* The bits of the rows' leaf numbers, from the sets. */
VBMI_INLINE void number(const __m512i sets[2 * LEAVES], uint64_t bits[LEAVES][VECTORS]) {
#pragma GCC unroll 6
    for (uint32_t b = 0; b < BITS; b++) {
        __m512i all = _mm512_setzero_si512();
#pragma GCC unroll 64
        for (uint32_t leaf = 0; leaf < LEAVES; leaf++)
            if (leaf >> b & 1)
                all = _mm512_or_si512(all, sets[LEAVES + leaf]);
        _mm512_storeu_si512(bits[b], all);
    }
}

VBMI_INLINE void encode(uint64_t bits[LEAVES][VECTORS], uint32_t count, const uint32_t vectors,
                        uint8_t codes[TOGETHER_ROWS]) {
#pragma GCC unroll 8
    for (uint32_t v = 0; v < vectors; v++) {
        __m512i code = _mm512_setzero_si512();
        for (uint32_t b = 0; b < count; b++)
            code = _mm512_mask_add_epi8(code, bits[b][v], code, _mm512_set1_epi8((char)(1 << b)));
        _mm512_store_si512(codes + (size_t)v * 64, code);
    }
}

VBMI_INLINE void add_values(const double *values, const uint8_t *codes, const uint32_t vectors, double *sums) {
    for (uint32_t r = 0; r < vectors * 64; r += 8) {
        __m512i index = _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)(codes + r)));
        __m512d found = _mm512_i64gather_pd(index, values, 8);
        _mm512_store_pd(sums + r, _mm512_add_pd(_mm512_load_pd(sums + r), found));
    }
}

/* The leaves are four registers: two picks of 32 each, and one of the two. */
VBMI_INLINE void add_floats(const float *values, const uint8_t *codes, const uint32_t vectors, float *sums) {
    const __m512 a = _mm512_load_ps(values), b = _mm512_load_ps(values + 16);
    const __m512 c = _mm512_load_ps(values + 32), d = _mm512_load_ps(values + 48);
    for (uint32_t r = 0; r < vectors * 64; r += 16) {
        __m512i index = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)(codes + r)));
        __m512 low = _mm512_permutex2var_ps(a, index, b), high = _mm512_permutex2var_ps(c, index, d);
        __mmask16 upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32));
        __m512 found = _mm512_mask_mov_ps(low, upper, high);
        _mm512_store_ps(sums + r, _mm512_add_ps(_mm512_load_ps(sums + r), found));
    }
}

struct sums {
    _Alignas(64) double doubles[TOGETHER_OUTPUTS][TOGETHER_ROWS];
    _Alignas(64) float floats[TOGETHER_OUTPUTS][TOGETHER_ROWS];
};

VBMI_INLINE void add_trees(const struct together *g, const uint8_t *bytes, const uint32_t vectors, struct sums *sums) {
    _Alignas(64) uint8_t codes[TOGETHER_ROWS];
    _Alignas(64) uint64_t decided[LEAVES][VECTORS];
    __m512i sets[2 * LEAVES];
    uint32_t outputs = g->forest->output_count;
    for (uint32_t t = 0, k = 0; t < g->forest->tree_count; t++, k = k + 1 == outputs ? 0 : k + 1) {
        const struct one_tree *tree = &g->trees[t];
        const struct one_split *splits = g->splits + tree->first_split;
        decide(splits, tree->splits, bytes, vectors, decided);
        if (!tree->symmetric) {
            divide(splits, tree->splits, decided, sets);
            number(sets, decided);
        }
        encode(decided, tree->symmetric ? tree->splits : BITS, vectors, codes);
        if (g->floats != NULL)
            add_floats(g->floats + (size_t)t * LEAVES, codes, vectors, sums->floats[k]);
        else
            add_values(g->values + (size_t)t * LEAVES, codes, vectors, sums->doubles[k]);
    }
}

VBMI static void add_whole(const struct together *g, const uint8_t *bytes, struct sums *sums) {
    add_trees(g, bytes, VECTORS, sums);
}
VBMI static void add_part(const struct together *g, const uint8_t *bytes, uint32_t vectors, struct sums *sums) {
    add_trees(g, bytes, vectors, sums);
}

void together_add(const struct together *g, const uint8_t *bytes, uint32_t count, double *out) {
    struct sums sums;
    uint32_t outputs = g->forest->output_count, vectors = (count + 63) / 64;
    ASSERT(count > 0 && count <= TOGETHER_ROWS && outputs <= TOGETHER_OUTPUTS);
    for (uint32_t k = 0; k < outputs; k++)
        for (uint32_t r = 0; r < vectors * 64; r++) {
            sums.doubles[k][r] = r < count ? out[(size_t)r * outputs + k] : 0;
            sums.floats[k][r] = (float)sums.doubles[k][r];
        }
    if (vectors == VECTORS)
        add_whole(g, bytes, &sums);
    else
        add_part(g, bytes, vectors, &sums);
    for (uint32_t k = 0; k < outputs; k++)
        for (uint32_t r = 0; r < count; r++)
            out[(size_t)r * outputs + k] = g->floats != NULL ? (double)sums.floats[k][r] : sums.doubles[k][r];
}

#else

struct together *together_make(const struct forest *forest, const struct columns *columns) { return NULL; }
void together_free(struct together *together) { ASSERT(together == NULL); }
void together_add(const struct together *together, const uint8_t *bytes, uint32_t count, double *out) { UNREACHABLE(); }

#endif
