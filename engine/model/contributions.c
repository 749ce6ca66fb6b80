/* Contributions of inputs to a forest's margin (contributions.h).
 *
 * Exact values without enumerating orders: the Shapley value of input i in one tree is, summed over its leaves,
 *   value * integral over t in [0, 1] of (o_i - z_i) * product over the path's other inputs j of (z_j + t (o_j - z_j)),
 * where z_j is the share of the training weight that goes the path's way at j's splits, and o_j is 1 if the row goes
 * that way at all of them, else 0. The product is a polynomial in t of a degree below the number of inputs on the path,
 * so Gauss-Legendre with half as many points is exact. One walk over all nodes carries the product at all points (they
 * are a vector), and on the way back each edge takes its input's share of what the leaves below gave: a sum over edges,
 * which telescopes where an input is split by more than once. An input that the row has left once (o = 0) only scales
 * the product: its further edges give nothing. */
#include "contributions.h"

#include <math.h>
#include <stdlib.h>

#include "../base/assert.h"
#include "shapley.h"
#include "steps.h"

enum {
    DEPTH_MAX = 128,
    LANES = 8,
    FEW_DEPTH = 2 * LANES,
    POINTS_MAX = DEPTH_MAX / 2,
    VECTORS_MAX = POINTS_MAX / LANES
};

/* Points in [0, 1], a multiple of LANES: t, its weight, 1 - t, 1 / (1 - t). */
struct points {
    uint32_t count;
    _Alignas(64) double at[POINTS_MAX];
    _Alignas(64) double weights[POINTS_MAX];
    _Alignas(64) double rests[POINTS_MAX];
    _Alignas(64) double inverses[POINTS_MAX];
};

struct contributions {
    const struct model *model;
    const struct step *step;
    double *expected;        /* per node: the mean of the leaves below it */
    double *bias;            /* per output */
    struct shapley *shapley; /* for most trees; the others are walked here */
    struct points few, many; /* for trees of at most FEW_DEPTH inputs on a path: one vector; for all others */
};

