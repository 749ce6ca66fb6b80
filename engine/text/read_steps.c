/* Reads the normalizer's steps and the pre-tokenizer's stages (read.c has the format), with what each needs, and how much
 * a text can grow in it. */
#include "read.h"

#include <stdlib.h>
#include <string.h>

#include "../base/str.h"

enum { VISITS_MAX = 1 << 24, SHORT_GRAPHEME = 5 };

struct walk {
    const struct text_charsmap *map;
    uint32_t visits;
    uint32_t growth;
};

static uint32_t unit_offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

/* The texts of all keys of at most five bytes that begin with `depth` bytes and lead to `at`: how many times longer than
 * their key the longest is. */
static bool walk_keys(struct walk *walk, uint32_t at, uint32_t depth) {
    const struct text_charsmap *map = walk->map;
    for (uint32_t byte = 1; byte < 256; byte++) {
        uint32_t next = at ^ byte;
        if (++walk->visits > VISITS_MAX)
            return false;
        if (next >= map->unit_count || (map->units[next] & (1u << 31 | 0xff)) != byte)
            continue;
        uint32_t unit = map->units[next], behind = next ^ unit_offset(unit);
        if (unit >> 8 & 1 && behind < map->unit_count) {
            uint32_t start = map->units[behind] & 0x7fffffff;
            const uint8_t *end = start < map->text_bytes ? memchr(map->texts + start, 0, map->text_bytes - start) : NULL;
            uint32_t len = start >= map->text_bytes ? 0
                           : end != NULL            ? (uint32_t)(end - map->texts) - start
                                                    : map->text_bytes - start;
            uint32_t times = (len + depth) / (depth + 1);
            walk->growth = times > walk->growth ? times : walk->growth;
        } else if (depth + 1 < SHORT_GRAPHEME && !walk_keys(walk, behind, depth + 1)) {
            return false;
        }
    }
    return true;
}

static bool read_charsmap(struct part_reader *reader, uint32_t number, struct text_charsmap *map) {
    struct section section = {0};
    bool ascii;
    if (!text_section(reader, number, SECTION_CHARSMAP, &section))
        return false;
    if (section.bytes < 8)
        return text_fail(reader, "a character map of %zu bytes", section.bytes);
    memcpy(&map->unit_count, section.p, 4);
    memcpy(&map->text_bytes, section.p + 4, 4);
    if (section.bytes != 8 + (size_t)map->unit_count * 4 + map->text_bytes)
        return text_fail(reader, "a character map of %u units in %zu bytes", map->unit_count, section.bytes);
    map->units = (const uint32_t *)(const void *)(section.p + 8);
    map->texts = section.p + 8 + (size_t)map->unit_count * 4;
    if (utf8_valid_prefix((const char *)map->texts, map->text_bytes, &ascii) != map->text_bytes)
        return text_fail(reader, "the character map's texts are not UTF-8");
    struct walk all = {.map = map, .growth = 1};
    if (map->unit_count > 0 && !walk_keys(&all, unit_offset(map->units[0]), 0))
        return text_fail(reader, "a character map with too many keys");
    map->growth = all.growth;
    return true;
}

static bool read_pairs(struct part_reader *reader, struct text_step *step) {
    struct section section = {0};
    if (!text_section(reader, step->b, SECTION_PAIRS, &section))
        return false;
    step->pairs = (const struct text_pair *)(const void *)section.p;
    step->pair_count = (uint32_t)(section.bytes / sizeof *step->pairs);
    for (uint32_t i = 0; i < step->pair_count; i++) {
        uint32_t c = step->pairs[i].composed;
        if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
            return text_fail(reader, "pair %u becomes U+%X", i, c);
    }
    return true;
}

static bool read_step(struct part_reader *reader, struct text_step *step, uint32_t left) {
    step->growth = 1;
    switch ((enum text_op)step->op) {
    case STEP_FUSED:
        if (step->b > left)
            return text_fail(reader, "a step for %u steps, %u are left", step->b, left);
        __attribute__((fallthrough));
    case STEP_MAP:
        if (!text_read_map(reader, step->a, &step->map))
            return false;
        step->growth = step->map.growth;
        return true;
    case STEP_ORDER: return text_read_property(reader, step->a, &step->property);
    case STEP_COMPOSE:
        step->growth = 2;
        return text_read_property(reader, step->a, &step->property) && read_pairs(reader, step);
    case STEP_STRIP: return step->a < TEXT_CLASSES_MAX || text_fail(reader, "class %u", step->a);
    case STEP_PREPEND:
        if (!text_read_bytes(reader, step->a, &step->bytes))
            return false;
        step->extra = step->bytes.len;
        return true;
    case STEP_REPLACE: /* a match has a byte or more */
        if (!text_read_program(reader, step->a, &step->program) || !text_read_bytes(reader, step->b, &step->bytes))
            return false;
        step->growth = step->bytes.len > 1 ? step->bytes.len : 1;
        return true;
    case STEP_PRECOMPILED:
        if (!read_charsmap(reader, step->a, &step->charsmap) || !text_read_property(reader, step->b, &step->property))
            return false;
        step->growth = step->charsmap.growth;
        return true;
    case STEP_BYTES: step->growth = 2; return true;
    case STEP_OPS: break;
    }
    return text_fail(reader, "step of kind %u", step->op);
}

