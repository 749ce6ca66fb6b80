/* The id index: claims are atomic, nothing is forgotten early, and a file that was not closed well counts for
 * nothing. */
#include "ids.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/test.h"

static struct hash128 id_of(uint64_t n) {
    struct hash_key key = {"an index's key.."};
    return hash_keyed(&key, &n, sizeof n);
}

static struct hash128 content_of(uint64_t n) { return (struct hash128){n, ~n}; }

/* Ids that fall into one shard and start at one slot. */
static struct hash128 crowded(uint64_t n) { return (struct hash128){n, 7}; }

static void check_entry(struct ids *ids, uint64_t n, int64_t now_us) {
    struct ids_entry entry;
    CHECK(ids_find(ids, id_of(n), now_us, &entry));
    CHECK(hash128_equal(entry.content, content_of(n)));
    CHECK_INT(entry.seq, n);
    CHECK_INT(entry.input, n * 100);
    CHECK_INT(entry.output, n * 100 + 40);
    CHECK_INT(entry.output_end, n * 100 + 80);
    CHECK_INT(entry.arrival_us, n);
}

static void enter(struct ids *ids, uint64_t n) {
    CHECK(ids_set_input(ids, id_of(n), content_of(n), n, (int64_t)n, n * 100));
    ids_set_output(ids, id_of(n), n * 100 + 40, n * 100 + 80);
}

static void test_a_claim_is_held_until_it_is_entered_or_released(void) {
    struct error error;
    struct ids_entry entry;
    struct ids *ids = ids_open(NULL, 1000, 1000000, &error);
    CHECK_INT(ids_claim(ids, id_of(1), content_of(1), 5, &entry), IDS_CLAIMED);
    CHECK_INT(ids_claim(ids, id_of(1), content_of(2), 6, &entry), IDS_EXISTS);
    CHECK(hash128_equal(entry.content, content_of(1)));
    CHECK_INT(entry.input, 0);
    CHECK_INT(ids_claim(ids, id_of(1), content_of(2), INT64_MAX, &entry), IDS_EXISTS); /* in flight: never expires */
    ids_release(ids, id_of(1));
    CHECK_INT(ids_count(ids), 0);
    CHECK_INT(ids_claim(ids, id_of(1), content_of(1), 7, &entry), IDS_CLAIMED);
    enter(ids, 1);
    CHECK_INT(ids_claim(ids, id_of(1), content_of(1), 8, &entry), IDS_EXISTS);
    CHECK_INT(entry.output, 140);
    CHECK_INT(ids_count(ids), 1);
    ids_close(ids);
}

static void test_an_entry_expires_after_the_retention_and_not_before(void) {
    struct error error;
    struct ids_entry entry;
    struct ids *ids = ids_open(NULL, 1000, 100, &error);
    enter(ids, 50);
    CHECK(ids_find(ids, id_of(50), 150, &entry));
    CHECK(!ids_find(ids, id_of(50), 151, &entry));
    CHECK_INT(ids_claim(ids, id_of(50), content_of(50), 150, &entry), IDS_EXISTS);
    CHECK_INT(ids_claim(ids, id_of(50), content_of(51), 151, &entry), IDS_CLAIMED);
    CHECK_INT(ids_count(ids), 1);
    CHECK(ids_find(ids, id_of(50), 151, &entry));
    CHECK(entry.input == 0 && entry.output == 0 && hash128_equal(entry.content, content_of(51)));
    ids_close(ids);
}

