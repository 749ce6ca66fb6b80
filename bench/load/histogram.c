/* HdrHistogram's buckets and its V2 encoding: a header and the counts as ZigZag LEB128 numbers, runs of zeros as one
 * negative number, all of it as a zlib stream. The stream here holds stored blocks only: readers do not mind, and no
 * library is needed. */
#include "histogram.h"

#include <stdlib.h>
#include <string.h>

#include "../../engine/base/assert.h"

enum { HALF_MAGNITUDE = 10, DIGITS = 3, HEADER_BYTES = 40, STORED_BYTES = 65535 };
static const uint32_t COOKIE = 0x1c849303 | 0x10, COMPRESSED_COOKIE = 0x1c849304 | 0x10;

static uint32_t index_of(uint64_t ns) {
    uint32_t bits = 64 - (uint32_t)__builtin_clzll(ns | (2 * HISTOGRAM_HALF - 1));
    uint32_t bucket = bits - (HALF_MAGNITUDE + 1);
    return ((bucket + 1) << HALF_MAGNITUDE) + (uint32_t)(ns >> bucket) - HISTOGRAM_HALF;
}

static uint64_t highest_of(uint32_t index) {
    if (index < 2 * HISTOGRAM_HALF)
        return index;
    uint32_t bucket = (index >> HALF_MAGNITUDE) - 1;
    uint64_t sub = (index & (HISTOGRAM_HALF - 1)) + HISTOGRAM_HALF;
    return ((sub + 1) << bucket) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns) {
    uint32_t index = index_of(ns < HISTOGRAM_HIGHEST_NS ? ns : HISTOGRAM_HIGHEST_NS);
    ASSERT(index < HISTOGRAM_COUNTS);
    histogram->counts[index]++;
    histogram->total++;
    histogram->sum_ns += (double)ns;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
}

uint64_t histogram_percentile_ns(const struct histogram *histogram, double percentile) {
    ASSERT(percentile >= 0 && percentile <= 100);
    uint64_t wanted = (uint64_t)(percentile / 100 * (double)histogram->total + 0.5), seen = 0;
    if (wanted == 0)
        wanted = 1;
    for (uint32_t i = 0; i < HISTOGRAM_COUNTS; i++)
        if ((seen += histogram->counts[i]) >= wanted)
            return highest_of(i);
    return 0;
}

/* --- the text form ------------------------------------------------------------------------------------------------ */

struct bytes {
    uint8_t *p;
    size_t len;
};

static void put(struct bytes *bytes, const void *from, size_t len) {
    memcpy(bytes->p + bytes->len, from, len);
    bytes->len += len;
}

static void put_big(struct bytes *bytes, uint64_t value, uint32_t size) {
    for (uint32_t i = size; i-- > 0;)
        bytes->p[bytes->len++] = (uint8_t)(value >> 8 * i);
}

static void put_number(struct bytes *bytes, int64_t value) {
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (int i = 0; i < 8 && zigzag >= 0x80; i++, zigzag >>= 7)
        bytes->p[bytes->len++] = (uint8_t)(zigzag | 0x80);
    bytes->p[bytes->len++] = (uint8_t)zigzag;
}

static void put_counts(struct bytes *bytes, const struct histogram *histogram) {
    uint32_t end = HISTOGRAM_COUNTS;
    while (end > 0 && histogram->counts[end - 1] == 0)
        end--;
    for (uint32_t i = 0; i < end;) {
        uint32_t zeros = 0;
        while (histogram->counts[i + zeros] == 0)
            zeros++;
        put_number(bytes, zeros ? -(int64_t)zeros : (int64_t)histogram->counts[i]);
        i += zeros ? zeros : 1;
    }
}

static void put_plain(struct bytes *bytes, const struct histogram *histogram) {
    const double ratio = 1.0;
    uint64_t ratio_bits;
    memcpy(&ratio_bits, &ratio, sizeof ratio_bits);
    put_big(bytes, COOKIE, 4);
    size_t length_at = bytes->len;
    put_big(bytes, 0, 4); /* the counts' length, below */
    put_big(bytes, 0, 4); /* normalizing offset */
    put_big(bytes, DIGITS, 4);
    put_big(bytes, 1, 8);
    put_big(bytes, HISTOGRAM_HIGHEST_NS, 8);
    put_big(bytes, ratio_bits, 8);
    ASSERT(bytes->len == HEADER_BYTES);
    put_counts(bytes, histogram);
    struct bytes length = {bytes->p, length_at};
    put_big(&length, bytes->len - HEADER_BYTES, 4);
}

static void put_stored(struct bytes *bytes, const struct bytes *plain) {
    uint32_t a = 1, b = 0; /* Adler-32 */
    for (size_t i = 0; i < plain->len; i++) {
        a = (a + plain->p[i]) % 65521;
        b = (b + a) % 65521;
    }
    put(bytes, "\x78\x01", 2);
    for (size_t at = 0; at < plain->len;) {
        size_t len = plain->len - at < STORED_BYTES ? plain->len - at : STORED_BYTES;
        uint8_t head[5] = {at + len == plain->len, (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)~len,
                           (uint8_t)(~len >> 8)};
        put(bytes, head, sizeof head);
        put(bytes, plain->p + at, len);
        at += len;
    }
    put_big(bytes, (uint64_t)b << 16 | a, 4);
}

static void write_base64(const struct bytes *bytes, FILE *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes->len; i += 3) {
        size_t left = bytes->len - i;
        uint32_t three = (uint32_t)bytes->p[i] << 16 | (left > 1 ? (uint32_t)bytes->p[i + 1] << 8 : 0) |
                         (left > 2 ? bytes->p[i + 2] : 0);
        char four[4] = {digits[three >> 18], digits[three >> 12 & 63], left > 1 ? digits[three >> 6 & 63] : '=',
                        left > 2 ? digits[three & 63] : '='};
        (void)fwrite(four, 1, sizeof four, out);
    }
}

void histogram_write(const struct histogram *histogram, FILE *out) {
    const size_t cap = HEADER_BYTES + HISTOGRAM_COUNTS * 9 + 4096;
    struct bytes plain = {malloc(cap), 0}, packed = {malloc(cap), 0};
    ASSERT(plain.p && packed.p);
    put_plain(&plain, histogram);
    put_big(&packed, COMPRESSED_COOKIE, 4);
    put_big(&packed, 0, 4);
    put_stored(&packed, &plain);
    struct bytes length = {packed.p, 4};
    put_big(&length, packed.len - 8, 4);
    write_base64(&packed, out);
    free(plain.p);
    free(packed.p);
}
