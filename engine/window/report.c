/* What the windows can tell beside values: the entries behind one of them (for explanations) and a digest of everything
 * that a permitted reader could still see (for tests and replay). Off the hot path. */
#include "../base/assert.h"
#include "plan.h"
#include "text.h"
#include "walk.h"

/* --- explanations --- */

struct found {
    int64_t at_us;
    uint64_t seq;
    struct value column;
};

/* What is kept only as its hash is told as a Secret is. */
static struct value value_at(const struct layout *layout, const struct chunk *chunk, uint32_t column, uint32_t i,
                             struct arena *arena) {
    struct cell cell = chunk_cell(layout, chunk, column, i);
    if (cell.tag == V_STR ? layout->text_index[column] < 0 : cell.tag >= V_LIST) {
        struct hash128 hash = {cell.low, cell.high};
        struct value value = {.tag = V_SECRET, .p = arena_copy(arena, &hash, sizeof hash)};
        return value.p != NULL ? value : value_none(MISSING_NOT);
    }
    bool failed = false;
    struct kept kept = chunk_kept(layout, chunk, column, i);
    struct value value = kept_value(&kept, arena, &failed);
    return failed ? value_none(MISSING_NOT) : value;
}

static uint32_t find_entries(const struct window_spec *spec, const struct layout *layout, const struct slot *slot,
                             int64_t at_us, uint64_t seq, uint32_t limit, struct arena *arena, struct found *found) {
    int64_t high_us = time_before(at_us, spec->delay_us);
    uint32_t count = 0;
    struct walk walk;
    struct span span;
    walk_begin(&walk, layout, slot->index, slot->newest, time_before(high_us, spec->over_us), high_us, false);
    while (count < limit && walk_next(&walk, &span)) {
        uint64_t bits = chunk_where(layout, span.chunk, span.bits, spec->where);
        while (bits != 0 && count < limit) {
            uint32_t i = 63 - (uint32_t)__builtin_clzll(bits);
            bits &= ~(1ull << i);
            if (chunk_seq(layout, span.chunk, i) >= seq)
                continue;
            struct value column = value_none(MISSING_NOT);
            if (spec->column >= 0)
                column = value_at(layout, span.chunk, (uint32_t)spec->column, i, arena);
            found[count++] = (struct found){span.chunk->times[i], chunk_seq(layout, span.chunk, i), column};
        }
    }
    return count;
}

void window_explain(struct windows *windows, uint32_t index, const struct value *frame,
                    const struct window_moment *moment, uint32_t limit, struct arena *arena, window_visitor *visit,
                    void *context) {
    ASSERT(index < windows->config.window_count);
    const struct window_spec *spec = &windows->windows[index];
    const struct stream_key from = {spec->stream, spec->key_slots, windows->streams[spec->stream].key_count};
    int64_t at_us = windows->streams[spec->stream].clock == CLOCK_ARRIVAL ? moment->arrival_us : moment->at_us;
    struct hash128 key;
    bool missing;
    struct found *found = arena_alloc(arena, limit * sizeof *found);
    if (found == NULL || !window_key(windows, &from, frame, arena, &key, &missing) || missing)
        return;
    struct stripe *stripe = &windows->stripes[stripe_of(key)];
    pthread_mutex_lock(&stripe->lock);
    const struct slot *slot = stripe_find(stripe, key);
    uint32_t count = 0;
    if (slot != NULL)
        count = find_entries(spec, &windows->layouts[spec->stream], slot, at_us, moment->seq, limit, arena, found);
    pthread_mutex_unlock(&stripe->lock);
    for (uint32_t i = 0; i < count; i++)
        visit(context, found[i].at_us, found[i].seq, &found[i].column);
}

/* --- digest --- */

/* The entry's own hash. The digest is the sum of these, so it does not depend on the order in which they are met. */
static struct hash128 entry_hash(const struct windows *windows, const struct slot *slot, const struct chunk *chunk,
                                 uint32_t i) {
    const struct layout *layout = &windows->layouts[slot->stream];
    uint64_t words[6 + 4 * LIMIT_STREAM_COLUMNS] = {slot->stream, slot->hash.low, slot->hash.high,
                                                    (uint64_t)chunk->times[i], chunk_seq(layout, chunk, i)};
    for (uint32_t where = 0; where < layout->where_count; where++)
        words[5] |= (chunk_plane(layout, chunk, where) >> i & 1) << where;
    size_t count = 6;
    for (uint32_t column = 0; column < layout->column_count; column++) {
        struct cell cell = chunk_cell(layout, chunk, column, i);
        words[count++] = cell.tag;
        words[count++] = cell.low;
        words[count++] = cell.high;
        if (layout->text_index[column] >= 0) {
            struct str text = text_of(chunk_text(layout, chunk, column, i));
            struct hash128 hash = hash_keyed(&windows->config.key, text.len > 0 ? text.p : "", text.len);
            words[count++] = hash.low;
        }
    }
    return hash_keyed(&windows->config.key, words, count * sizeof *words);
}

static void add_slot(const struct windows *windows, const struct slot *slot, int64_t horizon_us,
                     struct hash128 *digest) {
    for (const struct chunk *chunk = slot->newest; chunk != NULL; chunk = chunk->older)
        for (uint32_t i = chunk_count_until(chunk, horizon_us); i < chunk->count; i++) {
            struct hash128 hash = entry_hash(windows, slot, chunk, i);
            digest->high += hash.high + __builtin_add_overflow(digest->low, hash.low, &digest->low);
        }
}

struct hash128 windows_digest(struct windows *windows, int64_t latest_us, int64_t arrival_us) {
    struct hash128 digest = {0};
    int64_t horizons[LIMIT_STREAMS];
    windows_horizons(windows, latest_us, arrival_us, horizons);
    for (uint32_t i = 0; i < STRIPES; i++) {
        struct stripe *stripe = &windows->stripes[i];
        pthread_mutex_lock(&stripe->lock);
        const struct slot *slots = stripe->slots;
        for (uint32_t s = 0; s < stripe->capacity; s++)
            if (slots[s].newest != NULL)
                add_slot(windows, &slots[s], horizons[slots[s].stream], &digest);
        pthread_mutex_unlock(&stripe->lock);
    }
    return digest;
}
