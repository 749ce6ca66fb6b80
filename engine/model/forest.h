/* Decision trees as a table: one representation for every framework, as read.c fills it and forest.c walks it. Private
 * to the room.
 *
 * All trees' nodes lie in one array, each tree breadth first, so that a tree's upper levels share cache lines. The two
 * children of a node are neighbours: from a node one goes to `child` (left) or `child + 1` (right). A leaf has step 0
 * and is its own child, so that a walk may go on past it: the trees of a group take the same number of steps.
 *
 * Every split is one of two kinds, whatever the framework:
 *   number    value <= threshold goes left. A framework that compares float32 values with `<` has its rows rounded to
 *             float32 (ROW_FLOAT32) and the next smaller float32 as threshold: the same decision for every value.
 *   category  the value's whole part is looked up in a set of bits: in it goes left. What is negative, NaN or beyond
 * the set goes where the flags say. Oblivious (symmetric) trees are written out as ordinary ones. */
#ifndef ASSAY_MODEL_FOREST_H
#define ASSAY_MODEL_FOREST_H

#include "model.h"

enum {
    FOREST_GROUP = 8, /* trees that are walked together, so that their cache misses and latencies overlap */
    FOREST_BLOCK =
        512, /* trees among which groups are made of equally deep ones; their leaves are added in tree order */
};

/* As they stand in the model's part; NODE_LEAF only there. */
enum {
    NODE_NAN_LEFT = 1,
    NODE_ZERO_IS_MISSING = 2, /* zero goes where NODE_ZERO_LEFT says */
    NODE_ZERO_LEFT = 4,
    NODE_CATEGORY = 8,
    NODE_OUT_LEFT = 16, /* a category below zero or beyond the set goes left; without: right, and -0.5 is category 0 */
    NODE_LINEAR = 32,   /* a leaf with a linear function */
    NODE_LEAF = 128,
};

struct node {
    union {
        double threshold; /* of a leaf: its value */
        struct {
            uint32_t first_word, words; /* of the category's set, in forest->words */
        } set;
    };
    uint32_t child; /* index into the forest's nodes */
    uint16_t feature;
    uint8_t step; /* 1; 0 for a leaf */
    uint8_t flags;
};
_Static_assert(sizeof(struct node) == 16, "four nodes a cache line");

/* What is done to a row before it is walked. */
enum row_rule {
    ROW_DOUBLE,  /* nothing */
    ROW_ZERO,    /* LightGBM: what is at most 1e-35f in magnitude is zero */
    ROW_FLOAT32, /* XGBoost, CatBoost, sklearn's trees: rounded to float32 */
    ROW_RULES
};

/* How leaves are added, always in tree order. */
enum sum_rule {
    SUM_DOUBLE,  /* from `start` */
    SUM_FLOAT32, /* every partial sum rounded to float32 */
    SUM_RULES
};

/* A leaf's linear function: constant + sum of weights[i] * value[inputs[i]]; the leaf's own value if one is NaN. */
struct leaf_line {
    uint32_t node;         /* sorted by it */
    uint32_t first, count; /* in line_inputs and line_weights */
    double constant;
};

struct forest {
    struct node *nodes;
    double *covers;       /* per node: how much training weight reached it; NULL: the part has none */
    uint32_t *words;      /* the sets of categories */
    uint32_t *tree_roots; /* in tree order */
    uint32_t *tree_sizes; /* nodes */
    uint32_t *tree_depths;
    uint32_t *roots;       /* per place: trees by block and depth, then the idle leaf up to a whole group */
    uint16_t *places;      /* per place: which tree of its block that is; FOREST_BLOCK: none */
    uint32_t *group_steps; /* per group: the depth of its deepest tree */
    struct leaf_line *lines;
    uint16_t *line_inputs;
    double *line_weights;
    double *starts, *after; /* per output: what the sum begins with, and what is added to it at the end */
    struct fast *fast;      /* the fast way, or NULL (fast.h) */
    enum model_path path;
    uint32_t node_count, word_count, tree_count, group_count, line_count, line_weight_count;
    uint32_t input_count, output_count; /* tree t belongs to output t % output_count */
    enum row_rule row_rule;
    enum sum_rule sum_rule;
    bool zero_missing; /* some node takes zero as missing */
    bool categories;   /* some node splits by category */
    double divisor;    /* of the sum: a framework that averages; 1: none */
};

/* Finishes a forest whose trees are there: groups for the walk, and the fast way if it fits. False: no memory. */
bool forest_finish(struct forest *forest);
/* Frees what it holds. */
void forest_release(struct forest *forest);
/* out[output_count] = ((starts + leaves in tree order) / divisor) + after, for a row of input_count doubles. */
void forest_predict(const struct forest *forest, const double *row, double *out);
/* Makes of a row what the trees look at. Returns whether it holds a NaN. */
bool forest_row(const struct forest *forest, const double *row, double *out);
/* The node that a row of forest_row goes to from a split. */
uint32_t forest_next(const struct forest *forest, uint32_t node, const double *row);
/* What a leaf gives for a row of forest_row: its value, or its linear function's. */
double forest_leaf(const struct forest *forest, uint32_t node, const double *row);
/* out[count][output_count] for rows behind each other, of `stride` doubles each: the same bits as one by one. */
void forest_predict_rows(const struct forest *forest, const double *rows, size_t stride, uint32_t count, double *out);

#endif
