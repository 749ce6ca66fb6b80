/* From a bundle to a plan (plan.h): reads plan.json part by part, in the order of docs/bundle.md, checks every index
 * against what it indexes, then loads the code (which verifies itself) and the models. Called at load by engine.c and
 * by the fuzz target; afterwards nothing of it runs.
 *
 * The rule for hostile plans: a slot is always inside [constants, constants + slots), a function index below the
 * count, a step of a class's `before` is never the decision, and every array is bounded by limits.h. */
#include "plan.h"

#include <stdlib.h>

#include "base/assert.h"
#include "plan_code.h"
#include "plan_limits.h"
#include "plan_text.h"
#include "plan_vector.h"

enum { PLAN_ARENA_BYTES = 256 * 1024 * 1024 };

/* What the reading functions share. */
struct loader {
    struct plan *plan;
    struct plan_json json;
    struct error *error;
    bool failed; /* out of memory */
};

static void *allocate(struct loader *loader, size_t count, size_t size) {
    void *p = arena_alloc(&loader->plan->arena, (count + 1) * size);
    if (p == NULL) {
        plan_json_fail(&loader->json, "$", "a plan that fits in memory");
        abort(); /* the arena's limit is far above what the other limits allow */
    }
    memset(p, 0, (count + 1) * size);
    return p;
}

#define ALLOCATE(loader, count, type) ((type *)allocate((loader), (count), sizeof(type)))

static uint16_t read_slot(struct loader *loader, const char *path) {
    int64_t low = loader->plan->constant_count;
    return (uint16_t)plan_json_int(&loader->json, low, low + loader->plan->slot_count - 1, "%s", path);
}

/* Formats a path and reads a slot there. */
#define SLOT(loader, ...) (snprintf(path, sizeof path, __VA_ARGS__), read_slot((loader), path))

static uint16_t *read_slots(struct loader *loader, uint32_t limit, uint32_t *count, const char *base) {
    char path[160];
    *count = plan_json_length(&loader->json, limit, "%s", base);
    uint16_t *slots = ALLOCATE(loader, *count, uint16_t);
    for (uint32_t i = 0; i < *count; i++)
        slots[i] = SLOT(loader, "%s[%u]", base, i);
    return slots;
}

static uint32_t *read_indexes(struct loader *loader, uint32_t below, uint32_t *count, const char *base) {
    *count = plan_json_length(&loader->json, LIMIT_FUNCTIONS, "%s", base);
    uint32_t *indexes = ALLOCATE(loader, *count, uint32_t);
    if (*count > 0 && below == 0)
        plan_json_fail(&loader->json, base, "an empty array");
    for (uint32_t i = 0; i < *count; i++)
        indexes[i] = (uint32_t)plan_json_int(&loader->json, 0, (int64_t)below - 1, "%s[%u]", base, i);
    return indexes;
}

static void read_head(struct loader *loader) {
    struct plan *plan = loader->plan;
    struct plan_json *json = &loader->json;
    static const char *const histories[] = {"unknown", "empty", NULL};
    plan_json_int(json, 1, 1, "$.format");
    plan->name = plan_json_text(json, "$.name");
    plan->file = plan_json_text(json, "$.file");
    plan->python = plan_json_text(json, "$.python");
    plan->history_empty = plan_json_one_of(json, histories, "$.history") == 1;
    plan->constant_count = (uint32_t)plan_json_int(json, 0, LIMIT_FRAME_CELLS, "$.frame.constants");
    plan->slot_count = (uint32_t)plan_json_int(json, 1, LIMIT_FRAME_CELLS, "$.frame.slots");
    plan->temporary_count = (uint32_t)plan_json_int(json, 0, LIMIT_FRAME_CELLS, "$.frame.temporaries");
    plan->max_late_us = plan_json_int(json, 0, LIMIT_WINDOW_SPAN_US, "$.max_late_us");
    plan->max_future_us = plan_json_int(json, 0, LIMIT_WINDOW_SPAN_US, "$.max_future_us");
    plan->id_retention_us = plan_json_int(json, 1, LIMIT_WINDOW_SPAN_US, "$.id_retention_us");
    plan->arrival_slot = read_slot(loader, "$.arrival");
    plan->decide.fired_slot = read_slot(loader, "$.fired");
    plan->decide.outcome_count = plan_json_length(json, LIMIT_OUTCOMES, "$.outcomes");
    for (uint32_t i = 0; i < plan->decide.outcome_count; i++)
        plan->decide.outcomes[i] = plan_json_text(json, "$.outcomes[%u]", i);
    if (plan->decide.outcome_count == 0)
        plan_json_fail(json, "$.outcomes", "at least one outcome");
}

