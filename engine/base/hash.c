/* The three hashes (hash.h), each by a library: xxHash, and libsodium for SipHash and SHA-256. */
#include "hash.h"

#include <sodium.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "assert.h"

_Static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof(struct hash_key), "SipHash takes a 16-byte key");
_Static_assert(crypto_shorthash_siphashx24_BYTES == sizeof(struct hash128), "SipHash gives 128 bits");
_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct sha256), "the state fits");

uint64_t hash_checksum(const void *bytes, size_t len) { return XXH3_64bits(bytes, len); }

struct hash128 hash_keyed(const struct hash_key *key, const void *bytes, size_t len) {
    struct hash128 result;
    crypto_shorthash_siphashx24((unsigned char *)&result, bytes, len, key->bytes);
    return result;
}

void sha256_init(struct sha256 *state) { crypto_hash_sha256_init((crypto_hash_sha256_state *)state->opaque); }

void sha256_add(struct sha256 *state, const void *bytes, size_t len) {
    crypto_hash_sha256_update((crypto_hash_sha256_state *)state->opaque, bytes, len);
}

void sha256_hex(struct sha256 *state, char out[65]) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final((crypto_hash_sha256_state *)state->opaque, digest);
    sodium_bin2hex(out, 65, digest, sizeof digest);
    ASSERT(out[64] == '\0');
}
