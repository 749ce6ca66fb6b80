/* The server's process: flags, engine, loops; signals end it. Exit status: 0 after SIGTERM or SIGINT, 1 for an error at run
 * time (or differences of --replay), 2 for wrong usage.
 *
 * Order of the end: the loops stop (what has begun is answered), the engine threads close, the engine makes durable and
 * seals, and only then the loops' eventfds go, to which the journal writes. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "../engine/base/assert.h"
#include "options.h"
#include "routes.h"

static int fail(const char *what, const struct error *error) {
    ASSERT(error->text[0] != '\0');
    fprintf(stderr, "assay: %s%s%s\n", what, what[0] ? ": " : "", error->text);
    return 1;
}

/* Prints text as a JSON string. */
static void print_json(const char *text) {
    putchar('"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == '"' || *p == '\\')
            printf("\\u%04x", *p);
        else
            putchar(*p);
    }
    putchar('"');
}

static int replay(const struct options *options) {
    struct error error = {0};
    struct engine_replay result = {0};
    if (!engine_replay(&options->engine, &result, &error))
        return fail("replay", &error);
    printf("{\"inputs\": %llu, \"outputs\": %llu, \"differences\": %llu, \"digest\": \"%016llx%016llx\", \"first_difference\": ",
           (unsigned long long)result.inputs, (unsigned long long)result.outputs, (unsigned long long)result.differences,
           (unsigned long long)result.digest.high, (unsigned long long)result.digest.low);
    if (result.differences > 0)
        print_json(result.first_difference);
    else
        fputs("null", stdout);
    puts("}");
    return result.differences > 0 ? 1 : 0;
}

/* As many descriptors as the system lets us have; connections and segments need them. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fprintf(stderr, "assay: cannot raise the limit of open files; connections may be refused\n");
}

static void wait_for_signal(const sigset_t *signals) {
    int number;
    while (sigwait(signals, &number) != 0)
        ASSERT(errno != EINVAL);
}

static bool serve(struct routes *routes, struct http_server *server, const struct options *options, const sigset_t *signals,
                  struct error *error) {
    if (!routes_attach(routes, server, error) || !http_server_start(server, error))
        return false;
    bool six = strchr(options->host, ':') != NULL;
    fprintf(stderr, "assay: listening on http://%s%s%s:%u (bundle %s, data %s)\n", six ? "[" : "", options->host, six ? "]" : "",
            (unsigned)http_server_port(server), options->engine.bundle_path,
            options->engine.data_folder ? options->engine.data_folder : "none: nothing is kept");
    wait_for_signal(signals);
    http_server_stop(server);
    return true;
}

static int run(const struct options *options) {
    struct error error = {0};
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    ASSERT(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
    (void)signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();

    struct engine *engine = engine_open(&options->engine, &error);
    if (!engine)
        return fail("", &error);
    struct routes_config config = {.engine = engine, .deadline_ms = options->deadline_ms, .loops = options->threads};
    struct routes *routes = routes_open(&config, &error);
    struct http_server *server = NULL;
    if (routes) {
        struct http_config http = {.host = options->host,
                                   .port = options->port,
                                   .loops = options->threads,
                                   .limits = options->limits,
                                   .service = routes_service(routes)};
        server = http_server_open(&http, &error);
    }
    bool good = server && serve(routes, server, options, &signals, &error);
    routes_close(routes);
    engine_close(engine);
    http_server_close(server);
    return good ? 0 : fail("", &error);
}

int main(int count, char **arguments) {
    struct options options;
    struct error error = {0};
    if (!options_read(count, arguments, &options, &error)) {
        fprintf(stderr, "assay-server: %s\nTry assay-server --help.\n", error.text);
        return 2;
    }
    if (options.help) {
        fputs(options_help, stdout);
        return 0;
    }
    if (options.version) {
        puts("assay-server " ASSAY_VERSION);
        return 0;
    }
    return options.replay ? replay(&options) : run(&options);
}
