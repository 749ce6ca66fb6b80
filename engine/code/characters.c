/* A test of each character of a text in one instruction: what the compiler makes of sum(c.isdigit() for c in s),
 * any(c in "aeiou" for c in s), all(...), and [c for c in s if c.isalpha()].
 *
 * A test is a class of characters by its method's name, or a text in which the character stands. */
#include "bytes.h"

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

struct test {
    const uint16_t *ascii; /* the flags of ASCII characters, if it is a class */
    const struct class_of_one *class;
    uint64_t bits[2]; /* the ASCII characters of `among` */
    const struct value *among;
};

/* The ASCII characters of a text as bits; what it has beside them is looked for in the text itself. */
static void ascii_bits(const struct value *v, uint64_t bits[2]) {
    const unsigned char *p = v->p;
    bits[0] = bits[1] = 0;
    for (size_t i = 0; i < v->len; i++)
        if (p[i] < 128)
            bits[p[i] / 64] |= 1ull << p[i] % 64;
}

static bool test_of_class(struct run *run, const struct value *args, struct test *out) {
    *out = (struct test){.ascii = run->unicode->ascii};
    if (!text_receiver(run, &args[0], "count") || !text_receiver(run, &args[1], "count") || !run_charge(run, args[0].len / 4))
        return false;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (str_equal(classes[i].name, value_text(&args[1])))
            out->class = &classes[i];
    return out->class != NULL || run_raise(run, EXCEPTION_ValueError, "no class of characters");
}

static bool test_of_among(struct run *run, const struct value *args, struct test *out) {
    *out = (struct test){.among = &args[1]};
    if (!text_receiver(run, &args[0], "count") || !text_receiver(run, &args[1], "count") ||
        !run_charge(run, args[0].len / 4 + args[1].len / 4))
        return false;
    ascii_bits(&args[1], out->bits);
    return true;
}

static inline bool passes_flags(const struct test *test, unsigned flags) {
    return (flags & test->class->some) != 0 && (flags & test->class->never) == 0;
}

/* 1 if the character at p passes, 0 if not, -1 after an exception; *bytes is its length. */
static inline int passes(struct run *run, const struct test *test, const char *p, unsigned *bytes) {
    unsigned char c = (unsigned char)*p;
    *bytes = 1;
    if (c < 128)
        return test->class != NULL ? passes_flags(test, test->ascii[c]) : (int)(test->bits[c / 64] >> c % 64 & 1);
    uint32_t point = utf8_decode(p, bytes);
    if (test->class != NULL)
        return passes_flags(test, unicode_flags(run->unicode, point));
    if (!run_charge(run, test->among->len / 16))
        return -1;
    return test->among->len >= *bytes && memmem(test->among->p, test->among->len, p, *bytes) != NULL;
}

static bool count(struct run *run, const struct test *test, const struct value *v, struct value *out) {
    int64_t found = 0;
    unsigned bytes;
    for (size_t at = 0; at < v->len; at += bytes) {
        int passed = passes(run, test, (const char *)v->p + at, &bytes);
        if (passed < 0)
            return false;
        found += passed;
    }
    *out = value_int(found);
    return true;
}

/* Whether there is a character that passes (`wanted`) or does not. */
static bool find(struct run *run, const struct test *test, const struct value *v, bool wanted, bool *found) {
    unsigned bytes;
    *found = false;
    for (size_t at = 0; at < v->len && !*found; at += bytes) {
        int passed = passes(run, test, (const char *)v->p + at, &bytes);
        if (passed < 0)
            return false;
        *found = (passed == 1) == wanted;
    }
    return true;
}

/* A list of the characters that pass. */
static bool filter(struct run *run, const struct test *test, const struct value *v, struct value *out) {
    struct value number;
    if (!count(run, test, v, &number))
        return false;
    struct value *items = run_items(run, (uint64_t)number.i);
    const char *p = v->p;
    uint32_t kept = 0;
    unsigned bytes;
    if (items == NULL)
        return false;
    for (size_t at = 0; at < v->len; at += bytes) {
        int passed = passes(run, test, p + at, &bytes);
        if (passed < 0)
            return false;
        if (passed == 1)
            items[kept++] = bytes == 1 ? text_ascii(p + at, 1) : text_part(v, at, at + bytes);
    }
    *out = make_list(items, kept);
    return true;
}

bool builtin_count_class(struct run *run, const struct value *args, uint32_t argc, struct value *out) {
    struct test test;
    return test_of_class(run, args, &test) && count(run, &test, &args[0], out);
}

bool builtin_count_among(struct run *run, const struct value *args, uint32_t argc, struct value *out) {
    struct test test;
    return test_of_among(run, args, &test) && count(run, &test, &args[0], out);
}

#define ANY_OR_ALL(name, test_of, wanted, found_is)                                                                    \
    bool builtin_##name(struct run *run, const struct value *args, uint32_t argc, struct value *out) {                \
        struct test test;                                                                                              \
        bool found;                                                                                                    \
        if (!test_of(run, args, &test) || !find(run, &test, &args[0], wanted, &found))                                 \
            return false;                                                                                              \
        *out = value_bool(found == (found_is));                                                                        \
        return true;                                                                                                   \
    }

ANY_OR_ALL(any_class, test_of_class, true, true)
ANY_OR_ALL(any_among, test_of_among, true, true)
ANY_OR_ALL(all_class, test_of_class, false, false)
ANY_OR_ALL(all_among, test_of_among, false, false)

bool builtin_filter_class(struct run *run, const struct value *args, uint32_t argc, struct value *out) {
    struct test test;
    return test_of_class(run, args, &test) && filter(run, &test, &args[0], out);
}

bool builtin_filter_among(struct run *run, const struct value *args, uint32_t argc, struct value *out) {
    struct test test;
    return test_of_among(run, args, &test) && filter(run, &test, &args[0], out);
}
