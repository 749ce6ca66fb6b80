/* The journal on a disk that fails, fills and loses power: whatever it did, what was acknowledged is there, nothing is
 * there that was not written, and the log is never called corrupt. Then many threads, and a real disk.
 * ASSAY_TEST_SEEDS sets how many random lives are lived. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "numbered.h"

static void test_a_failed_sync_ends_acknowledging(void) {
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        struct io_sim *sim = disk(7);
        struct seen seen;
        struct error error;
        struct journal *journal = open_journal(sim, &seen, &error);
        append_durably(journal, 1, 5, NULL);
        uint64_t durable = journal_durable(journal), position, end;
        io_sim_fail_sync(sim, 1, for_ever);
        CHECK(append(journal, 6, &position, &end));
        CHECK(!journal_wait(journal, end));
        CHECK_INT(journal_durable(journal), durable);
        CHECK(strstr(journal_failure(journal), "cannot sync the log") != NULL);
        CHECK(!append(journal, 7, &position, &end));
        usleep(2000); /* nothing is tried again */
        CHECK_INT(journal_durable(journal), durable);
        journal_close(journal);
        io_sim_crash(sim, IO_SIM_SUBSET, 0);
        io_sim_restart(sim);
        journal = open_journal(sim, &seen, &error);
        CHECK(journal != NULL);
        CHECK(seen.count >= 5 && seen.count <= 6);
        CHECK_INT(seen.wrong, 0);
        journal_close(journal);
        io_sim_free(sim);
    }
}

static void test_a_full_disk_refuses_reservations_and_recovers(void) {
    struct io_sim *sim = disk(7);
    struct seen seen;
    struct error error;
    struct arena arena;
    struct record record;
    arena_init(&arena, 1 << 20);
    io_sim_set_space(sim, 20000); /* two segments and not a third */
    struct journal *journal = open_journal(sim, &seen, &error);
    uint64_t seq = 1, position = 0, first_position = 0, end = 0;
    for (int refusals = 0; refusals < 50;) {
        if (append(journal, seq, &position, &end)) {
            first_position = seq == 1 ? position : first_position;
            CHECK(journal_wait(journal, end));
            seq++;
        } else {
            refusals++;
            usleep(500);
        }
    }
    CHECK(seq > 50);
    CHECK(journal_failure(journal) == NULL);
    CHECK_INT(journal_durable(journal), end);
    CHECK(journal_read(journal, first_position, &arena, &record, &error));
    io_sim_set_space(sim, UINT64_MAX);
    append_durably(journal, seq, 20, NULL); /* waits for the preparer's next attempt */
    journal_close(journal);

    io_sim_set_space(sim, 100); /* nothing is left for an opening either: it can be read */
    journal = open_journal(sim, &seen, &error);
    CHECK(journal != NULL);
    CHECK_INT(seen.count, seq + 19);
    CHECK(journal_read(journal, first_position, &arena, &record, &error));
    CHECK(!append(journal, seq + 20, &position, &end));
    journal_close(journal);
    io_sim_set_space(sim, UINT64_MAX);
    check_goes_on(sim, seq + 19, 0);
    arena_release(&arena);
    io_sim_free(sim);
}

/* One life: opens, appends until the disk ends it, and returns with what was acknowledged in *acknowledged and the
 * number of the last record appended in *appended. False: it did not open. */
static bool live(struct io_sim *sim, uint64_t records, uint64_t random, enum durability durability,
                 uint64_t *acknowledged, uint64_t *appended) {
    struct journal_config config = config_of(io_sim_io(sim));
    config.durability = durability;
    config.interval_us = 1500;
    struct seen seen = {0};
    struct error error = {0};
    struct journal *journal = journal_open(&config, see, &seen, &error);
    CHECK_INT(seen.wrong, 0);
    if (journal == NULL) {
        CHECK(error.kind == ERROR_SYSTEM); /* the disk refused; the log is never called corrupt */
        if (error.kind != ERROR_SYSTEM)
            fprintf(stderr, "%s\n", error.text);
        return false;
    }
    CHECK(seen.count >= *acknowledged);
    CHECK(seen.count <= *appended);
    *acknowledged = *appended = seen.count;
    uint64_t end = 0, position;
    for (uint64_t i = 0, tries = 0; i < records && tries < 200 && journal_failure(journal) == NULL; tries++) {
        if (!append(journal, *appended + 1, &position, &end)) {
            usleep(50);
            continue;
        }
        ++*appended;
        i++;
        if (mix(random + i) % 3 == 0 && durability == DURABILITY_COMMIT && journal_wait(journal, end))
            *acknowledged = *appended;
    }
    bool all = end > 0 && journal_wait(journal, end);
    if (all && durability == DURABILITY_COMMIT)
        *acknowledged = *appended;
    if (!io_sim_is_down(sim) && mix(random) % 4 == 0)
        io_sim_crash(sim, (enum io_sim_crash)(mix(random) / 4 % 4), mix(random) / 16 % 1000);
    if (journal_close(journal))
        *acknowledged = *appended; /* closed well: all of it, whatever the durability */
    return true;
}

