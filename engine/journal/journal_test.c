/* What the journal promises while all goes well, and what it makes of a log that is torn or changed: each byte in turn.
 * What the disk can do to it meanwhile is in journal_disk_test.c. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "numbered.h"
#include "segment.h"

static const char FIRST[] = "/data/journal/0000000000000000.log";

static bool exists(struct io_sim *sim, const char *path) {
    struct io *io = io_sim_io(sim);
    int file = io->table->open(io, path, IO_READ, 0);
    if (file >= 0)
        io->table->close(io, file);
    return file >= 0;
}

static size_t read_file(struct io_sim *sim, const char *path, uint8_t *out, size_t cap) {
    struct io *io = io_sim_io(sim);
    int file = io->table->open(io, path, IO_READ, 0);
    if (file < 0)
        return 0;
    int64_t got = io->table->read_at(io, file, out, cap, 0);
    io->table->close(io, file);
    return got > 0 ? (size_t)got : 0;
}

static void write_file(struct io_sim *sim, const char *path, const uint8_t *bytes, size_t len) {
    struct io *io = io_sim_io(sim);
    int file = io->table->open(io, path, IO_READ | IO_WRITE | IO_CREATE, 0600);
    CHECK(file >= 0);
    CHECK_INT(io->table->truncate(io, file, 0), 0);
    CHECK_INT(io->table->write_at(io, file, bytes, len, 0), (int64_t)len);
    CHECK_INT(io->table->sync(io, file), 0);
    CHECK_INT(io->table->close(io, file), 0);
    CHECK_INT(io->table->sync_folder(io, FOLDER), 0);
}

static struct io_sim *disk_with(const uint8_t *bytes, size_t len) {
    struct io_sim *sim = disk(1);
    struct io *io = io_sim_io(sim);
    CHECK_INT(io->table->make_folder(io, FOLDER), 0);
    write_file(sim, FIRST, bytes, len);
    return sim;
}

/* --- what it promises while all goes well --- */

static void test_records_are_read_back_and_come_again_after_closing(void) {
    struct io_sim *sim = disk(1);
    struct seen seen;
    struct error error;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    uint64_t positions[200], ends = 0;
    struct journal *journal = open_journal(sim, &seen, &error);
    CHECK(journal != NULL);
    append_durably(journal, 1, 200, positions);
    for (int life = 0; life < 2; life++) {
        for (uint64_t i = 0; i < 200; i++) {
            struct record record;
            uint8_t body[512];
            CHECK(journal_read(journal, positions[i], &arena, &record, &error));
            CHECK_INT(record.seq, i + 1);
            CHECK_INT(record.position, positions[i]);
            size_t len = body_of(i + 1, body);
            CHECK(record.body_len == len && memcmp(record.body, body, len) == 0);
            CHECK(i == 0 || positions[i] > positions[i - 1]);
            arena_reset(&arena);
        }
        struct journal_stats stats;
        journal_stats(journal, &stats);
        CHECK(stats.segments >= 3);
        CHECK_INT(stats.torn_bytes, 0);
        ends = stats.durable_position;
        journal_close(journal);
        journal = open_journal(sim, &seen, &error);
        CHECK_INT(seen.count, 200);
        CHECK_INT(seen.wrong, 0);
        CHECK(memcmp(positions, seen.positions, sizeof positions) == 0);
        CHECK(journal_durable(journal) >= ends);
    }
    journal_close(journal);
    arena_release(&arena);
    io_sim_free(sim);
}

static void test_opening_and_closing_without_records_leaves_the_log_as_it_was(void) {
    struct io_sim *sim = disk(1);
    struct seen seen;
    struct error error;
    journal_close(open_journal(sim, &seen, &error));
    CHECK(!exists(sim, FIRST));
    struct journal *journal = open_journal(sim, &seen, &error);
    append_durably(journal, 1, 3, NULL);
    journal_close(journal);
    uint64_t ends[2];
    for (int i = 0; i < 2; i++) {
        journal = open_journal(sim, &seen, &error);
        ends[i] = journal_durable(journal);
        journal_close(journal);
    }
    CHECK_INT(ends[0], ends[1]);
    CHECK(!exists(sim, "/data/journal/prepared.tmp"));
    io_sim_free(sim);
}

