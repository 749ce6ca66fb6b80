/* Sets and dicts (table.h): linear probing over entry numbers, hashes that agree with Python's equality. */
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

/* Of up to 16 bytes, read as two words that may overlap. */
static uint64_t hash_short(const unsigned char *p, size_t len) {
    uint64_t a = 0, b = 0;
    uint32_t front, back;
    ASSERT(len <= 16);
    if (len >= 8) {
        memcpy(&a, p, 8);
        memcpy(&b, p + len - 8, 8);
    } else if (len >= 4) {
        memcpy(&front, p, 4);
        memcpy(&back, p + len - 4, 4);
        a = front | (uint64_t)back << 32;
    } else if (len > 0) {
        a = p[0] | (uint64_t)p[len / 2] << 8 | (uint64_t)p[len - 1] << 16;
    }
    return mix(a ^ mix(b + len * 0x9e3779b97f4a7c15ull));
}

static bool unhashable(struct run *run, const struct value *v) {
    return run_raise(run, EXCEPTION_TypeError, "unhashable type: '%s'", type_name(v));
}

/* Of a frozenset: whatever the order. */
static bool hash_of_set(struct run *run, const struct table *table, uint64_t *out) {
    uint64_t sum = mix(table->count + 17);
    for (uint32_t at = 0; table_next(table, &at); at++)
        sum ^= mix(table->hashes[at]);
    *out = sum;
    return run_charge(run, table->used);
}

static bool hash_of(struct run *run, const struct value *v, int depth, uint64_t *out);

static bool hash_of_object(struct run *run, const struct value *v, int depth, uint64_t *out) {
    const struct object *object = v->p;
    if (!(object->class->flags & CLASS_HASHABLE))
        return unhashable(run, v);
    uint64_t sum = mix(object->class->number + 29u), item;
    if (depth >= DEPTH_MAX)
        return run_raise(run, EXCEPTION_RecursionError, "maximum recursion depth exceeded");
    for (uint32_t i = 0; i < object->class->field_count; i++) {
        if (!hash_of(run, &object->fields[i], depth + 1, &item))
            return false;
        sum = mix(sum * 31 + item);
    }
    *out = sum;
    return true;
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
    case V_BYTES: *out = v->len <= 16 ? hash_short(v->p, v->len) : hash_checksum(v->p, v->len); return true;
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
    case V_SET:
        if (v->flags & SET_HASHABLE)
            return hash_of_set(run, v->p, out);
        return unhashable(run, v);
    case V_OBJECT: return hash_of_object(run, v, depth, out);
    default: return unhashable(run, v);
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
        ASSERT(number <= table->used);
        const struct value *there = &table->keys[number - 1];
        bool same = false;
        if (table->hashes[number - 1] == hash && there->tag != V_HOLE && !plainly_equal(there, key, &same) &&
            !compare_equal(run, there, key, &same))
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
    if (key->tag == V_STR && key->len <= 16) {
        if (!run_charge(run, 1))
            return false;
        if (!(table->lengths >> key->len & 1)) {
            *entry = TABLE_NONE;
            return true;
        }
        return find_hashed(run, table, key, hash_short(key->p, key->len), &slot, entry);
    }
    if (key->tag == V_INT)
        return run_charge(run, 1) && find_hashed(run, table, key, mix((uint64_t)key->i), &slot, entry);
    return hash_of(run, key, 0, &hash) && find_hashed(run, table, key, hash, &slot, entry);
}

/* --- constants --- */

const struct table *table_build(struct run *run, struct value *keys, struct value *values, uint32_t count) {
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
    *table = (struct table){.mask = size - 1, .index = index, .hashes = hashes, .keys = keys, .values = values};
    for (uint32_t i = 0; i < count; i++)
        table->lengths |= keys[i].tag == V_STR ? 1ull << keys[i].len % 64 : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot, entry;
        if (!hash_of(run, &keys[i], 0, &hashes[i]) || !find_hashed(run, table, &keys[i], hashes[i], &slot, &entry))
            return NULL;
        if (entry != TABLE_NONE) {
            run_raise(run, EXCEPTION_ValueError, "two equal keys");
            return NULL;
        }
        index[slot] = i + 1;
        table->count = table->used = i + 1;
    }
    return table;
}

