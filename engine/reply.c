/* What the engine answers: decisions, acceptances, features and RFC 9457 problems, as JSON into the request's arena.
 *
 * A decision ends in `"took_us": N}` always: replay compares all before it, and `?features=1` is added behind it. */
#include <math.h>

#include "base/assert.h"
#include "base/calendar.h"
#include "engine_private.h"

void engine_problem(struct buf *out, int status, const char *type, const char *title, struct str detail) {
    buf_format(out, "{\"type\": \"urn:assay:problem:%s\", \"title\": \"%s\", \"status\": %d, \"detail\": ", type, title,
               status);
    buf_json(out, detail);
    buf_char(out, '}');
}

void write_problem_fields(struct buf *out, int status, const char *type, const char *title, const char *detail,
                          const struct event_result *result) {
    engine_problem(out, status, type, title, str_of(detail));
    if (out->failed || result->error_count == 0)
        return;
    out->len--; /* the closing brace */
    BUF_LITERAL(out, ", \"errors\": [");
    for (uint32_t i = 0; i < result->error_count; i++) {
        const struct field_error *error = &result->errors[i];
        if (i > 0)
            BUF_LITERAL(out, ", ");
        BUF_LITERAL(out, "{\"path\": ");
        buf_json(out, error->path);
        BUF_LITERAL(out, ", \"expected\": ");
        buf_json(out, error->expected);
        BUF_LITERAL(out, ", \"got\": ");
        buf_json(out, error->got);
        buf_char(out, '}');
    }
    BUF_LITERAL(out, "]}");
}

static void visit_code_errors(const struct plan *plan, const struct code_frame *frame, uint32_t from, uint32_t to,
                              error_visitor *visit, void *context) {
    for (uint32_t i = from; i < to; i++) {
        const struct code_error *error = &frame->errors[i];
        visit(context, plan->functions[error->function].name, error->exception, plan->files[error->file], error->line);
    }
}

void each_error(const struct plan *plan, const struct code_frame *frame, const struct event_outcome *outcome,
                error_visitor *visit, void *context) {
    bool scored = outcome->event == plan->scored;
    visit_code_errors(plan, frame, 0, outcome->errors_before, visit, context);
    for (uint32_t i = 0; scored && i < plan->window_count; i++) {
        const struct value *v = &frame->cells[plan->windows[i].slot];
        if (v->tag == V_NONE && v->len == MISSING_ERROR)
            visit(context, plan->windows[i].name, "OverflowError", plan->window_info[i].file,
                  plan->window_info[i].line);
    }
    visit_code_errors(plan, frame, outcome->errors_before, frame->error_count, visit, context);
    if (scored && outcome->decision.failure != NULL) {
        bool function = plan->decide.kind == DECIDE_FUNCTION;
        struct str name = function ? plan->functions[plan->decide.function].name : STR("decide");
        uint32_t line = function ? plan->functions[plan->decide.function].line : plan->decision_line;
        visit(context, name, outcome->decision.failure, plan->file, line);
    }
}

struct error_list {
    struct buf *out;
    bool any;
};

static void write_error(void *context, struct str function, const char *exception, struct str file, uint32_t line) {
    struct error_list *list = context;
    struct buf *out = list->out;
    if (list->any)
        BUF_LITERAL(out, ", ");
    list->any = true;
    BUF_LITERAL(out, "{\"function\": ");
    buf_json(out, function);
    buf_format(out, ", \"error\": \"%s\", \"file\": ", exception);
    buf_json(out, file);
    BUF_LITERAL(out, ", \"line\": ");
    buf_int(out, line);
    buf_char(out, '}');
}

void write_errors(const struct plan *plan, const struct code_frame *frame, const struct event_outcome *outcome,
                  struct buf *out) {
    struct error_list list = {.out = out};
    buf_char(out, '[');
    each_error(plan, frame, outcome, write_error, &list);
    buf_char(out, ']');
}

static void write_not_evaluated(const struct plan *plan, const struct decision *decision, struct buf *out) {
    if (decision->not_evaluated_count == 0)
        return;
    BUF_LITERAL(out, ", \"not_evaluated\": [");
    for (uint32_t i = 0; i < decision->not_evaluated_count; i++) {
        if (i > 0)
            BUF_LITERAL(out, ", ");
        buf_json(out, plan->rules[decision->not_evaluated[i]].name);
    }
    buf_char(out, ']');
}

static int64_t window_complete_us(const struct engine *engine, const struct window_spec *window) {
    int64_t since = windows_coverage(engine->windows, window->stream);
    int64_t span = window->over_us + window->delay_us;
    return since > CALENDAR_MAX_US - span ? CALENDAR_MAX_US : since + span;
}

