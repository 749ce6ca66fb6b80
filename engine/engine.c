/* Opening and closing the engine: the bundle, the data folder, recovery, threads, and what it tells about itself. The
 * way of an event is score.c; engine.h is the contract.
 *
 * The data folder: `key` (the secret of all keyed hashes, mode 0600), `lock`, `journal/` (the log),
 * `bundles/HASH.assay` (every bundle that was ever in force), `ids` (the id index, rebuilt from the journal when
 * needed). */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "engine_private.h"

enum { KEY_FILE_BYTES = 44, PATH_BYTES = 4096 };
static const uint64_t IDS_LIMIT = 100u * 1000u * 1000u;

/* --- the data folder --- */

static const char KEY_MARK[] = "assay-key-1 ";

static bool write_key(struct engine *engine, const char *path, struct error *error) {
    static const char hex[] = "0123456789abcdef";
    struct io *io = engine->io;
    char text[KEY_FILE_BYTES + 1], temporary[PATH_BYTES + 16];
    io->table->random(io, engine->key.bytes, sizeof engine->key.bytes);
    size_t at = (size_t)snprintf(text, sizeof text, "%s", KEY_MARK);
    for (size_t i = 0; i < sizeof engine->key.bytes; i++) {
        text[at++] = hex[engine->key.bytes[i] >> 4];
        text[at++] = hex[engine->key.bytes[i] & 15];
    }
    text[at++] = '\n';
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int file = io->table->open(io, temporary, IO_READ | IO_WRITE | IO_CREATE, 0600);
    if (file < 0)
        return error_system(error, -file, "%s: cannot create", temporary);
    int64_t written = io->table->write_at(io, file, text, at, 0);
    int result = written < 0 ? (int)written : io->table->sync(io, file);
    io->table->close(io, file);
    if (result == 0)
        result = io->table->rename(io, temporary, path);
    if (result == 0)
        result = io->table->sync_folder(io, engine->config.data_folder);
    return result == 0 || error_system(error, -result, "%s: cannot write", path);
}

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool parse_key(const char *text, size_t len, struct hash_key *key) {
    size_t mark = sizeof KEY_MARK - 1;
    if (len < mark + 32 || memcmp(text, KEY_MARK, mark) != 0)
        return false;
    for (size_t i = 0; i < sizeof key->bytes; i++) {
        int high = hex_digit(text[mark + 2 * i]), low = hex_digit(text[mark + 2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        key->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void count_name(void *context, const char *name) { ++*(uint32_t *)context; }

/* A data folder has its key from its first day: a journal without it cannot be checked. */
static bool open_key(struct engine *engine, bool create, struct error *error) {
    struct io *io = engine->io;
    char path[PATH_BYTES + 8], journal[PATH_BYTES + 16], text[KEY_FILE_BYTES + 1];
    snprintf(path, sizeof path, "%s/key", engine->config.data_folder);
    snprintf(journal, sizeof journal, "%s/journal", engine->config.data_folder);
    int file = io->table->open(io, path, IO_READ, 0);
    if (file == -ENOENT) {
        uint32_t segments = 0;
        io->table->list(io, journal, count_name, &segments);
        if (segments > 0)
            return error_set(error, ERROR_CORRUPT,
                             "%s: the key is missing, but there is a journal: restore it from a backup", path);
        return create ? write_key(engine, path, error)
                      : error_set(error, ERROR_INPUT, "%s: there is no data folder of Assay here", path);
    }
    if (file < 0)
        return error_system(error, -file, "%s: cannot open", path);
    int64_t len = io->table->read_at(io, file, text, KEY_FILE_BYTES, 0);
    io->table->close(io, file);
    if (len < 0)
        return error_system(error, (int)-len, "%s: cannot read", path);
    return parse_key(text, (size_t)len, &engine->key) ||
           error_set(error, ERROR_CORRUPT, "%s: not a key file of Assay", path);
}

/* Makes a folder and makes its name durable. */
static bool make_folder(struct engine *engine, const char *path, struct error *error) {
    char parent[PATH_BYTES + 16];
    snprintf(parent, sizeof parent, "%s", path);
    size_t len = strlen(parent);
    while (len > 1 && parent[len - 1] == '/')
        len--;
    while (len > 0 && parent[len - 1] != '/')
        len--;
    while (len > 1 && parent[len - 1] == '/')
        len--;
    if (len == 0)
        parent[len++] = '.';
    parent[len] = '\0';
    int result = engine->io->table->make_folder(engine->io, path);
    if (result == 0)
        result = engine->io->table->sync_folder(engine->io, parent);
    return result == 0 || error_system(error, -result, "%s: cannot make the folder", path);
}

static bool open_folder(struct engine *engine, struct error *error) {
    struct io *io = engine->io;
    const char *folder = engine->config.data_folder;
    char path[PATH_BYTES + 16];
    if (strlen(folder) > PATH_BYTES - 100)
        return error_set(error, ERROR_LIMIT, "the data folder's path is too long");
    snprintf(path, sizeof path, "%s/bundles", folder);
    if (!make_folder(engine, folder, error) || !make_folder(engine, path, error))
        return false;
    snprintf(path, sizeof path, "%s/lock", folder);
    engine->lock_file = io->table->open(io, path, IO_READ | IO_WRITE | IO_CREATE, 0600);
    if (engine->lock_file < 0)
        return error_system(error, -engine->lock_file, "%s: cannot open", path);
    int result = io->table->lock(io, engine->lock_file);
    if (result == -EWOULDBLOCK)
        return error_set(error, ERROR_INPUT,
                         "%s: another process uses this data folder; stop it first, or name another with --data",
                         folder);
    if (result < 0)
        return error_system(error, -result, "%s: cannot lock", path);
    return open_key(engine, true, error);
}

/* --- the bundle in force --- */

/* Keeps the bundle's file beside the journal, so that every decision can be explained by the code that made it. */
static bool keep_bundle(struct engine *engine, struct error *error) {
    struct io *io = engine->io;
    struct io *system = io_system(); /* the bundle itself is always a real file */
    char path[PATH_BYTES + 100], temporary[PATH_BYTES + 110];
    snprintf(path, sizeof path, "%s/bundles/%s.assay", engine->config.data_folder, engine->plan->bundle->hash);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int from = system->table->open(system, engine->config.bundle_path, IO_READ, 0);
    if (from < 0)
        return error_system(error, -from, "%s: cannot open", engine->config.bundle_path);
    int to = io->table->open(io, temporary, IO_READ | IO_WRITE | IO_CREATE, 0600);
    int64_t result = to < 0 ? to : io->table->truncate(io, to, 0);
    char *block = malloc(1 << 20);
    uint64_t offset = 0;
    for (int64_t len = 1; block != NULL && result >= 0 && len > 0; offset += (uint64_t)(len > 0 ? len : 0)) {
        len = system->table->read_at(system, from, block, 1 << 20, offset);
        result = len <= 0 ? len : io->table->write_at(io, to, block, (size_t)len, offset);
    }
    free(block);
    system->table->close(system, from);
    if (to >= 0) {
        if (result >= 0)
            result = io->table->sync(io, to);
        io->table->close(io, to);
    }
    if (result >= 0)
        result = io->table->rename(io, temporary, path);
    snprintf(path, sizeof path, "%s/bundles", engine->config.data_folder);
    if (result >= 0)
        result = io->table->sync_folder(io, path);
    return result >= 0 || error_system(error, (int)-result, "%s: cannot keep the bundle", path);
}

/* Appends the deployment record if another bundle than this was in force. */
static bool deploy(struct engine *engine, struct error *error) {
    uint32_t count = engine->layout_count;
    if (count > 0 && strcmp(engine->layouts[count - 1].hash, engine->plan->bundle->hash) == 0)
        return true;
    if (engine->journal != NULL && !keep_bundle(engine, error))
        return false;
    const int64_t *said_us = engine->config.deployed_at_us;
    int64_t now = said_us != NULL ? *said_us : engine->io->table->now_us(engine->io);
    if (engine->journal != NULL && now > engine->last_arrival_us)
        engine->last_arrival_us = now;
    struct arena arena;
    arena_init(&arena, LIMIT_ARENA_BYTES);
    struct buf body;
    buf_init(&body, &arena, LIMIT_ARENA_BYTES);
    record_write_deployment(&body, engine->plan);
    int64_t arrival_us = engine->journal != NULL ? engine->last_arrival_us : INT64_MAX;
    uint64_t position, end;
    bool ok = !body.failed || error_set(error, ERROR_SYSTEM, "out of memory");
    ok = ok && add_layout(engine, (uint8_t *)body.p, body.len, arrival_us, error);
    if (ok && engine->journal != NULL)
        ok = log_durably(engine, RECORD_DEPLOYMENT, 0, arrival_us, &body, &position, &end, error) ||
             error_prefix(error, "the deployment cannot be logged");
    arena_release(&arena);
    return ok;
}

/* --- open and close --- */

static struct engine *engine_new(const struct engine_config *config, struct error *error) {
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        error_set(error, ERROR_SYSTEM, "out of memory");
        return NULL;
    }
    engine->config = *config;
    engine->io = config->io != NULL ? config->io : io_system();
    engine->lock_file = -1;
    engine->next_seq = 1;
    engine->last_arrival_us = engine->latest_us = INT64_MIN;
    pthread_mutex_init(&engine->order, NULL);
    arena_init(&engine->layouts_arena, LIMIT_ARENA_BYTES);
    return engine;
}

static bool load_bundle(struct engine *engine, struct error *error) {
    struct bundle *bundle = bundle_open(engine->config.bundle_path, error);
    if (bundle == NULL)
        return false;
    engine->plan = plan_load(bundle, error);
    if (engine->plan == NULL)
        return error_prefix(error, "%s", engine->config.bundle_path);
    engine->output_bound_bytes = output_bound(engine->plan);
    return plan_check_golden(engine->plan, error) || error_prefix(error, "%s", engine->config.bundle_path);
}

static bool open_ids(struct engine *engine, struct error *error) {
    char path[PATH_BYTES + 16];
    uint64_t limit = engine->config.ids_limit > 0 ? engine->config.ids_limit : IDS_LIMIT;
    bool on_disk = engine->config.data_folder != NULL && engine->io == io_system();
    if (on_disk)
        snprintf(path, sizeof path, "%s/ids", engine->config.data_folder);
    engine->ids = ids_open(on_disk ? path : NULL, limit, engine->plan->id_retention_us, error);
    return engine->ids != NULL;
}

static bool open_state(struct engine *engine, char unfinished[65], struct error *error) {
    if (engine->config.data_folder != NULL) {
        if (!open_folder(engine, error))
            return false;
    } else {
        engine->io->table->random(engine->io, engine->key.bytes, sizeof engine->key.bytes);
        engine->memory = memory_log_create();
        if (engine->memory == NULL)
            return error_set(error, ERROR_SYSTEM, "out of memory");
    }
    engine->windows = make_windows(engine, error);
    if (engine->windows == NULL || !open_ids(engine, error))
        return false;
    if (engine->config.data_folder != NULL && !engine_recover(engine, unfinished, error))
        return false;
    if (!deploy(engine, error))
        return false;
    set_coverage(engine, engine->windows);
    return true;
}

static struct engine *open_once(const struct engine_config *config, char unfinished[65], struct error *error) {
    struct engine *engine = engine_new(config, error);
    if (engine == NULL)
        return NULL;
    if (load_bundle(engine, error) && open_state(engine, unfinished, error))
        return engine;
    engine_close(engine);
    return NULL;
}

struct engine *engine_open(const struct engine_config *config, struct error *error) {
    ASSERT(config != NULL && config->bundle_path != NULL && error != NULL);
    char unfinished[65] = "", path[PATH_BYTES + 100];
    struct engine *engine = open_once(config, unfinished, error);
    if (engine != NULL || unfinished[0] == '\0')
        return engine;
    struct engine_config before = *config;
    snprintf(path, sizeof path, "%s/bundles/%s.assay", config->data_folder, unfinished);
    before.bundle_path = path;
    engine = open_once(&before, unfinished, error);
    if (engine == NULL) {
        error_prefix(error, "deciding what a crash left undecided");
        return NULL;
    }
    engine_close(engine);
    return open_once(config, unfinished, error);
}

void engine_close(struct engine *engine) {
    if (engine == NULL)
        return;
    if (engine->journal != NULL)
        journal_close(engine->journal);
    memory_log_free(engine->memory);
    if (engine->ids != NULL)
        ids_close(engine->ids);
    windows_free(engine->windows);
    plan_free(engine->plan);
    free(engine->layouts);
    arena_release(&engine->layouts_arena);
    if (engine->lock_file >= 0)
        engine->io->table->close(engine->io, engine->lock_file);
    pthread_mutex_destroy(&engine->order);
    free(engine);
}

/* --- threads --- */

struct engine_thread *engine_thread_open(struct engine *engine, struct error *error) {
    struct engine_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL) {
        error_set(error, ERROR_SYSTEM, "out of memory");
        return NULL;
    }
    thread->engine = engine;
    arena_init(&thread->arena, LIMIT_ARENA_BYTES);
    thread->model_row = calloc(engine->plan->model_inputs_max + 1, sizeof(double));
    thread->have_result = calloc(engine->plan->function_count + 1, sizeof(bool));
    if (thread->model_row == NULL || thread->have_result == NULL ||
        !code_frame_init(&thread->frame, engine->plan->code, &thread->arena, error)) {
        if (thread->model_row == NULL || thread->have_result == NULL)
            error_set(error, ERROR_SYSTEM, "out of memory");
        engine_thread_close(thread);
        return NULL;
    }
    return thread;
}

void engine_thread_close(struct engine_thread *thread) {
    if (thread == NULL)
        return;
    if (thread->frame.cells != NULL)
        code_frame_release(&thread->frame);
    arena_release(&thread->arena);
    free(thread->model_row);
    free(thread->have_result);
    free(thread);
}

void engine_reset(struct engine_thread *thread) { arena_reset(&thread->arena); }

struct arena *engine_arena(struct engine_thread *thread) {
    return &thread->arena;
}

/* --- what it tells --- */

enum engine_durable engine_is_durable(const struct engine *engine, uint64_t wait) {
    if (engine->journal == NULL || wait == 0 || journal_durable(engine->journal) >= wait)
        return ENGINE_DURABLE;
    return journal_failure(engine->journal) != NULL ? ENGINE_FAILED : ENGINE_PENDING;
}

void engine_listen(struct engine *engine, int event_fd) {
    if (engine->journal != NULL)
        journal_listen(engine->journal, event_fd);
}

bool engine_ready(const struct engine *engine, const char **why) {
    *why = engine->journal != NULL ? journal_failure(engine->journal) : NULL;
    return *why == NULL;
}

uint32_t engine_slot_count(const struct engine *engine) { return engine->plan->named_slot_count; }

struct engine_slot engine_slot(const struct engine *engine, uint32_t index) {
    ASSERT(index < engine->plan->named_slot_count);
    const struct plan_slot *slot = &engine->plan->slots[index];
    return (struct engine_slot){.name = slot->name, .kind = slot->kind, .slot = slot->slot};
}

const struct value *engine_value(const struct engine_thread *thread, uint16_t slot) {
    ASSERT(slot < code_frame_cells(thread->engine->plan->code));
    return &thread->frame.cells[slot];
}

struct hash128 engine_digest(struct engine *engine) {
    return windows_digest(engine->windows, engine->latest_us, engine->last_arrival_us);
}

static void write_counter(struct buf *out, const char *name, const char *help, uint64_t value) {
    buf_format(out, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", name, help, name, name, (unsigned long long)value);
}

static void write_gauge(struct buf *out, const char *name, const char *help, uint64_t value) {
    buf_format(out, "# HELP %s %s\n# TYPE %s gauge\n%s %llu\n", name, help, name, name, (unsigned long long)value);
}

static void write_journal_metrics(struct engine *engine, struct buf *out) {
    struct journal_stats stats;
    journal_stats(engine->journal, &stats);
    write_counter(out, "assay_journal_bytes_total", "Bytes appended to the journal.", stats.appended_bytes);
    write_counter(out, "assay_journal_groups_total", "Groups committed.", stats.groups);
    write_counter(out, "assay_journal_syncs_total", "Disk syncs.", stats.syncs);
    buf_format(
        out,
        "# HELP assay_journal_sync_seconds_total Time in disk syncs.\n# TYPE assay_journal_sync_seconds_total counter\n"
        "assay_journal_sync_seconds_total %.6f\n",
        (double)stats.sync_ns_total / 1e9);
    write_gauge(out, "assay_journal_segments", "Segment files.", stats.segments);
    write_gauge(out, "assay_journal_torn_bytes", "Bytes of an unfinished group that recovery cut and kept aside.",
                stats.torn_bytes);
    write_gauge(out, "assay_journal_failed", "1 when the journal acknowledges nothing any more.",
                journal_failure(engine->journal) != NULL);
}

void engine_metrics(struct engine *engine, struct buf *out) {
    struct engine_counters *c = &engine->counters;
    BUF_LITERAL(out, "# HELP assay_decisions_total Decisions by outcome.\n# TYPE assay_decisions_total counter\n");
    for (uint32_t i = 0; i < engine->plan->decide.outcome_count; i++) {
        BUF_LITERAL(out, "assay_decisions_total{outcome=");
        buf_json(out, engine->plan->decide.outcomes[i]);
        buf_format(out, "} %llu\n", (unsigned long long)c->decided[i]);
    }
    write_counter(out, "assay_context_events_total", "Context events entered.", c->context_events);
    write_counter(out, "assay_repeated_total", "Events answered from the journal because their id was known.",
                  c->repeated);
    write_counter(out, "assay_conflicts_total", "Events refused because their id was used with other content.",
                  c->conflicts);
    write_counter(out, "assay_bad_json_total", "Bodies that were not JSON.", c->bad_json);
    write_counter(out, "assay_bad_fields_total", "Events whose fields were not as expected.", c->bad_fields);
    write_counter(out, "assay_unavailable_total", "Events refused for want of log, index or memory.", c->unavailable);
    write_counter(out, "assay_function_errors_total", "Exceptions in functions of the definition.", c->function_errors);
    write_counter(out, "assay_rules_not_evaluated_total", "Rules that lacked an input.", c->rules_not_evaluated);
    write_counter(out, "assay_masked_total", "Card numbers masked at parsing.", c->masked);
    write_counter(out, "assay_late_total", "Events later than max_late.", c->late);
    write_counter(out, "assay_clamped_total", "Events whose time was in the future.", c->clamped);
    struct windows_stats stats;
    windows_stats(engine->windows, &stats);
    write_gauge(out, "assay_window_keys", "Keys that hold events.", stats.keys);
    write_gauge(out, "assay_window_entries", "Events held by the windows.", stats.entries);
    write_gauge(out, "assay_window_bytes", "Memory of the windows.", stats.bytes);
    write_gauge(out, "assay_ids", "Ids remembered.", ids_count(engine->ids));
    sequence_lock(engine);
    uint64_t sequenced = engine->next_seq - 1;
    sequence_unlock(engine);
    write_counter(out, "assay_events_total", "Events that have a sequence number.", sequenced);
    if (engine->journal != NULL)
        write_journal_metrics(engine, out);
}

/* --- reading a data folder --- */

struct engine *engine_open_reader(const struct engine_config *config, struct error *error) {
    ASSERT(config->data_folder != NULL);
    struct engine *engine = engine_new(config, error);
    if (engine == NULL)
        return NULL;
    if (load_bundle(engine, error) && open_key(engine, false, error))
        return engine;
    engine_close(engine);
    return NULL;
}

bool engine_replay(const struct engine_config *config, struct engine_replay *out, struct error *error) {
    *out = (struct engine_replay){0};
    struct engine *engine = engine_open_reader(config, error);
    if (engine == NULL)
        return false;
    engine->windows = make_windows(engine, error);
    uint64_t limit = config->ids_limit > 0 ? config->ids_limit : IDS_LIMIT;
    engine->ids = engine->windows == NULL ? NULL : ids_open(NULL, limit, engine->plan->id_retention_us, error);
    bool ok = engine->ids != NULL && engine_fold_replay(engine, out, error);
    if (ok)
        out->digest = engine_digest(engine);
    engine_close(engine);
    return ok;
}
