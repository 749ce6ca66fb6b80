/* str: positions, search, cutting and joining (case and classes of characters are in letters.c).
 *
 * Strings are valid UTF-8; indexes of Python are code points, so for a string that is not ASCII they are counted out. UTF-8 is
 * self-synchronizing: a search over bytes finds exactly what a search over code points would. */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "bytes.h"

uint64_t text_length(const struct value *v) {
    ASSERT(v->tag == V_STR);
    return is_ascii(v) || v->len == 0 ? v->len : utf8_count(v->p, v->len);
}

size_t text_offset(const struct value *v, uint64_t index) {
    if (is_ascii(v))
        return index < v->len ? (size_t)index : v->len;
    const unsigned char *p = v->p;
    size_t at = 0;
    while (index > 0 && at < v->len) {
        at++;
        while (at < v->len && (p[at] & 0xc0) == 0x80)
            at++;
        index--;
    }
    return at;
}

struct value text_part_unicode(const struct value *v, size_t from, size_t to) {
    ASSERT(from <= to && to <= v->len);
    return value_str((const char *)v->p + from, to - from);
}

/* Where a short needle stands: positions whose first and last byte agree, sixteen at a time, are looked at. Longer ones go to
 * memmem, which is linear for any. */
static const char *find_short(const char *hay, size_t hay_len, const char *needle, size_t needle_len) {
    ASSERT(needle_len > 0 && needle_len <= hay_len);
    size_t at = 0, last = needle_len - 1;
#ifdef __SSE2__
    const __m128i front = _mm_set1_epi8(needle[0]), back = _mm_set1_epi8(needle[last]);
    const size_t end = hay_len - last; /* behind the last place */
    for (; at < end && end >= sizeof front; at += sizeof front) {
        at = at + sizeof front <= end ? at : end - sizeof front; /* the last sixteen overlap with those before */
        __m128i fronts = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(hay + at)), front);
        __m128i backs = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(hay + at + last)), back);
        for (unsigned found = (unsigned)_mm_movemask_epi8(_mm_and_si128(fronts, backs)); found != 0; found &= found - 1) {
            const char *p = hay + at + __builtin_ctz(found);
            if (same_bytes(p, needle, needle_len))
                return p;
        }
    }
#endif
    for (; at + last < hay_len; at++)
        if (hay[at] == needle[0] && hay[at + last] == needle[last] && same_bytes(hay + at, needle, needle_len))
            return hay + at;
    return NULL;
}

bool text_find(const char *hay, size_t hay_len, const char *needle, size_t needle_len, size_t *at) {
    *at = 0;
    if (needle_len == 0)
        return true;
    if (needle_len > hay_len)
        return false;
    enum { SHORT = 16 };
    const char *found = needle_len <= SHORT ? find_short(hay, hay_len, needle, needle_len)
                                            : memmem(hay, hay_len, needle, needle_len);
    if (found == NULL)
        return false;
    *at = (size_t)(found - hay);
    return true;
}

bool text_find_last(struct run *run, const char *hay, size_t hay_len, const char *needle, size_t needle_len, size_t *at, bool *found) {
    *found = false;
    if (needle_len > hay_len)
        return true;
    for (size_t i = hay_len - needle_len + 1; i-- > 0 && !*found;) {
        *at = i;
        if (needle_len > 0 && hay[i] != needle[0])
            continue;
        if (!run_charge(run, needle_len / 64)) /* a long needle could make this quadratic */
            return false;
        *found = needle_len == 0 || memcmp(hay + i, needle, needle_len) == 0;
    }
    return true;
}

bool text_receiver(struct run *run, const struct value *v, const char *name) {
    return v->tag == V_STR ? run_charge(run, 1 + v->len / 64) : no_attribute(run, v, name);
}

bool text_argument(struct run *run, const struct value *v) {
    return v->tag == V_STR || run_raise(run, EXCEPTION_TypeError, "must be str, not %s", type_name(v));
}

bool text_size_argument(struct run *run, const struct value *v, int64_t *out) {
    if (v->tag == V_BIGINT)
        return run_raise(run, EXCEPTION_OverflowError, "Python int too large to convert to C ssize_t");
    if (!is_int64(v))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(v));
    *out = v->i;
    return true;
}

/* --- a part between optional start and end --- */

struct part {
    size_t from, to;     /* bytes */
    uint64_t first;      /* the code point at `from` */
    bool outside;        /* start is behind the end: not even "" is found */
};