/* The constants have not been loaded yet when fields are read: a default is kept as its cell until they are. */
static struct value constant_cell(struct loader *loader, const char *path) {
    if (loader->plan->constant_count == 0)
        plan_json_fail(&loader->json, path, "no constant");
    return value_int(plan_json_int(&loader->json, 0, (int64_t)loader->plan->constant_count - 1, "%s", path));
}

static void read_field(struct loader *loader, struct field *field, uint32_t e, uint32_t f) {
    static const char *const types[] = {"str", "int", "float", "bool", "datetime", "date", NULL};
    static const char *const secrecies[] = {"masked", "clear", "secret", NULL};
    static const char *const units[] = {"iso", "s", "ms", "us", NULL};
    struct plan_json *json = &loader->json;
    char base[64], path[128];
    snprintf(base, sizeof base, "$.events[%u].fields[%u]", e, f);
    field->name = plan_json_text(json, "%s.name", base);
    field->type = (enum field_type)plan_json_one_of(json, types, "%s.type", base);
    field->is_list = plan_json_bool(json, "%s.list", base);
    field->nullable = plan_json_bool(json, "%s.nullable", base);
    field->item_nullable = plan_json_bool(json, "%s.item_nullable", base);
    field->required = plan_json_bool(json, "%s.required", base);
    field->secrecy = (enum field_secrecy)plan_json_one_of(json, secrecies, "%s.secrecy", base);
    field->unit = (enum field_unit)plan_json_one_of(json, units, "%s.unit", base);
    field->slot = SLOT(loader, "%s.slot", base);
    field->hash_slot = NO_SLOT;
    if (!plan_json_is_null(json, "%s.hash_slot", base))
        field->hash_slot = SLOT(loader, "%s.hash_slot", base);
    if ((field->hash_slot != NO_SLOT) != (field->secrecy == FIELD_SECRET))
        plan_json_fail(json, path, "a hash_slot exactly for a secret field");
    field->fallback = value_none(MISSING_NOT);
    snprintf(path, sizeof path, "%s.default", base);
    if (!plan_json_is_null(json, "%s", path))
        field->fallback = constant_cell(loader, path);
    if (plan_json_is_null(json, "%s.choices", base))
        return;
    field->choice_count = plan_json_length(json, LIMIT_LIST_ITEMS, "%s.choices", base);
    struct value *choices = ALLOCATE(loader, field->choice_count, struct value);
    for (uint32_t i = 0; i < field->choice_count; i++) {
        snprintf(path, sizeof path, "%s.choices[%u]", base, i);
        choices[i] = constant_cell(loader, path);
    }
    field->choices = choices;
}

/* Children come after their parent, each node has one parent, leaves name fields once: so the nodes are a tree over the
 * fields. */
static void read_nodes(struct loader *loader, struct event_class *class, uint32_t e) {
    struct plan_json *json = &loader->json;
    char base[64];
    class->node_count = plan_json_length(json, 4 * LIMIT_FIELDS, "$.events[%u].nodes", e);
    struct event_node *nodes = ALLOCATE(loader, class->node_count, struct event_node);
    uint8_t *has_parent = ALLOCATE(loader, class->node_count, uint8_t);
    uint8_t *field_seen = ALLOCATE(loader, class->field_count, uint8_t);
    for (uint32_t n = 0; n < class->node_count && !json->failed; n++) {
        snprintf(base, sizeof base, "$.events[%u].nodes[%u]", e, n);
        nodes[n].name = plan_json_text(json, "%s.name", base);
        nodes[n].field = -1;
        if (!plan_json_is_null(json, "%s.field", base))
            nodes[n].field = (int32_t)plan_json_int(json, 0, (int64_t) class->field_count - 1, "%s.field", base);
        nodes[n].child_count = (uint32_t)plan_json_int(json, 0, class->node_count, "%s.count", base);
        nodes[n].first_child = (uint32_t)plan_json_int(json, 0, class->node_count, "%s.first", base);
        nodes[n].nullable = plan_json_bool(json, "%s.nullable", base);
        nodes[n].required = plan_json_bool(json, "%s.required", base);
        if (json->failed)
            return;
        if (nodes[n].field >= 0 && (nodes[n].child_count > 0 || n == 0 || field_seen[nodes[n].field]++))
            plan_json_fail(json, base, "a leaf for one field");
        if (nodes[n].child_count > 0 &&
            (nodes[n].first_child <= n || nodes[n].first_child + nodes[n].child_count > class->node_count)) {
            plan_json_fail(json, base, "children behind their parent");
            return;
        }
        for (uint32_t i = 0; i < nodes[n].child_count; i++)
            if (has_parent[nodes[n].first_child + i]++)
                plan_json_fail(json, base, "children of its own");
    }
    for (uint32_t f = 0; f < class->field_count && !json->failed; f++)
        if (!field_seen[f])
            plan_json_fail(json, base, "every field under a node");
    if (class->node_count == 0)
        plan_json_fail(json, "$.events[].nodes", "at least the event object");
    class->nodes = nodes;
}

