/* Byte pair encoding without merging. A sequence of tokens is what merging gives if and only if each token alone is, and
 * each two neighbours together are: a merge across a boundary would have happened to the two alone as well, since
 * merges on either side of a boundary come in the order of their ranks whatever else is in the text. So the text is
 * covered from the left by the longest token that fits its neighbour, going back where none does; an end from which
 * there was no way on is never tried again, so each is left once. (van Antwerpen and Neubeck, "So many tokens, so
 * little time", 2024; the crate bpe of github/rust-gems.)
 *
 * Whether two neighbours fit: their merges are taken back, the latest first; at no moment may the pair that stands at
 * the boundary have been the next merge. A merge's time is the highest rank so far on the way to it: one of a lower rank
 * than what made its parts possible follows at once. So between two times the lowest rank waits until the next time
 * comes; within one, the two pairs that a merge has made possible compete by rank, the left one first if equal. The build
 * finds how each token comes about (python/assay/_tokenizers/_bpe.py) and sets BPE_FAST if there is one way each; else,
 * and for unknown characters that vanish, bpe_merge.c merges step by step. */
#include <string.h>

#include "../base/assert.h"
#include "part.h"

enum { START_MARK = 0xfe, END_MARK = 0xff, ATTEMPTS = 64 };

static uint32_t later(uint32_t a, uint32_t b) { return a > b ? a : b; }

/* Ends because a token's parts are shorter than it (checked at load). */
static bool fit(const struct text_model *model, uint32_t left, uint32_t right) {
    const struct bpe_token *a = &model->tokens[left], *b = &model->tokens[right];
    uint32_t limit = UINT32_MAX; /* the rank of the merge that came instead */
    for (;;) {
        const struct bpe_merge *merge = text_bpe_find(model, left, right);
        if (merge != NULL && merge->rank < limit)
            return false;
        if (a->time > b->time) {
            left = a->right;
            uint32_t both = later(model->tokens[left].time, b->time); /* since when the two stood side by side */
            limit = a->time > both ? a->time : a->rank;
            a = &model->tokens[left];
        } else if (b->time > 0) {
            right = b->left;
            uint32_t both = later(a->time, model->tokens[right].time);
            bool waited = b->time > both || b->time == model->tokens[b->right].time; /* for what stands right of it */
            limit = (waited ? b->time : b->rank) + 1; /* of equal ranks the left one comes first */
            b = &model->tokens[right];
        } else {
            return true;
        }
    }
}

/* A character that is no symbol, between what is already encoded: its bytes' tokens, or the unknown one. */
static bool put_unknown(struct text_run *run, const uint8_t *p, uint32_t width, bool behind_unknown) {
    const struct text_model *model = &run->tokenizer->model;
    if (model->flags & BPE_BYTE_FALLBACK) {
        for (uint32_t i = 0; i < width; i++)
            if (!text_push(run, model->bytes[p[i]]))
                return false;
        return true;
    }
    return (behind_unknown && model->flags & BPE_FUSE_UNKNOWN) || text_push(run, model->unknown);
}

/* Whether an unknown character can stand between two texts without touching them. */
static bool unknown_stands(const struct text_model *model) {
    return !(model->flags & (BPE_BYTES | BPE_MARK_START | BPE_MARK_END | BPE_UNKNOWN_FAILS)) &&
           (model->flags & BPE_BYTE_FALLBACK ? model->bytes != NULL : model->unknown != TEXT_NONE);
}

/* The longest token at p. Its length is the walk's, so what a part says of lengths cannot lead out of the text. */
static uint32_t longest(const struct text_model *model, const uint8_t *p, size_t len) {
    size_t width = 0;
    uint32_t token = trie_longest(&model->merged, p, len, &width);
    return token != TRIE_NONE && model->tokens[token].len != width ? TRIE_NONE : token;
}

/* False if the text has a character that this cannot encode, or if merging is faster; then nothing is written. */
static bool encode_fast(struct text_run *run, const uint8_t *p, size_t len, uint8_t *dead) {
    const struct text_model *model = &run->tokenizer->model;
    const size_t first = run->count;
    size_t begin = first, at = 0, unknown_end = SIZE_MAX;
    size_t attempts = len * 2 + ATTEMPTS; /* long runs of one character have many tokens that begin with others */
    uint32_t token = longest(model, p, len);
    if (token != TRIE_NONE && model->tokens[token].len == len) {
        text_push(run, token);
        return true;
    }
    memset(dead, 0, len / 8 + 1);
    for (;;) {
        if (token == TRIE_NONE) {
            if (!unknown_stands(model)) {
                run->count = first;
                return false;
            }
            uint32_t bytes = text_width(p[at]);
            if (bytes > len - at)
                bytes = (uint32_t)(len - at);
            if (!put_unknown(run, p + at, bytes, unknown_end == at))
                return true;
            at = unknown_end = at + bytes;
            begin = run->count;
        } else {
            size_t end = at + model->tokens[token].len;
            uint32_t before = run->count > begin ? run->ids[run->count - 1] : TEXT_NONE;
            if ((dead[end >> 3] >> (end & 7) & 1) || (before != TEXT_NONE && !fit(model, before, token))) {
                token = model->tokens[token].prefix;
                if (token != TEXT_NONE && --attempts > 0)
                    continue;
                dead[at >> 3] |= (uint8_t)(1u << (at & 7));
                if (attempts == 0 || before == TEXT_NONE) { /* no way through: the tables are not of the build's making */
                    run->count = first;
                    return false;
                }
                run->count--;
                token = before;
                at -= model->tokens[before].len;
                continue;
            }
            if (!text_push(run, token))
                return true;
            at = end;
        }
        if (at == len)
            return true;
        token = longest(model, p + at, len - at);
    }
}

void text_bpe(struct text_run *run, const uint8_t *p, size_t len) {
    const struct text_model *model = &run->tokenizer->model;
    if (model->flags & BPE_IGNORE_MERGES) {
        uint32_t id = trie_find(&model->words, p, len);
        if (id != TRIE_NONE) {
            text_push(run, id);
            return;
        }
    }
    if (!(model->flags & BPE_FAST)) {
        text_bpe_merge(run, p, len);
        return;
    }
    const uint8_t *text = p;
    size_t text_len = len;
    uint8_t *work = run->work;
    if (model->flags & (BPE_MARK_START | BPE_MARK_END)) {
        text_len = 0;
        if (model->flags & BPE_MARK_START)
            work[text_len++] = START_MARK;
        memcpy(work + text_len, p, len);
        text_len += len;
        if (model->flags & BPE_MARK_END)
            work[text_len++] = END_MARK;
        text = work;
        work += text_len;
    }
    if (!encode_fast(run, text, text_len, work) && run->failure == 0)
        text_bpe_merge(run, p, len);
}
