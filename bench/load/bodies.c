/* JSON lines to requests. A line is scanned once for the string values of the id and the time among its own keys (those
 * of nested objects do not count); what stands there is replaced by text of a fixed width, so a request only needs
 * patching in place. */
#include "bodies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../engine/base/assert.h"

enum { NUMBER_DIGITS = 10, TIME_BYTES = 27, MICROSECONDS = 1000000 };

/* --- times: 2025-03-01T12:00:00.000000Z --------------------------------------------------------------------------- */

static int64_t days_of(int64_t year, uint32_t month, uint32_t day) {
    year -= month <= 2;
    int64_t era = year / 400;
    uint32_t of_era = (uint32_t)(year - era * 400),
             of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, uint32_t *year, uint32_t *month, uint32_t *day) {
    days += 719468;
    uint32_t era = (uint32_t)(days / 146097), of_era = (uint32_t)(days % 146097);
    uint32_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * years + years / 4 - years / 100), m = (5 * of_year + 2) / 153;
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = years + era * 400 + (*month <= 2);
}

static void put_digits(char *out, uint64_t value, uint32_t digits) {
    for (uint32_t i = digits; i-- > 0; value /= 10)
        out[i] = (char)('0' + value % 10);
}

static void put_time(char *out, int64_t us) {
    uint32_t year, month, day;
    int64_t seconds = us / MICROSECONDS, of_day = seconds % 86400;
    ASSERT(us >= 0);
    date_of(seconds / 86400, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00.000000Z", TIME_BYTES);
    put_digits(out, year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, day, 2);
    put_digits(out + 11, (uint64_t)of_day / 3600, 2);
    put_digits(out + 14, (uint64_t)of_day / 60 % 60, 2);
    put_digits(out + 17, (uint64_t)of_day % 60, 2);
    put_digits(out + 20, (uint64_t)(us % MICROSECONDS), 6);
}

/* UTC with a Z, with or without a fraction of up to six digits. */
static bool read_time(const char *p, size_t len, int64_t *us) {
    unsigned year, month, day, hour, minute, second;
    char text[40];
    int at = 0;
    if (len >= sizeof text)
        return false;
    memcpy(text, p, len);
    text[len] = '\0';
    if (sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u%n", &year, &month, &day, &hour, &minute, &second, &at) != 6 ||
        year < 1970)
        return false;
    int64_t fraction = 0;
    if (text[at] == '.') {
        uint32_t digits = 0;
        for (at++; text[at] >= '0' && text[at] <= '9' && digits < 6; digits++)
            fraction = fraction * 10 + (text[at++] - '0');
        for (; digits < 6; digits++)
            fraction *= 10;
    }
    *us = (days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * MICROSECONDS + fraction;
    return text[at] == 'Z' && (size_t)at + 1 == len;
}

/* --- finding two values in a line --------------------------------------------------------------------------------- */

struct span {
    size_t at, len; /* at 0: not found; a value never starts a line */
};

/* The end of the string that opens at p[at]; len if it does not close. */
static size_t string_end(const char *p, size_t len, size_t at) {
    for (at++; at < len && p[at] != '"'; at++)
        at += p[at] == '\\';
    return at < len ? at : len;
}

static bool is_field(const char *p, struct span key, const char *name) {
    return key.len == strlen(name) && memcmp(p + key.at, name, key.len) == 0;
}

/* The insides of the string values of the object's own keys `id` and `time`. False: not one whole object. */
static bool find_fields(const char *p, size_t len, const struct bodies_config *config, struct span *id,
                        struct span *time) {
    struct span key = {0, 0};
    int depth = 0;
    bool value = false;
    for (size_t at = 0; at < len; at++) {
        char c = p[at];
        if (c == '"') {
            size_t end = string_end(p, len, at);
            struct span inside = {at + 1, end - at - 1};
            if (end == len)
                return false;
            if (depth == 1 && !value)
                key = inside;
            else if (depth == 1 && is_field(p, key, config->id_field))
                *id = inside;
            else if (depth == 1 && is_field(p, key, config->time_field))
                *time = inside;
            at = end;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (depth == 1 && (c == ':' || c == ',')) {
            value = c == ':';
        } else if (depth == 0 && c != ' ' && c != '\r') {
            return false;
        }
    }
    return depth == 0 && len > 0 && p[0] == '{';
}

/* --- a line to a request ------------------------------------------------------------------------------------------ */

/* Copies a line with the value of `cut` widened to `width` bytes; returns where those begin. */
static uint32_t put_widened(char **out, const char *from, size_t *done, struct span cut, size_t width,
                            const char *start) {
    memcpy(*out, from + *done, cut.at - *done);
    *out += cut.at - *done;
    uint32_t at = (uint32_t)(*out - start);
    memset(*out, '0', width);
    *out += width;
    *done = cut.at + cut.len;
    return at;
}

static bool make_body(struct body *body, const char *line, size_t len, const struct bodies_config *config,
                      uint32_t number, struct error *error) {
    struct span id = {0, 0}, time = {0, 0};
    size_t id_width = strlen(config->id_prefix) + 1 + NUMBER_DIGITS;
    if (!find_fields(line, len, config, &id, &time))
        return error_set(error, ERROR_INPUT, "%s:%u: expected one JSON object a line, got: %.*s", config->file, number,
                         (int)(len < 60 ? len : 60), line);
    if (id.at == 0)
        return error_set(error, ERROR_INPUT, "%s:%u: expected a field \"%s\" that is a string (--id-field names it)",
                         config->file, number, config->id_field);
    if (config->time_field[0] && (time.at == 0 || !read_time(line + time.at, time.len, &body->time_us)))
        return error_set(
            error, ERROR_INPUT,
            "%s:%u: expected a field \"%s\" such as \"2025-03-01T12:00:00.5Z\" (--time-field names it; '' for none)",
            config->file, number, config->time_field);
    size_t body_len = len - id.len + id_width + (time.at ? TIME_BYTES - time.len : 0);
    char head[512];
    int head_len =
        snprintf(head, sizeof head,
                 "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\nAccept: */*\r\n"
                 "User-Agent: assay-load\r\nContent-Length: %zu\r\n\r\n",
                 config->path, config->port, body_len);
    if (head_len < 0 || (size_t)head_len >= sizeof head || body_len + (size_t)head_len > BODIES_REQUEST_BYTES)
        return error_set(error, ERROR_INPUT, "%s:%u: expected a payment of at most 64 KiB, got %zu bytes", config->file,
                         number, body_len);
    body->len = (uint32_t)head_len + (uint32_t)body_len;
    body->request = malloc(body->len);
    ASSERT(body->request);
    memcpy(body->request, head, (size_t)head_len);
    char *out = body->request + head_len;
    size_t done = 0;
    bool time_first = time.at && time.at < id.at;
    if (time_first)
        body->time_at = put_widened(&out, line, &done, time, TIME_BYTES, body->request);
    body->id_at = put_widened(&out, line, &done, id, id_width, body->request);
    if (time.at && !time_first)
        body->time_at = put_widened(&out, line, &done, time, TIME_BYTES, body->request);
    memcpy(out, line + done, len - done);
    memcpy(body->request + body->id_at, config->id_prefix, strlen(config->id_prefix));
    body->request[body->id_at + strlen(config->id_prefix)] = '-';
    ASSERT((size_t)(out - body->request) + len - done == body->len);
    return true;
}

static bool read_lines(struct bodies *bodies, FILE *file, const struct bodies_config *config, struct error *error) {
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    uint32_t room = 0;
    bool good = true;
    while (good && (len = getline(&line, &cap, file)) > 0) {
        if (line[len - 1] == '\n')
            len--;
        if (bodies->count == room) {
            room = room ? 2 * room : 1024;
            bodies->body = realloc(bodies->body, room * sizeof *bodies->body);
            ASSERT(bodies->body);
        }
        struct body *body = &bodies->body[bodies->count];
        *body = (struct body){0};
        good = make_body(body, line, (size_t)len, config, bodies->count + 1, error);
        if (good && ++bodies->count && body->len > bodies->longest)
            bodies->longest = body->len;
    }
    free(line);
    return good;
}

bool bodies_open(struct bodies *bodies, const struct bodies_config *config, struct error *error) {
    *bodies = (struct bodies){.prefix_len = strlen(config->id_prefix)};
    FILE *file = fopen(config->file, "rb");
    if (!file)
        return error_set(error, ERROR_INPUT, "%s: cannot be read", config->file);
    bool good = read_lines(bodies, file, config, error);
    (void)fclose(file);
    if (!good)
        return false;
    if (bodies->count == 0)
        return error_set(error, ERROR_INPUT, "%s: expected at least one payment, the file is empty", config->file);
    const struct body *first = &bodies->body[0], *last = &bodies->body[bodies->count - 1];
    if (last->time_us < first->time_us)
        return error_set(error, ERROR_INPUT,
                         "%s: expected payments in the order of their times; the last is earlier than the first",
                         config->file);
    bodies->span_us = last->time_us - first->time_us + MICROSECONDS;
    return true;
}

void bodies_close(struct bodies *bodies) {
    for (uint32_t i = 0; i < bodies->count; i++)
        free(bodies->body[i].request);
    free(bodies->body);
}

size_t bodies_request(const struct bodies *bodies, uint64_t n, char *out) {
    const struct body *body = &bodies->body[n % bodies->count];
    memcpy(out, body->request, body->len);
    put_digits(out + body->id_at + bodies->prefix_len + 1, n, NUMBER_DIGITS);
    if (body->time_at)
        put_time(out + body->time_at, body->time_us + (int64_t)(n / bodies->count) * bodies->span_us);
    return body->len;
}
