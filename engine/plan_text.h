/* The part of plan.json that belongs to the text room. */
#ifndef ASSAY_ENGINE_PLAN_TEXT_H
#define ASSAY_ENGINE_PLAN_TEXT_H

#include "plan.h"
#include "plan_json.h"

/* Opens the tokenizers that the plan names, for the code; false if something is wrong, which json or error has then noted. */
bool plan_read_text(struct plan *plan, struct plan_json *json, struct code_config *config, struct error *error);
void plan_free_text(struct plan *plan);

#endif
