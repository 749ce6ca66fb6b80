/* One row's prediction, for a model of complete random trees: model_bench [TREES [LEAVES]]. Warm: the same model again
 * and again with changing rows. Thresholds are those of 254 bins, as LightGBM's training makes them. Prints nanoseconds a
 * row. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { INPUTS = 100, ROWS = 512 };

static uint64_t state = 88172645463325252u;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static double uniform(void) { return (double)(next() >> 11) * 0x1p-53; }

/* Grows a tree by splitting a random leaf, as unbalanced as leaf-wise training makes them. */
static size_t write_tree(char *out, size_t room, int index, int leaves) {
    int *left = calloc((size_t)leaves, sizeof *left), *right = calloc((size_t)leaves, sizeof *right);
    for (int node = 0; node < leaves - 1; node++) {
        int leaf = (int)(next() % (uint64_t)(node + 1));
        for (int i = 0; i < node; i++) {
            if (left[i] == ~leaf)
                left[i] = node;
            if (right[i] == ~leaf)
                right[i] = node;
        }
        left[node] = ~leaf;
        right[node] = ~(node + 1);
    }
    size_t len = (size_t)snprintf(out, room, "Tree=%d\nnum_leaves=%d\nnum_cat=0\nleaf_value=", index, leaves);
    for (int i = 0; i < leaves; i++)
        len += (size_t)snprintf(out + len, room - len, "%.17g ", uniform() - 0.5);
    static const char *const keys[] = {"split_feature", "threshold", "decision_type", "left_child", "right_child"};
    for (int key = 0; key < 5; key++) {
        len += (size_t)snprintf(out + len, room - len, "\n%s=", keys[key]);
        for (int i = 0; i < leaves - 1; i++)
            len += key == 1 ? (size_t)snprintf(out + len, room - len, "%.17g ", (double)(1 + next() % 254) / 256)
                            : (size_t)snprintf(out + len, room - len, "%d ",
                                               key == 0   ? (int)(next() % INPUTS)
                                               : key == 2 ? 2
                                               : key == 3 ? left[i]
                                                          : right[i]);
    }
    free(left);
    free(right);
    return len + (size_t)snprintf(out + len, room - len, "\n\n");
}

static struct model *make(int trees, int leaves) {
    size_t room = (size_t)trees * (size_t)leaves * 120 + 100000, len;
    char *text = malloc(room);
    len = (size_t)snprintf(
        text, room,
        "tree\nversion=v4\nnum_class=1\nmax_feature_idx=%d\nobjective=binary sigmoid:1\nfeature_names=", INPUTS - 1);
    for (int i = 0; i < INPUTS; i++)
        len += (size_t)snprintf(text + len, room - len, "f%d ", i);
    len += (size_t)snprintf(text + len, room - len, "\n\n");
    for (int i = 0; i < trees; i++)
        len += write_tree(text + len, room - len, i, leaves);
    len += (size_t)snprintf(text + len, room - len, "end of trees\n");
    struct error error = {0};
    struct model *model = model_read_lightgbm(text, len, &error);
    if (model == NULL)
        fprintf(stderr, "%s\n", error.text);
    free(text);
    return model;
}

static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); /* the machine may be shared */
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int count, char **arguments) {
    int trees = count > 1 ? (int)strtol(arguments[1], NULL, 10) : 500,
        leaves = count > 2 ? (int)strtol(arguments[2], NULL, 10) : 63;
    struct model *model = make(trees, leaves);
    double *rows = malloc(sizeof *rows * ROWS * INPUTS), out, sum = 0, best = 1e18;
    if (model == NULL || rows == NULL)
        return 1;
    for (size_t i = 0; i < (size_t)ROWS * INPUTS; i++)
        rows[i] = uniform();
    for (int round = 0; round < 15; round++) {
        double start = now_ns();
        for (size_t i = 0; i < ROWS; i++) {
            model_predict(model, rows + i * INPUTS, &out);
            sum += out;
        }
        double each = (now_ns() - start) / ROWS;
        best = each < best ? each : best;
    }
    printf("model_predict, %d trees x %d leaves, %d inputs: %.0f ns a row (sum %.6f)\n", trees, leaves, INPUTS, best,
           sum);
    free(rows);
    model_free(model);
    return 0;
}
