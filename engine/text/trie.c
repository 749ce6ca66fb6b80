/* Builds and checks double arrays (trie.h). Nodes are placed breadth by node: the children of a node get the lowest base
 * at which all of them are free, found through a list of the free units; a base is used by one node only, so a label
 * says whose child a unit is. Called at bundle time through assay._engine, and by tests. */
#include "trie.h"

#include <stdlib.h>
#include <string.h>

#include "../base/assert.h"

enum { BLOCK = 256, TRIES_MAX = 4096 };
#define UNITS_MAX (1u << 24)

struct builder {
    const uint8_t *keys;
    const uint32_t *ends, *values;
    struct trie_unit *units;
    uint8_t *used;         /* a unit is a node; */
    uint8_t *base_used;    /* a base has an owner */
    uint32_t *next, *prev; /* the ring of free units, through unit 0 */
    uint32_t count;        /* units */
    uint32_t search_from;  /* where the search for a base begins */
};

static bool grow(struct builder *b) {
    uint32_t count = b->count + BLOCK * 16;
    if (count > UNITS_MAX)
        return false;
    struct trie_unit *units = realloc(b->units, count * sizeof *units);
    if (units != NULL)
        b->units = units;
    uint8_t *used = realloc(b->used, count);
    if (used != NULL)
        b->used = used;
    uint8_t *base_used = realloc(b->base_used, count);
    if (base_used != NULL)
        b->base_used = base_used;
    uint32_t *next = realloc(b->next, count * sizeof *next);
    if (next != NULL)
        b->next = next;
    uint32_t *prev = realloc(b->prev, count * sizeof *prev);
    if (prev != NULL)
        b->prev = prev;
    if (units == NULL || used == NULL || base_used == NULL || next == NULL || prev == NULL)
        return false;
    uint32_t first = b->count == 0 ? 1 : b->count, last = b->count == 0 ? 0 : b->prev[0];
    memset(b->used + b->count, 0, count - b->count);
    memset(b->base_used + b->count, 0, count - b->count);
    memset(b->units + b->count, 0, (count - b->count) * sizeof *units);
    for (uint32_t i = first; i < count; i++) {
        b->prev[i] = last;
        b->next[last] = i;
        last = i;
    }
    b->next[last] = 0;
    b->prev[0] = last;
    b->count = count;
    return true;
}

static void take(struct builder *b, uint32_t unit) {
    ASSERT(!b->used[unit]);
    b->used[unit] = 1;
    if (unit == 0)
        return;
    b->next[b->prev[unit]] = b->next[unit];
    b->prev[b->next[unit]] = b->prev[unit];
}

static bool fits(const struct builder *b, uint32_t base, const uint8_t *labels, uint32_t count) {
    if (b->base_used[base])
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t unit = base ^ labels[i];
        if (b->used[unit] || unit == 0)
            return false;
    }
    return true;
}

/* The lowest free place for the labels; 0 if memory ran out (0 is no base: its unit is the root). */
static uint32_t find_base(struct builder *b, const uint8_t *labels, uint32_t count) {
    uint32_t tries = 0;
    uint32_t unit = b->search_from != 0 && !b->used[b->search_from] ? b->search_from : b->next[0];
    for (; unit != 0; unit = b->next[unit]) {
        uint32_t base = unit ^ labels[0];
        if (base != 0 && fits(b, base, labels, count))
            return base;
        if (++tries == TRIES_MAX) { /* crowded: leave what is behind, go on towards the end */
            b->search_from = b->next[unit];
            tries = 0;
        }
    }
    uint32_t end = b->count;
    if (!grow(b))
        return 0;
    b->search_from = end;
    return end; /* a new block: all of it is free, but base ^ label stays inside */
}

