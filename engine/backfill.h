/* Many events at once, from columns to columns: what `score` gives one by one, for training. Over an engine in process
 * (no data folder) that nothing else uses meanwhile.
 *
 * Events are taken in the order that the caller gives. A chunk of them at a time goes through four steps, of which all
 * but the second run on all threads: fields and functions that need no window; windows, strictly one event after the
 * other; features, models, rules, decision; results appended to their columns. No JSON is made, nothing is logged.
 *
 * An import is the same, but that the events and what is known of their decisions go into the journal, and nothing is
 * computed after the windows. */
#ifndef ASSAY_BACKFILL_H
#define ASSAY_BACKFILL_H

#include "arrow_out.h"
#include "engine.h"

enum backfill_source {
    BACKFILL_CELL,     /* a slot of the frame */
    BACKFILL_DECISION, /* the outcome's name */
    BACKFILL_SCORE,    /* as in the answer */
};

struct backfill_column {
    const char *name; /* outlives the backfill */
    enum backfill_source source;
    uint16_t slot; /* of BACKFILL_CELL */
    int32_t item;  /* of the vector in that slot; -1: the value itself */
    enum out_type type;
    bool is_list;
};

struct backfill_config {
    const struct backfill_column *columns; /* copied */
    uint32_t column_count;
    uint32_t threads; /* at least 1 */
    /* Ids that come more than once, as backfill_keys hashes them, rising; only of these is it remembered what came. */
    const uint64_t *repeated;
    size_t repeated_count;
    const struct backfill *ids_of; /* the one whose backfill_keys did that; NULL: itself */
    /* The engine has a data folder, and events are imported into its journal: entered, not decided. */
    bool import;
};

/* See event/columns.h. BACKFILL_SERVED is what an export wrote: with hashes for Secret values, and columns for the
 * results of functions that read one. */
enum backfill_form { BACKFILL_COLUMNS, BACKFILL_TEXT, BACKFILL_JSON, BACKFILL_SERVED };

/* The events of one class in one call. */
struct backfill_batch {
    const struct ArrowSchema *schema; /* NULL: none of this class */
    const struct ArrowArray *array;
    enum backfill_form form;
};

/* The n-th row of the result has (or repeats) an id that comes more than once. */
struct backfill_repeat {
    int64_t row;
    size_t id; /* index into `repeated` */
    bool first; /* this row is the one that counts; else its values are the first one's, and null here */
};

struct backfill_result {
    struct ArrowSchema schema;
    struct ArrowArray array; /* a row per scored event taken, refused ones too, in the order taken */
    struct ArrowSchema error_schema;
    struct ArrowArray error_array; /* event (class), row (in its batch), id, function, error,
                                       file, line */
    const struct backfill_repeat *repeats; /* until the next call */
    size_t repeat_count;
    int64_t taken, refused, masked; /* events so far, over all calls */
};

struct backfill;

struct backfill *backfill_open(struct engine *engine, const struct backfill_config *config, struct error *error);
void backfill_close(struct backfill *backfill);

/* Times and hashed ids of a batch's rows, for putting them in order; a row that has none gets INT64_MIN and 0. */
bool backfill_keys(struct backfill *backfill, uint32_t event, const struct backfill_batch *batch, int64_t *at_us,
                   uint64_t *ids, struct error *error);

/* Since when the windows over a class's events have seen all of them, instead of what the engine's history says. */
void backfill_cover(struct backfill *backfill, uint32_t event, int64_t since_us);

/* What is known of the events of one call, each an array with an item per event, or NULL. */
struct backfill_known {
    /* As they were served, all three or none; without them nothing arrives and each event is decided before the next.
     * Of a payment decided_seqs says the number of the last event that was sequenced before it was decided, its own or a
     * higher one: later events see its outcome. Of other events it means nothing. */
    const int64_t *seqs, *arrivals, *decided_seqs;
    const uint8_t *outcomes;        /* of an import: 1 + the outcome that was decided, 0: not known */
};

/* Takes events: `order` names the class of each; the rows of each batch in their order. False: nothing was given. */
bool backfill_take(struct backfill *backfill, const struct backfill_batch *batches, const uint8_t *order, size_t count,
                   const struct backfill_known *known, struct backfill_result *result, struct error *error);

#endif
