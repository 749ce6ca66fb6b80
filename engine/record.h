/* The bodies of the journal's records, byte by byte (little-endian; `value` is the serialized form of value.h).
 *
 *   INPUT       u8 format 1 | u8 flags (INPUT_LATE, INPUT_CLAMPED, INPUT_IMPORTED) | u16 event class, as numbered by the
 *               deployment | u32 deployment (the n-th of this journal, from 1) | i64 time, clamped
 *               16 keyed hash of class and id
 *               16 keyed hash of the fields | u32 fields | value per field (a Secret as its keyed hash)
 *               u32 results | value per function of `before` that reads a Secret
 *   OUTPUT      u8 format 1 | u8 0 | u16 HTTP status | u32 length, the answer's bytes | u32 windows | value per window
 *               u32 results | value per function of `after` that reads a Secret
 *               u32 outcomes | value per cell that outcome windows took, in the deployment's order
 *   DEPLOYMENT  u8 format 1 | 64 digits of the bundle's hash | text name | u32 classes, for each: text name,
 *               u32 fields, text per field, u32 functions, text per `before` function that reads a Secret;
 *               u32 outcomes, text per cell that outcome windows take
 *   text        u32 length, bytes */
#ifndef ASSAY_RECORD_H
#define ASSAY_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "plan.h"

enum { RECORD_FORMAT = 1, INPUT_HEAD_BYTES = 48, INPUT_LATE = 1, INPUT_CLAMPED = 2, INPUT_IMPORTED = 4 };

struct input_head {
    uint8_t flags;
    uint16_t event;
    uint32_t deployment;
    int64_t at_us;
    struct hash128 id, content;
};

void record_write_input_head(const struct input_head *head, char out[INPUT_HEAD_BYTES]);
bool record_read_input_head(const uint8_t *body, size_t len, struct input_head *head);
/* The part after the head: fields from the frame; `content` hashes them. Then the Secret results of `before`. */
void record_write_fields(struct buf *out, const struct plan *plan, uint32_t event, const struct value *frame);
void record_write_before_results(struct buf *out, const struct plan *plan, uint32_t event, const struct value *frame);

/* How the fields of a deployment's classes are named, and where the current plan keeps them. */
struct layout_class {
    struct str name;
    uint32_t field_count, result_count;
    const struct str *fields, *results;
    int32_t event;                           /* class in the plan, or -1 */
    const int32_t *field_map, *function_map; /* field and function in the plan, or -1 */
};

struct layout {
    char hash[65];
    struct str name;
    int64_t arrival_us;
    uint32_t class_count;
    const struct layout_class *classes;
    uint32_t outcome_count;
    const int32_t *outcome_map; /* per outcome of the deployment: its index in plan->outcomes, or -1 */
    bool has_outcomes;          /* it knows every outcome of the plan */
};

void record_write_deployment(struct buf *out, const struct plan *plan);
/* Reads a deployment and maps it to the plan. Everything lives in the arena. */
bool record_read_deployment(const uint8_t *body, size_t len, const struct plan *plan, struct arena *arena,
                            struct layout *out);

/* Reads an input's fields and Secret results into the frame's cells of the plan; cells of fields that the record lacks
 * get their fallback. `secret_key` hashes fields that have become Secret since. Results go to their functions' slots,
 * and have_result[function] is set. False if the record is not what its deployment says. */
bool record_read_fields(const uint8_t *body, size_t len, const struct layout_class *layout, const struct plan *plan,
                        const struct hash_key *secret_key, struct arena *arena, struct value *frame, bool *have_result);

struct output_body {
    uint16_t status;
    struct str answer;
    size_t windows_at; /* offset of the u32 before the window values */
};

void record_write_output(struct buf *out, const struct plan *plan, uint16_t status, struct str answer, bool scored,
                         const struct value *frame);
bool record_read_output(const uint8_t *body, size_t len, struct output_body *out);
/* Reads the outcomes into the frame's cells of the plan; those that the record's deployment does not have are None. */
bool record_read_outcomes(const uint8_t *body, size_t len, const struct output_body *output, const struct layout *layout,
                          const struct plan *plan, struct arena *arena, struct value *frame);
/* Reads window values and Secret results of `after` into the frame; only under the plan that wrote them. */
bool record_read_output_values(const uint8_t *body, size_t len, size_t at, const struct plan *plan, struct arena *arena,
                               struct value *frame, bool *have_result);

#endif
