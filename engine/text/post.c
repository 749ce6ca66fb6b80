/* After the model: truncation, the post-processor's special tokens, padding, in the crate's order
 * (TokenizerImpl::post_process). The build has flattened any post-processors to one list of pieces. */
#include <string.h>

#include "part.h"

static size_t truncate(const struct text_post *post, bool special, uint32_t *ids, size_t count) {
    size_t most = special ? post->max_len : post->max_bare;
    if (post->max_len == TEXT_NONE || count <= most)
        return count;
    if (post->keep_end)
        memmove(ids, ids + (count - most), most * sizeof *ids);
    return most;
}

/* Puts the pieces around the text's own ids; they are moved once, and copied if a template has them twice. */
static size_t surround(const struct text_post *post, bool special, uint32_t *ids, size_t count, size_t capacity) {
    size_t total = 0, own_at = SIZE_MAX, at = 0;
    for (uint32_t i = 0; i < post->piece_count; i++) {
        bool own = post->pieces[i] == TEXT_NONE;
        if (own && own_at == SIZE_MAX)
            own_at = total;
        total += own ? count : special ? 1 : 0;
    }
    if (total > capacity)
        return SIZE_MAX;
    if (own_at == SIZE_MAX) { /* a template without the text */
        own_at = 0;
        count = 0;
    }
    if (own_at > 0 && count > 0)
        memmove(ids + own_at, ids, count * sizeof *ids);
    for (uint32_t i = 0; i < post->piece_count; i++) {
        if (post->pieces[i] != TEXT_NONE) {
            if (special)
                ids[at++] = post->pieces[i];
            continue;
        }
        if (at != own_at && count > 0)
            memmove(ids + at, ids + own_at, count * sizeof *ids);
        at += count;
    }
    return total;
}

static size_t pad(const struct text_post *post, uint32_t *ids, size_t count, size_t capacity) {
    size_t target = post->pad_to == 0 ? count : post->pad_to;
    if (post->pad_multiple > 0 && target % post->pad_multiple > 0)
        target += post->pad_multiple - target % post->pad_multiple;
    if (target <= count)
        return count;
    if (target > capacity)
        return SIZE_MAX;
    size_t more = target - count;
    if (post->pad_left && count > 0)
        memmove(ids + more, ids, count * sizeof *ids);
    for (size_t i = 0; i < more; i++)
        ids[post->pad_left ? i : count + i] = post->pad_id;
    return target;
}

size_t text_post_process(const struct tokenizer *tokenizer, bool special, uint32_t *ids, size_t count,
                         size_t capacity) {
    const struct text_post *post = &tokenizer->post;
    count = truncate(post, special, ids, count);
    if (post->piece_count > 1 || post->own_count != 1)
        count = surround(post, special, ids, count, capacity);
    if (count == SIZE_MAX || post->pad_to == TEXT_NONE)
        return count;
    return pad(post, ids, count, capacity);
}
