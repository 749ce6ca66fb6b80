/* str to bytes and back: UTF-8, ASCII and Latin-1 with CPython's error handlers; and ints to bytes and back. Strings have no
 * surrogates, so encoding to UTF-8 cannot fail. The compiler allows other encodings and handlers in no bundle. */
#include "big.h"
#include "bytes.h"

enum encoding { UTF8, ASCII, LATIN1 };
enum handler { STRICT, IGNORE, REPLACE, BACKSLASH, XML };

static bool named(struct run *run, const struct value *v, const char *const *names, int count, int *out) {
    if (v->tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "expected a str, not %s", type_name(v));
    for (int i = 0; i < count; i++)
        if (str_equal(value_text(v), str_of(names[i]))) {
            *out = i;
            return true;
        }
    return run_raise(run, EXCEPTION_LookupError, "unknown: %.*s", (int)(v->len < 60 ? v->len : 60), (const char *)v->p);
}

/* args[1] and args[2], if they are there: the compiler writes the names in their canonical form. */
static bool choose(struct run *run, const struct value *args, uint32_t count, int *encoding, int *handler) {
    static const char *const encodings[] = {"utf-8", "ascii", "iso8859-1"};
    static const char *const handlers[] = {"strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace"};
    *encoding = UTF8;
    *handler = STRICT;
    return (count < 2 || named(run, &args[1], encodings, 3, encoding)) && (count < 3 || named(run, &args[2], handlers, 5, handler));
}

static void substitute(struct buf *out, int handler, uint32_t c) {
    if (handler == REPLACE)
        buf_char(out, '?');
    else if (handler == XML)
        buf_format(out, "&#%u;", c);
    else if (handler == BACKSLASH)
        buf_format(out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

bool builtin_method_encode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int encoding, handler;
    if (!text_receiver(run, &args[0], "encode") || !choose(run, args, count, &encoding, &handler))
        return false;
    *out = make_bytes(args[0].len == 0 ? "" : args[0].p, args[0].len);
    if (encoding == UTF8 || is_ascii(&args[0]))
        return true;
    struct buf buf;
    run_buf(run, &buf);
    uint32_t limit = encoding == ASCII ? 0x80 : 0x100;
    unsigned bytes;
    const char *p = args[0].p;
    for (size_t at = 0; at < args[0].len && !buf.failed; at += bytes) {
        uint32_t c = utf8_decode(p + at, &bytes);
        if (c < limit)
            buf_char(&buf, (char)c);
        else if (handler == STRICT)
            return run_raise(run, EXCEPTION_UnicodeEncodeError, "'%s' codec can't encode character U+%04X",
                             encoding == ASCII ? "ascii" : "latin-1", c);
        else
            substitute(&buf, handler, c);
    }
    struct value text;
    if (!run_charge(run, args[0].len / 8) || !run_text(run, &buf, true, &text))
        return false;
    *out = make_bytes(text.p, text.len);
    return true;
}

/* How many bytes at p are one mistake: those that could have begun a character, else one. */
static size_t wrong_bytes(const unsigned char *p, size_t len) {
    unsigned char first = p[0], low = 0x80, high = 0xbf;
    size_t need = first >= 0xc2 && first <= 0xdf ? 2 : (first & 0xf0) == 0xe0 ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 1;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    size_t i = 1;
    for (; i < need && i < len && p[i] >= low && p[i] <= high; i++) {
        low = 0x80;
        high = 0xbf;
    }
    return i;
}

static void add_point(struct buf *out, uint32_t c) {
    char *room = buf_reserve(out, 4);
    if (room != NULL)
        out->len += utf8_encode(c, room);
}

/* Decodes what is right, and stops at what is not. */
static size_t decode_right(struct buf *out, int encoding, const char *p, size_t len) {
    bool ascii;
    size_t right = 0;
    if (encoding == UTF8) {
        right = utf8_valid_prefix(p, len, &ascii);
        buf_add(out, p, right);
        return right;
    }
    for (; right < len && (encoding == LATIN1 || (unsigned char)p[right] < 0x80); right++)
        add_point(out, (unsigned char)p[right]);
    return right;
}

bool builtin_method_decode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int encoding, handler;
    if (args[0].tag != V_BYTES)
        return no_attribute(run, &args[0], "decode");
    if (!choose(run, args, count, &encoding, &handler))
        return false;
    struct buf buf;
    run_buf(run, &buf);
    const char *p = args[0].p;
    size_t len = args[0].len, at = 0;
    while ((at += decode_right(&buf, encoding, p + at, len - at)) < len && !buf.failed) {
        if (handler == XML)
            return run_raise(run, EXCEPTION_TypeError, "don't know how to handle UnicodeDecodeError in error callback");
        if (handler == STRICT)
            return run_raise(run, EXCEPTION_UnicodeDecodeError, "can't decode byte 0x%02x in position %zu", (unsigned char)p[at], at);
        size_t wrong = encoding == UTF8 ? wrong_bytes((const unsigned char *)p + at, len - at) : 1;
        if (handler == REPLACE)
            add_point(&buf, 0xfffd);
        for (size_t i = 0; i < wrong && handler == BACKSLASH; i++)
            buf_format(&buf, "\\x%02x", (unsigned char)p[at + i]);
        at += wrong;
        if (!run_charge(run, 1))
            return false;
    }
    return run_charge(run, len / 8) && run_text(run, &buf, false, out);
}

