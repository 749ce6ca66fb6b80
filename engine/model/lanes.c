/* Trees in byte lanes (lanes.h), as the spike that the performance page tells of did it.
 *
 * Binning: a row's values become one byte each, the number of the model's own thresholds of that input that lie below,
 * so `value <= threshold` is `bin <= the threshold's place`, exactly; a NaN is 255. Walking: the nodes of a tree are
 * numbered in preorder, so parents come before their children. For node number j of 64 trees at once: the bins of the
 * inputs that the lanes' nodes look at are permuted out of the row (two registers hold it), compared with the nodes'
 * places, and the lanes that stand at j go to their left or right successor: another node's number, or a leaf's with
 * the top bit set. No branch, no gather; the tables are streamed once. Four groups are walked together, to hide the
 * latency of each.
 *
 * Every table is made from the checked nodes of the forest, so numbers are in range by construction. */
#include "lanes.h"

#include <math.h>
#include <stdlib.h>

#include "../base/assert.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum {
    LANES = 64,
    LEAF = 0x80,
    INPUTS_MAX = 128,
    EDGES_MAX = 254,
    NAN_BIN = 255,
    TOGETHER = 4,
};

struct lane_node {
    _Alignas(64) uint8_t input[LANES];
    uint8_t place[LANES], left[LANES], right[LANES];
    uint64_t nan_left; /* per lane */
};

struct lane_group {
    _Alignas(64) uint8_t start[LANES]; /* 0, or a leaf's code in lanes whose tree is one leaf, or that have none */
    double leaves[LANES][LANES];       /* per lane */
};

struct edges {
    uint32_t first, count; /* among lanes->edges, sorted; count rounded up to a power of two less one with infinities */
};

struct lanes {
    struct edges inputs[INPUTS_MAX];
    double *edges;
    uint32_t input_count, node_count, group_count; /* node_count: of every group; group_count: a multiple of TOGETHER */
    struct lane_node *nodes;                       /* [group][node] */
    struct lane_group *groups;
};

/* --- making the tables --- */

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorted, each once. */
static uint32_t unique(double *values, uint32_t count) {
    uint32_t kept = 0;
    qsort(values, count, sizeof *values, by_value);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || values[i] != values[kept - 1])
            values[kept++] = values[i];
    return kept;
}

/* The thresholds of every input. False: too many, or no memory. */
static bool take_edges(struct lanes *lanes, const struct forest *forest) {
    uint32_t counts[INPUTS_MAX] = {0}, filled[INPUTS_MAX] = {0}, total = 0;
    for (uint32_t i = 0; i < forest->node_count; i++) {
        if (forest->nodes[i].step && isnan(forest->nodes[i].threshold))
            return false; /* nothing is at most that: it has no place in the order */
        counts[forest->nodes[i].feature] += forest->nodes[i].step;
    }
    for (uint32_t f = 0; f < lanes->input_count; f++) {
        lanes->inputs[f].first = total;
        total += counts[f] < EDGES_MAX + 1 ? EDGES_MAX + 1 : counts[f]; /* room to round up in */
    }
    lanes->edges = calloc(total + 1, sizeof *lanes->edges);
    if (lanes->edges == NULL)
        return false;
    for (uint32_t i = 0; i < forest->node_count; i++)
        if (forest->nodes[i].step) {
            uint32_t f = forest->nodes[i].feature;
            lanes->edges[lanes->inputs[f].first + filled[f]++] = forest->nodes[i].threshold;
        }
    for (uint32_t f = 0; f < lanes->input_count; f++) {
        double *edges = lanes->edges + lanes->inputs[f].first;
        uint32_t count = unique(edges, counts[f]), whole = 0;
        if (count > EDGES_MAX)
            return false;
        while (whole < count)
            whole = whole * 2 + 1;
        for (uint32_t i = count; i < whole; i++)
            edges[i] = INFINITY;
        lanes->inputs[f].count = whole;
    }
    return true;
}

