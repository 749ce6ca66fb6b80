/* A busy key's index (index.h). Called by stripe.c when chunks and entries come and go, by read.c for values.
 *
 * Invariants: every chunk of the key hangs under exactly one node of level 0, in the order of the list; all leaves have
 * the same depth; a node other than the root has at least one child; what stands in a node about a child is what that
 * child's entries say. Chunks go at the oldest end only, so nodes never need to be joined. A runner holds exactly the
 * values of the entries in (low, high] whose where holds and whose value is not None. */
#include "index.h"

#include <math.h>
#include <string.h>

#include "../base/assert.h"
#include "multiset.h"
#include "walk.h"

/* The values between two moments, for one distinct use. */
struct runner {
    int64_t low_us, high_us;
    bool started;
    uint64_t nans;
    struct multiset values;
};

/* A use's runners: one follows the newest reads, the other those behind it, so that late events do not drag the first
 * back and forth. */
enum { RUNNERS = 2 };

struct index {
    struct node *root;
    struct runner runners[]; /* RUNNERS for each distinct use of the layout */
};

const struct node *index_root(const struct index *index) { return index->root; }

/* --- runners --- */

bool cell_identity(const struct cell *cell, struct identity *out) {
    enum { WHOLE = 1, FRACTION = 2, OTHER = 16 };
    double f;
    switch (cell->tag) {
    case V_NONE: return false;
    case V_BOOL:
    case V_INT: *out = (struct identity){cell->low, WHOLE}; return true;
    case V_FLOAT:
        memcpy(&f, &cell->low, sizeof f);
        if (f >= -0x1p63 && f < 0x1p63 && (double)(int64_t)f == f)
            *out = (struct identity){(uint64_t)(int64_t)f, WHOLE};
        else
            *out = (struct identity){cell->low, FRACTION};
        return !isnan(f);
    case V_DATETIME:
    case V_DATE:
    case V_TIMEDELTA: *out = (struct identity){cell->low, OTHER + cell->tag}; return true;
    default: *out = (struct identity){cell->low, cell->high}; return (cell->low | cell->high) != 0; /* a keyed hash */
    }
}

/* Adds the values of some entries of a chunk, or takes them out. */
static void run_over(const struct index_room *room, struct runner *runner, uint32_t use, const struct chunk *chunk,
                     uint64_t bits, bool add) {
    const struct distinct_use *what = &room->layout->distincts[use];
    bits = chunk_where(room->layout, chunk, bits, what->where);
    for (; bits != 0; bits &= bits - 1) {
        struct identity value;
        struct cell cell = chunk_cell(room->layout, chunk, (uint32_t)what->column, (uint32_t)__builtin_ctzll(bits));
        if (!cell_identity(&cell, &value)) {
            if (cell.tag != V_NONE)
                runner->nans += add ? 1u : -1ull;
        } else if (add) {
            multiset_add(&runner->values, room, &value);
        } else {
            multiset_take(&runner->values, &value);
        }
    }
}

static void run_between(const struct index_room *room, const struct index *index, struct runner *runner, uint32_t use,
                        int64_t low_us, int64_t high_us, bool add) {
    struct walk walk;
    struct span span;
    if (low_us >= high_us)
        return;
    walk_begin(&walk, room->layout, index, NULL, low_us, high_us, true);
    while (walk_next(&walk, &span))
        run_over(room, runner, use, span.chunk, span.bits, add);
}

/* To (low, high]: what lies between the old and the new moments comes in or goes out. */
static void move_runner(const struct index_room *room, const struct index *index, struct runner *runner, uint32_t use,
                        int64_t low_us, int64_t high_us) {
    if (!runner->started || low_us >= runner->high_us || high_us <= runner->low_us) {
        multiset_clear(&runner->values, room);
        *runner = (struct runner){.started = true};
        run_between(room, index, runner, use, low_us, high_us, true);
    } else {
        run_between(room, index, runner, use, runner->high_us, high_us, true);
        run_between(room, index, runner, use, high_us, runner->high_us, false);
        run_between(room, index, runner, use, low_us, runner->low_us, true);
        run_between(room, index, runner, use, runner->low_us, low_us, false);
    }
    runner->low_us = low_us;
    runner->high_us = high_us;
}

/* Entries at or before newest_us are about to go: what the runner has of them goes out. */
static void forget_until(const struct index_room *room, const struct index *index, struct runner *runner, uint32_t use,
                         int64_t newest_us) {
    if (!runner->started || runner->low_us >= newest_us)
        return;
    run_between(room, index, runner, use, runner->low_us, newest_us < runner->high_us ? newest_us : runner->high_us, false);
    runner->low_us = newest_us;
    if (runner->high_us < newest_us)
        runner->high_us = newest_us;
}

