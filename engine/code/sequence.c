/* Indexing, slicing, unpacking, concatenation, repetition and iteration over str, bytes, tuple, list, range, dict and its views.
 *
 * A slice with step 1 shares the items of a tuple or of a list that nothing changes, a str's shares the bytes. */
#include "bytes.h"
#include "regex.h"

static bool out_of_range(struct run *run, const struct value *v) {
    return run_raise(run, EXCEPTION_IndexError, "%s index out of range", v->tag == V_STR ? "string" : type_name(v));
}

bool sequence_int(struct run *run, const struct value *v, const char *what, int64_t *out) {
    if (is_int64(v)) {
        *out = v->i;
        return true;
    }
    if (v->tag == V_BIGINT) {
        *out = v->flags & BIG_NEGATIVE ? INT64_MIN : INT64_MAX;
        return true;
    }
    return run_raise(run, EXCEPTION_TypeError, "%s must be integers, not %s", what, type_name(v));
}

struct value range_item(const struct range *range, uint64_t index) {
    ASSERT(index < range->len);
    return value_int((int64_t)((uint64_t)range->start + (uint64_t)range->step * index));
}

bool range_find(const struct range *range, const struct value *item, uint64_t *at) {
    if (range->len == 0 || !is_number(item))
        return false;
    int64_t i;
    if (is_int64(item))
        i = item->i;
    else if (item->tag == V_FLOAT && item->f >= -0x1p63 && item->f < 0x1p63 && item->f == (double)(int64_t)item->f)
        i = (int64_t)item->f;
    else
        return false;
    __int128 distance = (__int128)i - range->start;
    if (distance % range->step != 0 || distance / range->step < 0 || distance / range->step >= (__int128)range->len)
        return false;
    *at = (uint64_t)(distance / range->step);
    return true;
}

/* --- index --- */

static bool place(int64_t *index, uint64_t len) {
    if (*index < 0)
        *index = (int64_t)((uint64_t)*index + len);
    return *index >= 0 && (uint64_t)*index < len;
}

/* A list, set or dict of its own, with the same items. */
static bool copied(struct run *run, const struct value *of, struct value *out) {
    if (of->tag != V_LIST) {
        struct table *table = table_copy(run, of->p);
        *out = (struct value){.tag = of->tag, .flags = of->flags, .p = table};
        return table != NULL;
    }
    const struct value *items;
    uint32_t count;
    return sequence_items(run, of, &items, &count) && list_own(run, items, count, out);
}

/* d[k] where there is no k. */
static bool dict_missing(struct run *run, struct table *table, const struct value *key, struct value *out) {
    struct value made, k = *key;
    switch (table->missing) {
    case MISSING_RAISES: return raise_key(run, key);
    case MISSING_ZERO: *out = value_int(0); return true;
    case MISSING_FALLBACK: made = table->fallback; break;
    case MISSING_LIST:
        if (!list_own(run, NULL, 0, &made))
            return false;
        break;
    case MISSING_DICT:
        if (!make_dict(run, NULL, 0, &made))
            return false;
        break;
    case MISSING_COPY:
        if (!copied(run, &table->fallback, &made))
            return false;
        break;
    default:
        if (!make_set(run, NULL, 0, &made))
            return false;
    }
    if (!table_set(run, table, &k, &made))
        return false;
    *out = made;
    return true;
}

static bool dict_index(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    const struct table *table = b->p;
    uint32_t entry;
    if (!table_find(run, table, c, &entry))
        return false;
    if (entry == TABLE_NONE)
        return dict_missing(run, (struct table *)(uintptr_t)table, c, out);
    *out = table->values[entry];
    return true;
}

static bool text_index(struct run *run, const struct value *b, int64_t index, struct value *out) {
    uint64_t len = text_length(b);
    if (!place(&index, len))
        return out_of_range(run, b);
    if (!run_charge(run, is_ascii(b) ? 0 : b->len / 64))
        return false;
    size_t at = text_offset(b, (uint64_t)index);
    unsigned bytes;
    utf8_decode((const char *)b->p + at, &bytes);
    *out = text_part(b, at, at + bytes);
    return true;
}

