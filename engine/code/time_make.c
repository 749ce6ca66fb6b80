/* Constructors of the datetime module: from parts, from numbers, from each other; their ranges and errors as CPython's C
 * module has them, in its order: types of all arguments, then the date, the time of day, the zone. */
#include <math.h>

#include "big.h"
#include "moment.h"

static bool is_in(struct run *run, int64_t value, int64_t least, int64_t most, const char *name) {
    if (value >= least && value <= most)
        return true;
    return run_raise(run, EXCEPTION_ValueError, "%s must be in %lld..%lld", name, (long long)least, (long long)most);
}

static bool year_is_in(struct run *run, int64_t year) {
    return (year >= 1 && year <= 9999) || run_raise(run, EXCEPTION_ValueError, "year %lld is out of range", (long long)year);
}

bool parts_date(struct run *run, const struct parts *parts, int64_t *days) {
    int64_t year = parts->part[0], month = parts->part[1], day = parts->part[2];
    if (!year_is_in(run, year) || !is_in(run, month, 1, 12, "month"))
        return false;
    if (day < 1 || day > calendar_days_in_month((int)year, (int)month))
        return run_raise(run, EXCEPTION_ValueError, "day is out of range for month");
    *days = calendar_days((int)year, (int)month, (int)day);
    return true;
}

static bool time_of_day(struct run *run, const struct parts *parts, int64_t *us) {
    const int64_t *part = parts->part;
    if (!is_in(run, part[3], 0, 23, "hour") || !is_in(run, part[4], 0, 59, "minute") || !is_in(run, part[5], 0, 59, "second") ||
        !is_in(run, part[6], 0, 999999, "microsecond"))
        return false;
    *us = ((part[3] * 60 + part[4]) * 60 + part[5]) * 1000000 + part[6];
    return true;
}

bool parts_datetime(struct run *run, const struct parts *parts, struct value *out) {
    int64_t days, us;
    if (!parts_date(run, parts, &days) || !time_of_day(run, parts, &us))
        return false;
    return moment_value(run, &(struct moment){days * DAY_US + us, parts->zone, parts->fold}, out);
}

bool parts_time(struct run *run, const struct parts *parts, struct value *out) {
    int64_t us;
    return time_of_day(run, parts, &us) && moment_time_value(run, &(struct moment){us, parts->zone, parts->fold}, out);
}

/* A C int. */
static bool int_argument(struct run *run, const struct value *v, int64_t *out) {
    if (!is_int(v))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(v));
    if (v->tag == V_BIGINT || v->i > INT32_MAX || v->i < INT32_MIN)
        return run_raise(run, EXCEPTION_OverflowError, "signed integer is %s",
                         (v->tag == V_BIGINT ? v->flags & BIG_NEGATIVE : v->i < 0) ? "less than minimum" : "greater than maximum");
    *out = v->i;
    return true;
}

static bool int_arguments(struct run *run, const struct value *args, uint32_t count, int64_t *out) {
    for (uint32_t i = 0; i < count; i++)
        if (!int_argument(run, &args[i], &out[i]))
            return false;
    return true;
}

static bool fold_argument(struct run *run, const struct value *v, bool *out) {
    int64_t fold;
    if (!int_argument(run, v, &fold))
        return false;
    *out = fold == 1;
    return fold == 0 || fold == 1 || run_raise(run, EXCEPTION_ValueError, "fold must be either 0 or 1");
}

/* A zone, which CPython looks at when the other parts are known to be in their ranges. */
static bool zone_argument(struct run *run, const struct value *v, bool is_time, struct parts *parts) {
    struct value ignored;
    if (v->tag != V_ZONE && v->tag != V_NONE && !(is_time ? parts_time : parts_datetime)(run, parts, &ignored))
        return false;
    return moment_zone_argument(run, v, &parts->zone);
}

/* Clock, zone and fold behind the `date` parts of a date. */
static bool clock_arguments(struct run *run, const struct value *args, uint32_t count, uint32_t date, struct parts *out) {
    uint32_t whole = count < date + 4 ? count : date + 4;
    return int_arguments(run, args, whole, out->part + 3 - date) &&
           (count <= date + 5 || fold_argument(run, &args[date + 5], &out->fold)) &&
           (count <= date + 4 || zone_argument(run, &args[date + 4], date == 0, out));
}

bool builtin_datetime_new(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct parts parts = {0};
    return clock_arguments(run, args, count, 3, &parts) && parts_datetime(run, &parts, out);
}

bool builtin_time_new(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct parts parts = {0};
    return clock_arguments(run, args, count, 0, &parts) && parts_time(run, &parts, out);
}

