/* A test of each character of a text in one instruction: what the compiler makes of sum(c.isdigit() for c in s),
 * any(c in "aeiou" for c in s), all(...), and [c for c in s if c.isalpha()].
 *
 * A test is a class of characters by its method's name, or a text in which the character stands. */
#include "bytes.h"

struct test {
    struct ascii_set set; /* the ASCII characters that pass */
    const struct unicode_class_flags *class; /* NULL: those of `among` do */
    const struct value *among;
};

static bool test_of_class(struct run *run, const struct value *args, struct test *out) {
    if (!text_receiver(run, &args[0], "count") || !text_receiver(run, &args[1], "count") || !run_charge(run, args[0].len / 4))
        return false;
    const struct str name = value_text(&args[1]);
    for (int i = 0; i < UNICODE_CLASSES; i++)
        if (strncmp(unicode_classes[i].name, name.p, name.len) == 0 && unicode_classes[i].name[name.len] == 0) {
            *out = (struct test){run->unicode->classes[i], &unicode_classes[i], NULL};
            return true;
        }
    return run_raise(run, EXCEPTION_ValueError, "no class of characters");
}

static bool test_of_among(struct run *run, const struct value *args, struct test *out) {
    *out = (struct test){.among = &args[1]};
    if (!text_receiver(run, &args[0], "count") || !text_receiver(run, &args[1], "count") ||
        !run_charge(run, args[0].len / 4 + args[1].len / 4))
        return false;
    for (size_t i = 0; i < args[1].len; i++)
        ascii_set_add(&out->set, ((const unsigned char *)args[1].p)[i]);
    return true;
}

/* 1 if the character at p passes, 0 if not, -1 after an exception; *bytes is its length. */
static inline int passes(struct run *run, const struct test *test, const char *p, unsigned *bytes) {
    unsigned char c = (unsigned char)*p;
    *bytes = 1;
    if (c < 128)
        return ascii_set_has(&test->set, c);
    uint32_t point = utf8_decode(p, bytes);
    if (test->class != NULL) {
        unsigned flags = unicode_flags(run->unicode, point);
        return (flags & test->class->some) != 0 && (flags & test->class->never) == 0;
    }
    if (!run_charge(run, test->among->len / 16))
        return -1;
    return test->among->len >= *bytes && memmem(test->among->p, test->among->len, p, *bytes) != NULL;
}

static bool count(struct run *run, const struct test *test, const struct value *v, struct value *out) {
    int64_t found = 0;
    unsigned bytes;
    if (is_ascii(v)) {
        *out = value_int((int64_t)ascii_count(&test->set, v->p, v->len));
        return true;
    }
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
    if (is_ascii(v)) {
        *found = ascii_next(&test->set, v->p, v->len, 0, wanted) < v->len;
        return true;
    }
    for (size_t at = 0; at < v->len && !*found; at += bytes) {
        int passed = passes(run, test, (const char *)v->p + at, &bytes);
        if (passed < 0)
            return false;
        *found = (passed == 1) == wanted;
    }
    return true;
}

static uint32_t filter_ascii(const struct test *test, const struct value *v, struct value *items) {
    const char *p = v->p;
    uint32_t kept = 0;
    for (size_t from = 0; from < v->len; from += ASCII_BLOCK)
        for (uint64_t mask = ascii_mask(&test->set, p + from, v->len - from); mask != 0; mask &= mask - 1)
            items[kept++] = text_ascii(p + from + __builtin_ctzll(mask), 1);
    return kept;
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
    if (is_ascii(v))
        kept = filter_ascii(test, v, items);
    for (size_t at = is_ascii(v) ? v->len : 0; at < v->len; at += bytes) {
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
