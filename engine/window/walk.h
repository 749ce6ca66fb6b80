/* The entries of a key that lie in a range of time, in spans: parts of chunks and, where the key has an index, whole
 * children of its tree. */
#ifndef ASSAY_WINDOW_WALK_H
#define ASSAY_WINDOW_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk.h"
#include "index.h"

struct span {
    const struct chunk *chunk; /* NULL: a whole child, whose tally of the walk's measure is `whole` */
    uint64_t bits;             /* the places of the chunk that lie in the range */
    const union tally *whole;
};

/* Where a walk stands in one node of the tree. */
struct walk_step {
    const struct node *node;
    int next;
};

struct walk {
    const struct layout *layout;
    int64_t low_us, high_us; /* (low_us, high_us] */
    bool ascending;
    const struct measure *whole; /* children that lie in the range whole are given by their tally of it; NULL: by chunks */
    const struct measure *skip;  /* children for which this count is 0 are left out; NULL: none */
    const struct chunk *at;      /* without an index: the next chunk */
    struct walk_step steps[NODE_LEVELS_MAX];
    int depth;
};

/* Begins at the newest entries, or with `ascending` at the oldest. `index` may be NULL; `newest` is the key's newest
 * chunk, NULL if it has none. `whole` and `skip` are set by the caller before the first walk_next. */
void walk_begin(struct walk *walk, const struct layout *layout, const struct index *index, const struct chunk *newest,
                int64_t low_us, int64_t high_us, bool ascending);
bool walk_next(struct walk *walk, struct span *span);

#endif
