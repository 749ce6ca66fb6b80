/* Trees in pieces of six levels (fast.h). A piece is a complete tree of 63 decisions, numbered 1 to 63 from the root,
 * the children of n at 2n and 2n + 1; where the tree itself has a leaf higher up, the decisions below it always go
 * left. One pick and one comparison decide all 63 at once; eight pieces' paths through their bits are followed
 * together. The pieces of all trees' roots come first, so that a tree's first piece has the tree's number.
 *
 * What is behind a piece's 64 ends: if all are leaves, their slots follow each other; else each has a code, which is a
 * leaf's slot or another piece. Trees of at most six levels are one piece each. */
#include <stdlib.h>

#include "../base/assert.h"
#include "fast.h"
#include "vectors.h"

#if defined(__x86_64__)

enum { ENDS = 64, LEVELS = 6, NEVER = 255, CHUNK = 32 };
static const uint32_t LAST = 1u << 31; /* in `ends`: all are leaves; in a code: a leaf */

struct piece {
    _Alignas(64) uint8_t columns[ENDS];
    uint8_t places[ENDS];
};

struct blocks {
    struct piece *pieces;
    uint32_t *ends;  /* per piece: LAST and the first slot, or the first code */
    uint32_t *codes; /* ENDS of each piece that is not a last one */
    uint32_t piece_count, piece_room, code_count, slot_count, tree_count;
};

static void release(void *own) {
    struct blocks *b = own;
    free(b->pieces);
    free(b->ends);
    free(b->codes);
    free(b);
}

struct laying {
    struct blocks *blocks;
    const struct forest *forest;
    const struct columns *columns;
    struct leaves *leaves;
};

/* Fills decision n and what is below it with the subtree of `at`; returns whether a split is left at an end. */
static bool lay_decision(struct laying *l, struct piece *piece, uint32_t n, uint32_t at, uint32_t *ends) {
    const struct node *node = &l->forest->nodes[at];
    if (n >= ENDS) {
        ends[n - ENDS] = at;
        return node->step;
    }
    if (!node->step) {
        if (piece != NULL)
            piece->places[n] = NEVER;
        bool left = lay_decision(l, piece, 2 * n, at, ends), right = lay_decision(l, piece, 2 * n + 1, at, ends);
        return left || right;
    }
    if (piece != NULL) {
        struct decision own = columns_decision(l->columns, at);
        piece->columns[n] = own.column;
        piece->places[n] = own.place;
    }
    bool left = lay_decision(l, piece, 2 * n, node->child, ends);
    bool right = lay_decision(l, piece, 2 * n + 1, node->child + 1, ends);
    return left || right;
}

/* Counts the pieces below a node, its own included, up to the room. */
static void count_pieces(struct laying *l, uint32_t at) {
    uint32_t ends[ENDS];
    struct blocks *b = l->blocks;
    if (b->piece_count > b->piece_room)
        return;
    b->piece_count++;
    bool more = lay_decision(l, NULL, 1, at, ends);
    if (!more) {
        b->slot_count += ENDS;
        return;
    }
    b->code_count += ENDS;
    for (uint32_t i = 0; i < ENDS; i++) {
        if (l->forest->nodes[ends[i]].step)
            count_pieces(l, ends[i]);
        else
            b->slot_count += i == 0 || ends[i] != ends[i - 1];
    }
}

/* Lays the piece with this number, and those behind it. */
static void lay_piece(struct laying *l, uint32_t number, uint32_t at) {
    uint32_t ends[ENDS];
    struct blocks *b = l->blocks;
    struct piece *piece = &b->pieces[number];
    memset(piece->columns, 0, sizeof piece->columns);
    memset(piece->places, NEVER, sizeof piece->places);
    if (!lay_decision(l, piece, 1, at, ends)) {
        b->ends[number] = LAST | b->slot_count;
        for (uint32_t i = 0; i < ENDS; i++)
            leaves_put(l->leaves, l->forest, b->slot_count++, ends[i]);
        return;
    }
    uint32_t *codes = b->codes + b->code_count;
    b->ends[number] = b->code_count;
    b->code_count += ENDS;
    for (uint32_t i = 0; i < ENDS; i++) {
        if (l->forest->nodes[ends[i]].step) {
            codes[i] = b->piece_count++;
            lay_piece(l, codes[i], ends[i]);
        } else if (i > 0 && ends[i] == ends[i - 1]) {
            codes[i] = codes[i - 1];
        } else {
            codes[i] = LAST | b->slot_count;
            leaves_put(l->leaves, l->forest, b->slot_count++, ends[i]);
        }
    }
}

