/* The plan: what a bundle says, read, checked and made ready - event classes, code, windows, models, rules. Immutable
 * after plan_load; shared by all threads. Everything a plan.json says is checked against the limits and against the
 * frame, so that later rooms may rely on it. */
#ifndef ASSAY_PLAN_H
#define ASSAY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "bundle.h"
#include "code/code.h"
#include "decide/decide.h"
#include "event/event.h"
#include "model/model.h"
#include "window/window.h"

/* One event class with what runs right after its parsing. */
struct plan_event {
    struct event_class class;
    const uint32_t *before; /* functions */
    uint32_t before_count;
};

enum plan_step { STEP_FUNCTION, STEP_MODEL };

#define WHOLE_CELL UINT16_MAX
#define NO_COLUMN UINT32_MAX

struct plan_model {
    struct str name;
    struct model *model;
    const uint16_t *inputs;  /* cells, in the model's order */
    const uint16_t *items;   /* which item of the cell's vector each input is; WHOLE_CELL: the cell itself */
    const uint32_t *columns; /* the user's feature or field of each input: an index into plan.slots, or NO_COLUMN */
    uint32_t input_count;
    uint16_t slot;
};

/* A cell that an outcome stream takes once the event is decided; its value is in the output record under this name. */
struct plan_outcome {
    struct str name;
    uint16_t slot;
};

struct tokenizer; /* text/tokenizer.h */

/* What a window is called and where it stands, beside its window_spec. */
struct plan_window {
    struct str file;
    uint32_t line;
};

struct plan_slot {
    struct str name;
    const char *kind; /* "field" "window" "feature" "model" "rule" "decision" */
    uint16_t slot;
    uint32_t event;
    uint32_t size; /* of a vector; 0: not one */
    bool secret;
};

struct plan {
    struct bundle *bundle; /* owned */
    struct arena arena;    /* owns everything below */
    struct str name, file, python;
    bool history_empty;
    int64_t max_late_us, max_future_us, id_retention_us;
    uint32_t constant_count, slot_count, temporary_count;
    uint16_t arrival_slot;

    struct plan_event *events;
    uint32_t event_count;
    uint32_t scored; /* index of the scored class */

    struct code_function *functions;
    bool *function_secret;
    uint32_t function_count;
    struct str *files; /* that errors name: code_error.file */
    uint32_t file_count;
    struct code *code;

    const enum plan_step *after_kinds; /* of each step, what it is and which of those */
    const uint32_t *after_indexes;
    uint32_t after_count;
    const uint32_t *after_decision; /* functions that take the decision */
    uint32_t after_decision_count;
    uint16_t decision_slot; /* the outcome for them, or NO_SLOT */

    struct stream_spec *streams;
    uint32_t stream_count;
    struct window_spec *windows;
    struct plan_window *window_info;
    uint32_t window_count;

    struct plan_outcome *outcomes;
    uint32_t outcome_count;

    struct plan_model *models;
    uint32_t model_count;
    uint32_t model_inputs_max;

    struct tokenizer **tokenizers; /* owned */
    uint32_t tokenizer_count;

    struct decide_rule *rules;
    struct decide_plan decide;
    uint32_t decision_line; /* of thresholds(...) in the source; 0 if there is none */

    struct plan_slot *slots;
    uint32_t named_slot_count;
};

/* Takes the bundle (also on failure). NULL and error, naming the place in plan.json, if anything is out of order. */
struct plan *plan_load(struct bundle *bundle, struct error *error);
void plan_free(struct plan *plan);

/* Runs every golden row through its model: false and error if the engine does not give the framework's bits. */
bool plan_check_golden(const struct plan *plan, struct error *error);

#endif
