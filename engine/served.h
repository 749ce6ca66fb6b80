/* The journal as columns: every event with its number, its arrival and its answer, for backfills that repeat what was
 * served, and for people. Reads a data folder that nothing has open, and changes nothing. */
#ifndef ASSAY_SERVED_H
#define ASSAY_SERVED_H

#include "arrow_out.h"
#include "base/limits.h"
#include "engine.h"

/* Takes a batch of events of one class; owns schema and array. False stops with *error as it left it. */
typedef bool export_receiver(void *context, struct str class_name, struct ArrowSchema *schema,
                             struct ArrowArray *array, struct error *error);

struct engine_export {
    uint32_t rows; /* of a batch */
    export_receiver *receive;
    void *context;
    uint64_t events, unknown; /* written; of classes that the definition does not know any more */
    /* Per class, at the end: since when the journal has every event of it; INT64_MIN: always (an empty history). */
    int64_t since_us[LIMIT_EVENT_CLASSES];
};

/* Columns: a field each (a Secret as columns_write_secret's text), then the results of functions that read a Secret and
 * give one plain value, then seq, arrival, decided_seq (the number of the last input record before the event's output
 * record), answer (the JSON as it was sent). An event that a crash left without its answer is not there. */
bool engine_export(const struct engine_config *config, struct engine_export *export, struct error *error);

#endif
