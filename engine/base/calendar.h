/* The proleptic Gregorian calendar, RFC 3339 texts and Python's datetime fields. Times are UTC microseconds since
 * 1970-01-01; years 1 to 9999. */
#ifndef ASSAY_BASE_CALENDAR_H
#define ASSAY_BASE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

#define CALENDAR_MIN_US (-62135596800000000ll) /* 0001-01-01T00:00:00 */
#define CALENDAR_MAX_US 253402300799999999ll   /* 9999-12-31T23:59:59.999999 */

struct civil {
    int year, month, day, hour, minute, second, microsecond;
    int weekday;  /* Monday is 0 */
    int year_day; /* 1 to 366 */
};

void calendar_civil(int64_t us, struct civil *out);
/* Only the time of day; returns the days since 1970-01-01. */
int64_t calendar_clock(int64_t us, struct civil *out);
/* Days since 1970-01-01 of a valid date. */
int64_t calendar_days(int year, int month, int day);
int calendar_days_in_month(int year, int month);

enum calendar_result { CALENDAR_OK, CALENDAR_SYNTAX, CALENDAR_RANGE, CALENDAR_NAIVE };
/* RFC 3339 date-time ('T', 't' or a space; offset "Z", "z", "+hh:mm"; up to nine decimals, cut to microseconds; 24:00
 * and leap seconds are CALENDAR_RANGE). Without an offset: CALENDAR_NAIVE with *us as if it were UTC. */
enum calendar_result calendar_parse_time(struct str text, int64_t *us);
/* "YYYY-MM-DD" to days since 1970-01-01. */
enum calendar_result calendar_parse_date(struct str text, int64_t *days);

enum { CALENDAR_TEXT_BYTES = 40 };
/* datetime.isoformat(sep) of a UTC time: "2026-03-01T12:00:00+00:00", with ".ffffff" unless zero. Returns the
 * length. */
size_t calendar_format_time(int64_t us, char sep, char out[CALENDAR_TEXT_BYTES]);
size_t calendar_format_date(int64_t days, char out[CALENDAR_TEXT_BYTES]);

#endif