static void test_reading_elsewhere_is_refused(void) {
    struct io_sim *sim = disk(1);
    struct seen seen;
    struct error error;
    struct arena arena;
    struct record record;
    arena_init(&arena, 1 << 20);
    struct journal *journal = open_journal(sim, &seen, &error);
    uint64_t positions[20], position, end;
    append_durably(journal, 1, 20, positions);
    unsigned found = 0;
    for (uint64_t at = 0; at < journal_durable(journal) + 100; at++)
        found += journal_read(journal, at, &arena, &record, &error);
    CHECK_INT(found, 20);
    CHECK(journal_reserve(journal, 1, 10));
    journal_lock(journal); /* appended, and the committer cannot have it yet */
    struct str part = STR("0123456789");
    position = journal_append(journal, RECORD_INPUT, 21, 0, &part, 1, &end);
    CHECK(!journal_read(journal, position, &arena, &record, &error));
    CHECK_INT(error.kind, ERROR_INPUT);
    journal_unlock(journal);
    CHECK(journal_wait(journal, end)); /* an input alone is committed too */
    CHECK(journal_read(journal, position, &arena, &record, &error));
    journal_close(journal);
    arena_release(&arena);
    io_sim_free(sim);
}

static void test_space_is_reserved_and_given_back(void) {
    struct io_sim *sim = disk(1);
    struct seen seen;
    struct error error;
    struct journal *journal = open_journal(sim, &seen, &error);
    CHECK(!journal_reserve(journal, 1, 4096)); /* beyond the buffer, for ever */
    CHECK(!journal_reserve(journal, UINT32_MAX, SIZE_MAX));
    CHECK(journal_reserve(journal, 2, 3000));
    CHECK(!journal_reserve(journal, 2, 3000));
    journal_unreserve(journal, 2, 3000);
    CHECK(journal_reserve(journal, 2, 3000));
    journal_unreserve(journal, 2, 3000);
    journal_close(journal);
    io_sim_free(sim);
}

static void test_a_folder_is_used_by_one_journal(void) {
    struct io_sim *sim = disk(1);
    struct seen seen;
    struct error error;
    struct journal *journal = open_journal(sim, &seen, &error);
    CHECK(open_journal(sim, &seen, &error) == NULL);
    CHECK(strstr(error.text, "in use by another process") != NULL);
    journal_close(journal);
    io_sim_free(sim);
}

static void test_listeners_are_woken(void) {
    struct io_sim *sim = disk(1);
    struct seen seen;
    struct error error;
    int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct journal *journal = open_journal(sim, &seen, &error);
    journal_listen(journal, event);
    uint64_t position, end;
    CHECK(append(journal, 1, &position, &end));
    while (journal_durable(journal) < end) {
        struct pollfd wait = {.fd = event, .events = POLLIN};
        CHECK_INT(poll(&wait, 1, 10000), 1);
        uint64_t times;
        CHECK_INT(read(event, &times, sizeof times), 8);
    }
    journal_close(journal);
    close(event);
    io_sim_free(sim);
}

static void test_bad_settings_are_refused(void) {
    struct io_sim *sim = disk(1);
    struct error error;
    struct seen seen = {0};
    struct journal_config config = config_of(io_sim_io(sim));
    config.segment_bytes = 4095;
    CHECK(journal_open(&config, see, &seen, &error) == NULL);
    CHECK(strstr(error.text, "got 4095") != NULL);
    config.segment_bytes = 8192;
    config.durability = DURABILITY_INTERVAL;
    CHECK(journal_open(&config, see, &seen, &error) == NULL);
    config.folder = "/nowhere/journal";
    config.durability = DURABILITY_COMMIT;
    CHECK(journal_open(&config, see, &seen, &error) == NULL);
    CHECK_INT(error.code, ENOENT);
    io_sim_free(sim);
}

/* --- a log of four groups, as it lies on the disk --- */

struct image {
    uint8_t bytes[8192];
    size_t len, last_group, used;
};

/* Not sealed: the power went after the last acknowledgement. */
static void make_image(struct image *image, bool sealed) {
    struct io_sim *sim = disk(1);
    struct seen seen;
    struct error error;
    uint64_t positions[4];
    struct journal *journal = open_journal(sim, &seen, &error);
    append_durably(journal, 1, 4, positions);
    uint64_t end = journal_durable(journal);
    if (!sealed)
        io_sim_crash(sim, IO_SIM_DROP, 0);
    journal_close(journal);
    io_sim_restart(sim);
    image->len = read_file(sim, FIRST, image->bytes, sizeof image->bytes);
    image->last_group = (size_t)positions[3] - GROUP_HEADER_BYTES;
    image->used = sealed ? image->len : (size_t)end;
    CHECK(sealed ? image->len > end && image->len < 8192 : image->len == 8192);
    io_sim_free(sim);
}

