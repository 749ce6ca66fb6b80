/* Walking a forest (forest.h) with its framework's own bits: rows are made what the framework compares, decisions are
 * its decisions, and leaves are added in tree order in its precision. Called for every scored event; allocates nothing.
 */
#include "forest.h"

#include <math.h>
#include <stdlib.h>

#include "../base/assert.h"
#include "fast.h"

static const double zero_threshold = 1e-35f; /* LightGBM's: a float constant widened */

void forest_release(struct forest *forest) {
    free(forest->nodes);
    free(forest->covers);
    free(forest->words);
    free(forest->tree_roots);
    free(forest->tree_sizes);
    free(forest->tree_depths);
    free(forest->roots);
    free(forest->places);
    free(forest->group_steps);
    free(forest->lines);
    free(forest->line_inputs);
    free(forest->line_weights);
    free(forest->starts);
    free(forest->after);
    fast_free(forest->fast);
    *forest = (struct forest){0};
}

/* --- groups --- */

struct deep_tree {
    uint32_t root, depth;
    uint16_t place; /* in its block */
};

static int by_depth(const void *a, const void *b) {
    const struct deep_tree *x = a, *y = b;
    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* Sorts a block's trees by depth and puts them where they are walked. */
static void order_block(struct forest *forest, uint32_t first, uint32_t count) {
    struct deep_tree trees[FOREST_BLOCK];
    for (uint32_t i = 0; i < count; i++)
        trees[i] = (struct deep_tree){forest->tree_roots[first + i], forest->tree_depths[first + i], (uint16_t)i};
    qsort(trees, count, sizeof *trees, by_depth);
    for (uint32_t i = 0; i < count; i++) {
        forest->roots[first + i] = trees[i].root;
        forest->places[first + i] = trees[i].place;
        forest->group_steps[(first + i) / FOREST_GROUP] = trees[i].depth; /* the last of a group is its deepest */
    }
}

bool forest_finish(struct forest *forest) {
    _Static_assert(FOREST_BLOCK % FOREST_GROUP == 0, "only the last group of all has idle places");
    ASSERT(forest->nodes[forest->node_count].step == 0); /* the reader leaves the idle leaf behind the last tree */
    forest->group_count = (forest->tree_count + FOREST_GROUP - 1) / FOREST_GROUP;
    size_t places = (size_t)forest->group_count * FOREST_GROUP;
    forest->group_steps = calloc((size_t)forest->group_count + 1, sizeof *forest->group_steps);
    forest->places = calloc(places + 1, sizeof *forest->places);
    forest->roots = calloc(places + 1, sizeof *forest->roots);
    if (forest->group_steps == NULL || forest->places == NULL || forest->roots == NULL)
        return false;
    for (uint32_t i = forest->tree_count; i < places; i++) {
        forest->roots[i] = forest->node_count;
        forest->places[i] = FOREST_BLOCK;
    }
    for (uint32_t i = 0; i < forest->tree_count; i += FOREST_BLOCK)
        order_block(forest, i, forest->tree_count - i < FOREST_BLOCK ? forest->tree_count - i : FOREST_BLOCK);
    forest->fast = fast_make(forest);
    return true;
}

/* --- walking --- */

bool forest_row(const struct forest *forest, const double *row, double *out) {
    bool nan = false;
    switch (forest->row_rule) {
    case ROW_ZERO:
        for (uint32_t i = 0; i < forest->input_count; i++) {
            double value = row[i];
            nan |= isnan(value);
            out[i] = fabs(value) <= zero_threshold ? 0.0 : value;
        }
        return nan;
    case ROW_FLOAT32:
        for (uint32_t i = 0; i < forest->input_count; i++) {
            nan |= isnan(row[i]);
            out[i] = (double)(float)row[i];
        }
        return nan;
    case ROW_DOUBLE:
        for (uint32_t i = 0; i < forest->input_count; i++) {
            nan |= isnan(row[i]);
            out[i] = row[i];
        }
        return nan;
    case ROW_RULES: break;
    }
    UNREACHABLE();
}

static uint32_t category_goes_right(const struct forest *forest, const struct node *node, double value) {
    if (isnan(value))
        return !(node->flags & NODE_NAN_LEFT);
    double out_right = !(node->flags & NODE_OUT_LEFT);
    if (value <= -1 || (value < 0 && !out_right) || value >= 32.0 * node->set.words)
        return out_right != 0;
    uint32_t at = (uint32_t)(value < 0 ? 0 : value);
    ASSERT(node->set.first_word + at / 32 < forest->word_count);
    return !(forest->words[node->set.first_word + at / 32] >> (at % 32) & 1);
}

enum row_kind { KIND_PLAIN, KIND_NAN, KIND_ALL };

/* 1 to go right. NODE_NAN_LEFT says where a NaN goes, whatever the reason (the direction of missing values, or zero's
 * place beside the threshold where NaN stands for zero). */
static inline uint32_t goes_right(const struct forest *forest, const struct node *node, double value,
                                  enum row_kind kind) {
    if (kind == KIND_ALL && (node->flags & NODE_CATEGORY))
        return category_goes_right(forest, node, value) & node->step;
    bool right = !(value <= node->threshold);
    if (kind >= KIND_NAN)
        right &= !((value != value) & (node->flags & NODE_NAN_LEFT));
    if (kind == KIND_ALL && (node->flags & NODE_ZERO_IS_MISSING) && value == 0.0)
        right = !(node->flags & NODE_ZERO_LEFT);
    return right & node->step;
}

uint32_t forest_next(const struct forest *forest, uint32_t at, const double *row) {
    const struct node *node = &forest->nodes[at];
    ASSERT(node->step == 1);
    return node->child + goes_right(forest, node, row[node->feature], KIND_ALL);
}

/* The leaves that the row reaches in one group's trees. */
static inline void walk(const struct forest *forest, const uint32_t *roots, uint32_t steps, const double *row,
                        enum row_kind kind, double leaves[FOREST_GROUP]) {
    const struct node *nodes = forest->nodes;
    uint32_t at[FOREST_GROUP];
    for (int k = 0; k < FOREST_GROUP; k++)
        at[k] = roots[k];
    for (uint32_t i = 0; i < steps; i++)
#pragma GCC unroll 8
        for (int k = 0; k < FOREST_GROUP; k++) {
            const struct node *node = &nodes[at[k]];
            at[k] = node->child + goes_right(forest, node, row[node->feature], kind);
        }
    for (int k = 0; k < FOREST_GROUP; k++)
        leaves[k] = nodes[at[k]].threshold;
}

/* The leaves of a block's trees, in tree order: leaves[FOREST_BLOCK] takes those of the idle places. */
static void walk_block(const struct forest *forest, uint32_t first_group, uint32_t groups, const double *values,
                       bool nan, double leaves[FOREST_BLOCK + 1]) {
    double found[FOREST_GROUP];
    for (uint32_t group = first_group; group < first_group + groups; group++) {
        const uint32_t *roots = forest->roots + (size_t)group * FOREST_GROUP;
        const uint16_t *places = forest->places + (size_t)group * FOREST_GROUP;
        uint32_t steps = forest->group_steps[group];
        if (forest->zero_missing || forest->categories)
            walk(forest, roots, steps, values, KIND_ALL, found);
        else if (nan)
            walk(forest, roots, steps, values, KIND_NAN, found);
        else
            walk(forest, roots, steps, values, KIND_PLAIN, found);
        for (uint32_t k = 0; k < FOREST_GROUP; k++)
            leaves[places[k]] = found[k];
    }
}

/* --- leaves with a linear function --- */

static const struct leaf_line *line_of(const struct forest *forest, uint32_t node) {
    uint32_t low = 0, high = forest->line_count;
    while (low + 1 < high) {
        uint32_t middle = (low + high) / 2;
        if (forest->lines[middle].node <= node)
            low = middle;
        else
            high = middle;
    }
    ASSERT(low < forest->line_count && forest->lines[low].node == node);
    return &forest->lines[low];
}

double forest_leaf(const struct forest *forest, uint32_t at, const double *row) {
    const struct node *leaf = &forest->nodes[at];
    if (!(leaf->flags & NODE_LINEAR))
        return leaf->threshold;
    const struct leaf_line *line = line_of(forest, at);
    double sum = line->constant;
    for (uint32_t i = line->first; i < line->first + line->count; i++) {
        double value = row[forest->line_inputs[i]];
        if (isnan(value))
            return leaf->threshold;
        sum += forest->line_weights[i] * value;
    }
    return sum;
}

static void walk_lines(const struct forest *forest, uint32_t first, uint32_t count, const double *row, double *leaves) {
    for (uint32_t t = 0; t < count; t++) {
        uint32_t at = forest->tree_roots[first + t];
        while (forest->nodes[at].step)
            at = forest_next(forest, at, row);
        leaves[t] = forest_leaf(forest, at, row);
    }
}

/* --- the sum --- */

static void add_leaves(const struct forest *forest, const double *leaves, uint32_t count, uint32_t output,
                       double *out) {
    if (forest->output_count == 1 && forest->sum_rule == SUM_DOUBLE) {
        double sum = out[0];
        for (uint32_t k = 0; k < count; k++)
            sum += leaves[k];
        out[0] = sum;
        return;
    }
    for (uint32_t k = 0; k < count; k++) {
        double sum = out[output] + leaves[k];
        /* Two float32 added as doubles and rounded once more give the float32 sum: 53 bits are more than 2 * 24 + 2. */
        out[output] = forest->sum_rule == SUM_FLOAT32 ? (double)(float)sum : sum;
        output = output + 1 == forest->output_count ? 0 : output + 1;
    }
}

/* Adds every tree's leaf, node by node. */
static void add_plain(const struct forest *forest, const double *values, bool nan, double *out) {
    double leaves[FOREST_BLOCK + 1];
    for (uint32_t tree = 0, group = 0; tree < forest->tree_count; tree += FOREST_BLOCK) {
        uint32_t trees = forest->tree_count - tree < FOREST_BLOCK ? forest->tree_count - tree : FOREST_BLOCK;
        uint32_t groups = (trees + FOREST_GROUP - 1) / FOREST_GROUP;
        if (forest->line_count > 0)
            walk_lines(forest, tree, trees, values, leaves);
        else
            walk_block(forest, group, groups, values, nan, leaves);
        group += groups;
        add_leaves(forest, leaves, trees, tree % forest->output_count, out);
    }
}

static void finish_sums(const struct forest *forest, double *out) {
    for (uint32_t i = 0; i < forest->output_count; i++) {
        if (forest->divisor != 1)
            out[i] /= forest->divisor;
        if (forest->after[i] != 0)
            out[i] = forest->sum_rule == SUM_FLOAT32 ? (double)(float)(out[i] + forest->after[i])
                                                     : out[i] + forest->after[i];
    }
}

void forest_predict(const struct forest *forest, const double *row, double *out) {
    double values[LIMIT_MODEL_INPUTS];
    ASSERT(forest->input_count <= LIMIT_MODEL_INPUTS && forest->output_count > 0);
    bool nan = forest_row(forest, row, values);
    memcpy(out, forest->starts, forest->output_count * sizeof *out);
    if (forest->fast != NULL && !(nan && fast_needs_numbers(forest->fast)))
        fast_add(forest->fast, values, out);
    else
        add_plain(forest, values, nan, out);
    finish_sums(forest, out);
}

enum { ROWS_INPUTS_MAX = 256 }; /* of rows that are taken together: what the stack holds */

void forest_predict_rows(const struct forest *forest, const double *rows, size_t stride, uint32_t count, double *out) {
    if (forest->fast == NULL || forest->input_count > ROWS_INPUTS_MAX || fast_needs_numbers(forest->fast)) {
        for (uint32_t r = 0; r < count; r++)
            forest_predict(forest, rows + r * stride, out + (size_t)r * forest->output_count);
        return;
    }
    double values[FAST_ROWS][ROWS_INPUTS_MAX];
    const double *taken[FAST_ROWS];
    for (uint32_t first = 0; first < count; first += FAST_ROWS) {
        uint32_t now = count - first < FAST_ROWS ? count - first : FAST_ROWS;
        double *own = out + (size_t)first * forest->output_count;
        for (uint32_t r = 0; r < now; r++) {
            forest_row(forest, rows + (first + r) * stride, values[r]);
            memcpy(own + (size_t)r * forest->output_count, forest->starts, forest->output_count * sizeof *out);
            taken[r] = values[r];
        }
        fast_add_rows(forest->fast, taken, now, own);
        for (uint32_t r = 0; r < now; r++)
            finish_sums(forest, own + (size_t)r * forest->output_count);
    }
}
