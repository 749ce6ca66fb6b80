/* assay-load: an HTTP load generator that does not lie. One thread, one epoll set, blocking waits. It is C because it
 * shares the machine's few cores with the server that it measures: what it burns the server lacks (its own CPU time is
 * in the result).
 *
 * Invariants: a request is due at a time that the server cannot move; requests are sent in the order in which they are
 * due, so those that wait for a free connection need no queue: the schedule's next one is the first of them. Every
 * request due in the measured time is in the result: answered, failed, or unanswered with the wait so far. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "../../engine/base/assert.h"
#include "client.h"
#include "histogram.h"
#include "options.h"
#include "schedule.h"

enum { EVENTS = 256, STATUSES = 600, BROKEN_MOST = 1000, SAMPLE_BYTES = 300 };

struct result {
    struct histogram latency, own_lag;
    uint64_t scheduled, answered, answered_in_time, unanswered, queued, broken, bad;
    uint64_t statuses[STATUSES];
    uint64_t answered_all; /* with the warm-up's */
    double cpu_s;
    char first_bad[SAMPLE_BYTES];
};

struct load {
    const struct options *options;
    struct bodies bodies;
    struct clients clients;
    struct schedule schedule;
    uint64_t next; /* number of the next request */
    uint64_t from_ns, until_ns;
    uint64_t idle_broken;
    struct result result;
};