bool sequence_index(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    int64_t index;
    switch (b->tag) {
    case V_DICT: return dict_index(run, b, c, out);
    case V_MATCH: return match_index(run, b, c, out);
    case V_STR: return sequence_int(run, c, "string indices", &index) && text_index(run, b, index, out);
    case V_BYTES:
        if (!sequence_int(run, c, "byte indices", &index))
            return false;
        if (!place(&index, b->len))
            return out_of_range(run, b);
        *out = value_int(((const uint8_t *)b->p)[index]);
        return true;
    case V_LIST:
    case V_TUPLE: {
        const struct value all = bare(b);
        if (!sequence_int(run, c, b->tag == V_LIST ? "list indices" : "tuple indices", &index))
            return false;
        if (!place(&index, all.len))
            return out_of_range(run, b);
        *out = value_items(&all)[index];
        return true;
    }
    case V_RANGE: {
        const struct range *range = b->p;
        if (!sequence_int(run, c, "range indices", &index))
            return false;
        if (range->len > INT64_MAX || !place(&index, range->len))
            return out_of_range(run, b);
        *out = range_item(range, (uint64_t)index);
        return true;
    }
    default: return run_raise(run, EXCEPTION_TypeError, "'%s' object is not subscriptable", type_name(b));
    }
}

/* --- slice --- */

static bool slice_part(struct run *run, const struct value *v, int64_t absent, int64_t *out) {
    if (v->tag == V_NONE) {
        *out = absent;
        return true;
    }
    if (!is_int(v))
        return run_raise(run, EXCEPTION_TypeError, "slice indices must be integers or None or have an __index__ method");
    return sequence_int(run, v, "slice indices", out);
}

static int64_t clamp(int64_t index, int64_t len, bool backward) {
    if (index < 0) {
        index += len;
        return index < 0 ? (backward ? -1 : 0) : index;
    }
    return index >= len ? (backward ? len - 1 : len) : index;
}

/* PySlice_Unpack and PySlice_AdjustIndices: start, step and the number of items. */
bool slice_bounds(struct run *run, const struct value parts[3], int64_t len, int64_t *start, int64_t *step, int64_t *count) {
    int64_t stop;
    if (!slice_part(run, &parts[2], 1, step))
        return false;
    if (*step == 0)
        return run_raise(run, EXCEPTION_ValueError, "slice step cannot be zero");
    if (*step == INT64_MIN)
        *step = -INT64_MAX;
    bool backward = *step < 0;
    if (!slice_part(run, &parts[0], backward ? INT64_MAX : 0, start) ||
        !slice_part(run, &parts[1], backward ? INT64_MIN : INT64_MAX, &stop))
        return false;
    *start = clamp(*start, len, backward);
    stop = clamp(stop, len, backward);
    *count = 0;
    if (backward && stop < *start)
        *count = (*start - stop - 1) / -*step + 1;
    else if (!backward && *start < stop)
        *count = (stop - *start - 1) / *step + 1;
    return true;
}

/* A new list over the items, or a tuple. */
static bool sliced(struct run *run, uint8_t tag, const struct value *items, int64_t count, struct value *out) {
    if (tag == V_LIST)
        return list_own(run, items, (uint32_t)count, out);
    *out = make_tuple(items, (uint32_t)count);
    return true;
}

static bool items_slice(struct run *run, const struct value *b, int64_t start, int64_t step, int64_t count, struct value *out) {
    const struct value all = bare(b);
    const struct value *from = value_items(&all);
    struct value *items;
    bool changes = b->tag == V_LIST && b->flags & LIST_OWNED;
    if (!changes && (step == 1 || count <= 1))
        return sliced(run, b->tag, count > 0 ? from + start : from, count, out);
    if ((items = run_items(run, (uint64_t)count)) == NULL)
        return false;
    for (int64_t i = 0; i < count; i++)
        items[i] = from[start + i * step];
    return sliced(run, b->tag, items, count, out);
}

static bool bytes_slice(struct run *run, const struct value *b, int64_t start, int64_t step, int64_t count, struct value *out) {
    const uint8_t *from = b->p;
    if (step == 1 || count <= 1) {
        *out = make_bytes(count > 0 ? from + start : (const uint8_t *)"", (size_t)count);
        return true;
    }
    uint8_t *to = run_alloc(run, (uint64_t)count);
    if (to == NULL)
        return false;
    for (int64_t i = 0; i < count; i++)
        to[i] = from[start + i * step];
    *out = make_bytes(to, (size_t)count);
    return true;
}

