/* What backfill.c (the way of a chunk) and backfill_workers.c (opening, threads) share. */
#ifndef ASSAY_BACKFILL_PRIVATE_H
#define ASSAY_BACKFILL_PRIVATE_H

#include "backfill.h"
#include "engine_private.h"
#include "event/columns.h"

enum { ERROR_COLUMNS = 7 };
#define NOT_REPEATED SIZE_MAX

struct row_error {
    struct str function, error, file; /* file "" and line 0: of the event, not of a function */
    uint32_t line;
    struct row_error *next;
};

enum row_state { ROW_REFUSED, ROW_TAKEN, ROW_REPEATED, ROW_CONFLICT };

/* An event of the chunk. */
struct row {
    uint32_t event;
    int64_t index; /* in its batch */
    enum row_state state;
    int64_t at_us, arrival_us;
    struct window_cursor cursor;
    struct window_moment moment; /* once it is entered */
    struct value *cells; /* as a frame's, of which only the slots are there */
    struct code_error *code_errors;
    uint32_t code_error_count;
    struct row_error *errors, **errors_end;
    struct value id; /* as text, or None */
    bool decided;
    uint32_t outcome;
    size_t repeated; /* index of its id among the repeated ones, or NOT_REPEATED */
    struct hash128 content;
    struct buf fields; /* import: the input record */
    struct input_head head;
    struct value event_id;
    size_t unused_bytes; /* of its reservation, to be given back without the lock */
};

struct seen_id {
    bool is_there;
    struct hash128 content;
};

/* backfill_outcomes.c: payments that are decided, and not yet entered into the outcome windows. */
struct backfill_outcomes {
    struct waiting_outcome **heap;
    size_t count, cap;
    uint16_t *slots; /* what a waiting payment keeps */
    uint32_t slot_count;
    struct value *frame;
    struct arena arena; /* of one payment */
};

struct worker;
typedef void worker_step(struct worker *worker);

struct worker {
    struct backfill *backfill;
    struct engine_thread *thread;
    uint32_t number;
    pthread_t pthread;
    bool started;
    size_t begin, end, done; /* its part of the chunk, and how far it came */
    int64_t masked;
};

struct backfill {
    struct engine *engine;
    struct arena arena; /* of one call: the bound columns */
    struct backfill_column *specs;
    struct out_column *out;
    uint32_t column_count;
    struct out_column errors[ERROR_COLUMNS];
    struct columns columns[LIMIT_EVENT_CLASSES];
    /* Of an export: a class of the results of functions that read a Secret, as fields, and which functions these are. */
    struct event_class result_classes[LIMIT_EVENT_CLASSES];
    struct columns results[LIMIT_EVENT_CLASSES];
    bool *have_result; /* per function: its result comes from an export, it is not run */

    uint64_t *repeated;
    struct seen_id *seen;
    size_t repeated_count;
    struct backfill_repeat *repeats;
    size_t repeat_count, repeat_cap;

    struct worker *workers;
    uint32_t worker_count;
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    worker_step *step; /* what the workers are to do, once for each new `round` */
    uint64_t round;
    uint32_t busy;
    bool stopping;

    struct row *rows;
    struct value *cells;
    struct backfill_outcomes outcomes;
    size_t chunk, next; /* rows of the chunk that are prepared; events of the call before it */
    int64_t row_of[LIMIT_EVENT_CLASSES];
    struct backfill_known known;
    struct hash_key ids_key; /* of `repeated` */
    bool import;
    bool begun, covered;
    int64_t taken, refused, scored_rows;
};

/* Runs a step on every worker, the first on the caller's thread, and waits for all. */
void workers_run(struct backfill *backfill, worker_step *step);
/* served.c: binds the columns of such results; reads a row's into the frame. */
bool served_bind(struct backfill *backfill, uint32_t event, const struct backfill_batch *batch, struct error *error);
void served_read(struct backfill *backfill, const struct row *row, struct arena *arena, struct value *frame);
/* Forgets what was appended. */
void backfill_drop(struct backfill *backfill);
/* import.c: room in the log for an event's two records, waited for; then both, with the sequencing lock held. `n`: the
 * event in the call. */
bool import_reserve(struct backfill *backfill, struct row *row, struct error *error);
bool import_append(struct backfill *backfill, struct row *row, const struct event_outcome *place, size_t n,
                   struct error *error);
bool outcomes_init(struct backfill_outcomes *outcomes, const struct plan *plan);
void outcomes_release(struct backfill_outcomes *outcomes);
/* A payment has been decided: enters it into the outcome windows, or keeps it until an input above decided_seq comes. */
bool outcomes_take(struct backfill *backfill, const struct row *row, uint64_t decided_seq, struct error *error);
/* Enters those that were decided before the input with this number. */
bool outcomes_enter_before(struct backfill *backfill, uint64_t seq, struct error *error);
int compare_ids(const void *a, const void *b);
size_t backfill_chunk_rows(const struct backfill *backfill, uint32_t workers);

#endif
