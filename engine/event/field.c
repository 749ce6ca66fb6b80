/* One field's JSON value to its typed cell. Called by event.c for each member that the schema names.
 *
 *   str                  a string; masked, a Literal's or Enum's choice, or hashed beside, as the field says
 *   int                  a number with an integral value within 64 bits (3, 3.0, 3e2)
 *   float                any number but one beyond the largest double
 *   bool                 true, false
 *   datetime, date       a string (RFC 3339), or a number of seconds, milli- or microseconds, cut to microseconds
 *   list of these        an array; each bad item is an error of its own
 *
 * A value that does not fit is left and noted; the parse goes on, so that one answer names all errors. */
#include "../base/assert.h"
#include "../base/calendar.h"
#include "parse.h"

enum { FIRST_ITEMS = 16, EXPECTED_BYTES = 400 };

/* --- texts of errors --- */

static const char *type_name(const struct field *field) {
    static const char *const names[] = {[FIELD_STR] = "str",
                                        [FIELD_INT] = "int",
                                        [FIELD_FLOAT] = "float",
                                        [FIELD_BOOL] = "bool",
                                        [FIELD_DATE] = "date"};
    static const char *const times[] = {[UNIT_ISO] = "datetime with offset",
                                        [UNIT_S] = "number of s",
                                        [UNIT_MS] = "number of ms",
                                        [UNIT_US] = "number of us"};
    return field->type == FIELD_DATETIME ? times[field->unit] : names[field->type];
}

struct str field_expected(struct parser *parser, const struct field *field, bool item) {
    struct buf out;
    buf_init(&out, parser->json.arena, LIMIT_VALUE_BYTES);
    if (field->is_list && !item) {
        buf_format(&out, "list of %s", field->type == FIELD_DATETIME ? "datetime" : type_name(field));
    } else if (field->choices != NULL) {
        BUF_LITERAL(&out, "one of ");
        for (uint32_t i = 0; i < field->choice_count && !out.failed; i++) {
            if (i > 0) {
                BUF_LITERAL(&out, ", ");
            }
            if (out.len > EXPECTED_BYTES) {
                buf_format(&out, "and %u more", field->choice_count - i);
                break;
            }
            value_write_json(&out, &field->choices[i]);
        }
    } else {
        return str_of(type_name(field));
    }
    return (struct str){out.failed ? NULL : out.p, out.len};
}

/* --- scalars --- */

static bool is_number(char c) { return c == '-' || (c >= '0' && c <= '9'); }

static enum reading end_of(bool going_on) { return going_on ? READ_REPORTED : READ_END; }

bool field_whole(double number, int64_t *out) {
    if (!(number >= -0x1p63 && number < 0x1p63) || (double)(int64_t)number != number) {
        return false;
    }
    *out = (int64_t)number;
    return true;
}

static bool number_to_int(const struct number *number, int64_t *out) {
    if (number->is_int) {
        *out = number->i;
        return !number->overflow;
    }
    return field_whole(number->f, out);
}

/* The whole part (rounded down) of a JSON number times 10^shift, exactly; false beyond about 10^18. */
static bool scaled_floor(struct str text, int shift, int64_t *out) {
    bool negative = text.p[0] == '-', left_over = false;
    size_t exponent_at = 0;
    int64_t exponent = shift, written = 0, size = 0, point = 0;
    while (exponent_at < text.len && (text.p[exponent_at] | 0x20) != 'e') {
        exponent_at++;
    }
    if (exponent_at < text.len) {
        size_t at = exponent_at + 1;
        bool down = text.p[at] == '-';
        for (at += text.p[at] == '-' || text.p[at] == '+'; at < text.len; at++) {
            written = written < 100000000 ? written * 10 + (text.p[at] - '0') : written;
        }
        exponent += down ? -written : written;
    }
    /* `point`: how many of the digits stand before the point of the product. */
    const char *dot = memchr(text.p, '.', exponent_at);
    point = (int64_t)(dot != NULL ? (size_t)(dot - text.p) : exponent_at) - negative + exponent;
    for (size_t i = negative; i < exponent_at; i++) {
        if (text.p[i] == '.') {
            continue;
        }
        int digit = text.p[i] - '0';
        if (point > 0) {
            if (size > INT64_MAX / 100) {
                return false;
            }
            size = size * 10 + digit;
        } else {
            left_over |= digit != 0;
        }
        point--;
    }
    for (; point > 0 && size != 0; point--) {
        if (size > INT64_MAX / 100) {
            return false;
        }
        size *= 10;
    }
    *out = negative ? -size - left_over : size;
    return true;
}

