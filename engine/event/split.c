/* One request body to the texts of its events (event_split_array, event_split_lines). Called by the engine before
 * event_parse, which checks each text; here only as much is looked at as finds where each ends. */
#include "../base/assert.h"
#include "event.h"
#include "json.h"

enum { FIRST_ITEMS = 64 };

struct items {
    struct arena *arena;
    struct str *items;
    uint32_t count, capacity;
};

static bool fail(struct event_result *result, enum event_status status, size_t offset, struct str detail) {
    result->status = status;
    result->offset = offset;
    result->detail = detail;
    return false;
}

static bool add(struct items *items, struct str text, size_t offset, struct event_result *result) {
    if (items->count == LIMIT_BATCH_EVENTS) {
        _Static_assert(LIMIT_BATCH_EVENTS == 10000, "the text below says 10000");
        return fail(result, EVENT_LIMIT, offset, STR("expected at most 10000 events, got more"));
    }
    if (items->count == items->capacity) {
        uint32_t capacity = items->capacity == 0 ? FIRST_ITEMS : 2 * items->capacity;
        struct str *grown = arena_alloc(items->arena, capacity * sizeof *grown);
        if (grown == NULL) {
            return fail(result, EVENT_LIMIT, offset, STR("no memory is left for the request"));
        }
        if (items->count > 0) {
            memcpy(grown, items->items, items->count * sizeof *grown);
        }
        items->items = grown;
        items->capacity = capacity;
    }
    items->items[items->count++] = text;
    return true;
}

static bool syntax(struct json *json, struct event_result *result, const char *expected) {
    (void)json_fail(json, json->at, expected);
    return fail(result, EVENT_SYNTAX, json->offset, json->detail);
}

/* From a quote to behind the quote that ends the string; end if none does. */
static const char *after_string(const char *p, const char *end) {
    ASSERT(p < end && *p == '"');
    for (p++; p < end && *p != '"'; p++) {
        p += *p == '\\' && end - p > 1;
    }
    return p < end ? p + 1 : end;
}

static bool ends_scalar(char c) { return c == ',' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/* Behind the value at p: brackets are counted but not told apart. */
static const char *after_value(const char *p, const char *end) {
    size_t depth = 0;
    if (*p == '"') {
        return after_string(p, end);
    }
    if (*p != '{' && *p != '[') {
        while (p < end && !ends_scalar(*p)) {
            p++;
        }
        return p;
    }
    while (p < end) {
        switch (*p) {
        case '"': p = after_string(p, end); continue;
        case '{':
        case '[': depth++; break;
        case '}':
        case ']':
            if (--depth == 0) {
                return p + 1;
            }
            break;
        default: break;
        }
        p++;
    }
    return end;
}

bool event_split_array(struct arena *arena, struct str text, struct str **items, uint32_t *count,
                       struct event_result *result) {
    struct json json = json_of(arena, text);
    struct items found = {.arena = arena};
    ASSERT(items != NULL && count != NULL);
    if (json_next(&json) != '[') {
        return syntax(&json, result, "an array of events");
    }
    json.at++;
    char c = json_next(&json);
    if (c == ']') {
        json.at++;
    }
    while (c != ']') {
        c = json_next(&json);
        if (json.at == json.end || c == ',' || c == ']' || c == '}' || c == ':') {
            return syntax(&json, result, "a JSON value");
        }
        const char *from = json.at;
        json.at = after_value(from, json.end);
        if (!add(&found, (struct str){from, (size_t)(json.at - from)}, (size_t)(from - json.start), result)) {
            return false;
        }
        c = json_next(&json);
        if (c != ',' && c != ']') {
            return syntax(&json, result, "',' or ']'");
        }
        json.at++;
    }
    if (!json_end(&json)) {
        return fail(result, EVENT_SYNTAX, json.offset, json.detail);
    }
    *items = found.items;
    *count = found.count;
    return true;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool event_split_lines(struct arena *arena, struct str body, struct str **items, uint32_t *count,
                       struct event_result *result) {
    struct items found = {.arena = arena};
    const char *p = body.p, *end = body.p + body.len;
    ASSERT(items != NULL && count != NULL);
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p)), *from = p, *to = newline != NULL ? newline : end;
        p = newline != NULL ? newline + 1 : end;
        while (from < to && is_blank(*from)) {
            from++;
        }
        while (to > from && is_blank(to[-1])) {
            to--;
        }
        if (to > from && !add(&found, (struct str){from, (size_t)(to - from)}, (size_t)(from - body.p), result)) {
            return false;
        }
    }
    *items = found.items;
    *count = found.count;
    return true;
}
