/* What each input contributed to a model's raw margin: for the reasons in an answer. Two methods over the trees' covers
 * (how much training weight reached each node), both of which add up, with the bias, to the margin:
 *   path   the change of the expected value along the row's own path, given to the input that is split by (one walk)
 *   exact  Shapley values over all orders of inputs (TreeSHAP), equal to the frameworks' pred_contrib
 * Immutable once made; any thread may ask. Besides the model it takes at most about 220 bytes a node. */
#ifndef ASSAY_MODEL_CONTRIBUTIONS_H
#define ASSAY_MODEL_CONTRIBUTIONS_H

#include "model.h"

struct contributions;

/* What is needed once for a model, which must outlive it. NULL and error if it has no such answer: its margin is not
 * that of one forest right over the inputs, or the forest has no covers, linear leaves, or trees deeper than 128. */
struct contributions *contributions_make(const struct model *model, struct error *error);
void contributions_free(struct contributions *contributions);

/* out[model_raw_count][model_input_count + 1]: per margin one number an input, then the bias (the expected margin). */
void contributions_path(const struct contributions *contributions, const double *row, double *out);
void contributions_exact(const struct contributions *contributions, const double *row, double *out);

#endif
