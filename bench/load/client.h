/* Kept-alive connections to one server: each carries one request at a time. Free ones wait in a ring and are used in
 * turn, so that a server with several processes gets its load on all of them. */
#ifndef ASSAY_BENCH_CLIENT_H
#define ASSAY_BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../engine/base/error.h"

enum { CLIENT_ANSWER_BYTES = 65536 };

struct client {
    int fd;
    bool busy, writing; /* writing: the socket took only a part so far */
    uint64_t due_ns;    /* of the request that it carries */
    uint64_t sent_ns, free_ns;
    size_t request_len, request_sent, answer_len;
    char *request;
    char answer[CLIENT_ANSWER_BYTES];
};

struct clients {
    int epoll_fd;
    uint16_t port;
    uint32_t count, free_count, free_at;
    struct client *client;
    uint32_t *ring; /* of the free ones' indices */
};

enum client_outcome {
    CLIENT_PENDING,  /* the answer is not whole yet */
    CLIENT_ANSWERED, /* status is set */
    CLIENT_BROKEN,   /* the connection ended under a request, or while idle (was_busy false); it was opened anew */
    CLIENT_STOP,     /* the error says why nothing more can be measured */
};

struct client_event {
    enum client_outcome outcome;
    int status;
    bool was_busy;
    const char *body; /* of the answer; valid until the next call */
    size_t body_len;
};

/* Opens all connections. request_bytes: the longest request. */
bool clients_open(struct clients *clients, uint16_t port, uint32_t count, size_t request_bytes, struct error *error);
void clients_close(struct clients *clients);
/* Takes a free connection; free_count must not be 0. */
struct client *clients_take(struct clients *clients);
/* Gives it back. */
void clients_give(struct clients *clients, struct client *client, uint64_t now_ns);
/* Sends client->request[0..request_len). False: the connection is broken; client_advance will say so. */
bool client_send(struct clients *clients, struct client *client);
/* Reads what is there, and writes what was left. */
struct client_event client_advance(struct clients *clients, struct client *client, uint32_t events,
                                   struct error *error);

#endif
