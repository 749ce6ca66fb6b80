/* The text room by itself: tries, and what a damaged part does. That ids are the package's is tested from Python
 * (tests/test_tokenizers.py), where the package is. */
#include "../base/test.h"
#include "tokenizer.h"
#include "trie.h"

#include <stdlib.h>

static const char *const words[] = {"a", "ab", "abc", "b", "ba", "\xc3\xa9", "\xff\xfe"};
enum { WORDS = sizeof words / sizeof *words };

static struct trie build_words(void) {
    uint8_t keys[64];
    uint32_t ends[WORDS], values[WORDS], at = 0, unit_count = 0;
    struct trie_unit *units = NULL;
    struct error error = {0};
    for (uint32_t i = 0; i < WORDS; i++) {
        memcpy(keys + at, words[i], strlen(words[i]));
        at += (uint32_t)strlen(words[i]);
        ends[i] = at;
        values[i] = 100 + i;
    }
    CHECK(trie_build(keys, ends, values, WORDS, &units, &unit_count, &error));
    return (struct trie){units, unit_count, 200};
}

static void test_trie_finds_its_keys_and_no_others(void) {
    struct trie trie = build_words();
    struct error error = {0};
    CHECK(trie_check(&trie, &error));
    for (uint32_t i = 0; i < WORDS; i++)
        CHECK_INT(trie_find(&trie, (const uint8_t *)words[i], strlen(words[i])), 100 + i);
    static const char *const others[] = {"c", "abcd", "ac", "bb", "\xc3", "\xff"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK_INT(trie_find(&trie, (const uint8_t *)others[i], strlen(others[i])), TRIE_NONE);
    size_t len = 0;
    CHECK_INT(trie_longest(&trie, (const uint8_t *)"abx", 3, &len), 101);
    CHECK_INT(len, 2);
    free((void *)(uintptr_t)trie.units);
}

/* Every word of three letters out of eight, but for those that begin with "h". */
static void test_trie_of_many_keys_finds_each(void) {
    enum { KEYS = 7 * 8 * 8 };
    uint8_t keys[KEYS * 3];
    uint32_t ends[KEYS], values[KEYS], unit_count = 0;
    struct trie_unit *units = NULL;
    struct error error = {0};
    for (uint32_t i = 0; i < KEYS; i++) {
        keys[i * 3] = (uint8_t)('a' + i / 64);
        keys[i * 3 + 1] = (uint8_t)('a' + i / 8 % 8);
        keys[i * 3 + 2] = (uint8_t)('a' + i % 8);
        ends[i] = i * 3 + 3;
        values[i] = i;
    }
    CHECK(trie_build(keys, ends, values, KEYS, &units, &unit_count, &error));
    struct trie trie = {units, unit_count, KEYS};
    CHECK(trie_check(&trie, &error));
    for (uint32_t i = 0; i < 8 * 8 * 8; i++) {
        uint8_t key[3] = {(uint8_t)('a' + i / 64), (uint8_t)('a' + i / 8 % 8), (uint8_t)('a' + i % 8)};
        CHECK_INT(trie_find(&trie, key, 3), i < KEYS ? i : TRIE_NONE);
    }
    free(units);
}

static void test_trie_refuses_keys_out_of_order(void) {
    static const uint8_t keys[] = "ba";
    static const uint32_t ends[] = {1, 2}, values[] = {0, 1};
    struct trie_unit *units = NULL;
    uint32_t unit_count;
    struct error error = {0};
    CHECK(!trie_build(keys, ends, values, 2, &units, &unit_count, &error));
    CHECK(strstr(error.text, "key 1") != NULL);
}

static void test_trie_whose_bases_lead_out_is_refused(void) {
    struct trie trie = build_words();
    struct trie_unit *units = (struct trie_unit *)(uintptr_t)trie.units;
    struct error error = {0};
    units[0].base_label = trie.unit_count << 8;
    CHECK(!trie_check(&trie, &error));
    free(units);
}

static void test_bytes_that_are_no_part_are_refused_with_a_place(void) {
    static const char *const parts[] = {"", "ASSAYTOK", "ASSAYTOK\1\0\0\0\377\377\377\377", "{\"version\": \"1.0\"}"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct error error = {0};
        CHECK(tokenizer_open(parts[i], strlen(parts[i]), &error) == NULL);
        CHECK(strstr(error.text, "tokenizer, head") != NULL);
    }
}

int main(void) {
    TEST(test_trie_finds_its_keys_and_no_others);
    TEST(test_trie_of_many_keys_finds_each);
    TEST(test_trie_refuses_keys_out_of_order);
    TEST(test_trie_whose_bases_lead_out_is_refused);
    TEST(test_bytes_that_are_no_part_are_refused_with_a_place);
    return test_end();
}
