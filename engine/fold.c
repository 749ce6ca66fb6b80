/* State is a fold of the journal. Recovery folds every record into fresh windows and a fresh id index, then decides the
 * inputs that have no durable output (they were never answered). Replay does the same over a log it only reads, decides
 * every input again and compares with what was stored.
 *
 * A record written under another bundle is mapped to this plan by the names of classes and fields; its stored answer is
 * compared only under the bundle that made it. */
#include <stdlib.h>

#include "base/assert.h"
#include "engine_private.h"

/* An input whose output has not been met yet. */
struct pending {
    uint64_t seq, input;
    int64_t arrival_us;
    uint8_t *body; /* malloc'd copy */
    size_t body_len;
    bool unknown;     /* of a class that the plan does not know */
    uint8_t *windows; /* malloc'd: the values it read, serialized in the plan's order */
    size_t windows_len;
};

struct fold {
    struct engine *engine;
    struct arena arena;
    struct code_frame frame;
    double *model_row;
    bool *have_result;
    struct pending *pending;
    size_t pending_count, pending_cap;
    struct engine_replay *replay; /* NULL: recovery */
};

static bool corrupt(struct error *error, const struct record *record, const char *what) {
    return error_set(error, ERROR_CORRUPT, "journal record at position %llu: %s", (unsigned long long)record->position,
                     what);
}

static bool fold_init(struct fold *fold, struct engine *engine, struct engine_replay *replay, struct error *error) {
    *fold = (struct fold){.engine = engine, .replay = replay};
    arena_init(&fold->arena, LIMIT_ARENA_BYTES * 2);
    fold->model_row = calloc(engine->plan->model_inputs_max + 1, sizeof(double));
    fold->have_result = calloc(engine->plan->function_count + 1, sizeof(bool));
    if (fold->model_row == NULL || fold->have_result == NULL)
        return error_set(error, ERROR_SYSTEM, "out of memory");
    return code_frame_init(&fold->frame, engine->plan->code, &fold->arena, error);
}

static void fold_release(struct fold *fold) {
    for (size_t i = 0; i < fold->pending_count; i++) {
        free(fold->pending[i].body);
        free(fold->pending[i].windows);
    }
    free(fold->pending);
    free(fold->model_row);
    free(fold->have_result);
    code_frame_release(&fold->frame);
    arena_release(&fold->arena);
}

/* Windows of a class are covered since the first deployment that knew the class (outcome windows: and what they take),
 * unless the history was truly empty. */
int64_t class_since(const struct engine *engine, struct str name, bool outcome) {
    for (uint32_t i = 0; i < engine->layout_count; i++)
        for (uint32_t c = 0; c < engine->layouts[i].class_count; c++)
            if (str_equal(engine->layouts[i].classes[c].name, name) && (!outcome || engine->layouts[i].has_outcomes))
                return engine->layouts[i].arrival_us;
    return INT64_MAX;
}

static bool history_is_empty(const struct engine *engine) {
    switch (engine->config.history) {
    case HISTORY_EMPTY: return true;
    case HISTORY_UNKNOWN: return false;
    case HISTORY_DEFINITION: return engine->plan->history_empty || engine->config.data_folder == NULL;
    }
    UNREACHABLE();
}

void set_coverage(const struct engine *engine, struct windows *windows) {
    const struct plan *plan = engine->plan;
    for (uint32_t i = 0; i < plan->stream_count; i++) {
        struct str name = plan->events[plan->streams[i].event].class.name;
        windows_set_coverage(windows, i,
                             history_is_empty(engine) ? INT64_MIN
                                                      : class_since(engine, name, plan->streams[i].outcome));
    }
}

struct windows *make_windows(const struct engine *engine, struct error *error) {
    const struct plan *plan = engine->plan;
    struct windows_config config = {
        .streams = plan->streams,
        .stream_count = plan->stream_count,
        .windows = plan->windows,
        .window_count = plan->window_count,
        .scored_event = plan->scored,
        .key = engine->key,
        .max_late_us = plan->max_late_us,
        .budget_bytes = 0, /* checked where an event is admitted: one that has its number is entered */
    };
    struct windows *windows = windows_create(&config, error);
    if (windows != NULL)
        set_coverage(engine, windows);
    return windows;
}

