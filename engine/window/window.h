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
 * Values of a window are a function of the entries it covers only, never of how they came to be. Entries are dropped
 * when no permitted reader can see them any more: time <= latest - max_late - (the stream's longest over + delay). */
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

enum window_kind { WINDOW_COUNT, WINDOW_SUM, WINDOW_MEAN, WINDOW_SEEN };

struct stream_spec {
    uint32_t event;                      /* index of the entering class */
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
    int32_t column; /* index into the stream's columns; -1 for count */
    int32_t where;  /* index into the stream's wheres; -1: all entries */
    int64_t over_us, delay_us;
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

/* Since when (event time, us) this stream has seen every event; INT64_MIN: always (an empty history), the default is
 * INT64_MAX (nothing yet). A window that reaches back beyond it is missing (MISSING_WARMING). */
void windows_set_coverage(struct windows *windows, uint32_t stream, int64_t since_us);
int64_t windows_coverage(const struct windows *windows, uint32_t stream);

/* What one event touches. Lives on the stack or in the arena of one request. */
struct window_cursor {
    struct windows *windows;
    uint32_t event;
    struct hash128 *keys; /* per touched stream-and-key */
    void *opaque;         /* the room's own */
};

/* Hashes the event's keys from the frame, finds its stripes and prefetches. `event` is the class index. False only if
 * the arena is full. The frame's cells of keys, columns, wheres and sought values must be final: they are taken here,
 * once. */
bool window_prepare(struct windows *windows, struct window_cursor *cursor, uint32_t event, const struct value *frame,
                    struct arena *arena);
void window_lock(struct window_cursor *cursor);
void window_unlock(struct window_cursor *cursor);

/* Writes every window's cell for the scored event at its (clamped) time; with the stripes locked. `too_late`: the event
 * is later than max_late, so all its windows are MISSING_LATE. A sum that covers a value beyond the range (or passes 64
 * bits as an int) gives MISSING_ERROR: OverflowError. Nothing to do for a context event. */
void window_read(struct window_cursor *cursor, int64_t at_us, bool too_late, struct value *frame);

/* Enters the event into its streams at its (clamped) time; with the stripes locked, after window_read. `latest_us` is
 * the latest clamped event time so far, this one included; it governs what may be dropped. False if the budget is used
 * up (nothing was entered then). */
bool window_enter(struct window_cursor *cursor, int64_t at_us, uint64_t seq, int64_t latest_us,
                  const struct value *frame);

/* The entries that window `index` covers for a reader at (at_us, before seq) with the frame's keys: calls `visit` for
 * the newest `limit` of them, newest first. Takes the stripe lock itself (and lets it go before it calls). For
 * explanations: of an old decision, entries may be gone. `column` is None for a count; what is kept only as its hash
 * (anything but None, numbers and times) is given as a V_SECRET. */
typedef void window_visitor(void *context, int64_t at_us, uint64_t seq, const struct value *column);
void window_explain(struct windows *windows, uint32_t index, const struct value *frame, int64_t at_us, uint64_t seq,
                    uint32_t limit, struct arena *arena, window_visitor *visit, void *context);

/* A hash over all entries that a permitted reader could still see (independent of how they came to be), for tests and
 * replay. Locks stripe by stripe: exact only while nothing enters. */
struct hash128 windows_digest(struct windows *windows, int64_t latest_us);

struct windows_stats {
    uint64_t keys, entries, bytes;
};
void windows_stats(struct windows *windows, struct windows_stats *out);
/* Its `bytes` alone: without any lock. */
uint64_t windows_bytes(const struct windows *windows);

#endif