static void write_warming(const struct engine *engine, const struct value *cells, struct buf *out) {
    bool first = true;
    for (uint32_t i = 0; i < engine->plan->window_count; i++) {
        const struct window_spec *window = &engine->plan->windows[i];
        const struct value *v = &cells[window->slot];
        if (v->tag != V_NONE || v->len != MISSING_WARMING)
            continue;
        struct value until = value_datetime(window_complete_us(engine, window));
        if (first)
            BUF_LITERAL(out, ", \"warming\": [");
        else
            BUF_LITERAL(out, ", ");
        first = false;
        BUF_LITERAL(out, "{\"window\": ");
        buf_json(out, window->name);
        BUF_LITERAL(out, ", \"until\": ");
        value_write_json(out, &until);
        buf_char(out, '}');
    }
    if (!first)
        buf_char(out, ']');
}

static void write_flags(const struct engine *engine, const struct event_outcome *outcome, struct buf *out) {
    if (outcome->flags & INPUT_LATE)
        BUF_LITERAL(out, ", \"late\": true");
    if (outcome->flags & INPUT_CLAMPED)
        BUF_LITERAL(out, ", \"clamped\": true");
    if (engine->config.data_folder != NULL && engine->config.durability != DURABILITY_COMMIT)
        BUF_LITERAL(out, ", \"durable\": false");
}

static void write_tail(const struct engine *engine, const struct event_outcome *outcome, struct buf *out) {
    const struct plan *plan = engine->plan;
    uint64_t took_ns = engine->io->table->monotonic_ns(engine->io) - outcome->started_ns;
    struct str short_hash = {plan->bundle->hash, 8};
    BUF_LITERAL(out, ", \"bundle\": ");
    buf_json(out, plan->name);
    if (!out->failed)
        out->len--; /* the quote: the hash belongs to it */
    buf_char(out, '@');
    buf_str(out, short_hash);
    BUF_LITERAL(out, "\", \"seq\": ");
    buf_int(out, (int64_t)outcome->seq);
    BUF_LITERAL(out, ", \"took_us\": ");
    buf_int(out, (int64_t)(took_ns / 1000));
    buf_char(out, '}');
}

bool write_decision(const struct engine *engine, const struct code_frame *frame, const struct event_outcome *outcome,
                    struct buf *out) {
    const struct plan *plan = engine->plan;
    struct value none = value_none(MISSING_NOT);
    BUF_LITERAL(out, "{\"id\": ");
    value_write_json(out, &outcome->id);
    BUF_LITERAL(out, ", \"decision\": ");
    buf_json(out, plan->decide.outcomes[outcome->decision.outcome]);
    BUF_LITERAL(out, ", \"score\": ");
    const struct value *score = plan->decide.has_score ? &frame->cells[plan->decide.score_slot] : &none;
    value_write_json(out, score->tag == V_FLOAT || score->tag == V_INT || score->tag == V_BOOL ? score : &none);
    BUF_LITERAL(out, ", \"reasons\": ");
    decide_write_reasons(&plan->decide, &outcome->decision, out);
    BUF_LITERAL(out, ", \"errors\": ");
    write_errors(plan, frame, outcome, out);
    write_not_evaluated(plan, &outcome->decision, out);
    write_warming(engine, frame->cells, out);
    write_flags(engine, outcome, out);
    write_tail(engine, outcome, out);
    return !out->failed;
}

bool write_accepted(const struct engine *engine, const struct code_frame *frame, const struct event_outcome *outcome,
                    struct buf *out) {
    BUF_LITERAL(out, "{\"id\": ");
    value_write_json(out, &outcome->id);
    BUF_LITERAL(out, ", \"event\": ");
    buf_json(out, engine->plan->events[outcome->event].class.name);
    BUF_LITERAL(out, ", \"errors\": ");
    write_errors(engine->plan, frame, outcome, out);
    write_flags(engine, outcome, out);
    write_tail(engine, outcome, out);
    return !out->failed;
}

bool write_imported(const struct engine *engine, const struct event_outcome *outcome, struct str decision,
                    struct buf *out) {
    BUF_LITERAL(out, "{\"id\": ");
    value_write_json(out, &outcome->id);
    if (outcome->event == engine->plan->scored) {
        BUF_LITERAL(out, ", \"decision\": ");
        if (decision.len > 0)
            buf_json(out, decision);
        else
            BUF_LITERAL(out, "null");
        BUF_LITERAL(out, ", \"score\": null, \"reasons\": []");
    } else {
        BUF_LITERAL(out, ", \"event\": ");
        buf_json(out, engine->plan->events[outcome->event].class.name);
    }
    BUF_LITERAL(out, ", \"errors\": [], \"imported\": true");
    write_tail(engine, outcome, out);
    return !out->failed;
}

