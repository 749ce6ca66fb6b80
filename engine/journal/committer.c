/* The journal's two threads.
 *
 * The committer takes the buffer that was appended to (the appenders go on in the other one), completes its groups,
 * writes and syncs them, publishes how far the log is on the disk, and wakes the listeners. When it begins:
 *   commit         at once; if only inputs wait, on which nobody waits yet, it lingers LINGER_NS for their outputs, so
 *                  that a decision costs one sync and not two;
 *   interval/none  PACE_NS after the first record, or with a half-full buffer; the sync comes at most interval_us after
 *                  the first record that it covers. What was not written is lost when the process is killed, what was
 *                  not synced when the power goes.
 * Every mode syncs a segment before it is left, and the first group of a new one before the file gets its name.
 *
 * The preparer keeps one segment ahead: a zeroed, synced file named prepared.tmp. A full disk there is no failure:
 * it tries again, and journal_reserve refuses what the segments at hand do not hold. Any other failed call of either
 * thread fails the journal for good.
 *
 * Waiting is by the system's clock even when the journal's io is simulated; only measured times come from io. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../base/assert.h"
#include "journal_private.h"

#define LINGER_NS 50000u
#define PACE_NS 1000000u
#define RETRY_NS 250000000u

static uint64_t clock_ns(void) {
    struct timespec now;
    int result = clock_gettime(CLOCK_MONOTONIC, &now);
    ASSERT(result == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* False when the time has come. */
static bool wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline_ns) {
    if (deadline_ns == UINT64_MAX)
        return pthread_cond_wait(condition, lock) == 0;
    struct timespec at = {.tv_sec = (time_t)(deadline_ns / 1000000000u), .tv_nsec = (long)(deadline_ns % 1000000000u)};
    return pthread_cond_timedwait(condition, lock, &at) == 0;
}

bool journal_path(const char *folder, const char *name, char out[JOURNAL_PATH_BYTES]) {
    int len = snprintf(out, JOURNAL_PATH_BYTES, "%s/%s", folder, name);
    return len > 0 && len < JOURNAL_PATH_BYTES;
}

/* Tells everybody that the durable position moved or the journal failed. */
static void notify(struct journal *journal) {
    pthread_mutex_lock(&journal->wait_lock);
    pthread_cond_broadcast(&journal->wait_changed);
    pthread_mutex_unlock(&journal->wait_lock);
    pthread_mutex_lock(&journal->listeners_lock);
    for (unsigned i = 0; i < journal->listener_count; i++) {
        uint64_t one = 1;
        ssize_t put = write(journal->listeners[i], &one, sizeof one);
        (void)put; /* full: it is awake already */
    }
    pthread_mutex_unlock(&journal->listeners_lock);
}

/* The first failure is the one that is told. Returns false. */
static bool fail(struct journal *journal, int64_t code, const char *what) {
    ASSERT(code < 0);
    pthread_mutex_lock(&journal->lock);
    if (!atomic_load(&journal->failed)) {
        char text[100];
        snprintf(journal->failure, sizeof journal->failure, "%s: %s", what, strerror_r((int)-code, text, sizeof text));
        atomic_store(&journal->failed, true);
    }
    pthread_cond_signal(&journal->committer_wake);
    pthread_cond_signal(&journal->preparer_wake);
    pthread_cond_broadcast(&journal->prepared);
    pthread_mutex_unlock(&journal->lock);
    notify(journal);
    return false;
}

/* --- the preparer --- */

static int prepare(struct journal *journal, const char *path) {
    struct io *io = journal->io;
    int file = io->table->open(io, path, IO_READ | IO_WRITE | IO_CREATE, 0600);
    if (file < 0)
        return file;
    int result = io->table->truncate(io, file, 0); /* of an earlier life */
    if (result == 0)
        result = io->table->allocate(io, file, journal->segment_bytes);
    if (result == 0)
        result = io->table->sync(io, file);
    if (result == 0)
        return file;
    io->table->close(io, file);
    io->table->remove(io, path);
    return result;
}

static void *preparer_main(void *argument) {
    struct journal *journal = argument;
    char path[JOURNAL_PATH_BYTES];
    bool fits = journal_path(journal->folder, JOURNAL_PREPARED_NAME, path);
    ASSERT(fits);
    pthread_mutex_lock(&journal->lock);
    while (!journal->stopping && !atomic_load(&journal->failed)) {
        if (journal->prepared_file >= 0) {
            wait_until(&journal->preparer_wake, &journal->lock, UINT64_MAX);
            continue;
        }
        pthread_mutex_unlock(&journal->lock);
        int file = prepare(journal, path);
        bool full = file == -ENOSPC || file == -EDQUOT;
        if (file < 0 && !full)
            fail(journal, file, "cannot prepare a segment");
        pthread_mutex_lock(&journal->lock);
        journal->space_low = full;
        if (file >= 0) {
            journal->prepared_file = file;
            journal->next_free = true;
        }
        pthread_cond_broadcast(&journal->prepared);
        for (uint64_t retry = clock_ns() + RETRY_NS; full && !journal->stopping && !atomic_load(&journal->failed);)
            full = wait_until(&journal->preparer_wake, &journal->lock, retry);
    }
    pthread_mutex_unlock(&journal->lock);
    return NULL;
}

