/* template % args: the conversions of CPython's unicode_format, for templates and arguments known only while running. */
#include "spec.h"

#include "big.h"

enum { LEFT = 1, PLUS = 2, BLANK = 4, ALTERNATE = 8, ZERO = 16 };

/* One directive: "%" [(key)] [flags] [width] [.precision] [hlL] type. */
struct directive {
    int flags;
    int64_t width, precision; /* -1: none */
    uint32_t type;
};

struct percent {
    struct run *run;
    const char *p;          /* the template */
    size_t len, at;
    struct buf out;
    const struct value *tuple; /* its arguments, or the one that is no tuple */
    uint32_t count, used;
    const struct value *mapping; /* what keys are looked up in, or NULL */
    struct value found;          /* by the latest key */
};

static bool next_argument(struct percent *percent, const struct value **out) {
    if (percent->used >= percent->count)
        return run_raise(percent->run, EXCEPTION_TypeError, "not enough arguments for format string");
    *out = &percent->tuple[percent->used++];
    return true;
}

static bool incomplete(struct percent *percent) { return run_raise(percent->run, EXCEPTION_ValueError, "incomplete format"); }

/* "(key)": the arguments are now what the mapping has there. */
static bool read_key(struct percent *percent) {
    if (percent->at >= percent->len || percent->p[percent->at] != '(')
        return true;
    if (percent->mapping == NULL)
        return run_raise(percent->run, EXCEPTION_TypeError, "format requires a mapping");
    size_t from = ++percent->at;
    int depth = 1;
    for (; percent->at < percent->len && depth > 0; percent->at++)
        depth += (percent->p[percent->at] == '(') - (percent->p[percent->at] == ')');
    if (depth > 0)
        return run_raise(percent->run, EXCEPTION_ValueError, "incomplete format key");
    struct value key = value_str(percent->p + from, percent->at - 1 - from);
    if (!sequence_index(percent->run, percent->mapping, &key, &percent->found))
        return false;
    percent->tuple = &percent->found;
    percent->count = 1;
    percent->used = 0;
    return true;
}

static void read_flags(struct percent *percent, struct directive *out) {
    static const char names[] = "-+ #0";
    const char *found;
    while (percent->at < percent->len && percent->p[percent->at] != 0 &&
           (found = strchr(names, percent->p[percent->at])) != NULL) {
        out->flags |= 1 << (found - names);
        percent->at++;
    }
}

/* A number of digits, or "*": the next argument. Nothing: *out stays. */
static bool read_size(struct percent *percent, int64_t most, const char *what, int64_t *out) {
    const struct value *v = NULL;
    if (percent->at < percent->len && percent->p[percent->at] == '*') {
        percent->at++;
        if (!next_argument(percent, &v))
            return false;
        if (!is_int(v))
            return run_raise(percent->run, EXCEPTION_TypeError, "* wants int");
        if (v->tag == V_BIGINT || v->i > most || v->i < -most - 1)
            return run_raise(percent->run, EXCEPTION_OverflowError, "Python int too large to convert to C %s",
                             most == INT32_MAX ? "int" : "ssize_t");
        *out = v->i;
        return true;
    }
    while (percent->at < percent->len && percent->p[percent->at] >= '0' && percent->p[percent->at] <= '9') {
        int digit = percent->p[percent->at++] - '0';
        int64_t before = *out < 0 ? 0 : *out;
        if (before > (most - digit) / 10)
            return run_raise(percent->run, EXCEPTION_ValueError, "%s too big", what);
        *out = before * 10 + digit;
    }
    return true;
}

static bool read_directive(struct percent *percent, struct directive *out) {
    *out = (struct directive){.width = -1, .precision = -1};
    if (!read_key(percent))
        return false;
    read_flags(percent, out);
    if (!read_size(percent, INT64_MAX, "width", &out->width))
        return false;
    if (out->width < -1 || (out->width == -1 && percent->p[percent->at - 1] == '*')) {
        out->flags |= LEFT;
        out->width = out->width == INT64_MIN ? INT64_MAX : -out->width;
    }
    if (percent->at < percent->len && percent->p[percent->at] == '.') {
        percent->at++;
        out->precision = 0;
        if (!read_size(percent, INT32_MAX, "precision", &out->precision))
            return false;
        out->precision = out->precision < 0 ? 0 : out->precision;
    }
    if (percent->at < percent->len && percent->p[percent->at] != 0 && strchr("hlL", percent->p[percent->at]) != NULL)
        percent->at++;
    if (percent->at >= percent->len)
        return incomplete(percent);
    unsigned bytes;
    out->type = utf8_decode(percent->p + percent->at, &bytes);
    percent->at += bytes;
    return true;
}

