/* With "repr" or "parse" it is a filter for tests/test_number.py, which compares with CPython: doubles (8 bytes each)
 * to lines of text, or lines of text to lines of 16 hexadecimal digits. Without arguments: the grammar and the ends. */
#include "number.h"

#include <math.h>
#include <stdlib.h>

#include "test.h"

static struct number parsed(const char *text) {
    struct number number = {0};
    CHECK_INT(number_parse_json(text, strlen(text), &number), strlen(text));
    return number;
}

static size_t taken(const char *text) {
    struct number number;
    return number_parse_json(text, strlen(text), &number);
}

static void test_json_grammar(void) {
    static const char *bad[] = {"",   "-",   "+1", ".5",  "1.",  "1.e5",     "1e", "1e+", "1E-",
                                "01", "-01", "00", "-.5", "NaN", "Infinity", "e5", "--1", "0x"};
    for (size_t i = 0; i + 1 < sizeof bad / sizeof bad[0]; i++) {
        CHECK_INT(taken(bad[i]), 0);
    }
    CHECK_INT(taken("0x10"), 1);
    CHECK_INT(taken("12,"), 2);
    CHECK_INT(taken("-1.5e+3]"), 7);
    CHECK_INT(taken("0 "), 1);
}

static void test_ints_of_64_bits(void) {
    CHECK(parsed("9223372036854775807").i == INT64_MAX);
    CHECK(parsed("-9223372036854775808").i == INT64_MIN);
    CHECK(parsed("9223372036854775808").overflow);
    CHECK(parsed("-9223372036854775809").overflow);
    CHECK(parsed("18446744073709551616").overflow);
    CHECK(parsed("10000000000000000000").overflow);
    CHECK(parsed("9223372036854775808").f == 9223372036854775808.0);
    CHECK(parsed("0").is_int && !parsed("0").negative_zero);
    CHECK(parsed("-0").is_int && parsed("-0").negative_zero && signbit(parsed("-0").f));
    CHECK(!parsed("3.0").is_int && parsed("3.0").f == 3.0);
    CHECK(!parsed("3e2").is_int && parsed("3e2").f == 300.0);
}

static void test_floats_at_the_ends(void) {
    CHECK(parsed("1e400").overflow && parsed("-1e400").overflow);
    CHECK(!parsed("1.7976931348623157e308").overflow);
    CHECK(parsed("1.7976931348623159e308").overflow);
    CHECK(parsed("1e99999999999999999999").overflow);
    CHECK(parsed("1e-99999999999999999999").f == 0.0);
    CHECK(parsed("0e99999999999999999999").f == 0.0);
    CHECK(parsed("5e-324").f == 4.9406564584124654e-324);
    CHECK(parsed("2e-324").f == 0.0);
    CHECK(signbit(parsed("-1e-400").f));
}

/* A 1, many zeros, a point far away: digits that do not fit any small buffer. */
static void test_long_digit_strings(void) {
    enum { SIZE = 65536 };
    char *text = malloc(SIZE + 16);
    struct number number;
    CHECK(text != NULL);
    memset(text, '0', SIZE);
    text[1] = '.';
    memcpy(text + SIZE - 1, "1e65534", 7);
    CHECK_INT(number_parse_json(text, SIZE + 6, &number), SIZE + 6);
    CHECK(number.f == 1.0);
    memset(text, '9', SIZE);
    CHECK_INT(number_parse_json(text, SIZE, &number), SIZE);
    CHECK(number.is_int && number.overflow && isinf(number.f));
    memcpy(text, "9007199254740993.", 17); /* half way, until the last digit says otherwise */
    memset(text + 17, '0', SIZE - 17);
    CHECK_INT(number_parse_json(text, SIZE, &number), SIZE);
    CHECK(number.f == 9007199254740992.0);
    text[SIZE - 1] = '1';
    CHECK_INT(number_parse_json(text, SIZE, &number), SIZE);
    CHECK(number.f == 9007199254740994.0);
    free(text);
}

static void test_decimal_grammar(void) {
    static const char *good[] = {"1", "+1", "-1.", ".5", "1.5e3", "00012", "1E-5", "-0"};
    static const char *bad[] = {"",    ".",   "+",   "e5",  "1e",  "1 ",    " 1",
                                "1_0", "inf", "nan", "--1", "0x1", "1.5.2", "1e5.0"};
    double value;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK(number_parse_double(good[i], strlen(good[i]), &value) && value == strtod(good[i], NULL));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(!number_parse_double(bad[i], strlen(bad[i]), &value));
    }
    CHECK(number_parse_double("1e999", 5, &value) && isinf(value));
    CHECK(number_parse_double("000000000000000000000000000000000000001", 39, &value) && value == 1.0);
}

/* Each prefix lies in a block of exactly its size, so that a sanitizer sees a read beyond it. */
static void test_reads_nothing_beyond_its_length(void) {
    const char *text = "-123456789012345678901234567890.123e-123";
    for (size_t len = 0; len <= strlen(text); len++) {
        char *copy = malloc(len + !len);
        struct number number;
        double value;
        CHECK(copy != NULL);
        memcpy(copy, text, len);
        CHECK(number_parse_json(copy, len, &number) <= len);
        (void)number_parse_double(copy, len, &value);
        free(copy);
    }
}

static void test_text_of_ends(void) {
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.0, "0.0"},
                 {-0.0, "-0.0"},
                 {INFINITY, "inf"},
                 {-INFINITY, "-inf"},
                 {NAN, "nan"},
                 {5e-324, "5e-324"},
                 {1e16, "1e+16"},
                 {9999999999999998.0, "9999999999999998.0"},
                 {1e-4, "0.0001"},
                 {1e-5, "1e-05"},
                 {1e100, "1e+100"},
                 {-2.2250738585072014e-308, "-2.2250738585072014e-308"},
                 {0.1 + 0.2, "0.30000000000000004"}};
    char out[NUMBER_TEXT_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = number_repr(cases[i].value, out);
        CHECK_TEXT(out, len, cases[i].text);
    }
    CHECK_TEXT(out, number_int(INT64_MIN, out), "-9223372036854775808");
    CHECK_TEXT(out, number_int(INT64_MAX, out), "9223372036854775807");
    CHECK_TEXT(out, number_int(0, out), "0");
    CHECK_TEXT(out, number_int(-100, out), "-100");
}

static int repr_filter(void) {
    double value;
    while (fread(&value, sizeof value, 1, stdin) == 1) {
        char out[NUMBER_TEXT_BYTES];
        fwrite(out, 1, number_repr(value, out), stdout);
        putchar('\n');
    }
    return 0;
}

static int parse_filter(void) {
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    while ((len = getline(&line, &cap, stdin)) > 0) {
        double value = 0;
        uint64_t bits;
        struct number number;
        size_t text_len = (size_t)len - 1;
        bool good = number_parse_double(line, text_len, &value);
        memcpy(&bits, &value, 8);
        bool json = number_parse_json(line, text_len, &number) == text_len;
        printf("%s%016llx\n", good && json && memcmp(&number.f, &value, 8) == 0 ? "" : "bad ",
               (unsigned long long)bits);
    }
    free(line);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2) {
        return strcmp(argv[1], "repr") == 0 ? repr_filter() : parse_filter();
    }
    TEST(test_json_grammar);
    TEST(test_ints_of_64_bits);
    TEST(test_floats_at_the_ends);
    TEST(test_long_digit_strings);
    TEST(test_decimal_grammar);
    TEST(test_reads_nothing_beyond_its_length);
    TEST(test_text_of_ends);
    return test_end();
}
