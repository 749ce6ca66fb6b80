/* The strict HTTP/1.1 request parser; see parse.h for what it takes. Called by connection.c for every request.
 *
 * One pass from left to right over at most LIMIT_HEADER_BYTES. Each helper either advances `at`, or returns PARSE_MORE when
 * the bytes ended (a head that reaches the limit without an end is a 431), or fills the error. What a field means for the
 * framing is judged as soon as its line has ended. */
#include "parse.h"

#include "../engine/base/assert.h"

/* What a byte may be. */
enum {
    B_TOKEN = 1,  /* tchar of RFC 9110: method and field names */
    B_TARGET = 2, /* path and query of RFC 3986, without '%' */
    B_VALUE = 4,  /* field values: no control characters but the tab */
    B_HOST = 8,
    B_HEX = 16,
};

#define B_LETTER (B_TOKEN | B_TARGET | B_VALUE | B_HOST)
#define B_SUB (B_TOKEN | B_TARGET | B_VALUE)

static const uint8_t byte_class[256] = {
    ['\t'] = B_VALUE,
    [' '] = B_VALUE,
    ['!'] = B_SUB,
    ['"'] = B_VALUE,
    ['#'] = B_TOKEN | B_VALUE,
    ['$'] = B_SUB,
    ['%'] = B_TOKEN | B_VALUE,
    ['&'] = B_SUB,
    ['\''] = B_SUB,
    ['('] = B_TARGET | B_VALUE,
    [')'] = B_TARGET | B_VALUE,
    ['*'] = B_SUB,
    ['+'] = B_SUB,
    [','] = B_TARGET | B_VALUE,
    ['-'] = B_LETTER,
    ['.'] = B_LETTER,
    ['/'] = B_TARGET | B_VALUE,
    ['0' ... '9'] = B_LETTER | B_HEX,
    [':'] = B_TARGET | B_VALUE | B_HOST,
    [';'] = B_TARGET | B_VALUE,
    ['<'] = B_VALUE,
    ['='] = B_TARGET | B_VALUE,
    ['>'] = B_VALUE,
    ['?'] = B_TARGET | B_VALUE,
    ['@'] = B_TARGET | B_VALUE,
    ['A' ... 'F'] = B_LETTER | B_HEX,
    ['G' ... 'Z'] = B_LETTER,
    ['['] = B_VALUE | B_HOST,
    ['\\'] = B_VALUE,
    [']'] = B_VALUE | B_HOST,
    ['^'] = B_TOKEN | B_VALUE,
    ['_'] = B_LETTER,
    ['`'] = B_TOKEN | B_VALUE,
    ['a' ... 'f'] = B_LETTER | B_HEX,
    ['g' ... 'z'] = B_LETTER,
    ['{'] = B_VALUE,
    ['|'] = B_TOKEN | B_VALUE,
    ['}'] = B_VALUE,
    ['~'] = B_SUB,
    [0x80 ... 0xff] = B_VALUE,
};

enum { METHOD_BYTES = 32, CHUNK_DIGITS = 8 };

struct scan {
    const char *p;
    size_t len, at;
    size_t body_limit_bytes;
    struct http_head *head;
    struct http_error *error;
    bool has_host, has_encoding, has_expect;
};

static bool is(char c, int classes) { return (byte_class[(uint8_t)c] & classes) != 0; }

static enum http_parse bad(struct http_error *error, int status, size_t offset, const char *expected, int got) {
    ASSERT(status >= 400 && status < 600);
    ASSERT(expected);
    *error = (struct http_error){.status = status, .offset = offset, .expected = expected, .got = got};
    return PARSE_BAD;
}

/* An error at the byte under the cursor. */
static enum http_parse bad_here(struct scan *s, const char *expected) {
    ASSERT(s->at < s->len);
    return bad(s->error, 400, s->at, expected, (uint8_t)s->p[s->at]);
}

