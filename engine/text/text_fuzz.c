/* Fuzz target: any bytes as a tokenizer's part and a text; what is accepted must encode without touching foreign memory,
 * and without an end in sight. The input: u32 size of the part, the part, the text (made valid UTF-8 by cutting). */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "../base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { TEXT_MAX = 4096 };

static void encode(const struct tokenizer *tokenizer, const char *text, size_t len) {
    size_t scratch_bytes = tokenizer_scratch_size(tokenizer, len), ids_size = tokenizer_ids_size(tokenizer, len);
    if (scratch_bytes > 64u << 20 || ids_size > 16u << 20)
        return;
    void *scratch = aligned_alloc(16, (scratch_bytes + 15) / 16 * 16);
    uint32_t *ids = malloc(ids_size * sizeof *ids);
    for (int special = 0; special < 2 && scratch != NULL && ids != NULL; special++) {
        int64_t count = tokenizer_encode(tokenizer, text, len, special, scratch, scratch_bytes, ids, ids_size);
        for (int64_t i = 0; i < count; i++)
            if (ids[i] >= tokenizer_id_bound(tokenizer))
                abort();
    }
    if (scratch != NULL && ids != NULL)
        tokenizer_normalize(tokenizer, text, len, scratch, scratch_bytes, (char *)ids, ids_size * sizeof *ids);
    free(scratch);
    free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct error error = {0};
    uint32_t part_bytes;
    if (len < sizeof part_bytes)
        return 0;
    memcpy(&part_bytes, bytes, sizeof part_bytes);
    bytes += sizeof part_bytes;
    len -= sizeof part_bytes;
    if (part_bytes > len)
        part_bytes = (uint32_t)len;
    struct tokenizer *tokenizer = tokenizer_open(bytes, part_bytes, &error);
    if (tokenizer == NULL) {
        if (error.kind == ERROR_NONE || error.text[0] == '\0')
            abort();
        return 0;
    }
    bool ascii;
    size_t text_len = len - part_bytes < TEXT_MAX ? len - part_bytes : TEXT_MAX;
    char *text = malloc(text_len + 1);
    if (text != NULL) {
        memcpy(text, bytes + part_bytes, text_len);
        encode(tokenizer, text, utf8_valid_prefix(text, text_len, &ascii));
        encode(tokenizer, "a1 B\xc3\xa9. \xe6\xbc\xa2\xcc\x81<s>  \n", 18);
    }
    free(text);
    tokenizer_close(tokenizer);
    return 0;
}
