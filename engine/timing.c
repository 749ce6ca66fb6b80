/* What one function costs (engine_time): it is called again over the cells that the thread's last event left, so with
 * that event's inputs. For `assay check`; nothing of a payment's way comes through here.
 *
 * Invariants: the frame and the arena are left as they were found, so engine_value gives what it gave before. */
#include "base/assert.h"
#include "engine_private.h"

bool engine_time(struct engine_thread *thread, uint32_t function, uint32_t rounds, uint64_t *total_ns) {
    ASSERT(thread != NULL && rounds > 0);
    const struct plan *plan = thread->engine->plan;
    if (function >= plan->function_count)
        return false;
    struct code_frame *frame = &thread->frame;
    struct io *io = thread->engine->io;
    struct value *slot = &frame->cells[plan->functions[function].slot];
    const struct value before = *slot;
    const struct arena arena = *frame->arena;
    const uint32_t errors = frame->error_count, errors_total = frame->errors_total;
    const uint64_t before_ns = io->table->monotonic_ns(io), started_ns = io->table->monotonic_ns(io);
    for (uint32_t round = 0; round < rounds; round++) {
        arena_rewind(frame->arena, &arena); /* what the last round made is gone; its blocks stay warm */
        code_forget(frame);
        frame->arena->limit_bytes = arena.total_bytes + LIMIT_SHARE_BYTES;
        code_call(frame, function);
        frame->error_count = errors;
        frame->errors_total = errors_total;
    }
    const uint64_t took_ns = io->table->monotonic_ns(io) - started_ns, clock_ns = started_ns - before_ns;
    *total_ns = took_ns > clock_ns ? took_ns - clock_ns : 0; /* reading the clock is no part of it */
    arena_rewind(frame->arena, &arena);
    code_forget(frame);
    *slot = before;
    ASSERT(frame->error_count == errors);
    return true;
}
