/* The window room: boundaries, order, None, lateness, coverage, expiry, budget, explanations, threads, exact sums. The
 * comparison with CPython on generated events is tests/test_window_room.py. */
#include "window.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../base/test.h"
#include "exact.h"

/* The scored class 0 has cells: key, amount, flag, name, other key; the context class 1: key, flag. Window cells
 * follow. */
enum { KEY, AMOUNT, FLAG, NAME, OTHER, COUNT, SUM, MEAN, SEEN, FLAGGED, DELAYED, WITH_SELF, LOGINS, INT_SUM, CELLS };
enum { WINDOWS = CELLS - COUNT };

static const struct stream_spec streams[] = {
    {.event = 0,
     .key_slots = {KEY},
     .key_count = 1,
     .columns = {AMOUNT, NAME},
     .column_count = 2,
     .wheres = {FLAG},
     .where_count = 1},
    {.event = 1, .key_slots = {KEY}, .key_count = 1, .wheres = {AMOUNT}, .where_count = 1},
    {.event = 0, .key_slots = {OTHER}, .key_count = 1, .columns = {AMOUNT}, .column_count = 1},
};

static const struct window_spec specs[WINDOWS] = {
    {.kind = WINDOW_COUNT, .column = -1, .where = -1, .over_us = 100, .key_slots = {KEY}, .slot = COUNT},
    {.kind = WINDOW_SUM, .column = 0, .where = -1, .over_us = 100, .is_float = true, .key_slots = {KEY}, .slot = SUM},
    {.kind = WINDOW_MEAN, .column = 0, .where = -1, .over_us = 100, .key_slots = {KEY}, .slot = MEAN},
    {.kind = WINDOW_SEEN,
     .column = 1,
     .where = -1,
     .over_us = 100,
     .key_slots = {KEY},
     .seen_slot = NAME,
     .slot = SEEN},
    {.kind = WINDOW_COUNT, .column = -1, .where = 0, .over_us = 100, .key_slots = {KEY}, .slot = FLAGGED},
    {.kind = WINDOW_COUNT,
     .column = -1,
     .where = -1,
     .over_us = 100,
     .delay_us = 50,
     .key_slots = {KEY},
     .slot = DELAYED},
    {.kind = WINDOW_SUM,
     .column = 0,
     .where = 0,
     .over_us = 100,
     .is_float = true,
     .include_current = true,
     .key_slots = {KEY},
     .slot = WITH_SELF},
    {.kind = WINDOW_COUNT, .stream = 1, .column = -1, .where = 0, .over_us = 100, .key_slots = {KEY}, .slot = LOGINS},
    {.kind = WINDOW_SUM, .stream = 2, .column = 0, .where = -1, .over_us = 100, .key_slots = {OTHER}, .slot = INT_SUM},
};

static struct windows *open_windows(int64_t max_late_us, size_t budget_bytes) {
    struct windows_config config = {.streams = streams,
                                    .stream_count = 3,
                                    .windows = specs,
                                    .window_count = WINDOWS,
                                    .key = {"0123456789abcde"},
                                    .max_late_us = max_late_us,
                                    .budget_bytes = budget_bytes};
    struct error error = {0};
    struct windows *windows = windows_create(&config, &error);
    CHECK_TEXT(error.text, strlen(error.text), "");
    for (uint32_t i = 0; i < 3; i++)
        windows_set_coverage(windows, i, INT64_MIN);
    return windows;
}

struct world {
    struct windows *windows;
    struct arena arena;
    uint64_t seq;
    int64_t latest_us;
    struct value frame[CELLS];
};

static struct world world_open(int64_t max_late_us) {
    struct world world = {.windows = open_windows(max_late_us, 0), .latest_us = INT64_MIN};
    arena_init(&world.arena, 1 << 20);
    return world;
}

static void world_close(struct world *world) {
    windows_free(world->windows);
    arena_release(&world->arena);
}

