/* Reads the command line into struct options; called by main.c. */
#include "options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../engine/base/assert.h"

enum { CONNECTIONS_MOST = 10000 };

const char options_help[] =
    "Usage: assay-load --port PORT --bodies FILE [flags]\n"
    "\n"
    "Sends payments to a server on this machine and measures how long each answer takes. JSON on standard output, a "
    "line\n"
    "for people on standard error.\n"
    "\n"
    "Open loop (--rate): requests are due at times that are fixed before the first is sent. Latency counts from the "
    "time\n"
    "at which a request was DUE, not from when it could be sent, so a server that stalls pays for everybody who came\n"
    "meanwhile. A request that finds all connections busy waits in the generator, and the wait counts.\n"
    "Closed loop (no --rate): every connection sends its next request when the last is answered. That finds the peak;\n"
    "its latencies are those of N patient clients, not of traffic.\n"
    "\n"
    "  --port PORT          of the server, on 127.0.0.1 (required)\n"
    "  --bodies FILE        JSON lines, one payment each, in the order of their times (required); used again and "
    "again\n"
    "  --path PATH          /v1/score by default\n"
    "  --rate R             requests a second; without it the loop is closed\n"
    "  --poisson SEED       arrivals of a Poisson process with that mean rate; the same seed gives the same arrivals\n"
    "  --connections N      kept alive, used in turn (16)\n"
    "  --seconds S          measured (5)\n"
    "  --warmup S           the same load before that, not measured (1)\n"
    "  --drain S            how long to wait at the end for answers still owed (2); then they count with the wait so "
    "far\n"
    "  --requests N         closed loop: end after N requests, though --seconds be not over; with --warmup 0\n"
    "  --first N            number of the first request (0); ids are PREFIX-N, so a second run against one server goes "
    "on\n"
    "                       with the \"next\" of the first\n"
    "  --id-prefix PREFIX   letters, digits, hyphens (load)\n"
    "  --id-field NAME      the field that gets the fresh id (id)\n"
    "  --time-field NAME    the field whose time moves on each time around the file (at); '' for none\n"
    "\n"
    "Examples:\n"
    "  assay-load --port 8080 --bodies payments.jsonl                          # the peak with 16 connections\n"
    "  assay-load --port 8080 --bodies payments.jsonl --rate 5000 --seconds 10 # latency at 5,000 a second\n"
    "\n"
    "What the JSON says: latency_us has percentiles up to 99.99 of the answers with status 200, and of those never "
    "answered with\n"
    "the wait so far; own_lag_us is by how much the generator itself sent too late though a connection was free (part "
    "of the\n"
    "latency; large where the machine has no core left for it); histogram is HdrHistogram's V2 text. It stops with "
    "status 1\n"
    "where the server is gone or does not speak HTTP/1.1 with Content-Length.\n";

typedef bool setter(const char *value, struct options *options, struct error *error);

static bool read_double(const char *what, const char *text, double least, double most, double *out,
                        struct error *error) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most))
        return error_set(error, ERROR_INPUT, "%s: expected a number from %g to %g, got \"%s\"", what, least, most,
                         text);
    *out = value;
    return true;
}

static bool read_whole(const char *what, const char *text, double least, double most, uint64_t *out,
                       struct error *error) {
    double value = 0;
    if (!read_double(what, text, least, most, &value, error))
        return false;
    if (value != floor(value))
        return error_set(error, ERROR_INPUT, "%s: expected a whole number, got \"%s\"", what, text);
    *out = (uint64_t)value;
    return true;
}

static bool set_port(const char *value, struct options *options, struct error *error) {
    uint64_t port = 0;
    if (!read_whole("--port", value, 1, 65535, &port, error))
        return false;
    options->bodies.port = (uint16_t)port;
    return true;
}

static bool set_connections(const char *value, struct options *options, struct error *error) {
    uint64_t connections = 0;
    if (!read_whole("--connections", value, 1, CONNECTIONS_MOST, &connections, error))
        return false;
    options->connections = (uint32_t)connections;
    return true;
}

static bool set_poisson(const char *value, struct options *options, struct error *error) {
    options->poisson = true;
    return read_whole("--poisson", value, 0, 1e15, &options->seed, error);
}