bool builtin_date_new(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct parts parts = {0};
    int64_t days = 0;
    if (!int_arguments(run, args, 3, parts.part) || !parts_date(run, &parts, &days))
        return false;
    *out = make_date(days);
    return true;
}

/* --- timedelta --- */

/* What the parts of a timedelta come to, in microseconds: parts below 2**63 in `sum`, greater ones apart, exact all the same. */
struct delta {
    __int128 sum;
    struct big huge;
    double leftover; /* fractions of a microsecond */
};

static void add_huge(struct delta *delta, const struct big *number, int64_t factor) {
    struct big unit, product;
    big_set(&unit, factor);
    big_multiply(&product, number, &unit);
    big_add(&delta->huge, &delta->huge, &product);
}

/* Adds num * factor (CPython's accum). */
static bool accumulate(struct run *run, const struct value *v, const char *name, int64_t factor, struct delta *delta) {
    double whole;
    struct big number;
    if (is_int64(v)) {
        delta->sum += (__int128)v->i * factor;
        return true;
    }
    if (v->tag == V_BIGINT) {
        big_load(&number, v);
        add_huge(delta, &number, factor);
        return true;
    }
    if (v->tag != V_FLOAT)
        return run_raise(run, EXCEPTION_TypeError, "unsupported type for timedelta %s component: %s", name, type_name(v));
    if (isnan(v->f))
        return run_raise(run, EXCEPTION_ValueError, "cannot convert float NaN to integer");
    if (isinf(v->f))
        return run_raise(run, EXCEPTION_OverflowError, "cannot convert float infinity to integer");
    double fraction = modf(v->f, &whole);
    if (fabs(whole) < 0x1p63) {
        delta->sum += (__int128)(int64_t)whole * factor;
    } else {
        big_from_double(&number, whole);
        add_huge(delta, &number, factor);
    }
    if (fraction != 0) {
        fraction = modf((double)factor * fraction, &whole);
        delta->sum += (int64_t)whole;
        delta->leftover += fraction;
    }
    return true;
}

/* The nearest whole number to what is left, half to even of the sum. */
static int64_t rounded(double leftover, bool odd) {
    double whole = round(leftover);
    if (fabs(whole - leftover) == 0.5)
        whole = 2.0 * round((leftover + odd) * 0.5) - odd;
    return (int64_t)whole;
}

bool builtin_timedelta_new(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    static const struct {
        const char *name;
        int position; /* among days, seconds, microseconds, milliseconds, minutes, hours, weeks */
        int64_t us;
    } units[] = {{"microseconds", 2, 1},        {"milliseconds", 3, 1000},    {"seconds", 1, 1000000}, {"minutes", 4, 60000000},
                 {"hours", 5, 3600000000ll}, {"days", 0, DAY_US},          {"weeks", 6, 7 * DAY_US}};
    struct delta delta = {.sum = 0};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if ((uint32_t)units[i].position < count &&
            !accumulate(run, &args[units[i].position], units[i].name, units[i].us, &delta))
            return false;
    bool odd = ((delta.sum & 1) != 0) != big_is_odd(&delta.huge);
    if (delta.leftover != 0)
        delta.sum += rounded(delta.leftover, odd);
    int64_t us = (int64_t)delta.sum;
    bool fits = us == delta.sum;
    if (delta.huge.count > 0) {
        unsigned __int128 magnitude = delta.sum < 0 ? -(unsigned __int128)delta.sum : (unsigned __int128)delta.sum;
        struct big small;
        big_set_limbs(&small, (uint64_t[]){(uint64_t)magnitude, (uint64_t)(magnitude >> 64)}, 2, delta.sum < 0);
        big_add(&small, &small, &delta.huge);
        fits = big_int64(&small, &us);
    }
    if (!fits)
        return run_raise(run, EXCEPTION_OverflowError, "timedelta out of range");
    *out = make_timedelta(us);
    return true;
}

/* --- zones, and datetimes of other values --- */

bool builtin_timezone_new(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag != V_TIMEDELTA)
        return run_raise(run, EXCEPTION_TypeError, "timezone() argument 1 must be datetime.timedelta, not %s", type_name(&args[0]));
    if (count > 1 && args[1].tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "timezone() argument 2 must be str, not %s", type_name(&args[1]));
    struct str name = count > 1 ? value_text(&args[1]) : STR("");
    const struct zone *zone = zone_fixed(run, args[0].i, count > 1 ? &name : NULL);
    return zone != NULL && moment_zone_value(zone, out);
}

