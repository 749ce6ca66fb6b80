/* The simulated twin of io_system(): a disk in memory that keeps what is durable apart from what was only written, and
 * a clock that stands until it is moved. For tests and fuzz targets. Thread safe; one seed gives one run as far as the
 * order of calls from different threads does.
 *
 * What is modelled:
 *   - A write is durable after the file's sync; a name (created, renamed, removed) after its folder's sync_folder.
 *   - A power cut keeps, of what was not synced, nothing, all, a random subset of 512-byte sectors, or a prefix.
 *   - A sync that fails has dropped some of the pages for good: the file still reads as written, and a later sync that
 *     succeeds does not bring them back.
 *   - A disk has a size; a write or allocation past it fails with ENOSPC after writing what fits. */
#ifndef ASSAY_IO_IO_SIM_H
#define ASSAY_IO_IO_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"

struct io_sim;

enum io_sim_crash {
    IO_SIM_DROP,   /* nothing that was not synced is kept */
    IO_SIM_KEEP,   /* all is kept: the process died, the machine did not */
    IO_SIM_SUBSET, /* of each unsynced write some sectors, in any order; of the folders' changes the first so many */
    IO_SIM_TORN, /* the first `tear_at` unsynced bytes in the order they were written; the folders' changes are kept */
};

struct io_sim *io_sim_create(uint64_t seed);
void io_sim_free(struct io_sim *sim);
struct io *io_sim_io(struct io_sim *sim);

/* The power goes: every call fails with EIO until io_sim_restart; handles from before stay dead after it too. */
void io_sim_crash(struct io_sim *sim, enum io_sim_crash mode, uint64_t tear_at);
/* The same at the start of the nth call from now on (1 is the next) that can fail. */
void io_sim_crash_at_call(struct io_sim *sim, uint64_t nth, enum io_sim_crash mode);
void io_sim_restart(struct io_sim *sim);
bool io_sim_is_down(struct io_sim *sim);

/* Calls that can fail, so far. */
uint64_t io_sim_calls(struct io_sim *sim);
/* The nth such call from now on (1 is the next) fails once with `code` and has done nothing (a sync: see above). 0:
 * none. */
void io_sim_fail_call(struct io_sim *sim, uint64_t nth, int code);
/* The nth sync (of a file or a folder) from now on fails with EIO; `for_ever`: all after it too. 0: none. */
void io_sim_fail_sync(struct io_sim *sim, uint64_t nth, bool for_ever);
/* Bytes that files may still grow by, together. UINT64_MAX: no limit. Removing and truncating give back. */
void io_sim_set_space(struct io_sim *sim, uint64_t bytes);

uint64_t io_sim_unsynced_bytes(struct io_sim *sim);
/* Both clocks go on by `us`; jump: the wall clock alone, backwards too. */
void io_sim_advance(struct io_sim *sim, uint64_t us);
void io_sim_jump(struct io_sim *sim, int64_t us);

#endif
