/* The HTTP parser: what valid requests read as, however they are cut; and what is refused, where and with which status. */
#include "parse.h"

#include <stdlib.h>

#include "../engine/base/test.h"

enum { BODY_LIMIT = 1000 };

/* A whole request as one reader sees it. */
struct reading {
    enum http_parse result;
    struct http_head head;
    struct http_error error;
    char body[4096];
    size_t body_len;
    size_t bytes; /* consumed */
};

/* Feeds p[0..len) in pieces that end at `cut` and at len, as a connection would. */
static void read_cut(const char *p, size_t len, size_t cut, struct reading *out) {
    size_t ends[2] = {cut, len};
    size_t head_at = 0, fed = 0;
    struct http_chunks chunks = {0};
    char raw[4096];
    out->body_len = 0;
    out->result = PARSE_MORE;
    for (unsigned i = 0; i < 2 && out->result == PARSE_MORE; i++) {
        if (head_at == 0) {
            out->result = http_parse_head(p, ends[i], BODY_LIMIT, &out->head, &out->error);
            if (out->result != PARSE_DONE)
                continue;
            head_at = fed = out->head.bytes;
        }
        size_t fresh = ends[i] - fed, consumed = fresh, produced = fresh;
        if (out->head.chunked) {
            memcpy(raw, p + fed, fresh);
            out->result = http_chunks_decode(&chunks, raw, fresh, BODY_LIMIT, &consumed, &produced, &out->error);
            if (out->result == PARSE_BAD)
                out->error.offset += head_at;
        } else {
            size_t want = out->head.content_length - out->body_len;
            consumed = produced = fresh < want ? fresh : want;
            memcpy(raw, p + fed, consumed);
            out->result = consumed == want ? PARSE_DONE : PARSE_MORE;
        }
        memcpy(out->body + out->body_len, raw, produced);
        out->body_len += produced;
        fed += consumed;
    }
    out->bytes = fed;
}

#define HOST "Host: localhost\r\n"

static const struct {
    const char *request, *method, *path, *query, *body;
} good[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", "GET", "/", "", ""},
    {"POST /v1/score?features=1 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", "POST", "/v1/score", "features=1", "{}"},
    {"GET /v1/decisions/a%2Fb%20c?x?y HTTP/1.1\r\nhOsT:\t[::1]:8080 \t\r\n\r\n", "GET", "/v1/decisions/a%2Fb%20c", "x?y", ""},
    {"POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "POST", "/a", "",
     "abc0123456789"},
    {"POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n00000001\r\n\n\r\n00\r\n\r\n", "POST", "/a", "", "\n"},
    {"PUT /a? HTTP/1.1\r\n" HOST "X:\r\nX-Empty: \t \r\nContent-Length: 0\r\n\r\n", "PUT", "/a", "", ""},
    {"POST /a HTTP/1.1\r\n" HOST "Content-Length: 005\r\nExpect: 100-Continue\r\n\r\nhello", "POST", "/a", "", "hello"},
    {"GET /old HTTP/1.0\r\n" HOST "\r\n", "GET", "/old", "", ""},
    {"M!#$%&'*+-.^_`|~ /x HTTP/1.1\r\n" HOST "X: \x80\xff\r\n\r\n", "M!#$%&'*+-.^_`|~", "/x", "", ""},
};

static void test_every_valid_request_reads_the_same_however_it_is_cut(void) {
    struct reading got;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t len = strlen(good[i].request);
        for (size_t cut = 0; cut <= len; cut++) {
            /* its own allocation, so that a sanitizer sees a read beyond the end */
            char *copy = malloc(len);
            CHECK(copy != NULL);
            memcpy(copy, good[i].request, len);
            read_cut(copy, len, cut, &got);
            CHECK_INT(got.result, PARSE_DONE);
            CHECK_INT(got.bytes, len);
            CHECK_TEXT(got.head.method.p, got.head.method.len, good[i].method);
            CHECK_TEXT(got.head.path.p, got.head.path.len, good[i].path);
            CHECK_TEXT(got.head.query.p, got.head.query.len, good[i].query);
            CHECK_TEXT(got.body, got.body_len, good[i].body);
            free(copy);
        }
    }
}

