/* The engine: the rooms put together. This is the one header that the server and the Python module include.
 *
 * An engine serves one bundle over one data folder (or none: in process, from empty history, nothing durable). Threads
 * call it through an engine_thread of their own, which holds the arena and the frame; answers live in that arena until
 * the thread's next call of engine_reset. */
#ifndef ASSAY_ENGINE_H
#define ASSAY_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/value.h"
#include "io/io.h"
#include "journal/journal.h"

struct engine;
struct engine_thread;

enum engine_history { HISTORY_DEFINITION, HISTORY_EMPTY, HISTORY_UNKNOWN };

struct engine_config {
    struct io *io; /* NULL: io_system() */
    const char *bundle_path;
    const char *data_folder; /* NULL: in process only */
    enum durability durability;
    uint32_t interval_us;
    enum engine_history history; /* HISTORY_DEFINITION: as the bundle says */
    size_t window_budget_bytes;  /* 0: no limit */
    uint64_t ids_limit;          /* 0: 100 million */
    uint64_t segment_bytes;      /* 0: the journal's default */
    const int64_t *deployed_at_us; /* NULL: now. Of an import: the time of its first event, since when everything is
                                      seen */
};

/* Opens: loads and verifies the bundle, checks golden rows, recovers the journal, decides inputs that have no output.
 */
struct engine *engine_open(const struct engine_config *config, struct error *error);
/* Makes durable, seals, frees. All threads must have been closed. */
void engine_close(struct engine *engine);

struct engine_thread *engine_thread_open(struct engine *engine, struct error *error);
void engine_thread_close(struct engine_thread *thread);
/* Forgets the answers given to this thread so far. */
void engine_reset(struct engine_thread *thread);
struct arena *engine_arena(struct engine_thread *thread);

enum engine_status {
    ENGINE_DECIDED,     /* body is the decision: 200 (for a context event: 202) */
    ENGINE_REPEATED,    /* the same id and content was answered before: the stored body, byte for byte */
    ENGINE_BAD_JSON,    /* 400 */
    ENGINE_BAD_FIELDS,  /* 422 */
    ENGINE_TOO_LARGE,   /* 413 */
    ENGINE_CONFLICT,    /* 409: the same id with other content */
    ENGINE_NOT_FOUND,   /* 404: unknown event class or decision */
    ENGINE_IN_FLIGHT,   /* the same id is being decided or not yet durable: call again when `wait` is durable, until the
                           deadline, then 503 */
    ENGINE_UNAVAILABLE, /* 503: no log space, failed disk, full id index, full windows */
};

struct engine_answer {
    enum engine_status status;
    int http_status; /* 200, 202, 400, ... as above */
    struct str body; /* JSON: the decision, or an RFC 9457 problem */
    uint64_t wait;   /* send only when engine_is_durable(engine, wait); 0: at once */
};

/* Where the time of an event goes: parsing and validation; functions; windows (hashing their keys, locking, reading,
 * entering); models; the decision, its reasons and the answer; ids and records. */
enum engine_stage {
    ENGINE_STAGE_PARSE,
    ENGINE_STAGE_FEATURES,
    ENGINE_STAGE_WINDOWS,
    ENGINE_STAGE_MODEL,
    ENGINE_STAGE_REPLY,
    ENGINE_STAGE_JOURNAL,
    ENGINE_STAGES
};

struct engine_options {
    bool features;     /* add every feature value to the answer (not stored) */
    uint64_t *stage_ns; /* ENGINE_STAGES sums to which this event's are added; NULL: no clock is read */
};

/* Scores one event, or enters a context event: class_name of length 0 is the scored class. */
void engine_event(struct engine_thread *thread, struct str class_name, struct str json,
                  const struct engine_options *options, struct engine_answer *answer);
/* The decision on an id, as it was answered; `explain` adds inputs, features, windows, rules and errors. Only durable
 * ones. */
void engine_decision(struct engine_thread *thread, struct str id, bool explain, struct engine_answer *answer);

enum engine_durable { ENGINE_PENDING, ENGINE_DURABLE, ENGINE_FAILED };
enum engine_durable engine_is_durable(const struct engine *engine, uint64_t wait);
void engine_listen(struct engine *engine, int event_fd);
/* True when it can score; else `why` (static text). */
bool engine_ready(const struct engine *engine, const char **why);
/* Prometheus text of everything the engine counts. */
void engine_metrics(struct engine *engine, struct buf *out);

/* Writes an RFC 9457 problem body; `detail` may be empty. Used by every room that answers an error. */
void engine_problem(struct buf *out, int status, const char *type, const char *title, struct str detail);

/* --- in process --- */
struct engine_slot {
    struct str name;
    const char *kind; /* "field" "window" "feature" "model" "rule" "decision" "arrival" */
    uint16_t slot;
};
uint32_t engine_slot_count(const struct engine *engine);
struct engine_slot engine_slot(const struct engine *engine, uint32_t index);
/* The cell's value after the thread's last engine_event that decided. */
const struct value *engine_value(const struct engine_thread *thread, uint16_t slot);
/* Calls a function of the plan `rounds` times with the inputs of the thread's last event, and says how long that took;
 * as engine_value, before the next engine_reset. Changes nothing that can be seen. False: there is no such function. */
bool engine_time(struct engine_thread *thread, uint32_t function, uint32_t rounds, uint64_t *total_ns);

/* --- replay --- */
struct engine_replay {
    uint64_t inputs, outputs, differences;
    struct hash128 digest; /* of the windows at the end */
    char first_difference[200];
};
/* Folds the journal of a data folder from zero, decides every input again and compares with the stored outputs. Changes
 * nothing. */
bool engine_replay(const struct engine_config *config, struct engine_replay *out, struct error *error);
struct hash128 engine_digest(struct engine *engine);

#endif
