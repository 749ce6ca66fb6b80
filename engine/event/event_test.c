/* Events against the sample class (event_sample.h): each member of a good payment is changed in turn. JSON itself is
 * tested in json_test.c. */
#include <math.h>
#include <stdlib.h>

#include "../base/calendar.h"
#include "../base/test.h"
#include "event_sample.h"

static struct arena arena;
static struct value frame[S_CELLS];
static struct event_result result;
static const struct hash_key key = {{7}};
static char text[3 * LIMIT_EVENT_BYTES];

static enum event_status parse_as(const struct event_class *class, struct str json) {
    memset(frame, 0xee, sizeof frame);
    arena_reset(&arena);
    char *copy = malloc(json.len + !json.len); /* exactly as long, for the sanitizers */
    static char *last;
    free(last);
    last = copy;
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, json.p, json.len);
    event_parse(class, &key, &arena, (struct str){copy, json.len}, frame, &result);
    return result.status;
}

static enum event_status parse(struct str json) { return parse_as(&sample_class, json); }

/* The sample payment with the member's value replaced, the member added, or taken away (value NULL). */
static struct str with(const char *name, const char *value) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\": ", name);
    const char *found = strstr(sample_payment, quoted), *rest = sample_payment + strlen(sample_payment) - 1;
    size_t before = (size_t)((found != NULL ? found : rest) - sample_payment);
    if (found != NULL) {
        const char *end = strstr(found + 1, ", \"");
        rest = end != NULL ? end : rest;
    }
    bool comma = found == NULL;
    if (value == NULL && found != NULL) { /* with the comma on its left, or right of the first */
        before -= before > 1 ? 2 : 0;
        rest += before > 1 ? 0 : 2;
    }
    int len = value == NULL ? snprintf(text, sizeof text, "%.*s%s", (int)before, sample_payment, rest)
                            : snprintf(text, sizeof text, "%.*s%s%s%s%s", (int)before, sample_payment,
                                       comma ? ", " : "", quoted, value, rest);
    return (struct str){text, (size_t)len};
}

static void check_error(const char *what, uint32_t index, const char *path, const char *expected, const char *got) {
    if (result.status != EVENT_FIELDS || index >= result.error_count) {
        fprintf(stderr, "%s: status %d, %u errors, %.*s\n", what, (int)result.status, result.error_count,
                (int)result.detail.len, result.detail.p);
        CHECK(!"a field error was expected");
        return;
    }
    const struct field_error *error = &result.errors[index];
    CHECK_TEXT(error->path.p, error->path.len, path);
    CHECK_TEXT(error->expected.p, error->expected.len, expected);
    CHECK_TEXT(error->got.p, error->got.len, got);
}

static void check_text(enum sample_field field, const char *expected) {
    CHECK_INT(frame[field].tag, V_STR);
    CHECK_TEXT((const char *)frame[field].p, frame[field].len, expected);
}

static void test_good_payment(void) {
    CHECK_INT(parse(STR(sample_payment)), EVENT_OK);
    check_text(S_ID, "pay_01HV3Z8K2M4N6P8Q");
    CHECK(result.id.tag == V_STR && result.id.len == 20);
    int64_t at = 0;
    CHECK_INT(calendar_parse_time(STR("2026-03-01T12:34:56.789012Z"), &at), CALENDAR_OK);
    CHECK_INT(result.at_us, at);
    CHECK(frame[S_AMOUNT].tag == V_FLOAT && frame[S_AMOUNT].f == 129.95);
    CHECK(frame[S_MCC].tag == V_INT && frame[S_MCC].i == 5732);
    CHECK(frame[S_PRESENT].tag == V_BOOL && frame[S_PRESENT].i == 0);
    CHECK(frame[S_CITY].flags == STR_ASCII);
    CHECK(frame[S_TAGS].tag == V_LIST && frame[S_TAGS].len == 0);
    CHECK(frame[S_LEVEL].i == 1 && frame[S_STORE_SIZE].i == 7 && frame[S_ALIAS].i == -1);
    CHECK(frame[S_NEEDED].tag == V_NONE && frame[S_STORE_NAME].tag == V_NONE);
    CHECK_INT(result.masked, 0);
    for (int i = 0; i < S_CELLS; i++) {
        CHECK(frame[i].tag < V_TAGS); /* each was written */
    }
}

