/* Any bytes as code: loaded, and run if the verifier takes them. Nothing may crash, hang or be read outside.
 *
 * Input: u8 mode, u8 functions, u8 length of the constant pool in units of 4 bytes, the pool, then instructions. In mode 0 all is
 * taken as it is. Else the pool is the fixed one below, and operands are brought into their ranges first, so that most inputs
 * pass the verifier and the operations themselves are reached with all kinds of values. */
#include <math.h>
#include <stdlib.h>

#include "../base/calendar.h"
#include "run.h"

enum { SLOTS = 24, TEMPORARIES = 12, FUNCTIONS_MAX = 8, CODE_MAX = 64 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Character tables with every kind of record. */
static struct {
    uint32_t header[8];
    struct unicode_record records[6];
    uint16_t index[UNICODE_BLOCKS];
    uint16_t blocks[2][UNICODE_BLOCK];
    uint32_t specials[8];
} tables = {
    .header = {0x44435541, 1, 6, 2, 8, 0, 0, 0},
    .records = {{.decimal = 255},
                {.flags = UNICODE_ALPHA | UNICODE_UPPER | UNICODE_CASED | UNICODE_PRINTABLE | UNICODE_SPECIAL_LOWER, .decimal = 255},
                {.flags = UNICODE_ALPHA | UNICODE_LOWER | UNICODE_CASED | UNICODE_SPECIAL_UPPER, .decimal = 255, .upper = 4},
                {.flags = UNICODE_SPACE, .decimal = 255},
                {.flags = UNICODE_DECIMAL | UNICODE_DIGIT | UNICODE_NUMERIC | UNICODE_PRINTABLE, .decimal = 7},
                {.flags = UNICODE_IGNORABLE | UNICODE_TITLE | UNICODE_SPECIAL_TITLE, .decimal = 255, .special_fold = 1}},
    .specials = {2, 'a', 0x10ffff, 0, 3, 'b', 0x3a3, 0xe9},
};

/* --- values --- */

static const char *const texts[] = {
    "",     "a",      "Hello, World", "\xce\xa3\xce\xa3 \xce\xa3", "12.5e3", "-0x1f", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80x",
    "a,b,,c", " \t x\n y ", "a\tb"};
static const double doubles[] = {0.0, -0.0, 1.5, -2.5, 1e308, 5e-324, INFINITY, NAN, 1e16, 0.1};
static const int64_t ints[] = {0, 1, -1, 2, 7, 255, -3, INT64_MAX, INT64_MIN, 1ll << 53, 1000000};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Big ints, sets and dicts, zones and times, which only a pool can hold. */
static const char pool_tail[] = "\x0d\x00\x09\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09"
                                "\x0d\x01\x10\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
                                "\x0a\x02\x00\x00\x00\x04\x01\x00\x00\x00\x61\x02\x07\x00\x00\x00\x00\x00\x00\x00"
                                "\x0b\x01\x00\x00\x00\x04\x01\x00\x00\x00\x61\x08\x01\x00\x00\x00\x01\x01"
                                /* a zone with rules, one of a fixed offset, a naive datetime, one in the first zone, a time of day */
                                "\x22\x02\x03\x00\x00\x00\x41\x2f\x42\x02\x10\x0e\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x53\x20"
                                "\x1c\x00\x00\x10\x0e\x00"
                                "\x00\x01\x00\x00\x00\x44\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x96\x98\x00"
                                "\x00\x00\x00\x00\x10\x0e"
                                "\x00\x00\x00\x00\x00\x00\xa0\xb2\x98\x00\x00\x00\x00\x00\x20\x1c\x00\x00\x00\x00\x00\x00\x90\xa4"
                                "\x98\x00\x00\x00\x00\x00"
                                "\x01\x00\x01\x00\x01\x00\x03\x00\x05\x00\x20\x1c\x00\x00\x02\x2c\x01\x00\x00\xf0\xf1\xff\xff"
                                "\x22\x01\x00\x8a\x22\xbe\xfe\xff\xff\xff\x01\x02\x00\x00\x00\x4e\x25"
                                "\x20\x00\xba\x6f\xfd\xa0\x5e\x06\x00\x01\x00"
                                "\x20\xc0\x1d\x64\xcc\x0c\x44\x84\x03\x00\x22\x02\x03\x00\x00\x00\x41\x2f\x42\x02\x10\x0e\x00\x00"
                                "\x00\x00\x00\x00\x01\x00"
                                "\x00\x00\x53\x20\x1c\x00\x00\x10\x0e\x00\x00\x01\x00\x00\x00\x44\x00\x00\x02\x00\x00\x00\x00\x00"
                                "\x00\x00\x00\x00\x00\x00"
                                "\x80\x96\x98\x00\x00\x00\x00\x00\x10\x0e\x00\x00\x00\x00\x00\x00\xa0\xb2\x98\x00\x00\x00\x00\x00"
                                "\x20\x1c\x00\x00\x00\x00"
                                "\x00\x00\x90\xa4\x98\x00\x00\x00\x00\x00\x01\x00\x01\x00\x01\x00\x03\x00\x05\x00\x20\x1c\x00\x00"
                                "\x02\x2c\x01\x00\x00\xf0"
                                "\xf1\xff\xff"
                                "\x21\x46\xcd\x81\x7a\x0a\x00\x00\x00\x00\x00";

static uint32_t add_scalars(struct buf *out) {
    uint32_t count = 0;
    struct value v = value_none(MISSING_NOT);
    value_write(out, &v), count++;
    v = value_bool(true);
    value_write(out, &v), count++;
    for (size_t i = 0; i < COUNT(ints); i++, count++) {
        v = value_int(ints[i]);
        value_write(out, &v);
    }
    for (size_t i = 0; i < COUNT(doubles); i++, count++) {
        v = value_float(doubles[i]);
        value_write(out, &v);
    }
    for (size_t i = 0; i < COUNT(texts); i++, count++) {
        v = value_str(texts[i], strlen(texts[i]));
        value_write(out, &v);
    }
    v = make_timedelta(INT64_MIN);
    value_write(out, &v), count++;
    v = make_timedelta(86400000001);
    value_write(out, &v), count++;
    v = make_date(CALENDAR_MIN_US / 86400000000ll);
    value_write(out, &v), count++;
    v = value_datetime(CALENDAR_MAX_US);
    value_write(out, &v), count++;
    buf_add(out, pool_tail, sizeof pool_tail - 1);
    return count + 9;
}

static void fill_slots(struct code_frame *frame, uint32_t first, struct arena *arena) {
    struct value *slots = frame->cells + first;
    struct value *items = arena_alloc(arena, 8 * sizeof *items);
    if (items == NULL)
        return;
    for (uint32_t i = 0; i < 8; i++)
        items[i] = i % 2 ? value_int(ints[i]) : value_str(texts[i], strlen(texts[i]));
    uint32_t at = 0;
    slots[at++] = make_list(items, 3);
    slots[at++] = make_tuple(items + 1, 4);
    slots[at++] = make_list(NULL, 0);
    slots[at++] = make_tuple(NULL, 0);
    slots[at++] = value_str("", 0);
    slots[at++] = value_datetime(CALENDAR_MIN_US);
    slots[at++] = value_datetime(1772366400123456);
    slots[at++] = make_date(20000);
    slots[at++] = make_timedelta(-1);
    slots[at++] = value_none(MISSING_SOURCE);
    for (; at < SLOTS; at++) {
        const char *text = texts[at % COUNT(texts)];
        slots[at] = value_str(text, strlen(text));
        if (at % 3 == 0)
            slots[at] = value_float(doubles[at % COUNT(doubles)]);
        if (at % 3 == 1)
            slots[at] = value_int(ints[at % COUNT(ints)]);
    }
}

/* --- code --- */

static const uint8_t arguments[BUILTIN_COUNT][2] = {
#define BUILTIN(c_name, name, min, max) {min, max},
    BUILTINS(BUILTIN)
#undef BUILTIN
};

static bool is_jump(uint8_t op) {
    return op == OP_JMP || (op >= OP_JMP_TRUE && op <= OP_JMP_NOT_NONE) || op == OP_NEXT;
}

static bool is_run(uint8_t op) {
    return op == OP_TUPLE || op == OP_LIST || op == OP_CONCAT || op == OP_SET || op == OP_DICT || op == OP_EXCEPTION;
}

/* What every program of mode 1 has besides instructions: a class of two fields, a named tuple, an exception class, a routine that
 * is a generator when it yields, and handlers. */
static const struct str fields[] = {STR("x"), STR("y")};
static const struct code_class classes[] = {
    {.name = STR("P"), .fields = fields, .field_count = 2, .number = 0, .flags = CLASS_HASHABLE | CLASS_EQUAL | CLASS_ORDERED | CLASS_TEXT},
    {.name = STR("T"), .fields = fields, .field_count = 2, .number = 1, .flags = CLASS_TUPLE | CLASS_TEXT}};
static const struct code_exception exceptions[] = {{STR("Bad"), EXCEPTION_ValueError}};
enum { ROUTINE_CELLS = 6, ROUTINE_PARAMETERS = 2 };

/* Whether c is a cell, or the first of a slice's three. */
static bool forms_with_cell_c(uint8_t op) {
    return op != OP_CALL && !is_jump(op) && op != OP_EXCEPTION && op != OP_IS_EXCEPTION && op != OP_OBJECT && op != OP_IS_OBJECT &&
           op != OP_ROUTINE && op != OP_GENERATOR && op != OP_UNPACK_STAR && op != OP_IS_KIND;
}

/* Operands of the n-th of `count` instructions into their ranges. */
static void mend(struct instruction *i, uint32_t n, uint32_t count, uint32_t first_temporary, uint32_t cells, bool in_routine) {
    enum { RUN_MAX = 5 };
    i->op %= OP_COUNT;
    i->a = (uint16_t)(first_temporary + i->a % (cells - first_temporary));
    i->b %= cells - (i->op == OP_CALL || is_run(i->op) || i->op == OP_OBJECT ? RUN_MAX : 0);
    if (is_jump(i->op)) { /* seldom back: loops take long */
        bool back = i->x % 8 == 0 || n + 1 == count;
        i->c = (uint16_t)(back ? i->c % count : n + 1 + i->c % (count - n - 1));
    } else if (i->op == OP_CALL) {
        i->c %= BUILTIN_COUNT;
        uint8_t least = arguments[i->c][0], most = arguments[i->c][1] > RUN_MAX ? RUN_MAX : arguments[i->c][1];
        i->x = least + i->x % (most - least + 1);
    } else if (i->op == OP_EXCEPTION || i->op == OP_IS_EXCEPTION) {
        i->c %= EXCEPTION_COUNT + 1;
    } else if (i->op == OP_OBJECT || i->op == OP_IS_OBJECT) {
        i->c %= 2;
    } else if (i->op == OP_ROUTINE || i->op == OP_GENERATOR) {
        i->c = 0;
        i->x = ROUTINE_PARAMETERS;
        i->b %= cells - ROUTINE_PARAMETERS;
    } else if (i->op == OP_UNPACK_STAR) {
        i->x = 1 + i->x % (uint8_t)(cells - i->a);
        i->c %= i->x;
    } else {
        i->c %= cells - 3;
    }
    if (i->op == OP_YIELD && !in_routine)
        i->op = OP_MOVE;
    uint32_t shared = first_temporary - (in_routine ? TEMPORARIES - ROUTINE_CELLS : 0);
    if (in_routine && i->b >= shared - RUN_MAX && i->b < first_temporary) /* others' temporaries are not its own */
        i->b %= (uint16_t)(shared - RUN_MAX);
    if (in_routine && forms_with_cell_c(i->op) && i->c >= shared - 3 && i->c < first_temporary)
        i->c %= (uint16_t)(shared - 3);
    if (is_run(i->op))
        i->x %= RUN_MAX;
    if (i->op == OP_UNPACK)
        i->x %= (uint8_t)(cells - i->a + 1);
    if (i->op == OP_FORMAT)
        i->x %= 4;
    if (i->op == OP_RAISE)
        i->x %= EXCEPTION_COUNT;
}

static void mend_all(struct instruction *code, uint32_t count, uint32_t first_temporary, uint32_t cells, bool in_routine) {
    for (uint32_t n = 0; n < count; n++)
        mend(&code[n], n, count, first_temporary, cells, in_routine);
    code[count - 1] = (struct instruction){.op = OP_RET, .b = code[count - 1].b};
}

static void run_all(const struct code_config *config, struct arena *arena) {
    struct error error = {0};
    struct code *code = code_load(config, &error);
    if (code == NULL) {
        ASSERT(error.text[0] != 0);
        return;
    }
    struct code_frame frame;
    ASSERT(code_frame_init(&frame, code, arena, &error));
    code_begin(&frame);
    fill_slots(&frame, code_constant_count(code), arena);
    struct buf out;
    buf_init(&out, arena, 64u << 20);
    for (uint32_t i = 0; i < config->function_count; i++) {
        code_call(&frame, i);
        const struct value *result = &frame.cells[config->functions[i].slot];
        value_write(&out, result); /* as the engine does with every result */
        value_write_key(&out, result);
        value_write_json(&out, result);
        out.len = 0;
    }
    code_frame_release(&frame);
    code_free(code);
}

struct program {
    uint32_t constant_count, each;
    bool mended;
    uint8_t selector;
    struct code_function functions[FUNCTIONS_MAX];
    struct code_handler handlers[FUNCTIONS_MAX];
    struct code_routine routine;
};

/* A program of `count` functions, of which in mode 1 the last is the routine. */
static void outline(struct program *p, struct instruction *code, uint32_t count, bool truth) {
    uint32_t each = p->each, temporary = p->constant_count + SLOTS;
    for (uint32_t i = 0; i < count; i++) {
        bool routine = p->mended && i + 1 == count;
        uint32_t first = routine ? temporary + TEMPORARIES - ROUTINE_CELLS : temporary;
        p->handlers[i] = (struct code_handler){0, (uint16_t)each, (uint16_t)(p->selector % each), (uint16_t)first};
        p->functions[i] = (struct code_function){.name = STR("f"), .first = i * each, .count = each, .result = {.mask = UINT32_MAX},
                                                 .handlers = &p->handlers[i], .handler_count = p->mended && p->selector % 3 == 0};
        p->functions[i].slot = (uint16_t)(p->constant_count + SLOTS - 1 - i);
        p->functions[i].result.truth = truth;
        if (p->mended)
            mend_all(code + i * each, each, first, temporary + TEMPORARIES, routine);
    }
    p->routine = (struct code_routine){.name = STR("g"), .first = (count - 1) * each, .count = each,
                                       .base = TEMPORARIES - ROUTINE_CELLS, .cells = ROUTINE_CELLS,
                                       .parameters = ROUTINE_PARAMETERS, .handlers = &p->handlers[count - 1],
                                       .handler_count = p->functions[count - 1].handler_count};
}

static void run_program(struct program *p, struct instruction *code, uint32_t count, uint32_t function_count,
                        const struct buf *constants, const struct code_position *positions, bool truth, struct arena *arena) {
    outline(p, code, function_count, truth);
    run_all(&(struct code_config){.instructions = code,
                                  .instruction_bytes = count * sizeof *code,
                                  .positions = positions,
                                  .position_bytes = count * sizeof *positions,
                                  .file_count = 1,
                                  .constants = constants->p,
                                  .constant_bytes = constants->len,
                                  .unicode = &tables,
                                  .unicode_bytes = sizeof tables,
                                  .slot_count = SLOTS,
                                  .temporary_count = TEMPORARIES,
                                  .functions = p->functions,
                                  .function_count = p->mended ? function_count - 1 : function_count,
                                  .routines = &p->routine,
                                  .routine_count = p->mended,
                                  .classes = classes,
                                  .class_count = p->mended ? 2 : 0,
                                  .exceptions = exceptions,
                                  .exception_count = p->mended},
            arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3)
        return 0;
    for (uint32_t i = 0; i < UNICODE_BLOCK; i++)
        tables.blocks[1][i] = (uint16_t)(i * 7 % 6);
    for (uint32_t i = 0; i < 512; i++)
        tables.index[i] = 1;
    bool mended = data[0] != 0;
    uint32_t function_count = (mended ? 2 : 1) + data[1] % (FUNCTIONS_MAX - 1);
    size_t pool_bytes = mended ? 0 : data[2] * 4u;
    if (size - 3 < pool_bytes)
        return 0;
    const uint8_t *pool = data + 3, *code_bytes = pool + pool_bytes;
    uint32_t count = (uint32_t)((size - 3 - pool_bytes) / sizeof(struct instruction));
    count = count > CODE_MAX ? CODE_MAX : count;
    if (count < function_count)
        return 0;
    struct arena arena;
    arena_init(&arena, 32u << 20);
    struct buf constants;
    buf_init(&constants, &arena, 1u << 20);
    uint32_t constant_count = 0;
    buf_u32(&constants, 0);
    if (mended) {
        constant_count = add_scalars(&constants);
        memcpy(constants.p, &constant_count, sizeof constant_count);
    } else if (pool_bytes >= 4) {
        constants.len = 0;
        buf_add(&constants, pool, pool_bytes);
        memcpy(&constant_count, pool, sizeof constant_count);
    }
    struct instruction code[CODE_MAX];
    memcpy(code, code_bytes, count * sizeof *code);
    struct code_position positions[CODE_MAX] = {0};
    struct program program = {.constant_count = constant_count, .each = count / function_count, .mended = mended, .selector = data[2]};
    run_program(&program, code, count, function_count, &constants, positions, data[1] & 0x80, &arena);
    arena_release(&arena);
    return 0;
}
