/* Built-ins over iterables: len, min, max, sum, any, all, sorted, range, enumerate, zip, reversed, tuple, list; and dict's
 * methods.
 *
 * sorted() is stable. Up to 63 items it makes CPython's own comparisons in CPython's order, so that even values without an
 * order (NaN) come out alike; above that it merges, and where NaNs are among the items their places are not CPython's. */
#include <math.h>

#include "run.h"

bool builtin_len(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *v = &args[0];
    uint64_t len;
    switch (v->tag) {
    case V_STR: len = text_length(v); break;
    case V_BYTES:
    case V_LIST:
    case V_TUPLE: len = bare(v).len; break;
    case V_SET:
    case V_DICT:
    case V_VIEW: len = ((const struct table *)v->p)->count; break;
    case V_RANGE: len = ((const struct range *)v->p)->len; break;
    default: return run_raise(run, EXCEPTION_TypeError, "object of type '%s' has no len()", type_name(v));
    }
    if (len > INT64_MAX)
        return run_raise(run, EXCEPTION_OverflowError, "Python int too large to convert to C ssize_t");
    *out = value_int((int64_t)len);
    return v->tag != V_STR || run_charge(run, is_ascii(v) ? 0 : v->len / 64);
}

/* --- folds --- */

static bool extreme(struct run *run, enum opcode op, const struct value *args, uint32_t count, struct value *out) {
    if (count == 2) { /* the first of equals, and of those that do not compare */
        bool second;
        if (args[0].tag == V_FLOAT && args[1].tag == V_FLOAT)
            second = op == OP_GT ? args[1].f > args[0].f : args[1].f < args[0].f;
        else if (!compare_order(run, op, &args[1], &args[0], &second))
            return false;
        *out = args[second];
        return true;
    }
    struct value iterator, best, next, all = make_tuple(args, count);
    const struct value *source = count == 1 ? &args[0] : &all;
    if (!sequence_iter(run, source, &iterator))
        return false;
    int more = sequence_next(run, &iterator, &best);
    if (more < 0)
        return false;
    if (more == 0)
        return run_raise(run, EXCEPTION_ValueError, "%s() arg is an empty sequence", op == OP_LT ? "min" : "max");
    while ((more = sequence_next(run, &iterator, &next)) == 1) {
        bool better;
        if (!compare_order(run, op, &next, &best, &better))
            return false;
        if (better)
            best = next;
    }
    *out = best;
    return more == 0;
}

bool builtin_min(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return extreme(run, OP_LT, args, count, out);
}

bool builtin_max(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return extreme(run, OP_GT, args, count, out);
}

static bool star(struct run *run, enum opcode op, const struct value *list, struct value *out) {
    const struct value *items;
    uint32_t len;
    if (!sequence_items(run, list, &items, &len))
        return false;
    if (len == 0)
        return run_raise(run, EXCEPTION_TypeError, "%s expected at least 1 argument, got 0", op == OP_LT ? "min" : "max");
    return extreme(run, op, items, len, out);
}

bool builtin_min_star(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return star(run, OP_LT, &args[0], out);
}

bool builtin_max_star(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return star(run, OP_GT, &args[0], out);
}

static bool any_or_all(struct run *run, bool any, const struct value *v, struct value *out) {
    struct value iterator, next;
    int more;
    if (!sequence_iter(run, v, &iterator))
        return false;
    while ((more = sequence_next(run, &iterator, &next)) == 1) {
        if (!run_charge(run, 1))
            return false;
        if (truth(&next) == any)
            break;
    }
    *out = value_bool(more == 1 ? any : !any);
    return more >= 0;
}

bool builtin_any(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return any_or_all(run, true, &args[0], out);
}

bool builtin_all(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return any_or_all(run, false, &args[0], out);
}

static bool sum_start(struct run *run, const struct value *args, uint32_t count, struct value *sum, struct value *iterator) {
    *sum = count > 1 ? args[1] : value_int(0);
    if (!sequence_iter(run, &args[0], iterator))
        return false;
    return sum->tag != V_STR || run_raise(run, EXCEPTION_TypeError, "sum() can't sum strings [use ''.join(seq) instead]");
}

