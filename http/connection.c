/* One connection: reading, calling the handler, sending. The states are in connection.h; loop.c calls conn_advance when a
 * socket, a ticket or a timer says that something may be possible. A step either goes on, pauses until the next event, or
 * closes. */
#include "connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../engine/base/assert.h"

enum step { STEP_GO, STEP_PAUSE, STEP_CLOSE };

enum { FIRST_BYTES = 4096, READ_ROOM = 1024, STEPS_A_TURN = 64, KEEP_BYTES = 256 * 1024 };

/* --- queues and the pool --- */

void conn_enqueue(struct loop *loop, struct conn *conn, enum conn_queue queue) {
    ASSERT(conn->queue == QUEUE_NONE);
    ASSERT(queue != QUEUE_NONE);
    struct conn_list *list = &loop->queues[queue];
    conn->queue = queue;
    conn->queue_next = NULL;
    conn->queue_prev = list->last;
    if (list->last)
        list->last->queue_next = conn;
    else
        list->first = conn;
    list->last = conn;
    list->count++;
}

void conn_dequeue(struct loop *loop, struct conn *conn) {
    if (conn->queue == QUEUE_NONE)
        return;
    struct conn_list *list = &loop->queues[conn->queue];
    ASSERT(list->count > 0);
    *(conn->queue_prev ? &conn->queue_prev->queue_next : &list->first) = conn->queue_next;
    *(conn->queue_next ? &conn->queue_next->queue_prev : &list->last) = conn->queue_prev;
    list->count--;
    conn->queue = QUEUE_NONE;
}

static void set_deadline(struct loop *loop, struct conn *conn, uint32_t after_ms) {
    conn->deadline_ns = loop->now_ns + (uint64_t)after_ms * 1000000;
    if (conn->deadline_ns < loop->next_scan_ns)
        loop->next_scan_ns = conn->deadline_ns;
}

static struct conn *conn_make(struct loop *loop) {
    struct conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        return NULL;
    conn->in.memory = conn->response.out.memory = loop->memory;
    if (!http_bytes_grow(&conn->in, FIRST_BYTES) || !http_bytes_grow(&conn->response.out, FIRST_BYTES)) {
        http_bytes_release(&conn->in);
        free(conn);
        return NULL;
    }
    return conn;
}

struct conn *conn_open(struct loop *loop, int fd) {
    ASSERT(fd >= 0);
    struct conn *conn = loop->pool;
    if (conn)
        loop->pool = conn->next;
    else
        conn = conn_make(loop);
    if (!conn)
        return NULL;
    conn->fd = fd;
    conn->phase = CONN_HEAD;
    conn->queue = QUEUE_NONE;
    conn->may_read = conn->hung_up = conn->peer_closed = conn->look = conn->refused = false;
    conn->in.len = conn->at = 0;
    conn->request = (struct http_request){.head = &conn->head};
    http_response_reset(&conn->response);
    conn->prev = NULL;
    conn->next = loop->all;
    if (loop->all)
        loop->all->prev = conn;
    loop->all = conn;
    loop->open++;
    set_deadline(loop, conn, loop->limits->idle_time_ms);
    return conn;
}

void conn_rest(struct conn *conn) {
    ASSERT(conn->in.cap >= FIRST_BYTES && conn->response.out.cap >= FIRST_BYTES);
    if (conn->in.len == 0 && conn->in.cap > KEEP_BYTES)
        http_bytes_shrink(&conn->in, FIRST_BYTES);
    if (conn->response.out.len == 0 && conn->response.out.cap > KEEP_BYTES)
        http_bytes_shrink(&conn->response.out, FIRST_BYTES);
}

void conn_close(struct loop *loop, struct conn *conn) {
    ASSERT(conn->fd >= 0 && loop->open > 0);
    conn_dequeue(loop, conn);
    (void)close(conn->fd); /* also leaves the epoll set */
    conn->fd = -1;
    *(conn->prev ? &conn->prev->next : &loop->all) = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    loop->open--;
    conn->in.len = conn->response.out.len = 0;
    conn_rest(conn);
    conn->next = loop->pool;
    loop->pool = conn;
}

void conn_free_pool(struct loop *loop) {
    while (loop->pool) {
        struct conn *conn = loop->pool;
        loop->pool = conn->next;
        http_bytes_release(&conn->in);
        http_bytes_release(&conn->response.out);
        free(conn);
    }
}

