/* The routes (routes.h): finds the handler of a request, checks what every request must have, answers the small ones.
 * Called by the loops through the service; calls engine.h. Everything here belongs to the calling loop but the engine. */
#include "routes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../engine/base/assert.h"
#include "access.h"
#include "handlers.h"

static const struct {
    const char *path;
    bool is_prefix;         /* the rest of the path is a name */
    bool posts;             /* POST; else GET and HEAD */
    const char *query_name; /* the one parameter it knows */
    enum route route;
} table[] = {
    {"/v1/score", false, true, "features", ROUTE_SCORE},
    {"/v1/events/", true, true, NULL, ROUTE_EVENTS},
    {"/v1/decisions/", true, false, "explain", ROUTE_DECISIONS},
    {"/healthz", false, false, NULL, ROUTE_HEALTHZ},
    {"/readyz", false, false, NULL, ROUTE_READYZ},
    {"/metrics", false, false, NULL, ROUTE_METRICS},
};
enum { ITEMS_ARENA_BYTES = 64 * LIMIT_BATCH_EVENTS + 65536 }; /* a batch's items, growing by doubling */
enum { TABLE_COUNT = sizeof table / sizeof *table };

/* --- answers --- */

enum http_outcome reply_problem(struct routes_local *local, struct http_response *response, int status, const char *format, ...) {
    ASSERT(status >= 400 && status < 600);
    char detail[600];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    ASSERT(len >= 0);
    size_t used = (size_t)len < sizeof detail ? (size_t)len : sizeof detail - 1;
    bool ascii;
    used = utf8_valid_prefix(detail, used, &ascii); /* a cut may have split a character */
    struct buf body;
    buf_init(&body, engine_arena(local->thread), 8192);
    engine_problem(&body, status, http_status_slug(status), http_status_name(status), (struct str){detail, used});
    http_body_clear(response);
    response->status = status;
    response->content_type = STR("application/problem+json");
    response->ticket = 0;
    if (body.failed || !http_body_add(response, body.p, body.len))
        http_problem(response, status, "no memory to say more");
    return HTTP_DONE;
}

enum http_outcome reply_engine(struct routes_local *local, struct http_response *response, const struct engine_answer *answer) {
    ASSERT(answer->http_status >= 200 && answer->http_status < 600);
    response->status = answer->http_status;
    response->content_type = answer->http_status < 400 ? STR("application/json") : STR("application/problem+json");
    response->ticket = answer->wait;
    if (!http_body_add(response, answer->body.p, answer->body.len))
        return reply_problem(local, response, 503, "no memory for the answer; ask again");
    return answer->wait ? HTTP_WAIT : HTTP_DONE;
}

static enum http_outcome reply_text(struct routes_local *local, struct http_response *response, struct str type, struct str text) {
    response->status = 200;
    response->content_type = type;
    if (!http_body_add(response, text.p, text.len))
        return reply_problem(local, response, 503, "no memory for the answer; ask again");
    return HTTP_DONE;
}

/* --- the small routes --- */

static enum http_outcome handle_readyz(struct routes_local *local, const struct http_request *request, struct http_response *response) {
    const char *why = "the server is stopping";
    if (!request->stopping && engine_ready(local->routes->config.engine, &why))
        return reply_text(local, response, STR("application/json"), STR("{\"ready\": true}"));
    return reply_problem(local, response, 503, "not ready to score: %s", why);
}

static enum http_outcome handle_metrics(struct routes_local *local, struct http_response *response) {
    struct routes *routes = local->routes;
    struct buf text;
    buf_init(&text, engine_arena(local->thread), 4u << 20);
    metrics_write(routes->metrics, routes->config.loops, http_server_connections(routes->server), &text);
    engine_metrics(routes->config.engine, &text);
    if (text.failed)
        return reply_problem(local, response, 503, "no memory for the metrics");
    return reply_text(local, response, STR("text/plain; version=0.0.4; charset=utf-8"), (struct str){text.p, text.len});
}

