/* The event loops: accepting, waking, timers, stopping. What happens on one connection is in connection.c.
 *
 * An epoll entry is a connection's address, or a tag in the low bits: the listening socket, the loop's eventfd, or the number
 * of a socket that another loop accepted for this one (it becomes a connection when it first shows up here).
 * Each loop's state is its own thread's; shared are the connection counts, the memory count and the stop flag (atomics). */
#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../engine/base/assert.h"
#include "connection.h"

enum { TAG_BITS = 3, TAG_LISTEN = 1, TAG_WAKE = 2, TAG_NEW = 3, TAG_MASK = 7 };
enum { EVENTS_A_TURN = 256, ACCEPTS_A_TURN = 16, REFUSED_CONNECTIONS = 64, BACKLOG = 4096 };

#define SCAN_LEAST_NS 5000000ull /* timers are looked at no more often than this */
#define ACCEPT_PAUSE_NS 50000000ull

struct http_server {
    struct http_config config;
    struct http_memory memory;
    int listen_fd;
    uint16_t port;
    _Atomic uint32_t connections;
    _Atomic bool stopping;
    struct loop *loops;
    pthread_t *threads;
    _Atomic uint32_t *open; /* connections a loop has, those on their way included */
    uint32_t started;
};

uint64_t http_now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct http_limits http_limits_default(void) {
    return (struct http_limits){
        .header_time_ms = LIMIT_HEADER_TIME_MS,
        .body_time_ms = LIMIT_BODY_TIME_MS,
        .idle_time_ms = LIMIT_IDLE_TIME_MS,
        .send_time_ms = 30000,
        .linger_time_ms = 2000,
        .drain_time_ms = 5000,
        .connections = LIMIT_CONNECTIONS,
        .body_bytes = LIMIT_BATCH_BYTES,
        .memory_bytes = (size_t)1 << 30,
    };
}

/* --- accepting --- */

static bool epoll_set(struct loop *loop, int operation, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(loop->epoll_fd, operation, fd, &event) == 0;
}

static void forget_connection(struct loop *loop) {
    atomic_fetch_sub_explicit(&loop->server->connections, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&loop->server->open[loop->index], 1, memory_order_relaxed);
}

/* Counts the connections that were closed meanwhile. */
static void settle(struct loop *loop, uint32_t open_before) {
    for (uint32_t closed = open_before - loop->open; closed > 0; closed--)
        forget_connection(loop);
}

static void advance(struct loop *loop, struct conn *conn) {
    uint32_t open = loop->open;
    conn_advance(loop, conn);
    settle(loop, open);
}

/* Reads what is there without waiting for an edge. When stopping, a connection without a request is closed. */
static void try_read(struct loop *loop, struct conn *conn) {
    uint32_t open = loop->open;
    conn_dequeue(loop, conn);
    conn->may_read = true;
    conn_advance(loop, conn);
    if (loop->stopping && loop->open == open && conn_is_idle(conn))
        conn_close(loop, conn);
    settle(loop, open);
}

/* The socket is registered with this loop; it becomes a connection. */
static void adopt(struct loop *loop, int fd) {
    struct conn *conn = conn_open(loop, fd);
    if (!conn || !epoll_set(loop, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, (uint64_t)(uintptr_t)conn)) {
        if (conn)
            conn_close(loop, conn);
        else
            (void)close(fd);
        forget_connection(loop);
        return;
    }
    ASSERT(((uintptr_t)conn & TAG_MASK) == 0);
    uint32_t connections = atomic_load_explicit(&loop->server->connections, memory_order_relaxed);
    if (connections > loop->limits->connections)
        conn_refuse(loop, conn, 503, "too many connections; try again");
    try_read(loop, conn);
}

static void place(struct loop *loop, int fd) {
    struct http_server *server = loop->server;
    uint32_t best = loop->index;
    for (uint32_t i = 0; i < server->config.loops; i++) {
        if (atomic_load_explicit(&server->open[i], memory_order_relaxed) <
            atomic_load_explicit(&server->open[best], memory_order_relaxed))
            best = i;
    }
    uint32_t connections = atomic_fetch_add_explicit(&server->connections, 1, memory_order_relaxed) + 1;
    atomic_fetch_add_explicit(&server->open[best], 1, memory_order_relaxed);
    struct loop *target = &server->loops[best];
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* writable at once, so the other loop sees it even when the client stays silent */
    if (connections > loop->limits->connections + REFUSED_CONNECTIONS ||
        !epoll_set(target, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT, (uint64_t)fd << TAG_BITS | TAG_NEW)) {
        (void)close(fd);
        forget_connection(target);
    }
}

