/* Reads a tokenizer's part (part.h). The part is hostile: every index, size and text in it is checked here, so that
 * encoding need not. Little-endian: 8 bytes "ASSAYTOK"; u32 version = 1, sections; per section u32 kind, 0; u64 offset
 * (a multiple of 8), bytes. Sections name each other by number, 0xffffffff: none. Payloads, by kind:
 *
 *   1 head      u32 id_bound, word_class, space_class; sections: kinds, steps, stages, added, added_normalized, model, post
 *   2 kinds     u32 blocks, kinds; u16 pages[4352], kinds[blocks * 256]; u64 masks[kinds], from a multiple of 8
 *   3 property  u32 blocks, 0; u16 pages[4352]; u8 values[blocks * 256]
 *   4 map       u32 blocks, text_bytes; u8 ascii[128]; u16 pages[4352]; u32 entries[blocks * 256]; u8 texts[text_bytes]
 *   5 pairs     (u32 first, second, composed)*, by second, then first
 *   6 bytes     UTF-8
 *   7 program   (u32 op, a, b, c)*: pattern.h
 *   8 charsmap  u32 units, text_bytes; u32 units[]; u8 texts[]
 *   9 trie      (u32 base << 8 | label, value)*: trie.h
 *  10 steps     (u32 op, a, b, c)*: enum text_op, sections in place of what they name
 *  11 stages    (u32 op, a, b, c)*: enum text_stage_op
 *  12 added     u32 trie, tokens; (u32 id, flags)*
 *  13 model     u32 kind, flags, unknown, max_chars, words, rest, merged, bytes, scores, tokens, merges, 0; f64
 *               unknown_score
 *  14 numbers   u32, f64, struct bpe_token or struct bpe_merge
 *  15 post      u32 max_len, max_bare, keep_end, pad_to, pad_multiple, pad_id, pad_left, pieces; u32 pieces[] */
#include "read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/assert.h"
#include "../base/str.h"

enum { VERSION = 1, SECTIONS_MAX = 256, HEAD_NUMBERS = 10, BYTES_MAX = 1 << 16, CHAIN_MAX = 1 << 20 };
#define PART_MAX   (1u << 30)
#define IDS_MAX    (1u << 24)
#define GROWTH_MAX (1u << 16)

bool text_fail(struct part_reader *reader, const char *format, ...) {
    char text[300];
    va_list items;
    va_start(items, format);
    vsnprintf(text, sizeof text, format, items);
    va_end(items);
    return error_set(reader->error, ERROR_CORRUPT, "tokenizer, %s: %s", reader->place, text);
}

static uint32_t u32_at(const uint8_t *p) {
    uint32_t n;
    memcpy(&n, p, sizeof n);
    return n;
}

bool text_section(struct part_reader *reader, uint32_t number, enum section_kind kind, struct section *out) {
    if (number >= reader->count)
        return text_fail(reader, "section %u of %u", number, reader->count);
    *out = reader->sections[number];
    if (out->kind != kind)
        return text_fail(reader, "section %u is of kind %u, expected %u", number, out->kind, kind);
    return true;
}

static bool read_sections(struct part_reader *reader) {
    const uint8_t *part = reader->tokenizer->part;
    size_t size = reader->tokenizer->part_bytes;
    if (size < 16 || memcmp(part, "ASSAYTOK", 8) != 0 || u32_at(part + 8) != VERSION)
        return text_fail(reader, "not a tokenizer's part of version %d", VERSION);
    reader->count = u32_at(part + 12);
    if (reader->count > SECTIONS_MAX || size < 16 + (size_t)reader->count * 24)
        return text_fail(reader, "%u sections in %zu bytes", reader->count, size);
    for (uint32_t i = 0; i < reader->count; i++) {
        const uint8_t *entry = part + 16 + (size_t)i * 24;
        uint64_t offset, bytes;
        memcpy(&offset, entry + 8, 8);
        memcpy(&bytes, entry + 16, 8);
        if (offset % 8 != 0 || offset > size || bytes > size - offset)
            return text_fail(reader, "section %u is not inside the part", i);
        reader->sections[i] = (struct section){u32_at(entry), part + offset, bytes};
    }
    return true;
}

static bool check_pages(struct part_reader *reader, const uint16_t *pages, uint32_t blocks) {
    for (uint32_t i = 0; i < TEXT_PAGES; i++)
        if (pages[i] >= blocks)
            return text_fail(reader, "page %u is block %u of %u", i, pages[i], blocks);
    return true;
}

