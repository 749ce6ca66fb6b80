/* Any bytes as a regular expression of a bundle, matched against any text: nothing may crash, hang or be read outside, and
 * spans lie inside the text.
 *
 * Input: u8 groups, u8 mode (and whether the text counts as ASCII), u8 length of the text, the text, then the pattern. */
#include <stdlib.h>

#include "regex.h"

enum { INPUT_MAX = 4096 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_text(struct buf *out, const uint8_t *p, size_t len) {
    buf_u32(out, (uint32_t)len);
    buf_add(out, p, len);
}

static void search(struct arena *arena, const struct regex *regex, struct value text, enum regex_mode mode) {
    struct matcher *matcher = matcher_new();
    struct run run = {.arena = arena, .steps_left = LIMIT_STEPS, .text = STR(""), .matcher = matcher};
    struct search search = {.regex = regex, .string = text, .to = text.len, .mode = mode};
    struct span spans[REGEX_GROUPS_MAX + 1];
    uint32_t last = 0;
    ASSERT(matcher != NULL);
    for (int i = 0; i < 20 && regex_match(&run, &search, spans, &last) == 1; i++) {
        ASSERT(spans[0].from >= search.from && spans[0].from <= spans[0].to && spans[0].to <= text.len);
        ASSERT(last <= regex->groups);
        search.from = spans[0].to;
        search.not_empty = spans[0].from == spans[0].to;
    }
    matcher_free(matcher);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3 || size > INPUT_MAX)
        return 0;
    size_t text_len = data[2] < size - 3 ? data[2] : size - 3;
    uint32_t groups = data[0] % 8;
    struct arena arena;
    struct buf constant;
    struct value pattern;
    const char *wrong;
    bool ascii;
    size_t at = 0;
    arena_init(&arena, 64u << 20);
    buf_init(&constant, &arena, 1u << 20);
    buf_char(&constant, V_PATTERN);
    buf_u32(&constant, 0);
    buf_u32(&constant, groups);
    buf_u32(&constant, 0);
    for (uint32_t i = 0; i < groups; i++)
        buf_u32(&constant, data[1] & 4 ? 0 : i + 1);
    for (int i = 0; i < 3; i++)
        put_text(&constant, data + 3 + text_len, size - 3 - text_len);
    size_t valid = utf8_valid_prefix((const char *)data + 3, text_len, &ascii);
    struct value text = value_str((const char *)data + 3, (uint32_t)valid);
    text.flags = ascii && valid == text_len ? STR_ASCII : 0;
    if (regex_read((const uint8_t *)constant.p, constant.len, &at, &arena, &pattern, &wrong))
        search(&arena, pattern.p, text, (enum regex_mode)(data[1] % 3));
    arena_release(&arena);
    return 0;
}
