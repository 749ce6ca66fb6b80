/* Unigram: the tokens with the highest sum of scores, by Viterbi over the bytes, forward, in the crate's order of additions
 * and comparisons (models/unigram: encode_optimized), so that equal scores fall the same way. Where no token covers just
 * the next character it is unknown, at the lowest score less ten; unknown neighbours are one piece, which is looked
 * up once more as a whole, then falls to its bytes. A walk is as long as the longest token at most. */
#include "../base/assert.h"
#include "part.h"

struct best {
    double score;
    uint32_t start; /* NOWHERE: no path ends here */
    uint32_t id;
};

#define NOWHERE UINT32_MAX

static void offer(struct best *to, double score, uint32_t start, uint32_t id) {
    if (to->start == NOWHERE || score > to->score)
        *to = (struct best){score, start, id};
}

static bool forward(const struct text_model *model, const uint8_t *p, size_t len, struct best *best) {
    for (size_t i = 0; i <= len; i++)
        best[i] = (struct best){0, NOWHERE, 0};
    for (size_t at = 0; at < len;) {
        double here = best[at].score;
        uint32_t width = text_width(p[at]), node = 0;
        bool single = false;
        for (size_t i = at; i < len && trie_step(&model->words, &node, p[i]); i++) {
            uint32_t id = model->words.units[node].value;
            if (id == TRIE_NONE)
                continue;
            offer(&best[i + 1], model->scores[id] + here, (uint32_t)at, id);
            single = single || i + 1 == at + width;
        }
        if (!single) {
            if (model->unknown == TEXT_NONE)
                return false;
            offer(&best[at + width], model->unknown_score + here, (uint32_t)at, model->unknown);
        }
        at += width;
    }
    return true;
}

/* Unknown text: a token all the same, or bytes, or the unknown token. */
static bool put_unknown(struct text_run *run, const uint8_t *p, size_t len) {
    const struct text_model *model = &run->tokenizer->model;
    uint32_t id = trie_find(&model->words, p, len);
    if (id != TRIE_NONE)
        return text_push(run, id);
    bool bytes = model->bytes != NULL;
    for (size_t i = 0; bytes && i < len; i++)
        bytes = model->bytes[p[i]] != TEXT_NONE;
    if (!bytes)
        return text_push(run, model->unknown);
    for (size_t i = 0; i < len; i++)
        if (!text_push(run, model->bytes[p[i]]))
            return false;
    return true;
}

void text_unigram(struct text_run *run, const uint8_t *p, size_t len) {
    const struct text_model *model = &run->tokenizer->model;
    struct best *best = (struct best *)(void *)run->work;
    if (!forward(model, p, len, best)) {
        run->failure = TOKENIZER_UNKNOWN;
        return;
    }
    /* The path is found backwards: each end gets its end as the start of the next. */
    uint32_t end = (uint32_t)len, ahead = NOWHERE;
    while (end > 0) {
        uint32_t start = best[end].start;
        if (start >= end) { /* a token that ends inside a character: not of the build's making */
            run->failure = TOKENIZER_UNKNOWN;
            return;
        }
        best[end].start = ahead;
        ahead = end;
        end = start;
    }
    size_t unknown_from = SIZE_MAX, start = 0;
    for (; ahead != NOWHERE; start = ahead, ahead = best[ahead].start) {
        uint32_t id = best[ahead].id;
        if (id == model->unknown) {
            unknown_from = unknown_from == SIZE_MAX ? start : unknown_from;
            continue;
        }
        if (unknown_from != SIZE_MAX && !put_unknown(run, p + unknown_from, start - unknown_from))
            return;
        unknown_from = SIZE_MAX;
        if (!text_push(run, id))
            return;
    }
    if (unknown_from != SIZE_MAX)
        put_unknown(run, p + unknown_from, len - unknown_from);
}