/* member, its JSON, and what its cell is as JSON (value_write_json). */
static const struct {
    const char *name, *json;
    enum sample_field field;
    const char *value;
} good[] = {
    {"amount", "3", S_AMOUNT, "3.0"},
    {"amount", "-0", S_AMOUNT, "-0.0"},
    {"amount", "1e-400", S_AMOUNT, "0.0"},
    {"amount", "0.1e1", S_AMOUNT, "1.0"},
    {"amount", "9007199254740993", S_AMOUNT, "9007199254740992.0"},
    {"amount", "20000000000000000000", S_AMOUNT, "2e+19"},
    {"mcc", "3.0", S_MCC, "3"},
    {"mcc", "3e2", S_MCC, "300"},
    {"mcc", "30000e-2", S_MCC, "300"},
    {"mcc", "-0", S_MCC, "0"},
    {"mcc", "-9223372036854775808", S_MCC, "-9223372036854775808"},
    {"mcc", "9223372036854775807", S_MCC, "9223372036854775807"},
    {"device", "null", S_DEVICE, "null"},
    {"device", "\"\"", S_DEVICE, "\"\""},
    {"city", "\"M\\u00fcnchen\"", S_CITY, "\"M\xc3\xbcnchen\""},
    {"city", "\"M\xc3\xbcnchen\"", S_CITY, "\"M\xc3\xbcnchen\""},
    {"city", "\"a\\u0000b\"", S_CITY, "\"a\\u0000b\""},
    {"card_present", "true", S_PRESENT, "true"},
    {"channel", "\"p\\u006fs\"", S_CHANNEL, "\"pos\""},
    {"level", "2.0", S_LEVEL, "2"},
    {"tags", "[]", S_TAGS, "[]"},
    {"tags", " [ \"a\" , \"b\" ] ", S_TAGS, "[\"a\", \"b\"]"},
    {"scores", "null", S_SCORES, "null"},
    {"scores", "[1, null, 2.5]", S_SCORES, "[1.0, null, 2.5]"},
    {"opened", "\"2024-02-29\"", S_OPENED, "\"2024-02-29\""},
    {"opened", "null", S_OPENED, "null"},
    {"at", "\"2026-03-01 12:00:00+01:00\"", S_AT, "\"2026-03-01T11:00:00+00:00\""},
    {"at", "\"2026-03-01T12:00:00.123456789z\"", S_AT, "\"2026-03-01T12:00:00.123456+00:00\""},
    {"seen_s", "1767225600", S_SEEN_S, "\"2026-01-01T00:00:00+00:00\""},
    {"seen_s", "1767225600.1", S_SEEN_S, "\"2026-01-01T00:00:00.100000+00:00\""},
    {"seen_s", "1767225600.123456", S_SEEN_S, "\"2026-01-01T00:00:00.123456+00:00\""},
    {"seen_s", "1767225600.1234569", S_SEEN_S, "\"2026-01-01T00:00:00.123456+00:00\""},
    {"seen_s", "17672256.00e2", S_SEEN_S, "\"2026-01-01T00:00:00+00:00\""},
    {"seen_s", "176722560000E-2", S_SEEN_S, "\"2026-01-01T00:00:00+00:00\""},
    {"seen_s", "-0.0000001", S_SEEN_S, "\"1969-12-31T23:59:59.999999+00:00\""},
    {"seen_s", "-1.5", S_SEEN_S, "\"1969-12-31T23:59:58.500000+00:00\""},
    {"seen_s", "0e999999999999", S_SEEN_S, "\"1970-01-01T00:00:00+00:00\""},
    {"seen_s", "1e-999999999999", S_SEEN_S, "\"1970-01-01T00:00:00+00:00\""},
    {"seen_s", "0.0000005e6", S_SEEN_S, "\"1970-01-01T00:00:00.500000+00:00\""},
    {"seen_ms", "1767225600000.5", S_SEEN_MS, "\"2026-01-01T00:00:00.000500+00:00\""},
    {"seen_us", "1767225600000001", S_SEEN_US, "\"2026-01-01T00:00:00.000001+00:00\""},
    {"moments", "[\"2026-01-01T00:00:00Z\"]", S_MOMENTS, "[\"2026-01-01T00:00:00+00:00\"]"},
    {"odd/~name", "5", S_ODD, "5"},
    {"store", "{\"name\": \"x\"}", S_STORE_NAME, "\"x\""},
    {"store", "{\"size\": 9, \"name\": \"x\"}", S_STORE_SIZE, "9"},
    {"store", "{\"name\": \"x\"}", S_STORE_SIZE, "7"},
    {"store", "null", S_STORE_NAME, "null"},
    {"store", "null", S_STORE_SIZE, "7"},
    {"a", "null", S_ALIAS, "-1"},
    {"a", "{}", S_ALIAS, "-1"},
    {"a", "{\"b\": null}", S_ALIAS, "-1"},
    {"a", "{\"b\": {\"c\": {\"needed\": true}}}", S_ALIAS, "-1"},
    {"a", "{\"b\": {\"alias\": 4, \"c\": {\"needed\": true}}}", S_ALIAS, "4"},
    {"a", "{\"b\": {\"alias\": 4, \"c\": {\"needed\": true}}}", S_NEEDED, "true"},
    {"unknown", "[{\"a\": [1, \"\\ud83d\\ude00\"], \"a\": null}]", S_MCC, "5732"},
    {"memo", "\"card 4111111111111111, thanks\"", S_MEMO, "\"card 411111******1111, thanks\""},
    {"memo", "\"411111111111111\\u0031\"", S_MEMO, "\"411111******1111\""},
    {"memo", "\"4111111111111112\"", S_MEMO, "\"4111111111111112\""},
    {"tags", "[\"5500005555555559\", \"ok\"]", S_TAGS, "[\"550000******5559\", \"ok\"]"},
    {"clear", "\"4111111111111111\"", S_CLEAR, "\"4111111111111111\""},
    {"id", "\"4111111111111111\"", S_ID, "\"4111111111111111\""},
};

