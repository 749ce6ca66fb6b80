/* Conformance to RFC 8259: texts that are JSON and texts that are not, in the manner of JSONTestSuite. With the
 * argument "check" it is a filter for tests/test_event.py, which compares with Python's json: texts (u32 length,
 * bytes) to lines "good", "bad" or "deep". Each text is parsed from a block of exactly its length, so that a
 * sanitizer sees any read beyond. */
#include "json.h"

#include <stdlib.h>

#include "../base/limits.h"
#include "../base/test.h"

static bool is_json(const char *text, size_t len, struct json *json, struct arena *arena) {
    char *copy = malloc(len + !len);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, text, len);
    *json = json_of(arena, (struct str){copy, len});
    bool good = json_skip(json, 0) && json_end(json);
    /* Reading strings and numbers for their value must agree with leaving them. */
    struct json again = json_of(arena, (struct str){copy, len});
    if (json_next(&again) == '"') {
        struct json_string string;
        bool read = json_string(&again, &string) && json_end(&again);
        CHECK_INT(read, good);
        bool ascii;
        if (read) {
            CHECK_INT(utf8_valid_prefix(string.text.p, string.text.len, &ascii), string.text.len);
            CHECK_INT(ascii, string.ascii);
        }
    }
    free(copy);
    return good;
}

#define T(text) {text, sizeof(text) - 1}

static const struct str accepted[] = {
    T("{}"), T("[]"), T("\"\""), T("0"), T("-0"), T("true"), T("false"), T("null"), T(" \t\r\n1\n\r\t "), T("[[]   ]"),
    T("{\"a\":{}}"), T("{\"a\":[]}"), T("[1,2]"), T("[1 , 2 ]"), T("{\"a\" : 1 , \"b\" : 2 }"), T("[\"\"]"),
    T("{\"\":0}"), T("{\"a\":1,\"a\":1}"), T("[null,true,false]"), T("[1,null,null,2]"), T("[\n1\n,\n1]"),
    T("[[[[[[[[[[]]]]]]]]]]"), T("123"), T("-1"), T("-123"), T("1.5"), T("-0.0"), T("0.0"), T("0e1"), T("0e+1"),
    T("0E0"), T("1e5"), T("1E5"), T("1e+5"), T("1e-5"), T("1E+5"), T("1E-5"), T("1.25e10"), T("1.25E-10"),
    T("123.456e78"), T("20e1"), T("1e1000"), T("-1e1000"), T("1e-1000"), T("123123e100000"),
    T("0.4e00669999999999999999999999999999999999999999999999969999999006"), T("100000000000000000000"),
    T("-237462374673276894279832749832423479823246327846"), T("1.000000000000000005"),
    T("-0.000000000000000000000000000000000000000000000000000000000000000000000000000001"), T("\"a\""), T("\"\\\"\""),
    T("\"\\\\\""), T("\"\\/\""), T("\"\\b\\f\\n\\r\\t\""), T("\"\\u0041\""), T("\"\\u0000\""), T("\"\\u00e9\""),
    T("\"\\u00E9\""), T("\"\\uaBcD\""), T("\"\\uD834\\uDd1e\""), T("\"\\ud83d\\ude00\""), T("\"\\uDBFF\\uDFFF\""),
    T("\"\\uFFFF\""), T("\"\\uFDD0\""), T("\"\\u2028\\u2029\""), T("\"\\\\u0041\""), T("\"\\\\a\""), T("\"\\\\n\""),
    T("\"\\\"\\\\\\/\""), T("\"\x7f\""), T("\"\xc3\xa9\""), T("\"\xe2\x82\xac\""), T("\"\xf0\x9f\x98\x80\""),
    T("\"\xf4\x8f\xbf\xbf\""), T("\"\xef\xbf\xbf\""), T("\"\xed\x9f\xbf\""), T("\"\xee\x80\x80\""),
    T("\"\xe2\x80\xa8\""), T("\"\xe2\x80\x8b\""), T("\"a/*b*/c\""), T("\" \""), T("\"01234567\""),
    T("\"012345678\\n\""), T("\"0123456\xc3\xa9\""), T("{\"a\":\"b\",\"c\":[{\"d\":\"e\"}]}"), T("{\"\\u0061\":1}"),
    T("{\"a\\u0000b\":1}"), T("[1,\"\",{},[],null]"), T("{\"min\":-1.0e+28,\"max\":1.0e+28}"), T("\"new\\u000Aline\""),
    T("[[],[]]"), T("{\"a\":{\"b\":{\"c\":[[[1]]]}}}"), T("\"\\u0060\\u012a\\u12AB\""),
    T("\"\xe0\xa0\x80\xe1\xbf\xbf\""), T("[{},{}]"), T("[\"\\\"\",1]"),
};