static uint32_t outcome_at(struct loader *loader, const char *path) {
    struct str name = plan_json_text(&loader->json, "%s", path);
    for (uint32_t i = 0; i < loader->plan->decide.outcome_count; i++)
        if (str_equal(loader->plan->decide.outcomes[i], name))
            return i;
    plan_json_fail(&loader->json, path, "one of the outcomes");
    return 0;
}

static void check_identity(struct loader *loader, const struct event_class *class, uint32_t e) {
    char path[64];
    snprintf(path, sizeof path, "$.events[%u]", e);
    if (loader->json.failed)
        return;
    const struct field *id = &class->fields[class->id_field], *time = &class->fields[class->time_field];
    if (id->is_list || id->nullable || !id->required || (id->type != FIELD_STR && id->type != FIELD_INT) ||
        id->secrecy == FIELD_SECRET)
        plan_json_fail(&loader->json, path, "an id that is a required string or integer");
    if (time->is_list || time->nullable || !time->required || time->type != FIELD_DATETIME ||
        time->secrecy == FIELD_SECRET)
        plan_json_fail(&loader->json, path, "a time that is a required datetime");
}

static void read_event(struct loader *loader, struct plan_event *event, uint32_t e) {
    struct plan_json *json = &loader->json;
    struct event_class *class = &event->class;
    char path[64];
    class->name = plan_json_text(json, "$.events[%u].name", e);
    class->scored = plan_json_bool(json, "$.events[%u].scored", e);
    class->forbid_extra = plan_json_bool(json, "$.events[%u].forbid_extra", e);
    class->naive_is_utc = plan_json_bool(json, "$.events[%u].naive_is_utc", e);
    class->field_count = plan_json_length(json, LIMIT_FIELDS, "$.events[%u].fields", e);
    struct field *fields = ALLOCATE(loader, class->field_count, struct field);
    for (uint32_t f = 0; f < class->field_count && !json->failed; f++)
        read_field(loader, &fields[f], e, f);
    class->fields = fields;
    class->id_field = (uint32_t)plan_json_int(json, 0, (int64_t) class->field_count - 1, "$.events[%u].id", e);
    class->time_field = (uint32_t)plan_json_int(json, 0, (int64_t) class->field_count - 1, "$.events[%u].time", e);
    check_identity(loader, class, e);
    read_nodes(loader, class, e);
    snprintf(path, sizeof path, "$.events[%u].on_error", e);
    uint32_t on_error = outcome_at(loader, path);
    if (class->scored)
        loader->plan->decide.on_error = on_error;
}

static void read_events(struct loader *loader) {
    struct plan *plan = loader->plan;
    uint32_t scored = 0;
    plan->event_count = plan_json_length(&loader->json, LIMIT_EVENT_CLASSES, "$.events");
    plan->events = ALLOCATE(loader, plan->event_count, struct plan_event);
    for (uint32_t e = 0; e < plan->event_count && !loader->json.failed; e++) {
        read_event(loader, &plan->events[e], e);
        if (plan->events[e].class.scored) {
            plan->scored = e;
            scored++;
        }
    }
    if (scored != 1)
        plan_json_fail(&loader->json, "$.events", "exactly one scored event");
}

static void read_function(struct loader *loader, struct code_function *function, uint32_t i) {
    struct plan_json *json = &loader->json;
    char path[64];
    function->name = plan_json_text(json, "$.functions[%u].name", i);
    function->file = plan_json_text(json, "$.functions[%u].file", i);
    function->line = (uint32_t)plan_json_int(json, 0, INT32_MAX, "$.functions[%u].line", i);
    function->first = (uint32_t)plan_json_int(json, 0, LIMIT_INSTRUCTIONS, "$.functions[%u].first", i);
    function->count = (uint32_t)plan_json_int(json, 1, LIMIT_FUNCTION_INSTRUCTIONS, "$.functions[%u].count", i);
    function->slot = SLOT(loader, "$.functions[%u].slot", i);
    snprintf(path, sizeof path, "$.functions[%u].required", i);
    function->required = read_slots(loader, LIMIT_FRAME_CELLS, &function->required_count, path);
    function->result.mask = (uint32_t)plan_json_int(json, 0, (1 << V_TAGS) - 1, "$.functions[%u].result.mask", i);
    function->result.item_mask =
        (uint32_t)plan_json_int(json, 0, (1 << V_TAGS) - 1, "$.functions[%u].result.item_mask", i);
    snprintf(path, sizeof path, "$.functions[%u].result.size", i);
    function->result.size = plan_read_size(json, path);
    function->result.truth = plan_json_bool(json, "$.functions[%u].result.truth", i);
    loader->plan->function_secret[i] = plan_json_bool(json, "$.functions[%u].secret", i);
}

