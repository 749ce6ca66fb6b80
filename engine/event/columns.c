/* A row of Arrow columns to the frame's cells (columns.h). Called by the batch driver for each event; the checks that do
 * not depend on where a value comes from are field.c's, the texts of errors report.c's. */
#include "columns.h"

#include "../base/assert.h"
#include "../base/calendar.h"
#include "../base/number.h"
#include "leaf.h"

enum { DECIMAL_TEXT_BYTES = 48 };

/* --- plain values --- */

static int64_t integer_at(const struct leaf *leaf, int64_t at) {
    const void *values = leaf->array->buffers[1];
    switch (leaf->kind) {
    case LEAF_INT8: return ((const int8_t *)values)[at];
    case LEAF_UINT8: return ((const uint8_t *)values)[at];
    case LEAF_INT16: return ((const int16_t *)values)[at];
    case LEAF_UINT16: return ((const uint16_t *)values)[at];
    case LEAF_DATE_DAYS:
    case LEAF_INT32: return ((const int32_t *)values)[at];
    case LEAF_UINT32: return ((const uint32_t *)values)[at];
    case LEAF_DATE_MS:
    case LEAF_TIME:
    case LEAF_UINT64:
    case LEAF_INT64: return ((const int64_t *)values)[at];
    default: UNREACHABLE();
    }
}

static struct str string_view_at(const struct leaf *leaf, int64_t at) {
    const char *view = (const char *)leaf->array->buffers[1] + 16 * at;
    int32_t len, buffer, offset;
    memcpy(&len, view, 4);
    if (len <= 12) {
        return (struct str){view + 4, (size_t)len};
    }
    memcpy(&buffer, view + 8, 4);
    memcpy(&offset, view + 12, 4);
    return (struct str){(const char *)leaf->array->buffers[2 + buffer] + offset, (size_t)len};
}

static struct str string_at(const struct leaf *leaf, int64_t row) {
    int64_t at = leaf->array->offset + row, from, to;
    if (leaf->kind == LEAF_STR_VIEW) {
        return string_view_at(leaf, at);
    }
    if (leaf->kind == LEAF_STR) {
        from = ((const int32_t *)leaf->array->buffers[1])[at];
        to = ((const int32_t *)leaf->array->buffers[1])[at + 1];
    } else {
        from = ((const int64_t *)leaf->array->buffers[1])[at];
        to = ((const int64_t *)leaf->array->buffers[1])[at + 1];
    }
    const char *bytes = leaf->array->buffers[2];
    return to == from ? STR("") : (struct str){bytes + from, (size_t)(to - from)};
}

/* The items of a list as rows of its inner leaf. */
static void list_at(const struct leaf *leaf, int64_t row, int64_t *from, int64_t *count) {
    int64_t at = leaf->array->offset + row;
    switch (leaf->kind) {
    case LEAF_LIST:
        *from = ((const int32_t *)leaf->array->buffers[1])[at];
        *count = ((const int32_t *)leaf->array->buffers[1])[at + 1] - *from;
        return;
    case LEAF_LARGE_LIST:
        *from = ((const int64_t *)leaf->array->buffers[1])[at];
        *count = ((const int64_t *)leaf->array->buffers[1])[at + 1] - *from;
        return;
    case LEAF_FIXED_LIST:
        *from = at * leaf->list_size;
        *count = leaf->list_size;
        return;
    default: UNREACHABLE();
    }
}

/* A decimal as the text of a JSON number. */
static struct str decimal_text(const struct leaf *leaf, int64_t row, char out[DECIMAL_TEXT_BYTES]) {
    __int128 value;
    memcpy(&value, (const char *)leaf->array->buffers[1] + 16 * (leaf->array->offset + row), sizeof value);
    unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    size_t at = DECIMAL_TEXT_BYTES;
    for (int32_t digits = 0; digits <= leaf->scale || rest > 0; digits++, rest /= 10) {
        if (digits == leaf->scale && digits > 0) {
            out[--at] = '.';
        }
        ASSERT(at > 1);
        out[--at] = (char)('0' + (int)(rest % 10));
    }
    if (value < 0) {
        out[--at] = '-';
    }
    return (struct str){out + at, DECIMAL_TEXT_BYTES - at};
}

/* --- fields --- */

