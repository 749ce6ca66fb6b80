/* Tallies (tally.h): adding, merging, and the one rounding of a standard deviation. Called by read.c and index.c. */
#include "tally.h"

#include <gmp.h>

#include "../base/assert.h"
#include "text.h"

uint32_t tally_bytes(enum tally_kind kind) {
    static const uint32_t bytes[] = {
        [TALLY_COUNT] = sizeof(uint64_t),         [TALLY_FLOATS] = sizeof(struct floats),
        [TALLY_INTS] = sizeof(struct ints),       [TALLY_SQUARES] = sizeof(struct squares),
        [TALLY_LEAST] = sizeof(struct extreme),   [TALLY_MOST] = sizeof(struct extreme),
    };
    ASSERT((size_t)kind < sizeof bytes / sizeof *bytes);
    return (bytes[kind] + 15) & ~15u;
}

struct kept chunk_kept(const struct layout *layout, const struct chunk *chunk, uint32_t column, uint32_t i) {
    struct kept kept = {.low = chunk_cells(layout, chunk, column)[i], .tag = chunk_tags(layout, chunk, column)[i]};
    if (kept.tag == V_STR && layout->text_index[column] >= 0)
        kept.text = *chunk_text(layout, chunk, column, i);
    return kept;
}

struct value kept_value(const struct kept *kept, struct arena *arena, bool *failed) {
    if (kept->tag != V_STR)
        return (struct value){.tag = kept->tag, .i = (int64_t)kept->low};
    struct str text = text_of(&kept->text);
    const char *copy = text.len > 0 ? arena_copy(arena, text.p, text.len) : "";
    *failed |= copy == NULL;
    return copy != NULL ? value_str(copy, text.len) : value_none(MISSING_ERROR);
}

/* --- sums --- */

static inline bool is_int(uint8_t tag) { return tag == V_INT || tag == V_BOOL; }

static inline bool number_of(uint8_t tag, uint64_t bits, double *f) {
    if (tag == V_FLOAT)
        memcpy(f, &bits, sizeof *f);
    else if (is_int(tag))
        *f = (double)(int64_t)bits;
    return tag == V_FLOAT || is_int(tag);
}

static inline void floats_add(struct floats *floats, uint8_t tag, uint64_t bits) {
    double f;
    if (number_of(tag, bits, &f)) {
        exact_add(&floats->sum, f);
        floats->count++;
    } else {
        floats->strange_count += tag != V_NONE;
    }
}

static void floats_merge(struct floats *floats, const struct floats *other) {
    exact_merge(&floats->sum, &other->sum);
    floats->count += other->count;
    floats->strange_count += other->strange_count;
}

/* Fewer than 2^63 values of 64 bits cannot pass 128 bits. */
static inline void ints_add(struct ints *ints, uint8_t tag, uint64_t bits) {
    if (is_int(tag))
        ints->sum += (int64_t)bits;
    else
        ints->strange_count += tag != V_NONE;
}

