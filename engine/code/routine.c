/* Calls of routines and generators: code that runs beside the function's own, in temporaries of its own (code.h, code_routine).
 * Called by the interpreter (run.c), which runs the routine's instructions in turn. */
#include "load.h"

static struct value *cells_of(const struct run *run, const struct code_routine *routine) {
    return run->cells + run->code->constant_count + run->code->slot_count + routine->base;
}

/* A routine's cells are its own, so that a call need not move anything; only a call of one that is already under way saves
 * what is there. */
static bool enter(struct run *run, const struct code_routine *routine, uint32_t number, struct value **saved) {
    struct value *cells = cells_of(run, routine);
    *saved = NULL;
    if (run->depth >= CALLS_MAX)
        return run_raise(run, EXCEPTION_RecursionError, "maximum recursion depth exceeded");
    if (!run_charge(run, 4 + routine->cells / 4))
        return false;
    if (run->active[number]) {
        if ((*saved = run_items(run, routine->cells)) == NULL)
            return false;
        memcpy(*saved, cells, routine->cells * sizeof *cells);
    }
    run->depth++;
    run->active[number]++;
    return true;
}

static void leave(struct run *run, const struct code_routine *routine, uint32_t number, const struct value *saved) {
    struct value *cells = cells_of(run, routine);
    ASSERT(run->depth > 0 && run->active[number] > 0);
    run->depth--;
    run->active[number]--;
    if (saved != NULL)
        memcpy(cells, saved, routine->cells * sizeof *cells);
}

static const struct value *run_routine(struct run *run, const struct code_routine *routine, const struct instruction **at) {
    const struct code_piece piece = {run->code->instructions + routine->first, routine->handlers, routine->handler_count};
    const struct value *result = run_piece(run, &piece, at, NULL);
    if (result == NULL && run->raised_in == NULL && (run->raised == NULL || run->raised->at == NULL))
        run->raised_in = *at; /* not of one thrown again, which knows its place */
    return result;
}

bool routine_call(struct run *run, uint32_t number, const struct value *args, uint32_t count, struct value *out) {
    const struct code_routine *routine = &run->code->routines[number];
    struct value *saved;
    ASSERT(count == routine->parameters);
    if (!enter(run, routine, number, &saved))
        return false;
    struct value *cells = cells_of(run, routine);
    memmove(cells, args, count * sizeof *cells); /* they may stand in these cells */
    memset(cells + count, 0, (routine->cells - count) * sizeof *cells);
    const struct instruction *at = run->code->instructions + routine->first;
    const struct value *result = run_routine(run, routine, &at);
    if (result != NULL)
        *out = *result;
    leave(run, routine, number, saved);
    return result != NULL;
}

bool generator_make(struct run *run, uint32_t number, const struct value *args, uint32_t count, struct value *out) {
    const struct code_routine *routine = &run->code->routines[number];
    struct generator *generator = run_alloc(run, sizeof *generator);
    struct value *cells = generator == NULL ? NULL : run_items(run, routine->cells);
    ASSERT(count == routine->parameters);
    if (cells == NULL)
        return false;
    memset(cells, 0, routine->cells * sizeof *cells);
    copy_bytes(cells, args, count * sizeof *cells);
    *generator = (struct generator){routine, cells, run->code->instructions + routine->first, false};
    struct value source = {.tag = V_GENERATOR, .p = generator};
    return sequence_iter(run, &source, out);
}

int generator_next(struct run *run, struct generator *generator, struct value *out) {
    const struct code_routine *routine = generator->routine;
    uint32_t number = (uint32_t)(routine - run->code->routines);
    struct value *saved, *cells = cells_of(run, routine);
    if (generator->running) {
        run_raise(run, EXCEPTION_ValueError, "generator already executing");
        return -1;
    }
    if (generator->at == NULL)
        return 0;
    if (!enter(run, routine, number, &saved))
        return -1;
    memcpy(cells, generator->saved, routine->cells * sizeof *cells);
    generator->running = true;
    const struct instruction *at = generator->at;
    const struct value *result = run_routine(run, routine, &at);
    bool more = result != NULL && at->op == OP_YIELD;
    if (more)
        *out = *result;
    memcpy(generator->saved, cells, routine->cells * sizeof *cells);
    generator->at = more ? at + 1 : NULL;
    generator->running = false;
    leave(run, routine, number, saved);
    if (result == NULL && run->exception == EXCEPTION_StopIteration)
        run_raise(run, EXCEPTION_RuntimeError, "generator raised StopIteration");
    return result == NULL ? -1 : more;
}
