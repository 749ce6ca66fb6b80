/* Fuzz target: any bytes as an embedding's part; each row of what is accepted must pool without touching foreign memory. */
#include "embedding.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct error error = {0};
    struct embedding embedding;
    if (!embedding_open(&embedding, bytes, len, &error)) {
        if (error.kind == ERROR_NONE || error.text[0] == '\0')
            abort();
        return 0;
    }
    double *sums = calloc(embedding.width, sizeof *sums);
    if (sums == NULL)
        return 0;
    for (uint32_t pool = 0; pool < POOLS; pool++)
        for (uint32_t row = 0; row < embedding.rows; row++)
            embedding_add(&embedding, row, (enum embedding_pool)pool, row == 0 || pool == POOL_FIRST, sums);
    free(sums);
    return 0;
}
