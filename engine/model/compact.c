/* Any tree in plain C (fast.h): four bytes a node, walked as forest.c walks its sixteen bytes a node, but over a row's
 * bytes. A leaf's step is 0 and its place is never passed, so that a walk may go on past it. */
#include <stdlib.h>

#include "../base/assert.h"
#include "fast.h"

enum { NEVER = 255 };

struct small_node {
    uint16_t step; /* to the left child; the right one is next to it. 0: a leaf */
    uint8_t column, place;
};

struct compact {
    const struct forest *forest;
    struct small_node *nodes; /* numbered as the forest's; the slots of leaves too */
};

static void release(void *own) {
    struct compact *c = own;
    free(c->nodes);
    free(c);
}

static inline void step_all(const struct small_node *nodes, const uint8_t *bytes, uint32_t at[FAST_PAIR]) {
#pragma GCC unroll 16
    for (int k = 0; k < FAST_PAIR; k++) {
        const struct small_node *node = &nodes[at[k]];
        at[k] += node->step + (uint32_t)(bytes[node->column] > node->place);
    }
}

static void walk(const void *own, const uint8_t *bytes, uint32_t first, uint32_t count, uint32_t *slots) {
    const struct compact *c = own;
    const struct forest *forest = c->forest;
    uint32_t groups = (first + count + FOREST_GROUP - 1) / FOREST_GROUP, ends[FOREST_BLOCK + 1];
    ASSERT(first % FOREST_BLOCK == 0 && count <= FOREST_BLOCK);
    for (uint32_t group = first / FOREST_GROUP; group < groups; group += 2) {
        uint32_t at[FAST_PAIR], last = group + 1 < groups ? group + 1 : group;
        pair_begin(forest, group, last, at);
        for (uint32_t i = 0; i < forest->group_steps[last]; i++)
            step_all(c->nodes, bytes, at);
        pair_end(forest, group, last, at, ends);
    }
    memcpy(slots, ends, count * sizeof *slots);
}

bool compact_make(const struct forest *forest, const struct columns *columns, struct leaves *leaves,
                  struct table *table) {
    struct compact *c = calloc(1, sizeof *c);
    if (c == NULL)
        return false;
    c->forest = forest;
    c->nodes = calloc((size_t)forest->node_count + 1, sizeof *c->nodes);
    bool good = c->nodes != NULL && leaves_make(leaves, forest, forest->node_count + 1);
    for (uint32_t i = 0; i <= forest->node_count && good; i++) {
        const struct node *node = &forest->nodes[i];
        c->nodes[i] = (struct small_node){0, 0, NEVER};
        if (node->step) {
            struct decision own = columns_decision(columns, i);
            good = node->child - i <= UINT16_MAX;
            c->nodes[i] = (struct small_node){(uint16_t)(node->child - i), own.column, own.place};
        } else {
            leaves_put(leaves, forest, i, i);
        }
    }
    if (!good) {
        release(c);
        return false;
    }
    *table = (struct table){.own = c, .walk = walk, .release = release, .chunk = FOREST_BLOCK};
    return true;
}
