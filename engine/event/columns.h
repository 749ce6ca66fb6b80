/* Events as columns (Arrow) to typed cells in the frame: what event_parse is for JSON, with the same meaning - the same
 * limits, choices, masking and hashing, the same texts of errors - because both end in the same functions (parse.h).
 *
 *   field      columns that it takes
 *   str        strings of any layout, dictionaries of them
 *   int        integers, floats with an integral value (as JSON's 3.0), decimals of scale 0
 *   float      floats, integers, decimals; NaN and infinities are errors, as they cannot stand in JSON
 *   bool       bool
 *   datetime   timestamps of any unit: with a zone they are an instant, without one only where the event declares
 *              timezone="UTC"; strings as in JSON; numbers where the field says their unit
 *   date       date32, date64, strings as in JSON
 *   list[...]  lists of these
 *
 * A nested object is a struct column, or columns named by path ("merchant.name"). A null is None where the field allows
 * it; elsewhere, and where the column is absent, it is the field's default, or an error if there is none. In a text file
 * (`text`) every column is strings, and numbers and bools are read from them. */
#ifndef ASSAY_EVENT_COLUMNS_H
#define ASSAY_EVENT_COLUMNS_H

#include "arrow.h"
#include "event.h"

/* What a batch's columns hold. */
enum columns_form {
    COLUMNS_TYPED,
    COLUMNS_TEXT,   /* of a text file: strings only, numbers and bools are read from them */
    COLUMNS_HASHED, /* of an export: COLUMNS_TYPED, but Secret fields are the texts of their hashes */
};

struct column; /* which column a field is read from: leaf.h */

struct columns {
    const struct event_class *class;
    const struct column *fields; /* per field; NULL: `json` */
    const struct leaf *json;     /* the only column: whole events as JSON */
    int64_t length;
    bool text;
    bool hashed; /* Secret fields are written as their hashes, as an export does: see columns_write_secret */
};

/* Finds the class's fields among the columns of a record batch (a struct array). Everything lives in the arena and
 * points into schema and batch. With `only_keys` just the id and the time are asked for. False and error: a column is
 * missing that has no default, or is of a type that its field cannot take. */
bool columns_bind(const struct event_class *class, const struct ArrowSchema *schema, const struct ArrowArray *batch,
                  enum columns_form form, bool only_keys, struct arena *arena, struct columns *out, struct error *error);
enum { SECRET_TEXT_BYTES = 7 + 32 };
/* "secret:" and the 32 digits of a Secret value's hash: how an export writes it, and COLUMNS_HASHED reads it. */
void columns_write_secret(const struct hash128 *hash, char out[SECRET_TEXT_BYTES]);

/* A batch of one string column, each value an event's JSON. */
bool columns_bind_json(const struct event_class *class, const struct ArrowSchema *schema,
                       const struct ArrowArray *batch, struct arena *arena, struct columns *out, struct error *error);

/* Reads row `row` (from 0) as event_parse would: cells and result alike. */
void columns_read(const struct columns *columns, const struct hash_key *secret_key, struct arena *arena, int64_t row,
                  struct value *frame, struct event_result *result);
/* Reads only the id and the time: false if either is not as expected. */
bool columns_read_key(const struct columns *columns, const struct hash_key *secret_key, struct arena *arena,
                      int64_t row, struct value *frame, struct event_result *result);

#endif
