/* format(value, spec): the mini-language of CPython's formatter_unicode.c, for int, float, bool, str; dates go to strftime.
 *
 *   [[fill]align][sign]["z"]["#"]["0"][width][grouping]["." precision][type]
 *
 * What a number's text is made of is laid out here: padding, sign, prefix, grouped digits, the rest. Everything that is
 * written is bounded by LIMIT_VALUE_BYTES and charged when it becomes a value (run_text). */
#include "spec.h"

#include "big.h"
#include "moment.h"

struct spec {
    uint32_t fill, type; /* code points; type 0: none was given */
    char align, sign;    /* sign 0: none was given */
    bool no_negative_zero, alternate;
    char grouping;       /* 0, ',' or '_' */
    int64_t width, precision; /* -1: none */
};

static bool wrong(struct run *run, const char *text) { return run_raise(run, EXCEPTION_ValueError, "%s", text); }

/* --- reading --- */

struct reader {
    struct run *run;
    struct str rest;
};

/* The next code point, 0 at the end; *bytes is its length. */
static uint32_t peek(const struct reader *reader, unsigned *bytes) {
    *bytes = 0;
    return reader->rest.len == 0 ? 0 : utf8_decode(reader->rest.p, bytes);
}

static void advance(struct reader *reader, unsigned bytes) {
    ASSERT(bytes <= reader->rest.len);
    reader->rest.p += bytes;
    reader->rest.len -= bytes;
}

static bool take(struct reader *reader, char c) {
    if (reader->rest.len == 0 || reader->rest.p[0] != c)
        return false;
    advance(reader, 1);
    return true;
}

