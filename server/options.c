/* Reads the command line into struct options; called by main.c. An unknown flag names the nearest known one. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../engine/base/assert.h"
#include "access.h"
#include "routes.h"

const char options_help[] =
    "Usage: assay-server --bundle FILE [--data DIR] [flags]\n"
    "\n"
    "Scores events over HTTP with the definition in a bundle (made by `assay build`).\n"
    "\n"
    "  --bundle FILE          the bundle to serve (required)\n"
    "  --data DIR             journal, ids and keys; made if it is not there. Without it nothing is kept\n"
    "  --listen HOST:PORT     where to listen; 127.0.0.1:8080 by default; port 0 picks a free one\n"
    "  --threads N            event loops; one per core by default\n"
    "  --durability WHEN      when a decision is answered: commit (on disk, the default), interval:50ms (synced every\n"
    "                         50 ms), none\n"
    "  --history KIND         empty: nothing happened before the first event; unknown: windows warm up first. As the\n"
    "                         definition says by default\n"
    "  --deadline MS          of a request; 150 by default. A request may ask for less with Assay-Deadline-Ms\n"
    "  --window-budget BYTES  memory for the events in windows (K, M, G are taken); no limit by default\n"
    "  --replay               decides the journal in --data again from zero, compares, prints a JSON summary, changes\n"
    "                         nothing; exit status 1 if a decision differs\n"
    "  --help, --version\n"
    "\n"
    "Limits of a connection:\n"
    "  --header-time MS       for a request's head (10000), then 408\n"
    "  --body-time MS         for its body (30000), then 408\n"
    "  --idle-time MS         between requests (60000), then it is closed\n"
    "  --connections N        open at once (4096), then 503\n"
    "\n"
    "Examples:\n"
    "  assay-server --bundle fraud.assay --data ./data\n"
    "  assay-server --bundle fraud.assay --listen 127.0.0.1:0 --history empty\n"
    "  assay-server --bundle fraud.assay --data ./data --durability interval:50ms --threads 4\n"
    "  assay-server --bundle fraud.assay --data ./data --replay\n"
    "\n"
    "  curl -H 'Content-Type: application/json' -d '{\"id\": \"p-1\", ...}' http://127.0.0.1:8080/v1/score\n"
    "  curl http://127.0.0.1:8080/v1/decisions/p-1?explain=1\n"
    "\n"
    "SIGTERM or SIGINT: stops accepting, answers what has begun, makes all durable, exits with status 0.\n";

typedef bool setter(const char *value, struct options *options, struct error *error);

/* A whole number from least to most, then possibly a unit of 1024s. */
static bool read_number(const char *what, const char *text, uint64_t least, uint64_t most, bool units, uint64_t *out,
                        struct error *error) {
    uint64_t number = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9' && i < 18; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    bool good = i > 0;
    if (units && text[i] != '\0') {
        const char *unit = strchr("KMG", text[i]);
        uint64_t factor = unit ? 1ull << 10 * (unit - "KMG" + 1) : 0;
        good = good && unit && number <= UINT64_MAX / factor;
        number *= factor;
        i++;
    }
    if (!good || text[i] != '\0' || number < least || number > most)
        return error_set(error, ERROR_INPUT, "%s: expected a whole number from %llu to %llu%s, got \"%s\"", what,
                         (unsigned long long)least, (unsigned long long)most, units ? " (K, M or G may follow)" : "", text);
    *out = number;
    return true;
}