static void words_add(uint64_t *words, const uint64_t *other, unsigned count) {
    unsigned __int128 carry = 0;
    for (unsigned i = 0; i < count; i++) {
        carry += (unsigned __int128)words[i] + other[i];
        words[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static void squares_add(struct squares *squares, uint8_t tag, uint64_t bits) {
    double f;
    floats_add(&squares->floats, tag, bits);
    uint64_t mantissa;
    unsigned shift;
    if (!number_of(tag, bits, &f) || !exact_taken(f, &mantissa, &shift))
        return;
    unsigned __int128 square = (unsigned __int128)mantissa * mantissa;
    uint64_t wide[8] = {0};
    unsigned word = shift * 2 / 64, rest = shift * 2 % 64;
    wide[word] = (uint64_t)(square << rest);
    wide[word + 1] = (uint64_t)((square << rest) >> 64);
    wide[word + 2] = rest > 0 ? (uint64_t)(square >> (128 - rest)) : 0;
    ASSERT((wide[6] | wide[7]) == 0); /* below 2^126 in units of 2^-192: 318 bits */
    words_add(squares->words, wide, 6);
}

/* --- least and most --- */

static int order_int_float(int64_t i, double f) {
    if (f >= 0x1p63)
        return -1;
    if (f < -0x1p63)
        return 1;
    int64_t whole = (int64_t)f; /* towards zero */
    if (i != whole)
        return i < whole ? -1 : 1;
    double fraction = f - (double)whole;
    return (fraction < 0) - (fraction > 0);
}

static double float_of(const struct kept *kept) {
    double f;
    memcpy(&f, &kept->low, sizeof f);
    return f;
}

/* Neither is NaN. Values of one column are numbers, or strings, or times of one kind. */
static int kept_order(const struct kept *a, const struct kept *b) {
    if (a->tag == V_STR && b->tag == V_STR) {
        struct str x = text_of(&a->text), y = text_of(&b->text);
        int order = memcmp(x.p, y.p, x.len < y.len ? x.len : y.len); /* UTF-8 sorts as its code points do */
        return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
    }
    if (a->tag == V_FLOAT && b->tag == V_FLOAT)
        return (float_of(a) > float_of(b)) - (float_of(a) < float_of(b));
    if (b->tag == V_FLOAT)
        return order_int_float((int64_t)a->low, float_of(b));
    if (a->tag == V_FLOAT)
        return -order_int_float((int64_t)b->low, float_of(a));
    return ((int64_t)a->low > (int64_t)b->low) - ((int64_t)a->low < (int64_t)b->low);
}

static bool is_nan(const struct kept *kept) { return kept->tag == V_FLOAT && isnan(float_of(kept)); }

/* Whether `a` comes before `b` in the order of this kind: the smaller for the least, the larger for the most. */
static int better(enum tally_kind kind, const struct kept *a, const struct kept *b) {
    int order = kept_order(a, b);
    return kind == TALLY_LEAST ? order : -order;
}

static void extreme_add_older(struct extreme *extreme, enum tally_kind kind, const struct kept *value) {
    if (value->tag == V_NONE)
        return;
    extreme->oldest = *value;
    if (!is_nan(value) && (extreme->best.tag == V_NONE || better(kind, value, &extreme->best) <= 0))
        extreme->best = *value;
}

static void extreme_add_newest(struct extreme *extreme, enum tally_kind kind, const struct kept *value) {
    if (value->tag == V_NONE)
        return;
    if (extreme->oldest.tag == V_NONE)
        extreme->oldest = *value;
    if (!is_nan(value) && (extreme->best.tag == V_NONE || better(kind, value, &extreme->best) < 0))
        extreme->best = *value;
}

static void extreme_merge_older(struct extreme *extreme, enum tally_kind kind, const struct extreme *older) {
    if (older->oldest.tag == V_NONE)
        return;
    extreme->oldest = older->oldest;
    if (older->best.tag != V_NONE &&
        (extreme->best.tag == V_NONE || better(kind, &older->best, &extreme->best) <= 0))
        extreme->best = older->best;
}

/* A NaN that comes first stays, since nothing is less or more than it. */
const struct kept *extreme_value(const struct extreme *extreme) {
    return is_nan(&extreme->oldest) ? &extreme->oldest : &extreme->best;
}

/* --- all kinds --- */

void tally_add_newest(union tally *tally, enum tally_kind kind, const struct kept *value) {
    switch (kind) {
    case TALLY_COUNT: tally->count += value->tag != V_NONE; return;
    case TALLY_FLOATS: floats_add(&tally->floats, value->tag, value->low); return;
    case TALLY_INTS: ints_add(&tally->ints, value->tag, value->low); return;
    case TALLY_SQUARES: squares_add(&tally->squares, value->tag, value->low); return;
    case TALLY_LEAST:
    case TALLY_MOST: extreme_add_newest(&tally->extreme, kind, value); return;
    }
    UNREACHABLE();
}

static uint64_t present(const uint8_t *tags, uint64_t bits) {
    uint64_t result = bits;
    for (uint64_t left = bits; left != 0; left &= left - 1)
        if (tags[__builtin_ctzll(left)] == V_NONE)
            result &= ~(left & -left);
    return result;
}

static void add_extremes(struct extreme *extreme, const struct measure *measure, const struct layout *layout,
                         const struct chunk *chunk, uint64_t bits) {
    while (bits != 0) { /* the newest first */
        uint32_t i = 63 - (uint32_t)__builtin_clzll(bits);
        bits &= ~(1ull << i);
        struct kept value = chunk_kept(layout, chunk, (uint32_t)measure->column, i);
        extreme_add_older(extreme, measure->kind, &value);
    }
}

void tally_add_older(union tally *tally, const struct measure *measure, const struct layout *layout,
                     const struct chunk *chunk, uint64_t bits) {
    bits = chunk_where(layout, chunk, bits, measure->where);
    if (measure->column < 0) {
        ASSERT(measure->kind == TALLY_COUNT);
        tally->count += (uint64_t)__builtin_popcountll(bits);
        return;
    }
    const uint8_t *tags = chunk_tags(layout, chunk, (uint32_t)measure->column);
    const uint64_t *cells = chunk_cells(layout, chunk, (uint32_t)measure->column);
    switch (measure->kind) {
    case TALLY_COUNT: tally->count += (uint64_t)__builtin_popcountll(present(tags, bits)); return;
    case TALLY_FLOATS:
        for (; bits != 0; bits &= bits - 1)
            floats_add(&tally->floats, tags[__builtin_ctzll(bits)], cells[__builtin_ctzll(bits)]);
        return;
    case TALLY_INTS:
        for (; bits != 0; bits &= bits - 1)
            ints_add(&tally->ints, tags[__builtin_ctzll(bits)], cells[__builtin_ctzll(bits)]);
        return;
    case TALLY_SQUARES:
        for (; bits != 0; bits &= bits - 1)
            squares_add(&tally->squares, tags[__builtin_ctzll(bits)], cells[__builtin_ctzll(bits)]);
        return;
    case TALLY_LEAST:
    case TALLY_MOST: add_extremes(&tally->extreme, measure, layout, chunk, bits); return;
    }
    UNREACHABLE();
}

void tally_merge_older(union tally *tally, enum tally_kind kind, const union tally *older) {
    switch (kind) {
    case TALLY_COUNT: tally->count += older->count; return;
    case TALLY_FLOATS: floats_merge(&tally->floats, &older->floats); return;
    case TALLY_INTS:
        tally->ints.sum += older->ints.sum;
        tally->ints.strange_count += older->ints.strange_count;
        return;
    case TALLY_SQUARES:
        floats_merge(&tally->squares.floats, &older->squares.floats);
        words_add(tally->squares.words, older->squares.words, 6);
        return;
    case TALLY_LEAST:
    case TALLY_MOST: extreme_merge_older(&tally->extreme, kind, &older->extreme); return;
    }
    UNREACHABLE();
}

/* --- the standard deviation --- */

enum { WIDE = 16 };

static mp_size_t trim(const mp_limb_t *words, mp_size_t count) {
    while (count > 0 && words[count - 1] == 0)
        count--;
    return count;
}

/* n * (sum of squares) - (sum)^2, in units of 2^-192: not negative. Returns its words. */
static mp_size_t spread_of(const struct squares *squares, mp_limb_t spread[WIDE]) {
    mp_limb_t words[6], sum[3], square[6];
    uint64_t n = squares->floats.count;
    for (unsigned i = 0; i < 6; i++)
        words[i] = squares->words[i];
    for (unsigned i = 0; i < 3; i++)
        sum[i] = squares->floats.sum.words[i];
    if (sum[2] >> 63)
        mpn_neg(sum, sum, 3);
    mpn_sqr(square, sum, 3);
    spread[6] = mpn_mul_1(spread, words, 6, n);
    mp_limb_t borrow = mpn_sub_n(spread, spread, square, 6);
    ASSERT(spread[6] >= borrow);
    spread[6] -= borrow;
    return trim(spread, 7);
}

/* Moves the number up (shift > 0) or down; true if bits that are not zero fell off. */
static bool shift_by(mp_limb_t words[WIDE], mp_size_t *count, int shift) {
    bool lost = false;
    unsigned whole = (unsigned)(shift < 0 ? -shift : shift) / 64, rest = (unsigned)(shift < 0 ? -shift : shift) % 64;
    if (shift >= 0) {
        ASSERT(*count + whole + 1 <= WIDE);
        mpn_copyd(words + whole, words, *count);
        mpn_zero(words, whole);
        *count += whole;
        words[*count] = rest > 0 ? mpn_lshift(words, words, *count, rest) : 0;
        *count = trim(words, *count + 1);
        return false;
    }
    for (unsigned i = 0; i < whole; i++)
        lost |= words[i] != 0;
    *count -= whole;
    mpn_copyi(words, words + whole, *count);
    if (rest > 0)
        lost |= mpn_rshift(words, words, *count, rest) != 0;
    *count = trim(words, *count);
    return lost;
}

/* The root of spread / (n * (n - 1)), rounded once: 64 bits of the root with what is below them stuck to the last one,
 * as CPython's statistics module does it. */
double squares_stdev(const struct squares *squares) {
    uint64_t n = squares->floats.count;
    ASSERT(n >= 2 && n < 1ull << 32 && squares->floats.sum.beyond_count == 0);
    mp_limb_t spread[WIDE] = {0}, divisor[1] = {n * (n - 1)}, quotient[WIDE], root[1], rest[2];
    mp_size_t count = spread_of(squares, spread);
    if (count == 0)
        return 0.0;
    int bits = (int)(64 * count - __builtin_clzll(spread[count - 1]));
    int shift = 127 + (64 - __builtin_clzll(divisor[0])) - bits; /* the quotient gets 127 or 128 bits */
    shift += shift & 1;
    bool below = shift_by(spread, &count, shift);
    below |= mpn_divrem_1(quotient, 0, spread, count, divisor[0]) != 0;
    count = trim(quotient, count);
    while (count > 2) { /* 129 bits at the most: two down, which keeps the exponent even */
        below |= shift_by(quotient, &count, -2);
        shift -= 2;
    }
    ASSERT(count == 2 && quotient[1] >> 61 != 0);
    below |= mpn_sqrtrem(root, rest, quotient, 2) != 0;
    uint64_t top = root[0] | below; /* of 63 or 64 bits: ten of them are rounded away */
    return ldexp((double)top, -shift / 2 - 96);
}