static void test_good_values(void) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        enum event_status status = parse(with(good[i].name, good[i].json));
        if (status != EVENT_OK) {
            fprintf(stderr, "%s: %s: %.*s\n", good[i].name, good[i].json, (int)result.detail.len, result.detail.p);
            CHECK_INT(status, EVENT_OK);
            continue;
        }
        struct buf out;
        buf_init(&out, &arena, LIMIT_VALUE_BYTES);
        value_write_json(&out, &frame[good[i].field]);
        CHECK_TEXT(out.p, out.len, good[i].value);
    }
}

/* member, its JSON, and the field error. */
static const struct {
    const char *name, *json, *path, *expected, *got;
} wrong[] = {
    {"amount", "\"12\"", "/amount", "float", "string \"12\""},
    {"amount", "true", "/amount", "float", "true"},
    {"amount", "null", "/amount", "float", "null"},
    {"amount", "{\"a\": 1}", "/amount", "float", "object"},
    {"amount", "[1]", "/amount", "float", "array"},
    {"amount", "1e400", "/amount", "float", "number 1e400"},
    {"amount", "-1e400", "/amount", "float", "number -1e400"},
    {"amount", NULL, "/amount", "float", "nothing"},
    {"mcc", "3.5", "/mcc", "int", "number 3.5"},
    {"mcc", "\"3\"", "/mcc", "int", "string \"3\""},
    {"mcc", "true", "/mcc", "int", "true"},
    {"mcc", "9223372036854775808", "/mcc", "int", "number 9223372036854775808"},
    {"mcc", "-9223372036854775809", "/mcc", "int", "number -9223372036854775809"},
    {"mcc", "9223372036854775808.0", "/mcc", "int", "number 9223372036854775808.0"},
    {"mcc", "1e19", "/mcc", "int", "number 1e19"},
    {"card_present", "1", "/card_present", "bool", "number 1"},
    {"card_present", "\"true\"", "/card_present", "bool", "string \"true\""},
    {"card_present", "null", "/card_present", "bool", "null"},
    {"city", "7", "/city", "str", "number 7"},
    {"city", "null", "/city", "str", "null"},
    {"channel", "\"fax\"", "/channel", "one of \"web\", \"pos\", \"app\"", "string \"fax\""},
    {"channel", "1", "/channel", "one of \"web\", \"pos\", \"app\"", "number 1"},
    {"channel", NULL, "/channel", "one of \"web\", \"pos\", \"app\"", "nothing"},
    {"level", "3", "/level", "one of 1, 2", "number 3"},
    {"level", "true", "/level", "one of 1, 2", "true"},
    {"at", "\"2026-03-01T12:00:00\"", "/at", "datetime with offset", "string \"2026-03-01T12:00:00\""},
    {"at", "\"2026-02-30T12:00:00Z\"", "/at", "datetime with offset", "string \"2026-02-30T12:00:00Z\""},
    {"at", "\"0000-01-01T00:00:00Z\"", "/at", "datetime with offset", "string \"0000-01-01T00:00:00Z\""},
    {"at", "\"0001-01-01T00:00:00+01:00\"", "/at", "datetime with offset", "string \"0001-01-01T00:00:00+01:00\""},
    {"at", "1767225600", "/at", "datetime with offset", "number 1767225600"},
    {"at", "null", "/at", "datetime with offset", "null"},
    {"opened", "\"2026-3-1\"", "/opened", "date", "string \"2026-3-1\""},
    {"opened", "\"2026-03-01T00:00:00Z\"", "/opened", "date", "string \"2026-03-01T00:00:00Z\""},
    {"opened", "20260301", "/opened", "date", "number 20260301"},
    {"seen_s", "\"1767225600\"", "/seen_s", "number of s", "string \"1767225600\""},
    {"seen_s", "253402300800", "/seen_s", "number of s", "number 253402300800"},
    {"seen_s", "-62135596801", "/seen_s", "number of s", "number -62135596801"},
    {"seen_s", "1e999999999", "/seen_s", "number of s", "number 1e999999999"},
    {"seen_ms", "1e15", "/seen_ms", "number of ms", "number 1e15"},
    {"seen_us", "99999999999999999999999", "/seen_us", "number of us", "number 99999999999999999999999"},
    {"tags", "\"a\"", "/tags", "list of str", "string \"a\""},
    {"tags", "null", "/tags", "list of str", "null"},
    {"tags", "[\"a\", 1]", "/tags/1", "str", "number 1"},
    {"tags", "[\"a\", \"b\", null]", "/tags/2", "str", "null"},
    {"tags", "[[\"a\"]]", "/tags/0", "str", "array"},
    {"scores", "[1, \"x\"]", "/scores/1", "float", "string \"x\""},
    {"scores", "{}", "/scores", "list of float", "object"},
    {"moments", "[\"2026-01-01T00:00:00\"]", "/moments/0", "datetime with offset", "string \"2026-01-01T00:00:00\""},
    {"odd/~name", "\"x\"", "/odd~1~0name", "int", "string \"x\""},
    {"store", "{}", "/store/name", "str", "nothing"},
    {"store", "[]", "/store", "object", "array"},
    {"store", "\"x\"", "/store", "object", "string \"x\""},
    {"store", "{\"name\": 1}", "/store/name", "str", "number 1"},
    {"store", "{\"name\": \"x\", \"name\": \"x\"}", "/store/name", "one member of this name", "a duplicate"},
    {"a", "1", "/a", "object", "number 1"},
    {"a", "{\"b\": {}}", "/a/b/c", "object", "nothing"},
    {"a", "{\"b\": {\"c\": {}}}", "/a/b/c/needed", "bool", "nothing"},
    {"a", "{\"b\": {\"c\": null}}", "/a/b/c", "object", "null"},
    {"card", "4111111111111111", "/card", "str", "a secret value"},
    {"card", "null", "/card", "str", "a secret value"},
    {"store", "{\"name\": \"x\", \"pin\": \"1234\"}", "/store/pin", "int", "a secret value"},
    {"amount", "\"4111111111111111\"", "/amount", "float", "string \"411111******1111\""},
    {"card_present", "4111111111111111", "/card_present", "bool", "number 411111******1111"},
    {"level", "\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg\"", "/level", "one of 1, 2",
     "string \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeff"},
    {"id", "\"\"", "/id", "str that is not empty", "string \"\""},
    {"id", "null", "/id", "str", "null"},
    {"id", "12", "/id", "str", "number 12"},
    {"id", NULL, "/id", "str", "nothing"},
    {"at", NULL, "/at", "datetime with offset", "nothing"},
    {"x\": 1, \"x", "1", "/x", "one member of this name", "a duplicate"},
    {"x\": 1, \"\\u0078", "1", "/x", "one member of this name", "a duplicate"},
    {"ci\\u0074y", "\"x\"", "/city", "one member of this name", "a duplicate"},
    {"4111111111111111\": 1, \"4111111111111111", "1", "/411111******1111", "one member of this name", "a duplicate"},
};

