/* int(), float(), bool(), round(), chr(), ord(): from one kind of value to another, with CPython's grammars and rounding. */
#include <math.h>
#include <stdio.h>

#include "big.h"

/* The number in a str as CPython sees it before parsing: decimal digits of all scripts as ASCII, white space beyond ASCII as
 * ' ', anything else beyond ASCII as '?' (no number has one); white space at both ends is cut. */
static bool number_text(struct run *run, const struct value *v, struct str *out) {
    char *to = run_alloc(run, v->len);
    if (to == NULL || !run_charge(run, v->len / 8))
        return false;
    const char *p = v->p;
    size_t len = 0;
    unsigned bytes;
    for (size_t at = 0; at < v->len; at += bytes) {
        uint32_t c = utf8_decode(p + at, &bytes);
        if (c >= 127) {
            const struct unicode_record *record = unicode_record(run->unicode, c);
            c = record->flags & UNICODE_SPACE ? ' ' : record->decimal <= 9 ? '0' + record->decimal : '?';
        }
        to[len++] = (char)c;
    }
    size_t from = 0;
    while (from < len && (to[from] == ' ' || (to[from] >= 9 && to[from] <= 13)))
        from++;
    while (len > from && (to[len - 1] == ' ' || (to[len - 1] >= 9 && to[len - 1] <= 13)))
        len--;
    *out = (struct str){to + from, len - from};
    return true;
}

static int digit_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

static int prefix_base(struct str text) {
    if (text.len < 2 || text.p[0] != '0')
        return 0;
    char c = text.p[1] | 32;
    return c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
}

static void cut(struct str *text, size_t bytes) {
    text->p += bytes;
    text->len -= bytes;
}

/* Digits below base with single underscores between them, into `digits`; false if that is not what it is. */
static bool read_digits(struct str text, int base, uint8_t *digits, size_t *count) {
    *count = 0;
    bool after_digit = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '_' && after_digit) {
            after_digit = false;
            continue;
        }
        int digit = digit_of(text.p[i]);
        if (digit >= base)
            return false;
        digits[(*count)++] = (uint8_t)digit;
        after_digit = true;
    }
    return after_digit;
}