static void read_functions(struct loader *loader) {
    struct plan *plan = loader->plan;
    char path[64];
    plan->function_count = plan_json_length(&loader->json, LIMIT_FUNCTIONS, "$.functions");
    plan->functions = ALLOCATE(loader, plan->function_count, struct code_function);
    plan->file_count = plan_json_length(&loader->json, LIMIT_FILES, "$.files");
    plan->files = ALLOCATE(loader, plan->file_count, struct str);
    for (uint32_t i = 0; i < plan->file_count && !loader->json.failed; i++)
        plan->files[i] = plan_json_text(&loader->json, "$.files[%u]", i);
    plan->function_secret = ALLOCATE(loader, plan->function_count, bool);
    for (uint32_t i = 0; i < plan->function_count && !loader->json.failed; i++)
        read_function(loader, &plan->functions[i], i);
    for (uint32_t e = 0; e < plan->event_count && !loader->json.failed; e++) {
        snprintf(path, sizeof path, "$.events[%u].before", e);
        plan->events[e].before = read_indexes(loader, plan->function_count, &plan->events[e].before_count, path);
    }
}

static void read_stream(struct loader *loader, struct stream_spec *stream, uint32_t i) {
    char path[64];
    uint32_t count;
    stream->event =
        (uint32_t)plan_json_int(&loader->json, 0, (int64_t)loader->plan->event_count - 1, "$.streams[%u].event", i);
    static const char *const clocks[] = {"event", "arrival", NULL};
    stream->clock = (enum window_clock)plan_json_one_of(&loader->json, clocks, "$.streams[%u].clock", i);
    stream->outcome = plan_json_bool(&loader->json, "$.streams[%u].outcome", i);
    snprintf(path, sizeof path, "$.streams[%u].key", i);
    const uint16_t *slots = read_slots(loader, LIMIT_KEY_PARTS, &stream->key_count, path);
    memcpy(stream->key_slots, slots, stream->key_count * sizeof *slots);
    snprintf(path, sizeof path, "$.streams[%u].columns", i);
    slots = read_slots(loader, LIMIT_STREAM_COLUMNS, &count, path);
    memcpy(stream->columns, slots, count * sizeof *slots);
    stream->column_count = count;
    snprintf(path, sizeof path, "$.streams[%u].wheres", i);
    slots = read_slots(loader, LIMIT_STREAM_WHERES, &count, path);
    memcpy(stream->wheres, slots, count * sizeof *slots);
    stream->where_count = count;
    snprintf(path, sizeof path, "$.streams[%u]", i);
    if (stream->outcome && stream->event != loader->plan->scored)
        plan_json_fail(&loader->json, path, "outcomes of the scored class only");
}