static void test_wrong_values(void) {
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        (void)parse(with(wrong[i].name, wrong[i].json));
        check_error(wrong[i].name, 0, wrong[i].path, wrong[i].expected, wrong[i].got);
        CHECK_INT(result.errors_total, 1);
    }
}

static void test_not_an_object(void) {
    static const struct {
        const char *json, *got;
    } cases[] = {
        {"[1, 2]", "array"}, {"7", "number 7"}, {" \"x\" ", "string \"x\""}, {"null", "null"}, {"true", "true"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)parse(str_of(cases[i].json));
        check_error(cases[i].json, 0, "", "object", cases[i].got);
    }
}

static void check_syntax(const char *json, size_t offset, const char *detail) {
    CHECK_INT(parse(str_of(json)), EVENT_SYNTAX);
    CHECK_INT(result.offset, offset);
    CHECK_TEXT(result.detail.p, result.detail.len, detail);
}

static void test_syntax_errors_win_over_field_errors(void) {
    check_syntax("", 0, "expected a JSON value, got the end");
    check_syntax(" \n", 2, "expected a JSON value, got the end");
    check_syntax("{} {}", 3, "expected the end, got '{'");
    check_syntax("[1] x", 4, "expected the end, got 'x'");
    check_syntax("{\"id\": 7, \"amount\": \"x\" \"y\": 1}", 24, "expected ',' or '}', got '\"'");
    check_syntax("{\"amount\": tru}", 11, "expected a JSON value, got a word that is not true, false or null");
    check_syntax("{\"card_present\": tru}", 17, "expected a JSON value, got a word that is not true, false or null");
    check_syntax("{\"tags\": [\"a\", ]}", 15, "expected a JSON value, got ']'");
    check_syntax("{\"tags\": [\"a\" \"b\"]}", 14, "expected ',' or ']', got '\"'");
    check_syntax("{\"mcc\": 012}", 8,
                 "expected a number as JSON has it: no leading zeros, digits on both sides of a point and after an e");
    check_syntax("{\"mcc\": +1}", 8, "expected a JSON value, got '+'");
    check_syntax("{\"store\": {\"name\": \"x\",}}", 23, "expected '\"' and a member's name, got '}'");
    check_syntax("{\"city\": \"\\ud800\"}", 10, "a surrogate escape without its other half");
    check_syntax("{\"x\": \"\xff\"}", 7, "expected UTF-8, got byte 0xff");
    check_syntax("{\"\xff\": 1}", 2, "expected UTF-8, got byte 0xff");
}

