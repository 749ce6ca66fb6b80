/* Rows of numbers by token id (text.embed): the part `embedding/N` of a bundle, verified as hostile when it is opened and
 * immutable then. The part, little endian:
 *
 *   "ASSAYEMB"  u32 version (1)  u32 kind (0: float32, 1: int8)  u32 rows  u32 width
 *   kind 1: f32 scales[rows]     an item is its int8 times its row's scale, in doubles
 *   f32 or i8 items[rows][width]
 *
 * and not a byte more. Numbers are finite, and none is -0.0. */
#ifndef ASSAY_TEXT_EMBEDDING_H
#define ASSAY_TEXT_EMBEDDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"

enum embedding_pool { POOL_MEAN, POOL_MAX, POOL_FIRST, POOLS };

struct embedding {
    const char *items, *scales; /* in the part, which outlives this; not aligned */
    uint32_t rows, width;
    bool int8;
};

bool embedding_open(struct embedding *embedding, const void *part, size_t len, struct error *error);

/* Adds a row to the pooled ones in out[width]. `first`: it is the first of them. Of POOL_MEAN out is the sum then. */
void embedding_add(const struct embedding *embedding, uint32_t row, enum embedding_pool pool, bool first, double *out);

#endif
