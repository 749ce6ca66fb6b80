/* The null server: the event loops with a constant answer of 340 bytes to requests of 800 bytes, and a generator on the same
 * machine. What any server over this room can reach at most.
 *
 * Usage: loop_bench [connections [seconds [loops]]]    16, 3 and 1 by default */
#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../engine/base/assert.h"

enum { REQUEST_BODY = 800, ANSWER_BODY = 340, MAX_SAMPLES = 4000000 };

static enum http_outcome handle(void *context, void *local, const struct http_request *request, struct http_response *response) {
    static const char body[ANSWER_BODY];
    ASSERT(request->body.len == REQUEST_BODY);
    response->status = 200;
    response->content_type = STR("application/json");
    ASSERT(http_body_add(response, body, sizeof body));
    return HTTP_DONE;
}

static enum http_readiness ready(void *context, uint64_t ticket) { return HTTP_READY; }
static void failed(void *context, void *local, const struct http_request *request, struct http_response *response) { UNREACHABLE(); }
static void finished(void *context, void *local, const struct http_request *request, struct http_response *response) {}
static void refused(void *context, void *local, int status) { UNREACHABLE(); }

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int dial(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    ASSERT(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    ASSERT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    return fd;
}

struct client {
    int fd;
    uint64_t sent_ns;
};

static char request[2048];
static size_t request_len;

static void ask(struct client *client) {
    client->sent_ns = http_now_ns();
    ASSERT(send(client->fd, request, request_len, MSG_NOSIGNAL) == (ssize_t)request_len);
}

static void measure(uint16_t port, uint32_t connections, uint32_t seconds) {
    struct client *clients = calloc(connections, sizeof *clients);
    uint32_t *samples = malloc(MAX_SAMPLES * sizeof *samples), count = 0;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ASSERT(clients && samples && epoll_fd >= 0);
    for (uint32_t i = 0; i < connections; i++) {
        clients[i].fd = dial(port);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
        ASSERT(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, clients[i].fd, &event) == 0);
        ask(&clients[i]);
    }
    uint64_t start = http_now_ns(), end = start + seconds * 1000000000ull, now = start;
    while (now < end && count < MAX_SAMPLES - 256) {
        struct epoll_event events[256];
        int ready_count = epoll_wait(epoll_fd, events, 256, 1000);
        now = http_now_ns();
        for (int i = 0; i < ready_count; i++) {
            struct client *client = events[i].data.ptr;
            char answer[2048];
            ssize_t got = recv(client->fd, answer, sizeof answer, 0);
            ASSERT(got > ANSWER_BODY); /* small answers come whole over loopback */
            samples[count++] = (uint32_t)(now - client->sent_ns);
            ask(client);
        }
    }
    double took = (double)(now - start) / 1e9;
    qsort(samples, count, sizeof *samples, by_value);
    printf("%u connections: %.0f requests/s, p50 %.1f us, p99 %.1f us, p99.9 %.1f us\n", connections, count / took,
           samples[count / 2] / 1e3, samples[(uint64_t)count * 99 / 100] / 1e3, samples[(uint64_t)count * 999 / 1000] / 1e3);
    for (uint32_t i = 0; i < connections; i++)
        close(clients[i].fd);
    close(epoll_fd);
    free(clients);
    free(samples);
}

int main(int argc, char **argv) {
    uint32_t connections = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 16;
    uint32_t seconds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 3;
    uint32_t loops = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1;
    struct error error = {0};
    struct http_config config = {.host = "127.0.0.1", .loops = loops, .limits = http_limits_default(),
                                 .service = {NULL, handle, ready, failed, finished, refused}};
    struct http_server *server = http_server_open(&config, &error);
    ASSERT(server && http_server_start(server, &error));
    request_len = (size_t)snprintf(request, sizeof request,
                                   "POST /v1/score HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n"
                                   "Accept: */*\r\nUser-Agent: bench\r\nContent-Length: %d\r\n\r\n",
                                   REQUEST_BODY);
    memset(request + request_len, ' ', REQUEST_BODY);
    request_len += REQUEST_BODY;
    measure(http_server_port(server), connections, seconds);
    http_server_stop(server);
    http_server_close(server);
    return 0;
}
