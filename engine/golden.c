/* Golden rows: sample inputs of each model with the framework's own answers, which this engine must give again before
 * it serves (plan.h: plan_check_golden). docs/bundle.md has the part byte by byte. */
#include "plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Whether an answer is the framework's: to the bit, or within a tolerance that the part has for sums whose order numpy
 * or BLAS leaves open. */
static bool same_answer(double got, double expected, double tolerance) {
    if (memcmp(&got, &expected, sizeof got) == 0 || (isnan(got) && isnan(expected)))
        return true;
    return tolerance > 0 && fabs(got - expected) <= tolerance * fmax(1.0, fabs(expected));
}

/* One model's golden part: u32 rows, inputs, outputs, 0; f64 tolerance; then the rows. */
static bool check_model(const struct plan_model *model, const struct bundle_part *part, struct error *error) {
    struct {
        uint32_t rows, inputs, outputs, zero;
        double tolerance;
    } head;
    if (part->len < sizeof head)
        return error_set(error, ERROR_CORRUPT, "golden rows are cut short");
    memcpy(&head, part->bytes, sizeof head);
    size_t row_bytes = ((size_t)head.inputs + head.outputs) * sizeof(double);
    if (head.inputs != model->input_count || head.outputs != model_output_count(model->model) ||
        head.rows > (1u << 20) || !(head.tolerance >= 0 && head.tolerance <= 1e-9) ||
        part->len != sizeof head + head.rows * row_bytes)
        return error_set(error, ERROR_CORRUPT, "golden rows do not have the model's shape");
    double *row = malloc(row_bytes), *got = malloc(head.outputs * sizeof *got);
    bool same = row != NULL && got != NULL;
    if (!same)
        error_set(error, ERROR_SYSTEM, "out of memory");
    for (uint32_t r = 0; r < head.rows && same; r++) {
        memcpy(row, part->bytes + sizeof head + r * row_bytes, row_bytes);
        model_predict(model->model, row, got);
        for (uint32_t k = 0; k < head.outputs && same; k++) {
            double expected = row[head.inputs + k];
            same = same_answer(got[k], expected, head.tolerance);
            if (!same)
                error_set(error, ERROR_CORRUPT, "golden row %u: the framework answered %.17g, this engine %.17g", r,
                          expected, got[k]);
        }
    }
    free(row);
    free(got);
    return same;
}

bool plan_check_golden(const struct plan *plan, struct error *error) {
    char name[300];
    for (uint32_t i = 0; i < plan->model_count; i++) {
        const struct plan_model *model = &plan->models[i];
        snprintf(name, sizeof name, "golden/%.*s", (int)model->name.len, model->name.p);
        const struct bundle_part *part = bundle_part(plan->bundle, str_of(name));
        if (part == NULL)
            return error_set(error, ERROR_CORRUPT, "model %.*s has no golden rows", (int)model->name.len,
                             model->name.p);
        if (!check_model(model, part, error))
            return error_prefix(error, "model %.*s", (int)model->name.len, model->name.p);
    }
    return true;
}