static void read_window(struct loader *loader, struct window_spec *window, uint32_t i) {
    static const char *const kinds[] = {[WINDOW_COUNT] = "count",
                                        [WINDOW_SUM] = "sum",
                                        [WINDOW_MEAN] = "mean",
                                        [WINDOW_SEEN] = "seen",
                                        [WINDOW_MIN] = "min",
                                        [WINDOW_MAX] = "max",
                                        [WINDOW_STD] = "std",
                                        [WINDOW_DISTINCT] = "distinct",
                                        [WINDOW_LAST] = "last",
                                        [WINDOW_FIRST] = "first",
                                        [WINDOW_SINCE_LAST] = "since_last",
                                        [WINDOW_RATE] = "rate",
                                        [WINDOW_DECAYED_SUM] = "decayed_sum",
                                        [WINDOW_KINDS] = NULL};
    struct plan *plan = loader->plan;
    struct plan_json *json = &loader->json;
    char path[64];
    window->name = plan_json_text(json, "$.windows[%u].name", i);
    window->kind = (enum window_kind)plan_json_one_of(json, kinds, "$.windows[%u].kind", i);
    window->stream = (uint32_t)plan_json_int(json, 0, (int64_t)plan->stream_count - 1, "$.windows[%u].stream", i);
    if (json->failed)
        return;
    const struct stream_spec *stream = &plan->streams[window->stream];
    window->column = window->where = -1;
    if (!plan_json_is_null(json, "$.windows[%u].column", i))
        window->column = (int32_t)plan_json_int(json, 0, (int64_t)stream->column_count - 1, "$.windows[%u].column", i);
    if (!plan_json_is_null(json, "$.windows[%u].where", i))
        window->where = (int32_t)plan_json_int(json, 0, (int64_t)stream->where_count - 1, "$.windows[%u].where", i);
    window->over_us = plan_json_int(json, 1, LIMIT_WINDOW_SPAN_US, "$.windows[%u].over_us", i);
    window->delay_us = plan_json_int(json, 0, LIMIT_WINDOW_SPAN_US, "$.windows[%u].delay_us", i);
    if (!plan_json_is_null(json, "$.windows[%u].half_life_us", i))
        window->half_life_us = plan_json_int(json, 1, LIMIT_WINDOW_SPAN_US, "$.windows[%u].half_life_us", i);
    window->include_current = plan_json_bool(json, "$.windows[%u].include_current", i);
    window->is_float = plan_json_bool(json, "$.windows[%u].float", i);
    snprintf(path, sizeof path, "$.windows[%u].key", i);
    uint32_t key_count;
    const uint16_t *slots = read_slots(loader, LIMIT_KEY_PARTS, &key_count, path);
    memcpy(window->key_slots, slots, key_count * sizeof *slots);
    window->slot = SLOT(loader, "$.windows[%u].slot", i);
    if (window->kind == WINDOW_SEEN)
        window->seen_slot = SLOT(loader, "$.windows[%u].seen", i);
    plan->window_info[i].file = plan_json_text(json, "$.windows[%u].file", i);
    plan->window_info[i].line = (uint32_t)plan_json_int(json, 0, INT32_MAX, "$.windows[%u].line", i);
    snprintf(path, sizeof path, "$.windows[%u]", i);
    if (key_count != stream->key_count || (window->column >= 0) != window_takes_value(window->kind) ||
        (window->half_life_us > 0) != (window->kind == WINDOW_DECAYED_SUM) ||
        (window->include_current && (stream->event != plan->scored || stream->outcome || window->delay_us != 0)))
        plan_json_fail(json, path, "a window that fits its stream");
}

static void read_windows(struct loader *loader) {
    struct plan *plan = loader->plan;
    plan->stream_count = plan_json_length(&loader->json, LIMIT_STREAMS, "$.streams");
    plan->streams = ALLOCATE(loader, plan->stream_count, struct stream_spec);
    for (uint32_t i = 0; i < plan->stream_count && !loader->json.failed; i++)
        read_stream(loader, &plan->streams[i], i);
    plan->window_count = plan_json_length(&loader->json, LIMIT_WINDOWS, "$.windows");
    plan->windows = ALLOCATE(loader, plan->window_count, struct window_spec);
    plan->window_info = ALLOCATE(loader, plan->window_count, struct plan_window);
    for (uint32_t i = 0; i < plan->window_count && !loader->json.failed; i++)
        read_window(loader, &plan->windows[i], i);
}

static void read_model(struct loader *loader, struct plan_model *model, uint32_t i) {
    static const char *const formats[] = {"steps", NULL};
    struct plan_json *json = &loader->json;
    char path[64];
    model->name = plan_json_text(json, "$.models[%u].name", i);
    plan_json_one_of(json, formats, "$.models[%u].format", i);
    model->slot = SLOT(loader, "$.models[%u].slot", i);
    snprintf(path, sizeof path, "$.models[%u].inputs", i);
    plan_read_inputs(loader->plan, json, model, i);
    struct str part_name = plan_json_text(json, "$.models[%u].part", i);
    if (json->failed)
        return;
    const struct bundle_part *part = bundle_part(loader->plan->bundle, part_name);
    if (part == NULL) {
        plan_json_fail(json, path, "a model part that is in the bundle");
        return;
    }
    model->model = model_read(part->bytes, part->len, loader->error);
    if (model->model == NULL) {
        error_prefix(loader->error, "model %.*s", (int)model->name.len, model->name.p);
        json->failed = true;
    } else if (model_input_count(model->model) != model->input_count) {
        plan_json_fail(json, path, "as many inputs as the model has");
    }
    if (model->input_count > loader->plan->model_inputs_max)
        loader->plan->model_inputs_max = model->input_count;
}

