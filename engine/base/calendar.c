/* The proleptic Gregorian calendar. Called by the event room (times and dates of events), by functions (datetime
 * attributes and isoformat) and by answers. Years 1 to 9999, as Python's datetime; no time zones and no leap seconds.
 *
 * Days are counted in eras of 400 years (146,097 days) that begin on 1 March, so that a leap day is the last day of its
 * year and months need no table: month m of such a year begins at day (153 m + 2) / 5. */
#include "calendar.h"

#include "assert.h"

enum { ERA_DAYS = 146097, EPOCH_SHIFT_DAYS = 719468 }; /* 0000-03-01 is 719,468 days before 1970-01-01 */
#define DAY_US 86400000000ll

static bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int calendar_days_in_month(int year, int month) {
    static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    ASSERT(month >= 1 && month <= 12);
    return days[month] + (month == 2 && is_leap(year));
}

int64_t calendar_days(int year, int month, int day) {
    ASSERT(year >= 1 && year <= 9999 && month >= 1 && month <= 12);
    ASSERT(day >= 1 && day <= calendar_days_in_month(year, month));
    int march_year = year - (month <= 2);
    int era = march_year / 400, year_of_era = march_year % 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * ERA_DAYS + day_of_era - EPOCH_SHIFT_DAYS;
}

static void civil_date(int64_t days, struct civil *out) {
    int64_t shifted = days + EPOCH_SHIFT_DAYS; /* never negative: year 1 begins after 0000-03-01 */
    ASSERT(shifted >= 0);
    int era = (int)(shifted / ERA_DAYS), day_of_era = (int)(shifted % ERA_DAYS);
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (5 * day_of_year + 2) / 153;
    out->day = day_of_year - (153 * march_month + 2) / 5 + 1;
    out->month = march_month < 10 ? march_month + 3 : march_month - 9;
    out->year = era * 400 + year_of_era + (out->month <= 2);
    out->weekday = (int)((shifted + 2) % 7); /* 0000-03-01 was a Wednesday */
    out->year_day = march_month >= 10 ? day_of_year - 305 : day_of_year + 60 + is_leap(out->year); /* March 1 is the 60th or 61st */
}

void calendar_civil(int64_t us, struct civil *out) {
    civil_date(calendar_clock(us, out), out);
}

int64_t calendar_clock(int64_t us, struct civil *out) {
    ASSERT(us >= CALENDAR_MIN_US && us <= CALENDAR_MAX_US);
    int64_t days = us / DAY_US, of_day = us % DAY_US;
    if (of_day < 0) {
        of_day += DAY_US;
        days--;
    }
    int64_t seconds = of_day / 1000000;
    out->microsecond = (int)(of_day % 1000000);
    out->second = (int)(seconds % 60);
    out->minute = (int)(seconds / 60 % 60);
    out->hour = (int)(seconds / 3600);
    return days;
}

/* `count` digits at p, or -1. */
static int digits(const char *p, int count) {
    int value = 0;
    for (int i = 0; i < count; i++) {
        unsigned digit = (unsigned char)p[i] - (unsigned)'0';
        if (digit > 9) {
            return -1;
        }
        value = value * 10 + (int)digit;
    }
    return value;
}

/* The ten bytes "YYYY-MM-DD" at p. */
static enum calendar_result parse_ten(const char *p, int64_t *days) {
    int year = digits(p, 4), month = digits(p + 5, 2), day = digits(p + 8, 2);
    if ((year | month | day) < 0 || p[4] != '-' || p[7] != '-') {
        return CALENDAR_SYNTAX;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > calendar_days_in_month(year, month)) {
        return CALENDAR_RANGE;
    }
    *days = calendar_days(year, month, day);
    return CALENDAR_OK;
}

enum calendar_result calendar_parse_date(struct str text, int64_t *days) {
    ASSERT(days != NULL);
    return text.len == 10 ? parse_ten(text.p, days) : CALENDAR_SYNTAX;
}