/* How many of the input's thresholds lie below the value; the array has a power of two less one of them. */
static inline uint32_t bin_of(const double *edges, uint32_t count, double value) {
    uint32_t below = 0;
    for (uint32_t half = (count + 1) / 2; half > 0; half /= 2)
        below += edges[below + half - 1] < value ? half : 0;
    return below;
}

struct placing {
    struct lanes *lanes;
    const struct forest *forest;
    struct lane_node *nodes; /* of the group */
    struct lane_group *group;
    uint32_t lane, node_count, leaf_count;
};

static bool fits(const struct forest *forest, uint32_t at, uint32_t *leaves, uint32_t *nodes) {
    const struct node *node = &forest->nodes[at];
    if (!node->step)
        return ++*leaves <= LANES;
    ++*nodes;
    return *nodes < LANES && fits(forest, node->child, leaves, nodes) && fits(forest, node->child + 1, leaves, nodes);
}

/* Numbers a subtree in preorder; returns its root's number or its leaf's code. */
static uint8_t place_node(struct placing *p, uint32_t at) {
    const struct node *node = &p->forest->nodes[at];
    if (!node->step) {
        p->group->leaves[p->lane][p->leaf_count] = node->threshold;
        return (uint8_t)(LEAF | p->leaf_count++);
    }
    const struct edges *edges = &p->lanes->inputs[node->feature];
    struct lane_node *out = &p->nodes[p->node_count];
    uint8_t number = (uint8_t)p->node_count++;
    out->input[p->lane] = (uint8_t)node->feature;
    out->place[p->lane] = (uint8_t)bin_of(p->lanes->edges + edges->first, edges->count, node->threshold);
    out->nan_left |= (uint64_t)((node->flags & NODE_NAN_LEFT) != 0) << p->lane;
    out->left[p->lane] = place_node(p, node->child);
    out->right[p->lane] = place_node(p, node->child + 1);
    return number;
}

/* The root of the tree with this number in tree order. */
static void roots_in_order(const struct forest *forest, uint32_t *roots) {
    for (uint32_t i = 0; i < forest->tree_count; i++)
        roots[i / FOREST_BLOCK * FOREST_BLOCK + forest->places[i]] = forest->roots[i];
}

static bool take_nodes(struct lanes *lanes, const struct forest *forest, const uint32_t *roots) {
    for (uint32_t t = 0; t < forest->tree_count; t++) {
        uint32_t leaves = 0, nodes = 0;
        if (!fits(forest, roots[t], &leaves, &nodes))
            return false;
        lanes->node_count = nodes > lanes->node_count ? nodes : lanes->node_count;
    }
    uint32_t together = LANES * TOGETHER;
    lanes->group_count = (forest->tree_count + together - 1) / together * TOGETHER;
    size_t nodes_bytes = (size_t)lanes->group_count * (lanes->node_count + 1) * sizeof *lanes->nodes;
    size_t groups_bytes = (size_t)lanes->group_count * sizeof *lanes->groups;
    lanes->nodes = aligned_alloc(64, nodes_bytes);
    lanes->groups = aligned_alloc(64, groups_bytes);
    if (lanes->nodes == NULL || lanes->groups == NULL)
        return false;
    memset(lanes->nodes, 0, nodes_bytes);
    memset(lanes->groups, 0, groups_bytes);
    for (uint32_t g = 0; g < lanes->group_count; g++)
        memset(lanes->groups[g].start, LEAF, LANES);
    for (uint32_t t = 0; t < forest->tree_count; t++) {
        uint32_t g = t / LANES;
        struct placing placing = {.lanes = lanes,
                                  .forest = forest,
                                  .nodes = lanes->nodes + (size_t)g * lanes->node_count,
                                  .group = &lanes->groups[g],
                                  .lane = t % LANES};
        lanes->groups[g].start[t % LANES] = place_node(&placing, roots[t]);
    }
    return true;
}

