/* Added tokens: those that are matched in the text as it came, then, between them and after the normalizer, those that
 * are matched in the normalized text (AddedVocabulary::extract_and_normalize). The longest token at the leftmost place
 * counts; a search goes on behind a match even if the match is then refused (single_word) or widened (rstrip), as the
 * crate's does, so the same bytes may be seen again. */
#include <string.h>

#include "part.h"

static bool may_start(const struct text_added *added, uint8_t byte) {
    return added->starts[byte >> 6] >> (byte & 63) & 1;
}

/* The next match at or after *start: its token, with its end; NULL if there is none. */
static const struct added_token *next_match(const struct text_added *added, const uint8_t *p, size_t len, size_t *start,
                                            size_t *end) {
    for (size_t at = *start; at < len; at++) {
        if (added->start_count == 1) {
            const uint8_t *found = memchr(p + at, added->start, len - at);
            if (found == NULL)
                return NULL;
            at = (size_t)(found - p);
        } else if (!may_start(added, p[at])) {
            continue;
        }
        size_t key_len = 0;
        uint32_t index = trie_longest(&added->trie, p + at, len - at, &key_len);
        if (index == TRIE_NONE)
            continue;
        *start = at;
        *end = at + key_len;
        return &added->tokens[index];
    }
    return NULL;
}

static bool in_class(const struct tokenizer *tokenizer, const uint8_t *p, uint32_t class) {
    uint32_t width;
    return text_classes_at(&tokenizer->kinds, p, &width) >> class & 1;
}

static bool single_word(const struct tokenizer *tokenizer, const uint8_t *p, size_t len, size_t start, size_t end) {
    return (start == 0 || !in_class(tokenizer, p + text_back(p, start), tokenizer->word_class)) &&
           (end == len || !in_class(tokenizer, p + end, tokenizer->word_class));
}

/* Where the spaces that end before `at` begin, not before `from`. */
static size_t spaces_before(const struct tokenizer *tokenizer, const uint8_t *p, size_t at, size_t from) {
    while (at > from) {
        size_t before = text_back(p, at);
        if (before < from || !in_class(tokenizer, p + before, tokenizer->space_class))
            break;
        at = before;
    }
    return at > from ? at : from;
}

static size_t spaces_after(const struct tokenizer *tokenizer, const uint8_t *p, size_t len, size_t at) {
    while (at < len && in_class(tokenizer, p + at, tokenizer->space_class))
        at += text_width(p[at]);
    return at;
}

/* What is between added tokens. */
static void between(struct text_run *run, struct text_piece whole, size_t start, size_t end, bool normalized) {
    struct text_piece piece = {whole.p + start, end - start, whole.origin > start ? whole.origin - start : 0};
    if (piece.origin > piece.len)
        piece.origin = piece.len;
    if (piece.len == 0)
        return;
    if (normalized) {
        text_stage(run, 0, piece);
        return;
    }
    if (!text_normalize(run, &piece))
        return;
    text_added_split(run, piece, true);
}

void text_added_split(struct text_run *run, struct text_piece whole, bool normalized) {
    const struct tokenizer *tokenizer = run->tokenizer;
    const struct text_added *added = normalized ? &tokenizer->added_normalized : &tokenizer->added;
    const uint8_t *p = whole.p;
    size_t from = 0, search = 0, end = 0;
    if (!normalized && whole.len > 0)
        whole.origin = text_width(p[0]);
    while (added->count > 0 && run->failure == 0) {
        size_t start = search;
        const struct added_token *token = next_match(added, p, whole.len, &start, &end);
        if (token == NULL)
            break;
        search = end;
        if (token->flags & ADDED_SINGLE_WORD && !single_word(tokenizer, p, whole.len, start, end))
            continue;
        if (token->flags & ADDED_LSTRIP)
            start = start > from ? spaces_before(tokenizer, p, start, from) : from;
        if (token->flags & ADDED_RSTRIP)
            end = spaces_after(tokenizer, p, whole.len, end);
        if (from < start)
            between(run, whole, from, start, normalized);
        if (run->failure != 0 || (start < end && !text_push(run, token->id))) /* spaces before may have taken all of it */
            return;
        from = end;
    }
    if (from < whole.len && run->failure == 0)
        between(run, whole, from, whole.len, normalized);
}
