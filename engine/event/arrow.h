/* The two structures of the Arrow C data interface (https://arrow.apache.org/docs/format/CDataInterface.html): how
 * columns come in from data frames and files, and how results go out, without a copy and without a library. The layout
 * is Arrow's and does not change. Whoever holds a structure calls its `release` once; a structure whose `release` is
 * NULL holds nothing. */
#ifndef ASSAY_EVENT_ARROW_H
#define ASSAY_EVENT_ARROW_H

#include <stdint.h>

struct ArrowSchema {
    const char *format; /* the type: "u" a string, "g" a double, "tsu:UTC", "+l" a list, ... */
    const char *name;   /* NULL or UTF-8 */
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary; /* of the values, when `format` is that of indexes into them */
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count /* -1: not counted */, offset; /* in values, of this array and not of its children */
    int64_t n_buffers, n_children;
    const void **buffers; /* [0] a bitmap of what is not null, or NULL: nothing is */
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

enum { ARROW_NULLABLE = 2 }; /* ArrowSchema.flags */

#endif
