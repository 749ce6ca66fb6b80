/* One part of the window store (stripe.h). Memory comes from the stripe's pool; a freed chunk goes to the free list of its
 * stream and class and is the next one given out, so that in the steady state nothing is allocated. */
#include "stripe.h"

#include <stdlib.h>
#include <string.h>

#include "../base/assert.h"
#include "text.h"

enum {
    FIRST_SLOTS = 16,
    SWEEP_EVERY = 8,  /* entries between two sweeps of a stripe */
    SWEEP_SLOTS = 32, /* slots a sweep looks at: four an entry, so a sweep outruns the growth of the table */
};

bool stripe_init(struct stripe *stripe, struct store *store) {
    memset(stripe, 0, sizeof *stripe);
    stripe->free_chunks = calloc((size_t)store->stream_count * CHUNK_CLASSES + 1, sizeof(struct chunk *));
    if (stripe->free_chunks == NULL)
        return false;
    if (pthread_mutex_init(&stripe->lock, NULL) != 0) {
        free(stripe->free_chunks);
        return false;
    }
    return true;
}

void stripe_release(struct stripe *stripe, struct store *store) {
    for (uint32_t i = 0; i < stripe->capacity; i++) /* what the pool does not hold: large blocks of indexes */
        if (stripe->slots[i].index != NULL) {
            const struct index_room room = room_of(stripe, store, stripe->slots[i].stream);
            index_free(&room, stripe->slots[i].index);
        }
    pthread_mutex_destroy(&stripe->lock);
    free(stripe->free_chunks);
    free(stripe->slots);
    pool_release(&stripe->pool);
    memset(stripe, 0, sizeof *stripe);
}

/* --- the table of keys --- */

static bool is_free(const struct slot *slot) { return (slot->hash.low | slot->hash.high) == 0; }

void stripe_prefetch(const struct stripe *stripe, struct hash128 hash) {
    struct slot *slots = atomic_load_explicit(&stripe->slots, memory_order_relaxed);
    uint32_t capacity = atomic_load_explicit(&stripe->capacity, memory_order_relaxed);
    if (capacity > 0) /* the two may be of different moments: it is only a hint */
        __builtin_prefetch((const void *)((uintptr_t)slots + (hash.low & (capacity - 1)) * sizeof(struct slot)));
}

/* The key's slot, or the free one where it would go; NULL in a table without room at all. */
static struct slot *probe(const struct stripe *stripe, struct hash128 hash) {
    uint32_t capacity = stripe->capacity;
    struct slot *slots = stripe->slots;
    for (uint32_t i = 0; i < capacity; i++) {
        struct slot *slot = &slots[(hash.low + i) & (capacity - 1)];
        if (hash128_equal(slot->hash, hash) || is_free(slot))
            return slot;
    }
    ASSERT(capacity == 0); /* a quarter of the slots is always free */
    return NULL;
}

struct slot *stripe_find(const struct stripe *stripe, struct hash128 hash) {
    ASSERT((hash.low | hash.high) != 0);
    struct slot *slot = probe(stripe, hash);
    return slot == NULL || is_free(slot) ? NULL : slot;
}

static bool grow(struct stripe *stripe, struct store *store, uint32_t capacity) {
    ASSERT((capacity & (capacity - 1)) == 0 && capacity > stripe->capacity);
    size_t bytes = (size_t)capacity * sizeof(struct slot);
    if (!budget_take(&store->budget, bytes))
        return false;
    struct slot *fresh = aligned_alloc(64, bytes), *old = stripe->slots;
    if (fresh == NULL) {
        budget_give(&store->budget, bytes);
        return false;
    }
    memset(fresh, 0, bytes);
    uint32_t old_capacity = stripe->capacity;
    atomic_store_explicit(&stripe->slots, fresh, memory_order_relaxed);
    atomic_store_explicit(&stripe->capacity, capacity, memory_order_relaxed);
    for (uint32_t i = 0; i < old_capacity; i++)
        if (!is_free(&old[i]))
            *probe(stripe, old[i].hash) = old[i];
    free(old);
    budget_give(&store->budget, (size_t)old_capacity * sizeof(struct slot));
    return true;
}

bool stripe_reserve(struct stripe *stripe, struct store *store, uint32_t more) {
    uint64_t needed = (uint64_t)stripe->used + more;
    uint64_t capacity = stripe->capacity > 0 ? stripe->capacity : FIRST_SLOTS;
    while (needed * 4 > capacity * 3)
        capacity *= 2;
    ASSERT(capacity <= 1u << 31);
    return capacity == stripe->capacity || grow(stripe, store, (uint32_t)capacity);
}

