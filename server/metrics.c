/* Counters and histograms of requests, as Prometheus text. Written by routes.c, read by GET /metrics. */
#include "metrics.h"

#include "../engine/base/assert.h"

/* Those we send; the last stands for any other. */
static const int statuses[METRICS_STATUSES] = {200, 202, 400, 403, 404, 405, 408, 409, 413, 414, 415, 417, 422, 431, 500, 501, 503, 505, 0};

static const char *const route_names[ROUTE_COUNT] = {"score", "events", "decisions", "healthz", "readyz", "metrics", "none"};
static const char *const stage_names[STAGE_COUNT] = {"receive", "engine", "journal"};

static const struct {
    uint64_t ns;
    const char *text;
} bounds[METRICS_BUCKETS] = {
    {25000, "0.000025"}, {50000, "0.00005"},  {100000, "0.0001"}, {250000, "0.00025"}, {500000, "0.0005"}, {1000000, "0.001"},
    {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"}, {25000000, "0.025"}, {50000000, "0.05"}, {100000000, "0.1"},
    {150000000, "0.15"}, {250000000, "0.25"}, {1000000000, "1"},  {UINT64_MAX, "+Inf"},
};

/* One writer, so a plain add that readers see whole. */
static void add(_Atomic uint64_t *counter, uint64_t by) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter) { return atomic_load_explicit(counter, memory_order_relaxed); }

void metrics_count(struct metrics *metrics, enum route route, int status) {
    ASSERT(route < ROUTE_COUNT);
    unsigned i = 0;
    while (statuses[i] != 0 && statuses[i] != status)
        i++;
    ASSERT(i < METRICS_STATUSES);
    add(&metrics->requests[route][i], 1);
}

void metrics_observe(struct histogram *histogram, uint64_t ns) {
    unsigned i = 0;
    while (ns > bounds[i].ns)
        i++;
    ASSERT(i < METRICS_BUCKETS);
    add(&histogram->buckets[i], 1);
    add(&histogram->sum_ns, ns);
}

/* `at` picks the histogram of one loop. */
static void write_histogram(struct buf *out, const char *name, const char *label, const char *value,
                            struct histogram *const *of_loop, uint32_t count) {
    uint64_t cumulative = 0, sum_ns = 0;
    for (uint32_t loop = 0; loop < count; loop++)
        sum_ns += get(&of_loop[loop]->sum_ns);
    for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
        for (uint32_t loop = 0; loop < count; loop++)
            cumulative += get(&of_loop[loop]->buckets[i]);
        buf_format(out, "%s_bucket{%s=\"%s\",le=\"%s\"} %llu\n", name, label, value, bounds[i].text, (unsigned long long)cumulative);
    }
    buf_format(out, "%s_sum{%s=\"%s\"} %llu.%09llu\n", name, label, value, (unsigned long long)(sum_ns / 1000000000),
               (unsigned long long)(sum_ns % 1000000000));
    buf_format(out, "%s_count{%s=\"%s\"} %llu\n", name, label, value, (unsigned long long)cumulative);
}

static void write_requests(struct metrics *const *all, uint32_t count, struct buf *out) {
    BUF_LITERAL(out, "# HELP assay_http_requests_total Answered requests.\n# TYPE assay_http_requests_total counter\n");
    for (unsigned route = 0; route < ROUTE_COUNT; route++) {
        for (unsigned i = 0; i < METRICS_STATUSES; i++) {
            uint64_t total = 0;
            for (uint32_t loop = 0; loop < count; loop++)
                total += get(&all[loop]->requests[route][i]);
            if (total > 0)
                buf_format(out, "assay_http_requests_total{route=\"%s\",status=\"%d\"} %llu\n", route_names[route], statuses[i],
                           (unsigned long long)total);
        }
    }
}

void metrics_write(struct metrics *const *all, uint32_t count, uint32_t connections, struct buf *out) {
    enum { LOOPS = 64 };
    ASSERT(count > 0 && count <= LOOPS);
    struct histogram *of_loop[LOOPS];
    write_requests(all, count, out);
    BUF_LITERAL(out, "# HELP assay_http_request_seconds From a request's last byte to its answer.\n"
                     "# TYPE assay_http_request_seconds histogram\n");
    for (unsigned route = 0; route < ROUTE_NONE; route++) {
        for (uint32_t loop = 0; loop < count; loop++)
            of_loop[loop] = &all[loop]->latency[route];
        write_histogram(out, "assay_http_request_seconds", "route", route_names[route], of_loop, count);
    }
    BUF_LITERAL(out, "# HELP assay_http_stage_seconds Stages of scored requests.\n# TYPE assay_http_stage_seconds histogram\n");
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
        for (uint32_t loop = 0; loop < count; loop++)
            of_loop[loop] = &all[loop]->stages[stage];
        write_histogram(out, "assay_http_stage_seconds", "stage", stage_names[stage], of_loop, count);
    }
    buf_format(out, "# HELP assay_http_connections Open connections.\n# TYPE assay_http_connections gauge\nassay_http_connections %u\n",
               connections);
}
