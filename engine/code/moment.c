/* What datetimes of any zone, times of day and zones are, and what operators make of them (moment.h).
 *
 * As in Python, arithmetic inside a zone is that of the clock on the wall; between zones it is that of instants. A datetime
 * in a fold or gap of its zone never equals one of another zone (PEP 495). */
#include "moment.h"

#include "big.h"

struct moment moment_get(const struct value *v) {
    if (v->tag == V_DATETIME)
        return (struct moment){v->i, &zone_utc, (v->flags & FOLD) != 0};
    ASSERT(v->tag == V_MOMENT || v->tag == V_TIME);
    return *(const struct moment *)v->p;
}

static bool pointed(struct run *run, uint8_t tag, const struct moment *moment, struct value *out) {
    struct moment *kept = run_alloc(run, sizeof *kept);
    if (kept == NULL)
        return false;
    *kept = *moment;
    *out = (struct value){.tag = tag, .p = kept};
    return true;
}

bool moment_value(struct run *run, const struct moment *moment, struct value *out) {
    ASSERT(moment->us >= CALENDAR_MIN_US && moment->us <= CALENDAR_MAX_US);
    if (moment->zone == NULL || !zone_is(moment->zone, ZONE_UTC))
        return pointed(run, V_MOMENT, moment, out);
    *out = value_datetime(moment->us);
    out->flags = moment->fold ? FOLD : 0;
    return true;
}

bool moment_time_value(struct run *run, const struct moment *moment, struct value *out) {
    ASSERT(moment->us >= 0 && moment->us < DAY_US);
    return pointed(run, V_TIME, moment, out);
}

bool moment_zone_value(const struct zone *zone, struct value *out) {
    *out = zone == NULL ? value_none(MISSING_NOT) : (struct value){.tag = V_ZONE, .p = zone};
    return true;
}

bool moment_zone_argument(struct run *run, const struct value *v, const struct zone **out) {
    *out = NULL;
    if (v->tag == V_ZONE)
        *out = v->p;
    else if (v->tag != V_NONE)
        return run_raise(run, EXCEPTION_TypeError, "tzinfo argument must be None or of a tzinfo subclass, not type '%s'",
                         type_name(v));
    return true;
}

static bool info_of(uint8_t tag, const struct moment *moment, struct zone_info *out) {
    if (moment->zone == NULL)
        return false;
    if (tag == V_TIME)
        return zone_always(moment->zone, out);
    zone_at(moment->zone, moment->us, moment->fold, out);
    return true;
}

bool moment_info(const struct value *v, struct zone_info *out) {
    struct moment moment = moment_get(v);
    return info_of(v->tag, &moment, out);
}

bool moment_offset(const struct value *v, int64_t *us) {
    struct zone_info info;
    *us = 0;
    if (!moment_info(v, &info))
        return false;
    *us = info.offset_us;
    return true;
}

int64_t moment_utc(const struct value *v) {
    int64_t offset;
    bool aware = moment_offset(v, &offset);
    ASSERT(aware);
    return moment_get(v).us - offset;
}

bool moment_result(struct run *run, const struct value *v, struct value *out) {
    int64_t offset;
    if (!moment_offset(v, &offset))
        return run_raise(run, EXCEPTION_TypeError, "the result is a datetime without a zone");
    return times_shift(run, moment_get(v).us, -offset, out);
}

bool moment_add(struct run *run, const struct value *v, int64_t us, struct value *out) {
    struct moment moment = moment_get(v);
    struct value shifted;
    if (!times_shift(run, moment.us, us, &shifted))
        return false;
    return moment_value(run, &(struct moment){shifted.i, moment.zone, false}, out);
}

bool moment_subtract(struct run *run, const struct value *a, const struct value *b, struct value *out) {
    struct moment x = moment_get(a), y = moment_get(b);
    int64_t x_offset = 0, y_offset = 0;
    if (!zone_same(x.zone, y.zone) && moment_offset(a, &x_offset) != moment_offset(b, &y_offset))
        return run_raise(run, EXCEPTION_TypeError, "can't subtract offset-naive and offset-aware datetimes");
    *out = make_timedelta(x.us - x_offset - (y.us - y_offset));
    return true;
}

bool moment_in_zone(struct run *run, int64_t utc_us, const struct zone *zone, struct value *out) {
    bool fold;
    struct value local;
    if (!times_shift(run, utc_us, zone_offset_from_utc(zone, utc_us, &fold), &local))
        return false;
    return moment_value(run, &(struct moment){local.i, zone, fold}, out);
}

/* --- equality, order, hash --- */

/* Whether the offset depends on the fold: such a datetime equals none of another zone. */
static bool depends_on_fold(const struct value *v) {
    struct moment moment = moment_get(v);
    struct zone_info info, other;
    if (!info_of(v->tag, &moment, &info))
        return false;
    moment.fold = !moment.fold;
    info_of(v->tag, &moment, &other);
    return info.offset_us != other.offset_us;
}

/* utcoffset() as comparisons take it: of a time in whole seconds. */
static bool compared_offset(const struct value *v, int64_t *us) {
    bool aware = moment_offset(v, us);
    if (v->tag == V_TIME)
        *us -= ((*us % 1000000) + 1000000) % 1000000;
    return aware;
}

bool moment_equal(const struct value *a, const struct value *b) {
    if (a->tag == V_ZONE || b->tag == V_ZONE)
        return a->tag == b->tag && zone_equal(a->p, b->p);
    struct moment x = moment_get(a), y = moment_get(b);
    int64_t x_offset, y_offset;
    if (zone_same(x.zone, y.zone))
        return x.us == y.us;
    if (compared_offset(a, &x_offset) != compared_offset(b, &y_offset))
        return false;
    return x.us - x_offset == y.us - y_offset && !depends_on_fold(a) && !depends_on_fold(b);
}

