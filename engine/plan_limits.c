/* Refuses a bundle whose functions need more steps than it allows, or that allows more than the engine: so what
 * `assay check` prints as the worst case is what was loaded. What runs is counted all the same (LIMIT_STEPS): a bundle
 * that says less than the truth gains nothing by it. */
#include "plan_limits.h"

#include "base/limits.h"

bool plan_limits_hold(struct plan_json *json, uint32_t function_count) {
    int64_t limit = LIMIT_STEPS;
    if (!plan_json_is_null(json, "$.limits.steps"))
        limit = plan_json_int(json, 1, LIMIT_STEPS, "$.limits.steps");
    for (uint32_t i = 0; i < function_count && !json->failed; i++)
        if (!plan_json_is_null(json, "$.functions[%u].steps", i)) /* null: nothing is proved */
            plan_json_int(json, 1, limit, "$.functions[%u].steps", i);
    return !json->failed;
}