static void live_often(uint64_t seed, enum durability durability) {
    struct io_sim *sim = disk(seed);
    uint64_t acknowledged = 0, appended = 0;
    for (unsigned life = 0; life < 4; life++) {
        uint64_t random = mix(seed * 64 + life);
        enum io_sim_crash mode = (enum io_sim_crash)(random % 3);
        switch (random / 3 % 5) {
        case 0:
            io_sim_crash_at_call(sim, 1 + random / 15 % 60, mode);
            break;
        case 1:
            io_sim_crash_at_call(sim, 1 + random / 15 % 300, mode);
            break;
        case 2:
            io_sim_fail_sync(sim, 1 + random / 15 % 40, random & 1 << 20);
            break;
        case 3:
            io_sim_fail_call(sim, 1 + random / 15 % 100, random & 1 << 20 ? EIO : ENOSPC);
            break;
        default:
            break;
        }
        if (random >> 40 & 1)
            io_sim_jump(sim, -(int64_t)(random >> 41 & 0xffffff));
        live(sim, random >> 32 & 127, random, durability, &acknowledged, &appended);
        if (!io_sim_is_down(sim) && random >> 63)
            io_sim_crash(sim, mode, 0);
        io_sim_restart(sim);
    }
    /* And at last an undisturbed one. */
    CHECK(live(sim, 3, 1, DURABILITY_COMMIT, &acknowledged, &appended));
    io_sim_free(sim);
}

static void test_random_lives_lose_nothing_acknowledged(void) {
    const char *text = getenv("ASSAY_TEST_SEEDS");
    uint64_t seeds = text != NULL ? strtoull(text, NULL, 10) : 1000;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        int before = test_failures;
        live_often(seed, seed % 4 == 0 ? DURABILITY_INTERVAL : seed % 4 == 1 ? DURABILITY_NONE : DURABILITY_COMMIT);
        if (test_failures > before)
            fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    }
}

static void test_every_call_failing_once(void) {
    static const int codes[] = {EIO, ENOSPC, ENOMEM};
    for (uint64_t nth = 1, calls = UINT64_MAX; nth <= calls; nth++) {
        struct io_sim *sim = disk(nth);
        uint64_t acknowledged = 0, appended = 0, from = io_sim_calls(sim);
        io_sim_fail_call(sim, nth, codes[nth % 3]);
        live(sim, 70, 1, DURABILITY_COMMIT, &acknowledged, &appended);
        if (appended == 70 && io_sim_calls(sim) - from < nth)
            calls = 0; /* a whole life had fewer calls than that: this was the last */
        if (nth & 1)
            io_sim_crash(sim, IO_SIM_DROP, 0);
        io_sim_restart(sim);
        CHECK(live(sim, 5, 2, DURABILITY_COMMIT, &acknowledged, &appended));
        io_sim_restart(sim);
        CHECK(live(sim, 5, 3, DURABILITY_COMMIT, &acknowledged, &appended));
        io_sim_free(sim);
    }
}

/* --- many threads --- */

struct together {
    struct journal *journal;
    uint64_t next; /* under the log's lock */
    uint64_t last_position;
    _Atomic unsigned wrong;
};

static void *append_together(void *argument) {
    struct together *together = argument;
    for (int i = 0; i < 300;) {
        uint8_t body[512];
        if (!journal_reserve(together->journal, 1, sizeof body)) {
            usleep(20);
            continue;
        }
        journal_lock(together->journal);
        uint64_t seq = ++together->next, end;
        size_t len = body_of(seq, body);
        struct str part = {(const char *)body, len};
        uint64_t position = journal_append(together->journal, RECORD_OUTPUT, seq, -(int64_t)seq, &part, 1, &end);
        if (position <= together->last_position)
            atomic_fetch_add(&together->wrong, 1);
        together->last_position = position;
        journal_unlock(together->journal);
        journal_unreserve(together->journal, 0, sizeof body - len);
        if (i % 7 == 0 && !journal_wait(together->journal, end))
            atomic_fetch_add(&together->wrong, 1);
        i++;
    }
    return NULL;
}

static void test_many_threads_append_in_one_order(void) {
    struct io_sim *sim = disk(3);
    struct seen *seen = calloc(1, sizeof *seen);
    struct error error;
    struct journal_config config = config_of(io_sim_io(sim));
    config.segment_bytes = 65536;
    config.buffer_bytes = 16384;
    struct together together = {.journal = journal_open(&config, see, seen, &error)};
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, append_together, &together);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(together.wrong, 0);
    journal_close(together.journal);
    CHECK(journal_scan(&config, see, seen, &error));
    CHECK_INT(seen->count, 1800);
    CHECK_INT(seen->wrong, 0);
    free(seen);
    io_sim_free(sim);
}

static void test_on_a_real_disk(void) {
    char folder[] = "/tmp/assay-journal-XXXXXX", path[100];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/journal", folder);
    struct seen *seen = calloc(1, sizeof *seen);
    struct error error;
    struct journal_config config = config_of(io_system());
    config.folder = path;
    for (int life = 0; life < 3; life++) {
        *seen = (struct seen){0};
        struct journal *journal = journal_open(&config, see, seen, &error);
        CHECK(journal != NULL);
        CHECK_INT(seen->count, life * 100);
        CHECK_INT(seen->wrong, 0);
        append_durably(journal, (uint64_t)life * 100 + 1, 100, NULL);
        CHECK(journal_open(&config, see, seen, &error) == NULL);
        journal_close(journal);
    }
    free(seen);
    char command[200];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK_INT(system(command), 0);
}

int main(void) {
    TEST(test_a_failed_sync_ends_acknowledging);
    TEST(test_a_full_disk_refuses_reservations_and_recovers);
    TEST(test_every_call_failing_once);
    TEST(test_random_lives_lose_nothing_acknowledged);
    TEST(test_many_threads_append_in_one_order);
    TEST(test_on_a_real_disk);
    return test_end();
}
