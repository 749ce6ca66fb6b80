/* The whole of the engine in process, one thread, one payment at a time: score_bench BUNDLE PAYMENTS.jsonl [ROUNDS]
 * Prints nanoseconds per payment (best round), no journal. Under callgrind, `--toggle-collect=engine_event` counts
 * its instructions alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"

enum { LINES_MAX = 1 << 20 };

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct str *read_lines(const char *path, uint32_t *count) {
    FILE *file = fopen(path, "rb");
    struct str *lines = calloc(LINES_MAX, sizeof *lines);
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    if (file == NULL || lines == NULL)
        return NULL;
    for (*count = 0; *count < LINES_MAX && (len = getline(&line, &cap, file)) > 1; ++*count)
        lines[*count] = (struct str){strndup(line, (size_t)len - 1), (size_t)len - 1};
    free(line);
    fclose(file);
    return lines;
}

/* One round from empty history; 0 if it cannot be run. */
static uint64_t run_round(const char *bundle, const struct str *lines, uint32_t count) {
    struct engine_config config = {.bundle_path = bundle};
    struct error error = {0};
    struct engine *engine = engine_open(&config, &error);
    struct engine_thread *thread = engine != NULL ? engine_thread_open(engine, &error) : NULL;
    if (thread == NULL) {
        fprintf(stderr, "score_bench: %s\n", error.text);
        return 0;
    }
    struct engine_answer answer;
    uint64_t started = now_ns();
    for (uint32_t i = 0; i < count; i++) {
        engine_reset(thread);
        engine_event(thread, STR(""), lines[i], NULL, &answer);
    }
    uint64_t took = now_ns() - started;
    engine_thread_close(thread);
    engine_close(engine);
    return took;
}

int main(int argc, char **argv) {
    uint32_t count;
    struct str *lines = argc >= 3 ? read_lines(argv[2], &count) : NULL;
    if (lines == NULL || count == 0) {
        fprintf(stderr, "usage: score_bench BUNDLE PAYMENTS.jsonl [ROUNDS]\n");
        return 2;
    }
    uint64_t best = UINT64_MAX;
    for (long round = argc > 3 ? strtol(argv[3], NULL, 10) : 5; round > 0; round--) {
        uint64_t took = run_round(argv[1], lines, count);
        if (took == 0)
            return 1;
        best = took < best ? took : best;
    }
    printf("%u payments, %.0f ns each (best round, in process, no journal)\n", count, (double)best / count);
    return 0;
}
