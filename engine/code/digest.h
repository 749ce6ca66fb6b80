/* Message digests without allocation: MD5 and SHA-1, SHA-2 from libcrypto, SHA-3 (FIPS 202) and BLAKE2 (RFC 7693) here. A state
 * may be copied by assignment, so a digest of what has come so far leaves the state as it is. */
#ifndef ASSAY_CODE_DIGEST_H
#define ASSAY_CODE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* OpenSSL 3 wants everybody to use its allocating interface. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>
#include <openssl/sha.h>

enum digest_algorithm {
    DIGEST_MD5,
    DIGEST_SHA1,
    DIGEST_SHA224,
    DIGEST_SHA256,
    DIGEST_SHA384,
    DIGEST_SHA512,
    DIGEST_SHA3_224,
    DIGEST_SHA3_256,
    DIGEST_SHA3_384,
    DIGEST_SHA3_512,
    DIGEST_BLAKE2B,
    DIGEST_BLAKE2S,
    DIGEST_COUNT
};
enum { DIGEST_BYTES_MAX = 64, DIGEST_BLOCK_MAX = 144 };

struct keccak {
    uint64_t lanes[25];
    uint32_t at, rate;
};
struct blake2b {
    uint64_t h[8], total;
    uint8_t block[128];
    uint32_t at;
};
struct blake2s {
    uint32_t h[8];
    uint64_t total;
    uint8_t block[64];
    uint32_t at;
};

struct digest {
    enum digest_algorithm algorithm;
    uint32_t size; /* bytes of the digest */
    union {
        MD5_CTX md5;
        SHA_CTX sha1;
        SHA256_CTX sha256;
        SHA512_CTX sha512;
        struct keccak keccak;
        struct blake2b blake2b;
        struct blake2s blake2s;
    };
};

/* Python's name of an algorithm; DIGEST_COUNT if it is none of these. */
enum digest_algorithm digest_named(const char *name, size_t len);
uint32_t digest_size(enum digest_algorithm algorithm);
uint32_t digest_block_size(enum digest_algorithm algorithm);
void digest_init(struct digest *digest, enum digest_algorithm algorithm);
/* BLAKE2 with a size (1 to the whole) and a key (at most as long as the whole digest). */
void digest_init_blake2(struct digest *digest, enum digest_algorithm algorithm, uint32_t size, const void *key, size_t key_len);
void digest_update(struct digest *digest, const void *data, size_t len);
/* Writes digest->size bytes; the state is of no use afterwards. */
void digest_finish(struct digest *digest, uint8_t out[DIGEST_BYTES_MAX]);

#endif
