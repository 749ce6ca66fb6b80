/* The interpreter: computed goto over verified code (load.c), fast paths for 64-bit ints and floats inline, everything else in
 * the operation's own function (run.h). Called by the engine through code_call, once per function and event; the frame
 * belongs to one thread.
 *
 * Steps are counted at backward jumps (by their length) and at calls, and by operations whose work grows with their values. */
#include <math.h>
#include <stdlib.h>

#include "load.h"
#include "moment.h"
#include "regex.h"

enum { NO_TEXT = 0xffff, NESTING_MAX = 8, EXACT_INT_BITS = 53 };

static builtin_call *const builtins[BUILTIN_COUNT] = {
#define BUILTIN(c_name, name, min, max) builtin_##c_name,
    BUILTINS(BUILTIN)
#undef BUILTIN
};

/* --- the frame --- */

/* As before the first call: nothing was raised. */
static void run_forget(struct run *run) {
    run->exception = 0;
    run->text = STR("");
    run->raised = NULL;
    run->raised_in = NULL;
}

bool code_frame_init(struct code_frame *frame, const struct code *code, struct arena *arena, struct error *error) {
    ASSERT(code != NULL && arena != NULL);
    uint32_t cells = code_frame_cells(code);
    *frame = (struct code_frame){.code = code, .cells = calloc(cells + 1ull, sizeof(struct value)), .arena = arena};
    frame->active = calloc(code->routine_count + 1ull, sizeof *frame->active);
    frame->matcher = code->pattern_count == 0 ? NULL : matcher_new();
    frame->run = calloc(1, sizeof *frame->run);
    if (frame->cells == NULL || frame->active == NULL || frame->run == NULL ||
        (code->pattern_count > 0 && frame->matcher == NULL)) {
        code_frame_release(frame);
        return error_set(error, ERROR_LIMIT, "frame: no memory for %u cells", cells);
    }
    *frame->run = (struct run){.arena = arena, .unicode = &code->unicode, .matcher = frame->matcher, .code = code,
                               .cells = frame->cells, .active = frame->active};
    run_forget(frame->run);
    copy_bytes(frame->cells, code->constants, code->constant_count * sizeof *frame->cells);
    return true;
}

void code_frame_release(struct code_frame *frame) {
    free(frame->cells);
    free(frame->active);
    matcher_free(frame->matcher);
    free(frame->run);
    frame->matcher = NULL;
    frame->cells = NULL;
    frame->active = NULL;
    frame->run = NULL;
}

void code_begin(struct code_frame *frame) {
    const struct code *code = frame->code;
    memset(frame->cells + code->constant_count, 0, code->slot_count * sizeof *frame->cells); /* V_NONE, MISSING_NOT */
    code_forget(frame);
    frame->error_count = frame->errors_total = 0;
}

void code_forget(struct code_frame *frame) {
    const struct code *code = frame->code;
    memset(frame->cells + code->constant_count + code->slot_count, 0, code->temporary_count * sizeof *frame->cells);
}

/* --- results --- */

static bool misfit(struct run *run, const struct value *v) {
    if (v->tag == V_BIGINT)
        return run_raise(run, EXCEPTION_OverflowError, "the result is an int beyond 64 bits");
    return run_raise(run, EXCEPTION_TypeError, "the result is of type '%s', which its annotation does not allow", type_name(v));
}

static bool fit_scalar(struct run *run, uint32_t mask, const struct value *v, struct value *out) {
    if (v->tag <= V_TUPLE && mask >> v->tag & 1) {
        *out = bare(v);
        out->flags &= v->tag == V_STR ? STR_ASCII : 0;
        out->zone = 0; /* a named tuple is a tuple outside */
        return true;
    }
    if (v->tag == V_BIGINT && mask >> V_INT & 1)
        return misfit(run, v);
    if (v->tag == V_MOMENT && mask >> V_DATETIME & 1)
        return moment_result(run, v, out);
    if (v->tag == V_BOOL && mask >> V_INT & 1) {
        *out = value_int(v->i);
        return true;
    }
    if (is_int(v) && mask >> V_FLOAT & 1) {
        double f;
        if (!arithmetic_double(run, v, &f))
            return false;
        *out = value_float(f);
        return true;
    }
    if (v->tag == V_TUPLE && mask >> V_LIST & 1) {
        *out = make_list(v->p, v->len);
        return true;
    }
    return misfit(run, v);
}

