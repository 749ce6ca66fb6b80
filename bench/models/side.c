/* One row's answer by Assay and by its peers, in turns, in one process and one thread:
 *
 *     models-side ROWS INPUTS ROUNDS KIND NAME LIBRARY PATH [KIND NAME LIBRARY PATH ...]
 *
 * ROWS: doubles, rows of INPUTS. KIND: assay (a part), assay-plain, assay-batch, assay-contributions,
 * lightgbm, lightgbm-contributions, xgboost, onnx, compiled.
 * Every call has another row. Warm: calls one after another. With 4 and with 64 MB of other memory read before each
 * call, of which the caches keep nothing or little of the model. Writes one line of JSON a caller: nanoseconds a row
 * in each state, the median of rounds in which callers took turns, and the answer to the first row. */
#include "side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../engine/model/contributions.h"
#include "../../engine/model/model.h"

enum { CALLERS_MAX = 16, ROUNDS_MAX = 64, STATES = 3, BATCH = 1000, OUTPUTS = 512 };

static const size_t touched_mb[STATES] = {0, 4, 64};
static const uint32_t calls_a_round[STATES] = {4000, 60, 8}, slow_calls = 20;

struct data {
    double *doubles;
    float *floats;
    uint32_t rows, inputs;
    char *other; /* memory that is read between calls */
};

