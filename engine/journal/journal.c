/* The log as its callers see it: opening, appending, waiting, reading. Writing to the disk is committer.c, reading a
 * folder is recovery.c, segment.c makes and checks the bytes. Positions count bytes over the whole log, headers
 * included: a segment's first position + the offset in its file. Numbers are little-endian.
 *   folder   FIRST.log: segments, FIRST in 16 hex digits; each begins where the one before it ends
 *            FIRST.log.torn: what recovery cut off, for people; prepared.tmp: the next segment, zeroed;
 *            torn.tmp: a .torn file in the making; lock: held while open
 *   segment  64-byte header, groups, zeros up to the allocation (or the file is cut to what it uses: recovery.c)
 *      0 "ASSAYLOG"   8 u32 version 1   12 u32 64   16 u64 first position   24 u64 allocation
 *     32 chain before its first group (16 bytes)   48 u64 mark   56 u64 checksum of bytes 0-55
 *   group    64-byte header, records; one write, one sync
 *      0 "AGRP"   4 u32 length with header   8 u64 position   16 u64 mark
 *     24 u64 position up to which the log was synced before this group was written
 *     32 chain (16 bytes)   48 u32 records   52 u32 0   56 u64 checksum of the whole group, this field 0
 *   record   32-byte header, body, zeros to a multiple of 8; never crosses a group or a segment
 *      0 u32 body length   4 u16 kind   6 u16 0   8 u64 seq   16 i64 arrival   24 u64 checksum
 * mark       keyed hash of the position: bytes inside a body cannot pass for a header.
 * chain      keyed hash of the group with the chain before it in the chain's place and checksum 0: without the key no
 *            group can be changed, left out or put elsewhere. Begins with a keyed constant.
 * checksum   XXH3-64; a record's is XXH3 of two u64: XXH3 of its header with its position in the checksum's place, and
 *            XXH3 of the rest. */
#include "journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/assert.h"
#include "journal_private.h"

enum {
    /* The most that a record of n bytes adds to the buffer is n plus this: it may begin a segment and a group. */
    RECORD_OVERHEAD_BYTES = RECORD_HEADER_BYTES + 8 + GROUP_HEADER_BYTES + SEGMENT_HEADER_BYTES,
    READ_AHEAD_BYTES = 2048,
};
#define DEFAULT_SEGMENT_BYTES (64ull * 1024u * 1024u)
#define DEFAULT_BUFFER_BYTES (16u * 1024u * 1024u)

static size_t cost(uint32_t records, size_t bytes) { return bytes + (size_t)records * RECORD_OVERHEAD_BYTES; }

/* --- opening --- */

static bool check_config(const struct journal_config *config, struct error *error) {
    ASSERT(config->io != NULL && config->folder != NULL && config->folder[0] != '\0');
    if (config->segment_bytes != 0 && (config->segment_bytes < JOURNAL_MIN_SEGMENT_BYTES ||
                                       config->segment_bytes > SEGMENT_MAX_BYTES || config->segment_bytes % 8 != 0))
        return error_set(error, ERROR_INPUT, "a segment's size must be a multiple of 8 from %d to %llu bytes, got %llu",
                         JOURNAL_MIN_SEGMENT_BYTES, SEGMENT_MAX_BYTES, (unsigned long long)config->segment_bytes);
    if (config->durability == DURABILITY_INTERVAL && config->interval_us == 0)
        return error_set(error, ERROR_INPUT, "an interval between syncs must be longer than 0");
    char path[JOURNAL_PATH_BYTES]; /* of the longest name in the folder */
    if (!journal_path(config->folder, "0000000000000000.log.torn", path))
        return error_set(error, ERROR_LIMIT, "the journal's folder has too long a name");
    return true;
}

