/* The cell's few operations that every room shares (value.h): equality, serialized form, key form, JSON. */
#include "value.h"

#include <math.h>

#include "assert.h"
#include "calendar.h"
#include "number.h"

enum { NESTING_MAX = 8 };

struct value value_str(const char *p, size_t len) {
    ASSERT(len <= UINT32_MAX);
    bool ascii = true;
    for (size_t i = 0; i < len && ascii; i++)
        ascii = (unsigned char)p[i] < 0x80;
    return (struct value){.tag = V_STR, .flags = ascii ? STR_ASCII : 0, .len = (uint32_t)len, .p = p};
}

/* Whether an int and a float are the same number, exactly. */
static bool int_equals_float(int64_t i, double f) {
    if (!(f >= -0x1p63 && f < 0x1p63))
        return false;
    return (double)(int64_t)f == f && (int64_t)f == i;
}

static bool is_integer(const struct value *v) { return v->tag == V_BOOL || v->tag == V_INT; }

bool value_equal(const struct value *a, const struct value *b) {
    if (is_integer(a) && is_integer(b))
        return a->i == b->i;
    if (a->tag == V_FLOAT && b->tag == V_FLOAT)
        return a->f == b->f;
    if (is_integer(a) && b->tag == V_FLOAT)
        return int_equals_float(a->i, b->f);
    if (a->tag == V_FLOAT && is_integer(b))
        return int_equals_float(b->i, a->f);
    if (a->tag != b->tag)
        return false;
    switch ((enum value_tag)a->tag) {
    case V_NONE: return true;
    case V_STR: return str_equal(value_text(a), value_text(b));
    case V_DATETIME:
    case V_DATE:
    case V_TIMEDELTA: return a->i == b->i;
    case V_SECRET: return hash128_equal(*(const struct hash128 *)a->p, *(const struct hash128 *)b->p);
    case V_LIST:
    case V_TUPLE:
        if (a->len != b->len)
            return false;
        for (uint32_t i = 0; i < a->len; i++)
            if (!value_equal(&value_items(a)[i], &value_items(b)[i]))
                return false;
        return true;
    default: UNREACHABLE();
    }
}

void value_write(struct buf *out, const struct value *v) {
    buf_char(out, (char)v->tag);
    switch ((enum value_tag)v->tag) {
    case V_NONE: buf_char(out, (char)v->len); return;
    case V_BOOL: buf_char(out, (char)(v->i != 0)); return;
    case V_INT:
    case V_FLOAT:
    case V_DATETIME:
    case V_DATE:
    case V_TIMEDELTA: buf_u64(out, (uint64_t)v->i); return;
    case V_STR:
        buf_u32(out, v->len);
        buf_add(out, v->p, v->len);
        return;
    case V_LIST:
    case V_TUPLE:
        buf_u32(out, v->len);
        for (uint32_t i = 0; i < v->len; i++)
            value_write(out, &value_items(v)[i]);
        return;
    case V_SECRET: buf_add(out, v->p, sizeof(struct hash128)); return;
    default: UNREACHABLE();
    }
}

struct reader {
    const uint8_t *bytes;
    size_t len, at;
    struct arena *arena;
};

static bool take(struct reader *reader, void *out, size_t len) {
    if (len > reader->len - reader->at)
        return false;
    memcpy(out, reader->bytes + reader->at, len);
    reader->at += len;
    return true;
}

static bool read_one(struct reader *reader, struct value *out, int depth);

static bool read_items(struct reader *reader, struct value *out, int depth) {
    uint32_t count;
    if (depth >= NESTING_MAX || !take(reader, &count, sizeof count) || count > reader->len - reader->at)
        return false; /* an item takes at least one byte */
    struct value *items = arena_alloc(reader->arena, count * sizeof *items);
    if (items == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_one(reader, &items[i], depth + 1))
            return false;
    out->len = count;
    out->p = items;
    return true;
}

static bool read_text(struct reader *reader, struct value *out) {
    uint32_t len;
    if (!take(reader, &len, sizeof len) || len > reader->len - reader->at)
        return false;
    const char *p = (const char *)reader->bytes + reader->at;
    bool ascii;
    if (utf8_valid_prefix(p, len, &ascii) != len)
        return false;
    reader->at += len;
    *out = (struct value){.tag = V_STR, .flags = ascii ? STR_ASCII : 0, .len = len, .p = p};
    return true;
}

