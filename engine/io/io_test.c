/* The simulated disk against the real one: the same calls give the same results on both, so that what holds on the one
 * can be believed of the other. Then what only the simulated one can do: lose, tear, fail and fill. */
#include "io.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/test.h"
#include "io_sim.h"

/* Results of a fixed sequence of calls, in order. */
struct results {
    int64_t values[200];
    unsigned count;
};

static void note(struct results *results, int64_t value) {
    if (results->count < 200)
        results->values[results->count++] = value;
}

static void note_name(void *context, const char *name) {
    unsigned *names = context;
    *names += (unsigned)name[0] * 31u + (unsigned)strlen(name);
}

static const char *at(char path[300], const char *root, const char *name) {
    snprintf(path, 300, "%s/%s", root, name);
    return path;
}

static void call_everything(struct io *io, const char *root, struct results *r) {
    const struct io_table *t = io->table;
    char a[300], b[300], bytes[64] = "the first eight bytes and more";
    unsigned names = 0;
    at(a, root, "a");
    at(b, root, "b");
    note(r, t->make_folder(io, at((char[300]){0}, root, "none/inside")));
    note(r, t->open(io, a, IO_READ, 0));
    int file = t->open(io, a, IO_READ | IO_WRITE | IO_CREATE, 0600);
    note(r, file >= 0);
    note(r, t->open(io, a, IO_WRITE | IO_CREATE | IO_EXCLUSIVE, 0600));
    note(r, t->size(io, file));
    note(r, t->write_at(io, file, bytes, 30, 0));
    note(r, t->write_at(io, file, bytes, 5, 100));
    note(r, t->size(io, file));
    note(r, t->read_at(io, file, bytes, 64, 90));
    note(r, bytes[9] | bytes[10] << 8 | bytes[14] << 16);
    note(r, t->read_at(io, file, bytes, 64, 105));
    note(r, t->read_at(io, file, bytes, 64, 5000));
    note(r, t->truncate(io, file, 20));
    note(r, t->truncate(io, file, 40));
    note(r, t->read_at(io, file, bytes, 64, 15));
    note(r, bytes[4] | bytes[5] << 8 | bytes[24] << 16);
    note(r, t->allocate(io, file, 5000));
    note(r, t->size(io, file));
    note(r, t->read_at(io, file, bytes, 10, 0));
    note(r, bytes[0]); /* zeroed */
    note(r, t->sync(io, file));
    int second = t->open(io, a, IO_READ, 0);
    note(r, second >= 0);
    note(r, t->lock(io, file));
    note(r, t->lock(io, second));
    note(r, t->close(io, file));
    note(r, t->lock(io, second));
    note(r, t->rename(io, a, b));
    note(r, t->open(io, a, IO_READ, 0));
    note(r, t->rename(io, a, b));
    note(r, t->remove(io, a));
    note(r, t->size(io, second)); /* by the handle it is still there */
    note(r, t->make_folder(io, at((char[300]){0}, root, "folder")));
    note(r, t->make_folder(io, at((char[300]){0}, root, "folder")));
    note(r, t->make_folder(io, b));
    note(r, t->open(io, at((char[300]){0}, root, "folder"), IO_READ | IO_WRITE, 0));
    note(r, t->sync_folder(io, root));
    note(r, t->sync_folder(io, at((char[300]){0}, root, "nowhere")));
    note(r, t->list(io, root, note_name, &names));
    note(r, names);
    note(r, t->list(io, at((char[300]){0}, root, "nowhere"), note_name, &names));
    note(r, t->remove(io, b));
    note(r, t->read_at(io, second, bytes, 10, 0));
    note(r, t->close(io, second));
}

