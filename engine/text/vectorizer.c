/* From a text to its terms: accents and case, white space, words or runs of characters, and their n-grams, each of which is a
 * slice of a buffer (words stand in it with one space between). ASCII texts go byte by byte; of others the places of the
 * code points are written down first. All memory is the caller's. See vectorizer.h. */
#include "vectorizer_part.h"

enum { ROOM_MAX = LIMIT_VECTORIZER_TERMS };

struct work {
    const struct vectorizer *v;
    char *prepared; /* the text as the analyzer sees it */
    char *units;    /* words with what stands around them */
    uint32_t *places;
    size_t places_room;
    struct term_list list;
    double *values, *rows;
};

static inline bool is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static inline bool is_ascii_word(uint8_t c) {
    return (uint8_t)((c | 32) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '_';
}

/* The last of `count` pairs whose first number is at most c, or count. */
static uint32_t pair_of(const char *pairs, uint32_t count, uint32_t c) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (load32(pairs + (size_t)middle * 8) <= c)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? count : low - 1;
}

static bool is_word(const struct vectorizer *v, uint32_t c) {
    if (c < 128)
        return is_ascii_word((uint8_t)c);
    uint32_t at = pair_of(v->words, v->word_count, c);
    return at < v->word_count && c <= load32(v->words + (size_t)at * 8 + 4);
}

/* --- terms --- */

static uint32_t find(const struct vectorizer_terms *terms, const char *text, const char *p, size_t len, uint32_t hash) {
    uint32_t mask = terms->count - 1;
    for (uint32_t probe = 0; probe < PROBES_MAX && probe < terms->count; probe++) {
        struct vectorizer_slot slot;
        memcpy(&slot, terms->slots + (size_t)((hash + probe) & mask) * SLOT_BYTES, sizeof slot);
        if (slot.number == 0)
            return 0;
        if (slot.hash == hash && slot.len == len && memcmp(text + slot.at, p, len) == 0)
            return slot.number;
    }
    return 0;
}

static inline void term(struct work *w, const char *p, size_t len) {
    const struct vectorizer *v = w->v;
    uint32_t hash = term_hash(p, len);
    if (v->terms.count > 0) {
        uint32_t number = find(&v->terms, v->text, p, len, hash);
        if (number > 0)
            terms_add(&w->list, number - 1, 1);
        return;
    }
    bool negative = (int32_t)hash < 0;
    uint32_t size = hash == 0x80000000u ? 0x7fffffffu - (v->features - 1) : negative ? 0u - hash : hash; /* sklearn's own */
    uint32_t number = (v->features & (v->features - 1)) == 0 ? size & (v->features - 1) : size % v->features;
    terms_add(&w->list, number, negative && (v->flags & VECTORIZER_SIGNED) ? -1 : 1);
}

/* All runs of n characters. places: of the characters' first bytes, and of the end; NULL: a byte each. */
static void runs(struct work *w, const char *p, const uint32_t *places, uint32_t count, uint32_t n) {
    for (uint32_t i = 0; n <= count && i <= count - n && !w->list.full; i++) {
        if (places == NULL)
            term(w, p + i, n);
        else
            term(w, p + places[i], places[i + n] - places[i]);
    }
}

/* --- characters --- */

static uint32_t write_places(struct work *w, const char *p, size_t len) {
    uint32_t count = 0;
    for (size_t i = 0; i < len; i++)
        if (((uint8_t)p[i] & 0xc0) != 0x80)
            w->places[count++] = (uint32_t)i;
    ASSERT(count < w->places_room);
    w->places[count] = (uint32_t)len;
    return count;
}

static void unit_terms(struct work *w, const char *p, size_t len, bool ascii, bool whole) {
    uint32_t count = ascii ? (uint32_t)len : write_places(w, p, len);
    const uint32_t *places = ascii ? NULL : w->places;
    for (uint32_t n = w->v->least; n <= w->v->most && !w->list.full; n++) {
        if (n < count) {
            runs(w, p, places, count, n);
        } else if (whole) { /* a word that is not longer counts once */
            term(w, p, len);
            return;
        } else if (n == count) {
            term(w, p, len);
        }
    }
}

/* Two white spaces and more become a space. Bytes. */
static size_t collapse(char *p, size_t len) {
    size_t to = 0;
    for (size_t i = 0; i < len;) {
        size_t end = i, spaces = 0;
        unsigned bytes = 0;
        while (end < len && ((uint8_t)p[end] <= ' ' || (uint8_t)p[end] >= 0xc2) && is_space(utf8_decode(p + end, &bytes))) {
            end += bytes;
            spaces++;
        }
        if (spaces > 1) {
            p[to++] = ' ';
            i = end;
            continue;
        }
        end += spaces == 0 ? 1 : 0;
        while (i < end)
            p[to++] = p[i++];
    }
    return to;
}

