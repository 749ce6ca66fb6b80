/* Blocks of a stripe's memory (pool.h). Called by stripe.c for chunks and texts, and by index.c for what a busy key has
 * beside its chunks. */
#include "pool.h"

#include <stdlib.h>

#include "../base/assert.h"

enum { FIRST_SLAB_BYTES = 4096, LAST_SLAB_BYTES = 256 * 1024 };

struct slab {
    struct slab *next;
    _Alignas(16) char bytes[];
};

bool budget_take(struct budget *budget, size_t bytes) {
    size_t before = atomic_fetch_add_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
    if (budget->limit_bytes == 0 || before + bytes <= budget->limit_bytes)
        return true;
    atomic_fetch_sub_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
    return false;
}

void budget_give(struct budget *budget, size_t bytes) {
    size_t before = atomic_fetch_sub_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
    ASSERT(before >= bytes);
}

void pool_release(struct pool *pool) {
    for (struct slab *slab = pool->slabs, *next; slab != NULL; slab = next) {
        next = slab->next;
        free(slab);
    }
    *pool = (struct pool){0};
}

/* Counted whether or not it passes the limit, if it must be. */
static bool charge(struct budget *budget, size_t bytes, bool must) {
    if (!must)
        return budget_take(budget, bytes);
    atomic_fetch_add_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
    return true;
}

static void *from_system(struct budget *budget, size_t bytes, bool must) {
    if (!charge(budget, bytes, must))
        return NULL;
    void *block = malloc(bytes);
    if (block == NULL)
        budget_give(budget, bytes);
    return block;
}

static bool grow(struct pool *pool, struct budget *budget, size_t least, bool must) {
    size_t bytes = pool->slab_bytes > 0 ? pool->slab_bytes : FIRST_SLAB_BYTES;
    if (bytes < least + sizeof(struct slab))
        bytes = least + sizeof(struct slab);
    struct slab *slab = from_system(budget, bytes, must);
    if (slab == NULL)
        return false;
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->at = slab->bytes;
    pool->end = (char *)slab + bytes;
    size_t next = pool->slab_bytes > 0 ? pool->slab_bytes * 2 : FIRST_SLAB_BYTES * 2;
    pool->slab_bytes = next < LAST_SLAB_BYTES ? next : LAST_SLAB_BYTES;
    return true;
}

static void *cut(struct pool *pool, struct budget *budget, size_t bytes, bool must) {
    ASSERT(bytes > 0 && bytes % 16 == 0);
    if ((size_t)(pool->end - pool->at) < bytes && !grow(pool, budget, bytes, must))
        return NULL; /* what is left of the last slab is lost: less than one block */
    void *block = pool->at;
    pool->at += bytes;
    return block;
}

void *pool_cut(struct pool *pool, struct budget *budget, size_t bytes) { return cut(pool, budget, bytes, false); }

static unsigned class_of(size_t bytes) {
    ASSERT(bytes <= POOL_BLOCK_BYTES_MAX);
    return bytes <= 16 ? 0 : 60u - (unsigned)__builtin_clzll(bytes - 1);
}

static void *take(struct pool *pool, struct budget *budget, size_t bytes, bool must) {
    if (bytes > POOL_BLOCK_BYTES_MAX)
        return from_system(budget, bytes, must);
    unsigned class = class_of(bytes);
    void *block = pool->free_blocks[class];
    if (block == NULL)
        return cut(pool, budget, (size_t)16 << class, must);
    pool->free_blocks[class] = *(void **)block;
    return block;
}

void *pool_take(struct pool *pool, struct budget *budget, size_t bytes) { return take(pool, budget, bytes, false); }

void *pool_must_take(struct pool *pool, struct budget *budget, size_t bytes) {
    void *block = take(pool, budget, bytes, true);
    ASSERT(block != NULL);
    return block;
}

void pool_give(struct pool *pool, struct budget *budget, void *block, size_t bytes) {
    ASSERT(block != NULL);
    if (bytes > POOL_BLOCK_BYTES_MAX) {
        free(block);
        budget_give(budget, bytes);
        return;
    }
    unsigned class = class_of(bytes);
    *(void **)block = pool->free_blocks[class];
    pool->free_blocks[class] = block;
}
