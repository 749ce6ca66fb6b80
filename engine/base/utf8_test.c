/* UTF-8: every code point round-trips, everything else is refused; the table's cases are those of the Unicode
 * standard's chapter 3.9 (well-formed byte sequences). */
#include "str.h"

#include <stdlib.h>

#include "test.h"

static void test_every_code_point_round_trips(void) {
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        char bytes[4];
        unsigned length = 0;
        bool ascii;
        if (point >= 0xd800 && point <= 0xdfff) {
            continue;
        }
        unsigned written = utf8_encode(point, bytes);
        bool good = utf8_valid_prefix(bytes, written, &ascii) == written && ascii == (point < 0x80) &&
                    utf8_decode(bytes, &length) == point && length == written && utf8_count(bytes, written) == 1;
        if (!good) {
            CHECK_INT(point, -1);
        }
        for (unsigned cut = 1; cut < written; cut++) {
            if (utf8_valid_prefix(bytes, cut, &ascii) != 0) {
                CHECK_INT(point, -2);
            }
        }
    }
    CHECK(test_failures == 0);
}

static void test_malformed_sequences_end_the_prefix(void) {
    static const struct {
        const char *bytes;
        size_t len, prefix;
    } cases[] = {
        {"abc\x80", 4, 3},           {"\xc0\x80", 2, 0},          {"\xc1\xbf", 2, 0},          {"\xe0\x80\x80", 3, 0},
        {"\xe0\x9f\xbf", 3, 0},      {"\xf0\x80\x80\x80", 4, 0},  {"\xf0\x8f\xbf\xbf", 4, 0},  {"\xed\xa0\x80", 3, 0},
        {"\xed\xbf\xbf", 3, 0},      {"\xf4\x90\x80\x80", 4, 0},  {"\xf5\x80\x80\x80", 4, 0},  {"\xff", 1, 0},
        {"\xfe", 1, 0},              {"\xc3(", 2, 0},             {"\xe2\x82(", 3, 0},         {"\xf0\x9f\x98(", 4, 0},
        {"\xe2(\xa1", 3, 0},         {"01234567\xc3\xa9x\xc3", 12, 11},
        {"\xc3\xa9\xbf", 3, 2}, {"\xed\x9f\xbf\xed\xa0\x80", 6, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool ascii;
        char *copy = malloc(cases[i].len); /* exactly as long, for the sanitizers */
        CHECK(copy != NULL);
        memcpy(copy, cases[i].bytes, cases[i].len);
        CHECK_INT(utf8_valid_prefix(copy, cases[i].len, &ascii), cases[i].prefix);
        free(copy);
    }
}

static void test_ascii_is_told_of_the_prefix_only(void) {
    bool ascii = false;
    CHECK_INT(utf8_valid_prefix("0123456789abcdef", 16, &ascii), 16);
    CHECK(ascii);
    CHECK_INT(utf8_valid_prefix("0123456789\xff", 11, &ascii), 10);
    CHECK(ascii);
    CHECK_INT(utf8_valid_prefix("0123456789\xc3\xa9", 12, &ascii), 12);
    CHECK(!ascii);
    CHECK_INT(utf8_valid_prefix("", 0, &ascii), 0);
    CHECK(ascii);
}

static void test_counts_code_points(void) {
    const char *text = "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80 caf\xc3\xa9 tail";
    CHECK_INT(utf8_count(text, strlen(text)), 19);
    CHECK_INT(utf8_count(text, 0), 0);
}

int main(void) {
    TEST(test_every_code_point_round_trips);
    TEST(test_malformed_sequences_end_the_prefix);
    TEST(test_ascii_is_told_of_the_prefix_only);
    TEST(test_counts_code_points);
    return test_end();
}
