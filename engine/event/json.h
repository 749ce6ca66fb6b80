/* A cursor over one JSON text (RFC 8259, strict; UTF-8, strict). Private to the event room.
 *
 * `at` never passes `end`, and nothing is read at or beyond `end`. A function that meets an error notes it with
 * json_fail and returns false; nothing may be read after that. */
#ifndef ASSAY_EVENT_JSON_H
#define ASSAY_EVENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/arena.h"
#include "../base/number.h"
#include "../base/str.h"

enum json_failure {
    JSON_GOOD,
    JSON_SYNTAX, /* `offset` and `detail` are set */
    JSON_DEEP,   /* nested deeper than LIMIT_JSON_DEPTH */
    JSON_FULL,   /* the arena is full */
};

struct json {
    const char *start, *at, *end;
    struct arena *arena;
    enum json_failure failure;
    size_t offset;
    struct str detail;
};

struct json_string {
    struct str text; /* without escapes; lies in the JSON or, if it had some, in the arena */
    bool ascii;
};

static inline struct json json_of(struct arena *arena, struct str text) {
    return (struct json){.start = text.p, .at = text.p, .end = text.p + text.len, .arena = arena};
}

/* Goes to the next byte that is not white space and returns it; 0 at the end (a NUL byte is 0 too: it begins nothing). */
static inline char json_next(struct json *json) {
    const char *at = json->at, *end = json->end;
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
        at++;
    }
    json->at = at;
    return at < end ? *at : 0;
}

/* Notes a syntax error at `place`: "expected EXPECTED, got 'x'". Returns false. */
bool json_fail(struct json *json, const char *place, const char *expected);
/* Notes a syntax error whose text is `detail`. Returns false. */
bool json_fail_text(struct json *json, const char *place, struct str detail);

/* Each takes what is at `at`, which json_next has just returned the first byte of. */
bool json_string(struct json *json, struct json_string *out); /* after '"' */
bool json_number(struct json *json, struct number *out);      /* after '-' or a digit */
bool json_literal(struct json *json, struct str literal);     /* after its first letter */
/* Any value: checked to be JSON, and left. `depth`: how many objects and arrays are open around it. */
bool json_skip(struct json *json, uint32_t depth);
/* The end of the text, white space aside. */
bool json_end(struct json *json);

#endif
