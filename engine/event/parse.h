/* What the files of the event room share: the state of one parse, where it is, and its errors. */
#ifndef ASSAY_EVENT_PARSE_H
#define ASSAY_EVENT_PARSE_H

#include "event.h"
#include "json.h"

struct parser {
    struct json json;
    const struct event_class *class;
    const struct hash_key *secret_key;
    struct value *frame;
    struct event_result *result;
};

/* A step of a JSON pointer; lives on the stack of whoever went there. The event itself is NULL. */
struct place {
    const struct place *up;
    const struct str *name;
    uint32_t index; /* of an item, if name is NULL */
};

/* --- event.c --- */

/* Sets the result's status, id and time from what the parse noted. `read`: it went to its end. */
void event_conclude(struct parser *parser, bool read);

/* --- field.c --- */

/* What one attempt to read a scalar came to. */
enum reading {
    READ_GOOD,
    READ_WRONG,    /* another type of value: it is still at the cursor */
    READ_BAD,      /* taken, but it will not do */
    READ_REPORTED, /* taken, and the error is noted */
    READ_END,      /* the parse is over */
};

/* Reads the value at the cursor as the field (its item included, if it is a list) and writes its cells in the frame.
 * False: the parse is over (json.failure says why); field errors are noted and do not end it. */
bool field_read(struct parser *parser, const struct field *field, const struct place *place, uint32_t depth);
/* A number, true or false at the cursor, as an int, float, bool or datetime with a unit. */
enum reading field_plain(struct parser *parser, const struct field *field, struct value *out);
/* What holds for a value of the field's type wherever it was read from: its size, its choices; card numbers in it are
 * masked. */
enum reading field_check(struct parser *parser, const struct field *field, const struct place *place,
                         struct value *value);
/* Whether a float can be an int field's value, and which. */
bool field_whole(double number, int64_t *out);
/* Notes that there are more bytes or items than may be. READ_REPORTED or READ_END. */
enum reading field_report_size(struct parser *parser, const struct place *place, uint32_t limit, size_t size,
                               const char *unit);
/* Writes the hash that stands for a Secret's value in the frame, if the field is one. False: the arena is full. */
bool field_hash(struct parser *parser, const struct field *field);
/* Gives the field its fallback. False: the arena is full. */
bool field_fall_back(struct parser *parser, const struct field *field);
/* The text of what a field expects, for its errors. `item`: of a list's item. */
struct str field_expected(struct parser *parser, const struct field *field, bool item);

/* --- report.c --- */

/* Notes a field error. False: the arena is full. */
bool report(struct parser *parser, const struct place *place, struct str expected, struct str got);
/* What a JSON value looks like to the one who sent it: `string "12"`, "number 7", "null", "array", cut to 60
 * characters. `json` is checked JSON. `secret`: says nothing of it. */
struct str report_got(struct parser *parser, struct str json, bool secret);
/* Leaves the value at the cursor and notes that something else was expected. False: the parse is over. */
bool report_value(struct parser *parser, const struct place *place, struct str expected, bool secret, uint32_t depth);
/* json_skip that turns a nesting beyond the limit into a field error (and false, as any end of the parse). */
bool report_skip(struct parser *parser, const struct place *place, uint32_t depth);

/* --- mask.c --- */

/* The first card number at or after `from`, which is not inside a run of digits. */
bool mask_find(struct str text, size_t from, size_t *begin, size_t *count);

#endif
