/* Exact Shapley values of trees whose splits fit on the stack: the fast half of contributions_exact. Private to the
 * room. */
#ifndef ASSAY_MODEL_SHAPLEY_H
#define ASSAY_MODEL_SHAPLEY_H

#include "forest.h"

enum { SHAPLEY_LANES = 8 };

typedef double shapley_vector __attribute__((vector_size(SHAPLEY_LANES * sizeof(double))));

/* Points of a quadrature on [0, 1] for polynomials of a degree below 16, one vector: t, and the weights. */
struct shapley_points {
    _Alignas(64) double at[SHAPLEY_LANES];
    _Alignas(64) double weights[SHAPLEY_LANES];
};

struct shapley;

/* The tables of a forest with covers. NULL: no memory. */
struct shapley *shapley_make(const struct forest *forest, const struct shapley_points *points);
void shapley_free(struct shapley *shapley);
/* Whether the tree is among them: at most 16 different inputs on a path, and at most 512 splits. */
bool shapley_has(const struct shapley *shapley, uint32_t tree);
/* Adds to own[input] the tree's contributions, their lanes still apart; `row` is one of forest_row. */
void shapley_add(const struct shapley *shapley, uint32_t tree, const double *row, shapley_vector *own);

#endif