/* Makes the folder, durably, and takes its lock; returns the lock's file or -1. */
static int enter_folder(const struct journal_config *config, struct error *error) {
    struct io *io = config->io;
    char path[JOURNAL_PATH_BYTES];
    int result = io->table->make_folder(io, config->folder);
    if (result != 0) {
        error_system(error, -result, "cannot make the journal's folder %s", config->folder);
        return -1;
    }
    snprintf(path, sizeof path, "%s", config->folder);
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(path, sizeof path, ".");
    else
        slash[slash == path] = '\0';
    result = io->table->sync_folder(io, path);
    if (result != 0) {
        error_system(error, -result, "cannot sync %s", path);
        return -1;
    }
    journal_path(config->folder, JOURNAL_LOCK_NAME, path);
    int file = io->table->open(io, path, IO_READ | IO_WRITE | IO_CREATE, 0600);
    if (file < 0) {
        error_system(error, -file, "cannot open %s", path);
        return -1;
    }
    result = io->table->lock(io, file);
    if (result == 0)
        return file;
    io->table->close(io, file);
    if (result == -EWOULDBLOCK)
        error_set(error, ERROR_SYSTEM, "%s is in use by another process", config->folder);
    else
        error_system(error, -result, "cannot lock %s", path);
    return -1;
}

