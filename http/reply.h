/* What a handler writes: a status, fields and a body, kept in the connection until all is sent. */
#ifndef ASSAY_HTTP_REPLY_H
#define ASSAY_HTTP_REPLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../engine/base/str.h"

/* Memory of all connections' buffers together. Buffers of up to HTTP_SMALL_BYTES are not counted, so that small requests
 * are served while large ones are refused. */
struct http_memory {
    _Atomic size_t used_bytes;
    size_t limit_bytes;
};

enum { HTTP_SMALL_BYTES = 16384, HTTP_HEAD_ROOM = 1024, HTTP_FIELD_ROOM = 512, HTTP_NOTES = 8 };

/* Bytes that grow by malloc; capacity stays when they are cleared. */
struct http_bytes {
    char *p;
    size_t len, cap;
    struct http_memory *memory;
};

/* Room for cap bytes in all. False: the memory's limit, or the system has none. */
bool http_bytes_grow(struct http_bytes *bytes, size_t cap);
/* Gives memory back; of bytes that are empty. */
void http_bytes_shrink(struct http_bytes *bytes, size_t cap);
void http_bytes_release(struct http_bytes *bytes);

struct http_response {
    int status;
    struct str content_type; /* static text */
    bool close;              /* close the connection after this answer */
    uint64_t ticket;         /* of HTTP_WAIT */
    uint64_t retry_ns;       /* of HTTP_AGAIN: call again at this monotonic time at the latest; 0: next turn */
    uint64_t notes[HTTP_NOTES]; /* the handler's own, zero at first, kept between calls for one request */
    char fields[HTTP_FIELD_ROOM];
    size_t fields_len;
    struct http_bytes out;   /* HTTP_HEAD_ROOM bytes for the head, then the body */
};

/* Empties the response; buffers stay. */
void http_response_reset(struct http_response *response);
/* Appends to the body. False when there is no memory: then nothing was added, and the handler answers 503. */
bool http_body_add(struct http_response *response, const void *bytes, size_t len);
void http_body_clear(struct http_response *response);
struct str http_body(const struct http_response *response);
/* Adds a header field line, "Name: value" without its CRLF. What does not fit HTTP_FIELD_ROOM is left out. */
void http_field_add(struct http_response *response, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes the response a problem (RFC 9457) of type urn:assay:problem:SLUG, whose title is the status's name. `detail` is
 * text without quotes, backslashes and control characters. */
void http_problem(struct http_response *response, int status, const char *detail);
/* "Not Found" of 404; "Error" if it is none we send. */
const char *http_status_name(int status);
/* "not-found" of 404: the last part of a problem's type. */
const char *http_status_slug(int status);

/* Writes the head in front of the body and returns where the answer begins in out.p. `date` is 29 bytes. */
size_t http_response_head(struct http_response *response, const char *date, bool close);

enum { HTTP_DATE_BYTES = 29 };
/* "Sun, 06 Nov 1994 08:49:37 GMT" of seconds since 1970. */
void http_date(int64_t seconds, char out[HTTP_DATE_BYTES]);

#endif
