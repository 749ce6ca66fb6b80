/* The 16-byte cell in which every value of a payment travels: field, constant, window value, feature, temporary.
 * The tag says what it is, so that meaning never depends on inference. Values are immutable once made; what `p`
 * points to lives in the request's arena or in the bundle.
 *
 *   tag          len                    payload
 *   V_NONE       enum missing           -            None; len says whether it is a plain None or a missing value
 *   V_BOOL       0                      i: 0 or 1
 *   V_INT        0                      i            64 bits
 *   V_BIGINT     limbs                  p: struct bigint (code room), only inside functions
 *   V_FLOAT      0                      f
 *   V_STR        bytes                  p: valid UTF-8; flags & STR_ASCII when every byte is ASCII (must be set if so)
 *   V_DATETIME   0                      i: UTC microseconds since 1970; zone = 0 is UTC
 *   V_DATE       0                      i: days since 1970-01-01
 *   V_TIMEDELTA  0                      i: microseconds
 *   V_LIST       items                  p: struct value[len]
 *   V_TUPLE      items                  p: struct value[len]
 *   V_SET        items                  p: struct table (code room); a frozen constant
 *   V_DICT       items                  p: struct table (code room); a frozen constant
 *   V_SECRET     0                      p: struct hash128, the keyed hash that stands for a Secret value
 *
 * Serialized (value_write/value_read, little-endian; journal records, constants): tag u8, then
 *   NONE: missing u8 | BOOL: u8 | INT DATETIME DATE TIMEDELTA: i64 | FLOAT: 8 bytes | STR: u32 n, bytes
 *   LIST TUPLE SET: u32 n, n values | DICT: u32 n, n pairs key value | SECRET: 16 bytes
 *   BIGINT: u8 negative, u32 n, n bytes of magnitude, little-endian, no leading zero byte at the top
 * A set or dict is written in Python's iteration order and read by the code room only (const pool), as are the times and
 * zones of the code room (engine/code/moment.h, zone.h). */
#ifndef ASSAY_BASE_VALUE_H
#define ASSAY_BASE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "buf.h"
#include "hash.h"
#include "str.h"

enum value_tag {
    V_NONE = 0,
    V_BOOL = 1,
    V_INT = 2,
    V_FLOAT = 3,
    V_STR = 4,
    V_DATETIME = 5,
    V_DATE = 6,
    V_TIMEDELTA = 7,
    V_LIST = 8,
    V_TUPLE = 9,
    V_SET = 10,
    V_DICT = 11,
    V_SECRET = 12,
    V_BIGINT = 13,
    V_TAGS = 14,
};

/* Why a V_NONE is there (its len). All of them are None to a parameter that allows None; anything but MISSING_NOT is
 * a missing value of which only the source is reported. */
enum missing {
    MISSING_NOT = 0,    /* a None that somebody wrote */
    MISSING_ERROR = 1,  /* the function raised; it is in the errors */
    MISSING_SOURCE = 2, /* an input of the function is missing */
    MISSING_WARMING = 3,/* a window that has not yet seen its whole length */
    MISSING_LATE = 4,   /* a window of an event later than max_late */
    MISSING_KEY = 5,    /* a window by a key that is None */
};

enum { STR_ASCII = 1 };

struct value {
    uint8_t tag;
    uint8_t flags;
    uint16_t zone;
    uint32_t len;
    union {
        int64_t i;
        double f;
        const void *p;
    };
};

_Static_assert(sizeof(struct value) == 16, "a cell is 16 bytes");

static inline struct value value_none(enum missing why) { return (struct value){.tag = V_NONE, .len = why}; }
static inline struct value value_bool(bool b) { return (struct value){.tag = V_BOOL, .i = b}; }
static inline struct value value_int(int64_t i) { return (struct value){.tag = V_INT, .i = i}; }
static inline struct value value_float(double f) { return (struct value){.tag = V_FLOAT, .f = f}; }
static inline struct value value_datetime(int64_t us) { return (struct value){.tag = V_DATETIME, .i = us}; }
/* `p` must be valid UTF-8 and outlive the value. */
struct value value_str(const char *p, size_t len);
static inline struct str value_text(const struct value *v) { return (struct str){v->p, v->len}; }
static inline const struct value *value_items(const struct value *v) { return v->p; }

/* Python's `==` for values of the tags above except SET, DICT and BIGINT (1 == 1.0 == True; nan != nan). */
bool value_equal(const struct value *a, const struct value *b);

/* Appends the serialized form. SET, DICT and BIGINT may not be given. */
void value_write(struct buf *out, const struct value *v);
/* Reads one value at bytes[*at], advances *at. Strings point into `bytes`, lists into the arena. False if the bytes are
 * not a value (truncated, unknown tag, bad UTF-8, nesting over 8) or the arena is full. SET, DICT, BIGINT: false. */
bool value_read(const uint8_t *bytes, size_t len, size_t *at, struct arena *arena, struct value *out);

/* Appends a form that is equal for two values exactly when Python says they are equal (1, 1.0 and True are one; -0.0 and
 * 0.0 are one; every NaN is one): what keys, `seen` and `distinct` compare. Ends each value so that tuples do not run
 * into each other. */
void value_write_key(struct buf *out, const struct value *v);

/* What json.dumps(..., ensure_ascii=False) of the value would be, with datetimes as ISO 8601 with offset ("Z" for UTC
 * is not used: "+00:00"), tuples as lists, non-finite floats as null, V_SECRET as "<secret>". SET and DICT: not given. */
void value_write_json(struct buf *out, const struct value *v);

#endif
