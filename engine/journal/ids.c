/* The id index (ids.h): SHARDS open-addressed tables with linear probing, each under its own lock, each in a region of
 * one file (or in anonymous memory). A table that is full is rebuilt without what has expired, in a new region of the
 * right size; only callers of that shard wait for it. Regions left behind become holes in the file and are used again.
 *
 * File: struct file_header, then at page bounds regions of slots (struct slot, 72 bytes; id 0 is an empty one). It
 * counts only if it was closed: `clean` is 1, the header's checksum is right (it covers each shard's place, size and
 * checksum) and so is every shard's. Else, and while it is open, it is worth nothing: whoever opens it starts empty
 * and rebuilds from the journal. Space is reserved before it is mapped, so that a full disk is IDS_FULL and not a
 * signal. */
#include "ids.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/assert.h"

enum { SHARD_BITS = 10, SHARDS = 1 << SHARD_BITS, MIN_SLOTS = 64, PAGE_BYTES = 4096, SIZE_CLASSES = 48 };
#define FILE_MAGIC 0x3173646979617361u /* "asayids1" */

struct slot {
    struct hash128 id; /* both 0: empty */
    struct hash128 content;
    uint64_t seq, input, output, output_end; /* input 0: claimed, in flight; never expires */
    int64_t arrival_us;
};
_Static_assert(sizeof(struct slot) == 72, "the file's slots have no holes");

struct shard_place {
    uint64_t offset, slots, used, checksum;
};

struct file_header {
    uint64_t magic, clean, file_bytes, used;
    struct shard_place shards[SHARDS];
    uint64_t checksum; /* of what is before it, with clean = 1 */
};
#define HEADER_BYTES ((sizeof(struct file_header) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES)

struct shard {
    pthread_mutex_t lock;
    struct slot *slots; /* NULL: none yet */
    uint64_t slot_count, used, offset;
    int64_t oldest_us; /* no entry with an input arrived before; INT64_MAX: there is none */
};

struct free_region {
    uint64_t offset;
    struct free_region *next;
};

struct ids {
    int file; /* -1: in memory */
    int64_t retention_us;
    uint64_t limit_entries;
    _Atomic uint64_t count;
    _Atomic unsigned sweep_next;
    pthread_mutex_t space_lock; /* taken last */
    uint64_t file_bytes;
    struct free_region *free_regions[SIZE_CLASSES];
    struct shard shards[SHARDS];
};

/* --- regions --- */