static void init_locks(struct journal *journal) {
    pthread_mutexattr_t spins;
    pthread_mutexattr_init(&spins);
    pthread_mutexattr_settype(&spins, PTHREAD_MUTEX_ADAPTIVE_NP); /* held for a copy */
    pthread_mutex_init(&journal->lock, &spins);
    pthread_mutexattr_destroy(&spins);
    pthread_mutex_init(&journal->segments_lock, NULL);
    pthread_mutex_init(&journal->listeners_lock, NULL);
    pthread_mutex_init(&journal->wait_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&journal->committer_wake, &monotonic);
    pthread_cond_init(&journal->preparer_wake, &monotonic);
    pthread_cond_init(&journal->prepared, &monotonic);
    pthread_cond_init(&journal->wait_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void free_memory(struct journal *journal) {
    pthread_mutex_destroy(&journal->lock);
    pthread_mutex_destroy(&journal->segments_lock);
    pthread_mutex_destroy(&journal->listeners_lock);
    pthread_mutex_destroy(&journal->wait_lock);
    pthread_cond_destroy(&journal->committer_wake);
    pthread_cond_destroy(&journal->preparer_wake);
    pthread_cond_destroy(&journal->prepared);
    pthread_cond_destroy(&journal->wait_changed);
    free(journal->buffers[0].bytes);
    free(journal->buffers[1].bytes);
    free(journal->segments);
    free(journal->folder);
    free(journal);
}

/* Takes over the recovered list of segments. */
static struct journal *create(const struct journal_config *config, struct recovery *recovery, struct error *error) {
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL) {
        error_system(error, ENOMEM, "cannot open the journal");
        return NULL;
    }
    init_locks(journal);
    journal->io = config->io;
    journal->key = config->key;
    journal->durability = config->durability;
    journal->interval_ns = (uint64_t)config->interval_us * 1000;
    journal->segment_bytes = config->segment_bytes != 0 ? config->segment_bytes : DEFAULT_SEGMENT_BYTES;
    /* Half a segment at most: then one segment ahead has room for all that can be waiting. */
    journal->buffer_bytes = config->buffer_bytes != 0 ? config->buffer_bytes : DEFAULT_BUFFER_BYTES;
    if (journal->buffer_bytes > journal->segment_bytes / 2)
        journal->buffer_bytes = (size_t)(journal->segment_bytes / 2);
    journal->file = journal->prepared_file = journal->lock_file = -1;
    journal->chain = recovery->chain;
    journal->sealed = recovery->sealed || !recovery->any_group;
    journal->synced = recovery->end;
    atomic_store(&journal->written, recovery->end);
    atomic_store(&journal->acknowledged, recovery->end);
    journal->stats.torn_bytes = recovery->torn_bytes;
    journal->folder = strdup(config->folder);
    for (int i = 0; i < 2; i++) { /* with room for a seal */
        journal->buffers[i] =
            (struct log_buffer){.position = recovery->end, .group = JOURNAL_NONE, .split = JOURNAL_NONE};
        journal->buffers[i].bytes = malloc(journal->buffer_bytes + RECORD_OVERHEAD_BYTES);
    }
    if (journal->folder == NULL || journal->buffers[0].bytes == NULL || journal->buffers[1].bytes == NULL) {
        free_memory(journal);
        error_system(error, ENOMEM, "cannot open the journal with a buffer of %zu bytes", journal->buffer_bytes);
        return NULL;
    }
    journal->segments = recovery->segments;
    journal->segment_count = recovery->segment_count;
    journal->segment_cap = recovery->segment_cap;
    recovery->segments = NULL;
    return journal;
}

struct journal *journal_open(const struct journal_config *config, journal_visitor *visit, void *context,
                             struct error *error) {
    ASSERT(visit != NULL && error != NULL);
    if (!check_config(config, error))
        return NULL;
    int lock_file = enter_folder(config, error);
    if (lock_file < 0)
        return NULL;
    struct recovery recovery = {.config = config, .visit = visit, .context = context};
    struct journal *journal = NULL;
    if (recovery_read(&recovery, error) && recovery_repair(&recovery, error))
        journal = create(config, &recovery, error);
    recovery_release(&recovery);
    if (journal != NULL) {
        journal->lock_file = lock_file;
        if (committer_start(journal, error))
            return journal;
        if (journal->prepared_file >= 0)
            config->io->table->close(config->io, journal->prepared_file);
        free_memory(journal);
    }
    config->io->table->close(config->io, lock_file);
    return NULL;
}

bool journal_scan(const struct journal_config *config, journal_visitor *visit, void *context, struct error *error) {
    ASSERT(visit != NULL && error != NULL);
    if (!check_config(config, error))
        return false;
    struct recovery recovery = {.config = config, .visit = visit, .context = context};
    bool good = recovery_read(&recovery, error);
    recovery_release(&recovery);
    return good;
}

/* --- closing --- */

static void append_seal(struct journal *journal) {
    pthread_mutex_lock(&journal->lock);
    bool wanted = (journal->appended_any || !journal->sealed) && !atomic_load(&journal->failed);
    if (wanted && (journal->next_free || journal->layout_left >= RECORD_OVERHEAD_BYTES)) {
        journal->charged_bytes += cost(1, 0);
        uint64_t end;
        journal_append(journal, RECORD_SEAL, 0, journal->io->table->now_us(journal->io), NULL, 0, &end);
        journal->sealed = true;
    } else {
        journal->sealed = false;
    }
    pthread_mutex_unlock(&journal->lock);
}

/* A sealed segment is cut to what it uses, by which it is known to have been closed well even if its seal rots. */
static void close_off(struct journal *journal) {
    struct io *io = journal->io;
    if (journal->sealed && journal->file >= 0 && !atomic_load(&journal->failed) &&
        io->table->truncate(io, journal->file, journal->synced - journal->file_first) == 0)
        (void)io->table->sync(io, journal->file); /* if not: the next opening does it */
}

bool journal_close(struct journal *journal) {
    if (journal == NULL)
        return true;
    struct io *io = journal->io;
    append_seal(journal);
    committer_stop(journal);
    close_off(journal);
    bool durable = !atomic_load(&journal->failed);
    if (journal->file >= 0)
        io->table->close(io, journal->file);
    if (journal->prepared_file >= 0 && journal->prepared_file != journal->file) {
        char path[JOURNAL_PATH_BYTES];
        journal_path(journal->folder, JOURNAL_PREPARED_NAME, path);
        io->table->close(io, journal->prepared_file);
        io->table->remove(io, path);
    }
    io->table->close(io, journal->lock_file);
    free_memory(journal);
    return durable;
}

/* --- appending --- */

bool journal_reserve(struct journal *journal, uint32_t records, size_t bytes) {
    if (atomic_load_explicit(&journal->failed, memory_order_relaxed) || bytes > journal->buffer_bytes ||
        records > journal->buffer_bytes / RECORD_OVERHEAD_BYTES)
        return false;
    size_t wanted = cost(records, bytes);
    pthread_mutex_lock(&journal->lock);
    size_t appended = journal->buffers[journal->active].charged_bytes;
    ASSERT(journal->charged_bytes >= appended);
    bool fits = journal->charged_bytes + wanted <= journal->buffer_bytes && !journal->stopping;
    if (fits && !journal->next_free) /* in the last segment there is; a seal's place stays free */
        fits = journal->charged_bytes - appended + wanted + RECORD_OVERHEAD_BYTES <= journal->layout_left;
    if (fits)
        journal->charged_bytes += wanted;
    pthread_mutex_unlock(&journal->lock);
    return fits;
}

void journal_unreserve(struct journal *journal, uint32_t records, size_t bytes) {
    size_t given = cost(records, bytes);
    pthread_mutex_lock(&journal->lock);
    ASSERT(journal->charged_bytes - journal->buffers[journal->active].charged_bytes >= given);
    journal->charged_bytes -= given;
    pthread_mutex_unlock(&journal->lock);
}

void journal_lock(struct journal *journal) { pthread_mutex_lock(&journal->lock); }

void journal_unlock(struct journal *journal) {
    const struct log_buffer *buffer = &journal->buffers[journal->active];
    bool wake = false;
    switch (journal->committer_state) {
    case COMMITTER_BUSY:
        break;
    case COMMITTER_IDLE:
        wake = buffer->used > 0;
        break;
    case COMMITTER_LINGERS:
        wake = buffer->awaited;
        break;
    case COMMITTER_PACES:
        wake = buffer->used > journal->buffer_bytes / 2;
        break;
    }
    if (wake)
        journal->committer_state = COMMITTER_BUSY;
    pthread_mutex_unlock(&journal->lock);
    if (wake)
        pthread_cond_signal(&journal->committer_wake);
}

/* Lays out headers so that a record of `size` bytes can follow. */
static void make_place(struct journal *journal, struct log_buffer *buffer, size_t size) {
    size_t group_header = buffer->group == JOURNAL_NONE ? GROUP_HEADER_BYTES : 0;
    if (group_header + size > journal->layout_left) {
        ASSERT(journal->next_free && buffer->split == JOURNAL_NONE);
        journal->next_free = false;
        buffer->split = buffer->used;
        buffer->used += SEGMENT_HEADER_BYTES;
        buffer->group = JOURNAL_NONE;
        journal->layout_left = journal->segment_bytes - SEGMENT_HEADER_BYTES;
        group_header = GROUP_HEADER_BYTES;
    }
    if (group_header > 0) {
        buffer->group = buffer->used;
        buffer->used += GROUP_HEADER_BYTES;
    }
    ASSERT(group_header + size <= journal->layout_left);
    journal->layout_left -= group_header + size;
}

uint64_t journal_append(struct journal *journal, enum record_kind kind, uint64_t seq, int64_t arrival_us,
                        const struct str *parts, uint32_t part_count, uint64_t *end) {
    ASSERT(end != NULL && (parts != NULL || part_count == 0));
    struct log_buffer *buffer = &journal->buffers[journal->active];
    size_t body_len = 0;
    for (uint32_t i = 0; i < part_count; i++)
        body_len += parts[i].len;
    size_t charge = cost(1, body_len), size = segment_record_bytes(body_len);
    ASSERT(journal->charged_bytes - buffer->charged_bytes >= charge); /* reserved before */
    buffer->charged_bytes += charge;
    make_place(journal, buffer, size);
    ASSERT(buffer->used + size <= journal->buffer_bytes + RECORD_OVERHEAD_BYTES);
    uint64_t position = buffer->position + buffer->used;
    uint8_t *body = segment_write_record(buffer->bytes + buffer->used, kind, seq, arrival_us, body_len);
    for (uint32_t i = 0; i < part_count; i++) {
        if (parts[i].len > 0)
            memcpy(body, parts[i].p, parts[i].len);
        body += parts[i].len;
    }
    buffer->used += size;
    buffer->records[buffer->split != JOURNAL_NONE]++;
    buffer->awaited |= kind != RECORD_INPUT;
    journal->appended_any = true;
    journal->stats.appended_bytes += size;
    *end = position + size;
    if (journal->durability != DURABILITY_COMMIT && !atomic_load(&journal->failed))
        atomic_store(&journal->acknowledged, *end);
    return position;
}

/* --- durability --- */

uint64_t journal_durable(const struct journal *journal) { return atomic_load(&journal->acknowledged); }

const char *journal_failure(const struct journal *journal) {
    return atomic_load(&journal->failed) ? journal->failure : NULL;
}

void journal_listen(struct journal *journal, int event_fd) {
    ASSERT(event_fd >= 0);
    pthread_mutex_lock(&journal->listeners_lock);
    ASSERT(journal->listener_count < JOURNAL_LISTENERS);
    journal->listeners[journal->listener_count++] = event_fd;
    pthread_mutex_unlock(&journal->listeners_lock);
}

bool journal_wait(struct journal *journal, uint64_t end) {
    pthread_mutex_lock(&journal->wait_lock);
    while (journal_durable(journal) < end && !atomic_load(&journal->failed))
        pthread_cond_wait(&journal->wait_changed, &journal->wait_lock);
    pthread_mutex_unlock(&journal->wait_lock);
    return journal_durable(journal) >= end;
}

void journal_stats(struct journal *journal, struct journal_stats *out) {
    pthread_mutex_lock(&journal->lock);
    *out = journal->stats;
    pthread_mutex_unlock(&journal->lock);
    pthread_mutex_lock(&journal->segments_lock);
    out->segments = journal->segment_count;
    pthread_mutex_unlock(&journal->segments_lock);
    out->durable_position = journal_durable(journal);
}

/* --- reading --- */

/* The segment that holds the position: the last one that begins at or before it. */
static bool find_segment(struct journal *journal, uint64_t position, uint64_t *first) {
    pthread_mutex_lock(&journal->segments_lock);
    size_t low = 0, high = journal->segment_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (journal->segments[middle] <= position)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0)
        *first = journal->segments[low - 1];
    pthread_mutex_unlock(&journal->segments_lock);
    return low > 0;
}

