/* A disk, a clock and randomness in memory (io_sim.h), for the tests of whatever stores something.
 *
 * An inode has its live bytes, its durable bytes, and the operations between the two in the order they were made. A
 * sync replays an inode's operations onto its durable bytes; a power cut replays some of them and makes the result
 * live. Names are kept likewise: a live table, a durable one, and the changes between them. Everything is under one
 * lock. Memory that runs out stops the test. */
#include "io_sim.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/assert.h"

enum { SECTOR_BYTES = 512 };

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

static struct io_sim *sim_of(struct io *io) { return (struct io_sim *)io; }

static void *grow(void *items, size_t *cap, size_t item_bytes) {
    *cap = *cap == 0 ? 8 : *cap * 2;
    items = realloc(items, *cap * item_bytes);
    ASSERT(items != NULL);
    return items;
}

/* splitmix64 */
static uint64_t next_random(struct io_sim *sim) {
    uint64_t z = sim->random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* --- bytes and operations --- */

static void bytes_resize(struct bytes *bytes, uint64_t len) {
    if (len > bytes->cap) {
        uint64_t cap = bytes->cap * 2 > len ? bytes->cap * 2 : len;
        bytes->p = realloc(bytes->p, cap);
        ASSERT(bytes->p != NULL);
        bytes->cap = cap;
    }
    if (len > bytes->len)
        memset(bytes->p + bytes->len, 0, len - bytes->len);
    bytes->len = len;
}

static void bytes_put(struct bytes *bytes, uint64_t offset, const uint8_t *p, uint64_t len) {
    if (len == 0)
        return;
    if (offset + len > bytes->len)
        bytes_resize(bytes, offset + len);
    memcpy(bytes->p + offset, p, len);
}

/* Makes the operation on the live bytes and remembers it. `p` NULL: a cut. */
static void operate(struct io_sim *sim, struct inode *inode, uint64_t offset, const uint8_t *p, uint64_t len) {
    if (inode->operation_count == inode->operation_cap)
        inode->operations = grow(inode->operations, &inode->operation_cap, sizeof *inode->operations);
    struct operation *operation = &inode->operations[inode->operation_count++];
    *operation = (struct operation){.order = sim->order++, .offset = offset, .len = len};
    if (p == NULL) {
        bytes_resize(&inode->live, len);
        return;
    }
    operation->p = malloc(len > 0 ? len : 1);
    ASSERT(operation->p != NULL);
    memcpy(operation->p, p, len);
    bytes_put(&inode->live, offset, p, len);
}

static void forget_operations(struct inode *inode) {
    for (size_t i = 0; i < inode->operation_count; i++)
        free(inode->operations[i].p);
    inode->operation_count = 0;
}

/* Replays an operation, of a write its first `budget` bytes. */
static void replay(struct inode *inode, const struct operation *operation, uint64_t budget) {
    if (operation->p == NULL)
        bytes_resize(&inode->durable, operation->len);
    else
        bytes_put(&inode->durable, operation->offset, operation->p, operation->len < budget ? operation->len : budget);
}

/* Replays the operation's sectors that a coin of `chance`/256 keeps. */
static void replay_sectors(struct io_sim *sim, struct inode *inode, const struct operation *operation,
                           unsigned chance) {
    if (operation->p == NULL) {
        if ((next_random(sim) & 255) < chance)
            bytes_resize(&inode->durable, operation->len);
        return;
    }
    for (uint64_t at = 0; at < operation->len;) {
        uint64_t place = operation->offset + at, piece = SECTOR_BYTES - place % SECTOR_BYTES;
        if (piece > operation->len - at)
            piece = operation->len - at;
        if ((next_random(sim) & 255) < chance)
            bytes_put(&inode->durable, place, operation->p + at, piece);
        at += piece;
    }
}

static void inode_free(struct inode *inode) {
    forget_operations(inode);
    free(inode->operations);
    free(inode->live.p);
    free(inode->durable.p);
    free(inode);
}

static struct inode *inode_create(struct io_sim *sim, bool folder) {
    struct inode *inode = calloc(1, sizeof *inode);
    ASSERT(inode != NULL);
    inode->folder = folder;
    inode->locked_by = -1;
    if (sim->inode_count == sim->inode_cap)
        sim->inodes = grow(sim->inodes, &sim->inode_cap, sizeof(struct inode *));
    sim->inodes[sim->inode_count++] = inode;
    return inode;
}

/* --- names --- */

static struct inode *names_find(const struct names *names, const char *path) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i].path, path) == 0)
            return names->items[i].inode;
    return NULL;
}

static void names_remove(struct names *names, const char *path) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i].path, path) == 0) {
            free(names->items[i].path);
            names->items[i] = names->items[--names->count];
            return;
        }
}

