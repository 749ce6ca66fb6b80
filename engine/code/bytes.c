/* bytes: items, text, methods (bytes.h). Encoding to and from str is in codec.c. */
#include "bytes.h"

static const char HEX[] = "0123456789abcdef";

bool bytes_argument(struct run *run, const struct value *v, struct str *out) {
    if (v->tag != V_BYTES)
        return run_raise(run, EXCEPTION_TypeError, "a bytes-like object is required, not '%s'", type_name(v));
    *out = (struct str){v->p, v->len};
    return run_charge(run, v->len / 64);
}

bool bytes_or_ascii(struct run *run, const struct value *v, struct str *out) {
    if (v->tag != V_STR && v->tag != V_BYTES)
        return run_raise(run, EXCEPTION_TypeError, "argument should be a bytes-like object or ASCII string, not '%s'", type_name(v));
    if (v->tag == V_STR && !is_ascii(v) && v->len > 0)
        return run_raise(run, EXCEPTION_ValueError, "string argument should contain only ASCII characters");
    *out = (struct str){v->p, v->len};
    return run_charge(run, v->len / 64);
}

bool bytes_item(struct run *run, const struct value *v, uint8_t *out) {
    if (!is_int(v))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(v));
    if (!is_int64(v) || v->i < 0 || v->i > 255)
        return run_raise(run, EXCEPTION_ValueError, "byte must be in range(0, 256)");
    *out = (uint8_t)v->i;
    return true;
}

bool bytes_in(struct run *run, const struct value *item, const struct value *bytes, bool *out) {
    size_t at;
    uint8_t byte;
    if (item->tag == V_BYTES) {
        *out = text_find(bytes->p, bytes->len, item->p, item->len, &at);
        return run_charge(run, bytes->len / 64);
    }
    if (!is_int(item))
        return run_raise(run, EXCEPTION_TypeError, "a bytes-like object is required, not '%s'", type_name(item));
    if (!bytes_item(run, item, &byte))
        return false;
    *out = bytes->len > 0 && memchr(bytes->p, byte, bytes->len) != NULL;
    return run_charge(run, bytes->len / 64);
}

void bytes_text(struct buf *out, const struct value *v) {
    const unsigned char *p = v->p;
    bool single = v->len > 0 && memchr(p, '\'', v->len) != NULL, both = single && memchr(p, '"', v->len) != NULL;
    char quote = single && !both ? '"' : '\'';
    buf_char(out, 'b');
    buf_char(out, quote);
    for (uint32_t i = 0; i < v->len && !out->failed; i++) {
        if (p[i] == (unsigned char)quote || p[i] == '\\')
            buf_char(out, '\\');
        if (p[i] >= ' ' && p[i] < 127)
            buf_char(out, (char)p[i]);
        else if (p[i] == '\t' || p[i] == '\n' || p[i] == '\r')
            buf_format(out, "\\%c", p[i] == '\t' ? 't' : p[i] == '\n' ? 'n' : 'r');
        else
            buf_format(out, "\\x%02x", p[i]);
    }
    buf_char(out, quote);
}

/* --- methods shared with str --- */

static bool as_text(struct run *run, const struct value *v, struct value *out) {
    *out = *v;
    if (v->tag == V_BYTES)
        *out = text_ascii(v->p, v->len);
    else if (v->tag == V_STR)
        return run_raise(run, EXCEPTION_TypeError, "a bytes-like object is required, not 'str'");
    return true;
}

static bool takes_ints(builtin_call *method) {
    return method == builtin_method_find || method == builtin_method_rfind || method == builtin_method_index ||
           method == builtin_method_rindex || method == builtin_method_count;
}

static bool argument_as_text(struct run *run, builtin_call *method, const struct value *v, struct value *out) {
    if (v->tag == V_TUPLE) {
        struct value *items = run_items(run, v->len);
        if (items == NULL || !run_charge(run, v->len))
            return false;
        for (uint32_t i = 0; i < v->len; i++)
            if (!as_text(run, &value_items(v)[i], &items[i]))
                return false;
        *out = make_tuple(items, v->len);
        return true;
    }
    if (is_int(v) && takes_ints(method)) {
        uint8_t *byte = run_alloc(run, 1);
        if (byte == NULL || !bytes_item(run, v, byte))
            return false;
        *out = text_ascii((const char *)byte, 1);
        return true;
    }
    return as_text(run, v, out);
}