bool conn_is_idle(const struct conn *conn) { return conn->phase == CONN_HEAD && conn->in.len == conn->at; }

/* --- answering --- */

/* Puts the head before the body and begins to send. */
static void begin_send(struct loop *loop, struct conn *conn) {
    ASSERT(conn->queue == QUEUE_NONE);
    ASSERT(conn->response.status >= 200);
    bool close = conn->response.close || loop->stopping;
    conn->response.close = close;
    bool bodyless = conn->request.head->method.len == 4 && memcmp(conn->request.head->method.p, "HEAD", 4) == 0;
    conn->sent = http_response_head(&conn->response, loop->date, close);
    if (bodyless)
        conn->response.out.len = HTTP_HEAD_ROOM;
    conn->phase = CONN_SEND;
    set_deadline(loop, conn, loop->limits->send_time_ms);
}

void conn_refuse(struct loop *loop, struct conn *conn, int status, const char *detail) {
    ASSERT(conn->phase == CONN_HEAD || conn->phase == CONN_BODY);
    http_response_reset(&conn->response);
    http_problem(&conn->response, status, detail);
    conn->response.close = conn->refused = true;
    if (status == 503)
        http_field_add(&conn->response, "Retry-After: 1");
    conn->head.method = (struct str){NULL, 0}; /* what could not be read is no HEAD */
    loop->service->refused(loop->service->context, loop->local, status);
    begin_send(loop, conn);
}

static void refuse_error(struct loop *loop, struct conn *conn, const struct http_error *error) {
    char detail[256], got[40] = "";
    if (error->got > 0x20 && error->got < 0x7f && error->got != '"' && error->got != '\\')
        (void)snprintf(got, sizeof got, ", got '%c'", error->got);
    else if (error->got >= 0)
        (void)snprintf(got, sizeof got, ", got byte 0x%02X", (unsigned)error->got);
    (void)snprintf(detail, sizeof detail, "byte %zu of the request: expected %s%s", error->offset, error->expected, got);
    conn_refuse(loop, conn, error->status, detail);
}

/* --- reading --- */

/* Room to read into: moves the request to the front, then grows, at most as far as this request can need. */
static bool make_room(struct loop *loop, struct conn *conn) {
    struct http_bytes *in = &conn->in;
    if (in->cap - in->len >= READ_ROOM)
        return true;
    if (conn->at > 0) {
        memmove(in->p, in->p + conn->at, in->len - conn->at);
        in->len -= conn->at;
        conn->at = 0;
    }
    if (in->cap - in->len >= READ_ROOM)
        return true;
    size_t most = LIMIT_HEADER_BYTES + READ_ROOM + (conn->phase == CONN_BODY ? loop->limits->body_bytes : 0);
    ASSERT(in->len < most + READ_ROOM);
    size_t cap = in->cap < FIRST_BYTES ? FIRST_BYTES : in->cap * 2;
    return http_bytes_grow(in, cap < most + READ_ROOM ? cap : most + READ_ROOM);
}

/* Reads once. Sets may_read to whether more may be there. */
static enum step fill(struct loop *loop, struct conn *conn) {
    if (!make_room(loop, conn)) {
        conn_refuse(loop, conn, 503, "the memory for request bodies is used up; try again");
        return STEP_GO;
    }
    struct http_bytes *in = &conn->in;
    size_t room = in->cap - in->len;
    ssize_t got = recv(conn->fd, in->p + in->len, room, 0);
    if (got < 0) {
        if (errno == EINTR)
            return STEP_GO;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return STEP_CLOSE;
        conn->may_read = false;
        return STEP_GO;
    }
    if (got == 0) {
        conn->may_read = false;
        conn->peer_closed = true;
        return STEP_GO;
    }
    bool first = conn->phase == CONN_HEAD && in->len == conn->at;
    if (first) {
        conn->request.first_ns = loop->now_ns;
        set_deadline(loop, conn, loop->limits->header_time_ms);
    }
    if (conn->phase == CONN_HEAD)
        conn->look = conn->look || first || memchr(in->p + in->len, '\n', (size_t)got) != NULL ||
                     in->len + (size_t)got - conn->at > LIMIT_HEADER_BYTES;
    in->len += (size_t)got;
    /* a short read took all that was there; the end of the stream has no edge of its own if it was announced before */
    if ((size_t)got < room)
        conn->may_read = conn->hung_up;
    return STEP_GO;
}

