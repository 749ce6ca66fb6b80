/* The part of plan.json that belongs to the code room alone. */
#ifndef ASSAY_ENGINE_PLAN_CODE_H
#define ASSAY_ENGINE_PLAN_CODE_H

#include "code/exceptions.h"
#include "plan.h"
#include "plan_json.h"

/* Fills in handlers, routines, classes and exception classes, in the plan's arena; false if something is wrong, which json has
 * then noted. */
bool plan_read_code(struct plan *plan, struct plan_json *json, struct code_config *config);

#endif
