/* The routes over an engine of the test's own, which does on command what the real one does rarely: keeps an id in flight,
 * lets a ticket wait, fails its journal. What the real engine answers is tested from Python (tests/test_http.py). */
#include "routes.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../engine/base/assert.h"
#include "../engine/base/test.h"
#include "access.h"
#include "options.h"

/* --- the engine: an event is {"id": "x..."}; its first letter says what happens ---
 *   p  decided, waits for the gate      f  in flight until the gate opens     n  decided, durable at once
 *   b  422                              u  503                               (no id) 400 */
struct engine {
    _Atomic int gate; /* enum engine_durable */
    _Atomic int calls;
    int event_fd;
};
struct engine_thread {
    struct engine *engine;
    struct arena arena;
};

struct engine_thread *engine_thread_open(struct engine *engine, struct error *error) {
    struct engine_thread *thread = calloc(1, sizeof *thread);
    ASSERT(thread);
    thread->engine = engine;
    arena_init(&thread->arena, LIMIT_ARENA_BYTES);
    return thread;
}

void engine_thread_close(struct engine_thread *thread) {
    arena_release(&thread->arena);
    free(thread);
}

void engine_reset(struct engine_thread *thread) { arena_reset(&thread->arena); }
struct arena *engine_arena(struct engine_thread *thread) { return &thread->arena; }
void engine_listen(struct engine *engine, int event_fd) { engine->event_fd = event_fd; }
void engine_metrics(struct engine *engine, struct buf *out) { BUF_LITERAL(out, "fake_engine 1\n"); }

bool engine_ready(const struct engine *engine, const char **why) {
    *why = "the gate \"failed\"";
    return engine->gate != ENGINE_FAILED;
}

enum engine_durable engine_is_durable(const struct engine *engine, uint64_t wait) {
    return wait == 0 ? ENGINE_DURABLE : (enum engine_durable)atomic_load(&engine->gate);
}

void engine_problem(struct buf *out, int status, const char *type, const char *title, struct str detail) {
    buf_format(out, "{\"type\": \"urn:assay:problem:%s\", \"title\": \"%s\", \"status\": %d, \"detail\": ", type, title, status);
    buf_json(out, detail);
    buf_char(out, '}');
}

static void fake_answer(struct engine_thread *thread, struct engine_answer *answer, enum engine_status status, int http_status,
                        const char *text, uint64_t wait) {
    *answer = (struct engine_answer){.status = status, .http_status = http_status, .wait = wait};
    answer->body = (struct str){arena_copy(&thread->arena, text, strlen(text)), strlen(text)};
}

void engine_event(struct engine_thread *thread, struct str class_name, struct str json, const struct engine_options *options,
                  struct engine_answer *answer) {
    char text[256];
    atomic_fetch_add(&thread->engine->calls, 1);
    const char *id = json.len ? memmem(json.p, json.len, "\"id\": \"", 7) : NULL;
    (void)snprintf(text, sizeof text, "{\"id\": \"%.2s\", \"class\": \"%.*s\"%s}", id ? id + 7 : "", (int)class_name.len,
                   class_name.p ? class_name.p : "", options->features ? ", \"features\": {}" : "");
    switch (id ? id[7] : 0) {
    case 'p':
        fake_answer(thread, answer, ENGINE_DECIDED, class_name.len ? 202 : 200, text, 7);
        return;
    case 'n':
        fake_answer(thread, answer, ENGINE_DECIDED, class_name.len ? 202 : 200, text, 0);
        return;
    case 'f':
        if (atomic_load(&thread->engine->gate) == ENGINE_PENDING)
            fake_answer(thread, answer, ENGINE_IN_FLIGHT, 503, "{\"status\": 503}", 7);
        else
            fake_answer(thread, answer, ENGINE_REPEATED, 200, text, 0);
        return;
    case 'b':
        fake_answer(thread, answer, ENGINE_BAD_FIELDS, 422, "{\"status\": 422}", 0);
        return;
    case 'u':
        fake_answer(thread, answer, ENGINE_UNAVAILABLE, 503, "{\"status\": 503}", 0);
        return;
    default:
        fake_answer(thread, answer, ENGINE_BAD_JSON, 400, "{\"status\": 400}", 0);
        return;
    }
}

void engine_decision(struct engine_thread *thread, struct str id, bool explain, struct engine_answer *answer) {
    char text[600];
    (void)snprintf(text, sizeof text, "{\"id\": \"%.*s\", \"explain\": %d}", (int)id.len, id.p, explain);
    fake_answer(thread, answer, ENGINE_DECIDED, 200, text, 0);
}

