/* A set that counts (multiset.h). Called by index.c for `distinct` and `seen` over busy keys. */
#include "multiset.h"

#include <string.h>

#include "../base/assert.h"

enum { FIRST_SLOTS = 16 };

/* Hashes of strings are keyed already; numbers are spread so that neighbours do not run together. */
static uint32_t home_of(const struct multiset *set, const struct identity *value) {
    return (uint32_t)((value->low * 0x9e3779b97f4a7c15u ^ value->high) >> 32) & (set->capacity - 1);
}

static struct counted *probe(const struct multiset *set, const struct identity *value) {
    for (uint32_t i = home_of(set, value);; i = (i + 1) & (set->capacity - 1)) {
        struct counted *slot = &set->slots[i];
        if (slot->count == 0 || (slot->value.low == value->low && slot->value.high == value->high))
            return slot;
    }
}

uint64_t multiset_count(const struct multiset *set, const struct identity *value) {
    return set->capacity == 0 ? 0 : probe(set, value)->count;
}

static void grow(struct multiset *set, const struct index_room *room) {
    struct multiset bigger = {.capacity = set->capacity == 0 ? FIRST_SLOTS : set->capacity * 2, .used = set->used};
    ASSERT(bigger.capacity > set->capacity);
    size_t bytes = (size_t)bigger.capacity * sizeof *bigger.slots;
    bigger.slots = pool_must_take(room->pool, room->budget, bytes);
    memset(bigger.slots, 0, bytes);
    for (uint32_t i = 0; i < set->capacity; i++)
        if (set->slots[i].count > 0)
            *probe(&bigger, &set->slots[i].value) = set->slots[i];
    if (set->slots != NULL)
        pool_give(room->pool, room->budget, set->slots, (size_t)set->capacity * sizeof *set->slots);
    *set = bigger;
}

void multiset_add(struct multiset *set, const struct index_room *room, const struct identity *value) {
    if ((uint64_t)set->used * 2 >= set->capacity)
        grow(set, room);
    struct counted *slot = probe(set, value);
    set->used += slot->count == 0;
    slot->value = *value;
    slot->count++;
}

/* Closes the gap: a later slot of the run moves back unless it already lies at or after its home. */
static void remove_at(struct multiset *set, uint32_t gap) {
    uint32_t mask = set->capacity - 1;
    for (uint32_t i = (gap + 1) & mask; set->slots[i].count > 0; i = (i + 1) & mask) {
        uint32_t home = home_of(set, &set->slots[i].value);
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            set->slots[gap] = set->slots[i];
            gap = i;
        }
    }
    set->slots[gap].count = 0;
    set->used--;
}

void multiset_take(struct multiset *set, const struct identity *value) {
    ASSERT(set->capacity > 0);
    struct counted *slot = probe(set, value);
    ASSERT(slot->count > 0);
    if (--slot->count == 0)
        remove_at(set, (uint32_t)(slot - set->slots));
}

void multiset_clear(struct multiset *set, const struct index_room *room) {
    if (set->slots != NULL)
        pool_give(room->pool, room->budget, set->slots, (size_t)set->capacity * sizeof *set->slots);
    *set = (struct multiset){0};
}