static enum reading read_unit_time(struct parser *parser, const struct field *field, struct value *out) {
    static const int shifts[] = {[UNIT_S] = 6, [UNIT_MS] = 3, [UNIT_US] = 0};
    const char *from = parser->json.at;
    struct number number;
    int64_t us;
    if (!is_number(*from)) {
        return READ_WRONG;
    }
    if (!json_number(&parser->json, &number)) {
        return READ_END;
    }
    ASSERT(field->unit != UNIT_ISO);
    if (!scaled_floor((struct str){from, (size_t)(parser->json.at - from)}, shifts[field->unit], &us) ||
        us < CALENDAR_MIN_US || us > CALENDAR_MAX_US) {
        return READ_BAD;
    }
    *out = value_datetime(us);
    return READ_GOOD;
}

static enum reading read_time(struct parser *parser, const struct field *field, struct value *out) {
    struct json_string string;
    if (field->type == FIELD_DATETIME && field->unit != UNIT_ISO) {
        return read_unit_time(parser, field, out);
    }
    if (*parser->json.at != '"') {
        return READ_WRONG;
    }
    if (!json_string(&parser->json, &string)) {
        return READ_END;
    }
    int64_t number = 0;
    if (field->type == FIELD_DATE) {
        enum calendar_result date = calendar_parse_date(string.text, &number);
        *out = (struct value){.tag = V_DATE, .i = number};
        return date == CALENDAR_OK ? READ_GOOD : READ_BAD;
    }
    enum calendar_result time = calendar_parse_time(string.text, &number);
    *out = value_datetime(number);
    return time == CALENDAR_OK || (time == CALENDAR_NAIVE && parser->class->naive_is_utc) ? READ_GOOD : READ_BAD;
}

static enum reading read_number(struct parser *parser, const struct field *field, struct value *out) {
    struct number number;
    int64_t whole;
    if (!is_number(*parser->json.at)) {
        return READ_WRONG;
    }
    if (!json_number(&parser->json, &number)) {
        return READ_END;
    }
    if (field->type == FIELD_FLOAT) {
        *out = value_float(number.f);
        return number.f - number.f == 0.0 ? READ_GOOD : READ_BAD; /* not an infinity */
    }
    if (!number_to_int(&number, &whole)) {
        return READ_BAD;
    }
    *out = value_int(whole);
    return READ_GOOD;
}

static enum reading read_bool(struct parser *parser, struct value *out) {
    char c = *parser->json.at;
    if (c != 't' && c != 'f') {
        return READ_WRONG;
    }
    *out = value_bool(c == 't');
    return json_literal(&parser->json, c == 't' ? STR("true") : STR("false")) ? READ_GOOD : READ_END;
}

enum reading field_report_size(struct parser *parser, const struct place *place, uint32_t limit, size_t size,
                               const char *unit) {
    struct buf expected, got;
    buf_init(&expected, parser->json.arena, LIMIT_VALUE_BYTES);
    buf_init(&got, parser->json.arena, LIMIT_VALUE_BYTES);
    buf_format(&expected, "at most %u %s", limit, unit);
    buf_format(&got, "%zu %s", size, unit);
    return end_of(report(parser, place, (struct str){expected.p, expected.len}, (struct str){got.p, got.len}));
}

enum reading field_plain(struct parser *parser, const struct field *field, struct value *out) {
    switch (field->type) {
    case FIELD_INT:
    case FIELD_FLOAT: return read_number(parser, field, out);
    case FIELD_BOOL: return read_bool(parser, out);
    case FIELD_DATETIME: ASSERT(field->unit != UNIT_ISO); return read_unit_time(parser, field, out);
    case FIELD_STR:
    case FIELD_DATE: break;
    }
    UNREACHABLE();
}

