/* Runs code for an oracle that is not ours: tests/test_code_room.py assembles instructions, feeds them here and compares with
 * what CPython makes of the same operations. Without input it does nothing and exits 0.
 *
 * Input, little-endian: u32 length of the character tables and the tables; then batches: u32 functions, u32 bytes of code,
 * the code, u32 bytes of constants, the constants. Each function is CODE_PER_FUNCTION instructions, as a rule
 * `op temporary, ...` and RET; the frame has TEMPORARIES. Output per function: u32 bytes that follow, then u8 0 and the first
 * temporary serialized (value.h; a range as its tag, start, stop and step; a zone, a time of day, a datetime that is not in UTC
 * as its tag and repr(); a view or an iterator as its tag and a list of what it gives; every NaN as one), or u8 length and name
 * of the exception. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

enum { TEMPORARIES = 8, CODE_PER_FUNCTION = 5 };

static const struct unicode *tables; /* of the code that runs */

static bool read_exactly(void *to, size_t bytes) { return fread(to, 1, bytes, stdin) == bytes; }

static void *read_block(size_t *bytes) {
    uint32_t len;
    if (!read_exactly(&len, sizeof len))
        return NULL;
    char *block = malloc(len + 1ull);
    if (block != NULL && !read_exactly(block, len)) {
        free(block);
        return NULL;
    }
    *bytes = len;
    return block;
}

static void write_any(struct buf *out, const struct value *v);

static void write_big(struct buf *out, const struct value *v) {
    const uint64_t *limbs = v->p;
    uint32_t bytes = v->len * 8 - (uint32_t)__builtin_clzll(limbs[v->len - 1]) / 8;
    buf_char(out, V_BIGINT);
    buf_char(out, (v->flags & BIG_NEGATIVE) != 0);
    buf_u32(out, bytes);
    buf_add(out, limbs, bytes);
}

static void write_items(struct buf *out, const struct value *v) {
    const struct value all = bare(v);
    buf_char(out, (char)all.tag);
    buf_u32(out, all.len);
    for (uint32_t i = 0; i < all.len; i++)
        write_any(out, &value_items(&all)[i]);
}

static void write_table(struct buf *out, const struct value *v) {
    const struct table *table = v->p;
    buf_char(out, (char)v->tag);
    buf_u32(out, table->count);
    for (uint32_t i = 0; table_next(table, &i); i++) {
        write_any(out, &table->keys[i]);
        if (v->tag == V_DICT)
            write_any(out, &table->values[i]);
    }
}

static void write_range(struct buf *out, const struct range *range) {
    buf_char(out, V_RANGE);
    buf_u64(out, (uint64_t)range->start);
    buf_u64(out, (uint64_t)range->stop);
    buf_u64(out, (uint64_t)range->step);
}

/* What a view or an iterator gives. */
static void write_iterable(struct buf *out, const struct value *v) {
    struct run run = {.arena = out->arena, .steps_left = LIMIT_STEPS};
    const struct value *items;
    uint32_t count;
    bool ok = sequence_items(&run, v, &items, &count);
    ASSERT(ok);
    struct value list = make_list(items, count);
    buf_char(out, (char)v->tag);
    write_items(out, &list);
}

/* The flag for ASCII is part of what is tested. */
static void write_text(struct buf *out, const struct value *v) {
    bool ascii;
    ASSERT(utf8_valid_prefix(v->p, v->len, &ascii) == v->len);
    ASSERT(v->len == 0 || ascii == ((v->flags & STR_ASCII) != 0));
    value_write(out, v);
}

/* Times and zones that no result can be, as their tag and repr(). */
static void write_repr(struct buf *out, const struct value *v) {
    struct run run = {.arena = out->arena, .steps_left = LIMIT_STEPS, .unicode = tables};
    struct value text;
    bool ok = format_value(&run, FORMAT_REPR, v, &text);
    ASSERT(ok);
    buf_char(out, (char)(v->tag == V_DATETIME ? V_MOMENT : v->tag));
    value_write(out, &text);
}