static bool slice_index(struct run *run, const struct value *v, int64_t absent, int64_t *out) {
    if (v->tag == V_NONE) {
        *out = absent;
        return true;
    }
    if (!is_int(v))
        return run_raise(run, EXCEPTION_TypeError, "slice indices must be integers or None or have an __index__ method");
    return sequence_int(run, v, "slice indices", out);
}

/* args[2] and args[3], if they are there. */
static bool part_of(struct run *run, const struct value *args, uint32_t count, struct part *out) {
    const struct value *text = &args[0];
    *out = (struct part){.to = text->len};
    if (count <= 2)
        return true;
    int64_t len = (int64_t)text_length(text), start, end = len;
    if (!slice_index(run, &args[2], 0, &start) || (count > 3 && !slice_index(run, &args[3], len, &end)))
        return false;
    if (end > len)
        end = len;
    else if (end < 0)
        end = end + len < 0 ? 0 : end + len;
    if (start < 0)
        start = start + len < 0 ? 0 : start + len;
    out->outside = start > end;
    if (out->outside)
        return true;
    out->from = text_offset(text, (uint64_t)start);
    out->to = text_offset(text, (uint64_t)end);
    out->first = (uint64_t)start;
    return true;
}

static uint64_t points_between(const struct value *text, size_t from, size_t to) {
    return is_ascii(text) ? to - from : utf8_count((const char *)text->p + from, to - from);
}

/* -1 if it is not there. */
static bool find(struct run *run, const struct value *args, uint32_t count, bool last, const char *name, int64_t *out) {
    struct part part;
    size_t at = 0;
    *out = -1;
    if (!text_receiver(run, &args[0], name) || !text_argument(run, &args[1]) || !part_of(run, args, count, &part))
        return false;
    const char *p = (const char *)args[0].p + part.from;
    bool found = !part.outside;
    if (found && !last)
        found = text_find(p, part.to - part.from, args[1].p, args[1].len, &at);
    else if (found && !text_find_last(run, p, part.to - part.from, args[1].p, args[1].len, &at, &found))
        return false;
    if (found)
        *out = (int64_t)(part.first + points_between(&args[0], part.from, part.from + at));
    return true;
}

bool builtin_method_find(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_find, args, count, out);
    int64_t at;
    if (!find(run, args, count, false, "find", &at))
        return false;
    *out = value_int(at);
    return true;
}

bool builtin_method_rfind(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_rfind, args, count, out);
    int64_t at;
    if (!find(run, args, count, true, "rfind", &at))
        return false;
    *out = value_int(at);
    return true;
}

bool builtin_method_rindex(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_rindex, args, count, out);
    int64_t at;
    if (!find(run, args, count, true, "rindex", &at))
        return false;
    *out = value_int(at);
    return at >= 0 || run_raise(run, EXCEPTION_ValueError, "substring not found");
}

static bool items_index(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value all = bare(&args[0]);
    int64_t len = all.len, start = 0, end = len;
    if (count > 2 && !(is_int(&args[2]) && sequence_int(run, &args[2], "slice indices", &start)))
        return run_raise(run, EXCEPTION_TypeError, "slice indices must be integers or have an __index__ method");
    if (count > 3 && !(is_int(&args[3]) && sequence_int(run, &args[3], "slice indices", &end)))
        return run_raise(run, EXCEPTION_TypeError, "slice indices must be integers or have an __index__ method");
    if (start < 0)
        start = start + len < 0 ? 0 : start + len;
    if (end < 0)
        end = end + len < 0 ? 0 : end + len;
    for (int64_t i = start; i < end && i < len; i++) {
        bool same;
        if (!compare_equal(run, &value_items(&all)[i], &args[1], &same))
            return false;
        if (same) {
            *out = value_int(i);
            return true;
        }
    }
    return run_raise(run, EXCEPTION_ValueError, "the value is not in the %s", type_name(&args[0]));
}

bool builtin_method_index(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_index, args, count, out);
    uint64_t place;
    int64_t at;
    if (args[0].tag == V_LIST || args[0].tag == V_TUPLE)
        return items_index(run, args, count, out);
    if (args[0].tag == V_RANGE) {
        if (count > 2)
            return run_raise(run, EXCEPTION_TypeError, "range.index() takes exactly one argument (%u given)", count - 1);
        if (!range_find(args[0].p, &args[1], &place))
            return run_raise(run, EXCEPTION_ValueError, "the value is not in range");
        *out = value_int((int64_t)place);
        return true;
    }
    if (!find(run, args, count, false, "index", &at))
        return false;
    *out = value_int(at);
    return at >= 0 || run_raise(run, EXCEPTION_ValueError, "substring not found");
}

