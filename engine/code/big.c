/* Ints beyond 64 bits: sign and magnitude over GMP's mpn functions, on the stack (big.h). GMP's own memory is the stack too at
 * these sizes. */
#include "big.h"

#include <gmp.h>
#include <math.h>

_Static_assert(sizeof(mp_limb_t) == sizeof(uint64_t) && GMP_NAIL_BITS == 0, "a limb is 64 bits");

static mp_limb_t *limbs_of(struct big *big) { return (mp_limb_t *)big->limbs; }
static const mp_limb_t *limbs_in(const struct big *big) { return (const mp_limb_t *)big->limbs; }

static void trim(struct big *big) {
    ASSERT(big->count <= BIG_LIMBS);
    while (big->count > 0 && big->limbs[big->count - 1] == 0)
        big->count--;
    if (big->count == 0)
        big->negative = false;
}

static void copy(struct big *out, const struct big *from) {
    if (out != from)
        big_set_limbs(out, from->limbs, from->count, from->negative);
}

void big_set_limbs(struct big *out, const uint64_t *limbs, uint32_t count, bool negative) {
    ASSERT(count <= BIG_LIMBS);
    memmove(out->limbs, limbs, count * sizeof *limbs);
    out->count = count;
    out->negative = negative;
    trim(out);
}

void big_set_unsigned(struct big *out, uint64_t i) {
    out->limbs[0] = i;
    out->count = 1;
    out->negative = false;
    trim(out);
}

void big_set(struct big *out, int64_t i) {
    big_set_unsigned(out, i < 0 ? -(uint64_t)i : (uint64_t)i);
    out->negative = i < 0;
}

void big_load(struct big *out, const struct value *v) {
    ASSERT(is_int(v));
    if (v->tag == V_BIGINT)
        big_set_limbs(out, v->p, v->len, (v->flags & BIG_NEGATIVE) != 0);
    else
        big_set(out, v->i);
}

void big_from_double(struct big *out, double f) {
    ASSERT(isfinite(f));
    int exponent;
    double mantissa = frexp(trunc(fabs(f)), &exponent);
    big_set_unsigned(out, (uint64_t)ldexp(mantissa, 53));
    if (exponent > 53)
        big_shift_left(out, out, (uint32_t)exponent - 53);
    else
        big_shift_right(out, out, (uint64_t)(53 - exponent)); /* no bits are lost: it is integral */
    out->negative = out->count > 0 && f < 0;
}

bool big_int64(const struct big *big, int64_t *out) {
    if (big->count > 1)
        return false;
    uint64_t magnitude = big->count == 0 ? 0 : big->limbs[0];
    if (magnitude > (uint64_t)INT64_MAX + big->negative)
        return false;
    *out = big->negative ? (int64_t)-magnitude : (int64_t)magnitude;
    return true;
}

bool big_value(struct run *run, const struct big *big, struct value *out) {
    int64_t small;
    if (big_int64(big, &small)) {
        *out = value_int(small);
        return true;
    }
    if (big_bits(big) > LIMIT_INT_BITS)
        return run_raise(run, EXCEPTION_OverflowError, "an int of more than %u bits", LIMIT_INT_BITS);
    uint64_t *limbs = run_alloc(run, big->count * sizeof *limbs);
    if (limbs == NULL)
        return false;
    memcpy(limbs, big->limbs, big->count * sizeof *limbs);
    *out = (struct value){.tag = V_BIGINT, .flags = big->negative ? BIG_NEGATIVE : 0, .len = big->count, .p = limbs};
    return true;
}

uint32_t big_bits(const struct big *big) {
    if (big->count == 0)
        return 0;
    return big->count * 64 - (uint32_t)__builtin_clzll(big->limbs[big->count - 1]);
}

bool big_is_odd(const struct big *big) { return big->count > 0 && (big->limbs[0] & 1); }

/* The 64 highest bits, the lowest of them set too if anything is below; and how far they were shifted. */
static uint64_t top_bits(const struct big *big, uint32_t *shift) {
    uint32_t bits = big_bits(big);
    if (bits <= 64) {
        *shift = 0;
        return big->count == 0 ? 0 : big->limbs[0];
    }
    *shift = bits - 64;
    uint32_t word = *shift / 64, offset = *shift % 64;
    uint64_t top = big->limbs[word] >> offset;
    if (offset != 0 && word + 1 < big->count)
        top |= big->limbs[word + 1] << (64 - offset);
    bool below = offset != 0 && (big->limbs[word] & ((1ull << offset) - 1)) != 0;
    for (uint32_t i = 0; i < word && !below; i++)
        below = big->limbs[i] != 0;
    return top | below;
}

double big_double(const struct big *big) {
    uint32_t shift;
    uint64_t top = top_bits(big, &shift);
    double magnitude = ldexp((double)top, (int)shift); /* one rounding, in the conversion */
    return big->negative ? -magnitude : magnitude;
}

int big_compare_magnitude(const struct big *a, const struct big *b) {
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    if (a->count == 0)
        return 0;
    int order = mpn_cmp(limbs_in(a), limbs_in(b), a->count);
    return (order > 0) - (order < 0);
}