static void back(struct value *v) {
    if (v->tag == V_STR)
        *v = make_bytes(v->p, v->len);
    if (v->tag == V_LIST || v->tag == V_TUPLE) /* the method made it just now */
        for (uint32_t i = 0; i < v->len; i++)
            back((struct value *)(uintptr_t)&value_items(v)[i]);
}

bool bytes_method(struct run *run, builtin_call *method, const struct value *args, uint32_t count, struct value *out) {
    enum { ARGUMENTS_MAX = 4 };
    struct value texts[ARGUMENTS_MAX];
    ASSERT(count >= 1 && args[0].tag == V_BYTES);
    if (count > ARGUMENTS_MAX)
        return run_raise(run, EXCEPTION_TypeError, "%u arguments of a bytes method", count);
    if (!as_text(run, &args[0], &texts[0]))
        return false;
    for (uint32_t i = 1; i < count; i++)
        if (i == 1 ? !argument_as_text(run, method, &args[i], &texts[i]) : !as_text(run, &args[i], &texts[i]))
            return false;
    if (!method(run, texts, count, out))
        return false;
    back(out);
    return true;
}

/* --- ASCII's case and classes --- */

static bool is_upper(unsigned char c) { return c >= 'A' && c <= 'Z'; }
static bool is_lower(unsigned char c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static bool is_space(unsigned char c) { return c == ' ' || (c >= 9 && c <= 13); }

bool bytes_case(struct run *run, const char *name, const struct value *v, struct value *out) {
    const unsigned char *p = v->p;
    unsigned char *to = run_alloc(run, v->len);
    if (to == NULL)
        return false;
    bool cased = false;
    for (uint32_t i = 0; i < v->len; i++) {
        bool letter = is_upper(p[i]) || is_lower(p[i]), up = false;
        switch (name[0]) {
        case 'l': break;
        case 'u': up = true; break;
        case 'c': up = i == 0; break;
        case 't': up = !cased; break;
        default: up = is_lower(p[i]); break; /* swapcase */
        }
        to[i] = !letter ? p[i] : up ? p[i] & 0xdf : p[i] | 0x20;
        cased = letter;
    }
    *out = make_bytes(to, v->len);
    return true;
}

static bool has_class(const char *name, unsigned char c) {
    switch (name[2]) {
    case 'd': return is_digit(c);
    case 's': return is_space(c);
    default: return is_upper(c) || is_lower(c) || (name[4] == 'n' && is_digit(c)); /* isalpha, isalnum */
    }
}

bool bytes_class(struct run *run, const char *name, const struct value *v, struct value *out) {
    const unsigned char *p = v->p;
    bool all = v->len > 0, some = false, never = false, ascii = true;
    for (uint32_t i = 0; i < v->len; i++) {
        ascii = ascii && p[i] < 128;
        all = all && has_class(name, p[i]);
        some = some || (name[2] == 'u' ? is_upper(p[i]) : is_lower(p[i]));
        never = never || (name[2] == 'u' ? is_lower(p[i]) : is_upper(p[i]));
    }
    bool case_test = name[2] == 'l' || name[2] == 'u', ascii_test = name[2] == 'a' && name[3] == 's';
    *out = value_bool(ascii_test ? ascii : case_test ? some && !never : all);
    return run_charge(run, v->len / 16);
}

/* --- white space --- */

bool bytes_strip(struct run *run, const struct value *args, uint32_t count, bool left, bool right, struct value *out) {
    const unsigned char *p = args[0].p;
    bool cut[256] = {false};
    struct str set = {" \t\n\r\f\v", 6};
    if (count > 1 && args[1].tag != V_NONE && !bytes_argument(run, &args[1], &set))
        return false;
    for (size_t i = 0; i < set.len; i++)
        cut[(unsigned char)set.p[i]] = true;
    size_t from = 0, to = args[0].len;
    while (left && from < to && cut[p[from]])
        from++;
    while (right && to > from && cut[p[to - 1]])
        to--;
    *out = make_bytes(from == to ? (const void *)"" : p + from, to - from);
    return run_charge(run, args[0].len / 16);
}

static bool split_forward(struct run *run, const struct value *v, uint64_t most, struct value *items, uint32_t *used) {
    const unsigned char *p = v->p;
    size_t at = 0, end = v->len;
    for (;;) {
        while (at < end && is_space(p[at]))
            at++;
        if (at == end)
            return true;
        size_t from = at;
        if (most-- == 0) {
            items[(*used)++] = make_bytes(p + from, end - from);
            return true;
        }
        while (at < end && !is_space(p[at]))
            at++;
        items[(*used)++] = make_bytes(p + from, at - from);
        if (!run_charge(run, 1))
            return false;
    }
}

static bool split_backward(struct run *run, const struct value *v, uint64_t most, struct value *items, uint32_t *used) {
    const unsigned char *p = v->p;
    size_t to = v->len;
    for (;;) {
        while (to > 0 && is_space(p[to - 1]))
            to--;
        if (to == 0)
            break;
        size_t from = most == 0 ? 0 : to;
        while (from > 0 && !is_space(p[from - 1]))
            from--;
        items[(*used)++] = make_bytes(p + from, to - from);
        if (most-- == 0)
            break;
        to = from;
        if (!run_charge(run, 1))
            return false;
    }
    for (uint32_t i = 0, j = *used; i + 1 < j; i++) {
        struct value swap = items[i];
        items[i] = items[--j];
        items[j] = swap;
    }
    return true;
}

bool bytes_split(struct run *run, const struct value *args, uint32_t count, bool right, struct value *out) {
    int64_t limit = -1;
    if (count > 2 && !text_size_argument(run, &args[2], &limit))
        return false;
    struct value *items = run_items(run, args[0].len / 2 + 1);
    uint32_t used = 0;
    if (items == NULL)
        return false;
    uint64_t most = limit < 0 ? UINT64_MAX : (uint64_t)limit;
    if (!(right ? split_backward : split_forward)(run, &args[0], most, items, &used))
        return false;
    *out = make_list(items, used);
    return run_charge(run, args[0].len / 16);
}

bool bytes_replace_between(struct run *run, const struct value *args, uint64_t most, struct value *out) {
    struct buf buf;
    run_buf(run, &buf);
    const char *p = args[0].p;
    size_t at = 0;
    for (; most > 0; most--) {
        buf_str(&buf, value_text(&args[2]));
        if (at == args[0].len || !run_charge(run, 1))
            break;
        buf_char(&buf, p[at++]);
    }
    buf_add(&buf, p + at, args[0].len - at);
    struct value text;
    if (!run_charge(run, 0) || !run_text(run, &buf, true, &text))
        return false;
    *out = make_bytes(text.p, text.len);
    return true;
}

bool bytes_join(struct run *run, const struct value *args, struct value *out) {
    const struct value *items;
    uint32_t count;
    if (!sequence_items(run, &args[1], &items, &count) || !run_charge(run, count))
        return false;
    struct buf buf;
    run_buf(run, &buf);
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].tag != V_BYTES)
            return run_raise(run, EXCEPTION_TypeError, "sequence item %u: expected a bytes-like object, %s found", i,
                             type_name(&items[i]));
        if (i > 0)
            buf_add(&buf, args[0].p, args[0].len);
        buf_add(&buf, items[i].p, items[i].len);
    }
    struct value text;
    if (!run_text(run, &buf, true, &text))
        return false;
    *out = make_bytes(text.p, text.len);
    return true;
}

