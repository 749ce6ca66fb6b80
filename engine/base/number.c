/* Numbers and text with CPython's bits: the shortest digits that read back the same, and correctly rounded reading.
 * Called by the event room (JSON numbers), by functions (str, float, formats) and by every answer.
 *
 *   writing   Schubfach (R. Giulietti, "The Schubfach way to render doubles", 2021): the shortest decimal within a
 *             double's rounding interval, by three multiplications with a 128-bit power of ten; ties go to even.
 *   reading   Up to 2^53 and 10^22 one exact multiplication or division (W. Clinger, 1990); else D. Lemire, "Number
 *             parsing at a gigabyte per second", 2021: the first 19 digits times a 128-bit power of ten decide the
 *             bits. Where they do not (longer texts near a tie), strtod of the digits rewritten without a point, which
 *             no locale can change; beyond KEPT_DIGITS only whether a digit is not zero matters, for no tie of doubles
 *             has more than 767.
 *
 * Both use one table of powers rounded down (number_table.h); Schubfach wants them rounded up: plus 1 unless exact. */
#include "number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assert.h"

struct power {
    uint64_t high, low;
};
#include "number_table.h"

enum { EXACT_LAST = 55 }; /* 5^55 is the last power of five within 128 bits */
enum { KEPT_DIGITS = 800, EXPONENT_LIMIT = 1000000000 };

static const char two_digits[201] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* --- writing --- */

struct decimal {
    uint64_t digits; /* value = digits * 10^exponent */
    int exponent;
};

static struct power power_rounded_up(int exponent) {
    ASSERT(exponent >= POWER_FIRST && exponent <= POWER_LAST);
    struct power power = powers[exponent - POWER_FIRST];
    if (exponent < 0 || exponent > EXACT_LAST) {
        power.low++;
        power.high += power.low == 0;
    }
    return power;
}

