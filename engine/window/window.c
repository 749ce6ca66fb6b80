/* The window room's front (window.h): one event's way through prepare, lock, read, enter, unlock.
 *
 * An event's keys are hashed with its stream's number; the hash names stripe (top bits) and slot. All stripes of the
 * event are locked in rising order, each once, so two events never wait for each other in a circle. Under the locks it
 * reads all its windows and then enters all its streams: memory for every entry is taken first (stripe_place), so that
 * an event is entered in all its streams or, over the budget, in none.
 *
 * plan.c: what each class touches. stripe.c: keys, chunks, expiry. read.c: values. report.c: explanations, digest. */
#include "window.h"

#include <stdlib.h>

#include "../base/assert.h"
#include "plan.h"

/* What one event touches: the cursor's `opaque`. Arrays are as long as the plan's. */
struct state {
    const struct plan *plan;
    bool *missing;          /* per touch: a None in the key */
    struct slot **slots;    /* per touch, while locked; NULL: no entries */
    struct cell *values;    /* per value */
    struct cell *columns;   /* per enter's column, in the order of plan->columns */
    struct sought *soughts; /* per value */
    uint64_t *texts;        /* per enter's column, while it enters: the words of its strings */
    uint64_t *wheres;       /* per enter */
    struct place *places;   /* per enter */
    uint64_t stripes[STRIPES / 64];
    bool locked, entered;
};

struct windows *windows_create(const struct windows_config *config, struct error *error) {
    struct windows *windows = calloc(1, sizeof *windows);
    if (windows == NULL) {
        error_set(error, ERROR_LIMIT, "no memory for the windows");
        return NULL;
    }
    bool good = plan_make(windows, config, error);
    if (good) {
        windows->store = (struct store){
            .layouts = windows->layouts, .stream_count = config->stream_count, .budget = {config->budget_bytes, 0}};
        windows->stripes = aligned_alloc(_Alignof(struct stripe), STRIPES * sizeof *windows->stripes);
        uint32_t made = 0;
        while (windows->stripes != NULL && made < STRIPES && stripe_init(&windows->stripes[made], &windows->store))
            made++;
        if (made < STRIPES) {
            for (uint32_t i = 0; i < made; i++)
                stripe_release(&windows->stripes[i], &windows->store);
            free(windows->stripes);
            windows->stripes = NULL;
            good = error_set(error, ERROR_LIMIT, "no memory for the windows");
        }
    }
    if (!good) {
        windows_free(windows);
        return NULL;
    }
    return windows;
}

void windows_free(struct windows *windows) {
    if (windows == NULL)
        return;
    for (uint32_t i = 0; windows->stripes != NULL && i < STRIPES; i++)
        stripe_release(&windows->stripes[i], &windows->store);
    free(windows->stripes);
    plan_release(windows);
    free(windows);
}

void windows_set_coverage(struct windows *windows, uint32_t stream, int64_t since_us) {
    ASSERT(stream < windows->config.stream_count);
    atomic_store_explicit(&windows->coverage_us[stream], since_us, memory_order_relaxed);
}

int64_t windows_coverage(const struct windows *windows, uint32_t stream) {
    ASSERT(stream < windows->config.stream_count);
    return atomic_load_explicit(&windows->coverage_us[stream], memory_order_relaxed);
}

/* --- prepare --- */

/* A tuple with a None in it is a None key too. */
static bool holds_none(const struct value *value) {
    if (value->tag == V_TUPLE)
        for (uint32_t i = 0; i < value->len; i++)
            if (holds_none(&value_items(value)[i]))
                return true;
    return value->tag == V_NONE;
}

bool window_key(const struct windows *windows, const struct stream_key *from, const struct value *frame,
                struct arena *arena, struct hash128 *key, bool *missing) {
    struct buf buf;
    buf_init(&buf, arena, LIMIT_ARENA_BYTES);
    buf_u32(&buf, from->stream);
    *missing = false;
    for (uint32_t i = 0; i < from->count; i++) {
        const struct value *part = &frame[from->slots[i]];
        *missing |= holds_none(part);
        value_write_key(&buf, part);
    }
    if (buf.failed)
        return false;
    *key = hash_keyed(&windows->config.key, buf.p, buf.len);
    if ((key->low | key->high) == 0)
        key->low = 1; /* zero marks a free slot */
    return true;
}

