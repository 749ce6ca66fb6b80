/* The whole engine over the simulated disk: power_driver BUNDLE PAYMENTS.jsonl [SEEDS]
 *
 * For each seed, several lives over one data folder: events are posted, what is acknowledged is remembered, then the
 * power goes at a random call, or a sync fails, or the disk is full. After every restart: each acknowledged answer is
 * there byte for byte, the same event again gets the same bytes, and a replay from zero differs in nothing. Prints one
 * line; exits 1 at the first breach. Run by tests/test_power_cut.py, which makes the bundle and the payments. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"
#include "io/io_sim.h"

enum { LINES_MAX = 4096, LIVES = 5 };

struct answered {
    char *body; /* as acknowledged, or NULL */
    size_t len;
};

struct driver {
    const char *bundle;
    struct str lines[LINES_MAX], ids[LINES_MAX];
    uint32_t line_count;
    struct answered answered[LINES_MAX];
    uint64_t random;
    uint64_t acknowledged, refused, crashes, sync_failures, full_disks;
};

static uint64_t next_random(struct driver *d) {
    d->random ^= d->random << 13;
    d->random ^= d->random >> 7;
    d->random ^= d->random << 17;
    return d->random;
}

static bool fail(const char *what, struct str id) {
    fprintf(stderr, "power_driver: %s: %.*s\n", what, (int)id.len, id.p);
    return false;
}

static bool read_lines(struct driver *d, const char *path) {
    FILE *file = fopen(path, "rb");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    if (file == NULL)
        return false;
    while (d->line_count < LINES_MAX && (len = getline(&line, &cap, file)) > 1) {
        char *copy = strndup(line, (size_t)len - 1);
        const char *id = strstr(copy, "\"id\": \"");
        const char *end = id != NULL ? strchr(id + 7, '"') : NULL;
        if (end == NULL)
            return false;
        d->lines[d->line_count] = str_of(copy);
        d->ids[d->line_count++] = (struct str){id + 7, (size_t)(end - id - 7)};
    }
    free(line);
    fclose(file);
    return d->line_count > 0;
}

/* Waits as an event loop would: until it is known whether the answer may leave. */
static enum engine_durable settle(struct engine *engine, uint64_t wait) {
    enum engine_durable state;
    struct timespec pause = {.tv_nsec = 20000};
    while ((state = engine_is_durable(engine, wait)) == ENGINE_PENDING)
        nanosleep(&pause, NULL);
    return state;
}

/* Posts one event. False on a breach of a promise. */
static bool post(struct driver *d, struct engine *engine, struct engine_thread *thread, uint32_t line) {
    struct engine_answer answer;
    struct answered *known = &d->answered[line];
    engine_reset(thread);
    engine_event(thread, STR(""), d->lines[line], NULL, &answer);
    if (answer.status == ENGINE_UNAVAILABLE) {
        d->refused++;
        return true;
    }
    if (answer.status != ENGINE_DECIDED && answer.status != ENGINE_REPEATED)
        return fail("neither decided nor refused", answer.body);
    if (settle(engine, answer.wait) == ENGINE_FAILED) {
        d->refused++;
        return true; /* answered 503: nothing was promised */
    }
    if (known->body == NULL) {
        known->body = strndup(answer.body.p, answer.body.len);
        known->len = answer.body.len;
        d->acknowledged++;
        return true;
    }
    if (answer.status != ENGINE_REPEATED || !str_equal(answer.body, (struct str){known->body, known->len}))
        return fail("another answer than the first", d->ids[line]);
    return true;
}

static bool check_answered(struct driver *d, struct io_sim *sim, struct engine_thread *thread) {
    for (uint32_t i = 0; i < d->line_count; i++) {
        struct engine_answer answer;
        if (d->answered[i].body == NULL)
            continue;
        engine_reset(thread);
        engine_decision(thread, d->ids[i], false, &answer);
        if (io_sim_is_down(sim))
            return true; /* the power went while looking */
        if (answer.http_status != 200 || !str_equal(answer.body, (struct str){d->answered[i].body, d->answered[i].len}))
            return fail("an acknowledged decision is lost or changed", d->ids[i]);
    }
    return true;
}

static struct engine_config config_of(struct driver *d, struct io_sim *sim) {
    return (struct engine_config){.io = io_sim_io(sim),
                                  .bundle_path = d->bundle,
                                  .data_folder = "/data",
                                  .history = HISTORY_EMPTY,
                                  .segment_bytes = 256 * 1024};
}

/* Arms one misfortune for this life. */
static void arm(struct driver *d, struct io_sim *sim) {
    static const enum io_sim_crash modes[] = {IO_SIM_DROP, IO_SIM_KEEP, IO_SIM_SUBSET};
    uint64_t kind = next_random(d) % 8, nth = 1 + next_random(d) % 300;
    if (kind < 5) {
        io_sim_crash_at_call(sim, nth, modes[next_random(d) % 3]);
        d->crashes++;
    } else if (kind == 5) {
        io_sim_fail_sync(sim, 1 + nth % 60, next_random(d) % 2);
        d->sync_failures++;
    } else if (kind == 6) {
        io_sim_set_space(sim, next_random(d) % (512 * 1024));
        d->full_disks++;
    }
}