struct distinct_count index_distinct(const struct index_room *room, struct index *index, uint32_t use, int64_t low_us,
                                     int64_t high_us, const struct identity *sought) {
    ASSERT(use < room->layout->distinct_count && low_us < high_us);
    struct runner *runner = &index->runners[use * RUNNERS];
    if (runner->started && high_us < runner->high_us)
        runner++;
    move_runner(room, index, runner, use, low_us, high_us);
    return (struct distinct_count){.different = runner->values.used,
                                   .nans = runner->nans,
                                   .sought = sought != NULL ? multiset_count(&runner->values, sought) : 0};
}

/* --- nodes --- */

static size_t node_bytes(const struct layout *layout) {
    return sizeof(struct node) + (size_t)NODE_CHILDREN * layout->tally_bytes;
}

static struct node *make_node(const struct index_room *room, uint16_t level) {
    ASSERT(level < NODE_LEVELS_MAX);
    struct node *node = pool_must_take(room->pool, room->budget, node_bytes(room->layout));
    node->parent = NULL;
    node->count = 0;
    node->level = level;
    return node;
}

static void free_node(const struct index_room *room, struct node *node) {
    pool_give(room->pool, room->budget, node, node_bytes(room->layout));
}

static uint32_t place_of(const struct node *node, const void *child) {
    for (uint32_t i = 0; i < node->count; i++)
        if (node->children[i] == child)
            return i;
    UNREACHABLE();
}

static union tally *tally_at(const struct layout *layout, struct node *node, uint32_t child, uint32_t measure) {
    return (union tally *)(void *)(node->tallies + (size_t)child * layout->tally_bytes +
                                   layout->measures[measure].offset);
}

/* Reckons anew what the node says about a child. */
static void tell(const struct layout *layout, struct node *node, uint32_t child) {
    memset(node->tallies + (size_t)child * layout->tally_bytes, 0, layout->tally_bytes);
    if (node->level == 0) {
        const struct chunk *chunk = node->children[child];
        uint64_t all = chunk->count == 64 ? UINT64_MAX : (1ull << chunk->count) - 1;
        node->oldest_us[child] = chunk->times[0];
        node->newest_us[child] = chunk->times[chunk->count - 1];
        for (uint32_t m = 0; m < layout->measure_count; m++)
            tally_add_older(tally_at(layout, node, child, m), &layout->measures[m], layout, chunk, all);
        return;
    }
    struct node *down = node->children[child];
    ASSERT(down->count > 0);
    node->oldest_us[child] = down->oldest_us[0];
    node->newest_us[child] = down->newest_us[down->count - 1];
    for (uint32_t m = 0; m < layout->measure_count; m++)
        for (uint32_t i = down->count; i-- > 0;)
            tally_merge_older(tally_at(layout, node, child, m), layout->measures[m].kind, tally_at(layout, down, i, m));
}

static void tell_upwards(const struct layout *layout, struct node *node) {
    for (; node->parent != NULL; node = node->parent)
        tell(layout, node->parent, place_of(node->parent, node));
}

static void set_child(struct node *node, uint32_t place, void *child) {
    node->children[place] = child;
    if (node->level == 0)
        ((struct chunk *)child)->node = node;
    else
        ((struct node *)child)->parent = node;
}

/* Moves `count` children with all that is said about them. */
static void move_children(const struct layout *layout, struct node *to, uint32_t at, struct node *from, uint32_t first,
                          uint32_t count) {
    memmove(to->children + at, from->children + first, count * sizeof *to->children);
    memmove(to->oldest_us + at, from->oldest_us + first, count * sizeof *to->oldest_us);
    memmove(to->newest_us + at, from->newest_us + first, count * sizeof *to->newest_us);
    memmove(to->tallies + (size_t)at * layout->tally_bytes, from->tallies + (size_t)first * layout->tally_bytes,
            (size_t)count * layout->tally_bytes);
    if (to != from)
        for (uint32_t i = 0; i < count; i++)
            set_child(to, at + i, to->children[at + i]);
}

/* Moves a full node's later children to a new neighbour that has no parent yet; events mostly come at the end, and then
 * nothing moves. */
static struct node *divide(const struct index_room *room, struct index *index, struct node *node, uint32_t place) {
    struct node *later = make_node(room, node->level);
    uint32_t cut = place == NODE_CHILDREN ? NODE_CHILDREN : NODE_CHILDREN / 2;
    if (node->parent == NULL) {
        struct node *root = make_node(room, (uint16_t)(node->level + 1));
        set_child(root, 0, node);
        root->count = 1;
        index->root = root;
    }
    move_children(room->layout, later, 0, node, cut, NODE_CHILDREN - cut);
    later->count = (uint16_t)(NODE_CHILDREN - cut);
    node->count = (uint16_t)cut;
    return later;
}

static void insert_child(const struct index_room *room, struct index *index, struct node *node, uint32_t place,
                         void *child) {
    struct node *into = node, *later = NULL;
    if (node->count == NODE_CHILDREN) {
        later = divide(room, index, node, place);
        if (place >= node->count) {
            place -= node->count;
            into = later;
        }
    }
    move_children(room->layout, into, place + 1, into, place, into->count - place);
    into->count++;
    set_child(into, place, child);
    tell(room->layout, into, place);
    if (later == NULL) {
        tell_upwards(room->layout, into);
        return;
    }
    struct node *parent = node->parent;
    tell(room->layout, parent, place_of(parent, node));
    insert_child(room, index, parent, place_of(parent, node) + 1, later);
}