static enum step read_more(struct loop *loop, struct conn *conn) {
    if (conn->may_read)
        return fill(loop, conn);
    if (!conn->peer_closed)
        return STEP_PAUSE;
    if (conn_is_idle(conn))
        return STEP_CLOSE;
    conn_refuse(loop, conn, 400, "the connection ended before the request did");
    return STEP_GO;
}

/* --- steps, one a phase --- */

static void complete(struct loop *loop, struct conn *conn) {
    const char *start = conn->in.p + conn->at;
    if (conn->head.method.p != start) { /* the bytes moved while the body came */
        struct http_error error;
        size_t head_bytes = conn->head.bytes;
        enum http_parse again = http_parse_head(start, head_bytes, loop->limits->body_bytes, &conn->head, &error);
        ASSERT(again == PARSE_DONE && conn->head.bytes == head_bytes);
    }
    conn->request.body = (struct str){start + conn->head.bytes, conn->body_bytes};
    conn->request.complete_ns = http_now_ns();
    conn->request.calls = 0;
    conn->deadline_ns = UINT64_MAX;
    http_response_reset(&conn->response);
    conn->response.close = !conn->head.keep_alive;
    conn->phase = CONN_HANDLE;
}

static enum step begin_body(struct loop *loop, struct conn *conn) {
    conn->phase = CONN_BODY;
    conn->body_bytes = 0;
    conn->chunks = (struct http_chunks){0};
    set_deadline(loop, conn, loop->limits->body_time_ms);
    bool none_yet = conn->in.len - conn->at == conn->head.bytes;
    bool some_due = conn->head.chunked || conn->head.content_length > 0;
    if (conn->head.expects_continue && none_yet && some_due) {
        static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
        if (send(conn->fd, text, sizeof text - 1, MSG_NOSIGNAL) != (ssize_t)sizeof text - 1)
            return STEP_CLOSE;
    }
    return STEP_GO;
}

static enum step step_head(struct loop *loop, struct conn *conn) {
    if (conn->look) {
        struct http_error error;
        conn->look = false;
        switch (http_parse_head(conn->in.p + conn->at, conn->in.len - conn->at, loop->limits->body_bytes, &conn->head, &error)) {
        case PARSE_DONE:
            return begin_body(loop, conn);
        case PARSE_BAD:
            refuse_error(loop, conn, &error);
            return STEP_GO;
        case PARSE_MORE:
            break;
        }
    }
    return read_more(loop, conn);
}

static enum step step_chunks(struct loop *loop, struct conn *conn) {
    struct http_bytes *in = &conn->in;
    size_t end = conn->at + conn->head.bytes + conn->body_bytes, consumed, produced;
    if (in->len == end)
        return read_more(loop, conn);
    struct http_error error;
    enum http_parse result =
        http_chunks_decode(&conn->chunks, in->p + end, in->len - end, loop->limits->body_bytes, &consumed, &produced, &error);
    if (result == PARSE_BAD) {
        error.offset += conn->head.bytes;
        refuse_error(loop, conn, &error);
        return STEP_GO;
    }
    /* what follows the message moves up behind its decoded body */
    memmove(in->p + end + produced, in->p + end + consumed, in->len - end - consumed);
    in->len -= consumed - produced;
    conn->body_bytes += produced;
    if (result == PARSE_DONE)
        complete(loop, conn);
    return STEP_GO;
}

static enum step step_body(struct loop *loop, struct conn *conn) {
    if (conn->head.chunked)
        return step_chunks(loop, conn);
    if (conn->in.len - conn->at < conn->head.bytes + conn->head.content_length)
        return read_more(loop, conn);
    conn->body_bytes = (size_t)conn->head.content_length;
    complete(loop, conn);
    return STEP_GO;
}

static void finish(struct loop *loop, struct conn *conn) {
    loop->service->finished(loop->service->context, loop->local, &conn->request, &conn->response);
    begin_send(loop, conn);
}

static enum step step_handle(struct loop *loop, struct conn *conn) {
    ASSERT(conn->queue == QUEUE_NONE);
    conn->request.stopping = loop->stopping;
    enum http_outcome outcome =
        loop->service->handle(loop->service->context, loop->local, &conn->request, &conn->response);
    conn->request.calls++;
    switch (outcome) {
    case HTTP_DONE:
        finish(loop, conn);
        return STEP_GO;
    case HTTP_WAIT:
        conn->phase = CONN_WAIT;
        conn_enqueue(loop, conn, QUEUE_WAITING);
        return STEP_PAUSE;
    case HTTP_AGAIN:
        conn_enqueue(loop, conn, QUEUE_AGAIN);
        return STEP_PAUSE;
    }
    UNREACHABLE();
}

