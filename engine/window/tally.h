/* What is reckoned over a set of entries, so that it can be put together from parts: counts, exact sums, sums of squares,
 * the least and the most. A window's read reckons one tally over what it covers; a busy key's index (index.h) keeps the
 * tallies of whole runs of entries, so that a read adds a few of those instead of every entry.
 *
 * Entries come from the newest to the oldest, except for tally_add_newest. That order decides between equal values (the
 * older one is given, as Python's min and max do) and what NaN does (it wins if it is the oldest, and is passed over
 * otherwise). */
#ifndef ASSAY_WINDOW_TALLY_H
#define ASSAY_WINDOW_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/arena.h"
#include "../base/value.h"
#include "chunk.h"
#include "exact.h"

enum tally_kind { TALLY_COUNT, TALLY_FLOATS, TALLY_INTS, TALLY_SQUARES, TALLY_LEAST, TALLY_MOST };

/* Over which entries: those whose where holds (-1: all) and whose value in the column is not None (-1: all, count only). */
struct measure {
    enum tally_kind kind;
    int32_t column, where;
    uint32_t offset; /* of its tally among the tallies of one child */
};

struct floats {
    struct exact sum;
    uint64_t count;
    uint64_t strange_count; /* values that are neither numbers nor None: the sum is an error */
};

struct ints {
    __int128 sum;
    uint64_t strange_count;
};

struct squares {
    struct floats floats;
    uint64_t words[6]; /* the sum of the squares of the values as taken, in units of 2^-192 */
};

/* A value as an entry keeps it. */
struct kept {
    uint64_t low, text;
    uint8_t tag; /* V_NONE: there is none */
};

struct extreme {
    struct kept oldest, best; /* best: of all but NaN */
};

union tally {
    uint64_t count;
    struct floats floats;
    struct ints ints;
    struct squares squares;
    struct extreme extreme;
};

/* Bytes that a tally of this kind takes, a multiple of 16. */
uint32_t tally_bytes(enum tally_kind kind);

/* An empty tally is all zero. `value` is newer than all so far (its text, if it has one, must outlive the tally). */
void tally_add_newest(union tally *tally, enum tally_kind kind, const struct kept *value);
/* Adds those entries of the chunk whose bits are set, which are all older than all so far. The bits need not respect
 * the measure's where. */
void tally_add_older(union tally *tally, const struct measure *measure, const struct layout *layout,
                     const struct chunk *chunk, uint64_t bits);
void tally_merge_older(union tally *tally, enum tally_kind kind, const union tally *older);

struct kept chunk_kept(const struct layout *layout, const struct chunk *chunk, uint32_t column, uint32_t i);
/* The value; a string is copied into the arena. *failed: it is full. */
struct value kept_value(const struct kept *kept, struct arena *arena, bool *failed);

/* What Python's min or max gives; its tag is V_NONE if there is nothing. */
const struct kept *extreme_value(const struct extreme *extreme);

/* statistics.stdev of what the tally covers, to the bit; at least two values, none beyond the range or strange. */
double squares_stdev(const struct squares *squares);

#endif
