/* WordLevel: a piece is a word of the vocabulary or unknown. WordPiece: the longest word that begins the piece, then the
 * longest continuation ("##...") again and again; unknown as a whole if it gets stuck or has too many characters. A walk
 * of the trie is at most as long as the longest word, and pieces have at most max_chars characters, so a text costs
 * no more than its length times the longest word. */
#include "part.h"

static void unknown(struct text_run *run, const struct text_model *model) {
    if (model->unknown == TEXT_NONE)
        run->failure = TOKENIZER_UNKNOWN;
    else
        text_push(run, model->unknown);
}

void text_word_level(struct text_run *run, const uint8_t *p, size_t len) {
    const struct text_model *model = &run->tokenizer->model;
    uint32_t id = trie_find(&model->words, p, len);
    if (id == TRIE_NONE)
        unknown(run, model);
    else
        text_push(run, id);
}

static bool too_many_chars(const uint8_t *p, size_t len, uint32_t most) {
    if (len <= most)
        return false;
    size_t chars = 0;
    for (size_t i = 0; i < len; i++)
        chars += (p[i] & 0xc0) != 0x80;
    return chars > most;
}

void text_word_piece(struct text_run *run, const uint8_t *p, size_t len) {
    const struct text_model *model = &run->tokenizer->model;
    const size_t begin = run->count;
    if (too_many_chars(p, len, model->max_chars)) {
        unknown(run, model);
        return;
    }
    const struct trie *trie = &model->words;
    for (size_t at = 0; at < len;) {
        size_t width = 0;
        uint32_t id = trie_longest(trie, p + at, len - at, &width);
        if (id == TRIE_NONE) {
            run->count = begin;
            unknown(run, model);
            return;
        }
        if (!text_push(run, id))
            return;
        at += width;
        trie = &model->rest;
    }
}
