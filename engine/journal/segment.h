/* Inside the journal room: the bytes of a segment (format: journal.c), made and checked without any I/O or lock. */
#ifndef ASSAY_JOURNAL_SEGMENT_H
#define ASSAY_JOURNAL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/hash.h"
#include "journal.h"

enum {
    SEGMENT_HEADER_BYTES = 64,
    GROUP_HEADER_BYTES = 64,
    RECORD_HEADER_BYTES = 32,
    SEGMENT_NAME_BYTES = 21, /* 16 digits, ".log", NUL */
};
#define SEGMENT_MAX_BYTES (1024ull * 1024u * 1024u)

struct segment_header {
    uint64_t first_position, allocated_bytes;
    struct hash128 chain; /* of the group before the segment */
};

/* What the log's key makes of a position: a header that has it was written here by one who had the key, whatever bytes
 * a record's body imitates. */
uint64_t segment_mark(const struct hash_key *key, uint64_t position);
/* The chain before the first group of a log. */
struct hash128 segment_chain_start(const struct hash_key *key);

void segment_name(uint64_t first_position, char out[SEGMENT_NAME_BYTES]);
bool segment_parse_name(const char *name, uint64_t *first_position);

void segment_write_header(uint8_t *out, const struct segment_header *header, const struct hash_key *key);
/* NULL, or what is wrong with it. */
const char *segment_read_header(const uint8_t *bytes, size_t len, const struct hash_key *key,
                                struct segment_header *out);

static inline size_t segment_record_bytes(size_t body_len) {
    return RECORD_HEADER_BYTES + ((body_len + 7) & ~(size_t)7);
}
/* Everything of a record but its checksum, which segment_close_group makes. Returns where its body goes; pads it. */
uint8_t *segment_write_record(uint8_t *out, enum record_kind kind, uint64_t seq, int64_t arrival_us, size_t body_len);
/* The record at bytes[0, len), which lies at `position`. False: it is not one, or is damaged. */
bool segment_read_record(const uint8_t *bytes, size_t len, uint64_t position, struct record *out);
/* The record's whole length by its header alone, unchecked; 0 if it cannot be one. */
size_t segment_record_len(const uint8_t header[RECORD_HEADER_BYTES]);

/* Fills in a group whose records are in place: their checksums, its header, its chain and checksum. *chain goes on. */
void segment_close_group(uint8_t *group, size_t len, uint64_t position, uint32_t records, uint64_t synced,
                         const struct hash_key *key, struct hash128 *chain);

enum group_state {
    GROUP_GOOD,
    GROUP_DAMAGED, /* not a group, or not all of one: what a torn write leaves, or rot */
    GROUP_FOREIGN, /* whole, and written here with the key, but it does not follow the group before it */
};
struct group {
    size_t len;
    uint32_t records;
    uint64_t synced;      /* up to here the log was known to be on the disk when the group was written */
    struct hash128 chain; /* including it */
};
/* Checks the group at the start of bytes[0, len). The bytes are changed while it works and are as before when it
 * returns. `previous` NULL: without the chain. */
enum group_state segment_check_group(uint8_t *bytes, size_t len, uint64_t position, const struct hash_key *key,
                                     const struct hash128 *previous, struct group *out);

#endif