static bool live(struct driver *d, struct io_sim *sim) {
    struct engine_config config = config_of(d, sim);
    struct error error = {0};
    struct engine *engine = engine_open(&config, &error);
    if (engine == NULL)
        return io_sim_is_down(sim) || error.kind == ERROR_SYSTEM || fail(error.text, STR("open"));
    struct engine_thread *thread = engine_thread_open(engine, &error);
    if (thread == NULL)
        return fail(error.text, STR("thread"));
    bool ok = check_answered(d, sim, thread);
    for (uint32_t i = 0; ok && i < 120; i++) {
        io_sim_advance(sim, 1000);
        ok = post(d, engine, thread, (uint32_t)(next_random(d) % d->line_count));
    }
    engine_thread_close(thread);
    engine_close(engine);
    return ok;
}

/* The power goes, for good measure torn at a byte, and comes back; the disk has room again. */
static void restart(struct driver *d, struct io_sim *sim) {
    if (!io_sim_is_down(sim) && next_random(d) % 2)
        io_sim_crash(sim, IO_SIM_TORN, next_random(d) % 4096);
    io_sim_set_space(sim, UINT64_MAX);
    io_sim_fail_sync(sim, 0, false);
    io_sim_restart(sim);
}

static bool check_replay(struct driver *d, struct io_sim *sim) {
    struct engine_config config = config_of(d, sim);
    struct engine_replay replay;
    struct error error = {0};
    if (!engine_replay(&config, &replay, &error))
        return fail(error.text, STR("replay"));
    return replay.differences == 0 || fail(replay.first_difference, STR("replay differs"));
}

/* A last life without misfortune, then everything is looked at. */
static bool check_end(struct driver *d, struct io_sim *sim) {
    struct engine_config config = config_of(d, sim);
    struct error error = {0};
    struct engine *engine = engine_open(&config, &error);
    struct engine_thread *thread = engine != NULL ? engine_thread_open(engine, &error) : NULL;
    if (thread == NULL)
        return fail(error.text, STR("last open"));
    bool ok = check_answered(d, sim, thread);
    for (uint32_t i = 0; ok && i < d->line_count; i++)
        ok = post(d, engine, thread, i);
    struct hash128 live_digest = engine_digest(engine);
    engine_thread_close(thread);
    engine_close(engine);
    struct engine_replay replay;
    if (ok && !engine_replay(&config, &replay, &error))
        return fail(error.text, STR("last replay"));
    if (ok && (replay.differences != 0 || !hash128_equal(replay.digest, live_digest)))
        return fail(replay.differences != 0 ? replay.first_difference : "the windows differ from a replay's",
                    STR("last replay"));
    return ok;
}

static bool run_seed(struct driver *d, uint64_t seed) {
    struct io_sim *sim = io_sim_create(seed);
    d->random = seed * 0x9e3779b97f4a7c15u + 1;
    memset(d->answered, 0, sizeof d->answered);
    bool ok = true;
    for (uint32_t i = 0; ok && i < LIVES; i++) {
        if (i > 0)
            arm(d, sim);
        ok = live(d, sim);
        restart(d, sim);
        ok = ok && check_replay(d, sim);
    }
    ok = ok && check_end(d, sim);
    for (uint32_t i = 0; i < d->line_count; i++)
        free(d->answered[i].body);
    io_sim_free(sim);
    if (!ok)
        fprintf(stderr, "power_driver: seed %llu\n", (unsigned long long)seed);
    return ok;
}

int main(int argc, char **argv) {
    static struct driver driver;
    if (argc < 3) {
        fprintf(stderr, "usage: power_driver BUNDLE PAYMENTS.jsonl [SEEDS [FIRST]]\n");
        return 2;
    }
    driver.bundle = argv[1];
    if (!read_lines(&driver, argv[2])) {
        fprintf(stderr, "power_driver: %s: cannot read payments\n", argv[2]);
        return 2;
    }
    uint64_t seeds = argc > 3 ? strtoull(argv[3], NULL, 10) : 20, first = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    for (uint64_t seed = first; seed < first + seeds; seed++)
        if (!run_seed(&driver, seed))
            return 1;
    printf("%llu seeds: %llu acknowledged, %llu refused, %llu power cuts, %llu failing syncs, %llu full disks: nothing "
           "lost, nothing wrong\n",
           (unsigned long long)seeds, (unsigned long long)driver.acknowledged, (unsigned long long)driver.refused,
           (unsigned long long)driver.crashes, (unsigned long long)driver.sync_failures,
           (unsigned long long)driver.full_disks);
    return 0;
}