static bool set_prefix(const char *value, struct options *options, struct error *error) {
    size_t len = strlen(value);
    if (len == 0 || len > 40 || strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != len)
        return error_set(error, ERROR_INPUT, "--id-prefix: expected 1 to 40 letters, digits and hyphens, got \"%s\"",
                         value);
    options->bodies.id_prefix = value;
    return true;
}

static bool set_path(const char *value, struct options *options, struct error *error) {
    if (value[0] != '/' || strlen(value) > 200 || strpbrk(value, " \r\n"))
        return error_set(error, ERROR_INPUT, "--path: expected a path such as /v1/score, got \"%s\"", value);
    options->bodies.path = value;
    return true;
}

static bool set_bodies(const char *value, struct options *options, struct error *error) {
    options->bodies.file = value;
    return true;
}
static bool set_id(const char *value, struct options *options, struct error *error) {
    options->bodies.id_field = value;
    return true;
}
static bool set_time(const char *value, struct options *options, struct error *error) {
    options->bodies.time_field = value;
    return true;
}
static bool set_rate(const char *value, struct options *options, struct error *error) {
    return read_double("--rate", value, 0.1, 10e6, &options->rate, error);
}
static bool set_seconds(const char *value, struct options *options, struct error *error) {
    return read_double("--seconds", value, 0.1, 3600, &options->seconds, error);
}
static bool set_warmup(const char *value, struct options *options, struct error *error) {
    return read_double("--warmup", value, 0, 3600, &options->warmup_seconds, error);
}
static bool set_drain(const char *value, struct options *options, struct error *error) {
    return read_double("--drain", value, 0, 600, &options->drain_seconds, error);
}
static bool set_first(const char *value, struct options *options, struct error *error) {
    return read_whole("--first", value, 0, 9e9, &options->first, error);
}
static bool set_requests(const char *value, struct options *options, struct error *error) {
    return read_whole("--requests", value, 1, 9e9, &options->requests, error);
}

static const struct {
    const char *name;
    setter *set;
} flags[] = {
    {"--port", set_port},       {"--bodies", set_bodies},     {"--path", set_path},
    {"--rate", set_rate},       {"--poisson", set_poisson},   {"--connections", set_connections},
    {"--seconds", set_seconds}, {"--warmup", set_warmup},     {"--drain", set_drain},
    {"--first", set_first},     {"--requests", set_requests}, {"--id-prefix", set_prefix},
    {"--id-field", set_id},     {"--time-field", set_time},
};

static bool check(const struct options *options, struct error *error) {
    if (!options->bodies.port || !options->bodies.file)
        return error_set(error, ERROR_INPUT, "expected --port PORT and --bodies FILE, got no %s",
                         options->bodies.port ? "--bodies" : "--port");
    if (options->poisson && options->rate == 0)
        return error_set(error, ERROR_INPUT, "--poisson: expected --rate R beside it");
    if (options->requests && (options->rate != 0 || options->warmup_seconds != 0))
        return error_set(error, ERROR_INPUT, "--requests: is for the closed loop without --rate, and with --warmup 0");
    return true;
}

bool options_read(int count, char **arguments, struct options *options, struct error *error) {
    ASSERT(count >= 1 && options);
    *options =
        (struct options){.bodies = {.path = "/v1/score", .id_field = "id", .time_field = "at", .id_prefix = "load"},
                         .connections = 16,
                         .seconds = 5,
                         .warmup_seconds = 1,
                         .drain_seconds = 2};
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--help") == 0)
            return options->help = true;
        size_t flag = 0;
        while (flag < sizeof flags / sizeof *flags && strcmp(arguments[i], flags[flag].name) != 0)
            flag++;
        if (flag == sizeof flags / sizeof *flags)
            return error_set(error, ERROR_INPUT, "unknown argument \"%s\"", arguments[i]);
        if (++i == count)
            return error_set(error, ERROR_INPUT, "%s: expected a value after it", arguments[i - 1]);
        if (!flags[flag].set(arguments[i], options, error))
            return false;
    }
    return check(options, error);
}