static bool step(struct world *world, uint32_t event, int64_t at_us, bool too_late) {
    struct window_cursor cursor;
    arena_reset(&world->arena);
    if (at_us > world->latest_us)
        world->latest_us = at_us;
    CHECK(window_prepare(world->windows, &cursor, event, world->frame, &world->arena));
    window_lock(&cursor);
    const struct window_moment moment = {at_us, world->latest_us, world->latest_us, ++world->seq, too_late};
    CHECK(window_read(&cursor, &moment, world->frame));
    bool entered = window_enter(&cursor, &moment);
    window_unlock(&cursor);
    return entered;
}

static void payment(struct world *world, int64_t at_us, int64_t key, double amount, int flag, const char *name) {
    memset(world->frame, 0, sizeof world->frame);
    world->frame[KEY] = value_int(key);
    world->frame[AMOUNT] = isnan(amount) ? value_none(MISSING_NOT) : value_float(amount);
    world->frame[FLAG] = flag < 0 ? value_none(MISSING_NOT) : value_bool(flag);
    world->frame[NAME] = name == NULL ? value_none(MISSING_NOT) : value_str(name, strlen(name));
    CHECK(step(world, 0, at_us, false));
}

static void login(struct world *world, int64_t at_us, int64_t key, int flag) {
    memset(world->frame, 0, sizeof world->frame);
    world->frame[KEY] = value_int(key);
    world->frame[AMOUNT] = value_bool(flag);
    CHECK(step(world, 1, at_us, false));
}

static void test_entry_exactly_over_old_is_out(void) {
    struct world world = world_open(1000);
    payment(&world, 1000, 1, 1, 1, "a");
    payment(&world, 1099, 1, 2, 0, "b");
    CHECK_INT(world.frame[COUNT].i, 1);
    payment(&world, 1100, 1, 4, 1, "a");
    CHECK_INT(world.frame[COUNT].i, 1); /* the first is exactly 100 old */
    CHECK_INT(world.frame[SEEN].i, 0);
    CHECK(world.frame[SUM].f == 2);
    CHECK(world.frame[MEAN].f == 2);
    CHECK_INT(world.frame[FLAGGED].i, 0);
    CHECK(world.frame[WITH_SELF].f == 4);
    world_close(&world);
}

static void test_same_microsecond_sequenced_earlier_is_in(void) {
    struct world world = world_open(1000);
    for (int i = 0; i < 100; i++) {
        payment(&world, 500, 1, 0.1, 1, "a");
        CHECK_INT(world.frame[COUNT].i, i);
        CHECK_INT(world.frame[SEEN].i, i > 0);
        CHECK_INT(world.frame[DELAYED].i, 0);
    }
    CHECK(world.frame[SUM].f == 9.9); /* 99 times the double 0.1, rounded once */
    world_close(&world);
}

static void test_empty_window(void) {
    struct world world = world_open(1000);
    payment(&world, 500, 1, NAN, -1, NULL);
    CHECK(world.frame[COUNT].tag == V_INT && world.frame[COUNT].i == 0);
    CHECK(world.frame[SUM].tag == V_FLOAT && world.frame[SUM].f == 0 && !signbit(world.frame[SUM].f));
    CHECK(world.frame[INT_SUM].tag == V_NONE && world.frame[INT_SUM].len == MISSING_KEY);
    CHECK(world.frame[MEAN].tag == V_NONE && world.frame[MEAN].len == MISSING_NOT);
    CHECK(world.frame[SEEN].tag == V_NONE && world.frame[SEEN].len == MISSING_NOT); /* None is looked for */
    payment(&world, 501, 1, 7, 1, "x");
    CHECK_INT(world.frame[COUNT].i, 1);     /* a None value is counted */
    CHECK(world.frame[MEAN].tag == V_NONE); /* and skipped by the others */
    CHECK(world.frame[WITH_SELF].f == 7);
    CHECK(world.frame[SEEN].tag == V_BOOL && world.frame[SEEN].i == 0);
    world_close(&world);
}

