/* One event's way through the windows: window_bench [KEYS]. Three streams (card, merchant, device), twelve windows over
 * an hour and a day, keys drawn evenly, some ten events a card and day. Prints nanoseconds an event for prepare, lock,
 * read, enter and unlock together, and what the entries take. */
#include "window.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CARD, MERCHANT, DEVICE, AMOUNT, COUNTRY, DECLINED, FIRST_WINDOW, WINDOWS = 12, CELLS = FIRST_WINDOW + WINDOWS };

#define HOUR 3600000000ll
#define DAY (24 * HOUR)

static const struct stream_spec streams[] = {
    {.key_slots = {CARD},
     .key_count = 1,
     .columns = {AMOUNT, COUNTRY},
     .column_count = 2,
     .wheres = {DECLINED},
     .where_count = 1},
    {.key_slots = {MERCHANT}, .key_count = 1, .columns = {AMOUNT}, .column_count = 1},
    {.key_slots = {DEVICE}, .key_count = 1, .columns = {AMOUNT}, .column_count = 1},
};

#define W(at, kind_, stream_, key, column_, where_, over)                                                              \
    {                                                                                                                  \
        .kind = kind_, .stream = stream_, .column = column_, .where = where_, .over_us = over, .is_float = true,       \
        .key_slots = {key}, .seen_slot = COUNTRY, .slot = FIRST_WINDOW + at                                            \
    }

static const struct window_spec windows_specs[WINDOWS] = {
    W(0, WINDOW_COUNT, 0, CARD, -1, -1, HOUR),   W(1, WINDOW_COUNT, 0, CARD, -1, -1, DAY),
    W(2, WINDOW_SUM, 0, CARD, 0, -1, HOUR),      W(3, WINDOW_SUM, 0, CARD, 0, -1, DAY),
    W(4, WINDOW_MEAN, 0, CARD, 0, -1, DAY),      W(5, WINDOW_SEEN, 0, CARD, 1, -1, DAY),
    W(6, WINDOW_COUNT, 0, CARD, -1, 0, DAY),     W(7, WINDOW_COUNT, 1, MERCHANT, -1, -1, HOUR),
    W(8, WINDOW_SUM, 1, MERCHANT, 0, -1, HOUR),  W(9, WINDOW_MEAN, 1, MERCHANT, 0, -1, HOUR),
    W(10, WINDOW_COUNT, 2, DEVICE, -1, -1, DAY), W(11, WINDOW_SUM, 2, DEVICE, 0, -1, DAY),
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

static void fill(struct value *frame, uint64_t keys) {
    static const char *const countries[] = {"DE", "FR", "NL", "AT"};
    frame[CARD] = value_int((int64_t)(next() % keys));
    frame[MERCHANT] = value_int((int64_t)(next() % (keys / 4 + 1)));
    frame[DEVICE] = value_int((int64_t)(next() % keys));
    frame[AMOUNT] = value_float((double)(next() % 100000) / 100);
    frame[COUNTRY] = value_str(countries[next() % 4], 2);
    frame[DECLINED] = value_bool(next() % 8 == 0);
}

int main(int count, char **arguments) {
    uint64_t keys = count > 1 ? strtoull(arguments[1], NULL, 10) : 1000,
             events = keys * 40 < 200000 ? 200000 : keys * 40, timed = 0;
    struct windows_config config = {
        .streams = streams, .stream_count = 3, .windows = windows_specs, .window_count = WINDOWS};
    struct error error = {0};
    struct windows *windows = windows_create(&config, &error);
    if (windows == NULL)
        return 1;
    for (uint32_t stream = 0; stream < 3; stream++)
        windows_set_coverage(windows, stream, INT64_MIN);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    double total = 0;
    int64_t at = 0, gap = DAY / (int64_t)(keys * 10) + 1; /* ten events a card and day */
    for (uint64_t seq = 1; seq <= events; seq += 64) {    /* timed in groups, so that the clock does not count */
        struct value frames[64][CELLS];
        for (int i = 0; i < 64; i++)
            fill(frames[i], keys);
        double start = now_ns();
        for (uint64_t i = 0; i < 64; i++) {
            struct window_cursor cursor;
            arena_reset(&arena);
            at += gap;
            if (!window_prepare(windows, &cursor, 0, frames[i], &arena))
                return 1;
            window_lock(&cursor);
            const struct window_moment moment = {.at_us = at, .arrival_us = at, .latest_us = at, .seq = seq + i};
            if (!window_read(&cursor, &moment, frames[i]) || !window_enter(&cursor, &moment))
                return 1;
            window_unlock(&cursor);
        }
        if (seq > events / 2) {
            total += now_ns() - start;
            timed += 64;
        }
    }
    struct windows_stats stats;
    windows_stats(windows, &stats);
    printf(
        "windows, %llu cards, 3 streams, %d windows: %.0f ns an event; %llu keys, %llu entries, %.0f bytes an entry\n",
        (unsigned long long)keys, WINDOWS, total / (double)timed, (unsigned long long)stats.keys,
        (unsigned long long)stats.entries, (double)stats.bytes / (double)stats.entries);
    arena_release(&arena);
    windows_free(windows);
    return 0;
}
