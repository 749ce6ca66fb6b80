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

/* --- field.c --- */

/* Reads the value at the cursor as the field (its item included, if it is a list) and writes its cells in the frame.
 * False: the parse is over (json.failure says why); field errors are noted and do not end it. */
bool field_read(struct parser *parser, const struct field *field, const struct place *place, uint32_t depth);
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