/* --- hex --- */

bool bytes_hex(struct run *run, const void *bytes, size_t len, struct value *out) {
    const unsigned char *p = bytes;
    char *to = run_alloc(run, 2 * (uint64_t)len);
    if (to == NULL)
        return false;
    for (size_t i = 0; i < len; i++) {
        to[2 * i] = HEX[p[i] >> 4];
        to[2 * i + 1] = HEX[p[i] & 15];
    }
    *out = text_ascii(to, 2 * len);
    return true;
}

/* The separator of .hex(sep, bytes_per_sep): one ASCII character. */
static bool hex_separator(struct run *run, const struct value *v, char *out) {
    bool one = (v->tag == V_STR && text_length(v) == 1) || (v->tag == V_BYTES && v->len == 1);
    if (v->tag != V_STR && v->tag != V_BYTES)
        return run_raise(run, EXCEPTION_TypeError, "sep must be str or bytes.");
    if (!one)
        return run_raise(run, EXCEPTION_ValueError, "sep must be length 1.");
    *out = *(const char *)v->p;
    return (unsigned char)*out < 128 || run_raise(run, EXCEPTION_ValueError, "sep must be ASCII.");
}

static bool hex_separated(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t group = 1;
    char separator = 0;
    if (!hex_separator(run, &args[1], &separator) || (count > 2 && !text_size_argument(run, &args[2], &group)))
        return false;
    if (group > INT32_MAX || group < -INT32_MAX - 1ll)
        return run_raise(run, EXCEPTION_OverflowError, "Python int too large to convert to C int");
    if (group == 0)
        return bytes_hex(run, args[0].p, args[0].len, out);
    const unsigned char *p = args[0].p;
    uint64_t size = (uint64_t)(group < 0 ? -group : group), len = args[0].len, used = 0;
    char *to = run_alloc(run, 3 * len);
    if (to == NULL)
        return false;
    for (uint64_t i = 0; i < len; i++) { /* groups are counted from the right unless the size is negative */
        if (i > 0 && (group > 0 ? len - i : i) % size == 0)
            to[used++] = separator;
        to[used++] = HEX[p[i] >> 4];
        to[used++] = HEX[p[i] & 15];
    }
    *out = text_ascii(to, used);
    return true;
}

