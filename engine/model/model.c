/* Prediction from a model's table (forest.h, model.h), with LightGBM's own bits: values are normalized as its predict
 * does (what is at most 1e-35f in magnitude is zero), decisions are its decisions, and leaves are added as doubles in
 * tree order. Called by the engine for every scored event; allocates nothing. */
#include "forest.h"

#include <math.h>
#include <stdlib.h>

#include "../base/assert.h"
#include "lanes.h"

static const double zero_threshold = 1e-35f; /* LightGBM's: a float constant widened */

void model_free(struct model *model) {
    if (model == NULL)
        return;
    free(model->nodes);
    free(model->roots);
    free(model->places);
    lanes_free(model->lanes);
    free(model->group_steps);
    free(model->names);
    free(model->input_names);
    free(model);
}

uint32_t model_input_count(const struct model *model) { return model->input_count; }
uint32_t model_output_count(const struct model *model) { return model->output_count; }
uint32_t model_tree_count(const struct model *model) { return model->tree_count; }

struct str model_input_name(const struct model *model, uint32_t input) {
    ASSERT(input < model->input_count);
    return model->input_names[input];
}

/* --- walking --- */

enum row_kind { ROW_PLAIN, ROW_NAN, ROW_ZERO_MISSING };

/* Copies the row with tiny values made zero. Returns whether it holds a NaN. */
static bool normalize(const double *row, uint32_t count, double *out) {
    bool nan = false;
    for (uint32_t i = 0; i < count; i++) {
        double value = row[i];
        nan |= isnan(value);
        out[i] = fabs(value) <= zero_threshold ? 0.0 : value;
    }
    return nan;
}

/* 1 to go right. NODE_NAN_LEFT says where a NaN goes, whatever the reason (the direction of missing values, or zero's
 * place beside the threshold where NaN stands for zero). */
static inline uint32_t goes_right(const struct node *node, double value, enum row_kind kind) {
    bool right = !(value <= node->threshold);
    if (kind >= ROW_NAN)
        right &= !((value != value) & (node->flags & NODE_NAN_LEFT));
    if (kind == ROW_ZERO_MISSING && (node->flags & NODE_ZERO_IS_MISSING) && value == 0.0)
        right = !(node->flags & NODE_ZERO_LEFT);
    return right & node->step;
}

/* The leaves that the row reaches in one group's trees. */
static inline void walk(const struct node *nodes, const uint32_t *roots, uint32_t steps, const double *row,
                        enum row_kind kind, double leaves[FOREST_GROUP]) {
    uint32_t at[FOREST_GROUP];
    for (int k = 0; k < FOREST_GROUP; k++)
        at[k] = roots[k];
    for (uint32_t i = 0; i < steps; i++)
#pragma GCC unroll 8
        for (int k = 0; k < FOREST_GROUP; k++) {
            const struct node *node = &nodes[at[k]];
            at[k] = node->child + goes_right(node, row[node->feature], kind);
        }
    for (int k = 0; k < FOREST_GROUP; k++)
        leaves[k] = nodes[at[k]].threshold;
}

/* The leaves of a block's trees, in tree order: leaves[FOREST_BLOCK] takes those of the idle places. */
static void walk_block(const struct model *model, uint32_t first_group, uint32_t groups, const double *values, bool nan,
                       double leaves[FOREST_BLOCK + 1]) {
    double found[FOREST_GROUP];
    for (uint32_t group = first_group; group < first_group + groups; group++) {
        const uint32_t *roots = model->roots + (size_t)group * FOREST_GROUP;
        const uint16_t *places = model->places + (size_t)group * FOREST_GROUP;
        uint32_t steps = model->group_steps[group];
        if (model->zero_missing)
            walk(model->nodes, roots, steps, values, ROW_ZERO_MISSING, found);
        else if (nan)
            walk(model->nodes, roots, steps, values, ROW_NAN, found);
        else
            walk(model->nodes, roots, steps, values, ROW_PLAIN, found);
        for (uint32_t k = 0; k < FOREST_GROUP; k++)
            leaves[places[k]] = found[k];
    }
}

void model_predict_raw(const struct model *model, const double *row, double *out) {
    double values[LIMIT_MODEL_INPUTS], leaves[FOREST_BLOCK + 1];
    ASSERT(model->input_count <= LIMIT_MODEL_INPUTS && model->output_count > 0);
    bool nan = normalize(row, model->input_count, values);
    memset(out, 0, model->output_count * sizeof *out);
    uint32_t output = 0;
    for (uint32_t tree = 0, group = 0; tree < model->tree_count; tree += FOREST_BLOCK) {
        uint32_t trees = model->tree_count - tree < FOREST_BLOCK ? model->tree_count - tree : FOREST_BLOCK;
        uint32_t groups = (trees + FOREST_GROUP - 1) / FOREST_GROUP;
        if (model->lanes != NULL)
            lanes_walk(model->lanes, values, tree, trees, leaves);
        else
            walk_block(model, group, groups, values, nan, leaves);
        group += groups;
        for (uint32_t k = 0; k < trees; k++) {
            out[output] += leaves[k];
            output = output + 1 == model->output_count ? 0 : output + 1;
        }
    }
    ASSERT(output == 0);
}

/* --- output transforms --- */

static void softmax(double *out, uint32_t count) {
    double most = out[0], sum = 0;
    for (uint32_t i = 1; i < count; i++)
        most = out[i] < most ? most : out[i];
    for (uint32_t i = 0; i < count; i++) {
        out[i] = exp(out[i] - most);
        sum += out[i];
    }
    for (uint32_t i = 0; i < count; i++)
        out[i] /= sum;
}

static double transformed(const struct model *model, double x) {
    switch (model->transform) {
    case TRANSFORM_NONE: return x;
    case TRANSFORM_SQUARE: return (double)((x > 0) - (x < 0)) * x * x;
    case TRANSFORM_EXP: return exp(x);
    case TRANSFORM_SIGMOID: return 1.0 / (1.0 + exp(-model->sigmoid * x));
    case TRANSFORM_LOG1P_EXP: return log1p(exp(x));
    case TRANSFORM_SOFTMAX: break;
    }
    UNREACHABLE();
}

void model_predict(const struct model *model, const double *row, double *out) {
    model_predict_raw(model, row, out);
    if (model->average)
        for (uint32_t i = 0; i < model->output_count; i++)
            out[i] /= (double)(model->tree_count / model->output_count);
    if (model->transform == TRANSFORM_SOFTMAX) {
        softmax(out, model->output_count);
        return;
    }
    for (uint32_t i = 0; i < model->output_count; i++)
        out[i] = transformed(model, out[i]);
}
