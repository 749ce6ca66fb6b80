/* The batch driver (backfill.h). Same bits as one by one, because it is the same functions in the same order: an event's
 * windows are read and entered by one thread, in the order of the events, and everything else depends on its own event
 * and those window values only. Chunks are small enough that the cells of one stay in a core's cache.
 *
 * Invariants: cells of a row point into its batch, into the arena of the worker that prepared it, or into the bundle;
 * workers' arenas are reset between chunks only. A row that is refused touches no window and has null results. */
#include "backfill.h"

#include <stdlib.h>

#include "backfill_private.h"
#include "base/assert.h"

enum { ROWS_A_THREAD = 256, WORKER_BYTES = 128 * 1024 * 1024 };

/* --- step 1: fields, and what needs no window --- */

static struct row_error *add_error(struct worker *worker, struct row *row, struct str function, struct str error,
                                   struct str file, uint32_t line) {
    struct row_error *added = arena_alloc(&worker->thread->arena, sizeof *added);
    if (added == NULL)
        return NULL;
    *added = (struct row_error){.function = function, .error = error, .file = file, .line = line};
    *row->errors_end = added;
    row->errors_end = &added->next;
    return added;
}

static void refuse(struct worker *worker, struct row *row, struct str where, const char *format, struct str a,
                   struct str b) {
    struct buf text;
    buf_init(&text, &worker->thread->arena, LIMIT_EVENT_BYTES);
    buf_format(&text, format, (int)a.len, a.p, (int)b.len, b.p);
    add_error(worker, row, where, (struct str){text.p, text.failed ? 0 : text.len}, STR(""), 0);
}

/* The id as text, also of an event that is refused for another field; None if it has none. */
static struct value id_text(struct worker *worker, uint32_t event) {
    const struct event_class *class = &worker->backfill->engine->plan->events[event].class;
    const struct value *id = &worker->thread->frame.cells[class->fields[class->id_field].slot];
    struct buf text;
    if (id->tag == V_STR)
        return *id;
    if (id->tag != V_INT)
        return value_none(MISSING_NOT);
    buf_init(&text, &worker->thread->arena, LIMIT_ID_BYTES);
    buf_int(&text, id->i);
    return text.failed ? value_none(MISSING_NOT) : value_str(text.p, text.len);
}

static void refuse_fields(struct worker *worker, struct row *row, const struct event_result *parsed) {
    row->state = ROW_REFUSED;
    if (parsed->status == EVENT_SYNTAX)
        refuse(worker, row, STR(""), "not valid JSON: %.*s%.*s", parsed->detail, STR(""));
    else if (parsed->status == EVENT_LIMIT)
        refuse(worker, row, STR(""), "the event needs more memory than one may use%.*s%.*s", STR(""), STR(""));
    for (uint32_t i = 0; parsed->status == EVENT_FIELDS && i < parsed->error_count; i++) {
        struct str path = parsed->errors[i].path; /* a JSON pointer: here without its first slash */
        if (path.len > 0)
            path = (struct str){path.p + 1, path.len - 1};
        refuse(worker, row, path, "expected %.*s, got %.*s", parsed->errors[i].expected, parsed->errors[i].got);
    }
}

/* Which of the repeated ids it has, or NOT_REPEATED; and its content. */
static bool identify(struct worker *worker, struct row *row, const struct value *id) {
    struct backfill *b = worker->backfill;
    const struct plan *plan = b->engine->plan;
    row->repeated = NOT_REPEATED;
    if (b->repeated_count == 0)
        return true;
    uint64_t hash = id_hash_by(&b->ids_key, plan, row->event, id, &worker->thread->arena).low;
    const uint64_t *found = bsearch(&hash, b->repeated, b->repeated_count, sizeof hash, compare_ids);
    if (found == NULL)
        return true;
    struct buf fields;
    buf_init(&fields, &worker->thread->arena, LIMIT_ARENA_BYTES);
    record_write_fields(&fields, plan, row->event, worker->thread->frame.cells);
    if (fields.failed)
        return false;
    row->repeated = (size_t)(found - b->repeated);
    row->content = hash_keyed(&b->engine->key, fields.p, fields.len);
    return true;
}