/* The CRLF under the cursor. */
static enum http_parse take_crlf(struct scan *s, const char *expected) {
    if (s->at == s->len)
        return PARSE_MORE;
    if (s->p[s->at] != '\r')
        return bad_here(s, expected);
    if (s->at + 1 == s->len)
        return PARSE_MORE;
    s->at++;
    if (s->p[s->at] != '\n')
        return bad_here(s, "LF after CR");
    s->at++;
    return PARSE_DONE;
}

static enum http_parse take_method(struct scan *s) {
    size_t start = s->at;
    while (s->at < s->len && is(s->p[s->at], B_TOKEN)) {
        s->at++;
        if (s->at - start > METHOD_BYTES)
            return bad(s->error, 400, start + METHOD_BYTES, "a method of at most 32 bytes", -1);
    }
    if (s->at == s->len)
        return PARSE_MORE;
    if (s->at == start)
        return bad_here(s, "a method such as POST at the start of the request");
    if (s->p[s->at] != ' ')
        return bad_here(s, "one space after the method");
    s->head->method = (struct str){s->p + start, s->at - start};
    s->at++;
    return PARSE_DONE;
}

static enum http_parse take_target(struct scan *s) {
    size_t start = s->at, query = 0;
    if (s->at == s->len)
        return PARSE_MORE;
    if (s->p[s->at] != '/')
        return bad_here(s, "a target that begins with / (origin form), one space after the method");
    for (; s->at < s->len; s->at++) {
        char c = s->p[s->at];
        if (s->at - start >= LIMIT_TARGET_BYTES && c != ' ')
            return bad(s->error, 414, start + LIMIT_TARGET_BYTES, "a target of at most 2048 bytes", -1);
        if (c == '%') {
            for (unsigned i = 0; i < 2; i++) {
                if (s->at + 1 == s->len)
                    return PARSE_MORE;
                s->at++;
                if (!is(s->p[s->at], B_HEX))
                    return bad_here(s, "two hexadecimal digits after % in the target");
            }
        } else if (!is(c, B_TARGET)) {
            break;
        } else if (c == '?' && query == 0) {
            query = s->at;
        }
    }
    if (s->at == s->len)
        return PARSE_MORE;
    if (s->p[s->at] != ' ')
        return bad_here(s, "a target of URI characters, others percent-encoded, and one space after it");
    size_t end = s->at, path_end = query ? query : end;
    s->head->target = (struct str){s->p + start, end - start};
    s->head->path = (struct str){s->p + start, path_end - start};
    s->head->query = query ? (struct str){s->p + query + 1, end - query - 1} : (struct str){s->p + end, 0};
    s->at++;
    return PARSE_DONE;
}

static enum http_parse take_version(struct scan *s) {
    static const char prefix[] = "HTTP/";
    size_t start = s->at;
    for (size_t i = 0; i < 8; i++, s->at++) {
        if (s->at == s->len)
            return PARSE_MORE;
        char c = s->p[s->at];
        bool good = i < 5 ? c == prefix[i] : i == 6 ? c == '.' : c >= '0' && c <= '9';
        if (!good)
            return bad_here(s, "HTTP/1.1 after the target and one space");
    }
    enum http_parse end = take_crlf(s, "CRLF after the version");
    if (end != PARSE_DONE)
        return end;
    if (s->p[start + 5] != '1' || s->p[start + 7] > '1')
        return bad(s->error, 505, start, "HTTP/1.1 or HTTP/1.0", -1);
    s->head->minor = s->p[start + 7] - '0';
    s->head->keep_alive = s->head->minor == 1;
    return PARSE_DONE;
}

static enum http_parse judge_length(struct scan *s, struct str value, size_t offset) {
    if (s->head->has_length)
        return bad(s->error, 400, offset, "one Content-Length", -1);
    if (s->head->chunked)
        return bad(s->error, 400, offset, "either Content-Length or Transfer-Encoding, not both", -1);
    if (value.len == 0)
        return bad(s->error, 400, offset, "digits as the Content-Length", -1);
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return bad(s->error, 400, offset + i, "only digits in Content-Length", (uint8_t)value.p[i]);
        if (length <= UINT64_MAX / 10 - 1)
            length = length * 10 + (uint64_t)(value.p[i] - '0');
    }
    if (length > s->body_limit_bytes)
        return bad(s->error, 413, offset, "a body within the limit", -1);
    s->head->has_length = true;
    s->head->content_length = length;
    return PARSE_DONE;
}

