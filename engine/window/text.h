/* A string that an entry keeps, as one word: up to seven bytes lie in the word itself (its lowest byte is length * 2 + 1),
 * longer ones in a block of the stripe's pool, shared by entries that follow each other with the same string (a card is
 * mostly in one country). 0: no string. */
#ifndef ASSAY_WINDOW_TEXT_H
#define ASSAY_WINDOW_TEXT_H

#include <stdint.h>
#include <string.h>

#include "../base/arena.h"
#include "../base/assert.h"
#include "../base/str.h"
#include "pool.h"

struct text_block {
    uint32_t len, users;
    char bytes[];
};

/* The string of a word; it lies in the word, or lives as long as an entry holds it. */
static inline struct str text_of(const uint64_t *word) {
    if (*word & 1)
        return (struct str){(const char *)word + 1, *word >> 1 & 7}; /* little-endian */
    const struct text_block *block = (const struct text_block *)(uintptr_t)*word;
    return block == NULL ? (struct str){NULL, 0} : (struct str){block->bytes, block->len};
}

/* The word for a string; `before` is a word of the same column that may be shared, or 0. 0: no memory. */
static inline uint64_t text_make(struct pool *pool, struct budget *budget, struct str text, uint64_t before) {
    if (text.len <= 7) {
        uint64_t word = text.len << 1 | 1;
        if (text.len > 0)
            memcpy((char *)&word + 1, text.p, text.len);
        return word;
    }
    if (before != 0 && !(before & 1) && str_equal(text_of(&before), text)) {
        struct text_block *block = (struct text_block *)(uintptr_t)before;
        block->users++;
        return before;
    }
    struct text_block *block = pool_take(pool, budget, sizeof *block + text.len);
    if (block == NULL)
        return 0;
    *block = (struct text_block){.len = (uint32_t)text.len, .users = 1};
    memcpy(block->bytes, text.p, text.len);
    return (uint64_t)(uintptr_t)block;
}

/* A word for a string that nobody keeps, in the arena. 0: it is full. */
static inline uint64_t text_borrow(struct arena *arena, struct str text) {
    if (text.len <= 7)
        return text_make(NULL, NULL, text, 0);
    struct text_block *block = arena_alloc(arena, sizeof *block + text.len);
    if (block == NULL)
        return 0;
    *block = (struct text_block){.len = (uint32_t)text.len, .users = 1};
    memcpy(block->bytes, text.p, text.len);
    return (uint64_t)(uintptr_t)block;
}

static inline void text_free(struct pool *pool, struct budget *budget, uint64_t word) {
    if (word == 0 || (word & 1))
        return;
    struct text_block *block = (struct text_block *)(uintptr_t)word;
    ASSERT(block->users > 0);
    if (--block->users == 0)
        pool_give(pool, budget, block, sizeof *block + block->len);
}

#endif
