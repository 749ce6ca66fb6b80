/* The programs that answer one row: Assay's model room and its peers, each by the smallest call that it has, from C. */
#ifndef ASSAY_BENCH_MODELS_SIDE_H
#define ASSAY_BENCH_MODELS_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row {
    const double *doubles;
    const float *floats; /* the same, for peers that take float32: turning them is not counted */
    uint32_t count;
};

struct caller {
    const char *name;
    void (*call)(struct caller *caller, const struct row *row, double *out);
    void *handle, *more[8]; /* the peer's own */
    double answer;          /* to the first row */
    bool slow;              /* milliseconds a row: fewer calls, warm only */
    bool batch;             /* Assay's call for many rows */
};

/* Each opens what is at `path` with the peer's library; exits with a message on failure. */
void open_lightgbm(struct caller *caller, const char *library, const char *path, uint32_t inputs);
void open_lightgbm_contributions(struct caller *caller, const char *library, const char *path, uint32_t inputs);
void open_xgboost(struct caller *caller, const char *library, const char *path, uint32_t inputs);
void open_onnx(struct caller *caller, const char *library, const char *path, uint32_t inputs);
/* A library with `void answer(const double *, const float *, double *)`: generated code behind a shim. */
void open_compiled(struct caller *caller, const char *library, const char *path, uint32_t inputs);

#endif
