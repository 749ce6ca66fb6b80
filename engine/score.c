/* The way of an event through the rooms, for a payment and for a context event alike:
 *
 *   parse -> functions that need no window -> claim the id -> reserve log space -> [ lock the key stripes -> sequence:
 * number, arrival, lateness, input record -> read and enter the windows -> unlock ] -> features, models, rules ->
 * decision -> output record -> answer, to be sent once durable.
 *
 * Invariants: log space is reserved before any stripe is locked, so a slow disk never holds a lock. The input is in the
 * log in the order of its number. A claimed id is either followed by both records or released. Nothing here waits. */
#include <math.h>

#include "base/assert.h"
#include "engine_private.h"

#define COUNT(engine, what) atomic_fetch_add_explicit(&(engine)->counters.what, 1, memory_order_relaxed)

void sequence_lock(struct engine *engine) {
    if (engine->journal != NULL)
        journal_lock(engine->journal);
    else
        pthread_mutex_lock(&engine->order);
}

void sequence_unlock(struct engine *engine) {
    if (engine->journal != NULL)
        journal_unlock(engine->journal);
    else
        pthread_mutex_unlock(&engine->order);
}

/* Appends with the sequencing lock held. */
uint64_t log_append(struct engine *engine, enum record_kind kind, uint64_t seq, int64_t arrival_us,
                    const struct str *parts, uint32_t part_count, uint64_t *end) {
    if (engine->journal != NULL)
        return journal_append(engine->journal, kind, seq, arrival_us, parts, part_count, end);
    uint64_t position = memory_log_append(engine->memory, kind, seq, arrival_us, parts, part_count);
    *end = position + 1;
    return position;
}

bool log_read(struct engine *engine, uint64_t position, struct arena *arena, struct record *out) {
    struct error error = {0};
    if (engine->journal != NULL)
        return journal_read(engine->journal, position, arena, out, &error);
    return memory_log_read(engine->memory, position, arena, out);
}

void answer_problem(struct engine_thread *thread, struct engine_answer *answer, enum engine_status status,
                    int http_status, const char *type, const char *title, const char *detail) {
    struct buf out;
    buf_init(&out, &thread->arena, LIMIT_BATCH_BYTES);
    engine_problem(&out, http_status, type, title, str_of(detail));
    ASSERT(!out.failed); /* see LIMIT_SHARE_BYTES */
    *answer = (struct engine_answer){.status = status, .http_status = http_status, .body = {out.p, out.len}};
}

static void answer_unavailable(struct engine_thread *thread, struct engine_answer *answer, const char *detail) {
    COUNT(thread->engine, unavailable);
    answer_problem(thread, answer, ENGINE_UNAVAILABLE, 503, "unavailable", "Service unavailable", detail);
}

struct hash128 id_hash_by(const struct hash_key *key, const struct plan *plan, uint32_t event, const struct value *id,
                          struct arena *arena) {
    struct buf bytes;
    struct str name = plan->events[event].class.name;
    buf_init(&bytes, arena, LIMIT_EVENT_BYTES);
    buf_u32(&bytes, (uint32_t)name.len);
    buf_str(&bytes, name);
    value_write_key(&bytes, id);
    ASSERT(!bytes.failed);
    return hash_keyed(key, bytes.p, bytes.len);
}

struct hash128 id_hash(const struct engine *engine, uint32_t event, const struct value *id, struct arena *arena) {
    return id_hash_by(&engine->key, engine->plan, event, id, arena);
}

/* Functions have a share of the memory, counted from where they begin, so that whether they run into its end
 * (LimitError) depends on nothing else: a replay finds the same. It also leaves enough for what comes after them: once
 * an event has its number nothing may fail for memory. Returns the limit to go back to. */
static size_t begin_share(struct arena *arena) {
    size_t limit_bytes = arena->limit_bytes;
    arena->limit_bytes = arena->total_bytes + LIMIT_SHARE_BYTES;
    return limit_bytes;
}