/* Nothing but up to 18 digits, which is what most are: false if it is anything else. */
static bool plain_int(const struct value *v, struct value *out) {
    const unsigned char *p = v->p;
    int64_t number = 0;
    if (v->len == 0 || v->len > 18)
        return false;
    for (uint32_t i = 0; i < v->len; i++) {
        unsigned digit = p[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    *out = value_int(number);
    return true;
}

static bool int_from_text(struct run *run, const struct value *v, int base, struct value *out) {
    struct str text;
    if (base == 10 && plain_int(v, out))
        return run_charge(run, v->len);
    if (!number_text(run, v, &text))
        return false;
    struct str whole = text;
    bool negative = text.len > 0 && text.p[0] == '-', only_zero = false;
    if (text.len > 0 && (text.p[0] == '-' || text.p[0] == '+'))
        cut(&text, 1);
    int prefix = prefix_base(text);
    if (base == 0) {
        only_zero = prefix == 0 && text.len > 0 && text.p[0] == '0'; /* 012 is no number since Python 3 */
        base = prefix != 0 ? prefix : 10;
    }
    if (prefix == base) {
        cut(&text, 2);
        if (text.len > 0 && text.p[0] == '_')
            cut(&text, 1);
    }
    size_t count;
    uint8_t *digits = run_alloc(run, text.len);
    if (digits == NULL)
        return false;
    struct big big;
    bool valid = read_digits(text, base, digits, &count);
    for (size_t i = 0; valid && only_zero && i < count; i++)
        valid = digits[i] == 0;
    if (!valid)
        return run_raise(run, EXCEPTION_ValueError, "invalid literal for int() with base %d: '%.*s'", base,
                         (int)(whole.len < 100 ? whole.len : 100), whole.p);
    if (count > 4300 && (base & (base - 1)) != 0) /* Python's own limit */
        return run_raise(run, EXCEPTION_ValueError, "Exceeds the limit (4300 digits) for integer string conversion");
    if (!run_charge(run, count) || !big_from_digits(&big, digits, count, base))
        return run->steps_left > 0 &&
               run_raise(run, EXCEPTION_OverflowError, "an int of more than %u bits", LIMIT_INT_BITS);
    big.negative = negative && big.count > 0;
    return big_value(run, &big, out);
}

static bool int_from_float(struct run *run, double f, struct value *out) {
    if (isnan(f))
        return run_raise(run, EXCEPTION_ValueError, "cannot convert float NaN to integer");
    if (isinf(f))
        return run_raise(run, EXCEPTION_OverflowError, "cannot convert float infinity to integer");
    if (f >= -0x1p63 && f < 0x1p63) {
        *out = value_int((int64_t)f);
        return true;
    }
    struct big big;
    big_from_double(&big, f);
    return big_value(run, &big, out);
}

bool convert_float_to_int(struct run *run, double f, struct value *out) { return int_from_float(run, f, out); }

/* Bytes where a number's text may stand: as a str of ASCII, if that is what they are. */
static bool text_of_bytes(struct run *run, const struct value *v, const char *function, struct value *out) {
    const unsigned char *p = v->p;
    *out = text_ascii(v->p, v->len);
    for (uint32_t i = 0; i < v->len; i++)
        if (p[i] >= 128)
            return run_raise(run, EXCEPTION_ValueError, "invalid bytes for %s()", function);
    return true;
}

bool builtin_int(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (count == 0) {
        *out = value_int(0);
        return true;
    }
    const struct value *v = &args[0];
    struct value text;
    if (v->tag == V_BYTES) {
        if (!text_of_bytes(run, v, "int", &text))
            return false;
        v = &text;
    }
    if (count == 2) {
        if (!is_int(&args[1]))
            return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(&args[1]));
        int64_t base = args[1].tag == V_BIGINT ? -1 : args[1].i;
        if (base != 0 && (base < 2 || base > 36))
            return run_raise(run, EXCEPTION_ValueError, "int() base must be >= 2 and <= 36, or 0");
        if (v->tag != V_STR)
            return run_raise(run, EXCEPTION_TypeError, "int() can't convert non-string with explicit base");
        return int_from_text(run, v, (int)base, out);
    }
    if (is_int(v))
        return arithmetic_pos(run, v, out);
    if (v->tag == V_FLOAT)
        return int_from_float(run, v->f, out);
    if (v->tag == V_STR)
        return int_from_text(run, v, 10, out);
    return run_raise(run, EXCEPTION_TypeError, "int() argument must be a string, a bytes-like object or a real number, not '%s'",
                     type_name(v));
}

/* "inf", "infinity", "nan" with a sign, in any case. */
static bool named_float(struct str text, double *out) {
    bool negative = text.len > 0 && text.p[0] == '-';
    if (text.len > 0 && (text.p[0] == '-' || text.p[0] == '+'))
        cut(&text, 1);
    if ((text.len == 3 && strncasecmp(text.p, "inf", 3) == 0) || (text.len == 8 && strncasecmp(text.p, "infinity", 8) == 0))
        *out = INFINITY;
    else if (text.len == 3 && strncasecmp(text.p, "nan", 3) == 0)
        *out = NAN;
    else
        return false;
    *out = negative ? -*out : *out;
    return true;
}

/* Takes single underscores between digits out, in place; false if one stands elsewhere. */
static bool without_underscores(struct str *text) {
    char *to = (char *)(uintptr_t)text->p, previous = 0; /* ours: number_text made it */
    size_t used = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->p[i];
        bool digit = c >= '0' && c <= '9';
        if (c == '_' ? !(previous >= '0' && previous <= '9') : previous == '_' && !digit)
            return false;
        if (c != '_')
            to[used++] = c;
        previous = c;
    }
    text->len = used;
    return previous != '_';
}

static bool float_from_text(struct run *run, const struct value *v, struct value *out) {
    struct str text;
    double f;
    if (!number_text(run, v, &text))
        return false;
    struct str whole = text;
    if (!without_underscores(&text) || !(named_float(text, &f) || number_parse_double(text.p, text.len, &f)))
        return run_raise(run, EXCEPTION_ValueError, "could not convert string to float: '%.*s'",
                         (int)(whole.len < 100 ? whole.len : 100), whole.p);
    *out = value_float(f);
    return true;
}

bool builtin_float(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double f = 0;
    struct value text;
    if (count == 1 && args[0].tag == V_BYTES)
        return text_of_bytes(run, &args[0], "float", &text) && float_from_text(run, &text, out);
    if (count == 1 && args[0].tag == V_STR)
        return float_from_text(run, &args[0], out);
    if (count == 1 && !is_number(&args[0]))
        return run_raise(run, EXCEPTION_TypeError, "float() argument must be a string or a real number, not '%s'",
                         type_name(&args[0]));
    if (count == 1 && !arithmetic_double(run, &args[0], &f))
        return false;
    *out = value_float(f);
    return true;
}

bool builtin_bool(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    *out = value_bool(count == 1 && truth(&args[0]));
    return true;
}

/* --- round --- */

enum { ROUND_TEXT_BYTES = 700, DIGITS_MAX = 323, DIGITS_MIN = -308 };