static void test_every_truncation_is_a_syntax_error(void) {
    size_t len = strlen(sample_payment);
    for (size_t cut = 0; cut < len; cut++) {
        CHECK_INT(parse((struct str){sample_payment, cut}), EVENT_SYNTAX);
        CHECK(result.offset <= cut && result.detail.len > 0);
    }
}

static void test_every_changed_byte_is_survived(void) {
    size_t len = strlen(sample_payment);
    static const uint8_t masks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    for (size_t at = 0; at < len; at++) {
        for (size_t m = 0; m < sizeof masks; m++) {
            memcpy(text, sample_payment, len);
            text[at] ^= (char)masks[m];
            enum event_status status = parse((struct str){text, len});
            CHECK(status == EVENT_OK || status == EVENT_SYNTAX || (status == EVENT_FIELDS && result.errors_total > 0));
        }
    }
}

static void test_errors_beyond_the_limit_are_counted(void) {
    CHECK_INT(parse(STR("{}")), EVENT_FIELDS);
    CHECK_INT(result.error_count, LIMIT_FIELD_ERRORS);
    CHECK_INT(result.errors_total, 20);
    CHECK_INT(parse(STR("{\"id\": 1, \"tags\": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}")), EVENT_FIELDS);
    CHECK_INT(result.error_count, LIMIT_FIELD_ERRORS);
    CHECK_INT(result.errors_total, 1 + 20 + 19);
    check_error("tags", 1, "/tags/0", "str", "number 1");
}

static void test_lengths_at_their_limits(void) {
    static char value[LIMIT_STRING_BYTES + 8];
    memset(value, 'x', sizeof value);
    value[0] = '"';
    memcpy(value + 1 + LIMIT_ID_BYTES, "\"", 2);
    CHECK_INT(parse(with("id", value)), EVENT_OK);
    memcpy(value + 1 + LIMIT_ID_BYTES, "x\"", 3);
    (void)parse(with("id", value));
    check_error("id", 0, "/id", "at most 256 bytes", "257 bytes");
    memset(value + 1, 'x', sizeof value - 1);
    memcpy(value + 1 + LIMIT_STRING_BYTES, "\"", 2);
    CHECK_INT(parse(with("memo", value)), EVENT_OK);
    memcpy(value + 1 + LIMIT_STRING_BYTES, "x\"", 3);
    (void)parse(with("memo", value));
    check_error("memo", 0, "/memo", "at most 32768 bytes", "32769 bytes");
}

