/* The event loops over real sockets with a small service of the test's own: order, waiting, calling again, limits, stopping.
 *
 * Paths: /echo answers the body; /wait answers when the gate opens, or 503 when it fails; /again is called until the gate
 * opens; /parts adds one byte a call, ten times; /big answers many bytes. */
#include "loop.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../engine/base/assert.h"
#include "../engine/base/test.h"

enum { BIG_BYTES = 3000000 };

struct gate {
    _Atomic int state; /* HTTP_PENDING, HTTP_READY, HTTP_FAILED */
    _Atomic int handled, finished, refused;
    struct http_server *server;
    uint32_t loops;
};

static bool path_is(const struct http_request *request, const char *path) {
    return str_equal(request->head->path, str_of(path));
}

static enum http_outcome handle(void *context, void *local, const struct http_request *request, struct http_response *response) {
    struct gate *gate = context;
    if (request->calls == 0)
        atomic_fetch_add(&gate->handled, 1);
    response->status = 200;
    response->content_type = STR("text/plain");
    if (path_is(request, "/parts")) {
        ASSERT(http_body_add(response, "x", 1));
        return request->calls < 9 ? HTTP_AGAIN : HTTP_DONE;
    }
    if (path_is(request, "/again")) {
        response->retry_ns = http_now_ns() + 200000000;
        if (atomic_load(&gate->state) == HTTP_PENDING && request->calls < 3)
            return HTTP_AGAIN;
        char text[32];
        ASSERT(http_body_add(response, text, (size_t)snprintf(text, sizeof text, "%u", request->calls)));
        return HTTP_DONE;
    }
    if (path_is(request, "/big")) {
        static const char block[1000];
        for (unsigned i = 0; i < BIG_BYTES / sizeof block; i++)
            ASSERT(http_body_add(response, block, sizeof block));
        return HTTP_DONE;
    }
    ASSERT(http_body_add(response, request->body.p, request->body.len));
    http_field_add(response, "X-Loop: %d", *(int *)local);
    return path_is(request, "/wait") ? HTTP_WAIT : HTTP_DONE;
}

static enum http_readiness ready(void *context, uint64_t ticket) {
    ASSERT(ticket == 0);
    return (enum http_readiness)atomic_load(&((struct gate *)context)->state);
}

static void failed(void *context, void *local, const struct http_request *request, struct http_response *response) {
    http_problem(response, 503, "the gate failed");
}

static void on_finished(void *context, void *local, const struct http_request *request, struct http_response *response) {
    atomic_fetch_add(&((struct gate *)context)->finished, 1);
}

static void on_refused(void *context, void *local, int status) { atomic_fetch_add(&((struct gate *)context)->refused, 1); }

static int loop_numbers[4] = {0, 1, 2, 3};

static void start(struct gate *gate, uint32_t loops, const struct http_limits *limits) {
    struct error error;
    *gate = (struct gate){.state = HTTP_PENDING, .loops = loops};
    struct http_config config = {.host = "127.0.0.1",
                                 .loops = loops,
                                 .limits = limits ? *limits : http_limits_default(),
                                 .service = {gate, handle, ready, failed, on_finished, on_refused}};
    gate->server = http_server_open(&config, &error);
    ASSERT(gate->server);
    for (uint32_t i = 0; i < loops; i++)
        http_server_set_local(gate->server, i, &loop_numbers[i]);
    ASSERT(http_server_start(gate->server, &error));
}

static void stop(struct gate *gate) {
    http_server_stop(gate->server);
    http_server_close(gate->server);
}

static void set_gate(struct gate *gate, enum http_readiness state) {
    atomic_store(&gate->state, (int)state);
    for (uint32_t i = 0; i < gate->loops; i++) {
        uint64_t one = 1;
        ASSERT(write(http_server_event_fd(gate->server, i), &one, sizeof one) == sizeof one);
    }
}