int big_compare(const struct big *a, const struct big *b) {
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    int order = big_compare_magnitude(a, b);
    return a->negative ? -order : order;
}

static void add_magnitudes(struct big *out, const struct big *a, const struct big *b) {
    if (a->count < b->count) {
        const struct big *swap = a;
        a = b;
        b = swap;
    }
    if (b->count == 0) {
        copy(out, a);
        return;
    }
    ASSERT(a->count < BIG_LIMBS);
    uint32_t count = a->count;
    mp_limb_t carry = mpn_add(limbs_of(out), limbs_in(a), a->count, limbs_in(b), b->count);
    out->limbs[count] = carry;
    out->count = count + 1;
}

/* a is not the smaller one. */
static void subtract_magnitudes(struct big *out, const struct big *a, const struct big *b) {
    if (b->count == 0) {
        copy(out, a);
        return;
    }
    uint32_t count = a->count;
    mp_limb_t borrow = mpn_sub(limbs_of(out), limbs_in(a), a->count, limbs_in(b), b->count);
    ASSERT(borrow == 0);
    out->count = count;
}

static void add_signed(struct big *out, const struct big *a, const struct big *b, bool b_negative) {
    bool a_negative = a->negative, negative = a_negative;
    if (a_negative == b_negative)
        add_magnitudes(out, a, b);
    else if (big_compare_magnitude(a, b) >= 0)
        subtract_magnitudes(out, a, b);
    else {
        subtract_magnitudes(out, b, a);
        negative = b_negative;
    }
    out->negative = negative;
    trim(out);
}

void big_add(struct big *out, const struct big *a, const struct big *b) { add_signed(out, a, b, b->negative); }
void big_subtract(struct big *out, const struct big *a, const struct big *b) { add_signed(out, a, b, !b->negative); }

void big_multiply(struct big *out, const struct big *a, const struct big *b) {
    ASSERT(out != a && out != b);
    ASSERT(a->count + b->count <= BIG_LIMBS);
    if (a->count == 0 || b->count == 0) {
        big_set(out, 0);
        return;
    }
    if (a->count < b->count)
        mpn_mul(limbs_of(out), limbs_in(b), b->count, limbs_in(a), a->count);
    else
        mpn_mul(limbs_of(out), limbs_in(a), a->count, limbs_in(b), b->count);
    out->count = a->count + b->count;
    out->negative = a->negative != b->negative;
    trim(out);
}

void big_divide(struct big *quotient, struct big *remainder, const struct big *a, const struct big *b) {
    ASSERT(b->count > 0);
    ASSERT(remainder != a && remainder != b && quotient != a && quotient != b);
    struct big own;
    if (quotient == NULL)
        quotient = &own;
    bool negative = a->negative != b->negative;
    if (big_compare_magnitude(a, b) < 0) {
        big_set(quotient, 0);
        copy(remainder, a);
    } else {
        mpn_tdiv_qr(limbs_of(quotient), limbs_of(remainder), 0, limbs_in(a), a->count, limbs_in(b), b->count);
        quotient->count = a->count - b->count + 1;
        quotient->negative = negative;
        remainder->count = b->count;
        remainder->negative = a->negative;
        trim(quotient);
        trim(remainder);
    }
    if (remainder->count > 0 && negative) { /* truncated so far; floor is one below */
        struct big one;
        big_set(&one, 1);
        big_subtract(quotient, quotient, &one);
        big_add(remainder, remainder, b);
    }
}

void big_shift_left(struct big *out, const struct big *a, uint32_t bits) {
    uint32_t words = bits / 64, offset = bits % 64, count = a->count;
    bool negative = a->negative;
    if (count == 0) {
        big_set(out, 0);
        return;
    }
    ASSERT(count + words + 1 <= BIG_LIMBS);
    mp_limb_t top = 0;
    if (offset != 0)
        top = mpn_lshift(limbs_of(out) + words, limbs_in(a), count, offset);
    else
        memmove(out->limbs + words, a->limbs, count * sizeof *out->limbs);
    memset(out->limbs, 0, words * sizeof *out->limbs);
    out->limbs[words + count] = top;
    out->count = words + count + 1;
    out->negative = negative;
    trim(out);
}

void big_shift_right(struct big *out, const struct big *a, uint64_t bits) {
    uint64_t words = bits / 64;
    uint32_t offset = bits % 64, count = a->count;
    bool negative = a->negative, lost = false;
    if (words >= count) {
        big_set(out, negative ? -1 : 0);
        return;
    }
    for (uint64_t i = 0; i < words; i++)
        lost |= a->limbs[i] != 0;
    uint32_t kept = count - (uint32_t)words;
    if (offset != 0)
        lost |= mpn_rshift(limbs_of(out), limbs_in(a) + words, kept, offset) != 0;
    else
        memmove(out->limbs, a->limbs + words, kept * sizeof *out->limbs);
    out->count = kept;
    out->negative = negative;
    trim(out);
    if (negative && lost) {
        struct big one;
        big_set(&one, 1);
        out->negative = true;
        add_magnitudes(out, out, &one);
        trim(out);
        out->negative = true;
    }
}