bool builtin_method_hex(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_FLOAT && count == 1)
        return float_hex(run, &args[0], out);
    if (args[0].tag != V_BYTES)
        return no_attribute(run, &args[0], "hex");
    return count > 1 ? hex_separated(run, args, count, out) : bytes_hex(run, args[0].p, args[0].len, out);
}

static int hex_digit(unsigned char c) { return is_digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

bool builtin_bytes_fromhex(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "fromhex() argument must be str, not %s", type_name(&args[0]));
    const unsigned char *p = args[0].p;
    uint8_t *to = run_alloc(run, args[0].len / 2 + 1);
    size_t used = 0;
    if (to == NULL || !run_charge(run, args[0].len / 16))
        return false;
    for (uint32_t i = 0; i < args[0].len;) {
        if (is_space(p[i])) {
            i++;
            continue;
        }
        int high = hex_digit(p[i]), low = i + 1 < args[0].len ? hex_digit(p[i + 1]) : -1;
        if (high < 0 || low < 0)
            return run_raise(run, EXCEPTION_ValueError, "non-hexadecimal number found in fromhex() arg");
        to[used++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    *out = make_bytes(to, used);
    return true;
}

/* --- making bytes --- */

bool builtin_bytes(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    *out = make_bytes("", 0);
    if (count == 0)
        return true;
    if (args[0].tag == V_STR)
        return count > 1 ? builtin_method_encode(run, args, count, out)
                         : run_raise(run, EXCEPTION_TypeError, "string argument without an encoding");
    if (count > 1)
        return run_raise(run, EXCEPTION_TypeError, "encoding without a string argument");
    if (args[0].tag == V_BYTES) {
        *out = args[0];
        return true;
    }
    const struct value *items = NULL;
    uint32_t item_count = 0;
    int64_t size = 0;
    if (is_int(&args[0])) {
        if (!text_size_argument(run, &args[0], &size))
            return false;
        if (size < 0)
            return run_raise(run, EXCEPTION_ValueError, "negative count");
    } else if (!sequence_items(run, &args[0], &items, &item_count)) {
        return false;
    }
    uint64_t len = items != NULL ? item_count : (uint64_t)size;
    uint8_t *p = run_alloc(run, len);
    if (p == NULL || !run_charge(run, item_count))
        return false;
    memset(p, 0, len);
    for (uint32_t i = 0; items != NULL && i < item_count; i++)
        if (!bytes_item(run, &items[i], &p[i]))
            return false;
    *out = make_bytes(p, len);
    return true;
}
