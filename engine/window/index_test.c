/* Busy keys: the index, its runners and the strings that entries share, against a scan of a plain array. Many events of
 * one microsecond, so that ties lie across chunks; late ones, so that chunks split and runners move back; silences, so
 * that chunks go while runners hold their values; and memory that must not grow in the steady state. The comparison with
 * CPython's own sums is tests/test_window_room.py. */
#include <stdlib.h>

#include "../base/test.h"
#include "multiset.h"
#include "window.h"

enum { KEY, WORD, THING, FLAG, AMOUNT, WINDOW, WINDOWS = 14, CELLS = WINDOW + WINDOWS };
enum { EVENTS_MAX = 30000, OVER_US = 300, SHORT_US = 7, DELAY_US = 40, MAX_LATE_US = 100 };

static const struct stream_spec streams[] = {
    {.key_slots = {KEY},
     .key_count = 1,
     .columns = {WORD, THING, AMOUNT},
     .column_count = 3,
     .wheres = {FLAG},
     .where_count = 1},
    /* Entered after the decision: with a lower number than what is there already. */
    {.outcome = true, .key_slots = {KEY}, .key_count = 1, .columns = {WORD, THING}, .column_count = 2},
};

#define W(at, kind_, column_, where_, over, delay)                                                                     \
    {                                                                                                                  \
        .kind = kind_, .column = column_, .where = where_, .over_us = over, .delay_us = delay, .key_slots = {KEY},     \
        .seen_slot = THING, .slot = WINDOW + at                                                                        \
    }

static const struct window_spec specs[WINDOWS] = {
    W(0, WINDOW_COUNT, -1, -1, OVER_US, 0),
    W(1, WINDOW_COUNT, -1, 0, OVER_US, DELAY_US),
    W(2, WINDOW_SUM, 2, 0, OVER_US, 0),
    W(3, WINDOW_MIN, 0, -1, OVER_US, 0),
    W(4, WINDOW_MAX, 0, 0, OVER_US, 0),
    W(5, WINDOW_FIRST, 0, 0, OVER_US, 0),
    W(6, WINDOW_LAST, 0, 0, OVER_US, DELAY_US),
    W(7, WINDOW_DISTINCT, 1, -1, OVER_US, 0),
    W(8, WINDOW_DISTINCT, 0, 0, SHORT_US, 0),
    W(9, WINDOW_SEEN, 1, 0, OVER_US, DELAY_US),
    W(10, WINDOW_SINCE_LAST, -1, 0, OVER_US, 0),
    {.kind = WINDOW_LAST, .stream = 1, .where = -1, .over_us = OVER_US, .key_slots = {KEY}, .slot = WINDOW + 11},
    {.kind = WINDOW_DISTINCT,
     .stream = 1,
     .column = 1,
     .where = -1,
     .over_us = OVER_US,
     .key_slots = {KEY},
     .slot = WINDOW + 12},
    {.kind = WINDOW_FIRST, .stream = 1, .where = -1, .over_us = SHORT_US, .key_slots = {KEY}, .slot = WINDOW + 13},
};

static const char *const words[] = {"de",
                                    "",
                                    "seven..",
                                    "eight...",
                                    "a word that does not fit into a cell",
                                    "a word that does not fit into a cell either",
                                    "\xc3\xbc\xf0\x9f\x98\x80 longer",
                                    "zzzzzzzzz"};

struct event {
    int64_t at_us, thing, amount; /* thing < 0: None */
    int word;                     /* -1: None */
    bool flag, decided;
};

struct world {
    struct windows *windows;
    struct arena arena;
    struct event events[EVENTS_MAX];
    size_t count;
    int64_t latest_us;
    struct value frame[CELLS];
};

static struct world *world_open(void) {
    struct windows_config config = {
        .streams = streams, .stream_count = 2, .windows = specs, .window_count = WINDOWS, .max_late_us = MAX_LATE_US};
    struct error error = {0};
    struct world *world = calloc(1, sizeof *world);
    if (world == NULL)
        abort();
    world->windows = windows_create(&config, &error);
    CHECK_TEXT(error.text, strlen(error.text), "");
    for (uint32_t s = 0; s < 2; s++)
        windows_set_coverage(world->windows, s, INT64_MIN);
    arena_init(&world->arena, 1 << 20);
    return world;
}

static void world_close(struct world *world) {
    windows_free(world->windows);
    arena_release(&world->arena);
    free(world);
}

/* --- the scan --- */

/* The entries that a window of this spec covers for a reader at at_us, in the order of (time, sequence): an insertion
 * sort of indexes. */
static size_t covered(const struct world *world, const struct window_spec *spec, int64_t at_us, size_t *found) {
    size_t count = 0;
    for (size_t i = 0; i < world->count; i++) {
        const struct event *event = &world->events[i];
        int64_t high_us = at_us - spec->delay_us;
        if (event->at_us > high_us || event->at_us <= high_us - spec->over_us || (spec->where == 0 && !event->flag) ||
            (spec->stream == 1 && !event->decided))
            continue;
        size_t place = count++;
        for (; place > 0 && world->events[found[place - 1]].at_us > event->at_us; place--)
            found[place] = found[place - 1];
        found[place] = i;
    }
    return count;
}

