/* str: splitting, joining, padding. Parts share the bytes of the whole. */
#include "bytes.h"

static void turn(struct gathered *parts) {
    for (uint32_t i = 0, j = parts->count; i + 1 < j; i++) {
        struct value swap = parts->items[i];
        parts->items[i] = parts->items[--j];
        parts->items[j] = swap;
    }
}

static uint32_t at_point(const char *p, size_t at, unsigned *bytes) { return utf8_decode(p + at, bytes); }

/* Where words begin and end are the bits that differ from the one before, 64 bytes at a time. */
static bool split_ascii(struct run *run, const struct value *v, uint64_t most, struct gathered *parts) {
    const struct ascii_set *spaces = &run->unicode->classes[UNICODE_ISSPACE];
    const char *p = v->p;
    const size_t len = v->len;
    size_t from = 0;
    uint64_t inside = 0; /* 1: in a word that began at `from` */
    for (size_t block = 0; block < len; block += ASCII_BLOCK) {
        uint64_t words = ~ascii_mask(spaces, p + block, len - block);
        if (len - block < ASCII_BLOCK)
            words &= (1ull << (len - block)) - 1;
        uint64_t before = inside;
        for (uint64_t edges = words ^ (words << 1 | before); edges != 0; edges &= edges - 1, inside ^= 1) {
            size_t at = block + (size_t)__builtin_ctzll(edges);
            if (inside && (!run_charge(run, 1) || !gathered_add(run, parts, text_ascii(p + from, at - from))))
                return false;
            if (!inside && most-- == 0)
                return gathered_add(run, parts, text_ascii(p + at, len - at)); /* with the white space at its end */
            from = at;
        }
    }
    return !inside || (run_charge(run, 1) && gathered_add(run, parts, text_ascii(p + from, len - from)));
}

static bool split_spaces(struct run *run, const struct value *v, uint64_t most, struct gathered *parts) {
    if (is_ascii(v))
        return split_ascii(run, v, most, parts);
    const char *p = v->p;
    size_t at = 0, end = v->len;
    unsigned bytes;
    for (;;) {
        while (at < end && text_is_space(run, at_point(p, at, &bytes)))
            at += bytes;
        if (at == end)
            return true;
        size_t from = at;
        if (most-- == 0)
            return gathered_add(run, parts, text_part(v, from, end)); /* with the white space at its end */
        while (at < end && !text_is_space(run, at_point(p, at, &bytes)))
            at += bytes;
        if (!run_charge(run, 1) || !gathered_add(run, parts, text_part(v, from, at)))
            return false;
    }
}

static bool rsplit_spaces(struct run *run, const struct value *v, uint64_t most, struct gathered *parts) {
    const char *p = v->p;
    size_t to = v->len, at;
    unsigned bytes;
    for (;;) {
        while (to > 0 && text_is_space(run, at_point(p, text_before(p, to), &bytes)))
            to = text_before(p, to);
        if (to == 0)
            break;
        if (most-- == 0) { /* the rest, with the white space at its start */
            if (!gathered_add(run, parts, text_part(v, 0, to)))
                return false;
            break;
        }
        at = to;
        while (at > 0 && !text_is_space(run, at_point(p, text_before(p, at), &bytes)))
            at = text_before(p, at);
        if (!run_charge(run, 1) || !gathered_add(run, parts, text_part(v, at, to)))
            return false;
        to = at;
    }
    turn(parts);
    return true;
}

static bool split_by(struct run *run, const struct value *v, struct str separator, uint64_t most, struct gathered *parts) {
    const char *p = v->p;
    size_t from = 0, at;
    while (most-- > 0 && text_find(p + from, v->len - from, separator.p, separator.len, &at)) {
        if (!run_charge(run, 1) || !gathered_add(run, parts, text_part(v, from, from + at)))
            return false;
        from += at + separator.len;
    }
    return gathered_add(run, parts, text_part(v, from, v->len));
}

static bool rsplit_by(struct run *run, const struct value *v, struct str separator, uint64_t most, struct gathered *parts) {
    size_t to = v->len, at;
    while (most-- > 0) {
        bool found;
        if (!text_find_last(run, v->p, to, separator.p, separator.len, &at, &found) || !run_charge(run, 1))
            return false;
        if (!found)
            break;
        if (!gathered_add(run, parts, text_part(v, at + separator.len, to)))
            return false;
        to = at;
    }
    if (!gathered_add(run, parts, text_part(v, 0, to)))
        return false;
    turn(parts);
    return true;
}

