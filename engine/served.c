/* What was served, out of the journal and back into a backfill: engine_export (served.h) writes it, served_bind and
 * served_read take the part of it that no backfill could compute, the results of functions that read a Secret. */
#include "served.h"

#include <stdlib.h>

#include "backfill_private.h"
#include "base/assert.h"

/* --- results of functions that read a Secret --- */

/* Whether a function gives one plain value, and as what field. */
static bool result_field(const struct plan *plan, uint32_t function, struct field *field) {
    static const struct {
        enum value_tag tag;
        enum field_type type;
    } plain[] = {{V_BOOL, FIELD_BOOL}, {V_INT, FIELD_INT},   {V_FLOAT, FIELD_FLOAT},
                 {V_STR, FIELD_STR},   {V_DATE, FIELD_DATE}, {V_DATETIME, FIELD_DATETIME}};
    const struct code_function *f = &plan->functions[function];
    uint32_t mask = f->result.mask & ~(1u << V_NONE);
    for (size_t i = 0; plan->function_secret[function] && i < sizeof plain / sizeof *plain; i++)
        if (mask == 1u << plain[i].tag) {
            *field = (struct field){.name = f->name,
                                    .type = plain[i].type,
                                    .nullable = true,
                                    .secrecy = FIELD_CLEAR,
                                    .slot = f->slot,
                                    .hash_slot = NO_SLOT};
            return true;
        }
    return false;
}

/* The functions of a class's events, before and (of the scored class) after the windows; UINT32_MAX behind the last. */
static uint32_t function_at(const struct plan *plan, uint32_t event, uint32_t n) {
    const struct plan_event *e = &plan->events[event];
    if (n < e->before_count)
        return e->before[n];
    n -= e->before_count;
    for (uint32_t i = 0; event == plan->scored && i < plan->after_count; i++)
        if (plan->after_kinds[i] == STEP_FUNCTION && n-- == 0)
            return plan->after_indexes[i];
    return UINT32_MAX;
}

/* Appends the class's result fields to fields[count..): how many there are then. */
static uint32_t result_fields(const struct plan *plan, uint32_t event, struct field *fields, uint32_t count,
                              bool *have_result) {
    for (uint32_t n = 0, function; (function = function_at(plan, event, n)) != UINT32_MAX; n++)
        if (result_field(plan, function, &fields[count])) {
            count++;
            if (have_result != NULL)
                have_result[function] = true;
        }
    return count;
}

/* A class of id, time and the results, which are fields to whoever reads columns. */
bool served_bind(struct backfill *b, uint32_t event, const struct backfill_batch *batch, struct error *error) {
    const struct plan *plan = b->engine->plan;
    const struct event_class *class = &plan->events[event].class;
    b->results[event].fields = NULL;
    if (batch->form != BACKFILL_SERVED)
        return true;
    for (uint32_t n = 0, function; (function = function_at(plan, event, n)) != UINT32_MAX; n++)
        b->have_result[function] = plan->function_secret[function]; /* the Secret is not there: none of them runs */
    struct field *fields = arena_alloc(&b->arena, (plan->function_count + 2) * sizeof *fields);
    struct event_node *nodes = arena_alloc(&b->arena, (plan->function_count + 3) * sizeof *nodes);
    if (fields == NULL || nodes == NULL)
        return error_set(error, ERROR_LIMIT, "too many functions");
    fields[0] = class->fields[class->id_field];
    fields[1] = class->fields[class->time_field];
    uint32_t count = result_fields(plan, event, fields, 2, NULL);
    nodes[0] = (struct event_node){.field = -1, .first_child = 1, .child_count = count, .required = true};
    for (uint32_t f = 0; f < count; f++)
        nodes[f + 1] = (struct event_node){.name = fields[f].name, .field = (int32_t)f};
    b->result_classes[event] = (struct event_class){.name = class->name,
                                                    .fields = fields,
                                                    .field_count = count,
                                                    .nodes = nodes,
                                                    .node_count = count + 1,
                                                    .id_field = 0,
                                                    .time_field = 1,
                                                    .naive_is_utc = class->naive_is_utc};
    return count == 2 || columns_bind(&b->result_classes[event], batch->schema, batch->array, COLUMNS_TYPED, false,
                                      &b->arena, &b->results[event], error);
}

void served_read(struct backfill *b, const struct row *row, struct arena *arena, struct value *frame) {
    struct event_result unused;
    if (b->results[row->event].fields != NULL)
        columns_read(&b->results[row->event], &b->engine->key, arena, row->index, frame, &unused);
}

/* --- the export --- */

enum { EXPORT_COLUMNS_MORE = 4 }; /* seq, arrival, decided_seq, answer */

