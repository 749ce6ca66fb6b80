/* A trie over bytes as a double array: one unit a node, a child is at base ^ byte and carries that byte as its label.
 * Built once (trie_build), read anywhere. Units come in blocks of 256 and every base is checked at load, so a walk
 * cannot leave the array, and it ends because each step takes a byte. */
#ifndef ASSAY_TEXT_TRIE_H
#define ASSAY_TEXT_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"

#define TRIE_NONE UINT32_MAX /* no value */

struct trie_unit {
    uint32_t base_label; /* base << 8 | label: of a unit that is no node, a label that no base reaches it by */
    uint32_t value;
};

struct trie {
    const struct trie_unit *units;
    uint32_t unit_count; /* a multiple of 256, at least 256 */
    uint32_t value_bound; /* every value is below it, or TRIE_NONE */
};

/* The root is unit 0, which no base reaches. */
static inline bool trie_step(const struct trie *trie, uint32_t *node, uint8_t byte) {
    uint32_t next = (trie->units[*node].base_label >> 8) ^ byte;
    if ((uint8_t)trie->units[next].base_label != byte)
        return false;
    *node = next;
    return true;
}

/* The value of a key, or TRIE_NONE. */
static inline uint32_t trie_find(const struct trie *trie, const uint8_t *key, size_t len) {
    struct trie_unit unit = trie->units[0];
    for (size_t i = 0; i < len; i++) {
        unit = trie->units[(unit.base_label >> 8) ^ key[i]];
        if ((uint8_t)unit.base_label != key[i])
            return TRIE_NONE;
    }
    return unit.value;
}

/* The value of the longest key that begins the text, and its length; TRIE_NONE if there is none. */
static inline uint32_t trie_longest(const struct trie *trie, const uint8_t *text, size_t len, size_t *key_len) {
    uint32_t best = TRIE_NONE;
    struct trie_unit unit = trie->units[0];
    for (size_t i = 0; i < len; i++) {
        unit = trie->units[(unit.base_label >> 8) ^ text[i]];
        if ((uint8_t)unit.base_label != text[i])
            break;
        if (unit.value != TRIE_NONE) {
            best = unit.value;
            *key_len = i + 1;
        }
    }
    return best;
}

/* Whether the units can be walked: bases and values in bounds. */
bool trie_check(const struct trie *trie, struct error *error);

/* Keys in ascending order of bytes, none empty, none twice, one after another in `keys`; ends[i] is where key i ends.
 * Units in *units (free) and their number; false and error if memory runs out or the keys are not so. */
bool trie_build(const uint8_t *keys, const uint32_t *ends, const uint32_t *values, uint32_t count,
                struct trie_unit **units, uint32_t *unit_count, struct error *error);

#endif
