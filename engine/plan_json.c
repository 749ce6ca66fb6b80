/* plan_json.h: a typed reader over SQLite's json_extract. Each read is one statement over the whole text; to stay quick
 * on large plans, the elements are first spread into a temporary table by json_tree, keyed by their full path. Called
 * by plan.c only, at load. */
#include "plan_json.h"

#include <sqlite3.h>
#include <stdarg.h>

#include "base/assert.h"
#include "base/number.h"

enum { PATH_BYTES = 200 };

static bool run(sqlite3 *db, const char *sql, struct str text) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK;
    if (ok && sqlite3_bind_parameter_count(statement) > 0)
        ok = sqlite3_bind_text64(statement, 1, text.p, text.len, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
    ok = ok && sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    return ok;
}

bool plan_json_open(struct plan_json *json, struct str text, struct arena *arena, struct error *error) {
    *json = (struct plan_json){.text = text, .arena = arena, .error = error};
    bool ok =
        sqlite3_open_v2(":memory:", &json->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
        run(json->db, "CREATE TABLE item (path TEXT PRIMARY KEY, type TEXT, value, length INT) WITHOUT ROWID", text) &&
        run(json->db,
            "INSERT OR ABORT INTO item SELECT replace(fullkey, '\"', ''), type, atom,"
            " CASE type WHEN 'array' THEN json_array_length(value) END FROM json_tree(?1)",
            text) &&
        sqlite3_prepare_v2(json->db, "SELECT type, value, length FROM item WHERE path = ?1", -1, &json->get, NULL) ==
            SQLITE_OK;
    if (!ok) {
        error_set(error, ERROR_CORRUPT, "plan.json: %s", json->db != NULL ? sqlite3_errmsg(json->db) : "out of memory");
        plan_json_close(json);
    }
    return ok;
}

void plan_json_close(struct plan_json *json) {
    sqlite3_finalize(json->get);
    sqlite3_close(json->db);
    json->get = NULL;
    json->db = NULL;
}

bool plan_json_fail(struct plan_json *json, const char *path, const char *expected) {
    if (!json->failed)
        error_set(json->error, ERROR_CORRUPT, "plan.json: %s: expected %s", path, expected);
    json->failed = true;
    return false;
}

/* Steps to the element, or NULL (its type in SQLite's words otherwise). */
static const char *find(struct plan_json *json, const char *path) {
    if (json->failed)
        return NULL;
    sqlite3_reset(json->get);
    sqlite3_bind_text(json->get, 1, path, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(json->get) != SQLITE_ROW)
        return NULL;
    return (const char *)sqlite3_column_text(json->get, 0);
}

#define FORMAT_PATH(path, format)                                                                                      \
    char path[PATH_BYTES];                                                                                             \
    do {                                                                                                               \
        va_list arguments_;                                                                                            \
        va_start(arguments_, format);                                                                                  \
        int len_ = vsnprintf(path, sizeof path, format, arguments_);                                                   \
        va_end(arguments_);                                                                                            \
        ASSERT(len_ > 0 && (size_t)len_ < sizeof path);                                                                \
    } while (0)

static bool is_type(const char *type, const char *name) { return type != NULL && strcmp(type, name) == 0; }

uint32_t plan_json_length(struct plan_json *json, uint32_t limit, const char *format, ...) {
    FORMAT_PATH(path, format);
    if (!is_type(find(json, path), "array")) {
        plan_json_fail(json, path, "an array");
        return 0;
    }
    int64_t length = sqlite3_column_int64(json->get, 2);
    if (length > limit) {
        char expected[64];
        snprintf(expected, sizeof expected, "at most %u items, got %lld", limit, (long long)length);
        plan_json_fail(json, path, expected);
        return 0;
    }
    return (uint32_t)length;
}

bool plan_json_is_null(struct plan_json *json, const char *format, ...) {
    FORMAT_PATH(path, format);
    const char *type = find(json, path);
    return type == NULL || strcmp(type, "null") == 0;
}

int64_t plan_json_int(struct plan_json *json, int64_t low, int64_t high, const char *format, ...) {
    FORMAT_PATH(path, format);
    bool ok = is_type(find(json, path), "integer");
    int64_t value = ok ? sqlite3_column_int64(json->get, 1) : 0;
    if (!ok || value < low || value > high) {
        char expected[80];
        snprintf(expected, sizeof expected, "an integer from %lld to %lld", (long long)low, (long long)high);
        plan_json_fail(json, path, expected);
        return low;
    }
    return value;
}

/* SQLite's own conversion of decimals is not correctly rounded: the number's text is parsed again. */
static double exact_number(struct plan_json *json, const char *path) {
    sqlite3_stmt *statement = NULL;
    double value = 0.0;
    bool ok =
        sqlite3_prepare_v2(json->db, "SELECT ?1 -> ?2", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text64(statement, 1, json->text.p, json->text.len, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK &&
        sqlite3_bind_text(statement, 2, path, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW &&
        number_parse_double((const char *)sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0),
                            &value);
    sqlite3_finalize(statement);
    if (!ok)
        plan_json_fail(json, path, "a number");
    return value;
}

double plan_json_number(struct plan_json *json, const char *format, ...) {
    FORMAT_PATH(path, format);
    const char *type = find(json, path);
    if (!is_type(type, "real") && !is_type(type, "integer")) {
        plan_json_fail(json, path, "a number");
        return 0.0;
    }
    return exact_number(json, path);
}

bool plan_json_bool(struct plan_json *json, const char *format, ...) {
    FORMAT_PATH(path, format);
    const char *type = find(json, path);
    if (is_type(type, "true"))
        return true;
    if (!is_type(type, "false"))
        plan_json_fail(json, path, "true or false");
    return false;
}

struct str plan_json_text(struct plan_json *json, const char *format, ...) {
    FORMAT_PATH(path, format);
    bool ok = is_type(find(json, path), "text");
    size_t len = ok ? (size_t)sqlite3_column_bytes(json->get, 1) : 0;
    const char *p = ok ? (const char *)sqlite3_column_text(json->get, 1) : NULL;
    bool ascii;
    char *copy = ok && utf8_valid_prefix(p, len, &ascii) == len ? arena_copy(json->arena, p, len) : NULL;
    if (copy == NULL) {
        plan_json_fail(json, path, "a string");
        return STR("");
    }
    return (struct str){copy, len};
}

uint32_t plan_json_one_of(struct plan_json *json, const char *const *names, const char *format, ...) {
    FORMAT_PATH(path, format);
    bool ok = is_type(find(json, path), "text");
    const char *text = ok ? (const char *)sqlite3_column_text(json->get, 1) : "";
    char expected[160] = "one of";
    for (uint32_t i = 0; names[i] != NULL; i++) {
        if (ok && strcmp(names[i], text) == 0)
            return i;
        size_t len = strlen(expected);
        snprintf(expected + len, sizeof expected - len, " %s", names[i]);
    }
    plan_json_fail(json, path, expected);
    return 0;
}
