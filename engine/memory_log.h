/* Records of an engine without a data folder: kept in memory, so that repeated ids and explanations work in process as
 * they do over a journal. Nothing is durable. Any thread. */
#ifndef ASSAY_MEMORY_LOG_H
#define ASSAY_MEMORY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "journal/journal.h"

struct memory_log;

struct memory_log *memory_log_create(void);
void memory_log_free(struct memory_log *log);
/* Copies the record; its position (from 1), or 0 when there is no memory. */
uint64_t memory_log_append(struct memory_log *log, enum record_kind kind, uint64_t seq, int64_t arrival_us,
                           const struct str *parts, uint32_t part_count);
bool memory_log_read(struct memory_log *log, uint64_t position, struct arena *arena, struct record *out);

#endif
