/* A stripe: one of the 256 parts of the window store, with its mutex, its table of keys and its pool of memory. A key
 * lies in the stripe that its hash names, so all a key's entries change under one lock. Called by window.c only; every
 * function but stripe_init, stripe_release and stripe_prefetch needs the stripe's lock.
 *
 * The table is open-addressed with linear probing, at most three quarters full, doubled when it would pass that. A slot
 * is one cache line. A slot with a zero hash is free (a key's own zero hash is made one). A key without entries has no
 * slot outside of stripe_place ... stripe_insert. */
#ifndef ASSAY_WINDOW_STRIPE_H
#define ASSAY_WINDOW_STRIPE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/hash.h"
#include "chunk.h"
#include "index.h"
#include "pool.h"

enum { STRIPES = 256 };

struct slot {
    struct hash128 hash; /* of key and stream */
    struct chunk *oldest, *newest;
    struct index *index; /* of a busy key, else NULL */
    uint64_t entries;
    uint32_t stream, unused[3];
};
_Static_assert(sizeof(struct slot) == 64 || sizeof(void *) != 8, "a slot is a cache line");

/* What all stripes share. */
struct store {
    const struct layout *layouts; /* per stream */
    uint32_t stream_count;
    struct budget budget;
};

struct stripe {
    _Alignas(128) pthread_mutex_t lock;
    _Atomic(struct slot *) slots;
    _Atomic uint32_t capacity; /* of slots: 0 or a power of two */
    uint32_t used;             /* slots with a key */
    uint32_t turn, swept;      /* entries since the start; where the sweep goes on */
    uint64_t entries;
    struct chunk **free_chunks; /* [stream * CHUNK_CLASSES + class], linked by `older` */
    struct pool pool;
};

/* False if the system has no memory. */
bool stripe_init(struct stripe *stripe, struct store *store);
void stripe_release(struct stripe *stripe, struct store *store);

/* Brings the key's likely slot into the cache; without the lock. */
void stripe_prefetch(const struct stripe *stripe, struct hash128 hash);
struct slot *stripe_find(const struct stripe *stripe, struct hash128 hash);

static inline struct index_room room_of(struct stripe *stripe, struct store *store, uint32_t stream) {
    return (struct index_room){&stripe->pool, &store->budget, &store->layouts[stream]};
}

/* Where an entry will go. */
struct place {
    struct slot *slot;
    struct chunk
        *chunk; /* goes in here, or (split) its upper half moves to `fresh` first; NULL: `fresh` becomes the newest */
    struct chunk *fresh; /* allocated, or NULL when the chunk has room */
    uint32_t index;
    bool split;
};

/* Room for `more` keys in the table. False: over the budget. */
bool stripe_reserve(struct stripe *stripe, struct store *store, uint32_t more);
/* Finds or makes the key's slot (room was reserved) and the entry's place, with memory for it. False: over the budget,
 * and nothing has changed. */
bool stripe_place(struct stripe *stripe, struct store *store, struct hash128 hash, uint32_t stream, int64_t at_us,
                  uint64_t seq, struct place *place);
/* Fills the words of the strings that an entry with these cells will keep (texts: per column). False: over the budget,
 * and no word is held. */
bool stripe_take_texts(struct stripe *stripe, struct store *store, const struct place *place, const struct cell *cells,
                       uint64_t *texts);
void stripe_give_texts(struct stripe *stripe, struct store *store, uint32_t stream, const uint64_t *texts);
/* Undoes stripe_place. */
void stripe_unplace(struct stripe *stripe, struct place *place);
/* Enters at the place; nothing else may have changed in this key since stripe_place. */
void stripe_insert(struct stripe *stripe, struct store *store, struct place *place, const struct entry *entry);

/* Frees the key's chunks whose every entry is at horizon_us or before; returns whether the slot was freed too (slots
 * may have moved then). */
bool stripe_expire(struct stripe *stripe, struct store *store, struct slot *slot, int64_t horizon_us);
/* Expires some slots further on, now and then, so that keys that nobody touches go too. `horizons` per stream. */
void stripe_sweep(struct stripe *stripe, struct store *store, const int64_t *horizons);

#endif