static void check_torn_file(struct io_sim *sim, const uint8_t *bytes, size_t len) {
    uint8_t kept[8192];
    size_t got = read_file(sim, "/data/journal/0000000000000000.log.torn", kept, sizeof kept);
    CHECK(got == len && memcmp(kept, bytes, len) == 0);
}

static void test_last_group_torn_at_every_byte(void) {
    struct image image;
    make_image(&image, false);
    for (size_t at = image.last_group; at < image.used; at++)
        for (int suffix = 0; suffix < 2; suffix++) { /* what is before `at` came to the disk, or what is after it */
            struct image torn = image;
            memset(torn.bytes + (suffix ? image.last_group : at), 0, suffix ? at - image.last_group : image.used - at);
            size_t end = image.used;
            while (end > image.last_group && torn.bytes[end - 1] == 0)
                end--;
            bool whole = memcmp(torn.bytes, image.bytes, image.len) == 0; /* what was cut off was zero anyway */
            struct io_sim *sim = disk_with(torn.bytes, torn.len);
            check_goes_on(sim, whole ? 4 : 3, whole ? 0 : end - image.last_group);
            if (!whole && end > image.last_group)
                check_torn_file(sim, torn.bytes + image.last_group, end - image.last_group);
            io_sim_free(sim);
        }
}

static void check_refused(const uint8_t *bytes, size_t len, size_t at) {
    struct seen seen;
    struct error error;
    struct io_sim *sim = disk_with(bytes, len);
    struct journal *journal = open_journal(sim, &seen, &error);
    if (journal != NULL)
        fprintf(stderr, "accepted with byte %zu changed\n", at);
    CHECK(journal == NULL);
    journal_close(journal);
    CHECK_INT(error.kind, ERROR_CORRUPT);
    CHECK(strstr(error.text, "0000000000000000.log, offset ") != NULL);
    CHECK_INT(seen.wrong, 0);
    uint8_t after[8192]; /* a refusal changes nothing */
    CHECK(read_file(sim, FIRST, after, sizeof after) == len && memcmp(after, bytes, len) == 0);
    io_sim_free(sim);
}

static void test_every_byte_flipped_in_a_log_that_was_not_closed(void) {
    struct image image;
    make_image(&image, false);
    for (size_t at = 0; at < image.len; at += at < image.used + 128 ? 1 : 97) {
        struct image bad = image;
        bad.bytes[at] ^= (uint8_t)(1u << mix(at) % 8);
        if (at < image.last_group) {
            check_refused(bad.bytes, bad.len, at);
            continue;
        }
        struct io_sim *sim = disk_with(bad.bytes, bad.len);
        size_t from = at < image.used ? image.last_group : image.used, end = at < image.used ? image.used : at + 1;
        while (at < image.used && bad.bytes[end - 1] == 0)
            end--;
        check_goes_on(sim, at < image.used ? 3 : 4, end - from);
        check_torn_file(sim, bad.bytes + from, end - from);
        io_sim_free(sim);
    }
}

static void test_every_byte_flipped_in_a_sealed_log_is_refused(void) {
    struct image image;
    make_image(&image, true);
    for (size_t at = 0; at < image.len; at++) {
        struct image bad = image;
        bad.bytes[at] ^= (uint8_t)(1u << mix(at) % 8);
        check_refused(bad.bytes, bad.len, at);
    }
    for (size_t len = 0; len < image.len; len += 8) { /* cut inside a group; at a group's end nothing is wrong to see */
        struct seen seen;
        struct error error;
        struct io_sim *sim = disk_with(image.bytes, len);
        struct journal *journal = open_journal(sim, &seen, &error);
        CHECK_INT(seen.wrong, 0);
        CHECK(journal == NULL || seen.count <= 4);
        journal_close(journal);
        io_sim_free(sim);
    }
}

static void test_every_byte_flipped_in_an_earlier_segment_is_refused(void) {
    struct io_sim *sim = disk(1);
    struct seen seen;
    struct error error;
    uint8_t bytes[8192];
    uint64_t positions[60];
    struct journal *journal = open_journal(sim, &seen, &error);
    append_durably(journal, 1, 60, positions);
    io_sim_crash(sim, IO_SIM_DROP, 0);
    journal_close(journal);
    io_sim_restart(sim);
    CHECK_INT(read_file(sim, FIRST, bytes, sizeof bytes), 8192);
    struct journal_config config = config_of(io_sim_io(sim));
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] ^= 0x20;
        write_file(sim, FIRST, bytes, sizeof bytes);
        seen = (struct seen){0};
        CHECK(!journal_scan(&config, see, &seen, &error));
        CHECK_INT(error.kind, ERROR_CORRUPT);
        CHECK(strstr(error.text, ".log, offset ") != NULL);
        CHECK_INT(seen.wrong, 0);
        bytes[at] ^= 0x20;
    }
    write_file(sim, FIRST, bytes, sizeof bytes);
    seen = (struct seen){0};
    CHECK(journal_scan(&config, see, &seen, &error));
    CHECK_INT(seen.count, 60);
    io_sim_io(sim)->table->remove(io_sim_io(sim), FIRST); /* a missing first segment is noticed */
    CHECK(!journal_scan(&config, see, &seen, &error));
    CHECK(strstr(error.text, "earlier segments are missing") != NULL);
    io_sim_free(sim);
}