/* The top 64 bits of power * factor (128 x 64), with the lowest bit set if anything below is left: "round to odd". */
static inline uint64_t multiply_to_odd(struct power power, uint64_t factor) {
    unsigned __int128 low = (unsigned __int128)power.low * factor;
    unsigned __int128 high = (unsigned __int128)power.high * factor + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* The shortest decimal in the rounding interval of significand * 2^exponent, the closest one if there are several.
 * All values are taken times four, so that the interval's ends are whole. */
static struct decimal shortest(uint64_t significand, int exponent, bool lower_is_closer) {
    int open = significand & 1; /* an end belongs to the interval only of an even significand */
    int k = (exponent * 1262611 - (lower_is_closer ? 524031 : 0)) >> 22; /* floor(log10(2^exponent [* 3/4])) */
    int shift = exponent + ((-k * 1741647) >> 19) + 1;                   /* floor(log2(10^-k)) */
    ASSERT(shift >= 1 && shift <= 4);
    struct power power = power_rounded_up(-k);
    uint64_t value = multiply_to_odd(power, 4 * significand << shift);
    uint64_t lower = multiply_to_odd(power, (4 * significand - 2 + lower_is_closer) << shift) + (uint64_t)open;
    uint64_t upper = multiply_to_odd(power, (4 * significand + 2) << shift) - (uint64_t)open;
    uint64_t floor = value / 4;
    if (floor >= 10) {
        uint64_t tenth = floor / 10;
        bool down = lower <= 40 * tenth, up = 40 * tenth + 40 <= upper;
        if (down != up) {
            return (struct decimal){tenth + up, k + 1};
        }
    }
    bool down = lower <= 4 * floor, up = 4 * floor + 4 <= upper;
    if (down != up) {
        return (struct decimal){floor + up, k};
    }
    uint64_t middle = 4 * floor + 2;
    bool round_up = value > middle || (value == middle && (floor & 1));
    return (struct decimal){floor + round_up, k};
}

/* value = digits * 10^exponent of a positive, finite double, without trailing zeros. */
static struct decimal to_decimal(uint64_t bits) {
    uint64_t fraction = bits & 0xfffffffffffffull;
    int biased = (int)(bits >> 52);
    uint64_t significand = biased ? fraction | 1ull << 52 : fraction;
    int exponent = (biased ? biased : 1) - 1075;
    struct decimal result;
    if (exponent <= 0 && exponent > -53 && (significand & ((1ull << -exponent) - 1)) == 0) {
        result = (struct decimal){significand >> -exponent, 0}; /* a whole number below 2^53 */
    } else {
        result = shortest(significand, exponent, fraction == 0 && biased > 1);
    }
    static const struct {
        uint64_t factor;
        int zeros;
    } steps[] = {{100000000, 8}, {10000, 4}, {100, 2}, {10, 1}};
    ASSERT(result.digits != 0);
    while (result.digits % steps[0].factor == 0) {
        result.digits /= steps[0].factor;
        result.exponent += steps[0].zeros;
    }
    for (int i = 1; i < 4; i++) {
        if (result.digits % steps[i].factor == 0) {
            result.digits /= steps[i].factor;
            result.exponent += steps[i].zeros;
        }
    }
    return result;
}

/* Writes the digits of value so that they end before `end`; returns where they begin. */
static char *put_digits_before(char *end, uint64_t value) {
    while (value >= 100) {
        end -= 2;
        memcpy(end, two_digits + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        end -= 2;
        memcpy(end, two_digits + value * 2, 2);
        return end;
    }
    *--end = (char)('0' + value);
    return end;
}

static size_t put_exponent(char *out, int exponent) {
    char *at = out;
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    unsigned size = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (size >= 100) {
        *at++ = (char)('0' + size / 100);
        size %= 100;
    }
    memcpy(at, two_digits + size * 2, 2);
    return (size_t)(at + 2 - out);
}

/* Puts digits and point as repr does: positional for 1e-4 <= value < 1e16, else d.ddde+xx. `point` is the place of
 * the decimal point counted from the first digit. */
static size_t put_decimal(char *out, const char *digits, int count, int point) {
    ASSERT(count >= 1 && count <= 17);
    if (point > 16 || point <= -4) {
        size_t len = 1;
        out[0] = digits[0];
        if (count > 1) {
            out[1] = '.';
            memcpy(out + 2, digits + 1, (size_t)count - 1);
            len = (size_t)count + 1;
        }
        return len + put_exponent(out + len, point - 1);
    }
    if (point <= 0) {
        memcpy(out, "0.000", 5);
        memcpy(out + 2 - point, digits, (size_t)count);
        return (size_t)(2 - point + count);
    }
    if (point >= count) {
        memcpy(out, digits, (size_t)count);
        memset(out + count, '0', (size_t)(point - count));
        memcpy(out + point, ".0", 2);
        return (size_t)point + 2;
    }
    memcpy(out, digits, (size_t)point);
    out[point] = '.';
    memcpy(out + point + 1, digits + point, (size_t)(count - point));
    return (size_t)count + 1;
}

size_t number_repr(double value, char out[NUMBER_TEXT_BYTES]) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    if (isnan(value)) {
        memcpy(out, "nan", 3);
        return 3;
    }
    size_t sign = bits >> 63;
    out[0] = '-';
    bits &= INT64_MAX;
    if (isinf(value)) {
        memcpy(out + sign, "inf", 3);
        return sign + 3;
    }
    if (bits == 0) {
        memcpy(out + sign, "0.0", 3);
        return sign + 3;
    }
    struct decimal decimal = to_decimal(bits);
    char digits[20];
    char *end = digits + sizeof digits, *start = put_digits_before(end, decimal.digits);
    int count = (int)(end - start);
    size_t len = sign + put_decimal(out + sign, start, count, count + decimal.exponent);
    ASSERT(len <= 32);
    return len;
}

size_t number_int(int64_t value, char out[NUMBER_TEXT_BYTES]) {
    char digits[20];
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *end = digits + sizeof digits, *start = put_digits_before(end, size);
    size_t sign = value < 0, count = (size_t)(end - start);
    ASSERT(count >= 1 && count <= 19);
    out[0] = '-';
    memcpy(out + sign, start, count);
    return sign + count;
}

/* --- reading --- */

/* A decimal text as scanned: its value is the digits, taken as one whole number, times 10^exponent. */
struct scan {
    const char *first, *end; /* of the digits, with perhaps a point among them */
    uint64_t leading;        /* the first 19 digits that count, as a number */
    int64_t exponent;        /* of `leading` */
    size_t whole_digits, fraction_digits;
    bool negative, cut; /* cut: digits beyond `leading` were left out (they may be zeros) */
    bool has_point, has_exponent;
};

static inline bool is_digit(char c) { return (unsigned char)(c - '0') <= 9; }

/* Takes up to 19 digits that count into `leading`. */
static const char *scan_digits(const char *p, const char *end, struct scan *scan, int *taken) {
    while (p < end && is_digit(*p)) {
        if (*taken < 19) {
            scan->leading = scan->leading * 10 + (uint64_t)(*p - '0');
            *taken += scan->leading != 0;
            scan->exponent -= scan->has_point;
        } else {
            scan->cut = true;
            scan->exponent += !scan->has_point;
        }
        p++;
    }
    return p;
}

/* "e[+-]digits" at p; p itself if it is not one. */
static const char *scan_exponent(const char *p, const char *end, struct scan *scan) {
    const char *at = p + 1;
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (at == end || !is_digit(*at)) {
        return p;
    }
    int64_t exponent = 0;
    for (; at < end && is_digit(*at); at++) {
        exponent = exponent < EXPONENT_LIMIT ? exponent * 10 + (*at - '0') : exponent;
    }
    scan->exponent += negative ? -exponent : exponent;
    scan->has_exponent = true;
    return at;
}

/* Scans digits, point and exponent at p (after the sign); returns their end, or NULL where the grammar is broken after
 * a point or an 'e'. */
static const char *scan_number(const char *p, const char *end, struct scan *scan) {
    int taken = 0;
    scan->first = p;
    p = scan_digits(p, end, scan, &taken);
    scan->whole_digits = (size_t)(p - scan->first);
    if (p < end && *p == '.') {
        scan->has_point = true;
        const char *fraction = p + 1;
        p = scan_digits(fraction, end, scan, &taken);
        scan->fraction_digits = (size_t)(p - fraction);
    }
    scan->end = p;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *after = scan_exponent(p, end, scan);
        return after == p ? NULL : after;
    }
    return p;
}

