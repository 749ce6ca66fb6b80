/* A model's table, as lightgbm.c fills it and model.c walks it. Private to the room.
 *
 * All trees' nodes lie in one array, each tree breadth first, so that a tree's upper levels share cache lines. The two
 * children of a node are neighbours: from a node one goes to `child` (left) or `child + 1` (right). A leaf has step 0
 * and is its own child, so that a walk may go on past it: the trees of a group take the same number of steps. */
#ifndef ASSAY_MODEL_FOREST_H
#define ASSAY_MODEL_FOREST_H

#include "model.h"

enum {
    FOREST_GROUP = 8,   /* trees that are walked together, so that their cache misses and latencies overlap */
    FOREST_BLOCK = 512, /* trees among which groups are made of equally deep ones; their leaves are added in tree order */
};

enum { NODE_NAN_LEFT = 1, NODE_ZERO_IS_MISSING = 2, NODE_ZERO_LEFT = 4 };

struct node {
    double threshold; /* value <= threshold goes left; of a leaf: its value */
    uint32_t child;   /* index into the model's nodes */
    uint16_t feature;
    uint8_t step; /* 1; 0 for a leaf */
    uint8_t flags;
};
_Static_assert(sizeof(struct node) == 16, "four nodes a cache line");

enum transform {
    TRANSFORM_NONE,
    TRANSFORM_SQUARE, /* sign(x) x^2, for a model of the square root */
    TRANSFORM_EXP,
    TRANSFORM_SIGMOID, /* 1 / (1 + exp(-sigmoid x)), each output */
    TRANSFORM_LOG1P_EXP,
    TRANSFORM_SOFTMAX,
};

struct model {
    struct node *nodes;
    uint32_t *roots;       /* per place: trees by block and depth, then the idle leaf up to a whole group */
    uint16_t *places;      /* per place: which tree of its block that is; FOREST_BLOCK: none */
    uint32_t *group_steps; /* per group: the depth of its deepest tree */
    struct lanes *lanes;   /* the fast way, or NULL (lanes.h) */
    uint32_t node_count, tree_count, group_count;
    uint32_t input_count, output_count; /* trees are ordered by iteration, then output */
    bool zero_missing;                  /* some node takes zero as missing */
    bool average;                       /* predict divides by the number of iterations */
    enum transform transform;
    double sigmoid;
    char *names; /* the inputs' names, one after another */
    struct str *input_names;
};

#endif
