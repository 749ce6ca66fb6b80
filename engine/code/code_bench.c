/* Nanoseconds a call and an instruction of typical functions, hand-assembled: `code_bench`. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "run.h"

enum { CALLS = 200000, CODE_MAX = 64, SLOTS = 4, TEMPORARIES = 8 };
/* Constants' cells, then slots' and temporaries'. */
enum { ONE, HUNDRED, HALF, PATTERN, DIGITS, RESULT, AMOUNT, MEAN, TEXT, T0, T1, T2, T3, T4, CELLS = T0 + TEMPORARIES };

static struct {
    uint32_t header[8];
    struct unicode_record record;
    uint16_t index[UNICODE_BLOCKS];
    uint16_t block[UNICODE_BLOCK];
} plain_unicode = {.header = {0x44435541, 1, 1, 1, 0, 0, 0, 0}, .record = {.decimal = 255}};

struct sample {
    const char *name;
    uint32_t steps; /* instructions that one call executes */
    struct instruction code[CODE_MAX];
    uint32_t count;
};

static const struct sample samples[] = {
    {"amount / mean if mean else 1", 3,
     {{OP_JMP_FALSE, 0, 0, MEAN, 3}, {OP_DIV, 0, T0, AMOUNT, MEAN}, {OP_RET, 0, 0, T0, 0}, {OP_RET, 0, 0, ONE, 0}}, 4},
    {"5 times x = x * 0.5 + amount", 12,
     {{OP_MOVE, 0, T0, AMOUNT, 0}, {OP_MUL, 0, T0, T0, HALF}, {OP_ADD, 0, T0, T0, AMOUNT}, {OP_MUL, 0, T0, T0, HALF},
      {OP_ADD, 0, T0, T0, AMOUNT}, {OP_MUL, 0, T0, T0, HALF}, {OP_ADD, 0, T0, T0, AMOUNT}, {OP_MUL, 0, T0, T0, HALF},
      {OP_ADD, 0, T0, T0, AMOUNT}, {OP_MUL, 0, T0, T0, HALF}, {OP_ADD, 0, T0, T0, AMOUNT}, {OP_RET, 0, 0, T0, 0}}, 12},
    {"sum of range(100) in a loop", 305,
     {{OP_CALL, 1, T0, HUNDRED, BUILTIN_range}, {OP_ITER, 0, T0, T0, 0}, {OP_MOVE, 0, T1, ONE, 0}, {OP_NEXT, 0, T2, T0, 6},
      {OP_ADD, 0, T1, T1, T2}, {OP_JMP, 0, 0, 0, 3}, {OP_RET, 0, 0, T1, 0}}, 7},
    {"pattern in text.lower()", 3,
     {{OP_CALL, 1, T0, TEXT, BUILTIN_method_lower}, {OP_IN, 0, T1, PATTERN, T0}, {OP_RET, 0, 0, T1, 0}}, 3},
    {"round(amount, 2)", 4,
     {{OP_MOVE, 0, T0, AMOUNT, 0}, {OP_MOVE, 0, T1, DIGITS, 0}, {OP_CALL, 2, T2, T0, BUILTIN_round}, {OP_RET, 0, 0, T2, 0}}, 4},
    {"math.log(amount)", 2, {{OP_CALL, 1, T0, AMOUNT, BUILTIN_math_log}, {OP_RET, 0, 0, T0, 0}}, 2},
};

static void put(struct buf *out, struct value v) { value_write(out, &v); }

static void measure(const struct sample *sample, struct arena *kept, struct arena *arena) {
    struct error error;
    struct buf pool;
    static struct code_position positions[CODE_MAX];
    buf_init(&pool, kept, 4096);
    buf_u32(&pool, RESULT);
    put(&pool, value_int(1));
    put(&pool, value_int(100));
    put(&pool, value_float(0.5));
    put(&pool, value_str("refund", 6));
    put(&pool, value_int(2));
    struct code_function function = {.name = STR("f"), .count = sample->count, .slot = RESULT, .result = {.mask = UINT32_MAX}};
    struct code_config config = {.instructions = sample->code, .instruction_bytes = sample->count * sizeof *sample->code,
                                 .positions = positions, .position_bytes = sample->count * sizeof *positions,
                                 .constants = pool.p, .constant_bytes = pool.len, .unicode = &plain_unicode,
                                 .unicode_bytes = sizeof plain_unicode, .slot_count = SLOTS, .temporary_count = TEMPORARIES,
                                 .file_count = 1, .functions = &function, .function_count = 1};
    struct code *code = code_load(&config, &error);
    struct code_frame frame;
    if (code == NULL || !code_frame_init(&frame, code, arena, &error)) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    frame.cells[AMOUNT] = value_float(123.456);
    frame.cells[MEAN] = value_float(77.5);
    frame.cells[TEXT] = value_str("Monthly SUBSCRIPTION refund, thank you", 38);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < CALLS; i++) {
        bool ok = code_call(&frame, 0);
        ASSERT(ok);
        if (i % 64 == 0)
            arena_reset(arena);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / CALLS;
    printf("%-32s %8.1f ns a call %6.2f ns an instruction\n", sample->name, ns, ns / sample->steps);
    code_frame_release(&frame);
    code_free(code);
}

int main(void) {
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct arena kept, arena; /* strings of the pool outlive each request */
        arena_init(&kept, LIMIT_ARENA_BYTES);
        arena_init(&arena, LIMIT_ARENA_BYTES);
        measure(&samples[i], &kept, &arena);
        arena_release(&arena);
        arena_release(&kept);
    }
    return 0;
}