/* The decimal digits of |f| cut at 10**-digits, digits < 0, half to even: all exact, on the text. Returns the length. */
static size_t round_text_above(double f, int digits, char out[ROUND_TEXT_BYTES]) {
    double whole = trunc(fabs(f));
    bool fraction = whole != fabs(f);
    int len = snprintf(out, ROUND_TEXT_BYTES, "0%.0f", whole); /* the zero takes a carry */
    ASSERT(len > 0 && len < ROUND_TEXT_BYTES);
    int kept = len + digits;
    if (kept < 1) { /* less than a tenth of the unit */
        out[0] = '0';
        return 1;
    }
    int order = out[kept] < '5' ? -1 : out[kept] > '5' ? 1 : 0;
    for (int i = kept + 1; order == 0 && i < len; i++)
        order = out[i] != '0';
    if (order == 0 && fraction)
        order = 1;
    if (order > 0 || (order == 0 && (out[kept - 1] - '0') % 2 == 1)) {
        int i = kept - 1;
        for (; out[i] == '9'; i--)
            out[i] = '0';
        out[i]++;
    }
    return (size_t)kept + (size_t)snprintf(out + kept, (size_t)(ROUND_TEXT_BYTES - kept), "e%d", -digits);
}

static bool round_float(struct run *run, double f, int64_t digits, struct value *out) {
    *out = value_float(f);
    if (!isfinite(f) || f == 0 || digits > DIGITS_MAX)
        return true;
    if (digits < DIGITS_MIN) {
        *out = value_float(copysign(0.0, f));
        return true;
    }
    char text[ROUND_TEXT_BYTES];
    size_t len;
    double rounded;
    if (digits < 0) {
        len = round_text_above(f, (int)digits, text);
    } else { /* glibc writes the exact value, rounded half to even */
        len = (size_t)snprintf(text, sizeof text, "%.*f", (int)digits, fabs(f));
        ASSERT(len < sizeof text);
        for (size_t i = 0; i < len; i++)
            if (text[i] < '0' || text[i] > '9')
                text[i] = '.'; /* whatever the locale says */
    }
    bool parsed = number_parse_double(text, len, &rounded);
    ASSERT(parsed);
    if (isinf(rounded))
        return run_raise(run, EXCEPTION_OverflowError, "rounded value too large to represent");
    *out = value_float(copysign(rounded, f));
    return true;
}

static bool round_int(struct run *run, const struct value *v, int64_t digits, struct value *out) {
    enum { DECIMAL_DIGITS_MAX = 1300 };
    if (digits >= 0)
        return arithmetic_pos(run, v, out);
    if (digits < -DECIMAL_DIGITS_MAX) { /* more than twice any int */
        *out = value_int(0);
        return true;
    }
    struct big x, ten, unit, product, quotient;
    big_load(&x, v);
    big_set(&ten, 10);
    big_set(&unit, 1);
    for (int64_t i = 0; i < -digits; i++) {
        big_multiply(&product, &unit, &ten);
        big_set_limbs(&unit, product.limbs, product.count, false);
    }
    big_divide_nearest(&quotient, &x, &unit);
    big_multiply(&product, &quotient, &unit);
    return run_charge(run, (uint64_t)-digits) && big_value(run, &product, out);
}

bool builtin_round(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *v = &args[0];
    bool to_int = count < 2 || args[1].tag == V_NONE;
    int64_t digits = 0;
    if (!is_number(v))
        return run_raise(run, EXCEPTION_TypeError, "type %s doesn't define __round__ method", type_name(v));
    if (!to_int && !is_int(&args[1]))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(&args[1]));
    if (!to_int && !sequence_int(run, &args[1], "digits", &digits))
        return false;
    if (v->tag != V_FLOAT)
        return round_int(run, v, digits, out);
    return to_int ? int_from_float(run, rint(v->f), out) : round_float(run, v->f, digits, out);
}

/* --- characters --- */

bool builtin_ord(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES && args[0].len == 1) {
        *out = value_int(*(const unsigned char *)args[0].p);
        return true;
    }
    if (args[0].tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "ord() expected string of length 1, but %s found", type_name(&args[0]));
    if (text_length(&args[0]) != 1)
        return run_raise(run, EXCEPTION_TypeError, "ord() expected a character, but string of length %llu found",
                         (unsigned long long)text_length(&args[0]));
    unsigned bytes;
    *out = value_int(utf8_decode(args[0].p, &bytes));
    return true;
}

bool builtin_chr(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!is_int(&args[0]))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(&args[0]));
    if (!is_int64(&args[0]) || args[0].i > INT32_MAX || args[0].i < INT32_MIN)
        return run_raise(run, EXCEPTION_OverflowError, "Python int too large to convert to C int");
    int64_t c = args[0].i;
    if (c < 0 || c > 0x10ffff)
        return run_raise(run, EXCEPTION_ValueError, "chr() arg not in range(0x110000)");
    if (c >= 0xd800 && c < 0xe000)
        return run_raise(run, EXCEPTION_ValueError, "a lone surrogate is not a character");
    char *p = run_alloc(run, 4);
    if (p == NULL)
        return false;
    *out = value_str(p, utf8_encode((uint32_t)c, p));
    return true;
}
