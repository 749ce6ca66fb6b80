/* The log: records in one order, durable in groups. It does not interpret what it stores.
 *
 * Writers append into a log buffer (journal_lock, journal_append, journal_unlock: a copy, no I/O). A committer thread
 * takes all that is waiting, writes it as one group into a preallocated segment, syncs once, moves the durable
 * position and wakes the listeners. A position is a record's place in the log, strictly rising; a record is durable
 * when journal_durable() >= its end position.
 *
 * Inputs alone do not start a group at once: the committer waits some 50 us for an output. With DURABILITY_INTERVAL
 * and DURABILITY_NONE what was appended is written (not synced) within about a millisecond, so that a killed process
 * loses no more than that; a segment is synced before the next one is begun.
 *
 * Policy for the disk: a write or sync that fails makes the journal failed for good: nothing is acknowledged after it,
 * no sync is retried; a restart recovers all that was acknowledged. A full disk fails journal_reserve first.
 *
 * Recovery: groups are checked (length, checksum, chain to the previous group). A bad group with nothing valid after
 * it is a torn tail: it is cut, its bytes kept aside as "SEGMENT.torn", and reported. A bad byte before the last
 * group, or anywhere in a log that was closed cleanly (its last record is a seal), refuses to open, naming file and
 * offset.
 *
 * The format, byte by byte, is at the top of journal.c. */
#ifndef ASSAY_JOURNAL_JOURNAL_H
#define ASSAY_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/arena.h"
#include "../base/error.h"
#include "../base/hash.h"
#include "../base/str.h"
#include "../io/io.h"

enum record_kind {
    RECORD_INPUT = 1,      /* an event as it was parsed, with its sequence number */
    RECORD_OUTPUT = 2,     /* the decision on the input of the same sequence number */
    RECORD_DEPLOYMENT = 3, /* a bundle comes into force */
    RECORD_LIST = 4,       /* a block list changes */
    RECORD_TABLE = 5,      /* a reference table changes */
    RECORD_CHECKPOINT = 6, /* the state at a cut, before a prefix is dropped */
    RECORD_SEAL = 7,       /* a clean close; written by journal_close, not given to visitors */
};

struct record {
    enum record_kind kind;
    uint64_t seq; /* of the event; 0 for other kinds */
    int64_t arrival_us;
    uint64_t position; /* where it is: what journal_read takes */
    uint64_t end;      /* durable when journal_durable() >= end */
    const uint8_t *body;
    size_t body_len;
};

enum durability { DURABILITY_COMMIT, DURABILITY_INTERVAL, DURABILITY_NONE };

struct journal_config {
    struct io *io;
    const char *folder;  /* the segments' folder; made if absent */
    struct hash_key key; /* chains the groups */
    enum durability durability;
    uint32_t interval_us;   /* DURABILITY_INTERVAL: at most this long between syncs */
    uint64_t segment_bytes; /* preallocated; 64 MiB by default (0) */
    size_t buffer_bytes;    /* log buffer, twice; 16 MiB by default (0); cut to half a segment */
};

struct journal;

/* Called once per record in file order while opening. False stops the opening with *error as the visitor left it. */
typedef bool journal_visitor(void *context, const struct record *record, struct error *error);

/* Recovers, visits every durable record, starts the committer. NULL and error on failure. */
struct journal *journal_open(const struct journal_config *config, journal_visitor *visit, void *context,
                             struct error *error);
/* Reads a log without changing anything (no cut, no committer): visits all records, for verification and export. */
bool journal_scan(const struct journal_config *config, journal_visitor *visit, void *context, struct error *error);
/* Makes durable what was appended, seals, stops the committer, frees. False: not all of it could be made durable (with
 * DURABILITY_COMMIT that was not acknowledged either). */
bool journal_close(struct journal *journal);

/* Reserves log space for `bytes` of record bodies in `records` records, before any other lock is taken. False: no
 * space now (the disk is slow or full: 503), the journal is failed, or the buffer could never hold it (a record's body
 * must be smaller than the buffer, which is at most half a segment). Appending consumes the reservation; what is left
 * over is given back by journal_unreserve. */
bool journal_reserve(struct journal *journal, uint32_t records, size_t bytes);
void journal_unreserve(struct journal *journal, uint32_t records, size_t bytes);

/* The log's own critical section: short, no I/O inside. Appending needs it and a reservation. */
void journal_lock(struct journal *journal);
void journal_unlock(struct journal *journal);
/* Appends one record whose body is the concatenation of parts[0..part_count). Returns its position; *end gets where it
 * ends. */
uint64_t journal_append(struct journal *journal, enum record_kind kind, uint64_t seq, int64_t arrival_us,
                        const struct str *parts, uint32_t part_count, uint64_t *end);

/* Everything that ends at or before this position is on disk (with DURABILITY_INTERVAL and _NONE: is acknowledged). */
uint64_t journal_durable(const struct journal *journal);
/* NULL, or why the journal acknowledges nothing any more. */
const char *journal_failure(const struct journal *journal);
/* `event_fd` (an eventfd) is written to whenever the durable position moved or the journal failed. At most 64
 * listeners. */
void journal_listen(struct journal *journal, int event_fd);
/* Blocks until `end` is durable or the journal failed (false). For threads that are not event loops. */
bool journal_wait(struct journal *journal, uint64_t end);

/* Reads the durable record at `position` into the arena. False: there is none there, or it is corrupt. Any thread.
 * What was appended and is not on the disk yet is not there, also where it is acknowledged at once. */
bool journal_read(struct journal *journal, uint64_t position, struct arena *arena, struct record *out,
                  struct error *error);

struct journal_stats {
    uint64_t appended_bytes, durable_position, groups, syncs, sync_ns_total, sync_ns_max, segments, torn_bytes;
};
void journal_stats(struct journal *journal, struct journal_stats *out);

#endif
