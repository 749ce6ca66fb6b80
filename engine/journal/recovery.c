/* Reading a folder of segments (format: journal.c): for journal_open, which then repairs the tail, and journal_scan.
 *
 * Every byte of every segment is accounted for: header, groups, and zeros after the last group. What is wrong is either
 *   torn     in the last segment, not closed off, after its last good group, where no later group says that this place
 *            had been synced: a write that a power cut interrupted. Under DURABILITY_COMMIT it was never acknowledged.
 *            It is cut;
 *   corrupt  anything else: the opening is refused with the file and the offset.
 * A segment is closed off by cutting it to the bytes it uses: when it was sealed, and whenever the log is opened again
 * (a new segment is begun then, so that no later write goes where torn bytes were). Every byte of a file shorter than
 * its allocation was therefore synced once, and nothing in it can be torn.
 *
 * A cut is made in this order: torn bytes to a file of their own, that file and its name synced, then the segment
 * synced, cut and synced. A power cut anywhere in between leaves a log on which the same is done again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/assert.h"
#include "journal_private.h"

static bool refuse(const struct recovery *recovery, uint64_t first_position, uint64_t offset, const char *why,
                   struct error *error) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(first_position, name);
    return error_set(error, ERROR_CORRUPT, "%s/%s, offset %llu: %s", recovery->config->folder, name,
                     (unsigned long long)offset, why);
}

static void collect_name(void *context, const char *name) {
    struct recovery *recovery = context;
    uint64_t first_position;
    if (recovery->out_of_memory || !segment_parse_name(name, &first_position))
        return;
    if (recovery->segment_count == recovery->segment_cap) {
        size_t cap = recovery->segment_cap == 0 ? 64 : recovery->segment_cap * 2;
        uint64_t *segments = realloc(recovery->segments, cap * sizeof *segments);
        if (segments == NULL) {
            recovery->out_of_memory = true;
            return;
        }
        recovery->segments = segments;
        recovery->segment_cap = cap;
    }
    recovery->segments[recovery->segment_count++] = first_position;
}

static int position_compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The whole file into recovery->bytes. */
static bool load(struct recovery *recovery, uint64_t first_position, struct error *error) {
    struct io *io = recovery->config->io;
    char name[SEGMENT_NAME_BYTES], path[JOURNAL_PATH_BYTES];
    segment_name(first_position, name);
    if (!journal_path(recovery->config->folder, name, path))
        return error_set(error, ERROR_LIMIT, "the journal's folder has too long a name");
    int file = io->table->open(io, path, IO_READ, 0);
    if (file < 0)
        return error_system(error, -file, "cannot open %s", path);
    int64_t size = io->table->size(io, file);
    bool fits = size >= 0 && (uint64_t)size <= SEGMENT_MAX_BYTES;
    if (fits && (size_t)size > recovery->bytes_cap) {
        free(recovery->bytes);
        recovery->bytes = malloc((size_t)size);
        recovery->bytes_cap = recovery->bytes != NULL ? (size_t)size : 0;
    }
    int64_t got = size;
    if (fits && size > 0 && recovery->bytes_cap >= (size_t)size)
        got = io->table->read_at(io, file, recovery->bytes, (size_t)size, 0);
    io->table->close(io, file);
    if (size < 0 || got < 0)
        return error_system(error, (int)-(size < 0 ? size : got), "cannot read %s", path);
    if (!fits)
        return refuse(recovery, first_position, SEGMENT_MAX_BYTES, "the file is larger than any segment", error);
    if (recovery->bytes_cap < (size_t)size)
        return error_system(error, ENOMEM, "cannot read %s", path);
    if (got != size)
        return error_system(error, EIO, "cannot read all of %s", path);
    recovery->file_bytes = (size_t)size;
    return true;
}

static bool check_header(struct recovery *recovery, size_t index, struct segment_header *header, struct error *error) {
    uint64_t first = recovery->segments[index];
    const char *wrong = segment_read_header(recovery->bytes, recovery->file_bytes, &recovery->config->key, header);
    if (wrong != NULL)
        return refuse(recovery, first, 0, wrong, error);
    if (header->first_position != first)
        return refuse(recovery, first, 0, "the header's first position is not the file's name", error);
    if (recovery->file_bytes > header->allocated_bytes)
        return refuse(recovery, first, header->allocated_bytes, "the file is longer than its header says", error);
    if (index == 0) {
        struct hash128 start = segment_chain_start(&recovery->config->key);
        if (first == 0 && !hash128_equal(header->chain, start))
            return refuse(recovery, first, 0, "the chain does not begin here", error);
        recovery->end = first;
        recovery->chain = header->chain;
        return true;
    }
    ASSERT(recovery->end == first); /* the segment before it was checked to end here */
    if (!hash128_equal(header->chain, recovery->chain))
        return refuse(recovery, first, 0, "the chain of the segment before it is another one", error);
    return true;
}