static bool split(struct run *run, const struct value *args, uint32_t count, bool right, struct value *out) {
    if (args[0].tag == V_BYTES)
        return count < 2 || args[1].tag == V_NONE
                   ? bytes_split(run, args, count, right, out)
                   : bytes_method(run, right ? builtin_method_rsplit : builtin_method_split, args, count, out);
    int64_t limit = -1;
    if (!text_receiver(run, &args[0], right ? "rsplit" : "split"))
        return false;
    if (count > 1 && args[1].tag != V_NONE && args[1].tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "must be str or None, not %s", type_name(&args[1]));
    if (count > 2 && !text_size_argument(run, &args[2], &limit))
        return false;
    uint64_t most = limit < 0 ? UINT64_MAX : (uint64_t)limit;
    struct gathered parts = {0};
    bool done;
    if (count < 2 || args[1].tag == V_NONE)
        done = (right ? rsplit_spaces : split_spaces)(run, &args[0], most, &parts);
    else if (args[1].len == 0)
        return run_raise(run, EXCEPTION_ValueError, "empty separator");
    else
        done = (right ? rsplit_by : split_by)(run, &args[0], value_text(&args[1]), most, &parts);
    *out = make_list(parts.items, parts.count);
    return done;
}

bool builtin_method_split(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return split(run, args, count, false, out);
}

bool builtin_method_rsplit(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return split(run, args, count, true, out);
}

static bool ends_line(uint32_t c) {
    return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool builtin_method_splitlines(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!text_receiver(run, &args[0], "splitlines"))
        return false;
    if (count > 1 && !is_int(&args[1]))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(&args[1]));
    if (count > 1 && (!is_int64(&args[1]) || args[1].i > INT32_MAX || args[1].i < INT32_MIN))
        return run_raise(run, EXCEPTION_OverflowError, "Python int too large to convert to C int");
    bool keep = count > 1 && args[1].i != 0;
    const char *p = args[0].p;
    size_t len = args[0].len, from = 0;
    struct gathered parts = {0};
    while (from < len) {
        size_t at = from, end;
        unsigned bytes = 0;
        while (at < len && !ends_line(at_point(p, at, &bytes)))
            at += bytes;
        end = at;
        if (at < len)
            at += p[at] == '\r' && at + 1 < len && p[at + 1] == '\n' ? 2 : bytes;
        if (!run_charge(run, 1) || !gathered_add(run, &parts, text_part(&args[0], from, keep ? at : end)))
            return false;
        from = at;
    }
    *out = make_list(parts.items, parts.count);
    return true;
}

static bool partition(struct run *run, const struct value *args, bool right, struct value *out) {
    if (!text_receiver(run, &args[0], right ? "rpartition" : "partition") || !text_argument(run, &args[1]))
        return false;
    const struct value *v = &args[0], *by = &args[1];
    if (by->len == 0)
        return run_raise(run, EXCEPTION_ValueError, "empty separator");
    struct value *items = run_items(run, 3);
    size_t at = 0;
    bool found = true;
    if (items == NULL || (right && !text_find_last(run, v->p, v->len, by->p, by->len, &at, &found)))
        return false;
    if (!right)
        found = text_find(v->p, v->len, by->p, by->len, &at);
    if (found) {
        items[0] = text_part(v, 0, at);
        items[1] = *by;
        items[2] = text_part(v, at + by->len, v->len);
    } else {
        items[0] = items[1] = items[2] = text_ascii("", 0);
        items[right ? 2 : 0] = *v;
    }
    *out = make_tuple(items, 3);
    return true;
}

bool builtin_method_partition(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_partition, args, count, out);
    return partition(run, args, false, out);
}

bool builtin_method_rpartition(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_rpartition, args, count, out);
    return partition(run, args, true, out);
}

bool builtin_method_join(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_join(run, args, out);
    const struct value *items;
    uint32_t item_count;
    if (!text_receiver(run, &args[0], "join") || !sequence_items(run, &args[1], &items, &item_count))
        return false;
    uint64_t total = item_count > 1 ? (uint64_t)args[0].len * (item_count - 1) : 0;
    bool ascii = is_ascii(&args[0]) || item_count < 2;
    for (uint32_t i = 0; i < item_count; i++) {
        if (items[i].tag != V_STR)
            return run_raise(run, EXCEPTION_TypeError, "sequence item %u: expected str instance, %s found", i, type_name(&items[i]));
        total += items[i].len;
        ascii = ascii && is_ascii(&items[i]);
    }
    char *p = run_charge(run, item_count) ? run_alloc(run, total) : NULL, *at = p;
    if (p == NULL)
        return false;
    for (uint32_t i = 0; i < item_count; i++) {
        if (i > 0) {
            copy_bytes(at, args[0].p, args[0].len);
            at += args[0].len;
        }
        copy_bytes(at, items[i].p, items[i].len);
        at += items[i].len;
    }
    ASSERT((size_t)(at - p) == total);
    *out = ascii ? text_ascii(p, total) : value_str(p, total);
    return true;
}