/* Code points from `start` on, every step-th. */
static bool text_slice(struct run *run, const struct value *b, int64_t start, int64_t step, int64_t count, struct value *out) {
    if (count == 0) {
        *out = text_ascii("", 0);
        return true;
    }
    const char *p = b->p;
    size_t at = text_offset(b, (uint64_t)start);
    if (!run_charge(run, is_ascii(b) ? 0 : b->len / 64))
        return false;
    if (step == 1) {
        size_t end = is_ascii(b) ? at + (size_t)count : at;
        for (int64_t i = 0; i < count && !is_ascii(b); i++)
            for (end++; end < b->len && ((unsigned char)p[end] & 0xc0) == 0x80;)
                end++;
        *out = text_part(b, at, end);
        return true;
    }
    char *bytes = run_alloc(run, b->len);
    if (bytes == NULL)
        return false;
    size_t used = 0;
    for (int64_t i = 0; i < count; i++) {
        unsigned width;
        utf8_decode(p + at, &width);
        memcpy(bytes + used, p + at, width);
        used += width;
        if (i + 1 == count)
            break;
        for (int64_t skip = step; skip > 0; skip--)
            at += ((unsigned char)p[at] < 0x80) ? 1 : (utf8_decode(p + at, &width), width);
        for (int64_t skip = step; skip < 0; skip++)
            for (at--; ((unsigned char)p[at] & 0xc0) == 0x80;)
                at--;
    }
    *out = value_str(bytes, used);
    return true;
}

/* s[a:b] of ASCII, with ends from 0 on or none. */
static bool is_prompt(const struct value *part) { return part->tag == V_NONE || (part->tag == V_INT && part->i >= 0); }

static inline bool slice_promptly(const struct value *b, const struct value parts[3], struct value *out) {
    if (b->tag != V_STR || !is_ascii(b) || parts[2].tag != V_NONE || !is_prompt(&parts[0]) || !is_prompt(&parts[1]))
        return false;
    int64_t len = b->len, start = parts[0].tag == V_NONE ? 0 : parts[0].i, stop = parts[1].tag == V_NONE ? len : parts[1].i;
    stop = stop < len ? stop : len;
    *out = start < stop ? text_ascii((const char *)b->p + start, (size_t)(stop - start)) : text_ascii("", 0);
    return true;
}

bool sequence_slice(struct run *run, const struct value *b, const struct value parts[3], struct value *out) {
    int64_t start, step, count;
    if (slice_promptly(b, parts, out))
        return true;
    switch (b->tag) {
    case V_STR:
        return slice_bounds(run, parts, (int64_t)text_length(b), &start, &step, &count) &&
               text_slice(run, b, start, step, count, out);
    case V_BYTES:
        return slice_bounds(run, parts, b->len, &start, &step, &count) && bytes_slice(run, b, start, step, count, out);
    case V_LIST:
    case V_TUPLE:
        return slice_bounds(run, parts, bare(b).len, &start, &step, &count) && items_slice(run, b, start, step, count, out);
    case V_RANGE: return run_raise(run, EXCEPTION_TypeError, "a slice of a range is not available");
    case V_DICT: return run_raise(run, EXCEPTION_TypeError, "unhashable type: 'slice'");
    default: return run_raise(run, EXCEPTION_TypeError, "'%s' object is not subscriptable", type_name(b));
    }
}

/* --- together --- */

static uint64_t sequence_unit(const struct value *v) {
    return v->tag == V_STR || v->tag == V_BYTES ? 1 : sizeof(struct value);
}

static bool joined(struct run *run, uint8_t tag, uint8_t flags, const void *p, uint64_t len, struct value *out) {
    if (tag == V_LIST)
        return list_own(run, p, (uint32_t)len, out);
    *out = (struct value){.tag = tag, .flags = flags, .len = (uint32_t)len, .p = p};
    return true;
}