bool builtin_sum(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct value sum, iterator, next;
    int more;
    if (!sum_start(run, args, count, &sum, &iterator))
        return false;
    while ((more = sequence_next(run, &iterator, &next)) == 1) {
        if (!run_charge(run, 1))
            return false;
        if (sum.tag == V_FLOAT && next.tag == V_FLOAT)
            sum.f += next.f;
        else if (!arithmetic_add(run, &sum, &next, &sum))
            return false;
    }
    *out = sum;
    return more == 0;
}

/* CPython's way since 3.12: 64-bit ints first, then floats with Neumaier's compensation if a float is what comes out of the
 * ints, then plain addition for good. Ends the compensated part. */
static void settle(struct value *sum, double *lost) {
    if (*lost != 0 && isfinite(*lost))
        sum->f += *lost;
    *lost = 0;
}

bool builtin_sum_compensated(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct value sum, iterator, next;
    double lost = 0;
    int more;
    if (!sum_start(run, args, count, &sum, &iterator))
        return false;
    enum { INTS, FLOATS, ANY } phase = sum.tag == V_INT ? INTS : sum.tag == V_FLOAT ? FLOATS : ANY;
    while ((more = sequence_next(run, &iterator, &next)) == 1) {
        if (!run_charge(run, 1))
            return false;
        if (phase == FLOATS && next.tag == V_FLOAT) {
            double total = sum.f + next.f;
            lost += fabs(sum.f) >= fabs(next.f) ? (sum.f - total) + next.f : (next.f - total) + sum.f;
            sum.f = total;
            continue;
        }
        if (phase == FLOATS && is_int64(&next)) {
            sum.f += (double)next.i;
            continue;
        }
        if (phase == FLOATS)
            settle(&sum, &lost);
        if (!arithmetic_add(run, &sum, &next, &sum))
            return false;
        if (phase != INTS || !is_int64(&next) || sum.tag != V_INT)
            phase = phase == INTS && sum.tag == V_FLOAT ? FLOATS : ANY;
    }
    if (phase == FLOATS)
        settle(&sum, &lost);
    *out = sum;
    return more == 0;
}

/* --- sorted --- */

static void turn(struct value *items, uint32_t count) {
    for (uint32_t i = 0, j = count; i + 1 < j; i++) {
        struct value swap = items[i];
        items[i] = items[--j];
        items[j] = swap;
    }
}

static bool less(struct run *run, const struct value *a, const struct value *b, bool *out) {
    return compare_order(run, OP_LT, a, b, out);
}

/* The length of the run that the items begin with, turned around if it falls. */
static bool first_run(struct run *run, struct value *items, uint32_t count, uint32_t *out) {
    bool falling = false, falls = false;
    uint32_t n = count < 2 ? count : 2;
    if (count >= 2 && !less(run, &items[1], &items[0], &falling))
        return false;
    for (; n < count; n++) {
        if (!less(run, &items[n], &items[n - 1], &falls))
            return false;
        if (falls != falling)
            break;
    }
    if (falling)
        turn(items, n);
    *out = n;
    return true;
}

static bool sort_small(struct run *run, struct value *items, uint32_t count) {
    uint32_t start;
    if (!first_run(run, items, count, &start))
        return false;
    for (; start < count; start++) {
        struct value pivot = items[start];
        uint32_t left = 0, right = start;
        while (left < right) {
            uint32_t middle = left + (right - left) / 2;
            bool before;
            if (!less(run, &pivot, &items[middle], &before))
                return false;
            if (before)
                right = middle;
            else
                left = middle + 1;
        }
        memmove(&items[left + 1], &items[left], (start - left) * sizeof *items);
        items[left] = pivot;
    }
    return true;
}

static bool merge(struct run *run, const struct value *from, struct value *to, uint32_t middle, uint32_t count) {
    uint32_t left = 0, right = middle, at = 0;
    while (left < middle && right < count) {
        bool before;
        if (!less(run, &from[right], &from[left], &before))
            return false;
        to[at++] = before ? from[right++] : from[left++];
    }
    copy_bytes(&to[at], &from[left], (middle - left) * sizeof *to);
    at += middle - left;
    copy_bytes(&to[at], &from[right], (count - right) * sizeof *to);
    return true;
}

