/* A bump allocator for one request: everything is freed at once by arena_reset, which keeps the blocks, so that a warm
 * thread allocates nothing. Owned by one thread. Memory is aligned to 16 bytes and not zeroed. */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first, *current;
    size_t used_bytes;  /* in `current` */
    size_t total_bytes; /* handed out since the last reset */
    size_t limit_bytes;
};

void arena_init(struct arena *arena, size_t limit_bytes);
void arena_release(struct arena *arena);
/* NULL when limit_bytes would be passed or the system has no memory; the caller answers with its own limit error. */
void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_copy(struct arena *arena, const void *bytes, size_t length);
void arena_reset(struct arena *arena);
/* Takes back what was handed out after `mark`, a copy of the arena from which something had been allocated before. */
static inline void arena_rewind(struct arena *arena, const struct arena *mark) {
    arena->current = mark->current;
    arena->used_bytes = mark->used_bytes;
    arena->total_bytes = mark->total_bytes;
}

#endif
