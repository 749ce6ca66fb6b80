/* Fuzz target: any bytes as a model's part; what is accepted must predict and explain without touching foreign memory,
 * and every way through its trees must give the same bits, one row at a time and many at once. */
#include "contributions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { ROWS = 40 };

static bool same(const double *a, const double *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i])))
            return false;
    return true;
}

/* The row's answer by every path, and in a batch. */
static void compare_ways(const struct model *model, const uint8_t *bytes, size_t len, const double *row) {
    uint32_t inputs = model_input_count(model), outputs = model_output_count(model);
    double expected[LIMIT_MODEL_OUTPUTS];
    double *rows = malloc(sizeof *rows * ROWS * inputs), *out = malloc(sizeof *out * ROWS * outputs);
    model_predict(model, row, expected);
    for (int path = MODEL_FASTEST; path <= MODEL_SIMPLE && rows != NULL && out != NULL; path++) {
        struct error error = {0};
        struct model *other = model_read_path(bytes, len, (enum model_path)path, &error);
        if (other == NULL)
            break; /* no memory */
        for (size_t r = 0; r < ROWS; r++)
            memcpy(rows + r * inputs, row, inputs * sizeof *row);
        model_predict_batch(other, rows, ROWS, out);
        for (size_t r = 0; r < ROWS; r++)
            if (!same(out + r * outputs, expected, outputs))
                abort();
        model_predict(other, row, out);
        if (!same(out, expected, outputs))
            abort();
        model_free(other);
    }
    free(rows);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct error error = {0};
    struct model *model = model_read(bytes, len, &error);
    if (model == NULL) {
        if (error.kind == ERROR_NONE || error.text[0] == '\0')
            abort();
        return 0;
    }
    static const double values[] = {0, -1, 1, 0.5, 1e-36, -1e300};
    uint32_t inputs = model_input_count(model);
    double *row = malloc(inputs * sizeof *row), out[LIMIT_MODEL_OUTPUTS];
    for (uint32_t kind = 0; kind < 8 && row != NULL; kind++) {
        for (uint32_t i = 0; i < inputs; i++) {
            row[i] = kind == 6 ? NAN : kind == 7 ? INFINITY : values[(i + kind) % 6];
            if (kind == 0)
                row[i] = model_text(model, i, model_input_name(model, i));
            if (kind == 1)
                row[i] = model_number(model, i, row[i]);
        }
        model_predict(model, row, out);
        model_predict_raw(model, row, out);
        if (kind > 4)
            compare_ways(model, bytes, len, row);
    }
    struct contributions *contributions = contributions_make(model, &error);
    double *parts = malloc(sizeof *parts * model_raw_count(model) * (inputs + 1));
    if (contributions != NULL && row != NULL && parts != NULL) {
        contributions_path(contributions, row, parts);
        contributions_exact(contributions, row, parts);
    }
    free(parts);
    contributions_free(contributions);
    free(row);
    model_free(model);
    return 0;
}
