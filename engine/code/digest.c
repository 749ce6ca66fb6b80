/* Message digests (digest.h). */
#include "digest.h"

#include <string.h>

#include "../base/assert.h"

static const struct {
    const char *name;
    uint8_t size, block;
} algorithms[DIGEST_COUNT] = {
    {"md5", 16, 64},       {"sha1", 20, 64},      {"sha224", 28, 64},    {"sha256", 32, 64},   {"sha384", 48, 128},  {"sha512", 64, 128},
    {"sha3_224", 28, 144}, {"sha3_256", 32, 136}, {"sha3_384", 48, 104}, {"sha3_512", 64, 72}, {"blake2b", 64, 128}, {"blake2s", 32, 64},
};

enum digest_algorithm digest_named(const char *name, size_t len) {
    for (int i = 0; i < DIGEST_COUNT; i++)
        if (strlen(algorithms[i].name) == len && memcmp(algorithms[i].name, name, len) == 0)
            return (enum digest_algorithm)i;
    return DIGEST_COUNT;
}

uint32_t digest_size(enum digest_algorithm algorithm) { return algorithms[algorithm].size; }
uint32_t digest_block_size(enum digest_algorithm algorithm) { return algorithms[algorithm].block; }

/* --- SHA-3: Keccak-f[1600] --- */

enum { ROUNDS = 24 };

static uint64_t turn64(uint64_t x, unsigned bits) { return x << (bits & 63) | x >> (-bits & 63); }
static uint64_t right64(uint64_t x, unsigned bits) { return x >> bits | x << (64 - bits); }
static uint32_t right32(uint32_t x, unsigned bits) { return x >> bits | x << (32 - bits); }

static void keccak_permute(uint64_t a[25]) {
    static const uint64_t constants[ROUNDS] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
        0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
        0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
        0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
    static const uint8_t turns[25] = {0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14};
    uint64_t b[25], c[5];
    for (int round = 0; round < ROUNDS; round++) {
        for (int x = 0; x < 5; x++)
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        for (int i = 0; i < 25; i++)
            a[i] ^= c[(i + 4) % 5] ^ turn64(c[(i + 1) % 5], 1);
        for (int y = 0; y < 5; y++)
            for (int x = 0; x < 5; x++)
                b[y + 5 * ((2 * x + 3 * y) % 5)] = turn64(a[x + 5 * y], turns[x + 5 * y]);
        for (int i = 0; i < 25; i++)
            a[i] = b[i] ^ (~b[i / 5 * 5 + (i + 1) % 5] & b[i / 5 * 5 + (i + 2) % 5]);
        a[0] ^= constants[round];
    }
}

static void keccak_byte(struct keccak *state, uint32_t at, uint8_t byte) { state->lanes[at / 8] ^= (uint64_t)byte << at % 8 * 8; }

static void keccak_update(struct keccak *state, const uint8_t *data, size_t len) {
    ASSERT(state->rate % 8 == 0 && state->at < state->rate);
    for (size_t i = 0; i < len; i++) {
        keccak_byte(state, state->at++, data[i]);
        if (state->at == state->rate) {
            keccak_permute(state->lanes);
            state->at = 0;
        }
    }
}

static void keccak_finish(struct keccak *state, uint8_t *out, uint32_t size) {
    ASSERT(size <= state->rate);
    keccak_byte(state, state->at, 0x06);
    keccak_byte(state, state->rate - 1, 0x80);
    keccak_permute(state->lanes);
    for (uint32_t i = 0; i < size; i++)
        out[i] = (uint8_t)(state->lanes[i / 8] >> i % 8 * 8);
}

/* --- BLAKE2 --- */

