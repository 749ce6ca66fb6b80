/* What the simulated disk keeps, and what a power cut leaves of it (model: io_sim.h).
 *
 * An inode has its live bytes, its durable bytes, and the operations between the two in the order they were made. A
 * sync replays an inode's operations onto its durable bytes; a power cut replays some of them and makes the result
 * live. Names are kept likewise: a live table, a durable one, and the changes between them. Called by io_sim.c with
 * the disk's lock held. Memory that runs out stops the test. */
#include "sim_disk.h"

#include <stdlib.h>
#include <string.h>

#include "../base/assert.h"

enum { SECTOR_BYTES = 512 };

void *sim_grow(void *items, size_t *cap, size_t item_bytes) {
    *cap = *cap == 0 ? 8 : *cap * 2;
    items = realloc(items, *cap * item_bytes);
    ASSERT(items != NULL);
    return items;
}

/* splitmix64 */
uint64_t sim_next_random(struct io_sim *sim) {
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
void sim_operate(struct io_sim *sim, struct inode *inode, uint64_t offset, const uint8_t *p, uint64_t len) {
    if (inode->operation_count == inode->operation_cap)
        inode->operations = sim_grow(inode->operations, &inode->operation_cap, sizeof *inode->operations);
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

void sim_forget_operations(struct inode *inode) {
    for (size_t i = 0; i < inode->operation_count; i++)
        free(inode->operations[i].p);
    inode->operation_count = 0;
}

/* Replays an operation, of a write its first `budget` bytes. */
void sim_replay(struct inode *inode, const struct operation *operation, uint64_t budget) {
    if (operation->p == NULL)
        bytes_resize(&inode->durable, operation->len);
    else
        bytes_put(&inode->durable, operation->offset, operation->p, operation->len < budget ? operation->len : budget);
}

/* Replays the operation's sectors that a coin of `chance`/256 keeps. */
void sim_replay_sectors(struct io_sim *sim, struct inode *inode, const struct operation *operation, unsigned chance) {
    if (operation->p == NULL) {
        if ((sim_next_random(sim) & 255) < chance)
            bytes_resize(&inode->durable, operation->len);
        return;
    }
    for (uint64_t at = 0; at < operation->len;) {
        uint64_t place = operation->offset + at, piece = SECTOR_BYTES - place % SECTOR_BYTES;
        if (piece > operation->len - at)
            piece = operation->len - at;
        if ((sim_next_random(sim) & 255) < chance)
            bytes_put(&inode->durable, place, operation->p + at, piece);
        at += piece;
    }
}

void sim_inode_free(struct inode *inode) {
    sim_forget_operations(inode);
    free(inode->operations);
    free(inode->live.p);
    free(inode->durable.p);
    free(inode);
}

struct inode *sim_inode_create(struct io_sim *sim, bool folder) {
    struct inode *inode = calloc(1, sizeof *inode);
    ASSERT(inode != NULL);
    inode->folder = folder;
    inode->locked_by = -1;
    if (sim->inode_count == sim->inode_cap)
        sim->inodes = sim_grow(sim->inodes, &sim->inode_cap, sizeof(struct inode *));
    sim->inodes[sim->inode_count++] = inode;
    return inode;
}

/* --- names --- */

struct inode *sim_names_find(const struct names *names, const char *path) {
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

void sim_names_add(struct names *names, const char *path, struct inode *inode) {
    names_remove(names, path);
    if (names->count == names->cap)
        names->items = sim_grow(names->items, &names->cap, sizeof *names->items);
    names->items[names->count++] = (struct name){copy_text(path), inode};
}

void sim_names_apply(struct names *names, const struct change *change) {
    if (change->from != NULL)
        names_remove(names, change->from);
    if (change->to != NULL)
        sim_names_add(names, change->to, change->inode);
}

void sim_names_clear(struct names *names) {
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i].path);
    names->count = 0;
}

void sim_change_free(struct change *change) {
    free(change->from);
    free(change->to);
}

void sim_change_names(struct io_sim *sim, const char *from, const char *to, struct inode *inode) {
    if (sim->change_count == sim->change_cap)
        sim->changes = sim_grow(sim->changes, &sim->change_cap, sizeof *sim->changes);
    struct change *change = &sim->changes[sim->change_count++];
    *change = (struct change){copy_text(from), copy_text(to), inode};
    sim_names_apply(&sim->live, change);
}

bool sim_is_root(const char *path, size_t len) { return len == 0 || (len == 1 && (path[0] == '.' || path[0] == '/')); }

static size_t parent_len(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

bool sim_is_in(const char *path, const char *folder) {
    size_t len = strlen(folder), parent = parent_len(path);
    return (sim_is_root(path, parent) && sim_is_root(folder, len)) || (parent == len && memcmp(path, folder, len) == 0);
}

bool sim_has_parent(const struct names *names, const char *path) {
    size_t len = parent_len(path);
    if (sim_is_root(path, len))
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
        kept = sim_next_random(sim) % (sim->change_count + 1);
    for (size_t i = 0; i < sim->change_count; i++) {
        if (i < kept)
            sim_names_apply(&sim->durable, &sim->changes[i]);
        sim_change_free(&sim->changes[i]);
    }
    sim->change_count = 0;
    for (size_t i = 0; i < sim->durable.count;) /* what was in a folder that is not there */
        if (sim_has_parent(&sim->durable, sim->durable.items[i].path)) {
            i++;
        } else {
            names_remove(&sim->durable, sim->durable.items[i].path);
            i = 0;
        }
    sim_names_clear(&sim->live);
    for (size_t i = 0; i < sim->durable.count; i++)
        sim_names_add(&sim->live, sim->durable.items[i].path, sim->durable.items[i].inode);
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
    unsigned chance = (unsigned)(16 + sim_next_random(sim) % 225);
    for (size_t i = 0; i < count && mode != IO_SIM_DROP; i++) {
        uint64_t len = all[i].operation->p != NULL ? all[i].operation->len : 0;
        if (mode == IO_SIM_SUBSET)
            sim_replay_sectors(sim, all[i].inode, all[i].operation, chance);
        else
            sim_replay(all[i].inode, all[i].operation, mode == IO_SIM_TORN ? tear_at : UINT64_MAX);
        if (mode == IO_SIM_TORN && len >= tear_at)
            break;
        tear_at -= mode == IO_SIM_TORN ? len : 0;
    }
    free(all);
}

void sim_crash(struct io_sim *sim, enum io_sim_crash mode, uint64_t tear_at) {
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
            sim_forget_operations(inode);
            bytes_resize(&inode->live, 0);
            bytes_put(&inode->live, 0, inode->durable.p, inode->durable.len);
            inode->locked_by = -1;
            i++;
        } else {
            sim_inode_free(inode);
            sim->inodes[i] = sim->inodes[--sim->inode_count];
        }
    }
    for (size_t i = 0; i < sim->handle_count; i++)
        sim->handles[i].inode = NULL;
    sim->down = true;
}