/* --- padding --- */

static bool pad(struct run *run, const struct value *v, uint64_t left, uint64_t right, struct str fill, struct value *out) {
    if (left == 0 && right == 0) {
        *out = *v;
        return true;
    }
    uint64_t total = v->len;
    if (left > LIMIT_VALUE_BYTES || right > LIMIT_VALUE_BYTES)
        total = LIMIT_VALUE_BYTES + 1;
    else
        total += (left + right) * fill.len;
    char *p = run_alloc(run, total), *at = p;
    if (p == NULL)
        return false;
    for (uint64_t i = 0; i < left; i++, at += fill.len)
        copy_bytes(at, fill.p, fill.len);
    copy_bytes(at, v->p, v->len);
    at += v->len;
    for (uint64_t i = 0; i < right; i++, at += fill.len)
        copy_bytes(at, fill.p, fill.len);
    *out = value_str(p, total);
    return true;
}

/* Width and fill character; *missing is how many characters to add. */
static bool pad_arguments(struct run *run, const struct value *args, uint32_t count, const char *name, struct str *fill,
                          uint64_t *missing, int64_t *width) {
    if (!text_receiver(run, &args[0], name) || !text_size_argument(run, &args[1], width))
        return false;
    *fill = STR(" ");
    if (count > 2) {
        if (args[2].tag != V_STR || text_length(&args[2]) != 1)
            return run_raise(run, EXCEPTION_TypeError, "The fill character must be exactly one character long");
        *fill = value_text(&args[2]);
    }
    int64_t len = (int64_t)text_length(&args[0]);
    *missing = *width > len ? (uint64_t)(*width - len) : 0;
    return true;
}

bool builtin_method_ljust(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_ljust, args, count, out);
    struct str fill;
    uint64_t missing;
    int64_t width;
    return pad_arguments(run, args, count, "ljust", &fill, &missing, &width) && pad(run, &args[0], 0, missing, fill, out);
}

bool builtin_method_rjust(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_rjust, args, count, out);
    struct str fill;
    uint64_t missing;
    int64_t width;
    return pad_arguments(run, args, count, "rjust", &fill, &missing, &width) && pad(run, &args[0], missing, 0, fill, out);
}

bool builtin_method_center(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_center, args, count, out);
    struct str fill;
    uint64_t missing;
    int64_t width;
    if (!pad_arguments(run, args, count, "center", &fill, &missing, &width))
        return false;
    uint64_t left = missing / 2 + (missing & (uint64_t)width & 1); /* CPython's choice where it does not come out even */
    return pad(run, &args[0], left, missing - left, fill, out);
}

bool builtin_method_zfill(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_zfill, args, count, out);
    struct str fill;
    uint64_t missing;
    int64_t width;
    if (!pad_arguments(run, args, count, "zfill", &fill, &missing, &width) ||
        !pad(run, &args[0], missing, 0, STR("0"), out))
        return false;
    const char *old = args[0].p;
    if (missing > 0 && args[0].len > 0 && (old[0] == '+' || old[0] == '-')) {
        char *p = (char *)(uintptr_t)out->p; /* ours: it was padded */
        p[0] = old[0];
        p[missing] = '0';
    }
    return true;
}

bool builtin_method_expandtabs(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_BYTES)
        return bytes_method(run, builtin_method_expandtabs, args, count, out);
    int64_t tab = 8;
    if (!text_receiver(run, &args[0], "expandtabs"))
        return false;
    if (count > 1 && !text_size_argument(run, &args[1], &tab))
        return false;
    if (tab > INT32_MAX || tab < INT32_MIN)
        return run_raise(run, EXCEPTION_OverflowError, "Python int too large to convert to C int");
    struct buf buf;
    run_buf(run, &buf);
    const char *p = args[0].p;
    int64_t column = 0;
    for (size_t at = 0; at < args[0].len && !buf.failed; at++) {
        if (p[at] == '\t') {
            int64_t spaces = tab > 0 ? tab - column % tab : 0;
            char *room = buf_reserve(&buf, (size_t)spaces);
            if (room != NULL) {
                memset(room, ' ', (size_t)spaces);
                buf.len += (size_t)spaces;
            }
            column += spaces;
        } else {
            buf_char(&buf, p[at]);
            column = p[at] == '\n' || p[at] == '\r' ? 0 : column + (((unsigned char)p[at] & 0xc0) != 0x80);
        }
    }
    return run_charge(run, args[0].len / 8) && run_text(run, &buf, is_ascii(&args[0]), out);
}