static void keep_code_errors(struct worker *worker, struct row *row) {
    struct code_frame *frame = &worker->thread->frame;
    row->code_error_count = frame->error_count;
    row->code_errors = NULL;
    if (frame->error_count > 0)
        row->code_errors =
            arena_copy(&worker->thread->arena, frame->errors, frame->error_count * sizeof *frame->errors);
    if (row->code_errors == NULL)
        row->code_error_count = 0;
}

static void prepare(struct worker *worker, struct row *row) {
    struct backfill *b = worker->backfill;
    const struct plan *plan = b->engine->plan;
    struct code_frame *frame = &worker->thread->frame;
    struct arena *arena = &worker->thread->arena;
    struct event_result parsed;
    row->errors = NULL;
    row->errors_end = &row->errors;
    row->state = ROW_TAKEN;
    row->decided = false;
    arena->limit_bytes = arena->total_bytes + LIMIT_ARENA_BYTES;
    code_begin(frame);
    columns_read(&b->columns[row->event], &b->engine->key, arena, row->index, frame->cells, &parsed);
    row->id = id_text(worker, row->event);
    if (parsed.status != EVENT_OK) {
        refuse_fields(worker, row, &parsed);
        return;
    }
    worker->masked += parsed.masked;
    row->at_us = parsed.at_us;
    if (b->import)
        begin_record(b->engine, frame->cells, row->event, &parsed.id, arena, &row->fields, &row->head);
    row->event_id = parsed.id;
    served_read(b, row, arena, frame->cells);
    run_before(frame, plan, row->event, b->have_result);
    keep_code_errors(worker, row);
    if (b->import)
        record_write_before_results(&row->fields, plan, row->event, frame->cells);
    if ((b->import && row->fields.failed) || !identify(worker, row, &parsed.id) ||
        !window_prepare(b->engine->windows, &row->cursor, row->event, frame->cells, arena)) {
        arena->limit_bytes += LIMIT_SHARE_BYTES;
        row->state = ROW_REFUSED;
        refuse(worker, row, STR(""), "the keys and values of its windows need too much memory%.*s%.*s", STR(""),
               STR(""));
        return;
    }
    memcpy(row->cells + plan->constant_count, frame->cells + plan->constant_count,
           plan->slot_count * sizeof *row->cells);
}

/* Prepares its part of the chunk; stops early where the memory is used up, and the rest comes with the next chunk. */
static void step_prepare(struct worker *worker) {
    struct backfill *b = worker->backfill;
    worker->done = worker->begin;
    arena_reset(&worker->thread->arena);
    for (size_t i = worker->begin; i < worker->end; i++) {
        if (i > worker->begin && worker->thread->arena.total_bytes > WORKER_BYTES)
            break;
        prepare(worker, &b->rows[i]);
        worker->done = i + 1;
    }
}

/* --- step 2: windows, one event after the other --- */

/* False: its id was there before, so it is not entered. */
static bool is_new(struct backfill *b, struct row *row) {
    if (row->repeated == NOT_REPEATED)
        return true;
    struct seen_id *seen = &b->seen[row->repeated];
    if (!seen->is_there) {
        *seen = (struct seen_id){.is_there = true, .content = row->content};
        return true;
    }
    row->state = hash128_equal(seen->content, row->content) ? ROW_REPEATED : ROW_CONFLICT;
    return false;
}

/* What a payment says for later ones is known once it is decided: a plan with outcome windows goes through the steps event
 * by event. */
size_t backfill_chunk_rows(const struct backfill *b, uint32_t workers) {
    return window_has_outcomes(b->engine->windows, b->engine->plan->scored) ? 1 : (size_t)ROWS_A_THREAD * workers;
}