bool add_layout(struct engine *engine, const uint8_t *body, size_t len, int64_t arrival_us, struct error *error) {
    if (engine->layout_count == engine->layout_cap) {
        uint32_t cap = engine->layout_cap == 0 ? 16 : engine->layout_cap * 2;
        struct layout *layouts = realloc(engine->layouts, cap * sizeof *layouts);
        if (layouts == NULL)
            return error_set(error, ERROR_SYSTEM, "out of memory");
        engine->layouts = layouts;
        engine->layout_cap = cap;
    }
    struct layout *layout = &engine->layouts[engine->layout_count];
    if (!record_read_deployment(body, len, engine->plan, &engine->layouts_arena, layout))
        return error_set(error, ERROR_CORRUPT, "not a deployment");
    layout->arrival_us = arrival_us;
    engine->layout_count++;
    return true;
}

bool log_durably(struct engine *engine, enum record_kind kind, uint64_t seq, int64_t arrival_us, const struct buf *body,
                 uint64_t *position, uint64_t *end, struct error *error) {
    ASSERT(!body->failed);
    struct str part = {body->p, body->len};
    bool ok = journal_reserve(engine->journal, 1, body->len);
    if (ok) {
        journal_lock(engine->journal);
        *position = journal_append(engine->journal, kind, seq, arrival_us, &part, 1, end);
        journal_unlock(engine->journal);
        ok = journal_wait(engine->journal, *end);
    }
    const char *failure = journal_failure(engine->journal);
    return ok || error_set(error, ERROR_SYSTEM, "%s", failure != NULL ? failure : "no space in the log");
}

static bool fold_deployment(struct fold *fold, const struct record *record, struct error *error) {
    struct engine *engine = fold->engine;
    if (!add_layout(engine, record->body, record->body_len, record->arrival_us, error))
        return error_prefix(error, "journal record at position %llu", (unsigned long long)record->position);
    if (record->arrival_us > engine->last_arrival_us)
        engine->last_arrival_us = record->arrival_us;
    set_coverage(engine, engine->windows);
    return true;
}

/* The layout of an input, or NULL if there is none such, or the plan does not know its class (*unknown then). */
static const struct layout_class *layout_of(const struct engine *engine, const struct input_head *head, bool *unknown) {
    *unknown = false;
    if (head->deployment < 1 || head->deployment > engine->layout_count)
        return NULL;
    const struct layout *layout = &engine->layouts[head->deployment - 1];
    if (head->event >= layout->class_count)
        return NULL;
    *unknown = layout->classes[head->event].event < 0;
    return &layout->classes[head->event];
}

static bool keep_pending(struct fold *fold, const struct record *record, bool unknown) {
    if (fold->pending_count == fold->pending_cap) {
        size_t cap = fold->pending_cap == 0 ? 64 : fold->pending_cap * 2;
        struct pending *grown = realloc(fold->pending, cap * sizeof *grown);
        if (grown == NULL)
            return false;
        fold->pending = grown;
        fold->pending_cap = cap;
    }
    const struct plan *plan = fold->engine->plan;
    struct pending *pending = &fold->pending[fold->pending_count];
    *pending = (struct pending){.seq = record->seq,
                                .input = record->position,
                                .arrival_us = record->arrival_us,
                                .body_len = record->body_len,
                                .unknown = unknown};
    struct buf values;
    buf_init(&values, &fold->arena, LIMIT_ARENA_BYTES);
    for (uint32_t i = 0; i < plan->window_count && !unknown; i++)
        value_write(&values, &fold->frame.cells[plan->windows[i].slot]);
    pending->body = malloc(record->body_len);
    pending->windows = malloc(values.len + 1);
    if (values.failed || pending->body == NULL || pending->windows == NULL) {
        free(pending->body);
        free(pending->windows);
        return false;
    }
    memcpy(pending->body, record->body, record->body_len);
    if (values.len > 0)
        memcpy(pending->windows, values.p, values.len);
    pending->windows_len = values.len;
    fold->pending_count++;
    return true;
}

