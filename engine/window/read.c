/* The value of one window (plan.h): which entries it covers, and what comes of them. Every value is a function of the
 * covered entries alone - counts, exact sums (exact.h), comparisons - and never of the chunks or the index they lie in.
 * A key with few entries is scanned; a busy one has an index, so that all kinds but decayed_sum cost the logarithm of its
 * entries (decayed_sum adds terms that depend on the reader's time, in order, so it visits them all). Called by window.c
 * with the key's stripe locked. */
#include "plan.h"

#include <math.h>

#include "../base/assert.h"
#include "exact.h"
#include "text.h"
#include "walk.h"

/* --- values as they are kept and compared --- */

static bool is_number(uint8_t tag) { return tag == V_BOOL || tag == V_INT || tag == V_FLOAT; }
static bool is_time(uint8_t tag) { return tag == V_DATETIME || tag == V_DATE || tag == V_TIMEDELTA; }

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

struct cell cell_of(const struct value *value, bool hashed, const struct hash_key *key, struct arena *arena,
                    bool *failed) {
    struct cell cell = {.tag = value->tag};
    if (is_number(value->tag) || is_time(value->tag)) {
        cell.low = (uint64_t)value->i;
        return cell;
    }
    if (value->tag == V_STR)
        cell.text = value_text(value);
    if (hashed && value->tag != V_NONE && !holds_nan(value)) { /* else no hash: it equals nothing */
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

void sought_of(struct sought *out, const struct value *value, const struct cell *cell) {
    *out = (struct sought){.is_none = value->tag == V_NONE};
    out->never = holds_nan(value) || !cell_identity(cell, &out->identity);
    if (out->is_none)
        out->why = value->len == MISSING_NOT ? MISSING_NOT : MISSING_SOURCE;
}

/* --- walking the covered entries --- */

static void begin(struct walk *walk, const struct reading *reading, bool ascending) {
    const struct window_spec *spec = reading->spec;
    int64_t high_us = time_before(reading->at_us, spec->delay_us);
    walk_begin(walk, reading->room.layout, reading->slot != NULL ? reading->slot->index : NULL,
               reading->slot != NULL ? reading->slot->newest : NULL, time_before(high_us, spec->over_us), high_us,
               ascending);
}

/* What the window's measure reckons over the covered entries, the current event the newest of them. */
static union tally tally_of(struct reading *reading) {
    const struct measure *measure = reading->use->measure;
    union tally tally;
    struct walk walk;
    struct span span;
    memset(&tally, 0, tally_bytes(measure->kind));
    if (reading->current_counts) {
        struct kept value = {.tag = V_BOOL}; /* a count of events takes any value */
        if (reading->current != NULL)
            value = (struct kept){.low = reading->current->low, .tag = reading->current->tag};
        if (value.tag == V_STR) {
            value.text = text_borrow(reading->arena, reading->current->text);
            reading->failed |= value.text == 0;
            value.tag = value.text != 0 ? V_STR : V_NONE;
        }
        tally_add_newest(&tally, measure->kind, &value);
    }
    begin(&walk, reading, false);
    walk.whole = measure;
    while (walk_next(&walk, &span))
        if (span.chunk == NULL)
            tally_merge_older(&tally, measure->kind, span.whole);
        else
            tally_add_older(&tally, measure, reading->room.layout, span.chunk, span.bits);
    return tally;
}

/* --- sums --- */

static bool is_bad(const struct floats *floats) { return floats->strange_count > 0 || floats->sum.beyond_count > 0; }

static struct value sum_result(struct reading *reading) {
    union tally tally = tally_of(reading);
    if (reading->use->measure->kind == TALLY_FLOATS)
        return is_bad(&tally.floats) ? value_none(MISSING_ERROR) : value_float(exact_round(&tally.floats.sum));
    const struct ints *ints = &tally.ints;
    if (ints->strange_count > 0 || ints->sum < INT64_MIN || ints->sum > INT64_MAX)
        return value_none(MISSING_ERROR);
    return value_int((int64_t)ints->sum);
}

static struct value mean_result(struct reading *reading) {
    union tally tally = tally_of(reading);
    if (is_bad(&tally.floats))
        return value_none(MISSING_ERROR);
    if (tally.floats.count == 0)
        return value_none(MISSING_NOT);
    return value_float(exact_round(&tally.floats.sum) / (double)tally.floats.count);
}

static struct value std_result(struct reading *reading) {
    union tally tally = tally_of(reading);
    if (is_bad(&tally.squares.floats))
        return value_none(MISSING_ERROR);
    return tally.squares.floats.count < 2 ? value_none(MISSING_NOT) : value_float(squares_stdev(&tally.squares));
}

/* value * 0.5 ** (age / half_life), added from the oldest to the newest: the order is part of the meaning. */
static bool add_decayed(double *sum, uint8_t tag, uint64_t bits, int64_t age_us, int64_t half_life_us) {
    double value = (double)(int64_t)bits;
    if (tag == V_FLOAT)
        memcpy(&value, &bits, sizeof value);
    else if (!is_number(tag))
        return tag == V_NONE;
    *sum += value * pow(0.5, (double)age_us / (double)half_life_us);
    return true;
}

static struct value decayed_result(const struct reading *reading) {
    const struct window_spec *spec = reading->spec;
    const struct layout *layout = reading->room.layout;
    struct walk walk;
    struct span span;
    double sum = 0;
    bool good = true;
    begin(&walk, reading, true);
    while (walk_next(&walk, &span)) {
        const uint8_t *tags = chunk_tags(layout, span.chunk, (uint32_t)spec->column);
        const uint64_t *cells = chunk_cells(layout, span.chunk, (uint32_t)spec->column);
        uint64_t bits = chunk_where(layout, span.chunk, span.bits, spec->where);
        for (; bits != 0; bits &= bits - 1) {
            int i = __builtin_ctzll(bits);
            good &= add_decayed(&sum, tags[i], cells[i], reading->at_us - span.chunk->times[i], spec->half_life_us);
        }
    }
    if (reading->current != NULL)
        good &= add_decayed(&sum, reading->current->tag, reading->current->low, 0, spec->half_life_us);
    return good ? value_float(sum) : value_none(MISSING_ERROR);
}

/* --- single values --- */

static struct value given(struct reading *reading, const struct kept *kept) {
    if (kept->tag == V_NONE)
        return value_none(MISSING_NOT);
    if (kept->tag == V_STR && text_of(&kept->text).len > LIMIT_STRING_BYTES)
        return value_none(MISSING_ERROR);
    return kept_value(kept, reading->arena, &reading->failed);
}

static struct value extreme_result(struct reading *reading) {
    union tally tally = tally_of(reading);
    return given(reading, extreme_value(&tally.extreme));
}

/* The newest covered entry (or the oldest) whose where holds and whose value is not None: its place, or NULL. */
static const struct chunk *end_of(const struct reading *reading, bool oldest, uint32_t *i) {
    const struct window_spec *spec = reading->spec;
    const struct layout *layout = reading->room.layout;
    struct walk walk;
    struct span span;
    begin(&walk, reading, oldest);
    walk.skip = reading->use->measure;
    while (walk_next(&walk, &span)) {
        uint64_t bits = chunk_where(layout, span.chunk, span.bits, spec->where);
        while (bits != 0) {
            *i = oldest ? (uint32_t)__builtin_ctzll(bits) : 63 - (uint32_t)__builtin_clzll(bits);
            if (spec->column < 0 || chunk_tags(layout, span.chunk, (uint32_t)spec->column)[*i] != V_NONE)
                return span.chunk;
            bits &= ~(1ull << *i);
        }
    }
    return NULL;
}

static struct value current_value(const struct reading *reading) {
    const struct cell *cell = reading->current;
    if (cell->tag == V_STR)
        return value_str(cell->text.p, cell->text.len); /* it lives in the event's own arena */
    return (struct value){.tag = cell->tag, .i = (int64_t)cell->low};
}

static struct value last_result(struct reading *reading) {
    uint32_t i;
    if (reading->current != NULL && reading->current->tag != V_NONE)
        return current_value(reading);
    const struct chunk *chunk = end_of(reading, false, &i);
    if (chunk == NULL)
        return value_none(MISSING_NOT);
    struct kept kept = chunk_kept(reading->room.layout, chunk, (uint32_t)reading->spec->column, i);
    return given(reading, &kept);
}

static struct value first_result(struct reading *reading) {
    uint32_t i;
    const struct chunk *chunk = end_of(reading, true, &i);
    if (chunk != NULL) {
        struct kept kept = chunk_kept(reading->room.layout, chunk, (uint32_t)reading->spec->column, i);
        return given(reading, &kept);
    }
    if (reading->current != NULL && reading->current->tag != V_NONE)
        return current_value(reading);
    return value_none(MISSING_NOT);
}

static struct value since_last_result(const struct reading *reading) {
    uint32_t i;
    if (reading->current_counts)
        return value_float(0.0);
    const struct chunk *chunk = end_of(reading, false, &i);
    if (chunk == NULL)
        return value_none(MISSING_NOT);
    return value_float((double)(reading->at_us - chunk->times[i]) / 1e6);
}

/* --- different values --- */

/* A key without an index has fewer entries than this table has slots. */
enum { SMALL_SLOTS = 512 };
_Static_assert(INDEX_FROM * 2 < SMALL_SLOTS, "half of the table stays free");

struct small_set {
    struct identity slots[SMALL_SLOTS];
    uint64_t taken[SMALL_SLOTS / 64];
};

/* True if it is new. */
static bool small_add(struct small_set *set, const struct identity *value) {
    uint32_t i = (uint32_t)((value->low * 0x9e3779b97f4a7c15u ^ value->high) >> 32) % SMALL_SLOTS;
    for (; set->taken[i / 64] >> i % 64 & 1; i = (i + 1) % SMALL_SLOTS)
        if (set->slots[i].low == value->low && set->slots[i].high == value->high)
            return false;
    set->slots[i] = *value;
    set->taken[i / 64] |= 1ull << i % 64;
    return true;
}

static struct distinct_count scan_distinct(const struct reading *reading, const struct identity *sought) {
    const struct window_spec *spec = reading->spec;
    const struct layout *layout = reading->room.layout;
    struct distinct_count count = {0};
    struct small_set set;
    struct walk walk;
    struct span span;
    memset(set.taken, 0, sizeof set.taken);
    begin(&walk, reading, false);
    while (walk_next(&walk, &span)) {
        uint64_t bits = chunk_where(layout, span.chunk, span.bits, spec->where);
        for (; bits != 0; bits &= bits - 1) {
            struct identity value;
            struct cell cell = chunk_cell(layout, span.chunk, (uint32_t)spec->column, (uint32_t)__builtin_ctzll(bits));
            if (!cell_identity(&cell, &value))
                count.nans += cell.tag != V_NONE;
            else if (sought == NULL)
                count.different += small_add(&set, &value);
            else if (value.low == sought->low && value.high == sought->high)
                return (struct distinct_count){.sought = 1};
        }
    }
    return count;
}

static struct distinct_count count_distinct(const struct reading *reading, const struct identity *sought) {
    const struct window_spec *spec = reading->spec;
    if (reading->slot == NULL || reading->slot->index == NULL)
        return scan_distinct(reading, sought);
    int64_t high_us = time_before(reading->at_us, spec->delay_us);
    return index_distinct(&reading->room, reading->slot->index, (uint32_t)reading->use->distinct,
                          time_before(high_us, spec->over_us), high_us, sought);
}

static struct value distinct_result(const struct reading *reading) {
    struct identity own;
    bool own_counts = reading->current != NULL && cell_identity(reading->current, &own);
    struct distinct_count count = count_distinct(reading, NULL);
    count.different += count.nans;
    if (own_counts)
        count.different += count_distinct(reading, &own).sought == 0;
    else if (reading->current != NULL)
        count.different += reading->current->tag != V_NONE; /* a NaN */
    return value_int((int64_t)count.different);
}

static bool same_identity(const struct identity *a, const struct identity *b) {
    return a->low == b->low && a->high == b->high;
}

static struct value seen_result(const struct reading *reading) {
    const struct sought *sought = reading->sought;
    struct identity own;
    if (sought->is_none)
        return value_none(sought->why);
    if (sought->never)
        return value_bool(false);
    if (reading->current != NULL && cell_identity(reading->current, &own) && same_identity(&own, &sought->identity))
        return value_bool(true);
    return value_bool(count_distinct(reading, &sought->identity).sought > 0);
}

struct value window_value(struct reading *reading) {
    const struct window_spec *spec = reading->spec;
    ASSERT(spec->over_us > 0 && spec->delay_us >= 0);
    switch (spec->kind) {
    case WINDOW_COUNT: return value_int((int64_t)tally_of(reading).count);
    case WINDOW_RATE: return value_float((double)tally_of(reading).count / ((double)spec->over_us / 1e6));
    case WINDOW_SUM: return sum_result(reading);
    case WINDOW_MEAN: return mean_result(reading);
    case WINDOW_STD: return std_result(reading);
    case WINDOW_MIN:
    case WINDOW_MAX: return extreme_result(reading);
    case WINDOW_LAST: return last_result(reading);
    case WINDOW_FIRST: return first_result(reading);
    case WINDOW_SINCE_LAST: return since_last_result(reading);
    case WINDOW_DISTINCT: return distinct_result(reading);
    case WINDOW_SEEN: return seen_result(reading);
    case WINDOW_DECAYED_SUM: return decayed_result(reading);
    case WINDOW_KINDS: break;
    }
    UNREACHABLE();
}