static void test_delay(void) {
    struct world world = world_open(1000);
    payment(&world, 1000, 1, 1, 1, "a");
    payment(&world, 1049, 1, 1, 1, "a");
    CHECK_INT(world.frame[DELAYED].i, 0);
    payment(&world, 1050, 1, 1, 1, "a");
    CHECK_INT(world.frame[DELAYED].i, 1); /* (900, 1000] */
    payment(&world, 1150, 1, 1, 1, "a");
    CHECK_INT(world.frame[DELAYED].i, 2); /* (1000, 1100] */
    world_close(&world);
}

static void test_late_event_enters_at_its_own_time(void) {
    struct world world = world_open(1000);
    for (int64_t at = 1000; at < 1090; at++)
        payment(&world, at, 1, 1, 0, "a");
    payment(&world, 1001, 1, 0.5, 1, "late");
    CHECK_INT(world.frame[COUNT].i, 2); /* those at 1000 and 1001, not the later ones */
    payment(&world, 1099, 1, 1, 0, "late");
    CHECK_INT(world.frame[COUNT].i, 91);
    CHECK_INT(world.frame[SEEN].i, 1);
    CHECK_INT(world.frame[FLAGGED].i, 1);
    payment(&world, 1101, 1, 1, 0, "late");
    CHECK_INT(world.frame[SEEN].i, 1); /* the one at 1099 */
    CHECK_INT(world.frame[FLAGGED].i, 0);
    CHECK_INT(world.frame[COUNT].i, 89); /* 1002 to 1089, and 1099 */
    world_close(&world);
}

static void test_missing_windows_say_why(void) {
    struct world world = world_open(1000);
    windows_set_coverage(world.windows, 0, 1000);
    payment(&world, 1099, 1, 1, 1, "a");
    CHECK_INT(world.frame[COUNT].len, MISSING_WARMING);
    payment(&world, 1100, 1, 1, 1, "a");
    CHECK_INT(world.frame[COUNT].tag, V_INT);
    CHECK_INT(world.frame[DELAYED].len, MISSING_WARMING); /* reaches back to 950 */
    windows_set_coverage(world.windows, 0, INT64_MAX);
    payment(&world, 1200, 1, 1, 1, "a");
    CHECK_INT(world.frame[COUNT].len, MISSING_WARMING);
    CHECK(windows_coverage(world.windows, 0) == INT64_MAX);
    step(&world, 0, 1200, true);
    CHECK_INT(world.frame[COUNT].len, MISSING_LATE);
    world.frame[KEY] = value_none(MISSING_SOURCE);
    step(&world, 0, 1200, true);
    CHECK_INT(world.frame[COUNT].len, MISSING_KEY);
    CHECK_INT(world.frame[INT_SUM].len, MISSING_KEY);
    struct windows_stats stats;
    windows_stats(world.windows, &stats);
    CHECK_INT(stats.entries, 4); /* nothing entered by a None key */
    world_close(&world);
}

static void test_context_events(void) {
    struct world world = world_open(1000);
    login(&world, 1000, 1, 1);
    login(&world, 1000, 1, 0);
    login(&world, 1000, 2, 1);
    payment(&world, 1001, 1, 1, 1, "a");
    CHECK_INT(world.frame[LOGINS].i, 1);
    CHECK_INT(world.frame[COUNT].i, 0);
    world_close(&world);
}

static void test_keys_are_equal_as_in_python(void) {
    struct world world = world_open(1000);
    payment(&world, 1, 1, 1, 1, "a");
    world.frame[KEY] = value_float(1.0);
    step(&world, 0, 2, false);
    CHECK_INT(world.frame[COUNT].i, 1);
    world.frame[KEY] = value_bool(true);
    step(&world, 0, 2, false);
    CHECK_INT(world.frame[COUNT].i, 2);
    world.frame[KEY] = value_str("1", 1);
    step(&world, 0, 2, false);
    CHECK_INT(world.frame[COUNT].i, 0);
    struct value items[2] = {value_int(1), value_none(MISSING_NOT)};
    world.frame[KEY] = (struct value){.tag = V_TUPLE, .len = 2, .p = items};
    step(&world, 0, 2, false);
    CHECK_INT(world.frame[COUNT].len, MISSING_KEY);
    world_close(&world);
}