/* --- a server and a client --- */

struct fixture {
    struct engine engine;
    struct routes *routes;
    struct http_server *server;
    char got[1 << 20];
};

static void start(struct fixture *f, uint32_t deadline_ms) {
    struct error error;
    f->engine = (struct engine){.gate = ENGINE_PENDING};
    struct routes_config config = {.engine = &f->engine, .deadline_ms = deadline_ms, .loops = 1};
    f->routes = routes_open(&config, &error);
    ASSERT(f->routes);
    struct http_config http = {
        .host = "127.0.0.1", .loops = 1, .limits = http_limits_default(), .service = routes_service(f->routes)};
    f->server = http_server_open(&http, &error);
    ASSERT(f->server && routes_attach(f->routes, f->server, &error) && http_server_start(f->server, &error));
}

static void stop(struct fixture *f) {
    http_server_stop(f->server);
    routes_close(f->routes);
    http_server_close(f->server);
}

static void set_gate(struct fixture *f, enum engine_durable gate) {
    uint64_t one = 1;
    atomic_store(&f->engine.gate, (int)gate);
    ASSERT(write(f->engine.event_fd, &one, sizeof one) == sizeof one);
}

static int dial(struct fixture *f) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(http_server_port(f->server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 10};
    ASSERT(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    ASSERT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    return fd;
}

static void post(int fd, const char *target, const char *type, const char *extra, const char *body) {
    char head[512];
    int len = snprintf(head, sizeof head,
                       "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\n\r\n",
                       target, type, extra, strlen(body));
    ASSERT(len > 0 && (size_t)len < sizeof head);
    ASSERT(send(fd, head, (size_t)len, MSG_NOSIGNAL) == len);
    for (size_t at = 0, end = strlen(body); at < end;) {
        ssize_t sent = send(fd, body + at, end - at, MSG_NOSIGNAL);
        ASSERT(sent > 0);
        at += (size_t)sent;
    }
}

/* Reads to the end, closes; returns the status. */
static int hear(struct fixture *f, int fd) {
    size_t len = 0;
    ssize_t more;
    while ((more = recv(fd, f->got + len, sizeof f->got - 1 - len, 0)) > 0)
        len += (size_t)more;
    f->got[len] = '\0';
    close(fd);
    return len > 12 ? (int)strtol(f->got + 9, NULL, 10) : 0;
}

static const char *body_of(const struct fixture *f) {
    const char *end = strstr(f->got, "\r\n\r\n");
    return end ? end + 4 : "";
}

static bool silent(int fd, int ms) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 0;
}

static int ask(struct fixture *f, const char *target, const char *type, const char *extra, const char *body) {
    int fd = dial(f);
    post(fd, target, type, extra, body);
    return hear(f, fd);
}

#define JSON "application/json"
#define LINES "application/x-ndjson"

/* --- tests --- */

static void test_an_answer_leaves_only_when_durable(struct fixture *f) {
    start(f, 150);
    int fd = dial(f);
    post(fd, "/v1/score?features=1", JSON, "", "{\"id\": \"p1\"}");
    CHECK(silent(fd, 300)); /* beyond the deadline: what is decided is not taken back */
    set_gate(f, ENGINE_DURABLE);
    CHECK_INT(hear(f, fd), 200);
    CHECK_TEXT(body_of(f), strlen(body_of(f)), "{\"id\": \"p1\", \"class\": \"\", \"features\": {}}");
    CHECK(strstr(f->got, "\r\nServer-Timing: receive;dur=") != NULL);
    CHECK_INT(f->engine.calls, 1);
    stop(f);
}