/* --- tables that change --- */

/* Room for `room` entries, those that are there moved together. */
static bool reserve(struct run *run, struct table *table, bool dict, uint32_t room) {
    uint32_t size = 8;
    while (size < 2 * room)
        size *= 2;
    uint32_t *index = run_alloc(run, size * sizeof *index);
    uint64_t *hashes = run_alloc(run, room * sizeof *hashes);
    struct value *keys = run_items(run, room), *values = dict ? run_items(run, room) : NULL;
    if (index == NULL || hashes == NULL || keys == NULL || (dict && values == NULL))
        return false;
    memset(index, 0, size * sizeof *index);
    uint32_t to = 0;
    for (uint32_t at = 0; table_next(table, &at); at++, to++) {
        keys[to] = table->keys[at];
        hashes[to] = table->hashes[at];
        if (dict)
            values[to] = table->values[at];
        uint32_t slot = (uint32_t)hashes[to] & (size - 1);
        while (index[slot] != 0)
            slot = (slot + 1) & (size - 1);
        index[slot] = to + 1;
    }
    ASSERT(to == table->count);
    *table = (struct table){to, to, room, size - 1, index, hashes, keys, values, UINT64_MAX, table->missing, table->fallback};
    return true;
}

struct table *table_new(struct run *run, bool dict, uint32_t room) {
    struct table *table = run_alloc(run, sizeof *table);
    if (table == NULL)
        return NULL;
    memset(table, 0, sizeof *table);
    return reserve(run, table, dict, room < 4 ? 4 : room) ? table : NULL;
}

bool table_set(struct run *run, struct table *table, const struct value *key, const struct value *value) {
    ASSERT(table->room > 0 && (value == NULL) == (table->values == NULL));
    uint64_t hash;
    uint32_t slot, entry;
    if (!hash_of(run, key, 0, &hash) || !find_hashed(run, table, key, hash, &slot, &entry))
        return false;
    if (entry == TABLE_NONE) {
        if (table->used == table->room) {
            if (!reserve(run, table, value != NULL, table->count * 2 + 4) || !find_hashed(run, table, key, hash, &slot, &entry))
                return false;
        }
        entry = table->used++;
        table->index[slot] = entry + 1;
        table->hashes[entry] = hash;
        table->keys[entry] = *key;
        table->count++;
    }
    if (value != NULL)
        table->values[entry] = *value;
    return true;
}

void table_remove(struct table *table, uint32_t entry) {
    ASSERT(entry < table->used && table->keys[entry].tag != V_HOLE && table->room > 0);
    table->keys[entry].tag = V_HOLE;
    table->count--;
}

void table_clear(struct table *table) {
    ASSERT(table->room > 0);
    memset(table->index, 0, (table->mask + 1ull) * sizeof *table->index);
    table->count = table->used = 0;
}

struct table *table_copy(struct run *run, const struct table *table) {
    struct table *copy = run_alloc(run, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *table;
    uint32_t room = table->count < 4 ? 4 : table->count;
    return run_charge(run, table->count) && reserve(run, copy, table->values != NULL, room) ? copy : NULL;
}

/* --- comparison --- */

bool table_subset(struct run *run, const struct table *a, const struct table *b, bool *out) {
    *out = true;
    for (uint32_t i = 0; *out && table_next(a, &i); i++) {
        uint32_t slot, entry;
        if (!find_hashed(run, b, &a->keys[i], a->hashes[i], &slot, &entry))
            return false;
        *out = entry != TABLE_NONE;
    }
    return true;
}

bool table_equal(struct run *run, const struct table *a, const struct table *b, bool *out) {
    *out = a->count == b->count;
    for (uint32_t i = 0; *out && table_next(a, &i); i++) {
        uint32_t slot, entry;
        if (!find_hashed(run, b, &a->keys[i], a->hashes[i], &slot, &entry))
            return false;
        *out = entry != TABLE_NONE;
        if (*out && a->values != NULL && !compare_equal(run, &a->values[i], &b->values[entry], out))
            return false;
    }
    return true;
}
