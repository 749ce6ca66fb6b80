/* fromisoformat() of datetimes, dates and times of day: the grammar of CPython since 3.11, with what its parser lets through
 * besides ISO 8601, byte for byte. Texts are read as if a NUL stood behind them, as CPython's end with one. */
#include "moment.h"

struct text {
    const char *p;
    size_t len;
};

static char at(const struct text *text, size_t i) { return i < text->len ? text->p[i] : 0; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool digits(const struct text *text, size_t *i, size_t count, int64_t *out) {
    *out = 0;
    for (size_t n = 0; n < count; n++, ++*i) {
        if (!is_digit(at(text, *i)))
            return false;
        *out = *out * 10 + (at(text, *i) - '0');
    }
    return true;
}

enum parsed { PARSED_NOT = -1, PARSED_ALL = 0, PARSED_MORE = 1 };

/* hh[:?mm[:?ss]][(.|,)f+] in [i, end). */
static enum parsed parse_clock(const struct text *text, size_t i, size_t end, int64_t clock[4]) {
    bool separated = true;
    memset(clock, 0, 4 * sizeof *clock);
    for (int part = 0; part < 3; part++) {
        if (!digits(text, &i, 2, &clock[part]))
            return PARSED_NOT;
        char c = at(text, i++);
        if (part == 0)
            separated = c == ':';
        if (i >= end)
            return c != 0 ? PARSED_MORE : PARSED_ALL;
        if (separated && c == ':')
            continue;
        if (c == '.' || c == ',')
            break;
        if (separated)
            return PARSED_NOT;
        i--;
    }
    size_t count = end - i < 6 ? end - i : 6;
    if (!digits(text, &i, count, &clock[3]))
        return PARSED_NOT;
    for (; count < 6; count++)
        clock[3] *= 10;
    while (is_digit(at(text, i)))
        i++;
    return at(text, i) != 0 ? PARSED_MORE : PARSED_ALL;
}

/* The time from byte i on, and its zone. False: malformed; an offset out of range has raised already. */
static bool parse_time(struct run *run, const struct text *text, size_t i, struct parts *out, bool *raised) {
    size_t zone = i;
    do {
        char c = at(text, zone);
        if (c == '+' || c == '-' || c == 'Z')
            break;
    } while (++zone < text->len);
    zone = zone < text->len ? zone : text->len;
    int64_t offset[4];
    enum parsed parsed = parse_clock(text, i, zone, out->part + 3);
    if (parsed == PARSED_NOT || (zone == text->len && parsed == PARSED_MORE))
        return false;
    if (zone == text->len)
        return true;
    if (at(text, zone) == 'Z') {
        out->zone = &zone_utc;
        return at(text, zone + 1) == 0;
    }
    if (parse_clock(text, zone + 1, text->len, offset) != PARSED_ALL)
        return false;
    int64_t seconds = (offset[0] * 60 + offset[1]) * 60 + offset[2], sign = at(text, zone) == '-' ? -1 : 1;
    out->zone = seconds == 0 ? &zone_utc : zone_fixed(run, sign * (seconds * 1000000 + offset[3]), NULL);
    *raised = out->zone == NULL;
    return !*raised;
}

static bool parse_week(struct run *run, const struct text *text, size_t i, size_t end, bool separated, int64_t year, int64_t *days) {
    int64_t week, day = 1;
    if (!digits(text, &i, 2, &week))
        return false;
    if (i < end) {
        if (separated && at(text, i++) != '-')
            return false;
        if (!digits(text, &i, 1, &day))
            return false;
    }
    return iso_week_days(run, year, week, day, days);
}

/* The date in [0, end) as days, or its parts: *by_week says which. */
static bool parse_date(struct run *run, const struct text *text, size_t end, struct parts *out, bool *by_week, int64_t *days) {
    size_t i = 0;
    *by_week = false;
    if (!digits(text, &i, 4, &out->part[0]))
        return false;
    bool separated = at(text, i) == '-';
    i += separated;
    if (at(text, i) == 'W') {
        *by_week = true;
        return parse_week(run, text, i + 1, end, separated, out->part[0], days);
    }
    if (!digits(text, &i, 2, &out->part[1]) || (separated && at(text, i++) != '-'))
        return false;
    return digits(text, &i, 2, &out->part[2]);
}

/* Where the date ends, by its form (CPython's _find_isoformat_datetime_separator); 0: nowhere. */
static size_t date_end(const struct text *text) {
    if (text->len == 7)
        return 7;
    if (at(text, 4) == '-') {
        if (at(text, 5) != 'W')
            return 10;
        if (at(text, 8) != '-')
            return 8;
        return text->len == 9 ? 0 : text->len > 10 && is_digit(at(text, 10)) ? 8 : 10;
    }
    if (at(text, 4) != 'W')
        return 8;
    size_t i = 7;
    while (i < text->len && is_digit(at(text, i)))
        i++;
    return i < 9 ? i : i % 2 == 0 ? 7 : 8;
}

static bool invalid(struct run *run, const struct text *text) {
    return run_raise(run, EXCEPTION_ValueError, "Invalid isoformat string: '%.*s'", (int)(text->len < 100 ? text->len : 100), text->p);
}

static bool text_argument_of(struct run *run, const struct value *v, struct text *out) {
    if (v->tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "fromisoformat: argument must be str");
    *out = (struct text){v->p, v->len};
    return run_charge(run, v->len / 16);
}

bool builtin_date_fromisoformat(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct text text;
    struct parts parts = {0};
    bool by_week;
    int64_t days = 0;
    if (!text_argument_of(run, &args[0], &text))
        return false;
    if ((text.len != 7 && text.len != 8 && text.len != 10) || !parse_date(run, &text, text.len, &parts, &by_week, &days))
        return invalid(run, &text);
    if (!by_week && !parts_date(run, &parts, &days))
        return false;
    *out = make_date(days);
    return true;
}

bool builtin_time_fromisoformat(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct text text;
    struct parts parts = {0};
    bool raised = false;
    if (!text_argument_of(run, &args[0], &text))
        return false;
    struct text whole = text;
    if (at(&text, 0) == 'T')
        text = (struct text){text.p + 1, text.len - 1};
    if (!parse_time(run, &text, 0, &parts, &raised))
        return raised ? false : invalid(run, &whole);
    return parts_time(run, &parts, out);
}

bool builtin_datetime_fromisoformat(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct text text;
    struct parts parts = {0};
    bool by_week, raised = false;
    int64_t days = 0;
    unsigned bytes;
    if (!text_argument_of(run, &args[0], &text))
        return false;
    size_t end = text.len < 7 ? 0 : date_end(&text);
    if (end == 0 || !parse_date(run, &text, end, &parts, &by_week, &days))
        return invalid(run, &text);
    if (end < text.len) {
        utf8_decode(text.p + end, &bytes); /* any one character between date and time */
        if (!parse_time(run, &text, end + bytes, &parts, &raised))
            return raised ? false : invalid(run, &text);
    }
    if (by_week) {
        struct civil civil;
        calendar_civil(days * DAY_US, &civil);
        parts.part[0] = civil.year;
        parts.part[1] = civil.month;
        parts.part[2] = civil.day;
    }
    return parts_datetime(run, &parts, out);
}
