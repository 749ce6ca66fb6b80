/* Whole bundles as an attacker would make them. The first byte chooses: 0, the rest is a bundle file (SQLite's pages,
 * the hash); otherwise the rest is parts - u8 name (index into NAMES), u32 length, bytes - which no hash protects:
 * plan.json, code, constants, character tables, a model, golden rows. What loads is run: its windows are made, and
 * every function is called over empty cells and over cells of every kind. Nothing may crash, hang or read outside. */
#include <stdint.h>

#include "plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const NAMES[] = {"plan.json",   "code.bin",   "position.bin", "constant.bin",
                                    "unicode.bin", "model/risk", "golden/risk"};
enum { NAME_COUNT = sizeof NAMES / sizeof *NAMES, PARTS = 16 };

static struct bundle *from_parts(const uint8_t *data, size_t size, struct error *error) {
    struct bundle_part parts[PARTS];
    uint32_t count = 0;
    for (size_t at = 0; count < PARTS && size - at > 5;) {
        uint32_t len;
        memcpy(&len, data + at + 1, sizeof len);
        if (len > size - at - 5)
            len = (uint32_t)(size - at - 5);
        parts[count++] =
            (struct bundle_part){.name = str_of(NAMES[data[at] % NAME_COUNT]), .bytes = data + at + 5, .len = len};
        at += 5 + len;
    }
    return bundle_of_parts(parts, count, error);
}

static void fill(struct code_frame *frame, const struct plan *plan, uint32_t seed) {
    static const struct value kinds[] = {{.tag = V_INT, .i = 3},
                                         {.tag = V_FLOAT, .f = -0.5},
                                         {.tag = V_STR, .flags = STR_ASCII, .len = 3, .p = "a b"},
                                         {.tag = V_BOOL, .i = 1},
                                         {.tag = V_DATETIME, .i = 1700000000000000},
                                         {.tag = V_NONE},
                                         {.tag = V_INT, .i = INT64_MIN},
                                         {.tag = V_STR, .len = 4, .p = "\xf0\x9f\x98\x80"}};
    for (uint32_t i = 0; i < plan->slot_count; i++)
        frame->cells[plan->constant_count + i] = kinds[(i + seed) % (sizeof kinds / sizeof *kinds)];
}

static void run(const struct plan *plan, struct error *error) {
    struct arena arena;
    struct code_frame frame;
    arena_init(&arena, LIMIT_ARENA_BYTES);
    if (code_frame_init(&frame, plan->code, &arena, error)) {
        for (uint32_t seed = 0; seed < 4; seed++) {
            code_begin(&frame);
            if (seed > 0)
                fill(&frame, plan, seed);
            for (uint32_t i = 0; i < plan->function_count; i++)
                code_call(&frame, i);
            arena_reset(&arena);
        }
        code_frame_release(&frame);
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {0};
    if (size == 0)
        return 0;
    struct bundle *bundle =
        data[0] == 0 ? bundle_open_bytes(data + 1, size - 1, &error) : from_parts(data + 1, size - 1, &error);
    struct plan *plan = bundle != NULL ? plan_load(bundle, &error) : NULL;
    if (plan == NULL)
        return 0;
    plan_check_golden(plan, &error);
    struct windows_config config = {.streams = plan->streams,
                                    .stream_count = plan->stream_count,
                                    .windows = plan->windows,
                                    .window_count = plan->window_count,
                                    .scored_event = plan->scored,
                                    .max_late_us = plan->max_late_us};
    windows_free(windows_create(&config, &error));
    run(plan, &error);
    plan_free(plan);
    return 0;
}