static void test_a_change_by_one_without_the_key_is_refused(void) {
    struct image image;
    make_image(&image, true);
    struct hash_key other = {"another key here"};
    struct hash128 chain = {0, 0};
    struct group group;
    struct hash_key key = config_of(NULL).key;
    struct image bad = image;
    /* The last record before the seal, with all checksums made again but the mark and the chain, which need the key. */
    CHECK(segment_check_group(bad.bytes + bad.last_group, bad.len - bad.last_group, bad.last_group, &key, NULL,
                              &group) == GROUP_GOOD);
    bad.bytes[bad.last_group + GROUP_HEADER_BYTES + RECORD_HEADER_BYTES] ^= 1;
    segment_close_group(bad.bytes + bad.last_group, group.len, bad.last_group, 1, group.synced, &other, &chain);
    memcpy(bad.bytes + bad.last_group + 16, image.bytes + bad.last_group + 16, 8); /* the mark can be copied */
    memset(bad.bytes + bad.last_group + 56, 0, 8);
    uint64_t checksum = hash_checksum(bad.bytes + bad.last_group, group.len);
    memcpy(bad.bytes + bad.last_group + 56, &checksum, 8);
    CHECK(segment_check_group(bad.bytes + bad.last_group, group.len, bad.last_group, &key, NULL, &group) == GROUP_GOOD);
    check_refused(bad.bytes, bad.len, bad.last_group);

    struct io_sim *sim = disk_with(image.bytes, image.len);
    struct journal_config config = config_of(io_sim_io(sim));
    struct seen seen = {0};
    struct error error;
    config.key = other;
    CHECK(!journal_scan(&config, see, &seen, &error));
    CHECK(strstr(error.text, "another key") != NULL);
    io_sim_free(sim);
}

static void test_a_record_imitated_in_a_body_is_not_one(void) {
    struct io_sim *sim = disk(1);
    struct error error;
    struct seen seen;
    struct arena arena;
    struct record record;
    uint8_t fake[64];
    arena_init(&arena, 1 << 20);
    struct journal *journal = open_journal(sim, &seen, &error);
    uint64_t positions[1], end;
    append_durably(journal, 1, 1, positions);
    struct io *io = io_sim_io(sim);
    int file = io->table->open(io, FIRST, IO_READ, 0);
    CHECK_INT(io->table->read_at(io, file, fake, sizeof fake, positions[0]), sizeof fake);
    io->table->close(io, file);
    CHECK(journal_reserve(journal, 1, sizeof fake));
    struct str part = {(const char *)fake, sizeof fake};
    journal_lock(journal);
    uint64_t position = journal_append(journal, RECORD_OUTPUT, 2, 0, &part, 1, &end);
    journal_unlock(journal);
    CHECK(journal_wait(journal, end));
    CHECK(journal_read(journal, position, &arena, &record, &error));
    CHECK(!journal_read(journal, position + RECORD_HEADER_BYTES, &arena, &record, &error));
    journal_close(journal);
    arena_release(&arena);
    io_sim_free(sim);
}

int main(void) {
    TEST(test_records_are_read_back_and_come_again_after_closing);
    TEST(test_opening_and_closing_without_records_leaves_the_log_as_it_was);
    TEST(test_reading_elsewhere_is_refused);
    TEST(test_space_is_reserved_and_given_back);
    TEST(test_a_folder_is_used_by_one_journal);
    TEST(test_listeners_are_woken);
    TEST(test_bad_settings_are_refused);
    TEST(test_last_group_torn_at_every_byte);
    TEST(test_every_byte_flipped_in_a_log_that_was_not_closed);
    TEST(test_every_byte_flipped_in_a_sealed_log_is_refused);
    TEST(test_every_byte_flipped_in_an_earlier_segment_is_refused);
    TEST(test_a_change_by_one_without_the_key_is_refused);
    TEST(test_a_record_imitated_in_a_body_is_not_one);
    return test_end();
}
