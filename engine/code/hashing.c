/* hashlib, hmac and the checksums of zlib and binascii. A hash object (V_HASH) changes with update() and lives inside a
 * function only. */
#include "bytes.h"
#include "digest.h"

struct hash {
    struct digest inner; /* of an HMAC: its first pass */
    struct digest outer;
    bool hmac;
};

static struct hash *hash_of(const struct value *v) { return (struct hash *)(uintptr_t)v->p; }

static bool feed(struct run *run, struct digest *digest, const struct value *data) {
    struct str text;
    if (data->tag == V_STR)
        return run_raise(run, EXCEPTION_TypeError, "Strings must be encoded before hashing");
    if (!bytes_argument(run, data, &text) || !run_charge(run, 4 + text.len / 16))
        return false;
    digest_update(digest, text.p, text.len);
    return true;
}

static struct hash *new_hash(struct run *run, struct value *out) {
    struct hash *hash = run_alloc(run, sizeof *hash);
    if (hash != NULL)
        *out = (struct value){.tag = V_HASH, .p = hash};
    return hash;
}

static bool begin(struct run *run, enum digest_algorithm algorithm, const struct value *data, struct value *out) {
    struct value made;
    struct hash *hash = new_hash(run, &made);
    if (hash == NULL)
        return false;
    hash->hmac = false;
    digest_init(&hash->inner, algorithm);
    if (data != NULL && !feed(run, &hash->inner, data))
        return false;
    *out = made;
    return true;
}

#define HASH_FUNCTION(name, algorithm)                                                                                 \
    bool builtin_hashlib_##name(struct run *run, const struct value *args, uint32_t count, struct value *out) {       \
        return begin(run, algorithm, count > 0 ? &args[0] : NULL, out);                                                \
    }

HASH_FUNCTION(md5, DIGEST_MD5)
HASH_FUNCTION(sha1, DIGEST_SHA1)
HASH_FUNCTION(sha224, DIGEST_SHA224)
HASH_FUNCTION(sha256, DIGEST_SHA256)
HASH_FUNCTION(sha384, DIGEST_SHA384)
HASH_FUNCTION(sha512, DIGEST_SHA512)
HASH_FUNCTION(sha3_224, DIGEST_SHA3_224)
HASH_FUNCTION(sha3_256, DIGEST_SHA3_256)
HASH_FUNCTION(sha3_384, DIGEST_SHA3_384)
HASH_FUNCTION(sha3_512, DIGEST_SHA3_512)

/* args: data, digest_size, key */
static bool begin_blake2(struct run *run, enum digest_algorithm algorithm, const struct value *args, uint32_t count, struct value *out) {
    int64_t size = digest_size(algorithm);
    struct str key = STR("");
    if (count > 1 && !text_size_argument(run, &args[1], &size))
        return false;
    if (size < 1 || size > digest_size(algorithm))
        return run_raise(run, EXCEPTION_ValueError, "digest_size must be between 1 and %u bytes", digest_size(algorithm));
    if (count > 2 && !bytes_argument(run, &args[2], &key))
        return false;
    if (key.len > digest_size(algorithm))
        return run_raise(run, EXCEPTION_ValueError, "maximum key length is %u bytes", digest_size(algorithm));
    struct value made;
    struct hash *hash = new_hash(run, &made);
    if (hash == NULL)
        return false;
    hash->hmac = false;
    digest_init_blake2(&hash->inner, algorithm, (uint32_t)size, key.p, key.len);
    if (count > 0 && !feed(run, &hash->inner, &args[0]))
        return false;
    *out = made;
    return true;
}

bool builtin_hashlib_blake2b(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return begin_blake2(run, DIGEST_BLAKE2B, args, count, out);
}

bool builtin_hashlib_blake2s(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return begin_blake2(run, DIGEST_BLAKE2S, args, count, out);
}

static bool named(struct run *run, const struct value *v, enum digest_algorithm *out) {
    if (v->tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "name must be a string");
    *out = digest_named(v->p, v->len);
    return *out < DIGEST_COUNT || run_raise(run, EXCEPTION_ValueError, "unsupported hash type %.*s",
                                            (int)(v->len < 60 ? v->len : 60), (const char *)v->p);
}

bool builtin_hashlib_new(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    enum digest_algorithm algorithm = DIGEST_MD5;
    return named(run, &args[0], &algorithm) && begin(run, algorithm, count > 1 ? &args[1] : NULL, out);
}

/* --- hmac --- */

/* args: key, msg, the digest's name */
static bool begin_hmac(struct run *run, const struct value *args, struct hash *hash) {
    enum digest_algorithm algorithm = DIGEST_MD5;
    struct str key;
    if (args[0].tag != V_BYTES)
        return run_raise(run, EXCEPTION_TypeError, "key: expected bytes or bytearray, but got '%s'", type_name(&args[0]));
    if (!named(run, &args[2], &algorithm) || !bytes_argument(run, &args[0], &key) || !run_charge(run, 8 + key.len / 16))
        return false;
    uint8_t block[DIGEST_BLOCK_MAX] = {0};
    uint32_t size = digest_block_size(algorithm);
    if (key.len > size) {
        digest_init(&hash->inner, algorithm);
        digest_update(&hash->inner, key.p, key.len);
        digest_finish(&hash->inner, block);
    } else {
        copy_bytes(block, key.p, key.len);
    }
    for (uint32_t i = 0; i < size; i++)
        block[i] ^= 0x36;
    digest_init(&hash->inner, algorithm);
    digest_update(&hash->inner, block, size);
    for (uint32_t i = 0; i < size; i++)
        block[i] ^= 0x36 ^ 0x5c;
    digest_init(&hash->outer, algorithm);
    digest_update(&hash->outer, block, size);
    hash->hmac = true;
    return args[1].tag == V_NONE || feed(run, &hash->inner, &args[1]);
}