static bool sort_items(struct run *run, struct value *items, uint32_t count) {
    enum { SMALL = 63 };
    if (count <= SMALL)
        return sort_small(run, items, count);
    struct value *scratch = run_items(run, count);
    if (scratch == NULL)
        return false;
    for (uint32_t at = 0; at < count; at += SMALL)
        if (!sort_small(run, items + at, count - at < SMALL ? count - at : SMALL))
            return false;
    for (uint32_t width = SMALL; width < count; width *= 2) {
        for (uint32_t at = 0; at < count; at += 2 * width) {
            uint32_t rest = count - at;
            if (!merge(run, items + at, scratch + at, rest < width ? rest : width, rest < 2 * width ? rest : 2 * width))
                return false;
        }
        memcpy(items, scratch, count * sizeof *items);
    }
    return true;
}

/* One item with its key; the keys are compared. */
static bool sort_pairs(struct run *run, struct value *pairs, uint32_t count) {
    struct value *scratch = run_items(run, 2ull * count);
    if (scratch == NULL)
        return false;
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t low = 0; low < count; low += 2 * width) {
            uint32_t middle = low + width < count ? low + width : count, high = low + 2 * width < count ? low + 2 * width : count;
            uint32_t left = low, right = middle;
            for (uint32_t at = low; at < high; at++) {
                bool before = left >= middle;
                if (left < middle && right < high && !less(run, &pairs[2 * right], &pairs[2 * left], &before))
                    return false;
                uint32_t from = before ? right++ : left++;
                copy_bytes(&scratch[2 * at], &pairs[2 * from], 2 * sizeof *pairs);
            }
        }
        copy_bytes(pairs, scratch, 2ull * count * sizeof *pairs);
    }
    return true;
}

static void turn_pairs(struct value *pairs, uint32_t count) {
    for (uint32_t i = 0, j = count; i + 1 < j; i++) {
        struct value swap[2] = {pairs[2 * i], pairs[2 * i + 1]};
        j--;
        copy_bytes(&pairs[2 * i], &pairs[2 * j], sizeof swap);
        copy_bytes(&pairs[2 * j], swap, sizeof swap);
    }
}

bool builtin_sorted_by(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *items, *keys;
    uint32_t item_count, key_count;
    if (!sequence_items(run, &args[0], &items, &item_count) || !sequence_items(run, &args[1], &keys, &key_count))
        return false;
    if (item_count != key_count)
        return run_raise(run, EXCEPTION_ValueError, "%u keys for %u items", key_count, item_count);
    bool reverse = truth(&args[2]);
    struct value *pairs = run_items(run, 2ull * item_count), *sorted = run_items(run, item_count);
    if (pairs == NULL || sorted == NULL)
        return false;
    for (uint32_t i = 0; i < item_count; i++) {
        pairs[2 * i] = keys[i];
        pairs[2 * i + 1] = items[i];
    }
    if (reverse)
        turn_pairs(pairs, item_count);
    if (!sort_pairs(run, pairs, item_count))
        return false;
    if (reverse)
        turn_pairs(pairs, item_count);
    for (uint32_t i = 0; i < item_count; i++)
        sorted[i] = pairs[2 * i + 1];
    *out = make_list(sorted, item_count);
    return true;
}

bool builtin_sorted(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *items;
    uint32_t item_count;
    if (!sequence_items(run, &args[0], &items, &item_count))
        return false;
    if (count > 1 && !is_int(&args[1]))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(&args[1]));
    if (count > 1 && (!is_int64(&args[1]) || args[1].i > INT32_MAX || args[1].i < INT32_MIN))
        return run_raise(run, EXCEPTION_OverflowError, "Python int too large to convert to C int");
    bool reverse = count > 1 && args[1].i != 0;
    struct value *copy = run_items(run, item_count);
    if (copy == NULL)
        return false;
    copy_bytes(copy, items, item_count * sizeof *copy);
    if (reverse) /* turned before and after, equal items keep their order */
        turn(copy, item_count);
    if (!sort_items(run, copy, item_count))
        return false;
    if (reverse)
        turn(copy, item_count);
    *out = make_list(copy, item_count);
    return true;
}

