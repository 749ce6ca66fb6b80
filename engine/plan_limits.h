/* The bounds that the compiler proved (python/assay/_bounds.py), as plan.json says them. */
#ifndef ASSAY_PLAN_LIMITS_H
#define ASSAY_PLAN_LIMITS_H

#include "plan_json.h"

/* Whether the plan's limit of steps is within the engine's, and the proved steps of each function within the plan's.
 * False with the failure noted in `json`. A plan without limits has the engine's. */
bool plan_limits_hold(struct plan_json *json, uint32_t function_count);

#endif