static void write_any(struct buf *out, const struct value *v) {
    struct value nan = value_float(NAN);
    if (v->tag == V_DATETIME && v->flags != 0) {
        write_repr(out, v);
        return;
    }
    switch (v->tag) {
    case V_BIGINT: write_big(out, v); return;
    case V_LIST:
    case V_TUPLE: write_items(out, v); return;
    case V_SET:
    case V_DICT: write_table(out, v); return;
    case V_RANGE: write_range(out, v->p); return;
    case V_ITERATOR:
    case V_VIEW: write_iterable(out, v); return;
    case V_STR: write_text(out, v); return;
    case V_MOMENT:
    case V_TIME:
    case V_ZONE: write_repr(out, v); return;
    case V_BYTES:
        buf_char(out, V_BYTES);
        buf_u32(out, v->len);
        buf_add(out, v->p, v->len);
        return;
    case V_FLOAT: value_write(out, isnan(v->f) ? &nan : v); return;
    default: value_write(out, v); return;
    }
}

static bool run_batch(const struct code_config *config, struct arena *arena) {
    struct error error = {0};
    struct code *code = code_load(config, &error);
    if (code == NULL) {
        fprintf(stderr, "%s\n", error.text);
        return false;
    }
    tables = &code->unicode;
    struct code_frame frame;
    bool ok = code_frame_init(&frame, code, arena, &error);
    for (uint32_t i = 0; ok && i < config->function_count; i++) {
        arena_reset(arena);
        code_begin(&frame);
        struct buf out;
        buf_init(&out, arena, 8 * LIMIT_VALUE_BYTES);
        if (code_call(&frame, i)) {
            buf_char(&out, 0);
            write_any(&out, &frame.cells[code_constant_count(code) + 1]);
        } else {
            struct str name = str_of(frame.errors[0].exception);
            buf_char(&out, (char)name.len);
            buf_str(&out, name);
        }
        uint32_t len = (uint32_t)out.len;
        ok = !out.failed && fwrite(&len, sizeof len, 1, stdout) == 1 && fwrite(out.p, 1, len, stdout) == len;
    }
    code_frame_release(&frame);
    code_free(code);
    return ok && fflush(stdout) == 0;
}

static bool read_and_run(const void *unicode, size_t unicode_bytes, uint32_t count, struct arena *arena) {
    size_t code_bytes, constant_bytes;
    void *code = read_block(&code_bytes), *constants = code == NULL ? NULL : read_block(&constant_bytes);
    struct code_function *functions = calloc(count + 1ull, sizeof *functions);
    void *positions = calloc(count + 1ull, CODE_PER_FUNCTION * sizeof(struct code_position));
    bool ok = constants != NULL && functions != NULL && positions != NULL && constant_bytes >= sizeof count;
    if (ok) {
        uint32_t constant_count;
        memcpy(&constant_count, constants, sizeof constant_count);
        for (uint32_t i = 0; i < count; i++)
            functions[i] = (struct code_function){.name = STR("case"),
                                                  .first = CODE_PER_FUNCTION * i,
                                                  .count = CODE_PER_FUNCTION,
                                                  .slot = (uint16_t)constant_count,
                                                  .result = {.mask = UINT32_MAX}};
        struct code_config config = {.instructions = code,
                                     .instruction_bytes = code_bytes,
                                     .positions = positions,
                                     .position_bytes = count * CODE_PER_FUNCTION * sizeof(struct code_position),
                                     .file_count = 1,
                                     .constants = constants,
                                     .constant_bytes = constant_bytes,
                                     .unicode = unicode,
                                     .unicode_bytes = unicode_bytes,
                                     .slot_count = 1,
                                     .temporary_count = TEMPORARIES,
                                     .functions = functions,
                                     .function_count = count};
        ok = run_batch(&config, arena);
    }
    free(code);
    free(constants);
    free(functions);
    free(positions);
    return ok;
}

int main(void) {
    size_t unicode_bytes;
    void *unicode = read_block(&unicode_bytes);
    if (unicode == NULL)
        return 0;
    struct arena arena;
    arena_init(&arena, LIMIT_ARENA_BYTES);
    uint32_t count;
    bool ok = true;
    while (ok && read_exactly(&count, sizeof count))
        ok = read_and_run(unicode, unicode_bytes, count, &arena);
    arena_release(&arena);
    free(unicode);
    return ok ? 0 : 1;
}
