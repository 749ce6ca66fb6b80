/* The fast ways through a forest: tables made at load out of its checked nodes, one kind a forest, by its shape.
 *
 *   symmetric  every level of a tree has one decision (CatBoost), at most 8 levels: eight trees' decisions are one
 *              comparison of 64 bytes, and a tree's byte of the result is its leaf's number
 *   lanes      at most 64 leaves, however unbalanced (LightGBM): sixty-four trees in the byte lanes of a register
 *   blocks     any tree in pieces of six levels: one comparison decides a whole piece (XGBoost, deep forests)
 *   deep       any tree over float32, eight bytes a node, where thresholds are too many for bytes (sklearn)
 *   compact    any tree, four bytes a node, sixteen trees together in plain C
 *
 * Lanes and blocks need AVX-512 VBMI; the others run anywhere. All but deep look at a row's bytes
 * (columns.h); all find the same leaves as the plain walk of forest.c, and add them in tree order: the same bits.
 * Private to the room. */
#ifndef ASSAY_MODEL_FAST_H
#define ASSAY_MODEL_FAST_H

#include "columns.h"

enum {
    CHUNK_MAX = 512,     /* trees whose leaves are found before they are added */
    BYTES_MAX_TIMES = 8, /* tables may take so many times the bytes of the nodes */
    FAST_SLOTS_MAX = 1u << 30,
};

/* What leaves are worth. A table's walk gives slots in here. */
struct leaves {
    double *values;
    float *floats;   /* instead, if all values are float32 and sums are too */
    uint32_t *nodes; /* per slot: the leaf's node, if leaves have linear functions */
    uint32_t count;
};

/* Makes room for so many. False: no memory. */
bool leaves_make(struct leaves *leaves, const struct forest *forest, uint32_t count);
void leaves_put(struct leaves *leaves, const struct forest *forest, uint32_t slot, uint32_t node);

/* slots[0 .. count): the leaves of the trees [first, first + count); first is a multiple of the table's chunk. */
typedef void walker(const void *table, const uint8_t *bytes, uint32_t first, uint32_t count, uint32_t *slots);

/* Leaves of trees before, that are added while others are walked: a sum waits for itself, a walk does not wait for it.
 */
struct adding {
    const double *values;
    const uint32_t *slots;
    uint32_t count;
    double sum;
};

/* As walker, and returns the sum with what was to be added. */
typedef double adding_walker(const void *table, const uint8_t *bytes, uint32_t first, uint32_t count, uint32_t *slots,
                             struct adding adding);

struct table {
    void *own;
    walker *walk;
    adding_walker *walk_adding; /* or NULL */
    void (*release)(void *own);
    uint32_t chunk;
};

/* Each makes a table and fills the leaves; false if the forest does not fit, or there is no memory. */
typedef bool maker(const struct forest *forest, const struct columns *columns, struct leaves *leaves,
                   struct table *table);
maker symmetric_make, lanes_make, blocks_make, compact_make, deep_make; /* deep: its bytes are float32 */

/* Two groups of trees walked side by side, the last group of all beside itself: where they begin, and into `ends`, by tree,
 * where they came to. */
enum { FAST_PAIR = 2 * FOREST_GROUP };
static inline void pair_begin(const struct forest *forest, uint32_t group, uint32_t last, uint32_t at[FAST_PAIR]) {
    for (uint32_t k = 0; k < FAST_PAIR; k++)
        at[k] = forest->roots[(k < FOREST_GROUP ? group : last) * FOREST_GROUP + k % FOREST_GROUP];
}
static inline void pair_end(const struct forest *forest, uint32_t group, uint32_t last, const uint32_t at[FAST_PAIR],
                            uint32_t *ends) {
    for (uint32_t k = 0; k < FAST_PAIR; k++)
        ends[forest->places[(k < FOREST_GROUP ? group : last) * FOREST_GROUP + k % FOREST_GROUP]] = at[k];
}

/* Whether every level of the tree has one decision, and there are at most 8 levels. */
bool symmetric_tree(const struct forest *forest, const struct columns *columns, uint32_t tree);

struct fast;

/* NULL if no way fits; the plain walk does then. */
struct fast *fast_make(const struct forest *forest);
void fast_free(struct fast *fast);
const char *fast_name(const struct fast *fast);
/* Whether rows that hold a NaN have to be walked by forest.c. */
bool fast_needs_numbers(const struct fast *fast);
/* Adds every tree's leaf to out[output_count], for a row of forest_row. */
void fast_add(const struct fast *fast, const double *row, double *out);
/* The same for rows behind each other, of FAST_ROWS at most: out[count][output_count]. */
enum { FAST_ROWS = 512 };
void fast_add_rows(const struct fast *fast, const double *const *rows, uint32_t count, double *out);

/* Whether all leaves and starts are float32: sums of such are then sums of floats. */
bool forest_is_float32(const struct forest *forest);
/* Whether the processor and the forest's path allow AVX-512 VBMI. */
bool fast_vectors(const struct forest *forest);

#endif
