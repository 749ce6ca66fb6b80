/* str: case and classes of characters, by the tables of the Python that built the bundle (unicode.h), with a short way for
 * ASCII where those tables say what ASCII says. */
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

static bool change_ascii(struct run *run, enum change change, const struct value *v, struct value *out) {
    const char *p = v->p;
    char *to = run_alloc(run, v->len);
    if (to == NULL)
        return false;
    bool cased = false;
    for (size_t i = 0; i < v->len; i++) {
        switch (change) {
        case LOWER:
        case FOLD: to[i] = ascii_lower(p[i]); break;
        case UPPER: to[i] = ascii_upper(p[i]); break;
        case CAPITALIZE: to[i] = i == 0 ? ascii_upper(p[i]) : ascii_lower(p[i]); break;
        case TITLE: to[i] = cased ? ascii_lower(p[i]) : ascii_upper(p[i]); break;
        case SWAP: to[i] = ascii_letter(p[i]) ? p[i] ^ 32 : p[i]; break;
        }
        cased = ascii_letter(p[i]);
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

/* --- how many characters are of a class: what the compiler makes of sum(c.isdigit() for c in s) --- */

struct class_of_one {
    struct str name;
    unsigned some, never; /* of a single character: one of the first flags, none of the others */
};

static const struct class_of_one classes[] = {
    {STR("isalnum"), UNICODE_ALPHA | UNICODE_DECIMAL | UNICODE_DIGIT | UNICODE_NUMERIC, 0},
    {STR("isalpha"), UNICODE_ALPHA, 0},
    {STR("isdecimal"), UNICODE_DECIMAL, 0},
    {STR("isdigit"), UNICODE_DIGIT, 0},
    {STR("islower"), UNICODE_LOWER, UNICODE_UPPER | UNICODE_TITLE},
    {STR("isnumeric"), UNICODE_NUMERIC, 0},
    {STR("isprintable"), UNICODE_PRINTABLE, 0},
    {STR("isspace"), UNICODE_SPACE, 0},
    {STR("isupper"), UNICODE_UPPER, UNICODE_LOWER | UNICODE_TITLE},
};

bool builtin_count_class(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct class_of_one *class = NULL;
    if (!text_receiver(run, &args[0], "count") || !text_receiver(run, &args[1], "count") ||
        !run_charge(run, args[0].len / 4))
        return false;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (str_equal(classes[i].name, value_text(&args[1])))
            class = &classes[i];
    if (class == NULL)
        return run_raise(run, EXCEPTION_ValueError, "no class of characters");
    const char *p = args[0].p;
    int64_t found = 0;
    unsigned bytes;
    for (size_t at = 0; at < args[0].len; at += bytes) {
        unsigned flags = unicode_flags(run->unicode, utf8_decode(p + at, &bytes));
        found += (flags & class->some) != 0 && (flags & class->never) == 0;
    }
    *out = value_int(found);
    return true;
}

/* The ASCII characters of a text as bits; what it has beside them is looked for in the text itself. */
static void ascii_bits(const struct value *v, uint64_t bits[2]) {
    const unsigned char *p = v->p;
    bits[0] = bits[1] = 0;
    for (size_t i = 0; i < v->len; i++)
        if (p[i] < 128)
            bits[p[i] / 64] |= 1ull << p[i] % 64;
}

bool builtin_count_among(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!text_receiver(run, &args[0], "count") || !text_receiver(run, &args[1], "count") ||
        !run_charge(run, args[0].len / 4 + args[1].len / 4))
        return false;
    const char *p = args[0].p;
    uint64_t bits[2];
    int64_t found = 0;
    unsigned bytes = 1;
    ascii_bits(&args[1], bits);
    for (size_t at = 0; at < args[0].len; at += bytes) {
        unsigned char c = (unsigned char)p[at];
        bytes = 1;
        if (c < 128) {
            found += bits[c / 64] >> c % 64 & 1;
            continue;
        }
        utf8_decode(p + at, &bytes);
        if (!run_charge(run, args[1].len / 16))
            return false;
        found += args[1].len >= bytes && memmem(args[1].p, args[1].len, p + at, bytes) != NULL;
    }
    *out = value_int(found);
    return true;
}
