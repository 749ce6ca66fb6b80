/* Recovery over any bytes as a log's first segment. It never crashes; what it visits lies in the file with a right
 * checksum, chain and place, by a reading of the format made here again; and what it opens goes on and opens again.
 *
 * Byte 0 of the input: bit 0 makes checksums, marks, chains and the header's numbers right along the bytes, so that
 * mutations get past them; bit 1 says whether the file is as long as its allocation. The rest is the file. */
#include <stdlib.h>
#include <string.h>

#include "../base/assert.h"
#include "../io/io_sim.h"
#include "journal.h"
#include "segment.h"

static const struct hash_key KEY = {"0123456789abcdef"};

struct seen {
    const uint8_t *file;
    size_t len;
    uint64_t count, last_end;
};

static uint64_t u64_at(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static bool see(void *context, const struct record *record, struct error *error) {
    struct seen *seen = context;
    ASSERT(record->position >= seen->last_end && record->end >= record->position + 32 && record->kind != RECORD_SEAL);
    seen->last_end = record->end;
    seen->count++;
    if (seen->file == NULL || record->end > seen->len)
        return true;
    uint8_t head[32];
    const uint8_t *bytes = seen->file + record->position;
    memcpy(head, bytes, sizeof head);
    memcpy(head + 24, &record->position, 8);
    uint64_t parts[2] = {hash_checksum(head, 32), hash_checksum(bytes + 32, record->end - record->position - 32)};
    ASSERT(u64_at(bytes + 24) == hash_checksum(parts, sizeof parts));
    ASSERT(record->body_len <= record->end - record->position - 32);
    ASSERT(memcmp(record->body, bytes + 32, record->body_len) == 0);
    return true;
}

/* Completes what the bytes look like: a header, then groups as far as their lengths make sense. */
static void make_right(uint8_t *file, size_t len, bool full) {
    if (len < 64)
        return;
    struct segment_header header = {0, full ? len : len + 64, segment_chain_start(&KEY)};
    segment_write_header(file, &header, &KEY);
    struct hash128 chain = header.chain;
    for (size_t at = 64; at + 64 <= len;) {
        uint32_t group_len;
        memcpy(&group_len, file + at + 4, sizeof group_len);
        if (group_len <= 64 || group_len % 8 != 0 || group_len > len - at)
            return;
        uint32_t records = 0;
        size_t record = at + 64, size;
        for (; record + 32 <= at + group_len; record += size, records++) {
            size = segment_record_len(file + record);
            if (size == 0 || size > at + group_len - record)
                return;
        }
        if (record != at + group_len)
            return;
        uint64_t synced = u64_at(file + at + 24);
        segment_close_group(file + at, group_len, at, records, synced < at ? synced : at, &KEY, &chain);
        at += group_len;
    }
}

static uint64_t reopen(struct io *io, uint64_t expected) {
    struct journal_config config = {.io = io, .folder = "/j", .key = KEY, .segment_bytes = 4096};
    struct seen seen = {0};
    struct error error = {0};
    struct journal *journal = journal_open(&config, see, &seen, &error);
    ASSERT(journal != NULL && seen.count == expected);
    struct str part = STR("goes on");
    bool room = journal_reserve(journal, 1, part.len);
    ASSERT(room);
    uint64_t end;
    journal_lock(journal);
    journal_append(journal, RECORD_INPUT, 1, 2, &part, 1, &end);
    journal_unlock(journal);
    bool closed = journal_close(journal);
    ASSERT(closed);
    return expected + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > 65536)
        return 0;
    size_t len = size - 1;
    uint8_t *file = malloc(len + 1);
    ASSERT(file != NULL);
    memcpy(file, data + 1, len);
    if (data[0] & 1)
        make_right(file, len, data[0] & 2);
    struct io_sim *sim = io_sim_create(1);
    struct io *io = io_sim_io(sim);
    io->table->make_folder(io, "/j");
    int handle = io->table->open(io, "/j/0000000000000000.log", IO_WRITE | IO_CREATE, 0600);
    io->table->write_at(io, handle, file, len, 0);
    io->table->sync(io, handle);
    io->table->close(io, handle);
    struct journal_config config = {.io = io, .folder = "/j", .key = KEY, .segment_bytes = 4096};
    struct seen seen = {.file = file, .len = len};
    struct error error = {0};
    if (journal_scan(&config, see, &seen, &error)) {
        uint64_t count = reopen(io, seen.count);
        reopen(io, count);
    } else {
        ASSERT(error.kind == ERROR_CORRUPT && strstr(error.text, "offset") != NULL);
    }
    io_sim_free(sim);
    free(file);
    return 0;
}