static bool read_u32(const char *what, const char *text, uint32_t least, uint32_t most, uint32_t *out, struct error *error) {
    uint64_t number;
    if (!read_number(what, text, least, most, false, &number, error))
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool set_bundle(const char *value, struct options *options, struct error *error) {
    options->engine.bundle_path = value;
    return true;
}

static bool set_data(const char *value, struct options *options, struct error *error) {
    options->engine.data_folder = value;
    return true;
}

static bool set_listen(const char *value, struct options *options, struct error *error) {
    const char *colon = strrchr(value, ':');
    size_t len = colon ? (size_t)(colon - value) : 0;
    const char *host = value;
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof options->host || (host == value && memchr(host, ':', len)))
        return error_set(error, ERROR_INPUT, "--listen: expected HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, got \"%s\"", value);
    memcpy(options->host, host, len);
    options->host[len] = '\0';
    if (strcmp(options->host, "localhost") == 0)
        memcpy(options->host, "127.0.0.1", sizeof "127.0.0.1");
    if (!access_address_is_loopback(options->host))
        return error_set(error, ERROR_INPUT,
                         "--listen: expected a loopback address (127.0.0.1, [::1] or localhost), got \"%s\": serving other machines "
                         "needs TLS and keys, which this version does not have",
                         value);
    uint32_t port;
    if (!read_u32("--listen: port", colon + 1, 0, 65535, &port, error))
        return false;
    options->port = (uint16_t)port;
    return true;
}

static bool set_threads(const char *value, struct options *options, struct error *error) {
    return read_u32("--threads", value, 1, ROUTES_LOOPS_LIMIT, &options->threads, error);
}

static bool set_durability(const char *value, struct options *options, struct error *error) {
    static const char interval[] = "interval:";
    if (strcmp(value, "commit") == 0) {
        options->engine.durability = DURABILITY_COMMIT;
        return true;
    }
    if (strcmp(value, "none") == 0) {
        options->engine.durability = DURABILITY_NONE;
        return true;
    }
    size_t skip = sizeof interval - 1, len = strlen(value);
    char digits[16];
    if (strncmp(value, interval, skip) == 0 && len > skip + 2 && len - skip - 2 < sizeof digits && strcmp(value + len - 2, "ms") == 0) {
        uint32_t ms;
        memcpy(digits, value + skip, len - skip - 2);
        digits[len - skip - 2] = '\0';
        if (!read_u32("--durability: interval in ms", digits, 1, 60000, &ms, error))
            return false;
        options->engine.durability = DURABILITY_INTERVAL;
        options->engine.interval_us = ms * 1000;
        return true;
    }
    return error_set(error, ERROR_INPUT, "--durability: expected commit, interval:50ms or none, got \"%s\"", value);
}

static bool set_history(const char *value, struct options *options, struct error *error) {
    if (strcmp(value, "empty") == 0)
        options->engine.history = HISTORY_EMPTY;
    else if (strcmp(value, "unknown") == 0)
        options->engine.history = HISTORY_UNKNOWN;
    else
        return error_set(error, ERROR_INPUT, "--history: expected empty or unknown, got \"%s\"", value);
    return true;
}

static bool set_deadline(const char *value, struct options *options, struct error *error) {
    return read_u32("--deadline", value, 1, 60000, &options->deadline_ms, error);
}

static bool set_window_budget(const char *value, struct options *options, struct error *error) {
    uint64_t bytes;
    if (!read_number("--window-budget", value, 1 << 20, 1ull << 46, true, &bytes, error))
        return false;
    options->engine.window_budget_bytes = (size_t)bytes;
    return true;
}

static bool set_replay(const char *value, struct options *options, struct error *error) { return options->replay = true; }
static bool set_help(const char *value, struct options *options, struct error *error) { return options->help = true; }
static bool set_version(const char *value, struct options *options, struct error *error) { return options->version = true; }

static bool set_header_time(const char *value, struct options *options, struct error *error) {
    return read_u32("--header-time", value, 10, 3600000, &options->limits.header_time_ms, error);
}
static bool set_body_time(const char *value, struct options *options, struct error *error) {
    return read_u32("--body-time", value, 10, 3600000, &options->limits.body_time_ms, error);
}
static bool set_idle_time(const char *value, struct options *options, struct error *error) {
    return read_u32("--idle-time", value, 10, 86400000, &options->limits.idle_time_ms, error);
}
static bool set_connections(const char *value, struct options *options, struct error *error) {
    return read_u32("--connections", value, 1, 1000000, &options->limits.connections, error);
}

