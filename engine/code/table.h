/* A set or dict: open addressing over entries that keep Python's order of insertion. A constant's is built once and never
 * changes; one that a function makes grows in the request's arena. Looked up with Python's == (1, 1.0 and True are one key;
 * a NaN is never found).
 *
 * An entry that is removed stays as a hole (its key's tag is V_HOLE) until the table grows: walk with table_next. */
#ifndef ASSAY_CODE_TABLE_H
#define ASSAY_CODE_TABLE_H

#include "../base/arena.h"
#include "../base/value.h"

struct run;

enum { V_HOLE = 255 };

/* What d[k] does where there is no k. */
enum table_missing {
    MISSING_RAISES,
    MISSING_FALLBACK,
    MISSING_LIST,
    MISSING_DICT,
    MISSING_SET,
    MISSING_COPY, /* of the fallback, a list, set or dict */
    MISSING_ZERO  /* Counter: 0, not kept */
};

struct table {
    uint32_t count;        /* entries that are there */
    uint32_t used, room;   /* entries and holes; how many fit. room 0: a constant */
    uint32_t mask;         /* index size - 1 */
    uint32_t *index;       /* 0: empty; else entry + 1 */
    uint64_t *hashes;      /* per entry */
    struct value *keys;    /* per entry */
    struct value *values;  /* per entry; NULL in a set */
    uint64_t lengths;      /* bit `length % 64` of each key that is a str; all bits where other keys may be texts, or it grows */
    enum table_missing missing;
    struct value fallback; /* MISSING_FALLBACK, MISSING_COPY: what a missing key gets */
};

/* A constant's. NULL after run_raise: a key is not hashable, or two are equal (ValueError). Keys and values are kept by
 * reference. */
const struct table *table_build(struct run *run, struct value *keys, struct value *values, uint32_t count);
/* An empty one that grows; NULL after LimitError. */
struct table *table_new(struct run *run, bool dict, uint32_t room);
/* Sets *entry, or TABLE_NONE. False after TypeError for a key that is not hashable. */
#define TABLE_NONE UINT32_MAX
bool table_find(struct run *run, const struct table *table, const struct value *key, uint32_t *entry);
/* Adds or replaces; `value` is NULL for a set. The table must be one that grows. */
bool table_set(struct run *run, struct table *table, const struct value *key, const struct value *value);
/* Makes a hole of an entry. */
void table_remove(struct table *table, uint32_t entry);
void table_clear(struct table *table);
/* A copy that grows. */
struct table *table_copy(struct run *run, const struct table *table);
/* The next entry at or after *at; false at the end. */
static inline bool table_next(const struct table *table, uint32_t *at) {
    while (*at < table->used && table->keys[*at].tag == V_HOLE)
        ++*at;
    return *at < table->used;
}
bool table_equal(struct run *run, const struct table *a, const struct table *b, bool *out);
/* Whether every key of a is in b. */
bool table_subset(struct run *run, const struct table *a, const struct table *b, bool *out);

#endif
