/* The plan's register code: loaded from a bundle, verified once as if an attacker wrote it, then run fast.
 *
 * The frame is one array of cells: [ constants | slots | temporaries ]. Constants are copied into a thread's frame once;
 * slots hold fields, window values, features, model outputs and rule results of the event at hand; temporaries belong to
 * the function that runs. An instruction names cells by their index, so a constant, a field and a temporary are all read
 * the same way. Instructions are in opcodes.h, built-in functions and methods in builtins.h.
 *
 * Functions call no others but built-ins and routines: helpers are compiled into their callers. A routine is a piece of code
 * with temporaries of its own (code_routine); while it is under way in an outer call, they are saved.
 *
 * Verified (code_load): every operand is inside the frame; destinations are temporaries, of a routine its own; jumps and
 * handlers stay inside the function;
 * the last instruction is RET, RAISE or JMP; runs of operands (calls, tuples) are inside; built-ins exist and have a legal
 * number of arguments; positions name files that exist. While running: types are checked, steps are counted (LIMIT_STEPS),
 * sizes are checked (LIMIT_VALUE_BYTES). So no bundle can read or write outside its tables or loop for ever. Temporaries are
 * cleared by code_begin: code cannot see another request's values. */
#ifndef ASSAY_CODE_CODE_H
#define ASSAY_CODE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/arena.h"
#include "../base/error.h"
#include "../base/limits.h"
#include "../base/str.h"
#include "../base/value.h"

/* 8 bytes, little-endian in the bundle part "code.bin". */
struct instruction {
    uint8_t op;
    uint8_t x;
    uint16_t a, b, c;
};

/* 12 bytes per instruction in the bundle part "position.bin": where it stands in the source, in the function
 * itself or in a helper that was compiled into it. */
struct code_position {
    uint32_t line; /* 1-based */
    uint16_t column, end_column; /* 0-based, in characters of the source line; end_column 0: unknown */
    uint16_t further_lines; /* end line - line */
    uint16_t file;          /* below code_config.file_count */
};

/* What a function's result must fit: bits 1 << V_xxx. Applied at RET in this order: the tag is in the mask (an int beyond 64 bits:
 * OverflowError) -> kept; `truth` -> Python's truth value; bool -> int if INT in mask; bool, int -> float if FLOAT in mask;
 * tuple -> list if LIST in mask; else TypeError. Items of a list or tuple are fitted to item_mask by the same rules
 * (0: any). With `truth` a None stays None only if NONE is in the mask. A list of another length than `size` (0: any) is a
 * TypeError. */
struct code_result {
    uint32_t mask, item_mask;
    uint32_t size; /* of a vector feature: @feature(size=) */
    bool truth;
};

/* What a `try` covers: an exception in first .. end - 1 goes on at target, with the exception in cell. Counted in instructions
 * from the function's first; inner ones stand before outer ones. */
struct code_handler {
    uint16_t first, end, target, cell;
};

struct code_function {
    struct str name, file;
    uint32_t line;
    uint32_t first, count;          /* instructions */
    uint16_t slot;                  /* the cell that gets the result */
    const uint16_t *required;       /* cells that may not be None: else the function is not called, its result is MISSING_SOURCE */
    uint32_t required_count;
    struct code_result result;
    const struct code_handler *handlers;
    uint32_t handler_count;
};

/* A function that others call at run time, since it calls itself or is a generator. Its cells are temporaries of its own,
 * which no other function names: the first of them get the arguments, the rest None. */
struct code_routine {
    struct str name;
    uint32_t first, count;          /* instructions */
    uint16_t base, cells, parameters; /* base: its first temporary, counted from the first of all */
    const struct code_handler *handlers;
    uint32_t handler_count;
};

/* A class of the definition whose instances functions make or read. */
struct code_class {
    struct str name;
    const struct str *fields;
    uint32_t field_count, number; /* number: its place in code_config.classes */
    uint32_t flags;
};
enum { CLASS_HASHABLE = 1, CLASS_EQUAL = 2, CLASS_ORDERED = 4, CLASS_FROZEN = 8, CLASS_TUPLE = 16, CLASS_TEXT = 32, CLASS_FLAGS = 63 };

/* An exception class of the definition; its number is EXCEPTION_COUNT + its place. */
struct code_exception {
    struct str name;
    uint32_t parent; /* a number below its own */
};

struct tokenizer;
struct embedding;
struct vectorizer;

struct code_config {
    const void *instructions; size_t instruction_bytes; /* code.bin */
    const void *positions; size_t position_bytes;       /* position.bin */
    const void *constants; size_t constant_bytes;       /* constant.bin: u32 count, then serialized values (value.h) */
    const void *unicode; size_t unicode_bytes;          /* unicode.bin: see unicode.h */
    uint32_t file_count;                                /* source files that positions may name */
    uint32_t slot_count, temporary_count;               /* the frame after the constants */
    const struct code_function *functions;              /* kept by reference; must outlive the code */
    uint32_t function_count;
    const struct code_routine *routines;                /* these too, and what follows */
    uint32_t routine_count;
    const struct code_class *classes;
    uint32_t class_count;
    const struct code_exception *exceptions;
    uint32_t exception_count;
    const struct tokenizer *const *tokenizers;          /* text/tokenizer.h */
    uint32_t tokenizer_count;
    const struct embedding *embeddings;                 /* text/embedding.h */
    uint32_t embedding_count;
    const struct vectorizer *vectorizers;               /* text/vectorizer.h */
    uint32_t vectorizer_count;
};

struct code;

/* Verifies and loads. The bytes in config must outlive the code. NULL and error (with function and instruction) if anything
 * is out of order. */
struct code *code_load(const struct code_config *config, struct error *error);
void code_free(struct code *code);
uint32_t code_constant_count(const struct code *code);
const struct value *code_constants(const struct code *code);
uint32_t code_frame_cells(const struct code *code);

/* One raised exception. */
struct code_error {
    uint32_t function;
    const char *exception;  /* "ZeroDivisionError"; lives as long as the code */
    uint32_t line;
    uint16_t column, file;  /* file: as in code_position */
    struct str text;        /* for people; in the arena, may be empty */
};

enum { CODE_ERRORS_MAX = 64 };

/* A thread's frame. One request at a time: code_begin, then fill slots, then code_call. */
struct code_frame {
    const struct code *code;
    struct value *cells;
    struct arena *arena;
    uint16_t *active;       /* per routine */
    struct matcher *matcher; /* regex.h; NULL: no pattern among the constants */
    struct run *run;        /* what a call works with (run.h) */
    struct code_error errors[CODE_ERRORS_MAX];
    uint32_t error_count;   /* recorded */
    uint32_t errors_total;
};

/* Allocates cells and copies the constants. `arena` is the request's arena, used by every call. */
bool code_frame_init(struct code_frame *frame, const struct code *code, struct arena *arena, struct error *error);
void code_frame_release(struct code_frame *frame);
/* Clears the slots to None and forgets errors. */
void code_begin(struct code_frame *frame);
/* Forgets what functions computed in passing (temporaries, among them what they share): to be called wherever the slots get
 * values of another event, or their memory is taken back. code_begin does it too. */
void code_forget(struct code_frame *frame);

/* Runs functions in turn, but for those in `skip` (by function; NULL: none): each writes its slot. On an exception the slot is
 * MISSING_ERROR and an error is recorded. */
void code_call_each(struct code_frame *frame, const uint32_t *functions, uint32_t count, const bool *skip);
/* Runs one; false after an exception. */
bool code_call(struct code_frame *frame, uint32_t function);

#endif
