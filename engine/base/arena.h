/* A bump allocator for one request: everything is freed at once by arena_reset, which keeps the blocks, so that a warm
 * thread allocates nothing. Owned by one thread. Memory is aligned to 16 bytes and not zeroed. */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first, *current;
    char *at;           /* what is free of `current` */
    size_t left_bytes;
    size_t total_bytes; /* handed out since the last reset; at most the limit */
    size_t limit_bytes;
};

enum { ARENA_ALIGNMENT = 16 };

void arena_init(struct arena *arena, size_t limit_bytes);
void arena_release(struct arena *arena);
/* NULL when limit_bytes would be passed or the system has no memory; the caller answers with its own limit error. */
static inline void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_copy(struct arena *arena, const void *bytes, size_t length);
void arena_reset(struct arena *arena);

/* Gives back all that was handed out since the arena was as in `mark`; its blocks stay. */
void arena_rewind(struct arena *arena, const struct arena *mark);

/* The slow way: a new block, or NULL. */
void *arena_alloc_more(struct arena *arena, size_t bytes);

/* What an allocation takes; one of nothing takes something, so that it is not NULL. */
static inline size_t arena_rounded(size_t bytes) {
    return (bytes + (bytes == 0) + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
}

static inline void *arena_alloc(struct arena *arena, size_t bytes) {
    size_t rounded = arena_rounded(bytes);
    if (__builtin_expect(bytes > arena->limit_bytes - arena->total_bytes || rounded > arena->left_bytes, 0))
        return arena_alloc_more(arena, bytes);
    void *result = arena->at;
    arena->at += rounded;
    arena->left_bytes -= rounded;
    arena->total_bytes += bytes;
    return result;
}

#endif