/* Frees a slot and closes the gap: a later slot of the run moves back unless it already lies at or after its home. */
static void remove_slot(struct stripe *stripe, struct slot *slot) {
    ASSERT(!is_free(slot) && slot->oldest == NULL);
    struct slot *slots = stripe->slots;
    uint32_t mask = stripe->capacity - 1, gap = (uint32_t)(slot - slots);
    for (uint32_t i = (gap + 1) & mask; !is_free(&slots[i]); i = (i + 1) & mask) {
        uint32_t home = (uint32_t)slots[i].hash.low & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            slots[gap] = slots[i];
            gap = i;
        }
    }
    memset(&slots[gap], 0, sizeof slots[gap]);
    stripe->used--;
}

/* --- chunks --- */

static struct chunk *chunk_take(struct stripe *stripe, struct store *store, uint32_t stream, uint32_t size) {
    ASSERT(stream < store->stream_count && size < CHUNK_CLASSES);
    const struct chunk_class *class = &store->layouts[stream].classes[size];
    struct chunk **free_list = &stripe->free_chunks[stream * CHUNK_CLASSES + size], *chunk = *free_list;
    if (chunk != NULL) {
        *free_list = chunk->older;
    } else {
        chunk = pool_cut(&stripe->pool, &store->budget, class->bytes);
        if (chunk == NULL)
            return NULL;
    }
    *chunk = (struct chunk){.size = (uint16_t)size};
    memset((char *)chunk + class->planes, 0, class->bytes - class->planes);
    return chunk;
}

static void chunk_give(struct stripe *stripe, uint32_t stream, struct chunk *chunk) {
    struct chunk **free_list = &stripe->free_chunks[stream * CHUNK_CLASSES + chunk->size];
    chunk->older = *free_list;
    *free_list = chunk;
}

/* --- strings that entries keep --- */

bool stripe_take_texts(struct stripe *stripe, struct store *store, const struct place *place, const struct cell *cells,
                       uint64_t *texts) {
    const struct layout *layout = &store->layouts[place->slot->stream];
    const struct chunk *newest = place->slot->newest;
    for (uint32_t c = 0; c < layout->column_count; c++) {
        texts[c] = 0;
        if (layout->text_index[c] < 0 || cells[c].tag != V_STR)
            continue;
        uint64_t before = newest != NULL ? *chunk_text(layout, newest, c, newest->count - 1u) : 0;
        texts[c] = text_make(&stripe->pool, &store->budget, cells[c].text, before);
        if (texts[c] == 0) {
            while (c-- > 0)
                text_free(&stripe->pool, &store->budget, texts[c]);
            return false;
        }
    }
    return true;
}

void stripe_give_texts(struct stripe *stripe, struct store *store, uint32_t stream, const uint64_t *texts) {
    for (uint32_t c = 0; c < store->layouts[stream].column_count; c++)
        text_free(&stripe->pool, &store->budget, texts[c]);
}

static void give_texts_of(struct stripe *stripe, struct store *store, const struct layout *layout,
                          const struct chunk *chunk) {
    for (uint32_t c = 0; c < layout->column_count; c++)
        for (uint32_t i = 0; layout->text_index[c] >= 0 && i < chunk->count; i++)
            text_free(&stripe->pool, &store->budget, *chunk_text(layout, chunk, c, i));
}

/* --- entering --- */

static struct slot *find_or_make(struct stripe *stripe, struct hash128 hash, uint32_t stream) {
    struct slot *slot = probe(stripe, hash);
    ASSERT(slot != NULL);
    if (is_free(slot)) {
        *slot = (struct slot){.hash = hash, .stream = stream};
        stripe->used++;
        ASSERT((uint64_t)stripe->used * 4 <= (uint64_t)stripe->capacity * 3);
    }
    ASSERT(slot->stream == stream);
    return slot;
}

/* The class of a key's next newest chunk: small beside what the key holds, since a chunk goes only when its last entry
 * is old. */
static uint32_t size_for(uint64_t entries) { return entries < 8 ? 0 : entries < 64 ? 1 : 2; }

bool stripe_place(struct stripe *stripe, struct store *store, struct hash128 hash, uint32_t stream, int64_t at_us,
                  uint64_t seq, struct place *place) {
    const struct layout *layout = &store->layouts[stream];
    *place = (struct place){.slot = find_or_make(stripe, hash, stream)};
    struct chunk *newest = place->slot->newest, *chunk = newest;
    if (place->slot->index != NULL)
        chunk = index_find(place->slot->index, at_us);
    while (chunk != NULL && chunk->older != NULL && chunk_count_before(layout, chunk, at_us, seq) == 0)
        chunk = chunk->older; /* an entry that comes before a whole chunk goes to the one before it */
    uint32_t size = 0;
    if (chunk != NULL) {
        place->index = chunk_count_before(layout, chunk, at_us, seq);
        if (place->index == chunk->count && chunk_full(layout, chunk) && chunk != newest) {
            chunk = chunk->newer; /* between two chunks: the newer one may have room */
            place->index = 0;
        }
        if (!chunk_full(layout, chunk)) {
            place->chunk = chunk;
            return true;
        }
        place->split = chunk != newest || place->index < chunk->count;
        size = place->split ? chunk->size : size_for(place->slot->entries);
        if (place->split)
            place->chunk = chunk;
    }
    place->fresh = chunk_take(stripe, store, stream, size);
    if (place->fresh == NULL)
        stripe_unplace(stripe, place);
    return place->fresh != NULL;
}