/* ".fraction" at text[*at], one to nine digits, to microseconds; the rest is cut. */
static bool parse_fraction(struct str text, size_t *at, int *microsecond) {
    size_t start = *at + 1, end = start;
    int value = 0;
    while (end < text.len && text.p[end] >= '0' && text.p[end] <= '9') {
        if (end - start < 6) {
            value = value * 10 + (text.p[end] - '0');
        }
        end++;
    }
    if (end == start || end - start > 9) {
        return false;
    }
    for (size_t have = end - start; have < 6; have++) {
        value *= 10;
    }
    *at = end;
    *microsecond = value;
    return true;
}

/* "Z", "z" or "+hh:mm" as all of p[0..len): seconds east of UTC. */
static enum calendar_result parse_offset(const char *p, size_t len, int *seconds) {
    if (len == 1 && (p[0] == 'Z' || p[0] == 'z')) {
        *seconds = 0;
        return CALENDAR_OK;
    }
    if (len != 6 || (p[0] != '+' && p[0] != '-') || p[3] != ':') {
        return CALENDAR_SYNTAX;
    }
    int hours = digits(p + 1, 2), minutes = digits(p + 4, 2);
    if ((hours | minutes) < 0) {
        return CALENDAR_SYNTAX;
    }
    if (hours > 23 || minutes > 59) {
        return CALENDAR_RANGE;
    }
    *seconds = (hours * 3600 + minutes * 60) * (p[0] == '-' ? -1 : 1);
    return CALENDAR_OK;
}

enum calendar_result calendar_parse_time(struct str text, int64_t *us) {
    const char *p = text.p;
    ASSERT(us != NULL);
    if (text.len < 19 || (p[10] != 'T' && p[10] != 't' && p[10] != ' ') || p[13] != ':' || p[16] != ':') {
        return CALENDAR_SYNTAX;
    }
    int64_t days = 0;
    enum calendar_result date = parse_ten(p, &days);
    int hour = digits(p + 11, 2), minute = digits(p + 14, 2), second = digits(p + 17, 2), microsecond = 0, offset = 0;
    size_t at = 19;
    if (date == CALENDAR_SYNTAX || (hour | minute | second) < 0 ||
        (at < text.len && p[at] == '.' && !parse_fraction(text, &at, &microsecond))) {
        return CALENDAR_SYNTAX;
    }
    enum calendar_result zone = at < text.len ? parse_offset(p + at, text.len - at, &offset) : CALENDAR_NAIVE;
    if (zone == CALENDAR_SYNTAX) {
        return CALENDAR_SYNTAX;
    }
    if (date == CALENDAR_RANGE || zone == CALENDAR_RANGE || hour > 23 || minute > 59 || second > 59) {
        return CALENDAR_RANGE;
    }
    int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset;
    int64_t result = seconds * 1000000 + microsecond;
    if (result < CALENDAR_MIN_US || result > CALENDAR_MAX_US) {
        return CALENDAR_RANGE;
    }
    *us = result;
    return zone;
}

/* `count` digits of value, with leading zeros. */
static void put(char *out, int value, int count) {
    for (int i = count - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    ASSERT(value == 0);
}

static size_t put_date(const struct civil *civil, char *out) {
    put(out, civil->year, 4);
    out[4] = '-';
    put(out + 5, civil->month, 2);
    out[7] = '-';
    put(out + 8, civil->day, 2);
    return 10;
}

size_t calendar_format_time(int64_t us, char sep, char out[CALENDAR_TEXT_BYTES]) {
    struct civil civil;
    calendar_civil(us, &civil);
    size_t len = put_date(&civil, out);
    out[len] = sep;
    put(out + 11, civil.hour, 2);
    out[13] = ':';
    put(out + 14, civil.minute, 2);
    out[16] = ':';
    put(out + 17, civil.second, 2);
    len = 19;
    if (civil.microsecond != 0) {
        out[len] = '.';
        put(out + 20, civil.microsecond, 6);
        len = 26;
    }
    memcpy(out + len, "+00:00", 6);
    return len + 6;
}

size_t calendar_format_date(int64_t days, char out[CALENDAR_TEXT_BYTES]) {
    struct civil civil;
    ASSERT(days >= CALENDAR_MIN_US / DAY_US && days <= CALENDAR_MAX_US / DAY_US);
    civil_date(days, &civil);
    return put_date(&civil, out);
}