static void listen_again(struct loop *loop) {
    loop->accepting = epoll_set(loop, EPOLL_CTL_ADD, loop->server->listen_fd, EPOLLIN | EPOLLEXCLUSIVE, TAG_LISTEN);
}

static void stop_listening(struct loop *loop) {
    if (loop->accepting)
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, loop->server->listen_fd, NULL);
    loop->accepting = false;
}

static void accept_some(struct loop *loop) {
    for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
        int fd = accept4(loop->server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            place(loop, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            stop_listening(loop); /* out of descriptors or memory: the next scan tries again */
            if (loop->next_scan_ns > loop->now_ns + ACCEPT_PAUSE_NS)
                loop->next_scan_ns = loop->now_ns + ACCEPT_PAUSE_NS;
        }
        return;
    }
}

/* --- a turn --- */

static void on_event(struct loop *loop, const struct epoll_event *event) {
    uint64_t data = event->data.u64;
    switch (data & TAG_MASK) {
    case TAG_LISTEN:
        accept_some(loop);
        return;
    case TAG_WAKE:
        return; /* edge-triggered: nothing to read off */
    case TAG_NEW:
        adopt(loop, (int)(data >> TAG_BITS));
        return;
    default:
        break;
    }
    struct conn *conn = (struct conn *)(uintptr_t)data;
    ASSERT(conn->fd >= 0);
    if (event->events & (EPOLLERR | EPOLLHUP)) {
        conn_close(loop, conn);
        forget_connection(loop);
        return;
    }
    conn->hung_up = conn->hung_up || (event->events & EPOLLRDHUP);
    conn->may_read = conn->may_read || (event->events & (EPOLLIN | EPOLLRDHUP));
    if (conn->queue == QUEUE_NONE)
        advance(loop, conn);
}

/* A connection that comes to wait while its earlier answer is released is asked in the next turn, which follows at once: its
 * ticket may be ready already, and then no event would come. */
static void ask_waiting(struct loop *loop) {
    const struct http_service *service = loop->service;
    struct conn_list *waiting = &loop->queues[QUEUE_WAITING];
    struct conn *conn = waiting->first, *last = waiting->last;
    while (conn) {
        struct conn *next = conn == last ? NULL : conn->queue_next;
        enum http_readiness readiness = service->ready(service->context, conn->response.ticket);
        if (readiness != HTTP_PENDING) {
            uint32_t open = loop->open;
            uint32_t before = waiting->count;
            conn_release_answer(loop, conn, readiness == HTTP_FAILED);
            loop->ask_again = loop->ask_again || waiting->count == before;
            settle(loop, open);
        }
        conn = next;
    }
}

/* Those that were in the queue when the turn came; what they put back is for the next turn. */
static void run_queue(struct loop *loop, enum conn_queue queue, bool woken) {
    struct conn *conn = loop->queues[queue].first, *last = loop->queues[queue].last;
    while (conn) {
        struct conn *next = conn == last ? NULL : conn->queue_next;
        if (queue == QUEUE_BACKLOG || woken || conn->response.retry_ns <= loop->now_ns) {
            conn_dequeue(loop, conn);
            advance(loop, conn);
        }
        conn = next;
    }
}

static void scan_timers(struct loop *loop) {
    if (loop->now_ns < loop->next_scan_ns)
        return;
    loop->next_scan_ns = UINT64_MAX;
    struct conn *next;
    for (struct conn *conn = loop->all; conn; conn = next) {
        next = conn->next;
        if (conn->deadline_ns <= loop->now_ns) {
            uint32_t open = loop->open;
            conn_timeout(loop, conn);
            settle(loop, open);
            continue;
        }
        if (conn_is_idle(conn))
            conn_rest(conn);
        if (conn->deadline_ns < loop->next_scan_ns)
            loop->next_scan_ns = conn->deadline_ns;
    }
    if (!loop->accepting && !loop->stopping)
        listen_again(loop);
    if (loop->next_scan_ns < loop->now_ns + SCAN_LEAST_NS)
        loop->next_scan_ns = loop->now_ns + SCAN_LEAST_NS;
}

