/* Outcome windows in a backfill: what a decided payment says for later ones. Called by backfill.c.
 *
 * A payment is entered into them when its output record is appended, and by then a server may have taken other inputs.
 * Where the events come from an export, each payment says how far the inputs had come (`decided_seq`): it waits here, in
 * a heap with the least number on top, until an input of a higher number is about to be read. Elsewhere each event is
 * decided before the next, and nothing waits.
 *
 * Waiting payments are few, as many as a server had in flight, and keep only the cells that outcome windows take, in
 * serialized form. Those that are entered between two inputs may be entered in any order: a window's entries are ordered
 * by (time, sequence), not by when they came. */
#include <stdlib.h>

#include "backfill_private.h"
#include "base/assert.h"

struct waiting_outcome {
    uint64_t decided_seq;
    struct window_moment moment;
    size_t len;
    uint8_t cells[]; /* of outcomes->slots, serialized */
};

/* The cells that the outcome streams are keyed by, and what they take. */
static bool find_slots(struct backfill_outcomes *outcomes, const struct plan *plan) {
    size_t most = plan->outcome_count;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        most += plan->streams[s].key_count;
    outcomes->slots = calloc(most + 1, sizeof *outcomes->slots);
    if (outcomes->slots == NULL)
        return false;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        for (uint32_t k = 0; plan->streams[s].outcome && k < plan->streams[s].key_count; k++)
            outcomes->slots[outcomes->slot_count++] = plan->streams[s].key_slots[k];
    for (uint32_t i = 0; i < plan->outcome_count; i++)
        outcomes->slots[outcomes->slot_count++] = plan->outcomes[i].slot;
    ASSERT(outcomes->slot_count <= most);
    return true;
}

bool outcomes_init(struct backfill_outcomes *outcomes, const struct plan *plan) {
    arena_init(&outcomes->arena, LIMIT_ARENA_BYTES);
    outcomes->frame = calloc((size_t)plan->constant_count + plan->slot_count + 1, sizeof *outcomes->frame);
    return outcomes->frame != NULL && find_slots(outcomes, plan);
}

void outcomes_release(struct backfill_outcomes *outcomes) {
    for (size_t i = 0; i < outcomes->count; i++)
        free(outcomes->heap[i]);
    free(outcomes->heap);
    free(outcomes->frame);
    free(outcomes->slots);
    arena_release(&outcomes->arena);
    *outcomes = (struct backfill_outcomes){0};
}

/* --- entering --- */

static bool enter(struct backfill *b, const struct value *frame, const struct window_moment *moment) {
    struct engine *engine = b->engine;
    struct window_moment now = *moment;
    struct window_cursor cursor;
    now.latest_us = engine->latest_us; /* as where the output is appended */
    if (!window_prepare_outcome(engine->windows, &cursor, engine->plan->scored, frame, &b->outcomes.arena))
        return false;
    window_lock(&cursor);
    bool entered = window_enter(&cursor, &now);
    window_unlock(&cursor);
    return entered;
}

static bool enter_waiting(struct backfill *b, const struct waiting_outcome *waiting) {
    struct backfill_outcomes *outcomes = &b->outcomes;
    size_t at = 0;
    for (uint32_t i = 0; i < outcomes->slot_count; i++)
        if (!value_read(waiting->cells, waiting->len, &at, &outcomes->arena, &outcomes->frame[outcomes->slots[i]]))
            return false;
    ASSERT(at == waiting->len);
    return enter(b, outcomes->frame, &waiting->moment);
}

/* --- the heap --- */

static void push(struct backfill_outcomes *outcomes, struct waiting_outcome *waiting) {
    ASSERT(outcomes->count < outcomes->cap);
    size_t at = outcomes->count++;
    for (; at > 0 && outcomes->heap[(at - 1) / 2]->decided_seq > waiting->decided_seq; at = (at - 1) / 2)
        outcomes->heap[at] = outcomes->heap[(at - 1) / 2];
    outcomes->heap[at] = waiting;
}

static struct waiting_outcome *pop(struct backfill_outcomes *outcomes) {
    ASSERT(outcomes->count > 0);
    struct waiting_outcome *top = outcomes->heap[0], *last = outcomes->heap[--outcomes->count];
    size_t at = 0;
    for (size_t child = 1; child < outcomes->count; child = at * 2 + 1) {
        if (child + 1 < outcomes->count && outcomes->heap[child + 1]->decided_seq < outcomes->heap[child]->decided_seq)
            child++;
        if (outcomes->heap[child]->decided_seq >= last->decided_seq)
            break;
        outcomes->heap[at] = outcomes->heap[child];
        at = child;
    }
    outcomes->heap[at] = last;
    return top;
}

static bool make_room(struct backfill_outcomes *outcomes) {
    if (outcomes->count < outcomes->cap)
        return true;
    size_t cap = outcomes->cap == 0 ? 64 : outcomes->cap * 2;
    struct waiting_outcome **grown = realloc(outcomes->heap, cap * sizeof(struct waiting_outcome *));
    if (grown == NULL)
        return false;
    outcomes->heap = grown;
    outcomes->cap = cap;
    return true;
}

static bool keep(struct backfill *b, const struct row *row, uint64_t decided_seq) {
    struct backfill_outcomes *outcomes = &b->outcomes;
    struct buf cells;
    buf_init(&cells, &outcomes->arena, LIMIT_ARENA_BYTES);
    for (uint32_t i = 0; i < outcomes->slot_count; i++)
        value_write(&cells, &row->cells[outcomes->slots[i]]);
    if (cells.failed || !make_room(outcomes))
        return false;
    struct waiting_outcome *waiting = malloc(sizeof *waiting + cells.len);
    if (waiting == NULL)
        return false;
    *waiting = (struct waiting_outcome){.decided_seq = decided_seq, .moment = row->moment, .len = cells.len};
    memcpy(waiting->cells, cells.p, cells.len);
    push(outcomes, waiting);
    return true;
}

/* --- for backfill.c --- */

bool outcomes_take(struct backfill *b, const struct row *row, uint64_t decided_seq, struct error *error) {
    ASSERT(row->decided && decided_seq >= row->moment.seq);
    arena_reset(&b->outcomes.arena);
    bool good = decided_seq == row->moment.seq ? enter(b, row->cells, &row->moment) : keep(b, row, decided_seq);
    return good || error_set(error, ERROR_SYSTEM, "no memory for the windows' events");
}

bool outcomes_enter_before(struct backfill *b, uint64_t seq, struct error *error) {
    struct backfill_outcomes *outcomes = &b->outcomes;
    while (outcomes->count > 0 && outcomes->heap[0]->decided_seq < seq) {
        struct waiting_outcome *waiting = pop(outcomes);
        arena_reset(&outcomes->arena);
        bool entered = enter_waiting(b, waiting);
        free(waiting);
        if (!entered)
            return error_set(error, ERROR_SYSTEM, "no memory for the windows' events");
    }
    return true;
}
