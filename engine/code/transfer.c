/* base64 and binascii: bytes as letters and back, with CPython's leniency (letters outside the alphabet are skipped unless
 * validation is asked for) and its errors. */
#include "bytes.h"

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char BASE32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static bool wrong(struct run *run, const char *why) { return run_raise(run, EXCEPTION_Error, "%s", why); }

/* --- base 64 --- */

static bool encode64(struct run *run, struct str data, char plus, char slash, struct value *out) {
    const unsigned char *p = (const unsigned char *)data.p;
    char *to = run_alloc(run, (data.len + 2) / 3 * 4), *at = to;
    if (to == NULL || !run_charge(run, data.len / 16))
        return false;
    for (size_t i = 0; i < data.len; i += 3) {
        size_t left = data.len - i;
        uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
        for (unsigned k = 0; k < 4; k++) {
            char c = k > left ? '=' : BASE64[bits >> (18 - 6 * k) & 63];
            *at++ = c == '+' ? plus : c == '/' ? slash : c;
        }
    }
    *out = make_bytes(to, (size_t)(at - to));
    return true;
}

/* altchars: two bytes, or None. */
static bool alternatives(struct run *run, const struct value *args, uint32_t count, char *plus, char *slash) {
    struct str pair;
    *plus = '+';
    *slash = '/';
    if (count < 2 || args[1].tag == V_NONE)
        return true;
    if (!bytes_argument(run, &args[1], &pair))
        return false;
    if (pair.len != 2)
        return run_raise(run, EXCEPTION_AssertionError, "altchars of two bytes");
    *plus = pair.p[0];
    *slash = pair.p[1];
    return true;
}

bool builtin_base64_b64encode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    char plus, slash;
    return bytes_argument(run, &args[0], &data) && alternatives(run, args, count, &plus, &slash) &&
           encode64(run, data, plus, slash, out);
}

bool builtin_base64_standard_b64encode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    return bytes_argument(run, &args[0], &data) && encode64(run, data, '+', '/', out);
}

bool builtin_base64_urlsafe_b64encode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    return bytes_argument(run, &args[0], &data) && encode64(run, data, '-', '_', out);
}

static int digit64(unsigned char c, char plus, char slash) {
    if (c == (unsigned char)plus) /* what translate() makes of it: altchars win over the alphabet */
        return 62;
    if (c == (unsigned char)slash)
        return 63;
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four letters to three bytes, as binascii.a2b_base64 does it. */
static bool decode64(struct run *run, struct str data, char plus, char slash, bool strict, struct value *out) {
    uint8_t *to = run_alloc(run, data.len / 4 * 3 + 3);
    size_t used = 0;
    unsigned place = 0, pads = 0, held = 0;
    bool padding = false;
    if (to == NULL || !run_charge(run, data.len / 16))
        return false;
    if (strict && data.len > 0 && data.p[0] == '=')
        return wrong(run, "Leading padding not allowed");
    for (size_t i = 0; i < data.len; i++) {
        unsigned char c = (unsigned char)data.p[i];
        if (c == '=' && plus != '=' && slash != '=') {
            padding = true;
            if (place >= 2 && place + ++pads >= 4) {
                *out = make_bytes(to, used);
                return !(strict && i + 1 < data.len) || wrong(run, "Excess data after padding");
            }
            continue;
        }
        int digit = digit64(c, plus, slash);
        if (digit < 0 && !strict)
            continue;
        if (digit < 0 || (strict && padding))
            return wrong(run, digit < 0 ? "Only base64 data is allowed" : "Discontinuous padding not allowed");
        pads = 0;
        if (place > 0)
            to[used++] = (uint8_t)(held << 2 * place | (unsigned)digit >> (6 - 2 * place));
        held = (unsigned)digit & (0x3fu >> 2 * place);
        place = (place + 1) % 4;
    }
    if (place != 0)
        return wrong(run, place == 1 ? "Invalid base64-encoded string" : "Incorrect padding");
    *out = make_bytes(to, used);
    return true;
}

bool builtin_base64_b64decode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data, pair;
    char plus = '+', slash = '/';
    if (!bytes_or_ascii(run, &args[0], &data))
        return false;
    if (count > 1 && args[1].tag != V_NONE) {
        if (!bytes_or_ascii(run, &args[1], &pair))
            return false;
        if (pair.len != 2)
            return run_raise(run, EXCEPTION_AssertionError, "altchars of two bytes");
        plus = pair.p[0];
        slash = pair.p[1];
    }
    return decode64(run, data, plus, slash, count > 2 && truth(&args[2]), out);
}