static void test_a_failed_journal_turns_waiting_answers_into_503(struct fixture *f) {
    start(f, 150);
    int one = dial(f), many = dial(f);
    post(one, "/v1/score", JSON, "", "{\"id\": \"p1\"}");
    post(many, "/v1/events/Login", JSON, "", "[{\"id\": \"p2\"}, {\"id\": \"n2\"}]");
    CHECK(silent(one, 50) && silent(many, 50));
    set_gate(f, ENGINE_FAILED);
    CHECK_INT(hear(f, one), 503);
    CHECK(strstr(f->got, "\r\nRetry-After: 1\r\n") && !strstr(f->got, "p1") && strstr(f->got, "application/problem+json"));
    CHECK_INT(hear(f, many), 503);
    CHECK(!strstr(f->got, "n2"));
    int fd = dial(f);
    static const char readyz[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    CHECK(send(fd, readyz, sizeof readyz - 1, MSG_NOSIGNAL) > 0);
    CHECK_INT(hear(f, fd), 503);
    CHECK(strstr(f->got, "the gate \\\"failed\\\"") != NULL);
    stop(f);
}

static void test_a_twin_in_flight_is_waited_for_until_the_deadline(struct fixture *f) {
    start(f, 300);
    uint64_t before = http_now_ns();
    CHECK_INT(ask(f, "/v1/score", JSON, "", "{\"id\": \"f1\"}"), 503);
    uint64_t took = http_now_ns() - before;
    CHECK(took >= 300000000 && took < 1000000000);
    CHECK(strstr(f->got, "\r\nRetry-After: 1\r\n") && strstr(f->got, "\"status\": 503"));
    before = http_now_ns();
    CHECK_INT(ask(f, "/v1/score", JSON, "Assay-Deadline-Ms: 40\r\n", "{\"id\": \"f1\"}"), 503);
    CHECK(http_now_ns() - before < 250000000);
    int fd = dial(f);
    post(fd, "/v1/score", JSON, "Assay-Deadline-Ms: 99999\r\n", "{\"id\": \"f1\"}");
    CHECK(silent(fd, 50));
    set_gate(f, ENGINE_DURABLE);
    CHECK_INT(hear(f, fd), 200);
    stop(f);
}

static void test_a_batch_keeps_its_order_around_an_item_in_flight(struct fixture *f) {
    start(f, 2000);
    int fd = dial(f);
    post(fd, "/v1/score", JSON, "", " [{\"id\": \"n1\"}, {\"id\": \"f2\"}, {\"id\": \"b3\"}, {\"x\": 1}, {\"id\": \"p5\"}]");
    CHECK(silent(fd, 60));
    set_gate(f, ENGINE_DURABLE);
    CHECK_INT(hear(f, fd), 200);
    CHECK_TEXT(body_of(f), strlen(body_of(f)),
               "[{\"id\": \"n1\", \"class\": \"\"},\n{\"id\": \"f2\", \"class\": \"\"},\n{\"status\": 422},\n{\"status\": 400},\n"
               "{\"id\": \"p5\", \"class\": \"\"}]");
    stop(f);
    start(f, 50);
    CHECK_INT(ask(f, "/v1/events/Login", LINES, "", "{\"id\": \"f1\"}\n\n{\"id\": \"n2\"}\n"), 202);
    CHECK(strstr(body_of(f), "\"status\": 503") && strstr(body_of(f), "}\n{\"id\": \"n2\", \"class\": \"Login\"}\n"));
    CHECK_INT(ask(f, "/v1/events/L%6fgin", LINES, "", "{\"id\": \"n1\"}\n{\"id\": \"n2\"}\n{\"id\": \"n3\"}\n"), 202);
    CHECK(strstr(body_of(f), "{\"id\": \"n3\", \"class\": \"Login\"}\n") != NULL);
    CHECK(strstr(f->got, "\r\nContent-Type: application/x-ndjson\r\n") != NULL);
    stop(f);
}

static void test_a_long_batch_lets_others_in_between(struct fixture *f) {
    enum { COUNT = 9000 };
    start(f, 150);
    char *body = malloc(COUNT * 20), *p = body;
    ASSERT(body);
    for (unsigned i = 0; i < COUNT; i++)
        p += snprintf(p, 20, "{\"id\": \"n%u\"}\n", i % 10);
    CHECK_INT(ask(f, "/v1/score", LINES, "", body), 200);
    size_t lines = 0;
    for (const char *at = body_of(f); *at; at++)
        lines += *at == '\n';
    CHECK_INT(lines, COUNT);
    CHECK_INT(f->engine.calls, COUNT);
    free(body);
    stop(f);
}

static void test_metrics_count_by_route_and_status(struct fixture *f) {
    start(f, 150);
    CHECK_INT(ask(f, "/v1/score", JSON, "", "{\"id\": \"n1\"}"), 200);
    CHECK_INT(ask(f, "/v1/score", JSON, "", "{\"id\": \"u1\"}"), 503);
    CHECK(strstr(f->got, "\r\nRetry-After: 1\r\n") != NULL);
    CHECK_INT(ask(f, "/v1/nothing", JSON, "", ""), 404);
    int fd = dial(f);
    static const char metrics[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    CHECK(send(fd, metrics, sizeof metrics - 1, MSG_NOSIGNAL) > 0);
    CHECK_INT(hear(f, fd), 200);
    CHECK(strstr(f->got, "\nassay_http_requests_total{route=\"score\",status=\"200\"} 1\n") != NULL);
    CHECK(strstr(f->got, "\nassay_http_requests_total{route=\"score\",status=\"503\"} 1\n") != NULL);
    CHECK(strstr(f->got, "\nassay_http_requests_total{route=\"none\",status=\"404\"} 1\n") != NULL);
    CHECK(strstr(f->got, "\nassay_http_request_seconds_count{route=\"score\"} 2\n") != NULL);
    CHECK(strstr(f->got, "\nfake_engine 1\n") != NULL);
    stop(f);
}

static void test_only_loopback_hosts_are_let_in(struct fixture *f) {
    static const char *const good[] = {"localhost", "LocalHost:80", "127.0.0.1", "127.1.2.3:65535", "[::1]", "[::1]:8080"};
    static const char *const bad[] = {"",          "example.com", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1",
                                      "localhost:", "localhost:x", "::1",                   "[::1",                  "[127.0.0.1]",
                                      "[::2]",     "0.0.0.0",     "localhost:1234567",     "[::1]x",                "128.0.0.1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(access_host_allowed(str_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!access_host_allowed(str_of(bad[i])));
    CHECK(f != NULL);
}

static void test_flags_are_read_and_mistakes_named(struct fixture *f) {
    static const struct {
        const char *arguments[6], *text;
    } cases[] = {
        {{"x", "--bundle", "b"}, NULL},
        {{"x", "--bundle=b", "--data=d", "--replay"}, NULL},
        {{"x", "--bundle", "b", "--durability", "interval:50ms"}, NULL},
        {{"x", "--bundle", "b", "--window-budget=2G"}, NULL},
        {{"x", "--bundle", "b", "--listen", "[::1]:0"}, NULL},
        {{"x"}, "--bundle: expected the bundle"},
        {{"x", "--bundel", "b"}, "unknown flag --bundel: did you mean --bundle?"},
        {{"x", "b.assay"}, "unknown argument b.assay"},
        {{"x", "--bundle"}, "--bundle: expected a value, got nothing"},
        {{"x", "--bundle", "b", "--replay"}, "--replay: expected --data"},
        {{"x", "--replay=1"}, "--replay: expected no value, got \"1\""},
        {{"x", "--listen", "0.0.0.0:80"}, "--listen: expected a loopback address"},
        {{"x", "--listen", "8080"}, "--listen: expected HOST:PORT"},
        {{"x", "--listen", "::1:80"}, "--listen: expected HOST:PORT"},
        {{"x", "--listen", "127.0.0.1:65536"}, "--listen: port: expected a whole number from 0 to 65535, got \"65536\""},
        {{"x", "--threads", "0"}, "--threads: expected a whole number from 1 to 64, got \"0\""},
        {{"x", "--threads", "2x"}, "--threads: expected a whole number"},
        {{"x", "--durability", "sometimes"}, "--durability: expected commit, interval:50ms or none, got \"sometimes\""},
        {{"x", "--durability", "interval:50s"}, "--durability: expected commit"},
        {{"x", "--history", "old"}, "--history: expected empty or unknown, got \"old\""},
        {{"x", "--window-budget", "99999999999999999999G"}, "--window-budget: expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *arguments[6];
        int count = 0;
        while (count < 6 && cases[i].arguments[count]) {
            arguments[count] = (char *)(uintptr_t)cases[i].arguments[count];
            count++;
        }
        struct options options;
        struct error error = {0};
        bool good = options_read(count, arguments, &options, &error);
        CHECK_INT(good, cases[i].text == NULL);
        if (cases[i].text)
            CHECK_TEXT(error.text, strlen(error.text) < strlen(cases[i].text) ? strlen(error.text) : strlen(cases[i].text), cases[i].text);
    }
    CHECK(f != NULL);
}

int main(void) {
    struct fixture *f = calloc(1, sizeof *f);
    ASSERT(f);
    test_an_answer_leaves_only_when_durable(f);
    test_a_failed_journal_turns_waiting_answers_into_503(f);
    test_a_twin_in_flight_is_waited_for_until_the_deadline(f);
    test_a_batch_keeps_its_order_around_an_item_in_flight(f);
    test_a_long_batch_lets_others_in_between(f);
    test_metrics_count_by_route_and_status(f);
    test_only_loopback_hosts_are_let_in(f);
    test_flags_are_read_and_mistakes_named(f);
    free(f);
    return test_end();
}