static const char *nonfinite_name(double f) { return isnan(f) ? "nan" : f > 0 ? "inf" : "-inf"; }

static bool is_feature(const struct plan_slot *slot) {
    return strcmp(slot->kind, "window") == 0 || strcmp(slot->kind, "feature") == 0 || strcmp(slot->kind, "model") == 0;
}

static void write_cell(const struct plan_slot *slot, const struct value *v, struct buf *out) {
    if (slot->secret && v->tag != V_NONE)
        BUF_LITERAL(out, "\"<secret>\"");
    else if (v->tag == V_SET || v->tag == V_DICT || v->tag == V_BIGINT)
        BUF_LITERAL(out, "null");
    else
        value_write_json(out, v);
}

/* Names what is not finite, which is null among the features; an item of a vector (from 0) as NAME_0. */
static void write_nonfinite(struct str name, int64_t item, const struct value *v, bool *first, struct buf *out) {
    if (v->tag != V_FLOAT || isfinite(v->f))
        return;
    if (*first)
        BUF_LITERAL(out, ", \"nonfinite\": {");
    else
        BUF_LITERAL(out, ", ");
    *first = false;
    buf_char(out, '"');
    buf_str(out, name); /* a Python name: nothing to escape */
    if (item >= 0)
        buf_format(out, "_%lld", (long long)item);
    buf_format(out, "\": \"%s\"", nonfinite_name(v->f));
}

void write_features(const struct plan *plan, const struct value *cells, struct buf *out) {
    bool first = true;
    BUF_LITERAL(out, "\"features\": {");
    for (uint32_t i = 0; i < plan->named_slot_count; i++) {
        const struct plan_slot *slot = &plan->slots[i];
        if (!is_feature(slot) || slot->event != plan->scored)
            continue;
        if (!first)
            BUF_LITERAL(out, ", ");
        first = false;
        buf_json(out, slot->name);
        BUF_LITERAL(out, ": ");
        write_cell(slot, &cells[slot->slot], out);
    }
    buf_char(out, '}');
    first = true;
    for (uint32_t i = 0; i < plan->named_slot_count; i++) {
        const struct plan_slot *slot = &plan->slots[i];
        const struct value *v = &cells[slot->slot];
        if (!is_feature(slot) || slot->secret)
            continue;
        write_nonfinite(slot->name, -1, v, &first, out);
        for (uint32_t k = 0; slot->size > 0 && v->tag == V_LIST && k < v->len; k++)
            write_nonfinite(slot->name, k, &value_items(v)[k], &first, out);
    }
    if (!first)
        buf_char(out, '}');
}

/* Names and texts of rules, functions, outcomes and classes, each at most six bytes a byte in JSON; windows' values and
 * names; the id. */
size_t output_bound(const struct plan *plan) {
    size_t bytes = 4096 + 6 * LIMIT_ID_BYTES + 6 * (plan->name.len + plan->file.len), longest = 0, file = 0;
    for (uint32_t i = 0; i < plan->decide.outcome_count; i++)
        bytes += 6 * plan->decide.outcomes[i].len;
    for (uint32_t i = 0; i < plan->event_count; i++)
        bytes += 6 * plan->events[i].class.name.len;
    for (uint32_t i = 0; i < plan->decide.rule_count; i++)
        bytes += 6 * (2 * plan->rules[i].name.len + plan->rules[i].text.len) + 64;
    for (uint32_t i = 0; i < plan->file_count; i++)
        if (plan->files[i].len > file)
            file = plan->files[i].len;
    for (uint32_t i = 0; i < plan->function_count; i++) {
        size_t len = 6 * (plan->functions[i].name.len + file) + 128;
        if (len > longest)
            longest = len;
        if (plan->function_secret[i])
            bytes += LIMIT_EVENT_BYTES;
    }
    for (uint32_t i = 0; i < plan->window_count; i++)
        bytes += 2 * (6 * (plan->windows[i].name.len + plan->window_info[i].file.len) + 128) + 16 +
                 (window_gives_value(plan->windows[i].kind) ? LIMIT_STRING_BYTES : 0);
    bytes += plan->outcome_count * LIMIT_EVENT_BYTES;
    return bytes + CODE_ERRORS_MAX * longest;
}