static bool hash_keys(struct window_cursor *cursor, struct state *state, const struct value *frame,
                      struct arena *arena) {
    for (uint32_t t = 0; t < state->plan->touch_count; t++) {
        const struct touch *touch = &state->plan->touches[t];
        const struct stream_key from = {touch->stream, touch->key_slots, touch->key_count};
        if (!window_key(cursor->windows, &from, frame, arena, &cursor->keys[t], &state->missing[t]))
            return false;
        state->slots[t] = NULL;
        if (state->missing[t])
            continue;
        uint32_t stripe = stripe_of(cursor->keys[t]);
        state->stripes[stripe / 64] |= 1ull << stripe % 64;
        stripe_prefetch(&cursor->windows->stripes[stripe], cursor->keys[t]);
    }
    return true;
}

static bool take_values(struct window_cursor *cursor, struct state *state, const struct value *frame,
                        struct arena *arena) {
    const struct plan *plan = state->plan;
    bool failed = false;
    for (uint32_t v = 0; v < plan->value_count; v++) {
        const struct value_use *use = &plan->values[v];
        state->values[v] = cell_of(&frame[use->slot], use->hashed, &cursor->windows->config.key, arena, &failed);
        if (use->hashed)
            sought_of(&state->soughts[v], &frame[use->slot], &state->values[v]);
    }
    for (uint32_t c = 0; c < plan->column_count; c++)
        state->columns[c] = state->values[plan->columns[c]];
    for (uint32_t e = 0; e < plan->enter_count; e++) {
        const struct stream_spec *stream = &cursor->windows->streams[plan->enters[e].stream];
        state->wheres[e] = 0;
        for (uint32_t i = 0; i < stream->where_count; i++) {
            const struct value *where = &frame[stream->wheres[i]];
            state->wheres[e] |= (uint64_t)(where->tag == V_BOOL && where->i != 0) << i;
        }
    }
    return !failed;
}

static void *take(char **at, size_t count, size_t size) {
    void *result = *at;
    *at += (count * size + 15) & ~(size_t)15;
    return result;
}

/* One allocation for the cursor's arrays: first with at = NULL to measure, then to divide. */
static size_t divide(struct window_cursor *cursor, struct state *state, char *start) {
    const struct plan *plan = state->plan;
    char *at = start;
    cursor->keys = take(&at, plan->touch_count, sizeof *cursor->keys);
    state->missing = take(&at, plan->touch_count, sizeof *state->missing);
    state->slots = take(&at, plan->touch_count, sizeof(struct slot *));
    state->values = take(&at, plan->value_count, sizeof *state->values);
    state->soughts = take(&at, plan->value_count, sizeof *state->soughts);
    state->columns = take(&at, plan->column_count, sizeof *state->columns);
    state->texts = take(&at, plan->column_count, sizeof *state->texts);
    state->wheres = take(&at, plan->enter_count, sizeof *state->wheres);
    state->places = take(&at, plan->enter_count, sizeof *state->places);
    return (size_t)(at - start);
}

static bool prepare(struct windows *windows, struct window_cursor *cursor, uint32_t event, const struct plan *plan,
                    const struct value *frame, struct arena *arena) {
    *cursor = (struct window_cursor){.windows = windows, .event = event, .arena = arena};
    struct state *state = arena_alloc(arena, sizeof *state);
    if (state == NULL)
        return false;
    *state = (struct state){.plan = plan};
    size_t bytes = plan->touch_count * (sizeof(struct hash128) + sizeof(bool) + sizeof(struct slot *)) +
                   plan->value_count * (sizeof(struct cell) + sizeof(struct sought)) +
                   plan->column_count * (sizeof(struct cell) + sizeof(uint64_t)) +
                   plan->enter_count * (sizeof(uint64_t) + sizeof(struct place)) + 9 * 16;
    char *start = arena_alloc(arena, bytes);
    if (start == NULL)
        return false;
    size_t used = divide(cursor, state, start);
    ASSERT(used <= bytes);
    cursor->opaque = state;
    return hash_keys(cursor, state, frame, arena) && take_values(cursor, state, frame, arena);
}

bool window_prepare(struct windows *windows, struct window_cursor *cursor, uint32_t event, const struct value *frame,
                    struct arena *arena) {
    ASSERT(event < LIMIT_EVENT_CLASSES);
    return prepare(windows, cursor, event, &windows->plans[event], frame, arena);
}

bool window_has_outcomes(const struct windows *windows, uint32_t event) {
    ASSERT(event < LIMIT_EVENT_CLASSES);
    return windows->outcome_plans[event].enter_count > 0;
}

bool window_prepare_outcome(struct windows *windows, struct window_cursor *cursor, uint32_t event,
                            const struct value *frame, struct arena *arena) {
    ASSERT(window_has_outcomes(windows, event));
    return prepare(windows, cursor, event, &windows->outcome_plans[event], frame, arena);
}

/* --- lock --- */

