/* Attributes and methods of datetimes, dates, times of day, timedeltas and zones. */
#include "moment.h"

static int64_t floor_rest(int64_t a, int64_t b) {
    ASSERT(b > 0);
    return a % b < 0 ? a % b + b : a % b;
}

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

enum { HAS_DATE = 1, HAS_CLOCK = 2 };

/* The calendar's parts of a value that has `needs`. */
static bool civil_of(struct run *run, const struct value *v, int needs, const char *name, struct civil *out) {
    int has = is_datetime(v) ? HAS_DATE | HAS_CLOCK : v->tag == V_DATE ? HAS_DATE : v->tag == V_TIME ? HAS_CLOCK : 0;
    if ((has & needs) == 0)
        return no_attribute(run, v, name);
    int64_t us = v->tag == V_DATE ? v->i * DAY_US : moment_get(v).us;
    if (needs == HAS_DATE)
        calendar_civil(us, out);
    else
        calendar_clock(us, out);
    return true;
}

#define CIVIL_ATTRIBUTE(c_name, name, needs, expression)                                                               \
    bool builtin_##c_name(struct run *run, const struct value *args, uint32_t count, struct value *out) {             \
        struct civil civil;                                                                                            \
        if (!civil_of(run, &args[0], needs, name, &civil))                                                             \
            return false;                                                                                              \
        *out = value_int(expression);                                                                                  \
        return true;                                                                                                   \
    }

CIVIL_ATTRIBUTE(attribute_month, "month", HAS_DATE, civil.month)
CIVIL_ATTRIBUTE(attribute_day, "day", HAS_DATE, civil.day)
CIVIL_ATTRIBUTE(attribute_hour, "hour", HAS_CLOCK, civil.hour)
CIVIL_ATTRIBUTE(attribute_minute, "minute", HAS_CLOCK, civil.minute)
CIVIL_ATTRIBUTE(attribute_second, "second", HAS_CLOCK, civil.second)
CIVIL_ATTRIBUTE(attribute_microsecond, "microsecond", HAS_CLOCK, civil.microsecond)
CIVIL_ATTRIBUTE(method_weekday, "weekday", HAS_DATE, civil.weekday)
CIVIL_ATTRIBUTE(method_isoweekday, "isoweekday", HAS_DATE, civil.weekday + 1)
CIVIL_ATTRIBUTE(method_toordinal, "toordinal", HAS_DATE,
                ORDINAL_OF_1970 + calendar_days(civil.year, civil.month, civil.day))

/* A part of a tuple that has names: isocalendar()'s, timetuple()'s. */
static bool named_item(struct run *run, const struct value *v, uint8_t flag, uint32_t at, const char *name, struct value *out) {
    if (v->tag != V_TUPLE || !(v->flags & flag) || at >= v->len)
        return no_attribute(run, v, name);
    *out = value_items(v)[at];
    return true;
}

bool builtin_attribute_year(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct civil civil;
    if (args[0].tag == V_TUPLE)
        return named_item(run, &args[0], TUPLE_ISO, 0, "year", out);
    if (!civil_of(run, &args[0], HAS_DATE, "year", &civil))
        return false;
    *out = value_int(civil.year);
    return true;
}

#define NAMED_ATTRIBUTE(c_name, name, flag, at)                                                                        \
    bool builtin_##c_name(struct run *run, const struct value *args, uint32_t count, struct value *out) {             \
        return named_item(run, &args[0], flag, at, name, out);                                                         \
    }

NAMED_ATTRIBUTE(attribute_week, "week", TUPLE_ISO, 1)
NAMED_ATTRIBUTE(attribute_iso_weekday, "weekday", TUPLE_ISO, 2)
NAMED_ATTRIBUTE(attribute_tm_year, "tm_year", TUPLE_STRUCT, 0)
NAMED_ATTRIBUTE(attribute_tm_mon, "tm_mon", TUPLE_STRUCT, 1)
NAMED_ATTRIBUTE(attribute_tm_mday, "tm_mday", TUPLE_STRUCT, 2)
NAMED_ATTRIBUTE(attribute_tm_hour, "tm_hour", TUPLE_STRUCT, 3)
NAMED_ATTRIBUTE(attribute_tm_min, "tm_min", TUPLE_STRUCT, 4)
NAMED_ATTRIBUTE(attribute_tm_sec, "tm_sec", TUPLE_STRUCT, 5)
NAMED_ATTRIBUTE(attribute_tm_wday, "tm_wday", TUPLE_STRUCT, 6)
NAMED_ATTRIBUTE(attribute_tm_yday, "tm_yday", TUPLE_STRUCT, 7)
NAMED_ATTRIBUTE(attribute_tm_isdst, "tm_isdst", TUPLE_STRUCT, 8)

static bool delta_us(struct run *run, const struct value *v, const char *name, int64_t *us) {
    *us = v->i;
    return v->tag == V_TIMEDELTA || no_attribute(run, v, name);
}

bool builtin_attribute_days(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t us;
    if (!delta_us(run, &args[0], "days", &us))
        return false;
    *out = value_int(floor_divide(us, DAY_US));
    return true;
}

