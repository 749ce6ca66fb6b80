/* SentencePiece's precompiled character map (the crate spm_precompiled): for each grapheme of fewer than six bytes, else for
 * each character, the text that the map's first matching prefix has. The map is a Darts double array as it stands in
 * the file: each unit is checked when it is walked, as the tables of a map need not all be reachable.
 *
 * Grapheme clusters: Unicode Standard Annex 29 as in the crate unicode-segmentation. The property's values are its
 * categories in the order below; bit 4: InCB=Extend, bit 5: InCB=Linker. */
#include <string.h>

#include "part.h"

enum category {
    ANY, CR, CONTROL, EXTEND, PICTOGRAPHIC, CONSONANT, L, LF, LV, LVT, PREPEND, REGIONAL, SPACING, T, V, ZWJ,
    CATEGORY = 15, INCB_EXTEND = 16, INCB_LINKER = 32
};

enum { SHORT_GRAPHEME = 6 };

/* What came before, as far as a boundary depends on it. */
struct before {
    uint32_t category;
    bool picture;       /* a pictograph, then only extending characters */
    bool picture_zwj;   /* and then ZWJ, just now */
    bool odd_regional;
    uint32_t consonant; /* 1: an Indic consonant, then only extending ones; 2: with a linker */
};

static bool is_break(const struct before *before, uint32_t category) {
    uint32_t b = before->category;
    if (b == CR && category == LF)
        return false;
    if (b == CONTROL || b == CR || b == LF || category == CONTROL || category == CR || category == LF)
        return true;
    if ((b == L && (category == L || category == V || category == LV || category == LVT)) ||
        ((b == LV || b == V) && (category == V || category == T)) || ((b == LVT || b == T) && category == T))
        return false;
    if (category == EXTEND || category == ZWJ || category == SPACING || b == PREPEND)
        return false;
    if (category == CONSONANT)
        return before->consonant != 2;
    if (b == ZWJ && category == PICTOGRAPHIC)
        return !before->picture_zwj;
    return !(b == REGIONAL && category == REGIONAL && before->odd_regional);
}

static void move(struct before *before, uint32_t value) {
    uint32_t category = value & CATEGORY;
    before->picture_zwj = before->picture && category == ZWJ;
    before->picture = category == PICTOGRAPHIC || (before->picture && category == EXTEND);
    before->odd_regional = category == REGIONAL && !before->odd_regional;
    if (category == CONSONANT)
        before->consonant = 1;
    else if (value & INCB_LINKER)
        before->consonant = before->consonant > 0 ? 2 : 0;
    else if (!(value & INCB_EXTEND))
        before->consonant = 0;
    before->category = category;
}

static uint32_t value_at(const struct text_step *step, const uint8_t *p, uint32_t *width) {
    *width = text_width(p[0]);
    return text_value(&step->property, text_decode(p, *width));
}

/* Bytes of the grapheme at p. */
static size_t grapheme(const struct text_step *step, const uint8_t *p, size_t len) {
    struct before before = {0};
    uint32_t width;
    move(&before, value_at(step, p, &width));
    size_t n = width;
    while (n < len) {
        uint32_t value = value_at(step, p + n, &width);
        if (is_break(&before, value & CATEGORY))
            break;
        move(&before, value);
        n += width;
    }
    return n;
}

static uint32_t unit_offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

/* The text for a chunk: false if the map has none. */
static bool transform(const struct text_charsmap *map, const uint8_t *p, size_t len, struct text_bytes *text) {
    if (map->unit_count == 0)
        return false;
    uint32_t at = unit_offset(map->units[0]);
    for (size_t i = 0; i < len && p[i] != 0; i++) {
        at ^= p[i];
        if (at >= map->unit_count || (map->units[at] & (1u << 31 | 0xff)) != p[i])
            return false;
        uint32_t unit = map->units[at];
        at ^= unit_offset(unit);
        if (!(unit >> 8 & 1))
            continue;
        if (at >= map->unit_count)
            return false;
        uint32_t start = map->units[at] & 0x7fffffff;
        if (start > map->text_bytes || (start < map->text_bytes && (map->texts[start] & 0xc0) == 0x80))
            return false;
        const uint8_t *end = memchr(map->texts + start, 0, map->text_bytes - start);
        *text = (struct text_bytes){map->texts + start,
                                    end != NULL ? (uint32_t)(end - map->texts) - start : map->text_bytes - start};
        return true;
    }
    return false;
}

/* Room was made for `growth` bytes a byte: what a text would grow beyond is left as it was (read.c counts the growth). */
static size_t put(const struct text_charsmap *map, const uint8_t *p, size_t len, uint8_t *out) {
    struct text_bytes text;
    if (!transform(map, p, len, &text) || text.len > len * map->growth) {
        memcpy(out, p, len);
        return len;
    }
    memcpy(out, text.p, text.len);
    return text.len;
}

size_t text_precompiled(const struct text_step *step, struct text_piece piece, uint8_t *out, size_t *origin) {
    size_t n = 0;
    struct text_bytes text;
    for (size_t i = 0; i < piece.len;) {
        bool first = n == 0;
        size_t len = piece.p[i] >= 0x20 && piece.p[i] < 0x7f && (i + 1 == piece.len || piece.p[i + 1] < 0x80)
                         ? 1
                         : grapheme(step, piece.p + i, piece.len - i);
        if (len < SHORT_GRAPHEME && transform(&step->charsmap, piece.p + i, len, &text)) {
            n += put(&step->charsmap, piece.p + i, len, out + n);
        } else {
            for (size_t k = 0; k < len;) {
                uint32_t width = text_width(piece.p[i + k]);
                n += put(&step->charsmap, piece.p + i + k, width, out + n);
                k += width;
            }
        }
        /* The crate loses count of what is removed before there is any text: what comes first is the first character's. */
        if (i < piece.origin || (first && piece.origin > 0))
            *origin = n;
        i += len;
    }
    return n;
}
