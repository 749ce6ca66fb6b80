/* Writing and reading the records' bodies (record.h has the format). Reading trusts nothing: a body comes from a disk,
 * and may have been written under another bundle whose fields are mapped by name. */
#include "record.h"

#include "base/assert.h"

void record_write_input_head(const struct input_head *head, char out[INPUT_HEAD_BYTES]) {
    out[0] = RECORD_FORMAT;
    out[1] = (char)head->flags;
    memcpy(out + 2, &head->event, 2);
    memcpy(out + 4, &head->deployment, 4);
    memcpy(out + 8, &head->at_us, 8);
    memcpy(out + 16, &head->id, 16);
    memcpy(out + 32, &head->content, 16);
}

bool record_read_input_head(const uint8_t *body, size_t len, struct input_head *head) {
    if (len < INPUT_HEAD_BYTES || body[0] != RECORD_FORMAT)
        return false;
    head->flags = body[1];
    memcpy(&head->event, body + 2, 2);
    memcpy(&head->deployment, body + 4, 4);
    memcpy(&head->at_us, body + 8, 8);
    memcpy(&head->id, body + 16, 16);
    memcpy(&head->content, body + 32, 16);
    return true;
}

void record_write_fields(struct buf *out, const struct plan *plan, uint32_t event, const struct value *frame) {
    const struct event_class *class = &plan->events[event].class;
    buf_u32(out, class->field_count);
    for (uint32_t f = 0; f < class->field_count; f++) {
        const struct field *field = &class->fields[f];
        value_write(out, &frame[field->hash_slot != NO_SLOT ? field->hash_slot : field->slot]);
    }
}

/* A result that cannot be stored (a dict or set, or one larger than an event) cannot be re-lived: kept as missing. */
static void write_result(struct buf *out, const struct value *v) {
    struct value missing = value_none(MISSING_SOURCE);
    size_t from = out->len;
    if (v->tag != V_SET && v->tag != V_DICT && v->tag != V_BIGINT)
        value_write(out, v);
    if (out->len == from || out->len - from > LIMIT_EVENT_BYTES) {
        out->len = from;
        value_write(out, &missing);
    }
}

void record_write_before_results(struct buf *out, const struct plan *plan, uint32_t event, const struct value *frame) {
    const struct plan_event *e = &plan->events[event];
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->before_count; i++)
        count += plan->function_secret[e->before[i]];
    buf_u32(out, count);
    for (uint32_t i = 0; i < e->before_count; i++)
        if (plan->function_secret[e->before[i]])
            write_result(out, &frame[plan->functions[e->before[i]].slot]);
}

static void write_text(struct buf *out, struct str text) {
    buf_u32(out, (uint32_t)text.len);
    buf_str(out, text);
}

void record_write_deployment(struct buf *out, const struct plan *plan) {
    buf_char(out, RECORD_FORMAT);
    buf_add(out, plan->bundle->hash, 64);
    write_text(out, plan->name);
    buf_u32(out, plan->event_count);
    for (uint32_t e = 0; e < plan->event_count; e++) {
        const struct plan_event *event = &plan->events[e];
        write_text(out, event->class.name);
        buf_u32(out, event->class.field_count);
        for (uint32_t f = 0; f < event->class.field_count; f++)
            write_text(out, event->class.fields[f].name);
        uint32_t count = 0;
        for (uint32_t i = 0; i < event->before_count; i++)
            count += plan->function_secret[event->before[i]];
        buf_u32(out, count);
        for (uint32_t i = 0; i < event->before_count; i++)
            if (plan->function_secret[event->before[i]])
                write_text(out, plan->functions[event->before[i]].name);
    }
    buf_u32(out, plan->outcome_count);
    for (uint32_t i = 0; i < plan->outcome_count; i++)
        write_text(out, plan->outcomes[i].name);
}

struct reader {
    const uint8_t *bytes;
    size_t len, at;
    bool failed;
};

static uint32_t read_u32(struct reader *r) {
    uint32_t value = 0;
    if (r->failed || r->len - r->at < sizeof value) {
        r->failed = true;
        return 0;
    }
    memcpy(&value, r->bytes + r->at, sizeof value);
    r->at += sizeof value;
    return value;
}

