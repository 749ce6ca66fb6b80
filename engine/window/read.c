/* The value of one window (plan.h): which entries it covers, and what comes of them. Every value is a function of the
 * covered entries alone: counts, exact sums (exact.h), comparisons; nothing depends on the chunks they lie in. Today a
 * read scans the covered entries, so its cost grows with their number (a key with 100,000 events in a window takes a
 * fraction of a millisecond). Called by window.c with the key's stripe locked. */
#include "plan.h"

#include <math.h>

#include "../base/assert.h"
#include "exact.h"

const struct chunk *next_span(const struct chunk **at, int64_t low_us, int64_t high_us, uint32_t *first,
                              uint32_t *after) {
    for (const struct chunk *chunk = *at; chunk != NULL; chunk = chunk->older) {
        ASSERT(chunk->count > 0);
        if (chunk->times[chunk->count - 1] <= low_us)
            break; /* and so are all older ones */
        *first = chunk->times[0] > low_us ? 0 : chunk_count_until(chunk, low_us);
        *after = chunk->times[chunk->count - 1] <= high_us ? chunk->count : chunk_count_until(chunk, high_us);
        if (*first < *after) {
            *at = chunk->older;
            return chunk;
        }
    }
    *at = NULL;
    return NULL;
}

/* --- values as they are kept and compared --- */

static bool is_number(uint8_t tag) { return tag == V_BOOL || tag == V_INT || tag == V_FLOAT; }
static bool is_time(uint8_t tag) { return tag == V_DATETIME || tag == V_DATE || tag == V_TIMEDELTA; }

struct cell cell_of(const struct value *value, bool hashed, const struct hash_key *key, struct arena *arena,
                    bool *failed) {
    struct cell cell = {.tag = value->tag};
    if (is_number(value->tag) || is_time(value->tag)) {
        cell.low = (uint64_t)value->i;
    } else if (hashed && value->tag != V_NONE) {
        struct buf buf;
        buf_init(&buf, arena, LIMIT_ARENA_BYTES); /* a value's form is a little longer than the value */
        value_write_key(&buf, value);
        *failed |= buf.failed;
        struct hash128 hash = buf.failed ? (struct hash128){0} : hash_keyed(key, buf.p, buf.len);
        cell.low = hash.low;
        cell.high = hash.high;
    }
    return cell;
}

/* Python's == finds no NaN equal to itself, so a value that holds one is never seen. */
static bool holds_nan(const struct value *value) {
    if (value->tag == V_FLOAT)
        return isnan(value->f);
    if (value->tag == V_LIST || value->tag == V_TUPLE)
        for (uint32_t i = 0; i < value->len; i++)
            if (holds_nan(&value_items(value)[i]))
                return true;
    return false;
}

void sought_of(struct sought *out, const struct value *value, const struct cell *cell) {
    *out = (struct sought){.cell = *cell, .never = holds_nan(value)};
    if (value->tag == V_NONE) {
        out->is_none = true;
        out->why = value->len == MISSING_NOT ? MISSING_NOT : MISSING_SOURCE;
    } else if (value->tag == V_FLOAT) {
        out->f = value->f;
        out->float_ok = true;
        if (value->f >= -0x1p63 && value->f < 0x1p63 && (double)(int64_t)value->f == value->f) {
            out->i = (int64_t)value->f;
            out->int_ok = true;
        }
    } else if (value->tag == V_INT || value->tag == V_BOOL) {
        out->i = value->i;
        out->int_ok = true;
        out->f = (double)value->i;
        out->float_ok = out->f < 0x1p63 && (int64_t)out->f == value->i;
    }
}

static bool equals_sought(const struct sought *sought, struct cell cell) {
    if (cell.tag == V_INT || cell.tag == V_BOOL)
        return sought->int_ok && (int64_t)cell.low == sought->i;
    if (cell.tag == V_FLOAT) {
        double f;
        memcpy(&f, &cell.low, sizeof f);
        return sought->float_ok && f == sought->f;
    }
    return cell.tag != V_NONE && cell.tag == sought->cell.tag && cell.low == sought->cell.low &&
           cell.high == sought->cell.high;
}

/* --- walking the covered entries --- */

struct walk {
    const struct reading *reading;
    const struct chunk *at;
    int64_t low_us, high_us;
};

static struct walk walk_start(const struct reading *reading) {
    const struct window_spec *spec = reading->spec;
    int64_t high_us = time_before(reading->at_us, spec->delay_us);
    return (struct walk){
        .reading = reading,
        .at = reading->slot != NULL ? reading->slot->newest : NULL,
        .low_us = time_before(high_us, spec->over_us),
        .high_us = high_us,
    };
}

