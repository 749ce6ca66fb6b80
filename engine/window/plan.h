/* What the window room knows before the first event: for each event class, the keys it touches, the values it hashes,
 * the streams it enters and, for the scored class, the windows it reads. Made once from the configuration, then
 * immutable. Private to the room. */
#ifndef ASSAY_WINDOW_PLAN_H
#define ASSAY_WINDOW_PLAN_H

#include <stdatomic.h>

#include "chunk.h"
#include "index.h"
#include "stripe.h"
#include "tally.h"
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

/* What a window's read needs of its stream's layout. */
struct window_use {
    const struct measure *measure; /* what it reckons, or by which it skips; NULL: nothing */
    int32_t distinct;              /* index into the layout's distincts, or -1 */
};

/* A frame cell whose value is needed as a struct cell; hashed where some user compares hashes, with its text where some
 * user gives it back. */
struct value_use {
    uint16_t slot;
    bool hashed, text;
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
    struct window_use *uses; /* per window */
    struct layout *layouts;  /* per stream */
    int64_t *longest_us;     /* per stream: its longest over + delay */
    _Atomic int64_t *coverage_us;
    struct plan plans[LIMIT_EVENT_CLASSES];
    struct plan outcome_plans[LIMIT_EVENT_CLASSES]; /* of what is entered after the decision; they read nothing */
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
void windows_horizons(const struct windows *windows, int64_t latest_us, int64_t arrival_us, int64_t *horizons);

/* --- read.c: the value of one window --- */

/* What a `seen` window looks for. */
struct sought {
    bool is_none, never; /* never: a value that equals nothing, not even itself */
    enum missing why;    /* when is_none */
    struct identity identity;
};

struct reading {
    const struct window_spec *spec;
    const struct window_use *use;
    struct index_room room;
    const struct slot *slot;    /* NULL: the key has no entries */
    const struct cell *current; /* include_current: the event's own value, NULL if it does not count (or there is no
                                   column) */
    bool current_counts;
    const struct sought *sought;
    int64_t at_us; /* by the stream's clock */
    struct arena *arena;
    bool failed; /* the arena is full */
};

/* A value as it is kept: a number or a time as it is; of anything else but None its hash (if `hashed`) and of a string
 * its text. */
struct cell cell_of(const struct value *value, bool hashed, const struct hash_key *key, struct arena *arena,
                    bool *failed);
void sought_of(struct sought *out, const struct value *value, const struct cell *cell);
struct value window_value(struct reading *reading);

#endif