static void read_models(struct loader *loader) {
    struct plan *plan = loader->plan;
    plan->model_count = plan_json_length(&loader->json, LIMIT_MODELS, "$.models");
    plan->models = ALLOCATE(loader, plan->model_count, struct plan_model);
    for (uint32_t i = 0; i < plan->model_count && !loader->json.failed; i++)
        read_model(loader, &plan->models[i], i);
}

static void read_after(struct loader *loader) {
    static const char *const kinds[] = {"function", "model", NULL};
    struct plan *plan = loader->plan;
    plan->after_count = plan_json_length(&loader->json, LIMIT_FUNCTIONS, "$.after");
    enum plan_step *steps = ALLOCATE(loader, plan->after_count, enum plan_step);
    uint32_t *indexes = ALLOCATE(loader, plan->after_count, uint32_t);
    plan->after_kinds = steps;
    plan->after_indexes = indexes;
    for (uint32_t i = 0; i < plan->after_count && !loader->json.failed; i++) {
        steps[i] = (enum plan_step)plan_json_one_of(&loader->json, kinds, "$.after[%u][0]", i);
        uint32_t count = steps[i] == STEP_MODEL ? plan->model_count : plan->function_count;
        indexes[i] = (uint32_t)plan_json_int(&loader->json, 0, (int64_t)count - 1, "$.after[%u][1]", i);
    }
    plan->after_decision =
        read_indexes(loader, plan->function_count, &plan->after_decision_count, "$.after_decision");
}

static void read_rules(struct loader *loader) {
    static const char *const missing[] = {"skip", "fire", NULL};
    struct plan *plan = loader->plan;
    struct plan_json *json = &loader->json;
    char path[64];
    plan->decide.rule_count = plan_json_length(json, LIMIT_RULES, "$.rules");
    plan->rules = ALLOCATE(loader, plan->decide.rule_count, struct decide_rule);
    for (uint32_t i = 0; i < plan->decide.rule_count && !json->failed; i++) {
        struct decide_rule *rule = &plan->rules[i];
        rule->function = (uint32_t)plan_json_int(json, 0, (int64_t)plan->function_count - 1, "$.rules[%u].function", i);
        snprintf(path, sizeof path, "$.rules[%u].outcome", i);
        rule->outcome = outcome_at(loader, path);
        rule->text = plan_json_text(json, "$.rules[%u].text", i);
        rule->fire_on_missing = plan_json_one_of(json, missing, "$.rules[%u].on_missing", i) == 1;
        if (json->failed)
            return;
        rule->name = plan->functions[rule->function].name;
        rule->slot = plan->functions[rule->function].slot;
        if ((plan->functions[rule->function].result.mask & ~((1u << V_BOOL) | (1u << V_NONE))) != 0)
            plan_json_fail(json, path, "a rule whose result is a bool");
    }
    plan->decide.rules = plan->rules;
}

static void read_decision(struct loader *loader) {
    static const char *const kinds[] = {"rules", "thresholds", "function", NULL};
    struct plan *plan = loader->plan;
    struct plan_json *json = &loader->json;
    struct decide_plan *decide = &plan->decide;
    char path[64];
    decide->kind = (enum decide_kind)plan_json_one_of(json, kinds, "$.decision.kind");
    if (!plan_json_is_null(json, "$.decision.line"))
        plan->decision_line = (uint32_t)plan_json_int(json, 0, INT32_MAX, "$.decision.line");
    plan->decision_slot = plan_json_is_null(json, "$.decision.slot") ? NO_SLOT : SLOT(loader, "$.decision.slot");
    decide->has_score = !plan_json_is_null(json, "$.decision.score");
    if (decide->has_score)
        decide->score_slot = SLOT(loader, "$.decision.score");
    if (decide->kind == DECIDE_FUNCTION) {
        decide->function = (uint32_t)plan_json_int(json, 0, (int64_t)plan->function_count - 1, "$.decision.function");
        if (!json->failed)
            decide->function_slot = plan->functions[decide->function].slot;
    }
    if (decide->kind != DECIDE_THRESHOLDS)
        return;
    if (!decide->has_score)
        plan_json_fail(json, "$.decision.score", "a score for thresholds");
    decide->level_count = plan_json_length(json, LIMIT_OUTCOMES, "$.decision.levels");
    for (uint32_t i = 0; i < decide->level_count && !json->failed; i++) {
        snprintf(path, sizeof path, "$.decision.levels[%u][0]", i);
        decide->levels[i].outcome = outcome_at(loader, path);
        decide->levels[i].at = plan_json_number(json, "$.decision.levels[%u][1]", i);
    }
}