/* Puts an input's cells into the frame and runs what needs no window. */
static bool restore_input(struct fold *fold, const uint8_t *body, size_t len, const struct layout_class *layout,
                          int64_t arrival_us) {
    const struct plan *plan = fold->engine->plan;
    code_begin(&fold->frame);
    memset(fold->have_result, 0, plan->function_count * sizeof *fold->have_result);
    if (!record_read_fields(body, len, layout, plan, &fold->engine->key, &fold->arena, fold->frame.cells,
                            fold->have_result))
        return false;
    fold->frame.cells[plan->arrival_slot] = value_datetime(arrival_us);
    run_before(&fold->frame, plan, (uint32_t)layout->event, fold->have_result);
    return true;
}

static struct window_moment moment_of_input(const struct engine *engine, const struct input_head *head, uint64_t seq,
                                            int64_t arrival_us) {
    return (struct window_moment){.at_us = head->at_us,
                                  .arrival_us = arrival_us,
                                  .latest_us = engine->latest_us,
                                  .seq = seq,
                                  .too_late = head->flags & INPUT_LATE};
}

static bool enter_windows(struct fold *fold, const struct record *record, const struct input_head *head,
                          uint32_t event) {
    struct engine *engine = fold->engine;
    const struct window_moment moment = moment_of_input(engine, head, record->seq, record->arrival_us);
    struct window_cursor cursor;
    if (!window_prepare(engine->windows, &cursor, event, fold->frame.cells, &fold->arena))
        return false;
    bool good = true;
    window_lock(&cursor);
    if (event == engine->plan->scored)
        good = window_read(&cursor, &moment, fold->frame.cells);
    good = window_enter(&cursor, &moment) && good;
    window_unlock(&cursor);
    return good;
}

/* What the frame holds of a decided payment goes into the outcome windows. */
static bool enter_outcomes(struct fold *fold, const struct input_head *head, const struct pending *pending) {
    struct engine *engine = fold->engine;
    const struct window_moment moment = moment_of_input(engine, head, pending->seq, pending->arrival_us);
    struct window_cursor cursor;
    if (!window_prepare_outcome(engine->windows, &cursor, engine->plan->scored, fold->frame.cells, &fold->arena))
        return false;
    window_lock(&cursor);
    bool entered = window_enter(&cursor, &moment);
    window_unlock(&cursor);
    return entered;
}

static bool fold_input(struct fold *fold, const struct record *record, struct error *error) {
    struct engine *engine = fold->engine;
    struct input_head head;
    bool unknown;
    if (!record_read_input_head(record->body, record->body_len, &head))
        return corrupt(error, record, "not an input");
    if (record->seq < engine->next_seq)
        return corrupt(error, record, "a sequence number that is not higher than the one before");
    const struct layout_class *layout = layout_of(engine, &head, &unknown);
    if (layout == NULL)
        return corrupt(error, record, "an input of an unknown deployment");
    engine->next_seq = record->seq + 1;
    if (record->arrival_us > engine->last_arrival_us)
        engine->last_arrival_us = record->arrival_us;
    if (head.at_us > engine->latest_us)
        engine->latest_us = head.at_us;
    if (!ids_set_input(engine->ids, head.id, head.content, record->seq, record->arrival_us, record->position))
        return error_set(error, ERROR_LIMIT, "the id index is full: raise its limit");
    if (fold->replay != NULL)
        fold->replay->inputs++;
    if (unknown) /* the class is no more: its answers stay, its events feed no window */
        return keep_pending(fold, record, true) || error_set(error, ERROR_SYSTEM, "out of memory");
    if (!restore_input(fold, record->body, record->body_len, layout, record->arrival_us))
        return corrupt(error, record, "fields that are not what the deployment says");
    return (enter_windows(fold, record, &head, (uint32_t)layout->event) && keep_pending(fold, record, false)) ||
           error_set(error, ERROR_SYSTEM, "out of memory");
}

