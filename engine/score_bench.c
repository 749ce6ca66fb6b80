/* The whole of the engine in process, one thread, one payment at a time, from empty history.
 *
 *   score_bench BUNDLE PAYMENTS.jsonl [ROUNDS]       nanoseconds per payment (best round), no journal
 *   score_bench stages BUNDLE PAYMENTS.jsonl FOLDER  where they go, as JSON: the median of five passes, each with a journal
 *                                                    in a fresh folder FOLDER/N; the first fifth warms up
 *   score_bench count BUNDLE PAYMENTS.jsonl FOLDER   one such pass without a clock: for callgrind with
 *                                                    --toggle-collect=engine_event */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"

enum { LINES_MAX = 1 << 20, PASSES = 5 };

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

/* One pass; the stages of all but the first `warm` payments are added to stage_ns, if it is not NULL. Returns the
 * nanoseconds that those payments took in all; 0 if it cannot be run. */
static uint64_t run_pass(const struct engine_config *config, const struct str *lines, uint32_t count, uint32_t warm,
                         uint64_t *stage_ns) {
    struct error error = {0};
    struct engine *engine = engine_open(config, &error);
    struct engine_thread *thread = engine != NULL ? engine_thread_open(engine, &error) : NULL;
    if (thread == NULL) {
        fprintf(stderr, "score_bench: %s\n", error.text);
        return 0;
    }
    struct engine_options options = {.stage_ns = NULL};
    struct engine_answer answer;
    uint64_t started = now_ns();
    for (uint32_t i = 0; i < count; i++) {
        if (i == warm) {
            options.stage_ns = stage_ns;
            started = now_ns();
        }
        engine_reset(thread);
        engine_event(thread, STR(""), lines[i], &options, &answer);
        if (answer.http_status != 200) {
            fprintf(stderr, "score_bench: payment %u: %.*s\n", i + 1, (int)answer.body.len, answer.body.p);
            return 0;
        }
    }
    uint64_t took = now_ns() - started;
    engine_thread_close(thread);
    engine_close(engine);
    return took;
}

static int best_of(const char *bundle, const struct str *lines, uint32_t count, long rounds) {
    const struct engine_config config = {.bundle_path = bundle};
    uint64_t best = UINT64_MAX;
    for (; rounds > 0; rounds--) {
        uint64_t took = run_pass(&config, lines, count, 0, NULL);
        if (took == 0)
            return 1;
        best = took < best ? took : best;
    }
    printf("%u payments, %.0f ns each (best round, in process, no journal)\n", count, (double)best / count);
    return 0;
}

static struct engine_config with_journal(const char *bundle, const char *folder, int pass, char *path, size_t size) {
    snprintf(path, size, "%s/%d", folder, pass);
    return (struct engine_config){
        .bundle_path = bundle, .data_folder = path, .durability = DURABILITY_INTERVAL, .interval_us = 50000};
}

static int by_total(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return (x[ENGINE_STAGES] > y[ENGINE_STAGES]) - (x[ENGINE_STAGES] < y[ENGINE_STAGES]);
}

static int stages(const char *bundle, const struct str *lines, uint32_t count, const char *folder) {
    static const char *const names[ENGINE_STAGES] = {"parse", "features", "windows", "model", "rules and reply", "journal"};
    uint64_t passes[PASSES][ENGINE_STAGES + 1] = {0};
    uint32_t warm = count / 5;
    char path[4096];
    for (int pass = 0; pass < PASSES; pass++) {
        const struct engine_config config = with_journal(bundle, folder, pass, path, sizeof path);
        passes[pass][ENGINE_STAGES] = run_pass(&config, lines, count, warm, passes[pass]);
        if (passes[pass][ENGINE_STAGES] == 0)
            return 1;
    }
    qsort(passes, PASSES, sizeof passes[0], by_total);
    const uint64_t *median = passes[PASSES / 2];
    double measured = count - warm;
    printf("{\"payments\": %u, \"ns\": {\"tokenization\": null, \"table\": null", count - warm);
    for (int i = 0; i < ENGINE_STAGES; i++)
        printf(", \"%s\": %.1f", names[i], (double)median[i] / measured);
    printf("}, \"total_ns\": %.1f}\n", (double)median[ENGINE_STAGES] / measured);
    return 0;
}

static int count_only(const char *bundle, const struct str *lines, uint32_t count, const char *folder) {
    char path[4096];
    const struct engine_config config = with_journal(bundle, folder, 0, path, sizeof path);
    return run_pass(&config, lines, count, 0, NULL) == 0;
}

int main(int argc, char **argv) {
    uint32_t count = 0;
    bool journal = argc == 5 && (strcmp(argv[1], "stages") == 0 || strcmp(argv[1], "count") == 0);
    struct str *lines = argc >= 3 ? read_lines(argv[journal ? 3 : 2], &count) : NULL;
    if (lines == NULL || count == 0 || argc > 5) {
        fprintf(stderr, "usage: score_bench BUNDLE PAYMENTS.jsonl [ROUNDS]\n"
                        "       score_bench stages|count BUNDLE PAYMENTS.jsonl FOLDER\n");
        return 2;
    }
    if (journal)
        return (argv[1][0] == 's' ? stages : count_only)(argv[2], lines, count, argv[4]);
    return best_of(argv[1], lines, count, argc > 3 ? strtol(argv[3], NULL, 10) : 5);
}
