/* A model's part with random trees, for model_test.c and model_bench.c only: grown by splitting a random leaf, as
 * unbalanced as leaf-wise training makes them, with covers that add up. */
#ifndef ASSAY_MODEL_RANDOM_PART_H
#define ASSAY_MODEL_RANDOM_PART_H

#include <stdio.h>
#include <stdlib.h>

#include "../base/assert.h"
#include "forest.h"

enum { RANDOM_LEAVES_MAX = 256, RANDOM_NODES_MAX = 2 * RANDOM_LEAVES_MAX };

struct part_bytes {
    uint8_t *p;
    size_t len, room;
};

static inline void put(struct part_bytes *out, const void *bytes, size_t len) {
    if (out->room - out->len < len) {
        out->room = (out->room + len) * 2;
        out->p = realloc(out->p, out->room);
        ASSERT(out->p != NULL);
    }
    memcpy(out->p + out->len, bytes, len);
    out->len += len;
}

static inline void put_u32(struct part_bytes *out, uint32_t value) { put(out, &value, sizeof value); }
static inline void put_f64(struct part_bytes *out, double value) { put(out, &value, sizeof value); }

static inline uint32_t draw(uint64_t *state, uint32_t below) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}

struct random_node {
    double value, cover;
    uint16_t input;
    uint8_t flags;
    uint32_t left, right; /* 0: a leaf */
};

enum random_form {
    RANDOM_GROWN,    /* by splitting a random leaf */
    RANDOM_COMPLETE, /* all leaves equally deep: `leaves` is a power of two */
    RANDOM_SYMMETRIC /* and one decision a level */
};

struct random_shape {
    uint32_t inputs, trees, leaves;
    bool vary;     /* trees of 1 to `leaves` leaves, else all of `leaves` */
    uint8_t flags; /* that splits may have */
    double (*threshold)(uint64_t *state);
    enum random_form form;
    enum row_rule row_rule; /* ROW_DOUBLE stands for ROW_ZERO */
    enum sum_rule sum_rule;
};

/* Grows a tree in the nodes; returns how many there are. */
static inline uint32_t random_tree(const struct random_shape *shape, uint64_t *state, struct random_node *nodes) {
    uint32_t leaves = shape->vary ? 1 + draw(state, shape->leaves) : shape->leaves, count = 1;
    uint32_t nodes_of_level = 0;
    uint32_t ends[RANDOM_LEAVES_MAX] = {0};
    ASSERT(leaves <= RANDOM_LEAVES_MAX);
    nodes[0] = (struct random_node){.cover = 1e6};
    bool grown = shape->form == RANDOM_GROWN;
    for (uint32_t have = 1; have < leaves; have++) {
        /* level by level, the ends of the level before are split from the first to the last */
        uint32_t level = 1u << (31 - __builtin_clz(have)), which = grown ? draw(state, have) : have - level;
        uint32_t at = ends[which];
        double share = (1 + draw(state, 98)) / 100.0;
        nodes[at].input = (uint16_t)draw(state, shape->inputs);
        nodes[at].value = shape->threshold(state);
        nodes[at].flags = (uint8_t)draw(state, 256) & shape->flags;
        if (shape->form == RANDOM_SYMMETRIC && which > 0) {
            const struct random_node *first = &nodes[nodes_of_level];
            nodes[at].input = first->input;
            nodes[at].value = first->value;
            nodes[at].flags = first->flags;
        } else {
            nodes_of_level = at;
        }
        nodes[at].left = count;
        nodes[at].right = count + 1;
        nodes[count++] = (struct random_node){.cover = nodes[at].cover * share};
        nodes[count++] = (struct random_node){.cover = nodes[at].cover * (1 - share)};
        ends[which] = count - 2;
        ends[have] = count - 1;
    }
    for (uint32_t i = 0; i < count; i++)
        if (nodes[i].left == 0) {
            nodes[i].flags = NODE_LEAF;
            nodes[i].value = draw(state, 1u << 30) / 1e9 - 0.5;
            if (shape->sum_rule == SUM_FLOAT32)
                nodes[i].value = (double)(float)nodes[i].value;
        }
    return count;
}

/* The part: one forest over `inputs` inputs named f0, f1, ... that adds doubles. */
static inline struct part_bytes random_part(const struct random_shape *shape, uint64_t *state) {
    struct part_bytes out = {0}, values = {0}, inputs = {0}, flags = {0}, covers = {0}, sizes = {0};
    uint32_t total = 0;
    for (uint32_t t = 0; t < shape->trees; t++) {
        struct random_node nodes[RANDOM_NODES_MAX];
        uint32_t order[RANDOM_NODES_MAX] = {0}, count = random_tree(shape, state, nodes), placed = 1;
        put_u32(&sizes, count);
        total += count;
        for (uint32_t i = 0; i < count; i++) {
            const struct random_node *node = &nodes[order[i]];
            put_f64(&values, node->value);
            put(&inputs, &node->input, 2);
            put(&flags, &node->flags, 1);
            put_f64(&covers, node->cover);
            if (node->left != 0) {
                order[placed++] = node->left;
                order[placed++] = node->right;
            }
        }
    }
    put(&out, "ASSAYMDL", 8);
    for (int i = 0; i < 4; i++)
        put_u32(&out, (uint32_t[]){1, shape->inputs, 1, 0}[i]);
    for (uint32_t i = 0; i < shape->inputs; i++) {
        char name[16];
        put_u32(&out, (uint32_t)snprintf(name, sizeof name, "f%u", i));
        put(&out, name, strlen(name));
        put_u32(&out, 0);
        put_u32(&out, 0);
        put_f64(&out, 0);
    }
    put_u32(&out, 0);
    put_u32(&out, shape->inputs);
    put_u32(&out, 1);
    for (uint32_t i = 0; i < shape->inputs; i++)
        put_u32(&out, i);
    uint32_t row_rule = shape->row_rule == ROW_DOUBLE ? ROW_ZERO : shape->row_rule;
    for (int i = 0; i < 8; i++)
        put_u32(&out, (uint32_t[]){row_rule, shape->sum_rule, shape->trees, total, 0, 0, 0, 1}[i]);
    for (int i = 0; i < 3; i++)
        put_f64(&out, i == 0); /* divisor, start, after */
    struct part_bytes *arrays[] = {&sizes, &values, &inputs, &flags, &covers};
    for (int i = 0; i < 5; i++) {
        put(&out, arrays[i]->p, arrays[i]->len);
        free(arrays[i]->p);
    }
    return out;
}

#endif
