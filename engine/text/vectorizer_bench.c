/* A vectorizer on strings, one at a time, another each call, as bench/vectorize.py asks for it:
 *
 *     vectorizer_bench PART STRINGS PASSES
 *
 * STRINGS: each as its length (u32, little-endian) and its UTF-8, in lower case where it is not ASCII. Prints, as a JSON list,
 * nanoseconds a string of each pass, in CPU time of this thread; one pass more, not measured, warms up. */
#include "vectorizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct bytes {
    char *p;
    size_t len;
};

static double cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); /* the machine may be shared */
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static struct bytes read_file(const char *name) {
    struct bytes bytes = {0};
    FILE *file = fopen(name, "rb");
    if (file == NULL)
        return bytes;
    if (fseek(file, 0, SEEK_END) == 0) {
        bytes.len = (size_t)ftell(file);
        bytes.p = malloc(bytes.len + 1);
        rewind(file);
        if (bytes.p != NULL && fread(bytes.p, 1, bytes.len, file) != bytes.len) {
            free(bytes.p);
            bytes.p = NULL;
        }
    }
    fclose(file);
    return bytes;
}

/* Nanoseconds a string, or -1. */
static double pass(const struct vectorizer *v, struct bytes strings, void *scratch, size_t scratch_bytes, double *out) {
    double start = cpu_ns();
    size_t count = 0;
    for (size_t at = 0; at < strings.len; count++) {
        uint32_t len;
        memcpy(&len, strings.p + at, sizeof len);
        struct vectorizer_input input = {.p = strings.p + at + sizeof len, .len = len};
        input.ascii = true;
        for (uint32_t i = 0; i < len; i++) /* the engine knows it of each str */
            input.ascii &= (uint8_t)input.p[i] < 128;
        at += sizeof len + len;
        if (vectorizer_scratch_size(v, &input) > scratch_bytes || !vectorizer_run(v, &input, scratch, scratch_bytes, out))
            return -1;
    }
    return (cpu_ns() - start) / (double)(count > 0 ? count : 1);
}

static int measure(const struct vectorizer *v, struct bytes strings, long passes) {
    size_t scratch_bytes = 64u << 20;
    void *scratch = aligned_alloc(16, scratch_bytes);
    double *out = malloc(v->width * sizeof *out);
    bool good = scratch != NULL && out != NULL && pass(v, strings, scratch, scratch_bytes, out) >= 0;
    for (long i = 0; good && i < passes; i++)
        printf("%s%.1f", i == 0 ? "[" : ", ", pass(v, strings, scratch, scratch_bytes, out));
    printf("%s\n", passes > 0 ? "]" : "[]");
    free(scratch);
    free(out);
    return good ? 0 : 1;
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: vectorizer_bench PART STRINGS PASSES\n");
        return 2;
    }
    struct bytes part = read_file(arguments[1]), strings = read_file(arguments[2]);
    struct vectorizer v;
    struct error error = {0};
    if (part.p == NULL || strings.p == NULL || !vectorizer_open(&v, part.p, part.len, &error)) {
        fprintf(stderr, "vectorizer_bench: %s: %s\n", arguments[1], part.p == NULL ? "cannot be read" : error.text);
        return 1;
    }
    int result = measure(&v, strings, strtol(arguments[3], NULL, 10));
    free(part.p);
    free(strings.p);
    return result;
}
