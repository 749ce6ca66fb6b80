/* Exact Shapley values of trees (shapley.h), by two passes over a tree's splits and no walk.
 *
 * As contributions.c tells, the Shapley value of an input is an integral over t in [0, 1] of products of one factor an
 * input on the path: W(z) = z + t (1 - z) where the row goes the path's way at all of the input's splits so far, z (1 -
 * t) where it does not; z is the share of the training weight that goes that way. (The polynomial view of TreeSHAP is
 * that of P. Yu, A. Bifet, J. Read, C. Xu, "Linear TreeSHAP", NeurIPS 2022; the quadrature in place of its coefficients
 * is ours.)
 *
 * At a split, let A be the child that the row takes and B the other, p the share of B, z that of the input before, and
 * I = 1 / W(z) (1 where the input is new). Divided by the factor before, B's factor is u = z p (1 - t) I, and A's is 1
 * - u. So with P the product above and G the sum of the leaves below, each times the factors under it: down   P_B = P
 * u, P_A = P - P u up     D = G_A - G_B, G = G_A - u D, and the input's contribution is the integral of P D (z p I^2)
 * Once the row has left the input, u = p and there is no contribution. Rows of the two vectors that are the model's
 * own, (1 - t) I and weight I^2, are made at load: one for all inputs that are new, one a split whose input is not. */
#include "shapley.h"

#include <stdlib.h>

#include "../base/assert.h"

enum { SPLITS_MAX = 512, PATH_MAX = 16, DEPTH_MAX = 128 };
enum { ROW_LEFT, ROW_NEW }; /* the first of `rows`: the row has left the input (its number is 0); the input is new */

/* A split, numbered within its tree: splits come first, then leaves. */
struct split {
    double threshold;
    double shares[2][2]; /* of the child that the row does not take: [row still with the input: times z][side taken] */
    uint32_t node;
    uint32_t row;      /* of `rows`, where the row is with the input */
    uint16_t child[2]; /* left, right */
    uint16_t above;    /* the last split by this input above */
    uint16_t input;
    uint8_t above_side; /* on which side of it this one is */
    uint8_t nan_left;
    bool new_input;
};
_Static_assert(sizeof(struct split) == 64, "one cache line");

struct row {
    shapley_vector step, part; /* (1 - t) I and weight I^2 */
};

struct tree {
    uint32_t first_split, first_leaf;
    uint16_t splits; /* 0 of trees that are left out; of one leaf there is nothing to add */
    bool fits;
};

struct shapley {
    const struct forest *forest;
    struct tree *trees;
    struct split *splits;
    double *leaves;
    struct row *rows;
    uint32_t split_count, leaf_count, row_count;
    bool plain; /* neither categories nor zeros that are missing */
};

typedef shapley_vector vector;

/* --- making --- */

struct making {
    struct shapley *shapley;
    const struct shapley_points *points;
    struct tree *tree;
    uint32_t root, next_split, next_leaf;
    bool count_only;
    uint32_t repeated;
    struct {
        uint16_t input, split;
        uint8_t side;
        double z; /* below that side */
    } path[DEPTH_MAX + 1];
};

static double share_left(const struct forest *forest, const struct node *node) {
    double left = forest->covers[node->child], sum = left + forest->covers[node->child + 1];
    return sum > 0 ? left / sum : 0.5;
}

/* How deep on the path the last split by this input is, and how many different inputs the path has. */
static uint32_t last_of(const struct making *m, uint32_t depth, uint16_t input) {
    for (uint32_t i = depth; i-- > 0;)
        if (m->path[i].input == input)
            return i;
    return UINT32_MAX;
}

static uint32_t add_row(struct making *m, double z) {
    struct row *row = &m->shapley->rows[m->shapley->row_count];
    for (int i = 0; i < SHAPLEY_LANES; i++) {
        double t = m->points->at[i], inverse = 1 / (z + t * (1 - z));
        row->step[i] = (1 - t) * inverse;
        row->part[i] = m->points->weights[i] * inverse * inverse;
    }
    return m->shapley->row_count++;
}

/* Lays a subtree of splits and leaves, or only counts; returns its number in the tree. */
static uint16_t lay(struct making *m, uint32_t at, uint32_t depth, uint32_t inputs) {
    const struct forest *forest = m->shapley->forest;
    const struct node *node = &forest->nodes[at];
    if (!node->step) {
        if (!m->count_only)
            m->shapley->leaves[m->tree->first_leaf + m->next_leaf] = node->threshold;
        return (uint16_t)(m->tree->splits + m->next_leaf++);
    }
    uint32_t number = m->next_split++, last = last_of(m, depth, node->feature);
    double left = share_left(forest, node), z = last == UINT32_MAX ? 1 : m->path[last].z;
    inputs += last == UINT32_MAX;
    m->tree->fits &= inputs <= PATH_MAX && number < SPLITS_MAX;
    if (!m->tree->fits)
        return 0;
    m->repeated += last != UINT32_MAX;
    struct split own = {.threshold = node->threshold, .node = at, .input = node->feature};
    own.shares[0][0] = 1 - left;
    own.shares[0][1] = left;
    own.shares[1][0] = z * (1 - left);
    own.shares[1][1] = z * left;
    own.new_input = last == UINT32_MAX;
    own.nan_left = (node->flags & NODE_NAN_LEFT) != 0;
    own.above = (uint16_t)(last == UINT32_MAX ? 0 : m->path[last].split);
    own.above_side = last == UINT32_MAX ? 0 : m->path[last].side;
    if (!m->count_only)
        own.row = last == UINT32_MAX ? (uint32_t)ROW_NEW : add_row(m, z);
    for (uint8_t side = 0; side < 2; side++) {
        m->path[depth].input = node->feature;
        m->path[depth].split = (uint16_t)number;
        m->path[depth].side = side;
        m->path[depth].z = z * (side ? 1 - left : left);
        own.child[side] = lay(m, node->child + side, depth + 1, inputs);
    }
    if (!m->count_only)
        m->shapley->splits[m->tree->first_split + number] = own;
    return (uint16_t)number;
}