static void test_beyond_range_is_an_error_at_every_read(void) {
    static const double beyond[] = {0x1p63, -0x1p63, INFINITY, 1e300};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        struct world world = world_open(1000);
        payment(&world, 1, 1, 0x1.fffffffffffffp62, 1, "a");
        payment(&world, 2, 1, beyond[i], 1, "a");
        CHECK(world.frame[SUM].f == 0x1.fffffffffffffp62);
        CHECK_INT(world.frame[WITH_SELF].len, MISSING_ERROR);
        payment(&world, 101, 1, 5, 1, "a");
        CHECK(world.frame[SUM].tag == V_NONE && world.frame[SUM].len == MISSING_ERROR);
        CHECK(world.frame[MEAN].tag == V_NONE && world.frame[MEAN].len == MISSING_ERROR);
        payment(&world, 102, 1, 5, 1, "a");
        CHECK(world.frame[SUM].f == 5); /* it is out again */
        world_close(&world);
    }
}

static void int_payment(struct world *world, int64_t at_us, int64_t amount) {
    memset(world->frame, 0, sizeof world->frame);
    world->frame[OTHER] = value_int(9);
    world->frame[AMOUNT] = value_int(amount);
    CHECK(step(world, 0, at_us, false));
}

static void test_int_sums(void) {
    struct world world = world_open(1000);
    int_payment(&world, 1, INT64_MAX);
    CHECK(world.frame[INT_SUM].tag == V_INT && world.frame[INT_SUM].i == 0);
    int_payment(&world, 2, 1);
    CHECK(world.frame[INT_SUM].i == INT64_MAX);
    int_payment(&world, 3, -2);
    CHECK_INT(world.frame[INT_SUM].len, MISSING_ERROR);
    int_payment(&world, 4, 0);
    CHECK(world.frame[INT_SUM].tag == V_INT && world.frame[INT_SUM].i == INT64_MAX - 1);
    world_close(&world);
}

/* With and without ever dropping anything, the same values and the same digest. */
static void test_expiry_is_never_visible(void) {
    struct world kept = world_open(INT64_MAX), dropped = world_open(30);
    srand(7);
    int64_t latest = 0;
    for (int i = 0; i < 20000; i++) {
        latest += rand() % 3;
        int64_t at = rand() % 4 == 0 ? latest - rand() % 300 : latest, key = rand() % 60;
        bool too_late = at < latest - 30;
        double amount = rand() % 1000 / 7.0;
        struct world *worlds[2] = {&kept, &dropped};
        for (int w = 0; w < 2; w++) {
            memset(worlds[w]->frame, 0, sizeof worlds[w]->frame);
            worlds[w]->frame[KEY] = value_int(key);
            worlds[w]->frame[OTHER] = value_int(i % 7000); /* idle keys, so that the sweep has work */
            worlds[w]->frame[AMOUNT] = value_float(amount);
            worlds[w]->frame[FLAG] = value_bool(i & 1);
            worlds[w]->frame[NAME] = value_str("ab", (size_t)i % 3);
            CHECK(step(worlds[w], 0, at, too_late));
        }
        CHECK(memcmp(kept.frame, dropped.frame, sizeof kept.frame) == 0);
    }
    struct windows_stats all, some;
    windows_stats(kept.windows, &all);
    windows_stats(dropped.windows, &some);
    CHECK_INT(all.entries, 40000);
    CHECK(some.entries < 4000 && some.keys < 2000 && some.bytes < all.bytes / 2);
    world_close(&kept);
    world_close(&dropped);
}

static uint64_t held(const struct world *world) {
    struct windows_stats stats;
    windows_stats(world->windows, &stats);
    return stats.entries;
}

