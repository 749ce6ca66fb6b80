/* Verifies and reads the character tables (unicode.h). */
#include "unicode.h"

#include <string.h>

#include "../base/assert.h"

enum { MAGIC = 0x44435541, FORMAT = 1, HEADER_WORDS = 8, CODE_POINTS = 0x110000 };

_Static_assert(sizeof(struct unicode_record) == 20, "a record is 20 bytes");

static bool is_scalar(int64_t code_point) {
    return code_point >= 0 && code_point < CODE_POINTS && !(code_point >= 0xd800 && code_point < 0xe000);
}

static bool special_is_valid(const struct unicode *unicode, int32_t at, uint32_t words) {
    if (at < 0 || (uint32_t)at >= words)
        return false;
    uint32_t count = unicode->specials[at];
    if (count < 2 || count > 3 || words - (uint32_t)at <= count)
        return false;
    for (uint32_t i = 1; i <= count; i++)
        if (!is_scalar(unicode->specials[(uint32_t)at + i]))
            return false;
    return true;
}

static bool record_is_valid(const struct unicode *unicode, const struct unicode_record *record, uint32_t words) {
    if (record->special_fold > 1 || !(record->decimal <= 9 || record->decimal == 255))
        return false;
    return (!(record->flags & UNICODE_SPECIAL_LOWER) || special_is_valid(unicode, record->lower, words)) &&
           (!(record->flags & UNICODE_SPECIAL_UPPER) || special_is_valid(unicode, record->upper, words)) &&
           (!(record->flags & UNICODE_SPECIAL_TITLE) || special_is_valid(unicode, record->title, words)) &&
           (record->special_fold == 0 || special_is_valid(unicode, record->fold, words));
}

static bool mapping_is_valid(const struct unicode_record *r, int64_t c) {
    return ((r->flags & UNICODE_SPECIAL_LOWER) || is_scalar(c + r->lower)) &&
           ((r->flags & UNICODE_SPECIAL_UPPER) || is_scalar(c + r->upper)) &&
           ((r->flags & UNICODE_SPECIAL_TITLE) || is_scalar(c + r->title)) && (r->special_fold || is_scalar(c + r->fold));
}

static bool is_unmapped(const struct unicode_record *r) { return (r->lower | r->upper | r->title | r->fold) == 0; }

/* Every mapping by difference of every code point is a code point. Few blocks have any. */
static bool mappings_are_valid(const struct unicode *unicode, uint32_t blocks) {
    bool maps[UNICODE_BLOCKS] = {false};
    ASSERT(blocks <= UNICODE_BLOCKS);
    for (uint32_t i = 0; i < blocks * UNICODE_BLOCK; i++)
        maps[i / UNICODE_BLOCK] |= !is_unmapped(&unicode->records[unicode->blocks[i]]);
    for (uint32_t c = 0; c < CODE_POINTS; c++) {
        if (c % UNICODE_BLOCK == 0 && !maps[unicode->index[c / UNICODE_BLOCK]]) {
            c += UNICODE_BLOCK - 1;
            continue;
        }
        const struct unicode_record *r = unicode_record(unicode, c);
        if (!is_unmapped(r) && is_scalar(c) && !mapping_is_valid(r, c))
            return false;
    }
    return true;
}

const struct unicode_class_flags unicode_classes[UNICODE_CLASSES] = {
    [UNICODE_ISDIGIT] = {"isdigit", UNICODE_DIGIT, 0},
    [UNICODE_ISALPHA] = {"isalpha", UNICODE_ALPHA, 0},
    [UNICODE_ISUPPER] = {"isupper", UNICODE_UPPER, UNICODE_LOWER | UNICODE_TITLE},
    [UNICODE_ISALNUM] = {"isalnum", UNICODE_ALPHA | UNICODE_DECIMAL | UNICODE_DIGIT | UNICODE_NUMERIC, 0},
    [UNICODE_ISSPACE] = {"isspace", UNICODE_SPACE, 0},
    [UNICODE_ISLOWER] = {"islower", UNICODE_LOWER, UNICODE_UPPER | UNICODE_TITLE},
    [UNICODE_ISDECIMAL] = {"isdecimal", UNICODE_DECIMAL, 0},
    [UNICODE_ISNUMERIC] = {"isnumeric", UNICODE_NUMERIC, 0},
    [UNICODE_ISPRINTABLE] = {"isprintable", UNICODE_PRINTABLE, 0},
};