/* Two's complement in `count` limbs. */
static void complement(uint64_t *out, const struct big *big, uint32_t count) {
    ASSERT(big->count <= count);
    memcpy(out, big->limbs, big->count * sizeof *out);
    memset(out + big->count, 0, (count - big->count) * sizeof *out);
    if (big->negative)
        mpn_neg((mp_limb_t *)out, (mp_limb_t *)out, count);
}

void big_bit_operation(struct big *out, enum opcode op, const struct big *a, const struct big *b) {
    uint32_t count = (a->count > b->count ? a->count : b->count) + 1; /* one for the sign */
    ASSERT(count <= BIG_LIMBS);
    uint64_t x[BIG_LIMBS], y[BIG_LIMBS];
    complement(x, a, count);
    complement(y, b, count);
    for (uint32_t i = 0; i < count; i++)
        x[i] = op == OP_BIT_AND ? x[i] & y[i] : op == OP_BIT_OR ? x[i] | y[i] : x[i] ^ y[i];
    bool negative = x[count - 1] >> 63;
    if (negative)
        mpn_neg((mp_limb_t *)x, (mp_limb_t *)x, count);
    big_set_limbs(out, x, count, negative);
}

void big_divide_nearest(struct big *out, const struct big *a, const struct big *b) {
    ASSERT(b->count > 0 && !b->negative);
    struct big quotient, remainder, twice;
    big_divide(&quotient, &remainder, a, b);
    big_shift_left(&twice, &remainder, 1);
    int order = big_compare(&twice, b);
    if (order > 0 || (order == 0 && big_is_odd(&quotient))) {
        struct big one;
        big_set(&one, 1);
        big_add(&quotient, &quotient, &one);
    }
    copy(out, &quotient);
}

bool big_true_divide(const struct big *a, const struct big *b, double *out) {
    ASSERT(b->count > 0);
    bool negative = a->negative != b->negative;
    if (a->count == 0) {
        *out = negative ? -0.0 : 0.0;
        return true;
    }
    struct big x, y, quotient, remainder;
    big_set_limbs(&x, a->limbs, a->count, false);
    big_set_limbs(&y, b->limbs, b->count, false);
    /* Scale so that the quotient has 62 or 63 bits; what is below them is remembered in its lowest bit. */
    int shift = 62 - ((int)big_bits(&x) - (int)big_bits(&y));
    if (shift > 0)
        big_shift_left(&x, &x, (uint32_t)shift);
    else
        big_shift_left(&y, &y, (uint32_t)-shift);
    big_divide(&quotient, &remainder, &x, &y);
    ASSERT(quotient.count == 1 && quotient.limbs[0] >> 61 != 0);
    uint64_t bits = quotient.limbs[0] | (remainder.count > 0);
    int length = 64 - __builtin_clzll(bits), keep = length - shift + 1074; /* fewer than 53 for a subnormal */
    keep = keep > 53 ? 53 : keep;
    if (keep < 0) {
        *out = negative ? -0.0 : 0.0;
        return true;
    }
    uint64_t unit = 1ull << (length - keep), part = bits & (unit - 1), whole = bits - part;
    if (part > unit / 2 || (part == unit / 2 && (whole & unit)))
        whole += unit;
    *out = ldexp((double)whole, -shift); /* both exact */
    if (isinf(*out))
        return false;
    if (negative)
        *out = -*out;
    return true;
}

size_t big_digits(const struct big *big, int base, char *out) {
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    ASSERT(base >= 2 && base <= 36);
    if (big->count == 0) {
        out[0] = '0';
        return 1;
    }
    mp_limb_t scratch[BIG_LIMBS + 1]; /* mpn_get_str destroys its input */
    memcpy(scratch, big->limbs, big->count * sizeof *scratch);
    size_t count = mpn_get_str((unsigned char *)out, base, scratch, big->count), zeros = 0;
    while (zeros + 1 < count && out[zeros] == 0)
        zeros++;
    for (size_t i = zeros; i < count; i++)
        out[i - zeros] = digits[(unsigned char)out[i]];
    return count - zeros;
}

bool big_from_digits(struct big *out, const uint8_t *digits, size_t count, int base) {
    ASSERT(base >= 2 && base <= 36);
    while (count > 0 && digits[0] == 0) {
        digits++;
        count--;
    }
    big_set(out, 0);
    if (count == 0)
        return true;
    if (count > LIMIT_INT_BITS)
        return false;
    struct big sum, factor, digit, next;
    big_set(&sum, 0);
    big_set(&factor, base);
    for (size_t i = 0; i < count; i++) {
        big_multiply(&next, &sum, &factor);
        big_set(&digit, digits[i]);
        big_add(&sum, &next, &digit);
        if (big_bits(&sum) > LIMIT_INT_BITS)
            return false;
    }
    copy(out, &sum);
    return true;
}
