/* Contributions of inputs to a forest's margin (contributions.h).
 *
 * Exact values without enumerating orders: the Shapley value of input i in one tree is, summed over its leaves,
 *   value * integral over t in [0, 1] of (o_i - z_i) * product over the path's other inputs j of (z_j + t (o_j - z_j)),
 * where z_j is the share of the training weight that goes the path's way at j's splits, and o_j is 1 if the row goes that way
 * at all of them, else 0. The product is a polynomial in t of a degree below the number of inputs on the path, so
 * Gauss-Legendre with half as many points is exact. One walk over all nodes carries the product at all points (they are a
 * vector), and on the way back each edge takes its input's share of what the leaves below gave: a sum over edges, which
 * telescopes where an input is split by more than once. An input that the row has left once (o = 0) only scales the product:
 * its further edges give nothing. */
#include "contributions.h"

#include <math.h>
#include <stdlib.h>

#include "../base/assert.h"
#include "steps.h"

enum { DEPTH_MAX = 128, LANES = 8, POINTS_MAX = DEPTH_MAX / 2 };

struct contributions {
    const struct model *model;
    const struct step *step;
    double *expected; /* per node: the mean of the leaves below it */
    double *bias;     /* per output */
    uint32_t points;  /* a multiple of LANES */
    double at[POINTS_MAX], weights[POINTS_MAX], rests[POINTS_MAX], inverses[POINTS_MAX]; /* t, its weight, 1 - t, 1/(1-t) */
};

/* The points and weights of Gauss-Legendre on [0, 1], by Newton's method on the Legendre polynomial. */
static void set_points(struct contributions *c, uint32_t count) {
    c->points = (count + LANES - 1) / LANES * LANES;
    ASSERT(count > 0 && c->points <= POINTS_MAX);
    for (uint32_t i = 0; i < c->points; i++) {
        c->at[i] = 0.5; /* idle points weigh nothing */
        c->weights[i] = 0;
        if (i < count) {
            double x = cos(3.14159265358979323846 * (i + 0.75) / (count + 0.5)), slope = 1;
            for (int round = 0; round < 20; round++) {
                double before = 1, now = x;
                for (uint32_t n = 2; n <= count; n++) {
                    double next = ((2.0 * n - 1) * x * now - (n - 1.0) * before) / n;
                    before = now;
                    now = next;
                }
                slope = count * (x * now - before) / (x * x - 1);
                x -= now / slope;
            }
            c->at[i] = (1 + x) / 2;
            c->weights[i] = 1 / ((1 - x * x) * slope * slope);
        }
        c->rests[i] = 1 - c->at[i];
        c->inverses[i] = 1 / c->rests[i];
    }
}

/* Children stand behind their parents, so one pass from the back gives every node's mean. */
static void set_expected(struct contributions *c) {
    const struct forest *forest = &c->step->forest;
    for (uint32_t i = forest->node_count; i-- > 0;) {
        const struct node *node = &forest->nodes[i];
        c->expected[i] = node->threshold;
        if (node->step) {
            double left = forest->covers[node->child], right = forest->covers[node->child + 1], sum = left + right;
            c->expected[i] =
                sum > 0 ? (left * c->expected[node->child] + right * c->expected[node->child + 1]) / sum : 0;
        }
    }
    for (uint32_t k = 0; k < forest->output_count; k++)
        c->bias[k] = forest->starts[k] / forest->divisor + forest->after[k];
    for (uint32_t t = 0; t < forest->tree_count; t++)
        c->bias[t % forest->output_count] += c->expected[forest->tree_roots[t]] / forest->divisor;
}