/* The stream's longest reach is 150, so with 30 of lateness what is 180 old is dropped, and not a microsecond earlier.
 */
static void test_entries_go_when_no_permitted_reader_can_see_them(void) {
    struct world world = world_open(30);
    for (int i = 0; i < 4; i++)
        payment(&world, 1000, 1, 1, 1, "a"); /* fills the key's first chunk */
    payment(&world, 1179, 1, 1, 1, "a");
    payment(&world, 1179, 1, 1, 1, "a");
    CHECK_INT(held(&world), 6);
    payment(&world, 1149, 1, 1, 1, "a"); /* the latest permitted reader */
    CHECK_INT(world.frame[DELAYED].i, 4);
    payment(&world, 1180, 1, 1, 1, "a");
    CHECK_INT(held(&world), 4);
    payment(&world, 1000, 2, 1, 1, "a"); /* too old to enter */
    CHECK_INT(held(&world), 4);
    payment(&world, 1001, 2, 1, 1, "a");
    CHECK_INT(held(&world), 5);
    payment(&world, 1150, 2, 1, 1, "a");
    CHECK_INT(world.frame[DELAYED].i, 1);
    world_close(&world);
}

static void test_digest_tells_what_is_visible_only(void) {
    struct world a = world_open(1000), b = world_open(1000);
    payment(&a, 100, 1, 1, 1, "old");
    a.seq = 0;
    struct hash128 one = windows_digest(a.windows, 100, 100);
    payment(&b, 100, 1, 1, 1, "old");
    CHECK(hash128_equal(one, windows_digest(b.windows, 100, 100)));
    CHECK(!hash128_equal(one,
                         windows_digest(b.windows, 1250, 1250))); /* the count without delay may forget it, the other not */
    payment(&b, 5000, 1, 1, 1, "new");
    payment(&b, 5001, 2, 1, 1, "new");
    a.seq = 1;
    world_close(&a);
    a = world_open(1000);
    a.seq = 2;
    payment(&a, 5001, 2, 1, 1, "new");
    a.seq = 1;
    payment(&a, 5000, 1, 1, 1, "new"); /* other order of arrival in the stripes, the same entries */
    CHECK(hash128_equal(windows_digest(a.windows, 5001, 5001), windows_digest(b.windows, 5001, 5001)));
    world_close(&a);
    world_close(&b);
}

static void test_budget_enters_all_or_nothing(void) {
    struct world world = world_open(1000);
    windows_free(world.windows);
    world.windows = open_windows(1000, 300 * 1024);
    int refused = 0;
    for (int64_t i = 0; i < 5000; i++) {
        memset(world.frame, 0, sizeof world.frame);
        world.frame[KEY] = value_int(i);
        world.frame[OTHER] = value_int(-i);
        struct windows_stats before, after;
        windows_stats(world.windows, &before);
        bool entered = step(&world, 0, 1, false);
        windows_stats(world.windows, &after);
        CHECK_INT(after.entries - before.entries, entered ? 2 : 0);
        CHECK_INT(after.keys - before.keys, entered ? 2 : 0);
        CHECK(after.bytes <= 300 * 1024);
        refused += !entered;
    }
    CHECK(refused > 0 && refused < 5000);
    world_close(&world);
}

struct visited {
    int count;
    uint64_t seqs[8];
    struct value columns[8];
};

static void visit(void *context, int64_t at_us, uint64_t seq, const struct value *column) {
    struct visited *visited = context;
    visited->seqs[visited->count] = seq;
    visited->columns[visited->count++] = *column;
}