/* The next chunk with covered entries; the set bits of *covered are their places. */
static const struct chunk *walk_next(struct walk *walk, uint64_t *covered) {
    uint32_t first, after;
    const struct chunk *chunk;
    while ((chunk = next_span(&walk->at, walk->low_us, walk->high_us, &first, &after)) != NULL) {
        uint64_t bits = (after == 64 ? UINT64_MAX : (1ull << after) - 1) & ~((1ull << first) - 1);
        int32_t where = walk->reading->spec->where;
        if (where >= 0)
            bits &= chunk_plane(walk->reading->layout, chunk, (uint32_t)where);
        if (bits != 0) {
            *covered = bits;
            return chunk;
        }
    }
    return NULL;
}

static uint64_t count_of(const struct reading *reading) {
    struct walk walk = walk_start(reading);
    uint64_t count = reading->current_counts, covered;
    while (walk_next(&walk, &covered) != NULL)
        count += (uint64_t)__builtin_popcountll(covered);
    return count;
}

/* --- sums --- */

struct float_sum {
    struct exact exact;
    uint64_t count;
    bool not_number;
};

static inline void add_float(struct float_sum *sum, uint8_t tag, uint64_t bits) {
    double f;
    if (tag == V_FLOAT)
        memcpy(&f, &bits, sizeof f);
    else if (tag == V_INT || tag == V_BOOL)
        f = (double)(int64_t)bits;
    else {
        sum->not_number |= tag != V_NONE;
        return;
    }
    exact_add(&sum->exact, f);
    sum->count++;
}

static struct float_sum float_sum_of(const struct reading *reading) {
    struct float_sum sum = {.count = 0};
    struct walk walk = walk_start(reading);
    uint64_t covered;
    for (const struct chunk *chunk; (chunk = walk_next(&walk, &covered)) != NULL;) {
        const uint8_t *tags = chunk_tags(reading->layout, chunk, (uint32_t)reading->spec->column);
        const uint64_t *cells = chunk_cells(reading->layout, chunk, (uint32_t)reading->spec->column);
        for (; covered != 0; covered &= covered - 1) {
            int i = __builtin_ctzll(covered);
            add_float(&sum, tags[i], cells[i]);
        }
    }
    if (reading->current != NULL)
        add_float(&sum, reading->current->tag, reading->current->low);
    return sum;
}

static struct value float_result(const struct reading *reading) {
    struct float_sum sum = float_sum_of(reading);
    if (sum.not_number || sum.exact.beyond_count > 0)
        return value_none(MISSING_ERROR);
    if (reading->spec->kind == WINDOW_SUM)
        return value_float(exact_round(&sum.exact));
    if (sum.count == 0)
        return value_none(MISSING_NOT);
    return value_float(exact_round(&sum.exact) / (double)sum.count);
}

/* Fewer than 2^63 values of 64 bits cannot pass 128 bits. */
static inline bool add_int(__int128 *sum, uint8_t tag, uint64_t bits) {
    if (tag == V_INT || tag == V_BOOL)
        *sum += (int64_t)bits;
    return tag == V_INT || tag == V_BOOL || tag == V_NONE;
}

static struct value int_result(const struct reading *reading) {
    __int128 sum = 0;
    bool good = true;
    struct walk walk = walk_start(reading);
    uint64_t covered;
    for (const struct chunk *chunk; (chunk = walk_next(&walk, &covered)) != NULL;) {
        const uint8_t *tags = chunk_tags(reading->layout, chunk, (uint32_t)reading->spec->column);
        const uint64_t *cells = chunk_cells(reading->layout, chunk, (uint32_t)reading->spec->column);
        for (; covered != 0; covered &= covered - 1) {
            int i = __builtin_ctzll(covered);
            good &= add_int(&sum, tags[i], cells[i]);
        }
    }
    if (reading->current != NULL)
        good &= add_int(&sum, reading->current->tag, reading->current->low);
    if (!good || sum < INT64_MIN || sum > INT64_MAX)
        return value_none(MISSING_ERROR);
    return value_int((int64_t)sum);
}

static struct value seen_result(const struct reading *reading) {
    const struct sought *sought = reading->sought;
    if (sought->is_none)
        return value_none(sought->why);
    if (sought->never)
        return value_bool(false);
    if (reading->current != NULL && equals_sought(sought, *reading->current))
        return value_bool(true);
    struct walk walk = walk_start(reading);
    uint64_t covered;
    for (const struct chunk *chunk; (chunk = walk_next(&walk, &covered)) != NULL;)
        for (; covered != 0; covered &= covered - 1) {
            uint32_t i = (uint32_t)__builtin_ctzll(covered);
            if (equals_sought(sought, chunk_cell(reading->layout, chunk, (uint32_t)reading->spec->column, i)))
                return value_bool(true);
        }
    return value_bool(false);
}

struct value window_value(const struct reading *reading) {
    ASSERT(reading->spec->over_us > 0 && reading->spec->delay_us >= 0);
    switch (reading->spec->kind) {
    case WINDOW_COUNT: return value_int((int64_t)count_of(reading));
    case WINDOW_SUM: return reading->spec->is_float ? float_result(reading) : int_result(reading);
    case WINDOW_MEAN: return float_result(reading);
    case WINDOW_SEEN: return seen_result(reading);
    }
    UNREACHABLE();
}
