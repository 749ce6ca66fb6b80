/* Fuzz target: any bytes as a vectorizer's part and a text; what is accepted must vectorize without touching foreign memory,
 * also the text's pieces as words. The input: u32 size of the part, the part, the text (made valid UTF-8 by cutting). */
#include "vectorizer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { TEXT_MAX = 4096, TOKENS_MAX = 16 };

static void vectorize(const struct vectorizer *v, const struct vectorizer_input *input) {
    size_t scratch_bytes = vectorizer_scratch_size(v, input);
    void *scratch = aligned_alloc(16, (scratch_bytes + 15) / 16 * 16);
    double *out = malloc(v->width * sizeof *out);
    const char *text;
    if (scratch != NULL && out != NULL) {
        vectorizer_run(v, input, scratch, scratch_bytes, out);
        if (input->tokens == NULL)
            vectorizer_prepare(v, input, scratch, scratch_bytes, &text);
    }
    free(scratch);
    free(out);
}

static void vectorize_text(const struct vectorizer *v, const char *text, size_t len) {
    bool ascii;
    len = utf8_valid_prefix(text, len, &ascii);
    struct str tokens[TOKENS_MAX];
    vectorize(v, &(struct vectorizer_input){.p = text, .len = len, .ascii = ascii});
    for (uint32_t i = 0; i < TOKENS_MAX; i++)
        tokens[i] = (struct str){text, len < i ? len : i};
    if (v->analyzer == ANALYZER_WORD)
        vectorize(v, &(struct vectorizer_input){.tokens = tokens, .token_count = TOKENS_MAX});
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct error error = {0};
    struct vectorizer v;
    uint32_t part_bytes;
    if (len < sizeof part_bytes)
        return 0;
    memcpy(&part_bytes, bytes, sizeof part_bytes);
    bytes += sizeof part_bytes;
    len -= sizeof part_bytes;
    if (part_bytes > len)
        part_bytes = (uint32_t)len;
    if (!vectorizer_open(&v, bytes, part_bytes, &error)) {
        if (error.kind == ERROR_NONE || error.text[0] == '\0')
            abort();
        return 0;
    }
    size_t text_len = len - part_bytes < TEXT_MAX ? len - part_bytes : TEXT_MAX;
    char *text = malloc(text_len + 1);
    if (text != NULL) {
        memcpy(text, bytes + part_bytes, text_len);
        vectorize_text(&v, text, text_len);
        vectorize_text(&v, "a1 B\xc3\xa9. \xe6\xbc\xa2\xcc\x81<s>  \n \xea\xb0\x81 abc_d", 29);
    }
    free(text);
    return 0;
}