static uint32_t measure(struct shapley *s, const struct shapley_points *points) {
    uint32_t rows = 2;
    for (uint32_t t = 0; t < s->forest->tree_count; t++) {
        struct making m = {.shapley = s, .points = points, .tree = &s->trees[t], .count_only = true};
        s->trees[t] = (struct tree){.first_split = s->split_count, .first_leaf = s->leaf_count, .fits = true};
        if (s->forest->tree_depths[t] <= DEPTH_MAX)
            lay(&m, s->forest->tree_roots[t], 0, 0);
        s->trees[t].fits &= s->forest->tree_depths[t] <= DEPTH_MAX;
        if (!s->trees[t].fits)
            continue;
        s->trees[t].splits = (uint16_t)m.next_split;
        s->split_count += m.next_split;
        s->leaf_count += m.next_leaf;
        rows += m.repeated;
    }
    return rows;
}

struct shapley *shapley_make(const struct forest *forest, const struct shapley_points *points) {
    struct shapley *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->forest = forest;
    s->plain = !forest->categories && !forest->zero_missing;
    s->trees = calloc((size_t)forest->tree_count + 1, sizeof *s->trees);
    if (s->trees != NULL) {
        uint32_t rows = measure(s, points);
        s->splits = calloc((size_t)s->split_count + 1, sizeof *s->splits);
        s->leaves = calloc((size_t)s->leaf_count + 1, sizeof *s->leaves);
        s->rows = aligned_alloc(64, rows * sizeof *s->rows);
    }
    if (s->trees == NULL || s->splits == NULL || s->leaves == NULL || s->rows == NULL) {
        shapley_free(s);
        return NULL;
    }
    struct making first = {.shapley = s, .points = points};
    add_row(&first, 1);
    s->rows[ROW_LEFT].step = (vector){0} + 1;
    s->rows[ROW_LEFT].part = (vector){0};
    add_row(&first, 1);
    for (uint32_t t = 0; t < forest->tree_count; t++) {
        struct making m = {.shapley = s, .points = points, .tree = &s->trees[t]};
        if (s->trees[t].fits)
            lay(&m, forest->tree_roots[t], 0, 0);
    }
    return s;
}

void shapley_free(struct shapley *shapley) {
    if (shapley == NULL)
        return;
    free(shapley->trees);
    free(shapley->splits);
    free(shapley->leaves);
    free(shapley->rows);
    free(shapley);
}

bool shapley_has(const struct shapley *shapley, uint32_t tree) { return shapley->trees[tree].fits; }

/* --- a row --- */

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__)
#define VECTORS __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3", "no-trapping-math")))
#else
#define VECTORS
#endif

/* Which side of each split the row goes to. */
static void take_sides(const struct shapley *s, const struct split *splits, uint32_t count, const double *row,
                       uint8_t *sides) {
    for (uint32_t i = 0; i < count && s->plain; i++) {
        double value = row[splits[i].input];
        sides[i] = !(value <= splits[i].threshold) & !((value != value) & splits[i].nan_left);
    }
    for (uint32_t i = 0; i < count && !s->plain; i++)
        sides[i] = forest_next(s->forest, splits[i].node, row) != s->forest->nodes[splits[i].node].child;
}

VECTORS void shapley_add(const struct shapley *s, uint32_t tree, const double *row, vector *own) {
    const struct tree *t = &s->trees[tree];
    const struct split *splits = s->splits + t->first_split;
    const double *leaves = s->leaves + t->first_leaf;
    uint32_t count = t->splits;
    uint8_t sides[SPLITS_MAX], with[SPLITS_MAX];
    vector products[2 * SPLITS_MAX + 1], steps[SPLITS_MAX], sums[2 * SPLITS_MAX + 1];
    ASSERT(t->fits && count <= SPLITS_MAX);
    take_sides(s, splits, count, row, sides);
    with[0] = 0;
    products[0] = (vector){0} + 1 / s->forest->divisor;
    for (uint32_t i = 0; i < count; i++) { /* in preorder: what is above comes before */
        const struct split *split = &splits[i];
        uint8_t side = sides[i]; /* no branches: they would be mispredicted */
        with[i] = split->new_input | (with[split->above] & (sides[split->above] == split->above_side));
        const struct row *rows = &s->rows[split->row * with[i]];
        double share = split->shares[with[i]][side];
        vector step = rows->step * share, product = products[i], away = product * step;
        steps[i] = step;
        products[i] = product * (rows->part * share);
        products[split->child[!side]] = away;
        products[split->child[side]] = product - away;
    }
    for (uint32_t i = 0; i < count + (count > 0); i++)
        sums[count + i] = (vector){0} + leaves[i];
    for (uint32_t i = count; i-- > 0;) {
        const struct split *split = &splits[i];
        vector taken = sums[split->child[sides[i]]], difference = taken - sums[split->child[!sides[i]]];
        sums[i] = taken - steps[i] * difference;
        own[split->input] += products[i] * difference;
    }
}