bool moment_order(struct run *run, const struct value *a, const struct value *b, int *order) {
    struct moment x = moment_get(a), y = moment_get(b);
    int64_t x_offset = 0, y_offset = 0;
    if (!zone_same(x.zone, y.zone) && compared_offset(a, &x_offset) != compared_offset(b, &y_offset))
        return run_raise(run, EXCEPTION_TypeError, "can't compare offset-naive and offset-aware %s",
                         a->tag == V_TIME ? "times" : "datetimes");
    int64_t i = x.us - x_offset, j = y.us - y_offset;
    *order = (i > j) - (i < j);
    return true;
}

uint64_t moment_hash(const struct value *v) {
    if (v->tag == V_ZONE)
        return zone_hash(v->p);
    struct moment moment = moment_get(v);
    struct zone_info info;
    moment.fold = false;
    if (info_of(v->tag, &moment, &info))
        moment.us -= info.offset_us;
    return (uint64_t)moment.us;
}

/* --- texts --- */

static void put_clock(struct buf *out, int64_t of_day, int parts) {
    int64_t seconds = of_day / 1000000;
    moment_digits(out, (unsigned)(seconds / 3600), 2);
    for (int part = 1; part < 3 && part < parts; part++) {
        buf_char(out, ':');
        moment_digits(out, (unsigned)(part == 1 ? seconds / 60 % 60 : seconds % 60), 2);
    }
    if (parts > 3) {
        buf_char(out, '.');
        moment_digits(out, (unsigned)(of_day % 1000000) / (parts == 4 ? 1000 : 1), parts == 4 ? 3 : 6);
    }
}

bool moment_iso(struct buf *out, const struct value *v, struct str separator, const struct str *timespec) {
    static const struct str names[] = {{"hours", 5}, {"minutes", 7}, {"seconds", 7}, {"milliseconds", 12}, {"microseconds", 12}};
    struct moment moment = moment_get(v);
    int64_t of_day = ((moment.us % DAY_US) + DAY_US) % DAY_US, offset;
    int parts = of_day % 1000000 != 0 ? 5 : 3;
    if (timespec != NULL && !str_equal(*timespec, STR("auto"))) {
        for (parts = 0; parts < 5 && !str_equal(*timespec, names[parts]); parts++)
            ;
        if (parts++ == 5)
            return false;
    }
    if (v->tag != V_TIME) {
        char text[CALENDAR_TEXT_BYTES];
        buf_add(out, text, calendar_format_date((moment.us - of_day) / DAY_US, text));
        buf_str(out, separator);
    }
    put_clock(out, of_day, parts);
    if (moment_offset(v, &offset))
        zone_offset_text(out, offset, ":");
    return true;
}

static void put_repr(struct run *run, struct buf *out, const struct value *v, enum format_kind kind) {
    struct moment moment = moment_get(v);
    struct civil civil;
    calendar_civil(moment.us, &civil);
    if (v->tag == V_TIME)
        buf_format(out, "datetime.time(%d, %d", civil.hour, civil.minute);
    else
        buf_format(out, "datetime.datetime(%d, %d, %d, %d, %d", civil.year, civil.month, civil.day, civil.hour, civil.minute);
    if (civil.second != 0 || civil.microsecond != 0)
        buf_format(out, ", %d", civil.second);
    if (civil.microsecond != 0)
        buf_format(out, ", %d", civil.microsecond);
    if (moment.fold && v->tag != V_TIME)
        BUF_LITERAL(out, ", fold=1");
    if (moment.zone != NULL) {
        BUF_LITERAL(out, ", tzinfo=");
        zone_text(run, out, moment.zone, kind);
    }
    if (moment.fold && v->tag == V_TIME)
        BUF_LITERAL(out, ", fold=1");
    buf_char(out, ')');
}

void moment_text(struct run *run, struct buf *out, const struct value *v, enum format_kind kind) {
    if (v->tag == V_ZONE)
        zone_text(run, out, v->p, kind);
    else if (kind == FORMAT_REPR || kind == FORMAT_ASCII)
        put_repr(run, out, v, kind);
    else
        moment_iso(out, v, STR(" "), NULL);
}

/* --- from a bundle --- */

bool moment_read(const uint8_t *bytes, size_t len, size_t *at, struct arena *arena, struct value *out) {
    ASSERT(*at < len);
    uint8_t tag = bytes[*at];
    struct moment moment = {0};
    if (tag != V_ZONE) {
        if (len - *at < sizeof moment.us + 3)
            return false;
        memcpy(&moment.us, bytes + *at + 1, sizeof moment.us);
        moment.fold = bytes[*at + 1 + sizeof moment.us] != 0;
        *at += 2 + sizeof moment.us;
        if (tag == V_TIME ? moment.us < 0 || moment.us >= DAY_US : moment.us < CALENDAR_MIN_US || moment.us > CALENDAR_MAX_US)
            return false;
    }
    bool zoned = bytes[*at] == V_ZONE;
    if (!zoned && bytes[*at] != V_NONE)
        return false;
    ++*at;
    if (zoned && !zone_read(bytes, len, at, arena, &moment.zone))
        return false;
    if (tag == V_ZONE) {
        *out = (struct value){.tag = V_ZONE, .p = moment.zone};
        return true;
    }
    struct run run = {.arena = arena, .steps_left = LIMIT_STEPS, .text = STR("")};
    return tag == V_TIME ? moment_time_value(&run, &moment, out) : moment_value(&run, &moment, out);
}