/* The last part of a path, decoded into local->name. False: answered. */
static bool decode_name(struct routes_local *local, struct http_response *response, struct str part, const char *what,
                        struct str *name) {
    bool ascii;
    ASSERT(part.len <= sizeof local->name);
    *name = (struct str){local->name, http_percent_decode(part, local->name)};
    if (name->len <= LIMIT_ID_BYTES && utf8_valid_prefix(name->p, name->len, &ascii) == name->len)
        return true;
    (void)reply_problem(local, response, 400, "the %s in the path: expected at most %u bytes of UTF-8, percent-encoded", what,
                         LIMIT_ID_BYTES);
    return false;
}

static enum http_outcome handle_decision(struct routes_local *local, struct str part, bool explain, struct http_response *response) {
    struct str id;
    if (!decode_name(local, response, part, "id", &id))
        return HTTP_DONE;
    struct engine_answer answer;
    engine_decision(local->thread, id, explain, &answer);
    return reply_engine(local, response, &answer);
}

/* --- finding the handler --- */

static bool is_read(struct str method) { return str_equal(method, STR("GET")) || str_equal(method, STR("HEAD")); }

/* The table's row for a path, or TABLE_COUNT; *rest is what follows a prefix. */
static unsigned find_row(struct str path, struct str *rest) {
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        size_t len = strlen(table[i].path);
        bool same = path.len >= len && memcmp(path.p, table[i].path, len) == 0;
        if (!same || (table[i].is_prefix ? path.len == len : path.len != len))
            continue;
        *rest = (struct str){path.p + len, path.len - len};
        if (!memchr(path.p + len, '/', rest->len))
            return i;
    }
    return TABLE_COUNT;
}

/* Host and Origin. False: answered. */
static bool check_access(struct routes_local *local, const struct http_head *head, struct http_response *response) {
    if (!access_host_allowed(head->host)) {
        (void)reply_problem(local, response, 403, "Host: expected localhost or a loopback address, got \"%.*s\"",
                             (int)(head->host.len < 100 ? head->host.len : 100), head->host.p);
        return false;
    }
    if (!access_origin_allowed(head)) {
        (void)reply_problem(local, response, 403, "Origin: expected none, or this server itself (http://%.*s)",
                             (int)(head->host.len < 100 ? head->host.len : 100), head->host.p);
        return false;
    }
    return true;
}

/* Reads Assay-Deadline-Ms. False: answered. */
static bool read_deadline(struct routes_local *local, const struct http_request *request, struct http_response *response) {
    uint64_t most = local->routes->config.deadline_ms, ms = most;
    struct str text = http_field(request->head, "assay-deadline-ms");
    if (text.p) {
        bool good = text.len > 0 && text.len <= 9 && http_field_count(request->head, "assay-deadline-ms") == 1;
        ms = 0;
        for (size_t i = 0; good && i < text.len; i++) {
            good = text.p[i] >= '0' && text.p[i] <= '9';
            ms = ms * 10 + (uint64_t)(text.p[i] - '0');
        }
        if (!good || ms == 0) {
            (void)reply_problem(local, response, 400, "Assay-Deadline-Ms: expected one whole number of milliseconds from 1, got \"%.*s\"",
                                 (int)(text.len < 40 ? text.len : 40), text.p);
            return false;
        }
        ms = ms < most ? ms : most;
    }
    note_of(response)->deadline_ns = request->complete_ns + ms * 1000000;
    return true;
}

