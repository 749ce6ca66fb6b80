/* The JSON cursor (json.h). Called by event.c and field.c for what the schema wants, and to check and leave the rest.
 *
 * Strings are looked at sixteen (or eight) bytes at a time for the first that is not plain: a quote, a backslash, a
 * control character or a byte above 0x7f. Only strings with one of the last three go the slow way. Leaving a value is a
 * loop, not a recursion: whether each open level is an object is a bit of one word. */
#include "json.h"

#include <stdio.h>

#include "../base/assert.h"
#include "../base/limits.h"

_Static_assert(LIMIT_JSON_DEPTH <= 64, "a bit for each level");

bool json_fail_text(struct json *json, const char *place, struct str detail) {
    ASSERT(json->failure == JSON_GOOD && place >= json->start && place <= json->end);
    json->failure = JSON_SYNTAX;
    json->offset = (size_t)(place - json->start);
    json->detail = detail;
    return false;
}

bool json_fail(struct json *json, const char *place, const char *expected) {
    char text[160];
    int len;
    if (place == json->end) {
        len = snprintf(text, sizeof text, "expected %s, got the end", expected);
    } else if (*place > 0x20 && *place < 0x7f) {
        len = snprintf(text, sizeof text, "expected %s, got '%c'", expected, *place);
    } else {
        len = snprintf(text, sizeof text, "expected %s, got byte 0x%02x", expected, (unsigned char)*place);
    }
    ASSERT(len > 0 && (size_t)len < sizeof text);
    const char *kept = arena_copy(json->arena, text, (size_t)len);
    return json_fail_text(json, place, kept != NULL ? (struct str){kept, (size_t)len} : STR("not JSON"));
}

/* --- strings --- */

