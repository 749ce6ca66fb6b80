/* tzinfo objects: datetime.timezone and zoneinfo.ZoneInfo. A ZoneInfo's rules are those that the build read from its tz database
 * (python/assay/_zones.py) and wrote among the constants; the engine asks no database of its own.
 *
 * Serialized, little-endian, after the tag V_ZONE: u8 kind, then
 *   UTC    nothing
 *   FIXED  i64 microseconds east of UTC, u8 whether it has a name, its name (u32 n, bytes)
 *   RULES  key (u32 n, bytes); u8 count of types 1..255, each i32 seconds east, i32 seconds of daylight saving, abbreviation
 *          (u32 n, bytes); u8 fixed (1: no date is needed to ask it); u8 the type before the first transition;
 *          u32 count of transitions, their UTC seconds (i64 each), local seconds for fold 0 and for fold 1, types (u8);
 *          u8 rule: 0, then u8 the type after the last; or 1, then u8 standard type, u8 daylight type, two days of change.
 *   A day of change is u8 kind, u16 month or day of the year, u8 week, u8 weekday (0 is Sunday), i32 second of the day; kind 0 is
 *   POSIX's Mm.w.d, 1 a day counted from 0, 2 one counted from 1 without 29 February. */
#ifndef ASSAY_CODE_ZONE_H
#define ASSAY_CODE_ZONE_H

#include "run.h"

enum zone_kind { ZONE_UTC = 0, ZONE_FIXED = 1, ZONE_RULES = 2 };
struct zone;
extern const struct zone zone_utc;

/* What a zone says of one moment. */
struct zone_info {
    int64_t offset_us, dst_us;
    bool has_dst;      /* timezone.dst() is None */
    struct str name;   /* NULL: it is made of the offset */
};

bool zone_is(const struct zone *zone, enum zone_kind kind);
/* Whether both are one Python object: ZoneInfo of one key. Two timezones of one offset and name are taken for one, which only
 * the fold of a datetime that is "converted" between them could tell. NULL is None. */
bool zone_same(const struct zone *a, const struct zone *b);
bool zone_equal(const struct zone *a, const struct zone *b);
uint64_t zone_hash(const struct zone *zone);

void zone_at(const struct zone *zone, int64_t local_us, bool fold, struct zone_info *out);
/* Asked without a date, as a time of day does: false if the zone needs one. */
bool zone_always(const struct zone *zone, struct zone_info *out);
/* The offset of a moment in UTC, and whether its local time is the second of two. */
int64_t zone_offset_from_utc(const struct zone *zone, int64_t utc_us, bool *fold);

void zone_text(struct run *run, struct buf *out, const struct zone *zone, enum format_kind kind);
void zone_name(struct buf *out, const struct zone_info *info);
/* The last `count` digits, 8 at most, with zeros in front. */
void moment_digits(struct buf *out, unsigned number, int count);
/* "+01:00", "-00:00:30.500000"; separator may be empty. */
void zone_offset_text(struct buf *out, int64_t us, const char *separator);

/* timezone(offset[, name]) within its range; NULL after run_raise. */
const struct zone *zone_fixed(struct run *run, int64_t offset_us, const struct str *name);
/* Reads what follows the tag. False if it is not a zone. */
bool zone_read(const uint8_t *bytes, size_t len, size_t *at, struct arena *arena, const struct zone **out);

#endif
