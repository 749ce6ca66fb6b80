/* Private to the code room: what the interpreter (run.c) shares with the meanings of its instructions.
 *
 * Every operation has one shape: it takes the run, its operands and a place for the result, and returns false after
 * run_raise. The result may be an operand's cell, so it is written last. Operands are never changed. Memory is the
 * request's arena; work beyond the constant is charged to the call's steps (run_charge), so that 1,000,000 steps bound
 * the time whatever the values are.
 *
 * Besides the tags of value.h, a temporary can hold a range, an iterator or a dict's view; none of them leaves a function. */
#ifndef ASSAY_CODE_RUN_H
#define ASSAY_CODE_RUN_H

#include "../base/assert.h"
#include "../base/number.h"
#include "builtins.h"
#include "code.h"
#include "exceptions.h"
#include "opcodes.h"
#include "table.h"
#include "unicode.h"

enum opcode {
#define OPCODE(name, form) OP_##name,
    OPCODES(OPCODE)
#undef OPCODE
        OP_COUNT
};

enum {
    V_RANGE = 16,    /* p: struct range */
    V_ITERATOR = 17, /* p: struct iterator, which changes */
    V_VIEW = 18,     /* p: struct table; flags: which part of the dict */
    V_EXCEPTION = 19,/* p: struct raised */
    V_OBJECT = 20,   /* p: struct object: of a class of the definition's */
    V_GENERATOR = 21,/* p: struct generator, which changes; the source of an iterator */
    V_MOMENT = 32,   /* p: struct moment (moment.h): a datetime that is naive or of another zone than timezone.utc */
    V_TIME = 33,     /* p: struct moment: a time of day */
    V_ZONE = 34,     /* p: struct zone (zone.h): a tzinfo */
    V_BYTES = 24,    /* p: bytes; inside functions only (bytes.h) */
    V_HASH = 27,     /* p: struct hash, which changes (hashing.c) */
    V_PATTERN = 28,  /* p: struct regex (regex.h); a constant */
    V_MATCH = 29,    /* p: struct match (regex.h) */
};
enum { VIEW_KEYS = 0, VIEW_VALUES = 1, VIEW_ITEMS = 2 };
enum { LIST_OWNED = 4 };  /* flag of a V_LIST: p is a struct list, and can be changed */
enum { SET_HASHABLE = 1 };/* flag of a V_SET: a frozenset */
enum { BIG_NEGATIVE = 1 };/* flag of a V_BIGINT; p: its limbs */
enum { DEPTH_MAX = 100 }; /* of nested tuples and lists, in comparisons and texts: RecursionError */
enum { CALLS_MAX = 500 }; /* of routines inside each other: RecursionError */

/* A list that a function made. Lists of fields and constants are bare items, which nothing changes. */
struct list {
    struct value *items;
    uint32_t len, room; /* room 0: the items are somebody else's too, and are copied before the first change */
};

/* An instance of a class: the fields in the class's order. */
struct object {
    const struct code_class *class;
    bool frozen; /* a constant, or of a frozen class */
    struct value fields[];
};

/* An exception as a value. */
struct raised {
    uint32_t class;               /* exceptions.h, or EXCEPTION_COUNT + one of the bundle's own */
    struct value args;            /* a tuple */
    const struct instruction *at; /* where it was raised first; NULL: not yet */
};

struct generator {
    const struct code_routine *routine;
    struct value *saved; /* its cells, while it does not run */
    const struct instruction *at; /* where it goes on; NULL: it is over */
    bool running;
};

struct range {
    int64_t start, stop, step; /* stop as it was given, for the text */
    uint64_t len;
};

struct iterator {
    struct value source;
    uint64_t at;    /* item; of a str: byte */
    uint32_t count; /* of a set or dict: how many entries it had at the start */
};

struct run {
    struct arena *arena;
    const struct unicode *unicode;
    struct matcher *matcher; /* of regular expressions; NULL where there are none */
    int64_t steps_left;
    uint32_t exception; /* its class's number */
    struct str text;    /* for people */
    const struct raised *raised; /* the exception as a value, where one was made; else it is exception and text */
    const struct instruction *raised_in; /* where, if in a routine */
    /* What routines need; NULL where none can be called. */
    const struct code *code;
    struct value *cells;
    uint16_t *active; /* per routine: whether its cells are in use */
    uint32_t depth;
    uint32_t nested; /* how deep in values the comparison or text is that asked for another one */
};