static uint64_t region_bytes(uint64_t slots) {
    return (slots * sizeof(struct slot) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static unsigned size_class(uint64_t slots) { return (unsigned)__builtin_ctzll(slots); }

static struct slot *map_region(const struct ids *ids, uint64_t slots, uint64_t offset) {
    void *p = ids->file >= 0
                  ? mmap(NULL, region_bytes(slots), PROT_READ | PROT_WRITE, MAP_SHARED, ids->file, (off_t)offset)
                  : mmap(NULL, region_bytes(slots), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* A place in the file whose blocks are there and zero. Under space_lock. */
static bool take_space(struct ids *ids, uint64_t slots, uint64_t *offset) {
    struct free_region *region = ids->free_regions[size_class(slots)];
    uint64_t bytes = region_bytes(slots);
    *offset = region != NULL ? region->offset : ids->file_bytes;
    if (posix_fallocate(ids->file, (off_t)*offset, (off_t)bytes) != 0)
        return false;
    if (region != NULL) {
        ids->free_regions[size_class(slots)] = region->next;
        free(region);
    } else {
        ids->file_bytes += bytes;
    }
    return true;
}

/* The hole reads as zeros when the place is used again; where the file system cannot make one, or there is no memory to
 * remember it, the place is not used again until the file is made anew. */
static void give_space(struct ids *ids, uint64_t slots, uint64_t offset) {
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (fallocate(ids->file, mode, (off_t)offset, (off_t)region_bytes(slots)) != 0)
        return;
    struct free_region *region = malloc(sizeof *region);
    if (region == NULL)
        return;
    *region = (struct free_region){offset, ids->free_regions[size_class(slots)]};
    ids->free_regions[size_class(slots)] = region;
}

static struct slot *region_create(struct ids *ids, uint64_t slots, uint64_t *offset) {
    ASSERT(slots >= MIN_SLOTS && (slots & (slots - 1)) == 0);
    *offset = 0;
    if (ids->file < 0)
        return map_region(ids, slots, 0);
    pthread_mutex_lock(&ids->space_lock);
    struct slot *region = NULL;
    if (take_space(ids, slots, offset)) {
        region = map_region(ids, slots, *offset);
        if (region == NULL)
            give_space(ids, slots, *offset);
    }
    pthread_mutex_unlock(&ids->space_lock);
    return region;
}

static void region_free(struct ids *ids, struct slot *slots, uint64_t slot_count, uint64_t offset) {
    if (slots == NULL)
        return;
    munmap(slots, region_bytes(slot_count));
    if (ids->file < 0)
        return;
    pthread_mutex_lock(&ids->space_lock);
    give_space(ids, slot_count, offset);
    pthread_mutex_unlock(&ids->space_lock);
}

/* --- one shard; its lock is held --- */

static struct hash128 not_zero(struct hash128 id) {
    if (id.low == 0 && id.high == 0)
        id.low = 1;
    return id;
}

static struct shard *shard_of(struct ids *ids, struct hash128 id) { return &ids->shards[id.low >> (64 - SHARD_BITS)]; }

static bool is_empty(const struct slot *slot) { return slot->id.low == 0 && slot->id.high == 0; }

static bool is_expired(const struct ids *ids, const struct slot *slot, int64_t now_us) {
    return slot->input != 0 && slot->arrival_us < now_us &&
           (uint64_t)now_us - (uint64_t)slot->arrival_us > (uint64_t)ids->retention_us;
}

/* The id's slot, or the empty one where it would go; the table has one. */
static struct slot *probe(struct slot *slots, uint64_t slot_count, struct hash128 id) {
    uint64_t mask = slot_count - 1;
    for (uint64_t i = id.high & mask, tried = 0; tried < slot_count; i = (i + 1) & mask, tried++)
        if (is_empty(&slots[i]) || hash128_equal(slots[i].id, id))
            return &slots[i];
    UNREACHABLE();
}

static struct slot *find(const struct shard *shard, struct hash128 id) {
    if (shard->slots == NULL)
        return NULL;
    struct slot *slot = probe(shard->slots, shard->slot_count, id);
    return is_empty(slot) ? NULL : slot;
}

/* Moves later entries of the run back, so that no probe stops early. */
static void erase(struct ids *ids, struct shard *shard, struct slot *slot) {
    uint64_t mask = shard->slot_count - 1, hole = (uint64_t)(slot - shard->slots);
    for (uint64_t i = (hole + 1) & mask; !is_empty(&shard->slots[i]); i = (i + 1) & mask) {
        uint64_t home = shard->slots[i].id.high & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            shard->slots[hole] = shard->slots[i];
            hole = i;
        }
    }
    shard->slots[hole] = (struct slot){0};
    ASSERT(shard->used > 0);
    shard->used--;
    atomic_fetch_sub(&ids->count, 1);
}

/* Rebuilds the table without what has expired; with room for one more, if there is memory. */
static bool rebuild(struct ids *ids, struct shard *shard, int64_t now_us) {
    uint64_t kept = 0, slots = MIN_SLOTS, offset;
    for (uint64_t i = 0; i < shard->slot_count; i++)
        kept += !is_empty(&shard->slots[i]) && !is_expired(ids, &shard->slots[i], now_us);
    while (kept > slots / 2) /* at most half full, so that the next time is not soon */
        slots *= 2;
    struct slot *table = region_create(ids, slots, &offset);
    if (table == NULL)
        return shard->slots != NULL && shard->used + 1 < shard->slot_count;
    shard->oldest_us = INT64_MAX;
    for (uint64_t i = 0; i < shard->slot_count; i++) {
        const struct slot *slot = &shard->slots[i];
        if (is_empty(slot) || is_expired(ids, slot, now_us))
            continue;
        *probe(table, slots, slot->id) = *slot;
        if (slot->input != 0 && slot->arrival_us < shard->oldest_us)
            shard->oldest_us = slot->arrival_us;
    }
    atomic_fetch_sub(&ids->count, shard->used - kept);
    region_free(ids, shard->slots, shard->slot_count, shard->offset);
    shard->slots = table;
    shard->slot_count = slots;
    shard->offset = offset;
    shard->used = kept;
    return true;
}

static bool may_purge(const struct ids *ids, const struct shard *shard, int64_t now_us) {
    return shard->oldest_us < now_us && (uint64_t)now_us - (uint64_t)shard->oldest_us > (uint64_t)ids->retention_us;
}

/* A new slot with the id in it. NULL: the index is full, or there is no memory for more. */
static struct slot *insert(struct ids *ids, struct shard *shard, struct hash128 id, int64_t now_us) {
    if (atomic_fetch_add(&ids->count, 1) >= ids->limit_entries) {
        atomic_fetch_sub(&ids->count, 1);
        if (!may_purge(ids, shard, now_us) || !rebuild(ids, shard, now_us))
            return NULL;
        if (atomic_fetch_add(&ids->count, 1) >= ids->limit_entries) {
            atomic_fetch_sub(&ids->count, 1);
            return NULL;
        }
    }
    if (shard->used + 1 > shard->slot_count / 4 * 3 && !rebuild(ids, shard, now_us)) {
        atomic_fetch_sub(&ids->count, 1);
        return NULL;
    }
    struct slot *slot = probe(shard->slots, shard->slot_count, id);
    ASSERT(is_empty(slot));
    *slot = (struct slot){.id = id};
    shard->used++;
    return slot;
}

/* The index is full: one other shard that holds expired ids, if there is any, is rid of them. Holds no lock before. */
static bool purge_another(struct ids *ids, int64_t now_us) {
    uint64_t before = atomic_load(&ids->count);
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *shard = &ids->shards[atomic_fetch_add(&ids->sweep_next, 1) % SHARDS];
        pthread_mutex_lock(&shard->lock);
        if (may_purge(ids, shard, now_us))
            (void)rebuild(ids, shard, now_us);
        pthread_mutex_unlock(&shard->lock);
        if (atomic_load(&ids->count) < before)
            return true;
    }
    return false;
}

static void copy_out(const struct slot *slot, struct ids_entry *out) {
    *out = (struct ids_entry){.id = slot->id,
                              .content = slot->content,
                              .seq = slot->seq,
                              .input = slot->input,
                              .output = slot->output,
                              .output_end = slot->output_end,
                              .arrival_us = slot->arrival_us};
}

/* --- the callers' side --- */

static enum ids_claim claim_once(struct ids *ids, struct hash128 id, struct hash128 content, int64_t now_us,
                                 struct ids_entry *existing) {
    struct shard *shard = shard_of(ids, id);
    enum ids_claim result = IDS_CLAIMED;
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = find(shard, id);
    if (slot != NULL && !is_expired(ids, slot, now_us)) {
        copy_out(slot, existing);
        result = IDS_EXISTS;
    } else {
        if (slot == NULL)
            slot = insert(ids, shard, id, now_us);
        if (slot != NULL)
            *slot = (struct slot){.id = id, .content = content, .arrival_us = now_us};
        else
            result = IDS_FULL;
    }
    pthread_mutex_unlock(&shard->lock);
    return result;
}

enum ids_claim ids_claim(struct ids *ids, struct hash128 id, struct hash128 content, int64_t now_us,
                         struct ids_entry *existing) {
    ASSERT(existing != NULL);
    id = not_zero(id);
    enum ids_claim result = claim_once(ids, id, content, now_us, existing);
    if (result == IDS_FULL && purge_another(ids, now_us))
        result = claim_once(ids, id, content, now_us, existing);
    return result;
}

void ids_release(struct ids *ids, struct hash128 id) {
    id = not_zero(id);
    struct shard *shard = shard_of(ids, id);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = find(shard, id);
    ASSERT(slot != NULL && slot->input == 0); /* what was entered cannot be taken back */
    erase(ids, shard, slot);
    pthread_mutex_unlock(&shard->lock);
}

bool ids_set_input(struct ids *ids, struct hash128 id, struct hash128 content, uint64_t seq, int64_t arrival_us,
                   uint64_t input) {
    ASSERT(input != 0);
    id = not_zero(id);
    struct shard *shard = shard_of(ids, id);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = find(shard, id);
    if (slot == NULL)
        slot = insert(ids, shard, id, arrival_us);
    if (slot != NULL) {
        bool same = slot->input == input; /* a file that was clean already has its output */
        *slot = (struct slot){.id = id,
                              .content = content,
                              .seq = seq,
                              .input = input,
                              .output = same ? slot->output : 0,
                              .output_end = same ? slot->output_end : 0,
                              .arrival_us = arrival_us};
        if (arrival_us < shard->oldest_us)
            shard->oldest_us = arrival_us;
    }
    pthread_mutex_unlock(&shard->lock);
    return slot != NULL || (purge_another(ids, arrival_us) && ids_set_input(ids, id, content, seq, arrival_us, input));
}

void ids_set_output(struct ids *ids, struct hash128 id, uint64_t output, uint64_t output_end) {
    ASSERT(output != 0 && output_end > output);
    id = not_zero(id);
    struct shard *shard = shard_of(ids, id);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = find(shard, id);
    if (slot != NULL) { /* absent: expired and purged while it was being decided */
        slot->output = output;
        slot->output_end = output_end;
    }
    pthread_mutex_unlock(&shard->lock);
}

bool ids_find(struct ids *ids, struct hash128 id, int64_t now_us, struct ids_entry *out) {
    id = not_zero(id);
    struct shard *shard = shard_of(ids, id);
    pthread_mutex_lock(&shard->lock);
    const struct slot *slot = find(shard, id);
    bool found = slot != NULL && !is_expired(ids, slot, now_us);
    if (found)
        copy_out(slot, out);
    pthread_mutex_unlock(&shard->lock);
    return found;
}

uint64_t ids_count(struct ids *ids) { return atomic_load(&ids->count); }

/* --- the file --- */

static void forget_regions(struct ids *ids) {
    for (unsigned i = 0; i < SIZE_CLASSES; i++)
        for (struct free_region *region = ids->free_regions[i], *next; region != NULL; region = next) {
            next = region->next;
            free(region);
        }
    memset(ids->free_regions, 0, sizeof ids->free_regions);
}

static void unmap_all(struct ids *ids) {
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *shard = &ids->shards[i];
        if (shard->slots != NULL)
            munmap(shard->slots, region_bytes(shard->slot_count));
        shard->slots = NULL;
        shard->slot_count = shard->used = shard->offset = 0;
        shard->oldest_us = INT64_MAX;
    }
    forget_regions(ids);
    atomic_store(&ids->count, 0);
}

static uint64_t shard_checksum(const struct shard *shard) {
    return hash_checksum(shard->slots, shard->slot_count * sizeof(struct slot));
}

static bool write_header(const struct ids *ids, const struct file_header *header) {
    return pwrite(ids->file, header, sizeof *header, 0) == (ssize_t)sizeof *header && fdatasync(ids->file) == 0;
}

/* Every number is checked before it is used; then the slots by their checksum. */
static bool adopt_shard(struct ids *ids, const struct shard_place *place, struct shard *shard) {
    if (place->slots == 0)
        return place->used == 0;
    if (place->slots < MIN_SLOTS || (place->slots & (place->slots - 1)) != 0 || place->slots > ids->file_bytes ||
        place->used >= place->slots || place->offset % PAGE_BYTES != 0 || place->offset < HEADER_BYTES ||
        place->offset > ids->file_bytes || region_bytes(place->slots) > ids->file_bytes - place->offset)
        return false;
    shard->slots = map_region(ids, place->slots, place->offset);
    if (shard->slots == NULL)
        return false;
    shard->slot_count = place->slots;
    shard->offset = place->offset;
    if (shard_checksum(shard) != place->checksum)
        return false;
    for (uint64_t i = 0; i < shard->slot_count; i++) {
        const struct slot *slot = &shard->slots[i];
        shard->used += !is_empty(slot);
        if (!is_empty(slot) && slot->input != 0 && slot->arrival_us < shard->oldest_us)
            shard->oldest_us = slot->arrival_us;
    }
    atomic_fetch_add(&ids->count, shard->used);
    return shard->used == place->used;
}

static bool adopt(struct ids *ids, struct file_header *header) {
    struct stat status;
    if (pread(ids->file, header, sizeof *header, 0) != (ssize_t)sizeof *header || fstat(ids->file, &status) != 0)
        return false;
    if (header->magic != FILE_MAGIC || header->clean != 1 ||
        header->checksum != hash_checksum(header, offsetof(struct file_header, checksum)) ||
        header->file_bytes != (uint64_t)status.st_size)
        return false;
    ids->file_bytes = header->file_bytes;
    for (unsigned i = 0; i < SHARDS; i++)
        if (!adopt_shard(ids, &header->shards[i], &ids->shards[i]))
            return false;
    return atomic_load(&ids->count) == header->used;
}

/* Nothing but a header that says that it is open. */
static bool start_empty(struct ids *ids, struct file_header *header) {
    unmap_all(ids);
    memset(header, 0, sizeof *header);
    header->magic = FILE_MAGIC;
    ids->file_bytes = HEADER_BYTES;
    return ftruncate(ids->file, 0) == 0 && ftruncate(ids->file, (off_t)HEADER_BYTES) == 0 && write_header(ids, header);
}

static bool open_file(struct ids *ids, const char *path, struct error *error) {
    ids->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ids->file < 0)
        return error_system(error, errno, "cannot open the id index %s", path);
    if (flock(ids->file, LOCK_EX | LOCK_NB) != 0)
        return error_system(error, errno, "cannot lock the id index %s", path);
    struct file_header *header = malloc(sizeof *header);
    if (header == NULL)
        return error_system(error, ENOMEM, "cannot open the id index %s", path);
    bool opened = adopt(ids, header);
    if (opened) { /* from now on it is nothing until it is closed */
        header->clean = 0;
        opened = write_header(ids, header);
    } else {
        opened = start_empty(ids, header);
    }
    free(header);
    return opened || error_system(error, errno, "cannot write the id index %s", path);
}