bool sequence_concat(struct run *run, const struct value *v, const struct value *w, struct value *out) {
    if (v->tag != w->tag)
        return run_raise(run, EXCEPTION_TypeError, "can only concatenate %s (not \"%s\") to %s", type_name(v), type_name(w),
                         type_name(v));
    const struct value b = bare(v), c = bare(w);
    uint64_t unit = sequence_unit(&b), total = (uint64_t)b.len + c.len;
    char *p = run_alloc(run, total * unit);
    if (p == NULL)
        return false;
    copy_bytes(p, b.p, b.len * unit);
    copy_bytes(p + b.len * unit, c.p, c.len * unit);
    return joined(run, b.tag, b.tag == V_STR ? b.flags & c.flags & STR_ASCII : 0, p, total, out);
}

bool sequence_repeat(struct run *run, const struct value *v, const struct value *c, struct value *out) {
    if (c->tag == V_BIGINT)
        return run_raise(run, EXCEPTION_OverflowError, "cannot fit 'int' into an index-sized integer");
    const struct value b = bare(v);
    int64_t times = c->i;
    uint64_t unit = sequence_unit(&b), one = b.len * unit, total;
    if (times <= 0 || one == 0)
        return joined(run, b.tag, b.tag == V_STR ? STR_ASCII : 0, b.p, 0, out);
    if (__builtin_mul_overflow(one, (uint64_t)times, &total))
        total = UINT64_MAX / 2;
    char *p = run_alloc(run, total);
    if (p == NULL)
        return false;
    for (uint64_t at = 0; at < total; at += one)
        memcpy(p + at, b.p, one);
    return joined(run, b.tag, b.tag == V_STR ? b.flags : 0, p, total / unit, out);
}

/* --- iteration --- */

bool sequence_iter(struct run *run, const struct value *b, struct value *out) {
    switch (b->tag) {
    case V_ITERATOR: *out = *b; return true;
    case V_STR:
    case V_BYTES:
    case V_LIST:
    case V_TUPLE:
    case V_RANGE:
    case V_SET:
    case V_DICT:
    case V_VIEW:
    case V_GENERATOR: break;
    default: return run_raise(run, EXCEPTION_TypeError, "'%s' object is not iterable", type_name(b));
    }
    struct iterator *iterator = run_alloc(run, sizeof *iterator);
    if (iterator == NULL)
        return false;
    bool table = b->tag == V_SET || b->tag == V_DICT || b->tag == V_VIEW;
    *iterator = (struct iterator){*b, 0, table ? ((const struct table *)b->p)->count : 0};
    *out = (struct value){.tag = V_ITERATOR, .p = iterator};
    return true;
}

static bool view_item(struct run *run, const struct value *view, uint64_t at, struct value *out) {
    const struct table *table = view->p;
    ASSERT(at < table->used);
    if (view->tag != V_VIEW || view->flags == VIEW_KEYS) {
        *out = table->keys[at];
    } else if (view->flags == VIEW_VALUES) {
        *out = table->values[at];
    } else {
        struct value *pair = run_items(run, 2);
        if (pair == NULL)
            return false;
        pair[0] = table->keys[at];
        pair[1] = table->values[at];
        *out = make_tuple(pair, 2);
    }
    return true;
}

static int table_item(struct run *run, struct iterator *iterator, struct value *out) {
    const struct value *source = &iterator->source;
    const struct table *table = source->p;
    if (table->count != iterator->count) {
        run_raise(run, EXCEPTION_RuntimeError, "%s changed size during iteration", source->tag == V_SET ? "Set" : "dictionary");
        return -1;
    }
    uint32_t at = (uint32_t)iterator->at;
    if (!table_next(table, &at))
        return 0;
    iterator->at = at + 1ull;
    return view_item(run, source, at, out) ? 1 : -1;
}