/* Places the children of `node`, whose keys are [low, high) and agree in their first `depth` bytes. */
static bool place(struct builder *b, uint32_t node, uint32_t low, uint32_t high, uint32_t depth) {
    uint8_t labels[BLOCK];
    uint32_t starts[BLOCK + 1], count = 0;
    uint32_t at = low == 0 ? 0 : b->ends[low - 1];
    if (b->ends[low] - at == depth)
        b->units[node].value = b->values[low++];
    for (uint32_t k = low; k < high; k++) {
        uint8_t label = b->keys[(k == 0 ? 0 : b->ends[k - 1]) + depth];
        if (count == 0 || labels[count - 1] != label) {
            starts[count] = k;
            labels[count++] = label;
        }
    }
    starts[count] = high;
    if (count == 0)
        return true;
    uint32_t base = find_base(b, labels, count);
    if (base == 0)
        return false;
    b->base_used[base] = 1;
    b->units[node].base_label = base << 8 | (b->units[node].base_label & 0xff);
    for (uint32_t i = 0; i < count; i++) {
        take(b, base ^ labels[i]);
        b->units[base ^ labels[i]] = (struct trie_unit){labels[i], TRIE_NONE};
    }
    for (uint32_t i = 0; i < count; i++)
        if (!place(b, base ^ labels[i], starts[i], starts[i + 1], depth + 1))
            return false;
    return true;
}

/* Units that are no node, and nodes without children, must not look like somebody's child or have any. */
static bool close_units(struct builder *b) {
    uint32_t last = b->count - 1;
    while (!b->used[last])
        last--;
    uint32_t spare = (last / BLOCK + 1) * BLOCK; /* a block of its own: the base of nodes without children */
    if (spare == b->count && !grow(b))
        return false;
    b->count = spare + BLOCK;
    for (uint32_t i = 0; i < b->count; i++) {
        if (!b->used[i]) {
            uint32_t label = 0;
            while (label < BLOCK && b->base_used[i ^ label])
                label++;
            if (label == BLOCK)
                return false; /* cannot be: a base is used only if it has a child in its block */
            b->units[i] = (struct trie_unit){label, TRIE_NONE};
        } else if (b->units[i].base_label >> 8 == 0) {
            b->units[i].base_label |= spare << 8;
        }
    }
    for (uint32_t i = 0; i < BLOCK; i++) /* reached from `spare` by byte i alone, which is not its label */
        b->units[spare + i].base_label = spare << 8 | (i ^ 1);
    return true;
}

static bool check_keys(const uint8_t *keys, const uint32_t *ends, uint32_t count, struct error *error) {
    for (uint32_t k = 0; k < count; k++) {
        uint32_t at = k == 0 ? 0 : ends[k - 1];
        if (ends[k] <= at || ends[k] - at > 2048)
            return error_set(error, ERROR_INPUT, "key %u is empty or longer than 2048 bytes", k);
        if (k == 0)
            continue;
        uint32_t before = k == 1 ? 0 : ends[k - 2], len = at - before, own = ends[k] - at;
        int order = memcmp(keys + before, keys + at, len < own ? len : own);
        if (order > 0 || (order == 0 && len >= own))
            return error_set(error, ERROR_INPUT, "key %u is not behind the key before it", k);
    }
    return true;
}

bool trie_build(const uint8_t *keys, const uint32_t *ends, const uint32_t *values, uint32_t count,
                struct trie_unit **units, uint32_t *unit_count, struct error *error) {
    if (!check_keys(keys, ends, count, error))
        return false;
    struct builder b = {.keys = keys, .ends = ends, .values = values};
    bool good = grow(&b);
    if (good) {
        take(&b, 0);
        b.units[0] = (struct trie_unit){0, TRIE_NONE}; /* its label is 0, and 0 is no base */
        good = (count == 0 || place(&b, 0, 0, count, 0)) && close_units(&b);
    }
    free(b.used);
    free(b.base_used);
    free(b.next);
    free(b.prev);
    if (!good) {
        free(b.units);
        return error_set(error, ERROR_LIMIT, "the trie is too large or memory ran out");
    }
    *units = b.units;
    *unit_count = b.count;
    return true;
}

bool trie_check(const struct trie *trie, struct error *error) {
    if (trie->unit_count < BLOCK || trie->unit_count % BLOCK != 0 || trie->unit_count > UNITS_MAX)
        return error_set(error, ERROR_CORRUPT, "a trie of %u units", trie->unit_count);
    for (uint32_t i = 0; i < trie->unit_count; i++) {
        struct trie_unit unit = trie->units[i];
        if (unit.base_label >> 8 >= trie->unit_count)
            return error_set(error, ERROR_CORRUPT, "unit %u has its children outside the trie", i);
        if (unit.value != TRIE_NONE && unit.value >= trie->value_bound)
            return error_set(error, ERROR_CORRUPT, "unit %u has the value %u, expected below %u", i, unit.value,
                             trie->value_bound);
    }
    return true;
}