/* Reads a number, true or false from its text. */
static enum reading read_text(struct parser *parser, const struct field *field, struct str text, struct value *out) {
    bool capital = text.len >= 4 && field->type == FIELD_BOOL && (text.p[0] == 'T' || text.p[0] == 'F');
    if (capital) {
        char *lower = arena_copy(parser->json.arena, text.p, text.len);
        if (lower == NULL) {
            parser->json.failure = JSON_FULL;
            return READ_END;
        }
        lower[0] = (char)(lower[0] + ('a' - 'A'));
        text.p = lower;
    }
    parser->json = json_of(parser->json.arena, text);
    (void)json_next(&parser->json);
    enum reading reading = text.len == 0 ? READ_BAD : field_plain(parser, field, out);
    if (reading == READ_END && parser->json.failure == JSON_SYNTAX) {
        parser->json.failure = JSON_GOOD;
        return READ_BAD;
    }
    return reading == READ_GOOD && !json_end(&parser->json) ? (parser->json.failure = JSON_GOOD, READ_BAD) : reading;
}

static enum reading read_string(struct parser *parser, const struct field *field, struct str text, bool from_text,
                                struct value *out) {
    bool ascii;
    int64_t number = 0;
    if (utf8_valid_prefix(text.p, text.len, &ascii) != text.len) {
        return READ_WRONG;
    }
    if (field->type == FIELD_STR) {
        if (text.len > UINT32_MAX) {
            return READ_BAD;
        }
        *out = (struct value){.tag = V_STR, .flags = ascii ? STR_ASCII : 0, .len = (uint32_t)text.len, .p = text.p};
        return READ_GOOD;
    }
    if (field->type == FIELD_DATE) {
        enum calendar_result date = calendar_parse_date(text, &number);
        *out = (struct value){.tag = V_DATE, .i = number};
        return date == CALENDAR_OK ? READ_GOOD : READ_BAD;
    }
    if (field->type == FIELD_DATETIME && field->unit == UNIT_ISO) {
        enum calendar_result time = calendar_parse_time(text, &number);
        *out = value_datetime(number);
        return time == CALENDAR_OK || (time == CALENDAR_NAIVE && parser->class->naive_is_utc) ? READ_GOOD : READ_BAD;
    }
    return from_text ? read_text(parser, field, text, out) : READ_WRONG;
}

static enum reading read_double(struct parser *parser, const struct field *field, double number, struct value *out) {
    char text[NUMBER_TEXT_BYTES];
    int64_t whole;
    if (number - number != 0.0) {
        return READ_BAD; /* NaN or an infinity */
    }
    if (field->type == FIELD_FLOAT) {
        *out = value_float(number);
        return READ_GOOD;
    }
    if (field->type == FIELD_INT) {
        if (!field_whole(number, &whole)) {
            return READ_BAD;
        }
        *out = value_int(whole);
        return READ_GOOD;
    }
    return read_text(parser, field, (struct str){text, number_repr(number, text)}, out);
}

static enum reading read_integer(struct parser *parser, const struct field *field, const struct leaf *leaf,
                                 int64_t number, struct value *out) {
    char text[NUMBER_TEXT_BYTES];
    bool beyond = leaf->kind == LEAF_UINT64 && number < 0;
    if (field->type == FIELD_FLOAT) {
        *out = value_float(beyond ? (double)(uint64_t)number : (double)number);
        return READ_GOOD;
    }
    if (beyond) {
        return READ_BAD;
    }
    if (field->type == FIELD_INT) {
        *out = value_int(number);
        return READ_GOOD;
    }
    return read_text(parser, field, (struct str){text, number_int(number, text)}, out);
}

static int64_t floor_divide(int64_t a, int64_t by) { return a / by - (a % by < 0); }

static enum reading read_moment(const struct field *field, const struct leaf *leaf, int64_t number,
                                struct value *out) {
    int64_t us = number;
    if (field->type == FIELD_DATE) {
        int64_t days = leaf->kind == LEAF_DATE_DAYS ? number : floor_divide(number, 86400000);
        *out = (struct value){.tag = V_DATE, .i = days};
        return days >= calendar_days(1, 1, 1) && days <= calendar_days(9999, 12, 31) ? READ_GOOD : READ_BAD;
    }
    if (leaf->per_s > 1000000) {
        us = floor_divide(number, leaf->per_s / 1000000);
    } else if (__builtin_mul_overflow(number, 1000000 / leaf->per_s, &us)) {
        return READ_BAD;
    }
    *out = value_datetime(us);
    return us >= CALENDAR_MIN_US && us <= CALENDAR_MAX_US ? READ_GOOD : READ_BAD;
}