static void test_list_items_at_their_limit(void) {
    static char value[2 * LIMIT_LIST_ITEMS + 8];
    for (uint32_t count = LIMIT_LIST_ITEMS; count <= LIMIT_LIST_ITEMS + 1; count++) {
        for (uint32_t i = 0; i < count; i++) {
            value[2 * i + 1] = '1';
            value[2 * i + 2] = ',';
        }
        value[0] = '[';
        memcpy(value + 2 * count, "]", 2);
        (void)parse(with("scores", value));
        if (count == LIMIT_LIST_ITEMS) {
            CHECK_INT(result.status, EVENT_OK);
            CHECK_INT(frame[S_SCORES].len, LIMIT_LIST_ITEMS);
            CHECK(value_items(&frame[S_SCORES])[LIMIT_LIST_ITEMS - 1].f == 1.0);
        } else {
            check_error("scores", 0, "/scores", "at most 4096 items", "4097 items");
        }
    }
}

static void test_depth_at_its_limit(void) {
    char value[2 * LIMIT_JSON_DEPTH + 2];
    for (uint32_t inner = LIMIT_JSON_DEPTH - 1; inner <= LIMIT_JSON_DEPTH; inner++) {
        memset(value, '[', inner);
        memset(value + inner, ']', inner);
        value[2 * inner] = 0;
        (void)parse(with("extra", value));
        if (inner == LIMIT_JSON_DEPTH) {
            check_error("extra", 0, "/extra", "nesting of at most 32 levels", "more");
            (void)parse(with("tags", value));
            check_error("tags", 0, "/tags/0", "nesting of at most 32 levels", "more");
        } else {
            CHECK_INT(result.status, EVENT_OK);
        }
    }
}

static void test_secrets_are_hashed_as_their_keys(void) {
    CHECK_INT(parse(with("store", "{\"name\": \"x\", \"pin\": 1234}")), EVENT_OK);
    struct buf bytes;
    buf_init(&bytes, &arena, LIMIT_VALUE_BYTES);
    value_write_key(&bytes, &frame[S_CARD]);
    struct hash128 card = hash_keyed(&key, bytes.p, bytes.len);
    CHECK(frame[S_CARD_HASH].tag == V_SECRET && hash128_equal(*(const struct hash128 *)frame[S_CARD_HASH].p, card));
    check_text(S_CARD, "4111111111111111"); /* a Secret is not masked */
    CHECK(frame[S_PIN_HASH].tag == V_SECRET);
    struct hash128 pin = *(const struct hash128 *)frame[S_PIN_HASH].p;
    CHECK_INT(parse(with("store", "{\"name\": \"x\", \"pin\": 1234.0}")), EVENT_OK);
    CHECK(hash128_equal(*(const struct hash128 *)frame[S_PIN_HASH].p, pin));
    CHECK_INT(parse(with("store", "{\"name\": \"x\", \"pin\": null}")), EVENT_OK);
    CHECK(frame[S_PIN_HASH].tag == V_NONE && frame[S_STORE_PIN].tag == V_NONE);
    CHECK_INT(parse(with("store", "{\"name\": \"x\"}")), EVENT_OK);
    CHECK(frame[S_PIN_HASH].tag == V_NONE);
}

static void test_masked_cards_are_counted(void) {
    CHECK_INT(parse(with("memo", "\"4111111111111111 and 5500005555555559, not 12345678901234567890\"")), EVENT_OK);
    CHECK_INT(result.masked, 2);
    check_text(S_MEMO, "411111******1111 and 550000******5559, not 12345678901234567890");
}