static void read_ascii(struct unicode *out) {
    memset(out->classes, 0, sizeof out->classes);
    for (uint32_t c = 0; c < sizeof out->ascii / sizeof *out->ascii; c++) {
        unsigned flags = out->ascii[c] = unicode_record(out, c)->flags;
        for (int i = 0; i < UNICODE_CLASSES; i++)
            if (flags & unicode_classes[i].some && !(flags & unicode_classes[i].never))
                ascii_set_add(&out->classes[i], (unsigned char)c);
    }
}

bool unicode_load(struct unicode *out, const void *bytes, size_t len, struct error *error) {
    uint32_t header[HEADER_WORDS];
    if (len < sizeof header)
        return error_set(error, ERROR_CORRUPT, "unicode: %zu bytes, expected a header of %zu", len, sizeof header);
    if ((uintptr_t)bytes % 4 != 0)
        return error_set(error, ERROR_INPUT, "unicode: the bytes are not aligned to 4");
    memcpy(header, bytes, sizeof header);
    if (header[0] != MAGIC || header[1] != FORMAT)
        return error_set(error, ERROR_CORRUPT, "unicode: expected magic %08x and format %d, got %08x and %u", MAGIC, FORMAT,
                         header[0], header[1]);
    uint64_t records = header[2], blocks = header[3], words = header[4];
    if (records == 0 || records > UINT16_MAX || blocks == 0 || blocks > UNICODE_BLOCKS || words > UINT16_MAX)
        return error_set(error, ERROR_CORRUPT, "unicode: %u records, %u blocks, %u special words", header[2], header[3], header[4]);
    uint64_t expected = sizeof header + records * sizeof(struct unicode_record) + 2ull * UNICODE_BLOCKS +
                        blocks * UNICODE_BLOCK * 2 + words * 4;
    if (len != expected) /* every part before the specials is a multiple of 4 */
        return error_set(error, ERROR_CORRUPT, "unicode: %zu bytes, expected %llu", len, (unsigned long long)expected);
    out->python = header[5];
    const char *at = (const char *)bytes + sizeof header;
    out->records = (const struct unicode_record *)(const void *)at;
    at += records * sizeof(struct unicode_record);
    out->index = (const uint16_t *)(const void *)at;
    out->blocks = out->index + UNICODE_BLOCKS;
    out->specials = (const uint32_t *)(const void *)(out->blocks + blocks * UNICODE_BLOCK);
    for (uint32_t i = 0; i < UNICODE_BLOCKS; i++)
        if (out->index[i] >= blocks)
            return error_set(error, ERROR_CORRUPT, "unicode: index %u names block %u of %u", i, out->index[i], header[3]);
    for (uint32_t i = 0; i < blocks * UNICODE_BLOCK; i++)
        if (out->blocks[i] >= records)
            return error_set(error, ERROR_CORRUPT, "unicode: block entry %u names record %u of %u", i, out->blocks[i], header[2]);
    for (uint32_t i = 0; i < records; i++)
        if (!record_is_valid(out, &out->records[i], header[4]))
            return error_set(error, ERROR_CORRUPT, "unicode: record %u is not valid", i);
    read_ascii(out);
    return mappings_are_valid(out, header[3]) || error_set(error, ERROR_CORRUPT, "unicode: a mapping is not a code point");
}

unsigned unicode_map(const struct unicode *unicode, enum unicode_mapping mapping, uint32_t code_point, uint32_t out[3]) {
    ASSERT(code_point < CODE_POINTS);
    const struct unicode_record *record = unicode_record(unicode, code_point);
    int32_t difference = 0;
    bool special = false;
    switch (mapping) {
    case UNICODE_TO_LOWER:
        difference = record->lower;
        special = record->flags & UNICODE_SPECIAL_LOWER;
        break;
    case UNICODE_TO_UPPER:
        difference = record->upper;
        special = record->flags & UNICODE_SPECIAL_UPPER;
        break;
    case UNICODE_TO_TITLE:
        difference = record->title;
        special = record->flags & UNICODE_SPECIAL_TITLE;
        break;
    case UNICODE_TO_FOLD:
        difference = record->fold;
        special = record->special_fold;
        break;
    }
    if (!special) {
        out[0] = (uint32_t)((int32_t)code_point + difference);
        return 1;
    }
    const uint32_t *words = unicode->specials + difference;
    for (uint32_t i = 0; i < words[0]; i++)
        out[i] = words[1 + i];
    return words[0];
}
