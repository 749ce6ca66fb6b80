/* An event's JSON, by its class's schema, to typed cells in the frame.
 *
 * A class is a tree of the JSON names it reads (nested objects and alias paths) whose leaves are fields. Parsing is one
 * pass over (pointer, length): it allocates only what strings with escapes, masked strings and lists need, from the
 * request's arena; other strings point into the JSON, which must outlive the frame's use. Unknown members are checked
 * to be JSON and skipped. Pure: no I/O, no state; any thread. */
#ifndef ASSAY_EVENT_EVENT_H
#define ASSAY_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/arena.h"
#include "../base/error.h"
#include "../base/hash.h"
#include "../base/limits.h"
#include "../base/str.h"
#include "../base/value.h"

enum field_type { FIELD_STR, FIELD_INT, FIELD_FLOAT, FIELD_BOOL, FIELD_DATETIME, FIELD_DATE };
/* MASKED: card numbers in it are masked (the default). */
enum field_secrecy { FIELD_MASKED, FIELD_CLEAR, FIELD_SECRET };
/* Of a datetime: a text, or a number of these, whose fraction is cut to microseconds. */
enum field_unit { UNIT_ISO, UNIT_S, UNIT_MS, UNIT_US };

enum { NO_SLOT = 0xffff };

struct field {
    struct str name; /* as functions say it: "amount", "merchant.name" */
    enum field_type type;
    bool is_list;       /* list[type]; the cell is a V_LIST */
    bool nullable;      /* JSON null gives None; otherwise null is a field error */
    bool item_nullable; /* of a list's items */
    bool required;      /* absent is a field error; otherwise `fallback` */
    enum field_secrecy secrecy;
    enum field_unit unit;
    uint16_t slot;      /* the frame cell */
    uint16_t hash_slot; /* of a Secret: the cell that gets its V_SECRET (None for None); else NO_SLOT */
    struct value fallback;
    const struct value *choices; /* of Literal and Enum, or NULL */
    uint32_t choice_count;
};

/* A member name on the way to fields. nodes[0] is the event object itself. Children of a node are
 * nodes[first_child .. first_child + child_count). A leaf has field >= 0 and no children. */
struct event_node {
    struct str name;
    int32_t field;
    uint32_t first_child, child_count;
    /* Of a leaf: as its field says. Of an inner node: `nullable` - null gives the fields below it their fallback, also
     * those that are required; `required` - absence is a field error, otherwise it gives the fallbacks as null does. An
     * object on the way to a required alias is therefore required and not nullable. */
    bool nullable, required;
};

struct event_class {
    struct str name;
    const struct field *fields;
    uint32_t field_count;
    const struct event_node *nodes;
    uint32_t node_count;
    uint32_t id_field, time_field; /* indexes into fields; the id is FIELD_STR or FIELD_INT, the time FIELD_DATETIME */
    bool forbid_extra;             /* unknown members are field errors */
    bool scored;
    bool naive_is_utc; /* timezone="UTC": a time without offset is taken as UTC; else it is a field error */
};

/* One field error; texts live in the arena. `got` never echoes a Secret, and echoes masked strings masked. */
struct field_error {
    struct str path;     /* JSON pointer: "/merchant/name"; "" for the whole event */
    struct str expected; /* "float", "datetime with offset", "one of \"a\", \"b\"", ... */
    struct str got;      /* "string \"12\"", "nothing", "null", "object", ... cut to 60 characters */
};

enum event_status {
    EVENT_OK,
    EVENT_SYNTAX, /* not JSON (or not UTF-8): `offset` and `detail` say where and what */
    EVENT_FIELDS, /* JSON, but fields are wrong: errors[0..error_count) */
    EVENT_LIMIT,  /* the arena is full */
};

struct event_result {
    enum event_status status;
    size_t offset;     /* of the syntax error, in bytes */
    struct str detail; /* of the syntax error: "expected ',' or '}', got 'x'" */
    struct field_error errors[LIMIT_FIELD_ERRORS];
    uint32_t error_count;  /* in errors[] */
    uint32_t errors_total; /* may be more */
    uint32_t masked;       /* card numbers masked in this event */
    struct value id;       /* V_STR or V_INT */
    int64_t at_us;
};

/* Parses one event of `json` (one JSON object) into frame[slot] of every field. frame[] cells of fields are written in
 * every case of EVENT_OK; their content is unspecified otherwise. `secret_key` hashes Secret values: V_SECRET of
 * value_write_key's bytes. A name that comes twice in an object that the class reads is a field error, also if the
 * class does not know it. All field errors are found in one pass, except that nesting beyond LIMIT_JSON_DEPTH ends
 * it. */
void event_parse(const struct event_class *class, const struct hash_key *secret_key, struct arena *arena,
                 struct str json, struct value *frame, struct event_result *result);

/* Splits a JSON array into the texts of its items. False, with offset and detail in result, if it is not an array of
 * JSON values (EVENT_SYNTAX) or has more than LIMIT_BATCH_EVENTS items or the arena is full (EVENT_LIMIT). Items are
 * checked to be JSON syntactically only as far as needed to find their end; event_parse checks the rest. */
bool event_split_array(struct arena *arena, struct str json, struct str **items, uint32_t *count,
                       struct event_result *result);
/* The same for lines: one text per non-blank line. */
bool event_split_lines(struct arena *arena, struct str body, struct str **items, uint32_t *count,
                       struct event_result *result);

/* Masks in place every run of 13-19 digits that begins with 2-6 and passes Luhn: all but its first six and last four
 * digits become '*'. A run is a maximal sequence of ASCII digits. Returns how many were masked. */
uint32_t event_mask(char *text, size_t len);

#endif