/* Masks the card numbers of a string, in a copy. */
static bool mask(struct parser *parser, struct value *value) {
    size_t begin, count;
    if (!mask_find(value_text(value), 0, &begin, &count)) {
        return true;
    }
    char *copy = arena_copy(parser->json.arena, value->p, value->len);
    if (copy == NULL) {
        parser->json.failure = JSON_FULL;
        return false;
    }
    parser->result->masked += event_mask(copy, value->len);
    value->p = copy;
    return true;
}

static bool is_id(const struct parser *parser, const struct field *field) {
    return field == &parser->class->fields[parser->class->id_field];
}

static enum reading read_str(struct parser *parser, struct value *out) {
    struct json_string string;
    if (*parser->json.at != '"') {
        return READ_WRONG;
    }
    if (!json_string(&parser->json, &string)) {
        return READ_END;
    }
    *out = (struct value){
        .tag = V_STR, .flags = string.ascii ? STR_ASCII : 0, .len = (uint32_t)string.text.len, .p = string.text.p};
    return READ_GOOD;
}

static bool is_choice(const struct field *field, const struct value *value) {
    for (uint32_t i = 0; i < field->choice_count; i++) {
        if (value_equal(&field->choices[i], value)) {
            return true;
        }
    }
    return field->choices == NULL;
}

enum reading field_check(struct parser *parser, const struct field *field, const struct place *place,
                         struct value *value) {
    if (value->tag == V_STR) {
        bool id = is_id(parser, field);
        uint32_t limit = id ? LIMIT_ID_BYTES : LIMIT_STRING_BYTES;
        if (value->len > limit) {
            return field_report_size(parser, place, limit, value->len, "bytes");
        }
        if (value->len == 0 && id) {
            return end_of(report(parser, place, STR("str that is not empty"), STR("string \"\"")));
        }
    }
    if (!is_choice(field, value)) {
        return READ_BAD;
    }
    if (value->tag == V_STR && field->secrecy == FIELD_MASKED && !is_id(parser, field) && !mask(parser, value)) {
        return READ_END;
    }
    return READ_GOOD;
}

/* Reads the scalar at the cursor, or notes why it is not one. `item`: of a list. False: the parse is over. */
static bool read_scalar(struct parser *parser, const struct field *field, const struct place *place, uint32_t depth,
                        bool item, struct value *out) {
    const char *from = parser->json.at;
    enum reading reading;
    switch (field->type) {
    case FIELD_STR: reading = read_str(parser, out); break;
    case FIELD_INT:
    case FIELD_FLOAT: reading = read_number(parser, field, out); break;
    case FIELD_BOOL: reading = read_bool(parser, out); break;
    case FIELD_DATETIME:
    case FIELD_DATE: reading = read_time(parser, field, out); break;
    default: UNREACHABLE();
    }
    if (reading == READ_GOOD) {
        reading = field_check(parser, field, place, out);
    }
    bool secret = field->secrecy == FIELD_SECRET;
    switch (reading) {
    case READ_GOOD:
    case READ_REPORTED: return true;
    case READ_END: return false;
    case READ_WRONG: return report_value(parser, place, field_expected(parser, field, item), secret, depth);
    case READ_BAD: {
        struct str value = {from, (size_t)(parser->json.at - from)};
        return report(parser, place, field_expected(parser, field, item), report_got(parser, value, secret));
    }
    }
    UNREACHABLE();
}

/* --- lists --- */

struct list {
    struct value *items;
    uint32_t count, capacity;
};

/* Room for one more item; NULL after JSON_FULL. */
static struct value *list_room(struct parser *parser, struct list *list) {
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? FIRST_ITEMS : 2 * list->capacity;
        struct value *items = arena_alloc(parser->json.arena, capacity * sizeof *items);
        if (items == NULL) {
            parser->json.failure = JSON_FULL;
            return NULL;
        }
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof *items);
        }
        list->items = items;
        list->capacity = capacity;
    }
    return &list->items[list->count];
}