static bool is_align(uint32_t c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

/* Decimal digits of any script, as Python takes them; *out stays if there are none. */
static bool take_integer(struct reader *reader, int64_t *out, bool *any) {
    int64_t sum = 0;
    unsigned bytes;
    *any = false;
    for (;;) {
        uint32_t c = peek(reader, &bytes), digit = c - '0';
        if (c >= 128)
            digit = unicode_record(reader->run->unicode, c)->decimal;
        if (bytes == 0 || digit > 9)
            break;
        if (sum > INT64_MAX / 10 || __builtin_add_overflow(sum * 10, (int64_t)digit, &sum))
            return wrong(reader->run, "Too many decimal digits in format string");
        *any = true;
        advance(reader, bytes);
    }
    if (*any)
        *out = sum;
    return true;
}

static void read_align(struct reader *reader, char default_align, struct spec *out) {
    unsigned bytes, next_bytes;
    uint32_t first = peek(reader, &bytes);
    struct reader next = *reader;
    advance(&next, bytes);
    uint32_t second = peek(&next, &next_bytes);
    bool fill = bytes > 0 && next_bytes > 0 && is_align(second), align = fill || (bytes > 0 && is_align(first));
    if (fill) {
        out->fill = first;
        out->align = (char)second;
        advance(reader, bytes + next_bytes);
    } else if (align) {
        out->align = (char)first;
        advance(reader, bytes);
    }
    if (reader->rest.len > 0 && strchr("+- ", reader->rest.p[0]) != NULL && reader->rest.p[0] != 0) {
        out->sign = reader->rest.p[0];
        advance(reader, 1);
    }
    out->no_negative_zero = take(reader, 'z');
    out->alternate = take(reader, '#');
    if (!fill && take(reader, '0')) {
        out->fill = '0';
        if (!align && default_align == '>')
            out->align = '=';
    }
}

static bool read_grouping(struct reader *reader, struct spec *out) {
    if (take(reader, ','))
        out->grouping = ',';
    if (take(reader, '_')) {
        if (out->grouping != 0)
            return wrong(reader->run, "Cannot specify both ',' and '_'.");
        out->grouping = '_';
    }
    if (out->grouping == '_' && reader->rest.len > 0 && reader->rest.p[0] == ',')
        return wrong(reader->run, "Cannot specify both ',' and '_'.");
    return true;
}

static bool grouping_fits(struct run *run, const struct spec *spec) {
    if (spec->grouping == 0 || spec->type == 0 || (spec->type < 128 && strchr("defgEG%F", (int)spec->type) != NULL))
        return true;
    if (spec->grouping == '_' && spec->type < 128 && strchr("boxX", (int)spec->type) != NULL)
        return true;
    if (spec->type > 32 && spec->type < 128)
        return run_raise(run, EXCEPTION_ValueError, "Cannot specify '%c' with '%c'.", spec->grouping, (int)spec->type);
    return run_raise(run, EXCEPTION_ValueError, "Cannot specify '%c' with '\\x%x'.", spec->grouping, spec->type);
}

static bool read_spec(struct run *run, struct str text, const struct value *v, char default_align, struct spec *out) {
    struct reader reader = {run, text};
    bool any;
    unsigned bytes;
    *out = (struct spec){.fill = ' ', .align = default_align, .width = -1, .precision = -1};
    read_align(&reader, default_align, out);
    if (!take_integer(&reader, &out->width, &any) || !read_grouping(&reader, out))
        return false;
    if (take(&reader, '.')) {
        if (!take_integer(&reader, &out->precision, &any))
            return false;
        if (!any)
            return wrong(run, "Format specifier missing precision");
    }
    out->type = peek(&reader, &bytes);
    bool typed = bytes > 0;
    advance(&reader, bytes);
    if (reader.rest.len > 0)
        return run_raise(run, EXCEPTION_ValueError, "Invalid format specifier '%.*s' for object of type '%s'",
                         (int)(text.len < 100 ? text.len : 100), text.p, type_name(v));
    if (typed && out->type == 0 && v->tag != V_FLOAT)
        out->type = UINT32_MAX; /* a NUL, which is no type but for floats, where it stands for none */
    if (v->tag == V_STR && out->type == 0)
        out->type = 's';
    return grouping_fits(run, out);
}

/* --- writing --- */

static void put_padding(struct buf *out, uint32_t fill, int64_t count) {
    char bytes[4];
    if (count > 0)
        fill_text(out, bytes, utf8_encode(fill, bytes), (uint64_t)count);
}

struct number_text {
    char sign;          /* '-' or 0 */
    struct str prefix;  /* "0x" */
    struct str digits;  /* grouped */
    struct str rest;    /* the point and what follows, or all of "inf" */
    int64_t rest_chars; /* in code points */
};

/* How many digits there are with the zeros that fill min_width; a separator comes only with a digit in front of it, so the
 * result may be one wider (CPython's _PyUnicode_InsertThousandsGrouping). */
static int64_t padded_digits(int64_t digits, char separator, int group, int64_t min_width) {
    if (separator == 0 || digits == 0 || min_width <= 0)
        return separator == 0 && digits > 0 && min_width > digits ? min_width : digits;
    int64_t whole = min_width / (group + 1) * group, rest = min_width % (group + 1);
    int64_t least = whole + (rest == 0 ? 1 : rest);
    return least > digits ? least : digits;
}

static int64_t grouped_width(int64_t digits, char separator, int group) {
    return separator == 0 || digits == 0 ? digits : digits + (digits - 1) / group;
}

static void put_grouped(struct buf *out, struct str digits, char separator, int group, int64_t len) {
    int64_t zeros = len - (int64_t)digits.len;
    ASSERT(zeros >= 0);
    if (separator == 0 || len > LIMIT_VALUE_BYTES) {
        fill_text(out, "0", 1, (uint64_t)zeros);
        buf_str(out, digits);
        return;
    }
    for (int64_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % group == 0)
            buf_char(out, separator);
        buf_char(out, i < zeros ? '0' : digits.p[i - zeros]);
    }
}

