/* Makes the plan (plan.h) from the configuration, once, at windows_create. The configuration comes from a bundle, so it
 * is checked: a wrong one is an error, never an assertion. */
#include "plan.h"

#include <stdlib.h>

#include "../base/assert.h"

/* --- checks --- */

static bool check_stream(const struct stream_spec *stream, uint32_t index, struct error *error) {
    if (stream->event >= LIMIT_EVENT_CLASSES)
        return error_set(error, ERROR_INPUT, "stream %u: event class %u, expected below %u", index, stream->event,
                         LIMIT_EVENT_CLASSES);
    if (stream->key_count > LIMIT_KEY_PARTS || stream->column_count > LIMIT_STREAM_COLUMNS ||
        stream->where_count > LIMIT_STREAM_WHERES)
        return error_set(error, ERROR_INPUT,
                         "stream %u: %u key parts, %u columns, %u wheres, expected at most %u, %u, %u", index,
                         stream->key_count, stream->column_count, stream->where_count, LIMIT_KEY_PARTS,
                         LIMIT_STREAM_COLUMNS, LIMIT_STREAM_WHERES);
    return true;
}

static bool same_key(const struct windows_config *config, const struct window_spec *window) {
    const struct stream_spec *stream = &config->streams[window->stream];
    return stream->event == config->scored_event && !stream->outcome &&
           memcmp(window->key_slots, stream->key_slots, stream->key_count * sizeof *window->key_slots) == 0;
}

static bool check_window(const struct windows_config *config, const struct window_spec *window, struct error *error) {
    int len = (int)window->name.len;
    const char *name = window->name.p;
    if (window->stream >= config->stream_count)
        return error_set(error, ERROR_INPUT, "window %.*s: stream %u, expected below %u", len, name, window->stream,
                         config->stream_count);
    const struct stream_spec *stream = &config->streams[window->stream];
    if (window->kind >= WINDOW_KINDS)
        return error_set(error, ERROR_INPUT, "window %.*s: unknown kind %d", len, name, (int)window->kind);
    bool takes = window_takes_value(window->kind);
    if (takes ? window->column < 0 || window->column >= (int32_t)stream->column_count : window->column != -1)
        return error_set(error, ERROR_INPUT, "window %.*s: column %d, expected %s%u", len, name, window->column,
                         takes ? "from 0 to below " : "-1 of ", stream->column_count);
    if ((window->kind == WINDOW_DECAYED_SUM) != (window->half_life_us > 0) ||
        window->half_life_us > LIMIT_WINDOW_SPAN_US)
        return error_set(error, ERROR_INPUT, "window %.*s: half life of %lld us, expected one for a decayed sum only",
                         len, name, (long long)window->half_life_us);
    if (window->where < -1 || window->where >= (int32_t)stream->where_count)
        return error_set(error, ERROR_INPUT, "window %.*s: where %d, expected from -1 to below %u", len, name,
                         window->where, stream->where_count);
    if (window->over_us <= 0 || window->delay_us < 0 || window->over_us > LIMIT_WINDOW_SPAN_US ||
        window->delay_us > LIMIT_WINDOW_SPAN_US - window->over_us)
        return error_set(error, ERROR_INPUT,
                         "window %.*s: over %lld us and delay %lld us, expected over above 0, delay of 0 or more and "
                         "together at most %lld",
                         len, name, (long long)window->over_us, (long long)window->delay_us, LIMIT_WINDOW_SPAN_US);
    if (window->include_current && (window->delay_us != 0 || !same_key(config, window)))
        return error_set(error, ERROR_INPUT,
                         "window %.*s: include_current, expected no delay and the scored event's own stream and key",
                         len, name);
    return true;
}

static bool check(const struct windows_config *config, struct error *error) {
    if (config->stream_count > LIMIT_STREAMS || config->window_count > LIMIT_WINDOWS ||
        config->scored_event >= LIMIT_EVENT_CLASSES)
        return error_set(error, ERROR_INPUT,
                         "%u streams, %u windows, scored class %u, expected at most %u, %u and below %u",
                         config->stream_count, config->window_count, config->scored_event, LIMIT_STREAMS, LIMIT_WINDOWS,
                         LIMIT_EVENT_CLASSES);
    if (config->max_late_us < 0)
        return error_set(error, ERROR_INPUT, "max_late of %lld us, expected 0 or more", (long long)config->max_late_us);
    for (uint32_t i = 0; i < config->stream_count; i++)
        if (!check_stream(&config->streams[i], i, error))
            return false;
    for (uint32_t i = 0; i < config->window_count; i++)
        if (!check_window(config, &config->windows[i], error))
            return false;
    return true;
}

/* --- the plan of one event class --- */

static uint32_t add_touch(struct plan *plan, uint32_t stream, const uint16_t *key_slots, uint32_t key_count) {
    for (uint32_t i = 0; i < plan->touch_count; i++) {
        const struct touch *touch = &plan->touches[i];
        if (touch->stream == stream && memcmp(touch->key_slots, key_slots, key_count * sizeof *key_slots) == 0)
            return i;
    }
    struct touch *touch = &plan->touches[plan->touch_count];
    *touch = (struct touch){.stream = stream, .key_count = key_count};
    memcpy(touch->key_slots, key_slots, key_count * sizeof *key_slots);
    return plan->touch_count++;
}