/* The head of a two-level table: blocks, another number, and whether `bytes` are as many as they say. */
static bool table_head(struct part_reader *reader, const struct section *section, size_t fixed, size_t block_bytes,
                       uint32_t *blocks, uint32_t *other) {
    if (section->bytes < fixed)
        return text_fail(reader, "a table cut short");
    *blocks = u32_at(section->p);
    *other = u32_at(section->p + 4);
    if (*blocks == 0 || *blocks > TEXT_PAGES || section->bytes < fixed + *blocks * block_bytes)
        return text_fail(reader, "a table of %u blocks in %zu bytes", *blocks, section->bytes);
    return true;
}

static bool read_kinds(struct part_reader *reader, uint32_t number) {
    struct text_kinds *kinds = &reader->tokenizer->kinds;
    struct section section = {0};
    uint32_t blocks = 0, count = 0;
    const size_t fixed = 8 + TEXT_PAGES * 2;
    if (!text_section(reader, number, SECTION_KINDS, &section) ||
        !table_head(reader, &section, fixed, 512, &blocks, &count))
        return false;
    size_t masks = (fixed + (size_t)blocks * 512 + 7) / 8 * 8;
    if (count == 0 || count > 65536 || section.bytes != masks + (size_t)count * 8)
        return text_fail(reader, "%u kinds of characters in %zu bytes", count, section.bytes);
    kinds->pages = (const uint16_t *)(const void *)(section.p + 8);
    kinds->kinds = kinds->pages + TEXT_PAGES;
    kinds->masks = (const uint64_t *)(const void *)(section.p + masks);
    for (size_t i = 0; i < (size_t)blocks * 256; i++)
        if (kinds->kinds[i] >= count)
            return text_fail(reader, "a character of kind %u of %u", kinds->kinds[i], count);
    if (!check_pages(reader, kinds->pages, blocks))
        return false;
    for (uint32_t c = 0; c < 128; c++)
        kinds->ascii[c] = kinds->masks[kinds->kinds[kinds->pages[0] * 256u + c]];
    return true;
}

bool text_read_property(struct part_reader *reader, uint32_t number, struct text_property *property) {
    struct section section = {0};
    uint32_t blocks = 0, zero = 0;
    const size_t fixed = 8 + TEXT_PAGES * 2;
    if (!text_section(reader, number, SECTION_PROPERTY, &section) ||
        !table_head(reader, &section, fixed, 256, &blocks, &zero))
        return false;
    property->pages = (const uint16_t *)(const void *)(section.p + 8);
    property->values = section.p + fixed;
    return check_pages(reader, property->pages, blocks);
}

static bool is_boundary(const uint8_t *p, size_t len, size_t at) {
    return at == len || (at < len && (p[at] & 0xc0) != 0x80);
}

/* The longest text among entries [low, high) of a block, or SIZE_MAX with the error set. */
static size_t longest_entry(struct part_reader *reader, const uint32_t *entries, uint32_t low, uint32_t high,
                            const uint8_t *texts, size_t text_bytes) {
    size_t longest = 0;
    for (uint32_t i = low; i < high; i++) {
        if (entries[i] == MAP_SAME || entries[i] == MAP_SLOW)
            continue;
        if (entries[i] == MAP_SPACED) { /* at most; of a shorter character it is less than this says */
            longest = longest > 6 ? longest : 6;
            continue;
        }
        size_t start = entries[i] >> 8, end = start + (entries[i] & 255);
        if (end > text_bytes || !is_boundary(texts, text_bytes, start) || !is_boundary(texts, text_bytes, end)) {
            text_fail(reader, "a character becomes bytes %zu to %zu of %zu", start, end, text_bytes);
            return SIZE_MAX;
        }
        longest = end - start > longest ? end - start : longest;
    }
    return longest;
}

/* How many times a text grows at most: each page's characters have a least number of bytes. */
static bool find_growth(struct part_reader *reader, struct text_map *map, uint32_t blocks, size_t text_bytes) {
    size_t *longest = calloc(blocks, sizeof *longest), growth = 1;
    bool good = longest != NULL || text_fail(reader, "no memory");
    for (uint32_t b = 0; b < blocks && good; b++) {
        longest[b] = longest_entry(reader, map->entries + (size_t)b * 256, 0, 256, map->texts, text_bytes);
        good = longest[b] != SIZE_MAX;
    }
    for (uint32_t page = 1; page < TEXT_PAGES && good; page++) {
        size_t width = page < 8 ? 2 : page < 256 ? 3 : 4, times = (longest[map->pages[page]] + width - 1) / width;
        growth = times > growth ? times : growth;
    }
    if (good) { /* page 0 has characters of one byte and of two */
        const uint32_t *entries = map->entries + map->pages[0] * 256u;
        size_t one = longest_entry(reader, entries, 0, 128, map->texts, text_bytes);
        size_t two = (longest_entry(reader, entries, 128, 256, map->texts, text_bytes) + 1) / 2;
        growth = one > growth ? one : growth;
        growth = two > growth ? two : growth;
    }
    free(longest);
    map->growth = (uint32_t)growth;
    return good;
}

