/* The request's bump allocator (arena.h): a chain of blocks, each at least BLOCK_BYTES. arena_reset goes back to the first
 * block and frees only blocks beyond KEEP_BYTES, so that one huge request does not keep its memory for ever. */
#include "arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "assert.h"

enum { BLOCK_BYTES = 64 * 1024, KEEP_BYTES = 4 * 1024 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t size_bytes;
    _Alignas(ARENA_ALIGNMENT) char bytes[];
};

void arena_init(struct arena *arena, size_t limit_bytes) {
    ASSERT(limit_bytes > 0);
    *arena = (struct arena){.limit_bytes = limit_bytes};
}

void arena_release(struct arena *arena) {
    for (struct arena_block *block = arena->first, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (struct arena){.limit_bytes = arena->limit_bytes};
}

/* All of the block is free; NULL: there is none yet. */
static void enter(struct arena *arena, struct arena_block *block) {
    arena->current = block;
    arena->at = block != NULL ? block->bytes : NULL;
    arena->left_bytes = block != NULL ? block->size_bytes : 0;
}

/* Moves to a block with room for `bytes`: the next one of an earlier request if it is large enough, else a new one. */
static bool next_block(struct arena *arena, size_t bytes) {
    struct arena_block *next = arena->current != NULL ? arena->current->next : arena->first;
    if (next == NULL || next->size_bytes < bytes) {
        size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        struct arena_block *block = malloc(sizeof *block + size);
        if (block == NULL)
            return false;
        block->size_bytes = size;
        block->next = next;
        if (arena->current != NULL)
            arena->current->next = block;
        else
            arena->first = block;
        next = block;
    }
    enter(arena, next);
    return true;
}

void *arena_alloc_more(struct arena *arena, size_t bytes) {
    ASSERT(arena->total_bytes <= arena->limit_bytes);
    if (bytes > arena->limit_bytes - arena->total_bytes)
        return NULL;
    size_t rounded = arena_rounded(bytes);
    if (!next_block(arena, rounded))
        return NULL;
    ASSERT(rounded <= arena->left_bytes);
    return arena_alloc(arena, bytes);
}

void *arena_copy(struct arena *arena, const void *bytes, size_t length) {
    void *result = arena_alloc(arena, length);
    if (result != NULL && length > 0)
        memcpy(result, bytes, length);
    return result;
}

void arena_reset(struct arena *arena) {
    size_t kept = 0;
    struct arena_block **link = &arena->first;
    while (*link != NULL) {
        struct arena_block *block = *link;
        if (kept + block->size_bytes > KEEP_BYTES && kept > 0) {
            *link = block->next;
            free(block);
        } else {
            kept += block->size_bytes;
            link = &block->next;
        }
    }
    enter(arena, arena->first);
    arena->total_bytes = 0;
}

void arena_rewind(struct arena *arena, const struct arena *mark) {
    if (mark->current == NULL) {
        enter(arena, arena->first);
    } else {
        arena->current = mark->current;
        arena->at = mark->at;
        arena->left_bytes = mark->left_bytes;
    }
    arena->total_bytes = mark->total_bytes;
    arena->limit_bytes = mark->limit_bytes;
}
