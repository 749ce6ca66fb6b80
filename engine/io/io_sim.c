/* A disk, a clock and randomness in memory (io_sim.h), for the tests of whatever stores something: the table's
 * functions, each under the disk's lock, and the tests' controls. sim_disk.c keeps the bytes and the names. */
#include "io_sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/assert.h"
#include "sim_disk.h"

static struct io_sim *sim_of(struct io *io) { return (struct io_sim *)io; }

/* At the start of every call that can fail: 0, or what it fails with. */
static int fault(struct io_sim *sim) {
    sim->calls++;
    sim->monotonic_ns += 1000;
    sim->wall_us += 1;
    if (sim->calls == sim->crash_call)
        sim_crash(sim, sim->crash_mode, 0);
    if (sim->down)
        return -EIO;
    return sim->calls == sim->fail_call ? -sim->fail_code : 0;
}

static bool sync_fails(struct io_sim *sim) {
    sim->syncs++;
    return sim->fail_sync != 0 &&
           (sim->syncs == sim->fail_sync || (sim->fail_sync_for_ever && sim->syncs > sim->fail_sync));
}

static uint64_t used_bytes(const struct io_sim *sim) {
    uint64_t used = 0;
    for (size_t i = 0; i < sim->live.count; i++)
        used += sim->live.items[i].inode->live.len;
    return used;
}

static struct inode *inode_of(struct io_sim *sim, int file, int access) {
    if (file < 0 || (size_t)file >= sim->handle_count || (sim->handles[file].flags & access) != access)
        return NULL;
    return sim->handles[file].inode;
}

/* --- the table --- */

static int open_locked(struct io_sim *sim, const char *path, int flags) {
    struct inode *inode = sim_names_find(&sim->live, path);
    if (inode != NULL && (flags & IO_EXCLUSIVE) != 0)
        return -EEXIST;
    if (inode != NULL && inode->folder)
        return -EISDIR;
    if (!sim_has_parent(&sim->live, path) || (inode == NULL && (flags & IO_CREATE) == 0))
        return -ENOENT;
    if (inode == NULL) {
        inode = sim_inode_create(sim, false);
        sim_change_names(sim, NULL, path, inode);
    }
    if (sim->handle_count == sim->handle_cap)
        sim->handles = sim_grow(sim->handles, &sim->handle_cap, sizeof *sim->handles);
    sim->handles[sim->handle_count] = (struct handle){inode, flags};
    return (int)sim->handle_count++;
}

static int sim_open(struct io *io, const char *path, int flags, int mode) {
    struct io_sim *sim = sim_of(io);
    ASSERT((flags & (IO_READ | IO_WRITE)) != 0);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    if (result == 0)
        result = open_locked(sim, path, flags);
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int sim_close(struct io *io, int file) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    struct inode *inode = inode_of(sim, file, 0);
    if (inode != NULL) {
        if (inode->locked_by == file)
            inode->locked_by = -1;
        sim->handles[file].inode = NULL;
    }
    pthread_mutex_unlock(&sim->lock);
    return inode != NULL ? 0 : -EBADF;
}

static int64_t sim_read_at(struct io *io, int file, void *bytes, size_t len, uint64_t offset) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int64_t result = fault(sim);
    struct inode *inode = inode_of(sim, file, IO_READ);
    if (result == 0 && inode == NULL)
        result = -EBADF;
    if (result == 0 && offset < inode->live.len) {
        uint64_t got = inode->live.len - offset < len ? inode->live.len - offset : len;
        memcpy(bytes, inode->live.p + offset, got);
        result = (int64_t)got;
    }
    pthread_mutex_unlock(&sim->lock);
    return result;
}

/* How many of `len` bytes at `offset` the disk has room for. */
static uint64_t room(struct io_sim *sim, const struct inode *inode, uint64_t offset, uint64_t len) {
    if (sim->limit_bytes == UINT64_MAX || offset + len <= inode->live.len)
        return len;
    uint64_t used = used_bytes(sim), free_bytes = used < sim->limit_bytes ? sim->limit_bytes - used : 0;
    uint64_t growth = offset + len - inode->live.len;
    return growth <= free_bytes ? len : growth - free_bytes >= len ? 0 : len - (growth - free_bytes);
}

static int64_t write_locked(struct io_sim *sim, int file, const void *bytes, uint64_t len, uint64_t offset) {
    int failure = fault(sim);
    struct inode *inode = inode_of(sim, file, IO_WRITE); /* after a power cut inside fault there is none */
    if (inode == NULL)
        return sim->down ? -EIO : -EBADF;
    if (failure != 0) { /* it may have written a part */
        sim_operate(sim, inode, offset, bytes, len > 0 ? sim_next_random(sim) % len : 0);
        return failure;
    }
    uint64_t fits = room(sim, inode, offset, len);
    sim_operate(sim, inode, offset, bytes, fits);
    return fits == len ? (int64_t)len : -ENOSPC;
}