static enum http_parse judge_encoding(struct scan *s, struct str value, size_t offset) {
    if (s->has_encoding)
        return bad(s->error, 400, offset, "one Transfer-Encoding", -1);
    if (s->head->has_length)
        return bad(s->error, 400, offset, "either Content-Length or Transfer-Encoding, not both", -1);
    if (s->head->minor == 0)
        return bad(s->error, 400, offset, "no Transfer-Encoding in HTTP/1.0", -1);
    if (value.len == 0)
        return bad(s->error, 400, offset, "chunked as the Transfer-Encoding", -1);
    if (!http_text_is(value, "chunked"))
        return bad(s->error, 501, offset, "chunked as the only Transfer-Encoding", -1);
    s->has_encoding = true;
    s->head->chunked = true;
    return PARSE_DONE;
}

static enum http_parse judge_host(struct scan *s, struct str value, size_t offset) {
    if (s->has_host)
        return bad(s->error, 400, offset, "one Host", -1);
    if (value.len == 0)
        return bad(s->error, 400, offset, "a name or address in Host", -1);
    for (size_t i = 0; i < value.len; i++) {
        if (!is(value.p[i], B_HOST))
            return bad(s->error, 400, offset + i, "a name or address, and a port, in Host", (uint8_t)value.p[i]);
    }
    s->has_host = true;
    s->head->host = value;
    return PARSE_DONE;
}

static enum http_parse judge_expect(struct scan *s, struct str value, size_t offset) {
    if (s->has_expect || !http_text_is(value, "100-continue"))
        return bad(s->error, 417, offset, "100-continue as the only Expect", -1);
    s->has_expect = true;
    s->head->expects_continue = s->head->minor == 1;
    return PARSE_DONE;
}

/* "close" anywhere in the list closes. Other options concern connections we do not offer. */
static void judge_connection(struct scan *s, struct str value) {
    size_t at = 0;
    while (at < value.len) {
        size_t start = at;
        while (at < value.len && value.p[at] != ',')
            at++;
        size_t end = at;
        while (start < end && (value.p[start] == ' ' || value.p[start] == '\t'))
            start++;
        while (end > start && (value.p[end - 1] == ' ' || value.p[end - 1] == '\t'))
            end--;
        if (http_text_is((struct str){value.p + start, end - start}, "close"))
            s->head->keep_alive = false;
        at++;
    }
}

static enum http_parse judge_field(struct scan *s, const struct http_field *field) {
    size_t offset = (size_t)(field->value.p - s->p);
    switch (field->name.len) {
    case 4:
        return http_text_is(field->name, "host") ? judge_host(s, field->value, offset) : PARSE_DONE;
    case 6:
        return http_text_is(field->name, "expect") ? judge_expect(s, field->value, offset) : PARSE_DONE;
    case 10:
        if (http_text_is(field->name, "connection"))
            judge_connection(s, field->value);
        return PARSE_DONE;
    case 14:
        return http_text_is(field->name, "content-length") ? judge_length(s, field->value, offset) : PARSE_DONE;
    case 17:
        return http_text_is(field->name, "transfer-encoding") ? judge_encoding(s, field->value, offset) : PARSE_DONE;
    default:
        return PARSE_DONE;
    }
}

