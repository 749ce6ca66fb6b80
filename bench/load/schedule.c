/* Arrival times. The n-th of a fixed rate is start + n / rate, computed from n, so that no error adds up. */
#include "schedule.h"

#include <math.h>

#include "../../engine/base/assert.h"

/* Uniform in (0, 1]; splitmix64. */
static double draw(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    return ((double)(z >> 11) + 1) * 0x1p-53;
}

static void set_next(struct schedule *schedule) {
    if (schedule->poisson)
        schedule->at_s += -log(draw(&schedule->state)) / schedule->rate;
    else
        schedule->at_s = (double)schedule->count / schedule->rate;
    schedule->next_ns = schedule->start_ns + (uint64_t)(schedule->at_s * 1e9);
}

void schedule_init(struct schedule *schedule, uint64_t start_ns, double rate, bool poisson, uint64_t seed) {
    ASSERT(rate > 0);
    *schedule = (struct schedule){.start_ns = start_ns, .rate = rate, .poisson = poisson, .state = seed};
    set_next(schedule);
}

void schedule_advance(struct schedule *schedule) {
    schedule->count++;
    set_next(schedule);
}
