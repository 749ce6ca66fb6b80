/* HTTP/1.1 requests, read strictly (RFC 9112): one reading of every byte, or an error.
 *
 * Pure functions over (pointer, length): done with what they found, more needed, or an error with its offset. The result
 * depends on the bytes alone, never on how they were cut into pieces: while a prefix is not enough the answer is
 * PARSE_MORE, and a prefix that is wrong stays wrong in the same way.
 *
 * Stricter than the RFC demands, so that no proxy before us can read a request in another way than we do: no empty lines
 * before a request, no bare LF or CR, no folded fields, origin-form targets only, exactly one Host, at most one
 * Content-Length, Transfer-Encoding only as "chunked" and never beside Content-Length, no chunk extensions, no trailers.
 * HTTP/1.0 is taken too (it closes after one answer and has no transfer coding). */
#ifndef ASSAY_HTTP_PARSE_H
#define ASSAY_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../engine/base/limits.h"
#include "../engine/base/str.h"

enum http_parse { PARSE_DONE, PARSE_MORE, PARSE_BAD };

/* Why a request is refused. After such an error the rest of the bytes has no meaning: answer and close. */
struct http_error {
    int status;           /* 400, 413, 414, 417, 431, 501 or 505 */
    size_t offset;        /* in bytes from the request's first */
    const char *expected; /* static text, plain ASCII without quotes or backslashes */
    int got;              /* the byte at offset, or -1 where that says nothing */
};

struct http_field {
    struct str name, value; /* the value without the spaces around it */
};

/* A request's head. Texts point into the bytes that were parsed. */
struct http_head {
    struct str method, target;
    struct str path, query;  /* of the target, percent-encoded as sent; the query without '?' */
    struct http_field fields[LIMIT_HEADERS];
    uint32_t field_count;
    struct str host;
    uint64_t content_length; /* 0 without one */
    bool has_length, chunked, keep_alive, expects_continue;
    int minor;               /* of HTTP/1.x */
    size_t bytes;            /* of the head, the empty line included */
};

/* Reads the head of the request that starts at p. `body_limit_bytes`: a longer Content-Length is a 413. */
enum http_parse http_parse_head(const char *p, size_t len, size_t body_limit_bytes, struct http_head *head,
                                struct http_error *error);

/* The value of the first field of that name (lower case), or {NULL, 0}. */
struct str http_field(const struct http_head *head, const char *lower_name);
/* How many fields have that name. */
uint32_t http_field_count(const struct http_head *head, const char *lower_name);

/* ASCII case-insensitive; `lower` is lower case already. */
bool http_text_is(struct str text, const char *lower);

/* A chunked body's decoder; all zero at the start of a body. */
struct http_chunks {
    int state;
    uint32_t digits;
    uint64_t left_bytes;  /* of the current chunk */
    uint64_t total_bytes; /* decoded so far */
    uint64_t raw_bytes;   /* read so far */
};

/* Decodes bytes[0..len) in place: the decoded bytes are bytes[0..*produced). Takes all of them (PARSE_MORE), or up to the
 * body's end (PARSE_DONE: *consumed tells where). error->offset counts from the body's first byte. */
enum http_parse http_chunks_decode(struct http_chunks *chunks, char *bytes, size_t len, size_t limit_bytes, size_t *consumed,
                                   size_t *produced, struct http_error *error);

/* Decodes %XX into out[text.len]; returns the length. The text is of a parsed target, so every % has its two digits. */
size_t http_percent_decode(struct str text, char *out);

#endif
