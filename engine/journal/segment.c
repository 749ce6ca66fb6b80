/* The bytes of a segment: headers, groups and records as journal.c describes them. Pure functions over (pointer,
 * length); the committer makes groups with them and recovery checks them. Whatever is read is taken for hostile until
 * its checksum, its mark and its chain agree. */
#include "segment.h"

#include <stdio.h>
#include <string.h>

#include "../base/assert.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the log is little-endian and copied as it is");

static const char SEGMENT_MAGIC[8] = {'A', 'S', 'S', 'A', 'Y', 'L', 'O', 'G'};
enum { SEGMENT_VERSION = 1 };
#define GROUP_MAGIC 0x50524741u /* "AGRP" */

/* Offsets inside the headers. */
enum { H_VERSION = 8, H_BYTES = 12, H_FIRST = 16, H_ALLOCATED = 24, H_CHAIN = 32, H_MARK = 48, H_CHECKSUM = 56 };
enum {
    G_LENGTH = 4,
    G_POSITION = 8,
    G_MARK = 16,
    G_SYNCED = 24,
    G_CHAIN = 32,
    G_RECORDS = 48,
    G_ZERO = 52,
    G_CHECKSUM = 56
};
enum { R_KIND = 4, R_ZERO = 6, R_SEQ = 8, R_ARRIVAL = 16, R_CHECKSUM = 24 };

static void put_u32(uint8_t *out, uint32_t value) { memcpy(out, &value, sizeof value); }
static void put_u64(uint8_t *out, uint64_t value) { memcpy(out, &value, sizeof value); }

