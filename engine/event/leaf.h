/* One Arrow array as the event room reads it: its type taken apart once, then values by index. Private to columns.c and
 * bind.c. Arrow's memory is the process's own and as long as it says; what is in it (UTF-8, ranges) is checked where it
 * is read. */
#ifndef ASSAY_EVENT_LEAF_H
#define ASSAY_EVENT_LEAF_H

#include "columns.h"
#include "parse.h"

enum leaf_kind {
    LEAF_ABSENT, /* there is no such column */
    LEAF_NULL,
    LEAF_BOOL,
    LEAF_INT8,
    LEAF_UINT8,
    LEAF_INT16,
    LEAF_UINT16,
    LEAF_INT32,
    LEAF_UINT32,
    LEAF_INT64,
    LEAF_UINT64,
    LEAF_FLOAT,
    LEAF_DOUBLE,
    LEAF_DECIMAL, /* of 128 bits */
    LEAF_STR,     /* 32-bit offsets */
    LEAF_LARGE_STR,
    LEAF_STR_VIEW,
    LEAF_DATE_DAYS,
    LEAF_DATE_MS,
    LEAF_TIME,
    LEAF_LIST,
    LEAF_LARGE_LIST,
    LEAF_FIXED_LIST,
    LEAF_STRUCT,
    LEAF_OTHER, /* a type that no field takes */
};

struct leaf {
    enum leaf_kind kind;
    bool zoned;        /* LEAF_TIME */
    int64_t per_s;     /* LEAF_TIME: units a second */
    int32_t scale;     /* LEAF_DECIMAL: digits behind the point */
    int32_t list_size; /* LEAF_FIXED_LIST */
    const struct ArrowArray *array;
    const struct leaf *inner;      /* of a list: its items */
    const struct leaf *dictionary; /* `kind` is that of the indexes then */
};

enum { COLUMN_PARENTS = LIMIT_JSON_DEPTH };

struct column {
    struct leaf leaf;
    const struct event_node *const *path; /* from below the event to the field itself */
    uint32_t path_count;
    const struct leaf **structs; /* the struct columns that hold it, outermost first: of path[0 .. struct_count) */
    uint32_t struct_count;
};

/* Takes a type apart. False and error if the array is not what the schema says, or the arena is full. */
bool leaf_of(const struct ArrowSchema *schema, const struct ArrowArray *array, struct arena *arena, struct leaf *out,
             struct error *error);
const char *leaf_name(const struct leaf *leaf); /* for people: "string", "timestamp without zone", ... */
bool leaf_is_string(enum leaf_kind kind);

static inline bool leaf_is_null(const struct leaf *leaf, int64_t row) {
    if (leaf->kind == LEAF_NULL) {
        return true;
    }
    const uint8_t *bits = leaf->array->buffers[0];
    int64_t at = leaf->array->offset + row;
    return bits != NULL && leaf->array->null_count != 0 && (bits[at >> 3] >> (at & 7) & 1) == 0;
}

#endif
