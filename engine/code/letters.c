/* str: case and classes of characters, by the tables of the Python that built the bundle (unicode.h), with a short way for
 * ASCII where those tables say what ASCII says. */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "bytes.h"

/* Looks at the nearest characters that are not case-ignorable: no further than the next sigma, so all is linear. */
static uint32_t sigma_or_lower(struct run *run, const struct value *v, size_t at) {
    enum { SMALL_SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2 };
    const char *p = v->p;
    unsigned bytes;
    size_t i = at;
    unsigned flags = UNICODE_IGNORABLE;
    while (i > 0 && (flags & UNICODE_IGNORABLE)) {
        i = text_before(p, i);
        flags = unicode_flags(run->unicode, utf8_decode(p + i, &bytes));
    }
    if ((flags & UNICODE_IGNORABLE) || !(flags & UNICODE_CASED))
        return SMALL_SIGMA;
    flags = UNICODE_IGNORABLE;
    for (i = at + 2; i < v->len && (flags & UNICODE_IGNORABLE); i += bytes)
        flags = unicode_flags(run->unicode, utf8_decode(p + i, &bytes));
    return !(flags & UNICODE_IGNORABLE) && (flags & UNICODE_CASED) ? SMALL_SIGMA : FINAL_SIGMA;
}

/* Lower case of the character at `at`, which for a capital sigma depends on its neighbours. */
static unsigned lower(struct run *run, const struct value *v, size_t at, uint32_t c, uint32_t out[3]) {
    if (c == 0x3a3) {
        out[0] = sigma_or_lower(run, v, at);
        return 1;
    }
    return unicode_map(run->unicode, UNICODE_TO_LOWER, c, out);
}

enum change { LOWER, UPPER, FOLD, TITLE, CAPITALIZE, SWAP };

static unsigned change_one(struct run *run, enum change change, const struct value *v, size_t at, uint32_t c, bool previous_cased,
                           uint32_t out[3]) {
    unsigned flags;
    switch (change) {
    case LOWER: return lower(run, v, at, c, out);
    case UPPER: return unicode_map(run->unicode, UNICODE_TO_UPPER, c, out);
    case FOLD: return unicode_map(run->unicode, UNICODE_TO_FOLD, c, out);
    case CAPITALIZE: previous_cased = at > 0; __attribute__((fallthrough));
    case TITLE: return previous_cased ? lower(run, v, at, c, out) : unicode_map(run->unicode, UNICODE_TO_TITLE, c, out);
    case SWAP:
        flags = unicode_flags(run->unicode, c);
        if (flags & UNICODE_UPPER)
            return lower(run, v, at, c, out);
        if (flags & UNICODE_LOWER)
            return unicode_map(run->unicode, UNICODE_TO_UPPER, c, out);
        out[0] = c;
        return 1;
    }
    UNREACHABLE();
}

static bool change_unicode(struct run *run, enum change change, const struct value *v, struct value *out) {
    struct buf buf;
    run_buf(run, &buf);
    const char *p = v->p;
    bool cased = false;
    unsigned bytes;
    for (size_t at = 0; at < v->len; at += bytes) {
        uint32_t c = utf8_decode(p + at, &bytes), mapped[3];
        unsigned count = change_one(run, change, v, at, c, cased, mapped);
        if (change == TITLE)
            cased = unicode_flags(run->unicode, c) & UNICODE_CASED;
        for (unsigned i = 0; i < count; i++) {
            char *room = buf_reserve(&buf, 4);
            if (room != NULL)
                buf.len += utf8_encode(mapped[i], room);
        }
    }
    return run_charge(run, v->len / 8) && run_text(run, &buf, false, out);
}

static char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 32) : c; }
static char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }
static bool ascii_letter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }

/* Bit 5 turned in each of eight ASCII bytes that is one of the 26 letters from `first` on: a byte of `at_least` (`beyond`) has its
 * top bit where it is at (behind) the range. */
static uint64_t turn_case(uint64_t word, char first) {
    const uint64_t ones = 0x0101010101010101ull;
    uint64_t at_least = word + ones * (uint64_t)(128 - first), beyond = word + ones * (uint64_t)(128 - first - 26);
    return word ^ ((at_least & ~beyond & ones * 0x80) >> 2);
}

static void turn_all(const char *p, char *to, size_t len, char first) {
    size_t i = 0;
#ifdef __SSE2__
    const __m128i before = _mm_set1_epi8((char)(first - 1)), behind = _mm_set1_epi8((char)(first + 26));
    for (; i + 16 <= len; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(bytes, before), _mm_cmpgt_epi8(behind, bytes));
        bytes = _mm_xor_si128(bytes, _mm_and_si128(letters, _mm_set1_epi8(32)));
        _mm_storeu_si128((__m128i *)(void *)(to + i), bytes);
    }
#endif
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        word = turn_case(word, first);
        memcpy(to + i, &word, 8);
    }
    for (; i < len; i++)
        to[i] = p[i] >= first && p[i] < first + 26 ? p[i] ^ 32 : p[i];
}

static bool change_ascii(struct run *run, enum change change, const struct value *v, struct value *out) {
    const char *p = v->p;
    char *to = run_alloc(run, v->len);
    if (to == NULL)
        return false;
    bool cased = false;
    switch (change) {
    case LOWER:
    case FOLD: turn_all(p, to, v->len, 'A'); break;
    case UPPER: turn_all(p, to, v->len, 'a'); break;
    case CAPITALIZE:
        turn_all(p, to, v->len, 'A');
        if (v->len > 0)
            to[0] = ascii_upper(p[0]);
        break;
    case TITLE:
        for (size_t i = 0; i < v->len; i++) {
            to[i] = cased ? ascii_lower(p[i]) : ascii_upper(p[i]);
            cased = ascii_letter(p[i]);
        }
        break;
    case SWAP:
        for (size_t i = 0; i < v->len; i++)
            to[i] = ascii_letter(p[i]) ? p[i] ^ 32 : p[i];
        break;
    }
    *out = text_ascii(to, v->len);
    return true;
}

