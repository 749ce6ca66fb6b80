/* The verifier's refusals, the frame's rules and the limits, on code assembled by hand. What operations mean is compared with
 * CPython by tests/test_code_room.py. */
#include <math.h>
#include <stdlib.h>

#include "../base/test.h"
#include "run.h"

enum { SLOTS = 3, TEMPORARIES = 6, CODE_MAX = 64, FILES = 2 };
#define ALL_TAGS 0x3ffu

/* Character tables in which nothing has a property: one record, one block. */
static struct {
    uint32_t header[8];
    struct unicode_record record;
    uint16_t index[UNICODE_BLOCKS];
    uint16_t block[UNICODE_BLOCK];
} plain_unicode = {.header = {0x44435541, 1, 1, 1, 0, 0, 0, 0}, .record = {.decimal = 255}};

/* One function over a pool of constants; load() makes the rest. */
struct program {
    struct arena pool_arena, arena;
    struct buf constants;
    uint32_t constant_count;
    struct instruction code[CODE_MAX];
    uint32_t count;
    struct code_function function;
    struct code *loaded;
    struct code_frame frame;
    struct error error;
};

static void open_program(struct program *p) {
    *p = (struct program){.function = {.name = STR("f"), .result = {.mask = ALL_TAGS}}};
    arena_init(&p->pool_arena, 64u << 20);
    arena_init(&p->arena, LIMIT_ARENA_BYTES);
    buf_init(&p->constants, &p->pool_arena, 16u << 20);
    buf_u32(&p->constants, 0);
}

static void close_program(struct program *p) {
    if (p->frame.cells != NULL)
        code_frame_release(&p->frame);
    code_free(p->loaded);
    arena_release(&p->pool_arena);
    arena_release(&p->arena);
}

static uint16_t constant(struct program *p, struct value v) {
    value_write(&p->constants, &v);
    return (uint16_t)p->constant_count++;
}

static void emit(struct program *p, enum opcode op, unsigned x, unsigned a, unsigned b, unsigned c) {
    ASSERT(p->count < CODE_MAX);
    p->code[p->count++] = (struct instruction){(uint8_t)op, (uint8_t)x, (uint16_t)a, (uint16_t)b, (uint16_t)c};
}

/* Cells by their place, once the constants are known. */
static uint16_t slot(const struct program *p, unsigned i) { return (uint16_t)(p->constant_count + i); }
static uint16_t temporary(const struct program *p, unsigned i) { return (uint16_t)(p->constant_count + SLOTS + i); }

static bool load_with(struct program *p, const struct code_config *change) {
    memcpy(p->constants.p, &p->constant_count, sizeof p->constant_count);
    if (p->function.count == 0)
        p->function.count = p->count;
    if (p->function.slot == 0)
        p->function.slot = slot(p, 0);
    struct code_position *positions = calloc(CODE_MAX, sizeof *positions);
    for (uint32_t i = 0; i < CODE_MAX; i++)
        positions[i] = (struct code_position){.line = 100 + i, .column = (uint16_t)(4 + i), .file = (uint16_t)(i % FILES)};
    struct code_config config = {
        .instructions = p->code,
        .instruction_bytes = p->count * sizeof *p->code + change->instruction_bytes,
        .positions = positions,
        .position_bytes = p->count * sizeof *positions + change->position_bytes,
        .file_count = FILES - change->file_count,
        .constants = p->constants.p,
        .constant_bytes = p->constants.len - change->constant_bytes,
        .unicode = &plain_unicode,
        .unicode_bytes = sizeof plain_unicode - change->unicode_bytes,
        .slot_count = SLOTS + change->slot_count,
        .temporary_count = TEMPORARIES,
        .functions = &p->function,
        .function_count = 1,
    };
    p->loaded = code_load(&config, &p->error);
    free(positions); /* positions are copied */
    if (p->loaded == NULL)
        return false;
    CHECK(code_frame_init(&p->frame, p->loaded, &p->arena, &p->error));
    code_begin(&p->frame);
    return true;
}