static int dial(const struct gate *gate) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(http_server_port(gate->server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    struct timeval limit = {.tv_sec = 10};
    ASSERT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    return fd;
}

static void say(int fd, const char *text) { CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text)); }

/* Reads until `end` was seen or the peer closed; the text is NUL-terminated. */
static size_t hear(int fd, char *out, size_t room, const char *end) {
    size_t len = 0;
    out[0] = '\0';
    while (len + 1 < room && !(end && strstr(out, end))) {
        ssize_t got = recv(fd, out + len, room - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
        out[len] = '\0';
    }
    return len;
}

#define HOST "Host: localhost\r\n"

static bool quiet(int fd, int ms) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, ms) == 0;
}

static void test_pipelined_requests_are_answered_in_order(void) {
    struct gate gate;
    start(&gate, 1, NULL);
    char text[65536];
    int fd = dial(&gate);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\none"
            "POST /parts HTTP/1.1\r\n" HOST "\r\n"
            "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\ntw\r\n1\r\no\r\n0\r\n\r\n"
            "POST /wait HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nthree"
            "HEAD /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nfour"
            "POST /echo HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 4\r\n\r\nfive");
    hear(fd, text, sizeof text, "\r\n\r\ntwo");
    CHECK(strstr(text, "\r\n\r\nxxxxxxxxxxHTTP/1.1 200 OK") != NULL);
    CHECK(strstr(text, "\r\n\r\none") && strstr(text, "\r\n\r\none") < strstr(text, "xxxx"));
    CHECK(quiet(fd, 100));
    set_gate(&gate, HTTP_READY);
    hear(fd, text, sizeof text, NULL);
    CHECK(strstr(text, "\r\n\r\nthreeHTTP/1.1") != NULL);
    CHECK(strstr(text, "Content-Length: 4\r\nX-Loop: 0\r\n\r\nHTTP/1.1") != NULL);
    CHECK(strstr(text, "Connection: close\r\n\r\nfive") != NULL);
    CHECK_INT(gate.finished, 6);
    close(fd);
    stop(&gate);
}

static void test_a_thousand_pipelined_requests_on_ready_tickets_all_get_through(void) {
    struct gate gate;
    start(&gate, 1, NULL);
    set_gate(&gate, HTTP_READY);
    int fd = dial(&gate);
    for (unsigned i = 0; i < 1000; i++)
        say(fd, "POST /wait HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n!");
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 3\r\n\r\nend");
    char text[65536];
    size_t total = 0, got;
    while ((got = hear(fd, text, sizeof text, NULL)) > 0)
        total += got;
    CHECK(total > 100000);
    CHECK_INT(gate.finished, 1001);
    close(fd);
    stop(&gate);
}

static void test_a_failed_ticket_replaces_the_answer(void) {
    struct gate gate;
    start(&gate, 1, NULL);
    char text[4096];
    int fd = dial(&gate);
    say(fd, "POST /wait HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nsecret");
    CHECK(quiet(fd, 50));
    set_gate(&gate, HTTP_FAILED);
    hear(fd, text, sizeof text, "failed");
    CHECK(strstr(text, "HTTP/1.1 503 ") == text);
    CHECK(!strstr(text, "secret") && !strstr(text, "X-Loop") && strstr(text, "application/problem+json"));
    close(fd);
    stop(&gate);
}

static void test_again_is_called_on_events_and_at_its_time(void) {
    struct gate gate;
    start(&gate, 1, NULL);
    char text[4096];
    int fd = dial(&gate);
    say(fd, "GET /again HTTP/1.1\r\n" HOST "\r\n");
    hear(fd, text, sizeof text, "\r\n\r\n3"); /* three waits of 200 ms */
    CHECK(strstr(text, "\r\n\r\n3") != NULL);
    say(fd, "GET /again HTTP/1.1\r\n" HOST "\r\n");
    while (atomic_load(&gate.handled) < 2)
        usleep(1000);
    uint64_t before = http_now_ns();
    set_gate(&gate, HTTP_READY);
    hear(fd, text, sizeof text, "\r\n\r\n1");
    CHECK(strstr(text, "\r\n\r\n1") != NULL);
    CHECK(http_now_ns() - before < 150000000);
    close(fd);
    stop(&gate);
}