static bool change_text(struct run *run, enum change change, const char *name, const struct value *v, struct value *out) {
    if (v->tag == V_BYTES && change != FOLD)
        return bytes_case(run, name, v, out);
    if (!text_receiver(run, v, name))
        return false;
    return is_ascii(v) ? change_ascii(run, change, v, out) : change_unicode(run, change, v, out);
}

#define CASE_METHOD(name, change)                                                                                      \
    bool builtin_method_##name(struct run *run, const struct value *args, uint32_t count, struct value *out) {        \
        return change_text(run, change, #name, &args[0], out);                                                         \
    }

CASE_METHOD(lower, LOWER)
CASE_METHOD(upper, UPPER)
CASE_METHOD(casefold, FOLD)
CASE_METHOD(title, TITLE)
CASE_METHOD(capitalize, CAPITALIZE)
CASE_METHOD(swapcase, SWAP)

/* --- classes --- */

/* Whether there is a character and each has one of the flags. */
static bool all_have(struct run *run, const struct value *v, unsigned flags) {
    const char *p = v->p;
    unsigned bytes;
    if (is_ascii(v)) {
        for (size_t at = 0; at < v->len; at++)
            if (!(run->unicode->ascii[(unsigned char)p[at]] & flags))
                return false;
        return v->len > 0;
    }
    for (size_t at = 0; at < v->len; at += bytes)
        if (!(unicode_flags(run->unicode, utf8_decode(p + at, &bytes)) & flags))
            return false;
    return v->len > 0;
}

static bool bytes_have_class(const char *name) {
    static const char *const names[] = {"isalnum", "isalpha", "isascii", "isdigit", "islower", "isspace", "isupper"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

#define CLASS_METHOD(name, expression)                                                                                 \
    bool builtin_method_##name(struct run *run, const struct value *args, uint32_t count, struct value *out) {        \
        const struct value *v = &args[0];                                                                              \
        if (v->tag == V_BYTES && bytes_have_class(#name))                                                              \
            return bytes_class(run, #name, v, out);                                                                    \
        if (!text_receiver(run, v, #name) || !run_charge(run, v->len / 16))                                           \
            return false;                                                                                              \
        *out = value_bool(expression);                                                                                 \
        return true;                                                                                                   \
    }

/* No character of the `never` kinds, and at least one of the `some` kind. */
static bool is_case(struct run *run, const struct value *v, unsigned some, unsigned never) {
    const char *p = v->p;
    unsigned bytes;
    bool found = false;
    for (size_t at = 0; at < v->len; at += bytes) {
        unsigned flags = unicode_flags(run->unicode, utf8_decode(p + at, &bytes));
        if (flags & never)
            return false;
        found |= (flags & some) != 0;
    }
    return found;
}

static bool is_title(struct run *run, const struct value *v) {
    const char *p = v->p;
    unsigned bytes;
    bool found = false, previous_cased = false;
    for (size_t at = 0; at < v->len; at += bytes) {
        unsigned flags = unicode_flags(run->unicode, utf8_decode(p + at, &bytes));
        bool upper = flags & (UNICODE_UPPER | UNICODE_TITLE), is_lower = flags & UNICODE_LOWER;
        if (upper ? previous_cased : is_lower && !previous_cased)
            return false;
        previous_cased = upper || is_lower;
        found |= previous_cased;
    }
    return found;
}

static bool is_identifier(struct run *run, const struct value *v) {
    const char *p = v->p;
    unsigned bytes;
    for (size_t at = 0; at < v->len; at += bytes) {
        uint32_t c = utf8_decode(p + at, &bytes);
        if (!(unicode_flags(run->unicode, c) & (at == 0 ? UNICODE_XID_START : UNICODE_XID_CONTINUE)) && !(at == 0 && c == '_'))
            return false;
    }
    return v->len > 0;
}

CLASS_METHOD(isalnum, all_have(run, v, UNICODE_ALPHA | UNICODE_DECIMAL | UNICODE_DIGIT | UNICODE_NUMERIC))
CLASS_METHOD(isalpha, all_have(run, v, UNICODE_ALPHA))
CLASS_METHOD(isascii, is_ascii(v) || v->len == 0)
CLASS_METHOD(isdecimal, all_have(run, v, UNICODE_DECIMAL))
CLASS_METHOD(isdigit, all_have(run, v, UNICODE_DIGIT))
CLASS_METHOD(isidentifier, is_identifier(run, v))
CLASS_METHOD(islower, is_case(run, v, UNICODE_LOWER, UNICODE_UPPER | UNICODE_TITLE))
CLASS_METHOD(isnumeric, all_have(run, v, UNICODE_NUMERIC))
CLASS_METHOD(isprintable, v->len == 0 || all_have(run, v, UNICODE_PRINTABLE))
CLASS_METHOD(isspace, all_have(run, v, UNICODE_SPACE))
CLASS_METHOD(istitle, is_title(run, v))
CLASS_METHOD(isupper, is_case(run, v, UNICODE_UPPER, UNICODE_LOWER | UNICODE_TITLE))
