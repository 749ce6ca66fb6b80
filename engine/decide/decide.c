/* Rules, decision and reasons (decide.h). Called by the engine once all rules' cells are computed.
 *
 * Invariant: an outcome is never milder than what a failure demands - when the decision function raises, answers an
 * unknown outcome or lacks its input, the more severe of the fired rules and `on_error` is taken. */
#include "decide.h"

#include "../base/assert.h"

static bool fires(const struct decide_rule *rule, const struct value *v, bool *evaluated) {
    *evaluated = true;
    if (v->tag == V_BOOL)
        return v->i != 0;
    ASSERT(v->tag == V_NONE);
    if (v->len != MISSING_SOURCE)
        return false; /* it raised (in the errors), or answered None */
    *evaluated = rule->fire_on_missing;
    return rule->fire_on_missing;
}

static uint32_t read_rules(const struct decide_plan *plan, const struct code_frame *frame, struct decision *out) {
    uint32_t most_severe = 0;
    for (uint32_t i = 0; i < plan->rule_count; i++) {
        const struct decide_rule *rule = &plan->rules[i];
        bool evaluated;
        if (fires(rule, &frame->cells[rule->slot], &evaluated)) {
            out->fired[out->fired_count++] = i;
            if (rule->outcome > most_severe)
                most_severe = rule->outcome;
        } else if (!evaluated) {
            out->not_evaluated[out->not_evaluated_count++] = i;
        }
    }
    return most_severe;
}

/* The score as a number; false if it is missing. */
static bool score_of(const struct decide_plan *plan, const struct code_frame *frame, double *score) {
    const struct value *v = &frame->cells[plan->score_slot];
    if (v->tag == V_FLOAT)
        *score = v->f;
    else if (v->tag == V_INT || v->tag == V_BOOL)
        *score = (double)v->i;
    else
        return false;
    return true;
}

static bool fill_fired(const struct decide_plan *plan, struct code_frame *frame, const struct decision *out) {
    struct value *names = arena_alloc(frame->arena, (out->fired_count + 1) * sizeof *names);
    if (names == NULL)
        return false;
    for (uint32_t i = 0; i < out->fired_count; i++) {
        struct str name = plan->rules[out->fired[i]].name;
        names[i] = value_str(name.p, name.len);
    }
    frame->cells[plan->fired_slot] = (struct value){.tag = V_LIST, .len = out->fired_count, .p = names};
    return true;
}

/* The outcome that the user's function answers; false (with failure set unless it raised) if it has none. */
static bool run_function(const struct decide_plan *plan, struct code_frame *frame, struct decision *out,
                         uint32_t *outcome) {
    if (!code_call(frame, plan->function))
        return false;
    const struct value *v = &frame->cells[plan->function_slot];
    if (v->tag == V_NONE && v->len == MISSING_SOURCE) {
        out->failure = "MissingInput";
        return false;
    }
    for (uint32_t i = 0; v->tag == V_STR && i < plan->outcome_count; i++) {
        if (str_equal(value_text(v), plan->outcomes[i])) {
            *outcome = i;
            return true;
        }
    }
    out->failure = "UnknownOutcome";
    return false;
}

static uint32_t by_thresholds(const struct decide_plan *plan, double score) {
    uint32_t outcome = 0;
    for (uint32_t i = 0; i < plan->level_count; i++)
        if (score >= plan->levels[i].at && plan->levels[i].outcome > outcome)
            outcome = plan->levels[i].outcome;
    return outcome;
}

static uint32_t more_severe(uint32_t a, uint32_t b) { return a > b ? a : b; }

bool decide(const struct decide_plan *plan, struct code_frame *frame, struct decision *out) {
    ASSERT(plan->outcome_count > 0 && plan->on_error < plan->outcome_count);
    out->fired_count = out->not_evaluated_count = 0;
    out->failure = NULL;
    uint32_t by_rules = read_rules(plan, frame, out);
    double score;
    switch (plan->kind) {
    case DECIDE_RULES: out->outcome = by_rules; break;
    case DECIDE_THRESHOLDS:
        if (score_of(plan, frame, &score)) {
            out->outcome = more_severe(by_rules, by_thresholds(plan, score));
        } else {
            out->failure = "MissingInput";
            out->outcome = more_severe(by_rules, plan->on_error);
        }
        break;
    case DECIDE_FUNCTION:
        if (!fill_fired(plan, frame, out))
            return false;
        if (!run_function(plan, frame, out, &out->outcome))
            out->outcome = more_severe(by_rules, plan->on_error);
        break;
    }
    ASSERT(out->outcome < plan->outcome_count);
    return true;
}

void decide_write_reasons(const struct decide_plan *plan, const struct decision *decision, struct buf *out) {
    buf_char(out, '[');
    for (uint32_t i = 0; i < decision->fired_count; i++) {
        const struct decide_rule *rule = &plan->rules[decision->fired[i]];
        if (i > 0)
            BUF_LITERAL(out, ", ");
        BUF_LITERAL(out, "{\"rule\": ");
        buf_json(out, rule->name);
        BUF_LITERAL(out, ", \"text\": ");
        buf_json(out, rule->text);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}