static bool read_item(struct parser *parser, const struct field *field, const struct place *list_place, uint32_t depth,
                      struct list *list) {
    struct place place = {.up = list_place, .index = list->count};
    char c = json_next(&parser->json);
    if (list->count >= LIMIT_LIST_ITEMS) { /* counted, for the error */
        list->count++;
        return report_skip(parser, list_place, depth);
    }
    struct value *item = list_room(parser, list);
    if (item == NULL) {
        return false;
    }
    list->count++;
    if (c == 'n' && field->item_nullable) {
        *item = value_none(MISSING_NOT);
        return json_literal(&parser->json, STR("null"));
    }
    if (parser->json.at == parser->json.end) {
        return json_fail(&parser->json, parser->json.at, "a JSON value");
    }
    return read_scalar(parser, field, &place, depth, true, item);
}

static bool read_list(struct parser *parser, const struct field *field, const struct place *place, uint32_t depth,
                      struct value *out) {
    struct json *json = &parser->json;
    struct list list = {0};
    if (*json->at != '[' || depth == LIMIT_JSON_DEPTH) {
        return report_value(parser, place, field_expected(parser, field, false), field->secrecy == FIELD_SECRET, depth);
    }
    json->at++;
    if (json_next(json) == ']') {
        json->at++;
    } else {
        for (;;) {
            if (!read_item(parser, field, place, depth + 1, &list)) {
                return false;
            }
            char c = json_next(json);
            if (c != ',' && c != ']') {
                return json_fail(json, json->at, "',' or ']'");
            }
            json->at++;
            if (c == ']') {
                break;
            }
        }
    }
    if (list.count > LIMIT_LIST_ITEMS) {
        return field_report_size(parser, place, LIMIT_LIST_ITEMS, list.count, "items") != READ_END;
    }
    *out = (struct value){.tag = V_LIST, .len = list.count, .p = list.items};
    return true;
}

/* --- the field --- */

/* Writes the hash that stands for a Secret: of the form in which equal values are equal bytes. */
bool field_hash(struct parser *parser, const struct field *field) {
    if (field->hash_slot == NO_SLOT) {
        return true;
    }
    const struct value *value = &parser->frame[field->slot];
    if (value->tag == V_NONE) {
        parser->frame[field->hash_slot] = *value;
        return true;
    }
    struct buf key;
    buf_init(&key, parser->json.arena, LIMIT_ARENA_BYTES);
    value_write_key(&key, value);
    struct hash128 *hash = arena_alloc(parser->json.arena, sizeof *hash);
    if (key.failed || hash == NULL) {
        parser->json.failure = JSON_FULL;
        return false;
    }
    *hash = hash_keyed(parser->secret_key, key.p, key.len);
    parser->frame[field->hash_slot] = (struct value){.tag = V_SECRET, .p = hash};
    return true;
}

bool field_fall_back(struct parser *parser, const struct field *field) {
    parser->frame[field->slot] = field->fallback;
    return field_hash(parser, field);
}

bool field_read(struct parser *parser, const struct field *field, const struct place *place, uint32_t depth) {
    char c = json_next(&parser->json);
    uint32_t errors = parser->result->errors_total;
    /* Written where it stays: a cell is read back as a whole, which stalls while its parts are on their way. */
    struct value *cell = &parser->frame[field->slot];
    ASSERT(parser->json.failure == JSON_GOOD);
    if (parser->json.at == parser->json.end) {
        return json_fail(&parser->json, parser->json.at, "a JSON value");
    }
    if (c == 'n' && field->nullable) {
        *cell = value_none(MISSING_NOT);
        if (!json_literal(&parser->json, STR("null"))) {
            return false;
        }
    } else if (field->is_list) {
        if (!read_list(parser, field, place, depth, cell)) {
            return false;
        }
    } else if (!read_scalar(parser, field, place, depth, false, cell)) {
        return false;
    }
    return parser->result->errors_total != errors || field_hash(parser, field);
}
