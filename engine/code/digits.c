/* Doubles as decimal text of a given precision, with CPython's bits: correctly rounded, half to even, at any precision.
 *
 * The digits come from the C library, which writes a double's exact value; two decimals and the like of everyday size
 * are made in 128-bit integers. A double has at most 767 significant digits and 1,074 behind the point, so what is asked
 * beyond that is zeros. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "spec.h"

enum { EXACT_DIGITS = 1100, DIGITS_BYTES = 1500, FAST_PRECISION = 9, REPR_POINT_MAX = 16 };

/* 0.d1d2d3... * 10**point, without zeros at the end; "0" and 1 for zero; no digits where all was rounded away. */
struct digits {
    char text[DIGITS_BYTES];
    int64_t len, point;
};

void fill_text(struct buf *out, const char *p, size_t bytes, uint64_t count) {
    ASSERT(bytes <= 4);
    if (count == 0 || bytes == 0)
        return;
    char *to = count > LIMIT_VALUE_BYTES ? NULL : buf_reserve(out, count * bytes);
    if (to == NULL) {
        out->failed = true;
        return;
    }
    if (bytes == 1)
        memset(to, *p, count);
    else
        for (uint64_t i = 0; i < count; i++)
            memcpy(to + i * bytes, p, bytes);
    out->len += count * bytes;
}

static void strip(struct digits *digits) {
    while (digits->len > 0 && digits->text[digits->len - 1] == '0')
        digits->len--;
}

/* f * 10**precision as an integer, for precision <= 9 and f below 2**53: the product has at most 83 bits. */
static uint64_t scaled(double f, int64_t precision) {
    int exponent;
    unsigned __int128 product = (uint64_t)ldexp(frexp(f, &exponent), 53);
    for (int64_t i = 0; i < precision; i++)
        product *= 10;
    int shift = 53 - exponent;
    ASSERT(shift >= 0);
    if (shift > 120)
        return 0;
    unsigned __int128 whole = product >> shift, rest = product - (whole << shift);
    unsigned __int128 half = shift == 0 ? 1 : (unsigned __int128)1 << (shift - 1);
    return (uint64_t)whole + (rest > half || (rest == half && shift > 0 && (whole & 1)));
}

/* `precision` digits behind the point (dtoa's mode 3). */
static void digits_behind_point(double f, int64_t precision, struct digits *out) {
    char text[DIGITS_BYTES];
    int len, behind = (int)precision;
    if (precision <= FAST_PRECISION && f < 0x1p53 && f * 1e9 < 0x1p63)
        len = (int)number_int((int64_t)scaled(f, precision), text);
    else
        len = snprintf(text, sizeof text, "%.*f", behind = (int)(precision < EXACT_DIGITS ? precision : EXACT_DIGITS), f);
    ASSERT(len > 0 && len < (int)sizeof text);
    out->len = 0;
    for (int i = 0; i < len; i++)
        if (text[i] >= '0' && text[i] <= '9' && (out->len > 0 || text[i] != '0'))
            out->text[out->len++] = text[i];
    out->point = out->len - behind;
    if (out->len == 0)
        out->point = -precision;
    strip(out);
}

/* `count` significant digits (mode 2). */
static void digits_significant(double f, int64_t count, struct digits *out) {
    char text[DIGITS_BYTES];
    int len = snprintf(text, sizeof text, "%.*e", (int)(count < EXACT_DIGITS ? count : EXACT_DIGITS) - 1, f), at = 0;
    ASSERT(len > 0 && len < (int)sizeof text);
    out->len = 0;
    for (; text[at] != 'e'; at++)
        if (text[at] >= '0' && text[at] <= '9') /* whatever the locale's point is */
            out->text[out->len++] = text[at];
    bool negative = text[++at] == '-';
    int exponent = 0;
    for (at++; at < len; at++)
        exponent = exponent * 10 + text[at] - '0';
    out->point = (negative ? -exponent : exponent) + 1;
    strip(out);
}

/* The shortest that read back the same (mode 0), from repr's text. */
static void digits_shortest(double f, struct digits *out) {
    char text[NUMBER_TEXT_BYTES];
    size_t len = number_repr(f, text), at = 0;
    int64_t exponent = 0, before = 0;
    bool point = false;
    out->len = 0;
    for (; at < len && text[at] != 'e'; at++) {
        if (text[at] == '.') {
            point = true;
        } else if (out->len > 0 || text[at] != '0') {
            out->text[out->len++] = text[at];
            before += !point;
        } else {
            before -= point; /* a zero right behind the point */
        }
    }
    if (at < len) {
        bool negative = text[++at] == '-';
        for (at++; at < len; at++)
            exponent = exponent * 10 + text[at] - '0';
        exponent = negative ? -exponent : exponent;
    }
    out->point = before + exponent;
    strip(out);
}

/* Positions from .. to-1 of the digits, zeros where there are none. */
static void put_digits(struct buf *out, const struct digits *digits, int64_t from, int64_t to) {
    if (from < 0 && from < to) {
        fill_text(out, "0", 1, (uint64_t)((to < 0 ? to : 0) - from));
        from = to < 0 ? to : 0;
    }
    int64_t have = to < digits->len ? to : digits->len;
    if (from < have)
        buf_add(out, digits->text + from, (size_t)(have - from));
    from = from > digits->len ? from : digits->len;
    if (from < to)
        fill_text(out, "0", 1, (uint64_t)(to - from));
}

static void not_finite(struct buf *out, double f, bool capitals) {
    if (isinf(f) && f < 0)
        buf_char(out, '-');
    buf_str(out, isnan(f) ? (capitals ? STR("NAN") : STR("nan")) : (capitals ? STR("INF") : STR("inf")));
}

static void digits_of(double f, char code, int64_t precision, struct digits *out) {
    if (f == 0)
        *out = (struct digits){.text = "0", .len = 1, .point = 1};
    else if (code == 'r')
        digits_shortest(f, out);
    else if (code == 'f')
        digits_behind_point(f, precision, out);
    else
        digits_significant(f, code == 'e' ? precision + 1 : precision, out);
}

/* CPython's format_float_short. */
void float_text(struct buf *out, double f, const struct float_style *style) {
    char code = style->code | 32;
    bool capitals = code != style->code;
    ASSERT(code == 'e' || code == 'f' || code == 'g' || code == 'r');
    if (!isfinite(f)) {
        not_finite(out, f, capitals);
        return;
    }
    struct digits digits;
    int64_t precision = code == 'g' && style->precision == 0 ? 1 : style->precision;
    digits_of(fabs(f), code, precision, &digits);
    bool zero = digits.len == 0 || digits.text[0] == '0';
    if (signbit(f) && !(zero && style->no_negative_zero))
        buf_char(out, '-');
    int64_t point = digits.point, end = digits.len, exponent = 0;
    bool scientific = code == 'e';
    if (code == 'e')
        end = precision + 1;
    else if (code == 'f')
        end = point + precision;
    else
        scientific = point <= -4 || point > (code == 'r' ? REPR_POINT_MAX : precision - style->add_point);
    if (code == 'g' && style->alternate)
        end = precision;
    if (scientific) {
        exponent = point - 1;
        point = 1;
    }
    int64_t least = point + (style->add_point && !scientific);
    end = end > least ? end : least;
    put_digits(out, &digits, point <= 0 ? point - 1 : 0, point);
    if (end > point || style->alternate)
        buf_char(out, '.');
    put_digits(out, &digits, point, end);
    if (scientific)
        buf_format(out, "%c%c%02lld", capitals ? 'E' : 'e', exponent < 0 ? '-' : '+', (long long)llabs(exponent));
}
