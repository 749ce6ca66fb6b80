/* A row as bytes, for the fast ways through a forest: every decision of its trees becomes `byte of a column > place`.
 *
 * A ruler is the forest's own thresholds of one input, sorted, at most 255 of them (an input with more has several
 * rulers); the byte is how many of them lie below the value, so `value <= threshold` is `byte <= the threshold's
 * place`, exactly. What NaN and, where it counts as missing, zero do is in the byte too: 0 goes left everywhere and 255
 * right, so nodes that send them different ways look at different columns of one ruler. A split by category is a column
 * of its own, 0 or 255. At most 256 columns. Private to the room. */
#ifndef ASSAY_MODEL_COLUMNS_H
#define ASSAY_MODEL_COLUMNS_H

#include "forest.h"

enum { COLUMNS_MAX = 256 };

struct columns;

/* The columns of a finished forest; NULL if it needs more than 256, a threshold is NaN, or there is no memory. */
struct columns *columns_make(const struct forest *forest);
void columns_free(struct columns *columns);
uint32_t columns_count(const struct columns *columns);

struct decision {
    uint8_t column, place; /* bytes[column] > place goes right */
};
struct decision columns_decision(const struct columns *columns, uint32_t node);

/* The bytes of a row of forest_row; what is behind columns_count is left as it is. */
void columns_row(const struct columns *columns, const double *row, uint8_t bytes[COLUMNS_MAX]);
/* The same for many rows at once: bytes[column][COLUMNS_ROWS]. */
enum { COLUMNS_ROWS = 512 };
void columns_rows(const struct columns *columns, const double *const *rows, uint32_t count, uint8_t *bytes);

#endif
