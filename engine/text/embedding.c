/* See embedding.h. Rows are added in the order of the tokens, in doubles: what numpy gives for
 * rows.astype(float64).mean(axis=0), .max(axis=0) and rows[0]. */
#include "embedding.h"

#include <math.h>
#include <string.h>

#include "../base/assert.h"
#include "../base/limits.h"

enum { HEAD_BYTES = 24, VERSION = 1 };

static bool numbers_are_good(const char *at, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        float f;
        memcpy(&f, at + i * sizeof f, sizeof f);
        if (!isfinite(f) || (f == 0 && signbit(f)))
            return false;
    }
    return true;
}

bool embedding_open(struct embedding *embedding, const void *part, size_t len, struct error *error) {
    ASSERT(embedding != NULL && (part != NULL || len == 0));
    uint32_t head[4];
    if (len < HEAD_BYTES || memcmp(part, "ASSAYEMB", 8) != 0)
        return error_set(error, ERROR_CORRUPT, "an embedding's part begins otherwise");
    memcpy(head, (const char *)part + 8, sizeof head);
    uint64_t rows = head[2], width = head[3], size = head[1] == 0 ? 4 : 1;
    if (head[0] != VERSION || head[1] > 1 || rows == 0 || width == 0 || width > LIMIT_VECTOR_ITEMS)
        return error_set(error, ERROR_CORRUPT, "an embedding's part has a version, kind or shape that cannot be");
    uint64_t scales = head[1] == 1 ? rows * 4 : 0;
    if (len != HEAD_BYTES + scales + rows * width * size)
        return error_set(error, ERROR_CORRUPT, "an embedding's part is not as long as its shape");
    const char *at = (const char *)part + HEAD_BYTES;
    embedding->int8 = head[1] == 1;
    embedding->scales = at;
    embedding->items = at + scales;
    embedding->rows = head[2];
    embedding->width = head[3];
    if (!numbers_are_good(at, embedding->int8 ? rows : rows * width))
        return error_set(error, ERROR_CORRUPT, "an embedding's part holds a number that is not finite, or -0.0");
    return true;
}

static inline void pool_item(double item, enum embedding_pool pool, bool first, double *out) {
    if (first)
        *out = item;
    else if (pool == POOL_MEAN)
        *out += item;
    else if (item > *out)
        *out = item;
}

void embedding_add(const struct embedding *embedding, uint32_t row, enum embedding_pool pool, bool first, double *out) {
    ASSERT(row < embedding->rows);
    ASSERT(first || pool != POOL_FIRST);
    uint32_t width = embedding->width;
    if (!embedding->int8) {
        const char *items = embedding->items + (size_t)row * width * sizeof(float);
        for (uint32_t i = 0; i < width; i++) {
            float f;
            memcpy(&f, items + i * sizeof f, sizeof f);
            pool_item((double)f, pool, first, &out[i]);
        }
        return;
    }
    float scale;
    memcpy(&scale, embedding->scales + (size_t)row * sizeof scale, sizeof scale);
    const int8_t *items = (const int8_t *)embedding->items + (size_t)row * width;
    for (uint32_t i = 0; i < width; i++) {
        double item = (double)items[i] * (double)scale;
        pool_item(item + 0.0, pool, first, &out[i]); /* + 0.0: no -0.0 of a negative scale */
    }
}
