/* Walking the entries in a range of time (walk.h). Called by read.c, report.c and index.c. */
#include "walk.h"

#include "../base/assert.h"

/* The places of the chunk in (low, high]; 0 if there are none. */
static uint64_t bits_between(const struct chunk *chunk, int64_t low_us, int64_t high_us) {
    ASSERT(chunk->count > 0);
    uint32_t first = chunk->times[0] > low_us ? 0 : chunk_count_until(chunk, low_us);
    uint32_t after = chunk->times[chunk->count - 1] <= high_us ? chunk->count : chunk_count_until(chunk, high_us);
    if (first >= after)
        return 0;
    return (after == 64 ? UINT64_MAX : (1ull << after) - 1) & ~((1ull << first) - 1);
}

void walk_begin(struct walk *walk, const struct layout *layout, const struct index *index, const struct chunk *newest,
                int64_t low_us, int64_t high_us, bool ascending) {
    walk->layout = layout;
    walk->low_us = low_us;
    walk->high_us = high_us;
    walk->ascending = ascending;
    walk->whole = walk->skip = NULL;
    walk->at = index == NULL ? newest : NULL;
    walk->depth = 0;
    if (index != NULL) {
        const struct node *root = index_root(index);
        walk->steps[walk->depth++] = (struct walk_step){root, ascending ? 0 : root->count - 1};
    } else if (ascending && newest != NULL) {
        while (walk->at->older != NULL && walk->at->times[0] > low_us)
            walk->at = walk->at->older;
    }
}

static bool next_of_chunks(struct walk *walk, struct span *span) {
    while (walk->at != NULL) {
        const struct chunk *chunk = walk->at;
        if (walk->ascending ? chunk->times[0] > walk->high_us : chunk->times[chunk->count - 1] <= walk->low_us)
            break; /* and so are all that would follow */
        walk->at = walk->ascending ? chunk->newer : chunk->older;
        uint64_t bits = bits_between(chunk, walk->low_us, walk->high_us);
        if (bits != 0) {
            *span = (struct span){.chunk = chunk, .bits = bits};
            return true;
        }
    }
    walk->at = NULL;
    return false;
}

/* One child of the tree: true if it gives a span. Goes down into it otherwise, if it must. */
static bool visit_child(struct walk *walk, const struct node *node, uint32_t child, struct span *span) {
    bool inside = node->oldest_us[child] > walk->low_us && node->newest_us[child] <= walk->high_us;
    if (walk->skip != NULL && node_tally(walk->layout, node, child, walk->skip)->count == 0)
        return false;
    if (inside && walk->whole != NULL) {
        *span = (struct span){.whole = node_tally(walk->layout, node, child, walk->whole)};
        return true;
    }
    if (node->level == 0) {
        const struct chunk *chunk = node->children[child];
        *span = (struct span){.chunk = chunk, .bits = bits_between(chunk, walk->low_us, walk->high_us)};
        return span->bits != 0;
    }
    const struct node *down = node->children[child];
    ASSERT(walk->depth < NODE_LEVELS_MAX);
    walk->steps[walk->depth++] = (struct walk_step){down, walk->ascending ? 0 : down->count - 1};
    return false;
}

static bool next_of_tree(struct walk *walk, struct span *span) {
    while (walk->depth > 0) {
        struct walk_step *step = &walk->steps[walk->depth - 1];
        const struct node *node = step->node;
        if (step->next < 0 || step->next >= node->count) {
            walk->depth--;
            continue;
        }
        uint32_t child = (uint32_t)step->next;
        step->next += walk->ascending ? 1 : -1;
        if (node->newest_us[child] <= walk->low_us || node->oldest_us[child] > walk->high_us) {
            if (walk->ascending == (node->oldest_us[child] > walk->high_us))
                walk->depth = 0; /* beyond the far end: nothing follows */
            continue;
        }
        if (visit_child(walk, node, child, span))
            return true;
    }
    return false;
}

bool walk_next(struct walk *walk, struct span *span) {
    return walk->depth > 0 ? next_of_tree(walk, span) : next_of_chunks(walk, span);
}