static struct value word_value(const struct event *event) {
    return event->word < 0 ? value_none(MISSING_NOT) : value_str(words[event->word], strlen(words[event->word]));
}

static struct value thing_value(const struct event *event) {
    return event->thing < 0 ? value_none(MISSING_NOT) : value_int(event->thing);
}

/* The word that wins, or None: the first found, the last, the least or the greatest. */
static struct value one_word(const struct world *world, enum window_kind kind, const size_t *found, size_t count) {
    const struct event *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &world->events[found[i]];
        if (event->word < 0)
            continue;
        int order = best == NULL ? 0 : strcmp(words[event->word], words[best->word]);
        if (best == NULL || kind == WINDOW_LAST || (kind == WINDOW_MIN && order < 0) || (kind == WINDOW_MAX && order > 0))
            best = event;
    }
    return best == NULL ? value_none(MISSING_NOT) : word_value(best);
}

static int64_t different(const struct world *world, bool things, const size_t *found, size_t count) {
    int64_t result = 0;
    uint8_t there[4096] = {0};
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &world->events[found[i]];
        int64_t value = things ? event->thing : event->word;
        if (value < 0)
            continue;
        result += !there[value];
        there[value] = 1;
    }
    return result;
}

static struct value expected_of(const struct world *world, const struct window_spec *spec, const struct event *own) {
    static size_t found[EVENTS_MAX];
    size_t count = covered(world, spec, own->at_us, found);
    int64_t sum = 0;
    bool seen = false;
    for (size_t i = 0; i < count; i++) {
        sum += world->events[found[i]].amount;
        seen |= world->events[found[i]].thing == own->thing;
    }
    switch (spec->kind) {
    case WINDOW_COUNT: return value_int((int64_t)count);
    case WINDOW_SUM: return value_int(sum);
    case WINDOW_DISTINCT: return value_int(different(world, spec->column == 1, found, count));
    case WINDOW_SEEN: return own->thing < 0 ? value_none(MISSING_NOT) : value_bool(seen);
    case WINDOW_SINCE_LAST:
        return count == 0 ? value_none(MISSING_NOT)
                          : value_float((double)(own->at_us - world->events[found[count - 1]].at_us) / 1e6);
    default: return one_word(world, spec->kind, found, count);
    }
}

static void compare(const struct world *world, const struct event *own) {
    for (uint32_t w = 0; w < WINDOWS; w++) {
        struct value expected = expected_of(world, &specs[w], own), got = world->frame[specs[w].slot];
        bool same = got.tag == expected.tag &&
                    (got.tag == V_NONE ? got.len == MISSING_NOT : value_equal(&got, &expected));
        test_checks++;
        if (!same) {
            test_failures++;
            fprintf(stderr, "event %zu, window %u: another value than a scan gives\n", world->count, w);
        }
    }
}

/* --- the way of an event --- */

static struct window_moment moment_of(const struct world *world, size_t n) {
    return (struct window_moment){.at_us = world->events[n].at_us,
                                  .arrival_us = world->latest_us,
                                  .latest_us = world->latest_us,
                                  .seq = n + 1};
}

static void fill(struct world *world, const struct event *event) {
    world->frame[KEY] = value_int(1);
    world->frame[WORD] = word_value(event);
    world->frame[THING] = thing_value(event);
    world->frame[FLAG] = value_bool(event->flag);
    world->frame[AMOUNT] = value_int(event->amount);
}

/* Entered; read before that, as a payment does, or not, as a context event; with a look at what was read. */
enum way { ENTER, READ, LOOK };

static void take(struct world *world, struct event event, enum way way) {
    struct window_cursor cursor;
    arena_reset(&world->arena);
    if (event.at_us > world->latest_us)
        world->latest_us = event.at_us;
    fill(world, &event);
    world->events[world->count] = event;
    const struct window_moment moment = moment_of(world, world->count);
    CHECK(window_prepare(world->windows, &cursor, 0, world->frame, &world->arena));
    window_lock(&cursor);
    CHECK(way == ENTER || window_read(&cursor, &moment, world->frame));
    CHECK(window_enter(&cursor, &moment));
    window_unlock(&cursor);
    if (way == LOOK)
        compare(world, &event);
    world->count++;
}

static void decide(struct world *world, size_t n) {
    struct window_cursor cursor;
    arena_reset(&world->arena);
    fill(world, &world->events[n]);
    const struct window_moment moment = moment_of(world, n);
    CHECK(window_prepare_outcome(world->windows, &cursor, 0, world->frame, &world->arena));
    window_lock(&cursor);
    CHECK(window_enter(&cursor, &moment));
    window_unlock(&cursor);
    world->events[n].decided = true;
}

static uint32_t below(uint32_t n) { return (uint32_t)rand() % n; }