static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, uint32_t count) {
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

/* --- Assay --- */

static void call_assay(struct caller *caller, const struct row *row, double *out) {
    model_predict_raw(caller->handle, row->doubles, out);
}

static void call_assay_exact(struct caller *caller, const struct row *row, double *out) {
    contributions_exact(caller->more[0], row->doubles, out);
}

static void open_assay(struct caller *caller, const char *path, enum model_path way, uint32_t inputs) {
    struct error error = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    long size = ftell(file);
    char *bytes = malloc((size_t)size);
    rewind(file);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    caller->call = call_assay;
    caller->handle = model_read_path(bytes, (size_t)size, way, &error);
    if (caller->handle == NULL || model_input_count(caller->handle) != inputs) {
        fprintf(stderr, "models-side: %s: %s\n", path, error.text);
        exit(1);
    }
    free(bytes);
}

/* --- measuring --- */

static volatile uint64_t read_sum;

static void touch(const char *other, size_t mb) {
    uint64_t sum = 0;
    for (size_t i = 0; i < mb << 20; i += 64)
        sum += (uint64_t)other[i];
    read_sum = sum;
}

static struct row row_at(const struct data *data, uint32_t i) {
    size_t at = (size_t)(i % data->rows) * data->inputs;
    return (struct row){data->doubles + at, data->floats + at, data->inputs};
}

/* A batch has no cold rounds: they are about single rows. */
static double batch_ns(struct caller *caller, const struct data *data, int state) {
    static double out[BATCH * OUTPUTS];
    uint32_t rows = data->rows < BATCH ? data->rows : BATCH;
    if (state > 0)
        return 0;
    double start = now_ns();
    for (int i = 0; i < 4; i++)
        model_predict_batch(caller->handle, data->doubles, rows, out);
    return (now_ns() - start) / (4.0 * rows);
}

/* Nanoseconds a row of one round. A cold round's is the median of its calls, each timed alone. */
static double round_ns(struct caller *caller, const struct data *data, uint32_t round, int state, double clock_ns) {
    double out[OUTPUTS], each[64];
    if (caller->batch)
        return batch_ns(caller, data, state);
    if (caller->slow && state > 0)
        return 0;
    uint32_t calls = caller->slow ? slow_calls : calls_a_round[state], first = round * 7919;
    if (state == 0) {
        double start = now_ns();
        for (uint32_t i = 0; i < calls; i++) {
            struct row row = row_at(data, first + i);
            caller->call(caller, &row, out);
        }
        return (now_ns() - start) / calls;
    }
    for (uint32_t i = 0; i < calls; i++) {
        struct row row = row_at(data, first + i);
        touch(data->other, touched_mb[state]);
        double start = now_ns();
        caller->call(caller, &row, out);
        each[i] = now_ns() - start - clock_ns;
    }
    return median(each, calls);
}

static double clock_cost(void) {
    double costs[1001];
    for (int i = 0; i < 1001; i++) {
        double start = now_ns();
        costs[i] = now_ns() - start;
    }
    return median(costs, 1001);
}

static void measure(struct caller *callers, uint32_t count, const struct data *data, uint32_t rounds) {
    static double found[CALLERS_MAX][STATES][ROUNDS_MAX];
    double clock_ns = clock_cost();
    for (uint32_t round = 0; round < rounds; round++)
        for (int state = 0; state < STATES; state++)
            for (uint32_t k = 0; k < count; k++) {
                uint32_t turn = (k + round) % count;
                found[turn][state][round] = round_ns(&callers[turn], data, round, state, clock_ns);
            }
    for (uint32_t k = 0; k < count; k++)
        printf("{\"name\": \"%s\", \"warm\": %.1f, \"touched_4mb\": %.1f, \"touched_64mb\": %.1f, \"answer\": %.17g}\n",
               callers[k].name, median(found[k][0], rounds), median(found[k][1], rounds), median(found[k][2], rounds),
               callers[k].answer);
}

static void read_rows(struct data *data, const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    size_t values = (size_t)ftell(file) / sizeof(double);
    rewind(file);
    data->rows = (uint32_t)(values / data->inputs);
    data->doubles = malloc(values * sizeof(double));
    data->floats = malloc(values * sizeof(float));
    data->other = malloc((size_t)64 << 20);
    if (data->doubles == NULL || data->floats == NULL || data->other == NULL ||
        fread(data->doubles, sizeof(double), values, file) != values || data->rows == 0) {
        fprintf(stderr, "models-side: %s holds no rows, or there is no memory\n", path);
        exit(1);
    }
    fclose(file);
    memset(data->other, 1, (size_t)64 << 20);
    for (size_t i = 0; i < values; i++)
        data->floats[i] = (float)data->doubles[i];
}

static void open_caller(struct caller *caller, char **words, uint32_t inputs) {
    static const struct {
        const char *kind;
        void (*open)(struct caller *, const char *, const char *, uint32_t);
    } kinds[] = {{"lightgbm", open_lightgbm},
                 {"lightgbm-contributions", open_lightgbm_contributions},
                 {"xgboost", open_xgboost},
                 {"onnx", open_onnx},
                 {"compiled", open_compiled}};
    caller->name = words[1];
    if (strncmp(words[0], "assay", 5) == 0)
        open_assay(caller, words[3], strcmp(words[0], "assay-plain") == 0 ? MODEL_PORTABLE : MODEL_FASTEST, inputs);
    if (strcmp(words[0], "assay-contributions") == 0) {
        struct error error = {0};
        caller->more[0] = contributions_make(caller->handle, &error);
        caller->call = caller->more[0] != NULL ? call_assay_exact : NULL;
        caller->slow = true;
    }
    caller->batch = strcmp(words[0], "assay-batch") == 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(words[0], kinds[i].kind) == 0)
            kinds[i].open(caller, words[2], words[3], inputs);
    if (caller->call == NULL) {
        fprintf(stderr, "models-side: unknown kind %s\n", words[0]);
        exit(2);
    }
}

int main(int count, char **words) {
    static struct caller callers[CALLERS_MAX];
    struct data data = {0};
    if (count < 8 || (count - 4) % 4 != 0 || (count - 4) / 4 > CALLERS_MAX) {
        fprintf(stderr, "models-side ROWS INPUTS ROUNDS KIND NAME LIBRARY PATH [...]; bench/models.py runs it\n");
        return 2;
    }
    data.inputs = (uint32_t)strtoul(words[2], NULL, 10);
    uint32_t rounds = (uint32_t)strtoul(words[3], NULL, 10), callers_count = (uint32_t)(count - 4) / 4;
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    read_rows(&data, words[1]);
    for (uint32_t k = 0; k < callers_count; k++) {
        double out[OUTPUTS] = {0};
        struct row row = row_at(&data, 0);
        open_caller(&callers[k], words + 4 + (size_t)k * 4, data.inputs);
        callers[k].call(&callers[k], &row, out);
        callers[k].answer = out[0];
    }
    measure(callers, callers_count, &data, rounds);
    return 0;
}
