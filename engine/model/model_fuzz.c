/* Fuzz target: any bytes as a model's part; what is accepted must predict and explain without touching foreign memory.
 */
#include "contributions.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

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