static bool enter(struct backfill *b, struct row *row, struct error *error) {
    struct engine *engine = b->engine;
    struct event_outcome place = {.event = row->event};
    size_t n = b->next + (size_t)(row - b->rows);
    if (b->known.seqs != NULL)
        engine->next_seq = (uint64_t)b->known.seqs[n];
    if (!outcomes_enter_before(b, engine->next_seq, error))
        return false;
    if (!b->begun && !b->covered && !b->import)
        cover_from(engine, row->at_us);
    b->begun = true;
    if (b->import && !import_reserve(b, row, error))
        return false;
    sequence_lock(engine);
    sequence_event(engine, row->at_us, b->known.arrivals != NULL ? &b->known.arrivals[n] : NULL, &place);
    bool logged = !b->import || import_append(b, row, &place, n, error);
    sequence_unlock(engine);
    if (!logged)
        return false;
    if (b->import)
        journal_unreserve(engine->journal, 0, row->unused_bytes);
    row->cells[engine->plan->arrival_slot] = value_datetime(place.arrival_us);
    const struct window_moment moment = row->moment = moment_of(&place, engine->latest_us);
    window_lock(&row->cursor);
    bool entered = row->event != engine->plan->scored || b->import || window_read(&row->cursor, &moment, row->cells);
    entered = window_enter(&row->cursor, &moment) && entered;
    window_unlock(&row->cursor);
    return entered || error_set(error, ERROR_SYSTEM, "no memory for the windows' events");
}

static bool step_windows(struct backfill *b, size_t count, struct error *error) {
    for (size_t i = 0; i < count; i++) {
        struct row *row = &b->rows[i];
        if (row->state == ROW_TAKEN && is_new(b, row) && !enter(b, row, error))
            return false;
    }
    return true;
}

/* What the decided payments of the chunk say for later ones. */
static bool step_outcomes(struct backfill *b, struct error *error) {
    for (size_t i = 0; i < b->chunk && window_has_outcomes(b->engine->windows, b->engine->plan->scored); i++) {
        const struct row *row = &b->rows[i];
        const int64_t *decided_seqs = b->known.decided_seqs;
        uint64_t seq = decided_seqs != NULL ? (uint64_t)decided_seqs[b->next + i] : row->moment.seq;
        if (row->decided && !outcomes_take(b, row, seq, error))
            return false;
    }
    return true;
}

/* --- step 3: what depends on the windows --- */

struct error_context {
    struct worker *worker;
    struct row *row;
};

static void visit_error(void *context, struct str function, const char *exception, struct str file, uint32_t line) {
    struct error_context *to = context;
    add_error(to->worker, to->row, function, str_of(exception), file, line);
}

static bool imports(const struct worker *worker) { return worker->backfill->import; }

static void finish(struct worker *worker, struct row *row) {
    const struct plan *plan = worker->backfill->engine->plan;
    struct code_frame *frame = &worker->thread->frame;
    struct event_outcome outcome = {.event = row->event, .errors_before = row->code_error_count};
    bool scored = row->event == plan->scored;
    if (row->state != ROW_TAKEN || ((!scored || imports(worker)) && row->code_error_count == 0))
        return;
    worker->thread->arena.limit_bytes = worker->thread->arena.total_bytes + LIMIT_ARENA_BYTES;
    memcpy(frame->cells + plan->constant_count, row->cells + plan->constant_count,
           plan->slot_count * sizeof *row->cells);
    code_forget(frame);
    frame->error_count = frame->errors_total = row->code_error_count;
    if (row->code_error_count > 0)
        memcpy(frame->errors, row->code_errors, row->code_error_count * sizeof *row->code_errors);
    if (scored && !imports(worker)) {
        run_after(frame, plan, worker->backfill->have_result, worker->thread->model_row, NULL);
        row->decided = run_decision(frame, plan, worker->backfill->have_result, &outcome.decision);
        ASSERT(row->decided); /* functions have their share of the memory */
        row->outcome = outcome.decision.outcome;
        memcpy(row->cells + plan->constant_count, frame->cells + plan->constant_count,
               plan->slot_count * sizeof *row->cells);
    }
    struct error_context context = {worker, row};
    each_error(plan, frame, &outcome, visit_error, &context);
}