static void test_the_simulated_disk_answers_as_the_real_one(void) {
    char folder[] = "/tmp/assay-io-XXXXXX", command[100];
    CHECK(mkdtemp(folder) != NULL);
    struct results real = {.count = 0}, simulated = {.count = 0};
    call_everything(io_system(), folder, &real);
    struct io_sim *sim = io_sim_create(1);
    struct io *io = io_sim_io(sim);
    CHECK_INT(io->table->make_folder(io, "/root"), 0);
    call_everything(io, "/root", &simulated);
    CHECK_INT(real.count, simulated.count);
    for (unsigned i = 0; i < real.count; i++)
        if (real.values[i] != simulated.values[i]) {
            fprintf(stderr, "call %u\n", i);
            CHECK_INT(simulated.values[i], real.values[i]);
        }
    io_sim_free(sim);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK_INT(system(command), 0);
}

/* A disk with 1024 durable bytes 'a' in /f, then 1024 unsynced bytes 'b' over them. */
static struct io_sim *half_written(uint64_t seed) {
    struct io_sim *sim = io_sim_create(seed);
    struct io *io = io_sim_io(sim);
    char bytes[1024];
    int file = io->table->open(io, "/f", IO_READ | IO_WRITE | IO_CREATE, 0600);
    memset(bytes, 'a', sizeof bytes);
    CHECK_INT(io->table->write_at(io, file, bytes, sizeof bytes, 0), 1024);
    CHECK_INT(io->table->sync(io, file), 0);
    CHECK_INT(io->table->sync_folder(io, "/"), 0);
    memset(bytes, 'b', sizeof bytes);
    CHECK_INT(io->table->write_at(io, file, bytes, sizeof bytes, 0), 1024);
    CHECK_INT(io_sim_unsynced_bytes(sim), 1024);
    return sim;
}

/* How many 'b' there are; all come before or after the 'a' unless *mixed. */
static int count_new(struct io_sim *sim, bool *mixed) {
    struct io *io = io_sim_io(sim);
    char bytes[1024] = {0};
    int file = io->table->open(io, "/f", IO_READ, 0), count = 0;
    CHECK_INT(io->table->read_at(io, file, bytes, sizeof bytes, 0), 1024);
    *mixed = false;
    for (int i = 0; i < 1024; i++) {
        CHECK(bytes[i] == 'a' || bytes[i] == 'b');
        count += bytes[i] == 'b';
        *mixed |= i > 0 && bytes[i] == 'b' && bytes[i - 1] == 'a';
    }
    return count;
}

static void test_a_power_cut_keeps_what_its_mode_says(void) {
    bool mixed, seen_mixed = false, seen[3] = {false};
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct io_sim *sim = half_written(seed);
        enum io_sim_crash mode = (enum io_sim_crash)(seed % 4);
        io_sim_crash(sim, mode, seed);
        CHECK_INT(io_sim_io(sim)->table->open(io_sim_io(sim), "/f", IO_READ, 0), -EIO);
        io_sim_restart(sim);
        int count = count_new(sim, &mixed);
        if (mode == IO_SIM_SUBSET) {
            CHECK(count % 512 == 0);
            seen[count / 512] = true;
            seen_mixed |= mixed;
        } else {
            CHECK_INT(count, mode == IO_SIM_DROP ? 0 : mode == IO_SIM_KEEP ? 1024 : (int)seed);
        }
        io_sim_free(sim);
    }
    CHECK(seen_mixed && seen[0] && seen[1] && seen[2]);
}

static void test_a_name_is_durable_after_its_folder_was_synced(void) {
    struct io_sim *sim = io_sim_create(1);
    struct io *io = io_sim_io(sim);
    int file = io->table->open(io, "/a", IO_READ | IO_WRITE | IO_CREATE, 0600);
    CHECK_INT(io->table->sync(io, file), 0);
    CHECK_INT(io->table->sync_folder(io, "/"), 0);
    CHECK_INT(io->table->rename(io, "/a", "/b"), 0);
    io_sim_crash(sim, IO_SIM_DROP, 0);
    io_sim_restart(sim);
    CHECK_INT(io->table->size(io, file), -EBADF);
    CHECK_INT(io->table->open(io, "/b", IO_READ, 0), -ENOENT);
    CHECK(io->table->open(io, "/a", IO_READ, 0) >= 0);
    io_sim_free(sim);
}

