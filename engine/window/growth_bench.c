/* What an event costs as its key gets busy: growth_bench [EVENTS [KIND]]. One merchant whose window holds 10, 1,000,
 * 10,000, 100,000 and EVENTS (a million) events, one kind of window at a time. Prints nanoseconds of CPU time an event for
 * prepare, lock, read, enter, expiry and unlock together. */
#include "window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/assert.h"

enum { MERCHANT, AMOUNT, SHOP, VALUE, CELLS };
enum { EVENTS_TIMED = 40000, EVENTS_WARM = 2000 };

#define GAP_US 1000

/* `late`: one event in a hundred comes late, by up to a tenth of the window. */
struct sort {
    const char *name;
    enum window_kind kind;
    int32_t column;
    uint64_t events_max; /* 0: no limit. Linear ones stop earlier */
    bool late;
};

static const struct sort sorts[] = {
    {"count", WINDOW_COUNT, -1, 0, false},
    {"sum", WINDOW_SUM, 0, 0, false},
    {"mean", WINDOW_MEAN, 0, 0, false},
    {"std", WINDOW_STD, 0, 0, false},
    {"min", WINDOW_MIN, 0, 0, false},
    {"max", WINDOW_MAX, 0, 0, false},
    {"distinct", WINDOW_DISTINCT, 1, 0, false},
    {"seen", WINDOW_SEEN, 1, 0, false},
    {"first", WINDOW_FIRST, 0, 0, false},
    {"last", WINDOW_LAST, 0, 0, false},
    {"since_last", WINDOW_SINCE_LAST, -1, 0, false},
    {"rate", WINDOW_RATE, -1, 0, false},
    {"sum, 1% late", WINDOW_SUM, 0, 0, true},
    {"distinct, 1% late", WINDOW_DISTINCT, 1, 0, true},
    {"decayed_sum", WINDOW_DECAYED_SUM, 0, 10000, false},
};

static uint64_t state = 88172645463325252u;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); /* the machine may be shared */
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static struct windows *open_windows(const struct sort *sort, uint64_t held) {
    static const struct stream_spec stream = {
        .key_slots = {MERCHANT}, .key_count = 1, .columns = {AMOUNT, SHOP}, .column_count = 2};
    struct window_spec window = {.kind = sort->kind,
                                 .column = sort->column,
                                 .where = -1,
                                 .over_us = (int64_t)held * GAP_US,
                                 .half_life_us = sort->kind == WINDOW_DECAYED_SUM ? GAP_US * 100 : 0,
                                 .is_float = true,
                                 .key_slots = {MERCHANT},
                                 .seen_slot = SHOP,
                                 .slot = VALUE};
    struct windows_config config = {.streams = &stream,
                                    .stream_count = 1,
                                    .windows = &window,
                                    .window_count = 1,
                                    .max_late_us = sort->late ? window.over_us / 10 : 0};
    struct error error = {0};
    struct windows *windows = windows_create(&config, &error);
    if (windows != NULL)
        windows_set_coverage(windows, 0, INT64_MIN);
    return windows;
}

/* One event; its values are drawn by the caller, so that it does not count. */
static void take(struct windows *windows, struct arena *arena, struct value *frame, int64_t at_us, int64_t latest_us,
                 uint64_t seq, bool read) {
    const struct window_moment moment = {.at_us = at_us, .arrival_us = latest_us, .latest_us = latest_us, .seq = seq};
    struct window_cursor cursor;
    arena_reset(arena);
    bool good = window_prepare(windows, &cursor, 0, frame, arena);
    ASSERT(good);
    window_lock(&cursor);
    good = (!read || window_read(&cursor, &moment, frame)) && window_enter(&cursor, &moment);
    ASSERT(good);
    window_unlock(&cursor);
}

static void draw(struct value *frame) {
    frame[MERCHANT] = value_int(7);
    frame[AMOUNT] = value_float((double)(next() % 100000) / 100);
    frame[SHOP] = value_int((int64_t)(next() % 1000));
}

static double cost_ns(const struct sort *sort, uint64_t held) {
    struct windows *windows = open_windows(sort, held);
    struct arena arena;
    double total = 0;
    uint64_t seq = 0, timed = sort->kind == WINDOW_DECAYED_SUM && held >= 10000 ? EVENTS_TIMED / 20 : EVENTS_TIMED;
    ASSERT(windows != NULL);
    arena_init(&arena, 1 << 20);
    for (; seq < held + EVENTS_WARM; seq++) { /* reads at the end only: they find what they will find from then on */
        struct value frame[CELLS];
        draw(frame);
        take(windows, &arena, frame, (int64_t)seq * GAP_US, (int64_t)seq * GAP_US, seq + 1, seq >= held + EVENTS_WARM / 2);
    }
    for (uint64_t end = seq + timed; seq < end; seq += 64) { /* timed in groups, so that the clock does not count */
        struct value frames[64][CELLS];
        for (int i = 0; i < 64; i++)
            draw(frames[i]);
        double start = now_ns();
        for (uint64_t i = 0; i < 64; i++) {
            int64_t latest_us = (int64_t)(seq + i) * GAP_US;
            int64_t late_us = sort->late && next() % 100 == 0 ? (int64_t)(next() % (held * GAP_US / 10)) : 0;
            take(windows, &arena, frames[i], latest_us - late_us, latest_us, seq + i + 1, true);
        }
        total += now_ns() - start;
    }
    arena_release(&arena);
    windows_free(windows);
    return total / (double)((timed + 63) / 64 * 64);
}

int main(int count, char **arguments) {
    uint64_t most = count > 1 ? strtoull(arguments[1], NULL, 10) : 1000000;
    printf("ns an event      ");
    const uint64_t sizes[] = {10, 1000, 10000, 100000, most};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        printf(" %10llu", (unsigned long long)sizes[s]);
    printf("  events in the window\n");
    for (size_t k = 0; k < sizeof sorts / sizeof *sorts; k++) {
        if (count > 2 && strcmp(arguments[2], sorts[k].name) != 0)
            continue;
        printf("%-17s", sorts[k].name);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            if (sorts[k].events_max > 0 && sizes[s] > sorts[k].events_max)
                printf("          -");
            else
                printf(" %10.0f", cost_ns(&sorts[k], sizes[s]));
            fflush(stdout);
        }
        printf("\n");
    }
    return 0;
}
