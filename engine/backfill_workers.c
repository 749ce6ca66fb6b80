/* Opening and closing a backfill, and its threads: each waits for the next round, does the round's step on its own part,
 * and says that it is done. The caller is the first of them. */
#include <stdlib.h>

#include "backfill_private.h"
#include "base/assert.h"

static void *worker_main(void *argument) {
    struct worker *worker = argument;
    struct backfill *b = worker->backfill;
    uint64_t seen = 0;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        while (b->round == seen && !b->stopping)
            pthread_cond_wait(&b->begin, &b->lock);
        if (b->stopping)
            break;
        seen = b->round;
        worker_step *step = b->step;
        pthread_mutex_unlock(&b->lock);
        step(worker);
        pthread_mutex_lock(&b->lock);
        if (--b->busy == 0)
            pthread_cond_signal(&b->end);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

void workers_run(struct backfill *b, worker_step *step) {
    if (b->worker_count > 1) {
        pthread_mutex_lock(&b->lock);
        ASSERT(b->busy == 0);
        b->step = step;
        b->busy = b->worker_count - 1;
        b->round++;
        pthread_cond_broadcast(&b->begin);
        pthread_mutex_unlock(&b->lock);
    }
    step(&b->workers[0]);
    if (b->worker_count > 1) {
        pthread_mutex_lock(&b->lock);
        while (b->busy > 0)
            pthread_cond_wait(&b->end, &b->lock);
        pthread_mutex_unlock(&b->lock);
    }
}

int compare_ids(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void backfill_drop(struct backfill *b) {
    for (uint32_t c = 0; c < b->column_count; c++)
        out_release(&b->out[c]);
    for (uint32_t c = 0; c < ERROR_COLUMNS; c++)
        out_release(&b->errors[c]);
}

static bool open_columns(struct backfill *b, const struct backfill_config *config) {
    static const struct out_column errors[ERROR_COLUMNS] = {
        {.name = "event", .type = OUT_INT},    {.name = "row", .type = OUT_INT},   {.name = "id", .type = OUT_STR},
        {.name = "function", .type = OUT_STR}, {.name = "error", .type = OUT_STR}, {.name = "file", .type = OUT_STR},
        {.name = "line", .type = OUT_INT}};
    memcpy(b->errors, errors, sizeof errors);
    b->specs = calloc(config->column_count + 1, sizeof *b->specs);
    b->out = calloc(config->column_count + 1, sizeof *b->out);
    if (b->specs == NULL || b->out == NULL)
        return false;
    b->column_count = config->column_count;
    for (uint32_t c = 0; c < config->column_count; c++) {
        b->specs[c] = config->columns[c];
        b->out[c] = (struct out_column){
            .name = config->columns[c].name, .type = config->columns[c].type, .is_list = config->columns[c].is_list};
    }
    return true;
}

static bool open_rows(struct backfill *b, const struct backfill_config *config) {
    const struct plan *plan = b->engine->plan;
    size_t rows = backfill_chunk_rows(b, config->threads);
    b->rows = calloc(rows, sizeof *b->rows);
    b->cells = calloc(plan->constant_count + rows * plan->slot_count, sizeof *b->cells);
    b->repeated = calloc(config->repeated_count + 1, sizeof *b->repeated);
    b->have_result = calloc(plan->function_count + 1, sizeof *b->have_result);
    b->seen = calloc(config->repeated_count + 1, sizeof *b->seen);
    if (b->rows == NULL || b->cells == NULL || b->repeated == NULL || b->seen == NULL ||
        b->have_result == NULL)
        return false;
    for (size_t i = 0; i < rows; i++)
        b->rows[i].cells = b->cells + i * plan->slot_count; /* a row's slots begin at cells[constant_count] */
    b->repeated_count = config->repeated_count;
    if (config->repeated_count > 0)
        memcpy(b->repeated, config->repeated, config->repeated_count * sizeof *b->repeated);
    return true;
}

static bool open_workers(struct backfill *b, uint32_t count, struct error *error) {
    b->workers = calloc(count, sizeof *b->workers);
    if (b->workers == NULL)
        return error_set(error, ERROR_SYSTEM, "out of memory");
    b->worker_count = count;
    for (uint32_t w = 0; w < count; w++) {
        struct worker *worker = &b->workers[w];
        *worker = (struct worker){.backfill = b, .number = w};
        worker->thread = engine_thread_open(b->engine, error);
        if (worker->thread == NULL)
            return false;
        int failed = w == 0 ? 0 : pthread_create(&worker->pthread, NULL, worker_main, worker);
        if (failed != 0)
            return error_system(error, failed, "a thread cannot be started");
        worker->started = w > 0;
    }
    return true;
}

struct backfill *backfill_open(struct engine *engine, const struct backfill_config *config, struct error *error) {
    ASSERT(config->threads >= 1);
    struct backfill *b = calloc(1, sizeof *b);
    if (b == NULL) {
        error_set(error, ERROR_SYSTEM, "out of memory");
        return NULL;
    }
    b->engine = engine;
    arena_init(&b->arena, LIMIT_ARENA_BYTES);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->begin, NULL);
    pthread_cond_init(&b->end, NULL);
    b->ids_key = config->ids_of != NULL ? config->ids_of->ids_key : engine->key;
    b->import = config->import;
    /* Event by event there is nothing to share. */
    uint32_t threads = window_has_outcomes(engine->windows, engine->plan->scored) ? 1 : config->threads;
    bool ok = (engine->journal != NULL) == config->import ||
              error_set(error, ERROR_INPUT, "a backfill is without a data folder, an import needs one");
    ok = ok && (!config->import || engine->next_seq == 1 ||
                error_set(error, ERROR_INPUT, "the data folder has events already"));
    ok = ok && ((open_columns(b, config) && open_rows(b, config) && outcomes_init(&b->outcomes, engine->plan)) ||
                error_set(error, ERROR_SYSTEM, "out of memory"));
    if (ok && open_workers(b, threads, error))
        return b;
    backfill_close(b);
    return NULL;
}

void backfill_close(struct backfill *b) {
    if (b == NULL)
        return;
    pthread_mutex_lock(&b->lock);
    b->stopping = true;
    pthread_cond_broadcast(&b->begin);
    pthread_mutex_unlock(&b->lock);
    for (uint32_t w = 0; w < b->worker_count; w++) {
        if (b->workers[w].started)
            pthread_join(b->workers[w].pthread, NULL);
        engine_thread_close(b->workers[w].thread);
    }
    backfill_drop(b);
    outcomes_release(&b->outcomes);
    free(b->specs);
    free(b->out);
    free(b->rows);
    free(b->cells);
    free(b->repeated);
    free(b->seen);
    free(b->have_result);
    free(b->repeats);
    free(b->workers);
    arena_release(&b->arena);
    pthread_cond_destroy(&b->begin);
    pthread_cond_destroy(&b->end);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
