/* The connections: non-blocking sockets in one epoll set, level-triggered for reading, and for writing only while a
 * request is half sent. Answers need a Content-Length, as all servers measured here send it; anything else stops the
 * run with an error. */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../engine/base/assert.h"

static bool dial(struct clients *clients, struct client *client, struct error *error) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(clients->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return error_system(error, errno, "cannot open a connection");
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0)
        return error_system(error, errno, "127.0.0.1:%u: is a server listening there?", clients->port);
    ASSERT(setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(clients->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) != 0)
        return error_system(error, errno, "epoll_ctl");
    client->busy = client->writing = false;
    client->answer_len = 0;
    return true;
}

bool clients_open(struct clients *clients, uint16_t port, uint32_t count, size_t request_bytes, struct error *error) {
    *clients = (struct clients){.port = port, .count = count, .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    clients->client = calloc(count, sizeof *clients->client);
    clients->ring = calloc(count, sizeof *clients->ring);
    ASSERT(clients->epoll_fd >= 0 && clients->client && clients->ring);
    for (uint32_t i = 0; i < count; i++)
        clients->client[i].fd = -1;
    for (uint32_t i = 0; i < count; i++) {
        clients->client[i].request = malloc(request_bytes);
        ASSERT(clients->client[i].request);
        if (!dial(clients, &clients->client[i], error))
            return false;
        clients->ring[i] = i;
    }
    clients->free_count = count;
    return true;
}

void clients_close(struct clients *clients) {
    for (uint32_t i = 0; i < clients->count; i++) {
        if (clients->client[i].fd >= 0)
            (void)close(clients->client[i].fd);
        free(clients->client[i].request);
    }
    free(clients->client);
    free(clients->ring);
    (void)close(clients->epoll_fd);
}

struct client *clients_take(struct clients *clients) {
    ASSERT(clients->free_count > 0);
    struct client *client = &clients->client[clients->ring[clients->free_at]];
    clients->free_at = (clients->free_at + 1) % clients->count;
    clients->free_count--;
    ASSERT(!client->busy);
    client->busy = true;
    client->request_sent = 0;
    return client;
}

void clients_give(struct clients *clients, struct client *client, uint64_t now_ns) {
    ASSERT(clients->free_count < clients->count);
    clients->ring[(clients->free_at + clients->free_count++) % clients->count] = (uint32_t)(client - clients->client);
    client->busy = false;
    client->free_ns = now_ns;
}

static void watch(struct clients *clients, struct client *client, bool writing) {
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = client};
    ASSERT(epoll_ctl(clients->epoll_fd, EPOLL_CTL_MOD, client->fd, &event) == 0);
    client->writing = writing;
}

bool client_send(struct clients *clients, struct client *client) {
    ASSERT(client->busy && client->request_sent <= client->request_len);
    size_t left = client->request_len - client->request_sent;
    ssize_t sent = send(client->fd, client->request + client->request_sent, left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    client->request_sent += sent > 0 ? (size_t)sent : 0;
    bool writing = client->request_sent < client->request_len;
    if (writing != client->writing)
        watch(clients, client, writing);
    return true;
}

/* The connection is gone: a fresh one takes its place. */
static struct client_event renew(struct clients *clients, struct client *client, struct error *error) {
    bool was_busy = client->busy;
    (void)close(client->fd);
    client->fd = -1;
    if (!dial(clients, client, error))
        return (struct client_event){.outcome = CLIENT_STOP};
    client->busy = was_busy; /* until it is given back */
    return (struct client_event){.outcome = CLIENT_BROKEN, .was_busy = was_busy};
}

/* The value of a field, up to its line's end; NULL without it. */
static const char *field_of(const char *head, size_t len, const char *name) {
    size_t name_len = strlen(name);
    const char *line = head, *end = head + len;
    while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL && (size_t)(end - ++line) > name_len)
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':')
            return line + name_len + 1;
    return NULL;
}

static struct client_event stop(struct error *error, const char *what) {
    error_set(error, ERROR_INPUT, "the server's answer: %s", what);
    return (struct client_event){.outcome = CLIENT_STOP};
}

/* What stands in the buffer as an answer. */
static struct client_event parse(struct clients *clients, struct client *client, struct error *error) {
    const char *end = memmem(client->answer, client->answer_len, "\r\n\r\n", 4);
    if (!end)
        return client->answer_len == CLIENT_ANSWER_BYTES ? stop(error, "expected a head of at most 64 KiB")
                                                         : (struct client_event){.outcome = CLIENT_PENDING};
    size_t head_len = (size_t)(end - client->answer) + 4;
    if (head_len < 16 || memcmp(client->answer, "HTTP/1.", 7) != 0)
        return stop(error, "expected HTTP/1.1");
    const char *length = field_of(client->answer, head_len, "Content-Length"),
               *connection = field_of(client->answer, head_len, "Connection");
    if (!length)
        return stop(error, "expected a Content-Length, got none (chunks are not read)");
    size_t body_len = strtoul(length, NULL, 10);
    if (body_len > CLIENT_ANSWER_BYTES - head_len)
        return stop(error, "expected at most 64 KiB");
    if (client->answer_len < head_len + body_len)
        return (struct client_event){.outcome = CLIENT_PENDING};
    if (client->answer_len > head_len + body_len)
        return stop(error, "more bytes came than its Content-Length says");
    struct client_event event = {.outcome = CLIENT_ANSWERED,
                                 .status = (int)strtol(client->answer + 9, NULL, 10),
                                 .was_busy = client->busy,
                                 .body = client->answer + head_len,
                                 .body_len = body_len};
    client->answer_len = 0;
    if (!event.was_busy)
        return stop(error, "it came without a request");
    if (connection && strncasecmp(connection + (connection[0] == ' '), "close", 5) == 0 &&
        renew(clients, client, error).outcome == CLIENT_STOP)
        event.outcome = CLIENT_STOP;
    return event;
}

struct client_event client_advance(struct clients *clients, struct client *client, uint32_t events,
                                   struct error *error) {
    if (client->writing && (events & EPOLLOUT) && !client_send(clients, client))
        return renew(clients, client, error);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return (struct client_event){.outcome = CLIENT_PENDING};
    ssize_t got =
        recv(client->fd, client->answer + client->answer_len, CLIENT_ANSWER_BYTES - client->answer_len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return (struct client_event){.outcome = CLIENT_PENDING};
    if (got <= 0)
        return renew(clients, client, error);
    client->answer_len += (size_t)got;
    return parse(clients, client, error);
}