/* The reason why a model has no contributions, or NULL. *deepest: of its trees. */
static const char *check(const struct model *model, uint32_t *deepest) {
    const struct step *step = &model->steps[model->raw_step];
    if (step->kind != STEP_FOREST)
        return "its margin is not that of trees";
    for (uint32_t i = 0; i < step->in_count; i++)
        if (step->cells[i] != i)
            return "its trees look at values made of the inputs";
    if (step->in_count != model->input_count || step->forest.covers == NULL)
        return "its trees have no covers";
    if (step->forest.line_count > 0)
        return "its trees have linear leaves";
    for (uint32_t i = 0; i < step->forest.node_count; i++)
        if (!(step->forest.covers[i] >= 0 && step->forest.covers[i] < INFINITY))
            return "a cover is not a number of 0 or more";
    *deepest = 1;
    for (uint32_t t = 0; t < step->forest.tree_count; t++)
        *deepest = step->forest.tree_depths[t] > *deepest ? step->forest.tree_depths[t] : *deepest;
    return *deepest > DEPTH_MAX ? "a tree is deeper than 128" : NULL;
}

struct contributions *contributions_make(const struct model *model, struct error *error) {
    uint32_t deepest;
    const char *reason = check(model, &deepest);
    if (reason != NULL) {
        error_set(error, ERROR_INPUT, "the model has no contributions: %s", reason);
        return NULL;
    }
    struct contributions *c = calloc(1, sizeof *c);
    const struct step *step = &model->steps[model->raw_step];
    if (c != NULL) {
        c->model = model;
        c->step = step;
        c->expected = calloc((size_t)step->forest.node_count + 1, sizeof *c->expected);
        c->bias = calloc(step->out_count, sizeof *c->bias);
    }
    if (c == NULL || c->expected == NULL || c->bias == NULL) {
        contributions_free(c);
        error_set(error, ERROR_LIMIT, "no memory for the contributions of the model");
        return NULL;
    }
    uint32_t most = deepest < model->input_count ? deepest : model->input_count; /* different inputs on one path */
    set_points(c, (most + 1) / 2);
    set_expected(c);
    return c;
}

void contributions_free(struct contributions *contributions) {
    if (contributions == NULL)
        return;
    free(contributions->expected);
    free(contributions->bias);
    free(contributions);
}

static void begin(const struct contributions *c, const double *row, double *values, double *out) {
    uint32_t outputs = c->step->out_count, inputs = c->model->input_count;
    forest_row(&c->step->forest, row, values);
    memset(out, 0, (size_t)outputs * (inputs + 1) * sizeof *out);
    for (uint32_t k = 0; k < outputs; k++)
        out[(size_t)k * (inputs + 1) + inputs] = c->bias[k];
}

void contributions_path(const struct contributions *c, const double *row, double *out) {
    const struct forest *forest = &c->step->forest;
    double values[LIMIT_MODEL_INPUTS];
    begin(c, row, values, out);
    for (uint32_t t = 0; t < forest->tree_count; t++) {
        double *own = out + (size_t)(t % forest->output_count) * (forest->input_count + 1);
        for (uint32_t at = forest->tree_roots[t]; forest->nodes[at].step;) {
            uint32_t next = forest_next(forest, at, values);
            own[forest->nodes[at].feature] += (c->expected[next] - c->expected[at]) / forest->divisor;
            at = next;
        }
    }
}

/* --- exact --- */

/* An input on the path: its share z, whether the row is still with it, and 1 / (z + t (o - z)) at the points. */
struct on_path {
    double z;
    bool hot;
    _Alignas(64) double inverse[POINTS_MAX];
};

struct walk {
    const struct contributions *c;
    const double *row;
    double *own;           /* the output's contributions */
    const struct on_path **path; /* per input: its state, or NULL */
};

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define VECTORS __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#else
#define VECTORS
#endif

/* The new state of the input after an edge that the row takes, the product there, and what the edge's sum is weighed with. */
VECTORS static void hot_edge(const struct contributions *c, const struct on_path *before, struct on_path *after,
                             const double *product, double *next, double *share) {
    double z = after->z, rest = 1 - z, old = 1 - before->z;
    for (uint32_t i = 0; i < c->points; i++) {
        double w = z + c->at[i] * rest;
        after->inverse[i] = 1 / w;
        next[i] = product[i] * w * before->inverse[i];
        share[i] = c->weights[i] * (rest * after->inverse[i] - old * before->inverse[i]);
    }
}

