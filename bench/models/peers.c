/* The peers' calls (side.h). Their C interfaces are declared here as far as they are used, so that nothing of them is
 * needed to build this; the libraries are those of their Python packages. One thread each. */
#include "side.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *library_of(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "models-side: %s\n", dlerror());
        exit(1);
    }
    return library;
}

static void *symbol_of(void *library, const char *name) {
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        fprintf(stderr, "models-side: %s\n", dlerror());
        exit(1);
    }
    return symbol;
}

static void check(bool good, const char *what) {
    if (!good) {
        fprintf(stderr, "models-side: %s failed\n", what);
        exit(1);
    }
}

/* --- LightGBM: the call for single rows, prepared once --- */

typedef int lightgbm_create(const char *, int *, void **);
typedef int lightgbm_prepare(void *, int, int, int, int, int32_t, const char *, void **);
typedef int lightgbm_predict(void *, const void *, int64_t *, double *);
enum { LIGHTGBM_FLOAT64 = 1, LIGHTGBM_RAW = 1, LIGHTGBM_CONTRIBUTIONS = 3 };

static void call_lightgbm(struct caller *caller, const struct row *row, double *out) {
    int64_t count;
    ((lightgbm_predict *)caller->more[0])(caller->handle, row->doubles, &count, out);
}

static void open_lightgbm_as(struct caller *caller, const char *library, const char *path, uint32_t inputs,
                             int answer) {
    void *own = library_of(library), *booster;
    int rounds;
    lightgbm_create *create = (lightgbm_create *)symbol_of(own, "LGBM_BoosterCreateFromModelfile");
    lightgbm_prepare *prepare = (lightgbm_prepare *)symbol_of(own, "LGBM_BoosterPredictForMatSingleRowFastInit");
    caller->call = call_lightgbm;
    caller->more[0] = symbol_of(own, "LGBM_BoosterPredictForMatSingleRowFast");
    check(create(path, &rounds, &booster) == 0, "LGBM_BoosterCreateFromModelfile");
    check(prepare(booster, answer, 0, -1, LIGHTGBM_FLOAT64, (int32_t)inputs, "num_threads=1", &caller->handle) == 0,
          "LGBM_BoosterPredictForMatSingleRowFastInit");
}

void open_lightgbm(struct caller *caller, const char *library, const char *path, uint32_t inputs) {
    open_lightgbm_as(caller, library, path, inputs, LIGHTGBM_RAW);
}

void open_lightgbm_contributions(struct caller *caller, const char *library, const char *path, uint32_t inputs) {
    open_lightgbm_as(caller, library, path, inputs, LIGHTGBM_CONTRIBUTIONS);
    caller->slow = true;
}

/* --- XGBoost: prediction in place, out of a buffer that stays where it is --- */

typedef int xgboost_create(const void *, uint64_t, void **);
typedef int xgboost_load(void *, const char *);
typedef int xgboost_set(void *, const char *, const char *);
typedef int xgboost_predict(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);

static void call_xgboost(struct caller *caller, const struct row *row, double *out) {
    static const char config[] = "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
                                 "\"strict_shape\":false,\"cache_id\":0,\"missing\":NaN}";
    const uint64_t *shape;
    uint64_t dimensions;
    const float *answer;
    memcpy(caller->more[1], row->floats, row->count * sizeof(float));
    ((xgboost_predict *)caller->more[0])(caller->handle, caller->more[2], config, NULL, &shape, &dimensions, &answer);
    *out = (double)answer[0];
}

void open_xgboost(struct caller *caller, const char *library, const char *path, uint32_t inputs) {
    void *own = library_of(library);
    caller->call = call_xgboost;
    check(((xgboost_create *)symbol_of(own, "XGBoosterCreate"))(NULL, 0, &caller->handle) == 0, "XGBoosterCreate");
    check(((xgboost_load *)symbol_of(own, "XGBoosterLoadModel"))(caller->handle, path) == 0, "XGBoosterLoadModel");
    ((xgboost_set *)symbol_of(own, "XGBoosterSetParam"))(caller->handle, "nthread", "1");
    caller->more[0] = symbol_of(own, "XGBoosterPredictFromDense");
    caller->more[1] = calloc(inputs, sizeof(float));
    caller->more[2] = calloc(1, 256);
    check(caller->more[1] != NULL && caller->more[2] != NULL, "calloc");
    snprintf(caller->more[2], 256, "{\"data\":[%llu,true],\"shape\":[1,%u],\"typestr\":\"<f4\",\"version\":3}",
             (unsigned long long)(uintptr_t)caller->more[1], inputs);
}

/* --- ONNX Runtime: its C interface is a table of functions in an order that does not change --- */

