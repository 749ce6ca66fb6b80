/* Rules to a decision: which rules fired, the outcome, its reasons. Pure over the frame; any thread. */
#ifndef ASSAY_DECIDE_DECIDE_H
#define ASSAY_DECIDE_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/limits.h"
#include "../base/value.h"
#include "../code/code.h"

struct decide_rule {
    struct str name;
    uint32_t function; /* of the code */
    uint16_t slot;
    uint32_t outcome; /* index into outcomes, mild to severe */
    struct str text;  /* for people */
    bool fire_on_missing;
};

enum decide_kind { DECIDE_RULES, DECIDE_THRESHOLDS, DECIDE_FUNCTION };

struct decide_plan {
    struct str outcomes[LIMIT_OUTCOMES];
    uint32_t outcome_count;
    uint32_t on_error; /* the outcome when the decision itself fails */
    const struct decide_rule *rules;
    uint32_t rule_count;
    enum decide_kind kind;
    uint32_t function; /* DECIDE_FUNCTION */
    uint16_t function_slot;
    uint16_t fired_slot; /* DECIDE_FUNCTION: the cell of `fired` */
    bool has_score;
    uint16_t score_slot;
    struct {
        uint32_t outcome;
        double at;
    } levels[LIMIT_OUTCOMES];
    uint32_t level_count;
};

struct decision {
    uint32_t outcome;
    uint32_t fired[LIMIT_RULES]; /* rule indexes in source order */
    uint32_t fired_count;
    uint32_t not_evaluated[LIMIT_RULES];
    uint32_t not_evaluated_count;
    /* Set when the decision failed for a reason that is not an exception of its function (those are in the frame's
     * errors). */
    const char *failure; /* "MissingInput" or "UnknownOutcome", static; NULL if it did not */
};

/* Reads the rules' cells, fills `fired`, runs the decision. False only if the arena is full. */
bool decide(const struct decide_plan *plan, struct code_frame *frame, struct decision *out);

/* Appends the JSON array of reasons: the fired rules in source order. */
void decide_write_reasons(const struct decide_plan *plan, const struct decision *decision, struct buf *out);

#endif
