/* UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing above U+10FFFF. Called wherever bytes from
 * outside become a string (event, bundle, journal); inside the engine every string is valid, so that utf8_decode and
 * utf8_count need no checks. Payments are mostly ASCII: eight bytes at a time are tested for that first. */
#include "assert.h"
#include "str.h"

static inline bool is_tail(unsigned char byte) { return (byte & 0xc0) == 0x80; }

/* The length of the valid sequence of two to four bytes at p, or 0. The ranges of the second byte rule out overlong
 * forms (E0, F0), surrogates (ED) and what lies beyond U+10FFFF (F4). */
static size_t sequence_bytes(const unsigned char *p, size_t left) {
    unsigned char first = p[0];
    if (first < 0xc2 || first > 0xf4 || left < 2) {
        return 0;
    }
    if (first < 0xe0) {
        return is_tail(p[1]) ? 2 : 0;
    }
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high || left < 3 || !is_tail(p[2])) {
        return 0;
    }
    if (first < 0xf0) {
        return 3;
    }
    return left >= 4 && is_tail(p[3]) ? 4 : 0;
}

size_t utf8_valid_prefix(const char *p, size_t len, bool *ascii) {
    const unsigned char *bytes = (const unsigned char *)p;
    size_t at = 0;
    ASSERT(ascii != NULL && (p != NULL || len == 0));
    *ascii = true;
    while (at < len) {
        if (len - at >= 8) {
            uint64_t word;
            memcpy(&word, bytes + at, 8);
            if ((word & 0x8080808080808080ull) == 0) {
                at += 8;
                continue;
            }
        }
        if (bytes[at] < 0x80) {
            at++;
            continue;
        }
        size_t sequence = sequence_bytes(bytes + at, len - at);
        if (sequence == 0) {
            return at;
        }
        *ascii = false;
        at += sequence;
    }
    return at;
}

size_t utf8_count(const char *p, size_t len) {
    size_t count = 0, at = 0;
    ASSERT(p != NULL || len == 0);
    for (; len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, p + at, 8);
        /* Bit 0 of each byte of `tails` is set where the byte is 10xxxxxx. */
        uint64_t tails = (word >> 7) & ~(word >> 6) & 0x0101010101010101ull;
        count += 8 - (size_t)__builtin_popcountll(tails);
    }
    for (; at < len; at++) {
        count += !is_tail((unsigned char)p[at]);
    }
    return count;
}

uint32_t utf8_decode(const char *p, unsigned *bytes) {
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x80) {
        *bytes = 1;
        return u[0];
    }
    if (u[0] < 0xe0) {
        *bytes = 2;
        return (uint32_t)(u[0] & 0x1f) << 6 | (u[1] & 0x3f);
    }
    if (u[0] < 0xf0) {
        *bytes = 3;
        return (uint32_t)(u[0] & 0x0f) << 12 | (uint32_t)(u[1] & 0x3f) << 6 | (u[2] & 0x3f);
    }
    ASSERT(u[0] < 0xf5);
    *bytes = 4;
    return (uint32_t)(u[0] & 0x07) << 18 | (uint32_t)(u[1] & 0x3f) << 12 | (uint32_t)(u[2] & 0x3f) << 6 | (u[3] & 0x3f);
}

unsigned utf8_encode(uint32_t code_point, char *out) {
    ASSERT(code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff));
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xc0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (char)(0xe0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code_point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code_point >> 18);
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code_point & 0x3f));
    return 4;
}