/* The 128-bit product of w (its top bit set) and the power, as far as it is needed for 55 good bits. */
static inline unsigned __int128 approximate(uint64_t w, struct power power) {
    unsigned __int128 product = (unsigned __int128)w * power.high;
    if (((uint64_t)(product >> 64) & 0x1ff) == 0x1ff) {
        product += (uint64_t)(((unsigned __int128)w * power.low) >> 64);
    }
    return product;
}

/* w * 10^q as the bits of a positive double; false where 128 bits do not decide it. */
static bool lemire(uint64_t w, int64_t q, uint64_t *bits) {
    *bits = 0;
    if (w == 0 || q < POWER_FIRST) {
        return true;
    }
    if (q > 308) {
        *bits = 0x7ffull << 52;
        return true;
    }
    struct power power = powers[q - POWER_FIRST];
    if (q >= -27 && q < 0) {
        power.low++; /* the paper rounds these up; no carry: no entry there ends in all ones */
    }
    int zeros = __builtin_clzll(w);
    unsigned __int128 product = approximate(w << zeros, power);
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if (low == UINT64_MAX && (q < -27 || q > EXACT_LAST)) {
        return false;
    }
    int top = (int)(high >> 63), drop = top + 9;
    uint64_t mantissa = high >> drop; /* 54 bits: one more than a double has */
    int64_t exponent = ((217706 * q) >> 16) + 63 + top - zeros + 1023;
    if (exponent <= 0) { /* subnormal, or rounds up to the least normal */
        if (exponent < -62) {
            return true;
        }
        mantissa >>= 1 - exponent;
        *bits = (mantissa + (mantissa & 1)) >> 1;
        return true;
    }
    if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << drop == high) {
        mantissa &= ~1ull; /* exactly half way: to even */
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    /* Adding lets a carry out of the mantissa go on into the exponent. */
    *bits = ((uint64_t)(exponent - 1) << 52) + mantissa;
    if (*bits >= 0x7ffull << 52) {
        *bits = 0x7ffull << 52;
    }
    return true;
}

