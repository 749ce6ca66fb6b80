/* Trained models as tables. The build makes a model's part out of the framework's own model (python/assay/_models); it
 * is read here, every index checked (a part is hostile), and answers with the framework's own bits. Immutable after
 * load; any thread may predict. The part, byte by byte: read.c. */
#ifndef ASSAY_MODEL_MODEL_H
#define ASSAY_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"
#include "../base/limits.h"
#include "../base/str.h"

struct model;

/* Which way through trees; all give the same bits. Servers take the fastest that the processor has; tests compare. */
enum model_path {
    MODEL_FASTEST,
    MODEL_PORTABLE, /* without the processor's vectors */
    MODEL_SIMPLE,   /* without tables made at load: node by node */
};

/* Reads a model's part. NULL and error, which names the place, on failure. */
struct model *model_read(const void *bytes, size_t len, struct error *error);
struct model *model_read_path(const void *bytes, size_t len, enum model_path path, struct error *error);
void model_free(struct model *model);

uint32_t model_input_count(const struct model *model);
struct str model_input_name(const struct model *model, uint32_t input);
/* Whether the input is a category of the model: model_text and model_number give its code. */
bool model_input_has_categories(const struct model *model, uint32_t input);
/* The code of a category that is a text, or a number; that of unknown ones (mostly NaN: missing) if the training did
 * not have it. A number of an input without categories is itself. */
double model_text(const struct model *model, uint32_t input, struct str text);
double model_number(const struct model *model, uint32_t input, double value);

uint32_t model_output_count(const struct model *model); /* 1, or the number of classes or targets */
uint32_t model_raw_count(const struct model *model);    /* of raw margins */
uint32_t model_tree_count(const struct model *model);
/* How its trees are walked, for people: "lanes", "blocks", "symmetric", "compact", "nodes"; "none" without trees. */
const char *model_way(const struct model *model);

/* out[model_output_count] = the framework's predict() of one row of model_input_count doubles (NaN: missing;
 * categories: their codes). */
void model_predict(const struct model *model, const double *row, double *out);
/* The raw margins before the output transform, out[model_raw_count]. */
void model_predict_raw(const struct model *model, const double *row, double *out);
/* The same for `count` rows behind each other, each of model_input_count doubles, with the same bits: less time a row.
 */
void model_predict_batch(const struct model *model, const double *rows, size_t count, double *out);

#endif