static void test_a_request_of_single_bytes_and_one_in_a_chunk_each_reads_the_same(void) {
    struct gate gate;
    start(&gate, 1, NULL);
    char text[4096];
    static const char request[] = "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\nb\r\nhello world\r\n0\r\n\r\n";
    int fd = dial(&gate), on = 1;
    CHECK(setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on) == 0);
    for (size_t i = 0; i + 1 < sizeof request; i++) {
        CHECK(send(fd, request + i, 1, MSG_NOSIGNAL) == 1);
        usleep(200);
    }
    hear(fd, text, sizeof text, "world");
    CHECK(strstr(text, "\r\n\r\nabchello world") != NULL);
    close(fd);
    stop(&gate);
}

static void test_a_large_body_comes_back_whole_in_one_length_or_in_chunks(void) {
    struct gate gate;
    start(&gate, 2, NULL);
    enum { BYTES = 2000000 };
    char *body = malloc(BYTES), *got = malloc(BYTES + 4096);
    CHECK(body && got);
    for (size_t i = 0; i < BYTES; i++)
        body[i] = (char)('a' + (i * 7 + i / 1000) % 26);
    for (unsigned chunked = 0; chunked < 2; chunked++) {
        int fd = dial(&gate);
        char head[256];
        if (chunked)
            (void)snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" HOST "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
        else
            (void)snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: %d\r\n\r\n", BYTES);
        say(fd, head);
        for (size_t at = 0; at < BYTES;) {
            size_t piece = chunked ? 40000 : BYTES;
            if (chunked) {
                (void)snprintf(head, sizeof head, "%zx\r\n", piece);
                say(fd, head);
            }
            for (size_t end = at + piece; at < end;) {
                ssize_t sent = send(fd, body + at, end - at, MSG_NOSIGNAL);
                ASSERT(sent > 0);
                at += (size_t)sent;
            }
            if (chunked)
                say(fd, "\r\n");
        }
        if (chunked)
            say(fd, "0\r\n\r\n");
        size_t len = hear(fd, got, BYTES + 4096, NULL);
        CHECK(len > BYTES && memcmp(got + len - BYTES, body, BYTES) == 0);
        close(fd);
    }
    free(body);
    free(got);
    stop(&gate);
}