/* CPython's calc_number_widths and fill_number. */
static void put_number(struct buf *out, const struct spec *spec, const struct number_text *text) {
    int group = spec->type == 'b' || spec->type == 'o' || spec->type == 'x' || spec->type == 'X' ? 4 : 3;
    char sign = text->sign == '-' ? '-' : spec->sign == '+' || spec->sign == ' ' ? spec->sign : 0;
    int64_t other = (sign != 0) + (int64_t)text->prefix.len + text->rest_chars;
    int64_t min_width = spec->fill == '0' && spec->align == '=' ? spec->width - other : 0;
    int64_t digits = padded_digits((int64_t)text->digits.len, spec->grouping, group, min_width);
    int64_t padding = spec->width - other - grouped_width(digits, spec->grouping, group);
    padding = padding > 0 ? padding : 0;
    int64_t before = spec->align == '>' ? padding : spec->align == '^' ? padding / 2 : 0;
    int64_t inside = spec->align == '=' ? padding : 0;
    put_padding(out, spec->fill, before);
    if (sign != 0)
        buf_char(out, sign);
    buf_str(out, text->prefix);
    put_padding(out, spec->fill, inside);
    put_grouped(out, text->digits, spec->grouping, group, digits);
    buf_str(out, text->rest);
    put_padding(out, spec->fill, padding - before - inside);
}

static bool unknown_type(struct run *run, const struct value *v, uint32_t type) {
    if (type > 32 && type < 128)
        return run_raise(run, EXCEPTION_ValueError, "Unknown format code '%c' for object of type '%s'", (int)type,
                         type_name(v));
    return run_raise(run, EXCEPTION_ValueError, "Unknown format code '\\x%x' for object of type '%s'", type, type_name(v));
}

static bool format_float(struct run *run, const struct value *v, const struct spec *spec, struct buf *out) {
    double f;
    struct float_style style = {.code = 'r', .alternate = spec->alternate, .no_negative_zero = spec->no_negative_zero};
    if (spec->precision > INT32_MAX)
        return wrong(run, "precision too big");
    if (!arithmetic_double(run, v, &f))
        return false;
    if (spec->type == 0) {
        style.add_point = true;
        style.code = spec->precision < 0 ? 'r' : 'g';
    } else {
        style.code = spec->type == 'n' ? 'g' : spec->type == '%' ? 'f' : (char)spec->type;
    }
    style.precision = spec->precision >= 0 ? spec->precision : spec->type == 0 ? 0 : 6;
    struct buf text;
    run_buf(run, &text);
    float_text(&text, spec->type == '%' ? f * 100 : f, &style);
    if (spec->type == '%')
        buf_char(&text, '%');
    struct value made;
    if (!run_text(run, &text, true, &made))
        return false;
    struct str all = value_text(&made);
    struct number_text parts = {.sign = all.p[0] == '-' ? '-' : 0};
    size_t from = parts.sign != 0, at = from;
    while (at < all.len && all.p[at] >= '0' && all.p[at] <= '9')
        at++;
    parts.digits = (struct str){all.p + from, at - from};
    parts.rest = (struct str){all.p + at, all.len - at};
    parts.rest_chars = (int64_t)(all.len - at);
    put_number(out, spec, &parts);
    return true;
}

static bool format_character(struct run *run, const struct value *v, const struct spec *spec, struct buf *out) {
    if (spec->sign != 0)
        return wrong(run, "Sign not allowed with integer format specifier 'c'");
    if (spec->alternate)
        return wrong(run, "Alternate form (#) not allowed with integer format specifier 'c'");
    if (!is_int64(v))
        return run_raise(run, EXCEPTION_OverflowError, "Python int too large to convert to C long");
    if (v->i < 0 || v->i > 0x10ffff)
        return run_raise(run, EXCEPTION_OverflowError, "%%c arg not in range(0x110000)");
    struct value c;
    if (!builtin_chr(run, v, 1, &c))
        return false;
    put_number(out, spec, &(struct number_text){.rest = value_text(&c), .rest_chars = 1});
    return true;
}