static void characters(struct work *w, size_t len, bool ascii) {
    len = collapse(w->prepared, len);
    if (w->v->analyzer == ANALYZER_CHAR) {
        unit_terms(w, w->prepared, len, ascii, false);
        return;
    }
    unsigned bytes = 1;
    for (size_t i = 0; i < len && !w->list.full;) {
        while (i < len && is_space(utf8_decode(w->prepared + i, &bytes)))
            i += bytes;
        size_t begin = i;
        while (i < len && !is_space(utf8_decode(w->prepared + i, &bytes)))
            i += bytes;
        if (begin == i)
            return;
        w->units[0] = ' ';
        memcpy(w->units + 1, w->prepared + begin, i - begin);
        w->units[i - begin + 1] = ' ';
        unit_terms(w, w->units, i - begin + 2, ascii, true);
    }
}

/* --- words --- */

struct words {
    uint32_t *begins, *ends; /* in units */
    uint32_t count;
    size_t used;
};

static void add_word(struct work *w, struct words *words, const char *p, size_t len) {
    const struct vectorizer *v = w->v;
    if (v->stops.count > 0 && find(&v->stops, v->text, p, len, term_hash(p, len)) > 0)
        return;
    ASSERT(words->count < w->places_room / 2);
    words->begins[words->count] = (uint32_t)words->used;
    if (len > 0) /* no word of a pattern's may have a byte */
        memcpy(w->units + words->used, p, len);
    words->ends[words->count++] = (uint32_t)(words->used + len);
    words->used += len;
    w->units[words->used++] = ' ';
}

static void find_ascii_words(struct work *w, struct words *words, size_t len) {
    const char *p = w->prepared;
    for (size_t i = 0; i < len;) {
        size_t begin = i;
        while (i < len && is_ascii_word((uint8_t)p[i]))
            i++;
        if (i > begin && i - begin >= w->v->token_least)
            add_word(w, words, p + begin, i - begin);
        i += i < len;
    }
}

static void find_words(struct work *w, struct words *words, size_t len) {
    const char *p = w->prepared;
    unsigned bytes = 1;
    for (size_t i = 0; i < len;) {
        size_t begin = i, count = 0;
        for (; i < len && is_word(w->v, utf8_decode(p + i, &bytes)); i += bytes)
            count++;
        if (count > 0 && count >= w->v->token_least)
            add_word(w, words, p + begin, i - begin);
        i += i < len ? bytes : 0;
    }
}

static void words_of(struct work *w, const struct vectorizer_input *input, size_t len, bool ascii) {
    struct words words = {w->places, w->places + w->places_room / 2, 0, 0};
    if (input->tokens != NULL)
        for (uint32_t i = 0; i < input->token_count; i++)
            add_word(w, &words, input->tokens[i].p, input->tokens[i].len);
    else if (ascii)
        find_ascii_words(w, &words, len);
    else
        find_words(w, &words, len);
    for (uint32_t n = w->v->least; n <= w->v->most; n++)
        for (uint32_t i = 0; n <= words.count && i <= words.count - n && !w->list.full; i++)
            term(w, w->units + words.begins[i], words.ends[i + n - 1] - words.begins[i]);
}

/* --- before the terms --- */

static size_t copy_ascii(const struct vectorizer *v, const char *p, size_t len, char *to) {
    if (!(v->flags & VECTORIZER_LOWER)) {
        memcpy(to, p, len);
        return len;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)p[i];
        to[i] = (char)(c | ((uint8_t)(c - 'A') < 26) << 5);
    }
    return len;
}

static size_t hangul(uint32_t c, char *to) {
    uint32_t at = c - 0xac00, last = at % 28;
    unsigned bytes = utf8_encode(0x1100 + at / 588, to);
    bytes += utf8_encode(0x1161 + at % 588 / 28, to + bytes);
    return last == 0 ? bytes : bytes + utf8_encode(0x11a7 + last, to + bytes);
}

