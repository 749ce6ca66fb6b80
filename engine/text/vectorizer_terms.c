/* The terms of one text: sorted by number with up to ten bits of the number a pass, then equal ones added. See vectorizer_part.h. */
#include "vectorizer_part.h"

enum { SMALL = 24, BITS_MAX = 10 };

static void sort_small(uint64_t *entries, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        uint64_t entry = entries[i];
        uint32_t at = i;
        for (; at > 0 && entries[at - 1] >> 32 > entry >> 32; at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

static void sort_pass(const uint64_t *from, uint64_t *to, uint32_t count, uint32_t shift, uint32_t bits) {
    uint32_t places[1 << BITS_MAX], mask = (1u << bits) - 1;
    ASSERT(bits <= BITS_MAX);
    memset(places, 0, sizeof *places << bits);
    for (uint32_t i = 0; i < count; i++)
        places[from[i] >> shift & mask]++;
    for (uint32_t i = 0, sum = 0; i <= mask; i++) {
        uint32_t here = places[i];
        places[i] = sum;
        sum += here;
    }
    for (uint32_t i = 0; i < count; i++)
        to[places[from[i] >> shift & mask]++] = from[i];
}

void terms_merge(struct term_list *list) {
    ASSERT(list->count <= list->room && list->number_bits <= 32);
    if (list->count <= SMALL) {
        sort_small(list->entries, list->count);
    } else {
        uint32_t passes = (list->number_bits + BITS_MAX - 1) / BITS_MAX;
        uint32_t bits = passes == 0 ? 0 : (list->number_bits + passes - 1) / passes;
        for (uint32_t pass = 0; pass < passes; pass++) {
            sort_pass(list->entries, list->spare, list->count, 32 + bits * pass, bits);
            uint64_t *sorted = list->spare;
            list->spare = list->entries;
            list->entries = sorted;
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (kept > 0 && list->entries[kept - 1] >> 32 == list->entries[i] >> 32) {
            uint32_t count = (uint32_t)list->entries[kept - 1] + (uint32_t)list->entries[i];
            list->entries[kept - 1] = list->entries[i] >> 32 << 32 | count;
        } else {
            list->entries[kept++] = list->entries[i];
        }
    }
    list->count = kept;
}

void terms_make_room(struct term_list *list) {
    terms_merge(list);
    if (list->count > list->room / 4 * 3) { /* or sorting would take all the time */
        list->full = true;
        list->count = 0;
    }
    ASSERT(list->count < list->room);
}