static bool wrong_type(struct percent *percent, const struct directive *directive, const struct value *v) {
    bool exact = directive->type == 'o' || directive->type == 'x' || directive->type == 'X';
    return run_raise(percent->run, EXCEPTION_TypeError, "%%%c format: %s is required, not %s", (int)directive->type,
                     exact ? "an integer" : "a real number", type_name(v));
}

/* %d %i %u %o %x %X: sign, prefix and at least `precision` digits. */
static bool whole_text(struct percent *percent, const struct directive *directive, const struct value *v, struct value *out) {
    struct run *run = percent->run;
    struct value whole = *v;
    bool exact = directive->type == 'o' || directive->type == 'x' || directive->type == 'X';
    if (!is_number(v) || (exact && v->tag == V_FLOAT))
        return wrong_type(percent, directive, v);
    if (v->tag == V_FLOAT && !convert_float_to_int(run, v->f, &whole))
        return false;
    if (directive->precision > INT32_MAX - 3)
        return run_raise(run, EXCEPTION_OverflowError, "precision too large");
    struct big big;
    big_load(&big, &whole);
    char digits[LIMIT_INT_BITS + 8];
    size_t count = big_digits(&big, directive->type == 'o' ? 8 : exact ? 16 : 10, digits);
    struct buf buf;
    run_buf(run, &buf);
    if (big.negative)
        buf_char(&buf, '-');
    if (exact && directive->flags & ALTERNATE) {
        buf_char(&buf, '0');
        buf_char(&buf, (char)directive->type);
    }
    fill_text(&buf, "0", 1, directive->precision > (int64_t)count ? (uint64_t)directive->precision - count : 0);
    for (size_t i = 0; i < count; i++)
        buf_char(&buf, directive->type == 'X' && digits[i] >= 'a' ? (char)(digits[i] - 32) : digits[i]);
    return run_text(run, &buf, true, out);
}

static bool float_argument(struct percent *percent, const struct directive *directive, const struct value *v,
                           struct value *out) {
    double f;
    if (!arithmetic_double(percent->run, v, &f))
        return false;
    struct float_style style = {.code = (char)directive->type,
                                .precision = directive->precision < 0 ? 6 : directive->precision,
                                .alternate = (directive->flags & ALTERNATE) != 0};
    struct buf buf;
    run_buf(percent->run, &buf);
    float_text(&buf, f, &style);
    return run_text(percent->run, &buf, true, out);
}

static bool character(struct percent *percent, const struct value *v, struct value *out) {
    if (v->tag == V_STR && text_length(v) == 1) {
        *out = *v;
        return true;
    }
    if (!is_int(v))
        return run_raise(percent->run, EXCEPTION_TypeError, "%%c requires int or char");
    if (v->tag == V_BIGINT || v->i < 0 || v->i > 0x10ffff)
        return run_raise(percent->run, EXCEPTION_OverflowError, "%%c arg not in range(0x110000)");
    return builtin_chr(percent->run, v, 1, out);
}

/* Signs come in front of zeros and behind blanks, as does "0x". */
static void put_number(struct percent *percent, const struct directive *directive, struct str text) {
    struct buf *out = &percent->out;
    bool zeros = (directive->flags & ZERO) != 0;
    struct str sign = STR(""), prefix = STR("");
    if (text.len > 0 && text.p[0] == '-') {
        sign = STR("-");
        text = (struct str){text.p + 1, text.len - 1};
    } else if (directive->flags & (PLUS | BLANK)) {
        sign = directive->flags & PLUS ? STR("+") : STR(" ");
    }
    if (directive->flags & ALTERNATE && (directive->type == 'o' || directive->type == 'x' || directive->type == 'X')) {
        prefix = (struct str){text.p, 2};
        text = (struct str){text.p + 2, text.len - 2};
    }
    int64_t taken = (int64_t)(sign.len + prefix.len + text.len);
    uint64_t padding = directive->width > taken ? (uint64_t)(directive->width - taken) : 0;
    bool left = (directive->flags & LEFT) != 0;
    if (!left && !zeros)
        fill_text(out, " ", 1, padding);
    buf_str(out, sign);
    buf_str(out, prefix);
    if (!left && zeros)
        fill_text(out, "0", 1, padding);
    buf_str(out, text);
    if (left)
        fill_text(out, " ", 1, padding);
}

