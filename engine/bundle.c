/* Reading the bundle file (bundle.h, docs/bundle.md). Called by plan.c and the engine's opening; calls SQLite, and
 * hash.h for the content hash.
 *
 * SQLite is told to trust nothing: read-only, immutable (no locks, no journal beside it), defensive, no views, triggers
 * or functions of the file's schema. A page that SQLite finds damaged is an error; a byte that it does not notice
 * changes the content hash. The parts are copied out, and the database is closed before they are used. */
#include "bundle.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/limits.h"

enum { APPLICATION_ID = 0x41535359, PARTS_MAX = 4096, NAME_BYTES_MAX = 512 };

static bool sqlite_error(struct error *error, sqlite3 *db, const char *what) {
    return error_set(error, ERROR_CORRUPT, "%s: %s", what, db != NULL ? sqlite3_errmsg(db) : "out of memory");
}

static void harden(sqlite3 *db) {
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, (int)(LIMIT_BUNDLE_BYTES - 1));
}

static bool query_text(sqlite3 *db, const char *sql, char *out, size_t size, struct error *error) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
              sqlite3_column_text(statement, 0) != NULL;
    if (ok)
        snprintf(out, size, "%s", (const char *)sqlite3_column_text(statement, 0));
    else
        error_set(error, ERROR_INPUT, "not an Assay bundle (no answer to: %s)", sql);
    sqlite3_finalize(statement);
    return ok;
}

static bool add_part(struct bundle *bundle, const void *name, size_t name_len, const void *bytes, size_t len,
                     struct error *error) {
    if (bundle->part_count == PARTS_MAX)
        return error_set(error, ERROR_LIMIT, "more than %d parts", PARTS_MAX);
    char *copy = malloc(name_len + len + 16);
    if (copy == NULL)
        return error_set(error, ERROR_SYSTEM, "out of memory");
    /* Bytes first, so that what malloc aligned stays aligned; the name behind them. */
    if (len > 0)
        memcpy(copy, bytes, len);
    if (name_len > 0)
        memcpy(copy + len, name, name_len);
    bundle->parts[bundle->part_count++] =
        (struct bundle_part){.name = {copy + len, name_len}, .bytes = (const uint8_t *)copy, .len = len};
    return true;
}

static bool add_row(struct bundle *bundle, sqlite3_stmt *row, struct error *error) {
    size_t name_len = (size_t)sqlite3_column_bytes(row, 0), len = (size_t)sqlite3_column_bytes(row, 1);
    if (sqlite3_column_type(row, 0) != SQLITE_TEXT || sqlite3_column_type(row, 1) != SQLITE_BLOB ||
        name_len > NAME_BYTES_MAX)
        return error_set(error, ERROR_CORRUPT, "a part that is not a name and bytes");
    return add_part(bundle, sqlite3_column_text(row, 0), name_len, sqlite3_column_blob(row, 1), len, error);
}

static bool read_parts(struct bundle *bundle, sqlite3 *db, struct error *error) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "SELECT name, bytes FROM main.part ORDER BY name COLLATE BINARY", -1, &statement,
                           NULL) != SQLITE_OK)
        return sqlite_error(error, db, "reading the parts");
    int result;
    bool ok = true;
    while (ok && (result = sqlite3_step(statement)) == SQLITE_ROW)
        ok = add_row(bundle, statement, error);
    if (ok && result != SQLITE_DONE)
        ok = sqlite_error(error, db, "reading the parts");
    sqlite3_finalize(statement);
    return ok;
}

static void compute_hash(struct bundle *bundle) {
    struct sha256 state;
    sha256_init(&state);
    for (uint32_t i = 0; i < bundle->part_count; i++) {
        const struct bundle_part *part = &bundle->parts[i];
        uint32_t name_len = (uint32_t)part->name.len;
        uint64_t len = part->len;
        sha256_add(&state, &name_len, sizeof name_len);
        sha256_add(&state, part->name.p, part->name.len);
        sha256_add(&state, &len, sizeof len);
        sha256_add(&state, part->bytes, part->len);
    }
    sha256_hex(&state, bundle->hash);
}

static bool check_meta(sqlite3 *db, char stored_hash[65], struct error *error) {
    char application[24], format[16];
    if (!query_text(db, "PRAGMA main.application_id", application, sizeof application, error) ||
        !query_text(db, "SELECT value FROM main.meta WHERE key = 'format'", format, sizeof format, error) ||
        !query_text(db, "SELECT value FROM main.meta WHERE key = 'hash'", stored_hash, 65, error))
        return false;
    if (strtol(application, NULL, 10) != APPLICATION_ID)
        return error_set(error, ERROR_INPUT, "not an Assay bundle (application id %s)", application);
    if (strcmp(format, "1") != 0)
        return error_set(error, ERROR_INPUT,
                         "bundle format %s; this engine reads format 1: build it again with this version", format);
    return true;
}

