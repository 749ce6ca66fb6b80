/* Sixty-four trees in the byte lanes of one register: the fast way through forests whose trees have at most 64 leaves, over
 * at most 128 inputs with at most 254 different thresholds each, on processors with AVX-512 VBMI. It gives the leaves that
 * the plain walk (forest.c) gives; everything after is the same code. Private to the room. */
#ifndef ASSAY_MODEL_LANES_H
#define ASSAY_MODEL_LANES_H

#include "forest.h"

struct lanes;

/* The tables for a finished forest; NULL if it does not fit, the processor cannot, or there is no memory: the plain walk
 * does then. */
struct lanes *lanes_make(const struct forest *forest);
void lanes_free(struct lanes *lanes);

/* The leaves' values of the trees [first, first + count), which begin a block, for a normalized row (tiny values made
 * zero) in tree order. */
void lanes_walk(const struct lanes *lanes, const double *row, uint32_t first, uint32_t count, double *leaves);

#endif
