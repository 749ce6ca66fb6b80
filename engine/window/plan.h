/* What the window room knows before the first event: for each event class, the keys it touches, the values it hashes,
 * the streams it enters and, for the scored class, the windows it reads. Made once from the configuration, then
 * immutable. Private to the room. */
#ifndef ASSAY_WINDOW_PLAN_H
#define ASSAY_WINDOW_PLAN_H

#include <stdatomic.h>

#include "chunk.h"
#include "stripe.h"
#include "window.h"

/* One key of one stream. Windows that read a stream by the same cells share it. */
struct touch {
    uint32_t stream;
    uint16_t key_slots[LIMIT_KEY_PARTS];
    uint32_t key_count;
};

struct enter {
    uint32_t stream, touch;
    uint32_t columns; /* index into plan->columns of the stream's first column */
};

struct read {
    uint32_t window, touch;
    int32_t enter;  /* with include_current: which of the plan's enters is the event's own; else -1 */
    int32_t sought; /* `seen`: index into plan->values; else -1 */
};

/* A frame cell whose value is needed as a struct cell; hashed where some user compares hashes. */
struct value_use {
    uint16_t slot;
    bool hashed;
};

struct plan {
    struct touch *touches;
    struct enter *enters;
    struct read *reads; /* ordered by touch */
    struct value_use *values;
    uint16_t *columns; /* of all enters: indexes into values */
    uint32_t touch_count, enter_count, read_count, value_count, column_count;
};

struct windows {
    struct windows_config config;
    struct stream_spec *streams; /* own copies of what the configuration points to */
    struct window_spec *windows;
    struct layout *layouts; /* per stream */
    int64_t *longest_us;    /* per stream: its longest over + delay */
    _Atomic int64_t *coverage_us;
    struct plan plans[LIMIT_EVENT_CLASSES];
    struct store store;
    struct stripe *stripes; /* STRIPES of them */
};

/* Checks the configuration and fills everything but store and stripes. On failure plan_release is still called. */
bool plan_make(struct windows *windows, const struct windows_config *config, struct error *error);
void plan_release(struct windows *windows);

/* at - by, staying within 64 bits. */
static inline int64_t time_before(int64_t at_us, int64_t by_us) {
    int64_t result;
    return __builtin_sub_overflow(at_us, by_us, &result) ? INT64_MIN : result;
}

/* --- window.c, also for report.c --- */

struct stream_key {
    uint32_t stream;
    const uint16_t *slots;
    uint32_t count;
};

/* The hash of a key; *missing if there is a None in it. False: the arena is full. */
bool window_key(const struct windows *windows, const struct stream_key *from, const struct value *frame,
                struct arena *arena, struct hash128 *key, bool *missing);
static inline uint32_t stripe_of(struct hash128 key) { return (uint32_t)(key.high >> 56); }
/* Per stream: entries at this time or before it are seen by no permitted reader. */
void windows_horizons(const struct windows *windows, int64_t latest_us, int64_t *horizons);

/* --- read.c: the value of one window --- */

/* What a `seen` window looks for. */
struct sought {
    bool is_none, never; /* never: a value that equals nothing, not even itself */
    enum missing why;    /* when is_none */
    bool int_ok, float_ok;
    int64_t i;
    double f;
    struct cell cell; /* for what is not a number */
};

struct reading {
    const struct window_spec *spec;
    const struct layout *layout;
    const struct slot *slot; /* NULL: the key has no entries */
    const struct cell
        *current; /* include_current: the event's own value, NULL if it does not count (or there is no column) */
    bool current_counts;
    const struct sought *sought;
    int64_t at_us;
};

/* A value as it is kept; only what is neither a number, a time nor None is hashed, and only if `hashed`. */
struct cell cell_of(const struct value *value, bool hashed, const struct hash_key *key, struct arena *arena,
                    bool *failed);
void sought_of(struct sought *out, const struct value *value, const struct cell *cell);
struct value window_value(const struct reading *reading);

/* The entries in (low_us, high_us], newest chunk first: fills first and after (never equal) and returns the next chunk,
 * or NULL at the end. Start with *at = the newest chunk. */
const struct chunk *next_span(const struct chunk **at, int64_t low_us, int64_t high_us, uint32_t *first,
                              uint32_t *after);

#endif