/* Items of any kind that can leave a function, or of those in the mask; *bytes is what is left of one value's size. */
static bool fit_items(struct run *run, uint32_t mask, struct value *v, int depth, int64_t *bytes) {
    enum { ANY = (1u << (V_TUPLE + 1)) - 1 };
    if (depth >= NESTING_MAX)
        return run_raise(run, EXCEPTION_LimitError, "the result is nested deeper than %d", NESTING_MAX);
    struct value *items = run_items(run, v->len);
    if (items == NULL)
        return false;
    for (uint32_t i = 0; i < v->len; i++) {
        if (!run_charge(run, 1) || !fit_scalar(run, mask == 0 ? ANY : mask, &value_items(v)[i], &items[i]))
            return false;
        *bytes -= (int64_t)sizeof *items + (items[i].tag == V_STR ? items[i].len : 0);
        if (*bytes < 0)
            return run_raise(run, EXCEPTION_LimitError, "a result of more than %u bytes", LIMIT_VALUE_BYTES);
        if ((items[i].tag == V_LIST || items[i].tag == V_TUPLE) && !fit_items(run, 0, &items[i], depth + 1, bytes))
            return false;
    }
    v->p = items;
    return true;
}

static bool fit(struct run *run, const struct code_result *result, const struct value *v, struct value *out) {
    if (v->tag == V_NONE && result->mask & 1u << V_NONE) {
        *out = value_none(MISSING_NOT); /* whatever it was when it came in, the function returned it */
        return true;
    }
    if (result->truth && !(v->tag <= V_TUPLE && result->mask >> v->tag & 1)) {
        *out = value_bool(truth(v));
        return true;
    }
    if (!fit_scalar(run, result->mask, v, out))
        return false;
    if (out->tag != V_LIST && out->tag != V_TUPLE)
        return true;
    if (result->size != 0 && out->len != result->size)
        return run_raise(run, EXCEPTION_TypeError, "a vector of %u items, expected %u", out->len, result->size);
    int64_t bytes = LIMIT_VALUE_BYTES;
    return fit_items(run, result->item_mask, out, 0, &bytes);
}

/* --- a series of functions --- */

struct series {
    struct code_frame *frame;
    const struct code_entry *entries;
    const uint32_t *numbers, *end; /* the next function's, and behind the last one's */
    const struct code_entry *entry; /* of the one that runs */
};

static void record(struct code_frame *frame, uint32_t function, const struct run *run, const struct instruction *at) {
    frame->errors_total++;
    if (frame->error_count >= CODE_ERRORS_MAX)
        return;
    if (run->raised != NULL && run->raised->at != NULL)
        at = run->raised->at; /* thrown again: where it was thrown first */
    else if (run->raised_in != NULL)
        at = run->raised_in;
    const struct code_position *position = &frame->code->positions[at - frame->code->instructions];
    frame->errors[frame->error_count++] = (struct code_error){
        .function = function,
        .exception = exception_name(frame->code, run->exception),
        .line = position->line,
        .column = position->column,
        .file = position->file,
        .text = run->text,
    };
}

