/* Datetimes of every kind, times of day and zones, where the UTC datetime of an event (V_DATETIME) is one of several.
 *
 * V_DATETIME is timezone.utc; its flag FOLD is the attribute fold. Every other datetime is a V_MOMENT, which holds what the clock
 * on the wall shows and the zone, as Python does; a V_TIME has the microsecond of the day. A V_MOMENT leaves a function as
 * the UTC datetime of the same instant; a naive one cannot. */
#ifndef ASSAY_CODE_MOMENT_H
#define ASSAY_CODE_MOMENT_H

#include "../base/calendar.h"
#include "run.h"
#include "zone.h"

#define DAY_US 86400000000ll
enum { ORDINAL_OF_1970 = 719163 };
enum { FOLD = 1 };                        /* flag of a V_DATETIME */
enum { TUPLE_ISO = 4, TUPLE_STRUCT = 8 }; /* flags of a V_TUPLE: what isocalendar() and timetuple() give, tuples with names */

struct moment {
    int64_t us;              /* local, as if it were UTC since 1970; of a time since midnight */
    const struct zone *zone; /* NULL: naive */
    bool fold;
};

static inline bool is_datetime(const struct value *v) { return v->tag == V_DATETIME || v->tag == V_MOMENT; }

/* v is a datetime or a time. */
struct moment moment_get(const struct value *v);
/* A datetime; us is in range. */
bool moment_value(struct run *run, const struct moment *moment, struct value *out);
bool moment_time_value(struct run *run, const struct moment *moment, struct value *out);
bool moment_zone_value(const struct zone *zone, struct value *out); /* None for NULL */
/* None, or a tzinfo: TypeError for anything else. */
bool moment_zone_argument(struct run *run, const struct value *v, const struct zone **out);

/* utcoffset(): false for None. */
bool moment_offset(const struct value *v, int64_t *us);
bool moment_info(const struct value *v, struct zone_info *out);
/* The instant, which may lie up to a day outside the years 1 to 9999; v is aware. */
int64_t moment_utc(const struct value *v);
/* The result of a function: the same instant in UTC. TypeError for a naive one. */
bool moment_result(struct run *run, const struct value *v, struct value *out);
/* OverflowError beyond the years 1 to 9999. */
bool moment_add(struct run *run, const struct value *v, int64_t us, struct value *out);
bool moment_subtract(struct run *run, const struct value *a, const struct value *b, struct value *out);
/* The local time of an instant in a zone. */
bool moment_in_zone(struct run *run, int64_t utc_us, const struct zone *zone, struct value *out);

/* Both are datetimes, or both times, or both zones. */
bool moment_equal(const struct value *a, const struct value *b);
/* -1, 0 or 1 into *order; TypeError of a naive and an aware one. Datetimes or times. */
bool moment_order(struct run *run, const struct value *a, const struct value *b, int *order);
/* Equal for equal values. */
uint64_t moment_hash(const struct value *v);
void moment_text(struct run *run, struct buf *out, const struct value *v, enum format_kind kind);
/* "2026-03-01T12:00:00.5+01:00" in the given precision; part "auto" as a NULL name. False: no such timespec. */
bool moment_iso(struct buf *out, const struct value *v, struct str separator, const struct str *timespec);

/* strftime.c */
bool moment_has_strftime(const struct value *v);
bool moment_strftime(struct run *run, const struct value *v, struct str format, struct value *out);

/* Reads a V_MOMENT, V_TIME or V_ZONE at its tag: i64 microseconds, u8 fold, then a zone behind its own tag or V_NONE;
 * a V_ZONE as zone.h says. False if it is none. */
bool moment_read(const uint8_t *bytes, size_t len, size_t *at, struct arena *arena, struct value *out);

/* What constructors and parsers share (moment_make.c). ValueError where a part is out of its range. */
struct parts {
    int64_t part[7]; /* year, month, day, hour, minute, second, microsecond */
    const struct zone *zone;
    bool fold;
};
bool parts_date(struct run *run, const struct parts *parts, int64_t *days);
bool parts_datetime(struct run *run, const struct parts *parts, struct value *out);
bool parts_time(struct run *run, const struct parts *parts, struct value *out);
/* A date of its ISO week; ValueError. */
bool iso_week_days(struct run *run, int64_t year, int64_t week, int64_t day, int64_t *days);
/* Monday of an ISO year's first week. */
int64_t iso_year_begin(int year);

#endif
