/* strftime() of datetimes, dates and times of day: CPython's own directives (%z %:z %Z %f) first, then the C library's in the C
 * locale. CPython writes the result into a buffer bounded by the format's length; beyond it the text is empty, here too. */
#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include "moment.h"

bool moment_has_strftime(const struct value *v) { return is_datetime(v) || v->tag == V_DATE || v->tag == V_TIME; }

static struct tm broken_down(const struct value *v) {
    struct civil civil;
    struct zone_info info;
    int64_t us = v->tag == V_DATE ? v->i * DAY_US : moment_get(v).us;
    int isdst = -1;
    calendar_civil(us, &civil);
    if (is_datetime(v) && moment_info(v, &info) && info.has_dst)
        isdst = info.dst_us != 0;
    struct tm tm = {.tm_year = civil.year - 1900, .tm_mon = civil.month - 1, .tm_mday = civil.day, .tm_hour = civil.hour,
                    .tm_min = civil.minute, .tm_sec = civil.second, .tm_wday = (civil.weekday + 1) % 7,
                    .tm_yday = civil.year_day - 1, .tm_isdst = isdst};
    if (v->tag == V_TIME) { /* CPython's 1900-01-01, which it takes for a Monday */
        tm.tm_year = 0;
        tm.tm_mon = tm.tm_yday = 0;
        tm.tm_mday = 1;
        tm.tm_wday = 1;
    }
    return tm;
}

/* %z and %Z as the format shall have them; a zone's own "%" is doubled. */
static void put_zone(struct buf *out, const struct value *v, bool name, const char *separator, struct buf *scratch) {
    struct zone_info info;
    if (v->tag == V_DATE || !moment_info(v, &info))
        return;
    if (!name) {
        zone_offset_text(out, info.offset_us, separator);
        return;
    }
    zone_name(scratch, &info);
    for (size_t i = 0; i < scratch->len; i++) {
        buf_char(out, scratch->p[i]);
        if (scratch->p[i] == '%')
            buf_char(out, '%');
    }
}

/* The format with CPython's own directives put in, up to a NUL. */
static void own_directives(struct run *run, const struct value *v, struct str format, struct buf *out) {
    struct buf scratch;
    int64_t us = v->tag == V_DATE ? 0 : moment_get(v).us;
    for (size_t i = 0; i < format.len && format.p[i] != 0; i++) {
        char next = format.p[i] == '%' && i + 1 < format.len ? format.p[i + 1] : 0;
        bool colon = next == ':' && i + 2 < format.len && format.p[i + 2] == 'z' && run->unicode->python & PYTHON_COLON_Z;
        run_buf(run, &scratch);
        if (next == 0) {
            buf_char(out, format.p[i]);
            continue;
        }
        i += colon ? 2 : 1;
        if (colon || next == 'z')
            put_zone(out, v, false, colon ? ":" : "", &scratch);
        else if (next == 'Z')
            put_zone(out, v, true, "", &scratch);
        else if (next == 'f')
            buf_format(out, "%06d", (int)(((us % 1000000) + 1000000) % 1000000));
        else
            buf_add(out, format.p + i - 1, 2);
    }
}

/* The bytes of one directive of the C library: % [flags] [width] [E or O] type; *type is its last character. */
static size_t directive_length(const char *p, size_t len, char *type) {
    size_t at = 1;
    unsigned bytes;
    while (at < len && p[at] != 0 && strchr("_-+^#0", p[at]) != NULL)
        at++;
    while (at < len && p[at] >= '0' && p[at] <= '9')
        at++;
    if (at < len && (p[at] == 'E' || p[at] == 'O'))
        at++;
    *type = at < len ? p[at] : 0;
    if (at < len) {
        utf8_decode(p + at, &bytes);
        at += bytes;
    }
    return at;
}

/* One directive by the C library; false when it does not fit `room`. */
static bool put_directive(struct buf *out, const char *p, size_t len, const struct tm *tm, size_t room, locale_t locale) {
    enum { PIECE_BYTES = 64, TEXT_BYTES = 256 };
    char piece[PIECE_BYTES] = "x", small[TEXT_BYTES]; /* the x tells an empty text from one that does not fit */
    if (len > PIECE_BYTES - 2)
        return false;
    memcpy(piece + 1, p, len);
    size_t made = strftime_l(small, sizeof small, piece, tm, locale);
    if (made > 0) {
        buf_add(out, small + 1, made - 1);
        return true;
    }
    char *large = buf_reserve(out, room + 2);
    made = large == NULL ? 0 : strftime_l(large, room + 2, piece, tm, locale);
    if (made == 0)
        return false;
    memmove(large, large + 1, made - 1);
    out->len += made - 1;
    return true;
}

static bool is_plain(const char *p, size_t len) {
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)p[i] >= 128)
            return false;
    return true;
}

static bool expand(struct run *run, const struct buf *format, const struct tm *tm, size_t room, struct buf *out) {
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* the C library's own, nothing is allocated */
    bool fits = true;
    for (size_t at = 0, length; fits && at < format->len; at += length) {
        const char *p = format->p + at;
        char type;
        length = 1;
        if (*p != '%') {
            buf_char(out, *p);
            continue;
        }
        length = directive_length(p, format->len - at, &type);
        if (type == 's')
            return run_raise(run, EXCEPTION_ValueError, "%%s of strftime depends on the machine's zone: use .timestamp()");
        if (is_plain(p, length))
            fits = put_directive(out, p, length, tm, room, locale);
        else
            buf_add(out, p, length);
        fits &= !out->failed && run_charge(run, 1);
    }
    if (run->steps_left <= 0)
        return false;
    if (!fits)
        out->len = 0;
    return true;
}

bool moment_strftime(struct run *run, const struct value *v, struct str format, struct value *out) {
    struct buf whole, text;
    struct tm tm = broken_down(v);
    run_buf(run, &whole);
    run_buf(run, &text);
    own_directives(run, v, format, &whole);
    if (whole.failed)
        return run_text(run, &whole, false, out);
    size_t characters = 0, room = 1024;
    for (size_t i = 0; i < whole.len; i++)
        characters += (whole.p[i] & 0xc0) != 0x80;
    while (room < 256 * characters && room < LIMIT_VALUE_BYTES)
        room *= 2;
    if (!run_charge(run, whole.len / 8) || !expand(run, &whole, &tm, room, &text))
        return false;
    size_t made = 0;
    for (size_t i = 0; i < text.len; i++)
        made += (text.p[i] & 0xc0) != 0x80;
    if (made >= room)
        text.len = 0;
    return run_text(run, &text, false, out);
}

bool builtin_method_strftime(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!moment_has_strftime(&args[0]))
        return no_attribute(run, &args[0], "strftime");
    if (args[1].tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "strftime() argument 1 must be str, not %s", type_name(&args[1]));
    return moment_strftime(run, &args[0], value_text(&args[1]), out);
}