static void step_finish(struct worker *worker) {
    struct backfill *b = worker->backfill;
    for (size_t i = worker->begin; i < worker->end && i < b->chunk; i++)
        finish(worker, &b->rows[i]);
}

/* --- step 4: results to their columns, a column by one thread --- */

static void append(struct backfill *b, uint32_t c, struct arena *arena) {
    const struct plan *plan = b->engine->plan;
    const struct backfill_column *spec = &b->specs[c];
    const struct value none = value_none(MISSING_NOT);
    struct value text;
    for (size_t i = 0; i < b->chunk; i++) {
        const struct row *row = &b->rows[i];
        if (row->event != plan->scored)
            continue;
        const struct value *value = &none;
        if (row->decided && spec->source == BACKFILL_DECISION) {
            struct str name = plan->decide.outcomes[row->outcome];
            text = value_str(name.p, name.len);
            value = &text;
        } else if (row->decided && spec->source == BACKFILL_SCORE) {
            const struct value *score = plan->decide.has_score ? &row->cells[plan->decide.score_slot] : &none;
            value = score->tag == V_FLOAT || score->tag == V_INT || score->tag == V_BOOL ? score : &none;
        } else if (row->decided) {
            value = &row->cells[spec->slot];
            if (spec->item >= 0 && value->tag == V_LIST && (uint32_t)spec->item < value->len)
                value = &value_items(value)[spec->item];
            else if (spec->item >= 0)
                value = &none;
        }
        out_append(&b->out[c], value, arena);
    }
}

static void step_append(struct worker *worker) {
    struct backfill *b = worker->backfill;
    for (uint32_t c = worker->number; c < b->column_count; c += b->worker_count)
        append(b, c, &worker->thread->arena);
}

static void append_error(struct backfill *b, const struct row *row, const struct row_error *error) {
    struct arena *arena = &b->workers[0].thread->arena;
    struct value file = error->file.len > 0 ? value_str(error->file.p, error->file.len) : value_none(MISSING_NOT);
    struct value values[ERROR_COLUMNS] = {
        value_int(row->event),
        value_int(row->index),
        row->id,
        value_str(error->function.p, error->function.len),
        value_str(error->error.p, error->error.len),
        file,
        error->line > 0 ? value_int(error->line) : value_none(MISSING_NOT),
    };
    for (uint32_t c = 0; c < ERROR_COLUMNS; c++)
        out_append(&b->errors[c], &values[c], arena);
}

static bool note_repeat(struct backfill *b, const struct row *row) {
    if (b->repeat_count == b->repeat_cap) {
        size_t cap = b->repeat_cap == 0 ? 64 : b->repeat_cap * 2;
        struct backfill_repeat *grown = realloc(b->repeats, cap * sizeof *grown);
        if (grown == NULL)
            return false;
        b->repeats = grown;
        b->repeat_cap = cap;
    }
    b->repeats[b->repeat_count++] =
        (struct backfill_repeat){.row = b->scored_rows, .id = row->repeated, .first = row->state == ROW_TAKEN};
    return true;
}

static const struct row_error conflict = {
    .error = {"this id was used before with other content", sizeof "this id was used before with other content" - 1}};