void stripe_unplace(struct stripe *stripe, struct place *place) {
    if (place->fresh != NULL)
        chunk_give(stripe, place->slot->stream, place->fresh);
    if (place->slot->newest == NULL)
        remove_slot(stripe, place->slot);
    place->slot = NULL;
}

static void link_after(struct slot *slot, struct chunk *older, struct chunk *fresh) {
    fresh->older = older;
    fresh->newer = older != NULL ? older->newer : NULL;
    if (fresh->newer != NULL)
        fresh->newer->older = fresh;
    else
        slot->newest = fresh;
    if (older != NULL)
        older->newer = fresh;
    else
        slot->oldest = fresh;
}

/* Tells the key's index what has come, or makes one for a key that has become busy. */
static void keep_index(struct stripe *stripe, struct store *store, struct slot *slot, struct chunk *fresh,
                       struct chunk *chunk, uint32_t i) {
    const struct index_room room = room_of(stripe, store, slot->stream);
    if (slot->index == NULL) {
        if (slot->entries >= INDEX_FROM)
            slot->index = index_make(&room, slot->oldest);
        return;
    }
    if (fresh != NULL)
        index_add_chunk(&room, slot->index, fresh);
    index_add_entry(&room, slot->index, chunk, i, fresh != NULL);
}

void stripe_insert(struct stripe *stripe, struct store *store, struct place *place, const struct entry *entry) {
    struct slot *slot = place->slot;
    const struct layout *layout = &store->layouts[slot->stream];
    struct chunk *chunk = place->chunk;
    uint32_t index = place->index;
    if (chunk == NULL) {
        chunk = place->fresh;
        index = 0;
        link_after(slot, slot->newest, chunk);
    } else if (place->split) {
        uint32_t half = chunk->count / 2u;
        chunk_split(layout, chunk, place->fresh, half);
        link_after(slot, chunk, place->fresh);
        if (index > half) {
            chunk = place->fresh;
            index -= half;
        }
    }
    chunk_insert(layout, chunk, index, entry);
    slot->entries++;
    stripe->entries++;
    ASSERT(slot->oldest != NULL && slot->newest->newer == NULL && slot->oldest->older == NULL);
    keep_index(stripe, store, slot, place->fresh, chunk, index);
}

/* --- expiry --- */

/* Not worth its upkeep any more. */
static void drop_index(struct stripe *stripe, struct store *store, struct slot *slot) {
    const struct index_room room = room_of(stripe, store, slot->stream);
    index_free(&room, slot->index);
    slot->index = NULL;
}

bool stripe_expire(struct stripe *stripe, struct store *store, struct slot *slot, int64_t horizon_us) {
    ASSERT(!is_free(slot) && slot->oldest != NULL);
    const struct index_room room = room_of(stripe, store, slot->stream);
    struct chunk *chunk = slot->oldest;
    while (chunk != NULL && chunk->times[chunk->count - 1] <= horizon_us) {
        struct chunk *newer = chunk->newer;
        if (slot->index != NULL && (slot->entries < INDEX_UNTIL || newer == NULL))
            drop_index(stripe, store, slot);
        if (slot->index != NULL)
            index_remove_oldest(&room, slot->index, chunk);
        slot->entries -= chunk->count;
        stripe->entries -= chunk->count;
        give_texts_of(stripe, store, room.layout, chunk);
        chunk_give(stripe, slot->stream, chunk);
        if (newer != NULL)
            newer->older = NULL;
        chunk = slot->oldest = newer;
    }
    if (chunk != NULL)
        return false;
    ASSERT(slot->entries == 0 && slot->index == NULL);
    slot->newest = NULL;
    remove_slot(stripe, slot);
    return true;
}

void stripe_sweep(struct stripe *stripe, struct store *store, const int64_t *horizons) {
    ASSERT(stripe->capacity > 0);
    if (++stripe->turn % SWEEP_EVERY != 0)
        return;
    struct slot *slots = stripe->slots;
    uint32_t mask = stripe->capacity - 1;
    for (uint32_t i = 0; i < SWEEP_SLOTS && i <= mask; i++) {
        struct slot *slot = &slots[stripe->swept & mask];
        if (is_free(slot) || !stripe_expire(stripe, store, slot, horizons[slot->stream]))
            stripe->swept++; /* a freed slot may have been filled from further on: look again */
    }
}
