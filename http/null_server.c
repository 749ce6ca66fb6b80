/* null-server: this room's event loops with a constant answer of a decision's usual size to whatever comes. What any
 * server over this room can reach at most; the yardstick of `make bench` and `make bench-peers`, with bench/load as the
 * generator.
 *
 * Usage: null-server [PORT [LOOPS]]    0 (any) and 1 by default; SIGTERM or SIGINT ends it */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../engine/base/assert.h"
#include "loop.h"

/* 340 bytes, as a decision with a reason. */
static const char answer[] = "{\"id\": \"load-0000000000\", \"decision\": \"decline\", \"score\": 0.9886748731875201, "
                             "\"reasons\": [{\"rule\": \"resale_to_stranger\", "
                             "\"text\": \"Goods that sell again, typed in by hand, over 300, sent to an address that "
                             "is not the card's, by somebody "
                             "whom nobody knows.\"}], \"errors\": [], \"bundle\": \"null@00000000\", \"seq\": 1000000, "
                             "\"took_us\": 47, \"note\": \"a constant "
                             "answer\"}";

static enum http_outcome handle(void *context, void *local, const struct http_request *request,
                                struct http_response *response) {
    response->status = 200;
    response->content_type = STR("application/json");
    ASSERT(http_body_add(response, answer, sizeof answer - 1));
    return HTTP_DONE;
}

static enum http_readiness ready(void *context, uint64_t ticket) { return HTTP_READY; }
static void failed(void *context, void *local, const struct http_request *request, struct http_response *response) {
    UNREACHABLE();
}
static void finished(void *context, void *local, const struct http_request *request, struct http_response *response) {}
static void refused(void *context, void *local, int status) {}

static bool read_argument(const char *text, unsigned long most, unsigned long *out) {
    char *end;
    *out = strtoul(text, &end, 10);
    return end != text && *end == '\0' && *out <= most;
}

int main(int argc, char **argv) {
    unsigned long port = 0, loops = 1;
    if (argc > 3 || (argc > 1 && !read_argument(argv[1], 65535, &port)) ||
        (argc > 2 && (!read_argument(argv[2], 256, &loops) || loops == 0))) {
        fprintf(stderr, "usage: null-server [PORT [LOOPS]]\nAnswers every request with the same %zu bytes.\n",
                sizeof answer - 1);
        return 2;
    }
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    ASSERT(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
    struct error error = {0};
    struct http_config config = {.host = "127.0.0.1",
                                 .port = (uint16_t)port,
                                 .loops = (uint32_t)loops,
                                 .limits = http_limits_default(),
                                 .service = {NULL, handle, ready, failed, finished, refused}};
    struct http_server *server = http_server_open(&config, &error);
    if (!server || !http_server_start(server, &error)) {
        fprintf(stderr, "null-server: %s\n", error.text);
        return 1;
    }
    fprintf(stderr, "null-server: listening on http://127.0.0.1:%u\n", (unsigned)http_server_port(server));
    int number;
    ASSERT(sigwait(&signals, &number) == 0);
    http_server_stop(server);
    http_server_close(server);
    return 0;
}