static void test_explain_gives_the_newest_first(void) {
    struct world world = world_open(1000);
    for (int i = 1; i <= 30; i++)
        payment(&world, 100 + i, 1, i, i % 2, "a"); /* seq i */
    struct visited visited = {0};
    window_explain(world.windows, SUM - COUNT, world.frame, &(struct window_moment){.at_us = 125, .seq = 20}, 3,
                   &world.arena, visit, &visited);
    CHECK_INT(visited.count, 3);
    CHECK_INT(visited.seqs[0], 19);
    CHECK_INT(visited.seqs[2], 17);
    CHECK(visited.columns[0].tag == V_FLOAT && visited.columns[0].f == 19);
    visited.count = 0;
    window_explain(world.windows, FLAGGED - COUNT, world.frame, &(struct window_moment){.at_us = 104, .seq = 20}, 8,
                   &world.arena, visit, &visited);
    CHECK_INT(visited.count, 2);
    CHECK_INT(visited.seqs[1], 1);
    visited.count = 0;
    window_explain(world.windows, SEEN - COUNT, world.frame, &(struct window_moment){.at_us = 104, .seq = 2}, 8,
                   &world.arena, visit, &visited);
    CHECK_INT(visited.count, 1);
    CHECK_INT(visited.columns[0].tag, V_SECRET); /* a string is kept only as its hash */
    world_close(&world);
}

static void test_bad_configurations_are_refused(void) {
    static const struct {
        struct window_spec window;
        const char *error;
    } rows[] = {
        {{.stream = 3, .over_us = 1}, "window w: stream 3, expected below 3"},
        {{.kind = WINDOW_KINDS, .over_us = 1}, "window w: unknown kind 13"},
        {{.kind = WINDOW_DECAYED_SUM, .where = -1, .over_us = 1},
         "window w: half life of 0 us, expected one for a decayed sum only"},
        {{.kind = WINDOW_SUM, .column = 2, .where = -1, .over_us = 1},
         "window w: column 2, expected from 0 to below 2"},
        {{.kind = WINDOW_SUM, .column = -1, .where = -1, .over_us = 1},
         "window w: column -1, expected from 0 to below 2"},
        {{.column = -1, .where = 1, .over_us = 1}, "window w: where 1, expected from -1 to below 1"},
        {{.column = -1, .where = -1, .over_us = 1, .delay_us = 1, .include_current = true},
         "window w: include_current, expected no delay and the scored event's own stream and key"},
        {{.column = -1, .where = -1, .over_us = 1, .key_slots = {OTHER}, .include_current = true},
         "window w: include_current, expected no delay and the scored event's own stream and key"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct window_spec window = rows[i].window;
        window.name = STR("w");
        struct windows_config config = {.streams = streams, .stream_count = 3, .windows = &window, .window_count = 1};
        struct error error = {0};
        CHECK(windows_create(&config, &error) == NULL);
        CHECK_TEXT(error.text, strlen(error.text), rows[i].error);
    }
    struct window_spec none = {.name = STR("w"), .column = -1, .where = -1};
    struct windows_config config = {.streams = streams, .stream_count = 3, .windows = &none, .window_count = 1};
    struct error error = {0};
    CHECK(windows_create(&config, &error) == NULL);
    CHECK(strstr(error.text, "expected over above 0") != NULL);
}

/* --- threads: read-and-enter is one step, so a key's counts come out as 0, 1, 2, ... each once --- */

enum { THREADS = 4, EVENTS = 4000, KEYS = 3 };

struct worker {
    struct windows *windows;
    _Atomic uint64_t *seq;
    uint8_t (*seen)[THREADS * EVENTS];
    unsigned seed;
    uint64_t failures;
};

static void *hammer(void *argument) {
    struct worker *worker = argument;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int i = 0; i < EVENTS; i++) {
        struct value frame[CELLS] = {0};
        struct window_cursor cursor;
        arena_reset(&arena);
        worker->seed = worker->seed * 1103515245u + 12345u;
        int64_t key = worker->seed >> 16 & 0xff, other = worker->seed >> 24;
        frame[KEY] = value_int(key % KEYS);
        frame[OTHER] = value_int(other % 50);
        frame[AMOUNT] = value_int(1);
        if (!window_prepare(worker->windows, &cursor, 0, frame, &arena))
            abort();
        window_lock(&cursor);
        uint64_t seq = atomic_fetch_add(worker->seq, 1);
        const struct window_moment moment = {.at_us = 50, .arrival_us = 50, .latest_us = 50, .seq = seq};
        if (!window_read(&cursor, &moment, frame) || !window_enter(&cursor, &moment))
            abort();
        worker->failures += worker->seen[key % KEYS][frame[COUNT].i] != 0;
        worker->seen[key % KEYS][frame[COUNT].i] = 1;
        window_unlock(&cursor);
    }
    arena_release(&arena);
    return NULL;
}