void run_before(struct code_frame *frame, const struct plan *plan, uint32_t event, const bool *have_result) {
    const struct plan_event *e = &plan->events[event];
    size_t limit_bytes = begin_share(frame->arena);
    code_call_each(frame, e->before, e->before_count, have_result);
    frame->arena->limit_bytes = limit_bytes;
}

/* A model's input: bool is 0 or 1, None (or what cannot be a number) is NaN, a category is its code in the model. */
static double model_input(const struct model *model, uint32_t input, const struct value *v) {
    switch (v->tag) {
    case V_FLOAT: return model_number(model, input, v->f);
    case V_INT:
    case V_BOOL: return model_number(model, input, (double)v->i);
    case V_STR: return model_text(model, input, value_text(v));
    default: return NAN;
    }
}

/* The same of an item of a vector, which may be missing, or shorter if a bundle is hostile. */
static double model_item(const struct model *model, uint32_t input, const struct value *vector, uint16_t item) {
    if ((vector->tag != V_LIST && vector->tag != V_TUPLE) || item >= vector->len)
        return NAN;
    return model_input(model, input, &value_items(vector)[item]);
}

/* A model of one output gives a float, of several a list of them. */
static void run_model(struct code_frame *frame, const struct plan_model *model, double *row) {
    double out[LIMIT_MODEL_OUTPUTS];
    uint32_t count = model_output_count(model->model);
    ASSERT(count <= LIMIT_MODEL_OUTPUTS);
    for (uint32_t i = 0; i < model->input_count; i++) {
        const struct value *v = &frame->cells[model->inputs[i]];
        row[i] = model->items[i] == WHOLE_CELL ? model_input(model->model, i, v)
                                               : model_item(model->model, i, v, model->items[i]);
    }
    model_predict(model->model, row, out);
    if (count == 1) {
        frame->cells[model->slot] = value_float(out[0]);
        return;
    }
    struct value *items = arena_alloc(frame->arena, count * sizeof *items);
    if (items == NULL) {
        frame->cells[model->slot] = value_none(MISSING_ERROR);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        items[i] = value_float(out[i]);
    frame->cells[model->slot] = (struct value){.tag = V_LIST, .len = count, .p = items};
}

void run_after(struct code_frame *frame, const struct plan *plan, const bool *have_result, double *model_row,
               struct stage_clock *clock) {
    size_t limit_bytes = begin_share(frame->arena);
    for (uint32_t i = 0, model; i < plan->after_count; i = model + 1) { /* functions up to a model, then that one */
        for (model = i; model < plan->after_count && plan->after_kinds[model] == STEP_FUNCTION;)
            model++;
        code_call_each(frame, plan->after_indexes + i, model - i, have_result);
        if (model == plan->after_count)
            break;
        stage_ends(clock, ENGINE_STAGE_FEATURES);
        run_model(frame, &plan->models[plan->after_indexes[model]], model_row);
        stage_ends(clock, ENGINE_STAGE_MODEL);
    }
    frame->arena->limit_bytes = limit_bytes;
    stage_ends(clock, ENGINE_STAGE_FEATURES);
}

bool run_decision(struct code_frame *frame, const struct plan *plan, const bool *have_result,
                  struct decision *decision) {
    size_t limit_bytes = begin_share(frame->arena);
    bool decided = decide(&plan->decide, frame, decision);
    if (decided && plan->decision_slot != NO_SLOT) {
        struct str outcome = plan->decide.outcomes[decision->outcome];
        frame->cells[plan->decision_slot] = value_str(outcome.p, outcome.len);
    }
    if (decided)
        code_call_each(frame, plan->after_decision, plan->after_decision_count, have_result);
    frame->arena->limit_bytes = limit_bytes;
    return decided;
}

/* One event on its way. */
struct flight {
    struct engine_thread *thread;
    struct engine *engine;
    const struct engine_options *options;
    struct engine_answer *answer;
    struct event_result parsed;
    struct event_outcome outcome;
    struct input_head head;
    struct buf fields; /* the input record behind its head */
    size_t reserved_bytes;
    uint64_t input, output, output_end;
    size_t arena_base_bytes; /* used by earlier events of the same request */
    int64_t latest_us;       /* the latest event time, this one included */
    struct stage_clock clock;
};

static int32_t find_class(const struct plan *plan, struct str name) {
    if (name.len == 0)
        return (int32_t)plan->scored;
    for (uint32_t e = 0; e < plan->event_count; e++)
        if (str_equal(plan->events[e].class.name, name))
            return (int32_t)e;
    return -1;
}

static bool answer_parse_failure(struct flight *f) {
    struct buf out;
    char detail[400];
    buf_init(&out, &f->thread->arena, LIMIT_BATCH_BYTES);
    enum engine_status status = ENGINE_BAD_FIELDS;
    int http_status = 422;
    if (f->parsed.status == EVENT_SYNTAX) {
        status = ENGINE_BAD_JSON;
        http_status = 400;
        snprintf(detail, sizeof detail, "not valid JSON at byte %zu: %.*s", f->parsed.offset, (int)f->parsed.detail.len,
                 f->parsed.detail.p);
        engine_problem(&out, 400, "bad-json", "The body is not valid JSON", str_of(detail));
        COUNT(f->engine, bad_json);
    } else if (f->parsed.status == EVENT_LIMIT) {
        status = ENGINE_TOO_LARGE;
        http_status = 413;
        engine_problem(&out, 413, "too-large", "The event is too large",
                       STR("the event needs more memory than one request may use"));
    } else {
        snprintf(detail, sizeof detail, "%u field%s of %.*s not as expected", f->parsed.errors_total,
                 f->parsed.errors_total == 1 ? " is" : "s are",
                 (int)f->engine->plan->events[f->outcome.event].class.name.len,
                 f->engine->plan->events[f->outcome.event].class.name.p);
        write_problem_fields(&out, 422, "bad-fields", "The event's fields are not as expected", detail, &f->parsed);
        COUNT(f->engine, bad_fields);
    }
    *f->answer = (struct engine_answer){.status = status, .http_status = http_status, .body = {out.p, out.len}};
    return false;
}

static bool parse(struct flight *f, struct str json) {
    struct engine *engine = f->engine;
    f->thread->arena.limit_bytes = f->arena_base_bytes + LIMIT_ARENA_BYTES;
    if (f->arena_base_bytes > LIMIT_ARENA_BYTES) {
        answer_problem(f->thread, f->answer, ENGINE_TOO_LARGE, 413, "too-large", "The batch is too large",
                       "the events of one request need too much memory: send fewer at once");
        return false;
    }
    if (json.len > LIMIT_EVENT_BYTES) {
        char detail[120];
        snprintf(detail, sizeof detail, "an event has at most %u bytes, this one has %zu", LIMIT_EVENT_BYTES, json.len);
        answer_problem(f->thread, f->answer, ENGINE_TOO_LARGE, 413, "too-large", "The event is too large", detail);
        return false;
    }
    code_begin(&f->thread->frame);
    event_parse(&engine->plan->events[f->outcome.event].class, &engine->key, &f->thread->arena, json,
                f->thread->frame.cells, &f->parsed);
    if (f->parsed.status != EVENT_OK)
        return answer_parse_failure(f);
    atomic_fetch_add_explicit(&engine->counters.masked, f->parsed.masked, memory_order_relaxed);
    f->outcome.id = f->parsed.id;
    return true;
}

void begin_record(const struct engine *engine, const struct value *cells, uint32_t event, const struct value *id,
                  struct arena *arena, struct buf *fields, struct input_head *head) {
    buf_init(fields, arena, LIMIT_ARENA_BYTES);
    record_write_fields(fields, engine->plan, event, cells);
    head->content = hash_keyed(&engine->key, fields->p, fields->len);
    head->id = id_hash(engine, event, id, arena);
    head->event = (uint16_t)event;
    head->deployment = engine->layout_count;
}

/* Runs what needs no window and writes the input record's body; its fields' hash is the content. */
static bool prepare_record(struct flight *f) {
    const struct plan *plan = f->engine->plan;
    struct code_frame *frame = &f->thread->frame;
    begin_record(f->engine, frame->cells, f->outcome.event, &f->parsed.id, &f->thread->arena, &f->fields, &f->head);
    stage_ends(&f->clock, ENGINE_STAGE_JOURNAL);
    run_before(frame, plan, f->outcome.event, NULL);
    stage_ends(&f->clock, ENGINE_STAGE_FEATURES);
    f->outcome.errors_before = frame->error_count;
    record_write_before_results(&f->fields, plan, f->outcome.event, frame->cells);
    if (f->fields.failed) {
        f->thread->arena.limit_bytes += LIMIT_SHARE_BYTES;
        answer_problem(f->thread, f->answer, ENGINE_TOO_LARGE, 413, "too-large", "The event is too large",
                       "the event's record is too large");
    }
    return !f->fields.failed;
}

/* A value as JSON inside a string; of a Secret only that it is one. */
static void add_shown(struct buf *out, const struct field *field, const struct value *v, struct str secret) {
    struct buf text;
    buf_init(&text, out->arena, LIMIT_BATCH_BYTES);
    value_write_json(&text, v);
    buf_json(out, field->secrecy == FIELD_SECRET ? secret : (struct str){text.p, text.len});
}

static void add_difference(struct buf *out, const struct field *field, const struct value *before,
                           const struct value *now, bool *first) {
    if (!*first)
        BUF_LITERAL(out, ", ");
    *first = false;
    BUF_LITERAL(out, "{\"path\": ");
    struct buf path;
    buf_init(&path, out->arena, LIMIT_EVENT_BYTES);
    buf_char(&path, '/');
    for (size_t i = 0; i < field->name.len; i++)
        buf_char(&path, field->name.p[i] == '.' ? '/' : field->name.p[i]);
    buf_json(out, (struct str){path.p, path.len});
    BUF_LITERAL(out, ", \"expected\": ");
    add_shown(out, field, before, STR("the same secret value"));
    BUF_LITERAL(out, ", \"got\": ");
    add_shown(out, field, now, STR("another secret value"));
    buf_char(out, '}');
}

/* Appends `, "errors": [...]`: the fields in which the stored event differs from the one in the frame. */
static void write_differences(struct flight *f, const struct record *stored, struct buf *out) {
    const struct event_class *class = &f->engine->plan->events[f->outcome.event].class;
    size_t at = INPUT_HEAD_BYTES + sizeof(uint32_t);
    struct input_head head;
    if (!record_read_input_head(stored->body, stored->body_len, &head) || head.deployment != f->engine->layout_count ||
        at > stored->body_len)
        return; /* written under another definition: its fields do not line up */
    bool first = true;
    BUF_LITERAL(out, ", \"errors\": [");
    for (uint32_t i = 0; i < class->field_count; i++) {
        const struct field *field = &class->fields[i];
        const struct value *now = &f->thread->frame.cells[field->hash_slot != NO_SLOT ? field->hash_slot : field->slot];
        struct value before;
        if (!value_read(stored->body, stored->body_len, &at, &f->thread->arena, &before))
            break;
        struct buf a, b;
        buf_init(&a, &f->thread->arena, LIMIT_EVENT_BYTES * 4);
        buf_init(&b, &f->thread->arena, LIMIT_EVENT_BYTES * 4);
        value_write(&a, &before);
        value_write(&b, now);
        if (a.len != b.len || memcmp(a.p, b.p, a.len) != 0)
            add_difference(out, field, &before, now, &first);
    }
    buf_char(out, ']');
}

static void answer_conflict(struct flight *f, const struct ids_entry *existing) {
    struct buf out;
    struct record stored;
    COUNT(f->engine, conflicts);
    buf_init(&out, &f->thread->arena, LIMIT_BATCH_BYTES);
    engine_problem(&out, 409, "conflict", "This id was used with other content",
                   STR("an event of this class with the same id and other content was answered before; send a new id, "
                       "or the same content"));
    if (!out.failed && existing->input != 0 && log_read(f->engine, existing->input, &f->thread->arena, &stored)) {
        out.len--;
        write_differences(f, &stored, &out);
        buf_char(&out, '}');
    }
    *f->answer = (struct engine_answer){.status = ENGINE_CONFLICT, .http_status = 409, .body = {out.p, out.len}};
}

static void answer_in_flight(struct flight *f, uint64_t wait) {
    answer_problem(f->thread, f->answer, ENGINE_IN_FLIGHT, 503, "in-flight", "The same event is being decided",
                   "the first request with this id has no answer yet; try again");
    f->answer->wait = wait;
}

/* Without durability an answer leaves before its record is written, which takes a millisecond or so. */
static bool may_be_unwritten(const struct engine *engine) {
    return engine->journal != NULL && engine->config.durability != DURABILITY_COMMIT &&
           journal_failure(engine->journal) == NULL;
}

/* Whether the content is the same where the stored event came under another definition: by the fields' names, as this
 * definition takes them. Uses the frame. */
static bool same_by_name(struct flight *f, const struct ids_entry *existing) {
    struct engine *engine = f->engine;
    struct arena *arena = &f->thread->arena;
    struct record stored;
    struct input_head head;
    struct buf fields;
    if (existing->input == 0 || !log_read(engine, existing->input, arena, &stored) ||
        !record_read_input_head(stored.body, stored.body_len, &head) || head.deployment < 1 ||
        head.deployment >= f->head.deployment)
        return false;
    const struct layout *layout = &engine->layouts[head.deployment - 1];
    if (head.event >= layout->class_count || layout->classes[head.event].event != (int32_t)f->outcome.event ||
        !record_read_fields(stored.body, stored.body_len, &layout->classes[head.event], engine->plan, &engine->key,
                            arena, f->thread->frame.cells, f->thread->have_result))
        return false;
    buf_init(&fields, arena, LIMIT_ARENA_BYTES);
    record_write_fields(&fields, engine->plan, f->outcome.event, f->thread->frame.cells);
    return !fields.failed && hash128_equal(hash_keyed(&engine->key, fields.p, fields.len), f->head.content);
}

/* The id is known: the first answer again, a conflict, or "wait". */
static void answer_existing(struct flight *f, const struct ids_entry *existing) {
    struct record stored;
    struct output_body output;
    if (!hash128_equal(existing->content, f->head.content) && !same_by_name(f, existing)) {
        answer_conflict(f, existing);
        return;
    }
    if (existing->output == 0 || engine_is_durable(f->engine, existing->output_end) == ENGINE_PENDING) {
        answer_in_flight(f, existing->output == 0 ? 0 : existing->output_end);
        return;
    }
    if (!log_read(f->engine, existing->output, &f->thread->arena, &stored) ||
        !record_read_output(stored.body, stored.body_len, &output)) {
        if (may_be_unwritten(f->engine))
            answer_in_flight(f, 0);
        else
            answer_unavailable(f->thread, f->answer, "the stored answer cannot be read");
        return;
    }
    COUNT(f->engine, repeated);
    *f->answer = (struct engine_answer){.status = ENGINE_REPEATED, .http_status = output.status, .body = output.answer};
}

/* In process nothing arrives, so ids never grow old. */
int64_t ids_now(const struct engine *engine) {
    return engine->journal != NULL ? engine->io->table->now_us(engine->io) : 0;
}

/* False (answered) if the id is not ours to decide. */
static bool claim(struct flight *f) {
    struct ids_entry existing;
    switch (ids_claim(f->engine->ids, f->head.id, f->head.content, ids_now(f->engine), &existing)) {
    case IDS_CLAIMED: return true;
    case IDS_EXISTS: answer_existing(f, &existing); return false;
    case IDS_FULL:
        answer_unavailable(f->thread, f->answer, "the id index is full: no new id can be remembered");
        return false;
    }
    UNREACHABLE();
}

/* Hashes what the windows are keyed by and compare; before any lock. */
static bool prepare_windows(struct flight *f, struct window_cursor *cursor) {
    struct engine_thread *thread = f->thread;
    if (window_prepare(f->engine->windows, cursor, f->outcome.event, thread->frame.cells, &thread->arena))
        return true;
    thread->arena.limit_bytes += LIMIT_SHARE_BYTES;
    answer_problem(thread, f->answer, ENGINE_TOO_LARGE, 413, "too-large", "The event is too large",
                   "the keys and values of its windows need too much memory");
    return false;
}

/* Room in the log for both records, and memory for the windows; before any lock. */
static bool reserve(struct flight *f) {
    struct engine *engine = f->engine;
    size_t budget_bytes = engine->config.window_budget_bytes;
    if (budget_bytes > 0 && windows_bytes(engine->windows) >= budget_bytes) {
        answer_unavailable(f->thread, f->answer, "the windows' memory budget is used up");
        return false;
    }
    if (engine->journal == NULL)
        return true;
    f->reserved_bytes = INPUT_HEAD_BYTES + f->fields.len + engine->output_bound_bytes;
    if (journal_reserve(engine->journal, 2, f->reserved_bytes))
        return true;
    const char *failure = journal_failure(engine->journal);
    answer_unavailable(f->thread, f->answer,
                       failure != NULL ? failure : "no space in the log: the disk is slow or full");
    return false;
}

/* In process nothing tells what came before the first event: unless the history is empty, windows are covered from it
 * on. */
void cover_from(struct engine *engine, int64_t at_us) {
    engine->layouts[engine->layout_count - 1].arrival_us = at_us;
    set_coverage(engine, engine->windows);
}

void sequence_event(struct engine *engine, int64_t at_us, const int64_t *now_us, struct event_outcome *outcome) {
    const struct plan *plan = engine->plan;
    if (now_us != NULL) {
        if (*now_us > engine->last_arrival_us)
            engine->last_arrival_us = *now_us;
        if (at_us > engine->last_arrival_us + plan->max_future_us) {
            at_us = engine->last_arrival_us + plan->max_future_us;
            outcome->flags |= INPUT_CLAMPED;
        }
    }
    if (at_us > engine->latest_us)
        engine->latest_us = at_us;
    if (now_us == NULL)
        engine->last_arrival_us = engine->latest_us;
    if (engine->latest_us - at_us > plan->max_late_us)
        outcome->flags |= INPUT_LATE;
    outcome->at_us = at_us;
    outcome->arrival_us = engine->last_arrival_us;
    outcome->seq = engine->next_seq++;
}

/* Number, arrival, clamped time and lateness, and the input record: one short critical section. */
static void sequence(struct flight *f) {
    struct engine *engine = f->engine;
    sequence_lock(engine);
    if (engine->journal == NULL && engine->next_seq == 1)
        cover_from(engine, f->parsed.at_us);
    int64_t now_us = engine->journal != NULL ? engine->io->table->now_us(engine->io) : 0;
    sequence_event(engine, f->parsed.at_us, engine->journal != NULL ? &now_us : NULL, &f->outcome);
    f->latest_us = engine->latest_us;
    f->head.at_us = f->outcome.at_us;
    f->head.flags = f->outcome.flags;
    char head[INPUT_HEAD_BYTES];
    record_write_input_head(&f->head, head);
    struct str parts[2] = {{head, sizeof head}, {f->fields.p, f->fields.len}};
    uint64_t end;
    f->input = log_append(engine, RECORD_INPUT, f->outcome.seq, f->outcome.arrival_us, parts, 2, &end);
    sequence_unlock(engine);
    f->reserved_bytes -= f->reserved_bytes > 0 ? parts[0].len + parts[1].len : 0;
}

struct window_moment moment_of(const struct event_outcome *outcome, int64_t latest_us) {
    return (struct window_moment){.at_us = outcome->at_us,
                                  .arrival_us = outcome->arrival_us,
                                  .latest_us = latest_us,
                                  .seq = outcome->seq,
                                  .too_late = outcome->flags & INPUT_LATE};
}

/* The atomic step across all of the event's keys. */
static void read_and_enter(struct flight *f, struct window_cursor *cursor) {
    struct engine *engine = f->engine;
    struct value *cells = f->thread->frame.cells;
    bool good = true;
    window_lock(cursor);
    stage_ends(&f->clock, ENGINE_STAGE_WINDOWS);
    sequence(f);
    stage_ends(&f->clock, ENGINE_STAGE_JOURNAL);
    const struct window_moment moment = moment_of(&f->outcome, f->latest_us);
    cells[engine->plan->arrival_slot] = value_datetime(f->outcome.arrival_us);
    f->thread->arena.limit_bytes += LIMIT_SHARE_BYTES;
    if (f->outcome.event == engine->plan->scored)
        good = window_read(cursor, &moment, cells);
    f->thread->arena.limit_bytes -= LIMIT_SHARE_BYTES;
    good = window_enter(cursor, &moment) && good;
    ASSERT(good); /* else the system has no memory: stop, a restart enters it from the log */
    window_unlock(cursor);
    stage_ends(&f->clock, ENGINE_STAGE_WINDOWS);
    ids_set_input(engine->ids, f->head.id, f->head.content, f->outcome.seq, f->outcome.arrival_us, f->input);
}

static void append_output(struct flight *f, struct str answer) {
    struct engine *engine = f->engine;
    struct buf body;
    buf_init(&body, &f->thread->arena, LIMIT_ARENA_BYTES);
    bool scored = f->outcome.event == engine->plan->scored;
    record_write_output(&body, engine->plan, scored ? 200 : 202, answer, scored, f->thread->frame.cells);
    ASSERT(!body.failed && (engine->journal == NULL || body.len <= f->reserved_bytes));
    struct str part = {body.p, body.len};
    struct window_cursor cursor;
    bool outcomes = window_has_outcomes(engine->windows, f->outcome.event);
    if (outcomes) {
        f->thread->arena.limit_bytes += LIMIT_SHARE_BYTES;
        bool prepared = window_prepare_outcome(engine->windows, &cursor, f->outcome.event, f->thread->frame.cells,
                                               &f->thread->arena);
        f->thread->arena.limit_bytes -= LIMIT_SHARE_BYTES;
        ASSERT(prepared);
        window_lock(&cursor);
    }
    sequence_lock(engine);
    f->output = log_append(engine, RECORD_OUTPUT, f->outcome.seq, f->outcome.arrival_us, &part, 1, &f->output_end);
    const struct window_moment moment = moment_of(&f->outcome, engine->latest_us);
    sequence_unlock(engine);
    if (outcomes) { /* whoever reads them from now on has a later input record */
        bool entered = window_enter(&cursor, &moment);
        ASSERT(entered);
        window_unlock(&cursor);
    }
    if (engine->journal != NULL)
        journal_unreserve(engine->journal, 0, f->reserved_bytes - body.len);
    ids_set_output(engine->ids, f->head.id, f->output, f->output_end);
}

static void count_decision(struct engine *engine, const struct event_outcome *outcome, const struct code_frame *frame) {
    if (outcome->event == engine->plan->scored)
        COUNT(engine, decided[outcome->decision.outcome]);
    else
        COUNT(engine, context_events);
    if (outcome->flags & INPUT_LATE)
        COUNT(engine, late);
    if (outcome->flags & INPUT_CLAMPED)
        COUNT(engine, clamped);
    if (frame->errors_total > 0)
        atomic_fetch_add_explicit(&engine->counters.function_errors, frame->errors_total, memory_order_relaxed);
    if (outcome->decision.not_evaluated_count > 0)
        atomic_fetch_add_explicit(&engine->counters.rules_not_evaluated, outcome->decision.not_evaluated_count,
                                  memory_order_relaxed);
}

/* The answer as stored; `?features=1` is added to what is sent only. */
static struct str add_features(struct flight *f, struct str stored) {
    struct buf out;
    buf_init(&out, &f->thread->arena, LIMIT_ARENA_BYTES);
    buf_add(&out, stored.p, stored.len - 1);
    BUF_LITERAL(&out, ", ");
    write_features(f->engine->plan, f->thread->frame.cells, &out);
    buf_char(&out, '}');
    return out.failed ? stored : (struct str){out.p, out.len};
}

static void decide_and_answer(struct flight *f) {
    struct engine *engine = f->engine;
    struct code_frame *frame = &f->thread->frame;
    bool scored = f->outcome.event == engine->plan->scored;
    struct buf out;
    buf_init(&out, &f->thread->arena, LIMIT_ARENA_BYTES);
    bool ok = true;
    if (scored) {
        run_after(frame, engine->plan, NULL, f->thread->model_row, &f->clock);
        ok = run_decision(frame, engine->plan, NULL, &f->outcome.decision);
    }
    ok = ok && (scored ? write_decision : write_accepted)(engine, frame, &f->outcome, &out);
    ASSERT(ok); /* see begin_share */
    struct str stored = {out.p, out.len};
    stage_ends(&f->clock, ENGINE_STAGE_REPLY);
    append_output(f, stored);
    stage_ends(&f->clock, ENGINE_STAGE_JOURNAL);
    count_decision(engine, &f->outcome, frame);
    bool features = scored && f->options != NULL && f->options->features;
    *f->answer = (struct engine_answer){.status = ENGINE_DECIDED,
                                        .http_status = scored ? 200 : 202,
                                        .body = features ? add_features(f, stored) : stored,
                                        .wait = engine->journal != NULL ? f->output_end : 0};
}

void engine_event(struct engine_thread *thread, struct str class_name, struct str json,
                  const struct engine_options *options, struct engine_answer *answer) {
    ASSERT(thread != NULL && answer != NULL);
    struct engine *engine = thread->engine;
    struct flight f = {.thread = thread,
                       .engine = engine,
                       .options = options,
                       .answer = answer,
                       .arena_base_bytes = thread->arena.total_bytes};
    f.outcome.started_ns = engine->io->table->monotonic_ns(engine->io);
    int32_t event = find_class(engine->plan, class_name);
    if (event < 0) {
        answer_problem(thread, answer, ENGINE_NOT_FOUND, 404, "unknown-event", "Unknown event class",
                       "the definition has no event class of this name");
        return;
    }
    f.outcome.event = (uint32_t)event;
    f.clock = (struct stage_clock){engine->io, options != NULL ? options->stage_ns : NULL, f.outcome.started_ns};
    if (!parse(&f, json))
        return;
    stage_ends(&f.clock, ENGINE_STAGE_PARSE);
    if (!prepare_record(&f) || !claim(&f))
        return;
    stage_ends(&f.clock, ENGINE_STAGE_JOURNAL);
    struct window_cursor cursor;
    if (!prepare_windows(&f, &cursor) || !reserve(&f)) {
        ids_release(engine->ids, f.head.id);
        return;
    }
    read_and_enter(&f, &cursor);
    decide_and_answer(&f);
}
