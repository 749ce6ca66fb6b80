/* Opens a vectorizer's part: sizes first, then every number that the other files index with. See vectorizer.h. */
#include "vectorizer_part.h"

enum { HEAD_NUMBERS = 14, HEAD_BYTES = 8 + HEAD_NUMBERS * 4, VERSION = 1 };

/* What is left of the part. */
struct rest {
    const char *p;
    size_t len;
};

static const char *take(struct rest *rest, uint64_t count, uint64_t each) {
    if (each != 0 && count > rest->len / each)
        return NULL;
    const char *p = rest->p;
    rest->p += count * each;
    rest->len -= count * each;
    return p;
}

static bool corrupt(struct error *error, const char *what) {
    return error_set(error, ERROR_CORRUPT, "a vectorizer's part has %s that cannot be", what);
}

static bool slots_are_good(const struct vectorizer_terms *terms, uint32_t numbers, uint32_t text_bytes) {
    for (uint32_t i = 0; i < terms->count; i++) {
        struct vectorizer_slot slot;
        memcpy(&slot, terms->slots + (size_t)i * SLOT_BYTES, sizeof slot);
        if (slot.number > numbers || slot.at > text_bytes || slot.len > text_bytes - slot.at)
            return false;
    }
    return true;
}

static bool words_are_good(const struct vectorizer *v) {
    for (uint32_t i = 0; i < 2 * v->word_count; i++) {
        uint32_t at = load32(v->words + (size_t)i * 4), before = i == 0 ? 0 : load32(v->words + (size_t)(i - 1) * 4);
        if (at < before || at > 0x10ffff)
            return false;
    }
    return true;
}

static bool accents_are_good(const struct vectorizer *v, uint32_t text_bytes) {
    for (uint32_t i = 0; i < v->accent_count; i++) {
        const char *accent = v->accents + (size_t)i * 8;
        uint32_t at = load32(accent + 4) >> 8, len = load32(accent + 4) & 255;
        bool ascii, ascends = i == 0 || load32(accent) > load32(accent - 8);
        if (!ascends || load32(accent) < 128 || load32(accent) > 0x10ffff || at > text_bytes || len > text_bytes - at)
            return false;
        size_t own = load32(accent) < 0x800 ? 2 : load32(accent) < 0x10000 ? 3 : 4;
        if (len > own * GROWTH_MAX || utf8_valid_prefix(v->text + at, len, &ascii) != len)
            return false;
    }
    return true;
}

static bool head_is_good(const struct vectorizer *v) {
    bool powers = (v->terms.count & (v->terms.count - 1)) == 0 && (v->stops.count & (v->stops.count - 1)) == 0;
    return powers && v->analyzer < ANALYZERS && v->flags <= VECTORIZER_FLAGS && v->least >= 1 && v->most >= v->least &&
           v->most <= LIMIT_VECTORIZER_NGRAM && v->token_least >= 1 && v->features >= 1 &&
           v->features <= LIMIT_VECTORIZER_FEATURES && v->stage_count <= VECTORIZER_STAGES_MAX;
}

/* How many doubles a stage has, or false if it cannot stand there. *width: of a row before and after it; dense: after a matrix. */
static bool stage_shape(uint32_t kind, uint32_t given, bool *dense, uint32_t *width, uint64_t *numbers) {
    bool same = kind == STAGE_LOG || given == *width;
    *numbers = kind == STAGE_LOG ? given : kind == STAGE_SCALE ? *width : 0;
    switch (kind) {
    case STAGE_LOG:
    case STAGE_SCALE: return same && !*dense;
    case STAGE_L1:
    case STAGE_L2: return same;
    case STAGE_MATRIX:
        if (given < 1 || given > LIMIT_VECTOR_ITEMS)
            return false;
        *numbers = ((uint64_t)*width + 1) * given;
        *width = given;
        *dense = true;
        return true;
    case STAGE_SECOND:
        *width = 1;
        return *dense && given == 2;
    default: return kind < STAGES && same && *dense;
    }
}

static bool read_stages(struct vectorizer *v, struct rest *rest, struct error *error) {
    bool dense = false;
    uint32_t width = v->features;
    v->widest = 1;
    for (uint32_t i = 0; i < v->stage_count; i++) {
        const char *head = take(rest, 1, 8);
        uint64_t numbers;
        if (head == NULL)
            return corrupt(error, "fewer stages than");
        v->stages[i].kind = load32(head);
        v->stages[i].width = load32(head + 4);
        bool second_of_two = v->stages[i].kind == STAGE_SECOND && width != 2;
        if (second_of_two || !stage_shape(v->stages[i].kind, v->stages[i].width, &dense, &width, &numbers))
            return corrupt(error, "a stage");
        v->stages[i].numbers = take(rest, numbers, 8);
        if (v->stages[i].numbers == NULL)
            return corrupt(error, "a stage's length");
        for (uint64_t n = 0; n < numbers; n++)
            if (!__builtin_isfinite(load_double(v->stages[i].numbers, n)))
                return corrupt(error, "a number");
        if (dense && width > v->widest)
            v->widest = width;
    }
    v->width = width;
    v->widest = width > v->widest ? width : v->widest;
    if ((v->flags & VECTORIZER_NUMBER) && width != 1)
        return corrupt(error, "a number of several items");
    return width <= LIMIT_VECTOR_ITEMS || corrupt(error, "more items than a vector");
}

bool vectorizer_open(struct vectorizer *v, const void *part, size_t len, struct error *error) {
    ASSERT(v != NULL && (part != NULL || len == 0));
    uint32_t head[HEAD_NUMBERS];
    if (len < HEAD_BYTES || memcmp(part, "ASSAYVEC", 8) != 0)
        return error_set(error, ERROR_CORRUPT, "a vectorizer's part begins otherwise");
    memcpy(head, (const char *)part + 8, sizeof head);
    *v = (struct vectorizer){.analyzer = head[1], .flags = head[2], .least = head[3], .most = head[4], .token_least = head[5],
                             .features = head[6], .terms = {.count = head[7]}, .stops = {.count = head[8]},
                             .word_count = head[9], .accent_count = head[10], .stage_count = head[11]};
    if (head[0] != VERSION || head[13] != 0 || !head_is_good(v))
        return corrupt(error, "a version or setting");
    struct rest rest = {(const char *)part + HEAD_BYTES, len - HEAD_BYTES};
    uint64_t padded = ((uint64_t)head[12] + 7) / 8 * 8;
    v->terms.slots = take(&rest, v->terms.count, SLOT_BYTES);
    v->stops.slots = v->terms.slots == NULL ? NULL : take(&rest, v->stops.count, SLOT_BYTES);
    v->words = v->stops.slots == NULL ? NULL : take(&rest, v->word_count, 8);
    v->accents = v->words == NULL ? NULL : take(&rest, v->accent_count, 8);
    v->text = v->accents == NULL ? NULL : take(&rest, padded, 1);
    if (v->text == NULL)
        return corrupt(error, "a length");
    if (!slots_are_good(&v->terms, v->features, head[12]) || !slots_are_good(&v->stops, v->stops.count, head[12]))
        return corrupt(error, "a term");
    if (!words_are_good(v) || !accents_are_good(v, head[12]))
        return corrupt(error, "a code point");
    if (!read_stages(v, &rest, error))
        return false;
    return rest.len == 0 || corrupt(error, "bytes at its end");
}
