/* Answers: growing bytes under one limit, problem bodies, the head with its date. Called by connection.c and handlers. */
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../engine/base/assert.h"

static size_t counted(size_t cap) { return cap > HTTP_SMALL_BYTES ? cap : 0; }

bool http_bytes_grow(struct http_bytes *bytes, size_t cap) {
    ASSERT(bytes->memory);
    ASSERT(bytes->len <= bytes->cap);
    if (cap <= bytes->cap)
        return true;
    size_t more = counted(cap) - counted(bytes->cap);
    size_t used = atomic_fetch_add_explicit(&bytes->memory->used_bytes, more, memory_order_relaxed);
    char *p = used + more > bytes->memory->limit_bytes && more > 0 ? NULL : realloc(bytes->p, cap);
    if (!p) {
        atomic_fetch_sub_explicit(&bytes->memory->used_bytes, more, memory_order_relaxed);
        return false;
    }
    bytes->p = p;
    bytes->cap = cap;
    return true;
}

void http_bytes_shrink(struct http_bytes *bytes, size_t cap) {
    ASSERT(bytes->len == 0);
    ASSERT(cap > 0 && cap < bytes->cap);
    char *p = realloc(bytes->p, cap);
    if (!p)
        return;
    atomic_fetch_sub_explicit(&bytes->memory->used_bytes, counted(bytes->cap) - counted(cap), memory_order_relaxed);
    bytes->p = p;
    bytes->cap = cap;
}

void http_bytes_release(struct http_bytes *bytes) {
    ASSERT(bytes->memory);
    atomic_fetch_sub_explicit(&bytes->memory->used_bytes, counted(bytes->cap), memory_order_relaxed);
    free(bytes->p);
    bytes->p = NULL;
    bytes->len = bytes->cap = 0;
}

void http_response_reset(struct http_response *response) {
    ASSERT(response);
    response->status = 0;
    response->content_type = (struct str){NULL, 0};
    response->close = false;
    response->ticket = response->retry_ns = 0;
    memset(response->notes, 0, sizeof response->notes);
    response->fields_len = 0;
    response->out.len = 0;
}

bool http_body_add(struct http_response *response, const void *data, size_t len) {
    struct http_bytes *out = &response->out;
    size_t at = out->len < HTTP_HEAD_ROOM ? HTTP_HEAD_ROOM : out->len;
    if (len > SIZE_MAX / 4 - at)
        return false;
    if (at + len > out->cap) {
        size_t cap = out->cap ? out->cap : 4096;
        while (cap < at + len)
            cap *= 2;
        if (!http_bytes_grow(out, cap))
            return false;
    }
    if (len > 0)
        memcpy(out->p + at, data, len);
    out->len = at + len;
    return true;
}

void http_body_clear(struct http_response *response) {
    ASSERT(response);
    response->out.len = 0;
}

struct str http_body(const struct http_response *response) {
    const struct http_bytes *out = &response->out;
    if (out->len <= HTTP_HEAD_ROOM)
        return (struct str){NULL, 0};
    return (struct str){out->p + HTTP_HEAD_ROOM, out->len - HTTP_HEAD_ROOM};
}

void http_field_add(struct http_response *response, const char *format, ...) {
    ASSERT(response && format);
    size_t room = HTTP_FIELD_ROOM - response->fields_len;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(response->fields + response->fields_len, room, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len + 2 > room)
        return;
    response->fields_len += (size_t)len;
    memcpy(response->fields + response->fields_len, "\r\n", 2);
    response->fields_len += 2;
}

const char *http_status_name(int status) {
    switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
    }
}

const char *http_status_slug(int status) {
    switch (status) {
    case 400: return "bad-request";
    case 403: return "forbidden";
    case 404: return "not-found";
    case 405: return "method-not-allowed";
    case 408: return "timeout";
    case 413: return "too-large";
    case 414: return "target-too-long";
    case 415: return "unsupported-media-type";
    case 417: return "unknown-expectation";
    case 431: return "head-too-large";
    case 501: return "unsupported-transfer-coding";
    case 503: return "unavailable";
    case 505: return "unsupported-version";
    default: return "error";
    }
}

void http_problem(struct http_response *response, int status, const char *detail) {
    ASSERT(status >= 400 && status < 600);
    ASSERT(detail);
    char body[1024];
    const char *name = http_status_name(status);
    int len = snprintf(body, sizeof body, "{\"type\": \"urn:assay:problem:%s\", \"title\": \"%s\", \"status\": %d, \"detail\": \"%s\"}",
                       http_status_slug(status), name, status, detail);
    ASSERT(len > 0 && (size_t)len < sizeof body);
    response->status = status;
    response->content_type = STR("application/problem+json");
    http_body_clear(response);
    /* without memory even for this the status line still says it */
    (void)http_body_add(response, body, (size_t)len);
}

/* Writes text at out and returns the place after it. */
static char *put(char *out, const char *text, size_t len) {
    memcpy(out, text, len);
    return out + len;
}

static char *put_number(char *out, uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return put(out, digits + at, sizeof digits - at);
}

#define PUT(out, literal) put((out), (literal), sizeof(literal) - 1)

size_t http_response_head(struct http_response *response, const char *date, bool close) {
    ASSERT(response->status >= 200 && response->status < 600);
    char head[HTTP_HEAD_ROOM], *end = head;
    const char *name = http_status_name(response->status);
    end = PUT(end, "HTTP/1.1 ");
    end = put_number(end, (uint64_t)response->status);
    *end++ = ' ';
    end = put(end, name, strlen(name));
    end = PUT(end, "\r\nDate: ");
    end = put(end, date, HTTP_DATE_BYTES);
    if (response->content_type.len > 0) {
        end = PUT(end, "\r\nContent-Type: ");
        end = put(end, response->content_type.p, response->content_type.len);
    }
    end = PUT(end, "\r\nContent-Length: ");
    end = put_number(end, http_body(response).len);
    end = PUT(end, "\r\n");
    end = put(end, response->fields, response->fields_len);
    if (close)
        end = PUT(end, "Connection: close\r\n");
    end = PUT(end, "\r\n");
    size_t len = (size_t)(end - head);
    ASSERT(len <= HTTP_HEAD_ROOM);
    if (response->out.len < HTTP_HEAD_ROOM) {
        /* an empty body, or no memory: the first buffer of a connection has this room always */
        ASSERT(response->out.cap >= HTTP_HEAD_ROOM);
        response->out.len = HTTP_HEAD_ROOM;
    }
    memcpy(response->out.p + HTTP_HEAD_ROOM - len, head, len);
    return HTTP_HEAD_ROOM - len;
}

void http_date(int64_t seconds, char out[HTTP_DATE_BYTES]) {
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;
    time_t time = (time_t)seconds;
    ASSERT(gmtime_r(&time, &tm));
    char text[64];
    int len = snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday, tm.tm_mday,
                       months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    ASSERT(len == HTTP_DATE_BYTES);
    memcpy(out, text, HTTP_DATE_BYTES);
}