/* A count of things that take at least four bytes each. */
static uint32_t read_count(struct reader *r, uint32_t limit) {
    uint32_t count = read_u32(r);
    if (count > limit)
        r->failed = true;
    return r->failed ? 0 : count;
}

static struct str read_text(struct reader *r) {
    uint32_t len = read_u32(r);
    if (r->failed || r->len - r->at < len) {
        r->failed = true;
        return STR("");
    }
    struct str text = {(const char *)r->bytes + r->at, len};
    r->at += len;
    return text;
}

static struct str *read_texts(struct reader *r, struct arena *arena, uint32_t limit, uint32_t *count) {
    *count = read_count(r, limit);
    struct str *texts = arena_alloc(arena, (*count + 1) * sizeof *texts);
    if (texts == NULL) {
        r->failed = true;
        *count = 0;
    }
    for (uint32_t i = 0; i < *count; i++) {
        struct str text = read_text(r);
        texts[i] = (struct str){arena_copy(arena, text.p, text.len), text.len};
        r->failed = r->failed || texts[i].p == NULL;
    }
    return texts;
}

static int32_t find_field(const struct event_class *class, struct str name) {
    for (uint32_t f = 0; f < class->field_count; f++)
        if (str_equal(class->fields[f].name, name))
            return (int32_t)f;
    return -1;
}

static int32_t find_before(const struct plan *plan, uint32_t event, struct str name) {
    for (uint32_t i = 0; i < plan->events[event].before_count; i++) {
        uint32_t function = plan->events[event].before[i];
        if (plan->function_secret[function] && str_equal(plan->functions[function].name, name))
            return (int32_t)function;
    }
    return -1;
}

/* Where the plan keeps what the layout names. */
static bool map_class(struct layout_class *class, const struct plan *plan, struct arena *arena) {
    int32_t *fields = arena_alloc(arena, (class->field_count + 1) * sizeof *fields);
    int32_t *functions = arena_alloc(arena, (class->result_count + 1) * sizeof *functions);
    if (fields == NULL || functions == NULL)
        return false;
    class->event = -1;
    for (uint32_t e = 0; e < plan->event_count; e++)
        if (str_equal(plan->events[e].class.name, class->name))
            class->event = (int32_t)e;
    for (uint32_t f = 0; f < class->field_count; f++)
        fields[f] = class->event < 0 ? -1 : find_field(&plan->events[class->event].class, class->fields[f]);
    for (uint32_t f = 0; f < class->result_count; f++)
        functions[f] = class->event < 0 ? -1 : find_before(plan, (uint32_t) class->event, class->results[f]);
    class->field_map = fields;
    class->function_map = functions;
    return true;
}

/* Where the plan has the outcomes that the deployment names. */
static bool map_outcomes(struct reader *r, struct layout *out, const struct plan *plan, struct arena *arena) {
    const struct str *names = read_texts(r, arena, LIMIT_FRAME_CELLS, &out->outcome_count);
    int32_t *map = arena_alloc(arena, (out->outcome_count + 1) * sizeof *map);
    uint32_t found = 0;
    if (map == NULL || r->failed)
        return false;
    for (uint32_t i = 0; i < out->outcome_count; i++) {
        map[i] = -1;
        for (uint32_t o = 0; o < plan->outcome_count && map[i] < 0; o++)
            if (str_equal(plan->outcomes[o].name, names[i]))
                map[i] = (int32_t)o;
        found += map[i] >= 0;
    }
    out->outcome_map = map;
    out->has_outcomes = found == plan->outcome_count;
    return true;
}