/* --- the committer --- */

static bool sync_now(struct journal *journal, uint64_t end) {
    uint64_t from = journal->io->table->monotonic_ns(journal->io);
    int result = journal->io->table->sync(journal->io, journal->file);
    if (result != 0)
        return fail(journal, result, "cannot sync the log");
    uint64_t took = journal->io->table->monotonic_ns(journal->io) - from;
    journal->synced = end;
    journal->unsynced_since_ns = 0;
    pthread_mutex_lock(&journal->lock);
    journal->stats.syncs++;
    journal->stats.sync_ns_total += took;
    if (took > journal->stats.sync_ns_max)
        journal->stats.sync_ns_max = took;
    pthread_mutex_unlock(&journal->lock);
    return true;
}

/* Writes bytes[0, len), which ends with a group that begins at `group`. */
static bool write_group(struct journal *journal, uint8_t *bytes, size_t len, size_t group, uint64_t position,
                        uint32_t records) {
    ASSERT(journal->file >= 0 && position >= journal->file_first);
    ASSERT(position - journal->file_first + len <= journal->file_allocated);
    segment_close_group(bytes + group, len - group, position + group, records, journal->synced, &journal->key,
                        &journal->chain);
    int64_t put = journal->io->table->write_at(journal->io, journal->file, bytes, len, position - journal->file_first);
    if (put < 0)
        return fail(journal, put, "cannot write the log");
    pthread_mutex_lock(&journal->lock);
    journal->stats.groups++;
    pthread_mutex_unlock(&journal->lock);
    return true;
}

static bool add_segment(struct journal *journal, uint64_t first_position) {
    bool added = true;
    pthread_mutex_lock(&journal->segments_lock);
    if (journal->segment_count == journal->segment_cap) {
        size_t cap = journal->segment_cap * 2 + 64;
        uint64_t *segments = realloc(journal->segments, cap * sizeof *segments);
        added = segments != NULL;
        if (added) {
            journal->segments = segments;
            journal->segment_cap = cap;
        }
    }
    if (added)
        journal->segments[journal->segment_count++] = first_position;
    pthread_mutex_unlock(&journal->segments_lock);
    return added || fail(journal, -ENOMEM, "cannot begin a segment");
}

/* The prepared file becomes the next segment: header and first group are on the disk before it has its name. */
static bool start_segment(struct journal *journal, uint8_t *bytes, size_t len, uint64_t position, uint32_t records) {
    struct io *io = journal->io;
    char name[SEGMENT_NAME_BYTES], from[JOURNAL_PATH_BYTES], to[JOURNAL_PATH_BYTES];
    segment_name(position, name);
    bool fits = journal_path(journal->folder, JOURNAL_PREPARED_NAME, from) && journal_path(journal->folder, name, to);
    ASSERT(fits && journal->prepared_file >= 0); /* claimed when it was laid out; only this thread takes it away */
    if (journal->unsynced_since_ns != 0 && !sync_now(journal, position))
        return false;
    if (journal->file >= 0)
        io->table->close(io, journal->file);
    journal->file = journal->prepared_file;
    journal->file_first = position;
    journal->file_allocated = journal->segment_bytes;
    struct segment_header header = {position, journal->segment_bytes, journal->chain};
    segment_write_header(bytes, &header, &journal->key);
    if (!write_group(journal, bytes, len, SEGMENT_HEADER_BYTES, position, records) ||
        !sync_now(journal, position + len))
        return false;
    int result = io->table->rename(io, from, to);
    if (result == 0)
        result = io->table->sync_folder(io, journal->folder);
    if (result != 0)
        return fail(journal, result, "cannot name a segment");
    if (!add_segment(journal, position))
        return false;
    pthread_mutex_lock(&journal->lock);
    journal->prepared_file = -1;
    pthread_cond_signal(&journal->preparer_wake);
    pthread_mutex_unlock(&journal->lock);
    return true;
}

static bool write_buffer(struct journal *journal, struct log_buffer *buffer, uint64_t noticed_ns) {
    size_t first = buffer->split != JOURNAL_NONE ? buffer->split : buffer->used;
    if (first > 0) {
        if (!write_group(journal, buffer->bytes, first, 0, buffer->position, buffer->records[0]))
            return false;
        if (journal->unsynced_since_ns == 0)
            journal->unsynced_since_ns = noticed_ns;
        if (journal->durability == DURABILITY_COMMIT && !sync_now(journal, buffer->position + first))
            return false;
    }
    return first == buffer->used || start_segment(journal, buffer->bytes + first, buffer->used - first,
                                                  buffer->position + first, buffer->records[1]);
}

