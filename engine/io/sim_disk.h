/* Inside the simulated disk: its inodes, names and pending changes. All under struct io_sim's lock. */
#ifndef ASSAY_IO_SIM_DISK_H
#define ASSAY_IO_SIM_DISK_H

#include <pthread.h>

#include "io_sim.h"

struct bytes {
    uint8_t *p;
    uint64_t len, cap;
};

struct operation {
    uint64_t order; /* over the whole disk */
    uint64_t offset, len;
    uint8_t *p; /* NULL: the file is cut to `len` */
};

struct inode {
    bool folder;
    int locked_by; /* a handle, or -1 */
    struct bytes live, durable;
    struct operation *operations;
    size_t operation_count, operation_cap;
};

struct name {
    char *path;
    struct inode *inode;
};

struct names {
    struct name *items;
    size_t count, cap;
};

struct change {
    char *from, *to; /* created: from NULL; removed: to NULL */
    struct inode *inode;
};

struct handle {
    struct inode *inode; /* NULL: closed */
    int flags;
};

struct io_sim {
    struct io io; /* first: the table's functions get a pointer to it */
    pthread_mutex_t lock;
    uint64_t random_state, order;
    struct inode **inodes;
    size_t inode_count, inode_cap;
    struct names live, durable;
    struct change *changes;
    size_t change_count, change_cap;
    struct handle *handles; /* numbers are never used twice */
    size_t handle_count, handle_cap;
    uint64_t limit_bytes;
    uint64_t calls, fail_call, crash_call, syncs, fail_sync;
    int fail_code;
    bool fail_sync_for_ever, down;
    enum io_sim_crash crash_mode;
    int64_t wall_us;
    uint64_t monotonic_ns;
};

void *sim_grow(void *items, size_t *cap, size_t item_bytes);
uint64_t sim_next_random(struct io_sim *sim);

struct inode *sim_inode_create(struct io_sim *sim, bool folder);
void sim_inode_free(struct inode *inode);
/* Changes the live bytes and remembers how. `p` NULL: cuts the file to `len`. */
void sim_operate(struct io_sim *sim, struct inode *inode, uint64_t offset, const uint8_t *p, uint64_t len);
void sim_forget_operations(struct inode *inode);
/* Makes an operation durable; of a write its first `budget` bytes. */
void sim_replay(struct inode *inode, const struct operation *operation, uint64_t budget);
/* Makes those of its sectors durable that a coin of `chance`/256 keeps. */
void sim_replay_sectors(struct io_sim *sim, struct inode *inode, const struct operation *operation, unsigned chance);

struct inode *sim_names_find(const struct names *names, const char *path);
void sim_names_add(struct names *names, const char *path, struct inode *inode);
void sim_names_apply(struct names *names, const struct change *change);
void sim_names_clear(struct names *names);
/* Changes the live names and remembers it until the folder is synced. */
void sim_change_names(struct io_sim *sim, const char *from, const char *to, struct inode *inode);
void sim_change_free(struct change *change);
bool sim_is_root(const char *path, size_t len);
bool sim_is_in(const char *path, const char *folder);
bool sim_has_parent(const struct names *names, const char *path);

/* Makes durable what the mode says, drops the rest, closes every handle; the disk is down then. */
void sim_crash(struct io_sim *sim, enum io_sim_crash mode, uint64_t tear_at);

#endif
