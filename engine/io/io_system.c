/* The operating system behind io.h's table: Linux system calls, each with its errno turned into a negative result.
 * Interrupted calls are made again; a failed sync never is (the kernel may have dropped the pages it could not write,
 * and a second sync would report success). Stateless, so that any thread may call anything. Used by the journal and the
 * server. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/assert.h"
#include "io.h"

enum { ZERO_BYTES = 1024 * 1024 };

static int system_open(struct io *io, const char *path, int flags, int mode) {
    ASSERT((flags & (IO_READ | IO_WRITE)) != 0);
    int access = (flags & IO_WRITE) == 0 ? O_RDONLY : (flags & IO_READ) != 0 ? O_RDWR : O_WRONLY;
    access |= O_CLOEXEC | ((flags & IO_CREATE) != 0 ? O_CREAT : 0) | ((flags & IO_EXCLUSIVE) != 0 ? O_EXCL : 0);
    int file;
    do
        file = open(path, access, mode);
    while (file < 0 && errno == EINTR);
    return file >= 0 ? file : -errno;
}

/* Linux frees the descriptor even when close fails, so it is never called twice. */
static int system_close(struct io *io, int file) {
    ASSERT(file >= 0);
    return close(file) == 0 ? 0 : -errno;
}

static int64_t system_read_at(struct io *io, int file, void *bytes, size_t len, uint64_t offset) {
    ASSERT(bytes != NULL || len == 0);
    size_t done = 0;
    while (done < len) {
        ssize_t got = pread(file, (char *)bytes + done, len - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

static int64_t system_write_at(struct io *io, int file, const void *bytes, size_t len, uint64_t offset) {
    ASSERT(bytes != NULL || len == 0);
    size_t done = 0;
    while (done < len) {
        ssize_t put = pwrite(file, (const char *)bytes + done, len - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        if (put == 0)
            return -EIO;
        done += (size_t)put;
    }
    return (int64_t)done;
}

static int system_sync(struct io *io, int file) { return fdatasync(file) == 0 ? 0 : -errno; }

/* Space first, so that a full disk is found before anything is written; then real zeros: a block that was reserved but
 * never written costs an update of the file's map at its first sync, which is the delay that preallocation is for. Each
 * piece is sent on its way at once, so that no other file's sync waits behind one large burst. */
static int system_allocate(struct io *io, int file, uint64_t bytes) {
    static const char zeros[ZERO_BYTES];
    int reserved;
    do
        reserved = bytes > 0 ? fallocate(file, 0, 0, (off_t)bytes) : 0;
    while (reserved != 0 && errno == EINTR);
    if (reserved != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
        return -errno;
    for (uint64_t at = 0; at < bytes; at += ZERO_BYTES) {
        uint64_t piece = bytes - at < ZERO_BYTES ? bytes - at : ZERO_BYTES;
        int64_t put = system_write_at(io, file, zeros, (size_t)piece, at);
        if (put < 0)
            return (int)put;
        (void)sync_file_range(file, (off_t)at, (off_t)piece, SYNC_FILE_RANGE_WRITE); /* a hint: the caller syncs */
    }
    return 0;
}

static int system_truncate(struct io *io, int file, uint64_t bytes) {
    int result;
    do
        result = ftruncate(file, (off_t)bytes);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : -errno;
}

static int64_t system_size(struct io *io, int file) {
    struct stat status;
    return fstat(file, &status) == 0 ? (int64_t)status.st_size : -errno;
}

static int system_rename(struct io *io, const char *from, const char *to) { return rename(from, to) == 0 ? 0 : -errno; }

static int system_remove(struct io *io, const char *path) { return unlink(path) == 0 ? 0 : -errno; }

static int system_make_folder(struct io *io, const char *path) {
    if (mkdir(path, 0700) == 0)
        return 0;
    struct stat status;
    int code = errno;
    if (code == EEXIST && stat(path, &status) == 0)
        return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
    return -code;
}

static int system_sync_folder(struct io *io, const char *path) {
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    int result = fsync(folder) == 0 ? 0 : -errno;
    close(folder);
    return result;
}

static int system_list(struct io *io, const char *path, io_visitor *visit, void *context) {
    ASSERT(visit != NULL);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return -errno;
    struct dirent *entry;
    for (;;) {
        errno = 0;
        entry = readdir(folder);
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            visit(context, entry->d_name);
    }
    int result = -errno;
    closedir(folder);
    return result;
}

static int system_lock(struct io *io, int file) {
    int result;
    do
        result = flock(file, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : -errno;
}

static int64_t system_now_us(struct io *io) {
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    ASSERT(result == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t system_monotonic_ns(struct io *io) {
    struct timespec now;
    int result = clock_gettime(CLOCK_MONOTONIC, &now);
    ASSERT(result == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void system_random(struct io *io, void *bytes, size_t len) {
    size_t done = 0;
    while (done < len) {
        ssize_t got = getrandom((char *)bytes + done, len - done, 0);
        ASSERT(got > 0 || (got < 0 && errno == EINTR)); /* a kernel without randomness: keys would be guessable */
        done += got > 0 ? (size_t)got : 0;
    }
}

struct io *io_system(void) {
    static const struct io_table table = {
        .open = system_open,
        .close = system_close,
        .read_at = system_read_at,
        .write_at = system_write_at,
        .sync = system_sync,
        .allocate = system_allocate,
        .truncate = system_truncate,
        .size = system_size,
        .rename = system_rename,
        .remove = system_remove,
        .make_folder = system_make_folder,
        .sync_folder = system_sync_folder,
        .list = system_list,
        .lock = system_lock,
        .now_us = system_now_us,
        .monotonic_ns = system_monotonic_ns,
        .random = system_random,
    };
    static struct io io = {.table = &table};
    return &io;
}
