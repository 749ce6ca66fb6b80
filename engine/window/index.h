/* What a busy key has beside its chunks, so that a read costs the logarithm of its entries:
 *
 *   - a B+ tree over the chunks, oldest to newest. A child's times and tallies (tally.h), of every measure that the
 *     stream's windows use, stand in its parent, so a range of time is a few whole children and two chunks at its ends.
 *   - for each distinct use (`distinct` and `seen` windows: a column, a where, a window's length and delay), the values
 *     between two moments with how often each is there. A read moves the two moments to where it needs them, which costs
 *     what lies between: next to nothing for events that come in order. There are two such sets, one for the newest reads
 *     and one for those behind them; a late event's read costs what lies between it and the late one before.
 *
 * It is made when a key passes INDEX_FROM entries and given up below INDEX_UNTIL. It holds nothing that the chunks do
 * not say, so no value depends on whether a key has one. Its memory is counted but never refused. Needs the lock of the
 * key's stripe. */
#ifndef ASSAY_WINDOW_INDEX_H
#define ASSAY_WINDOW_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk.h"
#include "pool.h"
#include "tally.h"

enum { NODE_CHILDREN = 16, NODE_LEVELS_MAX = 16, INDEX_FROM = 192, INDEX_UNTIL = 96 };

struct node {
    struct node *parent;
    uint16_t count, level; /* level 0: the children are chunks */
    int64_t oldest_us[NODE_CHILDREN], newest_us[NODE_CHILDREN];
    void *children[NODE_CHILDREN];
    _Alignas(16) char tallies[]; /* per child layout->tally_bytes */
};

/* What `distinct` and `seen` windows of the same reach share. */
struct distinct_use {
    int32_t column, where;
    int64_t over_us, delay_us;
};

struct index;

/* Memory and layout that every call needs. */
struct index_room {
    struct pool *pool;
    struct budget *budget;
    const struct layout *layout;
};

struct index *index_make(const struct index_room *room, struct chunk *oldest);
void index_free(const struct index_room *room, struct index *index);
const struct node *index_root(const struct index *index);
static inline const union tally *node_tally(const struct layout *layout, const struct node *node, uint32_t child,
                                            const struct measure *measure) {
    return (const union tally *)(const void *)(node->tallies + (size_t)child * layout->tally_bytes + measure->offset);
}

/* The newest chunk that has an entry at or before at_us; the oldest one if there is none. */
struct chunk *index_find(const struct index *index, int64_t at_us);

/* A chunk that has just been linked behind its older neighbour, as a key's newest or by a split of that neighbour. */
void index_add_chunk(const struct index_room *room, struct index *index, struct chunk *chunk);
/* The i-th entry of the chunk has just come in; `told`: together with a chunk that was added, so the tree knows. */
void index_add_entry(const struct index_room *room, struct index *index, struct chunk *chunk, uint32_t i, bool told);
/* The key's oldest chunk is about to go. */
void index_remove_oldest(const struct index_room *room, struct index *index, struct chunk *chunk);

/* A value as `distinct` and `seen` compare it: equal exactly when Python says ==. */
struct identity {
    uint64_t low, high;
};
/* False: it equals nothing (None, NaN, a tuple with a NaN in it). */
bool cell_identity(const struct cell *cell, struct identity *out);

/* How many different values lie in (low_us, high_us], each NaN counted for itself; and how often one of them does. */
struct distinct_count {
    uint64_t different, nans, sought;
};
struct distinct_count index_distinct(const struct index_room *room, struct index *index, uint32_t use, int64_t low_us,
                                     int64_t high_us, const struct identity *sought);

#endif
