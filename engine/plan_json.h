/* Reading plan.json through SQLite's JSON functions: an element is named by its path ("$.events[0].fields"), and every
 * reader checks type and range. The first failure is kept in `error`; after it all readers answer harmless values, so
 * that callers check `failed` once per part. */
#ifndef ASSAY_PLAN_JSON_H
#define ASSAY_PLAN_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct sqlite3;
struct sqlite3_stmt;

/* One open text. */
struct plan_json {
    struct sqlite3 *db;
    struct sqlite3_stmt *get;
    struct str text;
    struct arena *arena;
    struct error *error;
    bool failed;
};

bool plan_json_open(struct plan_json *json, struct str text, struct arena *arena, struct error *error);
void plan_json_close(struct plan_json *json);

/* Notes a failure at a path; returns false. */
bool plan_json_fail(struct plan_json *json, const char *path, const char *expected);

/* Items of the array at path; more than `limit` is a failure. */
uint32_t plan_json_length(struct plan_json *json, uint32_t limit, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool plan_json_is_null(struct plan_json *json, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t plan_json_int(struct plan_json *json, int64_t low, int64_t high, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
double plan_json_number(struct plan_json *json, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool plan_json_bool(struct plan_json *json, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A string, copied into the arena. */
struct str plan_json_text(struct plan_json *json, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The index in `names` (NULL-terminated) of the string at path. */
uint32_t plan_json_one_of(struct plan_json *json, const char *const *names, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