static void test_a_full_index_refuses_and_expiry_makes_room(void) {
    struct error error;
    struct ids_entry entry;
    struct ids *ids = ids_open(NULL, 5000, 10000, &error);
    for (uint64_t n = 1; n <= 5000; n++)
        enter(ids, n);
    CHECK_INT(ids_count(ids), 5000);
    CHECK_INT(ids_claim(ids, id_of(5001), content_of(5001), 10001, &entry), IDS_FULL); /* 1 is 10000 old */
    for (uint64_t n = 1; n <= 5000; n += 7)
        check_entry(ids, n, 10001);
    CHECK_INT(ids_claim(ids, id_of(5001), content_of(5001), 10002, &entry), IDS_CLAIMED);
    for (uint64_t n = 5002; n <= 7000; n++) /* each at a time when one more has expired */
        CHECK_INT(ids_claim(ids, id_of(n), content_of(n), (int64_t)n + 5001, &entry), IDS_CLAIMED);
    for (uint64_t n = 2001; n <= 5000; n++)
        CHECK(ids_find(ids, id_of(n), 12001, &entry));
    CHECK(ids_count(ids) <= 5000);
    ids_close(ids);
}

/* Against a plain array: claims, releases and entries of colliding ids in random order. */
static void test_collisions_and_removals_keep_every_other_id(void) {
    enum { IDS = 300, STEPS = 20000 };
    struct error error;
    struct ids_entry entry;
    int state[IDS] = {0}; /* 1: claimed */
    unsigned wrong = 0, count = 0;
    uint32_t random = 12345;
    struct ids *ids = ids_open(NULL, 1000, 1000, &error);
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        unsigned n = random >> 8 & 0xffff, which = n % IDS;
        struct hash128 id = n & 1 ? crowded(which + 1) : (struct hash128){which + 1, which * 63};
        id.high = which % 3 == 0 ? 62 : which % 3 == 1 ? 63 : which; /* runs that wrap around the end */
        if (state[which]) {
            wrong += ids_claim(ids, id, content_of(which), 1, &entry) != IDS_EXISTS || entry.content.low != which;
            if (random >> 31)
                ids_release(ids, id);
            state[which] = !(random >> 31);
            count -= random >> 31;
        } else {
            wrong += ids_find(ids, id, 1, &entry);
            wrong += ids_claim(ids, id, content_of(which), 1, &entry) != IDS_CLAIMED;
            state[which] = 1;
            count++;
        }
        wrong += ids_count(ids) != count;
    }
    CHECK_INT(wrong, 0);
    ids_close(ids);
}

static void read_whole(const char *path, uint8_t **bytes, size_t *len) {
    int file = open(path, O_RDONLY);
    struct stat status;
    CHECK(file >= 0 && fstat(file, &status) == 0);
    *len = (size_t)status.st_size;
    *bytes = malloc(*len);
    CHECK(*bytes != NULL && read(file, *bytes, *len) == (ssize_t)*len);
    close(file);
}

static void write_whole(const char *path, const uint8_t *bytes, size_t len) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0 && write(file, bytes, len) == (ssize_t)len);
    close(file);
}

static void test_the_file_counts_only_when_it_was_closed_well(void) {
    char path[] = "/tmp/assay-ids-XXXXXX";
    int temporary = mkstemp(path);
    CHECK(temporary >= 0);
    close(temporary);
    struct error error;
    struct ids_entry entry;
    struct ids *ids = ids_open(path, 100000, 1000000, &error); /* an empty file is no index */
    CHECK_INT(ids_count(ids), 0);
    for (uint64_t n = 1; n <= 3000; n++)
        enter(ids, n);
    CHECK_INT(ids_claim(ids, id_of(9000), content_of(9000), 5, &entry), IDS_CLAIMED);
    CHECK(ids_open(path, 100000, 1000000, &error) == NULL); /* by one at a time */
    uint8_t *dirty, *clean;
    size_t dirty_len, len;
    read_whole(path, &dirty, &dirty_len);
    ids_close(ids);
    read_whole(path, &clean, &len);

    ids = ids_open(path, 100000, 1000000, &error);
    CHECK_INT(ids_count(ids), 3000); /* the claim in flight is gone */
    for (uint64_t n = 1; n <= 3000; n++)
        check_entry(ids, n, 3000);
    CHECK(!ids_find(ids, id_of(9000), 5, &entry));
    for (uint64_t n = 3001; n <= 6000; n++)
        enter(ids, n);
    ids_close(ids);
    ids = ids_open(path, 100000, 1000000, &error);
    CHECK_INT(ids_count(ids), 6000);
    for (uint64_t n = 1; n <= 6000; n++)
        check_entry(ids, n, 6000);
    ids_clear(ids);
    CHECK_INT(ids_count(ids), 0);
    enter(ids, 5);
    ids_close(ids);
    ids = ids_open(path, 100000, 1000000, &error);
    CHECK_INT(ids_count(ids), 1);
    check_entry(ids, 5, 5);
    ids_close(ids);

    write_whole(path, dirty, dirty_len); /* as after a crash */
    ids = ids_open(path, 100000, 1000000, &error);
    CHECK_INT(ids_count(ids), 0);
    enter(ids, 1);
    check_entry(ids, 1, 1);
    ids_close(ids);
    for (size_t cut = 0; cut < len; cut += 4096 + len / 50) {
        write_whole(path, clean, cut);
        ids = ids_open(path, 100000, 1000000, &error);
        CHECK(ids != NULL && ids_count(ids) == 0);
        ids_close(ids);
    }
    unlink(path);
    free(dirty);
    free(clean);
}