/* The next function that has all it needs; NULL after the last. */
static inline const struct code_entry *series_next(struct series *series, struct run *run, struct value *cells) {
    while (series->numbers < series->end) {
        uint32_t number = *series->numbers++;
        const struct code_entry *entry = &series->entries[number];
        const uint16_t *needed = entry->required, *end = entry->required_end;
        while (needed < end && cells[*needed].tag != V_NONE)
            needed++;
        if (needed == end) {
            run->steps_left = LIMIT_STEPS;
            return series->entry = entry;
        }
        cells[entry->slot] = value_none(MISSING_SOURCE);
    }
    return NULL;
}

/* Puts the result of the function that ended at `at` into its slot; NULL: it raised. */
static void series_ends(struct series *series, const struct value *result, const struct instruction *at) {
    struct run *run = series->frame->run;
    const struct code_function *f = &series->frame->code->functions[series->entry->number];
    struct value *slot = &series->frame->cells[f->slot], fitted;
    if (result != NULL && result->tag == V_STR && f->result.mask >> V_STR & 1) {
        *slot = (struct value){.tag = V_STR, .flags = result->flags & STR_ASCII, .len = result->len, .p = result->p};
        return;
    }
    if (result != NULL && fit(run, &f->result, result, &fitted)) {
        *slot = fitted;
        return;
    }
    *slot = value_none(MISSING_ERROR);
    record(series->frame, series->entry->number, run, at);
    run_forget(run);
}

/* --- instructions that are more than a line --- */

static bool raise_instruction(struct run *run, const struct value *cells, const struct instruction *i) {
    struct value text;
    if (i->b == NO_TEXT)
        return run_raise(run, i->x, "%s", "");
    if (!format_value(run, FORMAT_STR, &cells[i->b], &text))
        return false;
    return run_raise(run, i->x, "%.*s", (int)(text.len < 200 ? text.len : 200), (const char *)text.p);
}

static bool make_run(struct run *run, const struct instruction *i, const struct value *from, struct value *out) {
    struct value *items = run_items(run, i->x);
    if (items == NULL)
        return false;
    copy_bytes(items, from, i->x * sizeof *items);
    if (i->op == OP_LIST)
        return list_own(run, items, i->x, out);
    *out = make_tuple(items, i->x);
    return true;
}

static bool concat_run(struct run *run, const struct value *from, uint32_t count, struct value *out) {
    uint64_t total = 0;
    uint8_t flags = STR_ASCII;
    for (uint32_t i = 0; i < count; i++) {
        if (from[i].tag != V_STR)
            return run_raise(run, EXCEPTION_TypeError, "expected str, got %s", type_name(&from[i]));
        total += from[i].len;
        flags &= from[i].flags;
    }
    char *p = run_alloc(run, total), *at = p;
    if (p == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        copy_bytes(at, from[i].p, from[i].len);
        at += from[i].len;
    }
    *out = (struct value){.tag = V_STR, .flags = flags, .len = (uint32_t)total, .p = p};
    return true;
}

static bool small_ints(const struct value *b, const struct value *c) {
    const int64_t limit = 1ll << EXACT_INT_BITS;
    return b->tag == V_INT && c->tag == V_INT && b->i <= limit && b->i >= -limit && c->i <= limit && c->i >= -limit;
}

/* Both are V_INT or V_FLOAT, one at least V_FLOAT. */
static inline bool float_pair(const struct value *b, const struct value *c, double *x, double *y) {
    if (b->tag == V_FLOAT)
        *x = b->f;
    else if (b->tag == V_INT)
        *x = (double)b->i;
    else
        return false;
    if (c->tag == V_FLOAT)
        *y = c->f;
    else if (c->tag == V_INT)
        *y = (double)c->i;
    else
        return false;
    return b->tag == V_FLOAT || c->tag == V_FLOAT;
}

/* Both are V_FLOAT, or V_INT that a double holds. */
static inline bool exact_pair(const struct value *b, const struct value *c, double *x, double *y) {
    const int64_t limit = 1ll << EXACT_INT_BITS;
    if (!float_pair(b, c, x, y))
        return false;
    return (b->tag == V_FLOAT || (b->i <= limit && b->i >= -limit)) && (c->tag == V_FLOAT || (c->i <= limit && c->i >= -limit));
}

