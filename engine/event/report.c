/* Field errors: a JSON pointer (RFC 6901), what was expected, what came. Called by event.c and field.c, off the fast
 * path. Texts lie in the arena; card numbers in them are masked, Secret values are not shown. Only LIMIT_FIELD_ERRORS
 * are kept. */
#include "../base/assert.h"
#include "../base/buf.h"
#include "parse.h"

enum { GOT_CHARACTERS = 60, PLACES_MAX = LIMIT_JSON_DEPTH + 2 };

static void add_step(struct buf *out, const struct place *place) {
    buf_char(out, '/');
    if (place->name == NULL) {
        buf_int(out, place->index);
        return;
    }
    for (size_t i = 0; i < place->name->len; i++) {
        char c = place->name->p[i];
        if (c == '~') {
            BUF_LITERAL(out, "~0");
        } else if (c == '/') {
            BUF_LITERAL(out, "~1");
        } else {
            buf_char(out, c);
        }
    }
}

static struct str path_of(struct arena *arena, const struct place *place, bool *full) {
    const struct place *steps[PLACES_MAX];
    uint32_t count = 0;
    struct buf out;
    if (place == NULL) {
        return STR("");
    }
    buf_init(&out, arena, LIMIT_VALUE_BYTES);
    for (; place != NULL; place = place->up) {
        ASSERT(count < PLACES_MAX);
        steps[count++] = place;
    }
    while (count > 0) {
        add_step(&out, steps[--count]);
    }
    *full = out.failed;
    (void)event_mask(out.p, out.failed ? 0 : out.len); /* an unknown name may be a card number */
    return (struct str){out.p, out.len};
}

bool report(struct parser *parser, const struct place *place, struct str expected, struct str got) {
    struct event_result *result = parser->result;
    bool full = false;
    result->errors_total++;
    if (result->error_count == LIMIT_FIELD_ERRORS) {
        return true;
    }
    struct str path = path_of(parser->json.arena, place, &full);
    if (full || expected.p == NULL || got.p == NULL) {
        parser->json.failure = JSON_FULL;
        return false;
    }
    result->errors[result->error_count++] = (struct field_error){path, expected, got};
    return true;
}

/* The longest prefix of at most `characters` code points. */
static size_t cut(struct str text, size_t characters) {
    size_t at = 0;
    for (; at < text.len && characters > 0; characters--) {
        unsigned bytes;
        (void)utf8_decode(text.p + at, &bytes);
        at += bytes;
    }
    return at;
}

static void add_string(struct buf *out, struct str json) {
    struct json cursor = json_of(out->arena, json);
    struct json_string string;
    if (!json_string(&cursor, &string)) {
        out->failed = true; /* it was checked before: only the arena can be full */
        return;
    }
    struct str text = string.text;
    size_t begin, count;
    if (mask_find(text, 0, &begin, &count)) {
        char *copy = arena_copy(out->arena, text.p, text.len);
        if (copy == NULL) {
            out->failed = true;
            return;
        }
        (void)event_mask(copy, text.len);
        text.p = copy;
    }
    text.len = cut(text, GOT_CHARACTERS);
    BUF_LITERAL(out, "string ");
    buf_json(out, text);
}

struct str report_got(struct parser *parser, struct str json, bool secret) {
    struct buf out;
    ASSERT(json.len > 0);
    if (secret) {
        return STR("a secret value");
    }
    buf_init(&out, parser->json.arena, LIMIT_VALUE_BYTES);
    switch (json.p[0]) {
    case '"': add_string(&out, json); break;
    case '{': return STR("object");
    case '[': return STR("array");
    case 't':
    case 'f':
    case 'n': buf_str(&out, json); break;
    default:
        BUF_LITERAL(&out, "number ");
        buf_add(&out, json.p, json.len > GOT_CHARACTERS ? GOT_CHARACTERS : json.len);
        (void)event_mask(out.p, out.failed ? 0 : out.len);
    }
    if (out.failed) {
        return (struct str){NULL, 0};
    }
    return (struct str){out.p, cut((struct str){out.p, out.len}, GOT_CHARACTERS)};
}

bool report_skip(struct parser *parser, const struct place *place, uint32_t depth) {
    if (json_skip(&parser->json, depth)) {
        return true;
    }
    if (parser->json.failure == JSON_DEEP) {
        (void)report(parser, place, STR("nesting of at most 32 levels"), STR("more"));
    }
    return false;
}

bool report_value(struct parser *parser, const struct place *place, struct str expected, bool secret, uint32_t depth) {
    (void)json_next(&parser->json);
    const char *from = parser->json.at;
    if (!report_skip(parser, place, depth)) {
        return false;
    }
    if (parser->result->error_count == LIMIT_FIELD_ERRORS) {
        parser->result->errors_total++;
        return true;
    }
    return report(parser, place, expected,
                  report_got(parser, (struct str){from, (size_t)(parser->json.at - from)}, secret));
}
_Static_assert(LIMIT_JSON_DEPTH == 32, "the text above says 32");
