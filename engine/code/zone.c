/* Offsets, names and folds of time zones (zone.h), as datetime.timezone and zoneinfo.ZoneInfo give them: a search in the
 * zone's transitions, the POSIX rule after the last of them. Names and order of what is computed follow CPython's _zoneinfo.c. */
#include "zone.h"

#include "../base/calendar.h"

#define DAY_US 86400000000ll
enum { DAY_SECONDS = 86400, RULE_SECONDS_MAX = 168 * 3600, NAME_BYTES_MAX = 256 };
enum change_kind { CHANGE_MONTH = 0, CHANGE_DAY = 1, CHANGE_JULIAN = 2 };

struct zone_type {
    int64_t offset, dst; /* seconds */
    struct str name;
};

struct change {
    enum change_kind kind;
    int day; /* or month */
    int week, weekday;
    int64_t second;
};

struct zone {
    enum zone_kind kind;
    int64_t offset_us;  /* FIXED */
    struct str name;    /* FIXED: p NULL without one; RULES: the key */
    uint32_t type_count, count;
    const struct zone_type *types, *before;
    bool always;        /* RULES that need no date */
    const int64_t *utc, *local[2];
    const uint8_t *type_of;
    bool changes;       /* after the last transition: std and dst by the rule, or std for ever */
    const struct zone_type *standard, *daylight;
    struct change start, end;
};

const struct zone zone_utc = {.kind = ZONE_UTC};

bool zone_is(const struct zone *zone, enum zone_kind kind) { return zone->kind == kind; }

static bool same_text(struct str a, struct str b) { return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0); }

bool zone_same(const struct zone *a, const struct zone *b) {
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->kind != b->kind || a->offset_us != b->offset_us)
        return false;
    return (a->name.p == NULL) == (b->name.p == NULL) && same_text(a->name, b->name);
}

bool zone_equal(const struct zone *a, const struct zone *b) {
    if (a->kind == ZONE_RULES || b->kind == ZONE_RULES)
        return zone_same(a, b);
    return a->offset_us == b->offset_us;
}

uint64_t zone_hash(const struct zone *zone) {
    return zone->kind == ZONE_RULES ? hash_checksum(zone->name.p, zone->name.len) : (uint64_t)zone->offset_us;
}

/* --- the rule after the last transition --- */