static bool format_integer(struct run *run, const struct value *v, const struct spec *spec, struct buf *out) {
    if (spec->precision != -1)
        return wrong(run, "Precision not allowed in integer format specifier");
    if (spec->no_negative_zero)
        return wrong(run, "Negative zero coercion (z) not allowed in format specifier with integer presentation type");
    if (spec->type == 'c')
        return format_character(run, v, spec, out);
    int base = spec->type == 'b' ? 2 : spec->type == 'o' ? 8 : spec->type == 'x' || spec->type == 'X' ? 16 : 10;
    struct big big;
    big_load(&big, v);
    char *digits = run_alloc(run, LIMIT_INT_BITS + 8);
    if (digits == NULL)
        return false;
    size_t count = big_digits(&big, base, digits);
    for (size_t i = 0; spec->type == 'X' && i < count; i++)
        digits[i] = digits[i] >= 'a' ? (char)(digits[i] - 32) : digits[i];
    struct number_text text = {.sign = big.negative ? '-' : 0, .digits = {digits, count}};
    if (spec->alternate)
        text.prefix = spec->type == 'X' ? STR("0X") : base == 16 ? STR("0x") : base == 8 ? STR("0o") : base == 2 ? STR("0b") : STR("");
    put_number(out, spec, &text);
    return true;
}

static bool format_number(struct run *run, const struct value *v, struct str text, struct buf *out) {
    struct spec spec;
    if (!read_spec(run, text, v, '>', &spec))
        return false;
    const char *floats = "eEfFgG%";
    bool is_float_type = spec.type != 0 && spec.type < 128 && strchr(floats, (int)spec.type) != NULL;
    if (v->tag == V_FLOAT)
        return is_float_type || spec.type == 0 || spec.type == 'n' ? format_float(run, v, &spec, out)
                                                                   : unknown_type(run, v, spec.type);
    if (is_float_type)
        return format_float(run, v, &spec, out);
    if (spec.type != 0 && (spec.type >= 128 || strchr("bcdoxXn", (int)spec.type) == NULL))
        return unknown_type(run, v, spec.type);
    return format_integer(run, v, &spec, out);
}

static bool format_text(struct run *run, const struct value *v, struct str text, struct buf *out) {
    struct spec spec;
    if (!read_spec(run, text, v, '<', &spec))
        return false;
    if (spec.type != 's')
        return unknown_type(run, v, spec.type);
    if (spec.sign != 0)
        return wrong(run, spec.sign == ' ' ? "Space not allowed in string format specifier"
                                           : "Sign not allowed in string format specifier");
    if (spec.no_negative_zero)
        return wrong(run, "Negative zero coercion (z) not allowed in string format specifier");
    if (spec.alternate)
        return wrong(run, "Alternate form (#) not allowed in string format specifier");
    if (spec.align == '=')
        return wrong(run, "'=' alignment not allowed in string format specifier");
    int64_t length = (int64_t)text_length(v);
    int64_t kept = spec.precision >= 0 && spec.precision < length ? spec.precision : length;
    int64_t padding = spec.width > kept ? spec.width - kept : 0;
    int64_t before = spec.align == '>' ? padding : spec.align == '^' ? padding / 2 : 0;
    put_padding(out, spec.fill, before);
    buf_add(out, v->p, kept == length ? v->len : text_offset(v, (uint64_t)kept));
    put_padding(out, spec.fill, padding - before);
    return run_charge(run, v->len / 64);
}

bool spec_format(struct run *run, const struct value *v, struct str spec, struct value *out) {
    struct buf buf;
    if (spec.len == 0)
        return format_value(run, FORMAT_FORMAT, v, out);
    if (moment_has_strftime(v))
        return moment_strftime(run, v, spec, out);
    if (!is_number(v) && v->tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "unsupported format string passed to %s.__format__", type_name(v));
    if (!run_charge(run, spec.len / 16))
        return false;
    run_buf(run, &buf);
    if (!(v->tag == V_STR ? format_text(run, v, spec, &buf) : format_number(run, v, spec, &buf)))
        return false;
    return run_text(run, &buf, false, out);
}

bool builtin_format(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (count > 1 && args[1].tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "format() argument 2 must be str, not %s", type_name(&args[1]));
    return spec_format(run, &args[0], count > 1 ? value_text(&args[1]) : STR(""), out);
}