static void test_a_changed_byte_anywhere_that_matters_empties_the_index(void) {
    char path[] = "/tmp/assay-ids-XXXXXX";
    int temporary = mkstemp(path);
    CHECK(temporary >= 0);
    close(temporary);
    struct error error;
    struct ids *ids = ids_open(path, 1000, 1000000, &error);
    enter(ids, 1);
    ids_close(ids);
    uint8_t *clean;
    size_t len;
    read_whole(path, &clean, &len);
    unsigned kept = 0;
    for (size_t at = 0; at < len; at += at < 40 ? 1 : at < len - 8192 ? 613 : 53) {
        clean[at] ^= 0x10;
        write_whole(path, clean, len);
        clean[at] ^= 0x10;
        ids = ids_open(path, 1000, 1000000, &error);
        CHECK(ids != NULL && ids_count(ids) <= 1);
        if (ids_count(ids) == 1) { /* a byte between the parts */
            check_entry(ids, 1, 1);
            kept++;
        }
        ids_close(ids);
    }
    CHECK(kept > 0 && kept < 160);
    unlink(path);
    free(clean);
}

struct race {
    struct ids *ids;
    _Atomic unsigned won;
};

static void *claim_all(void *argument) {
    struct race *race = argument;
    for (uint64_t n = 0; n < 3000; n++) {
        struct ids_entry entry;
        if (ids_claim(race->ids, id_of(n), content_of(n), 1, &entry) == IDS_CLAIMED) {
            atomic_fetch_add(&race->won, 1);
            if (n % 5 == 0) {
                ids_release(race->ids, id_of(n));
                atomic_fetch_sub(&race->won, 1);
            } else {
                ids_set_input(race->ids, id_of(n), content_of(n), n, 1, n + 1);
                ids_set_output(race->ids, id_of(n), n + 2, n + 3);
            }
        }
    }
    return NULL;
}

static void test_of_many_threads_one_gets_each_id(void) {
    struct error error;
    struct race race = {.ids = ids_open(NULL, 100000, 1000000, &error)};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, claim_all, &race);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(race.won, 2400);
    CHECK_INT(ids_count(race.ids), 2400);
    ids_close(race.ids);
}

int main(void) {
    TEST(test_a_claim_is_held_until_it_is_entered_or_released);
    TEST(test_an_entry_expires_after_the_retention_and_not_before);
    TEST(test_a_full_index_refuses_and_expiry_makes_room);
    TEST(test_collisions_and_removals_keep_every_other_id);
    TEST(test_the_file_counts_only_when_it_was_closed_well);
    TEST(test_a_changed_byte_anywhere_that_matters_empties_the_index);
    TEST(test_of_many_threads_one_gets_each_id);
    return test_end();
}