static uint32_t add_value(struct plan *plan, uint16_t slot, bool hashed, bool text) {
    uint32_t i = 0;
    while (i < plan->value_count && plan->values[i].slot != slot)
        i++;
    if (i == plan->value_count)
        plan->values[plan->value_count++] = (struct value_use){.slot = slot};
    plan->values[i].hashed |= hashed;
    plan->values[i].text |= text;
    return i;
}

static void add_enters(struct plan *plan, const struct windows *windows, uint32_t event, bool outcome) {
    for (uint32_t s = 0; s < windows->config.stream_count; s++) {
        const struct stream_spec *stream = &windows->streams[s];
        if (stream->event != event || stream->outcome != outcome)
            continue;
        struct enter *enter = &plan->enters[plan->enter_count++];
        *enter = (struct enter){.stream = s, .columns = plan->column_count};
        enter->touch = add_touch(plan, s, stream->key_slots, stream->key_count);
        for (uint32_t c = 0; c < stream->column_count; c++)
            plan->columns[plan->column_count++] =
                (uint16_t)add_value(plan, stream->columns[c], windows->layouts[s].wide_index[c] >= 0,
                                    windows->layouts[s].text_index[c] >= 0);
    }
}

static int compare_reads(const void *a, const void *b) {
    const struct read *left = a, *right = b;
    if (left->touch != right->touch)
        return left->touch < right->touch ? -1 : 1;
    return left->window < right->window ? -1 : left->window > right->window;
}

static void add_reads(struct plan *plan, const struct windows *windows) {
    for (uint32_t w = 0; w < windows->config.window_count; w++) {
        const struct window_spec *window = &windows->windows[w];
        struct read *read = &plan->reads[plan->read_count++];
        *read = (struct read){.window = w, .enter = -1, .sought = -1};
        read->touch = add_touch(plan, window->stream, window->key_slots, windows->streams[window->stream].key_count);
        if (window->kind == WINDOW_SEEN)
            read->sought = (int32_t)add_value(plan, window->seen_slot, true, false);
        for (uint32_t e = 0; window->include_current && e < plan->enter_count; e++)
            if (plan->enters[e].stream == window->stream)
                read->enter = (int32_t)e;
    }
    qsort(plan->reads, plan->read_count, sizeof *plan->reads, compare_reads);
}

static bool make_plan(struct plan *plan, const struct windows *windows, uint32_t event, bool outcome) {
    size_t streams = windows->config.stream_count,
           reads = event == windows->config.scored_event && !outcome ? windows->config.window_count : 0;
    size_t columns = 0;
    for (size_t s = 0; s < streams; s++)
        columns += windows->streams[s].column_count;
    plan->touches = calloc(streams + reads + 1, sizeof *plan->touches);
    plan->enters = calloc(streams + 1, sizeof *plan->enters);
    plan->reads = calloc(reads + 1, sizeof *plan->reads);
    plan->values = calloc(columns + reads + 1, sizeof *plan->values);
    plan->columns = calloc(columns + 1, sizeof *plan->columns);
    if (plan->touches == NULL || plan->enters == NULL || plan->reads == NULL || plan->values == NULL ||
        plan->columns == NULL)
        return false;
    add_enters(plan, windows, event, outcome);
    if (reads > 0)
        add_reads(plan, windows);
    ASSERT(plan->touch_count <= streams + reads && plan->value_count <= columns + reads);
    return true;
}

/* --- the whole --- */

/* The measure of the stream that this window reckons or skips by; the same for windows that differ in their length. */
static const struct measure *measure_for(struct layout *layout, enum tally_kind kind, int32_t column, int32_t where) {
    uint32_t i = 0;
    while (i < layout->measure_count && (layout->measures[i].kind != kind || layout->measures[i].column != column ||
                                         layout->measures[i].where != where))
        i++;
    if (i == layout->measure_count) {
        layout->measures[i] =
            (struct measure){.kind = kind, .column = column, .where = where, .offset = layout->tally_bytes};
        layout->tally_bytes += tally_bytes(kind);
        layout->measure_count++;
    }
    return &layout->measures[i];
}

static int32_t distinct_for(struct layout *layout, const struct window_spec *window) {
    const struct distinct_use use = {window->column, window->where, window->over_us, window->delay_us};
    uint32_t i = 0;
    while (i < layout->distinct_count &&
           (layout->distincts[i].column != use.column || layout->distincts[i].where != use.where ||
            layout->distincts[i].over_us != use.over_us || layout->distincts[i].delay_us != use.delay_us))
        i++;
    if (i == layout->distinct_count)
        layout->distincts[layout->distinct_count++] = use;
    return (int32_t)i;
}

