/* The growing byte buffer (buf.h). Growing copies within the arena; the old bytes are left to arena_reset. */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "assert.h"
#include "number.h"

void buf_init(struct buf *buf, struct arena *arena, size_t limit_bytes) {
    ASSERT(arena != NULL);
    *buf = (struct buf){.arena = arena, .limit_bytes = limit_bytes};
}

/* Makes room for `bytes` more, or fails for good. */
static bool grow(struct buf *buf, size_t bytes) {
    if (buf->failed || bytes > buf->limit_bytes || buf->len > buf->limit_bytes - bytes) {
        buf->failed = true;
        return false;
    }
    size_t needed = buf->len + bytes, cap = buf->cap < 256 ? 256 : buf->cap * 2;
    if (cap < needed)
        cap = needed;
    char *p = arena_alloc(buf->arena, cap);
    if (p == NULL) {
        buf->failed = true;
        return false;
    }
    if (buf->len > 0)
        memcpy(p, buf->p, buf->len);
    buf->p = p;
    buf->cap = cap;
    return true;
}

char *buf_reserve(struct buf *buf, size_t bytes) {
    if (buf->failed || (bytes > buf->cap - buf->len && !grow(buf, bytes)))
        return NULL;
    ASSERT(buf->cap - buf->len >= bytes);
    return buf->p + buf->len;
}

void buf_add_slowly(struct buf *buf, const void *bytes, size_t len) {
    if (len == 0)
        return;
    char *at = buf_reserve(buf, len);
    if (at == NULL)
        return;
    memcpy(at, bytes, len);
    buf->len += len;
}

void buf_int(struct buf *buf, int64_t value) {
    char text[NUMBER_TEXT_BYTES];
    buf_add(buf, text, number_int(value, text));
}

void buf_format(struct buf *buf, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    char text[256];
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ASSERT(len >= 0);
    if ((size_t)len < sizeof text) {
        buf_add(buf, text, (size_t)len);
    } else {
        char *at = buf_reserve(buf, (size_t)len + 1);
        if (at != NULL) {
            vsnprintf(at, (size_t)len + 1, format, again);
            buf->len += (size_t)len;
        }
    }
    va_end(again);
}

/* The escape of a byte below 0x20, '"' or '\\', as json.dumps writes it. */
static void json_escape(struct buf *buf, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"': BUF_LITERAL(buf, "\\\""); return;
    case '\\': BUF_LITERAL(buf, "\\\\"); return;
    case '\n': BUF_LITERAL(buf, "\\n"); return;
    case '\r': BUF_LITERAL(buf, "\\r"); return;
    case '\t': BUF_LITERAL(buf, "\\t"); return;
    case '\b': BUF_LITERAL(buf, "\\b"); return;
    case '\f': BUF_LITERAL(buf, "\\f"); return;
    default: break;
    }
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    buf_add(buf, text, sizeof text);
}

void buf_json(struct buf *buf, struct str text) {
    buf_char(buf, '"');
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(buf, text.p + from, i - from);
        json_escape(buf, c);
        from = i + 1;
    }
    if (from < text.len)
        buf_add(buf, text.p + from, text.len - from);
    buf_char(buf, '"');
}
