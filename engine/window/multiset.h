/* How often each value is there: open addressing with linear probing, at most half full. A slot without a count is free.
 * Memory is the pool's. */
#ifndef ASSAY_WINDOW_MULTISET_H
#define ASSAY_WINDOW_MULTISET_H

#include <stdint.h>

#include "index.h"

struct counted {
    struct identity value;
    uint64_t count;
};

struct multiset {
    struct counted *slots;
    uint32_t capacity, used; /* capacity: 0 or a power of two */
};

uint64_t multiset_count(const struct multiset *set, const struct identity *value);
void multiset_add(struct multiset *set, const struct index_room *room, const struct identity *value);
/* The value is there. */
void multiset_take(struct multiset *set, const struct identity *value);
void multiset_clear(struct multiset *set, const struct index_room *room);

#endif
