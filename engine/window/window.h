/* Exact sliding windows over earlier events.
 *
 * A *stream* is (event class, key): the events of that class lie once per key value, ordered by (time, sequence), with
 * the columns that any window over it reads. A *window* reads one stream by a key of the scored event. The meanings are
 * those of docs/semantics.md: a reader at time t sees entries sequenced before it with time in
 * (t - delay - over, t - delay].
 *
 * Way of an event: window_prepare (hash keys, prefetch; no lock) -> window_lock (its stripes, in order) -> the caller
 * takes the sequence number -> window_read, window_enter -> window_unlock. Between lock and unlock nothing may block
 * but the caller's own short critical section.
 *
 * A stream's clock says whether entries and readers stand at their event time or at their arrival.
 *
 * Values of a window are a function of the entries it covers only, never of how they came to be. Entries are dropped
 * when no permitted reader can see them any more: time <= latest - max_late - (the stream's longest over + delay), by the
 * arrival clock without max_late. */
#ifndef ASSAY_WINDOW_WINDOW_H
#define ASSAY_WINDOW_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/arena.h"
#include "../base/buf.h"
#include "../base/error.h"
#include "../base/hash.h"
#include "../base/limits.h"
#include "../base/value.h"

enum window_kind {
    WINDOW_COUNT,
    WINDOW_SUM,
    WINDOW_MEAN,
    WINDOW_SEEN,
    WINDOW_MIN,
    WINDOW_MAX,
    WINDOW_STD,
    WINDOW_DISTINCT,
    WINDOW_LAST,
    WINDOW_FIRST,
    WINDOW_SINCE_LAST,
    WINDOW_RATE,
    WINDOW_DECAYED_SUM,
    WINDOW_KINDS,
};
/* Those that take no value: they have no column. */
static inline bool window_takes_value(enum window_kind kind) {
    return kind != WINDOW_COUNT && kind != WINDOW_SINCE_LAST && kind != WINDOW_RATE;
}
/* Those that give back a value of the column as it was. */
static inline bool window_gives_value(enum window_kind kind) {
    return kind == WINDOW_MIN || kind == WINDOW_MAX || kind == WINDOW_LAST || kind == WINDOW_FIRST;
}

enum window_clock { CLOCK_EVENT, CLOCK_ARRIVAL };

struct stream_spec {
    uint32_t event; /* index of the entering class */
    enum window_clock clock;
    bool outcome; /* of the scored class: entered after the decision, with cells that are known only then
                     (window_prepare_outcome); its key cells are known before */
    uint16_t key_slots[LIMIT_KEY_PARTS]; /* frame cells of the entering event; none: one global key */
    uint32_t key_count;
    uint16_t columns[LIMIT_STREAM_COLUMNS]; /* frame cells kept per entry */
    uint32_t column_count;
    uint16_t wheres[LIMIT_STREAM_WHERES]; /* frame cells (bool or None) kept per entry as bits */
    uint32_t where_count;
};

struct window_spec {
    struct str name;
    enum window_kind kind;
    uint32_t stream;
    int32_t column; /* index into the stream's columns; -1 for the kinds that take no value */
    int32_t where;  /* index into the stream's wheres; -1: all entries */
    int64_t over_us, delay_us, half_life_us; /* half_life_us: of a decayed sum, else 0 */
    bool include_current; /* only if the entering and the scored class are one, and delay_us is 0 */
    bool is_float; /* sum: the column's declared type is float (an empty sum is then 0.0, and ints and bools in it
                      are summed as floats); false: an int sum */
    uint16_t key_slots[LIMIT_KEY_PARTS]; /* frame cells of the scored event, parallel to the stream's key */
    uint16_t seen_slot;                  /* WINDOW_SEEN: the scored event's value to look for */
    uint16_t slot;                       /* the frame cell that gets the value */
};