static void release(struct ids *ids) {
    unmap_all(ids);
    for (unsigned i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&ids->shards[i].lock);
    pthread_mutex_destroy(&ids->space_lock);
    if (ids->file >= 0)
        close(ids->file);
    free(ids);
}

struct ids *ids_open(const char *path, uint64_t limit_entries, int64_t retention_us, struct error *error) {
    ASSERT(limit_entries > 0 && retention_us >= 0 && error != NULL);
    struct ids *ids = calloc(1, sizeof *ids);
    if (ids == NULL) {
        error_system(error, ENOMEM, "cannot open the id index");
        return NULL;
    }
    ids->file = -1;
    ids->limit_entries = limit_entries;
    ids->retention_us = retention_us;
    pthread_mutex_init(&ids->space_lock, NULL);
    for (unsigned i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&ids->shards[i].lock, NULL);
        ids->shards[i].oldest_us = INT64_MAX;
    }
    if (path != NULL && !open_file(ids, path, error)) {
        release(ids);
        return NULL;
    }
    return ids;
}

void ids_clear(struct ids *ids) {
    unmap_all(ids);
    if (ids->file < 0)
        return;
    ids->file_bytes = HEADER_BYTES;
    int result = ftruncate(ids->file, (off_t)HEADER_BYTES); /* if not: the old regions lie unused in it */
    struct stat status;
    if (result != 0 && fstat(ids->file, &status) == 0)
        ids->file_bytes = ((uint64_t)status.st_size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Claims in flight are dropped: their events were not entered. If anything fails the file stays marked as open. */
static void close_file(struct ids *ids) {
    struct file_header *header = calloc(1, sizeof *header);
    bool synced = header != NULL;
    for (unsigned i = 0; i < SHARDS && synced; i++) {
        struct shard *shard = &ids->shards[i];
        for (uint64_t k = 0; k < shard->slot_count;)
            if (!is_empty(&shard->slots[k]) && shard->slots[k].input == 0)
                erase(ids, shard, &shard->slots[k]); /* another entry may be there now */
            else
                k++;
        if (shard->slots == NULL)
            continue;
        header->shards[i] = (struct shard_place){shard->offset, shard->slot_count, shard->used, shard_checksum(shard)};
        synced = msync(shard->slots, region_bytes(shard->slot_count), MS_SYNC) == 0;
    }
    if (synced) {
        header->magic = FILE_MAGIC;
        header->clean = 1;
        header->file_bytes = ids->file_bytes;
        header->used = atomic_load(&ids->count);
        header->checksum = hash_checksum(header, offsetof(struct file_header, checksum));
        if (fdatasync(ids->file) == 0)
            (void)write_header(ids, header);
    }
    free(header);
}

void ids_close(struct ids *ids) {
    if (ids == NULL)
        return;
    if (ids->file >= 0)
        close_file(ids);
    release(ids);
}