static bool load(struct program *p) { return load_with(p, &(struct code_config){0}); }

static const struct value *result(struct program *p) {
    code_call(&p->frame, 0);
    return &p->frame.cells[p->function.slot];
}

static const char *exception(const struct program *p) { return p->frame.error_count > 0 ? p->frame.errors[0].exception : "none"; }

static void check_exception(struct program *p, const char *name) {
    p->frame.error_count = p->frame.errors_total = 0;
    CHECK(!code_call(&p->frame, 0));
    CHECK_TEXT(exception(p), strlen(exception(p)), name);
    CHECK_INT(p->frame.cells[p->function.slot].tag, V_NONE);
    CHECK_INT(p->frame.cells[p->function.slot].len, MISSING_ERROR);
}

static void test_a_function_adds(void) {
    struct program p;
    open_program(&p);
    uint16_t two = constant(&p, value_int(2));
    p.function.result.mask = 1u << V_INT;
    emit(&p, OP_ADD, 0, temporary(&p, 0), slot(&p, 1), two);
    emit(&p, OP_RET, 0, 0, temporary(&p, 0), 0);
    CHECK(load(&p));
    p.frame.cells[slot(&p, 1)] = value_int(40);
    CHECK_INT(result(&p)->i, 42);
    p.frame.cells[slot(&p, 1)] = value_float(0.5);
    check_exception(&p, "TypeError"); /* 2.5 for -> int */
    p.frame.cells[slot(&p, 1)] = value_int(INT64_MAX);
    check_exception(&p, "OverflowError");
    close_program(&p);
}

static void test_a_required_none_is_not_called(void) {
    struct program p;
    open_program(&p);
    constant(&p, value_int(1));
    uint16_t required[] = {slot(&p, 1)};
    p.function.required = required;
    p.function.required_count = 1;
    emit(&p, OP_RET, 0, 0, slot(&p, 1), 0);
    CHECK(load(&p));
    CHECK(code_call(&p.frame, 0));
    CHECK_INT(p.frame.cells[slot(&p, 0)].tag, V_NONE);
    CHECK_INT(p.frame.cells[slot(&p, 0)].len, MISSING_SOURCE);
    CHECK_INT(p.frame.errors_total, 0);
    close_program(&p);
}

static void test_an_error_has_its_position_and_text(void) {
    struct program p;
    open_program(&p);
    uint16_t zero = constant(&p, value_int(0)), text = constant(&p, value_str("why", 3));
    emit(&p, OP_JMP_NONE, 0, 0, slot(&p, 1), 3);
    emit(&p, OP_DIV, 0, temporary(&p, 0), zero, zero);
    emit(&p, OP_RET, 0, 0, temporary(&p, 0), 0);
    emit(&p, OP_RAISE, EXCEPTION_ValueError, 0, text, 0);
    CHECK(load(&p));
    p.frame.cells[slot(&p, 1)] = value_int(1);
    check_exception(&p, "ZeroDivisionError");
    CHECK_INT(p.frame.errors[0].line, 101);
    CHECK_INT(p.frame.errors[0].column, 5);
    CHECK_INT(p.frame.errors[0].file, 1);
    p.frame.cells[slot(&p, 1)] = value_none(MISSING_NOT);
    check_exception(&p, "ValueError");
    CHECK_TEXT(p.frame.errors[0].text.p, p.frame.errors[0].text.len, "why");
    for (int i = 0; i < CODE_ERRORS_MAX + 10; i++)
        code_call(&p.frame, 0);
    CHECK_INT(p.frame.error_count, CODE_ERRORS_MAX);
    CHECK_INT(p.frame.errors_total, 1 + CODE_ERRORS_MAX + 10);
    close_program(&p);
}

