/* One row's prediction, for a model of random trees: model_bench [TREES [LEAVES]]. Warm: the same model again and again
 * with changing rows. Thresholds are those of 254 bins, as LightGBM's training makes them. Prints nanoseconds a row. */
#include "model.h"

#include <time.h>

#include "random_part.h"

enum { INPUTS = 100, ROWS = 512 };

static double threshold(uint64_t *state) { return (double)(1 + draw(state, 254)) / 256; }

static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); /* the machine may be shared */
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static struct model *make(uint32_t trees, uint32_t leaves, uint64_t *state) {
    struct random_shape shape = {
        .inputs = INPUTS, .trees = trees, .leaves = leaves, .flags = NODE_NAN_LEFT, .threshold = threshold};
    struct part_bytes part = random_part(&shape, state);
    struct error error = {0};
    struct model *model = model_read(part.p, part.len, &error);
    if (model == NULL)
        fprintf(stderr, "%s\n", error.text);
    free(part.p);
    return model;
}

int main(int count, char **arguments) {
    uint32_t trees = count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 10) : 500,
             leaves = count > 2 ? (uint32_t)strtoul(arguments[2], NULL, 10) : 63;
    uint64_t state = 7;
    struct model *model = make(trees, leaves, &state);
    double *rows = malloc(sizeof *rows * ROWS * INPUTS), out, sum = 0, best = 1e18;
    if (model == NULL || rows == NULL)
        return 1;
    for (size_t i = 0; i < (size_t)ROWS * INPUTS; i++)
        rows[i] = (double)draw(&state, 1u << 30) / (1u << 30);
    for (int round = 0; round < 40; round++) {
        double start = now_ns();
        for (size_t i = 0; i < ROWS; i++) {
            model_predict(model, rows + i * INPUTS, &out);
            sum += out;
        }
        double each = (now_ns() - start) / ROWS;
        best = each < best ? each : best;
    }
    printf("model_predict, %u trees x %u leaves, %d inputs: %.0f ns a row (sum %.6f)\n", trees, leaves, INPUTS, best,
           sum);
    free(rows);
    model_free(model);
    return 0;
}