static struct pending *find_pending(struct fold *fold, uint64_t seq) {
    for (size_t i = 0; i < fold->pending_count; i++)
        if (fold->pending[i].seq == seq)
            return &fold->pending[i];
    return NULL;
}

static void drop_pending(struct fold *fold, struct pending *pending) {
    free(pending->body);
    free(pending->windows);
    *pending = fold->pending[--fold->pending_count];
}

/* Decides a pending input as it was decided, or would have been. */
static bool decide_again(struct fold *fold, const struct pending *pending, struct event_outcome *outcome,
                         struct input_head *head, struct buf *out) {
    struct engine *engine = fold->engine;
    const struct plan *plan = engine->plan;
    bool unknown;
    if (!record_read_input_head(pending->body, pending->body_len, head))
        return false;
    const struct layout_class *layout = layout_of(engine, head, &unknown);
    if (layout == NULL || unknown ||
        !restore_input(fold, pending->body, pending->body_len, layout, pending->arrival_us))
        return false;
    const struct event_class *class = &plan->events[layout->event].class;
    *outcome = (struct event_outcome){.event = (uint32_t)layout->event,
                                      .id = fold->frame.cells[class->fields[class->id_field].slot],
                                      .seq = pending->seq,
                                      .at_us = head->at_us,
                                      .arrival_us = pending->arrival_us,
                                      .flags = head->flags,
                                      .errors_before = fold->frame.error_count,
                                      .started_ns = engine->io->table->monotonic_ns(engine->io)};
    buf_init(out, &fold->arena, LIMIT_ARENA_BYTES);
    if (head->flags & INPUT_IMPORTED)
        return write_imported(engine, outcome, STR(""), out);
    if (outcome->event != plan->scored)
        return write_accepted(engine, &fold->frame, outcome, out);
    size_t at = 0;
    for (uint32_t i = 0; i < plan->window_count; i++)
        if (!value_read(pending->windows, pending->windows_len, &at, &fold->arena,
                        &fold->frame.cells[plan->windows[i].slot]))
            return false;
    run_after(&fold->frame, plan, fold->have_result, fold->model_row, NULL);
    return run_decision(&fold->frame, plan, fold->have_result, &outcome->decision) &&
           write_decision(engine, &fold->frame, outcome, out);
}

/* The answer without the time it took. */
static struct str without_time(struct str answer) {
    static const char mark[] = ", \"took_us\": ";
    for (size_t len = answer.len; len >= sizeof mark; len--)
        if (memcmp(answer.p + len - (sizeof mark - 1), mark, sizeof mark - 1) == 0)
            return (struct str){answer.p, len - (sizeof mark - 1)};
    return answer;
}

static void note_difference(struct fold *fold, uint64_t seq, const char *what, struct str was, struct str is) {
    struct engine_replay *replay = fold->replay;
    if (replay->differences++ == 0)
        snprintf(replay->first_difference, sizeof replay->first_difference, "seq %llu: %s: stored %.*s, computed %.*s",
                 (unsigned long long)seq, what, (int)(was.len < 60 ? was.len : 60), was.p,
                 (int)(is.len < 60 ? is.len : 60), is.p);
}

/* Two serialized values, one of each side, at *was_at and *is_at: noted if they differ. False: they cannot be read. */
static bool compare_value(struct fold *fold, uint64_t seq, const char *kind, struct str name, const struct record *record,
                          size_t *was_at, const struct value *computed) {
    struct value stored;
    struct buf was, is;
    size_t from = *was_at;
    if (!value_read(record->body, record->body_len, was_at, &fold->arena, &stored))
        return false;
    buf_init(&is, &fold->arena, LIMIT_ARENA_BYTES);
    value_write(&is, computed);
    if (is.len == *was_at - from && memcmp(is.p, record->body + from, is.len) == 0)
        return true;
    char what[120];
    snprintf(what, sizeof what, "%s %.*s", kind, (int)name.len, name.p);
    buf_init(&was, &fold->arena, LIMIT_ARENA_BYTES);
    buf_init(&is, &fold->arena, LIMIT_ARENA_BYTES);
    value_write_json(&was, &stored);
    value_write_json(&is, computed);
    note_difference(fold, seq, what, (struct str){was.p, was.len}, (struct str){is.p, is.len});
    return true;
}

