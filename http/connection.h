/* Private to the http folder: one connection as a state machine, and the loop as connections see it.
 *
 *   HEAD   reading a request's head; also idle      -> BODY, HANDLE, or SEND (refused)
 *   BODY   reading its body                         -> HANDLE, or SEND (refused)
 *   HANDLE complete; the handler is called          -> SEND (done), WAIT, or stays (again)
 *   WAIT   its answer waits for its ticket          -> SEND
 *   SEND   the answer is being sent                 -> HEAD, LINGER, closed
 *   LINGER answered and shut down; what still comes is thrown away, so that the peer reads the answer before a reset
 *
 * Sockets are registered once, edge-triggered for reading and writing: `may_read` remembers an edge that was not used up.
 * Invariants: a connection is in at most one queue; in WAIT it is in WAITING, in a paused HANDLE in AGAIN; the current
 * request begins at in.p + at; in BODY the bytes after the head are decoded body bytes (chunks are decoded in place). */
#ifndef ASSAY_HTTP_CONNECTION_H
#define ASSAY_HTTP_CONNECTION_H

#include "loop.h"

enum conn_phase { CONN_HEAD, CONN_BODY, CONN_HANDLE, CONN_WAIT, CONN_SEND, CONN_LINGER };
enum conn_queue { QUEUE_NONE, QUEUE_WAITING, QUEUE_AGAIN, QUEUE_BACKLOG, QUEUE_COUNT };

struct conn {
    int fd;
    enum conn_phase phase;
    enum conn_queue queue;
    bool may_read, hung_up, peer_closed;
    bool look;    /* the bytes that came may end a head */
    bool refused; /* answered without having read all: there may be more to throw away */
    struct conn *prev, *next;                  /* all of a loop; next: also the pool */
    struct conn *queue_prev, *queue_next;
    struct http_bytes in;
    size_t at;
    size_t body_bytes;
    struct http_chunks chunks;
    uint64_t deadline_ns;                      /* UINT64_MAX: none */
    struct http_head head;
    struct http_request request;
    struct http_response response;
    size_t sent;
};

struct conn_list {
    struct conn *first, *last;
    uint32_t count;
};

struct loop {
    struct http_server *server;
    const struct http_limits *limits;
    const struct http_service *service;
    struct http_memory *memory;
    void *local;
    uint32_t index;
    int epoll_fd, wake_fd;
    uint64_t now_ns;       /* of this turn */
    uint64_t next_scan_ns; /* when a timer may be due */
    uint64_t drain_ns;     /* UINT64_MAX until stopping */
    bool stopping, accepting, ask_again;
    struct conn *all, *pool;
    uint32_t open;
    struct conn_list queues[QUEUE_COUNT];
    int64_t date_seconds;
    char date[HTTP_DATE_BYTES];
};

void conn_enqueue(struct loop *loop, struct conn *conn, enum conn_queue queue);
void conn_dequeue(struct loop *loop, struct conn *conn);

/* A fresh connection on fd, from the pool; NULL without memory. Its socket is not yet registered. */
struct conn *conn_open(struct loop *loop, int fd);
/* Closes the socket; the connection goes back to the pool. */
void conn_close(struct loop *loop, struct conn *conn);
/* Does what can be done now; may close it. */
void conn_advance(struct loop *loop, struct conn *conn);
/* The ticket of a connection in WAIT is READY or FAILED. */
void conn_release_answer(struct loop *loop, struct conn *conn, bool failed);
/* Answers without a request and closes. */
void conn_refuse(struct loop *loop, struct conn *conn, int status, const char *detail);
/* Its deadline has passed. */
void conn_timeout(struct loop *loop, struct conn *conn);
/* Gives large buffers that hold nothing back to the system. */
void conn_rest(struct conn *conn);
void conn_free_pool(struct loop *loop);
/* No byte of a request is there. */
bool conn_is_idle(const struct conn *conn);

#endif
