/* Look-ups by id: the decision as it was answered, and what it was made of. An explanation re-lives the decision: it
 * reads the input and the window values from the log and runs the same functions over them. Results of functions that
 * read a Secret come from the log, since the Secret itself is nowhere. */
#include "base/assert.h"
#include "base/number.h"
#include "engine_private.h"

enum { EXPLAINED_EVENTS = 20 };

static void answer_not_found(struct engine_thread *thread, struct engine_answer *answer) {
    answer_problem(thread, answer, ENGINE_NOT_FOUND, 404, "unknown-decision", "No such decision",
                   "no durable decision has this id; ids are remembered for the definition's id retention");
}

/* Finds a durable output by id; integer ids are tried where the definition has them. */
static bool find_output(struct engine_thread *thread, struct str id, struct ids_entry *entry) {
    struct engine *engine = thread->engine;
    const struct event_class *class = &engine->plan->events[engine->plan->scored].class;
    struct value key = value_str(id.p, id.len);
    if (class->fields[class->id_field].type == FIELD_INT) {
        struct number number;
        if (number_parse_json(id.p, id.len, &number) != id.len || id.len == 0 || !number.is_int || number.overflow)
            return false;
        key = value_int(number.i);
    }
    bool ascii;
    if (id.len > LIMIT_ID_BYTES || utf8_valid_prefix(id.p, id.len, &ascii) != id.len)
        return false;
    struct hash128 hash = id_hash(engine, engine->plan->scored, &key, &thread->arena);
    return ids_find(engine->ids, hash, ids_now(engine), entry) && entry->output != 0 &&
           engine_is_durable(engine, entry->output_end) == ENGINE_DURABLE;
}

static void write_inputs(const struct plan *plan, const struct value *cells, struct buf *out) {
    const struct event_class *class = &plan->events[plan->scored].class;
    BUF_LITERAL(out, ", \"inputs\": {");
    for (uint32_t f = 0; f < class->field_count; f++) {
        const struct field *field = &class->fields[f];
        if (f > 0)
            BUF_LITERAL(out, ", ");
        buf_json(out, field->name);
        BUF_LITERAL(out, ": ");
        value_write_json(out, &cells[field->hash_slot != NO_SLOT ? field->hash_slot : field->slot]);
    }
    buf_char(out, '}');
}

struct event_list {
    struct buf *out;
    bool any, has_column;
};

static void write_window_event(void *context, int64_t at_us, uint64_t seq, const struct value *column) {
    struct event_list *list = context;
    struct value at = value_datetime(at_us);
    if (list->any)
        BUF_LITERAL(list->out, ", ");
    list->any = true;
    BUF_LITERAL(list->out, "{\"seq\": ");
    buf_int(list->out, (int64_t)seq);
    BUF_LITERAL(list->out, ", \"at\": ");
    value_write_json(list->out, &at);
    if (list->has_column && column != NULL && column->tag != V_SECRET && column->tag != V_NONE) {
        BUF_LITERAL(list->out, ", \"value\": ");
        value_write_json(list->out, column);
    }
    buf_char(list->out, '}');
}

static void write_windows(struct engine_thread *thread, const struct input_head *head, const struct record *input,
                          struct buf *out) {
    const struct plan *plan = thread->engine->plan;
    const struct window_moment moment = {.at_us = head->at_us, .arrival_us = input->arrival_us, .seq = input->seq};
    BUF_LITERAL(out, ", \"windows\": {");
    for (uint32_t i = 0; i < plan->window_count; i++) {
        const struct window_spec *window = &plan->windows[i];
        const struct value *v = &thread->frame.cells[window->slot];
        struct event_list list = {.out = out, .has_column = window->column >= 0};
        if (i > 0)
            BUF_LITERAL(out, ", ");
        buf_json(out, window->name);
        BUF_LITERAL(out, ": {\"value\": ");
        value_write_json(out, v);
        BUF_LITERAL(out, ", \"events\": [");
        if (v->tag != V_NONE || v->len == MISSING_NOT)
            window_explain(thread->engine->windows, i, thread->frame.cells, &moment, EXPLAINED_EVENTS,
                           &thread->arena, write_window_event, &list);
        BUF_LITERAL(out, "]}");
    }
    buf_char(out, '}');
}