bool builtin_hmac_new(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct value made;
    struct hash *hash = new_hash(run, &made);
    if (hash == NULL || !begin_hmac(run, args, hash))
        return false;
    *out = made;
    return true;
}

static uint32_t finish(const struct hash *hash, uint8_t out[DIGEST_BYTES_MAX]) {
    struct digest inner = hash->inner;
    uint32_t size = inner.size;
    digest_finish(&inner, out);
    if (hash->hmac) {
        struct digest outer = hash->outer;
        digest_update(&outer, out, size);
        digest_finish(&outer, out);
    }
    return size;
}

bool builtin_hmac_digest(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct hash hash;
    uint8_t *bytes = run_alloc(run, DIGEST_BYTES_MAX);
    if (bytes == NULL)
        return false;
    if (args[1].tag == V_NONE)
        return run_raise(run, EXCEPTION_TypeError, "a bytes-like object is required, not 'NoneType'");
    if (!begin_hmac(run, args, &hash))
        return false;
    *out = make_bytes(bytes, finish(&hash, bytes));
    return true;
}

bool builtin_hmac_compare_digest(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *a = &args[0], *b = &args[1];
    bool texts = a->tag == V_STR && b->tag == V_STR;
    if (texts && ((a->len > 0 && !is_ascii(a)) || (b->len > 0 && !is_ascii(b))))
        return run_raise(run, EXCEPTION_TypeError, "comparing strings with non-ASCII characters is not supported");
    if (!texts && !(a->tag == V_BYTES && b->tag == V_BYTES))
        return run_raise(run, EXCEPTION_TypeError, "unsupported operand types(s) or combination of types: '%s' and '%s'",
                         type_name(a), type_name(b));
    const unsigned char *p = a->p, *q = b->p;
    unsigned char differ = a->len != b->len;
    for (uint32_t i = 0; i < b->len && a->len == b->len; i++)
        differ |= p[i] ^ q[i];
    *out = value_bool(differ == 0);
    return run_charge(run, b->len / 16);
}

/* --- methods and attributes of a hash object --- */

bool builtin_method_digest(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag != V_HASH)
        return no_attribute(run, &args[0], "digest");
    uint8_t *bytes = run_alloc(run, DIGEST_BYTES_MAX);
    if (bytes == NULL)
        return false;
    *out = make_bytes(bytes, finish(hash_of(&args[0]), bytes));
    return run_charge(run, 8);
}

bool builtin_method_hexdigest(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    uint8_t bytes[DIGEST_BYTES_MAX];
    if (args[0].tag != V_HASH)
        return no_attribute(run, &args[0], "hexdigest");
    return bytes_hex(run, bytes, finish(hash_of(&args[0]), bytes), out) && run_charge(run, 8);
}

bool builtin_hash_update(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag != V_HASH)
        return no_attribute(run, &args[0], "update");
    if (!feed(run, &hash_of(&args[0])->inner, &args[1]))
        return false;
    *out = value_none(MISSING_NOT);
    return true;
}

bool builtin_hash_copy(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct value made;
    if (args[0].tag != V_HASH)
        return no_attribute(run, &args[0], "copy");
    struct hash *hash = new_hash(run, &made);
    if (hash == NULL)
        return false;
    *hash = *hash_of(&args[0]);
    *out = made;
    return true;
}

bool builtin_attribute_digest_size(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag != V_HASH)
        return no_attribute(run, &args[0], "digest_size");
    *out = value_int(hash_of(&args[0])->inner.size);
    return true;
}

bool builtin_attribute_block_size(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag != V_HASH)
        return no_attribute(run, &args[0], "block_size");
    *out = value_int(digest_block_size(hash_of(&args[0])->inner.algorithm));
    return true;
}

/* --- checksums --- */

/* The start value's lowest 32 bits, as of a two's complement of any length. */
static bool start_value(struct run *run, const struct value *args, uint32_t count, uint32_t absent, uint32_t *out) {
    *out = absent;
    if (count < 2)
        return true;
    const struct value *v = &args[1];
    if (!is_int(v))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(v));
    *out = v->tag == V_BIGINT ? (uint32_t) * (const uint64_t *)v->p : (uint32_t)v->i;
    if (v->tag == V_BIGINT && v->flags & BIG_NEGATIVE)
        *out = -*out;
    return true;
}

static uint32_t crc32(uint32_t crc, const unsigned char *p, size_t len) {
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    crc = ~crc;
    for (size_t i = 0; i < len; i++) { /* four bits at a time */
        crc ^= p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

bool builtin_zlib_crc32(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    uint32_t start;
    struct str data;
    if (!bytes_argument(run, &args[0], &data) || !start_value(run, args, count, 0, &start) || !run_charge(run, data.len / 16))
        return false;
    *out = value_int(crc32(start, (const unsigned char *)data.p, data.len));
    return true;
}

bool builtin_binascii_crc32(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return builtin_zlib_crc32(run, args, count, out);
}

bool builtin_zlib_adler32(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    enum { PRIME = 65521 };
    uint32_t start;
    struct str data;
    if (!bytes_argument(run, &args[0], &data) || !start_value(run, args, count, 1, &start) || !run_charge(run, data.len / 16))
        return false;
    uint32_t a = (start & 0xffff) % PRIME, b = (start >> 16) % PRIME;
    for (size_t i = 0; i < data.len; i++) {
        a = (a + (unsigned char)data.p[i]) % PRIME;
        b = (b + a) % PRIME;
    }
    *out = value_int((int64_t)((uint64_t)b << 16 | a));
    return true;
}
