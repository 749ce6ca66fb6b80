/* The entries of one key, in chunks ordered by (time, sequence).
 *
 * A key owns a doubly linked list of chunks, oldest to newest. A chunk holds up to 4, 16 or 64 entries (a key's first
 * chunk is small, so that the many keys with few events stay cheap) as columns:
 *
 *   header | times i64[cap] | per column: cells u64[cap] | per wide column: highs u64[cap]
 *          | per text column: texts u64[cap] (text.h) | sequences u64[cap]
 *          | per column: tags u8[cap] | per where: one bit an entry, cap / 8 bytes (at least 1)
 *
 * A cell is an entry's value in one column: a number or a time as it is, with its tag. Anything else is kept as the
 * 128-bit keyed hash of its key form (low in cells, high in highs) in columns whose values are compared (wide ones: of
 * `seen` and `distinct`), and a string as itself in columns whose values are given back (text columns: of `min`, `max`,
 * `first` and `last`). Entries of one key always lie in one stripe, so nothing here locks. */
#ifndef ASSAY_WINDOW_CHUNK_H
#define ASSAY_WINDOW_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/hash.h"
#include "../base/limits.h"
#include "../base/str.h"

enum { CHUNK_CLASSES = 3, CHUNK_ENTRIES_MAX = 64 };

struct cell {
    uint64_t low, high;
    uint8_t tag;     /* enum value_tag */
    struct str text; /* of a string that is on its way in; entries keep it as a word */
};

struct entry {
    int64_t at_us;
    uint64_t seq;
    uint64_t wheres;           /* bit i: the stream's where i holds */
    const struct cell *cells;  /* per column */
    const uint64_t *texts;     /* per column: the word that the entry will own (text columns only) */
};

struct chunk {
    struct chunk *older, *newer;
    struct node *node; /* of the key's index, if it has one (index.h) */
    uint16_t count; /* entries, never 0 in a list */
    uint16_t size;  /* chunk class: index into layout->classes */
    int64_t times[];
};

struct chunk_class {
    uint32_t capacity, bytes;
    uint32_t cells, highs, texts, sequences, tags, planes; /* offsets of the arrays from the chunk's first byte */
};

/* How a stream's chunks are laid out. */
struct layout {
    uint32_t column_count, where_count, wide_count, text_count;
    int16_t wide_index[LIMIT_STREAM_COLUMNS]; /* the column's place among the wide ones, or -1 */
    int16_t text_index[LIMIT_STREAM_COLUMNS]; /* the same among the text columns */
    struct chunk_class classes[CHUNK_CLASSES];
    /* What a key's index keeps for this stream (index.h). */
    struct measure *measures;
    struct distinct_use *distincts;
    uint32_t measure_count, distinct_count;
    uint32_t tally_bytes; /* of all measures of one child */
};

/* Fills the offsets from the counts. */
void layout_init(struct layout *layout);

/* The i-th entry's parts. */
struct cell chunk_cell(const struct layout *layout, const struct chunk *chunk, uint32_t column, uint32_t i);
/* The i-th entry's string in a text column, 0 if it is none. */
const uint64_t *chunk_text(const struct layout *layout, const struct chunk *chunk, uint32_t column, uint32_t i);
uint64_t chunk_seq(const struct layout *layout, const struct chunk *chunk, uint32_t i);
/* The where's bits of all entries; bits from count on are 0. */
uint64_t chunk_plane(const struct layout *layout, const struct chunk *chunk, uint32_t where);
/* Of these places those at which the where holds; where -1: all of them. */
static inline uint64_t chunk_where(const struct layout *layout, const struct chunk *chunk, uint64_t bits, int32_t where) {
    return where < 0 ? bits : bits & chunk_plane(layout, chunk, (uint32_t)where);
}

static inline const uint8_t *chunk_tags(const struct layout *layout, const struct chunk *chunk, uint32_t column) {
    const struct chunk_class *class = &layout->classes[chunk->size];
    return (const uint8_t *)chunk + class->tags + (size_t)column * class->capacity;
}
static inline const uint64_t *chunk_cells(const struct layout *layout, const struct chunk *chunk, uint32_t column) {
    const struct chunk_class *class = &layout->classes[chunk->size];
    return (const uint64_t *)((const char *)chunk + class->cells) + (size_t)column * class->capacity;
}

static inline bool chunk_full(const struct layout *layout, const struct chunk *chunk) {
    return chunk->count == layout->classes[chunk->size].capacity;
}
/* How many entries have a time of at most at_us. */
uint32_t chunk_count_until(const struct chunk *chunk, int64_t at_us);
/* How many entries come before (at_us, seq). */
uint32_t chunk_count_before(const struct layout *layout, const struct chunk *chunk, int64_t at_us, uint64_t seq);
/* Inserts as the i-th entry; the chunk is not full. */
void chunk_insert(const struct layout *layout, struct chunk *chunk, uint32_t i, const struct entry *entry);
/* Moves the entries from `first` on into the empty chunk `to` of the same class. */
void chunk_split(const struct layout *layout, struct chunk *from, struct chunk *to, uint32_t first);

#endif