bool builtin_attribute_seconds(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t us;
    if (!delta_us(run, &args[0], "seconds", &us))
        return false;
    *out = value_int(floor_rest(us, DAY_US) / 1000000);
    return true;
}

bool builtin_attribute_microseconds(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t us;
    if (!delta_us(run, &args[0], "microseconds", &us))
        return false;
    *out = value_int(floor_rest(us, 1000000));
    return true;
}

static bool us_to_seconds(struct run *run, int64_t us, struct value *out) {
    struct value micros = value_int(us), million = value_int(1000000);
    return arithmetic_div(run, &micros, &million, out);
}

bool builtin_method_total_seconds(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t us;
    return delta_us(run, &args[0], "total_seconds", &us) && us_to_seconds(run, us, out);
}

/* --- zones --- */

static bool depends_on_machine(struct run *run, const char *name) {
    return run_raise(run, EXCEPTION_ValueError,
                     "%s() of a datetime without a zone depends on the machine: .replace(tzinfo=...) says which zone is meant", name);
}

bool builtin_method_timestamp(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t offset;
    if (!is_datetime(&args[0]))
        return no_attribute(run, &args[0], "timestamp");
    if (!moment_offset(&args[0], &offset))
        return depends_on_machine(run, "timestamp");
    return us_to_seconds(run, moment_utc(&args[0]), out);
}

bool builtin_method_astimezone(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct zone *zone;
    int64_t offset;
    struct value utc;
    if (!is_datetime(&args[0]))
        return no_attribute(run, &args[0], "astimezone");
    if (!moment_zone_argument(run, &args[1], &zone))
        return false;
    if (zone == NULL || !moment_offset(&args[0], &offset))
        return depends_on_machine(run, "astimezone");
    if (zone_same(zone, moment_get(&args[0]).zone)) {
        *out = args[0];
        return true;
    }
    return times_shift(run, moment_get(&args[0]).us, -offset, &utc) && moment_in_zone(run, utc.i, zone, out);
}

bool builtin_attribute_tzinfo(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!is_datetime(&args[0]) && args[0].tag != V_TIME)
        return no_attribute(run, &args[0], "tzinfo");
    return moment_zone_value(moment_get(&args[0]).zone, out);
}

bool builtin_attribute_fold(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!is_datetime(&args[0]) && args[0].tag != V_TIME)
        return no_attribute(run, &args[0], "fold");
    *out = value_int(moment_get(&args[0]).fold);
    return true;
}

bool builtin_attribute_key(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag != V_ZONE || !zone_is(args[0].p, ZONE_RULES))
        return no_attribute(run, &args[0], "key");
    return format_value(run, FORMAT_STR, &args[0], out);
}

/* What a zone says of itself (args[1] a datetime or None), or of a datetime or time; *known is false for None. */
static bool info_of(struct run *run, const struct value *args, uint32_t count, const char *name, struct zone_info *out, bool *known) {
    const struct value *v = &args[0];
    if (v->tag == V_ZONE && count > 1) {
        if (args[1].tag != V_NONE && !is_datetime(&args[1]))
            return run_raise(run, zone_is(v->p, ZONE_RULES) ? EXCEPTION_AttributeError : EXCEPTION_TypeError,
                             "%s(dt) argument must be a datetime instance or None, not %s", name, type_name(&args[1]));
        *known = true;
        if (args[1].tag == V_NONE)
            *known = zone_always(v->p, out);
        else
            zone_at(v->p, moment_get(&args[1]).us, moment_get(&args[1]).fold, out);
        return true;
    }
    if (!is_datetime(v) && v->tag != V_TIME && v->tag != V_ZONE)
        return no_attribute(run, v, name);
    if ((v->tag == V_ZONE) != (count > 1))
        return run_raise(run, EXCEPTION_TypeError, "%s() got the wrong number of arguments", name);
    *known = moment_info(v, out);
    return true;
}

bool builtin_method_utcoffset(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct zone_info info;
    bool known;
    if (!info_of(run, args, count, "utcoffset", &info, &known))
        return false;
    *out = known ? make_timedelta(info.offset_us) : value_none(MISSING_NOT);
    return true;
}

bool builtin_method_dst(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct zone_info info;
    bool known;
    if (!info_of(run, args, count, "dst", &info, &known))
        return false;
    *out = known && info.has_dst ? make_timedelta(info.dst_us) : value_none(MISSING_NOT);
    return true;
}

bool builtin_method_tzname(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct zone_info info;
    struct buf buf;
    bool known;
    if (!info_of(run, args, count, "tzname", &info, &known))
        return false;
    *out = value_none(MISSING_NOT);
    if (!known)
        return true;
    run_buf(run, &buf);
    zone_name(&buf, &info);
    return run_text(run, &buf, false, out);
}

/* --- parts --- */

bool builtin_method_date(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!is_datetime(&args[0]))
        return no_attribute(run, &args[0], "date");
    *out = make_date(floor_divide(moment_get(&args[0]).us, DAY_US));
    return true;
}

