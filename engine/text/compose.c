/* Canonical ordering and composition (Unicode Standard, 3.11), as the crate unicode-normalization-alignments does them,
 * with its tables. Decomposition is a map (normalize.c). Time is linear: long runs of marks are sorted by counting. */
#include <string.h>

#include "../base/assert.h"
#include "part.h"

enum { SHORT_RUN = 24 };

static uint32_t combining_class(const struct text_property *property, uint32_t c) {
    return c < 128 ? 0 : text_value(property, c);
}

/* Sorts marks by class, stably. `other` has room for as many. */
static void sort_marks(const struct text_property *property, uint32_t *marks, size_t count, uint32_t *other) {
    if (count <= SHORT_RUN) {
        for (size_t i = 1; i < count; i++) {
            uint32_t mark = marks[i], class = combining_class(property, mark);
            size_t at = i;
            for (; at > 0 && combining_class(property, marks[at - 1]) > class; at--)
                marks[at] = marks[at - 1];
            marks[at] = mark;
        }
        return;
    }
    size_t starts[257] = {0};
    for (size_t i = 0; i < count; i++)
        starts[combining_class(property, marks[i]) + 1]++;
    for (size_t class = 0; class < 256; class++)
        starts[class + 1] += starts[class];
    for (size_t i = 0; i < count; i++)
        other[starts[combining_class(property, marks[i])]++] = marks[i];
    memcpy(marks, other, count * sizeof *marks);
}

/* In place; work has room for two numbers for each two bytes (a mark has two bytes or more). */
void text_order(const struct text_step *step, uint8_t *text, size_t len, uint32_t *work) {
    const struct text_property *property = &step->property;
    for (size_t i = 0; i < len;) {
        uint32_t width = text_width(text[i]);
        if (width == 1 || combining_class(property, text_decode(text + i, width)) == 0) {
            i += width;
            continue;
        }
        size_t count = 0, start = i;
        while (i < len && (width = text_width(text[i])) > 1) {
            uint32_t c = text_decode(text + i, width);
            if (combining_class(property, c) == 0)
                break;
            work[count++] = c;
            i += width;
        }
        if (count < 2)
            continue;
        sort_marks(property, work, count, work + count);
        for (size_t k = 0; k < count; k++)
            start += text_encode(work[k], text + start);
        ASSERT(start == i);
    }
}

enum { L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11a7, S_BASE = 0xac00, L_COUNT = 19, V_COUNT = 21, T_COUNT = 28 };

/* The composition of two characters, 0 if they have none. */
static uint32_t compose_pair(const struct text_step *step, uint32_t first, uint32_t second) {
    if (second < 0x300)
        return 0;
    if (first - L_BASE < L_COUNT && second - V_BASE < V_COUNT)
        return S_BASE + ((first - L_BASE) * V_COUNT + (second - V_BASE)) * T_COUNT;
    if (first - S_BASE < L_COUNT * V_COUNT * T_COUNT && (first - S_BASE) % T_COUNT == 0 && second > T_BASE &&
        second < T_BASE + T_COUNT)
        return first + (second - T_BASE);
    uint32_t low = 0, high = step->pair_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct text_pair *pair = &step->pairs[middle];
        if (pair->second < second || (pair->second == second && pair->first < first))
            low = middle + 1;
        else
            high = middle;
    }
    const struct text_pair *pair = &step->pairs[low];
    return low < step->pair_count && pair->first == first && pair->second == second ? pair->composed : 0;
}

/* Composes chars[count]; how many are left. */
static size_t compose(const struct text_step *step, uint32_t *chars, size_t count) {
    size_t n = 0, starter = SIZE_MAX;
    uint32_t last_class = 0; /* of the marks behind the starter; 0: none */
    for (size_t i = 0; i < count; i++) {
        uint32_t c = chars[i], class = combining_class(&step->property, c);
        if (starter != SIZE_MAX && (last_class == 0 || last_class < class)) {
            uint32_t composed = compose_pair(step, chars[starter], c);
            if (composed != 0) {
                chars[starter] = composed;
                continue;
            }
        }
        if (class == 0) {
            starter = n;
            last_class = 0;
        } else if (starter != SIZE_MAX) {
            last_class = class;
        }
        chars[n++] = c;
    }
    return n;
}

size_t text_compose(const struct text_step *step, struct text_piece piece, uint8_t *out, size_t *origin,
                    uint32_t *work) {
    size_t count = 0, n = 0, origin_chars = 0;
    for (size_t i = 0; i < piece.len; count++) {
        if (i < piece.origin)
            origin_chars = count + 1;
        uint32_t width = text_width(piece.p[i]);
        work[count] = text_decode(piece.p + i, width);
        i += width;
    }
    count = compose(step, work, count);
    for (size_t i = 0; i < count; i++) {
        n += text_encode(work[i], out + n);
        if (i + 1 == origin_chars || (origin_chars > count && i + 1 == count))
            *origin = n;
    }
    return n;
}