static void test_what_a_failed_sync_dropped_stays_lost(void) {
    bool mixed, seen_lost = false;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct io_sim *sim = half_written(seed);
        struct io *io = io_sim_io(sim);
        int file = io->table->open(io, "/f", IO_READ | IO_WRITE, 0);
        io_sim_fail_sync(sim, 1, false);
        CHECK_INT(io->table->sync(io, file), -EIO);
        CHECK_INT(io->table->sync(io, file), 0);
        CHECK_INT(count_new(sim, &mixed), 1024);
        io_sim_crash(sim, IO_SIM_KEEP, 0);
        io_sim_restart(sim);
        seen_lost |= count_new(sim, &mixed) < 1024;
        io_sim_free(sim);
    }
    CHECK(seen_lost);
}

static void test_faults_come_when_they_were_ordered(void) {
    struct io_sim *sim = io_sim_create(1);
    struct io *io = io_sim_io(sim);
    int file = io->table->open(io, "/f", IO_READ | IO_WRITE | IO_CREATE, 0600);
    io_sim_fail_call(sim, 2, ENOMEM);
    CHECK_INT(io->table->size(io, file), 0);
    CHECK_INT(io->table->size(io, file), -ENOMEM);
    CHECK_INT(io->table->size(io, file), 0);
    io_sim_fail_sync(sim, 2, true);
    CHECK_INT(io->table->sync(io, file), 0);
    CHECK_INT(io->table->sync(io, file), -EIO);
    CHECK_INT(io->table->sync_folder(io, "/"), -EIO);
    io_sim_set_space(sim, 100);
    char bytes[200] = {0};
    CHECK_INT(io->table->write_at(io, file, bytes, 60, 0), 60);
    CHECK_INT(io->table->write_at(io, file, bytes, 60, 60), -ENOSPC);
    CHECK_INT(io->table->size(io, file), 100);
    CHECK_INT(io->table->write_at(io, file, bytes, 100, 0), 100); /* no growth */
    CHECK_INT(io->table->truncate(io, file, 10), 0);
    CHECK_INT(io->table->write_at(io, file, bytes, 90, 10), 90);
    io_sim_crash_at_call(sim, 2, IO_SIM_DROP);
    CHECK_INT(io->table->size(io, file), 100);
    CHECK(!io_sim_is_down(sim));
    CHECK_INT(io->table->size(io, file), -EIO);
    CHECK(io_sim_is_down(sim));
    io_sim_free(sim);
}

static void test_the_clock_jumps_when_told(void) {
    struct io_sim *sim = io_sim_create(1);
    struct io *io = io_sim_io(sim);
    int64_t wall = io->table->now_us(io);
    uint64_t monotonic = io->table->monotonic_ns(io);
    CHECK_INT(io->table->now_us(io), wall);
    io_sim_jump(sim, -5000000);
    CHECK_INT(io->table->now_us(io), wall - 5000000);
    CHECK_INT(io->table->monotonic_ns(io), monotonic);
    io_sim_advance(sim, 7);
    CHECK_INT(io->table->now_us(io), wall - 5000000 + 7);
    CHECK_INT(io->table->monotonic_ns(io), monotonic + 7000);
    uint8_t one[32], two[32];
    io->table->random(io, one, sizeof one);
    io->table->random(io, two, sizeof two);
    CHECK(memcmp(one, two, sizeof one) != 0);
    io_system()->table->random(io_system(), two, sizeof two);
    CHECK(memcmp(one, two, sizeof one) != 0);
    CHECK(io_system()->table->now_us(io_system()) > 1700000000000000);
    io_sim_free(sim);
}

int main(void) {
    TEST(test_the_simulated_disk_answers_as_the_real_one);
    TEST(test_a_power_cut_keeps_what_its_mode_says);
    TEST(test_a_name_is_durable_after_its_folder_was_synced);
    TEST(test_what_a_failed_sync_dropped_stays_lost);
    TEST(test_faults_come_when_they_were_ordered);
    TEST(test_the_clock_jumps_when_told);
    return test_end();
}