static inline bool quick_truth(const struct value *v) {
    return v->tag <= V_INT ? v->tag != V_NONE && v->i != 0 : v->tag == V_STR ? v->len != 0 : truth(v);
}

/* An int, or a bool, which counts as one. */
static inline bool is_whole(const struct value *v) { return (uint8_t)(v->tag - V_BOOL) <= V_INT - V_BOOL; }

/* The next character of an ASCII str, item of a tuple or list: 1 and *out, 0 at the end; -1: not one of these. */
static inline int next_simple(const struct value *v, struct value *out) {
    if (v->tag != V_ITERATOR)
        return -1;
    struct iterator *iterator = (struct iterator *)(uintptr_t)v->p;
    const struct value *source = &iterator->source;
    if (source->tag == V_STR && is_ascii(source)) {
        if (iterator->at >= source->len)
            return 0;
        *out = text_ascii((const char *)source->p + iterator->at++, 1);
        return 1;
    }
    if (source->tag != V_TUPLE && source->tag != V_LIST)
        return -1;
    const struct value all = bare(source);
    if (iterator->at >= all.len) {
        iterator->at = UINT64_MAX; /* over, whatever is appended */
        return 0;
    }
    *out = value_items(&all)[iterator->at++];
    return 1;
}

/* --- the loop --- */

#define A (&cells[i->a])
#define B (&cells[i->b])
#define C (&cells[i->c])
#define NEXT()                                                                                                         \
    do {                                                                                                               \
        i++;                                                                                                           \
        goto *labels[i->op];                                                                                           \
    } while (0)
#define SET(v)                                                                                                         \
    do {                                                                                                               \
        cells[i->a] = (v);                                                                                             \
        NEXT();                                                                                                        \
    } while (0)
/* Goes to instruction c; a backward jump pays for the loop it closes. */
#define JUMP()                                                                                                         \
    do {                                                                                                               \
        const struct instruction *target = first + i->c;                                                               \
        if (target <= i && !run_charge(run, (uint64_t)(i - target) + 1))                                               \
            goto raised;                                                                                               \
        i = target;                                                                                                    \
        goto *labels[i->op];                                                                                           \
    } while (0)
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        if (!(call))                                                                                                   \
            goto raised;                                                                                               \
        SET(result);                                                                                                   \
    } while (0)
#define ARITHMETIC(name, overflow, operator, slow)                                                                     \
    op_##name : {                                                                                                      \
        if (is_whole(B) && is_whole(C) && !overflow(B->i, C->i, &sum))                                                 \
            SET(value_int(sum));                                                                                       \
        if (float_pair(B, C, &x, &y))                                                                                  \
            SET(value_float(x operator y));                                                                            \
        TRY(slow(run, B, C, &result));                                                                                 \
    }
