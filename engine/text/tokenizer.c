/* Encoding from end to end (tokenizer.h): added tokens are cut out of the text, what is between them is normalized,
 * added tokens that are normalized are cut out of that, what is between them goes through the pre-tokenizer's stages
 * one by one to the model, and the post-processor has the last word. Nothing is allocated: buffers are places in the
 * caller's scratch, each large enough for what its step can write, which is known beforehand (text_normalized_bound). */
#include <stdlib.h>
#include <string.h>

#include "../base/assert.h"
#include "part.h"

enum { ALIGN = 16 };
#define BOUND_MAX ((size_t)1 << 30) /* where bounds stop growing; nothing fits any more */
#define STEPS_A_BYTE 256            /* of patterns, before a text counts as too costly */

static size_t times_plus(size_t n, size_t growth, size_t extra) {
    if (n >= BOUND_MAX || (growth > 0 && n > BOUND_MAX / growth) || extra > BOUND_MAX)
        return BOUND_MAX;
    size_t bound = n * growth + extra;
    return bound < BOUND_MAX ? bound : BOUND_MAX;
}

static size_t aligned(size_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

/* The most that any step writes: steps one by one, since a fused one may have to be undone. */
size_t text_normalized_bound(const struct tokenizer *tokenizer, size_t n) {
    size_t most = n;
    for (uint32_t i = 0; i < tokenizer->step_count; i++) {
        const struct text_step *step = &tokenizer->steps[i];
        size_t bound = times_plus(n, step->growth, step->extra);
        if (bound > most)
            most = bound;
        if (step->op != STEP_FUSED)
            n = bound;
    }
    return most;
}

size_t text_staged_bound(const struct tokenizer *tokenizer, size_t n, size_t bounds[TEXT_STAGES_MAX]) {
    n = text_normalized_bound(tokenizer, n);
    for (uint32_t i = 0; i < tokenizer->stage_count; i++) {
        const struct text_stage *stage = &tokenizer->stages[i];
        bounds[i] = 0;
        if (stage->growth == 0)
            continue;
        n = times_plus(n, stage->growth, stage->extra);
        bounds[i] = n;
    }
    return n;
}

/* What begins every piece may be added to (a space, a replacement): once a piece, so counted by the stages' sum. */
size_t tokenizer_ids_size(const struct tokenizer *tokenizer, size_t text_bytes) {
    const struct text_post *post = &tokenizer->post;
    size_t bounds[TEXT_STAGES_MAX];
    size_t n = text_normalized_bound(tokenizer, text_bytes);
    n = times_plus(n, 1, text_staged_bound(tokenizer, text_bytes, bounds));
    for (uint32_t i = 0; i < tokenizer->stage_count; i++)
        if (tokenizer->stages[i].growth > 0) /* a piece of one byte may get its own extra */
            n = times_plus(n, tokenizer->stages[i].growth + tokenizer->stages[i].extra, 0);
    n = times_plus(n, post->own_count > 1 ? post->own_count : 1, post->special_count);
    if (post->pad_to != TEXT_NONE)
        n = times_plus(n, 1, (size_t)post->pad_to + post->pad_multiple);
    return n + 16;
}

size_t tokenizer_scratch_size(const struct tokenizer *tokenizer, size_t text_bytes) {
    size_t bounds[TEXT_STAGES_MAX];
    size_t buffer = text_normalized_bound(tokenizer, text_bytes), piece = text_staged_bound(tokenizer, text_bytes, bounds);
    size_t sum = 2 * aligned(buffer + ALIGN);
    for (uint32_t i = 0; i < tokenizer->stage_count; i++)
        sum += aligned(bounds[i]);
    return sum + aligned(text_work_bytes(tokenizer, piece > buffer ? piece : buffer)) + ALIGN;
}

uint32_t tokenizer_id_bound(const struct tokenizer *tokenizer) { return tokenizer->id_bound; }

const char *tokenizer_failure_text(int64_t failure) {
    switch (failure) {
    case TOKENIZER_TOO_LONG: return "the text grows beyond the limit while it is normalized";
    case TOKENIZER_UNKNOWN: return "a word is not in the vocabulary, and the tokenizer has no token for unknown words";
    case TOKENIZER_TOO_COSTLY: return "the pre-tokenizer's pattern takes too many steps on this text";
    default: return "no failure";
    }
}

static bool begin(struct text_run *run, const struct tokenizer *tokenizer, size_t text_bytes, void *scratch,
                  size_t scratch_bytes) {
    ASSERT((uintptr_t)scratch % ALIGN == 0);
    if (text_bytes >= BOUND_MAX || tokenizer_scratch_size(tokenizer, text_bytes) > scratch_bytes)
        return false;
    size_t bounds[TEXT_STAGES_MAX];
    size_t piece = text_staged_bound(tokenizer, text_bytes, bounds);
    uint8_t *place = scratch;
    run->tokenizer = tokenizer;
    run->buffer_bytes = text_normalized_bound(tokenizer, text_bytes);
    for (int i = 0; i < 2; i++) {
        run->buffers[i] = place;
        place += aligned(run->buffer_bytes + ALIGN);
    }
    for (uint32_t i = 0; i < tokenizer->stage_count; i++) {
        run->stage_buffers[i] = place;
        run->stage_bytes[i] = bounds[i];
        place += aligned(bounds[i]);
    }
    run->work = place;
    run->piece_bytes = piece > run->buffer_bytes ? piece : run->buffer_bytes;
    run->steps_left = ((uint64_t)run->piece_bytes + 64) * STEPS_A_BYTE;
    return true;
}

int64_t tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t text_bytes, bool special,
                         void *scratch, size_t scratch_bytes, uint32_t *ids, size_t ids_size) {
    struct text_run run;
    run.ids = ids;
    run.count = 0;
    run.capacity = ids_size;
    run.failure = 0;
    if (!begin(&run, tokenizer, text_bytes, scratch, scratch_bytes))
        return TOKENIZER_TOO_LONG;
    text_added_split(&run, (struct text_piece){(const uint8_t *)text, text_bytes, text_bytes > 0}, false);
    if (run.failure != 0)
        return run.failure;
    size_t count = text_post_process(tokenizer, special, ids, run.count, ids_size);
    return count == SIZE_MAX ? TOKENIZER_TOO_LONG : (int64_t)count;
}