/* What is not a column: errors, repeats, counts. */
static bool note_rows(struct backfill *b) {
    for (size_t i = 0; i < b->chunk; i++) {
        struct row *row = &b->rows[i];
        for (const struct row_error *error = row->errors; error != NULL; error = error->next)
            append_error(b, row, error);
        if (row->state == ROW_CONFLICT)
            append_error(b, row, &conflict);
        b->refused += row->state == ROW_REFUSED || row->state == ROW_CONFLICT;
        b->taken++;
        if (row->event != b->engine->plan->scored)
            continue;
        bool repeats = row->state == ROW_REPEATED || (row->state == ROW_TAKEN && row->repeated != NOT_REPEATED);
        if (repeats && !note_repeat(b, row))
            return false;
        b->scored_rows++;
    }
    return true;
}

/* --- a call --- */

static void divide(struct backfill *b, size_t count) {
    size_t each = (count + b->worker_count - 1) / b->worker_count;
    for (uint32_t w = 0; w < b->worker_count; w++) {
        struct worker *worker = &b->workers[w];
        worker->begin = w * each < count ? w * each : count;
        worker->end = worker->begin + each < count ? worker->begin + each : count;
    }
}

/* The rows of the next chunk, from their classes. */
static size_t next_chunk(struct backfill *b, const uint8_t *order, size_t count) {
    int64_t at[LIMIT_EVENT_CLASSES];
    size_t rows = backfill_chunk_rows(b, b->worker_count);
    memcpy(at, b->row_of, sizeof at);
    if (rows > count - b->next)
        rows = count - b->next;
    for (size_t i = 0; i < rows; i++) {
        uint8_t event = order[b->next + i];
        b->rows[i].event = event;
        b->rows[i].index = at[event]++;
    }
    return rows;
}

static bool take_chunk(struct backfill *b, const uint8_t *order, size_t count, struct error *error) {
    size_t rows = next_chunk(b, order, count);
    divide(b, rows);
    workers_run(b, step_prepare);
    b->chunk = 0; /* as far as all before it are prepared */
    for (uint32_t w = 0; w < b->worker_count; w++) {
        b->chunk = b->workers[w].done;
        if (b->workers[w].done < b->workers[w].end)
            break;
    }
    if (!step_windows(b, b->chunk, error))
        return false;
    workers_run(b, step_finish);
    if (!step_outcomes(b, error))
        return false;
    workers_run(b, step_append);
    if (!note_rows(b))
        return error_set(error, ERROR_SYSTEM, "out of memory");
    for (size_t i = 0; i < b->chunk; i++)
        b->row_of[b->rows[i].event]++;
    b->next += b->chunk;
    return true;
}

static bool bind(struct backfill *b, uint32_t event, const struct backfill_batch *batch, bool only_keys,
                 struct error *error) {
    const struct event_class *class = &b->engine->plan->events[event].class;
    struct columns *columns = &b->columns[event];
    if (batch->form == BACKFILL_JSON)
        return columns_bind_json(class, batch->schema, batch->array, &b->arena, columns, error);
    enum columns_form form = batch->form == BACKFILL_TEXT     ? COLUMNS_TEXT
                             : batch->form == BACKFILL_SERVED ? COLUMNS_HASHED
                                                              : COLUMNS_TYPED;
    return columns_bind(class, batch->schema, batch->array, form, only_keys, &b->arena, columns, error) &&
           (only_keys || served_bind(b, event, batch, error));
}

/* Every event named in `order` has a row in a batch. */
static bool bind_all(struct backfill *b, const struct backfill_batch *batches, const uint8_t *order, size_t count,
                     struct error *error) {
    int64_t rows[LIMIT_EVENT_CLASSES] = {0};
    uint32_t events = b->engine->plan->event_count;
    arena_reset(&b->arena);
    memset(b->row_of, 0, sizeof b->row_of);
    for (size_t i = 0; i < count; i++) {
        if (order[i] >= events)
            return error_set(error, ERROR_INPUT, "event %zu is of class %u, there are %u", i, order[i], events);
        if (b->known.outcomes != NULL && b->known.outcomes[i] > b->engine->plan->decide.outcome_count)
            return error_set(error, ERROR_INPUT, "event %zu has an outcome that the definition does not", i);
        if (b->known.seqs != NULL && order[i] == b->engine->plan->scored && b->known.decided_seqs[i] < b->known.seqs[i])
            return error_set(error, ERROR_INPUT, "event %zu, number %lld, was decided at number %lld, before it came", i,
                             (long long)b->known.seqs[i], (long long)b->known.decided_seqs[i]);
        rows[order[i]]++;
    }
    for (uint32_t e = 0; e < events; e++) {
        if (rows[e] == 0)
            continue;
        if (batches[e].schema == NULL || batches[e].array->length < rows[e])
            return error_set(error, ERROR_INPUT, "class %u has fewer rows than its events in the order", e);
        if (!bind(b, e, &batches[e], false, error))
            return false;
    }
    return true;
}