bool builtin_datetime_combine(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!is_datetime(&args[0]) && args[0].tag != V_DATE)
        return run_raise(run, EXCEPTION_TypeError, "combine() argument 1 must be datetime.date, not %s", type_name(&args[0]));
    if (args[1].tag != V_TIME)
        return run_raise(run, EXCEPTION_TypeError, "combine() argument 2 must be datetime.time, not %s", type_name(&args[1]));
    struct moment moment = moment_get(&args[1]);
    if (count > 2 && !moment_zone_argument(run, &args[2], &moment.zone))
        return false;
    int64_t us = args[0].tag == V_DATE ? args[0].i * DAY_US : moment_get(&args[0]).us;
    moment.us += us - ((us % DAY_US) + DAY_US) % DAY_US;
    return moment_value(run, &moment, out);
}

static double half_even(double x) {
    double whole = round(x);
    return fabs(x - whole) == 0.5 ? 2.0 * round(x / 2.0) : whole;
}

/* Seconds since 1970 as CPython's _PyTime_ObjectToTimeval and gmtime take them. */
static bool timestamp_us(struct run *run, const struct value *v, int64_t *out) {
    const int64_t year_fits_int = 67768036191676799ll, year_fits_below = -67768040609740800ll;
    int64_t seconds, micros = 0;
    if (v->tag == V_FLOAT) {
        double whole, fraction = modf(v->f, &whole);
        if (isnan(v->f))
            return run_raise(run, EXCEPTION_ValueError, "Invalid value NaN (not a number)");
        fraction = half_even(fraction * 1e6);
        if (fraction >= 1e6) {
            fraction -= 1e6;
            whole += 1.0;
        } else if (fraction < 0) {
            fraction += 1e6;
            whole -= 1.0;
        }
        if (!(whole >= -0x1p63 && whole < 0x1p63))
            return run_raise(run, EXCEPTION_OverflowError, "timestamp out of range for platform time_t");
        seconds = (int64_t)whole;
        micros = (int64_t)fraction;
    } else if (!is_int(v)) {
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(v));
    } else if (v->tag == V_BIGINT) {
        return run_raise(run, EXCEPTION_OverflowError, "timestamp out of range for platform time_t");
    } else {
        seconds = v->i;
    }
    if (seconds > year_fits_int || seconds < year_fits_below)
        return run_raise(run, EXCEPTION_OSError, "[Errno 75] Value too large for defined data type");
    if (seconds < CALENDAR_MIN_US / 1000000 || seconds > CALENDAR_MAX_US / 1000000)
        return run_raise(run, EXCEPTION_ValueError, "year is out of range");
    *out = seconds * 1000000 + micros;
    return true;
}

bool builtin_datetime_fromtimestamp(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct zone *zone;
    int64_t us;
    if (!moment_zone_argument(run, &args[1], &zone))
        return false;
    if (zone == NULL)
        return run_raise(run, EXCEPTION_ValueError, "fromtimestamp() without a zone depends on the machine: give it tz=timezone.utc");
    return timestamp_us(run, &args[0], &us) && moment_in_zone(run, us, zone, out);
}

bool builtin_datetime_utcfromtimestamp(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t us;
    return timestamp_us(run, &args[0], &us) && moment_value(run, &(struct moment){us, NULL, false}, out);
}

static bool ordinal_argument(struct run *run, const struct value *v, int64_t *days) {
    int64_t ordinal;
    if (!int_argument(run, v, &ordinal))
        return false;
    if (ordinal < 1)
        return run_raise(run, EXCEPTION_ValueError, "ordinal must be >= 1");
    *days = ordinal - ORDINAL_OF_1970;
    return *days <= CALENDAR_MAX_US / DAY_US || run_raise(run, EXCEPTION_ValueError, "year is out of range");
}

