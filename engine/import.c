/* Events into the journal of a new installation, by the batch driver (backfill.h): each with an input record that is
 * flagged INPUT_IMPORTED, and right behind it an output record that says what is known of its decision. Recovery and
 * replay enter such an input into the windows as any other, and decide it never. */
#include <time.h>

#include "backfill_private.h"
#include "base/assert.h"

/* The answer's bytes are bounded: id, decision and class name. */
bool import_reserve(struct backfill *b, struct row *row, struct error *error) {
    struct engine *engine = b->engine;
    size_t bytes = INPUT_HEAD_BYTES + row->fields.len + engine->output_bound_bytes;
    while (!journal_reserve(engine->journal, 2, bytes)) {
        const char *failure = journal_failure(engine->journal);
        if (failure != NULL)
            return error_set(error, ERROR_SYSTEM, "the journal cannot be written: %s", failure);
        struct timespec pause = {.tv_nsec = 500000}; /* the disk is behind */
        nanosleep(&pause, NULL);
    }
    return true;
}

bool import_append(struct backfill *b, struct row *row, const struct event_outcome *place, size_t n,
                   struct error *error) {
    struct engine *engine = b->engine;
    struct arena *arena = &b->workers[0].thread->arena;
    struct event_outcome outcome = *place;
    struct buf answer, body;
    struct str decision = STR("");
    char head[INPUT_HEAD_BYTES];
    uint64_t input, output, end;
    if (b->known.outcomes != NULL && b->known.outcomes[n] > 0) {
        ASSERT(b->known.outcomes[n] <= engine->plan->decide.outcome_count);
        decision = engine->plan->decide.outcomes[b->known.outcomes[n] - 1];
    }
    arena->limit_bytes = arena->total_bytes + LIMIT_ARENA_BYTES;
    buf_init(&answer, arena, LIMIT_ARENA_BYTES);
    buf_init(&body, arena, LIMIT_ARENA_BYTES);
    outcome.id = row->event_id;
    outcome.started_ns = engine->io->table->monotonic_ns(engine->io);
    row->head.at_us = place->at_us;
    row->head.flags = place->flags | INPUT_IMPORTED;
    record_write_input_head(&row->head, head);
    if (!write_imported(engine, &outcome, decision, &answer))
        return error_set(error, ERROR_SYSTEM, "out of memory");
    bool scored = row->event == engine->plan->scored;
    record_write_output(&body, engine->plan, scored ? 200 : 202, (struct str){answer.p, answer.len}, false, NULL);
    ASSERT(!body.failed && body.len <= engine->output_bound_bytes);
    struct str parts[2] = {{head, sizeof head}, {row->fields.p, row->fields.len}}, part = {body.p, body.len};
    input = log_append(engine, RECORD_INPUT, place->seq, place->arrival_us, parts, 2, &end);
    output = log_append(engine, RECORD_OUTPUT, place->seq, place->arrival_us, &part, 1, &end);
    row->unused_bytes = engine->output_bound_bytes - body.len;
    if (!ids_set_input(engine->ids, row->head.id, row->head.content, place->seq, place->arrival_us, input))
        return error_set(error, ERROR_LIMIT, "the id index is full: raise its limit");
    ids_set_output(engine->ids, row->head.id, output, end);
    return true;
}