static struct window_use use_of(struct layout *layout, const struct window_spec *window) {
    static const enum tally_kind kinds[WINDOW_KINDS] = {
        [WINDOW_COUNT] = TALLY_COUNT,      [WINDOW_RATE] = TALLY_COUNT,  [WINDOW_SINCE_LAST] = TALLY_COUNT,
        [WINDOW_LAST] = TALLY_COUNT,       [WINDOW_FIRST] = TALLY_COUNT, [WINDOW_SUM] = TALLY_FLOATS,
        [WINDOW_MEAN] = TALLY_FLOATS,      [WINDOW_STD] = TALLY_SQUARES, [WINDOW_MIN] = TALLY_LEAST,
        [WINDOW_MAX] = TALLY_MOST,
    };
    struct window_use use = {.distinct = -1};
    if (window->kind == WINDOW_DISTINCT || window->kind == WINDOW_SEEN)
        use.distinct = distinct_for(layout, window);
    else if (window->kind != WINDOW_DECAYED_SUM)
        use.measure = measure_for(layout,
                                  window->kind == WINDOW_SUM && !window->is_float ? TALLY_INTS : kinds[window->kind],
                                  window->column, window->where);
    return use;
}

static bool begin_layouts(struct windows *windows) {
    uint32_t most = windows->config.window_count;
    for (uint32_t s = 0; s < windows->config.stream_count; s++) {
        struct layout *layout = &windows->layouts[s];
        layout->column_count = windows->streams[s].column_count;
        layout->where_count = windows->streams[s].where_count;
        for (uint32_t c = 0; c < LIMIT_STREAM_COLUMNS; c++)
            layout->wide_index[c] = layout->text_index[c] = -1;
        layout->measures = calloc(most + 1, sizeof *layout->measures);
        layout->distincts = calloc(most + 1, sizeof *layout->distincts);
        if (layout->measures == NULL || layout->distincts == NULL)
            return false;
    }
    return true;
}

static bool make_layouts(struct windows *windows) {
    if (!begin_layouts(windows))
        return false;
    for (uint32_t w = 0; w < windows->config.window_count; w++) {
        const struct window_spec *window = &windows->windows[w];
        struct layout *layout = &windows->layouts[window->stream];
        if (window_gives_value(window->kind) && layout->text_index[window->column] < 0)
            layout->text_index[window->column] = (int16_t)layout->text_count++;
        windows->uses[w] = use_of(layout, window);
        if (windows->uses[w].distinct >= 0 && layout->wide_index[window->column] < 0)
            layout->wide_index[window->column] = (int16_t)layout->wide_count++;
        int64_t span_us = window->over_us + window->delay_us;
        if (span_us > windows->longest_us[window->stream])
            windows->longest_us[window->stream] = span_us;
    }
    for (uint32_t s = 0; s < windows->config.stream_count; s++)
        layout_init(&windows->layouts[s]);
    return true;
}

bool plan_make(struct windows *windows, const struct windows_config *config, struct error *error) {
    if (!check(config, error))
        return false;
    uint32_t streams = config->stream_count;
    windows->config = *config;
    windows->streams = calloc(streams + 1, sizeof *windows->streams);
    windows->windows = calloc(config->window_count + 1, sizeof *windows->windows);
    windows->uses = calloc(config->window_count + 1, sizeof *windows->uses);
    windows->layouts = calloc(streams + 1, sizeof *windows->layouts);
    windows->longest_us = calloc(streams + 1, sizeof *windows->longest_us);
    windows->coverage_us = calloc(streams + 1, sizeof *windows->coverage_us);
    if (windows->streams == NULL || windows->windows == NULL || windows->uses == NULL || windows->layouts == NULL ||
        windows->longest_us == NULL || windows->coverage_us == NULL)
        return error_set(error, ERROR_LIMIT, "no memory for the windows");
    if (streams > 0)
        memcpy(windows->streams, config->streams, streams * sizeof *config->streams);
    if (config->window_count > 0)
        memcpy(windows->windows, config->windows, config->window_count * sizeof *config->windows);
    for (uint32_t s = 0; s < streams; s++)
        windows->coverage_us[s] = INT64_MAX;
    bool good = make_layouts(windows);
    for (uint32_t event = 0; good && event < LIMIT_EVENT_CLASSES; event++)
        good = make_plan(&windows->plans[event], windows, event, false) &&
               make_plan(&windows->outcome_plans[event], windows, event, true);
    return good || error_set(error, ERROR_LIMIT, "no memory for the windows");
}

static void release_plan(struct plan *plan) {
    free(plan->touches);
    free(plan->enters);
    free(plan->reads);
    free(plan->values);
    free(plan->columns);
}

void plan_release(struct windows *windows) {
    for (uint32_t event = 0; event < LIMIT_EVENT_CLASSES; event++) {
        release_plan(&windows->plans[event]);
        release_plan(&windows->outcome_plans[event]);
    }
    for (uint32_t s = 0; windows->layouts != NULL && s < windows->config.stream_count; s++) {
        free(windows->layouts[s].measures);
        free(windows->layouts[s].distincts);
    }
    free(windows->streams);
    free(windows->windows);
    free(windows->uses);
    free(windows->layouts);
    free(windows->longest_us);
    free(windows->coverage_us);
}