bool text_read_map(struct part_reader *reader, uint32_t number, struct text_map *map) {
    struct section section = {0};
    uint32_t blocks = 0, text_bytes = 0;
    const size_t fixed = 8 + 128 + TEXT_PAGES * 2;
    if (!text_section(reader, number, SECTION_MAP, &section) ||
        !table_head(reader, &section, fixed, 1024, &blocks, &text_bytes))
        return false;
    if (section.bytes != fixed + (size_t)blocks * 1024 + text_bytes)
        return text_fail(reader, "a map of %u blocks and %u bytes in %zu bytes", blocks, text_bytes, section.bytes);
    map->ascii = section.p + 8;
    map->pages = (const uint16_t *)(const void *)(section.p + 136);
    map->entries = (const uint32_t *)(const void *)(section.p + fixed);
    map->texts = section.p + fixed + (size_t)blocks * 1024;
    bool ascii;
    if (utf8_valid_prefix((const char *)map->texts, text_bytes, &ascii) != text_bytes)
        return text_fail(reader, "the map's texts are not UTF-8");
    for (uint32_t c = 0; c < 128; c++)
        if (map->ascii[c] >= 128 && map->ascii[c] != MAP_REMOVE && map->ascii[c] != MAP_TABLE)
            return text_fail(reader, "ASCII character %u becomes %u", c, map->ascii[c]);
    return check_pages(reader, map->pages, blocks) && find_growth(reader, map, blocks, text_bytes);
}

bool text_read_bytes(struct part_reader *reader, uint32_t number, struct text_bytes *bytes) {
    struct section section = {0};
    bool ascii;
    if (!text_section(reader, number, SECTION_BYTES, &section))
        return false;
    if (section.bytes > BYTES_MAX || utf8_valid_prefix((const char *)section.p, section.bytes, &ascii) != section.bytes)
        return text_fail(reader, "section %u is not UTF-8 or longer than %d bytes", number, BYTES_MAX);
    *bytes = (struct text_bytes){section.p, (uint32_t)section.bytes};
    return true;
}

bool text_read_program(struct part_reader *reader, uint32_t number, struct text_program *program) {
    struct section section = {0};
    if (!text_section(reader, number, SECTION_PROGRAM, &section))
        return false;
    program->nodes = (const struct text_node *)(const void *)section.p;
    program->count = section.bytes > TEXT_NODES_MAX * sizeof *program->nodes
                         ? 0
                         : (uint32_t)(section.bytes / sizeof *program->nodes);
    if (!text_program_check(program, &reader->tokenizer->kinds))
        return text_fail(reader, "section %u is no pattern, or one that matches nothing", number);
    return true;
}

bool text_read_trie(struct part_reader *reader, uint32_t number, uint32_t value_bound, struct trie *trie) {
    struct section section = {0};
    struct error error = {0};
    if (!text_section(reader, number, SECTION_TRIE, &section))
        return false;
    trie->units = (const struct trie_unit *)(const void *)section.p;
    trie->unit_count = (uint32_t)(section.bytes / sizeof *trie->units);
    trie->value_bound = value_bound;
    return trie_check(trie, &error) || text_fail(reader, "section %u: %s", number, error.text);
}

static bool read_added(struct part_reader *reader, uint32_t number, struct text_added *added) {
    struct section section = {0};
    if (number == TEXT_NONE)
        return true;
    if (!text_section(reader, number, SECTION_ADDED, &section))
        return false;
    if (section.bytes < 8 || section.bytes % 8 != 0 || u32_at(section.p + 4) != section.bytes / 8 - 1)
        return text_fail(reader, "added tokens in %zu bytes", section.bytes);
    added->count = u32_at(section.p + 4);
    added->tokens = (const struct added_token *)(const void *)(section.p + 8);
    for (uint32_t i = 0; i < added->count; i++)
        if (added->tokens[i].id >= reader->tokenizer->id_bound || added->tokens[i].flags > 7)
            return text_fail(reader, "added token %u has id %u, flags %u", i, added->tokens[i].id,
                             added->tokens[i].flags);
    if (!text_read_trie(reader, u32_at(section.p), added->count, &added->trie))
        return false;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t node = 0;
        if (!trie_step(&added->trie, &node, (uint8_t)byte))
            continue;
        added->starts[byte >> 6] |= 1ull << (byte & 63);
        added->start = (uint8_t)byte;
        added->start_count++;
    }
    return true;
}