static enum http_parse take_field(struct scan *s) {
    size_t start = s->at;
    if (s->p[s->at] == ' ' || s->p[s->at] == '\t')
        return bad_here(s, "a field name at the start of the line (no folded fields)");
    while (s->at < s->len && is(s->p[s->at], B_TOKEN))
        s->at++;
    if (s->at == s->len)
        return PARSE_MORE;
    if (s->p[s->at] != ':' || s->at == start)
        return bad_here(s, "a field name of letters, digits and hyphens, and a colon right after it");
    struct http_field field = {.name = {s->p + start, s->at - start}};
    s->at++;
    while (s->at < s->len && (s->p[s->at] == ' ' || s->p[s->at] == '\t'))
        s->at++;
    size_t value = s->at;
    while (s->at < s->len && is(s->p[s->at], B_VALUE))
        s->at++;
    size_t end = s->at;
    enum http_parse crlf = take_crlf(s, "a field value without control characters, and CRLF after it");
    if (crlf != PARSE_DONE)
        return crlf;
    while (end > value && (s->p[end - 1] == ' ' || s->p[end - 1] == '\t'))
        end--;
    field.value = (struct str){s->p + value, end - value};
    if (s->head->field_count == LIMIT_HEADERS)
        return bad(s->error, 431, start, "at most 64 header fields", -1);
    s->head->fields[s->head->field_count++] = field;
    return judge_field(s, &field);
}

static enum http_parse take_head(struct scan *s) {
    enum http_parse step = take_method(s);
    if (step == PARSE_DONE)
        step = take_target(s);
    if (step == PARSE_DONE)
        step = take_version(s);
    while (step == PARSE_DONE) {
        if (s->at == s->len)
            return PARSE_MORE;
        if (s->p[s->at] == '\r') {
            step = take_crlf(s, "an empty line");
            if (step != PARSE_DONE)
                return step;
            if (!s->has_host)
                return bad(s->error, 400, s->at - 2, "a Host field", -1);
            s->head->bytes = s->at;
            return PARSE_DONE;
        }
        step = take_field(s);
    }
    return step;
}

enum http_parse http_parse_head(const char *p, size_t len, size_t body_limit_bytes, struct http_head *head,
                                struct http_error *error) {
    ASSERT(head && error);
    ASSERT(p || len == 0);
    head->field_count = 0;
    head->host = (struct str){NULL, 0};
    head->content_length = 0;
    head->has_length = head->chunked = head->keep_alive = head->expects_continue = false;
    struct scan scan = {
        .p = p,
        .len = len < LIMIT_HEADER_BYTES ? len : LIMIT_HEADER_BYTES,
        .body_limit_bytes = body_limit_bytes,
        .head = head,
        .error = error,
    };
    enum http_parse result = take_head(&scan);
    if (result == PARSE_MORE && len > LIMIT_HEADER_BYTES)
        return bad(error, 431, LIMIT_HEADER_BYTES, "a request line and header fields of at most 16384 bytes", -1);
    ASSERT(result != PARSE_DONE || head->bytes <= len);
    return result;
}

bool http_text_is(struct str text, const char *lower) {
    ASSERT(lower);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        if (c != lower[i] || c == '\0')
            return false;
    }
    return lower[text.len] == '\0';
}

struct str http_field(const struct http_head *head, const char *lower_name) {
    ASSERT(head && lower_name);
    for (uint32_t i = 0; i < head->field_count; i++) {
        if (http_text_is(head->fields[i].name, lower_name))
            return head->fields[i].value;
    }
    return (struct str){NULL, 0};
}

uint32_t http_field_count(const struct http_head *head, const char *lower_name) {
    ASSERT(head && lower_name);
    uint32_t count = 0;
    for (uint32_t i = 0; i < head->field_count; i++)
        count += http_text_is(head->fields[i].name, lower_name);
    return count;
}

/* --- chunked bodies ---
 *
 *   state   what the next byte is           then
 *   SIZE    a hexadecimal digit, or CR      SIZE, SIZE_LF
 *   SIZE_LF LF after the size               DATA, or END_CR after size 0
 *   DATA    the chunk's bytes               DATA_CR when all are there
 *   DATA_CR DATA_LF  CRLF after the data    SIZE
 *   END_CR END_LF    the last CRLF          done */
enum { CHUNK_SIZE, CHUNK_SIZE_LF, CHUNK_DATA, CHUNK_DATA_CR, CHUNK_DATA_LF, CHUNK_END_CR, CHUNK_END_LF };