static void put_text(struct percent *percent, const struct directive *directive, const struct value *v) {
    int64_t length = (int64_t)text_length(v), kept = length;
    if (directive->precision >= 0 && directive->precision < length && directive->type != 'c')
        kept = directive->precision;
    uint64_t padding = directive->width > kept ? (uint64_t)(directive->width - kept) : 0;
    bool left = (directive->flags & LEFT) != 0;
    fill_text(&percent->out, " ", 1, left ? 0 : padding);
    buf_add(&percent->out, v->p, kept == length ? v->len : text_offset(v, (uint64_t)kept));
    fill_text(&percent->out, " ", 1, left ? padding : 0);
}

static bool convert(struct percent *percent, const struct directive *directive, const struct value *v) {
    struct value text;
    switch (directive->type) {
    case 's':
    case 'r':
    case 'a': {
        enum format_kind kind = directive->type == 's' ? FORMAT_STR : directive->type == 'r' ? FORMAT_REPR : FORMAT_ASCII;
        if (!format_value(percent->run, kind, v, &text))
            return false;
        put_text(percent, directive, &text);
        return true;
    }
    case 'c':
        if (!character(percent, v, &text))
            return false;
        put_text(percent, directive, &text);
        return true;
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        if (!whole_text(percent, directive, v, &text))
            return false;
        break;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
        if (!float_argument(percent, directive, v, &text))
            return false;
        break;
    default: {
        char shown[4] = "?";
        size_t bytes = directive->type > 31 && directive->type < 127 ? utf8_encode(directive->type, shown) : 1;
        return run_raise(percent->run, EXCEPTION_ValueError, "unsupported format character '%.*s' (0x%x) at index %llu",
                         (int)bytes, shown, directive->type, (unsigned long long)percent->at - 1);
    }
    }
    put_number(percent, directive, value_text(&text));
    return true;
}

static bool format_all(struct percent *percent) {
    while (percent->at < percent->len) {
        const char *from = percent->p + percent->at, *mark = memchr(from, '%', percent->len - percent->at);
        size_t plain = mark == NULL ? percent->len - percent->at : (size_t)(mark - from);
        buf_add(&percent->out, from, plain);
        percent->at += plain;
        if (mark == NULL)
            break;
        struct directive directive;
        const struct value *v = NULL;
        if (++percent->at >= percent->len)
            return incomplete(percent);
        if (percent->p[percent->at] == '%') {
            buf_char(&percent->out, '%');
            percent->at++;
            continue;
        }
        if (!run_charge(percent->run, 1) || !read_directive(percent, &directive) || !next_argument(percent, &v) ||
            !convert(percent, &directive, v))
            return false;
    }
    if (percent->mapping == NULL && percent->used < percent->count)
        return run_raise(percent->run, EXCEPTION_TypeError, "not all arguments converted during string formatting");
    return true;
}

/* What Python's PyMapping_Check says yes to, tuples and strings aside. */
static bool is_mapping(const struct value *v) {
    return v->tag == V_DICT || v->tag == V_LIST || v->tag == V_RANGE;
}

bool percent_format(struct run *run, const struct value *template, const struct value *args, struct value *out) {
    ASSERT(template->tag == V_STR);
    struct percent percent = {.run = run,
                              .p = template->p,
                              .len = template->len,
                              .tuple = args->tag == V_TUPLE ? value_items(args) : args,
                              .count = args->tag == V_TUPLE ? args->len : 1,
                              .mapping = is_mapping(args) ? args : NULL};
    run_buf(run, &percent.out);
    return run_charge(run, template->len / 16) && format_all(&percent) && run_text(run, &percent.out, false, out);
}