static void test_mask_by_length_and_first_digit(void) {
    static const struct {
        const char *text, *masked;
    } cases[] = {
        {"", ""},
        {"4222222222222", "422222***2222"},               /* 13 */
        {"378282246310005", "378282*****0005"},           /* 15 */
        {"6304000000000000000", "630400*********0000"},   /* 19 */
        {"424242424242", "424242424242"},                 /* 12 */
        {"42424242424242424242", "42424242424242424242"}, /* 20 */
        {"x4111111111111111y", "x411111******1111y"},
        {"41111111111111114111111111111111", "41111111111111114111111111111111"},
        {"4111-1111-1111-1111", "4111-1111-1111-1111"},
        {"1111111111111117", "1111111111111117"},
        {"0000000000000000", "0000000000000000"},
        {"7000000000000003", "7000000000000003"},
        {"123456789012 4222222222222", "123456789012 422222***2222"},
        {"12345678901234567890 4111111111111111", "12345678901234567890 411111******1111"},
        {"4111111111111111 4111111111111111 4111111111111111", "411111******1111 411111******1111 411111******1111"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa4111111111111111", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa411111******1111"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char copy[128];
        size_t len = strlen(cases[i].text);
        memcpy(copy, cases[i].text, len);
        (void)event_mask(copy, len);
        CHECK_TEXT(copy, len, cases[i].masked);
        for (size_t shift = 0; shift < 30; shift++) { /* wherever it lies against the stride */
            memset(copy, '.', shift);
            memcpy(copy + shift, cases[i].text, len);
            (void)event_mask(copy, shift + len);
            CHECK_TEXT(copy + shift, len, cases[i].masked);
        }
    }
}

static void test_class_options(void) {
    struct event_class class = sample_class;
    class.naive_is_utc = true;
    CHECK_INT(parse_as(&class, with("at", "\"1970-01-01T00:00:01\"")), EVENT_OK);
    CHECK_INT(result.at_us, 1000000);
    class.forbid_extra = true;
    (void)parse_as(&class, with("extra", "\"4111111111111111\""));
    check_error("extra", 0, "/extra", "no such member", "string \"411111******1111\"");
    (void)parse_as(&class, with("store", "{\"name\": \"x\", \"zip\": 1}"));
    check_error("store", 0, "/store/zip", "no such member", "number 1");
}

static void test_many_unknown_members(void) {
    for (int twice = 0; twice < 2; twice++) {
        size_t len = strlen(sample_payment) - 1;
        memcpy(text, sample_payment, len);
        for (int i = 0; i < 3000; i++) {
            len += (size_t)snprintf(text + len, 32, ",\"u%d\":%d", twice && i == 2999 ? 1234 : i, i);
        }
        text[len++] = '}';
        (void)parse((struct str){text, len});
        CHECK_INT(result.status, twice ? EVENT_FIELDS : EVENT_OK);
        if (twice) {
            check_error("many", 0, "/u1234", "one member of this name", "a duplicate");
        }
    }
}

/* 1,024 fields: the bits of what was seen lie in the arena, and names out of order are found by an index. */
static void test_wide_class_in_any_order(void) {
    enum { WIDE = 1024 };
    static struct field fields[WIDE];
    static struct event_node nodes[WIDE + 1];
    static struct value cells[WIDE];
    static char names[WIDE][8];
    struct event_class class = {
        .fields = fields, .field_count = WIDE, .nodes = nodes, .node_count = WIDE + 1, .id_field = 0, .time_field = 1};
    nodes[0] =
        (struct event_node){.name = STR(""), .field = -1, .first_child = 1, .child_count = WIDE, .required = true};
    for (uint32_t i = 0; i < WIDE; i++) {
        int len = snprintf(names[i], sizeof names[i], "f%u", i);
        nodes[i + 1] = (struct event_node){.name = {names[i], (size_t)len}, .field = (int32_t)i, .required = true};
        fields[i] = (struct field){
            .name = nodes[i + 1].name, .type = FIELD_INT, .required = true, .slot = (uint16_t)i, .hash_slot = NO_SLOT};
    }
    fields[1].type = FIELD_DATETIME;
    fields[1].unit = UNIT_US;
    for (uint32_t step = 1; step < WIDE; step += 256) {
        size_t len = 0;
        for (uint32_t i = 0; i < WIDE; i++) {
            uint32_t n = (i * (WIDE - step)) % WIDE;
            len += (size_t)snprintf(text + len, 32, "%c\"f%u\":%u", i == 0 ? '{' : ',', n, n);
        }
        text[len++] = '}';
        arena_reset(&arena);
        event_parse(&class, &key, &arena, (struct str){text, len}, cells, &result);
        CHECK_INT(result.status, EVENT_OK);
        for (uint32_t i = 0; i < WIDE; i++) {
            if (cells[i].i != (int64_t)i) {
                CHECK_INT(cells[i].i, i);
            }
        }
        memcpy(text + len - 1, ",\"f700\":1}", 10);
        event_parse(&class, &key, &arena, (struct str){text, len + 9}, cells, &result);
        check_error("wide", 0, "/f700", "one member of this name", "a duplicate");
    }
}

/* Each of the allocations fails in turn, in an event that needs all kinds of them. */
static void test_full_arena_is_a_limit(void) {
    struct str json = with("tags", "[\"\\n\", \"4111111111111111\", 1, {\"a\": 1}]");
    size_t full_at = 0;
    enum event_status status = EVENT_LIMIT;
    for (size_t limit = 1; status == EVENT_LIMIT && limit < 100000; limit += 7) {
        struct arena small;
        arena_init(&small, limit);
        event_parse(&sample_class, &key, &small, json, frame, &result);
        status = result.status;
        full_at = limit;
        arena_release(&small);
    }
    CHECK_INT(status, EVENT_FIELDS);
    CHECK(full_at > 500);
}

static void test_split_arrays(void) {
    static const struct {
        const char *json, *items; /* NULL: refused */
    } cases[] = {
        {"[]", ""},
        {" [ ] ", ""},
        {"[{}]", "{}"},
        {"[{\"a\": [1, 2]}, {\"b\": \"]},\\\"\"} ]\n", "{\"a\": [1, 2]}|{\"b\": \"]},\\\"\"}"},
        {"[1, null,\"x\" , [[]], tru]", "1|null|\"x\"|[[]]|tru"},
        {"", NULL},
        {"{}", NULL},
        {"[", NULL},
        {"[1", NULL},
        {"[1,", NULL},
        {"[1,]", NULL},
        {"[,1]", NULL},
        {"[1,,2]", NULL},
        {"[1 2]", NULL},
        {"[{} {}]", NULL},
        {"[{}]x", NULL},
        {"[{}]]", NULL},
        {"[{]", NULL},
        {"[\"a]", NULL},
        {"[\"a\\", NULL},
        {"[}]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str *items = NULL;
        uint32_t count = 0;
        arena_reset(&arena);
        bool good_array = event_split_array(&arena, str_of(cases[i].json), &items, &count, &result);
        CHECK_INT(good_array, cases[i].items != NULL);
        if (!good_array) {
            CHECK(result.status == EVENT_SYNTAX && result.detail.len > 0 && result.offset <= strlen(cases[i].json));
            continue;
        }
        struct buf out;
        buf_init(&out, &arena, LIMIT_VALUE_BYTES);
        for (uint32_t n = 0; n < count; n++) {
            buf_str(&out, n > 0 ? STR("|") : STR(""));
            buf_str(&out, items[n]);
        }
        CHECK_TEXT(out.len > 0 ? out.p : "", out.len, cases[i].items);
    }
}

static void test_split_lines(void) {
    struct str *items;
    uint32_t count;
    CHECK(event_split_lines(&arena, STR("{\"a\":1}\r\n\n  \t\n {\"b\":2} \n{\"c\":3}"), &items, &count, &result));
    CHECK_INT(count, 3);
    CHECK_TEXT(items[0].p, items[0].len, "{\"a\":1}");
    CHECK_TEXT(items[1].p, items[1].len, "{\"b\":2}");
    CHECK_TEXT(items[2].p, items[2].len, "{\"c\":3}");
    CHECK(event_split_lines(&arena, STR("\n\n"), &items, &count, &result) && count == 0);
}

static void test_split_limits(void) {
    struct str *items;
    uint32_t count;
    size_t len = 2 * LIMIT_BATCH_EVENTS;
    for (size_t i = 0; i < LIMIT_BATCH_EVENTS + 1; i++) {
        memcpy(text + 2 * i, "1\n", 2);
    }
    CHECK(event_split_lines(&arena, (struct str){text, len}, &items, &count, &result) && count == LIMIT_BATCH_EVENTS);
    CHECK(!event_split_lines(&arena, (struct str){text, len + 2}, &items, &count, &result));
    CHECK(result.status == EVENT_LIMIT && result.detail.len > 0);
    for (size_t i = 0; i < len + 2; i += 2) {
        text[i] = i == 0 ? '[' : ',';
        text[i + 1] = '1';
    }
    text[len] = ']';
    CHECK(event_split_array(&arena, (struct str){text, len + 1}, &items, &count, &result) &&
          count == LIMIT_BATCH_EVENTS);
    text[len] = ',';
    text[len + 2] = ']';
    CHECK(!event_split_array(&arena, (struct str){text, len + 3}, &items, &count, &result));
    CHECK(result.status == EVENT_LIMIT);
}

int main(void) {
    arena_init(&arena, LIMIT_ARENA_BYTES);
    TEST(test_good_payment);
    TEST(test_good_values);
    TEST(test_wrong_values);
    TEST(test_not_an_object);
    TEST(test_syntax_errors_win_over_field_errors);
    TEST(test_every_truncation_is_a_syntax_error);
    TEST(test_every_changed_byte_is_survived);
    TEST(test_errors_beyond_the_limit_are_counted);
    TEST(test_lengths_at_their_limits);
    TEST(test_list_items_at_their_limit);
    TEST(test_depth_at_its_limit);
    TEST(test_secrets_are_hashed_as_their_keys);
    TEST(test_masked_cards_are_counted);
    TEST(test_mask_by_length_and_first_digit);
    TEST(test_class_options);
    TEST(test_many_unknown_members);
    TEST(test_wide_class_in_any_order);
    TEST(test_full_arena_is_a_limit);
    TEST(test_split_arrays);
    TEST(test_split_lines);
    TEST(test_split_limits);
    arena_release(&arena);
    return test_end();
}
