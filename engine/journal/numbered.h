/* For the journal's tests: a log on the simulated disk whose records carry numbers from 1 upwards and bodies made from
 * them, so that a visitor can tell a gap, a repetition or an invention. */
#ifndef ASSAY_JOURNAL_NUMBERED_H
#define ASSAY_JOURNAL_NUMBERED_H

#include <stdlib.h>
#include <unistd.h>

#include "../base/test.h"
#include "../io/io_sim.h"
#include "journal.h"

static const char FOLDER[] = "/data/journal";

static inline struct journal_config config_of(struct io *io) {
    return (struct journal_config){
        .io = io, .folder = FOLDER, .key = {"0123456789abcdef"}, .segment_bytes = 8192, .buffer_bytes = 4096};
}

static inline struct io_sim *disk(uint64_t seed) {
    struct io_sim *sim = io_sim_create(seed);
    struct io *io = io_sim_io(sim);
    CHECK_INT(io->table->make_folder(io, "/data"), 0);
    CHECK_INT(io->table->sync_folder(io, "/"), 0);
    return sim;
}

/* --- numbered records --- */

static inline uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline size_t body_of(uint64_t seq, uint8_t body[512]) {
    size_t len = mix(seq * 2 + 1) % 300;
    for (size_t i = 0; i < len; i++)
        body[i] = (uint8_t)mix(seq * 1000 + i);
    return len;
}

struct seen {
    uint64_t count, last_end, wrong;
    uint64_t positions[4096];
};

static inline bool see(void *context, const struct record *record, struct error *error) {
    struct seen *seen = context;
    uint8_t body[512];
    size_t len = body_of(record->seq, body);
    bool right = record->seq == seen->count + 1 && record->kind == RECORD_OUTPUT &&
                 record->arrival_us == -(int64_t)record->seq && record->position >= seen->last_end &&
                 record->end > record->position && record->body_len == len && memcmp(record->body, body, len) == 0;
    seen->wrong += !right;
    if (seen->count < 4096)
        seen->positions[seen->count] = record->position;
    seen->count++;
    seen->last_end = record->end;
    return true;
}

/* False: there was no room. *end gets where it ends. */
static inline bool append(struct journal *journal, uint64_t seq, uint64_t *position, uint64_t *end) {
    uint8_t body[512];
    size_t len = body_of(seq, body), half = len / 2;
    if (!journal_reserve(journal, 1, len))
        return false;
    struct str parts[2] = {{(const char *)body, half}, {(const char *)body + half, len - half}};
    journal_lock(journal);
    *position = journal_append(journal, RECORD_OUTPUT, seq, -(int64_t)seq, parts, 2, end);
    journal_unlock(journal);
    return true;
}

static inline struct journal *open_journal(struct io_sim *sim, struct seen *seen, struct error *error) {
    struct journal_config config = config_of(io_sim_io(sim));
    *seen = (struct seen){0};
    *error = (struct error){0};
    return journal_open(&config, see, seen, error);
}

/* Appends records seq..seq+count and waits for each. */
static inline void append_durably(struct journal *journal, uint64_t seq, unsigned count, uint64_t *positions) {
    for (unsigned i = 0; i < count; i++) {
        uint64_t position = 0, end = 0;
        while (!append(journal, seq + i, &position, &end))
            usleep(100); /* the next segment is being prepared */
        CHECK(journal_wait(journal, end));
        if (positions != NULL)
            positions[i] = position;
    }
}

/* The log opens with `count` records, goes on, and opens again. */
static inline void check_goes_on(struct io_sim *sim, uint64_t count, uint64_t torn) {
    struct seen seen;
    struct error error;
    struct journal_stats stats;
    struct journal *journal = open_journal(sim, &seen, &error);
    CHECK(journal != NULL);
    if (journal == NULL) {
        fprintf(stderr, "%s\n", error.text);
        return;
    }
    CHECK_INT(seen.count, count);
    CHECK_INT(seen.wrong, 0);
    journal_stats(journal, &stats);
    CHECK_INT(stats.torn_bytes, torn);
    append_durably(journal, count + 1, 2, NULL);
    journal_close(journal);
    journal = open_journal(sim, &seen, &error);
    CHECK(journal != NULL);
    CHECK_INT(seen.count, count + 2);
    CHECK_INT(seen.wrong, 0);
    journal_stats(journal, &stats);
    CHECK_INT(stats.torn_bytes, 0);
    journal_close(journal);
}

#endif