static bool items_count(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (count > 2)
        return run_raise(run, EXCEPTION_TypeError, "count() takes exactly one argument (%u given)", count - 1);
    uint64_t place;
    int64_t found = 0;
    if (args[0].tag == V_RANGE) {
        *out = value_int(range_find(args[0].p, &args[1], &place));
        return true;
    }
    const struct value all = bare(&args[0]);
    for (uint32_t i = 0; i < all.len; i++) {
        bool same;
        if (!compare_equal(run, &value_items(&all)[i], &args[1], &same))
            return false;
        found += same;
    }
    *out = value_int(found);
    return true;
}

/* Places of needle that do not overlap; not for an empty needle. */
static uint64_t count_in(const char *p, size_t len, struct str needle) {
    ASSERT(needle.len > 0);
    uint64_t found = 0;
    if (needle.len == 1)
        return ascii_count_byte(p, len, needle.p[0]);
    for (size_t at; text_find(p, len, needle.p, needle.len, &at); found++) {
        p += at + needle.len;
        len -= at + needle.len;
    }
    return found;
}

bool builtin_method_count(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_count, args, count, out);
    struct part part;
    if (args[0].tag == V_LIST || args[0].tag == V_TUPLE || args[0].tag == V_RANGE)
        return items_count(run, args, count, out);
    if (!text_receiver(run, &args[0], "count") || !text_argument(run, &args[1]) || !part_of(run, args, count, &part))
        return false;
    uint64_t found = 0;
    if (!part.outside && args[1].len == 0)
        found = points_between(&args[0], part.from, part.to) + 1;
    else if (!part.outside)
        found = count_in((const char *)args[0].p + part.from, part.to - part.from, value_text(&args[1]));
    *out = value_int((int64_t)found);
    return true;
}

static bool tail_match(const struct value *text, const struct part *part, const struct value *tail, bool at_end) {
    size_t len = part->to - part->from;
    if (part->outside || tail->len > len)
        return false;
    const char *p = (const char *)text->p + (at_end ? part->to - tail->len : part->from);
    return tail->len == 0 || memcmp(p, tail->p, tail->len) == 0;
}

static bool with(struct run *run, const struct value *args, uint32_t count, bool at_end, struct value *out) {
    struct part part;
    if (!text_receiver(run, &args[0], at_end ? "endswith" : "startswith") || !part_of(run, args, count, &part))
        return false;
    const struct value *tails = &args[1];
    uint32_t tail_count = 1;
    if (args[1].tag == V_TUPLE) {
        tails = value_items(&args[1]);
        tail_count = args[1].len;
    }
    bool found = false;
    for (uint32_t i = 0; i < tail_count && !found; i++) {
        if (tails[i].tag != V_STR)
            return run_raise(run, EXCEPTION_TypeError, "%s first arg must be str or a tuple of str, not %s",
                             at_end ? "endswith" : "startswith", type_name(&tails[i]));
        if (!run_charge(run, 1))
            return false;
        found = tail_match(&args[0], &part, &tails[i], at_end);
    }
    *out = value_bool(found);
    return true;
}

bool builtin_method_startswith(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_startswith, args, count, out);
    return with(run, args, count, false, out);
}

bool builtin_method_endswith(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_endswith, args, count, out);
    return with(run, args, count, true, out);
}

/* --- cutting ends --- */

/* Whether the code point is to be stripped: white space, or one of `set`. */
static bool stripped(struct run *run, const struct value *set, const char *p, unsigned bytes, uint32_t c) {
    size_t at;
    if (set == NULL)
        return text_is_space(run, c);
    return text_find(set->p, set->len, p, bytes, &at);
}

size_t text_before(const char *p, size_t at) {
    for (at--; ((unsigned char)p[at] & 0xc0) == 0x80;)
        at--;
    return at;
}

