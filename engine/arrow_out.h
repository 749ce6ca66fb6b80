/* Results as Arrow columns: values appended one by one, then given away over the C data interface. Missing is null, NaN
 * stays NaN, ints stay int64. A column is written by one thread at a time; different columns by different threads. */
#ifndef ASSAY_ARROW_OUT_H
#define ASSAY_ARROW_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/value.h"
#include "event/arrow.h"

enum out_type {
    OUT_BOOL,
    OUT_INT,
    OUT_FLOAT,
    OUT_STR,
    OUT_DATETIME,  /* timestamp[us, UTC] */
    OUT_DATE,      /* date32 */
    OUT_TIMEDELTA, /* duration[us] */
    OUT_JSON,      /* a string: what has no one type of its own, as JSON */
};

struct out_bytes {
    char *p;
    size_t len, cap;
};

/* One column; `items` of a list. Zeroed but for `name`, `type` and `is_list` is empty. */
struct out_column {
    const char *name; /* outlives the column */
    enum out_type type;
    bool is_list;
    struct out_bytes values, offsets, valid; /* of the items, where it is a list: its own are in list_* */
    struct out_bytes list_offsets, list_valid;
    int64_t count, nulls, list_count, list_nulls;
    const char *failure; /* static: what could not be appended */
};

/* Appends; `arena` is for what is made on the way. Errors are kept in `failure`. */
void out_append(struct out_column *column, const struct value *value, struct arena *arena);
void out_release(struct out_column *column);

/* Gives the columns away as a struct array (a record batch) of `rows` rows with its schema; the columns are empty then.
 * False if there is no memory. */
bool out_give(struct out_column *columns, uint32_t count, int64_t rows, struct ArrowSchema *schema,
              struct ArrowArray *array, struct error *error);

#endif
