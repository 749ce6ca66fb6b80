/* Trained models as tables. A model is read from the framework's own file, every index checked (a file is hostile), and
 * answers with the framework's own bits. Immutable after load; any thread may predict. */
#ifndef ASSAY_MODEL_MODEL_H
#define ASSAY_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"
#include "../base/limits.h"
#include "../base/str.h"

struct model;

/* Reads a LightGBM text model (version v3 or v4; numerical splits; missing types none, zero, nan; objectives and their
 * output transforms as LightGBM's predict applies them: regression kinds, binary, cross_entropy, poisson/gamma/tweedie,
 * multiclass softmax and ova, lambdarank; average_output of random forests). What is not supported (categorical splits,
 * linear trees) is an error that names it and its tree. NULL and error on failure. */
struct model *model_read_lightgbm(const char *text, size_t len, struct error *error);
void model_free(struct model *model);

uint32_t model_input_count(const struct model *model);
struct str model_input_name(const struct model *model, uint32_t input);
uint32_t model_output_count(const struct model *model); /* 1, or the number of classes */
uint32_t model_tree_count(const struct model *model);

/* out[model_output_count] = the framework's predict() of one row of model_input_count doubles (NaN: missing). */
void model_predict(const struct model *model, const double *row, double *out);
/* The raw margin before the output transform (predict(raw_score=True)). */
void model_predict_raw(const struct model *model, const double *row, double *out);

#endif