/* What must hold of a request for row `row`, and is remembered of it. False: answered. */
static bool check_request(struct routes_local *local, unsigned row, const struct http_request *request,
                          struct http_response *response) {
    const struct http_head *head = request->head;
    struct note *note = note_of(response);
    if (table[row].posts ? !str_equal(head->method, STR("POST")) : !is_read(head->method)) {
        const char *allow = table[row].posts ? "POST" : "GET, HEAD";
        http_field_add(response, "Allow: %s", allow);
        (void)reply_problem(local, response, 405, "method of %s: expected %s, got %.*s", table[row].path, allow,
                             (int)head->method.len, head->method.p);
        return false;
    }
    bool option;
    struct str bad;
    const char *known = table[row].query_name;
    if (!access_query(head->query, known, &option, &bad)) {
        (void)reply_problem(local, response, 400, "query of %s: expected %s%s, got \"%.*s\"", table[row].path,
                             known ? known : "no parameters", known ? "=0 or =1, once" : "", (int)(bad.len < 100 ? bad.len : 100),
                             bad.p);
        return false;
    }
    note->options = option ? NOTE_OPTION : 0;
    if (!table[row].posts)
        return true;
    enum media media = access_media(head);
    if (media == MEDIA_OTHER) {
        struct str type = http_field(head, "content-type");
        http_field_add(response, "Accept-Post: application/json, application/x-ndjson");
        (void)reply_problem(local, response, 415,
                             "Content-Type: expected one application/json or application/x-ndjson, in UTF-8 and without "
                             "Content-Encoding, got %s%.*s%s",
                             type.p ? "\"" : "nothing", (int)(type.len < 100 ? type.len : 100), type.p ? type.p : "",
                             type.p ? "\"" : "");
        return false;
    }
    note->options |= media == MEDIA_NDJSON ? NOTE_LINES : 0;
    return read_deadline(local, request, response);
}

static enum http_outcome dispatch(struct routes_local *local, const struct http_request *request, struct http_response *response) {
    struct note *note = note_of(response);
    struct str rest = {NULL, 0}, name = {NULL, 0};
    unsigned row = find_row(request->head->path, &rest);
    if (request->calls == 0) {
        note->route = row < TABLE_COUNT ? table[row].route : ROUTE_NONE;
        if (!check_access(local, request->head, response))
            return HTTP_DONE;
        if (row < TABLE_COUNT && !check_request(local, row, request, response))
            return HTTP_DONE;
    }
    switch ((enum route)note->route) {
    case ROUTE_SCORE:
        return handle_events(local, (struct str){NULL, 0}, request, response);
    case ROUTE_EVENTS:
        if (!decode_name(local, response, rest, "event's name", &name))
            return HTTP_DONE;
        return handle_events(local, name, request, response);
    case ROUTE_DECISIONS:
        return handle_decision(local, rest, (note->options & NOTE_OPTION) != 0, response);
    case ROUTE_HEALTHZ:
        return reply_text(local, response, STR("application/json"), STR("{\"status\": \"ok\"}"));
    case ROUTE_READYZ:
        return handle_readyz(local, request, response);
    case ROUTE_METRICS:
        return handle_metrics(local, response);
    case ROUTE_NONE:
        return reply_problem(local, response, 404,
                              "no such path: expected /v1/score, /v1/events/NAME, /v1/decisions/ID, /healthz, /readyz or "
                              "/metrics, got \"%.*s\"",
                              (int)(request->head->path.len < 200 ? request->head->path.len : 200), request->head->path.p);
    case ROUTE_COUNT:
        break;
    }
    UNREACHABLE();
}

/* --- the service --- */

static enum http_outcome handle(void *context, void *own, const struct http_request *request, struct http_response *response) {
    struct routes_local *local = own;
    ASSERT(context == local->routes);
    uint64_t start = request->calls == 0 ? request->complete_ns : http_now_ns();
    engine_reset(local->thread);
    enum http_outcome outcome = dispatch(local, request, response);
    struct note *note = note_of(response);
    note->handled_ns = http_now_ns();
    note->engine_ns += note->handled_ns - start;
    return outcome;
}

static enum http_readiness ready(void *context, uint64_t ticket) {
    struct routes *routes = context;
    switch (engine_is_durable(routes->config.engine, ticket)) {
    case ENGINE_PENDING: return HTTP_PENDING;
    case ENGINE_DURABLE: return HTTP_READY;
    case ENGINE_FAILED: return HTTP_FAILED;
    }
    UNREACHABLE();
}

