/* The constant pool (part "constant.bin"): u32 count, then serialized values. Unlike values elsewhere these can be big ints,
 * bytes, sets and dicts, which become tables here, and instances of the bundle's classes. Hostile until read: counts are held
 * against the bytes that are left, nesting against 8, times against Python's range; strings are checked UTF-8 and stay where they are. */
#include "load.h"
#include "moment.h"
#include "regex.h"

enum { NESTING_MAX = 8 };

struct pool {
    const uint8_t *bytes;
    size_t len, at;
    struct run run; /* for tables: they compare and hash */
    const char *wrong;
    uint32_t patterns;
};

static bool refuse(struct pool *pool, const char *why) {
    if (pool->wrong == NULL)
        pool->wrong = why;
    return false;
}

static bool take_u32(struct pool *pool, uint32_t *out) {
    if (pool->len - pool->at < sizeof *out)
        return refuse(pool, "truncated");
    memcpy(out, pool->bytes + pool->at, sizeof *out);
    pool->at += sizeof *out;
    return true;
}

static bool read_value(struct pool *pool, int depth, struct value *out);

/* `count` values, or pairs of a dict; each takes at least a byte. */
static bool read_many(struct pool *pool, int depth, uint32_t count, struct value *keys, struct value *values) {
    ASSERT(keys != NULL);
    for (uint32_t i = 0; i < count; i++)
        if (!read_value(pool, depth + 1, &keys[i]) || (values != NULL && !read_value(pool, depth + 1, &values[i])))
            return false;
    return true;
}

static bool read_container(struct pool *pool, int depth, uint8_t tag, struct value *out) {
    uint32_t count;
    pool->at++;
    if (depth >= NESTING_MAX)
        return refuse(pool, "nested too deep");
    if (!take_u32(pool, &count))
        return false;
    if (count > pool->len - pool->at || count > LIMIT_VALUE_BYTES)
        return refuse(pool, "more items than bytes");
    struct value *keys = arena_alloc(pool->run.arena, (count + 1ull) * sizeof *keys), *values = NULL;
    if (tag == V_DICT)
        values = arena_alloc(pool->run.arena, (count + 1ull) * sizeof *values);
    if (keys == NULL || (tag == V_DICT && values == NULL))
        return refuse(pool, "no memory");
    if (!read_many(pool, depth, count, keys, values))
        return false;
    *out = (struct value){.tag = tag, .len = count, .p = keys};
    if (tag == V_SET || tag == V_DICT) {
        pool->run.steps_left = INT64_MAX; /* the size of the pool bounds it */
        out->p = table_build(&pool->run, keys, values, count);
    }
    return out->p != NULL || refuse(pool, "two keys are equal, or one is not hashable");
}

static bool read_big(struct pool *pool, struct value *out) {
    uint32_t count;
    if (pool->len - pool->at < 2)
        return refuse(pool, "truncated");
    uint8_t negative = pool->bytes[pool->at + 1];
    pool->at += 2;
    if (!take_u32(pool, &count))
        return false;
    if (negative > 1 || count > pool->len - pool->at || count > LIMIT_INT_BITS / 8)
        return refuse(pool, "an int beyond its limit");
    const uint8_t *bytes = pool->bytes + pool->at;
    uint64_t *limbs = arena_alloc(pool->run.arena, (count + 16) / 8 * 8);
    if (limbs == NULL)
        return refuse(pool, "no memory");
    memset(limbs, 0, (count + 16) / 8 * 8);
    memcpy(limbs, bytes, count);
    pool->at += count;
    bool small = count < 8 || (count == 8 && limbs[0] <= (uint64_t)INT64_MAX + negative);
    if (count == 0 || bytes[count - 1] == 0 || small)
        return refuse(pool, "an int that is not in its shortest form");
    *out = (struct value){.tag = V_BIGINT, .flags = negative ? BIG_NEGATIVE : 0, .len = (count + 7) / 8, .p = limbs};
    return true;
}

static bool read_bytes(struct pool *pool, struct value *out) {
    uint32_t count;
    pool->at++;
    if (!take_u32(pool, &count))
        return false;
    if (count > pool->len - pool->at || count > LIMIT_VALUE_BYTES)
        return refuse(pool, "bytes beyond their limit");
    *out = (struct value){.tag = V_BYTES, .len = count, .p = pool->bytes + pool->at};
    pool->at += count;
    return true;
}