static bool visit_group(struct recovery *recovery, size_t offset, size_t len, uint64_t position, struct error *error) {
    struct record record;
    for (size_t at = GROUP_HEADER_BYTES; at < len;) {
        bool whole = segment_read_record(recovery->bytes + offset + at, len - at, position + at, &record);
        ASSERT(whole); /* the group was checked */
        if (!recovery->any_group && recovery->segments[0] != 0 && record.kind != RECORD_CHECKPOINT)
            return refuse(recovery, recovery->segments[0], offset,
                          "the log begins here, and not with a checkpoint: earlier segments are missing", error);
        recovery->any_group = true;
        recovery->sealed = record.kind == RECORD_SEAL;
        if (!recovery->sealed && !recovery->visit(recovery->context, &record, error))
            return false;
        at += (size_t)(record.end - record.position);
    }
    return true;
}

/* Visits the good groups; recovery->used_bytes is where they end. */
static bool read_groups(struct recovery *recovery, uint64_t first, struct error *error) {
    const struct hash_key *key = &recovery->config->key;
    size_t offset = SEGMENT_HEADER_BYTES;
    recovery->proven_bytes = offset;
    while (offset < recovery->file_bytes) {
        struct group group;
        enum group_state state = segment_check_group(recovery->bytes + offset, recovery->file_bytes - offset,
                                                     first + offset, key, &recovery->chain, &group);
        if (state == GROUP_FOREIGN)
            return refuse(recovery, first, offset, "a group that does not follow the one before it", error);
        if (state == GROUP_DAMAGED)
            break;
        if (!visit_group(recovery, offset, group.len, first + offset, error))
            return false;
        recovery->chain = group.chain;
        recovery->proven_bytes = group.synced > first + SEGMENT_HEADER_BYTES ? (size_t)(group.synced - first)
                                                                             : SEGMENT_HEADER_BYTES;
        offset += group.len;
    }
    recovery->used_bytes = offset;
    recovery->end = first + offset;
    return true;
}

static size_t after_last_nonzero(const struct recovery *recovery) {
    size_t at = recovery->file_bytes;
    while (at > recovery->used_bytes && recovery->bytes[at - 1] == 0)
        at--;
    return at;
}

/* Whether a whole group after the damage says that the damaged place had been synced. */
static bool was_synced(struct recovery *recovery, uint64_t first) {
    struct group group;
    for (size_t at = recovery->used_bytes + 8; at + GROUP_HEADER_BYTES <= recovery->file_bytes; at += 8)
        if (segment_check_group(recovery->bytes + at, recovery->file_bytes - at, first + at, &recovery->config->key,
                                NULL, &group) != GROUP_DAMAGED &&
            group.synced > first + recovery->used_bytes)
            return true;
    return false;
}

/* Whether a tail was once cut off the segment: a cut that the disk failed to make durable can come undone. */
static bool was_cut(const struct recovery *recovery, uint64_t first) {
    struct io *io = recovery->config->io;
    char name[SEGMENT_NAME_BYTES + 8], path[JOURNAL_PATH_BYTES];
    segment_name(first, name);
    snprintf(name + SEGMENT_NAME_BYTES - 1, 6, ".torn");
    bool fits = journal_path(recovery->config->folder, name, path);
    int file = fits ? io->table->open(io, path, IO_READ, 0) : -1;
    if (file >= 0)
        io->table->close(io, file);
    return file >= 0;
}

/* What is after the last good group. */
static bool check_tail(struct recovery *recovery, size_t index, const struct segment_header *header,
                       struct error *error) {
    uint64_t first = recovery->segments[index];
    size_t used = recovery->used_bytes, end = after_last_nonzero(recovery);
    if (index + 1 < recovery->segment_count) {
        if (recovery->end < recovery->segments[index + 1])
            return refuse(recovery, first, used, "no good group here, and the next segment begins further on", error);
        if (recovery->end > recovery->segments[index + 1])
            return refuse(recovery, recovery->segments[index + 1], 0, "the segment before it ends further on", error);
        return end == used || was_cut(recovery, first) ||
               refuse(recovery, first, used, "bytes after the segment's last group", error);
    }
    if (recovery->file_bytes < header->allocated_bytes && used != recovery->file_bytes)
        return refuse(recovery, first, used, "no good group here, in a segment that was closed off", error);
    if (end == used)
        return true;
    if (recovery->sealed && used > SEGMENT_HEADER_BYTES)
        return refuse(recovery, first, used, "bytes after the seal", error);
    if (was_synced(recovery, first))
        return refuse(recovery, first, used, "a damaged group before the last one", error);
    recovery->torn_bytes = end - used;
    return true;
}

