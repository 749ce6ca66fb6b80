/* The bundle file: one SQLite database, opened read-only, immutable and defensive; its parts are read into memory and
 * its content hash is recomputed and compared before anything else looks at them. The format is docs/bundle.md. */
#ifndef ASSAY_BUNDLE_H
#define ASSAY_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct bundle_part {
    struct str name;
    const uint8_t *bytes;
    size_t len;
};

struct bundle {
    struct bundle_part *parts; /* sorted by name */
    uint32_t part_count;
    char hash[65]; /* SHA-256 of the parts, as recomputed */
};

/* Reads a bundle file. NULL and error if it is not one, or its hash is not its content's. */
struct bundle *bundle_open(const char *path, struct error *error);
/* The same from memory (`bytes` is copied). */
struct bundle *bundle_open_bytes(const void *bytes, size_t len, struct error *error);
/* From parts that lie in memory (copied): for tests and fuzzing, where no hash protects what follows. */
struct bundle *bundle_of_parts(const struct bundle_part *parts, uint32_t count, struct error *error);
void bundle_free(struct bundle *bundle);
/* NULL if there is no part of that name. */
const struct bundle_part *bundle_part(const struct bundle *bundle, struct str name);

#endif