/* Without accents. *ascii: what is written is ASCII only. */
static size_t strip(const struct vectorizer *v, const char *p, size_t len, char *to, bool *ascii) {
    size_t used = 0;
    *ascii = true;
    unsigned bytes;
    for (size_t i = 0; i < len; i += bytes) {
        uint32_t c = utf8_decode(p + i, &bytes), at = c < 128 ? v->accent_count : pair_of(v->accents, v->accent_count, c);
        const char *accent = v->accents + (size_t)at * 8;
        size_t begin = used;
        if (at < v->accent_count && load32(accent) == c) {
            uint32_t place = load32(accent + 4);
            memcpy(to + used, v->text + (place >> 8), place & 255);
            used += place & 255;
        } else if (c < 128 || !(v->flags & VECTORIZER_ASCII)) {
            if (c >= 0xac00 && c <= 0xd7a3)
                used += hangul(c, to + used);
            else
                used += utf8_encode(c, to + used);
        }
        for (size_t k = begin; k < used; k++)
            *ascii &= (uint8_t)to[k] < 128;
    }
    return used;
}

static size_t prepare(struct work *w, const struct vectorizer_input *input, bool *ascii) {
    *ascii = input->ascii;
    if (input->tokens != NULL || input->len == 0)
        return 0;
    if (input->ascii)
        return copy_ascii(w->v, input->p, input->len, w->prepared);
    if (w->v->flags & VECTORIZER_ACCENTS)
        return strip(w->v, input->p, input->len, w->prepared, ascii);
    memcpy(w->prepared, input->p, input->len);
    return input->len;
}

/* --- memory --- */

size_t vectorizer_input_bytes(const struct vectorizer_input *input) {
    size_t len = input->len;
    for (uint32_t i = 0; i < input->token_count; i++)
        len += input->tokens[i].len + 1;
    return len;
}

/* Bytes of the text as the analyzer sees it, at most. */
static size_t prepared_room(const struct vectorizer *v, const struct vectorizer_input *input) {
    bool grows = (v->flags & VECTORIZER_ACCENTS) && !input->ascii && input->tokens == NULL;
    return (vectorizer_input_bytes(input) * (grows ? GROWTH_MAX : 1) + 8 + 15) / 16 * 16;
}

static uint32_t terms_room(const struct vectorizer *v, size_t room) {
    uint64_t most = vectorizer_work(v, v->analyzer == ANALYZER_CHAR_WB ? 3 * room : room); /* a letter: three characters */
    return most < ROOM_MAX ? (uint32_t)most : ROOM_MAX;
}

size_t vectorizer_scratch_size(const struct vectorizer *v, const struct vectorizer_input *input) {
    size_t room = prepared_room(v, input), terms = terms_room(v, room);
    return 2 * (size_t)v->widest * sizeof(double) + terms * 3 * sizeof(uint64_t) + room * 2 * sizeof(uint32_t) + room * 3;
}

static void divide(struct work *w, const struct vectorizer_input *input, void *scratch) {
    const struct vectorizer *v = w->v;
    size_t room = prepared_room(v, input);
    uint32_t terms = terms_room(v, room), bits = 0;
    while ((v->features - 1) >> bits > 0)
        bits++;
    w->rows = scratch;
    w->values = w->rows + 2 * (size_t)v->widest;
    w->list = (struct term_list){.entries = (uint64_t *)(w->values + terms), .room = terms, .number_bits = bits};
    w->list.spare = w->list.entries + terms;
    w->places = (uint32_t *)(w->list.spare + terms);
    w->places_room = room * 2;
    w->prepared = (char *)(w->places + w->places_room);
    w->units = w->prepared + room;
}

size_t vectorizer_prepare(const struct vectorizer *v, const struct vectorizer_input *input, void *scratch, size_t scratch_bytes,
                          const char **text) {
    ASSERT(input->tokens == NULL && scratch_bytes >= vectorizer_scratch_size(v, input));
    struct work work = {.v = v};
    bool ascii;
    divide(&work, input, scratch);
    *text = work.prepared;
    return prepare(&work, input, &ascii);
}

bool vectorizer_run(const struct vectorizer *v, const struct vectorizer_input *input, void *scratch, size_t scratch_bytes,
                    double *out) {
    ASSERT(scratch_bytes >= vectorizer_scratch_size(v, input));
    ASSERT((uintptr_t)scratch % 16 == 0);
    struct work work = {.v = v};
    divide(&work, input, scratch);
    bool ascii;
    size_t prepared = prepare(&work, input, &ascii);
    ASSERT(prepared <= prepared_room(v, input));
    if (v->analyzer == ANALYZER_WORD)
        words_of(&work, input, prepared, ascii);
    else
        characters(&work, prepared, ascii);
    if (work.list.full)
        return false;
    terms_merge(&work.list);
    vectorizer_weigh(v, &work.list, work.values, work.rows, out);
    return true;
}
