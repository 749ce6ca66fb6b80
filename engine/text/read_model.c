/* Reads the model (read.c has the format). What makes bpe.c's walks end is checked here: a token is made of shorter ones,
 * and the longest token that begins another is shorter. */
#include "read.h"

#include <stdlib.h>
#include <string.h>

static bool read_numbers(struct part_reader *reader, uint32_t number, size_t item_bytes, const void **items,
                         size_t *count) {
    struct section section = {0};
    if (!text_section(reader, number, SECTION_NUMBERS, &section))
        return false;
    if (section.bytes % item_bytes != 0)
        return text_fail(reader, "%zu bytes of numbers of %zu bytes", section.bytes, item_bytes);
    *items = section.p;
    *count = section.bytes / item_bytes;
    return true;
}

static bool read_byte_ids(struct part_reader *reader, uint32_t number, struct text_model *model) {
    const void *items = NULL;
    size_t count = 0;
    if (number == TEXT_NONE)
        return true;
    if (!read_numbers(reader, number, 4, &items, &count))
        return false;
    if (count != 256)
        return text_fail(reader, "ids of %zu bytes", count);
    model->bytes = items;
    for (uint32_t i = 0; i < 256; i++)
        if (model->bytes[i] != TEXT_NONE && model->bytes[i] >= reader->tokenizer->id_bound)
            return text_fail(reader, "byte %u has id %u", i, model->bytes[i]);
    return true;
}

static bool check_token(struct part_reader *reader, const struct text_model *model, uint32_t id) {
    const struct bpe_token *token = &model->tokens[id];
    const uint32_t count = model->token_count;
    if (token->left >= count || token->right >= count || (token->prefix != TEXT_NONE && token->prefix >= count) ||
        token->rank == UINT32_MAX || token->time == UINT32_MAX)
        return text_fail(reader, "token %u is made of others that are not there", id);
    if (token->time > 0 && (model->tokens[token->left].len >= token->len || model->tokens[token->right].len >= token->len))
        return text_fail(reader, "token %u is made of tokens that are not shorter", id);
    if (token->prefix != TEXT_NONE && model->tokens[token->prefix].len >= token->len)
        return text_fail(reader, "token %u begins with a token that is not shorter", id);
    return true;
}

static bool read_merges(struct part_reader *reader, uint32_t number, struct text_model *model) {
    const void *items = NULL;
    size_t count = 0;
    if (!read_numbers(reader, number, sizeof *model->merges, &items, &count))
        return false;
    if (count == 0 || (count & (count - 1)) != 0 || count > 1u << 26)
        return text_fail(reader, "%zu places for merges", count);
    model->merges = items;
    model->merge_mask = (uint32_t)count - 1;
    for (size_t i = 0; i < count; i++)
        if (model->merges[i].pair != UINT64_MAX && model->merges[i].id >= reader->tokenizer->id_bound)
            return text_fail(reader, "a merge to id %u", model->merges[i].id);
    return true;
}

/* The filter over the merges: a byte or more for each. */
static bool make_filter(struct part_reader *reader, struct text_model *model) {
    uint32_t words = 1;
    while (words < (model->merge_mask + 1) / 16)
        words *= 2;
    uint64_t *filter = calloc(words, sizeof *filter);
    if (filter == NULL)
        return text_fail(reader, "no memory");
    for (uint32_t i = 0; i <= model->merge_mask; i++) {
        uint64_t hash = model->merges[i].pair * BPE_HASH_FACTOR;
        if (model->merges[i].pair != UINT64_MAX)
            filter[hash >> 40 & (words - 1)] |= text_pair_bits(hash);
    }
    reader->tokenizer->filter = filter;
    model->filter = filter;
    model->filter_mask = words - 1;
    return true;
}

static bool read_bpe(struct part_reader *reader, const uint32_t numbers[12], struct text_model *model) {
    const void *items = NULL;
    size_t count = 0;
    const uint32_t bound = reader->tokenizer->id_bound;
    if (!text_read_trie(reader, numbers[5], bound, &model->rest) || !read_byte_ids(reader, numbers[7], model) ||
        !read_merges(reader, numbers[10], model) || !make_filter(reader, model))
        return false;
    if (!(model->flags & BPE_FAST))
        return true;
    if (!read_numbers(reader, numbers[9], sizeof *model->tokens, &items, &count))
        return false;
    if (count == 0 || count > bound)
        return text_fail(reader, "%zu tokens, ids below %u", count, bound);
    model->tokens = items;
    model->token_count = (uint32_t)count;
    for (uint32_t id = 0; id < model->token_count; id++)
        if (!check_token(reader, model, id))
            return false;
    if (model->flags & BPE_BYTE_FALLBACK && model->bytes != NULL)
        for (uint32_t i = 0; i < 256; i++)
            if (model->bytes[i] == TEXT_NONE)
                return text_fail(reader, "byte %u has no id", i);
    return text_read_trie(reader, numbers[6], model->token_count, &model->merged);
}

static bool read_unigram(struct part_reader *reader, const uint32_t numbers[12], struct text_model *model) {
    const void *items = NULL;
    size_t count = 0;
    if (!read_numbers(reader, numbers[8], sizeof *model->scores, &items, &count) ||
        !read_byte_ids(reader, numbers[7], model))
        return false;
    model->scores = items;
    if (count > reader->tokenizer->id_bound || (model->unknown != TEXT_NONE && model->unknown >= count))
        return text_fail(reader, "%zu scores, unknown is %u", count, model->unknown);
    return text_read_trie(reader, numbers[4], (uint32_t)count, &model->words);
}

bool text_read_model(struct part_reader *reader, uint32_t number) {
    struct text_model *model = &reader->tokenizer->model;
    const uint32_t bound = reader->tokenizer->id_bound;
    struct section section = {0};
    uint32_t numbers[12];
    if (!text_section(reader, number, SECTION_MODEL, &section))
        return false;
    if (section.bytes != sizeof numbers + sizeof model->unknown_score)
        return text_fail(reader, "%zu bytes", section.bytes);
    memcpy(numbers, section.p, sizeof numbers);
    memcpy(&model->unknown_score, section.p + sizeof numbers, sizeof model->unknown_score);
    model->flags = numbers[1];
    model->unknown = numbers[2];
    model->max_chars = numbers[3];
    if (numbers[0] >= MODEL_KINDS || model->flags & ~(uint32_t)BPE_FLAGS ||
        (model->unknown != TEXT_NONE && model->unknown >= bound))
        return text_fail(reader, "kind %u, flags %u, unknown id %u", numbers[0], model->flags, model->unknown);
    model->kind = (enum model_kind)numbers[0];
    if (model->kind == MODEL_UNIGRAM)
        return read_unigram(reader, numbers, model);
    if (!text_read_trie(reader, numbers[4], bound, &model->words))
        return false;
    if (model->kind == MODEL_WORD_PIECE)
        return text_read_trie(reader, numbers[5], bound, &model->rest);
    return model->kind != MODEL_BPE || read_bpe(reader, numbers, model);
}