/* An input whose answer has not been met yet. */
struct waiting {
    struct waiting *next;
    uint64_t seq;
    int64_t arrival_us;
    size_t len;
    uint8_t body[];
};

struct export_class {
    struct field *fields; /* the class's, then the results */
    struct out_column *columns;
    uint32_t field_count;
    int64_t rows;
};

struct exporter {
    struct engine *engine;
    struct engine_thread *thread;
    struct engine_export *export;
    struct export_class classes[LIMIT_EVENT_CLASSES];
    struct arena arena; /* names and fields */
    struct waiting *waiting;
    uint64_t last_seq; /* of the last input so far */
};

static enum out_type out_type_of(const struct field *field) {
    static const enum out_type types[] = {[FIELD_STR] = OUT_STR,   [FIELD_INT] = OUT_INT,
                                          [FIELD_FLOAT] = OUT_FLOAT, [FIELD_BOOL] = OUT_BOOL,
                                          [FIELD_DATETIME] = OUT_DATETIME, [FIELD_DATE] = OUT_DATE};
    return field->hash_slot != NO_SLOT ? OUT_STR : types[field->type];
}

static bool open_class(struct exporter *x, uint32_t event) {
    const struct plan *plan = x->engine->plan;
    const struct event_class *class = &plan->events[event].class;
    struct export_class *out = &x->classes[event];
    size_t most = class->field_count + plan->function_count;
    out->fields = arena_alloc(&x->arena, (most + 1) * sizeof *out->fields);
    out->columns = arena_alloc(&x->arena, (most + EXPORT_COLUMNS_MORE) * sizeof *out->columns);
    if (out->fields == NULL || out->columns == NULL)
        return false;
    memcpy(out->fields, class->fields, class->field_count * sizeof *out->fields);
    out->field_count = result_fields(plan, event, out->fields, class->field_count, NULL);
    for (uint32_t f = 0; f < out->field_count; f++) {
        const struct field *field = &out->fields[f];
        char *name = arena_alloc(&x->arena, field->name.len + 1);
        if (name == NULL)
            return false;
        memcpy(name, field->name.p, field->name.len);
        name[field->name.len] = '\0';
        out->columns[f] =
            (struct out_column){.name = name, .type = out_type_of(field), .is_list = field->is_list};
    }
    struct out_column *more = out->columns + out->field_count;
    more[0] = (struct out_column){.name = "seq", .type = OUT_INT};
    more[1] = (struct out_column){.name = "arrival", .type = OUT_DATETIME};
    more[2] = (struct out_column){.name = "decided_seq", .type = OUT_INT};
    more[3] = (struct out_column){.name = "answer", .type = OUT_STR};
    return true;
}

static bool give(struct exporter *x, uint32_t event, struct error *error) {
    struct export_class *out = &x->classes[event];
    uint32_t count = out->field_count + EXPORT_COLUMNS_MORE;
    struct ArrowSchema schema;
    struct ArrowArray array;
    for (uint32_t c = 0; c < count; c++)
        if (out->columns[c].failure != NULL)
            return error_set(error, ERROR_LIMIT, "the column %s: %s", out->columns[c].name, out->columns[c].failure);
    if (!out_give(out->columns, count, out->rows, &schema, &array, error))
        return false;
    out->rows = 0;
    return x->export->receive(x->export->context, x->engine->plan->events[event].class.name, &schema, &array, error);
}

static void append_fields(struct exporter *x, uint32_t event) {
    struct export_class *out = &x->classes[event];
    struct arena *arena = &x->thread->arena;
    for (uint32_t f = 0; f < out->field_count; f++) {
        const struct field *field = &out->fields[f];
        struct value value = x->thread->frame.cells[field->hash_slot != NO_SLOT ? field->hash_slot : field->slot];
        char text[SECRET_TEXT_BYTES];
        if (value.tag == V_SECRET) {
            columns_write_secret(value.p, text);
            value = value_str(text, sizeof text);
        }
        out_append(&out->columns[f], &value, arena);
    }
}