/* --- sequences --- */

bool builtin_range(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t parts[3] = {0, 0, 1};
    for (uint32_t i = 0; i < count; i++) {
        if (!is_int(&args[i]))
            return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(&args[i]));
        if (args[i].tag == V_BIGINT)
            return run_raise(run, EXCEPTION_OverflowError, "a range beyond 64 bits");
        parts[count == 1 ? 1 : i] = args[i].i;
    }
    int64_t start = parts[0], stop = parts[1], step = parts[2];
    if (step == 0)
        return run_raise(run, EXCEPTION_ValueError, "range() arg 3 must not be zero");
    uint64_t len = 0;
    if (step > 0 && start < stop)
        len = ((uint64_t)stop - (uint64_t)start - 1) / (uint64_t)step + 1;
    else if (step < 0 && start > stop)
        len = ((uint64_t)start - (uint64_t)stop - 1) / -(uint64_t)step + 1;
    struct range *range = run_alloc(run, sizeof *range);
    if (range == NULL)
        return false;
    *range = (struct range){start, stop, step, len};
    *out = (struct value){.tag = V_RANGE, .p = range};
    return true;
}

/* An iterator over the items. */
static bool iterator_over(struct run *run, const struct value *items, uint32_t count, struct value *out) {
    struct value list = make_list(items, count);
    return sequence_iter(run, &list, out);
}

bool builtin_enumerate(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *items;
    uint32_t item_count;
    if (count > 1 && !is_int(&args[1]))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(&args[1]));
    if (!sequence_items(run, &args[0], &items, &item_count) || !run_charge(run, item_count))
        return false;
    struct value *pairs = run_items(run, item_count), number = count > 1 ? args[1] : value_int(0), one = value_int(1);
    if (pairs == NULL || !arithmetic_pos(run, &number, &number))
        return false;
    for (uint32_t i = 0; i < item_count; i++) {
        struct value *pair = run_items(run, 2);
        if (pair == NULL)
            return false;
        pair[0] = number;
        pair[1] = items[i];
        pairs[i] = make_tuple(pair, 2);
        if (!arithmetic_add(run, &number, &one, &number))
            return false;
    }
    return iterator_over(run, pairs, item_count, out);
}

/* One row of zip; 0 at the end of the shortest. */
static int zip_row(struct run *run, const struct value *iterators, uint32_t count, struct value *out) {
    struct value *row = run_items(run, count);
    if (row == NULL)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        int more = sequence_next(run, &iterators[i], &row[i]);
        if (more != 1)
            return more;
    }
    *out = make_tuple(row, count);
    return run_charge(run, count) ? 1 : -1;
}

/* Of two texts of ASCII: all rows at once. */
static bool zip_ascii(struct run *run, const struct value *a, const struct value *b, struct value *out) {
    uint32_t len = a->len < b->len ? a->len : b->len;
    struct value *rows = run_items(run, len), *parts = run_items(run, 2ull * len);
    if (rows == NULL || parts == NULL || !run_charge(run, 2ull * len))
        return false;
    for (uint32_t i = 0; i < len; i++) {
        parts[2 * i] = text_ascii((const char *)a->p + i, 1);
        parts[2 * i + 1] = text_ascii((const char *)b->p + i, 1);
        rows[i] = make_tuple(&parts[2 * i], 2);
    }
    return iterator_over(run, rows, len, out);
}

bool builtin_zip(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (count == 2 && args[0].tag == V_STR && args[1].tag == V_STR && is_ascii(&args[0]) && is_ascii(&args[1]))
        return zip_ascii(run, &args[0], &args[1], out);
    struct value *iterators = run_items(run, count), *rows = NULL;
    if (iterators == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!sequence_iter(run, &args[i], &iterators[i]))
            return false;
    uint32_t used = 0, room = 0;
    for (int more = count > 0; more == 1; used++) {
        if (used == room) {
            struct value *grown = run_items(run, room = room == 0 ? 8 : room * 2);
            if (grown == NULL)
                return false;
            copy_bytes(grown, rows, used * sizeof *rows);
            rows = grown;
        }
        more = zip_row(run, iterators, count, &rows[used]);
        if (more < 0)
            return false;
        if (more == 0)
            break;
    }
    return iterator_over(run, rows, used, out);
}

