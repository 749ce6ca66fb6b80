/* Sixty-four trees in the byte lanes of one register (fast.h), for trees of at most 64 leaves, however unbalanced.
 *
 * The nodes of a tree are numbered in preorder, so parents come before their children and a left child is the next
 * node. For node number j of 64 trees at once: the bytes of the columns that the lanes' nodes look at are picked out of
 * the row, compared with the nodes' places, and the lanes that stand at j go on: left to j + 1, right to the stored
 * number, or to a leaf's code, which has the top bit set. The leaf left of node j has number j; leaves that are right
 * children take the numbers that are left over. No branch, no gather; the tables are streamed once. Four groups are
 * walked together, to hide the latency of each. */
#include <stdlib.h>

#include "../base/assert.h"
#include "fast.h"
#include "vectors.h"

#if defined(__x86_64__)

enum { LANES = 64, LEAF = 0x80, TOGETHER = 2, ADDED = 3 }; /* ADDED: leaves that are added beside a node's steps */

struct lane_node {
    _Alignas(64) uint8_t columns[LANES];
    uint8_t places[LANES], left[LANES], right[LANES];
};

struct lanes {
    struct lane_node *nodes; /* [group][node] */
    uint8_t *starts;         /* [group][lane]: 0, or a leaf's code where the tree is one leaf or there is none */
    uint32_t *leaf_first;    /* per tree */
    uint32_t node_count, group_count, tree_count;
};

/* --- making the tables --- */

static void release(void *own) {
    struct lanes *lanes = own;
    free(lanes->nodes);
    free(lanes->starts);
    free(lanes->leaf_first);
    free(lanes);
}

struct placing {
    struct lanes *lanes;
    const struct forest *forest;
    const struct columns *columns;
    struct leaves *leaves;
    uint32_t tree, node_count;
    uint64_t left_leaves, free_numbers; /* of the tree: nodes whose left child is a leaf; the numbers left over */
};

/* Numbers a subtree of splits in preorder and marks its left leaves. */
static void number_nodes(struct placing *p, uint32_t at) {
    const struct node *node = &p->forest->nodes[at];
    uint64_t bit = (uint64_t)1 << p->node_count++;
    if (p->forest->nodes[node->child].step)
        number_nodes(p, node->child);
    else
        p->left_leaves |= bit;
    if (p->forest->nodes[node->child + 1].step)
        number_nodes(p, node->child + 1);
}

static void put_leaf(struct placing *p, uint32_t number, uint32_t at) {
    leaves_put(p->leaves, p->forest, p->lanes->leaf_first[p->tree] + number, at);
}

/* Lays a subtree of splits; returns its root's number. */
static uint8_t place_node(struct placing *p, uint32_t at) {
    const struct node *node = &p->forest->nodes[at];
    uint32_t number = p->node_count++, lane = p->tree % LANES;
    size_t index = (size_t)(p->tree / LANES) * p->lanes->node_count + number;
    struct lane_node *out = &p->lanes->nodes[index];
    struct decision own = columns_decision(p->columns, at);
    out->columns[lane] = own.column;
    out->places[lane] = own.place;
    if (p->forest->nodes[node->child].step) {
        out->left[lane] = place_node(p, node->child);
    } else {
        out->left[lane] = (uint8_t)(LEAF | number);
        put_leaf(p, number, node->child);
    }
    if (p->forest->nodes[node->child + 1].step) {
        out->right[lane] = place_node(p, node->child + 1);
    } else {
        uint32_t leaf = (uint32_t)__builtin_ctzll(p->free_numbers);
        p->free_numbers &= p->free_numbers - 1;
        out->right[lane] = (uint8_t)(LEAF | leaf);
        put_leaf(p, leaf, node->child + 1);
    }
    return (uint8_t)number;
}

static void place_tree(struct placing *p) {
    uint32_t root = p->forest->tree_roots[p->tree], splits = (p->forest->tree_sizes[p->tree] - 1) / 2;
    if (splits == 0) {
        put_leaf(p, 0, root);
        return;
    }
    p->node_count = 0;
    number_nodes(p, root);
    ASSERT(p->node_count == splits && splits < LANES);
    p->free_numbers = ~p->left_leaves & (splits == LANES - 1 ? ~(uint64_t)0 : ((uint64_t)2 << splits) - 1);
    p->node_count = 0;
    p->lanes->starts[p->tree] = place_node(p, root);
}

static bool lanes_alloc(struct lanes *lanes) {
    size_t nodes = (size_t)lanes->group_count * lanes->node_count + 1, places = (size_t)lanes->group_count * LANES;
    lanes->nodes = aligned_alloc(64, nodes * sizeof *lanes->nodes);
    lanes->starts = malloc(places + 1);
    lanes->leaf_first = calloc(places + 1, sizeof *lanes->leaf_first);
    if (lanes->nodes == NULL || lanes->starts == NULL || lanes->leaf_first == NULL)
        return false;
    memset(lanes->nodes, 0, nodes * sizeof *lanes->nodes);
    memset(lanes->starts, LEAF, places + 1);
    return true;
}

/* --- walking --- */