struct lanes *lanes_make(const struct forest *forest) {
    if (!__builtin_cpu_supports("avx512vbmi") || !__builtin_cpu_supports("avx512bw") ||
        forest->input_count > INPUTS_MAX || forest->zero_missing)
        return NULL;
    struct lanes *lanes = calloc(1, sizeof *lanes);
    uint32_t *roots = calloc((size_t)forest->tree_count + 1, sizeof *roots);
    bool good = lanes != NULL && roots != NULL;
    if (good) {
        lanes->input_count = forest->input_count;
        roots_in_order(forest, roots);
        good = take_edges(lanes, forest) && take_nodes(lanes, forest, roots);
    }
    free(roots);
    if (!good) {
        lanes_free(lanes);
        lanes = NULL;
    }
    return lanes;
}

void lanes_free(struct lanes *lanes) {
    if (lanes == NULL)
        return;
    free(lanes->edges);
    free(lanes->nodes);
    free(lanes->groups);
    free(lanes);
}

/* --- walking --- */

#define VBMI __attribute__((target("avx512f,avx512bw,avx512vbmi")))

/* The codes of the leaves that the trees of TOGETHER groups reach. */
VBMI static void walk_groups(const struct lanes *lanes, uint32_t first, const uint8_t *bins,
                             uint8_t codes[TOGETHER][LANES]) {
    const __m512i low = _mm512_loadu_si512(bins), high = _mm512_loadu_si512(bins + LANES);
    const __m512i nan = _mm512_set1_epi8((char)NAN_BIN);
    const struct lane_node *nodes = lanes->nodes + (size_t)first * lanes->node_count;
    __m512i at[TOGETHER];
    for (int k = 0; k < TOGETHER; k++)
        at[k] = _mm512_load_si512(lanes->groups[first + (uint32_t)k].start);
    for (uint32_t j = 0; j < lanes->node_count; j++) {
        const __m512i number = _mm512_set1_epi8((char)j);
#pragma GCC unroll 4
        for (uint32_t k = 0; k < TOGETHER; k++) {
            const struct lane_node *node = &nodes[(size_t)k * lanes->node_count + j];
            __m512i found = _mm512_permutex2var_epi8(low, _mm512_load_si512(node->input), high);
            __mmask64 right = _mm512_cmpgt_epu8_mask(found, _mm512_load_si512(node->place)) &
                              ~(_mm512_cmpeq_epi8_mask(found, nan) & node->nan_left);
            __m512i next = _mm512_mask_mov_epi8(_mm512_load_si512(node->left), right, _mm512_load_si512(node->right));
            at[k] = _mm512_mask_mov_epi8(at[k], _mm512_cmpeq_epi8_mask(at[k], number), next);
        }
    }
    for (int k = 0; k < TOGETHER; k++)
        _mm512_storeu_si512(codes[k], at[k]);
}

void lanes_walk(const struct lanes *lanes, const double *row, uint32_t first, uint32_t count, double *leaves) {
    uint8_t bins[INPUTS_MAX] = {0}, codes[TOGETHER][LANES];
    ASSERT(first % (LANES * TOGETHER) == 0 && (first + count - 1) / LANES < lanes->group_count);
    for (uint32_t f = 0; f < lanes->input_count; f++) {
        const struct edges *edges = &lanes->inputs[f];
        uint32_t bin = bin_of(lanes->edges + edges->first, edges->count, row[f]);
        bins[f] = isnan(row[f]) ? NAN_BIN : (uint8_t)bin;
    }
    for (uint32_t t = 0; t < count; t += LANES * TOGETHER) {
        uint32_t group = (first + t) / LANES;
        walk_groups(lanes, group, bins, codes);
        for (uint32_t k = 0; k < LANES * TOGETHER && t + k < count; k++) {
            uint8_t code = codes[k / LANES][k % LANES];
            ASSERT(code & LEAF);
            leaves[t + k] = lanes->groups[group + k / LANES].leaves[k % LANES][code & (LANES - 1)];
        }
    }
}

#else

struct lanes *lanes_make(const struct forest *forest) { return NULL; }
void lanes_free(struct lanes *lanes) { ASSERT(lanes == NULL); }
void lanes_walk(const struct lanes *lanes, const double *row, uint32_t first, uint32_t count, double *leaves) {
    UNREACHABLE();
}

#endif