/* pieces that are ids: in bounds; padding and truncation: numbers that fit. */
static bool read_post(struct part_reader *reader, uint32_t number) {
    struct text_post *post = &reader->tokenizer->post;
    struct section section = {0};
    uint32_t numbers[8];
    if (!text_section(reader, number, SECTION_POST, &section))
        return false;
    if (section.bytes < sizeof numbers)
        return text_fail(reader, "%zu bytes", section.bytes);
    memcpy(numbers, section.p, sizeof numbers);
    *post = (struct text_post){.max_len = numbers[0],
                               .max_bare = numbers[1],
                               .keep_end = numbers[2],
                               .pad_to = numbers[3],
                               .pad_multiple = numbers[4],
                               .pad_id = numbers[5],
                               .pad_left = numbers[6],
                               .piece_count = numbers[7]};
    post->pieces = (const uint32_t *)(const void *)(section.p + sizeof numbers);
    if (post->piece_count > 1024 || section.bytes != sizeof numbers + (size_t)post->piece_count * 4)
        return text_fail(reader, "%u pieces in %zu bytes", post->piece_count, section.bytes);
    if ((post->pad_to != TEXT_NONE && post->pad_to > CHAIN_MAX) || post->pad_multiple > CHAIN_MAX ||
        post->pad_id >= reader->tokenizer->id_bound)
        return text_fail(reader, "padding to %u, multiples of %u, with id %u", post->pad_to, post->pad_multiple,
                         post->pad_id);
    for (uint32_t i = 0; i < post->piece_count; i++) {
        if (post->pieces[i] == TEXT_NONE)
            post->own_count++;
        else if (post->pieces[i] >= reader->tokenizer->id_bound)
            return text_fail(reader, "piece %u is id %u", i, post->pieces[i]);
        else
            post->special_count++;
    }
    return true;
}

static bool read_head(struct part_reader *reader) {
    struct tokenizer *tokenizer = reader->tokenizer;
    struct section section = {0};
    uint32_t head[HEAD_NUMBERS];
    if (!read_sections(reader) || !text_section(reader, 0, SECTION_HEAD, &section))
        return false;
    if (section.bytes != sizeof head)
        return text_fail(reader, "a head of %zu bytes", section.bytes);
    memcpy(head, section.p, sizeof head);
    tokenizer->id_bound = head[0];
    tokenizer->word_class = head[1];
    tokenizer->space_class = head[2];
    if (head[0] == 0 || head[0] > IDS_MAX || head[1] >= TEXT_CLASSES_MAX || head[2] >= TEXT_CLASSES_MAX)
        return text_fail(reader, "ids below %u, classes %u and %u", head[0], head[1], head[2]);
    reader->place = "characters";
    if (!read_kinds(reader, head[3]))
        return false;
    reader->place = "normalizer";
    if (!text_read_steps(reader, head[4]))
        return false;
    reader->place = "pre-tokenizer";
    if (!text_read_stages(reader, head[5]))
        return false;
    reader->place = "added tokens";
    if (!read_added(reader, head[6], &tokenizer->added) || !read_added(reader, head[7], &tokenizer->added_normalized))
        return false;
    reader->place = "model";
    if (!text_read_model(reader, head[8]))
        return false;
    reader->place = "post-processor";
    return read_post(reader, head[9]);
}

struct tokenizer *tokenizer_open(const void *part, size_t size, struct error *error) {
    ASSERT(error != NULL);
    if (size > PART_MAX) {
        error_set(error, ERROR_LIMIT, "a tokenizer of %zu bytes, at most %u are possible", size, PART_MAX);
        return NULL;
    }
    struct tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    struct part_reader *reader = calloc(1, sizeof *reader);
    uint8_t *copy = malloc(size + 16);
    if (tokenizer == NULL || reader == NULL || copy == NULL) {
        free(tokenizer);
        free(reader);
        free(copy);
        error_set(error, ERROR_SYSTEM, "no memory for the tokenizer");
        return NULL;
    }
    if (size > 0)
        memcpy(copy, part, size);
    tokenizer->part = copy;
    tokenizer->part_bytes = size;
    *reader = (struct part_reader){.tokenizer = tokenizer, .place = "head", .error = error};
    bool good = read_head(reader);
    free(reader);
    if (good)
        return tokenizer;
    tokenizer_close(tokenizer);
    return NULL;
}