/* --- errors and limits (support.c) --- */
/* Both return false. The text is copied into the arena (cut to a line's length). */
bool run_raise(struct run *run, uint32_t exception, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool run_unsupported(struct run *run, const char *operator, const struct value *b, const struct value *c);
/* False (LimitError) when the call has used up its steps. */
static inline bool run_charge(struct run *run, uint64_t work);
bool run_out_of_steps(struct run *run);
/* NULL after a LimitError: one value may not be greater than LIMIT_VALUE_BYTES. */
void *run_alloc(struct run *run, uint64_t bytes);
struct value *run_items(struct run *run, uint64_t count);
void run_buf(struct run *run, struct buf *out);
/* The buffer's bytes as a str, or a LimitError if it did not fit. */
bool run_text(struct run *run, const struct buf *buf, bool ascii, struct value *out);
const char *type_name(const struct value *v);

static inline bool run_charge(struct run *run, uint64_t work) {
    run->steps_left -= (int64_t)work;
    return __builtin_expect(run->steps_left >= 0, 1) || run_out_of_steps(run);
}

/* memcpy that takes a null pointer of no bytes. */
static inline void copy_bytes(void *to, const void *from, size_t bytes) {
    if (bytes > 0)
        memcpy(to, from, bytes);
}

/* --- kinds of values --- */
static inline bool is_int64(const struct value *v) { return v->tag == V_INT || v->tag == V_BOOL; }
static inline bool is_int(const struct value *v) { return is_int64(v) || v->tag == V_BIGINT; }
static inline bool is_number(const struct value *v) { return is_int(v) || v->tag == V_FLOAT; }
static inline bool is_ascii(const struct value *v) { return (v->flags & STR_ASCII) != 0; }
/* A list or tuple as bare items, whoever owns them. */
static inline struct value bare(const struct value *v) {
    if (v->tag != V_LIST || !(v->flags & LIST_OWNED))
        return *v;
    const struct list *list = v->p;
    return (struct value){.tag = V_LIST, .len = list->len, .p = list->items};
}
/* Bare items; CALL gives the list that a built-in returns its owner. */
static inline struct value make_list(const struct value *items, uint32_t len) {
    return (struct value){.tag = V_LIST, .len = len, .p = items};
}
static inline struct value make_tuple(const struct value *items, uint32_t len) {
    return (struct value){.tag = V_TUPLE, .len = len, .p = items};
}
static inline struct value make_timedelta(int64_t us) { return (struct value){.tag = V_TIMEDELTA, .i = us}; }
static inline struct value make_date(int64_t days) { return (struct value){.tag = V_DATE, .i = days}; }

/* --- arithmetic.c: the operators, whole (the interpreter has fast paths of its own) --- */
bool arithmetic_add(struct run *run, const struct value *b, const struct value *c, struct value *out);
bool arithmetic_sub(struct run *run, const struct value *b, const struct value *c, struct value *out);
bool arithmetic_mul(struct run *run, const struct value *b, const struct value *c, struct value *out);
bool arithmetic_div(struct run *run, const struct value *b, const struct value *c, struct value *out);
bool arithmetic_floordiv(struct run *run, const struct value *b, const struct value *c, struct value *out);
bool arithmetic_mod(struct run *run, const struct value *b, const struct value *c, struct value *out);
bool arithmetic_pow(struct run *run, const struct value *b, const struct value *c, struct value *out);
bool arithmetic_bits(struct run *run, enum opcode op, const struct value *b, const struct value *c, struct value *out);
bool arithmetic_shift(struct run *run, bool left, const struct value *b, const struct value *c, struct value *out);
bool arithmetic_neg(struct run *run, const struct value *b, struct value *out);
bool arithmetic_pos(struct run *run, const struct value *b, struct value *out);
bool arithmetic_invert(struct run *run, const struct value *b, struct value *out);
bool arithmetic_abs(struct run *run, const struct value *b, struct value *out);
/* A number as a double: OverflowError for an int too large, TypeError ("must be real number") for anything else. */
bool arithmetic_double_of(struct run *run, const struct value *v, double *out);
static inline bool arithmetic_double(struct run *run, const struct value *v, double *out) {
    *out = v->f;
    return v->tag == V_FLOAT || arithmetic_double_of(run, v, out);
}
double float_mod(double x, double y);
double float_floordiv(double x, double y);

/* --- times.c, time_parts.c: datetime, date, timedelta. Operators return TIMES_NOT when Python has no such operation. --- */
enum times_result { TIMES_RAISED, TIMES_DONE, TIMES_NOT };
bool is_time(const struct value *v);
enum times_result times_operator(struct run *run, enum opcode op, const struct value *b, const struct value *c, struct value *out);
bool times_shift(struct run *run, int64_t us, int64_t delta, struct value *out);
void times_text(struct buf *out, const struct value *v, bool repr);
bool time_replace(struct run *run, const struct value *args, uint32_t count, struct value *out);

/* --- compare.c --- */
bool truth(const struct value *v);
bool compare_equal(struct run *run, const struct value *a, const struct value *b, bool *out);
/* Whether two runs of bytes are the same. */
static inline bool same_bytes(const char *p, const char *q, size_t len) {
    uint64_t a, b, c, d;
    uint32_t e, f, g, h;
    if (len > 16)
        return memcmp(p, q, len) == 0;
    if (len >= 8) { /* two words that may overlap */
        memcpy(&a, p, 8);
        memcpy(&b, q, 8);
        memcpy(&c, p + len - 8, 8);
        memcpy(&d, q + len - 8, 8);
        return ((a ^ b) | (c ^ d)) == 0;
    }
    if (len >= 4) {
        memcpy(&e, p, 4);
        memcpy(&f, q, 4);
        memcpy(&g, p + len - 4, 4);
        memcpy(&h, q + len - 4, 4);
        return ((e ^ f) | (g ^ h)) == 0;
    }
    return len == 0 || (p[0] == q[0] && p[len / 2] == q[len / 2] && p[len - 1] == q[len - 1]);
}
static inline bool equal_texts(const struct value *a, const struct value *b) {
    return a->len == b->len && same_bytes(a->p, b->p, a->len);
}
/* Whether two ints, or two texts that are not long, are equal: compare_equal without the call. False if it takes the call. */
static inline bool plainly_equal(const struct value *a, const struct value *b, bool *equal) {
    if (a->tag == V_INT && b->tag == V_INT) {
        *equal = a->i == b->i;
        return true;
    }
    if (a->tag != V_STR || b->tag != V_STR || a->len > 64)
        return false;
    *equal = equal_texts(a, b);
    return true;
}
/* op: OP_LT, OP_LE, OP_GT, OP_GE. */
bool compare_order(struct run *run, enum opcode op, const struct value *a, const struct value *b, bool *out);
bool compare_same(const struct value *a, const struct value *b); /* `is` */
/* `in`; compare_in_other is for what is neither a text in a text nor a key of a set or dict. */
static inline bool compare_in(struct run *run, const struct value *item, const struct value *container, bool *out);
bool compare_in_other(struct run *run, const struct value *item, const struct value *container, bool *out);
/* -1, 0, 1; 2 when one is NaN. Both are numbers. */
int compare_numbers(const struct value *a, const struct value *b);

/* --- sequence.c --- */
bool sequence_index(struct run *run, const struct value *b, const struct value *c, struct value *out);
bool sequence_slice(struct run *run, const struct value *b, const struct value parts[3], struct value *out);
bool sequence_unpack(struct run *run, const struct value *b, struct value *out, uint32_t count);
bool sequence_concat(struct run *run, const struct value *b, const struct value *c, struct value *out);
/* c is an int. */
bool sequence_repeat(struct run *run, const struct value *b, const struct value *c, struct value *out);
/* A star in the targets: out[star] gets the list of what the others leave. */
bool sequence_unpack_starred(struct run *run, const struct value *b, struct value *out, uint32_t count, uint32_t star);
bool sequence_iter(struct run *run, const struct value *b, struct value *out);
/* 1: *out is the next; 0: at its end; -1: raised. */
int sequence_next(struct run *run, const struct value *iterator, struct value *out);
/* All items of any iterable as an array in the arena (or the iterable's own). */
bool sequence_items(struct run *run, const struct value *b, const struct value **items, uint32_t *count);
/* Items being gathered: {0} at first, room grows. */
struct gathered {
    struct value *items;
    uint32_t count, room;
};
bool gathered_grow(struct run *run, struct gathered *parts);
static inline bool gathered_add(struct run *run, struct gathered *parts, struct value part) {
    if (parts->count == parts->room && !gathered_grow(run, parts))
        return false;
    parts->items[parts->count++] = part;
    return true;
}
/* An int as an index: clamped to 64 bits. TypeError if it is not an int. */
bool sequence_int(struct run *run, const struct value *v, const char *what, int64_t *out);
struct value range_item(const struct range *range, uint64_t index);
/* Where a number stands in a range, or false. */
bool slice_bounds(struct run *run, const struct value parts[3], int64_t len, int64_t *start, int64_t *step, int64_t *count);
bool range_find(const struct range *range, const struct value *item, uint64_t *at);

/* --- list.c: lists that change --- */
/* A list of its own over these items, which it copies before it changes them. */
bool list_own(struct run *run, const struct value *items, uint32_t len, struct value *out);
bool list_append(struct run *run, const struct value *list, const struct value *item);
/* b[c] = v and del b[c], of lists and dicts. */
bool store_item(struct run *run, const struct value *b, const struct value *c, const struct value *v);
bool delete_item(struct run *run, const struct value *b, const struct value *c);

bool list_pop(struct run *run, const struct value *args, uint32_t count, struct value *out);
bool list_remove(struct run *run, const struct value *args);
bool list_clear(struct run *run, const struct value *v);
/* The table of a set or dict that may be changed; NULL after TypeError. */
struct table *table_owner(struct run *run, const struct value *v);

/* --- dict.c --- */
bool make_dict(struct run *run, const struct value *pairs, uint32_t count, struct value *out);
bool make_set(struct run *run, const struct value *items, uint32_t count, struct value *out);
/* | & - ^ of sets and views, | of dicts; TIMES_NOT where they are neither. */
enum times_result table_operator(struct run *run, enum opcode op, const struct value *b, const struct value *c, struct value *out);

/* --- raise.c: exceptions as values --- */
bool exception_is(const struct code *code, uint32_t class, uint32_t ancestor);
const char *exception_name(const struct code *code, uint32_t class);
bool exception_make(struct run *run, uint32_t class, const struct value *args, uint32_t count, struct value *out);
/* The exception that is under way, as a value for its handler. */
bool exception_caught(struct run *run, const struct instruction *at, struct value *out);
bool exception_raise(struct run *run, const struct value *v);
bool exception_text(struct run *run, const struct raised *raised, bool repr, struct buf *out);
/* KeyError of a key. */
bool raise_key(struct run *run, const struct value *key);

/* --- object.c --- */
bool object_make(struct run *run, uint32_t class, const struct value *fields, uint32_t count, struct value *out);
bool object_attribute(struct run *run, const struct value *b, const struct value *name, struct value *out);
bool object_store(struct run *run, const struct value *b, const struct value *name, const struct value *v);
bool object_equal(struct run *run, const struct value *a, const struct value *b, bool *out);
bool object_has_order(const struct value *a, const struct value *b);
bool object_order(struct run *run, enum opcode op, const struct value *a, const struct value *b, bool *out);
bool object_text(struct run *run, const struct value *v, int depth, struct buf *out);
bool object_is(const struct run *run, const struct value *v, uint32_t class);
bool is_named_tuple(const struct run *run, const struct value *v);
/* Whether a value is one of the kinds in a mask of 1 << enum kind. */
enum kind { KIND_NONE, KIND_BOOL, KIND_INT, KIND_FLOAT, KIND_STR, KIND_DATETIME, KIND_DATE, KIND_TIMEDELTA, KIND_LIST, KIND_TUPLE,
            KIND_SET, KIND_FROZENSET, KIND_DICT, KIND_BYTES, KIND_TIME, KIND_RANGE };
bool value_is_kind(const struct value *v, uint32_t kinds);

/* --- routine.c: calls of routines, generators (run.c runs them) --- */
bool routine_call(struct run *run, uint32_t routine, const struct value *args, uint32_t count, struct value *out);
bool generator_make(struct run *run, uint32_t routine, const struct value *args, uint32_t count, struct value *out);
int generator_next(struct run *run, struct generator *generator, struct value *out);
/* Runs code from `at`: gives the cell that RET or YIELD names, and where; NULL after an exception. */
struct code_piece {
    const struct instruction *first;
    const struct code_handler *handlers;
    uint32_t handler_count;
};
/* Functions that are called in turn: where one ends, the next begins (run.c). */
struct series;
/* With a series, whose first function the piece is, it runs them all and returns NULL. */
const struct value *run_piece(struct run *run, const struct code_piece *piece, const struct instruction **at, struct series *series);

/* --- text.c: what other files need of str --- */
/* The byte offset of a code point's index (0 .. length). */
size_t text_offset(const struct value *v, uint64_t index);
uint64_t text_length(const struct value *v);
bool text_find(const char *hay, size_t hay_len, const char *needle, size_t needle_len, size_t *at);
bool text_find_last(struct run *run, const char *hay, size_t hay_len, const char *needle, size_t needle_len, size_t *at, bool *found);
/* Where the code point that ends at byte `at` begins. */
size_t text_before(const char *p, size_t at);
static inline bool text_is_space(const struct run *run, uint32_t code_point) {
    return unicode_flags(run->unicode, code_point) & UNICODE_SPACE;
}
/* The receiver of a str method; AttributeError if it is none. */
bool text_receiver(struct run *run, const struct value *v, const char *name);
bool text_argument(struct run *run, const struct value *v);
/* An int argument as a size: OverflowError beyond 64 bits. */
bool text_size_argument(struct run *run, const struct value *v, int64_t *out);
struct value text_part_unicode(const struct value *v, size_t from, size_t to);
static inline struct value text_ascii(const char *p, size_t len) {
    return (struct value){.tag = V_STR, .flags = STR_ASCII, .len = (uint32_t)len, .p = p};
}
/* The bytes from .. to of a str, which share its memory. */
static inline struct value text_part(const struct value *v, size_t from, size_t to) {
    if (from == to)
        return text_ascii("", 0);
    return is_ascii(v) ? text_ascii((const char *)v->p + from, to - from) : text_part_unicode(v, from, to);
}

static inline bool compare_in(struct run *run, const struct value *item, const struct value *container, bool *out) {
    if (item->tag == V_STR && container->tag == V_STR) {
        size_t at;
        *out = text_find(container->p, container->len, item->p, item->len, &at);
        return run_charge(run, container->len / 64);
    }
    if (container->tag == V_SET || container->tag == V_DICT) {
        uint32_t entry;
        bool ok = table_find(run, container->p, item, &entry);
        *out = ok && entry != TABLE_NONE;
        return ok;
    }
    return compare_in_other(run, item, container, out);
}

/* --- format.c --- */
enum format_kind { FORMAT_FORMAT = 0, FORMAT_STR = 1, FORMAT_REPR = 2, FORMAT_ASCII = 3 };
bool format_value(struct run *run, enum format_kind kind, const struct value *v, struct value *out);
bool text_repr_of(struct run *run, const struct value *v, int depth, struct buf *out);
void format_text_repr(struct run *run, struct str text, bool only_ascii, struct buf *out);
/* --- convert.c --- */
bool convert_float_to_int(struct run *run, double f, struct value *out);

bool format_int(struct run *run, const struct value *v, int base, const char *prefix, struct value *out);

/* --- built-ins, by c_name --- */
typedef bool builtin_call(struct run *run, const struct value *args, uint32_t count, struct value *out);
#define BUILTIN(name, python, min, max) builtin_call builtin_##name;
BUILTINS(BUILTIN)
#undef BUILTIN
enum builtin {
#define BUILTIN(name, python, min, max) BUILTIN_##name,
    BUILTINS(BUILTIN)
#undef BUILTIN
        BUILTIN_COUNT
};
bool no_attribute(struct run *run, const struct value *v, const char *name);

#endif