/* --- ints --- */

static bool byte_order(struct run *run, const struct value *args, uint32_t count, uint32_t at, bool *little) {
    *little = false;
    if (count <= at)
        return true;
    if (args[at].tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "byteorder must be str, not %s", type_name(&args[at]));
    *little = str_equal(value_text(&args[at]), STR("little"));
    return *little || str_equal(value_text(&args[at]), STR("big")) ||
           run_raise(run, EXCEPTION_ValueError, "byteorder must be either 'little' or 'big'");
}

/* int.from_bytes(bytes, byteorder, signed) */
bool builtin_int_from_bytes(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct value bytes;
    bool little;
    if (!byte_order(run, args, count, 1, &little))
        return false;
    if (args[0].tag == V_STR || is_int(&args[0]))
        return run_raise(run, EXCEPTION_TypeError, "cannot convert '%s' object to bytes", type_name(&args[0]));
    if (!builtin_bytes(run, &args[0], 1, &bytes))
        return false;
    const unsigned char *p = bytes.p;
    bool negative = count > 2 && truth(&args[2]) && bytes.len > 0 && p[little ? bytes.len - 1 : 0] >= 0x80;
    uint64_t limbs[BIG_VALUE_LIMBS + 1] = {0};
    for (uint32_t i = 0; i < bytes.len; i++) { /* i: from the lowest */
        uint8_t byte = p[little ? i : bytes.len - 1 - i];
        if (i / 8 < BIG_VALUE_LIMBS)
            limbs[i / 8] |= (uint64_t)byte << i % 8 * 8;
        else if (byte != (negative ? 0xff : 0))
            return run_raise(run, EXCEPTION_OverflowError, "an int of more than %u bits", LIMIT_INT_BITS);
    }
    struct big big, power, one;
    uint32_t kept = bytes.len < BIG_VALUE_LIMBS * 8 ? bytes.len : BIG_VALUE_LIMBS * 8;
    big_set_limbs(&big, limbs, BIG_VALUE_LIMBS, false);
    if (negative) {
        big_set(&one, 1);
        big_shift_left(&power, &one, kept * 8);
        big_subtract(&big, &big, &power);
    }
    return run_charge(run, bytes.len / 16) && big_value(run, &big, out);
}

/* args: the int, length, byteorder, signed */
bool builtin_method_to_bytes(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    bool little, is_signed = count > 3 && truth(&args[3]);
    int64_t length = 1;
    if (!is_int(&args[0]))
        return no_attribute(run, &args[0], "to_bytes");
    if ((count > 1 && !text_size_argument(run, &args[1], &length)) || !byte_order(run, args, count, 2, &little))
        return false;
    if (length < 0)
        return run_raise(run, EXCEPTION_ValueError, "length argument must be non-negative");
    struct big big, one;
    big_load(&big, &args[0]);
    bool negative = big.negative;
    if (negative && !is_signed)
        return run_raise(run, EXCEPTION_OverflowError, "can't convert negative int to unsigned");
    big_set(&one, 1);
    if (negative) { /* two's complement: the bits of -x - 1, inverted */
        big_add(&big, &big, &one);
        big.negative = false;
    }
    if (big_bits(&big) + (is_signed ? 1 : 0) > (uint64_t)length * 8 && !(length == 0 && big.count == 0))
        return run_raise(run, EXCEPTION_OverflowError, "int too big to convert");
    uint8_t *p = run_alloc(run, (uint64_t)length);
    if (p == NULL)
        return false;
    for (int64_t i = 0; i < length; i++) {
        uint8_t byte = i / 8 < (int64_t)big.count ? (uint8_t)(big.limbs[i / 8] >> i % 8 * 8) : 0;
        p[little ? i : length - 1 - i] = negative ? (uint8_t)~byte : byte;
    }
    *out = make_bytes(p, (size_t)length);
    return true;
}

/* --- float.hex --- */

bool float_hex(struct run *run, const struct value *v, struct value *out) {
    enum { MANTISSA_BITS = 52, BIAS = 1023, TOP = 0x7ff };
    uint64_t bits;
    memcpy(&bits, &v->f, sizeof bits);
    int exponent = (int)(bits >> MANTISSA_BITS & TOP);
    uint64_t mantissa = bits & ((1ull << MANTISSA_BITS) - 1);
    struct buf buf;
    run_buf(run, &buf);
    if (exponent == TOP)
        buf_str(&buf, mantissa != 0 ? STR("nan") : bits >> 63 ? STR("-inf") : STR("inf"));
    else if (exponent == 0 && mantissa == 0)
        buf_str(&buf, bits >> 63 ? STR("-0x0.0p+0") : STR("0x0.0p+0"));
    else
        buf_format(&buf, "%s0x%d.%013llxp%+d", bits >> 63 ? "-" : "", exponent > 0, (unsigned long long)mantissa,
                   exponent > 0 ? exponent - BIAS : 1 - BIAS);
    return run_text(run, &buf, true, out);
}