static const struct {
    const char *name;
    bool takes_value;
    setter *set;
} flags[] = {
    {"--bundle", true, set_bundle},
    {"--data", true, set_data},
    {"--listen", true, set_listen},
    {"--threads", true, set_threads},
    {"--durability", true, set_durability},
    {"--history", true, set_history},
    {"--deadline", true, set_deadline},
    {"--window-budget", true, set_window_budget},
    {"--replay", false, set_replay},
    {"--help", false, set_help},
    {"--version", false, set_version},
    {"--header-time", true, set_header_time},
    {"--body-time", true, set_body_time},
    {"--idle-time", true, set_idle_time},
    {"--connections", true, set_connections},
};
enum { FLAG_COUNT = sizeof flags / sizeof *flags, NAME_BYTES = 24 };

/* Levenshtein distance; `b` is shorter than NAME_BYTES. */
static unsigned distance(const char *a, const char *b) {
    unsigned row[NAME_BYTES];
    size_t len = strlen(b);
    ASSERT(len < NAME_BYTES);
    for (unsigned j = 0; j <= len; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= len; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]), least = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = change < least + 1 ? change : least + 1;
        }
    }
    return row[len];
}

static const char *nearest(const char *name) {
    unsigned best = 0, least = UINT32_MAX;
    for (unsigned i = 0; i < FLAG_COUNT; i++) {
        unsigned apart = distance(name, flags[i].name);
        if (apart < least) {
            least = apart;
            best = i;
        }
    }
    return flags[best].name;
}

/* Takes arguments[*at] (and its value). */
static bool read_flag(int count, char **arguments, int *at, struct options *options, struct error *error) {
    const char *argument = arguments[*at], *equals = strchr(argument, '=');
    size_t len = equals ? (size_t)(equals - argument) : strlen(argument);
    for (unsigned i = 0; i < FLAG_COUNT; i++) {
        if (strlen(flags[i].name) != len || memcmp(argument, flags[i].name, len) != 0)
            continue;
        const char *value = equals ? equals + 1 : NULL;
        if (!flags[i].takes_value && equals)
            return error_set(error, ERROR_INPUT, "%s: expected no value, got \"%s\"", flags[i].name, value);
        if (flags[i].takes_value && !value && *at + 1 < count)
            value = arguments[++*at];
        if (flags[i].takes_value && (!value || value[0] == '\0'))
            return error_set(error, ERROR_INPUT, "%s: expected a value, got nothing", flags[i].name);
        return flags[i].set(value, options, error);
    }
    char name[NAME_BYTES * 2];
    (void)snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), argument);
    return error_set(error, ERROR_INPUT, "unknown %s %s: did you mean %s?", argument[0] == '-' ? "flag" : "argument", name, nearest(name));
}

bool options_read(int count, char **arguments, struct options *options, struct error *error) {
    ASSERT(count > 0 && arguments && options && error);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *options = (struct options){
        .limits = http_limits_default(),
        .port = 8080,
        .threads = cores < 1 ? 1 : cores > ROUTES_LOOPS_LIMIT ? ROUTES_LOOPS_LIMIT : (uint32_t)cores,
        .deadline_ms = 150,
        .host = "127.0.0.1",
    };
    for (int i = 1; i < count; i++) {
        if (!read_flag(count, arguments, &i, options, error))
            return false;
    }
    if (options->help || options->version)
        return true;
    if (!options->engine.bundle_path)
        return error_set(error, ERROR_INPUT, "--bundle: expected the bundle to serve, got nothing (make one with `assay build`)");
    if (options->replay && !options->engine.data_folder)
        return error_set(error, ERROR_INPUT, "--replay: expected --data, the folder whose journal to replay");
    return true;
}
