/* Any tree over a row of float32 (fast.h), eight bytes a node: for forests whose thresholds are too many for bytes, as
 * those of sklearn over continuous inputs. Walked as compact.c walks its nodes, sixteen trees together, so that their
 * cache misses overlap: such forests are larger than the caches. A leaf's step is 0 and its threshold infinite, which
 * nothing is above; a row with a NaN is walked by forest.c instead. Plain C. */
#include <math.h>
#include <stdlib.h>

#include "../base/assert.h"
#include "fast.h"

enum { INPUT_BITS = 12 };
_Static_assert(LIMIT_MODEL_INPUTS <= 1u << INPUT_BITS, "an input's number fits");

struct float_node {
    float threshold;
    uint32_t link; /* the step to the left child, whose neighbour is the right one; below it the input */
};

struct deep {
    const struct forest *forest;
    struct float_node *nodes; /* numbered as the forest's; the slots of leaves too */
};

static void release(void *own) {
    struct deep *d = own;
    free(d->nodes);
    free(d);
}

static float float_below(double threshold) {
    float near = (float)threshold;
    return (double)near > threshold ? nextafterf(near, -INFINITY) : near;
}

static inline void step_all(const struct float_node *nodes, const float *row, uint32_t at[FAST_PAIR]) {
#pragma GCC unroll 16
    for (int k = 0; k < FAST_PAIR; k++) {
        const struct float_node *node = &nodes[at[k]];
        uint32_t link = node->link;
        at[k] += (link >> INPUT_BITS) + (uint32_t)(row[link & ((1u << INPUT_BITS) - 1)] > node->threshold);
    }
}

static void walk(const void *own, const uint8_t *bytes, uint32_t first, uint32_t count, uint32_t *slots) {
    const struct deep *d = own;
    const struct forest *forest = d->forest;
    const float *row = (const float *)(const void *)bytes;
    uint32_t groups = (first + count + FOREST_GROUP - 1) / FOREST_GROUP, ends[FOREST_BLOCK + 1];
    ASSERT(first % FOREST_BLOCK == 0 && count <= FOREST_BLOCK);
    for (uint32_t group = first / FOREST_GROUP; group < groups; group += 2) {
        uint32_t at[FAST_PAIR], last = group + 1 < groups ? group + 1 : group;
        pair_begin(forest, group, last, at);
        for (uint32_t i = 0; i < forest->group_steps[last]; i++)
            step_all(d->nodes, row, at);
        pair_end(forest, group, last, at, ends);
    }
    memcpy(slots, ends, count * sizeof *slots);
}

bool deep_make(const struct forest *forest, const struct columns *columns, struct leaves *leaves, struct table *table) {
    if (forest->row_rule != ROW_FLOAT32 || forest->categories || forest->zero_missing || columns != NULL)
        return false;
    struct deep *d = calloc(1, sizeof *d);
    if (d == NULL)
        return false;
    d->forest = forest;
    d->nodes = calloc((size_t)forest->node_count + 1, sizeof *d->nodes);
    bool good = d->nodes != NULL && leaves_make(leaves, forest, forest->node_count + 1);
    for (uint32_t i = 0; i <= forest->node_count && good; i++) {
        const struct node *node = &forest->nodes[i];
        if (node->step) {
            uint32_t step = node->child - i;
            good = step < 1u << (32 - INPUT_BITS) && !isnan(node->threshold);
            d->nodes[i] = (struct float_node){float_below(node->threshold), step << INPUT_BITS | node->feature};
        } else {
            d->nodes[i] = (struct float_node){INFINITY, 0};
            leaves_put(leaves, forest, i, i);
        }
    }
    if (!good) {
        release(d);
        return false;
    }
    *table = (struct table){.own = d, .walk = walk, .release = release, .chunk = FOREST_BLOCK};
    return true;
}