bool record_read_deployment(const uint8_t *body, size_t len, const struct plan *plan, struct arena *arena,
                            struct layout *out) {
    struct reader r = {body, len, 65, len < 65 || body[0] != RECORD_FORMAT};
    if (r.failed)
        return false;
    memcpy(out->hash, body + 1, 64);
    out->hash[64] = '\0';
    struct str name = read_text(&r);
    out->name = (struct str){arena_copy(arena, name.p, name.len), name.len};
    out->class_count = read_count(&r, LIMIT_EVENT_CLASSES);
    struct layout_class *classes = arena_alloc(arena, (out->class_count + 1) * sizeof *classes);
    if (classes == NULL || out->name.p == NULL)
        return false;
    for (uint32_t i = 0; i < out->class_count && !r.failed; i++) {
        uint32_t one;
        struct str class_name = read_text(&r);
        classes[i].name = (struct str){arena_copy(arena, class_name.p, class_name.len), class_name.len};
        classes[i].fields = read_texts(&r, arena, LIMIT_FIELDS, &one);
        classes[i].field_count = one;
        classes[i].results = read_texts(&r, arena, LIMIT_FUNCTIONS, &one);
        classes[i].result_count = one;
        if (r.failed || classes[i].name.p == NULL || !map_class(&classes[i], plan, arena))
            return false;
    }
    out->classes = classes;
    return map_outcomes(&r, out, plan, arena) && r.at == len;
}

static void fallback_fields(const struct event_class *class, struct value *frame) {
    for (uint32_t f = 0; f < class->field_count; f++) {
        frame[class->fields[f].slot] = class->fields[f].fallback;
        if (class->fields[f].hash_slot != NO_SLOT)
            frame[class->fields[f].hash_slot] = value_none(MISSING_NOT);
    }
}

/* Puts a stored field where the plan has it, whatever its secrecy was and is. */
static bool place_field(const struct field *field, const struct value *v, const struct hash_key *key,
                        struct arena *arena, struct value *frame) {
    if (field->hash_slot == NO_SLOT) {
        frame[field->slot] = v->tag == V_SECRET ? value_none(MISSING_SOURCE) : *v;
        return true;
    }
    frame[field->slot] = value_none(v->tag == V_NONE ? (enum missing)v->len : MISSING_SOURCE);
    if (v->tag == V_SECRET || v->tag == V_NONE) {
        frame[field->hash_slot] = *v;
        return true;
    }
    struct buf bytes;
    buf_init(&bytes, arena, LIMIT_EVENT_BYTES * 2);
    value_write_key(&bytes, v);
    struct hash128 *hash = arena_alloc(arena, sizeof *hash);
    if (bytes.failed || hash == NULL)
        return false;
    *hash = hash_keyed(key, bytes.p, bytes.len);
    frame[field->hash_slot] = (struct value){.tag = V_SECRET, .p = hash};
    return true;
}

bool record_read_fields(const uint8_t *body, size_t len, const struct layout_class *layout, const struct plan *plan,
                        const struct hash_key *secret_key, struct arena *arena, struct value *frame,
                        bool *have_result) {
    ASSERT(layout->event >= 0 && len >= INPUT_HEAD_BYTES);
    const struct event_class *class = &plan->events[layout->event].class;
    struct reader r = {body, len, INPUT_HEAD_BYTES, false};
    struct value v;
    fallback_fields(class, frame);
    if (read_u32(&r) != layout->field_count || r.failed)
        return false;
    for (uint32_t f = 0; f < layout->field_count; f++) {
        if (!value_read(body, len, &r.at, arena, &v))
            return false;
        if (layout->field_map[f] >= 0 &&
            !place_field(&class->fields[layout->field_map[f]], &v, secret_key, arena, frame))
            return false;
    }
    if (read_u32(&r) != layout->result_count || r.failed)
        return false;
    for (uint32_t i = 0; i < layout->result_count; i++) {
        if (!value_read(body, len, &r.at, arena, &v))
            return false;
        if (layout->function_map[i] >= 0) {
            frame[plan->functions[layout->function_map[i]].slot] = v;
            have_result[layout->function_map[i]] = true;
        }
    }
    return r.at == len;
}

/* The i-th of what runs after the windows: the function if it reads a Secret, so that its result is recorded; else -1. */
static int32_t secret_after(const struct plan *plan, uint32_t i) {
    if (i >= plan->after_count) {
        uint32_t function = plan->after_decision[i - plan->after_count];
        return plan->function_secret[function] ? (int32_t)function : -1;
    }
    uint32_t index = plan->after_indexes[i];
    return plan->after_kinds[i] == STEP_FUNCTION && plan->function_secret[index] ? (int32_t)index : -1;
}