static uint16_t get_u16(const uint8_t *bytes) {
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint32_t get_u32(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint64_t get_u64(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

uint64_t segment_mark(const struct hash_key *key, uint64_t position) {
    uint8_t bytes[16] = {'l', 'o', 'g', ' ', 'm', 'a', 'r', 'k'};
    put_u64(bytes + 8, position);
    return hash_keyed(key, bytes, sizeof bytes).low;
}

struct hash128 segment_chain_start(const struct hash_key *key) {
    static const char text[] = "the log's first group follows this";
    return hash_keyed(key, text, sizeof text);
}

void segment_name(uint64_t first_position, char out[SEGMENT_NAME_BYTES]) {
    int len = snprintf(out, SEGMENT_NAME_BYTES, "%016llx.log", (unsigned long long)first_position);
    ASSERT(len == SEGMENT_NAME_BYTES - 1);
}

bool segment_parse_name(const char *name, uint64_t *first_position) {
    uint64_t value = 0;
    for (int i = 0; i < 16; i++) {
        char c = name[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *first_position = value;
    return strcmp(name + 16, ".log") == 0;
}

void segment_write_header(uint8_t *out, const struct segment_header *header, const struct hash_key *key) {
    ASSERT(header->allocated_bytes >= SEGMENT_HEADER_BYTES && header->allocated_bytes <= SEGMENT_MAX_BYTES);
    memcpy(out, SEGMENT_MAGIC, sizeof SEGMENT_MAGIC);
    put_u32(out + H_VERSION, SEGMENT_VERSION);
    put_u32(out + H_BYTES, SEGMENT_HEADER_BYTES);
    put_u64(out + H_FIRST, header->first_position);
    put_u64(out + H_ALLOCATED, header->allocated_bytes);
    memcpy(out + H_CHAIN, &header->chain, sizeof header->chain);
    put_u64(out + H_MARK, segment_mark(key, header->first_position));
    put_u64(out + H_CHECKSUM, hash_checksum(out, H_CHECKSUM));
}

const char *segment_read_header(const uint8_t *bytes, size_t len, const struct hash_key *key,
                                struct segment_header *out) {
    if (len < SEGMENT_HEADER_BYTES)
        return "the file is shorter than its header";
    if (memcmp(bytes, SEGMENT_MAGIC, sizeof SEGMENT_MAGIC) != 0)
        return "the header does not begin as a segment's does";
    if (get_u64(bytes + H_CHECKSUM) != hash_checksum(bytes, H_CHECKSUM))
        return "the header's checksum is wrong";
    if (get_u32(bytes + H_VERSION) != SEGMENT_VERSION || get_u32(bytes + H_BYTES) != SEGMENT_HEADER_BYTES)
        return "the format's version is not 1, which is the one known here";
    out->first_position = get_u64(bytes + H_FIRST);
    out->allocated_bytes = get_u64(bytes + H_ALLOCATED);
    memcpy(&out->chain, bytes + H_CHAIN, sizeof out->chain);
    if (get_u64(bytes + H_MARK) != segment_mark(key, out->first_position))
        return "it was written with another key";
    if (out->allocated_bytes < SEGMENT_HEADER_BYTES || out->allocated_bytes > SEGMENT_MAX_BYTES ||
        out->first_position > INT64_MAX)
        return "the header's numbers are out of range";
    return NULL;
}

uint8_t *segment_write_record(uint8_t *out, enum record_kind kind, uint64_t seq, int64_t arrival_us, size_t body_len) {
    ASSERT(kind >= RECORD_INPUT && kind <= RECORD_SEAL && body_len <= UINT32_MAX);
    size_t len = segment_record_bytes(body_len);
    put_u64(out + len - 8, 0); /* the padding; of an empty body the checksum, which comes later */
    put_u32(out, (uint32_t)body_len);
    put_u32(out + R_KIND, (uint32_t)kind);
    put_u64(out + R_SEQ, seq);
    memcpy(out + R_ARRIVAL, &arrival_us, sizeof arrival_us);
    put_u64(out + R_CHECKSUM, 0);
    return out + RECORD_HEADER_BYTES;
}

size_t segment_record_len(const uint8_t header[RECORD_HEADER_BYTES]) {
    uint32_t body_len = get_u32(header);
    return body_len > SEGMENT_MAX_BYTES ? 0 : segment_record_bytes(body_len);
}

/* Over header, body and padding, with the position where the checksum stands: a record copied to another place, or
 * imitated inside a body, is not one. */
static uint64_t record_checksum(const uint8_t *record, size_t len, uint64_t position) {
    uint8_t head[RECORD_HEADER_BYTES];
    memcpy(head, record, sizeof head);
    put_u64(head + R_CHECKSUM, position);
    uint64_t parts[2] = {hash_checksum(head, sizeof head),
                         hash_checksum(record + RECORD_HEADER_BYTES, len - RECORD_HEADER_BYTES)};
    return hash_checksum(parts, sizeof parts);
}

bool segment_read_record(const uint8_t *bytes, size_t len, uint64_t position, struct record *out) {
    if (len < RECORD_HEADER_BYTES)
        return false;
    size_t record_len = segment_record_len(bytes);
    if (record_len == 0 || record_len > len ||
        get_u64(bytes + R_CHECKSUM) != record_checksum(bytes, record_len, position))
        return false;
    uint16_t kind = get_u16(bytes + R_KIND);
    if (kind < RECORD_INPUT || kind > RECORD_SEAL || get_u16(bytes + R_ZERO) != 0)
        return false;
    *out = (struct record){.kind = (enum record_kind)kind,
                           .seq = get_u64(bytes + R_SEQ),
                           .position = position,
                           .end = position + record_len,
                           .body = bytes + RECORD_HEADER_BYTES,
                           .body_len = get_u32(bytes)};
    memcpy(&out->arrival_us, bytes + R_ARRIVAL, sizeof out->arrival_us);
    return true;
}

void segment_close_group(uint8_t *group, size_t len, uint64_t position, uint32_t records, uint64_t synced,
                         const struct hash_key *key, struct hash128 *chain) {
    ASSERT(len > GROUP_HEADER_BYTES && len % 8 == 0 && len <= UINT32_MAX && synced <= position);
    uint32_t count = 0;
    for (size_t at = GROUP_HEADER_BYTES; at < len; count++) {
        size_t record_len = segment_record_len(group + at);
        ASSERT(record_len > 0 && record_len <= len - at);
        put_u64(group + at + R_CHECKSUM, record_checksum(group + at, record_len, position + at));
        at += record_len;
    }
    ASSERT(count == records);
    put_u32(group, GROUP_MAGIC);
    put_u32(group + G_LENGTH, (uint32_t)len);
    put_u64(group + G_POSITION, position);
    put_u64(group + G_MARK, segment_mark(key, position));
    put_u64(group + G_SYNCED, synced);
    memcpy(group + G_CHAIN, chain, sizeof *chain);
    put_u32(group + G_RECORDS, records);
    put_u32(group + G_ZERO, 0);
    put_u64(group + G_CHECKSUM, 0);
    *chain = hash_keyed(key, group, len);
    memcpy(group + G_CHAIN, chain, sizeof *chain);
    put_u64(group + G_CHECKSUM, hash_checksum(group, len));
}

/* The checksum is made with its own field zero. */
static bool checksum_is_right(uint8_t *group, size_t len) {
    uint64_t stored = get_u64(group + G_CHECKSUM);
    put_u64(group + G_CHECKSUM, 0);
    bool right = stored == hash_checksum(group, len);
    put_u64(group + G_CHECKSUM, stored);
    return right;
}

/* The chain is made with the chain before it in its place, and the checksum's field zero. */
static struct hash128 chain_of(uint8_t *group, size_t len, const struct hash_key *key, const struct hash128 *previous) {
    uint64_t checksum = get_u64(group + G_CHECKSUM);
    struct hash128 stored, chain;
    memcpy(&stored, group + G_CHAIN, sizeof stored);
    put_u64(group + G_CHECKSUM, 0);
    memcpy(group + G_CHAIN, previous, sizeof *previous);
    chain = hash_keyed(key, group, len);
    memcpy(group + G_CHAIN, &stored, sizeof stored);
    put_u64(group + G_CHECKSUM, checksum);
    return chain;
}

static bool records_are_whole(const uint8_t *group, size_t len, uint64_t position, uint32_t records) {
    uint32_t count = 0;
    struct record record;
    for (size_t at = GROUP_HEADER_BYTES; at < len; count++) {
        if (!segment_read_record(group + at, len - at, position + at, &record))
            return false;
        at += (size_t)(record.end - record.position);
    }
    return count == records && count > 0;
}

enum group_state segment_check_group(uint8_t *bytes, size_t len, uint64_t position, const struct hash_key *key,
                                     const struct hash128 *previous, struct group *out) {
    if (len < GROUP_HEADER_BYTES || get_u32(bytes) != GROUP_MAGIC || get_u64(bytes + G_POSITION) != position)
        return GROUP_DAMAGED;
    *out = (struct group){
        .len = get_u32(bytes + G_LENGTH), .records = get_u32(bytes + G_RECORDS), .synced = get_u64(bytes + G_SYNCED)};
    memcpy(&out->chain, bytes + G_CHAIN, sizeof out->chain);
    if (out->len <= GROUP_HEADER_BYTES || out->len > len || out->len % 8 != 0 || out->synced > position)
        return GROUP_DAMAGED;
    if (get_u64(bytes + G_MARK) != segment_mark(key, position) || !checksum_is_right(bytes, out->len))
        return GROUP_DAMAGED;
    if (previous != NULL && !hash128_equal(out->chain, chain_of(bytes, out->len, key, previous)))
        return GROUP_FOREIGN;
    return records_are_whole(bytes, out->len, position, out->records) ? GROUP_GOOD : GROUP_FOREIGN;
}
