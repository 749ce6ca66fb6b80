/* Any bytes as a request: the parser stays inside them, and reads the same however they are cut. The first byte chooses
 * the cut; the rest is the request. */
#include "parse.h"

#include <stdlib.h>

#include "../engine/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum http_parse result;
    struct http_error error;
    size_t head_bytes, consumed, produced;
};

enum { FUZZ_LIMIT = 100000 };

static bool inside(struct str text, const char *p, size_t len) {
    return text.len == 0 || (text.p >= p && text.p + text.len <= p + len);
}

static void read_pieces(const char *p, size_t len, size_t cut, struct outcome *out, char *body) {
    struct http_head head;
    struct http_chunks chunks = {0};
    *out = (struct outcome){.result = PARSE_MORE};
    size_t ends[2] = {cut, len}, fed = 0;
    for (unsigned i = 0; i < 2 && out->result == PARSE_MORE; i++) {
        if (out->head_bytes == 0) {
            out->result = http_parse_head(p, ends[i], FUZZ_LIMIT, &head, &out->error);
            if (out->result != PARSE_DONE)
                continue;
            ASSERT(head.bytes <= ends[i] && inside(head.target, p, len) && inside(head.method, p, len));
            for (uint32_t f = 0; f < head.field_count; f++)
                ASSERT(inside(head.fields[f].name, p, head.bytes) && inside(head.fields[f].value, p, head.bytes));
            char *decoded = malloc(head.path.len + 1);
            ASSERT(decoded && http_percent_decode(head.path, decoded) <= head.path.len);
            free(decoded);
            out->head_bytes = fed = head.bytes;
        }
        if (!head.chunked) {
            out->consumed = fed + head.content_length;
            return;
        }
        size_t consumed, produced;
        memcpy(body + out->produced, p + fed, ends[i] - fed);
        out->result = http_chunks_decode(&chunks, body + out->produced, ends[i] - fed, FUZZ_LIMIT, &consumed, &produced, &out->error);
        out->produced += produced;
        fed += consumed;
        out->consumed = fed;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > FUZZ_LIMIT)
        return 0;
    const char *p = (const char *)data + 1;
    size_t len = size - 1, cut = len * data[0] / 255;
    struct outcome whole, pieces;
    char *one = malloc(len + 1), *two = malloc(len + 1);
    ASSERT(one && two);
    read_pieces(p, len, len, &whole, one);
    read_pieces(p, len, cut, &pieces, two);
    ASSERT(whole.result == pieces.result);
    if (whole.result == PARSE_BAD) {
        ASSERT(whole.error.status == pieces.error.status && whole.error.offset == pieces.error.offset);
        ASSERT(whole.error.status >= 400 && whole.error.offset <= len);
    } else {
        ASSERT(whole.consumed == pieces.consumed && whole.produced == pieces.produced);
        ASSERT(memcmp(one, two, whole.produced) == 0);
    }
    free(one);
    free(two);
    return 0;
}