static const uint8_t sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};
static const uint64_t start_b[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
static const uint32_t start_s[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static const uint8_t columns[8][4] = {{0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15},
                                      {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14}};

/* The two differ in their words, rounds and turns only. */
#define BLAKE2(letter, word, rounds, turn, r1, r2, r3, r4)                                                             \
    static void compress_##letter(struct blake2##letter *state, bool last) {                                           \
        word v[16], m[16];                                                                                             \
        memcpy(m, state->block, sizeof m);                                                                             \
        for (int i = 0; i < 8; i++) {                                                                                  \
            v[i] = state->h[i];                                                                                        \
            v[i + 8] = start_##letter[i];                                                                              \
        }                                                                                                              \
        v[12] ^= (word)state->total;                                                                                   \
        v[13] ^= sizeof(word) == 4 ? (word)(state->total >> 32) : 0;                                                   \
        v[14] = last ? ~v[14] : v[14];                                                                                 \
        for (int round = 0; round < rounds; round++)                                                                   \
            for (int i = 0; i < 8; i++) {                                                                              \
                const uint8_t *at = columns[i], *pick = &sigma[round % 10][2 * i];                                     \
                word *a = &v[at[0]], *b = &v[at[1]], *c = &v[at[2]], *d = &v[at[3]];                                   \
                *a += *b + m[pick[0]];                                                                                 \
                *d = turn(*d ^ *a, r1);                                                                                \
                *c += *d;                                                                                              \
                *b = turn(*b ^ *c, r2);                                                                                \
                *a += *b + m[pick[1]];                                                                                 \
                *d = turn(*d ^ *a, r3);                                                                                \
                *c += *d;                                                                                              \
                *b = turn(*b ^ *c, r4);                                                                                \
            }                                                                                                          \
        for (int i = 0; i < 8; i++)                                                                                    \
            state->h[i] ^= v[i] ^ v[i + 8];                                                                            \
    }                                                                                                                  \
    static void blake2##letter##_update(struct blake2##letter *state, const uint8_t *data, size_t len) {               \
        for (size_t i = 0; i < len; i++) {                                                                             \
            if (state->at == sizeof state->block) { /* the last block is kept back for the end */                      \
                state->total += state->at;                                                                             \
                compress_##letter(state, false);                                                                       \
                state->at = 0;                                                                                         \
            }                                                                                                          \
            state->block[state->at++] = data[i];                                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    static void blake2##letter##_finish(struct blake2##letter *state, uint8_t *out, uint32_t size) {                   \
        ASSERT(size <= sizeof state->h && state->at <= sizeof state->block);                                           \
        state->total += state->at;                                                                                     \
        memset(state->block + state->at, 0, sizeof state->block - state->at);                                          \
        compress_##letter(state, true);                                                                                \
        memcpy(out, state->h, size);                                                                                   \
    }                                                                                                                  \
    static void blake2##letter##_init(struct blake2##letter *state, uint32_t size, const void *key, size_t key_len) {  \
        memset(state, 0, sizeof *state);                                                                               \
        memcpy(state->h, start_##letter, sizeof state->h);                                                             \
        state->h[0] ^= 0x01010000 ^ (word)key_len << 8 ^ size;                                                         \
        if (key_len > 0) {                                                                                             \
            memcpy(state->block, key, key_len);                                                                        \
            state->at = sizeof state->block;                                                                           \
        }                                                                                                              \
    }

BLAKE2(b, uint64_t, 12, right64, 32, 24, 16, 63)
BLAKE2(s, uint32_t, 10, right32, 16, 12, 8, 7)

/* --- all of them --- */

void digest_init_blake2(struct digest *digest, enum digest_algorithm algorithm, uint32_t size, const void *key, size_t key_len) {
    ASSERT(algorithm == DIGEST_BLAKE2B || algorithm == DIGEST_BLAKE2S);
    ASSERT(size >= 1 && size <= digest_size(algorithm) && key_len <= digest_size(algorithm));
    digest->algorithm = algorithm;
    digest->size = size;
    if (algorithm == DIGEST_BLAKE2B)
        blake2b_init(&digest->blake2b, size, key, key_len);
    else
        blake2s_init(&digest->blake2s, size, key, key_len);
}

void digest_init(struct digest *digest, enum digest_algorithm algorithm) {
    ASSERT(algorithm < DIGEST_COUNT);
    digest->algorithm = algorithm;
    digest->size = digest_size(algorithm);
    switch (algorithm) {
    case DIGEST_MD5: MD5_Init(&digest->md5); return;
    case DIGEST_SHA1: SHA1_Init(&digest->sha1); return;
    case DIGEST_SHA224: SHA224_Init(&digest->sha256); return;
    case DIGEST_SHA256: SHA256_Init(&digest->sha256); return;
    case DIGEST_SHA384: SHA384_Init(&digest->sha512); return;
    case DIGEST_SHA512: SHA512_Init(&digest->sha512); return;
    case DIGEST_BLAKE2B:
    case DIGEST_BLAKE2S: digest_init_blake2(digest, algorithm, digest->size, NULL, 0); return;
    default: digest->keccak = (struct keccak){.rate = digest_block_size(algorithm)}; return;
    }
}

void digest_update(struct digest *digest, const void *data, size_t len) {
    if (len == 0)
        return;
    switch (digest->algorithm) {
    case DIGEST_MD5: MD5_Update(&digest->md5, data, len); return;
    case DIGEST_SHA1: SHA1_Update(&digest->sha1, data, len); return;
    case DIGEST_SHA224:
    case DIGEST_SHA256: SHA256_Update(&digest->sha256, data, len); return;
    case DIGEST_SHA384:
    case DIGEST_SHA512: SHA512_Update(&digest->sha512, data, len); return;
    case DIGEST_BLAKE2B: blake2b_update(&digest->blake2b, data, len); return;
    case DIGEST_BLAKE2S: blake2s_update(&digest->blake2s, data, len); return;
    default: keccak_update(&digest->keccak, data, len); return;
    }
}

void digest_finish(struct digest *digest, uint8_t out[DIGEST_BYTES_MAX]) {
    ASSERT(digest->algorithm < DIGEST_COUNT && digest->size <= DIGEST_BYTES_MAX);
    switch (digest->algorithm) {
    case DIGEST_MD5: MD5_Final(out, &digest->md5); return;
    case DIGEST_SHA1: SHA1_Final(out, &digest->sha1); return;
    case DIGEST_SHA224: SHA224_Final(out, &digest->sha256); return;
    case DIGEST_SHA256: SHA256_Final(out, &digest->sha256); return;
    case DIGEST_SHA384: SHA384_Final(out, &digest->sha512); return;
    case DIGEST_SHA512: SHA512_Final(out, &digest->sha512); return;
    case DIGEST_BLAKE2B: blake2b_finish(&digest->blake2b, out, digest->size); return;
    case DIGEST_BLAKE2S: blake2s_finish(&digest->blake2s, out, digest->size); return;
    default: keccak_finish(&digest->keccak, out, digest->size); return;
    }
}
