/* A frozen set or dict: open addressing over keys that keep Python's iteration order. Built once, when constants are
 * loaded; looked up with Python's == (1, 1.0 and True are one key; a NaN is never found). */
#ifndef ASSAY_CODE_TABLE_H
#define ASSAY_CODE_TABLE_H

#include "../base/arena.h"
#include "../base/value.h"

struct run;

struct table {
    uint32_t count, mask;       /* entries; index size - 1 */
    const uint32_t *index;      /* 0: empty; else entry + 1 */
    const uint64_t *hashes;     /* per entry */
    const struct value *keys;   /* per entry */
    const struct value *values; /* per entry; NULL in a set */
};

/* NULL after run_raise: a key is not hashable, or two are equal (ValueError). Keys and values are kept by reference. */
const struct table *table_build(struct run *run, const struct value *keys, const struct value *values, uint32_t count);
/* Sets *entry, or TABLE_NONE. False after TypeError for a key that is not hashable. */
#define TABLE_NONE UINT32_MAX
bool table_find(struct run *run, const struct table *table, const struct value *key, uint32_t *entry);
bool table_equal(struct run *run, const struct table *a, const struct table *b, bool *out);
/* Whether every key of a is in b. */
bool table_subset(struct run *run, const struct table *a, const struct table *b, bool *out);

#endif