static bool read_small(struct reader *reader, struct value *out) {
    uint8_t byte;
    if (!take(reader, &byte, 1))
        return false;
    if (out->tag == V_NONE) {
        out->len = byte;
        return byte <= MISSING_KEY;
    }
    out->i = byte;
    return byte <= 1;
}

static bool read_one(struct reader *reader, struct value *out, int depth) {
    uint8_t tag;
    if (!take(reader, &tag, 1))
        return false;
    *out = (struct value){.tag = tag};
    switch ((enum value_tag)tag) {
    case V_NONE:
    case V_BOOL: return read_small(reader, out);
    case V_INT:
    case V_FLOAT:
    case V_DATETIME:
    case V_DATE:
    case V_TIMEDELTA: return take(reader, &out->i, sizeof out->i);
    case V_STR: return read_text(reader, out);
    case V_LIST:
    case V_TUPLE: return read_items(reader, out, depth);
    case V_SECRET:
        out->p = arena_alloc(reader->arena, sizeof(struct hash128));
        return out->p != NULL && take(reader, (void *)(uintptr_t)out->p, sizeof(struct hash128));
    default: return false;
    }
}

bool value_read(const uint8_t *bytes, size_t len, size_t *at, struct arena *arena, struct value *out) {
    ASSERT(*at <= len);
    struct reader reader = {bytes, len, *at, arena};
    if (!read_one(&reader, out, 0))
        return false;
    *at = reader.at;
    return true;
}

/* Equal numbers have one form: an integral double within 64 bits is written as the int. */
static void write_key_float(struct buf *out, double f) {
    if (f >= -0x1p63 && f < 0x1p63 && (double)(int64_t)f == f) {
        buf_char(out, V_INT);
        buf_u64(out, (uint64_t)(int64_t)f);
        return;
    }
    if (isnan(f))
        f = NAN;
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    buf_char(out, V_FLOAT);
    buf_u64(out, isnan(f) ? 0x7ff8000000000000u : bits);
}

void value_write_key(struct buf *out, const struct value *v) {
    switch ((enum value_tag)v->tag) {
    case V_BOOL:
    case V_INT:
        buf_char(out, V_INT);
        buf_u64(out, (uint64_t)v->i);
        return;
    case V_FLOAT: write_key_float(out, v->f); return;
    case V_NONE: buf_char(out, V_NONE); return;
    case V_LIST:
    case V_TUPLE:
        buf_char(out, (char)v->tag);
        buf_u32(out, v->len);
        for (uint32_t i = 0; i < v->len; i++)
            value_write_key(out, &value_items(v)[i]);
        return;
    default: value_write(out, v); return; /* tag, length where it varies, bytes */
    }
}

static void write_json_float(struct buf *out, double f) {
    if (!isfinite(f)) {
        BUF_LITERAL(out, "null");
        return;
    }
    char text[NUMBER_TEXT_BYTES];
    buf_add(out, text, number_repr(f, text));
}

static void write_json_timedelta(struct buf *out, int64_t us) {
    char text[NUMBER_TEXT_BYTES];
    buf_add(out, text, number_repr((double)us / 1e6, text));
}

void value_write_json(struct buf *out, const struct value *v) {
    char text[CALENDAR_TEXT_BYTES];
    switch ((enum value_tag)v->tag) {
    case V_NONE: BUF_LITERAL(out, "null"); return;
    case V_BOOL:
        if (v->i)
            BUF_LITERAL(out, "true");
        else
            BUF_LITERAL(out, "false");
        return;
    case V_INT: buf_int(out, v->i); return;
    case V_FLOAT: write_json_float(out, v->f); return;
    case V_STR: buf_json(out, value_text(v)); return;
    case V_DATETIME:
        buf_char(out, '"');
        buf_add(out, text, calendar_format_time(v->i, 'T', text));
        buf_char(out, '"');
        return;
    case V_DATE:
        buf_char(out, '"');
        buf_add(out, text, calendar_format_date(v->i, text));
        buf_char(out, '"');
        return;
    case V_TIMEDELTA: write_json_timedelta(out, v->i); return;
    case V_SECRET: BUF_LITERAL(out, "\"<secret>\""); return;
    case V_LIST:
    case V_TUPLE:
        buf_char(out, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i > 0)
                BUF_LITERAL(out, ", ");
            value_write_json(out, &value_items(v)[i]);
        }
        buf_char(out, ']');
        return;
    default: UNREACHABLE();
    }
}