static struct bundle *bundle_new(struct error *error) {
    struct bundle *bundle = calloc(1, sizeof *bundle);
    if (bundle != NULL)
        bundle->parts = calloc(PARTS_MAX, sizeof *bundle->parts);
    if (bundle != NULL && bundle->parts != NULL)
        return bundle;
    free(bundle);
    error_set(error, ERROR_SYSTEM, "out of memory");
    return NULL;
}

static struct bundle *read_bundle(sqlite3 *db, struct error *error) {
    char stored[65];
    harden(db);
    if (!check_meta(db, stored, error))
        return NULL;
    struct bundle *bundle = bundle_new(error);
    if (bundle != NULL && read_parts(bundle, db, error)) {
        compute_hash(bundle);
        if (strcmp(bundle->hash, stored) == 0)
            return bundle;
        error_set(error, ERROR_CORRUPT,
                  "the content's hash is %.16s..., expected %.16s...: the file was changed or damaged", bundle->hash,
                  stored);
    }
    bundle_free(bundle);
    return NULL;
}

static bool uri_of(const char *path, char *out, size_t size) {
    static const char hex[] = "0123456789ABCDEF";
    size_t at = (size_t)snprintf(out, size, "file:");
    for (const char *p = path; *p != '\0'; p++) {
        if (at + 4 > size - 16)
            return false;
        if (strchr("%?# ", *p) != NULL) {
            out[at++] = '%';
            out[at++] = hex[(unsigned char)*p >> 4];
            out[at++] = hex[(unsigned char)*p & 15];
        } else {
            out[at++] = *p;
        }
    }
    snprintf(out + at, size - at, "?immutable=1");
    return true;
}

struct bundle *bundle_open(const char *path, struct error *error) {
    ASSERT(path != NULL && error != NULL);
    char uri[4096];
    sqlite3 *db = NULL;
    struct bundle *bundle = NULL;
    if (!uri_of(path, uri, sizeof uri))
        error_set(error, ERROR_LIMIT, "the path is too long");
    else if (sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        sqlite_error(error, db, "cannot open");
    else
        bundle = read_bundle(db, error);
    sqlite3_close(db);
    if (bundle == NULL)
        error_prefix(error, "%s", path);
    return bundle;
}

struct bundle *bundle_open_bytes(const void *bytes, size_t len, struct error *error) {
    ASSERT(error != NULL && (bytes != NULL || len == 0));
    sqlite3 *db = NULL;
    struct bundle *bundle = NULL;
    unsigned char *copy = sqlite3_malloc64(len + 1);
    if (copy == NULL ||
        sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        error_set(error, ERROR_SYSTEM, "out of memory");
        sqlite3_free(copy);
    } else {
        memcpy(copy, bytes, len);
        int flags = SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY;
        if (sqlite3_deserialize(db, "main", copy, (sqlite3_int64)len, (sqlite3_int64)len, (unsigned)flags) != SQLITE_OK)
            sqlite_error(error, db, "cannot open");
        else
            bundle = read_bundle(db, error);
    }
    sqlite3_close(db);
    return bundle;
}

struct bundle *bundle_of_parts(const struct bundle_part *parts, uint32_t count, struct error *error) {
    struct bundle *bundle = bundle_new(error);
    for (uint32_t i = 0; bundle != NULL && i < count; i++) {
        if (!add_part(bundle, parts[i].name.p, parts[i].name.len, parts[i].bytes, parts[i].len, error)) {
            bundle_free(bundle);
            return NULL;
        }
    }
    if (bundle != NULL)
        compute_hash(bundle);
    return bundle;
}

void bundle_free(struct bundle *bundle) {
    if (bundle == NULL)
        return;
    for (uint32_t i = 0; i < bundle->part_count; i++)
        free((void *)(uintptr_t)bundle->parts[i].bytes);
    free(bundle->parts);
    free(bundle);
}

const struct bundle_part *bundle_part(const struct bundle *bundle, struct str name) {
    for (uint32_t i = 0; i < bundle->part_count; i++)
        if (str_equal(bundle->parts[i].name, name))
            return &bundle->parts[i];
    return NULL;
}