VBMI_INLINE double walk_groups(const struct lanes *lanes, const struct byte_row *row, uint32_t first, uint32_t *slots,
                               struct adding adding, const int registers, const uint32_t together) {
    const struct lane_node *nodes = lanes->nodes + (size_t)first * lanes->node_count;
    uint32_t count = lanes->node_count, added = 0;
    __m512i at[TOGETHER];
    for (uint32_t k = 0; k < together; k++)
        at[k] = _mm512_loadu_si512(lanes->starts + (size_t)(first + k) * LANES);
    __m512i number = _mm512_setzero_si512();
    for (uint32_t j = 0; j < count; j++, number = _mm512_add_epi8(number, _mm512_set1_epi8(1))) {
#pragma GCC unroll 4
        for (uint32_t k = 0; k < together; k++) {
            const struct lane_node *node = &nodes[(size_t)k * count + j];
            __m512i found = byte_row_pick(row, _mm512_load_si512(node->columns), registers);
            __mmask64 right = _mm512_cmpgt_epu8_mask(found, _mm512_load_si512(node->places));
            __m512i to = _mm512_mask_mov_epi8(_mm512_load_si512(node->left), right, _mm512_load_si512(node->right));
            at[k] = _mm512_mask_mov_epi8(at[k], _mm512_cmpeq_epi8_mask(at[k], number), to);
        }
        if (added + ADDED <= adding.count) {
#pragma GCC unroll 3
            for (uint32_t i = 0; i < ADDED; i++)
                adding.sum += adding.values[adding.slots[added + i]];
            added += ADDED;
        }
    }
    for (; added < adding.count; added++)
        adding.sum += adding.values[adding.slots[added]];
    const __m512i numbers = _mm512_set1_epi32(LANES - 1);
    for (uint32_t k = 0; k < together; k++)
        for (uint32_t i = 0; i < LANES; i += 16) {
            uint8_t codes[LANES];
            _mm512_storeu_si512(codes, at[k]);
            __m512i wide = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(codes + i)));
            __m512i from = _mm512_loadu_si512(lanes->leaf_first + (size_t)(first + k) * LANES + i);
            _mm512_storeu_si512(slots + k * LANES + i, _mm512_add_epi32(from, _mm512_and_si512(wide, numbers)));
        }
    return adding.sum;
}

/* slots have room up to a whole group. */
VBMI_INLINE double walk_vectors(const struct lanes *lanes, const uint8_t *bytes, uint32_t first, uint32_t count,
                                uint32_t *slots, struct adding adding, const int registers) {
    struct byte_row row = byte_row_load(bytes, registers);
    uint32_t group = first / LANES;
    if (count <= LANES)
        return walk_groups(lanes, &row, group, slots, adding, registers, 1);
    return walk_groups(lanes, &row, group, slots, adding, registers, TOGETHER);
}

#define WALKS(n)                                                                                                       \
    VBMI static double adding_##n(const void *own, const uint8_t *bytes, uint32_t first, uint32_t count,               \
                                  uint32_t *slots, struct adding adding) {                                             \
        return walk_vectors(own, bytes, first, count, slots, adding, n);                                               \
    }                                                                                                                  \
    VBMI static void walk_##n(const void *own, const uint8_t *bytes, uint32_t first, uint32_t count,                   \
                              uint32_t *slots) {                                                                       \
        walk_vectors(own, bytes, first, count, slots, (struct adding){0}, n);                                          \
    }
WALKS(1)
WALKS(2)
WALKS(4)

bool lanes_make(const struct forest *forest, const struct columns *columns, struct leaves *leaves,
                struct table *table) {
    uint32_t most = 0, total = 0;
    for (uint32_t t = 0; t < forest->tree_count; t++)
        most = forest->tree_sizes[t] > most ? forest->tree_sizes[t] : most;
    if (!fast_vectors(forest) || most > 2 * LANES - 1)
        return false;
    struct lanes *lanes = calloc(1, sizeof *lanes);
    if (lanes == NULL)
        return false;
    lanes->tree_count = forest->tree_count;
    lanes->node_count = most / 2;
    lanes->group_count = (forest->tree_count + LANES - 1) / LANES;
    bool good = lanes_alloc(lanes);
    for (uint32_t t = 0; t < forest->tree_count && good; t++) {
        lanes->leaf_first[t] = total;
        total += (forest->tree_sizes[t] + 1) / 2;
    }
    if (!good || !leaves_make(leaves, forest, total)) {
        release(lanes);
        return false;
    }
    for (uint32_t t = 0; t < forest->tree_count; t++) {
        struct placing placing = {.lanes = lanes, .forest = forest, .columns = columns, .leaves = leaves, .tree = t};
        place_tree(&placing);
    }
    uint32_t count = columns_count(columns);
    *table = (struct table){.own = lanes, .release = release, .chunk = LANES * TOGETHER};
    table->walk = count <= 64 ? walk_1 : count <= 128 ? walk_2 : walk_4;
    table->walk_adding = count <= 64 ? adding_1 : count <= 128 ? adding_2 : adding_4;
    return true;
}

#else

bool lanes_make(const struct forest *forest, const struct columns *columns, struct leaves *leaves,
                struct table *table) {
    return false;
}

#endif
