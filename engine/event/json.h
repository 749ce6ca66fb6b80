/* A cursor over one JSON text (RFC 8259, strict; UTF-8, strict). Private to the event room.
 *
 * `at` never passes `end`, and nothing is read at or beyond `end`. A function that meets an error notes it with
 * json_fail and returns false; nothing may be read after that. */
#ifndef ASSAY_EVENT_JSON_H
#define ASSAY_EVENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/* Goes to the next byte that is not white space and returns it; 0 at the end, and for a NUL byte (which begins
 * nothing). */
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

#define JSON_EACH(byte) (0x0101010101010101ull * (byte))

/* Bit 7 of each byte of the result: the byte of `word` is a quote, a backslash or below 0x20. Exact up to the first
 * such byte; what follows it may be set wrongly (borrows go upwards). */
static inline uint64_t json_special(uint64_t word) {
    uint64_t quote = word ^ JSON_EACH('"'), backslash = word ^ JSON_EACH('\\');
    uint64_t control = (word - JSON_EACH(0x20)) & ~word;
    return (((quote - JSON_EACH(1)) & ~quote) | ((backslash - JSON_EACH(1)) & ~backslash) | control) & JSON_EACH(0x80);
}

static inline bool json_is_special(char c) { return c == '"' || c == '\\' || (unsigned char)c < 0x20; }

#ifdef __SSE2__
/* A bit for each of the sixteen bytes at p: it is special (or above 0x7f, if `high`). */
static inline unsigned json_special_sixteen(const char *p, uint64_t high) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i found = _mm_or_si128(_mm_or_si128(quote, backslash), control);
    return (unsigned)_mm_movemask_epi8(high ? _mm_or_si128(found, bytes) : found);
}
#endif

/* The first byte at or after p that is special (or above 0x7f, if `high` is JSON_EACH(0x80)); end if there is none. */
static inline const char *json_scan(const char *p, const char *end, uint64_t high) {
#ifdef __SSE2__
    while (end - p >= 16) {
        unsigned found = json_special_sixteen(p, high);
        if (found != 0) {
            return p + __builtin_ctz(found);
        }
        p += 16;
    }
#endif
    while (end - p >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        uint64_t found = json_special(word) | (word & high);
        if (found != 0) {
            return p + (__builtin_ctzll(found) >> 3);
        }
        p += 8;
    }
    while (p < end && !json_is_special(*p) && ((unsigned char)*p & high & 0x80) == 0) {
        p++;
    }
    return p;
}

bool json_slow_string(struct json *json, struct json_string *out);

/* Each takes what is at `at`, which json_next has just returned the first byte of. */
static inline bool json_string(struct json *json, struct json_string *out) { /* after '"' */
    const char *first = json->at + 1, *p = json_scan(first, json->end, JSON_EACH(0x80));
    if (p < json->end && *p == '"') {
        out->text.p = first;
        out->text.len = (size_t)(p - first);
        out->ascii = true;
        json->at = p + 1;
        return true;
    }
    return json_slow_string(json, out);
}
bool json_number(struct json *json, struct number *out);  /* after '-' or a digit */
bool json_literal(struct json *json, struct str literal); /* after its first letter */
/* Any value: checked to be JSON, and left. `depth`: how many objects and arrays are open around it. */
bool json_skip(struct json *json, uint32_t depth);
/* The end of the text, white space aside. */
bool json_end(struct json *json);

#endif