/* An instance of one of the bundle's classes: u32 class, u32 count, the fields. It may not be changed. */
static bool read_object(struct pool *pool, int depth, struct value *out) {
    uint32_t number, count;
    pool->at++;
    if (depth >= NESTING_MAX)
        return refuse(pool, "nested too deep");
    if (!take_u32(pool, &number) || !take_u32(pool, &count))
        return false;
    if (number >= pool->run.code->class_count || count != pool->run.code->classes[number].field_count)
        return refuse(pool, "of no class of this bundle, or of other fields");
    struct value fields[UINT8_MAX + 1];
    if (!read_many(pool, depth, count, fields, NULL))
        return false;
    if (!object_make(&pool->run, number, fields, count, out))
        return refuse(pool, "no memory");
    if (out->tag == V_OBJECT)
        ((struct object *)(uintptr_t)out->p)->frozen = true;
    return true;
}

static bool read_pattern(struct pool *pool, struct value *out) {
    const char *wrong;
    pool->patterns++;
    return regex_read(pool->bytes, pool->len, &pool->at, pool->run.arena, out, &wrong) || refuse(pool, wrong);
}

static bool in_range(const struct value *v) {
    switch (v->tag) {
    case V_BOOL: return v->i == 0 || v->i == 1;
    case V_DATETIME: return v->i >= CALENDAR_MIN_US && v->i <= CALENDAR_MAX_US;
    case V_DATE: return v->i >= CALENDAR_MIN_US / 86400000000ll && v->i <= CALENDAR_MAX_US / 86400000000ll;
    case V_STR: return v->len <= LIMIT_VALUE_BYTES;
    default: return v->tag != V_SECRET;
    }
}

static bool read_value(struct pool *pool, int depth, struct value *out) {
    if (pool->at >= pool->len)
        return refuse(pool, "truncated");
    uint8_t tag = pool->bytes[pool->at];
    if (tag == V_LIST || tag == V_TUPLE || tag == V_SET || tag == V_DICT)
        return read_container(pool, depth, tag, out);
    if (tag == V_OBJECT)
        return read_object(pool, depth, out);
    if (tag == V_BIGINT)
        return read_big(pool, out);
    if (tag == V_MOMENT || tag == V_TIME || tag == V_ZONE)
        return moment_read(pool->bytes, pool->len, &pool->at, pool->run.arena, out) || refuse(pool, "not a time or a zone");
    if (tag == V_BYTES)
        return read_bytes(pool, out);
    if (tag == V_PATTERN)
        return read_pattern(pool, out);
    if (!value_read(pool->bytes, pool->len, &pool->at, pool->run.arena, out))
        return refuse(pool, "not a value");
    return in_range(out) || refuse(pool, "out of its range");
}

bool constants_load(struct code *code, const struct code_config *config, struct error *error) {
    struct pool pool = {.bytes = config->constants, .len = config->constant_bytes};
    pool.run = (struct run){.arena = &code->arena, .code = code, .steps_left = INT64_MAX};
    uint32_t count;
    if (!take_u32(&pool, &count))
        return error_set(error, ERROR_CORRUPT, "constants: %zu bytes, expected a count of 4", pool.len);
    if (count > LIMIT_FRAME_CELLS || count > pool.len)
        return error_set(error, ERROR_LIMIT, "constants: %u, expected at most %u and one a byte", count, LIMIT_FRAME_CELLS);
    struct value *constants = arena_alloc(&code->arena, (count + 1ull) * sizeof *constants);
    if (constants == NULL)
        return error_set(error, ERROR_LIMIT, "constants: no memory for %u", count);
    for (uint32_t i = 0; i < count; i++) {
        size_t at = pool.at;
        if (!read_value(&pool, 0, &constants[i]))
            return error_set(error, ERROR_CORRUPT, "constant %u at byte %zu: %s", i, at, pool.wrong);
    }
    if (pool.at != pool.len)
        return error_set(error, ERROR_CORRUPT, "constants: %zu bytes behind the last", pool.len - pool.at);
    code->constants = constants;
    code->constant_count = count;
    code->pattern_count = pool.patterns;
    return true;
}