void window_lock(struct window_cursor *cursor) {
    struct state *state = cursor->opaque;
    ASSERT(!state->locked && !state->entered);
    for (uint32_t word = 0; word < STRIPES / 64; word++)
        for (uint64_t bits = state->stripes[word]; bits != 0; bits &= bits - 1) {
            int failed =
                pthread_mutex_lock(&cursor->windows->stripes[word * 64 + (uint32_t)__builtin_ctzll(bits)].lock);
            ASSERT(failed == 0);
        }
    state->locked = true;
    for (uint32_t t = 0; t < state->plan->touch_count; t++) {
        if (state->missing[t])
            continue;
        struct slot *slot = stripe_find(&cursor->windows->stripes[stripe_of(cursor->keys[t])], cursor->keys[t]);
        state->slots[t] = slot;
        if (slot != NULL)
            __builtin_prefetch(slot->newest);
    }
}

void window_unlock(struct window_cursor *cursor) {
    struct state *state = cursor->opaque;
    ASSERT(state->locked);
    for (uint32_t word = 0; word < STRIPES / 64; word++)
        for (uint64_t bits = state->stripes[word]; bits != 0; bits &= bits - 1) {
            int failed =
                pthread_mutex_unlock(&cursor->windows->stripes[word * 64 + (uint32_t)__builtin_ctzll(bits)].lock);
            ASSERT(failed == 0);
        }
    state->locked = false;
}

/* --- read --- */

static bool read_one(const struct window_cursor *cursor, const struct read *read, int64_t at_us, struct value *out) {
    struct windows *windows = cursor->windows;
    const struct state *state = cursor->opaque;
    const struct window_spec *spec = &windows->windows[read->window];
    struct reading reading = {
        .spec = spec,
        .use = &windows->uses[read->window],
        .room = room_of(&windows->stripes[stripe_of(cursor->keys[read->touch])], &windows->store, spec->stream),
        .slot = state->slots[read->touch],
        .sought = read->sought >= 0 ? &state->soughts[read->sought] : NULL,
        .at_us = at_us,
        .arena = cursor->arena,
    };
    if (read->enter >= 0 && (spec->where < 0 || (state->wheres[read->enter] >> spec->where & 1))) {
        reading.current_counts = true;
        if (spec->column >= 0)
            reading.current = &state->columns[state->plan->enters[read->enter].columns + (uint32_t)spec->column];
    }
    *out = window_value(&reading);
    return !reading.failed;
}

static bool is_warming(const struct windows *windows, const struct window_spec *spec, int64_t at_us) {
    int64_t since_us = windows_coverage(windows, spec->stream);
    if (since_us == INT64_MIN || since_us == INT64_MAX)
        return since_us == INT64_MAX;
    return time_before(time_before(at_us, spec->delay_us), spec->over_us) < since_us;
}

bool window_read(struct window_cursor *cursor, const struct window_moment *moment, struct value *frame) {
    const struct windows *windows = cursor->windows;
    const struct state *state = cursor->opaque;
    bool good = true;
    ASSERT(state->locked && !state->entered);
    for (uint32_t r = 0; r < state->plan->read_count; r++) {
        const struct read *read = &state->plan->reads[r];
        const struct window_spec *spec = &windows->windows[read->window];
        bool by_arrival = windows->streams[spec->stream].clock == CLOCK_ARRIVAL;
        int64_t at_us = by_arrival ? moment->arrival_us : moment->at_us;
        struct value *out = &frame[spec->slot];
        if (state->missing[read->touch])
            *out = value_none(MISSING_KEY);
        else if (moment->too_late && !by_arrival)
            *out = value_none(MISSING_LATE);
        else if (is_warming(windows, spec, at_us))
            *out = value_none(MISSING_WARMING);
        else
            good &= read_one(cursor, read, at_us, out);
    }
    return good;
}

/* --- enter --- */

void windows_horizons(const struct windows *windows, int64_t latest_us, int64_t arrival_us, int64_t *horizons) {
    int64_t permitted_us = time_before(latest_us, windows->config.max_late_us);
    for (uint32_t s = 0; s < windows->config.stream_count; s++)
        horizons[s] = time_before(windows->streams[s].clock == CLOCK_ARRIVAL ? arrival_us : permitted_us,
                                  windows->longest_us[s]);
}

static int64_t time_in(const struct windows *windows, uint32_t stream, const struct window_moment *moment) {
    return windows->streams[stream].clock == CLOCK_ARRIVAL ? moment->arrival_us : moment->at_us;
}

/* Whether the event goes into this stream: it has a key, and a permitted reader could still see it. */
static bool goes_in(const struct window_cursor *cursor, const struct enter *enter, const struct window_moment *moment,
                    const int64_t *horizons) {
    const struct state *state = cursor->opaque;
    return !state->missing[enter->touch] &&
           time_in(cursor->windows, enter->stream, moment) > horizons[enter->stream];
}

