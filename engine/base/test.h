/* The unit tests' three macros. A test program is `int main(void) { TEST(name); ...; return test_end(); }`; it prints a
 * line per failing check and exits 1 if there was one. */
#ifndef ASSAY_BASE_TEST_H
#define ASSAY_BASE_TEST_H

#include <stdio.h>
#include <string.h>

static int test_failures, test_checks;

#define CHECK(condition)                                                                                               \
    (test_checks++, (condition) ? (void)0                                                                              \
                                : (void)(test_failures++,                                                              \
                                         fprintf(stderr, "%s:%d: %s: failed: %s\n", __FILE__, __LINE__, __func__, #condition)))
#define CHECK_INT(got, expected)                                                                                       \
    do {                                                                                                               \
        long long got_ = (long long)(got), expected_ = (long long)(expected);                                          \
        test_checks++;                                                                                                 \
        if (got_ != expected_) {                                                                                       \
            test_failures++;                                                                                           \
            fprintf(stderr, "%s:%d: %s: %s is %lld, expected %lld\n", __FILE__, __LINE__, __func__, #got, got_, expected_); \
        }                                                                                                              \
    } while (0)
#define CHECK_TEXT(got, got_len, expected)                                                                             \
    do {                                                                                                               \
        const char *got_ = (got), *expected_ = (expected);                                                             \
        size_t len_ = (got_len);                                                                                       \
        test_checks++;                                                                                                 \
        if (len_ != strlen(expected_) || memcmp(got_, expected_, len_) != 0) {                                         \
            test_failures++;                                                                                           \
            fprintf(stderr, "%s:%d: %s: \"%.*s\", expected \"%s\"\n", __FILE__, __LINE__, __func__, (int)len_, got_, expected_); \
        }                                                                                                              \
    } while (0)
#define TEST(name) name()

static inline int test_end(void) {
    printf("%d checks, %d failed\n", test_checks, test_failures);
    return test_failures ? 1 : 0;
}

#endif