static void read_named_slots(struct loader *loader) {
    static const char *const kinds[] = {"field", "window", "feature", "model", "rule", "decision", NULL};
    struct plan *plan = loader->plan;
    char path[64];
    plan->named_slot_count = plan_json_length(&loader->json, LIMIT_FRAME_CELLS, "$.slots");
    plan->slots = ALLOCATE(loader, plan->named_slot_count, struct plan_slot);
    for (uint32_t i = 0; i < plan->named_slot_count && !loader->json.failed; i++) {
        struct plan_slot *slot = &plan->slots[i];
        slot->name = plan_json_text(&loader->json, "$.slots[%u].name", i);
        slot->kind = kinds[plan_json_one_of(&loader->json, kinds, "$.slots[%u].kind", i)];
        slot->slot = SLOT(loader, "$.slots[%u].slot", i);
        slot->event = (uint32_t)plan_json_int(&loader->json, 0, (int64_t)plan->event_count - 1, "$.slots[%u].event", i);
        slot->secret = plan_json_bool(&loader->json, "$.slots[%u].secret", i);
        snprintf(path, sizeof path, "$.slots[%u].size", i);
        slot->size = plan_read_size(&loader->json, path);
    }
    plan_name_inputs(plan, &loader->json);
}

static struct str name_of_cell(const struct plan *plan, uint16_t cell) {
    for (uint32_t i = 0; i < plan->named_slot_count; i++)
        if (plan->slots[i].slot == cell)
            return plan->slots[i].name;
    const struct event_class *scored = &plan->events[plan->scored].class;
    for (uint32_t f = 0; f < scored->field_count; f++)
        if (scored->fields[f].slot == cell || scored->fields[f].hash_slot == cell)
            return scored->fields[f].name;
    return STR("");
}

static void add_outcome(struct loader *loader, uint16_t cell) {
    struct plan *plan = loader->plan;
    for (uint32_t i = 0; i < plan->outcome_count; i++)
        if (plan->outcomes[i].slot == cell)
            return;
    plan->outcomes[plan->outcome_count] = (struct plan_outcome){name_of_cell(plan, cell), cell};
    if (plan->outcomes[plan->outcome_count++].name.len == 0)
        plan_json_fail(&loader->json, "$.streams", "outcomes that have a name among the slots");
}

static void find_outcomes(struct loader *loader) {
    struct plan *plan = loader->plan;
    uint32_t most = plan->stream_count * (LIMIT_STREAM_COLUMNS + LIMIT_STREAM_WHERES);
    plan->outcomes = ALLOCATE(loader, most, struct plan_outcome);
    for (uint32_t s = 0; s < plan->stream_count && !loader->json.failed; s++) {
        const struct stream_spec *stream = &plan->streams[s];
        for (uint32_t c = 0; stream->outcome && c < stream->column_count; c++)
            add_outcome(loader, stream->columns[c]);
        for (uint32_t w = 0; stream->outcome && w < stream->where_count; w++)
            add_outcome(loader, stream->wheres[w]);
    }
}

static const struct bundle_part *need_part(struct loader *loader, const char *name) {
    const struct bundle_part *part = bundle_part(loader->plan->bundle, str_of(name));
    if (part == NULL && !loader->json.failed) {
        error_set(loader->error, ERROR_CORRUPT, "the part %s is missing", name);
        loader->json.failed = true;
    }
    return part;
}

static void load_code(struct loader *loader) {
    struct plan *plan = loader->plan;
    const struct bundle_part *code = need_part(loader, "code.bin"), *position = need_part(loader, "position.bin"),
                             *constant = need_part(loader, "constant.bin"), *unicode = need_part(loader, "unicode.bin");
    if (loader->json.failed || !plan_limits_hold(&loader->json, plan->function_count))
        return;
    struct code_config config = {
        .instructions = code->bytes,
        .instruction_bytes = code->len,
        .positions = position->bytes,
        .position_bytes = position->len,
        .constants = constant->bytes,
        .constant_bytes = constant->len,
        .unicode = unicode->bytes,
        .unicode_bytes = unicode->len,
        .file_count = plan->file_count,
        .slot_count = plan->slot_count,
        .temporary_count = plan->temporary_count,
        .functions = plan->functions,
        .function_count = plan->function_count,
    };
    if (!plan_read_code(plan, &loader->json, &config) || !plan_read_text(plan, &loader->json, &config, loader->error))
        return;
    plan->code = code_load(&config, loader->error);
    if (plan->code == NULL)
        loader->json.failed = true;
    else if (code_constant_count(plan->code) != plan->constant_count)
        plan_json_fail(&loader->json, "$.frame.constants", "the number of constants in constant.bin");
}

