/* The requests to send: an endless stream made from a file of JSON lines. Request n carries line n modulo the file,
 * under an id of its own, PREFIX-n; each time around, its event's time moves on by the time that the file spans, so
 * that the stream goes on as real traffic does and no server sees a payment from the past. */
#ifndef ASSAY_BENCH_BODIES_H
#define ASSAY_BENCH_BODIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../engine/base/error.h"

enum { BODIES_REQUEST_BYTES = 65536 };

struct body {
    char *request;                /* head and body, complete */
    uint32_t len, id_at, time_at; /* time_at: 0 without one */
    int64_t time_us;
};

struct bodies {
    struct body *body;
    uint32_t count;
    int64_t span_us;
    size_t prefix_len;
    size_t longest;
};

struct bodies_config {
    const char *file, *path, *id_field, *time_field, *id_prefix; /* time_field may be empty */
    uint16_t port;
};

/* Reads the file and writes every request once. False: the error names file and line. */
bool bodies_open(struct bodies *bodies, const struct bodies_config *config, struct error *error);
void bodies_close(struct bodies *bodies);
/* Writes request n into out[bodies->longest]; its length. */
size_t bodies_request(const struct bodies *bodies, uint64_t n, char *out);

#endif