static int hex_value(char c) {
    ASSERT(is(c, B_HEX));
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static enum http_parse chunk_size(struct http_chunks *chunks, char c, size_t limit_bytes, struct http_error *error) {
    if (is(c, B_HEX)) {
        if (chunks->digits == CHUNK_DIGITS)
            return bad(error, 400, chunks->raw_bytes, "a chunk size of at most 8 hexadecimal digits", (uint8_t)c);
        chunks->digits++;
        chunks->left_bytes = chunks->left_bytes * 16 + (uint64_t)hex_value(c);
        return PARSE_MORE;
    }
    if (c != '\r' || chunks->digits == 0)
        return bad(error, 400, chunks->raw_bytes,
                   chunks->digits ? "CRLF after the chunk size (no chunk extensions)" : "a chunk size in hexadecimal digits",
                   (uint8_t)c);
    if (chunks->left_bytes > limit_bytes - chunks->total_bytes)
        return bad(error, 413, chunks->raw_bytes, "a body within the limit", -1);
    chunks->state = CHUNK_SIZE_LF;
    return PARSE_MORE;
}

/* One byte that is not a chunk's data. */
static enum http_parse chunk_byte(struct http_chunks *chunks, char c, size_t limit_bytes, struct http_error *error) {
    switch (chunks->state) {
    case CHUNK_SIZE:
        return chunk_size(chunks, c, limit_bytes, error);
    case CHUNK_SIZE_LF:
        if (c != '\n')
            return bad(error, 400, chunks->raw_bytes, "LF after CR in the chunk size", (uint8_t)c);
        chunks->state = chunks->left_bytes ? CHUNK_DATA : CHUNK_END_CR;
        return PARSE_MORE;
    case CHUNK_DATA_CR:
        if (c != '\r')
            return bad(error, 400, chunks->raw_bytes, "CRLF after as many bytes as the chunk size says", (uint8_t)c);
        chunks->state = CHUNK_DATA_LF;
        return PARSE_MORE;
    case CHUNK_DATA_LF:
        if (c != '\n')
            return bad(error, 400, chunks->raw_bytes, "LF after CR behind the chunk", (uint8_t)c);
        chunks->digits = 0;
        chunks->state = CHUNK_SIZE;
        return PARSE_MORE;
    case CHUNK_END_CR:
        if (c != '\r')
            return bad(error, 400, chunks->raw_bytes, "CRLF after the last chunk (no trailers)", (uint8_t)c);
        chunks->state = CHUNK_END_LF;
        return PARSE_MORE;
    case CHUNK_END_LF:
        if (c != '\n')
            return bad(error, 400, chunks->raw_bytes, "LF after CR behind the last chunk", (uint8_t)c);
        return PARSE_DONE;
    default:
        UNREACHABLE();
    }
}

enum http_parse http_chunks_decode(struct http_chunks *chunks, char *bytes, size_t len, size_t limit_bytes, size_t *consumed,
                                   size_t *produced, struct http_error *error) {
    ASSERT(chunks && consumed && produced && error);
    ASSERT(chunks->total_bytes <= limit_bytes);
    size_t at = 0, out = 0;
    enum http_parse result = PARSE_MORE;
    while (at < len && result == PARSE_MORE) {
        if (chunks->state == CHUNK_DATA) {
            size_t take = len - at < chunks->left_bytes ? len - at : (size_t)chunks->left_bytes;
            memmove(bytes + out, bytes + at, take);
            at += take;
            out += take;
            chunks->left_bytes -= take;
            chunks->total_bytes += take;
            chunks->raw_bytes += take;
            if (chunks->left_bytes == 0)
                chunks->state = CHUNK_DATA_CR;
        } else {
            result = chunk_byte(chunks, bytes[at], limit_bytes, error);
            if (result != PARSE_BAD) {
                at++;
                chunks->raw_bytes++;
            }
        }
    }
    *consumed = at;
    *produced = out;
    ASSERT(out <= at && at <= len);
    return result;
}

size_t http_percent_decode(struct str text, char *out) {
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '%') {
            ASSERT(i + 2 < text.len);
            out[len++] = (char)(hex_value(text.p[i + 1]) * 16 + hex_value(text.p[i + 2]));
            i += 2;
        } else {
            out[len++] = text.p[i];
        }
    }
    return len;
}