static void compare_windows(struct fold *fold, const struct pending *pending, const struct record *record, size_t at) {
    const struct plan *plan = fold->engine->plan;
    size_t own_at = 0;
    at += sizeof(uint32_t);
    for (uint32_t i = 0; i < plan->window_count; i++) {
        struct value computed;
        if (!value_read(pending->windows, pending->windows_len, &own_at, &fold->arena, &computed) ||
            !compare_value(fold, pending->seq, "window", plan->windows[i].name, record, &at, &computed))
            return;
    }
}

static void compare_output(struct fold *fold, const struct pending *pending, const struct record *record,
                           const struct output_body *output) {
    struct event_outcome outcome;
    struct input_head head;
    struct buf out;
    uint32_t stored_windows = 0;
    memcpy(&stored_windows, record->body + output->windows_at, sizeof stored_windows);
    if (stored_windows == fold->engine->plan->window_count && stored_windows > 0)
        compare_windows(fold, pending, record, output->windows_at);
    if (!decide_again(fold, pending, &outcome, &head, &out)) {
        note_difference(fold, pending->seq, "cannot be decided again", output->answer, STR("nothing"));
        return;
    }
    struct str was = without_time(output->answer), is = without_time((struct str){out.p, out.len});
    if (!str_equal(was, is)) {
        size_t same = 0;
        while (same < was.len && same < is.len && was.p[same] == is.p[same])
            same++;
        note_difference(fold, pending->seq, "answer", (struct str){was.p + same, was.len - same},
                        (struct str){is.p + same, is.len - same});
    }
}

/* Outcome windows take what was decided then, as the record has it. */
static bool fold_outcomes(struct fold *fold, const struct pending *pending, const struct record *record,
                          const struct output_body *output, const struct input_head *head) {
    struct engine *engine = fold->engine;
    bool unknown;
    const struct layout_class *layout = layout_of(engine, head, &unknown);
    if (head->flags & INPUT_IMPORTED || pending->unknown || unknown || layout == NULL || layout->event != (int32_t)engine->plan->scored ||
        !window_has_outcomes(engine->windows, engine->plan->scored))
        return true;
    return restore_input(fold, pending->body, pending->body_len, layout, pending->arrival_us) &&
           record_read_outcomes(record->body, record->body_len, output, &engine->layouts[head->deployment - 1],
                                engine->plan, &fold->arena, fold->frame.cells) &&
           enter_outcomes(fold, head, pending);
}

static bool is_compared(const struct fold *fold, const struct pending *pending) {
    struct input_head head;
    return fold->replay != NULL && !pending->unknown &&
           record_read_input_head(pending->body, pending->body_len, &head) && !(head.flags & INPUT_IMPORTED) &&
           strcmp(fold->engine->layouts[head.deployment - 1].hash, fold->engine->plan->bundle->hash) == 0;
}

static bool fold_output(struct fold *fold, const struct record *record, struct error *error) {
    struct output_body output;
    if (!record_read_output(record->body, record->body_len, &output) ||
        record->body_len - output.windows_at < sizeof(uint32_t))
        return corrupt(error, record, "not an output");
    struct pending *pending = find_pending(fold, record->seq);
    if (pending == NULL)
        return corrupt(error, record, "an output without its input");
    struct input_head head;
    if (!record_read_input_head(pending->body, pending->body_len, &head))
        return corrupt(error, record, "an output without its input");
    ids_set_output(fold->engine->ids, head.id, record->position, record->end);
    if (fold->replay != NULL)
        fold->replay->outputs++;
    if (is_compared(fold, pending))
        compare_output(fold, pending, record, &output);
    bool entered = fold_outcomes(fold, pending, record, &output, &head);
    drop_pending(fold, pending);
    return entered || corrupt(error, record, "outcomes that are not what the deployment says");
}