static const struct {
    const char *request;
    int status;
    const char *at; /* the text that begins at the reported offset; NULL: not checked */
} refused[] = {
    /* smuggling: two readings of one length */
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "chunked\r\n\r\n0"},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400, "3\r\n\r\n0"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, "4\r\n\r\nabcd"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, "3\r\n\r\nabc"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc", 400, ", 3\r\n\r\nabc"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc", 400, "+3"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\nabc", 400, "-3"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc", 400, "x3"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3 3\r\n\r\nabc", 400, " 3\r\n"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400, NULL},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", 413, "1001"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551617\r\n\r\n", 413, NULL},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999999999999999999\r\n\r\n", 413, NULL},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, NULL},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501, NULL},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, NULL},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, NULL},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b" "chunked\r\n\r\n0\r\n\r\n", 400, NULL},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 501, NULL},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n", 400, NULL},
    {"POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, NULL},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, " : chunked"},
    {"POST / HTTP/1.1\r\n" HOST " Transfer-Encoding: chunked\r\n\r\n", 400, " Transfer"},
    /* line ends */
    {"GET / HTTP/1.1\nHost: localhost\n\n", 400, "\nHost"},
    {"GET / HTTP/1.1\r\nHost: localhost\n\r\n", 400, "\n\r\n"},
    {"GET / HTTP/1.1\r\n" HOST "\n", 400, "\n"},
    {"GET / HTTP/1.1\rHost: localhost\r\n\r\n", 400, "Host"},
    {"GET / HTTP/1.1\r\nHost: local\rhost\r\n\r\n", 400, "host\r"},
    {"GET / HTTP/1.1\r\n" HOST "\rX", 400, "X"},
    {"\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400, "\r\nGET"},
    {"\nGET / HTTP/1.1\r\n" HOST "\r\n", 400, "\nGET"},
    {"GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400, " b\r\n"},
    {"GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n", 400, "\tb\r\n"},
    {"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", 400, " Host"},
    /* the request line */
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400, " / HTTP"},
    {"GET /  HTTP/1.1\r\n" HOST "\r\n", 400, " HTTP"},
    {"GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400, "\t/"},
    {" GET / HTTP/1.1\r\n" HOST "\r\n", 400, " GET"},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400, " \r\n"},
    {"GET /\r\n", 400, "\r\n"},
    {"GET / http/1.1\r\n" HOST "\r\n", 400, "http"},
    {"GET / HTTP/1.2\r\n" HOST "\r\n", 505, "HTTP/1.2"},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505, NULL},
    {"GET / HTTP/0.9\r\n" HOST "\r\n", 505, NULL},
    {"GET / HTTP/1.10\r\n" HOST "\r\n", 400, "0\r\n"},
    {"GET / HTTP/11\r\n" HOST "\r\n", 400, NULL},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "* HTTP"},
    {"GET http://localhost/ HTTP/1.1\r\n" HOST "\r\n", 400, "http:"},
    {"CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", 400, "localhost:80"},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400, "* HTTP"},
    {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400, "#b"},
    {"GET /a\"b HTTP/1.1\r\n" HOST "\r\n", 400, "\"b"},
    {"GET /a\\b HTTP/1.1\r\n" HOST "\r\n", 400, "\\b"},
    {"GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400, "zz"},
    {"GET /%4 HTTP/1.1\r\n" HOST "\r\n", 400, " HTTP"},
    {"GET /\x80 HTTP/1.1\r\n" HOST "\r\n", 400, "\x80"},
    {"GET /\x7f HTTP/1.1\r\n" HOST "\r\n", 400, "\x7f"},
    {"G@T / HTTP/1.1\r\n" HOST "\r\n", 400, "@T"},
    {"\x16\x03\x01\x02", 400, "\x16"},
    {"ABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJ / HTTP/1.1\r\n" HOST "\r\n", 400, NULL},
    /* fields */
    {"GET / HTTP/1.1\r\n\r\n", 400, "\r\n"},
    {"GET / HTTP/1.0\r\n\r\n", 400, NULL},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400, NULL},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, NULL},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, " b"},
    {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, ", b"},
    {"GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400, "@h"},
    {"GET / HTTP/1.1\r\n" HOST "X y: 1\r\n\r\n", 400, " y"},
    {"GET / HTTP/1.1\r\n" HOST ": 1\r\n\r\n", 400, ": 1"},
    {"GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400, "\r\n\r\n"},
    {"GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n", 400, "\x01"},
    {"GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n", 400, "\x7f"},
    {"GET / HTTP/1.1\r\n" HOST "X\xc3\xa9: a\r\n\r\n", 400, "\xc3"},
    {"POST / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\n\r\n", 417, "200-ok"},
    {"POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 417, NULL},
    /* chunks */
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
    {CHUNKED "3\nabc\r\n0\r\n\r\n", 400, "\nabc"},
    {CHUNKED "3\r\nabcd\r\n0\r\n\r\n", 400, "d\r\n0"},
    {CHUNKED "3\r\nab\r\n0\r\n\r\n", 400, "\n0\r\n"},
    {CHUNKED "3\r\nabc\n0\r\n\r\n", 400, "\n0"},
    {CHUNKED "3\r\nabc0\r\n\r\n", 400, "0\r\n"},
    {CHUNKED "3;a=b\r\nabc\r\n0\r\n\r\n", 400, ";a"},
    {CHUNKED "3 \r\nabc\r\n0\r\n\r\n", 400, " \r"},
    {CHUNKED " 3\r\nabc\r\n0\r\n\r\n", 400, " 3"},
    {CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", 400, "x3"},
    {CHUNKED "-3\r\nabc\r\n0\r\n\r\n", 400, "-3"},
    {CHUNKED "\r\nabc\r\n0\r\n\r\n", 400, "\r\nabc"},
    {CHUNKED "g\r\nabc\r\n0\r\n\r\n", 400, "g"},
    {CHUNKED "000000003\r\nabc\r\n0\r\n\r\n", 400, "3\r\nabc"},
    {CHUNKED "ffffffff\r\n", 413, NULL},
    {CHUNKED "3e9\r\n", 413, NULL},
    {CHUNKED "3\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n", 400, "Trailer"},
    {CHUNKED "3\r\nabc\r\n0\r\n\n", 400, "\n"},
    {CHUNKED "3\r\nabc\r\n0\r\n\rX", 400, "X"},
    {CHUNKED "3\rXabc\r\n0\r\n\r\n", 400, "Xabc"},
};

static void test_every_refusal_names_its_place_however_it_is_cut(void) {
    struct reading got;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *request = refused[i].request;
        size_t len = strlen(request);
        size_t offset = 0;
        for (size_t cut = 0; cut <= len; cut++) {
            read_cut(request, len, cut, &got);
            CHECK_INT(got.result, PARSE_BAD);
            CHECK_INT(got.error.status, refused[i].status);
            if (cut == 0)
                offset = got.error.offset;
            CHECK_INT(got.error.offset, offset);
            if (refused[i].at) {
                size_t left = len - offset, want = strlen(refused[i].at);
                CHECK(got.error.offset <= len);
                CHECK_TEXT(request + offset, left < want ? left : want, refused[i].at);
            }
            if (got.error.got >= 0)
                CHECK_INT(got.error.got, (unsigned char)request[offset]);
        }
    }
}

static void test_a_nul_byte_is_refused_wherever_it_stands_in_the_head(void) {
    static const char request[] = "GET /a HTTP/1.1\r\nHost: localhost\r\nX: y\r\n\r\n";
    struct http_head head;
    struct http_error error;
    for (size_t i = 0; i + 1 < sizeof request; i++) {
        char copy[sizeof request];
        memcpy(copy, request, sizeof request);
        copy[i] = '\0';
        CHECK_INT(http_parse_head(copy, sizeof request - 1, BODY_LIMIT, &head, &error), PARSE_BAD);
        CHECK_INT(error.offset, i);
        CHECK_INT(error.status, 400);
    }
}

static size_t fill(char *out, const char *start, char c, size_t count, const char *end) {
    size_t len = strlen(start);
    memcpy(out, start, len);
    memset(out + len, c, count);
    memcpy(out + len + count, end, strlen(end));
    return len + count + strlen(end);
}

static void test_limits_have_their_own_statuses(void) {
    static char big[3 * LIMIT_HEADER_BYTES];
    struct http_head head;
    struct http_error error;
    size_t len = fill(big, "GET /", 'a', LIMIT_TARGET_BYTES - 1, " HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT(http_parse_head(big, len, BODY_LIMIT, &head, &error), PARSE_DONE);
    len = fill(big, "GET /", 'a', LIMIT_TARGET_BYTES, " HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT(http_parse_head(big, len, BODY_LIMIT, &head, &error), PARSE_BAD);
    CHECK_INT(error.status, 414);

    const char *start = "GET / HTTP/1.1\r\n" HOST "X: ";
    size_t room = LIMIT_HEADER_BYTES - strlen(start) - 4;
    len = fill(big, start, 'a', room, "\r\n\r\n");
    CHECK_INT(http_parse_head(big, len, BODY_LIMIT, &head, &error), PARSE_DONE);
    len = fill(big, start, 'a', room + 1, "\r\n\r\n");
    CHECK_INT(http_parse_head(big, len, BODY_LIMIT, &head, &error), PARSE_BAD);
    CHECK_INT(error.status, 431);

    len = fill(big, "GET / HTTP/1.1\r\n" HOST, ' ', 0, "");
    for (unsigned i = 1; i < LIMIT_HEADERS; i++)
        len += fill(big + len, "A: b\r\n", ' ', 0, "");
    len += fill(big + len, "\r\n", ' ', 0, "");
    CHECK_INT(http_parse_head(big, len, BODY_LIMIT, &head, &error), PARSE_DONE);
    CHECK_INT(head.field_count, LIMIT_HEADERS);
    len += fill(big + len - 2, "A: b\r\n\r\n", ' ', 0, "") - 2;
    CHECK_INT(http_parse_head(big, len, BODY_LIMIT, &head, &error), PARSE_BAD);
    CHECK_INT(error.status, 431);
}

static void test_connection_close_is_found_in_a_list(void) {
    static const struct {
        const char *request;
        bool keep_alive;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: Close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: keep-alive, \tclose ,x\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n", false},
    };
    struct http_head head;
    struct http_error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_INT(http_parse_head(cases[i].request, strlen(cases[i].request), BODY_LIMIT, &head, &error), PARSE_DONE);
        CHECK_INT(head.keep_alive, cases[i].keep_alive);
    }
}

static void test_percent_decoding_gives_the_bytes(void) {
    char out[32];
    struct str text = STR("a%2Fb%00%C3%a9%25");
    size_t len = http_percent_decode(text, out);
    CHECK_INT(len, 7);
    CHECK(memcmp(out, "a/b\0\xc3\xa9%", 7) == 0);
}

int main(void) {
    TEST(test_every_valid_request_reads_the_same_however_it_is_cut);
    TEST(test_every_refusal_names_its_place_however_it_is_cut);
    TEST(test_a_nul_byte_is_refused_wherever_it_stands_in_the_head);
    TEST(test_limits_have_their_own_statuses);
    TEST(test_connection_close_is_found_in_a_list);
    TEST(test_percent_decoding_gives_the_bytes);
    return test_end();
}