struct windows_config {
    const struct stream_spec *streams;
    uint32_t stream_count;
    const struct window_spec *windows;
    uint32_t window_count;
    uint32_t scored_event; /* index of the class whose events read */
    struct hash_key key;   /* secret of the data folder */
    int64_t max_late_us;
    size_t budget_bytes; /* memory for entries; 0: no limit. Beyond it entering fails (window_enter returns false) */
};

struct windows;

struct windows *windows_create(const struct windows_config *config, struct error *error);
void windows_free(struct windows *windows);

/* Since when (us, by the stream's own clock) this stream has seen every event; INT64_MIN: always (an empty history), the default is
 * INT64_MAX (nothing yet). A window that reaches back beyond it is missing (MISSING_WARMING). */
void windows_set_coverage(struct windows *windows, uint32_t stream, int64_t since_us);
int64_t windows_coverage(const struct windows *windows, uint32_t stream);

/* When an event is, and where in the order. */
struct window_moment {
    int64_t at_us;      /* its (clamped) time */
    int64_t arrival_us; /* never below that of an earlier event */
    int64_t latest_us;  /* the latest clamped event time so far, this one included: governs what may be dropped */
    uint64_t seq;
    bool too_late; /* later than max_late: its windows by event time are MISSING_LATE */
};

/* What one event touches. Lives on the stack or in the arena of one request. */
struct window_cursor {
    struct windows *windows;
    uint32_t event;
    struct hash128 *keys; /* per touched stream-and-key */
    struct arena *arena;
    void *opaque; /* the room's own */
};

/* Hashes the event's keys from the frame, finds its stripes and prefetches. `event` is the class index. False only if
 * the arena is full. The frame's cells of keys, columns, wheres and sought values must be final: they are taken here,
 * once. */
bool window_prepare(struct windows *windows, struct window_cursor *cursor, uint32_t event, const struct value *frame,
                    struct arena *arena);
void window_lock(struct window_cursor *cursor);
void window_unlock(struct window_cursor *cursor);

/* Writes every window's cell for the scored event; with the stripes locked. A sum that covers a value beyond the range
 * (or passes 64 bits as an int) gives MISSING_ERROR: OverflowError. Strings are copied into the arena of
 * window_prepare, at most LIMIT_STRING_BYTES a window; false if it is full. Nothing to do for a context event. */
bool window_read(struct window_cursor *cursor, const struct window_moment *moment, struct value *frame);

/* Enters the event into its streams; with the stripes locked, after window_read. False if the budget is used up
 * (nothing was entered then). */
bool window_enter(struct window_cursor *cursor, const struct window_moment *moment);

/* Outcome streams: once the event is decided, a second way with a cursor of its own, window_prepare_outcome ->
 * window_lock -> window_enter -> window_unlock, enters it into them. */
bool window_has_outcomes(const struct windows *windows, uint32_t event);
bool window_prepare_outcome(struct windows *windows, struct window_cursor *cursor, uint32_t event,
                            const struct value *frame, struct arena *arena);

/* The entries that window `index` covers for a reader at `moment` with the frame's keys: calls `visit` for
 * the newest `limit` of them, newest first. Takes the stripe lock itself (and lets it go before it calls). For
 * explanations: of an old decision, entries may be gone. `column` is None for a count; what is kept only as its hash is
 * given as a V_SECRET. */
typedef void window_visitor(void *context, int64_t at_us, uint64_t seq, const struct value *column);
void window_explain(struct windows *windows, uint32_t index, const struct value *frame,
                    const struct window_moment *moment, uint32_t limit, struct arena *arena, window_visitor *visit,
                    void *context);

/* A hash over all entries that a permitted reader could still see (independent of how they came to be), for tests and
 * replay. Locks stripe by stripe: exact only while nothing enters. */
struct hash128 windows_digest(struct windows *windows, int64_t latest_us, int64_t arrival_us);

struct windows_stats {
    uint64_t keys, entries, bytes;
};
void windows_stats(struct windows *windows, struct windows_stats *out);
/* Its `bytes` alone: without any lock. */
uint64_t windows_bytes(const struct windows *windows);

#endif