static char *copy_text(const char *text) {
    char *copy = text == NULL ? NULL : strdup(text);
    ASSERT(text == NULL || copy != NULL);
    return copy;
}

static void names_add(struct names *names, const char *path, struct inode *inode) {
    names_remove(names, path);
    if (names->count == names->cap)
        names->items = grow(names->items, &names->cap, sizeof *names->items);
    names->items[names->count++] = (struct name){copy_text(path), inode};
}

static void names_apply(struct names *names, const struct change *change) {
    if (change->from != NULL)
        names_remove(names, change->from);
    if (change->to != NULL)
        names_add(names, change->to, change->inode);
}

static void names_clear(struct names *names) {
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i].path);
    names->count = 0;
}

static void change_free(struct change *change) {
    free(change->from);
    free(change->to);
}

static void change_names(struct io_sim *sim, const char *from, const char *to, struct inode *inode) {
    if (sim->change_count == sim->change_cap)
        sim->changes = grow(sim->changes, &sim->change_cap, sizeof *sim->changes);
    struct change *change = &sim->changes[sim->change_count++];
    *change = (struct change){copy_text(from), copy_text(to), inode};
    names_apply(&sim->live, change);
}

static bool is_root(const char *path, size_t len) {
    return len == 0 || (len == 1 && (path[0] == '.' || path[0] == '/'));
}

