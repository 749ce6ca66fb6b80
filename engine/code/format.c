/* Texts of values: str(), repr(), ascii() and the empty format spec. */
#include "big.h"
#include "moment.h"
#include "bytes.h"

static bool text_of(struct run *run, enum format_kind kind, const struct value *v, int depth, struct buf *out);

static void escape(struct buf *out, uint32_t c) {
    if (c <= 0xff)
        buf_format(out, "\\x%02x", c);
    else if (c <= 0xffff)
        buf_format(out, "\\u%04x", c);
    else
        buf_format(out, "\\U%08x", c);
}

/* Single quotes, unless there are some inside and no double ones. */
void format_text_repr(struct run *run, struct str text, bool only_ascii, struct buf *out) {
    bool single = text.len > 0 && memchr(text.p, '\'', text.len) != NULL;
    bool both = single && memchr(text.p, '"', text.len) != NULL;
    char quote = single && !both ? '"' : '\'';
    unsigned bytes;
    buf_char(out, quote);
    for (size_t at = 0; at < text.len && !out->failed; at += bytes) {
        uint32_t c = utf8_decode(text.p + at, &bytes);
        if (c == (unsigned char)quote || c == '\\') {
            buf_char(out, '\\');
            buf_char(out, (char)c);
        } else if (c == '\n' || c == '\r' || c == '\t') {
            buf_char(out, '\\');
            buf_char(out, c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        } else if (c < 0x20 || c == 0x7f) {
            escape(out, c);
        } else if (c < 0x7f || (!only_ascii && unicode_flags(run->unicode, c) & UNICODE_PRINTABLE)) {
            buf_add(out, text.p + at, bytes);
        } else {
            escape(out, c);
        }
    }
    buf_char(out, quote);
}

static void big_text(const struct value *v, struct buf *out) {
    struct big big;
    big_load(&big, v);
    char digits[LIMIT_INT_BITS + 8];
    size_t count = big_digits(&big, 10, digits);
    if (big.negative)
        buf_char(out, '-');
    buf_add(out, digits, count);
}

static bool items_text(struct run *run, enum format_kind kind, const struct value *items, uint32_t count, int depth, struct buf *out) {
    for (uint32_t i = 0; i < count && !out->failed; i++) {
        if (i > 0)
            BUF_LITERAL(out, ", ");
        if (!text_of(run, kind, &items[i], depth + 1, out))
            return false;
    }
    return true;
}

/* What isocalendar() and timetuple() give shows the names of its parts. */
static void named_text(const struct value *v, struct buf *out) {
    static const char *const iso[] = {"year", "week", "weekday"};
    static const char *const time[] = {"tm_year", "tm_mon", "tm_mday", "tm_hour", "tm_min", "tm_sec", "tm_wday", "tm_yday", "tm_isdst"};
    bool is_iso = (v->flags & TUPLE_ISO) != 0;
    ASSERT(v->len == (is_iso ? 3 : 9));
    buf_str(out, is_iso ? STR("datetime.IsoCalendarDate(") : STR("time.struct_time("));
    for (uint32_t i = 0; i < v->len; i++) {
        buf_format(out, "%s%s=", i == 0 ? "" : ", ", is_iso ? iso[i] : time[i]);
        buf_int(out, value_items(v)[i].i);
    }
    buf_char(out, ')');
}

static bool sequence_text(struct run *run, enum format_kind kind, const struct value *v, int depth, struct buf *out) {
    bool list = v->tag == V_LIST;
    const struct value all = bare(v);
    if (!list && is_named_tuple(run, v))
        return object_text(run, v, depth, out);
    if (!list && v->flags & (TUPLE_ISO | TUPLE_STRUCT)) {
        named_text(v, out);
        return true;
    }
    buf_char(out, list ? '[' : '(');
    if (!items_text(run, kind, value_items(&all), all.len, depth, out))
        return false;
    if (!list && all.len == 1)
        buf_char(out, ',');
    buf_char(out, list ? ']' : ')');
    return true;
}

static bool dict_text(struct run *run, enum format_kind kind, const struct value *v, int depth, struct buf *out) {
    const struct table *table = v->p;
    buf_char(out, '{');
    bool first = true;
    for (uint32_t i = 0; !out->failed && table_next(table, &i); i++, first = false) {
        if (!first)
            BUF_LITERAL(out, ", ");
        if (!text_of(run, kind, &table->keys[i], depth + 1, out))
            return false;
        BUF_LITERAL(out, ": ");
        if (!text_of(run, kind, &table->values[i], depth + 1, out))
            return false;
    }
    buf_char(out, '}');
    return true;
}

static void range_text(const struct range *range, struct buf *out) {
    buf_format(out, "range(%lld, %lld", (long long)range->start, (long long)range->stop);
    if (range->step != 1)
        buf_format(out, ", %lld", (long long)range->step);
    buf_char(out, ')');
}

/* Its arguments are shown by format_value, which goes on counting the depth from here: a list may hold the exception. */
static bool nested_exception_text(struct run *run, const struct raised *raised, bool repr, int depth, struct buf *out) {
    uint32_t outer = run->nested;
    run->nested = (uint32_t)depth + 1;
    bool ok = exception_text(run, raised, repr, out);
    run->nested = outer;
    return ok;
}

static bool text_of(struct run *run, enum format_kind kind, const struct value *v, int depth, struct buf *out) {
    char text[NUMBER_TEXT_BYTES];
    if (depth >= DEPTH_MAX)
        return run_raise(run, EXCEPTION_RecursionError, "maximum recursion depth exceeded while getting the repr of an object");
    if (!run_charge(run, 1 + (v->tag == V_STR ? v->len / 16 : 0)))
        return false;
    enum format_kind inner = kind == FORMAT_ASCII ? FORMAT_ASCII : FORMAT_REPR;
    switch (v->tag) {
    case V_NONE: BUF_LITERAL(out, "None"); return true;
    case V_BOOL: buf_str(out, v->i ? STR("True") : STR("False")); return true;
    case V_INT: buf_int(out, v->i); return true;
    case V_BIGINT: big_text(v, out); return true;
    case V_FLOAT: buf_add(out, text, number_repr(v->f, text)); return true;
    case V_STR:
        if (kind == FORMAT_STR || kind == FORMAT_FORMAT)
            buf_str(out, value_text(v));
        else
            format_text_repr(run, value_text(v), kind == FORMAT_ASCII, out);
        return true;
    case V_DATETIME:
        if (v->flags & FOLD) {
            moment_text(run, out, v, kind);
            return true;
        } /* fall through */
    case V_DATE:
    case V_TIMEDELTA: times_text(out, v, kind == FORMAT_REPR || kind == FORMAT_ASCII); return true;
    case V_MOMENT:
    case V_TIME:
    case V_ZONE: moment_text(run, out, v, kind); return true;
    case V_LIST:
    case V_TUPLE: return sequence_text(run, inner, v, depth, out);
    case V_DICT: return dict_text(run, inner, v, depth, out);
    case V_RANGE: range_text(v->p, out); return true;
    case V_OBJECT: return object_text(run, v, depth, out);
    case V_EXCEPTION: return nested_exception_text(run, v->p, kind == FORMAT_REPR || kind == FORMAT_ASCII, depth, out);
    case V_SET:
        if (((const struct table *)v->p)->count == 0) {
            buf_str(out, v->flags & SET_HASHABLE ? STR("frozenset()") : STR("set()"));
            return true;
        }
        return run_raise(run, EXCEPTION_TypeError, "the text of a set is not available: its order is not fixed");
    case V_BYTES: bytes_text(out, v); return run_charge(run, v->len / 16);
    default: /* a set's text depends on hashes, and on whether it was frozen; views and iterators show addresses or none */
        return run_raise(run, EXCEPTION_TypeError, "the text of a %s is not available", type_name(v));
    }
}

bool text_repr_of(struct run *run, const struct value *v, int depth, struct buf *out) {
    return text_of(run, FORMAT_REPR, v, depth, out);
}

static bool text_of_int(struct run *run, int64_t i, struct value *out) {
    enum { DIGITS = 20 };
    char *end = run_alloc(run, DIGITS), *at;
    if (end == NULL)
        return false;
    at = end += DIGITS;
    uint64_t rest = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (i < 0)
        *--at = '-';
    *out = text_ascii(at, (size_t)(end - at));
    return true;
}

bool format_value(struct run *run, enum format_kind kind, const struct value *v, struct value *out) {
    if (v->tag == V_STR && (kind == FORMAT_STR || kind == FORMAT_FORMAT)) {
        *out = *v;
        return true;
    }
    if (v->tag == V_INT)
        return text_of_int(run, v->i, out);
    struct buf buf;
    run_buf(run, &buf);
    return text_of(run, kind, v, (int)run->nested, &buf) && run_text(run, &buf, false, out);
}

bool format_int(struct run *run, const struct value *v, int base, const char *prefix, struct value *out) {
    if (!is_int(v))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(v));
    struct big big;
    big_load(&big, v);
    char digits[LIMIT_INT_BITS + 8];
    size_t count = big_digits(&big, base, digits);
    struct buf buf;
    run_buf(run, &buf);
    if (big.negative)
        buf_char(&buf, '-');
    buf_str(&buf, str_of(prefix));
    buf_add(&buf, digits, count);
    return run_text(run, &buf, true, out);
}

bool builtin_hex(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return format_int(run, &args[0], 16, "0x", out);
}

bool builtin_oct(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return format_int(run, &args[0], 8, "0o", out);
}

bool builtin_bin(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return format_int(run, &args[0], 2, "0b", out);
}

bool builtin_str(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (count > 0)
        return format_value(run, FORMAT_STR, &args[0], out);
    *out = text_ascii("", 0);
    return true;
}

bool builtin_repr(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return format_value(run, FORMAT_REPR, &args[0], out);
}

bool builtin_ascii(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return format_value(run, FORMAT_ASCII, &args[0], out);
}