static bool strip(struct run *run, const struct value *args, uint32_t count, bool left, bool right, const char *name,
                  struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_strip(run, args, count, left, right, out);
    if (!text_receiver(run, &args[0], name))
        return false;
    const struct value *set = count > 1 && args[1].tag != V_NONE ? &args[1] : NULL;
    if (set != NULL && set->tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "%s arg must be None or str", name);
    const char *p = args[0].p;
    size_t from = 0, to = args[0].len;
    unsigned bytes;
    uint64_t work = set == NULL ? 0 : set->len / 64;
    while (left && from < to) {
        uint32_t c = utf8_decode(p + from, &bytes);
        if (!stripped(run, set, p + from, bytes, c))
            break;
        from += bytes;
        if (!run_charge(run, work))
            return false;
    }
    while (right && to > from) {
        size_t last = text_before(p, to);
        uint32_t c = utf8_decode(p + last, &bytes);
        if (!stripped(run, set, p + last, bytes, c))
            break;
        to = last;
        if (!run_charge(run, work))
            return false;
    }
    *out = text_part(&args[0], from, to);
    return true;
}

bool builtin_method_strip(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return strip(run, args, count, true, true, "strip", out);
}

bool builtin_method_lstrip(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return strip(run, args, count, true, false, "lstrip", out);
}

bool builtin_method_rstrip(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return strip(run, args, count, false, true, "rstrip", out);
}

bool builtin_method_removeprefix(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_removeprefix, args, count, out);
    if (!text_receiver(run, &args[0], "removeprefix") || !text_argument(run, &args[1]))
        return false;
    struct part whole = {.to = args[0].len};
    *out = tail_match(&args[0], &whole, &args[1], false) ? text_part(&args[0], args[1].len, args[0].len) : args[0];
    return true;
}

bool builtin_method_removesuffix(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_removesuffix, args, count, out);
    if (!text_receiver(run, &args[0], "removesuffix") || !text_argument(run, &args[1]))
        return false;
    struct part whole = {.to = args[0].len};
    *out = tail_match(&args[0], &whole, &args[1], true) ? text_part(&args[0], 0, args[0].len - args[1].len) : args[0];
    return true;
}

/* --- replace --- */

static bool replace_between(struct run *run, const struct value *args, uint64_t most, struct value *out) {
    struct buf buf;
    run_buf(run, &buf);
    const char *p = args[0].p;
    size_t at = 0;
    for (; most > 0; most--) { /* before each code point and at the end */
        buf_str(&buf, value_text(&args[2]));
        if (at == args[0].len || !run_charge(run, 1))
            break;
        unsigned bytes;
        utf8_decode(p + at, &bytes);
        buf_add(&buf, p + at, bytes);
        at += bytes;
    }
    buf_add(&buf, p + at, args[0].len - at);
    return run_charge(run, 0) && run_text(run, &buf, is_ascii(&args[0]) && is_ascii(&args[2]), out);
}

bool builtin_method_replace(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES && !(count >= 3 && args[1].tag == V_BYTES && args[1].len == 0 && args[2].tag == V_BYTES))
        return bytes_method(run, builtin_method_replace, args, count, out);
    if (args[0].tag == V_DATETIME || args[0].tag == V_DATE || args[0].tag == V_MOMENT || args[0].tag == V_TIME)
        return time_replace(run, args, count, out);
    bool between = args[0].tag == V_BYTES; /* of bytes, and nothing to be replaced */
    if (!between && !text_receiver(run, &args[0], "replace"))
        return false;
    int64_t limit = -1;
    if (count < 3 || count > 4)
        return run_raise(run, EXCEPTION_TypeError, "replace expected 2 or 3 arguments, got %u", count - 1);
    if ((!between && (!text_argument(run, &args[1]) || !text_argument(run, &args[2]))) ||
        (count > 3 && !text_size_argument(run, &args[3], &limit)))
        return false;
    uint64_t most = limit < 0 ? UINT64_MAX : (uint64_t)limit;
    struct str old = value_text(&args[1]);
    if (most == 0) {
        *out = args[0];
        return true;
    }
    if (between)
        return bytes_replace_between(run, args, most, out);
    if (old.len == 0)
        return replace_between(run, args, most, out);
    const char *p = args[0].p;
    size_t left = args[0].len, at;
    if (!text_find(p, left, old.p, old.len, &at)) {
        *out = args[0];
        return true;
    }
    struct buf buf;
    run_buf(run, &buf);
    do {
        buf_add(&buf, p, at);
        buf_str(&buf, value_text(&args[2]));
        p += at + old.len;
        left -= at + old.len;
    } while (--most > 0 && run_charge(run, 1) && text_find(p, left, old.p, old.len, &at));
    buf_add(&buf, p, left);
    return run_charge(run, 0) && run_text(run, &buf, is_ascii(&args[0]) && is_ascii(&args[2]), out);
}
