/* Inside the journal room: the open journal, shared by journal.c (callers' side), committer.c (its two threads) and
 * recovery.c (reading a folder of segments).
 *
 * Locks: `lock` guards the log buffers, the reservations and the threads' orders; `segments_lock`, `listeners_lock` and
 * `wait_lock` guard what stands below them, are taken last and never together. What stands under "committer" belongs to
 * that thread while it runs. */
#ifndef ASSAY_JOURNAL_PRIVATE_H
#define ASSAY_JOURNAL_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "journal.h"
#include "segment.h"

#define JOURNAL_NONE SIZE_MAX
enum { JOURNAL_LISTENERS = 64, JOURNAL_PATH_BYTES = 4096, JOURNAL_MIN_SEGMENT_BYTES = 4096 };
#define JOURNAL_PREPARED_NAME "prepared.tmp"
#define JOURNAL_TORN_NAME "torn.tmp"
#define JOURNAL_LOCK_NAME "lock"

/* The image of what goes to the disk next: at most the rest of one segment and the start of the next, each with one
 * group, whose headers' places are laid out while records come. */
struct log_buffer {
    uint8_t *bytes;
    size_t used;
    uint64_t position;    /* of bytes[0] */
    size_t group;         /* where the open group begins, or JOURNAL_NONE */
    size_t split;         /* where the next segment begins, or JOURNAL_NONE */
    uint32_t records[2];  /* before and after the split */
    size_t charged_bytes; /* the part of the journal's charge that its records brought */
    bool awaited;         /* has a record other than an input: somebody waits for it */
};

/* What the committer is doing; an appender wakes it only where that is of use. */
enum committer_state { COMMITTER_BUSY, COMMITTER_IDLE, COMMITTER_LINGERS, COMMITTER_PACES };

struct journal {
    struct io *io;
    char *folder;
    struct hash_key key;
    enum durability durability;
    uint64_t interval_ns, segment_bytes;
    size_t buffer_bytes;
    int lock_file;

    pthread_mutex_t lock;
    pthread_cond_t committer_wake, preparer_wake, prepared;
    struct log_buffer buffers[2];
    unsigned active;      /* the buffer that is appended to; the other one is the committer's */
    size_t charged_bytes; /* reservations, and what the active buffer's records had reserved */
    uint64_t layout_left; /* bytes left in the segment where the next record goes; 0 before the first */
    bool next_free;       /* a prepared segment that no record has claimed */
    int prepared_file;    /* -1: none */
    bool space_low;       /* the last preparation found the disk full */
    bool stopping, appended_any, sealed;
    enum committer_state committer_state;
    struct journal_stats stats;

    /* committer */
    int file; /* -1 before the first segment of this opening */
    uint64_t file_first, file_allocated;
    struct hash128 chain;
    uint64_t synced, unsynced_since_ns; /* 0: all is synced */

    _Atomic uint64_t written;      /* what journal_read may read ends here */
    _Atomic uint64_t acknowledged; /* journal_durable */
    _Atomic bool failed;
    char failure[256]; /* written before `failed` is set */

    pthread_mutex_t segments_lock;
    uint64_t *segments; /* first positions, rising */
    size_t segment_count, segment_cap;

    pthread_mutex_t listeners_lock;
    int listeners[JOURNAL_LISTENERS];
    unsigned listener_count;

    pthread_mutex_t wait_lock;
    pthread_cond_t wait_changed;

    pthread_t committer, preparer;
};

/* --- committer.c --- */
/* Starts both threads and waits until the first segment is prepared, or the disk is found full. */
bool committer_start(struct journal *journal, struct error *error);
/* Writes out what is left and ends both threads. journal->stopping must have been set. */
void committer_stop(struct journal *journal);
bool journal_path(const char *folder, const char *name, char out[JOURNAL_PATH_BYTES]);

/* --- recovery.c --- */
struct recovery {
    const struct journal_config *config;
    journal_visitor *visit;
    void *context;
    uint64_t *segments; /* first positions, rising */
    size_t segment_count, segment_cap;
    bool out_of_memory;
    uint64_t end; /* the log's */
    struct hash128 chain;
    bool sealed; /* the last record is a seal */
    bool any_group;
    /* the last segment, until recovery_release */
    uint8_t *bytes;
    size_t bytes_cap, file_bytes, used_bytes, torn_bytes;
    size_t proven_bytes; /* of the used ones: what its last good group says was synced before it */
};
/* Reads the folder, checks everything, visits the records. Changes nothing. */
bool recovery_read(struct recovery *recovery, struct error *error);
/* Closes the last segment off at the end of its last group: keeps torn bytes aside, syncs, cuts. */
bool recovery_repair(struct recovery *recovery, struct error *error);
void recovery_release(struct recovery *recovery);

#endif
