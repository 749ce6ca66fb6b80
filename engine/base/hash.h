/* Hashes, each for one purpose:
 *   checksum  XXH3-64, finds corruption, not tampering;
 *   keyed     SipHash-2-4 with 128 bits out, key secret per data folder: window keys, ids, contents, Secret values;
 *   sha256    names a bundle. */
#ifndef ASSAY_BASE_HASH_H
#define ASSAY_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash128 {
    uint64_t low, high;
};

struct hash_key {
    uint8_t bytes[16];
};

static inline bool hash128_equal(struct hash128 a, struct hash128 b) { return a.low == b.low && a.high == b.high; }

uint64_t hash_checksum(const void *bytes, size_t len);
struct hash128 hash_keyed(const struct hash_key *key, const void *bytes, size_t len);

struct sha256 {
    uint64_t opaque[16];
};
void sha256_init(struct sha256 *state);
void sha256_add(struct sha256 *state, const void *bytes, size_t len);
void sha256_hex(struct sha256 *state, char out[65]); /* 64 lower-case digits and a NUL */

#endif
