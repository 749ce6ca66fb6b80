/* The engine's own parts, shared by engine.c (open, close), score.c (the way of an event), fold.c (recovery and
 * replay), reply.c (answers), explain.c and backfill.c. Nobody else includes this. */
#ifndef ASSAY_ENGINE_PRIVATE_H
#define ASSAY_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "engine.h"
#include "journal/ids.h"
#include "memory_log.h"
#include "plan.h"
#include "record.h"

/* Counters of what went through; each is written with relaxed order. */
struct engine_counters {
    _Atomic uint64_t decided[LIMIT_OUTCOMES];
    _Atomic uint64_t context_events, repeated, conflicts, bad_json, bad_fields, unavailable;
    _Atomic uint64_t function_errors, rules_not_evaluated, masked, late, clamped, warming;
};

struct engine {
    struct engine_config config;
    struct io *io;
    struct plan *plan;
    struct hash_key key;
    struct journal *journal;   /* NULL in process */
    struct memory_log *memory; /* NULL with a data folder */
    struct ids *ids;
    struct windows *windows;
    int lock_file; /* of the data folder, or -1 */

    /* What the sequencing critical section guards: the journal's lock with a data folder, else `order`. */
    pthread_mutex_t order;
    uint64_t next_seq;
    int64_t last_arrival_us, latest_us;

    /* The deployments of this journal, oldest first; the last is in force. Written while opening only. */
    struct arena layouts_arena;
    struct layout *layouts;
    uint32_t layout_count, layout_cap;

    size_t output_bound_bytes; /* an upper bound of one output record's body */
    struct engine_counters counters;
};

struct engine_thread {
    struct engine *engine;
    struct arena arena;
    struct code_frame frame;
    double *model_row;
    bool *have_result; /* per function: its result was recorded, do not run it */
};

/* What the answer to one event says beside the frame. */
struct event_outcome {
    uint32_t event;
    struct value id;
    uint64_t seq;
    int64_t at_us, arrival_us;
    uint8_t flags;            /* INPUT_LATE, INPUT_CLAMPED, INPUT_IMPORTED */
    uint32_t errors_before;   /* errors of the frame that came before the windows' */
    struct decision decision; /* of a scored event */
    uint64_t started_ns;
};

/* What tells stages apart; without `ns` nothing is measured. */
struct stage_clock {
    struct io *io;
    uint64_t *ns;
    uint64_t last_ns;
};

/* What has passed since the last call belongs to this stage. `clock` may be NULL. */
static inline void stage_ends(struct stage_clock *clock, enum engine_stage stage) {
    if (clock == NULL || clock->ns == NULL)
        return;
    uint64_t now_ns = clock->io->table->monotonic_ns(clock->io);
    clock->ns[stage] += now_ns - clock->last_ns;
    clock->last_ns = now_ns;
}

/* score.c */
void run_before(struct code_frame *frame, const struct plan *plan, uint32_t event, const bool *have_result);
void run_after(struct code_frame *frame, const struct plan *plan, const bool *have_result, double *model_row,
               struct stage_clock *clock);
/* Decides, then runs the functions that take the decision. */
bool run_decision(struct code_frame *frame, const struct plan *plan, const bool *have_result,
                  struct decision *decision);
/* Where windows place an event; `latest_us` is the latest event time so far. */
struct window_moment moment_of(const struct event_outcome *outcome, int64_t latest_us);
/* Gives an event its number, arrival, clamped time and lateness, with the sequencing lock held. `now_us`: when it
 * arrives; NULL where nothing arrives: the latest event time so far then, and nothing is clamped. */
void sequence_event(struct engine *engine, int64_t at_us, const int64_t *now_us, struct event_outcome *outcome);
/* Where nothing tells what came before the first event: windows are covered from its time on, unless the history is
 * empty. */
void cover_from(struct engine *engine, int64_t at_us);

/* reply.c: false if the arena is full */
bool write_decision(const struct engine *engine, const struct code_frame *frame, const struct event_outcome *outcome,
                    struct buf *out);
