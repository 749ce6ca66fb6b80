/* Reads of plan.json what the code has besides instructions: handlers, routines, classes and exception classes. Only shapes and
 * sizes are checked here; code_load verifies what they name. */
#include "plan_code.h"

static void *allocate(struct plan *plan, struct plan_json *json, uint64_t count, size_t size) {
    void *p = json->failed ? NULL : arena_alloc(&plan->arena, count * size + 1);
    if (p == NULL && !json->failed)
        plan_json_fail(json, "$", "less memory");
    else if (p != NULL)
        memset(p, 0, count * size + 1);
    return p;
}

static const struct code_handler *read_handlers(struct plan *plan, struct plan_json *json, const char *of, uint32_t i,
                                                uint32_t *count) {
    *count = plan_json_length(json, LIMIT_HANDLERS, "$.%s[%u].handlers", of, i);
    struct code_handler *handlers = allocate(plan, json, *count, sizeof *handlers);
    for (uint32_t h = 0; h < *count && !json->failed; h++) {
        uint16_t part[4];
        for (uint32_t p = 0; p < 4; p++)
            part[p] = (uint16_t)plan_json_int(json, 0, UINT16_MAX, "$.%s[%u].handlers[%u][%u]", of, i, h, p);
        handlers[h] = (struct code_handler){part[0], part[1], part[2], part[3]};
    }
    return handlers;
}

static void read_routine(struct plan *plan, struct plan_json *json, struct code_routine *routine, uint32_t i) {
    routine->name = plan_json_text(json, "$.routines[%u].name", i);
    routine->first = (uint32_t)plan_json_int(json, 0, LIMIT_INSTRUCTIONS, "$.routines[%u].first", i);
    routine->count = (uint32_t)plan_json_int(json, 1, LIMIT_FUNCTION_INSTRUCTIONS, "$.routines[%u].count", i);
    routine->base = (uint16_t)plan_json_int(json, 0, LIMIT_FRAME_CELLS, "$.routines[%u].base", i);
    routine->cells = (uint16_t)plan_json_int(json, 0, LIMIT_FRAME_CELLS, "$.routines[%u].cells", i);
    routine->parameters = (uint16_t)plan_json_int(json, 0, UINT8_MAX, "$.routines[%u].parameters", i);
    routine->handlers = read_handlers(plan, json, "routines", i, &routine->handler_count);
}

static void read_class(struct plan *plan, struct plan_json *json, struct code_class *class, uint32_t i) {
    class->name = plan_json_text(json, "$.classes[%u].name", i);
    class->number = i;
    class->flags = (uint32_t)plan_json_int(json, 0, CLASS_FLAGS, "$.classes[%u].flags", i);
    class->field_count = plan_json_length(json, UINT8_MAX, "$.classes[%u].fields", i);
    struct str *fields = allocate(plan, json, class->field_count, sizeof *fields);
    for (uint32_t f = 0; f < class->field_count && !json->failed; f++)
        fields[f] = plan_json_text(json, "$.classes[%u].fields[%u]", i, f);
    class->fields = fields;
}

bool plan_read_code(struct plan *plan, struct plan_json *json, struct code_config *config) {
    for (uint32_t i = 0; i < plan->function_count && !json->failed; i++)
        plan->functions[i].handlers = read_handlers(plan, json, "functions", i, &plan->functions[i].handler_count);
    config->routine_count = plan_json_length(json, LIMIT_FUNCTIONS, "$.routines");
    struct code_routine *routines = allocate(plan, json, config->routine_count, sizeof *routines);
    for (uint32_t i = 0; i < config->routine_count && !json->failed; i++)
        read_routine(plan, json, &routines[i], i);
    config->class_count = plan_json_length(json, LIMIT_CLASSES, "$.classes");
    struct code_class *classes = allocate(plan, json, config->class_count, sizeof *classes);
    for (uint32_t i = 0; i < config->class_count && !json->failed; i++)
        read_class(plan, json, &classes[i], i);
    config->exception_count = plan_json_length(json, LIMIT_CLASSES, "$.exceptions");
    struct code_exception *exceptions = allocate(plan, json, config->exception_count, sizeof *exceptions);
    for (uint32_t i = 0; i < config->exception_count && !json->failed; i++) {
        exceptions[i].name = plan_json_text(json, "$.exceptions[%u].name", i);
        exceptions[i].parent = (uint32_t)plan_json_int(json, 0, EXCEPTION_COUNT + LIMIT_CLASSES, "$.exceptions[%u].parent", i);
    }
    config->routines = routines;
    config->classes = classes;
    config->exceptions = exceptions;
    return !json->failed;
}