/* The value at a row that is not null. */
static enum reading read_leaf(struct parser *parser, const struct field *field, const struct leaf *leaf, int64_t row,
                              bool text, struct value *out) {
    char decimal[DECIMAL_TEXT_BYTES];
    if (leaf->dictionary != NULL) {
        row = integer_at(leaf, leaf->array->offset + row);
        leaf = leaf->dictionary;
        if (row < 0 || row >= leaf->array->length) {
            return READ_WRONG;
        }
    }
    if (leaf_is_string(leaf->kind)) {
        return read_string(parser, field, string_at(leaf, row), text, out);
    }
    int64_t at = leaf->array->offset + row;
    switch (leaf->kind) {
    case LEAF_BOOL: {
        const uint8_t *bits = leaf->array->buffers[1];
        *out = value_bool(bits[at >> 3] >> (at & 7) & 1);
        return READ_GOOD;
    }
    case LEAF_FLOAT: return read_double(parser, field, ((const float *)leaf->array->buffers[1])[at], out);
    case LEAF_DOUBLE: return read_double(parser, field, ((const double *)leaf->array->buffers[1])[at], out);
    case LEAF_DECIMAL: return read_text(parser, field, decimal_text(leaf, row, decimal), out);
    case LEAF_DATE_DAYS:
    case LEAF_DATE_MS:
    case LEAF_TIME: return read_moment(field, leaf, integer_at(leaf, at), out);
    default: return read_integer(parser, field, leaf, integer_at(leaf, at), out);
    }
}

/* --- errors --- */

/* What the sender would see of the value, as JSON. */
static struct str shown(struct parser *parser, const struct leaf *leaf, int64_t row) {
    struct buf out;
    char text[DECIMAL_TEXT_BYTES];
    bool ascii;
    buf_init(&out, parser->json.arena, LIMIT_EVENT_BYTES);
    if (leaf->dictionary != NULL) {
        row = integer_at(leaf, leaf->array->offset + row);
        leaf = leaf->dictionary;
        if (row < 0 || row >= leaf->array->length) {
            return STR("null");
        }
    }
    int64_t at = leaf->array->offset + row;
    if (leaf_is_string(leaf->kind)) {
        struct str all = string_at(leaf, row);
        all.len = utf8_valid_prefix(all.p, all.len, &ascii);
        all.len = all.len < 1000 ? all.len : utf8_valid_prefix(all.p, 1000, &ascii);
        buf_json(&out, all);
        return (struct str){out.p, out.failed ? 0 : out.len};
    }
    switch (leaf->kind) {
    case LEAF_NULL: return STR("null");
    case LEAF_BOOL: return ((const uint8_t *)leaf->array->buffers[1])[at >> 3] >> (at & 7) & 1 ? STR("true")
                                                                                               : STR("false");
    case LEAF_FLOAT:
    case LEAF_DOUBLE: {
        double number = leaf->kind == LEAF_FLOAT ? (double)((const float *)leaf->array->buffers[1])[at]
                                                 : ((const double *)leaf->array->buffers[1])[at];
        buf_add(&out, text, number_repr(number, text));
        break;
    }
    case LEAF_DECIMAL: buf_str(&out, decimal_text(leaf, row, text)); break;
    case LEAF_LIST:
    case LEAF_LARGE_LIST:
    case LEAF_FIXED_LIST: return STR("[]");
    case LEAF_STRUCT: return STR("{}");
    case LEAF_UINT64: buf_format(&out, "%llu", (unsigned long long)integer_at(leaf, at)); break;
    default: buf_int(&out, integer_at(leaf, at));
    }
    return (struct str){out.p, out.failed ? 0 : out.len};
}

static struct str got(struct parser *parser, struct str json, bool secret) {
    if (json.len == 0) {
        return STR("a value that is not UTF-8");
    }
    if (!secret && (json.p[0] == 'i' || json.p[0] == '-') && json.len > 1 && json.p[json.len - 1] == 'f') {
        return json.p[0] == '-' ? STR("number -inf") : STR("number inf");
    }
    return !secret && json.len == 3 && memcmp(json.p, "nan", 3) == 0 ? STR("number nan")
                                                                     : report_got(parser, json, secret);
}