static const struct str refused[] = {
    T(""), T(" "), T("\n"), T("["), T("]"), T("{"), T("}"), T(","), T(":"), T("[1"), T("[1,"), T("[1,]"), T("[,1]"),
    T("[,]"), T("[1,,2]"), T("[1 2]"), T("[1:2]"), T("[\"a\" \"b\"]"), T("[1]]"), T("[1]x"), T("[1}"), T("{]"),
    T("[}"), T("[[1]"), T("[x"), T("[3[4]]"), T("[1],"), T("{\"a\""), T("{\"a\":"), T("{\"a\":1"), T("{\"a\":1,"),
    T("{\"a\":1,}"), T("{,}"), T("{,\"a\":1}"), T("{\"a\":1,,\"b\":2}"), T("{\"a\" 1}"), T("{\"a\"::1}"),
    T("{\"a\",1}"), T("{\"a\":1 \"b\":2}"), T("{\"a\":1]"), T("{1:1}"), T("{a:1}"), T("{'a':1}"), T("{null:1}"),
    T("{[]:1}"), T("{\"a\":}"), T("{:1}"), T("{\"a\":1}}"), T("{\"a\":1}{"), T("{\"a\":\"b\"}#"), T("{\"a\":\"b\"}//"),
    T("{\"a\":/*c*/1}"), T("{}{}"), T("1 2"), T("[1]#"), T("//x\n1"), T("{\"a\":1;}"), T("[1;2]"),
    T("{\"a\" : \"b\" \"c\"}"), T("{\"a\""), T("{\"a"), T("[\"a"), T("[\"a\""), T("[\"a\","), T("t"), T("tru"),
    T("True"), T("TRUE"), T("truex"), T("fals"), T("falze"), T("nul"), T("nulL"), T("Null"), T("none"), T("undefined"),
    T("truetrue"), T("NaN"), T("nan"), T("-NaN"), T("Infinity"), T("-Infinity"), T("inf"), T("-"), T("+"), T("+1"),
    T("--1"), T("-a"), T("- 1"), T("++1"), T("01"), T("-01"), T("00"), T("-00"), T("007"), T("1."), T("-1."), T(".5"),
    T("-.5"), T("."), T("1.e1"), T("0.e1"), T("1e"), T("1e+"), T("1e-"), T("1E"), T("1eE2"), T("1e1.5"), T("1e1e1"),
    T("0.1.2"), T("1.2.3"), T("0x1"), T("0x"), T("1_000"), T("1 000.0"), T("1a"), T("1f"), T("1L"), T("1+2"), T("1/2"),
    T("0e"), T("0e+"), T("0.3e"), T("0.3e+"), T("2.e3"), T("2.e-3"), T("9.e+"), T("-2."), T("0-1"), T("1-"),
    T("\xef\xbc\x91"), T("\""), T("\"a"), T("\"\\"), T("\"\\\""), T("\"\\\\\\\""), T("\"\\a\""), T("\"\\x41\""),
    T("\"\\0\""), T("\"\\'\""), T("\"\\U0041\""), T("\"\\ \""), T("\"\\\n\""), T("\"\\\t\""), T("\"\\u\""),
    T("\"\\u1\""), T("\"\\u12\""), T("\"\\u123\""), T("\"\\u123g\""), T("\"\\u 123\""), T("\"\\u+123\""),
    T("\"\\uD800\""), T("\"\\uDC00\""), T("\"\\uDFFF\""), T("\"\\uD800\\u0041\""), T("\"\\uD800\\uD800\""),
    T("\"\\uD800\\n\""), T("\"\\uD800x\""), T("\"\\uD800\\uDC0\""), T("\"\\uD800\\u\""), T("\"\\uD800\\"),
    T("\"\\uDd1e\\uD834\""), T("\"\\uD800 \\uDC00\""), T("\"\\uD83D\xf0\x9f\x98\x80\""), T("\"\n\""), T("\"\t\""),
    T("\"\r\""), T("\"\x01\""), T("\"\x1f\""), T("\"a\0b\""), T("\"01234567\n\""), T("\"\xc3\xa9\x01\""),
    T("\"\x80\""), T("\"\xbf\""), T("\"\xc0\x80\""), T("\"\xc1\xbf\""), T("\"\xc3\""), T("\"\xc3(\""),
    T("\"\xe0\x80\x80\""), T("\"\xe2\x82\""), T("\"\xe2\x28\xa1\""), T("\"\xed\xa0\x80\""), T("\"\xed\xbf\xbf\""),
    T("\"\xf0\x80\x80\x80\""), T("\"\xf0\x9f\x98\""), T("\"\xf4\x90\x80\x80\""), T("\"\xf5\x80\x80\x80\""),
    T("\"\xfe\""), T("\"\xff\""), T("\"\\n\xff\""), T("\"\xff\\n\""), T("{\"\xff\":1}"), T("{\"\\uD800\":1}"),
    T("\xef\xbb\xbf{}"), T("\xef\xbb\xbf"), T("\xff\xfe[\0]\0"), T("\xc3\xa9"), T("\xe2\x81\xa0[]"), T("[\xc2\xa0]"),
    T("\xc2\x85[]"), T("[\f]"), T("[\v1]"), T("\0"), T("1\0"), T("[]\0"), T("\x0c[]"), T("[1\x01]"),
    T("{\"a\":1}\x01"), T("'a'"), T("`a`"), T("<null>"), T("[\"a\\\0\"]"), T("*"), T("a\xe5"),
};