/* --- walking --- */

enum { FOLLOWED = 32 };

/* Which ends the decisions of FOLLOWED pieces lead to: from number 1 down, bit n of a mask is where number n goes. */
VBMI_INLINE void follow(const uint64_t *masks, uint32_t *ends) {
    const __m512i one = _mm512_set1_epi64(1);
    __m512i mask[FOLLOWED / 8], at[FOLLOWED / 8];
    for (int i = 0; i < FOLLOWED / 8; i++) {
        mask[i] = _mm512_loadu_si512(masks + 8 * i);
        at[i] = one;
    }
#pragma GCC unroll 6
    for (int level = 0; level < LEVELS; level++)
#pragma GCC unroll 4
        for (int i = 0; i < FOLLOWED / 8; i++)
            at[i] = _mm512_ternarylogic_epi64(_mm512_add_epi64(at[i], at[i]), _mm512_srlv_epi64(mask[i], at[i]), one,
                                              0xf8); /* a | (b & c) */
    for (int i = 0; i < FOLLOWED / 8; i++)
        _mm256_storeu_si256((__m256i *)(ends + 8 * i), _mm512_cvtepi64_epi32(at[i]));
}

/* One round of `count` trees, which stand at the pieces `at`: the numbers of their ends. */
VBMI_INLINE void decide(const struct blocks *b, const struct byte_row *row, const uint32_t *at, uint32_t count,
                        uint32_t ends[CHUNK], const int registers) {
    uint64_t masks[CHUNK];
    for (uint32_t i = 0; i < count; i++) {
        const struct piece *piece = &b->pieces[at[i]];
        __m512i found = byte_row_pick(row, _mm512_load_si512(piece->columns), registers);
        masks[i] = _mm512_cmpgt_epu8_mask(found, _mm512_load_si512(piece->places));
    }
    for (uint32_t i = count; i % FOLLOWED != 0; i++)
        masks[i] = 0;
    for (uint32_t i = 0; i < count; i += FOLLOWED)
        follow(masks + i, ends + i);
}

VBMI_INLINE void walk_vectors(const struct blocks *b, const uint8_t *bytes, uint32_t first, uint32_t count,
                              uint32_t *slots, const int registers) {
    struct byte_row row = byte_row_load(bytes, registers);
    uint32_t at[CHUNK], trees[CHUNK], ends[CHUNK], standing = count;
    ASSERT(count <= CHUNK);
    for (uint32_t i = 0; i < count; i++) {
        at[i] = first + i;
        trees[i] = i;
    }
    while (standing > 0) {
        uint32_t next = 0;
        decide(b, &row, at, standing, ends, registers);
        for (uint32_t i = 0; i < standing; i++) {
            uint32_t from = b->ends[at[i]], end = ends[i] - ENDS;
            uint32_t code = from & LAST ? from + end : b->codes[from + end];
            slots[trees[i]] = code & ~LAST;
            at[next] = code;
            trees[next] = trees[i];
            next += !(code & LAST);
        }
        standing = next;
    }
}

