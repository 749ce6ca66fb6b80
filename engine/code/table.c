/* Frozen sets and dicts (table.h): linear probing over entry numbers, hashes that agree with Python's equality. */
#include "table.h"

#include <math.h>

#include "big.h"
#include "moment.h"

static uint64_t mix(uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    x ^= x >> 32;
    return x;
}

/* Equal numbers are equal doubles, or equal 64-bit ints. */
static uint64_t hash_float(double f) {
    if (f >= -0x1p63 && f < 0x1p63 && f == trunc(f))
        return mix((uint64_t)(int64_t)f);
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    return mix(bits);
}

static bool hash_of(struct run *run, const struct value *v, int depth, uint64_t *out) {
    if (!run_charge(run, 1 + (v->tag == V_STR || v->tag == V_BYTES ? v->len / 64 : 0)))
        return false;
    switch (v->tag) {
    case V_NONE: *out = mix(1); return true;
    case V_BOOL:
    case V_INT: *out = mix((uint64_t)v->i); return true;
    case V_FLOAT: *out = hash_float(v->f); return true;
    case V_BIGINT: {
        struct big big;
        big_load(&big, v);
        *out = hash_float(big_double(&big));
        return true;
    }
    case V_STR:
    case V_BYTES: *out = hash_checksum(v->p, v->len); return true;
    case V_DATETIME:
    case V_DATE:
    case V_TIMEDELTA: *out = mix((uint64_t)v->i + v->tag); return true;
    case V_MOMENT: *out = mix(moment_hash(v) + V_DATETIME); return true;
    case V_TIME:
    case V_ZONE: *out = mix(moment_hash(v) + v->tag); return true;
    case V_SECRET: *out = ((const struct hash128 *)v->p)->low; return true;
    case V_TUPLE: {
        uint64_t sum = mix(v->len), item;
        if (depth >= DEPTH_MAX)
            return run_raise(run, EXCEPTION_RecursionError, "maximum recursion depth exceeded");
        for (uint32_t i = 0; i < v->len; i++) {
            if (!hash_of(run, &value_items(v)[i], depth + 1, &item))
                return false;
            sum = mix(sum * 31 + item);
        }
        *out = sum;
        return true;
    }
    default: return run_raise(run, EXCEPTION_TypeError, "unhashable type: '%s'", type_name(v));
    }
}

static bool find_hashed(struct run *run, const struct table *table, const struct value *key, uint64_t hash, uint32_t *slot,
                        uint32_t *entry) {
    uint32_t at = (uint32_t)hash & table->mask;
    for (;; at = (at + 1) & table->mask) {
        uint32_t number = table->index[at];
        *slot = at;
        *entry = TABLE_NONE;
        if (number == 0)
            return true;
        ASSERT(number <= table->count);
        bool same = false;
        if (table->hashes[number - 1] == hash && !compare_equal(run, &table->keys[number - 1], key, &same))
            return false;
        *entry = number - 1;
        if (same)
            return true;
        if (!run_charge(run, 1))
            return false;
    }
}

bool table_find(struct run *run, const struct table *table, const struct value *key, uint32_t *entry) {
    uint64_t hash;
    uint32_t slot;
    return hash_of(run, key, 0, &hash) && find_hashed(run, table, key, hash, &slot, entry);
}

const struct table *table_build(struct run *run, const struct value *keys, const struct value *values, uint32_t count) {
    ASSERT(count < 1u << 30);
    uint32_t size = 2;
    while (size < 2 * count)
        size *= 2;
    struct table *table = arena_alloc(run->arena, sizeof *table);
    uint32_t *index = arena_alloc(run->arena, size * sizeof *index);
    uint64_t *hashes = arena_alloc(run->arena, (count + 1) * sizeof *hashes);
    if (table == NULL || index == NULL || hashes == NULL) {
        run_raise(run, EXCEPTION_LimitError, "no memory for a table of %u entries", count);
        return NULL;
    }
    memset(index, 0, size * sizeof *index);
    *table = (struct table){0, size - 1, index, hashes, keys, values};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot, entry;
        if (!hash_of(run, &keys[i], 0, &hashes[i]) || !find_hashed(run, table, &keys[i], hashes[i], &slot, &entry))
            return NULL;
        if (entry != TABLE_NONE) {
            run_raise(run, EXCEPTION_ValueError, "two equal keys");
            return NULL;
        }
        index[slot] = i + 1;
        table->count = i + 1;
    }
    return table;
}

bool table_subset(struct run *run, const struct table *a, const struct table *b, bool *out) {
    *out = true;
    for (uint32_t i = 0; i < a->count && *out; i++) {
        uint32_t slot, entry;
        if (!find_hashed(run, b, &a->keys[i], a->hashes[i], &slot, &entry))
            return false;
        *out = entry != TABLE_NONE;
    }
    return true;
}

bool table_equal(struct run *run, const struct table *a, const struct table *b, bool *out) {
    *out = a->count == b->count;
    for (uint32_t i = 0; i < a->count && *out; i++) {
        uint32_t slot, entry;
        if (!find_hashed(run, b, &a->keys[i], a->hashes[i], &slot, &entry))
            return false;
        *out = entry != TABLE_NONE;
        if (*out && a->values != NULL && !compare_equal(run, &a->values[i], &b->values[entry], out))
            return false;
    }
    return true;
}