static int timeout_ms(const struct loop *loop) {
    if (loop->queues[QUEUE_BACKLOG].count > 0 || loop->ask_again)
        return 0;
    uint64_t due = loop->next_scan_ns < loop->drain_ns ? loop->next_scan_ns : loop->drain_ns;
    for (const struct conn *conn = loop->queues[QUEUE_AGAIN].first; conn; conn = conn->queue_next) {
        if (conn->response.retry_ns < due)
            due = conn->response.retry_ns;
    }
    if (due == UINT64_MAX)
        return -1;
    uint64_t now = http_now_ns();
    if (due <= now)
        return 0;
    uint64_t wait = (due - now + 999999) / 1000000;
    return wait > 60000 ? 60000 : (int)wait;
}

/* Takes what is queued on the listening socket, answers what has begun, closes what rests. */
static void begin_stopping(struct loop *loop) {
    loop->stopping = true;
    loop->drain_ns = loop->now_ns + (uint64_t)loop->limits->drain_time_ms * 1000000;
    if (loop->accepting)
        accept_some(loop);
    stop_listening(loop);
    if (loop->index == 0)
        (void)shutdown(loop->server->listen_fd, SHUT_RDWR);
    struct conn *next;
    for (struct conn *conn = loop->all; conn; conn = next) {
        next = conn->next;
        if (conn_is_idle(conn))
            try_read(loop, conn);
    }
}

static void update_date(struct loop *loop) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != loop->date_seconds) {
        loop->date_seconds = now.tv_sec;
        http_date(now.tv_sec, loop->date);
    }
}

static bool finished(const struct loop *loop) {
    if (!loop->stopping)
        return false;
    return atomic_load_explicit(&loop->server->open[loop->index], memory_order_relaxed) == 0 || loop->now_ns >= loop->drain_ns;
}

static void turn(struct loop *loop) {
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_A_TURN, timeout_ms(loop));
    ASSERT(count >= 0 || errno == EINTR);
    loop->now_ns = http_now_ns();
    loop->ask_again = false;
    update_date(loop);
    bool woken = false;
    for (int i = 0; i < count; i++) {
        woken = woken || events[i].data.u64 == TAG_WAKE;
        on_event(loop, &events[i]);
    }
    run_queue(loop, QUEUE_BACKLOG, woken);
    run_queue(loop, QUEUE_AGAIN, woken);
    scan_timers(loop);
    if (!loop->stopping && atomic_load(&loop->server->stopping))
        begin_stopping(loop);
    ask_waiting(loop); /* last, so that whatever came to wait in this turn has been asked once */
}

static void *run(void *argument) {
    struct loop *loop = argument;
    ASSERT(loop->server && loop->service);
    while (!finished(loop))
        turn(loop);
    while (loop->all) {
        conn_close(loop, loop->all);
        forget_connection(loop);
    }
    return NULL;
}

/* --- the server --- */

static bool loop_init(struct http_server *server, uint32_t index, struct error *error) {
    struct loop *loop = &server->loops[index];
    *loop = (struct loop){
        .server = server,
        .limits = &server->config.limits,
        .service = &server->config.service,
        .memory = &server->memory,
        .index = index,
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
        .now_ns = http_now_ns(),
        .next_scan_ns = UINT64_MAX,
        .drain_ns = UINT64_MAX,
    };
    if (loop->epoll_fd < 0 || loop->wake_fd < 0)
        return error_system(error, errno, "cannot make an event loop");
    if (!epoll_set(loop, EPOLL_CTL_ADD, loop->wake_fd, EPOLLIN | EPOLLET, TAG_WAKE))
        return error_system(error, errno, "cannot watch an eventfd");
    update_date(loop);
    return true;
}