static int64_t sim_write_at(struct io *io, int file, const void *bytes, size_t len, uint64_t offset) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int64_t result = write_locked(sim, file, bytes, len, offset);
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int sim_sync(struct io *io, int file) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *inode = inode_of(sim, file, 0);
    if (result == 0 && sync_fails(sim))
        result = -EIO;
    if (inode == NULL) {
        result = sim->down ? -EIO : -EBADF;
    } else {
        for (size_t i = 0; i < inode->operation_count; i++)
            if (result == 0)
                sim_replay(inode, &inode->operations[i], UINT64_MAX);
            else
                sim_replay_sectors(sim, inode, &inode->operations[i], 128);
        sim_forget_operations(inode);
    }
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int sim_allocate(struct io *io, int file, uint64_t bytes) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    uint8_t *zeros = calloc(1, bytes + 1);
    ASSERT(zeros != NULL);
    int64_t put = write_locked(sim, file, zeros, bytes, 0);
    free(zeros);
    pthread_mutex_unlock(&sim->lock);
    return put < 0 ? (int)put : 0;
}

static int sim_truncate(struct io *io, int file, uint64_t bytes) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *inode = inode_of(sim, file, IO_WRITE);
    if (result == 0 && inode == NULL)
        result = -EBADF;
    if (result == 0)
        sim_operate(sim, inode, 0, NULL, bytes);
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int64_t sim_size(struct io *io, int file) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int64_t result = fault(sim);
    struct inode *inode = inode_of(sim, file, 0);
    if (result == 0)
        result = inode == NULL ? -EBADF : (int64_t)inode->live.len;
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int sim_rename(struct io *io, const char *from, const char *to) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *inode = sim_names_find(&sim->live, from);
    if (result == 0 && (inode == NULL || !sim_has_parent(&sim->live, to)))
        result = -ENOENT;
    if (result == 0)
        sim_change_names(sim, from, to, inode);
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int sim_remove(struct io *io, const char *path) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *inode = sim_names_find(&sim->live, path);
    if (result == 0 && inode == NULL)
        result = -ENOENT;
    if (result == 0 && inode->folder)
        result = -EISDIR;
    if (result == 0)
        sim_change_names(sim, path, NULL, NULL);
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int sim_make_folder(struct io *io, const char *path) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *inode = sim_names_find(&sim->live, path);
    if (result == 0 && inode != NULL)
        result = inode->folder ? 0 : -ENOTDIR;
    else if (result == 0 && !sim_has_parent(&sim->live, path))
        result = -ENOENT;
    else if (result == 0)
        sim_change_names(sim, NULL, path, sim_inode_create(sim, true));
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int sim_sync_folder(struct io *io, const char *path) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *folder = sim_names_find(&sim->live, path);
    if (result == 0 && !sim_is_root(path, strlen(path)) && (folder == NULL || !folder->folder))
        result = -ENOENT;
    if (result == 0 && sync_fails(sim))
        result = -EIO;
    size_t kept = 0;
    for (size_t i = 0; i < sim->change_count && result == 0; i++) {
        struct change *change = &sim->changes[i];
        if ((change->from != NULL && sim_is_in(change->from, path)) ||
            (change->to != NULL && sim_is_in(change->to, path))) {
            sim_names_apply(&sim->durable, change);
            sim_change_free(change);
        } else {
            sim->changes[kept++] = *change;
        }
    }
    if (result == 0)
        sim->change_count = kept;
    pthread_mutex_unlock(&sim->lock);
    return result;
}

/* The visitor runs without the lock, on a copy: it may call back. */
static int sim_list(struct io *io, const char *path, io_visitor *visit, void *context) {
    struct io_sim *sim = sim_of(io);
    struct names found = {0};
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *folder = sim_names_find(&sim->live, path);
    if (result == 0 && !sim_is_root(path, strlen(path)) && (folder == NULL || !folder->folder))
        result = -ENOENT;
    for (size_t i = 0; i < sim->live.count && result == 0; i++)
        if (sim_is_in(sim->live.items[i].path, path))
            sim_names_add(&found, sim->live.items[i].path, NULL);
    pthread_mutex_unlock(&sim->lock);
    for (size_t i = 0; i < found.count; i++) {
        const char *slash = strrchr(found.items[i].path, '/');
        visit(context, slash != NULL ? slash + 1 : found.items[i].path);
    }
    sim_names_clear(&found);
    free(found.items);
    return result;
}

static int sim_lock(struct io *io, int file) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *inode = inode_of(sim, file, 0);
    if (result == 0 && inode == NULL)
        result = -EBADF;
    if (result == 0 && inode->locked_by >= 0 && inode->locked_by != file)
        result = -EWOULDBLOCK;
    if (result == 0)
        inode->locked_by = file;
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int64_t sim_now_us(struct io *io) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int64_t now = sim->wall_us;
    pthread_mutex_unlock(&sim->lock);
    return now;
}

static uint64_t sim_monotonic_ns(struct io *io) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    uint64_t now = sim->monotonic_ns;
    pthread_mutex_unlock(&sim->lock);
    return now;
}

static void sim_random(struct io *io, void *bytes, size_t len) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)sim_next_random(sim);
    pthread_mutex_unlock(&sim->lock);
}

/* --- controls --- */