static bool visit(void *context, const struct record *record, struct error *error) {
    struct fold *fold = context;
    arena_reset(&fold->arena);
    switch (record->kind) {
    case RECORD_DEPLOYMENT: return fold_deployment(fold, record, error);
    case RECORD_INPUT: return fold_input(fold, record, error);
    case RECORD_OUTPUT: return fold_output(fold, record, error);
    case RECORD_LIST:
    case RECORD_TABLE:
    case RECORD_CHECKPOINT:
        return corrupt(error, record, "a kind of record that this version does not know: a newer one wrote it");
    case RECORD_SEAL: return true;
    }
    return corrupt(error, record, "an unknown kind of record");
}

/* Appends the decision on an input that a crash left without one. */
static bool finish_pending(struct fold *fold, const struct pending *pending, struct error *error) {
    struct engine *engine = fold->engine;
    struct event_outcome outcome;
    struct input_head head;
    struct buf out, body;
    arena_reset(&fold->arena);
    if (!decide_again(fold, pending, &outcome, &head, &out))
        return error_set(error, ERROR_CORRUPT, "the input with sequence number %llu cannot be decided",
                         (unsigned long long)pending->seq);
    bool scored = outcome.event == engine->plan->scored;
    buf_init(&body, &fold->arena, LIMIT_ARENA_BYTES);
    record_write_output(&body, engine->plan, scored ? 200 : 202, (struct str){out.p, out.len}, scored,
                        fold->frame.cells);
    uint64_t position, end;
    if (!log_durably(engine, RECORD_OUTPUT, pending->seq, pending->arrival_us, &body, &position, &end, error))
        return error_prefix(error, "an answer that a crash left out");
    ids_set_output(engine->ids, head.id, position, end);
    if (!scored || !window_has_outcomes(engine->windows, outcome.event))
        return true;
    return enter_outcomes(fold, &head, pending) || error_set(error, ERROR_SYSTEM, "out of memory");
}

static int by_seq(const void *a, const void *b) {
    const struct pending *x = a, *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

void journal_of(const struct engine *engine, struct journal_config *config, char *folder, size_t size) {
    snprintf(folder, size, "%s/journal", engine->config.data_folder);
    *config = (struct journal_config){.io = engine->io,
                                      .folder = folder,
                                      .key = engine->key,
                                      .durability = engine->config.durability,
                                      .interval_us = engine->config.interval_us,
                                      .segment_bytes = engine->config.segment_bytes};
}

/* The bundle in force when the crash came decides what it left undecided. */
static bool is_of_another_bundle(const struct fold *fold, char unfinished[65]) {
    const struct engine *engine = fold->engine;
    if (fold->pending_count == 0 || engine->io != io_system())
        return false;
    const char *last = engine->layouts[engine->layout_count - 1].hash;
    if (strcmp(last, engine->plan->bundle->hash) == 0)
        return false;
    memcpy(unfinished, last, 65);
    return true;
}

bool engine_recover(struct engine *engine, char unfinished[65], struct error *error) {
    char folder[4200];
    struct journal_config config;
    struct fold fold;
    journal_of(engine, &config, folder, sizeof folder);
    bool ok = fold_init(&fold, engine, NULL, error);
    if (ok) {
        ids_clear(engine->ids);
        engine->journal = journal_open(&config, visit, &fold, error);
        ok = engine->journal != NULL;
    }
    if (ok && is_of_another_bundle(&fold, unfinished))
        ok = error_set(error, ERROR_INPUT, "a crash left payments undecided under bundle %.8s", unfinished);
    if (ok && fold.pending_count > 0)
        qsort(fold.pending, fold.pending_count, sizeof *fold.pending, by_seq);
    for (size_t i = 0; ok && i < fold.pending_count; i++)
        ok = fold.pending[i].unknown || finish_pending(&fold, &fold.pending[i], error);
    fold_release(&fold);
    return ok;
}

bool engine_fold_replay(struct engine *engine, struct engine_replay *out, struct error *error) {
    char folder[4200];
    struct journal_config config;
    struct fold fold;
    journal_of(engine, &config, folder, sizeof folder);
    bool ok = fold_init(&fold, engine, out, error) && journal_scan(&config, visit, &fold, error);
    fold_release(&fold);
    return ok;
}