bool builtin_zip_star(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *items;
    uint32_t len;
    return sequence_items(run, &args[0], &items, &len) && builtin_zip(run, items, len, out);
}

/* zip(strict=True): ValueError at the first iterable that is shorter or longer than the first. */
bool builtin_zip_strict(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct value *lists = run_items(run, count);
    if (lists == NULL)
        return false;
    uint32_t least = UINT32_MAX, first = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct value *items;
        uint32_t len;
        if (!sequence_items(run, &args[i], &items, &len))
            return false;
        lists[i] = make_list(items, len);
        first = i == 0 ? len : first;
        least = len < least ? len : least;
        if (len != first)
            return run_raise(run, EXCEPTION_ValueError, "zip() argument %u is %s than argument%s", i + 1,
                             len < first ? "shorter" : "longer", i > 1 ? "s before it" : " 1");
    }
    return builtin_zip(run, lists, count, out);
}

bool builtin_reversed(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *items;
    uint32_t item_count;
    if (args[0].tag == V_SET || args[0].tag == V_ITERATOR)
        return run_raise(run, EXCEPTION_TypeError, "'%s' object is not reversible", type_name(&args[0]));
    if (!sequence_items(run, &args[0], &items, &item_count))
        return false;
    struct value *copy = run_items(run, item_count);
    if (copy == NULL)
        return false;
    copy_bytes(copy, items, item_count * sizeof *copy);
    turn(copy, item_count);
    return iterator_over(run, copy, item_count, out);
}

/* The items of an iterable that nothing changes any more. */
static bool settled_items(struct run *run, const struct value *args, uint32_t count, const struct value **items, uint32_t *len) {
    *items = NULL;
    *len = 0;
    if (count == 0)
        return true;
    if (!sequence_items(run, &args[0], items, len))
        return false;
    if (args[0].tag != V_LIST || !(args[0].flags & LIST_OWNED))
        return true;
    struct value *copy = run_items(run, *len);
    if (copy == NULL)
        return false;
    copy_bytes(copy, *items, *len * sizeof *copy);
    *items = copy;
    return true;
}

bool builtin_tuple(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *items;
    uint32_t len;
    if (count == 1 && args[0].tag == V_TUPLE && args[0].zone == 0 && args[0].flags == 0) {
        *out = args[0];
        return true;
    }
    if (!settled_items(run, args, count, &items, &len))
        return false;
    *out = make_tuple(items, len);
    return true;
}

bool builtin_list(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *items;
    uint32_t len;
    if (!settled_items(run, args, count, &items, &len))
        return false;
    *out = make_list(items, len);
    return true;
}

bool builtin_iter(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return sequence_iter(run, &args[0], out);
}

bool builtin_next(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int more = sequence_next(run, &args[0], out);
    if (more == 0 && count > 1)
        *out = args[1];
    else if (more == 0)
        return run_raise(run, EXCEPTION_StopIteration, "%s", "");
    return more >= 0;
}

/* --- dict --- */

bool builtin_method_get(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag != V_DICT)
        return no_attribute(run, &args[0], "get");
    const struct table *table = args[0].p;
    uint32_t entry;
    if (!table_find(run, table, &args[1], &entry))
        return false;
    *out = entry != TABLE_NONE ? table->values[entry] : count > 2 ? args[2] : value_none(MISSING_NOT);
    return true;
}

static bool view(struct run *run, const struct value *v, uint8_t which, const char *name, struct value *out) {
    if (v->tag != V_DICT)
        return no_attribute(run, v, name);
    *out = (struct value){.tag = V_VIEW, .flags = which, .p = v->p};
    return true;
}

bool builtin_method_keys(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return view(run, &args[0], VIEW_KEYS, "keys", out);
}

bool builtin_method_values(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return view(run, &args[0], VIEW_VALUES, "values", out);
}

bool builtin_method_items(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return view(run, &args[0], VIEW_ITEMS, "items", out);
}