bool recovery_read(struct recovery *recovery, struct error *error) {
    const struct journal_config *config = recovery->config;
    recovery->chain = segment_chain_start(&config->key);
    int listed = config->io->table->list(config->io, config->folder, collect_name, recovery);
    if (listed != 0)
        return error_system(error, -listed, "cannot list the journal's folder %s", config->folder);
    if (recovery->out_of_memory)
        return error_system(error, ENOMEM, "cannot list the journal's folder %s", config->folder);
    if (recovery->segment_count > 0)
        qsort(recovery->segments, recovery->segment_count, sizeof *recovery->segments, position_compare);
    for (size_t i = 0; i < recovery->segment_count; i++) {
        struct segment_header header;
        if (!load(recovery, recovery->segments[i], error) || !check_header(recovery, i, &header, error) ||
            !read_groups(recovery, recovery->segments[i], error) || !check_tail(recovery, i, &header, error))
            return false;
    }
    return true;
}

static bool keep_torn(struct recovery *recovery, const char *segment, struct error *error) {
    struct io *io = recovery->config->io;
    char name[SEGMENT_NAME_BYTES + 8], from[JOURNAL_PATH_BYTES], to[JOURNAL_PATH_BYTES];
    snprintf(name, sizeof name, "%s.torn", segment);
    bool fits = journal_path(recovery->config->folder, JOURNAL_TORN_NAME, from) &&
                journal_path(recovery->config->folder, name, to);
    ASSERT(fits); /* the segment's path did */
    int file = io->table->open(io, from, IO_WRITE | IO_CREATE, 0600);
    if (file < 0)
        return error_system(error, -file, "cannot make %s", from);
    int64_t result = io->table->truncate(io, file, 0);
    if (result == 0)
        result = io->table->write_at(io, file, recovery->bytes + recovery->used_bytes, recovery->torn_bytes, 0);
    if (result >= 0)
        result = io->table->sync(io, file);
    io->table->close(io, file);
    if (result == 0)
        result = io->table->rename(io, from, to);
    if (result == 0)
        result = io->table->sync_folder(io, recovery->config->folder);
    return result == 0 || error_system(error, (int)-result, "cannot keep the torn tail in %s", to);
}

bool recovery_repair(struct recovery *recovery, struct error *error) {
    if (recovery->segment_count == 0)
        return true;
    struct io *io = recovery->config->io;
    char name[SEGMENT_NAME_BYTES], path[JOURNAL_PATH_BYTES];
    segment_name(recovery->segments[recovery->segment_count - 1], name);
    if (recovery->torn_bytes > 0 && !keep_torn(recovery, name, error))
        return false;
    bool fits = journal_path(recovery->config->folder, name, path);
    ASSERT(fits);
    int file = io->table->open(io, path, IO_READ | IO_WRITE, 0);
    if (file < 0)
        return error_system(error, -file, "cannot open %s", path);
    /* What was read may be in memory only, and not even waiting to be written: after a sync that failed the system may
     * take pages for clean that are not on the disk. So what no later group proves is written again. */
    ASSERT(recovery->proven_bytes <= recovery->used_bytes);
    int64_t put = io->table->write_at(io, file, recovery->bytes + recovery->proven_bytes,
                                      recovery->used_bytes - recovery->proven_bytes, recovery->proven_bytes);
    int result = put < 0 ? (int)put : io->table->sync(io, file);
    if (result == 0 && recovery->used_bytes != recovery->file_bytes) {
        result = io->table->truncate(io, file, recovery->used_bytes);
        if (result == 0)
            result = io->table->sync(io, file);
    }
    io->table->close(io, file);
    if (result == 0)
        result = io->table->sync_folder(io, recovery->config->folder);
    return result == 0 || error_system(error, -result, "cannot close off %s", path);
}

void recovery_release(struct recovery *recovery) {
    free(recovery->segments);
    free(recovery->bytes);
    recovery->segments = NULL;
    recovery->bytes = NULL;
}