/* The points and weights of Gauss-Legendre on [0, 1], by Newton's method on the Legendre polynomial. */
static void set_points(struct points *c, uint32_t count) {
    c->count = (count + LANES - 1) / LANES * LANES;
    ASSERT(count > 0 && c->count <= POINTS_MAX);
    for (uint32_t i = 0; i < c->count; i++) {
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
    set_points(&c->few, most < FEW_DEPTH ? (most + 1) / 2 : LANES);
    set_points(&c->many, (most + 1) / 2);
    set_expected(c);
    struct points eight;
    struct shapley_points points;
    set_points(&eight, LANES);
    memcpy(points.at, eight.at, sizeof points.at);
    memcpy(points.weights, eight.weights, sizeof points.weights);
    c->shapley = shapley_make(&step->forest, &points);
    if (c->shapley == NULL) {
        contributions_free(c);
        error_set(error, ERROR_LIMIT, "no memory for the contributions of the model");
        return NULL;
    }
    return c;
}

void contributions_free(struct contributions *contributions) {
    if (contributions == NULL)
        return;
    free(contributions->expected);
    free(contributions->bias);
    shapley_free(contributions->shapley);
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

typedef double vector __attribute__((vector_size(LANES * sizeof(double))));

struct walk {
    const struct forest *forest;
    const struct points *points;
    const double *row;
    vector *own;                 /* per input: its contribution, the lanes still apart */
    const struct on_path **path; /* per input: its state, or NULL */
};

typedef void visitor(const struct walk *walk, uint32_t at, const vector *product, vector *sum);

#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__)
#define VECTORS __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3", "no-trapping-math")))
#else
#define VECTORS
#endif

/* The new state of the input after an edge that the row takes, the product there, and what the edge's sum is weighed
 * with. */
INLINE void hot_edge(const struct points *p, const struct on_path *before, struct on_path *after, const vector *product,
                     vector *next, vector *share, const uint32_t vectors) {
    const vector *at = (const vector *)p->at, *weights = (const vector *)p->weights;
    const vector *inverse = (const vector *)before->inverse;
    double z = after->z, rest = 1 - z, old = 1 - before->z;
    for (uint32_t i = 0; i < vectors; i++) {
        vector w = z + at[i] * rest, own = 1 / w;
        ((vector *)after->inverse)[i] = own;
        next[i] = product[i] * w * inverse[i];
        share[i] = weights[i] * (rest * own - old * inverse[i]);
    }
}

/* The same for an edge that the row leaves by the other side. No further edge of that input asks for the inverse. */
INLINE void cold_edge(const struct points *p, const struct on_path *before, double z, const vector *product,
                      vector *next, vector *share, const uint32_t vectors) {
    const vector *rests = (const vector *)p->rests, *weights = (const vector *)p->weights;
    const vector *inverses = (const vector *)p->inverses, *inverse = (const vector *)before->inverse;
    double old = 1 - before->z;
    for (uint32_t i = 0; i < vectors; i++) {
        next[i] = product[i] * (z * rests[i]) * inverse[i];
        share[i] = weights[i] * (-inverses[i] - old * inverse[i]);
    }
}

/* Adds b to a, and b * share to the input's own. */
INLINE void gather(vector *a, const vector *b, const vector *share, vector *own, const uint32_t vectors) {
    vector sum = *own;
    for (uint32_t i = 0; i < vectors; i++) {
        a[i] += b[i];
        sum += b[i] * share[i];
    }
    *own = sum;
}

/* One child of a node: adds its leaves to `sum` and gives the split's input its part. */
INLINE void take_edge(const struct walk *walk, const struct node *split, double part, uint32_t child, bool taken,
                      const vector *product, vector *sum, const uint32_t vectors, visitor *visit) {
    static const struct on_path start = {.z = 1, .hot = true, .inverse = {[0 ... POINTS_MAX - 1] = 1}};
    uint32_t input = split->feature;
    const struct on_path *before = walk->path[input] != NULL ? walk->path[input] : &start;
    vector next[VECTORS_MAX], below[VECTORS_MAX], share[VECTORS_MAX];
    if (!(before->hot && taken) && !(part * before->z > 1e-280))
        return;         /* no weight of the training and not the row's way: its product is zero */
    if (!before->hot) { /* the factor's ratio is `part` at every point, and the edge's own share is zero */
        for (uint32_t i = 0; i < vectors; i++)
            next[i] = product[i] * part;
        visit(walk, child, next, sum);
        return;
    }
    struct on_path after;
    after.z = before->z * part;
    after.hot = taken;
    if (taken)
        hot_edge(walk->points, before, &after, product, next, share, vectors);
    else
        cold_edge(walk->points, before, after.z, product, next, share, vectors);
    if (!walk->forest->nodes[child].step) { /* a leaf, which most edges lead to */
        for (uint32_t i = 0; i < vectors; i++)
            below[i] = walk->forest->nodes[child].threshold * next[i];
        gather(sum, below, share, &walk->own[input], vectors);
        return;
    }
    for (uint32_t i = 0; i < vectors; i++)
        below[i] = (vector){0};
    walk->path[input] = &after;
    visit(walk, child, next, below);
    walk->path[input] = before == &start ? NULL : before;
    gather(sum, below, share, &walk->own[input], vectors);
}

/* Adds value * product of every leaf below to `sum`. Trees are at most DEPTH_MAX deep. */
INLINE void visit_with(const struct walk *walk, uint32_t at, const vector *product, vector *sum, const uint32_t vectors,
                       visitor *visit) {
    const struct node *node = &walk->forest->nodes[at];
    if (!node->step) {
        for (uint32_t i = 0; i < vectors; i++)
            sum[i] += node->threshold * product[i];
        return;
    }
    uint32_t taken = forest_next(walk->forest, at, walk->row);
    double cover = walk->forest->covers[at], share = cover > 0 ? 1 / cover : 0;
    for (uint32_t child = node->child; child < node->child + 2; child++)
        take_edge(walk, node, walk->forest->covers[child] * share, child, child == taken, product, sum, vectors, visit);
}

VECTORS static void visit_few(const struct walk *walk, uint32_t at, const vector *product, vector *sum) {
    visit_with(walk, at, product, sum, 1, visit_few);
}

VECTORS static void visit_many(const struct walk *walk, uint32_t at, const vector *product, vector *sum) {
    visit_with(walk, at, product, sum, walk->points->count / LANES, visit_many);
}

void contributions_exact(const struct contributions *c, const double *row, double *out) {
    const struct forest *forest = &c->step->forest;
    vector sum[VECTORS_MAX], ones[VECTORS_MAX], own[LIMIT_MODEL_INPUTS];
    double values[LIMIT_MODEL_INPUTS];
    const struct on_path *path[LIMIT_MODEL_INPUTS];
    begin(c, row, values, out);
    memset(path, 0, forest->input_count * sizeof *path);
    for (uint32_t i = 0; i < VECTORS_MAX; i++)
        ones[i] = (vector){0} + 1 / forest->divisor;
    for (uint32_t output = 0; output < forest->output_count; output++) {
        memset(own, 0, forest->input_count * sizeof *own);
        for (uint32_t t = output; t < forest->tree_count; t += forest->output_count) {
            if (shapley_has(c->shapley, t)) {
                shapley_add(c->shapley, t, values, own);
                continue;
            }
            bool few = forest->tree_depths[t] <= FEW_DEPTH || c->many.count == LANES;
            struct walk walk = {forest, few ? &c->few : &c->many, values, own, path};
            memset(sum, 0, sizeof sum);
            (few ? visit_few : visit_many)(&walk, forest->tree_roots[t], ones, sum);
        }
        for (uint32_t i = 0; i < forest->input_count; i++)
            for (uint32_t k = 0; k < LANES; k++)
                out[(size_t)output * (forest->input_count + 1) + i] += own[i][k];
    }
}