static void write_rules(const struct plan *plan, const struct value *cells, struct buf *out) {
    BUF_LITERAL(out, ", \"rules\": [");
    for (uint32_t i = 0; i < plan->decide.rule_count; i++) {
        const struct decide_rule *rule = &plan->rules[i];
        if (i > 0)
            BUF_LITERAL(out, ", ");
        BUF_LITERAL(out, "{\"rule\": ");
        buf_json(out, rule->name);
        BUF_LITERAL(out, ", \"outcome\": ");
        buf_json(out, plan->decide.outcomes[rule->outcome]);
        BUF_LITERAL(out, ", \"fired\": ");
        value_write_json(out, &cells[rule->slot]);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

/* Brings the decision back into the thread's frame; false if it was made under another bundle. */
static bool relive(struct engine_thread *thread, const struct record *input, const struct record *stored,
                   const struct output_body *output, struct input_head *head) {
    struct engine *engine = thread->engine;
    const struct plan *plan = engine->plan;
    struct code_frame *frame = &thread->frame;
    if (!record_read_input_head(input->body, input->body_len, head) || head->deployment < 1 ||
        head->deployment > engine->layout_count)
        return false;
    const struct layout *layout = &engine->layouts[head->deployment - 1];
    if (strcmp(layout->hash, plan->bundle->hash) != 0 || head->event >= layout->class_count ||
        layout->classes[head->event].event < 0)
        return false;
    code_begin(frame);
    memset(thread->have_result, 0, plan->function_count * sizeof *thread->have_result);
    if (!record_read_fields(input->body, input->body_len, &layout->classes[head->event], plan, &engine->key,
                            &thread->arena, frame->cells, thread->have_result) ||
        !record_read_output_values(stored->body, stored->body_len, output->windows_at, plan, &thread->arena,
                                   frame->cells, thread->have_result))
        return false;
    frame->cells[plan->arrival_slot] = value_datetime(input->arrival_us);
    run_before(frame, plan, (uint32_t)layout->classes[head->event].event, thread->have_result);
    run_after(frame, plan, thread->have_result, thread->model_row, NULL);
    struct decision decision;
    return run_decision(frame, plan, thread->have_result, &decision);
}

static void write_when(const struct engine *engine, const struct record *input, const struct input_head *head,
                       struct buf *out) {
    struct value at = value_datetime(head->at_us), arrival = value_datetime(input->arrival_us);
    BUF_LITERAL(out, ", \"at\": ");
    value_write_json(out, &at);
    BUF_LITERAL(out, ", \"arrival\": ");
    value_write_json(out, &arrival);
    BUF_LITERAL(out, ", \"bundle\": ");
    buf_json(out, str_of(engine->layouts[head->deployment - 1].hash));
}

static bool explain(struct engine_thread *thread, const struct ids_entry *entry, const struct record *stored,
                    const struct output_body *output, struct buf *out) {
    struct engine *engine = thread->engine;
    struct record input;
    struct input_head head;
    if (entry->input == 0 || !log_read(engine, entry->input, &thread->arena, &input) ||
        !record_read_input_head(input.body, input.body_len, &head) || head.deployment < 1 ||
        head.deployment > engine->layout_count)
        return false;
    BUF_LITERAL(out, "{\"decision\": ");
    buf_str(out, output->answer);
    BUF_LITERAL(out, ", \"seq\": ");
    buf_int(out, (int64_t)stored->seq);
    write_when(engine, &input, &head, out);
    if (head.flags & INPUT_IMPORTED) {
        BUF_LITERAL(out, ", \"note\": \"imported: its windows were entered, nothing was decided here\"");
    } else if (relive(thread, &input, stored, output, &head)) {
        write_inputs(engine->plan, thread->frame.cells, out);
        BUF_LITERAL(out, ", ");
        write_features(engine->plan, thread->frame.cells, out);
        write_windows(thread, &head, &input, out);
        write_rules(engine->plan, thread->frame.cells, out);
    } else {
        BUF_LITERAL(out, ", \"note\": \"made by another bundle than the one in force: serve that bundle to see its "
                         "inputs and features\"");
    }
    buf_char(out, '}');
    return !out->failed;
}

void engine_decision(struct engine_thread *thread, struct str id, bool explained, struct engine_answer *answer) {
    ASSERT(thread != NULL && answer != NULL);
    struct ids_entry entry;
    struct record stored;
    struct output_body output;
    if (!find_output(thread, id, &entry)) {
        answer_not_found(thread, answer);
        return;
    }
    if (!log_read(thread->engine, entry.output, &thread->arena, &stored) ||
        !record_read_output(stored.body, stored.body_len, &output)) {
        answer_problem(thread, answer, ENGINE_UNAVAILABLE, 503, "unavailable", "Service unavailable",
                       "the stored answer cannot be read");
        return;
    }
    *answer = (struct engine_answer){.status = ENGINE_REPEATED, .http_status = 200, .body = output.answer};
    if (!explained)
        return;
    struct buf out;
    thread->arena.limit_bytes = thread->arena.total_bytes + LIMIT_ARENA_BYTES;
    buf_init(&out, &thread->arena, LIMIT_ARENA_BYTES);
    if (explain(thread, &entry, &stored, &output, &out)) {
        answer->body = (struct str){out.p, out.len};
    } else {
        thread->arena.limit_bytes += LIMIT_SHARE_BYTES;
        answer_problem(thread, answer, ENGINE_UNAVAILABLE, 503, "unavailable", "Service unavailable",
                       "the decision's input cannot be read");
    }
}