static bool start_listening(struct http_server *server, struct error *error) {
    const struct http_config *config = &server->config;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(config->port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(config->port)};
    struct sockaddr *address = (struct sockaddr *)&four;
    socklen_t len = sizeof four;
    if (inet_pton(AF_INET, config->host, &four.sin_addr) != 1) {
        if (inet_pton(AF_INET6, config->host, &six.sin6_addr) != 1)
            return error_set(error, ERROR_INPUT, "cannot listen on \"%s\": expected an IPv4 or IPv6 address", config->host);
        address = (struct sockaddr *)&six;
        len = sizeof six;
    }
    int on = 1;
    server->listen_fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->listen_fd < 0 || setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(server->listen_fd, address, len) != 0 || listen(server->listen_fd, BACKLOG) != 0 ||
        getsockname(server->listen_fd, address, &len) != 0)
        return error_system(error, errno, "cannot listen on %s port %u", config->host, (unsigned)config->port);
    server->port = ntohs(address->sa_family == AF_INET ? four.sin_port : six.sin6_port);
    return true;
}

struct http_server *http_server_open(const struct http_config *config, struct error *error) {
    ASSERT(config && error);
    ASSERT(config->loops > 0);
    struct http_server *server = calloc(1, sizeof *server);
    if (!server) {
        (void)error_system(error, ENOMEM, "cannot make the server");
        return NULL;
    }
    server->config = *config;
    server->memory.limit_bytes = config->limits.memory_bytes;
    server->listen_fd = -1;
    server->loops = calloc(config->loops, sizeof *server->loops);
    server->threads = calloc(config->loops, sizeof *server->threads);
    server->open = calloc(config->loops, sizeof *server->open);
    bool good = server->loops && server->threads && server->open;
    if (!good)
        (void)error_system(error, ENOMEM, "cannot make the server");
    else
        good = start_listening(server, error);
    for (uint32_t i = 0; i < config->loops && server->loops; i++)
        server->loops[i].epoll_fd = server->loops[i].wake_fd = -1;
    for (uint32_t i = 0; i < config->loops && good; i++)
        good = loop_init(server, i, error);
    if (good)
        return server;
    http_server_close(server);
    return NULL;
}

uint16_t http_server_port(const struct http_server *server) { return server->port; }

int http_server_event_fd(const struct http_server *server, uint32_t loop) {
    ASSERT(loop < server->config.loops);
    return server->loops[loop].wake_fd;
}

void http_server_set_local(struct http_server *server, uint32_t loop, void *local) {
    ASSERT(loop < server->config.loops && server->started == 0);
    server->loops[loop].local = local;
}

bool http_server_start(struct http_server *server, struct error *error) {
    ASSERT(server->started == 0);
    for (uint32_t i = 0; i < server->config.loops; i++) {
        listen_again(&server->loops[i]);
        int code = pthread_create(&server->threads[i], NULL, run, &server->loops[i]);
        if (code != 0) {
            http_server_stop(server);
            return error_system(error, code, "cannot start a thread");
        }
        server->started++;
    }
    return true;
}

void http_server_stop(struct http_server *server) {
    ASSERT(server);
    atomic_store(&server->stopping, true);
    for (uint32_t i = 0; i < server->started; i++) {
        uint64_t one = 1;
        ssize_t wrote = write(server->loops[i].wake_fd, &one, sizeof one);
        ASSERT(wrote == (ssize_t)sizeof one);
    }
    for (uint32_t i = 0; i < server->started; i++)
        ASSERT(pthread_join(server->threads[i], NULL) == 0);
    server->started = 0;
}

void http_server_close(struct http_server *server) {
    if (!server)
        return;
    ASSERT(server->started == 0);
    for (uint32_t i = 0; i < server->config.loops && server->loops; i++) {
        struct loop *loop = &server->loops[i];
        ASSERT(!loop->all);
        conn_free_pool(loop);
        if (loop->epoll_fd >= 0)
            (void)close(loop->epoll_fd);
        if (loop->wake_fd >= 0)
            (void)close(loop->wake_fd);
    }
    if (server->listen_fd >= 0)
        (void)close(server->listen_fd);
    free(server->loops);
    free(server->threads);
    free(server->open);
    free(server);
}

uint32_t http_server_connections(const struct http_server *server) {
    return atomic_load_explicit(&server->connections, memory_order_relaxed);
}