static void test_temporaries_are_cleared_before_each_request(void) {
    struct program p;
    open_program(&p);
    constant(&p, value_int(1));
    emit(&p, OP_JMP_NOT_NONE, 0, 0, temporary(&p, 2), 3);
    emit(&p, OP_MOVE, 0, temporary(&p, 2), slot(&p, 1), 0);
    emit(&p, OP_RET, 0, 0, temporary(&p, 3), 0);
    emit(&p, OP_RET, 0, 0, temporary(&p, 2), 0);
    CHECK(load(&p));
    for (int i = 0; i < 3; i++) {
        code_begin(&p.frame);
        p.frame.cells[slot(&p, 1)] = value_int(7);
        CHECK_INT(result(&p)->tag, V_NONE);
    }
    close_program(&p);
}

static void test_results_are_fitted(void) {
    static const struct {
        unsigned mask;
        bool truth;
        struct value given;
        int tag; /* -1: TypeError */
    } cases[] = {
        {1u << V_FLOAT, false, {.tag = V_INT, .i = 3}, V_FLOAT},
        {1u << V_FLOAT, false, {.tag = V_BOOL, .i = 1}, V_FLOAT},
        {1u << V_INT, false, {.tag = V_BOOL, .i = 1}, V_INT},
        {1u << V_BOOL, false, {.tag = V_INT, .i = 1}, -1},
        {1u << V_BOOL, true, {.tag = V_INT, .i = 5}, V_BOOL},
        {1u << V_BOOL, true, {.tag = V_NONE}, V_BOOL},
        {1u << V_BOOL | 1u << V_NONE, true, {.tag = V_NONE}, V_NONE},
        {1u << V_STR, false, {.tag = V_NONE}, -1},
        {1u << V_LIST, false, {.tag = V_TUPLE}, V_LIST},
        {1u << V_TUPLE, false, {.tag = V_LIST}, -1},
        {1u << V_INT, false, {.tag = V_FLOAT, .f = 1.0}, -1},
        {UINT32_MAX, false, {.tag = V_SECRET}, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct program p;
        open_program(&p);
        constant(&p, value_int(0));
        p.function.result = (struct code_result){.mask = cases[i].mask, .truth = cases[i].truth};
        emit(&p, OP_RET, 0, 0, slot(&p, 1), 0);
        CHECK(load(&p));
        p.frame.cells[slot(&p, 1)] = cases[i].given;
        if (cases[i].tag < 0)
            check_exception(&p, "TypeError");
        else
            CHECK_INT(result(&p)->tag, cases[i].tag);
        close_program(&p);
    }
}

static void test_items_of_results_are_fitted(void) {
    struct program p;
    open_program(&p);
    uint16_t one = constant(&p, value_int(1));
    constant(&p, value_bool(true));
    p.function.result = (struct code_result){.mask = 1u << V_LIST, .item_mask = 1u << V_FLOAT};
    emit(&p, OP_TUPLE, 2, temporary(&p, 0), one, 0);
    emit(&p, OP_RET, 0, 0, temporary(&p, 0), 0);
    CHECK(load(&p));
    const struct value *v = result(&p);
    CHECK_INT(v->tag, V_LIST);
    CHECK_INT(value_items(v)[0].tag, V_FLOAT);
    CHECK_INT(value_items(v)[1].tag, V_FLOAT);
    close_program(&p);
}

static void test_what_lives_in_a_function_does_not_leave_it(void) {
    struct program p;
    open_program(&p);
    uint16_t three = constant(&p, value_int(3));
    p.function.result.mask = UINT32_MAX;
    emit(&p, OP_CALL, 1, temporary(&p, 0), three, BUILTIN_range);
    emit(&p, OP_TUPLE, 1, temporary(&p, 1), temporary(&p, 0), 0);
    emit(&p, OP_JMP_NONE, 0, 0, slot(&p, 1), 4);
    emit(&p, OP_RET, 0, 0, temporary(&p, 0), 0);
    emit(&p, OP_RET, 0, 0, temporary(&p, 1), 0);
    CHECK(load(&p));
    check_exception(&p, "TypeError");
    p.frame.cells[slot(&p, 1)] = value_int(1);
    check_exception(&p, "TypeError");
    close_program(&p);
}

static void test_an_endless_loop_ends(void) {
    struct program p;
    open_program(&p);
    constant(&p, value_int(1));
    emit(&p, OP_JMP, 0, 0, 0, 0);
    CHECK(load(&p));
    check_exception(&p, "LimitError");
    close_program(&p);
}

static void test_a_loop_that_doubles_a_string_ends(void) {
    struct program p;
    open_program(&p);
    uint16_t text = constant(&p, value_str("ab", 2));
    emit(&p, OP_MOVE, 0, temporary(&p, 0), text, 0);
    emit(&p, OP_ADD, 0, temporary(&p, 0), temporary(&p, 0), temporary(&p, 0));
    emit(&p, OP_JMP, 0, 0, 0, 1);
    CHECK(load(&p));
    check_exception(&p, "LimitError");
    close_program(&p);
}

static void test_a_tuple_nested_without_end_is_compared_to_a_depth(void) {
    struct program p;
    open_program(&p);
    uint16_t none = constant(&p, value_none(MISSING_NOT)), rounds = constant(&p, value_int(500));
    emit(&p, OP_CALL, 1, temporary(&p, 0), rounds, BUILTIN_range);
    emit(&p, OP_ITER, 0, temporary(&p, 0), temporary(&p, 0), 0);
    emit(&p, OP_MOVE, 0, temporary(&p, 1), none, 0);
    emit(&p, OP_NEXT, 0, temporary(&p, 2), temporary(&p, 0), 6);
    emit(&p, OP_TUPLE, 1, temporary(&p, 1), temporary(&p, 1), 0);
    emit(&p, OP_JMP, 0, 0, 0, 3);
    emit(&p, OP_EQ, 0, temporary(&p, 2), temporary(&p, 1), temporary(&p, 1));
    emit(&p, OP_RET, 0, 0, temporary(&p, 2), 0);
    CHECK(load(&p));
    check_exception(&p, "RecursionError");
    close_program(&p);
}

static void test_a_list_built_in_a_loop(void) {
    struct program p;
    open_program(&p);
    uint16_t count = constant(&p, value_int(1000));
    emit(&p, OP_LIST, 0, temporary(&p, 1), 0, 0);
    emit(&p, OP_CALL, 1, temporary(&p, 0), count, BUILTIN_range);
    emit(&p, OP_ITER, 0, temporary(&p, 0), temporary(&p, 0), 0);
    emit(&p, OP_NEXT, 0, temporary(&p, 2), temporary(&p, 0), 7);
    emit(&p, OP_MOVE, 0, temporary(&p, 3), temporary(&p, 1), 0); /* another name of the list */
    emit(&p, OP_APPEND, 0, temporary(&p, 1), temporary(&p, 2), 0);
    emit(&p, OP_JMP, 0, 0, 0, 3);
    emit(&p, OP_APPEND, 0, temporary(&p, 3), count, 0);
    emit(&p, OP_JMP_NONE, 0, 0, slot(&p, 1), 10);
    emit(&p, OP_RET, 0, 0, temporary(&p, 3), 0);
    emit(&p, OP_RET, 0, 0, temporary(&p, 1), 0);
    CHECK(load(&p));
    const struct value *v = result(&p);
    CHECK_INT(v->len, 1001);
    for (uint32_t i = 0; i < v->len; i++)
        CHECK_INT(value_items(v)[i].i, i);
    p.frame.cells[slot(&p, 1)] = value_int(1);
    v = result(&p);
    CHECK_INT(v->len, 1001);
    CHECK_INT(value_items(v)[999].i, 999);
    CHECK_INT(value_items(v)[1000].i, 1000);
    close_program(&p);
}

/* --- refusals --- */

static void check_refused(struct instruction first, struct instruction last, const char *part) {
    struct program p;
    open_program(&p);
    constant(&p, value_int(1));
    emit(&p, first.op, first.x, first.a, first.b, first.c);
    emit(&p, last.op, last.x, last.a, last.b, last.c);
    CHECK(!load(&p));
    if (strstr(p.error.text, part) == NULL)
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", p.error.text, part);
    CHECK(strstr(p.error.text, part) != NULL);
    close_program(&p);
}

static void test_operands_out_of_range_are_refused(void) {
    const uint16_t t = 1 + SLOTS, cells = 1 + SLOTS + TEMPORARIES;
    const struct instruction ret = {OP_RET, 0, 0, 0, 0};
    static const uint8_t plain[] = {OP_ADD, OP_SUB, OP_IN, OP_INDEX, OP_EQ, OP_SHR};
    for (size_t i = 0; i < sizeof plain; i++) {
        check_refused((struct instruction){plain[i], 0, cells, 0, 0}, ret, "cell");
        check_refused((struct instruction){plain[i], 0, t, cells, 0}, ret, "cell");
        check_refused((struct instruction){plain[i], 0, t, 0, cells}, ret, "cell");
        check_refused((struct instruction){plain[i], 0, 0, 0, 0}, ret, "is written");
        check_refused((struct instruction){plain[i], 0, t - 1, 0, 0}, ret, "is written");
        check_refused((struct instruction){plain[i], 0, t, UINT16_MAX, 0}, ret, "cell");
    }
    check_refused((struct instruction){OP_MOVE, 0, t, cells, 0}, ret, "cell");
    check_refused((struct instruction){OP_SLICE, 0, t, 0, cells - 2}, ret, "cell");
    check_refused((struct instruction){OP_UNPACK, 2, cells - 1, 0, 0}, ret, "cell");
    check_refused((struct instruction){OP_UNPACK, 1, t - 1, 0, 0}, ret, "is written");
    check_refused((struct instruction){OP_TUPLE, 3, t, cells - 2, 0}, ret, "cell");
    check_refused((struct instruction){OP_CONCAT, 255, t, 0, 0}, ret, "cell");
    check_refused((struct instruction){OP_FORMAT, 4, t, 0, 0}, ret, "format");
    check_refused((struct instruction){OP_APPEND, 0, cells, 0, 0}, ret, "cell");
    check_refused((struct instruction){OP_STORE, 0, 0, 0, cells}, ret, "cell");
    check_refused((struct instruction){OP_UNPACK_STAR, 2, t, 0, 2}, ret, "star");
    check_refused((struct instruction){OP_EXCEPTION, 0, t, 0, EXCEPTION_COUNT}, ret, "exception");
    check_refused((struct instruction){OP_OBJECT, 0, t, 0, 0}, ret, "class");
    check_refused((struct instruction){OP_ROUTINE, 0, t, 0, 0}, ret, "routine");
    check_refused((struct instruction){OP_YIELD, 0, 0, 0, 0}, ret, "YIELD");
    check_refused((struct instruction){OP_NEXT, 0, t, 0, 2}, ret, "target");
    check_refused((struct instruction){OP_JMP, 0, 0, 0, 2}, ret, "target");
    check_refused((struct instruction){OP_JMP_TRUE, 0, 0, 0, UINT16_MAX}, ret, "target");
    check_refused((struct instruction){OP_JMP_TRUE, 0, 0, cells, 0}, ret, "cell");
    check_refused((struct instruction){OP_RAISE, EXCEPTION_COUNT, 0, 0, 0}, ret, "exception");
    check_refused((struct instruction){OP_RAISE, 0, 0, cells, 0}, ret, "cell");
    check_refused((struct instruction){OP_CALL, 1, t, 0, BUILTIN_COUNT}, ret, "built-in");
    check_refused((struct instruction){OP_CALL, 2, t, 0, BUILTIN_len}, ret, "arguments");
    check_refused((struct instruction){OP_CALL, 0, t, 0, BUILTIN_len}, ret, "arguments");
    check_refused((struct instruction){OP_CALL, 2, t, cells - 1, BUILTIN_divmod}, ret, "cell");
    check_refused((struct instruction){OP_COUNT, 0, t, 0, 0}, ret, "opcode");
    check_refused((struct instruction){255, 0, t, 0, 0}, ret, "opcode");
    check_refused(ret, (struct instruction){OP_MOVE, 0, t, 0, 0}, "last instruction");
    check_refused(ret, (struct instruction){OP_JMP_TRUE, 0, 0, 0, 0}, "last instruction");
    check_refused(ret, (struct instruction){OP_RET, 0, 0, cells, 0}, "cell");
}

static void check_config_refused(const struct code_config *change, const char *part) {
    struct program p;
    open_program(&p);
    uint16_t one = constant(&p, value_int(1));
    emit(&p, OP_RET, 0, 0, one, 0);
    CHECK(!load_with(&p, change));
    CHECK(strstr(p.error.text, part) != NULL);
    close_program(&p);
}

static void test_sizes_that_do_not_fit_are_refused(void) {
    check_config_refused(&(struct code_config){.instruction_bytes = 4}, "code:");
    check_config_refused(&(struct code_config){.position_bytes = 1}, "positions:");
    check_config_refused(&(struct code_config){.file_count = FILES}, "position of instruction 0: file 0");
    check_config_refused(&(struct code_config){.constant_bytes = 1}, "constant 0");
    check_config_refused(&(struct code_config){.constant_bytes = 13}, "constants:");
    check_config_refused(&(struct code_config){.unicode_bytes = 1}, "unicode:");
    check_config_refused(&(struct code_config){.unicode_bytes = sizeof plain_unicode}, "unicode:");
    check_config_refused(&(struct code_config){.slot_count = LIMIT_FRAME_CELLS}, "frame:");
}

static void check_function_refused(const struct code_function *change, const char *part) {
    struct program p;
    open_program(&p);
    uint16_t one = constant(&p, value_int(1));
    emit(&p, OP_RET, 0, 0, one, 0);
    p.function = *change;
    CHECK(!load(&p));
    CHECK(strstr(p.error.text, part) != NULL);
    close_program(&p);
}

static void test_functions_that_do_not_fit_are_refused(void) {
    static const uint16_t temporary_cell[] = {1 + SLOTS};
    check_function_refused(&(struct code_function){.name = STR("f"), .first = 1, .count = 1}, "instructions");
    check_function_refused(&(struct code_function){.name = STR("f"), .first = UINT32_MAX, .count = 1}, "instructions");
    check_function_refused(&(struct code_function){.name = STR("f"), .count = 2}, "instructions");
    check_function_refused(&(struct code_function){.name = STR("f"), .count = UINT32_MAX}, "instructions");
    check_function_refused(&(struct code_function){.name = STR("f"), .slot = 1 + SLOTS}, "result cell");
    check_function_refused(&(struct code_function){.name = STR("f"), .required = temporary_cell, .required_count = 1}, "required");
}

static void check_pool_refused(const char *bytes, size_t len, const char *part) {
    struct program p;
    open_program(&p);
    buf_add(&p.constants, bytes, len);
    p.constant_count = 1;
    emit(&p, OP_RET, 0, 0, 0, 0);
    CHECK(!load(&p));
    CHECK(strstr(p.error.text, "constant 0") != NULL && strstr(p.error.text, part) != NULL);
    close_program(&p);
}
#define POOL_REFUSED(bytes, part) check_pool_refused(bytes, sizeof(bytes) - 1, part)

static void test_hostile_constants_are_refused(void) {
    POOL_REFUSED("\x63", "not a value");
    POOL_REFUSED("\x02\x01", "not a value");
    POOL_REFUSED("\x01\x02", "not a value");
    POOL_REFUSED("\x04\xff\xff\xff\xff", "not a value");
    POOL_REFUSED("\x04\x01\x00\x00\x00\xff", "not a value");
    POOL_REFUSED("\x08\xff\xff\xff\xff", "more items");
    POOL_REFUSED("\x0a\xff\xff\xff\x7f\x00\x00", "more items");
    POOL_REFUSED("\x0b\x01\x00\x00\x00\x00\x00", "truncated");
    POOL_REFUSED("\x0a\x02\x00\x00\x00\x01\x01\x02\x01\x00\x00\x00\x00\x00\x00\x00", "equal"); /* {True, 1} */
    POOL_REFUSED("\x0a\x01\x00\x00\x00\x08\x00\x00\x00\x00", "hashable");                      /* {[]} */
    POOL_REFUSED("\x0d\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01", "shortest");
    POOL_REFUSED("\x0d\x00\x01\x00\x00\x00\x01", "shortest");
    POOL_REFUSED("\x0d\x02\x01\x00\x00\x00\x01", "limit");
    POOL_REFUSED("\x0d\x00\xff\xff\xff\xff", "limit");
    POOL_REFUSED("\x0d\x00", "truncated");
    POOL_REFUSED("\x05\xff\xff\xff\xff\xff\xff\xff\x7f", "range");
    POOL_REFUSED("\x06\xff\xff\xff\xff\xff\xff\xff\x7f", "range");
    POOL_REFUSED("\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "range");
    POOL_REFUSED("\x09\x01\0\0\0\x09\x01\0\0\0\x09\x01\0\0\0\x09\x01\0\0\0\x09\x01\0\0\0\x09\x01\0\0\0\x09\x01\0\0\0"
                 "\x09\x01\0\0\0\x09\x00\0\0\0",
                 "nested");
}

static void test_hostile_character_tables_are_refused(void) {
    struct unicode loaded;
    struct error error;
    CHECK(unicode_load(&loaded, &plain_unicode, sizeof plain_unicode, &error));
    plain_unicode.record.lower = 0x110000;
    CHECK(!unicode_load(&loaded, &plain_unicode, sizeof plain_unicode, &error));
    plain_unicode.record.lower = -1;
    CHECK(!unicode_load(&loaded, &plain_unicode, sizeof plain_unicode, &error));
    plain_unicode.record.lower = 0;
    plain_unicode.record.flags = UNICODE_SPECIAL_UPPER;
    CHECK(!unicode_load(&loaded, &plain_unicode, sizeof plain_unicode, &error));
    plain_unicode.record.flags = 0;
    plain_unicode.index[7] = 1;
    CHECK(!unicode_load(&loaded, &plain_unicode, sizeof plain_unicode, &error));
    plain_unicode.index[7] = 0;
    plain_unicode.block[127] = 1;
    CHECK(!unicode_load(&loaded, &plain_unicode, sizeof plain_unicode, &error));
    plain_unicode.block[127] = 0;
    plain_unicode.header[2] = UINT32_MAX;
    CHECK(!unicode_load(&loaded, &plain_unicode, sizeof plain_unicode, &error));
    plain_unicode.header[2] = 1;
    CHECK(!unicode_load(&loaded, (const char *)&plain_unicode + 2, sizeof plain_unicode - 2, &error));
    CHECK(unicode_load(&loaded, &plain_unicode, sizeof plain_unicode, &error));
}

int main(void) {
    TEST(test_a_function_adds);
    TEST(test_a_required_none_is_not_called);
    TEST(test_an_error_has_its_position_and_text);
    TEST(test_temporaries_are_cleared_before_each_request);
    TEST(test_results_are_fitted);
    TEST(test_items_of_results_are_fitted);
    TEST(test_what_lives_in_a_function_does_not_leave_it);
    TEST(test_an_endless_loop_ends);
    TEST(test_a_loop_that_doubles_a_string_ends);
    TEST(test_a_tuple_nested_without_end_is_compared_to_a_depth);
    TEST(test_a_list_built_in_a_loop);
    TEST(test_operands_out_of_range_are_refused);
    TEST(test_sizes_that_do_not_fit_are_refused);
    TEST(test_functions_that_do_not_fit_are_refused);
    TEST(test_hostile_constants_are_refused);
    TEST(test_hostile_character_tables_are_refused);
    return test_end();
}
