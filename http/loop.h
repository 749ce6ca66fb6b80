/* The event loops: connections, timers, and the meeting point with whoever answers. Knows nothing of payments.
 *
 * One loop a thread, each with its own epoll set; one listening socket for all, so that a second server on the same port is
 * an error. Whichever loop accepts hands the connection to the loop that has the fewest. A connection stays with its loop,
 * one request at a time, in order.
 *
 * A turn of a loop: read and handle what is readable; then ask once which of the waiting answers may leave; send; then the
 * timers. So all requests of a turn share one commit. */
#ifndef ASSAY_HTTP_LOOP_H
#define ASSAY_HTTP_LOOP_H

#include "../engine/base/error.h"
#include "parse.h"
#include "reply.h"

struct http_request {
    const struct http_head *head;
    struct str body;
    uint64_t first_ns;    /* monotonic: its first byte had been read */
    uint64_t complete_ns; /* its last byte had been read */
    uint32_t calls;       /* how often it was handled before (HTTP_AGAIN) */
    bool stopping;        /* the server is shutting down */
};

enum http_outcome {
    HTTP_DONE,  /* the response may leave */
    HTTP_WAIT,  /* it may leave when ready(ticket) says so; asked again whenever the loop's event fd is written to */
    HTTP_AGAIN, /* call handle again with the same request, at the next event or at retry_ns; the body so far is kept */
};

enum http_readiness { HTTP_PENDING, HTTP_READY, HTTP_FAILED };

/* Whoever answers. All are called by a loop's thread with that loop's `local`. None may block. */
struct http_service {
    void *context;
    /* The request's bytes are valid until the answer is sent; response memory is the connection's. */
    enum http_outcome (*handle)(void *context, void *local, const struct http_request *request, struct http_response *response);
    enum http_readiness (*ready)(void *context, uint64_t ticket);
    /* The ticket failed: replaces the response that was waiting. */
    void (*failed)(void *context, void *local, const struct http_request *request, struct http_response *response);
    /* The response is about to leave: the last moment for fields; and for counting. */
    void (*finished)(void *context, void *local, const struct http_request *request, struct http_response *response);
    /* An answer without a request: broken framing, a time limit, too many connections. */
    void (*refused)(void *context, void *local, int status);
};

struct http_limits {
    uint32_t header_time_ms, body_time_ms, idle_time_ms, send_time_ms, linger_time_ms, drain_time_ms;
    uint32_t connections;
    size_t body_bytes;
    size_t memory_bytes; /* of all connections' large buffers */
};
/* The limits of limits.h, and 30 s to send, 2 s to linger, 5 s to drain, 1 GiB. */
struct http_limits http_limits_default(void);

struct http_config {
    const char *host; /* a numeric IPv4 or IPv6 address */
    uint16_t port;    /* 0: any */
    uint32_t loops;
    struct http_limits limits;
    struct http_service service;
};

struct http_server;

/* Binds and listens. NULL and error on failure. */
struct http_server *http_server_open(const struct http_config *config, struct error *error);
uint16_t http_server_port(const struct http_server *server);
/* The eventfd of loop 0..loops-1: a write makes it ask its waiting answers again. */
int http_server_event_fd(const struct http_server *server, uint32_t loop);
/* The loop's own argument of the service's functions; before the start. */
void http_server_set_local(struct http_server *server, uint32_t loop, void *local);
/* Starts the threads. */
bool http_server_start(struct http_server *server, struct error *error);
/* Stops accepting, answers what has begun, closes the rest; joins the threads. At most about drain_time_ms. */
void http_server_stop(struct http_server *server);
void http_server_close(struct http_server *server);
/* Open connections; any thread. */
uint32_t http_server_connections(const struct http_server *server);

uint64_t http_now_ns(void); /* monotonic */

#endif