static void failed(void *context, void *own, const struct http_request *request, struct http_response *response) {
    ASSERT(context && own && request);
    http_problem(response, 503, "the journal failed before this was durable; nothing was acknowledged");
}

static void add_timing(const struct http_request *request, struct http_response *response, uint64_t journal_ns) {
    const struct note *note = note_of(response);
    uint64_t receive_us = (request->complete_ns - request->first_ns) / 1000, engine_us = note->engine_ns / 1000;
    uint64_t journal_us = journal_ns / 1000;
    http_field_add(response, "Server-Timing: receive;dur=%u.%03u, engine;dur=%u.%03u, journal;dur=%u.%03u",
                   (unsigned)(receive_us / 1000), (unsigned)(receive_us % 1000), (unsigned)(engine_us / 1000),
                   (unsigned)(engine_us % 1000), (unsigned)(journal_us / 1000), (unsigned)(journal_us % 1000));
}

static void on_finished(void *context, void *own, const struct http_request *request, struct http_response *response) {
    struct routes_local *local = own;
    struct metrics *metrics = &local->metrics;
    const struct note *note = note_of(response);
    ASSERT(context == local->routes && note->route < ROUTE_COUNT);
    uint64_t now = http_now_ns(), journal_ns = now - note->handled_ns;
    metrics_count(metrics, (enum route)note->route, response->status);
    metrics_observe(&metrics->latency[note->route], now - request->complete_ns);
    if (note->route == ROUTE_SCORE || note->route == ROUTE_EVENTS) {
        metrics_observe(&metrics->stages[STAGE_RECEIVE], request->complete_ns - request->first_ns);
        metrics_observe(&metrics->stages[STAGE_ENGINE], note->engine_ns);
        metrics_observe(&metrics->stages[STAGE_JOURNAL], journal_ns);
        add_timing(request, response, journal_ns);
    }
    if (response->status == 503)
        http_field_add(response, "Retry-After: 1");
}

static void on_refused(void *context, void *own, int status) {
    ASSERT(context);
    metrics_count(&((struct routes_local *)own)->metrics, ROUTE_NONE, status);
}

struct http_service routes_service(struct routes *routes) {
    ASSERT(routes);
    return (struct http_service){routes, handle, ready, failed, on_finished, on_refused};
}

struct routes *routes_open(const struct routes_config *config, struct error *error) {
    ASSERT(config->engine && config->loops > 0 && config->loops <= ROUTES_LOOPS_LIMIT);
    struct routes *routes = calloc(1, sizeof *routes);
    if (routes)
        routes->locals = calloc(config->loops, sizeof *routes->locals);
    if (!routes || !routes->locals) {
        free(routes);
        (void)error_set(error, ERROR_SYSTEM, "no memory for the server");
        return NULL;
    }
    routes->config = *config;
    return routes;
}

bool routes_attach(struct routes *routes, struct http_server *server, struct error *error) {
    ASSERT(routes->attached == 0);
    routes->server = server;
    for (uint32_t i = 0; i < routes->config.loops; i++) {
        struct routes_local *local = &routes->locals[i];
        local->routes = routes;
        arena_init(&local->items_arena, ITEMS_ARENA_BYTES);
        local->thread = engine_thread_open(routes->config.engine, error);
        if (!local->thread)
            return false;
        routes->metrics[i] = &local->metrics;
        routes->attached++;
        engine_listen(routes->config.engine, http_server_event_fd(server, i));
        http_server_set_local(server, i, local);
    }
    return true;
}

void routes_close(struct routes *routes) {
    if (!routes)
        return;
    for (uint32_t i = 0; i < routes->attached; i++) {
        engine_thread_close(routes->locals[i].thread);
        arena_release(&routes->locals[i].items_arena);
    }
    free(routes->locals);
    free(routes);
}