struct io_sim *io_sim_create(uint64_t seed) {
    static const struct io_table table = {
        .open = sim_open,
        .close = sim_close,
        .read_at = sim_read_at,
        .write_at = sim_write_at,
        .sync = sim_sync,
        .allocate = sim_allocate,
        .truncate = sim_truncate,
        .size = sim_size,
        .rename = sim_rename,
        .remove = sim_remove,
        .make_folder = sim_make_folder,
        .sync_folder = sim_sync_folder,
        .list = sim_list,
        .lock = sim_lock,
        .now_us = sim_now_us,
        .monotonic_ns = sim_monotonic_ns,
        .random = sim_random,
    };
    struct io_sim *sim = calloc(1, sizeof *sim);
    ASSERT(sim != NULL);
    sim->io.table = &table;
    sim->random_state = seed;
    sim->limit_bytes = UINT64_MAX;
    sim->wall_us = 1767225600000000; /* 2026-01-01 */
    sim->monotonic_ns = 1000000000;
    pthread_mutex_init(&sim->lock, NULL);
    return sim;
}

void io_sim_free(struct io_sim *sim) {
    if (sim == NULL)
        return;
    for (size_t i = 0; i < sim->inode_count; i++)
        sim_inode_free(sim->inodes[i]);
    for (size_t i = 0; i < sim->change_count; i++)
        sim_change_free(&sim->changes[i]);
    sim_names_clear(&sim->live);
    sim_names_clear(&sim->durable);
    free(sim->live.items);
    free(sim->durable.items);
    free(sim->inodes);
    free(sim->changes);
    free(sim->handles);
    pthread_mutex_destroy(&sim->lock);
    free(sim);
}

struct io *io_sim_io(struct io_sim *sim) {
    return &sim->io;
}

void io_sim_crash(struct io_sim *sim, enum io_sim_crash mode, uint64_t tear_at) {
    pthread_mutex_lock(&sim->lock);
    sim_crash(sim, mode, tear_at);
    pthread_mutex_unlock(&sim->lock);
}

void io_sim_crash_at_call(struct io_sim *sim, uint64_t nth, enum io_sim_crash mode) {
    pthread_mutex_lock(&sim->lock);
    sim->crash_call = nth == 0 ? 0 : sim->calls + nth;
    sim->crash_mode = mode;
    pthread_mutex_unlock(&sim->lock);
}

/* Faults that were set and have not come about are forgotten; the disk's size stays. */
void io_sim_restart(struct io_sim *sim) {
    pthread_mutex_lock(&sim->lock);
    sim->down = false;
    sim->crash_call = sim->fail_call = sim->fail_sync = 0;
    pthread_mutex_unlock(&sim->lock);
}

bool io_sim_is_down(struct io_sim *sim) {
    pthread_mutex_lock(&sim->lock);
    bool down = sim->down;
    pthread_mutex_unlock(&sim->lock);
    return down;
}

uint64_t io_sim_calls(struct io_sim *sim) {
    pthread_mutex_lock(&sim->lock);
    uint64_t calls = sim->calls;
    pthread_mutex_unlock(&sim->lock);
    return calls;
}

void io_sim_fail_call(struct io_sim *sim, uint64_t nth, int code) {
    ASSERT(code > 0);
    pthread_mutex_lock(&sim->lock);
    sim->fail_call = nth == 0 ? 0 : sim->calls + nth;
    sim->fail_code = code;
    pthread_mutex_unlock(&sim->lock);
}

void io_sim_fail_sync(struct io_sim *sim, uint64_t nth, bool for_ever) {
    pthread_mutex_lock(&sim->lock);
    sim->fail_sync = nth == 0 ? 0 : sim->syncs + nth;
    sim->fail_sync_for_ever = for_ever;
    pthread_mutex_unlock(&sim->lock);
}

void io_sim_set_space(struct io_sim *sim, uint64_t bytes) {
    pthread_mutex_lock(&sim->lock);
    sim->limit_bytes = bytes == UINT64_MAX ? UINT64_MAX : used_bytes(sim) + bytes;
    pthread_mutex_unlock(&sim->lock);
}

uint64_t io_sim_unsynced_bytes(struct io_sim *sim) {
    pthread_mutex_lock(&sim->lock);
    uint64_t bytes = 0;
    for (size_t i = 0; i < sim->inode_count; i++)
        for (size_t k = 0; k < sim->inodes[i]->operation_count; k++)
            bytes += sim->inodes[i]->operations[k].p != NULL ? sim->inodes[i]->operations[k].len : 0;
    pthread_mutex_unlock(&sim->lock);
    return bytes;
}

void io_sim_advance(struct io_sim *sim, uint64_t us) {
    pthread_mutex_lock(&sim->lock);
    sim->wall_us += (int64_t)us;
    sim->monotonic_ns += us * 1000;
    pthread_mutex_unlock(&sim->lock);
}

void io_sim_jump(struct io_sim *sim, int64_t us) {
    pthread_mutex_lock(&sim->lock);
    sim->wall_us += us;
    pthread_mutex_unlock(&sim->lock);
}