int sequence_next(struct run *run, const struct value *v, struct value *out) {
    if (v->tag != V_ITERATOR) {
        run_raise(run, EXCEPTION_TypeError, "'%s' object is not an iterator", type_name(v));
        return -1;
    }
    struct iterator *iterator = (struct iterator *)(uintptr_t)v->p;
    const struct value *source = &iterator->source;
    switch (source->tag) {
    case V_STR: {
        if (iterator->at >= source->len)
            return 0;
        unsigned bytes;
        utf8_decode((const char *)source->p + iterator->at, &bytes);
        *out = text_part(source, iterator->at, iterator->at + bytes);
        iterator->at += bytes;
        return 1;
    }
    case V_BYTES:
        if (iterator->at >= source->len)
            return 0;
        *out = value_int(((const uint8_t *)source->p)[iterator->at++]);
        return 1;
    case V_LIST: {
        const struct value all = bare(source);
        if (iterator->at >= all.len) {
            iterator->at = UINT64_MAX; /* over, whatever is appended */
            return 0;
        }
        *out = value_items(&all)[iterator->at++];
        return 1;
    }
    case V_TUPLE:
        if (iterator->at >= source->len)
            return 0;
        *out = value_items(source)[iterator->at++];
        return 1;
    case V_GENERATOR: return generator_next(run, (struct generator *)(uintptr_t)source->p, out);
    case V_RANGE: {
        const struct range *range = source->p;
        if (iterator->at >= range->len)
            return 0;
        *out = range_item(range, iterator->at++);
        return 1;
    }
    default:
        ASSERT(source->tag == V_SET || source->tag == V_DICT || source->tag == V_VIEW);
        return table_item(run, iterator, out);
    }
}

bool gathered_grow(struct run *run, struct gathered *parts) {
    uint32_t room = parts->room == 0 ? 8 : parts->room * 2;
    struct value *items = run_items(run, room);
    if (items == NULL)
        return false;
    copy_bytes(items, parts->items, parts->count * sizeof *items);
    parts->items = items;
    parts->room = room;
    return true;
}

/* All that an iterator gives. */
static bool gather(struct run *run, const struct value *iterator, const struct value **items, uint32_t *count) {
    struct gathered all = {0};
    struct value next;
    int more;
    while ((more = sequence_next(run, iterator, &next)) == 1)
        if (!run_charge(run, 1) || !gathered_add(run, &all, next))
            return false;
    *items = all.items;
    *count = all.count;
    return more == 0;
}

bool sequence_items(struct run *run, const struct value *b, const struct value **items, uint32_t *count) {
    if (b->tag == V_LIST || b->tag == V_TUPLE) {
        const struct value all = bare(b);
        *items = value_items(&all);
        *count = all.len;
        return true;
    }
    struct value iterator;
    return sequence_iter(run, b, &iterator) && gather(run, &iterator, items, count);
}

bool sequence_unpack(struct run *run, const struct value *b, struct value *out, uint32_t count) {
    struct value iterator, items[256]; /* not straight to `out`: b may be one of its cells */
    ASSERT(count < 256);
    if (b->tag == V_TUPLE && b->len == count) { /* a tuple's items are nobody's cells */
        copy_bytes(out, b->p, count * sizeof *out);
        return true;
    }
    if (b->tag == V_SET && count > 1 && ((const struct table *)b->p)->count == count)
        return run_raise(run, EXCEPTION_TypeError, "the order of a set is not fixed: sorted(s)");
    if (!sequence_iter(run, b, &iterator))
        return false;
    for (uint32_t i = 0; i <= count; i++) { /* takes what it needs and one more, as Python does */
        int more = sequence_next(run, &iterator, &items[i]);
        if (more < 0)
            return false;
        if (more == 1 && i == count)
            return run_raise(run, EXCEPTION_ValueError, "too many values to unpack (expected %u)", count);
        if (more == 0 && i < count)
            return run_raise(run, EXCEPTION_ValueError, "not enough values to unpack (expected %u, got %u)", count, i);
    }
    copy_bytes(out, items, count * sizeof *items);
    return true;
}

bool sequence_unpack_starred(struct run *run, const struct value *b, struct value *out, uint32_t count, uint32_t star) {
    const struct value *items;
    uint32_t given;
    ASSERT(star < count);
    if (!sequence_items(run, b, &items, &given))
        return false;
    if (given + 1 < count)
        return run_raise(run, EXCEPTION_ValueError, "not enough values to unpack (expected at least %u, got %u)", count - 1, given);
    uint32_t rest = given + 1 - count;
    struct value *kept = run_items(run, given), list;
    if (kept == NULL || !list_own(run, kept + star, rest, &list))
        return false;
    copy_bytes(kept, items, given * sizeof *kept); /* the items may be cells of `out`, or of a list that changes */
    copy_bytes(out, kept, star * sizeof *out);
    out[star] = list;
    copy_bytes(out + star + 1, kept + star + rest, (count - star - 1) * sizeof *out);
    return true;
}