bool write_accepted(const struct engine *engine, const struct code_frame *frame, const struct event_outcome *outcome,
                    struct buf *out);
/* The answer on an imported event: nothing was decided here; `decision` ("": none) is what the import said. */
bool write_imported(const struct engine *engine, const struct event_outcome *outcome, struct str decision,
                    struct buf *out);
void write_errors(const struct plan *plan, const struct code_frame *frame, const struct event_outcome *outcome,
                  struct buf *out);
/* The errors of an event in the order in which they happened: functions before the windows, windows, functions after,
 * the decision. */
typedef void error_visitor(void *context, struct str function, const char *exception, struct str file, uint32_t line);
void each_error(const struct plan *plan, const struct code_frame *frame, const struct event_outcome *outcome,
                error_visitor *visit, void *context);
/* `"features": {...}` and, where there are any, `"nonfinite": {...}`; of the kinds window, feature and model. */
void write_features(const struct plan *plan, const struct value *cells, struct buf *out);
void write_problem_fields(struct buf *out, int status, const char *type, const char *title, const char *detail,
                          const struct event_result *result);
size_t output_bound(const struct plan *plan);

/* engine.c: the bundle and the key of a data folder, without its lock, for reading. */
struct engine *engine_open_reader(const struct engine_config *config, struct error *error);

/* fold.c */
/* Where the journal of the engine's data folder is; `folder` is for its path. */
void journal_of(const struct engine *engine, struct journal_config *config, char *folder, size_t size);
/* Since when the events of a class are in the journal; INT64_MAX if it is in no deployment. */
int64_t class_since(const struct engine *engine, struct str name, bool outcome);
/* Makes windows for the plan, with the coverage that the layouts and the history give. */
struct windows *make_windows(const struct engine *engine, struct error *error);
/* Tells the windows since when they have seen every event. */
void set_coverage(const struct engine *engine, struct windows *windows);
/* Adds a deployment, from its record's body, to the engine's layouts. */
bool add_layout(struct engine *engine, const uint8_t *body, size_t len, int64_t arrival_us, struct error *error);
/* Appends a record while opening, when nothing else writes, and waits until it is on disk. */
bool log_durably(struct engine *engine, enum record_kind kind, uint64_t seq, int64_t arrival_us, const struct buf *body,
                 uint64_t *position, uint64_t *end, struct error *error);
/* Folds every record of the engine's journal folder into a new state; opens the journal. False with `unfinished` set to
 * a bundle's hash: that bundle has to decide what a crash left undecided, before another one opens the folder. */
bool engine_recover(struct engine *engine, char unfinished[65], struct error *error);
/* Folds the journal, read only, deciding every input again. */
bool engine_fold_replay(struct engine *engine, struct engine_replay *out, struct error *error);

/* Answers a problem. */
void answer_problem(struct engine_thread *thread, struct engine_answer *answer, enum engine_status status,
                    int http_status, const char *type, const char *title, const char *detail);

/* The input record's body but for the results of functions, and its head but for time and flags. */
void begin_record(const struct engine *engine, const struct value *cells, uint32_t event, const struct value *id,
                  struct arena *arena, struct buf *fields, struct input_head *head);
/* Takes the sequencing lock. */
void sequence_lock(struct engine *engine);
void sequence_unlock(struct engine *engine);
uint64_t log_append(struct engine *engine, enum record_kind kind, uint64_t seq, int64_t arrival_us,
                    const struct str *parts, uint32_t part_count, uint64_t *end);
bool log_read(struct engine *engine, uint64_t position, struct arena *arena, struct record *out);

/* The time against which the ids' retention is measured. */
int64_t ids_now(const struct engine *engine);
/* The same by another key than the engine's. */
struct hash128 id_hash_by(const struct hash_key *key, const struct plan *plan, uint32_t event, const struct value *id,
                          struct arena *arena);
struct hash128 id_hash(const struct engine *engine, uint32_t event, const struct value *id, struct arena *arena);

#endif