static size_t parent_len(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

static bool is_in(const char *path, const char *folder) {
    size_t len = strlen(folder), parent = parent_len(path);
    return (is_root(path, parent) && is_root(folder, len)) || (parent == len && memcmp(path, folder, len) == 0);
}

static bool has_parent(const struct names *names, const char *path) {
    size_t len = parent_len(path);
    if (is_root(path, len))
        return true;
    for (size_t i = 0; i < names->count; i++)
        if (names->items[i].inode->folder && strlen(names->items[i].path) == len &&
            memcmp(names->items[i].path, path, len) == 0)
            return true;
    return false;
}

/* --- faults --- */

/* What a power cut leaves of the names: the first so many changes, as a disk with a journal of its own does. */
static void cut_names(struct io_sim *sim, enum io_sim_crash mode) {
    size_t kept = sim->change_count;
    if (mode == IO_SIM_DROP)
        kept = 0;
    else if (mode == IO_SIM_SUBSET)
        kept = next_random(sim) % (sim->change_count + 1);
    for (size_t i = 0; i < sim->change_count; i++) {
        if (i < kept)
            names_apply(&sim->durable, &sim->changes[i]);
        change_free(&sim->changes[i]);
    }
    sim->change_count = 0;
    for (size_t i = 0; i < sim->durable.count;) /* what was in a folder that is not there */
        if (has_parent(&sim->durable, sim->durable.items[i].path)) {
            i++;
        } else {
            names_remove(&sim->durable, sim->durable.items[i].path);
            i = 0;
        }
    names_clear(&sim->live);
    for (size_t i = 0; i < sim->durable.count; i++)
        names_add(&sim->live, sim->durable.items[i].path, sim->durable.items[i].inode);
}

struct pending {
    struct inode *inode;
    const struct operation *operation;
};

static int pending_compare(const void *a, const void *b) {
    uint64_t x = ((const struct pending *)a)->operation->order, y = ((const struct pending *)b)->operation->order;
    return (x > y) - (x < y);
}

static void cut_bytes(struct io_sim *sim, enum io_sim_crash mode, uint64_t tear_at) {
    size_t count = 0, at = 0;
    for (size_t i = 0; i < sim->inode_count; i++)
        count += sim->inodes[i]->operation_count;
    struct pending *all = malloc((count + 1) * sizeof *all);
    ASSERT(all != NULL);
    for (size_t i = 0; i < sim->inode_count; i++)
        for (size_t k = 0; k < sim->inodes[i]->operation_count; k++)
            all[at++] = (struct pending){sim->inodes[i], &sim->inodes[i]->operations[k]};
    qsort(all, count, sizeof *all, pending_compare);
    unsigned chance = (unsigned)(16 + next_random(sim) % 225);
    for (size_t i = 0; i < count && mode != IO_SIM_DROP; i++) {
        uint64_t len = all[i].operation->p != NULL ? all[i].operation->len : 0;
        if (mode == IO_SIM_SUBSET)
            replay_sectors(sim, all[i].inode, all[i].operation, chance);
        else
            replay(all[i].inode, all[i].operation, mode == IO_SIM_TORN ? tear_at : UINT64_MAX);
        if (mode == IO_SIM_TORN && len >= tear_at)
            break;
        tear_at -= mode == IO_SIM_TORN ? len : 0;
    }
    free(all);
}

static void crash(struct io_sim *sim, enum io_sim_crash mode, uint64_t tear_at) {
    if (sim->down)
        return;
    cut_bytes(sim, mode, tear_at);
    cut_names(sim, mode);
    for (size_t i = 0; i < sim->inode_count;) {
        struct inode *inode = sim->inodes[i];
        bool named = false;
        for (size_t k = 0; k < sim->durable.count && !named; k++)
            named = sim->durable.items[k].inode == inode;
        if (named) {
            forget_operations(inode);
            bytes_resize(&inode->live, 0);
            bytes_put(&inode->live, 0, inode->durable.p, inode->durable.len);
            inode->locked_by = -1;
            i++;
        } else {
            inode_free(inode);
            sim->inodes[i] = sim->inodes[--sim->inode_count];
        }
    }
    for (size_t i = 0; i < sim->handle_count; i++)
        sim->handles[i].inode = NULL;
    sim->down = true;
}

/* At the start of every call that can fail: 0, or what it fails with. */
static int fault(struct io_sim *sim) {
    sim->calls++;
    sim->monotonic_ns += 1000;
    sim->wall_us += 1;
    if (sim->calls == sim->crash_call)
        crash(sim, sim->crash_mode, 0);
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
    struct inode *inode = names_find(&sim->live, path);
    if (inode != NULL && (flags & IO_EXCLUSIVE) != 0)
        return -EEXIST;
    if (inode != NULL && inode->folder)
        return -EISDIR;
    if (!has_parent(&sim->live, path) || (inode == NULL && (flags & IO_CREATE) == 0))
        return -ENOENT;
    if (inode == NULL) {
        inode = inode_create(sim, false);
        change_names(sim, NULL, path, inode);
    }
    if (sim->handle_count == sim->handle_cap)
        sim->handles = grow(sim->handles, &sim->handle_cap, sizeof *sim->handles);
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
        operate(sim, inode, offset, bytes, len > 0 ? next_random(sim) % len : 0);
        return failure;
    }
    uint64_t fits = room(sim, inode, offset, len);
    operate(sim, inode, offset, bytes, fits);
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
                replay(inode, &inode->operations[i], UINT64_MAX);
            else
                replay_sectors(sim, inode, &inode->operations[i], 128);
        forget_operations(inode);
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
        operate(sim, inode, 0, NULL, bytes);
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
    struct inode *inode = names_find(&sim->live, from);
    if (result == 0 && (inode == NULL || !has_parent(&sim->live, to)))
        result = -ENOENT;
    if (result == 0)
        change_names(sim, from, to, inode);
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int sim_remove(struct io *io, const char *path) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *inode = names_find(&sim->live, path);
    if (result == 0 && inode == NULL)
        result = -ENOENT;
    if (result == 0 && inode->folder)
        result = -EISDIR;
    if (result == 0)
        change_names(sim, path, NULL, NULL);
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int sim_make_folder(struct io *io, const char *path) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *inode = names_find(&sim->live, path);
    if (result == 0 && inode != NULL)
        result = inode->folder ? 0 : -ENOTDIR;
    else if (result == 0 && !has_parent(&sim->live, path))
        result = -ENOENT;
    else if (result == 0)
        change_names(sim, NULL, path, inode_create(sim, true));
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int sim_sync_folder(struct io *io, const char *path) {
    struct io_sim *sim = sim_of(io);
    pthread_mutex_lock(&sim->lock);
    int result = fault(sim);
    struct inode *folder = names_find(&sim->live, path);
    if (result == 0 && !is_root(path, strlen(path)) && (folder == NULL || !folder->folder))
        result = -ENOENT;
    if (result == 0 && sync_fails(sim))
        result = -EIO;
    size_t kept = 0;
    for (size_t i = 0; i < sim->change_count && result == 0; i++) {
        struct change *change = &sim->changes[i];
        if ((change->from != NULL && is_in(change->from, path)) || (change->to != NULL && is_in(change->to, path))) {
            names_apply(&sim->durable, change);
            change_free(change);
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
    struct inode *folder = names_find(&sim->live, path);
    if (result == 0 && !is_root(path, strlen(path)) && (folder == NULL || !folder->folder))
        result = -ENOENT;
    for (size_t i = 0; i < sim->live.count && result == 0; i++)
        if (is_in(sim->live.items[i].path, path))
            names_add(&found, sim->live.items[i].path, NULL);
    pthread_mutex_unlock(&sim->lock);
    for (size_t i = 0; i < found.count; i++) {
        const char *slash = strrchr(found.items[i].path, '/');
        visit(context, slash != NULL ? slash + 1 : found.items[i].path);
    }
    names_clear(&found);
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
        ((uint8_t *)bytes)[i] = (uint8_t)next_random(sim);
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
        inode_free(sim->inodes[i]);
    for (size_t i = 0; i < sim->change_count; i++)
        change_free(&sim->changes[i]);
    names_clear(&sim->live);
    names_clear(&sim->durable);
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
    crash(sim, mode, tear_at);
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