enum {
    ORT_CREATE_ENV = 3,
    ORT_CREATE_SESSION = 7,
    ORT_RUN = 9,
    ORT_CREATE_OPTIONS = 10,
    ORT_SET_INTRA_THREADS = 24,
    ORT_SET_INTER_THREADS = 25,
    ORT_OUTPUT_COUNT = 31,
    ORT_INPUT_NAME = 36,
    ORT_OUTPUT_NAME = 37,
    ORT_TENSOR_OVER = 49,
    ORT_TENSOR_DATA = 51,
    ORT_CPU_MEMORY = 69,
    ORT_RELEASE_VALUE = 96,
    ORT_ALLOCATOR = 78,
    ORT_VERSION = 12,
    ORT_FLOAT = 1,
};

struct ort_base {
    void *const *(*functions)(uint32_t version);
    const char *(*version)(void);
};
typedef void *ort_2(const void *, void *);
typedef void *ort_int(void *, int);
typedef void *ort_env(int, const char *, void **);
typedef void *ort_session(void *, const char *, void *, void **);
typedef void *ort_name(void *, size_t, void *, char **);
typedef void *ort_tensor(void *, void *, size_t, const int64_t *, size_t, int, void **);
typedef void *ort_run(void *, void *, const char *const *, const void *const *, size_t, const char *const *, size_t,
                      void **);
typedef void ort_release(void *);

static void call_onnx(struct caller *caller, const struct row *row, double *out) {
    void *const *api = caller->more[0];
    const char *const *names = caller->more[1];
    void *answer = NULL;
    float *found = NULL;
    memcpy(caller->more[2], row->floats, row->count * sizeof(float));
    void *failed = ((ort_run *)api[ORT_RUN])(caller->handle, NULL, names, (const void *const *)&caller->more[3], 1,
                                             names + 1, 1, &answer);
    check(failed == NULL, "ONNX Runtime's Run");
    ((ort_2 *)api[ORT_TENSOR_DATA])(answer, &found);
    *out = (double)found[0];
    ((ort_release *)api[ORT_RELEASE_VALUE])(answer);
}

void open_onnx(struct caller *caller, const char *library, const char *path, uint32_t inputs) {
    void *own = library_of(library), *env, *options, *memory, *allocator;
    const struct ort_base *base = ((const struct ort_base *(*)(void))symbol_of(own, "OrtGetApiBase"))();
    void *const *api = base->functions(ORT_VERSION);
    int64_t shape[] = {1, inputs};
    char **names = calloc(2, sizeof *names);
    size_t outputs;
    caller->call = call_onnx;
    caller->more[0] = (void *)api;
    caller->more[1] = names;
    caller->more[2] = calloc(inputs, sizeof(float));
    check(names != NULL && caller->more[2] != NULL, "calloc");
    check(((ort_env *)api[ORT_CREATE_ENV])(3, "side", &env) == NULL, "CreateEnv");
    check(((ort_release * (*)(void **)) api[ORT_CREATE_OPTIONS])(&options) == NULL, "CreateSessionOptions");
    check(((ort_int *)api[ORT_SET_INTRA_THREADS])(options, 1) == NULL, "SetIntraOpNumThreads");
    check(((ort_int *)api[ORT_SET_INTER_THREADS])(options, 1) == NULL, "SetInterOpNumThreads");
    check(((ort_session *)api[ORT_CREATE_SESSION])(env, path, options, &caller->handle) == NULL, "CreateSession");
    check(((void *(*)(void **))api[ORT_ALLOCATOR])(&allocator) == NULL, "GetAllocatorWithDefaultOptions");
    check(((ort_name *)api[ORT_INPUT_NAME])(caller->handle, 0, allocator, &names[0]) == NULL, "SessionGetInputName");
    check(((ort_2 *)api[ORT_OUTPUT_COUNT])(caller->handle, &outputs) == NULL, "SessionGetOutputCount");
    /* a classifier gives labels, then probabilities; a regressor one tensor */
    check(((ort_name *)api[ORT_OUTPUT_NAME])(caller->handle, outputs - 1, allocator, &names[1]) == NULL,
          "SessionGetOutputName");
    check(((void *(*)(int, int, void **))api[ORT_CPU_MEMORY])(1, 0, &memory) == NULL, "CreateCpuMemoryInfo");
    check(((ort_tensor *)api[ORT_TENSOR_OVER])(memory, caller->more[2], inputs * sizeof(float), shape, 2, ORT_FLOAT,
                                               &caller->more[3]) == NULL,
          "CreateTensorWithDataAsOrtValue");
}

/* --- generated code, compiled --- */

typedef void compiled(const double *, const float *, double *);

static void call_compiled(struct caller *caller, const struct row *row, double *out) {
    ((compiled *)caller->handle)(row->doubles, row->floats, out);
}

void open_compiled(struct caller *caller, const char *library, const char *path, uint32_t inputs) {
    caller->call = call_compiled;
    caller->handle = symbol_of(library_of(path), "answer");
}