static void publish(struct journal *journal, uint64_t end) {
    if (atomic_load(&journal->failed))
        return; /* by the preparer, meanwhile: nothing is acknowledged after that */
    atomic_store(&journal->written, end);
    if (journal->durability == DURABILITY_COMMIT)
        atomic_store(&journal->acknowledged, end);
    notify(journal);
}

static uint64_t sync_deadline(const struct journal *journal) {
    if (journal->unsynced_since_ns == 0 || journal->durability != DURABILITY_INTERVAL)
        return UINT64_MAX;
    return journal->unsynced_since_ns + journal->interval_ns;
}

/* With the lock held: returns when there is something to do, and since when there was. */
static uint64_t wait_for_work(struct journal *journal) {
    const struct log_buffer *buffer = &journal->buffers[journal->active];
    uint64_t pace =
        journal->interval_ns < PACE_NS && journal->durability == DURABILITY_INTERVAL ? journal->interval_ns : PACE_NS;
    uint64_t noticed = 0;
    while (!journal->stopping && !atomic_load(&journal->failed)) {
        uint64_t deadline = sync_deadline(journal);
        journal->committer_state = COMMITTER_IDLE;
        if (buffer->used > 0) {
            if (noticed == 0)
                noticed = clock_ns();
            bool commits = journal->durability == DURABILITY_COMMIT;
            if (commits ? buffer->awaited : buffer->used > journal->buffer_bytes / 2)
                break;
            uint64_t patience = noticed + (commits ? LINGER_NS : pace);
            deadline = patience < deadline ? patience : deadline;
            journal->committer_state = commits ? COMMITTER_LINGERS : COMMITTER_PACES;
        }
        if (!wait_until(&journal->committer_wake, &journal->lock, deadline))
            break;
    }
    journal->committer_state = COMMITTER_BUSY;
    return noticed != 0 ? noticed : clock_ns();
}

/* With the lock held: takes the active buffer; appenders go on in the other one. */
static struct log_buffer *take_buffer(struct journal *journal) {
    struct log_buffer *taken = &journal->buffers[journal->active];
    journal->active ^= 1;
    struct log_buffer *next = &journal->buffers[journal->active];
    ASSERT(journal->charged_bytes >= taken->charged_bytes);
    journal->charged_bytes -= taken->charged_bytes;
    *next = (struct log_buffer){
        .bytes = next->bytes, .position = taken->position + taken->used, .group = JOURNAL_NONE, .split = JOURNAL_NONE};
    return taken;
}

static void *committer_main(void *argument) {
    struct journal *journal = argument;
    for (bool done = false; !done;) {
        pthread_mutex_lock(&journal->lock);
        uint64_t noticed = wait_for_work(journal);
        bool stopping = journal->stopping;
        struct log_buffer *buffer = atomic_load(&journal->failed) ? NULL : take_buffer(journal);
        pthread_mutex_unlock(&journal->lock);
        if (buffer == NULL)
            break;
        uint64_t end = buffer->position + buffer->used;
        if (buffer->used > 0 && !write_buffer(journal, buffer, noticed))
            break;
        bool due = journal->unsynced_since_ns != 0 && (stopping || clock_ns() >= sync_deadline(journal));
        if (due && !sync_now(journal, end))
            break;
        if (buffer->used > 0)
            publish(journal, end);
        done = stopping && buffer->used == 0;
    }
    return NULL;
}

bool committer_start(struct journal *journal, struct error *error) {
    int result = pthread_create(&journal->committer, NULL, committer_main, journal);
    if (result != 0)
        return error_system(error, result, "cannot start the journal's committer");
    result = pthread_create(&journal->preparer, NULL, preparer_main, journal);
    pthread_mutex_lock(&journal->lock);
    if (result != 0)
        journal->stopping = true;
    while (result == 0 && !journal->next_free && !journal->space_low && !atomic_load(&journal->failed))
        wait_until(&journal->prepared, &journal->lock, UINT64_MAX);
    pthread_cond_signal(&journal->committer_wake);
    pthread_mutex_unlock(&journal->lock);
    if (result != 0) {
        pthread_join(journal->committer, NULL);
        return error_system(error, result, "cannot start the journal's preparer");
    }
    if (!atomic_load(&journal->failed))
        return true;
    committer_stop(journal);
    return error_set(error, ERROR_SYSTEM, "%s: %s", journal->folder, journal->failure);
}

void committer_stop(struct journal *journal) {
    pthread_mutex_lock(&journal->lock);
    journal->stopping = true;
    pthread_cond_signal(&journal->committer_wake);
    pthread_cond_signal(&journal->preparer_wake);
    pthread_mutex_unlock(&journal->lock);
    pthread_join(journal->preparer, NULL);
    pthread_join(journal->committer, NULL);
}