static void test_threads_read_and_enter_in_one_step(void) {
    static uint8_t seen[KEYS][THREADS * EVENTS];
    struct windows *windows = open_windows(1000, 0);
    _Atomic uint64_t seq = 1;
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (int t = 0; t < THREADS; t++) {
        workers[t] = (struct worker){windows, &seq, seen, (unsigned)t + 1, 0};
        CHECK_INT(pthread_create(&threads[t], NULL, hammer, &workers[t]), 0);
    }
    uint64_t total = 0;
    for (int t = 0; t < THREADS; t++) {
        CHECK_INT(pthread_join(threads[t], NULL), 0);
        CHECK_INT(workers[t].failures, 0);
    }
    for (int key = 0; key < KEYS; key++) {
        int i = 0;
        while (i < THREADS * EVENTS && seen[key][i])
            i++;
        total += (uint64_t)i;
    }
    CHECK_INT(total, THREADS * EVENTS); /* no count is left out, none came twice */
    windows_free(windows);
}

static void test_exact_sums_are_exact(void) {
    static const double values[] = {1e18,      1,          -1e18, 0x1p-96, 0x1p-97,
                                    0x1.8p-96, -0x1p-1074, 3.5,   0x1p-43, 0x1.123456789abcdp-45};
    struct exact sum = {{0}, 0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        exact_add(&sum, values[i]);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (i != 1)
            exact_subtract(&sum, values[i]);
    CHECK(exact_round(&sum) == 1.0);
    exact_subtract(&sum, 1);
    CHECK((sum.words[0] | sum.words[1] | sum.words[2]) == 0);
    exact_add(&sum, 0x1p-97); /* half way: to even, which is 0 */
    CHECK(exact_round(&sum) == 0);
    exact_add(&sum, -0x1.8p-96); /* to even: -2 units */
    CHECK(exact_round(&sum) == -0x1p-95);
    struct exact tie = {{0}, 0};
    exact_add(&tie, 0x1p53);
    exact_add(&tie, 1);
    CHECK(exact_round(&tie) == 0x1p53);
    exact_add(&tie, 0x1p-90);
    CHECK(exact_round(&tie) == 0x1p53 + 2);
    exact_add(&tie, NAN);
    CHECK_INT(tie.beyond_count, 1);
    exact_subtract(&tie, NAN);
    CHECK_INT(tie.beyond_count, 0);
}

int main(void) {
    TEST(test_entry_exactly_over_old_is_out);
    TEST(test_same_microsecond_sequenced_earlier_is_in);
    TEST(test_empty_window);
    TEST(test_delay);
    TEST(test_late_event_enters_at_its_own_time);
    TEST(test_missing_windows_say_why);
    TEST(test_context_events);
    TEST(test_keys_are_equal_as_in_python);
    TEST(test_beyond_range_is_an_error_at_every_read);
    TEST(test_int_sums);
    TEST(test_expiry_is_never_visible);
    TEST(test_entries_go_when_no_permitted_reader_can_see_them);
    TEST(test_digest_tells_what_is_visible_only);
    TEST(test_budget_enters_all_or_nothing);
    TEST(test_explain_gives_the_newest_first);
    TEST(test_bad_configurations_are_refused);
    TEST(test_threads_read_and_enter_in_one_step);
    TEST(test_exact_sums_are_exact);
    return test_end();
}