static uint64_t now_ns(void) {
    struct timespec t;
    ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_seconds(void) {
    struct rusage use;
    ASSERT(getrusage(RUSAGE_SELF, &use) == 0);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static bool is_open_loop(const struct load *load) { return load->options->rate > 0; }
static bool is_measured(const struct load *load, uint64_t due_ns) {
    return due_ns >= load->from_ns && due_ns < load->until_ns;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static void send_one(struct load *load, uint64_t due_ns) {
    struct client *client = clients_take(&load->clients);
    client->request_len = bodies_request(&load->bodies, load->next++, client->request);
    client->due_ns = due_ns;
    client->sent_ns = now_ns();
    if (is_measured(load, due_ns)) {
        load->result.scheduled++;
        bool waited = client->free_ns > due_ns;
        load->result.queued += waited;
        if (!waited)
            histogram_add(&load->result.own_lag, client->sent_ns - due_ns);
    }
    if (!client_send(&load->clients, client))
        ASSERT(client->busy); /* the socket has an error: epoll reports it next, and it is counted there */
}

/* Whether a closed loop's connection sends again. */
static bool goes_on(const struct load *load, uint64_t now) {
    uint64_t most = load->options->requests;
    return now < load->until_ns && (most == 0 || load->next - load->options->first < most);
}

/* Sends what is due and finds a free connection. */
static void send_due(struct load *load, uint64_t now) {
    if (!is_open_loop(load)) {
        while (load->clients.free_count > 0 && goes_on(load, now))
            send_one(load, now_ns());
        return;
    }
    while (load->clients.free_count > 0 && load->schedule.next_ns <= now && load->schedule.next_ns < load->until_ns) {
        send_one(load, load->schedule.next_ns);
        schedule_advance(&load->schedule);
    }
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void note_bad(struct result *result, const struct client_event *event) {
    if (result->bad++ == 0)
        (void)snprintf(result->first_bad, sizeof result->first_bad, "%d %.*s", event->status,
                       (int)(event->body_len < 240 ? event->body_len : 240), event->body);
}

static void count_answer(struct load *load, const struct client *client, const struct client_event *event,
                         uint64_t now) {
    struct result *result = &load->result;
    bool good = event->status == 200;
    result->answered_all++;
    if (!good)
        note_bad(result, event);
    if (good && now >= load->from_ns && now < load->until_ns)
        result->answered_in_time++;
    if (!is_measured(load, client->due_ns))
        return;
    result->answered++;
    result->statuses[event->status >= 0 && event->status < STATUSES ? event->status : 0]++;
    if (good)
        histogram_add(&result->latency, now - client->due_ns);
}

static bool take_event(struct load *load, struct client *client, uint32_t events, struct error *error) {
    struct client_event event = client_advance(&load->clients, client, events, error);
    uint64_t now = now_ns();
    if (event.outcome == CLIENT_STOP)
        return false;
    if (event.outcome == CLIENT_PENDING)
        return true;
    if (event.outcome == CLIENT_ANSWERED) {
        count_answer(load, client, &event, now);
    } else {
        load->result.broken += event.was_busy && is_measured(load, client->due_ns);
        if (++load->idle_broken > BROKEN_MOST + load->result.answered_all)
            return error_set(error, ERROR_INPUT, "the server closes connections without answering (%llu times)",
                             (unsigned long long)load->idle_broken);
    }
    if (event.was_busy)
        clients_give(&load->clients, client, now);
    return true;
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static bool is_over(const struct load *load, uint64_t now) {
    bool idle = load->clients.free_count == load->clients.count;
    bool owed = is_open_loop(load) && load->schedule.next_ns < load->until_ns;
    if (!is_open_loop(load) && idle && !goes_on(load, now))
        return true;
    return now >= load->until_ns &&
           ((idle && !owed) || now >= load->until_ns + (uint64_t)(load->options->drain_seconds * 1e9));
}

/* How long to sleep if nothing comes in. */
static struct timespec wait_of(const struct load *load, uint64_t now) {
    uint64_t wake =
        now < load->until_ns ? load->until_ns : load->until_ns + (uint64_t)(load->options->drain_seconds * 1e9);
    if (is_open_loop(load) && load->clients.free_count > 0 && load->schedule.next_ns < load->until_ns &&
        load->schedule.next_ns < wake)
        wake = load->schedule.next_ns;
    uint64_t left = wake > now ? wake - now : 0;
    return (struct timespec){(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
}

/* Everything due in the measured time and still owed counts with the wait so far. */
static void count_unanswered(struct load *load, uint64_t now) {
    for (uint32_t i = 0; i < load->clients.count; i++) {
        const struct client *client = &load->clients.client[i];
        if (!client->busy || !is_measured(load, client->due_ns))
            continue;
        load->result.unanswered++;
        histogram_add(&load->result.latency, now - client->due_ns);
    }
    for (; is_open_loop(load) && load->schedule.next_ns < load->until_ns; schedule_advance(&load->schedule)) {
        if (!is_measured(load, load->schedule.next_ns))
            continue;
        load->result.scheduled++;
        load->result.queued++;
        load->result.unanswered++;
        histogram_add(&load->result.latency, now - load->schedule.next_ns);
    }
}

static bool run(struct load *load, struct error *error) {
    const struct options *options = load->options;
    uint64_t start = now_ns() + (is_open_loop(load) ? 1000000 : 0), now = 0;
    double cpu_before = 0;
    bool measuring = false;
    load->from_ns = start + (uint64_t)(options->warmup_seconds * 1e9);
    load->until_ns = load->from_ns + (uint64_t)(options->seconds * 1e9);
    if (is_open_loop(load))
        schedule_init(&load->schedule, start, options->rate, options->poisson, options->seed);
    while (now = now_ns(), !is_over(load, now)) {
        if (!measuring && now >= load->from_ns) {
            measuring = true;
            cpu_before = cpu_seconds();
        }
        send_due(load, now);
        struct timespec wait = wait_of(load, now_ns());
        struct epoll_event events[EVENTS];
        int count = epoll_pwait2(load->clients.epoll_fd, events, EVENTS, &wait, NULL);
        if (count < 0 && errno != EINTR)
            return error_system(error, errno, "epoll_pwait2");
        for (int i = 0; i < count; i++) {
            if (!take_event(load, events[i].data.ptr, events[i].events, error))
                return false;
            if (!is_open_loop(load))
                send_due(load, now_ns());
        }
    }
    load->result.cpu_s = cpu_seconds() - cpu_before;
    count_unanswered(load, now);
    if (now < load->until_ns) /* --requests: it was over before */
        load->until_ns = now;
    return true;
}

/* --- the result --------------------------------------------------------------------------------------------------- */

static void print_latencies(const char *name, const struct histogram *histogram) {
    static const struct {
        const char *name;
        double value;
    } percentiles[] = {{"p50", 50}, {"p75", 75},     {"p90", 90},      {"p95", 95},
                       {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}};
    double total = histogram->total ? (double)histogram->total : 1;
    printf(" \"%s\": {", name);
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++)
        printf("\"%s\": %.3f, ", percentiles[i].name,
               (double)histogram_percentile_ns(histogram, percentiles[i].value) / 1e3);
    printf("\"max\": %.3f, \"mean\": %.3f, \"count\": %llu},\n", (double)histogram->max_ns / 1e3,
           histogram->sum_ns / total / 1e3, (unsigned long long)histogram->total);
}

static void print_json(const struct load *load) {
    const struct options *options = load->options;
    const struct result *result = &load->result;
    double seconds = (double)(load->until_ns - load->from_ns) / 1e9;
    printf("{\"mode\": \"%s\", \"arrivals\": \"%s\", \"connections\": %u, \"rate_asked\": ",
           is_open_loop(load) ? "open" : "closed",
           !is_open_loop(load) ? "on answer"
           : options->poisson  ? "poisson"
                               : "fixed",
           options->connections);
    if (is_open_loop(load))
        printf("%.3f, \"rate_scheduled\": %.3f,", options->rate, (double)result->scheduled / seconds);
    else
        printf("null, \"rate_scheduled\": null,");
    printf(" \"rate_done\": %.3f,\n \"seconds\": %.3f, \"warmup_seconds\": %.3f, \"first\": %llu, \"next\": %llu,\n",
           (double)result->answered_in_time / seconds, seconds, options->warmup_seconds,
           (unsigned long long)options->first, (unsigned long long)load->next);
    printf(" \"scheduled\": %llu, \"answered\": %llu, \"unanswered\": %llu, \"queued\": %llu, "
           "\"answered_with_warmup\": %llu,\n",
           (unsigned long long)result->scheduled, (unsigned long long)result->answered,
           (unsigned long long)result->unanswered, (unsigned long long)result->queued,
           (unsigned long long)result->answered_all);
    printf(" \"errors\": {\"broken\": %llu", (unsigned long long)result->broken);
    for (int status = 0; status < STATUSES; status++)
        if (status != 200 && result->statuses[status])
            printf(", \"%d\": %llu", status, (unsigned long long)result->statuses[status]);
    printf("},\n");
    print_latencies("latency_us", &result->latency);
    print_latencies("own_lag_us", &result->own_lag);
    printf(" \"cpu_seconds\": %.3f,\n \"histogram\": \"", result->cpu_s);
    histogram_write(&result->latency, stdout);
    printf("\"}\n");
}

static void print_text(const struct load *load) {
    const struct result *result = &load->result;
    const struct histogram *latency = &result->latency;
    double seconds = (double)(load->until_ns - load->from_ns) / 1e9;
    fprintf(stderr, "assay-load: %.0f answers/s", (double)result->answered_in_time / seconds);
    if (is_open_loop(load))
        fprintf(stderr, " of %.0f asked", load->options->rate);
    fprintf(stderr, ", p50 %.1f us, p99 %.1f us, p99.9 %.1f us, max %.1f us, own CPU %.0f%%\n",
            (double)histogram_percentile_ns(latency, 50) / 1e3, (double)histogram_percentile_ns(latency, 99) / 1e3,
            (double)histogram_percentile_ns(latency, 99.9) / 1e3, (double)latency->max_ns / 1e3,
            100 * result->cpu_s / seconds);
    if (result->unanswered)
        fprintf(stderr, "assay-load: %llu never answered; they count with the wait so far\n",
                (unsigned long long)result->unanswered);
    if (result->bad)
        fprintf(stderr, "assay-load: %llu answers were not 200; the first: %s\n", (unsigned long long)result->bad,
                result->first_bad);
    if (result->broken)
        fprintf(stderr, "assay-load: %llu connections broke under a request\n", (unsigned long long)result->broken);
}

static int fail(const struct error *error) {
    fprintf(stderr, "assay-load: %s\n", error->text);
    return 1;
}

int main(int count, char **arguments) {
    struct options options;
    struct error error = {0};
    if (!options_read(count, arguments, &options, &error)) {
        fprintf(stderr, "assay-load: %s\nTry assay-load --help.\n", error.text);
        return 2;
    }
    if (options.help) {
        fputs(options_help, stdout);
        return 0;
    }
    struct load *load = calloc(1, sizeof *load);
    ASSERT(load);
    load->options = &options;
    load->next = options.first;
    (void)prctl(PR_SET_TIMERSLACK, 1); /* wake when due, not 50 us later */
    bool good = bodies_open(&load->bodies, &options.bodies, &error);
    if (good) {
        good = clients_open(&load->clients, options.bodies.port, options.connections, load->bodies.longest, &error) &&
               run(load, &error);
        clients_close(&load->clients);
    }
    if (good) {
        print_json(load);
        print_text(load);
    }
    bodies_close(&load->bodies);
    free(load);
    return good ? 0 : fail(&error);
}