bool iso_week_days(struct run *run, int64_t year, int64_t week, int64_t day, int64_t *days) {
    if (!year_is_in(run, year))
        return false;
    int64_t begin = iso_year_begin((int)year), first = calendar_days((int)year, 1, 1);
    int weekday = (int)(((first + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday; 0 is Monday */
    bool leap = calendar_days_in_month((int)year, 2) == 29;
    if (week < 1 || week > 53 || (week == 53 && weekday != 3 && !(weekday == 2 && leap)))
        return run_raise(run, EXCEPTION_ValueError, "Invalid week: %lld", (long long)week);
    if (day < 1 || day > 7)
        return run_raise(run, EXCEPTION_ValueError, "Invalid weekday: %lld (range is [1, 7])", (long long)day);
    *days = begin + (week - 1) * 7 + day - 1;
    if (*days > CALENDAR_MAX_US / DAY_US)
        return run_raise(run, EXCEPTION_ValueError, "year 10000 is out of range");
    return true;
}

int64_t iso_year_begin(int year) {
    int64_t first = calendar_days(year, 1, 1);
    int weekday = (int)(((first + 3) % 7 + 7) % 7);
    return first - weekday + (weekday > 3 ? 7 : 0);
}

static bool iso_arguments(struct run *run, const struct value *args, int64_t *days) {
    int64_t part[3];
    for (int i = 0; i < 3; i++) {
        if (!is_int(&args[i]))
            return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(&args[i]));
        if (!is_int64(&args[i]) || args[i].i > INT32_MAX || args[i].i < INT32_MIN)
            return run_raise(run, EXCEPTION_ValueError, "ISO calendar component out of range");
        part[i] = args[i].i;
    }
    return iso_week_days(run, part[0], part[1], part[2], days);
}

bool builtin_date_fromordinal(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t days = 0;
    if (!ordinal_argument(run, &args[0], &days))
        return false;
    *out = make_date(days);
    return true;
}

bool builtin_datetime_fromordinal(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t days = 0;
    return ordinal_argument(run, &args[0], &days) && moment_value(run, &(struct moment){.us = days * DAY_US}, out);
}

bool builtin_date_fromisocalendar(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t days = 0;
    if (!iso_arguments(run, args, &days))
        return false;
    *out = make_date(days);
    return true;
}

bool builtin_datetime_fromisocalendar(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t days = 0;
    return iso_arguments(run, args, &days) && moment_value(run, &(struct moment){.us = days * DAY_US}, out);
}

/* --- replace --- */

static struct parts parts_of(const struct value *v) {
    struct civil civil;
    struct moment moment = v->tag == V_DATE ? (struct moment){.us = v->i * DAY_US} : moment_get(v);
    calendar_civil(moment.us, &civil);
    return (struct parts){{civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second, civil.microsecond},
                          moment.zone, moment.fold};
}

static bool from_parts(struct run *run, uint8_t tag, const struct parts *parts, struct value *out) {
    int64_t days = 0;
    if (tag == V_TIME)
        return parts_time(run, parts, out);
    if (tag != V_DATE)
        return parts_datetime(run, parts, out);
    if (!parts_date(run, parts, &days))
        return false;
    *out = make_date(days);
    return true;
}

/* at.replace(2026, 3): by position. */
bool time_replace(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct parts parts = parts_of(&args[0]);
    uint32_t first = args[0].tag == V_TIME ? 3 : 0, whole = args[0].tag == V_DATE ? 3 : 7 - first;
    if (count - 1 > whole + (args[0].tag != V_DATE))
        return run_raise(run, EXCEPTION_TypeError, "replace() got too many arguments");
    return int_arguments(run, args + 1, count - 1 < whole ? count - 1 : whole, parts.part + first) &&
           (count - 1 <= whole || zone_argument(run, &args[whole + 1], args[0].tag == V_TIME, &parts)) &&
           from_parts(run, args[0].tag, &parts, out);
}

/* at.replace(tzinfo=zone, hour=3): args[1] has a letter for each that follows: y m d H M S f, z for tzinfo, F for fold. They are
 * read in the signature's order; what the value does not have is said after that, as CPython does. */
bool builtin_replace_named(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    static const char letters[] = "ymdHMSfF";
    uint8_t tag = args[0].tag;
    if (!is_datetime(&args[0]) && tag != V_DATE && tag != V_TIME)
        return run_raise(run, EXCEPTION_TypeError, "replace() takes no keyword arguments");
    if (args[1].tag != V_STR || args[1].len != count - 2)
        return run_raise(run, EXCEPTION_TypeError, "replace() needs a letter for each argument");
    struct parts parts = parts_of(&args[0]);
    int64_t fold = parts.fold;
    uint32_t from = tag == V_TIME ? 3 : 0, to = tag == V_DATE ? 3 : 8, known = 0;
    for (uint32_t part = from; part < to; part++) {
        const char *found = memchr(args[1].p, letters[part], args[1].len);
        if (found == NULL)
            continue;
        known++;
        if (!int_argument(run, &args[2 + (found - (const char *)args[1].p)], part == 7 ? &fold : &parts.part[part]))
            return false;
    }
    const char *zone = tag == V_DATE ? NULL : memchr(args[1].p, 'z', args[1].len);
    if (known + (zone != NULL) != count - 2)
        return run_raise(run, EXCEPTION_TypeError, "replace() got an unexpected keyword argument");
    if (fold != 0 && fold != 1)
        return run_raise(run, EXCEPTION_ValueError, "fold must be either 0 or 1");
    parts.fold = fold == 1;
    return (zone == NULL || zone_argument(run, &args[2 + (zone - (const char *)args[1].p)], tag == V_TIME, &parts)) &&
           from_parts(run, tag, &parts, out);
}