/* Memory for one entry; the place's slot stays NULL where it is not to be had. */
static bool place_one(struct window_cursor *cursor, uint32_t e, const struct window_moment *moment) {
    struct state *state = cursor->opaque;
    struct windows *windows = cursor->windows;
    const struct enter *enter = &state->plan->enters[e];
    struct hash128 key = cursor->keys[enter->touch];
    struct stripe *stripe = &windows->stripes[stripe_of(key)];
    if (!stripe_place(stripe, &windows->store, key, enter->stream, time_in(windows, enter->stream, moment),
                      moment->seq, &state->places[e]))
        return false;
    if (stripe_take_texts(stripe, &windows->store, &state->places[e], state->columns + enter->columns,
                          state->texts + enter->columns))
        return true;
    stripe_unplace(stripe, &state->places[e]);
    return false;
}

static void unplace_one(struct window_cursor *cursor, uint32_t e) {
    struct state *state = cursor->opaque;
    const struct enter *enter = &state->plan->enters[e];
    struct stripe *stripe = &cursor->windows->stripes[stripe_of(cursor->keys[enter->touch])];
    stripe_give_texts(stripe, &cursor->windows->store, enter->stream, state->texts + enter->columns);
    stripe_unplace(stripe, &state->places[e]);
}

/* Memory for all entries, or none. */
static bool place_all(struct window_cursor *cursor, const struct window_moment *moment, const int64_t *horizons) {
    struct state *state = cursor->opaque;
    struct windows *windows = cursor->windows;
    const struct plan *plan = state->plan;
    for (uint32_t e = 0; e < plan->enter_count; e++) /* all tables first: a table that grows moves its slots */
        if (goes_in(cursor, &plan->enters[e], moment, horizons)) {
            struct stripe *stripe = &windows->stripes[stripe_of(cursor->keys[plan->enters[e].touch])];
            if (!stripe_reserve(stripe, &windows->store, plan->enter_count))
                return false;
        }
    for (uint32_t e = 0; e < plan->enter_count; e++) {
        state->places[e].slot = NULL;
        if (!goes_in(cursor, &plan->enters[e], moment, horizons) || place_one(cursor, e, moment))
            continue;
        while (e-- > 0) /* the last made goes first, so that slots are where they were */
            if (state->places[e].slot != NULL)
                unplace_one(cursor, e);
        return false;
    }
    return true;
}

bool window_enter(struct window_cursor *cursor, const struct window_moment *moment) {
    struct state *state = cursor->opaque;
    struct windows *windows = cursor->windows;
    const struct plan *plan = state->plan;
    int64_t horizons[LIMIT_STREAMS];
    ASSERT(state->locked && !state->entered && moment->at_us <= moment->latest_us);
    windows_horizons(windows, moment->latest_us, moment->arrival_us, horizons);
    if (!place_all(cursor, moment, horizons))
        return false;
    state->entered = true;
    for (uint32_t e = 0; e < plan->enter_count; e++) {
        const struct enter *enter = &plan->enters[e];
        if (state->places[e].slot == NULL)
            continue;
        struct entry entry = {time_in(windows, enter->stream, moment), moment->seq, state->wheres[e],
                              state->columns + enter->columns, state->texts + enter->columns};
        stripe_insert(&windows->stripes[stripe_of(cursor->keys[enter->touch])], &windows->store, &state->places[e],
                      &entry);
    }
    for (uint32_t e = 0; e < plan->enter_count; e++) { /* after all insertions: expiry moves slots */
        const struct enter *enter = &plan->enters[e];
        if (state->places[e].slot == NULL)
            continue;
        struct hash128 key = cursor->keys[enter->touch];
        struct stripe *stripe = &windows->stripes[stripe_of(key)];
        stripe_expire(stripe, &windows->store, stripe_find(stripe, key), horizons[enter->stream]);
        stripe_sweep(stripe, &windows->store, horizons);
    }
    return true;
}

uint64_t windows_bytes(const struct windows *windows) {
    return atomic_load_explicit(&windows->store.budget.used_bytes, memory_order_relaxed);
}

void windows_stats(struct windows *windows, struct windows_stats *out) {
    *out = (struct windows_stats){.bytes = windows_bytes(windows)};
    for (uint32_t i = 0; i < STRIPES; i++) {
        struct stripe *stripe = &windows->stripes[i];
        pthread_mutex_lock(&stripe->lock);
        out->keys += stripe->used;
        out->entries += stripe->entries;
        pthread_mutex_unlock(&stripe->lock);
    }
}