static uint32_t steps_after(const struct plan *plan) { return plan->after_count + plan->after_decision_count; }

void record_write_output(struct buf *out, const struct plan *plan, uint16_t status, struct str answer, bool scored,
                         const struct value *frame) {
    buf_char(out, RECORD_FORMAT);
    buf_char(out, 0);
    buf_add(out, &status, sizeof status);
    buf_u32(out, (uint32_t)answer.len);
    buf_str(out, answer);
    uint32_t windows = scored ? plan->window_count : 0, results = 0;
    buf_u32(out, windows);
    for (uint32_t i = 0; i < windows; i++)
        value_write(out, &frame[plan->windows[i].slot]);
    for (uint32_t i = 0; scored && i < steps_after(plan); i++)
        results += secret_after(plan, i) >= 0;
    buf_u32(out, results);
    for (uint32_t i = 0; scored && i < steps_after(plan); i++)
        if (secret_after(plan, i) >= 0)
            write_result(out, &frame[plan->functions[secret_after(plan, i)].slot]);
    uint32_t outcomes = scored ? plan->outcome_count : 0;
    buf_u32(out, outcomes);
    for (uint32_t i = 0; i < outcomes; i++)
        value_write(out, &frame[plan->outcomes[i].slot]);
}

bool record_read_output(const uint8_t *body, size_t len, struct output_body *out) {
    struct reader r = {body, len, 4, len < 4 || body[0] != RECORD_FORMAT};
    if (r.failed)
        return false;
    memcpy(&out->status, body + 2, sizeof out->status);
    out->answer = read_text(&r);
    out->windows_at = r.at;
    return !r.failed;
}

/* Passes over `u32 count | values`. */
static bool skip_values(struct reader *r, struct arena *arena) {
    struct value v;
    uint32_t count = read_count(r, LIMIT_FRAME_CELLS);
    for (uint32_t i = 0; i < count && !r->failed; i++)
        r->failed = !value_read(r->bytes, r->len, &r->at, arena, &v);
    return !r->failed;
}

bool record_read_outcomes(const uint8_t *body, size_t len, const struct output_body *output, const struct layout *layout,
                          const struct plan *plan, struct arena *arena, struct value *frame) {
    struct reader r = {body, len, output->windows_at, false};
    for (uint32_t i = 0; i < plan->outcome_count; i++)
        frame[plan->outcomes[i].slot] = value_none(MISSING_SOURCE);
    if (!skip_values(&r, arena) || !skip_values(&r, arena) || read_u32(&r) != layout->outcome_count || r.failed)
        return false;
    for (uint32_t i = 0; i < layout->outcome_count; i++) {
        struct value v;
        if (!value_read(body, len, &r.at, arena, &v))
            return false;
        if (layout->outcome_map[i] >= 0)
            frame[plan->outcomes[layout->outcome_map[i]].slot] = v;
    }
    return r.at == len;
}

bool record_read_output_values(const uint8_t *body, size_t len, size_t at, const struct plan *plan, struct arena *arena,
                               struct value *frame, bool *have_result) {
    struct reader r = {body, len, at, at > len};
    if (r.failed || read_u32(&r) != plan->window_count || r.failed)
        return false;
    for (uint32_t i = 0; i < plan->window_count; i++)
        if (!value_read(body, len, &r.at, arena, &frame[plan->windows[i].slot]))
            return false;
    uint32_t results = read_u32(&r), expected = 0;
    for (uint32_t i = 0; i < steps_after(plan); i++)
        expected += secret_after(plan, i) >= 0;
    if (r.failed || results != expected)
        return false;
    for (uint32_t i = 0; i < steps_after(plan); i++) {
        int32_t function = secret_after(plan, i);
        if (function < 0)
            continue;
        if (!value_read(body, len, &r.at, arena, &frame[plan->functions[function].slot]))
            return false;
        have_result[function] = true;
    }
    return skip_values(&r, arena) && r.at == len; /* outcomes are computed again */
}