/* Where every tree is one piece. */
VBMI_INLINE void walk_single(const struct blocks *b, const uint8_t *bytes, uint32_t first, uint32_t count,
                             uint32_t *slots, const int registers) {
    struct byte_row row = byte_row_load(bytes, registers);
    const __m512i flags = _mm512_set1_epi32((int)(LAST + ENDS));
    uint64_t masks[CHUNK]; /* all before they are followed: a load over fresh stores would wait for them */
    uint32_t whole = (count + FOLLOWED - 1) / FOLLOWED * FOLLOWED; /* pieces, ends and slots have room for so many */
#pragma GCC unroll 8
    for (uint32_t i = 0; i < whole; i++) {
        const struct piece *piece = &b->pieces[first + i];
        __m512i found = byte_row_pick(&row, _mm512_load_si512(piece->columns), registers);
        masks[i] = _mm512_cmpgt_epu8_mask(found, _mm512_load_si512(piece->places));
    }
    for (uint32_t i = 0; i < whole; i += FOLLOWED)
        follow(masks + i, slots + i);
    for (uint32_t i = 0; i < whole; i += 16) {
        __m512i from = _mm512_sub_epi32(_mm512_loadu_si512(b->ends + first + i), flags);
        _mm512_storeu_si512(slots + i, _mm512_add_epi32(from, _mm512_loadu_si512(slots + i)));
    }
}

#define WALKS(n)                                                                                                       \
    VBMI static void walk_##n(const void *b, const uint8_t *bytes, uint32_t first, uint32_t count, uint32_t *slots) {  \
        walk_vectors(b, bytes, first, count, slots, n);                                                                \
    }                                                                                                                  \
    VBMI static void single_##n(const void *b, const uint8_t *bytes, uint32_t first, uint32_t count,                   \
                                uint32_t *slots) {                                                                     \
        walk_single(b, bytes, first, count, slots, n);                                                                 \
    }
WALKS(1)
WALKS(2)
WALKS(4)

static bool blocks_alloc(struct blocks *b) {
    uint32_t room = (b->tree_count > b->piece_count ? b->tree_count : b->piece_count) + CHUNK;
    b->pieces = aligned_alloc(64, room * sizeof *b->pieces);
    b->ends = calloc(room, sizeof *b->ends);
    b->codes = calloc((size_t)b->code_count + 1, sizeof *b->codes);
    if (b->pieces == NULL || b->ends == NULL || b->codes == NULL)
        return false;
    memset(b->pieces, NEVER, room * sizeof *b->pieces);
    for (uint32_t i = 0; i < room; i++)
        memset(b->pieces[i].columns, 0, ENDS);
    return true;
}

bool blocks_make(const struct forest *forest, const struct columns *columns, struct leaves *leaves,
                 struct table *table) {
    if (!fast_vectors(forest))
        return false;
    struct blocks *b = calloc(1, sizeof *b);
    if (b == NULL)
        return false;
    struct laying laying = {.blocks = b, .forest = forest, .columns = columns, .leaves = leaves};
    size_t bytes = sizeof(struct piece) + ENDS * sizeof(double);
    size_t room = ((size_t)forest->node_count * sizeof(struct node) * BYTES_MAX_TIMES) / bytes + 1024;
    b->piece_room = room < FAST_SLOTS_MAX / ENDS ? (uint32_t)room : FAST_SLOTS_MAX / ENDS;
    b->tree_count = forest->tree_count;
    for (uint32_t t = 0; t < forest->tree_count && b->piece_count <= b->piece_room; t++)
        count_pieces(&laying, forest->tree_roots[t]);
    bool single = b->code_count == 0;
    if (b->piece_count > b->piece_room || !leaves_make(leaves, forest, b->slot_count) || !blocks_alloc(b)) {
        release(b);
        return false;
    }
    b->piece_count = forest->tree_count;
    b->code_count = b->slot_count = 0;
    for (uint32_t t = 0; t < forest->tree_count; t++)
        lay_piece(&laying, t, forest->tree_roots[t]);
    uint32_t count = columns_count(columns);
    *table = (struct table){.own = b, .release = release, .chunk = CHUNK};
    if (single)
        table->walk = count <= 64 ? single_1 : count <= 128 ? single_2 : single_4;
    else
        table->walk = count <= 64 ? walk_1 : count <= 128 ? walk_2 : walk_4;
    return true;
}

#else

bool blocks_make(const struct forest *forest, const struct columns *columns, struct leaves *leaves,
                 struct table *table) {
    return false;
}

#endif