/* Takes what an attempt came to: false if the arena is full. */
static bool settle(struct parser *parser, const struct field *field, const struct place *place, enum reading reading,
                   const struct leaf *leaf, int64_t row, bool item) {
    switch (reading) {
    case READ_GOOD:
    case READ_REPORTED: return true;
    case READ_END: return false;
    case READ_WRONG:
    case READ_BAD: break;
    }
    struct str json = shown(parser, leaf, row);
    return report(parser, place, field_expected(parser, field, item),
                  got(parser, json, field->secrecy == FIELD_SECRET));
}

/* --- rows --- */

static bool read_list(struct parser *parser, const struct field *field, const struct place *place,
                      const struct leaf *leaf, int64_t row, bool text, struct value *out) {
    int64_t from, count;
    list_at(leaf, row, &from, &count);
    if (count > (int64_t)LIMIT_LIST_ITEMS) {
        return field_report_size(parser, place, LIMIT_LIST_ITEMS, (size_t)count, "items") != READ_END;
    }
    struct value *items = arena_alloc(parser->json.arena, (size_t)(count + 1) * sizeof *items);
    if (items == NULL) {
        parser->json.failure = JSON_FULL;
        return false;
    }
    for (int64_t i = 0; i < count; i++) {
        struct place item = {.up = place, .index = (uint32_t)i};
        items[i] = value_none(MISSING_NOT);
        if (leaf_is_null(leaf->inner, from + i)) {
            if (!field->item_nullable &&
                !report(parser, &item, field_expected(parser, field, true), STR("null"))) {
                return false;
            }
            continue;
        }
        enum reading reading = read_leaf(parser, field, leaf->inner, from + i, text, &items[i]);
        if (reading == READ_GOOD) {
            reading = field_check(parser, field, &item, &items[i]);
        }
        if (!settle(parser, field, &item, reading, leaf->inner, from + i, true)) {
            return false;
        }
    }
    *out = (struct value){.tag = V_LIST, .len = (uint32_t)count, .p = items};
    return true;
}

static bool read_null(struct parser *parser, const struct field *field, const struct place *place) {
    if (field->nullable) {
        parser->frame[field->slot] = value_none(MISSING_NOT);
        return field_hash(parser, field);
    }
    if (!field->required) {
        return field_fall_back(parser, field);
    }
    return report(parser, place, field_expected(parser, field, false), STR("null"));
}

/* Whether a dictionary has a null at this row's index. */
static bool names_null(const struct leaf *leaf, int64_t row) {
    int64_t index = leaf->dictionary != NULL ? integer_at(leaf, leaf->array->offset + row) : -1;
    return index >= 0 && index < leaf->dictionary->array->length && leaf_is_null(leaf->dictionary, index);
}

static const char SECRET_MARK[] = "secret:";
enum { MARK_BYTES = sizeof SECRET_MARK - 1 };

void columns_write_secret(const struct hash128 *hash, char out[SECRET_TEXT_BYTES]) {
    static const char digits[] = "0123456789abcdef";
    memcpy(out, SECRET_MARK, MARK_BYTES);
    for (int i = 0; i < 32; i++) {
        uint64_t half = i < 16 ? hash->high : hash->low;
        out[MARK_BYTES + i] = digits[half >> (60 - 4 * (i & 15)) & 15];
    }
}

/* Takes a Secret's hash from its text; *taken is false if it is not one. False: the arena is full. */
static bool read_secret(struct parser *parser, const struct field *field, const struct leaf *leaf, int64_t row,
                        bool *taken) {
    struct str text = leaf_is_string(leaf->kind) && leaf->dictionary == NULL ? string_at(leaf, row) : STR("");
    struct hash128 read = {0}, *hash;
    *taken = false;
    if (text.len != SECRET_TEXT_BYTES || memcmp(text.p, SECRET_MARK, MARK_BYTES) != 0) {
        return true;
    }
    for (int i = 0; i < 32; i++) {
        char c = text.p[MARK_BYTES + i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) {
            return true;
        }
        uint64_t *half = i < 16 ? &read.high : &read.low;
        *half = *half << 4 | (uint64_t)digit;
    }
    hash = arena_copy(parser->json.arena, &read, sizeof read);
    if (hash == NULL) {
        parser->json.failure = JSON_FULL;
        return false;
    }
    parser->frame[field->slot] = value_none(MISSING_SOURCE);
    parser->frame[field->hash_slot] = (struct value){.tag = V_SECRET, .p = hash};
    *taken = true;
    return true;
}

