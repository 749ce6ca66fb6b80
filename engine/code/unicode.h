/* The character tables of the Python that built the bundle (part "unicode.bin"), so that str methods follow that version.
 *
 * Little-endian. A header of 8 u32: magic "AUCD", format 1, records, blocks, specials (u32 words), how that Python behaves (enum python),
 * two zeros; then
 *   records  20 bytes each: u16 flags, u8 decimal digit (255: none), u8 whether fold is special, i32 lower, upper, title, fold
 *   index    u16 x 8704: the block of each 128 code points
 *   blocks   u16 x 128 each: a record's number per code point
 *   specials u32 words (the parts before are multiples of 4 bytes): a count of 2 or 3, then that many code points
 * A mapping is the difference to the code point itself, or, where the record's flag says so, the place among the specials.
 * Valid if and only if every number is in range, every mapping of every code point is a code point that is not a surrogate,
 * and the length is exact. The bytes are read in place, aligned to 4. */
#ifndef ASSAY_CODE_UNICODE_H
#define ASSAY_CODE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"
#include "ascii.h"

enum unicode_flag {
    UNICODE_ALPHA = 1 << 0,
    UNICODE_DECIMAL = 1 << 1,
    UNICODE_DIGIT = 1 << 2,
    UNICODE_NUMERIC = 1 << 3,
    UNICODE_SPACE = 1 << 4,
    UNICODE_PRINTABLE = 1 << 5,
    UNICODE_LOWER = 1 << 6,
    UNICODE_UPPER = 1 << 7,
    UNICODE_TITLE = 1 << 8,
    UNICODE_CASED = 1 << 9,
    UNICODE_IGNORABLE = 1 << 10, /* case-ignorable */
    UNICODE_XID_START = 1 << 11,
    UNICODE_XID_CONTINUE = 1 << 12,
    UNICODE_SPECIAL_LOWER = 1 << 13, /* the mapping is several code points */
    UNICODE_SPECIAL_UPPER = 1 << 14,
    UNICODE_SPECIAL_TITLE = 1 << 15,
};

struct unicode_record {
    uint16_t flags;
    uint8_t decimal;
    uint8_t special_fold;
    int32_t lower, upper, title, fold;
};

enum { UNICODE_BLOCK = 128, UNICODE_BLOCKS = 0x110000 / UNICODE_BLOCK };

/* Where versions of Python differ in what is not characters. */
enum python {
    PYTHON_COLON_Z = 1,    /* strftime knows %:z (3.12) */
    PYTHON_ISO_WEEKS = 2,  /* strptime refuses a week that its ISO year has not (3.12) */
    PYTHON_ISO_STRICT = 4, /* strptime refuses %G and %V with any but each other and a weekday (3.13) */
};

struct unicode {
    uint32_t python;
    const struct unicode_record *records;
    const uint16_t *index, *blocks;
    const uint32_t *specials;
    /* Of the first 128 code points, which nearly all text is made of: the flags, and the characters of each class. */
    uint16_t ascii[128];
    struct ascii_set classes[9];
};

/* What is...() asks of a single character: one of the first flags, none of the others. */
enum unicode_class { UNICODE_ISDIGIT, UNICODE_ISALPHA, UNICODE_ISUPPER, UNICODE_ISALNUM, UNICODE_ISSPACE, UNICODE_ISLOWER,
                     UNICODE_ISDECIMAL, UNICODE_ISNUMERIC, UNICODE_ISPRINTABLE, UNICODE_CLASSES };
extern const struct unicode_class_flags {
    const char *name;
    unsigned some, never;
} unicode_classes[UNICODE_CLASSES];
_Static_assert(UNICODE_CLASSES == 9, "a set for each class");

enum unicode_mapping { UNICODE_TO_LOWER, UNICODE_TO_UPPER, UNICODE_TO_TITLE, UNICODE_TO_FOLD };

/* Verifies the bytes (aligned to 4), which must outlive the tables. */
bool unicode_load(struct unicode *out, const void *bytes, size_t len, struct error *error);

static inline const struct unicode_record *unicode_record(const struct unicode *unicode, uint32_t code_point) {
    uint32_t block = unicode->index[code_point / UNICODE_BLOCK];
    return &unicode->records[unicode->blocks[block * UNICODE_BLOCK + code_point % UNICODE_BLOCK]];
}
static inline unsigned unicode_flags(const struct unicode *unicode, uint32_t code_point) {
    if (code_point < sizeof unicode->ascii / sizeof *unicode->ascii)
        return unicode->ascii[code_point];
    return unicode_record(unicode, code_point)->flags;
}
/* Writes 1 to 3 code points and returns how many. */
unsigned unicode_map(const struct unicode *unicode, enum unicode_mapping mapping, uint32_t code_point, uint32_t out[3]);

#endif