/* The node's first child is gone from the key. */
static void remove_first(const struct index_room *room, struct index *index, struct node *node) {
    ASSERT(node->count > 0);
    node->count--;
    move_children(room->layout, node, 0, node, 1, node->count);
    if (node->count > 0) {
        tell_upwards(room->layout, node);
        return;
    }
    ASSERT(node->parent != NULL && node->parent->children[0] == node); /* a key without entries has no index */
    remove_first(room, index, node->parent);
    free_node(room, node);
}

void index_remove_oldest(const struct index_room *room, struct index *index, struct chunk *chunk) {
    ASSERT(chunk->older == NULL && chunk->node->children[0] == chunk);
    for (uint32_t r = 0; r < room->layout->distinct_count * RUNNERS; r++)
        forget_until(room, index, &index->runners[r], r / RUNNERS, chunk->times[chunk->count - 1]);
    remove_first(room, index, chunk->node);
    while (index->root->level > 0 && index->root->count == 1) {
        struct node *root = index->root;
        index->root = root->children[0];
        index->root->parent = NULL;
        free_node(room, root);
    }
}

void index_add_chunk(const struct index_room *room, struct index *index, struct chunk *chunk) {
    ASSERT(chunk->older != NULL);
    struct node *node = chunk->older->node;
    uint32_t place = place_of(node, chunk->older);
    tell(room->layout, node, place); /* a split has taken its upper half away */
    insert_child(room, index, node, place + 1, chunk);
}

/* --- entries --- */

/* The newest entry of all: added to what is said on the way up, nothing is reckoned anew. */
static void add_newest(const struct layout *layout, struct chunk *chunk, uint32_t i) {
    const void *child = chunk;
    for (struct node *node = chunk->node; node != NULL; child = node, node = node->parent) {
        uint32_t place = node->count - 1u;
        ASSERT(node->children[place] == child);
        node->newest_us[place] = chunk->times[i];
        for (uint32_t m = 0; m < layout->measure_count; m++) {
            const struct measure *measure = &layout->measures[m];
            struct kept value = {.tag = V_BOOL}; /* a count of entries takes any value */
            if (chunk_where(layout, chunk, 1ull << i, measure->where) == 0)
                continue;
            if (measure->column >= 0)
                value = chunk_kept(layout, chunk, (uint32_t)measure->column, i);
            tally_add_newest(tally_at(layout, node, place, m), measure->kind, &value);
        }
    }
}

void index_add_entry(const struct index_room *room, struct index *index, struct chunk *chunk, uint32_t i, bool told) {
    ASSERT(i < chunk->count);
    if (!told && i == chunk->count - 1u && chunk->newer == NULL) {
        add_newest(room->layout, chunk, i);
    } else if (!told) {
        tell(room->layout, chunk->node, place_of(chunk->node, chunk));
        tell_upwards(room->layout, chunk->node);
    }
    for (uint32_t r = 0; r < room->layout->distinct_count * RUNNERS; r++) {
        struct runner *runner = &index->runners[r];
        if (runner->started && chunk->times[i] > runner->low_us && chunk->times[i] <= runner->high_us)
            run_over(room, runner, r / RUNNERS, chunk, 1ull << i, true);
    }
}

struct chunk *index_find(const struct index *index, int64_t at_us) {
    for (const struct node *node = index->root;;) {
        uint32_t i = node->count - 1u;
        while (i > 0 && node->oldest_us[i] > at_us)
            i--;
        if (node->level == 0)
            return node->children[i];
        node = node->children[i];
    }
}

/* --- the whole --- */

static size_t index_bytes(const struct layout *layout) {
    return sizeof(struct index) + (size_t)layout->distinct_count * RUNNERS * sizeof(struct runner);
}

struct index *index_make(const struct index_room *room, struct chunk *oldest) {
    struct index *index = pool_must_take(room->pool, room->budget, index_bytes(room->layout));
    memset(index, 0, index_bytes(room->layout));
    index->root = make_node(room, 0);
    set_child(index->root, 0, oldest);
    index->root->count = 1;
    tell(room->layout, index->root, 0);
    for (struct chunk *chunk = oldest->newer; chunk != NULL; chunk = chunk->newer)
        insert_child(room, index, chunk->older->node, place_of(chunk->older->node, chunk->older) + 1, chunk);
    return index;
}

static void free_tree(const struct index_room *room, struct node *node) {
    for (uint32_t i = 0; node->level > 0 && i < node->count; i++)
        free_tree(room, node->children[i]);
    free_node(room, node);
}

void index_free(const struct index_room *room, struct index *index) {
    free_tree(room, index->root);
    for (uint32_t r = 0; r < room->layout->distinct_count * RUNNERS; r++)
        multiset_clear(&index->runners[r].values, room);
    pool_give(room->pool, room->budget, index, index_bytes(room->layout));
}