int64_t tokenizer_normalize(const struct tokenizer *tokenizer, const char *text, size_t text_bytes, void *scratch,
                            size_t scratch_bytes, char *out, size_t out_size) {
    struct text_run run;
    memset(&run, 0, sizeof run);
    if (!begin(&run, tokenizer, text_bytes, scratch, scratch_bytes))
        return TOKENIZER_TOO_LONG;
    struct text_piece piece = {(const uint8_t *)text, text_bytes, 0};
    if (!text_normalize(&run, &piece))
        return run.failure;
    if (piece.len > out_size)
        return TOKENIZER_TOO_LONG;
    if (piece.len > 0)
        memcpy(out, piece.p, piece.len);
    return (int64_t)piece.len;
}

void text_model(struct text_run *run, const uint8_t *p, size_t len) {
    ASSERT(len <= run->piece_bytes);
    switch (run->tokenizer->model.kind) {
    case MODEL_WORD_LEVEL: text_word_level(run, p, len); return;
    case MODEL_WORD_PIECE: text_word_piece(run, p, len); return;
    case MODEL_BPE: text_bpe(run, p, len); return;
    case MODEL_UNIGRAM: text_unigram(run, p, len); return;
    case MODEL_KINDS: break;
    }
    UNREACHABLE();
}

size_t text_work_bytes(const struct tokenizer *tokenizer, size_t piece_bytes) {
    size_t n = piece_bytes + 8;
    switch (tokenizer->model.kind) {
    case MODEL_BPE: return n * 40 + 64;  /* bpe_merge.c: symbols and the heap */
    case MODEL_UNIGRAM: return n * 16 + 64; /* unigram.c: the best path to each byte */
    default: return n * 4 + 64;
    }
}

void tokenizer_close(struct tokenizer *tokenizer) {
    if (tokenizer == NULL)
        return;
    free(tokenizer->part);
    free(tokenizer->filter);
    free(tokenizer);
}
