/* The memory of a stripe: slabs that grow from 4 KiB to 256 KiB and stay with it, cut into blocks of sizes that are powers
 * of two, from 16 bytes to 64 KiB, with a free list each; a larger block comes from the system by itself. In the steady
 * state nothing is allocated. Every byte is counted in the budget that all stripes share. The caller holds the stripe's
 * lock. */
#ifndef ASSAY_WINDOW_POOL_H
#define ASSAY_WINDOW_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { POOL_CLASSES = 13, POOL_BLOCK_BYTES_MAX = 16 << (POOL_CLASSES - 1) };

struct budget {
    size_t limit_bytes; /* 0: no limit */
    _Atomic size_t used_bytes;
};

/* False, and nothing taken, if the limit would be passed. */
bool budget_take(struct budget *budget, size_t bytes);
void budget_give(struct budget *budget, size_t bytes);

struct pool {
    struct slab *slabs;
    char *at, *end;
    size_t slab_bytes; /* of the next slab; 0: the first */
    void *free_blocks[POOL_CLASSES];
};

/* Frees the slabs; larger blocks must have been given back. */
void pool_release(struct pool *pool);
/* Memory that is never given back to the pool (its caller keeps a free list), aligned to 16 bytes, not zeroed; NULL over
 * the budget or without memory. */
void *pool_cut(struct pool *pool, struct budget *budget, size_t bytes);
/* A block, not zeroed; NULL over the budget or without memory. */
void *pool_take(struct pool *pool, struct budget *budget, size_t bytes);
/* The same for what must be had: counted, but never refused; a system without memory ends the process. */
void *pool_must_take(struct pool *pool, struct budget *budget, size_t bytes);
/* Gives back a block of pool_take(bytes) or pool_must_take(bytes). */
void pool_give(struct pool *pool, struct budget *budget, void *block, size_t bytes);

#endif