static void test_conformance(void) {
    struct arena arena;
    struct json json;
    arena_init(&arena, LIMIT_ARENA_BYTES);
    CHECK(sizeof accepted / sizeof accepted[0] + sizeof refused / sizeof refused[0] >= 150);
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        if (!is_json(accepted[i].p, accepted[i].len, &json, &arena)) {
            fprintf(stderr, "refused: %s: %.*s\n", accepted[i].p, (int)json.detail.len, json.detail.p);
            CHECK(!"an accepted text is refused");
        }
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (is_json(refused[i].p, refused[i].len, &json, &arena)) {
            fprintf(stderr, "accepted: %s\n", refused[i].p);
            CHECK(!"a refused text is accepted");
        }
        CHECK(json.failure == JSON_SYNTAX && json.offset <= refused[i].len && json.detail.len > 0);
    }
    arena_release(&arena);
}

static void test_details_say_where_and_what(void) {
    static const struct {
        struct str text;
        size_t offset;
        const char *detail;
    } cases[] = {
        {T("{\"a\":1 x"), 7, "expected ',' or '}', got 'x'"},
        {T("[1 2]"), 3, "expected ',' or ']', got '2'"},
        {T("{\"a\" 1}"), 5, "expected ':', got '1'"},
        {T("{\"a\":1,}"), 7, "expected '\"' and a member's name, got '}'"},
        {T(""), 0, "expected a JSON value, got the end"},
        {T("  "), 2, "expected a JSON value, got the end"},
        {T("{} x"), 3, "expected the end, got 'x'"},
        {T("[\x01]"), 1, "expected a JSON value, got byte 0x01"},
        {T("\"ab\ncd\""), 3, "expected an escape instead of a control character, got byte 0x0a"},
        {T("\"ab\xff\n\""), 3, "expected UTF-8, got byte 0xff"},
        {T("\"abc"), 4, "expected '\"' at the end of the string, got the end"},
        {T("\"a\\qb\""), 3, "expected one of \"\\/bfnrtu after a backslash, got 'q'"},
        {T("\"a\\ud800b\""), 2, "a surrogate escape without its other half"},
        {T("\"a\\u12g4\""), 2, "expected four hexadecimal digits after \\u"},
        {T("[nil]"), 1, "expected a JSON value, got a word that is not true, false or null"},
    };
    struct arena arena;
    arena_init(&arena, LIMIT_ARENA_BYTES);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json json;
        CHECK(!is_json(cases[i].text.p, cases[i].text.len, &json, &arena));
        CHECK_INT(json.offset, cases[i].offset);
        CHECK_TEXT(json.detail.p, json.detail.len, cases[i].detail);
    }
    arena_release(&arena);
}

static void test_depth_ends_at_its_limit(void) {
    struct arena arena;
    char text[2 * LIMIT_JSON_DEPTH + 3];
    struct json json;
    arena_init(&arena, LIMIT_ARENA_BYTES);
    for (uint32_t depth = LIMIT_JSON_DEPTH; depth <= LIMIT_JSON_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        CHECK_INT(is_json(text, 2 * depth, &json, &arena), depth == LIMIT_JSON_DEPTH);
        CHECK_INT(json.failure, depth == LIMIT_JSON_DEPTH ? JSON_GOOD : JSON_DEEP);
    }
    arena_release(&arena);
}

static void test_strings_are_unescaped(void) {
    const char *text = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t \\u0041\\u00e9\\u20ac\\ud83d\\ude00 \xc3\xa9 end\"";
    struct arena arena;
    struct json_string string;
    arena_init(&arena, LIMIT_ARENA_BYTES);
    struct json json = json_of(&arena, str_of(text));
    CHECK(json_string(&json, &string));
    CHECK_TEXT(string.text.p, string.text.len, "\"\\/\b\f\n\r\t A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \xc3\xa9 end");
    CHECK(!string.ascii);
    json = json_of(&arena, STR("\"a\\u0000b\""));
    CHECK(json_string(&json, &string) && string.text.len == 3 && string.ascii && memcmp(string.text.p, "a\0b", 3) == 0);
    arena_release(&arena);
}

static int check_filter(void) {
    struct arena arena;
    uint32_t len;
    arena_init(&arena, LIMIT_ARENA_BYTES);
    while (fread(&len, sizeof len, 1, stdin) == 1) {
        char *text = malloc(len + 1);
        struct json json;
        if (text == NULL || fread(text, 1, len, stdin) != len) {
            return 2;
        }
        puts(is_json(text, len, &json, &arena) ? "good" : json.failure == JSON_DEEP ? "deep" : "bad");
        free(text);
        arena_reset(&arena);
    }
    arena_release(&arena);
    return test_failures != 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "check") == 0) {
        return check_filter();
    }
    TEST(test_conformance);
    TEST(test_details_say_where_and_what);
    TEST(test_depth_ends_at_its_limit);
    TEST(test_strings_are_unescaped);
    return test_end();
}