/* Rewrites the digits as "DIGITSeEXPONENT" for strtod. Leading zeros are dropped, and what follows KEPT_DIGITS becomes
 * a single 1 if any of it is not zero. */
static double slow(const struct scan *scan) {
    char text[KEPT_DIGITS + 32];
    size_t kept = 0;
    bool sticky = false;
    for (const char *p = scan->first; p < scan->end; p++) {
        if (*p == '.' || (kept == 0 && *p == '0')) {
            continue;
        }
        if (kept < KEPT_DIGITS) {
            text[kept++] = *p;
        } else {
            sticky |= *p != '0';
        }
    }
    ASSERT(kept >= 1);
    /* `exponent` belongs to the first 19 digits; the text may have more. */
    int64_t exponent = scan->exponent - (kept > 19 ? (int64_t)kept - 19 : 0);
    if (sticky) {
        text[kept++] = '1';
        exponent--;
    }
    exponent = exponent > 2 * EXPONENT_LIMIT ? 2 * EXPONENT_LIMIT : exponent;
    int len = snprintf(text + kept, sizeof text - kept, "e%lld", (long long)exponent);
    ASSERT(len > 0 && (size_t)len < sizeof text - kept);
    return strtod(text, NULL);
}

static double to_double(const struct scan *scan) {
    static const double tens[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double value;
    if (!scan->cut && scan->leading <= 1ull << 53 && scan->exponent >= -22 && scan->exponent <= 22) {
        value = (double)scan->leading;
        value = scan->exponent < 0 ? value / tens[-scan->exponent] : value * tens[scan->exponent];
        return scan->negative ? -value : value;
    }
    uint64_t bits, above;
    bool decided = lemire(scan->leading, scan->exponent, &bits);
    if (decided && scan->cut) {
        decided = lemire(scan->leading + 1, scan->exponent, &above) && above == bits;
    }
    if (decided) {
        memcpy(&value, &bits, 8);
    } else {
        value = slow(scan);
    }
    return scan->negative ? -value : value;
}

/* The whole number that the scan is, if it fits 64 bits. */
static bool to_int(const struct scan *scan, int64_t *out) {
    uint64_t size = scan->leading;
    if (scan->cut) { /* beyond 19 digits JSON allows no leading zeros, so it is at least 10^19 */
        return false;
    }
    if (size > (uint64_t)INT64_MAX + scan->negative) {
        return false;
    }
    *out = (int64_t)(scan->negative ? 0 - size : size);
    return true;
}

size_t number_parse_json(const char *p, size_t len, struct number *out) {
    const char *at = p, *end = p + len;
    struct scan scan = {0};
    ASSERT(out != NULL && (p != NULL || len == 0));
    scan.negative = at < end && *at == '-';
    at += scan.negative;
    at = scan_number(at, end, &scan);
    if (at == NULL || scan.whole_digits == 0 || (scan.whole_digits > 1 && *scan.first == '0') ||
        (scan.has_point && scan.fraction_digits == 0)) {
        return 0;
    }
    *out = (struct number){.is_int = !scan.has_point && !scan.has_exponent, .f = to_double(&scan)};
    if (out->is_int) {
        out->overflow = !to_int(&scan, &out->i);
        out->negative_zero = scan.negative && scan.leading == 0;
    } else {
        out->overflow = isinf(out->f);
    }
    return (size_t)(at - p);
}

bool number_parse_double(const char *p, size_t len, double *out) {
    const char *at = p, *end = p + len;
    struct scan scan = {0};
    ASSERT(out != NULL && (p != NULL || len == 0));
    scan.negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    at = scan_number(at, end, &scan);
    if (at != end || scan.whole_digits + scan.fraction_digits == 0) {
        return false;
    }
    *out = to_double(&scan);
    return true;
}
