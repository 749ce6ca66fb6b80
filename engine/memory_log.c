/* memory_log.h: an array of malloc'd records behind a lock. */
#include "memory_log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

struct entry {
    struct record record; /* its body is a malloc'd copy */
};

struct memory_log {
    pthread_mutex_t mutex;
    struct entry *entries;
    size_t count, cap;
};

struct memory_log *memory_log_create(void) {
    struct memory_log *log = calloc(1, sizeof *log);
    if (log != NULL)
        pthread_mutex_init(&log->mutex, NULL);
    return log;
}

void memory_log_free(struct memory_log *log) {
    if (log == NULL)
        return;
    for (size_t i = 0; i < log->count; i++)
        free((void *)(uintptr_t)log->entries[i].record.body);
    free(log->entries);
    pthread_mutex_destroy(&log->mutex);
    free(log);
}

/* Room for one more entry; with the lock held. */
static bool grow(struct memory_log *log) {
    if (log->count < log->cap)
        return true;
    size_t cap = log->cap == 0 ? 1024 : log->cap * 2;
    struct entry *entries = realloc(log->entries, cap * sizeof *entries);
    if (entries == NULL)
        return false;
    log->entries = entries;
    log->cap = cap;
    return true;
}

uint64_t memory_log_append(struct memory_log *log, enum record_kind kind, uint64_t seq, int64_t arrival_us,
                           const struct str *parts, uint32_t part_count) {
    size_t len = 0, at = 0;
    for (uint32_t i = 0; i < part_count; i++)
        len += parts[i].len;
    uint8_t *body = malloc(len + 1);
    if (body == NULL)
        return 0;
    for (uint32_t i = 0; i < part_count; i++) {
        memcpy(body + at, parts[i].p, parts[i].len);
        at += parts[i].len;
    }
    ASSERT(at == len);
    uint64_t position = 0;
    pthread_mutex_lock(&log->mutex);
    if (grow(log)) {
        position = ++log->count;
        log->entries[position - 1].record = (struct record){.kind = kind,
                                                            .seq = seq,
                                                            .arrival_us = arrival_us,
                                                            .position = position,
                                                            .end = position,
                                                            .body = body,
                                                            .body_len = len};
    }
    pthread_mutex_unlock(&log->mutex);
    if (position == 0)
        free(body);
    return position;
}

bool memory_log_read(struct memory_log *log, uint64_t position, struct arena *arena, struct record *out) {
    pthread_mutex_lock(&log->mutex);
    bool found = position >= 1 && position <= log->count;
    if (found)
        *out = log->entries[position - 1].record;
    pthread_mutex_unlock(&log->mutex);
    if (!found)
        return false;
    out->body = arena_copy(arena, out->body, out->body_len);
    return out->body != NULL;
}