/* Four hexadecimal digits at p, or -1. */
static int32_t hex4(const char *p, const char *end) {
    int32_t value = 0;
    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char c = p[i], lower = (char)(c | 0x20);
        int digit = c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

/* The code point of the escape whose "\u" is before p; moves *p past it. -1 after an error. */
static int32_t unicode_escape(struct json *json, const char **p, const char *end) {
    const char *begin = *p - 2;
    int32_t first = hex4(*p, end);
    if (first < 0) {
        json_fail_text(json, begin, STR("expected four hexadecimal digits after \\u"));
        return -1;
    }
    *p += 4;
    if (first < 0xd800 || first > 0xdfff) {
        return first;
    }
    int32_t second = first <= 0xdbff && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' ? hex4(*p + 2, end) : -1;
    if (second < 0xdc00 || second > 0xdfff) {
        json_fail_text(json, begin, STR("a surrogate escape without its other half"));
        return -1;
    }
    *p += 6;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/* The code point of the escape at *p (a backslash), which is moved past it. -1 after an error. */
static int32_t escape(struct json *json, const char **p, const char *end) {
    ASSERT(**p == '\\' && *p + 1 < end);
    char c = (*p)[1];
    *p += 2;
    switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': return unicode_escape(json, p, end);
    default: json_fail(json, *p - 1, "one of \"\\/bfnrtu after a backslash"); return -1;
    }
}

/* Copies p..end without its escapes to `to`, or only checks them if that is NULL. Returns the length, or SIZE_MAX. */
static size_t unescape(struct json *json, const char *p, const char *end, char *to, bool *ascii) {
    size_t len = 0;
    while (p < end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((backslash != NULL ? backslash : end) - p);
        if (to != NULL) {
            memcpy(to + len, p, run);
        }
        len += run;
        p += run;
        if (p == end) {
            break;
        }
        int32_t code_point = escape(json, &p, end);
        if (code_point < 0) {
            return SIZE_MAX;
        }
        char bytes[4];
        unsigned count = utf8_encode((uint32_t)code_point, bytes);
        if (to != NULL) {
            memcpy(to + len, bytes, count); /* never longer than the escape it came from */
        }
        *ascii &= count == 1;
        len += count;
    }
    return len;
}

/* Finds the quote that ends the string which begins at `first`; checks control characters and UTF-8. NULL after an
 * error. */
static const char *string_end(struct json *json, const char *first, bool *ascii, bool *escaped) {
    const char *p = first, *end = json->end;
    while ((p = json_scan(p, end, 0)) < end && *p == '\\') {
        *escaped = true;
        p += end - p >= 2 ? 2 : 1;
    }
    size_t len = (size_t)(p - first), valid = utf8_valid_prefix(first, len, ascii);
    if (valid < len) {
        json_fail(json, first + valid, "UTF-8");
        return NULL;
    }
    if (p == end) {
        json_fail(json, p, "'\"' at the end of the string");
        return NULL;
    }
    if (*p != '"') {
        json_fail(json, p, "an escape instead of a control character");
        return NULL;
    }
    return p;
}

bool json_slow_string(struct json *json, struct json_string *out) {
    ASSERT(json->at < json->end && *json->at == '"');
    const char *first = json->at + 1;
    bool escaped = false;
    *out = (struct json_string){.ascii = true};
    const char *end = string_end(json, first, &out->ascii, &escaped);
    if (end == NULL) {
        return false;
    }
    json->at = end + 1;
    out->text = (struct str){first, (size_t)(end - first)};
    if (!escaped) {
        return true;
    }
    char *copy = arena_alloc(json->arena, out->text.len);
    if (copy == NULL) {
        json->failure = JSON_FULL;
        return false;
    }
    size_t len = unescape(json, first, end, copy, &out->ascii);
    out->text = (struct str){copy, len};
    return len != SIZE_MAX;
}

static bool skip_string(struct json *json) {
    ASSERT(json->at < json->end && *json->at == '"');
    const char *first = json->at + 1, *p = json_scan(first, json->end, JSON_EACH(0x80));
    if (p == json->end || *p != '"') {
        bool ascii = true, escaped = false;
        p = string_end(json, first, &ascii, &escaped);
        if (p == NULL || (escaped && unescape(json, first, p, NULL, &ascii) == SIZE_MAX)) {
            return false;
        }
    }
    json->at = p + 1;
    return true;
}

/* --- other values --- */

bool json_number(struct json *json, struct number *out) {
    size_t len = number_parse_json(json->at, (size_t)(json->end - json->at), out);
    if (len == 0) {
        return json_fail_text(
            json, json->at,
            STR("expected a number as JSON has it: no leading zeros, digits on both sides of a point and after an e"));
    }
    json->at += len;
    return true;
}

bool json_literal(struct json *json, struct str literal) {
    size_t left = (size_t)(json->end - json->at);
    if (left < literal.len || memcmp(json->at, literal.p, literal.len) != 0) {
        return json_fail_text(json, json->at, STR("expected a JSON value, got a word that is not true, false or null"));
    }
    json->at += literal.len;
    return true;
}

static bool skip_scalar(struct json *json, char c) {
    struct number number;
    switch (c) {
    case '"': return skip_string(json);
    case 't': return json_literal(json, STR("true"));
    case 'f': return json_literal(json, STR("false"));
    case 'n': return json_literal(json, STR("null"));
    default:
        if (c == '-' || (c >= '0' && c <= '9')) {
            return json_number(json, &number);
        }
        return json_fail(json, json->at, "a JSON value");
    }
}

static bool skip_name(struct json *json) {
    if (json_next(json) != '"') {
        return json_fail(json, json->at, "'\"' and a member's name");
    }
    if (!skip_string(json)) {
        return false;
    }
    if (json_next(json) != ':') {
        return json_fail(json, json->at, "':'");
    }
    json->at++;
    return true;
}

/* After a value: closes levels, up to a comma that another value follows. Sets *level to 0 when the outermost is
 * closed. */
static bool skip_closers(struct json *json, uint64_t objects, uint32_t *level) {
    while (*level > 0) {
        bool in_object = objects >> (*level - 1) & 1;
        char c = json_next(json);
        if (c == ',') {
            json->at++;
            return !in_object || skip_name(json);
        }
        if (c != (in_object ? '}' : ']')) {
            return json_fail(json, json->at, in_object ? "',' or '}'" : "',' or ']'");
        }
        json->at++;
        (*level)--;
    }
    return true;
}

bool json_skip(struct json *json, uint32_t depth) {
    uint64_t objects = 0; /* bit n: level n + 1 is an object */
    uint32_t level = 0;
    ASSERT(json->failure == JSON_GOOD && depth <= LIMIT_JSON_DEPTH);
    do {
        char c = json_next(json);
        if (c != '{' && c != '[') {
            if (!skip_scalar(json, c)) {
                return false;
            }
        } else {
            if (depth + level == LIMIT_JSON_DEPTH) {
                json->failure = JSON_DEEP;
                return false;
            }
            bool object = c == '{';
            json->at++;
            if (json_next(json) == (object ? '}' : ']')) {
                json->at++; /* empty: as good as a scalar */
            } else {
                objects = (objects & ~(1ull << level)) | (uint64_t)object << level;
                level++;
                if (object && !skip_name(json)) {
                    return false;
                }
                continue;
            }
        }
        if (!skip_closers(json, objects, &level)) {
            return false;
        }
    } while (level > 0);
    return true;
}

bool json_end(struct json *json) {
    json_next(json);
    return json->at == json->end || json_fail(json, json->at, "the end");
}