void conn_release_answer(struct loop *loop, struct conn *conn, bool failed) {
    ASSERT(conn->phase == CONN_WAIT && conn->queue == QUEUE_WAITING);
    conn_dequeue(loop, conn);
    if (failed) {
        http_body_clear(&conn->response);
        conn->response.fields_len = 0;
        loop->service->failed(loop->service->context, loop->local, &conn->request, &conn->response);
    }
    finish(loop, conn);
    conn_advance(loop, conn);
}

static void next_request(struct loop *loop, struct conn *conn) {
    conn->at += conn->head.bytes + conn->body_bytes;
    ASSERT(conn->at <= conn->in.len);
    if (conn->at == conn->in.len)
        conn->at = conn->in.len = 0;
    http_response_reset(&conn->response);
    conn->phase = CONN_HEAD;
    conn->look = conn->in.len > conn->at;
    conn->request.first_ns = loop->now_ns;
    set_deadline(loop, conn, conn->look ? loop->limits->header_time_ms : loop->limits->idle_time_ms);
}

static enum step step_send(struct loop *loop, struct conn *conn) {
    struct http_bytes *out = &conn->response.out;
    ASSERT(conn->sent < out->len);
    ssize_t sent = send(conn->fd, out->p + conn->sent, out->len - conn->sent, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno == EINTR)
            return STEP_GO;
        return errno == EAGAIN || errno == EWOULDBLOCK ? STEP_PAUSE : STEP_CLOSE;
    }
    conn->sent += (size_t)sent;
    if (conn->sent < out->len) {
        set_deadline(loop, conn, loop->limits->send_time_ms);
        return STEP_GO;
    }
    if (!conn->response.close && !loop->stopping) {
        next_request(loop, conn);
        return STEP_GO;
    }
    bool all_read = !conn->refused && !conn->may_read && conn->in.len == conn->at + conn->head.bytes + conn->body_bytes;
    if (all_read || conn->peer_closed || shutdown(conn->fd, SHUT_WR) != 0)
        return STEP_CLOSE;
    conn->phase = CONN_LINGER;
    set_deadline(loop, conn, loop->limits->linger_time_ms);
    return STEP_GO;
}

static enum step step_linger(struct loop *loop, struct conn *conn) {
    ASSERT(loop);
    if (!conn->may_read)
        return STEP_PAUSE;
    char waste[16384];
    ssize_t got = recv(conn->fd, waste, sizeof waste, 0);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK))
        return STEP_CLOSE;
    if (got < 0 && errno != EINTR)
        conn->may_read = false;
    return STEP_GO;
}

void conn_advance(struct loop *loop, struct conn *conn) {
    ASSERT(conn->queue == QUEUE_NONE);
    ASSERT(conn->fd >= 0);
    for (unsigned i = 0; i < STEPS_A_TURN; i++) {
        enum step step = STEP_PAUSE;
        switch (conn->phase) {
        case CONN_HEAD: step = step_head(loop, conn); break;
        case CONN_BODY: step = step_body(loop, conn); break;
        case CONN_HANDLE: step = step_handle(loop, conn); break;
        case CONN_WAIT: UNREACHABLE();
        case CONN_SEND: step = step_send(loop, conn); break;
        case CONN_LINGER: step = step_linger(loop, conn); break;
        }
        if (step == STEP_PAUSE)
            return;
        if (step == STEP_CLOSE) {
            conn_close(loop, conn);
            return;
        }
    }
    conn_enqueue(loop, conn, QUEUE_BACKLOG); /* others first */
}

void conn_timeout(struct loop *loop, struct conn *conn) {
    ASSERT(conn->deadline_ns <= loop->now_ns);
    if (conn->phase != CONN_BODY && (conn->phase != CONN_HEAD || conn_is_idle(conn))) {
        ASSERT(conn->phase == CONN_HEAD || conn->phase == CONN_SEND || conn->phase == CONN_LINGER);
        conn_close(loop, conn);
        return;
    }
    conn_dequeue(loop, conn);
    conn_refuse(loop, conn, 408, conn->phase == CONN_HEAD ? "the request line and header fields took too long"
                                                          : "the body took too long");
    conn_advance(loop, conn);
}
