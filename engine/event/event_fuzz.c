/* Fuzzes event_parse (with and without the options of a class) and both ways of splitting a body, on the sample class,
 * which has every type of field. What must hold of any input is asserted. */
#include <stdlib.h>

#include "../base/assert.h"
#include "event_sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(const struct value *value) {
    bool ascii;
    ASSERT(value->tag < V_TAGS);
    if (value->tag == V_STR) {
        ASSERT(utf8_valid_prefix(value->p, value->len, &ascii) == value->len &&
               ascii == ((value->flags & STR_ASCII) != 0));
    }
    for (uint32_t i = 0; value->tag == V_LIST && i < value->len; i++) {
        check_value(&value_items(value)[i]);
    }
}

static void check_text(struct str text, size_t at_most) {
    bool ascii;
    ASSERT(text.p != NULL && text.len <= at_most && utf8_valid_prefix(text.p, text.len, &ascii) == text.len);
}

static void check_parse(const struct event_class *class, struct arena *arena, struct str json) {
    static const struct hash_key key = {{1, 2, 3}};
    struct value frame[S_CELLS];
    struct event_result result;
    memset(frame, 0xee, sizeof frame);
    event_parse(class, &key, arena, json, frame, &result);
    switch (result.status) {
    case EVENT_OK:
        ASSERT(result.errors_total == 0);
        for (int i = 0; i < S_CELLS; i++) {
            check_value(&frame[i]);
        }
        break;
    case EVENT_FIELDS:
        ASSERT(result.error_count > 0 && result.error_count <= LIMIT_FIELD_ERRORS &&
               result.errors_total >= result.error_count);
        for (uint32_t i = 0; i < result.error_count; i++) {
            check_text(result.errors[i].path, 3 * json.len + 64);
            check_text(result.errors[i].expected, 1000);
            check_text(result.errors[i].got, 240);
        }
        break;
    case EVENT_SYNTAX:
        ASSERT(result.offset <= json.len);
        check_text(result.detail, 200);
        break;
    case EVENT_LIMIT: break;
    }
}

static void check_split(struct arena *arena, struct str body) {
    struct event_result result;
    struct str *items;
    uint32_t count;
    for (int lines = 0; lines < 2; lines++) {
        bool (*split)(struct arena *, struct str, struct str **, uint32_t *, struct event_result *) =
            lines ? event_split_lines : event_split_array;
        if (!split(arena, body, &items, &count, &result)) {
            ASSERT(result.offset <= body.len);
            check_text(result.detail, 200);
            continue;
        }
        const char *from = body.p;
        for (uint32_t i = 0; i < count; i++) {
            ASSERT(items[i].p >= from && items[i].len > 0 && items[i].p + items[i].len <= body.p + body.len);
            from = items[i].p + items[i].len;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct event_class strict = sample_class;
    struct arena arena;
    char *copy = malloc(size + !size); /* exactly as long, for the sanitizers */
    if (copy == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    struct str text = {copy, size};
    arena_init(&arena, LIMIT_ARENA_BYTES);
    check_parse(&sample_class, &arena, text);
    strict.forbid_extra = strict.naive_is_utc = true;
    check_parse(&strict, &arena, text);
    check_split(&arena, text);
    arena_release(&arena);
    arena_init(&arena, 1 + size % 2000); /* soon full */
    check_parse(&sample_class, &arena, text);
    arena_release(&arena);
    free(copy);
    return 0;
}