/* The event of an input whose answer has come. */
static bool export_event(struct exporter *x, const struct waiting *w, const struct record *record,
                         struct error *error) {
    struct engine *engine = x->engine;
    struct engine_thread *thread = x->thread;
    struct input_head head;
    struct output_body output;
    if (!record_read_input_head(w->body, w->len, &head) || head.deployment < 1 ||
        head.deployment > engine->layout_count || head.event >= engine->layouts[head.deployment - 1].class_count ||
        !record_read_output(record->body, record->body_len, &output))
        return error_set(error, ERROR_CORRUPT, "the event with number %llu is not what its deployment says",
                         (unsigned long long)w->seq);
    const struct layout *layout = &engine->layouts[head.deployment - 1];
    const struct layout_class *class = &layout->classes[head.event];
    if (class->event < 0) {
        x->export->unknown++;
        return true;
    }
    engine_reset(thread);
    code_begin(&thread->frame);
    if (!record_read_fields(w->body, w->len, class, engine->plan, &engine->key, &thread->arena, thread->frame.cells,
                            thread->have_result))
        return error_set(error, ERROR_CORRUPT, "the event with number %llu cannot be read",
                         (unsigned long long)w->seq);
    uint32_t event = (uint32_t)class->event;
    if (event == engine->plan->scored && strcmp(layout->hash, engine->plan->bundle->hash) == 0)
        (void)record_read_output_values(record->body, record->body_len, output.windows_at, engine->plan, &thread->arena,
                                        thread->frame.cells, thread->have_result);
    struct export_class *out = &x->classes[event];
    const struct value more[EXPORT_COLUMNS_MORE] = {value_int((int64_t)w->seq), value_datetime(w->arrival_us),
                                                    value_int((int64_t)x->last_seq),
                                                    value_str(output.answer.p, output.answer.len)};
    append_fields(x, event);
    for (uint32_t c = 0; c < EXPORT_COLUMNS_MORE; c++)
        out_append(&out->columns[out->field_count + c], &more[c], &thread->arena);
    x->export->events++;
    return ++out->rows < (int64_t)x->export->rows || give(x, event, error);
}

static bool keep_input(struct exporter *x, const struct record *record, struct error *error) {
    struct waiting *w = malloc(sizeof *w + record->body_len);
    if (w == NULL)
        return error_set(error, ERROR_SYSTEM, "out of memory");
    x->last_seq = record->seq;
    *w = (struct waiting){
        .next = x->waiting, .seq = record->seq, .arrival_us = record->arrival_us, .len = record->body_len};
    memcpy(w->body, record->body, record->body_len);
    x->waiting = w;
    return true;
}

static bool visit(void *context, const struct record *record, struct error *error) {
    struct exporter *x = context;
    if (record->kind == RECORD_DEPLOYMENT)
        return add_layout(x->engine, record->body, record->body_len, record->arrival_us, error);
    if (record->kind == RECORD_INPUT)
        return keep_input(x, record, error);
    if (record->kind != RECORD_OUTPUT)
        return true;
    for (struct waiting **at = &x->waiting; *at != NULL; at = &(*at)->next)
        if ((*at)->seq == record->seq) {
            struct waiting *found = *at;
            bool good = export_event(x, found, record, error);
            *at = found->next;
            free(found);
            return good;
        }
    return error_set(error, ERROR_CORRUPT, "an answer without its input, at position %llu",
                     (unsigned long long)record->position);
}

static bool run_export(struct exporter *x, struct error *error) {
    char folder[4200];
    struct journal_config journal;
    x->thread = engine_thread_open(x->engine, error);
    if (x->thread == NULL)
        return false;
    for (uint32_t e = 0; e < x->engine->plan->event_count; e++)
        if (!open_class(x, e))
            return error_set(error, ERROR_SYSTEM, "out of memory");
    journal_of(x->engine, &journal, folder, sizeof folder);
    if (!journal_scan(&journal, visit, x, error))
        return false;
    for (uint32_t e = 0; e < x->engine->plan->event_count; e++)
        if (!give(x, e, error)) /* of no rows too: every class has its columns */
            return false;
    for (uint32_t e = 0; e < x->engine->plan->event_count; e++)
        x->export->since_us[e] = x->engine->plan->history_empty
                                     ? INT64_MIN
                                     : class_since(x->engine, x->engine->plan->events[e].class.name, false);
    return true;
}

bool engine_export(const struct engine_config *config, struct engine_export *export, struct error *error) {
    struct exporter x = {.export = export};
    export->events = export->unknown = 0;
    x.engine = engine_open_reader(config, error);
    if (x.engine == NULL)
        return false;
    arena_init(&x.arena, LIMIT_ARENA_BYTES);
    bool ok = run_export(&x, error);
    while (x.waiting != NULL) {
        struct waiting *next = x.waiting->next;
        free(x.waiting);
        x.waiting = next;
    }
    for (uint32_t e = 0; e < x.engine->plan->event_count; e++)
        for (uint32_t c = 0; x.classes[e].columns != NULL && c < x.classes[e].field_count + EXPORT_COLUMNS_MORE; c++)
            out_release(&x.classes[e].columns[c]);
    engine_thread_close(x.thread);
    arena_release(&x.arena);
    engine_close(x.engine);
    return ok;
}