/* Local seconds of a year's change. */
static int64_t change_in(const struct change *change, int year) {
    int64_t days;
    if (change->kind == CHANGE_MONTH) {
        int64_t first = calendar_days(year, change->day, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday; 0 is Sunday */
        int day = 1 + (change->weekday - weekday + 7) % 7 + (change->week - 1) * 7;
        days = first + (day > calendar_days_in_month(year, change->day) ? day - 7 : day) - 1;
    } else {
        bool leap = calendar_days_in_month(year, 2) == 29;
        days = calendar_days(year, 1, 1) + change->day - (change->kind == CHANGE_JULIAN);
        if (change->kind == CHANGE_JULIAN && leap && change->day > 59)
            days++;
    }
    return days * DAY_SECONDS + change->second;
}

static bool is_between(int64_t start, int64_t at, int64_t end) {
    return start < end ? at >= start && at < end : !(at >= end && at < start);
}

static const struct zone_type *by_rule(const struct zone *zone, int64_t local, bool fold, int year) {
    if (!zone->changes)
        return zone->standard;
    int64_t start = change_in(&zone->start, year), end = change_in(&zone->end, year);
    int64_t shift = zone->daylight->offset - zone->standard->offset;
    if (fold == (shift >= 0))
        end -= shift;
    else
        start += shift;
    return is_between(start, local, end) ? zone->daylight : zone->standard;
}

static const struct zone_type *by_rule_from_utc(const struct zone *zone, int64_t utc, int year, bool *fold) {
    *fold = false;
    if (!zone->changes)
        return zone->standard;
    int64_t start = change_in(&zone->start, year) - zone->standard->offset;
    int64_t end = change_in(&zone->end, year) - zone->daylight->offset;
    int64_t shift = zone->daylight->offset - zone->standard->offset;
    int64_t from = shift > 0 ? end : start, to = shift > 0 ? end + shift : start - shift;
    *fold = utc >= from && utc < to;
    return is_between(start, utc, end) ? zone->daylight : zone->standard;
}

/* --- transitions --- */

static int64_t seconds_of(int64_t us) { return us / 1000000 - (us % 1000000 < 0); }

static int year_of(int64_t us) {
    struct civil civil;
    calendar_civil(us, &civil);
    return civil.year;
}

/* How many of the times are not after `at`. */
static uint32_t count_until(const int64_t *times, uint32_t count, int64_t at) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (at < times[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static const struct zone_type *type_at(const struct zone *zone, uint32_t transition) {
    ASSERT(transition < zone->count);
    return &zone->types[zone->type_of[transition]];
}

void zone_at(const struct zone *zone, int64_t local_us, bool fold, struct zone_info *out) {
    if (zone->kind != ZONE_RULES) {
        *out = (struct zone_info){.offset_us = zone->offset_us, .name = zone->kind == ZONE_UTC ? STR("UTC") : zone->name};
        return;
    }
    int64_t local = seconds_of(local_us);
    const int64_t *times = zone->local[fold];
    const struct zone_type *type;
    if (zone->count > 0 && local < times[0]) {
        type = zone->before;
    } else if (zone->count == 0 || local > times[zone->count - 1]) {
        type = by_rule(zone, local, fold, year_of(local_us));
    } else {
        uint32_t until = count_until(times, zone->count, local);
        type = type_at(zone, until == 0 ? 0 : until - 1);
    }
    *out = (struct zone_info){type->offset * 1000000, type->dst * 1000000, true, type->name};
}

bool zone_always(const struct zone *zone, struct zone_info *out) {
    if (zone->kind == ZONE_RULES && !zone->always)
        return false;
    if (zone->kind == ZONE_RULES)
        *out = (struct zone_info){zone->standard->offset * 1000000, zone->standard->dst * 1000000, true, zone->standard->name};
    else
        zone_at(zone, 0, false, out);
    return true;
}

int64_t zone_offset_from_utc(const struct zone *zone, int64_t utc_us, bool *fold) {
    *fold = false;
    if (zone->kind != ZONE_RULES)
        return zone->offset_us;
    int64_t utc = seconds_of(utc_us);
    uint32_t count = zone->count;
    const struct zone_type *type = zone->before, *previous;
    if (count > 0 && utc < zone->utc[0])
        return type->offset * 1000000;
    if (count == 0 || utc > zone->utc[count - 1]) {
        type = by_rule_from_utc(zone, utc, year_of(utc_us), fold);
        if (count > 0) { /* right after it the fold is between the last two, not between those of the rule */
            previous = count == 1 ? zone->before : type_at(zone, count - 2);
            int64_t shift = previous->offset - type->offset;
            if (shift > 0 && utc < zone->utc[count - 1] + shift)
                *fold = true;
        }
        return type->offset * 1000000;
    }
    uint32_t until = count_until(zone->utc, count, utc);
    until = until == 0 ? 1 : until;
    type = type_at(zone, until - 1);
    previous = until >= 2 ? type_at(zone, until - 2) : zone->before;
    *fold = previous->offset - type->offset > utc - zone->utc[until - 1];
    return type->offset * 1000000;
}

/* --- texts --- */

void moment_digits(struct buf *out, unsigned number, int count) {
    char text[8];
    ASSERT(count > 0 && count <= (int)sizeof text);
    for (int i = count; i > 0; number /= 10)
        text[--i] = (char)('0' + number % 10);
    buf_add(out, text, (size_t)count);
}

void zone_offset_text(struct buf *out, int64_t us, const char *separator) {
    uint64_t rest = us < 0 ? (uint64_t)-us : (uint64_t)us;
    unsigned micros = (unsigned)(rest % 1000000), seconds = (unsigned)(rest / 1000000);
    buf_char(out, us < 0 ? '-' : '+');
    moment_digits(out, seconds / 3600, 2);
    buf_str(out, str_of(separator));
    moment_digits(out, seconds / 60 % 60, 2);
    if (seconds % 60 != 0 || micros != 0) {
        buf_str(out, str_of(separator));
        moment_digits(out, seconds % 60, 2);
    }
    if (micros != 0) {
        buf_char(out, '.');
        moment_digits(out, micros, 6);
    }
}

void zone_name(struct buf *out, const struct zone_info *info) {
    if (info->name.p != NULL) {
        buf_str(out, info->name);
        return;
    }
    BUF_LITERAL(out, "UTC");
    if (info->offset_us != 0)
        zone_offset_text(out, info->offset_us, ":");
}

void zone_text(struct run *run, struct buf *out, const struct zone *zone, enum format_kind kind) {
    bool repr = kind == FORMAT_REPR || kind == FORMAT_ASCII;
    struct value delta = make_timedelta(zone->offset_us);
    struct zone_info info;
    if (zone->kind == ZONE_RULES) {
        if (repr)
            BUF_LITERAL(out, "zoneinfo.ZoneInfo(key='");
        buf_str(out, zone->name);
        if (repr)
            BUF_LITERAL(out, "')");
    } else if (!repr) {
        zone_at(zone, 0, false, &info);
        zone_name(out, &info);
    } else if (zone->kind == ZONE_UTC) {
        BUF_LITERAL(out, "datetime.timezone.utc");
    } else {
        BUF_LITERAL(out, "datetime.timezone(");
        times_text(out, &delta, true);
        if (zone->name.p != NULL) {
            BUF_LITERAL(out, ", ");
            format_text_repr(run, zone->name, kind == FORMAT_ASCII, out);
        }
        buf_char(out, ')');
    }
}

/* --- making and reading --- */

const struct zone *zone_fixed(struct run *run, int64_t offset_us, const struct str *name) {
    if (offset_us <= -DAY_US || offset_us >= DAY_US) {
        run_raise(run, EXCEPTION_ValueError,
                  "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24)");
        return NULL;
    }
    if (offset_us == 0 && name == NULL)
        return &zone_utc;
    struct zone *zone = run_alloc(run, sizeof *zone);
    if (zone != NULL) {
        *zone = (struct zone){.kind = ZONE_FIXED, .offset_us = offset_us};
        if (name != NULL)
            zone->name = (struct str){name->p == NULL ? "" : name->p, name->len};
    }
    return zone;
}

/* Bytes of a bundle; `ok` becomes false when they do not hold what was asked. */
struct source {
    const uint8_t *bytes;
    size_t len, at;
    struct arena *arena;
    bool ok;
};

static void take(struct source *source, void *to, size_t bytes) {
    memset(to, 0, bytes);
    if (!source->ok || bytes > source->len - source->at) {
        source->ok = false;
        return;
    }
    memcpy(to, source->bytes + source->at, bytes);
    source->at += bytes;
}

static uint8_t take_u8(struct source *source) {
    uint8_t value;
    take(source, &value, sizeof value);
    return value;
}

static int64_t take_i32(struct source *source, int64_t least, int64_t most) {
    int32_t value;
    take(source, &value, sizeof value);
    if (value < least || value > most)
        source->ok = false;
    return value;
}

static struct str take_text(struct source *source) {
    uint32_t len;
    bool ascii;
    take(source, &len, sizeof len);
    if (!source->ok || len > source->len - source->at || len > NAME_BYTES_MAX) {
        source->ok = false;
        return STR("");
    }
    struct str text = {(const char *)source->bytes + source->at, len};
    source->at += len;
    if (utf8_valid_prefix(text.p, len, &ascii) != len)
        source->ok = false;
    return text;
}

/* A type by its number; the first one when it is not there, and ok is false. */
static const struct zone_type *take_type(struct source *source, const struct zone *zone) {
    uint8_t number = take_u8(source);
    source->ok &= number < zone->type_count;
    return &zone->types[source->ok ? number : 0];
}

static void take_types(struct source *source, struct zone *zone) {
    zone->type_count = take_u8(source);
    struct zone_type *types = arena_alloc(source->arena, (zone->type_count + 1) * sizeof *types);
    source->ok &= types != NULL && zone->type_count > 0;
    for (uint32_t i = 0; i < zone->type_count && source->ok; i++) {
        int64_t offset = take_i32(source, 1 - DAY_SECONDS, DAY_SECONDS - 1);
        int64_t dst = take_i32(source, 1 - DAY_SECONDS, DAY_SECONDS - 1);
        types[i] = (struct zone_type){offset, dst, take_text(source)};
    }
    zone->types = types;
}

static const int64_t *take_times(struct source *source, uint32_t count) {
    int64_t *times = arena_alloc(source->arena, (count + 1ull) * sizeof *times);
    if (times == NULL)
        source->ok = false;
    else
        take(source, times, count * sizeof *times);
    for (uint32_t i = 0; source->ok && i < count; i++) /* what is computed with them has room */
        source->ok = times[i] > -(1ll << 60) && times[i] < 1ll << 60;
    return times;
}

static void take_transitions(struct source *source, struct zone *zone) {
    take(source, &zone->count, sizeof zone->count);
    if (!source->ok || zone->count > (source->len - source->at) / (3 * sizeof(int64_t) + 1)) {
        source->ok = false;
        return;
    }
    zone->utc = take_times(source, zone->count);
    zone->local[0] = take_times(source, zone->count);
    zone->local[1] = take_times(source, zone->count);
    uint8_t *types = arena_alloc(source->arena, zone->count + 1ull);
    if (types == NULL) {
        source->ok = false;
        return;
    }
    take(source, types, zone->count);
    for (uint32_t i = 0; i < zone->count; i++)
        source->ok &= types[i] < zone->type_count;
    zone->type_of = types;
}

static struct change take_change(struct source *source) {
    uint16_t day;
    struct change change = {.kind = take_u8(source)};
    take(source, &day, sizeof day);
    change.day = day;
    change.week = take_u8(source);
    change.weekday = take_u8(source);
    change.second = take_i32(source, -RULE_SECONDS_MAX, RULE_SECONDS_MAX);
    if (change.kind == CHANGE_MONTH)
        source->ok &= day >= 1 && day <= 12 && change.week >= 1 && change.week <= 5 && change.weekday <= 6;
    else
        source->ok &= change.kind <= CHANGE_JULIAN && day <= 365 && day >= (change.kind == CHANGE_JULIAN);
    return change;
}

static void take_rules(struct source *source, struct zone *zone) {
    zone->name = take_text(source);
    take_types(source, zone);
    if (!source->ok)
        return;
    zone->always = take_u8(source) != 0;
    zone->before = take_type(source, zone);
    take_transitions(source, zone);
    zone->changes = take_u8(source) != 0;
    zone->standard = take_type(source, zone);
    if (zone->changes) {
        zone->daylight = take_type(source, zone);
        zone->start = take_change(source);
        zone->end = take_change(source);
    }
}

bool zone_read(const uint8_t *bytes, size_t len, size_t *at, struct arena *arena, const struct zone **out) {
    struct source source = {bytes, len, *at, arena, true};
    struct zone *zone = arena_alloc(arena, sizeof *zone);
    if (zone == NULL)
        return false;
    *zone = (struct zone){.kind = take_u8(&source)};
    if (zone->kind == ZONE_FIXED) {
        take(&source, &zone->offset_us, sizeof zone->offset_us);
        source.ok &= zone->offset_us > -DAY_US && zone->offset_us < DAY_US;
        if (take_u8(&source) != 0)
            zone->name = take_text(&source);
    } else if (zone->kind == ZONE_RULES) {
        take_rules(&source, zone);
    } else {
        source.ok &= zone->kind == ZONE_UTC;
    }
    *at = source.at;
    *out = zone->kind == ZONE_UTC ? &zone_utc : zone;
    return source.ok;
}
