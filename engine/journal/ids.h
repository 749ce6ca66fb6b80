/* The id index: which events were seen in the last id_retention, and where their records are. On disk (an
 * open-addressing table in a file of the data folder, mapped), rebuilt from the journal whenever it was not closed
 * cleanly. Ids are never forgotten early: when the table is at its limit, claiming a new id is refused (503).
 *
 * All functions may be called from any thread; claiming is atomic per id. */
#ifndef ASSAY_JOURNAL_IDS_H
#define ASSAY_JOURNAL_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/error.h"
#include "../base/hash.h"

struct ids;

struct ids_entry {
    struct hash128 id;      /* keyed hash of (event class, id) */
    struct hash128 content; /* keyed hash of the parsed event */
    uint64_t seq;
    uint64_t input; /* journal positions; 0: not there yet */
    uint64_t output, output_end;
    int64_t arrival_us;
};

/* `path` NULL: in memory only (no data folder). */
struct ids *ids_open(const char *path, uint64_t limit_entries, int64_t retention_us, struct error *error);
/* Empties it, before a rebuild. */
void ids_clear(struct ids *ids);
void ids_close(struct ids *ids);

enum ids_claim { IDS_CLAIMED, IDS_EXISTS, IDS_FULL };
/* Claims an id for the caller, or tells who has it (a copy in *existing). An entry older than the retention at now_us
 * is as good as absent. */
enum ids_claim ids_claim(struct ids *ids, struct hash128 id, struct hash128 content, int64_t now_us,
                         struct ids_entry *existing);
/* Takes a claim back: the event was not entered. */
void ids_release(struct ids *ids, struct hash128 id);
/* The claimed event has been appended. Also used to rebuild (makes the entry if it is absent; false when full). */
bool ids_set_input(struct ids *ids, struct hash128 id, struct hash128 content, uint64_t seq, int64_t arrival_us,
                   uint64_t input);
void ids_set_output(struct ids *ids, struct hash128 id, uint64_t output, uint64_t output_end);
bool ids_find(struct ids *ids, struct hash128 id, int64_t now_us, struct ids_entry *out);
uint64_t ids_count(struct ids *ids);

#endif