/* Whether a constant may stand for a field: of its type, or None. */
static bool fits_field(const struct field *field, const struct value *v, bool as_item) {
    static const uint8_t tags[] = {V_STR, V_INT, V_FLOAT, V_BOOL, V_DATETIME, V_DATE};
    if (v->tag == V_NONE)
        return true;
    if (field->is_list && !as_item) {
        if (v->tag != V_LIST)
            return false;
        for (uint32_t i = 0; i < v->len; i++)
            if (!fits_field(field, &value_items(v)[i], true))
                return false;
        return true;
    }
    return v->tag == tags[field->type];
}

/* Puts the constants' values where read_field kept their cells. */
static void resolve_constants(struct loader *loader) {
    struct plan *plan = loader->plan;
    const struct value *constants = code_constants(plan->code);
    for (uint32_t e = 0; e < plan->event_count; e++) {
        for (uint32_t f = 0; f < plan->events[e].class.field_count; f++) {
            struct field *field = (struct field *)(uintptr_t)&plan->events[e].class.fields[f];
            if (field->fallback.tag == V_INT)
                field->fallback = constants[field->fallback.i];
            struct value *choices = (struct value *)(uintptr_t)field->choices;
            for (uint32_t i = 0; i < field->choice_count; i++)
                choices[i] = constants[choices[i].i];
            bool fits = fits_field(field, &field->fallback, false);
            for (uint32_t i = 0; i < field->choice_count; i++)
                fits = fits && fits_field(field, &choices[i], true);
            if (!fits)
                plan_json_fail(&loader->json, "$.events[].fields[]", "a default and choices of the field's type");
        }
    }
}

/* Every cell has one writer, so that a rule's cell holds what a rule can answer, whatever a bundle says. */
static void claim_slot(struct loader *loader, uint8_t *claimed, uint16_t slot) {
    if (slot != NO_SLOT && claimed[slot]++)
        plan_json_fail(&loader->json, "$", "a slot of its own for each field, window, function and model");
}

static void check_slots(struct loader *loader) {
    struct plan *plan = loader->plan;
    uint8_t *claimed = ALLOCATE(loader, NO_SLOT, uint8_t);
    claim_slot(loader, claimed, plan->arrival_slot);
    claim_slot(loader, claimed, plan->decide.fired_slot);
    claim_slot(loader, claimed, plan->decision_slot);
    for (uint32_t e = 0; e < plan->event_count && !loader->json.failed; e++) {
        const struct event_class *class = &plan->events[e].class;
        for (uint32_t f = 0; f < class->field_count && !loader->json.failed; f++) {
            claim_slot(loader, claimed, class->fields[f].slot);
            claim_slot(loader, claimed, class->fields[f].hash_slot);
        }
    }
    for (uint32_t i = 0; i < plan->function_count && !loader->json.failed; i++)
        claim_slot(loader, claimed, plan->functions[i].slot);
    for (uint32_t i = 0; i < plan->window_count && !loader->json.failed; i++)
        claim_slot(loader, claimed, plan->windows[i].slot);
    for (uint32_t i = 0; i < plan->model_count && !loader->json.failed; i++)
        claim_slot(loader, claimed, plan->models[i].slot);
}

static bool load(struct loader *loader) {
    const struct bundle_part *part = need_part(loader, "plan.json");
    if (part == NULL)
        return false;
    if (!plan_json_open(&loader->json, (struct str){(const char *)part->bytes, part->len}, &loader->plan->arena,
                        loader->error))
        return false;
    void (*const steps[])(struct loader *) = {read_head,        read_events, read_functions, read_windows,
                                              read_models,      read_after,  read_rules,     read_decision,
                                              read_named_slots, find_outcomes, check_slots, load_code,
                                              resolve_constants};
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !loader->json.failed; i++)
        steps[i](loader);
    plan_json_close(&loader->json);
    return !loader->json.failed;
}

struct plan *plan_load(struct bundle *bundle, struct error *error) {
    ASSERT(bundle != NULL && error != NULL);
    struct plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        bundle_free(bundle);
        error_set(error, ERROR_SYSTEM, "out of memory");
        return NULL;
    }
    plan->bundle = bundle;
    arena_init(&plan->arena, PLAN_ARENA_BYTES);
    struct loader loader = {.plan = plan, .error = error};
    if (load(&loader))
        return plan;
    plan_free(plan);
    return NULL;
}

void plan_free(struct plan *plan) {
    if (plan == NULL)
        return;
    for (uint32_t i = 0; i < plan->model_count; i++)
        model_free(plan->models[i].model);
    plan_free_text(plan);
    code_free(plan->code);
    bundle_free(plan->bundle);
    arena_release(&plan->arena);
    free(plan);
}
