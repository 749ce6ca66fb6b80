/* Card numbers in texts. Called for every string field that is neither Secret nor Clear nor the id, before anything
 * else sees it, and for texts that go into error messages.
 *
 * A card number is a maximal run of 13 to 19 ASCII digits that begins with 2 to 6 and passes Luhn's check (ISO/IEC
 * 7812-1). A run of 13 digits covers one of every 13 bytes, so that most texts are cleared by looking at each
 * thirteenth. */
#include "event.h"

#include "../base/assert.h"
#include "parse.h"

enum { CARD_MIN = 13, CARD_MAX = 19 };

static bool is_digit(char c) { return (unsigned char)(c - '0') <= 9; }

/* Whether the last digit is the check digit of the others. */
static bool luhn(const char *digits, size_t count) {
    unsigned total = 0;
    ASSERT(count >= CARD_MIN && count <= CARD_MAX);
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)(digits[count - 1 - i] - '0') << (i & 1);
        total += digit > 9 ? digit - 9 : digit;
    }
    return total % 10 == 0;
}

bool mask_find(struct str text, size_t from, size_t *begin, size_t *count) {
    ASSERT(from <= text.len);
    for (size_t at = from + CARD_MIN - 1; at < text.len; at += CARD_MIN) {
        if (!is_digit(text.p[at])) {
            continue;
        }
        size_t first = at, end = at + 1;
        while (first > from && is_digit(text.p[first - 1])) {
            first--;
        }
        while (end < text.len && is_digit(text.p[end])) {
            end++;
        }
        size_t run = end - first;
        if (run >= CARD_MIN && run <= CARD_MAX && text.p[first] >= '2' && text.p[first] <= '6' &&
            luhn(text.p + first, run)) {
            *begin = first;
            *count = run;
            return true;
        }
        at = end; /* not a digit; the next run begins behind it, and the loop goes on to its thirteenth byte */
    }
    return false;
}

uint32_t event_mask(char *text, size_t len) {
    uint32_t masked = 0;
    size_t from = 0, begin, count;
    while (mask_find((struct str){text, len}, from, &begin, &count)) {
        memset(text + begin + 6, '*', count - 10);
        masked++;
        from = begin + count;
    }
    return masked;
}