/* The same for an edge that the row leaves by the other side. */
VECTORS static void cold_edge(const struct contributions *c, const struct on_path *before, struct on_path *after,
                              const double *product, double *next, double *share) {
    double z = after->z, one = 1 / z, old = 1 - before->z;
    for (uint32_t i = 0; i < c->points; i++) {
        after->inverse[i] = c->inverses[i] * one;
        next[i] = product[i] * (z * c->rests[i]) * before->inverse[i];
        share[i] = c->weights[i] * (-c->inverses[i] - old * before->inverse[i]);
    }
}

/* Adds b to a, and returns the sum of b * share. */
VECTORS static double gather(uint32_t points, double *a, const double *b, const double *share) {
    double lanes[LANES] = {0}, sum = 0;
    for (uint32_t i = 0; i < points; i += LANES)
        for (uint32_t k = 0; k < LANES; k++) {
            a[i + k] += b[i + k];
            lanes[k] += b[i + k] * share[i + k];
        }
    for (uint32_t k = 0; k < LANES; k++)
        sum += lanes[k];
    return sum;
}

static void visit(const struct walk *walk, uint32_t at, const double *product, double *sum);

/* One child of a node: adds its leaves to `sum` and gives the split's input its part. */
static void take_edge(const struct walk *walk, uint32_t node, uint32_t child, bool taken, const double *product,
                      double *sum) {
    static const struct on_path start = {.z = 1, .hot = true, .inverse = {[0 ... POINTS_MAX - 1] = 1}};
    const struct forest *forest = &walk->c->step->forest;
    uint32_t input = forest->nodes[node].feature, points = walk->c->points;
    double cover = forest->covers[node], part = cover > 0 ? forest->covers[child] / cover : 0;
    const struct on_path *before = walk->path[input] != NULL ? walk->path[input] : &start;
    _Alignas(64) double next[POINTS_MAX], below[POINTS_MAX], share[POINTS_MAX];
    if (!(before->hot && taken) && !(part * before->z > 1e-280))
        return; /* no weight of the training and not the row's way: its product is zero */
    if (!before->hot) { /* the factor's ratio is `part` at every point, and the edge's own share is zero */
        for (uint32_t i = 0; i < points; i++)
            next[i] = product[i] * part;
        visit(walk, child, next, sum);
        return;
    }
    struct on_path after;
    after.z = before->z * part;
    after.hot = taken;
    if (taken)
        hot_edge(walk->c, before, &after, product, next, share);
    else
        cold_edge(walk->c, before, &after, product, next, share);
    memset(below, 0, points * sizeof *below);
    walk->path[input] = &after;
    visit(walk, child, next, below);
    walk->path[input] = before == &start ? NULL : before;
    walk->own[input] += gather(points, sum, below, share);
}

/* Adds value * product of every leaf below to `sum`. Trees are at most DEPTH_MAX deep. */
static void visit(const struct walk *walk, uint32_t at, const double *product, double *sum) {
    const struct forest *forest = &walk->c->step->forest;
    const struct node *node = &forest->nodes[at];
    if (!node->step) {
        for (uint32_t i = 0; i < walk->c->points; i++)
            sum[i] += node->threshold * product[i];
        return;
    }
    uint32_t taken = forest_next(forest, at, walk->row);
    for (uint32_t child = node->child; child < node->child + 2; child++)
        take_edge(walk, at, child, child == taken, product, sum);
}

void contributions_exact(const struct contributions *c, const double *row, double *out) {
    const struct forest *forest = &c->step->forest;
    double values[LIMIT_MODEL_INPUTS], sum[POINTS_MAX], ones[POINTS_MAX];
    const struct on_path *path[LIMIT_MODEL_INPUTS];
    begin(c, row, values, out);
    memset(path, 0, forest->input_count * sizeof *path);
    for (uint32_t i = 0; i < c->points; i++)
        ones[i] = 1 / forest->divisor;
    for (uint32_t t = 0; t < forest->tree_count; t++) {
        struct walk walk = {c, values, out + (size_t)(t % forest->output_count) * (forest->input_count + 1), path};
        memset(sum, 0, sizeof sum);
        visit(&walk, forest->tree_roots[t], ones, sum);
    }
}
