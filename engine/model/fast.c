/* Which fast way a forest takes (fast.h), and what they share: leaves and their sum. */
#include "fast.h"

#include <stdlib.h>

#include "../base/assert.h"
#include "together.h"

enum {
    DEPTH_MAX = 256,
    LEVELS = 6,
    PAD = 256,
    ONE_BY_ONE = 64,
    TOGETHER_MIN = 32
}; /* PAD: walks write slots up to a whole group of trees */

struct fast {
    const struct forest *forest;
    struct columns *columns; /* NULL: the table looks at float32 */
    struct leaves leaves;
    struct table table;
    struct together *together; /* for many rows, or NULL */
    const char *name;
};

bool fast_vectors(const struct forest *forest) {
#if defined(__x86_64__)
    return forest->path == MODEL_FASTEST && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

/* --- leaves --- */

static void leaves_free(struct leaves *leaves) {
    free(leaves->values);
    free(leaves->floats);
    free(leaves->nodes);
    *leaves = (struct leaves){0};
}

bool forest_is_float32(const struct forest *forest) {
    for (uint32_t i = 0; i < forest->node_count; i++) {
        double value = forest->nodes[i].threshold;
        if (!forest->nodes[i].step && (double)(float)value != value && value == value)
            return false;
    }
    for (uint32_t k = 0; k < forest->output_count; k++)
        if ((double)(float)forest->starts[k] != forest->starts[k])
            return false;
    return true;
}

bool leaves_make(struct leaves *leaves, const struct forest *forest, uint32_t count) {
    bool floats = forest->sum_rule == SUM_FLOAT32 && forest->line_count == 0 && forest_is_float32(forest);
    leaves_free(leaves);
    leaves->count = count;
    if (forest->line_count > 0)
        leaves->nodes = calloc((size_t)count + 1, sizeof *leaves->nodes);
    else if (floats)
        leaves->floats = aligned_alloc(64, ((size_t)count * sizeof(float) + 64) / 64 * 64);
    else
        leaves->values = aligned_alloc(64, ((size_t)count * sizeof(double) + 64) / 64 * 64);
    return leaves->nodes != NULL || leaves->floats != NULL || leaves->values != NULL;
}

void leaves_put(struct leaves *leaves, const struct forest *forest, uint32_t slot, uint32_t node) {
    ASSERT(slot < leaves->count);
    if (leaves->nodes != NULL)
        leaves->nodes[slot] = node;
    else if (leaves->floats != NULL)
        leaves->floats[slot] = (float)forest->nodes[node].threshold;
    else
        leaves->values[slot] = forest->nodes[node].threshold;
}

/* --- making --- */

static bool try(struct fast *fast, maker *make, const char *name) {
    if (!make(fast->forest, fast->columns, &fast->leaves, &fast->table))
        return false;
    fast->name = name;
    ASSERT(fast->table.chunk <= CHUNK_MAX);
    return true;
}

/* The shape decides: trees of at most six levels are one piece each, which beats lanes. */
static bool choose(struct fast *fast) {
    uint32_t deepest = 0;
    for (uint32_t t = 0; t < fast->forest->tree_count; t++)
        deepest = fast->forest->tree_depths[t] > deepest ? fast->forest->tree_depths[t] : deepest;
    if (fast->columns == NULL)
        return try(fast, deep_make, "deep");
    if (try(fast, symmetric_make, "symmetric"))
        return true;
    if (deepest > LEVELS && try(fast, lanes_make, "lanes"))
        return true;
    if (deepest <= DEPTH_MAX && try(fast, blocks_make, "blocks"))
        return true;
    return try(fast, compact_make, "compact");
}

struct fast *fast_make(const struct forest *forest) {
    if (forest->path == MODEL_SIMPLE || forest->tree_count == 0)
        return NULL;
    struct fast *fast = calloc(1, sizeof *fast);
    if (fast == NULL)
        return NULL;
    fast->forest = forest;
    fast->columns = columns_make(forest);
    if (choose(fast)) {
        fast->together = fast->columns != NULL ? together_make(forest, fast->columns) : NULL;
        return fast;
    }
    fast_free(fast);
    return NULL;
}

void fast_free(struct fast *fast) {
    if (fast == NULL)
        return;
    if (fast->table.own != NULL)
        fast->table.release(fast->table.own);
    together_free(fast->together);
    columns_free(fast->columns);
    leaves_free(&fast->leaves);
    free(fast);
}

bool fast_needs_numbers(const struct fast *fast) { return fast->columns == NULL; }

const char *fast_name(const struct fast *fast) { return fast->name; }

/* --- the sum --- */

/* Every framework's own order and precision: as add_leaves of forest.c. */
static void add_slots(const struct fast *fast, const uint32_t *slots, uint32_t first, uint32_t count, const double *row,
                      double *out) {
    const struct forest *forest = fast->forest;
    const struct leaves *leaves = &fast->leaves;
    uint32_t outputs = forest->output_count, output = first % outputs;
    if (outputs == 1 && leaves->floats != NULL) {
        float sum = (float)out[0];
        for (uint32_t k = 0; k < count; k++)
            sum += leaves->floats[slots[k]];
        out[0] = (double)sum;
        return;
    }
    if (outputs == 1 && leaves->values != NULL && forest->sum_rule == SUM_DOUBLE) {
        double sum = out[0];
        for (uint32_t k = 0; k < count; k++)
            sum += leaves->values[slots[k]];
        out[0] = sum;
        return;
    }
    for (uint32_t k = 0; k < count; k++) {
        double leaf = leaves->nodes != NULL    ? forest_leaf(forest, leaves->nodes[slots[k]], row)
                      : leaves->floats != NULL ? (double)leaves->floats[slots[k]]
                                               : leaves->values[slots[k]];
        double sum = out[output] + leaf;
        out[output] = forest->sum_rule == SUM_FLOAT32 ? (double)(float)sum : sum;
        output = output + 1 == outputs ? 0 : output + 1;
    }
}

/* Each chunk's leaves are added while the next chunk is walked. */
static void add_beside(const struct fast *fast, const uint8_t *bytes, double *out) {
    uint32_t slots[2][CHUNK_MAX + PAD], trees = fast->forest->tree_count, chunk = fast->table.chunk, turn = 0;
    struct adding adding = {.values = fast->leaves.values, .sum = out[0]};
    for (uint32_t first = 0; first < trees; first += chunk, turn ^= 1) {
        uint32_t count = trees - first < chunk ? trees - first : chunk;
        adding.sum = fast->table.walk_adding(fast->table.own, bytes, first, count, slots[turn], adding);
        adding.slots = slots[turn];
        adding.count = count;
    }
    for (uint32_t k = 0; k < adding.count; k++)
        adding.sum += adding.values[adding.slots[k]];
    out[0] = adding.sum;
}

void fast_add(const struct fast *fast, const double *row, double *out) {
    uint32_t slots[CHUNK_MAX + PAD], trees = fast->forest->tree_count, chunk = fast->table.chunk;
    _Alignas(64) uint8_t bytes[LIMIT_MODEL_INPUTS * sizeof(float)];
    _Static_assert(sizeof bytes >= COLUMNS_MAX, "bytes or float32");
    if (fast->columns != NULL)
        columns_row(fast->columns, row, bytes);
    for (uint32_t i = 0; i < fast->forest->input_count && fast->columns == NULL; i++) {
        float value = (float)row[i];
        memcpy(bytes + i * sizeof value, &value, sizeof value);
    }
    if (fast->table.walk_adding != NULL && fast->forest->output_count == 1 && fast->leaves.values != NULL &&
        fast->forest->sum_rule == SUM_DOUBLE) {
        add_beside(fast, bytes, out);
        return;
    }
    for (uint32_t first = 0; first < trees; first += chunk) {
        uint32_t count = trees - first < chunk ? trees - first : chunk;
        fast->table.walk(fast->table.own, bytes, first, count, slots);
        add_slots(fast, slots, first, count, row, out);
    }
}

/* Chunk by chunk over all rows, so that a chunk's tables stay in the nearest cache. */
static void add_one_by_one(const struct fast *fast, const double *const *rows, uint32_t count, double *out) {
    uint32_t slots[CHUNK_MAX + PAD], trees = fast->forest->tree_count, chunk = fast->table.chunk;
    uint8_t bytes[ONE_BY_ONE][COLUMNS_MAX];
    ASSERT(count <= ONE_BY_ONE);
    for (uint32_t r = 0; r < count; r++)
        columns_row(fast->columns, rows[r], bytes[r]);
    for (uint32_t first = 0; first < trees; first += chunk) {
        uint32_t taken = trees - first < chunk ? trees - first : chunk;
        for (uint32_t r = 0; r < count; r++) {
            fast->table.walk(fast->table.own, bytes[r], first, taken, slots);
            add_slots(fast, slots, first, taken, rows[r], out + (size_t)r * fast->forest->output_count);
        }
    }
}

void fast_add_rows(const struct fast *fast, const double *const *rows, uint32_t count, double *out) {
    _Static_assert((uint32_t)FAST_ROWS == (uint32_t)TOGETHER_ROWS, "as many rows as are taken together");
    ASSERT(count <= FAST_ROWS);
    if (fast->together != NULL && count >= TOGETHER_MIN) {
        _Alignas(64) uint8_t bytes[COLUMNS_MAX * FAST_ROWS];
        columns_rows(fast->columns, rows, count, bytes);
        together_add(fast->together, bytes, count, out);
        return;
    }
    for (uint32_t r = 0; r < count && fast->columns == NULL; r++)
        fast_add(fast, rows[r], out + (size_t)r * fast->forest->output_count);
    for (uint32_t first = 0; first < count && fast->columns != NULL; first += ONE_BY_ONE)
        add_one_by_one(fast, rows + first, count - first < ONE_BY_ONE ? count - first : ONE_BY_ONE,
                       out + (size_t)first * fast->forest->output_count);
}