static bool read_lines(struct part_reader *reader, uint32_t number, enum section_kind kind, uint32_t most,
                       const uint32_t **lines, uint32_t *count) {
    struct section section = {0};
    if (!text_section(reader, number, kind, &section))
        return false;
    if (section.bytes % 16 != 0 || section.bytes / 16 > most)
        return text_fail(reader, "%zu bytes of steps, at most %u are possible", section.bytes, most);
    *lines = (const uint32_t *)(const void *)section.p;
    *count = (uint32_t)(section.bytes / 16);
    return true;
}

bool text_read_steps(struct part_reader *reader, uint32_t number) {
    struct tokenizer *tokenizer = reader->tokenizer;
    const uint32_t *lines = NULL;
    uint32_t fused_until = 0;
    if (!read_lines(reader, number, SECTION_STEPS, TEXT_STEPS_MAX, &lines, &tokenizer->step_count))
        return false;
    for (uint32_t i = 0; i < tokenizer->step_count; i++) {
        struct text_step *step = &tokenizer->steps[i];
        step->op = lines[i * 4];
        step->a = lines[i * 4 + 1];
        step->b = lines[i * 4 + 2];
        step->c = lines[i * 4 + 3];
        if (!read_step(reader, step, tokenizer->step_count - 1 - i))
            return false;
        if (step->op == STEP_FUSED && i < fused_until)
            return text_fail(reader, "a step for others inside of one");
        if (step->op == STEP_FUSED)
            fused_until = i + 1 + step->b;
    }
    return true;
}

static bool read_stage(struct part_reader *reader, struct text_stage *stage) {
    const struct text_bytes *mark = &stage->bytes;
    bool classes = stage->a < TEXT_CLASSES_MAX && stage->b < TEXT_CLASSES_MAX;
    switch ((enum text_stage_op)stage->op) {
    case STAGE_CLASS:
        return (stage->a < TEXT_CLASSES_MAX && stage->b < BEHAVIORS && stage->c < 2) ||
               text_fail(reader, "class %u, behaviour %u", stage->a, stage->b);
    case STAGE_WORDS:
    case STAGE_RUNS: return classes || text_fail(reader, "classes %u and %u", stage->a, stage->b);
    case STAGE_PATTERN:
        return ((stage->b < BEHAVIORS && stage->c < 2) || text_fail(reader, "behaviour %u", stage->b)) &&
               text_read_program(reader, stage->a, &stage->program);
    case STAGE_METASPACE:
        if (!text_read_bytes(reader, stage->a, &stage->bytes))
            return false;
        if (mark->len == 0 || mark->len != text_width(mark->p[0]) || stage->b > 2 || stage->c > 1)
            return text_fail(reader, "a replacement of %u bytes, expected one character", mark->len);
        stage->growth = stage->extra = mark->len;
        return true;
    case STAGE_SPACE: stage->growth = stage->extra = 1; return true;
    case STAGE_BYTES: stage->growth = 2; return true;
    case STAGE_SCRIPTS: return text_read_property(reader, stage->a, &stage->property);
    case STAGE_LENGTH: return stage->a > 0 || text_fail(reader, "pieces of 0 characters");
    case STAGE_OPS: break;
    }
    return text_fail(reader, "stage of kind %u", stage->op);
}

bool text_read_stages(struct part_reader *reader, uint32_t number) {
    struct tokenizer *tokenizer = reader->tokenizer;
    const uint32_t *lines = NULL;
    if (!read_lines(reader, number, SECTION_STAGES, TEXT_STAGES_MAX, &lines, &tokenizer->stage_count))
        return false;
    for (uint32_t i = 0; i < tokenizer->stage_count; i++) {
        struct text_stage *stage = &tokenizer->stages[i];
        stage->op = lines[i * 4];
        stage->a = lines[i * 4 + 1];
        stage->b = lines[i * 4 + 2];
        stage->c = lines[i * 4 + 3];
        if (!read_stage(reader, stage))
            return false;
    }
    return true;
}
