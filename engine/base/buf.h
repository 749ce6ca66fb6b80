/* A byte buffer that grows in an arena. Growth beyond limit_bytes (or the arena's) sets `failed` and drops what came,
 * so that a writer checks once at the end. */
#ifndef ASSAY_BASE_BUF_H
#define ASSAY_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "str.h"

struct buf {
    char *p;
    size_t len, cap, limit_bytes;
    struct arena *arena;
    bool failed;
};

void buf_init(struct buf *buf, struct arena *arena, size_t limit_bytes);
/* Room for `bytes` more at buf->p + buf->len, or NULL (failed is set). The caller adds to len what it wrote. */
char *buf_reserve(struct buf *buf, size_t bytes);
void buf_add_slowly(struct buf *buf, const void *bytes, size_t len);

/* Appends; small pieces of known length become a move or two. */
static inline void buf_add(struct buf *buf, const void *bytes, size_t len) {
    if (__builtin_expect(!buf->failed && len > 0 && len <= buf->cap - buf->len, 1)) {
        memcpy(buf->p + buf->len, bytes, len);
        buf->len += len;
    } else {
        buf_add_slowly(buf, bytes, len);
    }
}

static inline void buf_char(struct buf *buf, char c) { buf_add(buf, &c, 1); }
static inline void buf_str(struct buf *buf, struct str text) { buf_add(buf, text.p, text.len); }
void buf_int(struct buf *buf, int64_t value);
static inline void buf_u32(struct buf *buf, uint32_t value) { buf_add(buf, &value, sizeof value); } /* little-endian */
static inline void buf_u64(struct buf *buf, uint64_t value) { buf_add(buf, &value, sizeof value); } /* little-endian */
void buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes: escapes as Python's json.dumps(ensure_ascii=False) does. */
void buf_json(struct buf *buf, struct str text);

#define BUF_LITERAL(buf, literal) buf_add((buf), (literal), sizeof(literal) - 1)

#endif
