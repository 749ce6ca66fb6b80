/* From counts to a result: the stages of a vectorizer. Terms are in the order of their numbers, and each sum goes over them
 * in that order, as scipy's csr_matvecs and scikit-learn's row norms do. See vectorizer.h. */
#include "vectorizer_part.h"

#include <float.h>
#include <math.h>

/* The terms while they are sparse, then a dense row. */
struct row {
    const struct term_list *list;
    double *values; /* of the terms */
    double *dense;  /* NULL: not yet */
    double *other;  /* the next row, once there is a dense one */
    uint32_t width;
};

static uint32_t number_at(const struct row *row, uint32_t i) { return (uint32_t)(row->list->entries[i] >> 32); }

static void take_logs(struct row *row, const char *table, uint32_t known) {
    for (uint32_t i = 0; i < row->list->count; i++) {
        double x = row->values[i];
        bool in_table = x >= 1 && x <= known && x == floor(x);
        row->values[i] = in_table ? load_double(table, (size_t)x - 1) : log(x) + 1.0;
    }
}

static void scale(struct row *row, const char *factors) {
    for (uint32_t i = 0; i < row->list->count; i++)
        row->values[i] *= load_double(factors, number_at(row, i));
}

static void normalize(struct row *row, bool squares) {
    double *items = row->dense == NULL ? row->values : row->dense, sum = 0;
    uint32_t count = row->dense == NULL ? row->list->count : row->width;
    for (uint32_t i = 0; i < count; i++)
        sum += squares ? items[i] * items[i] : fabs(items[i]);
    double norm = squares ? sqrt(sum) : sum;
    if (sum == 0 || (row->dense != NULL && norm < 10 * DBL_EPSILON)) /* scikit-learn leaves those as they are */
        return;
    for (uint32_t i = 0; i < count; i++)
        items[i] /= norm;
}

static inline void add_times(double *restrict sums, const char *factors, double x, uint32_t width) {
    for (uint32_t k = 0; k < width; k++)
        sums[k] += x * load_double(factors, k);
}

static void multiply(struct row *row, const char *matrix, uint32_t width) {
    double *sums = row->other;
    memset(sums, 0, width * sizeof *sums);
    if (row->dense == NULL) {
        for (uint32_t i = 0; i < row->list->count; i++)
            add_times(sums, matrix + (size_t)number_at(row, i) * width * sizeof(double), row->values[i], width);
    } else {
        for (uint32_t i = 0; i < row->width; i++)
            add_times(sums, matrix + (size_t)i * width * sizeof(double), row->dense[i], width);
    }
    const char *starts = matrix + (size_t)row->width * width * sizeof(double);
    for (uint32_t k = 0; k < width; k++)
        sums[k] += load_double(starts, k);
    row->dense = sums;
    row->width = width;
}

static void sigmoids(double *x, uint32_t width, bool shares) {
    double sum = 0;
    for (uint32_t k = 0; k < width; k++) {
        x[k] = 1 / (1 + exp(-x[k]));
        sum += x[k];
    }
    for (uint32_t k = 0; shares && k < width; k++)
        x[k] = sum == 0 ? 1.0 / width : x[k] / sum;
}

static void softmax(double *x, uint32_t width, bool bayes) {
    double most = x[0], sum = 0;
    for (uint32_t k = 1; k < width; k++)
        most = x[k] > most ? x[k] : most;
    for (uint32_t k = 0; k < width; k++)
        sum += exp(x[k] - most);
    double all = most + log(sum);
    for (uint32_t k = 0; k < width; k++)
        x[k] = bayes ? exp(x[k] - all) : exp(x[k] - most) / sum;
}

static void apply(struct row *row, uint32_t kind, uint32_t width, const char *numbers) {
    switch (kind) {
    case STAGE_LOG: take_logs(row, numbers, width); return;
    case STAGE_SCALE: scale(row, numbers); return;
    case STAGE_L1:
    case STAGE_L2: normalize(row, kind == STAGE_L2); return;
    case STAGE_MATRIX: multiply(row, numbers, width); return;
    case STAGE_SIGMOID:
    case STAGE_SHARES: sigmoids(row->dense, row->width, kind == STAGE_SHARES); return;
    case STAGE_SOFTMAX:
    case STAGE_BAYES: softmax(row->dense, row->width, kind == STAGE_BAYES); return;
    default: ASSERT(kind == STAGE_SECOND && row->width == 2); row->dense[0] = row->dense[1]; row->width = 1;
    }
}

void vectorizer_weigh(const struct vectorizer *v, const struct term_list *list, double *values, double *rows, double *out) {
    ASSERT(!list->full && list->count <= list->room);
    bool binary = v->flags & VECTORIZER_BINARY;
    for (uint32_t i = 0; i < list->count; i++)
        values[i] = binary ? 1.0 : (double)(int32_t)(uint32_t)list->entries[i];
    struct row row = {list, values, NULL, rows, v->features};
    for (uint32_t i = 0; i < v->stage_count; i++) {
        row.other = row.dense == rows ? rows + v->widest : rows;
        apply(&row, v->stages[i].kind, v->stages[i].width, v->stages[i].numbers);
    }
    ASSERT(row.width == v->width);
    if (row.dense == NULL) {
        memset(out, 0, v->width * sizeof *out);
        for (uint32_t i = 0; i < list->count; i++)
            out[number_at(&row, i)] = values[i] + 0.0; /* no -0.0 */
    } else {
        for (uint32_t k = 0; k < v->width; k++)
            out[k] = row.dense[k] + 0.0;
    }
}