bool builtin_base64_standard_b64decode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    return bytes_or_ascii(run, &args[0], &data) && decode64(run, data, '+', '/', false, out);
}

bool builtin_base64_urlsafe_b64decode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    return bytes_or_ascii(run, &args[0], &data) && decode64(run, data, '-', '_', false, out);
}

/* --- base 32 --- */

bool builtin_base64_b32encode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    if (!bytes_argument(run, &args[0], &data))
        return false;
    const unsigned char *p = (const unsigned char *)data.p;
    char *to = run_alloc(run, (data.len + 4) / 5 * 8), *at = to;
    if (to == NULL || !run_charge(run, data.len / 16))
        return false;
    for (size_t i = 0; i < data.len; i += 5) {
        size_t left = data.len - i < 5 ? data.len - i : 5;
        uint64_t bits = 0;
        for (size_t k = 0; k < 5; k++)
            bits = bits << 8 | (k < left ? p[i + k] : 0);
        for (unsigned k = 0; k < 8; k++)
            *at++ = k * 5 < left * 8 ? BASE32[bits >> (35 - 5 * k) & 31] : '=';
    }
    *out = make_bytes(to, (size_t)(at - to));
    return true;
}

bool builtin_base64_b32decode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    bool fold = count > 1 && truth(&args[1]);
    if (!bytes_or_ascii(run, &args[0], &data))
        return false;
    size_t len = data.len, pads = 0;
    if (len % 8 != 0)
        return wrong(run, "Incorrect padding");
    while (pads < len && data.p[len - 1 - pads] == '=')
        pads++;
    len -= pads;
    uint8_t *to = run_alloc(run, data.len / 8 * 5);
    if (to == NULL || !run_charge(run, data.len / 16))
        return false;
    uint64_t bits = 0;
    for (size_t i = 0; i < data.len; i++) {
        char c = i < len ? data.p[i] : 'A';
        if (fold && c >= 'a' && c <= 'z')
            c = (char)(c - 32);
        const char *digit = c == 0 ? NULL : strchr(BASE32, c);
        if (digit == NULL)
            return wrong(run, "Non-base32 digit found");
        bits = bits << 5 | (uint64_t)(digit - BASE32);
        for (unsigned k = 0; k < 5 && i % 8 == 7; k++)
            to[i / 8 * 5 + k] = (uint8_t)(bits >> (32 - 8 * k));
    }
    if (pads != 0 && pads != 1 && pads != 3 && pads != 4 && pads != 6)
        return wrong(run, "Incorrect padding");
    size_t quanta = (len + 7) / 8;
    *out = make_bytes(to, quanta == 0 || pads == 0 ? quanta * 5 : quanta * 5 - 5 + (43 - 5 * pads) / 8);
    return true;
}

/* --- base 16 --- */

static int digit16(char c, bool lower) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return lower && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode16(struct run *run, struct str data, bool lower, struct value *out) {
    uint8_t *to = run_alloc(run, data.len / 2 + 1);
    if (to == NULL || !run_charge(run, data.len / 16))
        return false;
    if (data.len % 2 != 0)
        return wrong(run, "Odd-length string");
    for (size_t i = 0; i < data.len; i += 2) {
        int high = digit16(data.p[i], lower), low = digit16(data.p[i + 1], lower);
        if (high < 0 || low < 0)
            return wrong(run, "Non-hexadecimal digit found");
        to[i / 2] = (uint8_t)(high << 4 | low);
    }
    *out = make_bytes(to, data.len / 2);
    return true;
}

bool builtin_binascii_unhexlify(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    return bytes_or_ascii(run, &args[0], &data) && decode16(run, data, true, out);
}

bool builtin_base64_b16decode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    return bytes_or_ascii(run, &args[0], &data) && decode16(run, data, count > 1 && truth(&args[1]), out);
}

bool builtin_binascii_hexlify(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    struct value text;
    if (!bytes_argument(run, &args[0], &data) || !builtin_method_hex(run, args, count, &text))
        return false;
    *out = make_bytes(text.p, text.len);
    return true;
}

bool builtin_base64_b16encode(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct str data;
    struct value text;
    return bytes_argument(run, &args[0], &data) && bytes_hex(run, data.p, data.len, &text) &&
           bytes_case(run, "upper", &(struct value){.tag = V_BYTES, .len = text.len, .p = text.p}, out);
}
