/* Reads of plan.json what tells of vectors (plan_vector.h). An entry of a model's `inputs` is a cell, or
 * [cell, first, count]: items of the vector in that cell, one input each. At most LIMIT_MODEL_INPUTS come of them all;
 * a cell is always a slot, an item below LIMIT_VECTOR_ITEMS. Whether a cell holds a vector so long is seen when the
 * model runs: what is not there is missing. */
#include "plan_vector.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/limits.h"

uint32_t plan_read_size(struct plan_json *json, const char *path) {
    ASSERT(json != NULL && path != NULL);
    return plan_json_is_null(json, "%s", path) ? 0 : (uint32_t)plan_json_int(json, 0, LIMIT_VECTOR_ITEMS, "%s", path);
}

static uint16_t read_cell(const struct plan *plan, struct plan_json *json, const char *path) {
    int64_t low = plan->constant_count;
    return (uint16_t)plan_json_int(json, low, low + plan->slot_count - 1, "%s", path);
}

static void *allocate(struct plan *plan, struct plan_json *json, size_t bytes) {
    void *p = arena_alloc(&plan->arena, bytes);
    if (p == NULL)
        plan_json_fail(json, "$.models", "less memory");
    return p;
}

void plan_read_inputs(struct plan *plan, struct plan_json *json, struct plan_model *model, uint32_t i) {
    char path[96];
    uint32_t entries = plan_json_length(json, LIMIT_MODEL_INPUTS, "$.models[%u].inputs", i);
    uint16_t *cells = allocate(plan, json, LIMIT_MODEL_INPUTS * sizeof *cells);
    uint16_t *items = allocate(plan, json, LIMIT_MODEL_INPUTS * sizeof *items);
    model->input_count = 0;
    for (uint32_t e = 0; e < entries && !json->failed; e++) {
        snprintf(path, sizeof path, "$.models[%u].inputs[%u][0]", i, e);
        bool vector = !plan_json_is_null(json, "%s", path);
        if (!vector)
            snprintf(path, sizeof path, "$.models[%u].inputs[%u]", i, e);
        uint16_t cell = read_cell(plan, json, path);
        int64_t first = 0, count = 1;
        if (vector) {
            first = plan_json_int(json, 0, LIMIT_VECTOR_ITEMS - 1, "$.models[%u].inputs[%u][1]", i, e);
            count = plan_json_int(json, 1, LIMIT_VECTOR_ITEMS - first, "$.models[%u].inputs[%u][2]", i, e);
        }
        if (json->failed)
            return;
        if (model->input_count + count > LIMIT_MODEL_INPUTS) {
            plan_json_fail(json, path, "a model of at most 4096 inputs");
            return;
        }
        for (int64_t k = 0; k < count; k++) {
            cells[model->input_count] = cell;
            items[model->input_count++] = vector ? (uint16_t)(first + k) : WHOLE_CELL;
        }
    }
    model->inputs = cells;
    model->items = items;
}

void plan_name_inputs(struct plan *plan, struct plan_json *json) {
    for (uint32_t m = 0; m < plan->model_count && !json->failed; m++) {
        struct plan_model *model = &plan->models[m];
        uint32_t *columns = allocate(plan, json, (model->input_count + 1) * sizeof *columns);
        if (columns == NULL)
            return;
        for (uint32_t i = 0; i < model->input_count; i++) {
            columns[i] = i > 0 && model->inputs[i] == model->inputs[i - 1] ? columns[i - 1] : NO_COLUMN;
            for (uint32_t s = 0; columns[i] == NO_COLUMN && s < plan->named_slot_count; s++)
                if (plan->slots[s].slot == model->inputs[i])
                    columns[i] = s;
        }
        model->columns = columns;
    }
}