static bool check_columns(struct backfill *b, struct error *error) {
    for (uint32_t c = 0; c < b->column_count; c++)
        if (b->out[c].failure != NULL)
            return error_set(error, ERROR_LIMIT, "the column %s: %s", b->out[c].name, b->out[c].failure);
    for (uint32_t c = 0; c < ERROR_COLUMNS; c++)
        if (b->errors[c].failure != NULL)
            return error_set(error, ERROR_LIMIT, "the errors: %s", b->errors[c].failure);
    return true;
}

bool backfill_take(struct backfill *b, const struct backfill_batch *batches, const uint8_t *order, size_t count,
                   const struct backfill_known *known, struct backfill_result *result, struct error *error) {
    ASSERT((known->seqs == NULL) == (known->arrivals == NULL));
    ASSERT((known->seqs == NULL) == (known->decided_seqs == NULL));
    b->known = *known;
    b->next = b->repeat_count = 0;
    b->scored_rows = 0;
    bool ok = bind_all(b, batches, order, count, error);
    while (ok && b->next < count)
        ok = take_chunk(b, order, count, error);
    ok = ok && check_columns(b, error);
    int64_t errors = b->errors[0].count;
    ok = ok && out_give(b->out, b->column_count, b->scored_rows, &result->schema, &result->array, error);
    if (ok && !out_give(b->errors, ERROR_COLUMNS, errors, &result->error_schema, &result->error_array, error)) {
        result->schema.release(&result->schema);
        result->array.release(&result->array);
        ok = false;
    }
    if (!ok)
        backfill_drop(b);
    result->repeats = b->repeats;
    result->repeat_count = b->repeat_count;
    result->taken = b->taken;
    result->refused = b->refused;
    result->masked = 0;
    for (uint32_t w = 0; w < b->worker_count; w++)
        result->masked += b->workers[w].masked;
    return ok;
}

bool backfill_keys(struct backfill *b, uint32_t event, const struct backfill_batch *batch, int64_t *at_us,
                   uint64_t *ids, struct error *error) {
    struct engine_thread *thread = b->workers[0].thread;
    struct event_result parsed;
    arena_reset(&b->arena);
    if (event >= b->engine->plan->event_count)
        return error_set(error, ERROR_INPUT, "class %u of %u", event, b->engine->plan->event_count);
    if (!bind(b, event, batch, true, error))
        return false;
    for (int64_t row = 0; row < batch->array->length; row++) {
        arena_reset(&thread->arena);
        thread->arena.limit_bytes = LIMIT_ARENA_BYTES;
        bool good = columns_read_key(&b->columns[event], &b->engine->key, &thread->arena, row, thread->frame.cells,
                                     &parsed);
        at_us[row] = good ? parsed.at_us : INT64_MIN;
        ids[row] = good ? id_hash_by(&b->ids_key, b->engine->plan, event, &parsed.id, &thread->arena).low : 0;
    }
    return true;
}

void backfill_cover(struct backfill *b, uint32_t event, int64_t since_us) {
    const struct plan *plan = b->engine->plan;
    b->covered = true;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        if (plan->streams[s].event == event)
            windows_set_coverage(b->engine->windows, s, since_us);
}