static void test_an_answer_waits_for_a_slow_reader_and_others_do_not(void) {
    struct gate gate;
    start(&gate, 1, NULL);
    char text[4096];
    int slow = dial(&gate), fast = dial(&gate);
    say(slow, "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    usleep(50000);
    say(fast, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi");
    hear(fast, text, sizeof text, "\r\n\r\nhi");
    CHECK(strstr(text, "\r\n\r\nhi") != NULL);
    char *got = malloc(BIG_BYTES + 4096);
    CHECK(got != NULL);
    size_t total = 0;
    ssize_t more;
    while ((more = recv(slow, got, BIG_BYTES, 0)) > 0)
        total += (size_t)more;
    CHECK(total > BIG_BYTES && total < BIG_BYTES + 1000);
    free(got);
    close(slow);
    close(fast);
    stop(&gate);
}

static void test_time_limits_answer_408_and_idle_connections_are_closed(void) {
    struct gate gate;
    struct http_limits limits = http_limits_default();
    limits.header_time_ms = limits.body_time_ms = 100;
    limits.idle_time_ms = 300;
    start(&gate, 1, &limits);
    char text[4096];
    static const char *const slow[] = {"GET / HTTP/1.1\r\nHost:", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabc"};
    for (unsigned i = 0; i < 2; i++) {
        int fd = dial(&gate);
        say(fd, slow[i]);
        hear(fd, text, sizeof text, NULL);
        CHECK(strstr(text, "HTTP/1.1 408 ") == text);
        CHECK(strstr(text, "\"status\": 408") && strstr(text, "Connection: close\r\n"));
        close(fd);
    }
    int idle = dial(&gate);
    uint64_t before = http_now_ns();
    CHECK_INT(hear(idle, text, sizeof text, NULL), 0);
    CHECK(http_now_ns() - before > 250000000 && http_now_ns() - before < 2000000000);
    close(idle);
    CHECK_INT(gate.refused, 2);
    CHECK_INT(gate.handled, 0);
    stop(&gate);
}

static void test_a_half_closed_client_gets_its_answer_and_a_cut_request_a_400(void) {
    struct gate gate;
    start(&gate, 1, NULL);
    char text[4096];
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi", "HTTP/1.1 200 "},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nhi", "HTTP/1.1 400 "},
        {"POST /echo HTTP/1.1\r\nHo", "HTTP/1.1 400 "},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "HTTP/1.1 400 "},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = dial(&gate);
        say(fd, cases[i].request);
        CHECK(shutdown(fd, SHUT_WR) == 0);
        hear(fd, text, sizeof text, NULL);
        CHECK(strncmp(text, cases[i].answer, strlen(cases[i].answer)) == 0 && (text[0] != '\0') == (cases[i].answer[0] != '\0'));
        close(fd);
    }
    stop(&gate);
}

