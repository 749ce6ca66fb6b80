/* The parts of plan.json that tell of vectors: sizes, and models' inputs, of which several may be of one vector. */
#ifndef ASSAY_ENGINE_PLAN_VECTOR_H
#define ASSAY_ENGINE_PLAN_VECTOR_H

#include "plan.h"
#include "plan_json.h"

/* The size at a path; 0 where it is null or absent. */
uint32_t plan_read_size(struct plan_json *json, const char *path);

/* $.models[i].inputs into model->inputs, items and input_count. */
void plan_read_inputs(struct plan *plan, struct plan_json *json, struct plan_model *model, uint32_t i);

/* Once slots are known: each model's columns, which say whose value an input is. A vector's items lie in the vector. */
void plan_name_inputs(struct plan *plan, struct plan_json *json);

#endif