static bool clock_of(struct run *run, const struct value *v, const char *name, bool zone, struct value *out) {
    if (!is_datetime(v))
        return no_attribute(run, v, name);
    struct moment moment = moment_get(v);
    moment.us = floor_rest(moment.us, DAY_US);
    if (!zone)
        moment.zone = NULL;
    return moment_time_value(run, &moment, out);
}

bool builtin_method_time(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return clock_of(run, &args[0], "time", false, out);
}

bool builtin_method_timetz(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return clock_of(run, &args[0], "timetz", true, out);
}

static bool named_tuple(struct run *run, uint8_t flag, const int64_t *parts, uint32_t count, struct value *out) {
    struct value *items = run_items(run, count);
    if (items == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        items[i] = value_int(parts[i]);
    *out = make_tuple(items, count);
    out->flags = flag;
    return true;
}

bool builtin_method_isocalendar(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct civil civil;
    if (!civil_of(run, &args[0], HAS_DATE, "isocalendar", &civil))
        return false;
    int64_t days = calendar_days(civil.year, civil.month, civil.day);
    int year = civil.year;
    int64_t week = floor_divide(days - iso_year_begin(year), 7);
    if (week < 0) {
        year--;
        ASSERT(year > 0); /* 0001-01-01 was a Monday */
        week = floor_divide(days - iso_year_begin(year), 7);
    } else if (week >= 52 && year < 9999 && days >= iso_year_begin(year + 1)) {
        year++;
        week = 0;
    } /* 9999-12-31 is a Friday, of its own year */
    return named_tuple(run, TUPLE_ISO, (int64_t[]){year, week + 1, civil.weekday + 1}, 3, out);
}

static bool struct_time(struct run *run, int64_t us, int isdst, struct value *out) {
    struct civil c;
    calendar_civil(us, &c);
    int64_t parts[] = {c.year, c.month, c.day, c.hour, c.minute, c.second, c.weekday, c.year_day, isdst};
    return named_tuple(run, TUPLE_STRUCT, parts, sizeof parts / sizeof *parts, out);
}

bool builtin_method_timetuple(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct zone_info info;
    if (args[0].tag == V_DATE)
        return struct_time(run, args[0].i * DAY_US, -1, out);
    if (!is_datetime(&args[0]))
        return no_attribute(run, &args[0], "timetuple");
    bool known = moment_info(&args[0], &info) && info.has_dst;
    return struct_time(run, moment_get(&args[0]).us, known ? info.dst_us != 0 : -1, out);
}

bool builtin_method_utctimetuple(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t offset;
    struct value utc;
    if (!is_datetime(&args[0]))
        return no_attribute(run, &args[0], "utctimetuple");
    moment_offset(&args[0], &offset);
    return times_shift(run, moment_get(&args[0]).us, -offset, &utc) && struct_time(run, utc.i, 0, out);
}

/* --- texts --- */

static bool separator_argument(struct run *run, const struct value *v, struct str *out) {
    if (v->tag != V_STR || text_length(v) != 1)
        return run_raise(run, EXCEPTION_TypeError, "isoformat() argument 1 must be a unicode character, not %s", type_name(v));
    *out = value_text(v);
    return true;
}

bool builtin_method_isoformat(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *v = &args[0];
    if (v->tag == V_DATE)
        return count == 1 ? format_value(run, FORMAT_STR, v, out)
                          : run_raise(run, EXCEPTION_TypeError, "date.isoformat() takes no arguments");
    if (!is_datetime(v) && v->tag != V_TIME)
        return no_attribute(run, v, "isoformat");
    struct str separator = STR("T"), timespec = STR("auto");
    uint32_t at = v->tag == V_TIME ? 1 : 2; /* a time has no separator */
    if (at == 1 && count == 3) { /* a keyword's place behind the separator that a time does not have */
        at = 2;
        if (args[1].tag != V_STR || args[1].len != 1)
            return run_raise(run, EXCEPTION_TypeError, "isoformat() takes at most 1 argument");
    }
    if (count > at + 1)
        return run_raise(run, EXCEPTION_TypeError, "isoformat() got too many arguments");
    if (v->tag != V_TIME && count > 1 && !separator_argument(run, &args[1], &separator))
        return false;
    if (count > at && args[at].tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "isoformat() argument %u must be str, not %s", at, type_name(&args[at]));
    if (count > at)
        timespec = value_text(&args[at]);
    struct buf buf;
    run_buf(run, &buf);
    if (!moment_iso(&buf, v, separator, &timespec))
        return run_raise(run, EXCEPTION_ValueError, "Unknown timespec value");
    return run_text(run, &buf, false, out);
}

bool builtin_method_ctime(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    static const char days[] = "MonTueWedThuFriSatSun", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c;
    struct buf buf;
    if (!civil_of(run, &args[0], HAS_DATE, "ctime", &c))
        return false;
    run_buf(run, &buf);
    buf_format(&buf, "%.3s %.3s %2d %02d:%02d:%02d %04d", days + 3 * c.weekday, months + 3 * (c.month - 1), c.day, c.hour,
               c.minute, c.second, c.year);
    return run_text(run, &buf, true, out);
}