/* What comparing b and c gives goes to `given`, which is SET or BRANCH. */
#define ORDERED(name, operator, b, c, given)                                                                           \
    do {                                                                                                               \
        if ((b)->tag == V_INT && (c)->tag == V_INT)                                                                    \
            given((b)->i operator (c)->i);                                                                             \
        if (exact_pair(b, c, &x, &y))                                                                                  \
            given(x operator y);                                                                                       \
        if (!compare_order(run, OP_##name, b, c, &yes))                                                                \
            goto raised;                                                                                               \
        given(yes);                                                                                                    \
    } while (0)
#define EQUATED(operator, b, c, given)                                                                                 \
    do {                                                                                                               \
        if (plainly_equal(b, c, &yes))                                                                                 \
            given(yes operator true);                                                                                  \
        if (!compare_equal(run, b, c, &yes))                                                                           \
            goto raised;                                                                                               \
        given(yes operator true);                                                                                      \
    } while (0)
#define SET_BOOL(v) SET(value_bool(v))
#define BRANCH(v)                                                                                                      \
    do {                                                                                                               \
        if ((v) == i->x)                                                                                               \
            JUMP();                                                                                                    \
        NEXT();                                                                                                        \
    } while (0)

/* Where an exception at `i` goes on, with the exception in the handler's cell; NULL if nothing here handles it. */
static const struct instruction *handler(struct run *run, const struct code_piece *piece, const struct instruction *i) {
    uint32_t at = (uint32_t)(i - piece->first);
    for (uint32_t h = 0; h < piece->handler_count; h++) {
        const struct code_handler *handler = &piece->handlers[h];
        if (at < handler->first || at >= handler->end)
            continue;
        struct value caught;
        if (run->exception == EXCEPTION_LimitError || !run_charge(run, 16 + piece->handler_count) ||
            !exception_caught(run, i, &caught))
            return NULL;
        uint32_t back = at >= handler->target ? at - handler->target : 0; /* a jump back pays for the loop it closes */
        if (!run_charge(run, back))
            return NULL;
        run->cells[handler->cell] = caught;
        return piece->first + handler->target;
    }
    return NULL;
}

/* Runs from *at on. Returns the cell that RET or YIELD names, or NULL after an exception; *at is the instruction where it
 * ended. Of a series the end of one function is the start of the next. */
const struct value *run_piece(struct run *run, const struct code_piece *piece, const struct instruction **at, struct series *series) {
    static const void *const labels[OP_COUNT] = {
#define OPCODE(name, form) &&op_##name,
        OPCODES(OPCODE)
#undef OPCODE
    };
    struct value *const cells = run->cells;
    const struct instruction *first = piece->first, *i = *at;
    const struct code_entry *entry = series == NULL ? NULL : series->entry;
    struct value result;
    int64_t sum;
    double x, y;
    bool yes;
    int more;
    goto *labels[i->op];

op_MOVE:
    SET(*B);
op_JMP:
    JUMP();
op_JMP_TRUE:
    if (quick_truth(B))
        JUMP();
    NEXT();
op_JMP_FALSE:
    if (!quick_truth(B))
        JUMP();
    NEXT();
op_JMP_NONE:
    if (B->tag == V_NONE)
        JUMP();
    NEXT();
op_JMP_NOT_NONE:
    if (B->tag != V_NONE)
        JUMP();
    NEXT();

    ARITHMETIC(ADD, __builtin_add_overflow, +, arithmetic_add)
    ARITHMETIC(SUB, __builtin_sub_overflow, -, arithmetic_sub)
    ARITHMETIC(MUL, __builtin_mul_overflow, *, arithmetic_mul)
op_DIV:
    if (small_ints(B, C) && C->i != 0)
        SET(value_float((double)B->i / (double)C->i));
    if (float_pair(B, C, &x, &y) && y != 0)
        SET(value_float(x / y));
    TRY(arithmetic_div(run, B, C, &result));
op_FLOORDIV:
    if (B->tag == V_INT && C->tag == V_INT && C->i > 0)
        SET(value_int(B->i / C->i - (B->i % C->i < 0)));
    TRY(arithmetic_floordiv(run, B, C, &result));
op_MOD:
    if (B->tag == V_INT && C->tag == V_INT && C->i > 0) {
        sum = B->i % C->i;
        SET(value_int(sum < 0 ? sum + C->i : sum));
    }
    TRY(arithmetic_mod(run, B, C, &result));
op_POW:
    TRY(arithmetic_pow(run, B, C, &result));
op_BIT_AND:
    if (B->tag == V_INT && C->tag == V_INT)
        SET(value_int(B->i & C->i));
    TRY(arithmetic_bits(run, OP_BIT_AND, B, C, &result));
op_BIT_OR:
    TRY(arithmetic_bits(run, OP_BIT_OR, B, C, &result));
op_BIT_XOR:
    TRY(arithmetic_bits(run, OP_BIT_XOR, B, C, &result));
op_SHL:
    TRY(arithmetic_shift(run, true, B, C, &result));
op_SHR:
    if (B->tag == V_INT && C->tag == V_INT && C->i >= 0)
        SET(value_int(B->i >> (C->i > 63 ? 63 : C->i)));
    TRY(arithmetic_shift(run, false, B, C, &result));
op_NEG:
    if (B->tag == V_FLOAT)
        SET(value_float(-B->f));
    if (B->tag == V_INT && B->i != INT64_MIN)
        SET(value_int(-B->i));
    TRY(arithmetic_neg(run, B, &result));
op_POS:
    TRY(arithmetic_pos(run, B, &result));
op_INVERT:
    TRY(arithmetic_invert(run, B, &result));
op_NOT:
    SET(value_bool(!truth(B)));
op_TRUTH:
    SET(value_bool(truth(B)));

op_EQ:
    EQUATED(==, B, C, SET_BOOL);
op_NE:
    EQUATED(!=, B, C, SET_BOOL);
op_LT:
    ORDERED(LT, <, B, C, SET_BOOL);
op_LE:
    ORDERED(LE, <=, B, C, SET_BOOL);
op_GT:
    ORDERED(GT, >, B, C, SET_BOOL);
op_GE:
    ORDERED(GE, >=, B, C, SET_BOOL);
op_JMP_EQ:
    EQUATED(==, A, B, BRANCH);
op_JMP_NE:
    EQUATED(!=, A, B, BRANCH);
op_JMP_LT:
    ORDERED(LT, <, A, B, BRANCH);
op_JMP_LE:
    ORDERED(LE, <=, A, B, BRANCH);
op_JMP_GT:
    ORDERED(GT, >, A, B, BRANCH);
op_JMP_GE:
    ORDERED(GE, >=, A, B, BRANCH);
op_IS:
    SET(value_bool(compare_same(B, C)));
op_IS_NOT:
    SET(value_bool(!compare_same(B, C)));
op_JMP_IN:
    if (!compare_in(run, A, B, &yes))
        goto raised;
    BRANCH(yes);
op_IN:
    if (!compare_in(run, B, C, &yes))
        goto raised;
    SET(value_bool(yes));
op_NOT_IN:
    if (!compare_in(run, B, C, &yes))
        goto raised;
    SET(value_bool(!yes));
op_INDEX:
    if (B->tag == V_TUPLE && C->tag == V_INT && (uint64_t)C->i < B->len)
        SET(value_items(B)[C->i]);
    TRY(sequence_index(run, B, C, &result));
op_SLICE:
    TRY(sequence_slice(run, B, C, &result));
op_UNPACK:
    if (!sequence_unpack(run, B, &cells[i->a], i->x))
        goto raised;
    NEXT();
op_TUPLE:
op_LIST:
    TRY(make_run(run, i, B, &result));
op_SET:
    TRY(make_set(run, B, i->x, &result));
op_DICT:
    TRY(make_dict(run, B, i->x, &result));
op_FORMAT:
    TRY(format_value(run, i->x, B, &result));
op_CONCAT:
    TRY(concat_run(run, B, i->x, &result));
op_LEN:
    if (B->tag == V_STR && is_ascii(B))
        SET(value_int(B->len));
    if (B->tag == V_LIST && B->flags & LIST_OWNED)
        SET(value_int(((const struct list *)B->p)->len));
    TRY(builtin_len(run, B, 1, &result));
op_CALL:
    if (!run_charge(run, 1))
        goto raised;
    if (!builtins[i->c](run, B, i->x, &result))
        goto raised;
    if (result.tag == V_LIST && !(result.flags & LIST_OWNED) && !list_own(run, result.p, result.len, &result))
        goto raised;
    SET(result);
op_RET:
    if (entry == NULL)
        goto op_YIELD;
    if (entry->plain >> B->tag % 64 & 1)
        cells[entry->slot] = *B;
    else
        series_ends(series, B, i);
    goto next_function;
op_YIELD:
    *at = i;
    return B;
op_RAISE:
    raise_instruction(run, cells, i);
    goto raised;
op_ITER:
    if (i->x != 0 && B->tag == V_SET && ((const struct table *)B->p)->count > 1) {
        run_raise(run, EXCEPTION_TypeError, "the order of a set is not fixed: sorted(s)");
        goto raised;
    }
    TRY(sequence_iter(run, B, &result));
op_NEXT:
    more = next_simple(B, &result);
    if (more < 0 && (more = sequence_next(run, B, &result)) < 0)
        goto raised;
    if (more == 0)
        JUMP();
    SET(result);
op_AGAIN:
    more = next_simple(B, &result);
    if (more < 0 && (more = sequence_next(run, B, &result)) < 0)
        goto raised;
    if (more == 0)
        NEXT();
    cells[i->a] = result;
    JUMP();
op_APPEND:
    if (!list_append(run, &cells[i->a], B))
        goto raised;
    NEXT();
op_STORE:
    if (!store_item(run, &cells[i->a], B, C))
        goto raised;
    NEXT();
op_DELETE:
    if (!delete_item(run, &cells[i->a], B))
        goto raised;
    NEXT();
op_UNPACK_STAR:
    if (!sequence_unpack_starred(run, B, &cells[i->a], i->x, i->c))
        goto raised;
    NEXT();
op_EXCEPTION:
    TRY(exception_make(run, i->c, B, i->x, &result));
op_THROW:
    exception_raise(run, B);
    goto raised;
op_IS_EXCEPTION:
    SET(value_bool(B->tag == V_EXCEPTION && exception_is(run->code, ((const struct raised *)B->p)->class, i->c)));
op_OBJECT:
    TRY(object_make(run, i->c, B, i->x, &result));
op_IS_OBJECT:
    SET(value_bool(object_is(run, B, i->c)));
op_IS_KIND:
    SET(value_bool(value_is_kind(B, i->c)));
op_GET_ATTRIBUTE:
    TRY(object_attribute(run, B, C, &result));
op_SET_ATTRIBUTE:
    if (!object_store(run, &cells[i->a], B, C))
        goto raised;
    NEXT();
op_ROUTINE:
    TRY(routine_call(run, i->c, B, i->x, &result));
op_GENERATOR:
    TRY(generator_make(run, i->c, B, i->x, &result));

raised:
    *at = i;
    if ((i = handler(run, piece, i)) != NULL)
        goto *labels[i->op];
    if (series == NULL)
        return NULL;
    series_ends(series, NULL, *at);
next_function:
    if ((entry = series_next(series, run, cells)) == NULL)
        return NULL;
    piece = &entry->piece;
    first = i = piece->first;
    goto *labels[i->op];
}

void code_call_each(struct code_frame *frame, const uint32_t *functions, uint32_t count, const bool *skip) {
    ASSERT(frame != NULL && (functions != NULL || count == 0));
    for (uint32_t i = 0; skip != NULL && i < count; i++)
        if (!skip[functions[i]])
            code_call_each(frame, &functions[i], 1, NULL);
    if (skip != NULL || count == 0)
        return;
    struct series series = {.frame = frame, .entries = frame->code->entries, .numbers = functions, .end = functions + count};
    const struct code_entry *entry = series_next(&series, frame->run, frame->cells);
    if (entry == NULL)
        return;
    const struct instruction *at = entry->piece.first;
    run_piece(frame->run, &entry->piece, &at, &series);
}

bool code_call(struct code_frame *frame, uint32_t function) {
    const uint32_t errors = frame->errors_total;
    ASSERT(function < frame->code->function_count);
    code_call_each(frame, &function, 1, NULL);
    return frame->errors_total == errors;
}