static void test_connections_beyond_the_limit_are_answered_503(void) {
    struct gate gate;
    struct http_limits limits = http_limits_default();
    limits.connections = 8;
    start(&gate, 2, &limits);
    char text[4096];
    int fds[8];
    for (unsigned i = 0; i < 8; i++) {
        fds[i] = dial(&gate);
        say(fds[i], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok");
        hear(fds[i], text, sizeof text, "\r\n\r\nok");
        CHECK(strstr(text, "HTTP/1.1 200 ") == text);
    }
    CHECK_INT(http_server_connections(gate.server), 8);
    int ninth = dial(&gate);
    hear(ninth, text, sizeof text, NULL);
    CHECK(strstr(text, "HTTP/1.1 503 ") == text && strstr(text, "Retry-After: 1\r\n"));
    close(ninth);
    for (unsigned i = 0; i < 8; i++)
        close(fds[i]);
    for (unsigned i = 0; i < 2000 && http_server_connections(gate.server) > 0; i++)
        usleep(1000);
    CHECK_INT(http_server_connections(gate.server), 0);
    stop(&gate);
}

static void test_large_bodies_beyond_the_memory_are_refused_and_small_ones_served(void) {
    struct gate gate;
    struct http_limits limits = http_limits_default();
    limits.memory_bytes = 100000;
    start(&gate, 1, &limits);
    char text[4096];
    int fd = dial(&gate);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 500000\r\n\r\n");
    char block[10000];
    memset(block, 'a', sizeof block);
    for (unsigned i = 0; i < 50; i++)
        (void)!send(fd, block, sizeof block, MSG_NOSIGNAL);
    hear(fd, text, sizeof text, NULL);
    CHECK(strstr(text, "HTTP/1.1 503 ") == text);
    close(fd);
    fd = dial(&gate);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok");
    hear(fd, text, sizeof text, "\r\n\r\nok");
    CHECK(strstr(text, "HTTP/1.1 200 ") == text);
    close(fd);
    stop(&gate);
}

static void *stopper(void *server) {
    http_server_stop(server);
    return NULL;
}

static void test_stopping_answers_what_has_begun_and_refuses_what_comes_after(void) {
    struct gate gate;
    start(&gate, 2, NULL);
    char text[4096];
    int waiting = dial(&gate), half = dial(&gate), idle = dial(&gate);
    say(waiting, "POST /wait HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nlast");
    say(half, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nha");
    say(idle, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nidle");
    hear(idle, text, sizeof text, "\r\n\r\nidle");
    while (atomic_load(&gate.handled) < 2)
        usleep(1000);
    pthread_t thread;
    ASSERT(pthread_create(&thread, NULL, stopper, gate.server) == 0);
    CHECK_INT(hear(idle, text, sizeof text, NULL), 0); /* closed */
    usleep(50000);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(http_server_port(gate.server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(late, (struct sockaddr *)&address, sizeof address) != 0);
    say(half, "lf");
    hear(half, text, sizeof text, NULL);
    CHECK(strstr(text, "Connection: close\r\n\r\nhalf") != NULL);
    set_gate(&gate, HTTP_READY);
    hear(waiting, text, sizeof text, NULL);
    CHECK(strstr(text, "Connection: close\r\n\r\nlast") != NULL);
    ASSERT(pthread_join(thread, NULL) == 0);
    close(waiting);
    close(half);
    close(idle);
    close(late);
    http_server_close(gate.server);
}

static void test_connections_are_spread_over_the_loops(void) {
    struct gate gate;
    start(&gate, 4, NULL);
    char text[4096];
    int fds[8], of_loop[4] = {0};
    for (unsigned i = 0; i < 8; i++) {
        fds[i] = dial(&gate);
        say(fds[i], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi");
        hear(fds[i], text, sizeof text, "\r\n\r\nhi");
        const char *field = strstr(text, "X-Loop: ");
        CHECK(field != NULL);
        if (field)
            of_loop[field[8] - '0']++;
    }
    for (unsigned i = 0; i < 4; i++)
        CHECK_INT(of_loop[i], 2);
    for (unsigned i = 0; i < 8; i++)
        close(fds[i]);
    stop(&gate);
}

static void test_a_taken_port_is_an_error(void) {
    struct gate gate;
    start(&gate, 1, NULL);
    struct error error;
    struct http_config config = {.host = "127.0.0.1", .port = http_server_port(gate.server), .loops = 1, .limits = http_limits_default()};
    CHECK(http_server_open(&config, &error) == NULL);
    CHECK(strstr(error.text, "cannot listen on 127.0.0.1 port ") == error.text);
    config.host = "localhost";
    CHECK(http_server_open(&config, &error) == NULL);
    CHECK_INT(error.kind, ERROR_INPUT);
    stop(&gate);
}

static void test_dates_are_as_http_writes_them(void) {
    char date[HTTP_DATE_BYTES];
    http_date(784111777, date);
    CHECK_TEXT(date, sizeof date, "Sun, 06 Nov 1994 08:49:37 GMT");
}

int main(void) {
    TEST(test_pipelined_requests_are_answered_in_order);
    TEST(test_a_thousand_pipelined_requests_on_ready_tickets_all_get_through);
    TEST(test_a_failed_ticket_replaces_the_answer);
    TEST(test_again_is_called_on_events_and_at_its_time);
    TEST(test_a_request_of_single_bytes_and_one_in_a_chunk_each_reads_the_same);
    TEST(test_a_large_body_comes_back_whole_in_one_length_or_in_chunks);
    TEST(test_an_answer_waits_for_a_slow_reader_and_others_do_not);
    TEST(test_time_limits_answer_408_and_idle_connections_are_closed);
    TEST(test_a_half_closed_client_gets_its_answer_and_a_cut_request_a_400);
    TEST(test_connections_beyond_the_limit_are_answered_503);
    TEST(test_large_bodies_beyond_the_memory_are_refused_and_small_ones_served);
    TEST(test_stopping_answers_what_has_begun_and_refuses_what_comes_after);
    TEST(test_connections_are_spread_over_the_loops);
    TEST(test_a_taken_port_is_an_error);
    TEST(test_dates_are_as_http_writes_them);
    return test_end();
}
