/* Files, clock and randomness, behind one table so that each has a simulated twin (io_sim.h): a disk that drops
 * unsynced writes, tears, fails and fills; a clock that jumps. Knows nothing of payments. Functions return 0 or a
 * negative errno unless said otherwise; none retries a failed sync. */
#ifndef ASSAY_IO_IO_H
#define ASSAY_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io;

enum { IO_READ = 1, IO_WRITE = 2, IO_CREATE = 4, IO_EXCLUSIVE = 8 };

typedef void io_visitor(void *context, const char *name);

struct io_table {
    /* A handle >= 0. */
    int (*open)(struct io *io, const char *path, int flags, int mode);
    int (*close)(struct io *io, int file);
    /* Bytes read, short only at the end. */
    int64_t (*read_at)(struct io *io, int file, void *bytes, size_t len, uint64_t offset);
    /* `len`, all of it, or a negative errno. */
    int64_t (*write_at)(struct io *io, int file, const void *bytes, size_t len, uint64_t offset);
    int (*sync)(struct io *io, int file);                     /* fdatasync */
    int (*allocate)(struct io *io, int file, uint64_t bytes); /* reserve and zero [0, bytes) */
    int (*truncate)(struct io *io, int file, uint64_t bytes);
    int64_t (*size)(struct io *io, int file);
    int (*rename)(struct io *io, const char *from, const char *to);
    int (*remove)(struct io *io, const char *path);
    int (*make_folder)(struct io *io, const char *path); /* 0 also if it is there */
    int (*sync_folder)(struct io *io, const char *path);
    int (*list)(struct io *io, const char *path, io_visitor *visit, void *context);
    int (*lock)(struct io *io, int file); /* exclusive, -EWOULDBLOCK if held by another process */
    int64_t (*now_us)(struct io *io);     /* wall clock, UTC */
    uint64_t (*monotonic_ns)(struct io *io);
    void (*random)(struct io *io, void *bytes, size_t len);
};

struct io {
    const struct io_table *table;
};

/* The operating system's. One static, stateless instance. */
struct io *io_system(void);

#endif