static struct event random_event(int64_t latest_us) {
    struct event event = {.at_us = latest_us,
                          .thing = (int64_t)below(60) * (int64_t)below(60) - 1,
                          .amount = (int64_t)below(2000) - 1000,
                          .word = (int)below(9) - 1,
                          .flag = below(3) > 0};
    if (below(4) > 0)
        event.word = (int)(latest_us / 40 % 8); /* mostly the same for a while: shared */
    if (below(6) == 0)
        event.at_us -= below(MAX_LATE_US + 1);
    return event;
}

/* Some events, one in `ties` of a later time than the one before, some late; one in `look_every` is looked at, and with 0
 * none reads. Decisions come some events later. */
static void run(struct world *world, int64_t *latest_us, int events, uint32_t ties, int look_every) {
    for (int i = 0; i < events && world->count < EVENTS_MAX; i++) {
        *latest_us += below(ties) == 0 ? 1 + below(3) : 0;
        take(world, random_event(*latest_us), look_every == 0 ? ENTER : i % look_every == look_every - 1 ? LOOK : READ);
        if (world->count > 5 && below(10) > 0)
            for (size_t n = world->count - 6; n < world->count && !world->events[n].decided; n += 1 + below(4))
                decide(world, n);
    }
}

static void test_busy_keys_are_what_a_scan_gives(void) {
    for (unsigned seed = 1; seed <= 3; seed++) {
        struct world *world = world_open();
        int64_t latest_us = 1000000;
        srand(seed);
        for (int round = 0; round < 4; round++) {
            run(world, &latest_us, 1500, 20 * seed, 47);
            latest_us += (int64_t)below(2 * OVER_US); /* a silence: some go, or all */
            run(world, &latest_us, 100, 2, 9);
            run(world, &latest_us, 100 + 100 * round, 2, 0); /* nobody reads, and what readers had in hand expires */
            run(world, &latest_us, 200, 2, 9);
        }
        world_close(world);
    }
}

/* More events of one microsecond than a node has room for; then one before, one behind, and their end. */
static void test_ties_fill_many_chunks(void) {
    struct world *world = world_open();
    srand(9);
    for (int i = 0; i < 3000; i++) {
        struct event event = random_event(1000);
        event.at_us = 1000;
        take(world, event, i % 211 == 0 ? LOOK : READ);
    }
    for (size_t n = 3000; n-- > 0;)
        decide(world, n); /* each before all that are there */
    struct event event = random_event(1000);
    event.at_us = 999;
    take(world, event, LOOK);
    event.at_us = 1000;
    take(world, event, LOOK);
    event.at_us = 1000 + OVER_US - 1;
    take(world, event, LOOK);
    event.at_us = 1000 + OVER_US;
    take(world, event, LOOK);
    CHECK_INT(world->frame[WINDOW].i, 1); /* the ties are exactly over old, and out */
    event.at_us = 1000 + OVER_US + DELAY_US + MAX_LATE_US;
    take(world, event, LOOK);
    CHECK_INT(world->frame[WINDOW].i, 2); /* the last two */
    world_close(world);
}

/* What goes is used again: strings, chunks, nodes, runners. */
static void test_memory_does_not_grow_in_the_steady_state(void) {
    struct world *world = world_open();
    int64_t latest_us = 1000000;
    struct windows_stats early, late;
    srand(4);
    for (int round = 0; round < 40; round++) {
        world->count = 0;
        run(world, &latest_us, 2000, 4, EVENTS_MAX + round); /* never looks: the array begins anew */
        latest_us += round % 4 == 0 ? 10 * OVER_US : 0;
        if (round == 19)
            windows_stats(world->windows, &early);
    }
    windows_stats(world->windows, &late);
    CHECK(late.bytes <= early.bytes + early.bytes / 20);
    world_close(world);
}

static void test_a_multiset_counts_as_an_array_does(void) {
    enum { DIFFERENT = 3000 };
    static uint64_t counts[DIFFERENT];
    struct pool pool = {0};
    struct budget budget = {0};
    const struct index_room room = {&pool, &budget, NULL};
    struct multiset set = {0};
    uint32_t used = 0;
    srand(5);
    for (int i = 0; i < 200000; i++) {
        uint32_t n = below(i < 100000 ? DIFFERENT : 40);
        struct identity value = {n * 0x100000000u, n % 3}; /* neighbours in the table */
        if (below(2) == 0 || counts[n] == 0) {
            multiset_add(&set, &room, &value);
            used += counts[n]++ == 0;
        } else {
            multiset_take(&set, &value);
            used -= --counts[n] == 0;
        }
        CHECK(set.used == used && multiset_count(&set, &value) == counts[n]);
    }
    for (uint32_t n = 0; n < DIFFERENT; n++) {
        struct identity value = {n * 0x100000000u, n % 3};
        CHECK(multiset_count(&set, &value) == counts[n]);
    }
    multiset_clear(&set, &room);
    CHECK_INT(set.used, 0);
    pool_release(&pool);
}

int main(void) {
    TEST(test_busy_keys_are_what_a_scan_gives);
    TEST(test_ties_fill_many_chunks);
    TEST(test_memory_does_not_grow_in_the_steady_state);
    TEST(test_a_multiset_counts_as_an_array_does);
    return test_end();
}
