/* What the server counts of its requests: by route and status, latency by route, time by stage. Each loop writes its own
 * struct without locks; /metrics adds them up. */
#ifndef ASSAY_SERVER_METRICS_H
#define ASSAY_SERVER_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "../engine/base/buf.h"

enum route { ROUTE_SCORE, ROUTE_EVENTS, ROUTE_DECISIONS, ROUTE_HEALTHZ, ROUTE_READYZ, ROUTE_METRICS, ROUTE_NONE, ROUTE_COUNT };
enum stage { STAGE_RECEIVE, STAGE_ENGINE, STAGE_JOURNAL, STAGE_COUNT };
enum { METRICS_STATUSES = 19, METRICS_BUCKETS = 16 };

struct histogram {
    _Atomic uint64_t buckets[METRICS_BUCKETS]; /* not cumulative; the last is +Inf */
    _Atomic uint64_t sum_ns;
};

struct metrics {
    _Atomic uint64_t requests[ROUTE_COUNT][METRICS_STATUSES];
    struct histogram latency[ROUTE_COUNT];
    struct histogram stages[STAGE_COUNT];
};

/* By the owning loop only. */
void metrics_count(struct metrics *metrics, enum route route, int status);
void metrics_observe(struct histogram *histogram, uint64_t ns);

/* Prometheus text of `count` loops' metrics together. Any thread. */
void metrics_write(struct metrics *const *all, uint32_t count, uint32_t connections, struct buf *out);

#endif