/* The row within the struct that holds the column; *outer_null: the outermost struct that is null, or struct_count. */
static int64_t inner_row(const struct column *column, int64_t row, uint32_t *outer_null) {
    for (uint32_t i = 0; i < column->struct_count; i++) {
        if (leaf_is_null(column->structs[i], row)) {
            *outer_null = i;
            return row;
        }
        row += column->structs[i]->array->offset;
    }
    *outer_null = column->struct_count;
    return row;
}

static bool read_column(struct parser *parser, const struct columns *columns, uint32_t f, int64_t row) {
    const struct field *field = &columns->class->fields[f];
    const struct column *column = &columns->fields[f];
    bool text = columns->text, taken = false;
    struct place places[COLUMN_PARENTS];
    uint32_t errors = parser->result->errors_total, null_at, count = column->path_count;
    struct value *cell = &parser->frame[field->slot];
    if (column->leaf.kind == LEAF_ABSENT) {
        return field_fall_back(parser, field);
    }
    ASSERT(count > 0 && count <= COLUMN_PARENTS);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = (struct place){.up = i > 0 ? &places[i - 1] : NULL, .name = &column->path[i]->name};
    }
    row = inner_row(column, row, &null_at);
    if (null_at < column->struct_count) {
        return column->path[null_at]->nullable ? field_fall_back(parser, field)
                                               : report(parser, &places[null_at], STR("object"), STR("null"));
    }
    const struct leaf *leaf = &column->leaf;
    const struct place *place = &places[count - 1];
    if (leaf_is_null(leaf, row) || names_null(leaf, row)) {
        return read_null(parser, field, place);
    }
    if (columns->hashed && field->hash_slot != NO_SLOT) {
        if (!read_secret(parser, field, leaf, row, &taken) || taken) {
            return taken;
        }
    }
    if (field->is_list) {
        if (!read_list(parser, field, place, leaf, row, text, cell)) {
            return false;
        }
    } else {
        enum reading reading = read_leaf(parser, field, leaf, row, text, cell);
        if (reading == READ_GOOD) {
            reading = field_check(parser, field, place, cell);
        }
        if (!settle(parser, field, place, reading, leaf, row, false)) {
            return false;
        }
    }
    return parser->result->errors_total != errors || field_hash(parser, field);
}

static struct parser begin(const struct columns *columns, const struct hash_key *secret_key, struct arena *arena,
                           struct value *frame, struct event_result *result) {
    result->error_count = result->errors_total = result->masked = 0;
    result->detail = (struct str){NULL, 0};
    result->offset = 0;
    return (struct parser){.json = json_of(arena, STR("")),
                           .class = columns->class,
                           .secret_key = secret_key,
                           .frame = frame,
                           .result = result};
}

void columns_read(const struct columns *columns, const struct hash_key *secret_key, struct arena *arena, int64_t row,
                  struct value *frame, struct event_result *result) {
    ASSERT(row >= 0 && row < columns->length);
    if (columns->json != NULL) {
        struct str text = leaf_is_null(columns->json, row) ? STR("") : string_at(columns->json, row);
        event_parse(columns->class, secret_key, arena, text, frame, result);
        return;
    }
    struct parser parser = begin(columns, secret_key, arena, frame, result);
    bool read = true;
    for (uint32_t f = 0; f < columns->class->field_count && read; f++) {
        read = read_column(&parser, columns, f, row);
    }
    event_conclude(&parser, read);
}

bool columns_read_key(const struct columns *columns, const struct hash_key *secret_key, struct arena *arena,
                      int64_t row, struct value *frame, struct event_result *result) {
    const struct event_class *class = columns->class;
    const uint32_t keys[] = {class->id_field, class->time_field};
    if (columns->json != NULL) {
        columns_read(columns, secret_key, arena, row, frame, result);
        return result->status == EVENT_OK;
    }
    struct parser parser = begin(columns, secret_key, arena, frame, result);
    bool read = true;
    for (uint32_t k = 0; k < 2 && read; k++) {
        read = read_column(&parser, columns, keys[k], row);
    }
    event_conclude(&parser, read);
    return result->status == EVENT_OK;
}
