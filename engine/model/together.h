/* Many rows at once through trees of at most 64 leaves, with AVX-512 VBMI: a vector holds one column of 64 rows, so
 * that a split is one comparison for 64 rows, and sets of 512 rows go down the trees as bits. Private to the room. */
#ifndef ASSAY_MODEL_TOGETHER_H
#define ASSAY_MODEL_TOGETHER_H

#include "fast.h"

enum { TOGETHER_ROWS = 512, TOGETHER_OUTPUTS = 8 };

struct together;

/* NULL if the forest does not fit, or there is no memory: rows are then taken one by one. Its leaves are its own. */
struct together *together_make(const struct forest *forest, const struct columns *columns);
void together_free(struct together *together);
/* Adds every tree's leaf to out[count][output_count]; bytes[column][TOGETHER_ROWS], of at most so many rows. */
void together_add(const struct together *together, const uint8_t *bytes, uint32_t count, double *out);

#endif
