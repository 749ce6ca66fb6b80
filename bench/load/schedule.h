/* When requests are due, decided before the first is sent and whatever the server does: at a fixed rate, or as a
 * Poisson process of that mean rate whose seed decides every gap. */
#ifndef ASSAY_BENCH_SCHEDULE_H
#define ASSAY_BENCH_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct schedule {
    uint64_t start_ns, next_ns, count;
    double rate; /* requests a second */
    bool poisson;
    uint64_t state;
    double at_s; /* of the next arrival, since the start; Poisson only */
};

void schedule_init(struct schedule *schedule, uint64_t start_ns, double rate, bool poisson, uint64_t seed);
/* next_ns is sent: moves on to the one after it. */
void schedule_advance(struct schedule *schedule);

#endif