static bool read_from(struct journal *journal, int file, uint64_t offset, uint64_t position, uint64_t limit,
                      struct arena *arena, struct record *out, struct error *error) {
    struct io *io = journal->io;
    uint8_t head[READ_AHEAD_BYTES];
    size_t want = limit - position < sizeof head ? (size_t)(limit - position) : sizeof head;
    int64_t got = io->table->read_at(io, file, head, want, offset);
    if (got < 0)
        return error_system(error, (int)-got, "cannot read the log at position %llu", (unsigned long long)position);
    size_t len = got >= RECORD_HEADER_BYTES ? segment_record_len(head) : 0;
    if (len == 0 || len > limit - position)
        return error_set(error, ERROR_CORRUPT, "no record at position %llu", (unsigned long long)position);
    uint8_t *bytes = arena_alloc(arena, len);
    if (bytes == NULL)
        return error_set(error, ERROR_LIMIT, "no memory for a record of %zu bytes", len);
    size_t have = (size_t)got < len ? (size_t)got : len;
    memcpy(bytes, head, have);
    got = have < len ? io->table->read_at(io, file, bytes + have, len - have, offset + have) : 0;
    if (got < 0)
        return error_system(error, (int)-got, "cannot read the log at position %llu", (unsigned long long)position);
    if (!segment_read_record(bytes, have + (size_t)got, position, out) || out->kind == RECORD_SEAL)
        return error_set(error, ERROR_CORRUPT, "no good record at position %llu", (unsigned long long)position);
    return true;
}

bool journal_read(struct journal *journal, uint64_t position, struct arena *arena, struct record *out,
                  struct error *error) {
    ASSERT(arena != NULL && out != NULL && error != NULL);
    uint64_t first, limit = atomic_load(&journal->written);
    if (position % 8 != 0 || position >= limit || limit - position < RECORD_HEADER_BYTES ||
        !find_segment(journal, position, &first))
        return error_set(error, ERROR_INPUT, "no record at position %llu", (unsigned long long)position);
    char name[SEGMENT_NAME_BYTES], path[JOURNAL_PATH_BYTES];
    segment_name(first, name);
    journal_path(journal->folder, name, path);
    int file = journal->io->table->open(journal->io, path, IO_READ, 0);
    if (file < 0)
        return error_system(error, -file, "cannot open %s", path);
    bool found = read_from(journal, file, position - first, position, limit, arena, out, error);
    journal->io->table->close(journal->io, file);
    return found || error_prefix(error, "%s", path);
}
