/* See arrow_out.h. Buffers grow by malloc, since they leave the engine; the arrays that carry them away are made when
 * they are given, and free everything in one `release`. */
#include "arrow_out.h"

#include <stdlib.h>

#include "base/assert.h"

enum { FIRST_BYTES = 1024 };

static char *grow(struct out_column *column, struct out_bytes *bytes, size_t more) {
    size_t cap = bytes->cap == 0 ? FIRST_BYTES : bytes->cap * 2;
    while (cap - bytes->len < more)
        cap *= 2;
    char *grown = realloc(bytes->p, cap);
    if (grown == NULL) {
        column->failure = "out of memory";
        return NULL;
    }
    bytes->p = grown;
    bytes->cap = cap;
    bytes->len += more;
    return grown + bytes->len - more;
}

static inline char *room(struct out_column *column, struct out_bytes *bytes, size_t more) {
    if (__builtin_expect(bytes->cap - bytes->len < more, 0))
        return grow(column, bytes, more);
    bytes->len += more;
    return bytes->p + bytes->len - more;
}

static inline void put(struct out_column *column, struct out_bytes *bytes, const void *from, size_t len) {
    char *at = room(column, bytes, len);
    if (at != NULL && len > 0)
        memcpy(at, from, len);
}

static inline void put_bit(struct out_column *column, struct out_bytes *bytes, int64_t index, bool bit) {
    if ((index & 7) == 0) {
        char *at = room(column, bytes, 1);
        if (at == NULL)
            return;
        *at = 0;
    }
    bytes->p[index >> 3] = (char)(bytes->p[index >> 3] | bit << (index & 7));
}

static void put_offset(struct out_column *column, struct out_bytes *offsets, size_t end) {
    int32_t offset = (int32_t)end;
    if (end > INT32_MAX) {
        column->failure = "a batch holds more than 2 GiB of text or items in one column: give smaller batches";
        return;
    }
    if (offsets->len == 0) {
        int32_t zero = 0;
        put(column, offsets, &zero, sizeof zero);
    }
    put(column, offsets, &offset, sizeof offset);
}

static bool is_text(const struct out_column *column) { return column->type == OUT_STR || column->type == OUT_JSON; }

static void put_text(struct out_column *column, const struct value *value, struct arena *arena) {
    if (column->type == OUT_STR && value->tag == V_STR) {
        put(column, &column->values, value->p, value->len);
    } else if (column->type == OUT_JSON && value->tag != V_SET && value->tag != V_DICT && value->tag != V_BIGINT) {
        struct buf text;
        size_t limit_bytes = arena->limit_bytes;
        arena->limit_bytes = SIZE_MAX;
        buf_init(&text, arena, SIZE_MAX);
        value_write_json(&text, value);
        arena->limit_bytes = limit_bytes;
        if (text.failed)
            column->failure = "out of memory";
        else
            put(column, &column->values, text.p, text.len);
    } else if (value->tag != V_NONE) {
        column->failure = "a value that is not of the column's type";
    }
    put_offset(column, &column->offsets, column->values.len);
}

static inline void put_number(struct out_column *column, const struct value *value) {
    static const uint8_t tags[] = {[OUT_BOOL] = V_BOOL,         [OUT_INT] = V_INT,   [OUT_FLOAT] = V_FLOAT,
                                   [OUT_DATETIME] = V_DATETIME, [OUT_DATE] = V_DATE, [OUT_TIMEDELTA] = V_TIMEDELTA};
    int64_t number = value->tag == V_NONE ? 0 : value->i;
    if (value->tag != V_NONE && value->tag != tags[column->type]) {
        bool whole = value->tag == V_INT || value->tag == V_BOOL;
        double wide = (double)number;
        if (column->type == OUT_FLOAT && whole)
            memcpy(&number, &wide, sizeof number);
        else if (column->type != OUT_INT || !whole)
            column->failure = "a value that is not of the column's type";
    }
    if (column->type == OUT_BOOL) {
        put_bit(column, &column->values, column->count, number != 0);
    } else if (column->type == OUT_DATE) {
        int32_t days = (int32_t)number;
        put(column, &column->values, &days, sizeof days);
    } else {
        put(column, &column->values, &number, sizeof number);
    }
}

static inline void append_scalar(struct out_column *column, const struct value *value, struct arena *arena) {
    bool valid = value->tag != V_NONE;
    if (is_text(column))
        put_text(column, value, arena);
    else
        put_number(column, value);
    put_bit(column, &column->valid, column->count, valid);
    column->nulls += !valid;
    column->count++;
}

void out_append(struct out_column *column, const struct value *value, struct arena *arena) {
    if (column->failure != NULL)
        return;
    if (!column->is_list) {
        append_scalar(column, value, arena);
        return;
    }
    bool valid = value->tag == V_LIST || value->tag == V_TUPLE;
    if (!valid && value->tag != V_NONE)
        column->failure = "a value that is not a list";
    for (uint32_t i = 0; valid && i < value->len; i++)
        append_scalar(column, &value_items(value)[i], arena);
    put_offset(column, &column->list_offsets, (size_t)column->count);
    put_bit(column, &column->list_valid, column->list_count, valid);
    column->list_nulls += !valid;
    column->list_count++;
}

void out_release(struct out_column *column) {
    struct out_bytes *all[] = {&column->values, &column->offsets, &column->valid, &column->list_offsets,
                               &column->list_valid};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]->p);
        *all[i] = (struct out_bytes){0};
    }
    column->count = column->nulls = column->list_count = column->list_nulls = 0;
    column->failure = NULL;
}

/* --- giving away --- */


static void release_array(struct ArrowArray *array) {
    struct ArrowArray **children = array->children;
    for (int64_t i = 0; i < array->n_children; i++) {
        if (children[i] != NULL && children[i]->release != NULL)
            children[i]->release(children[i]);
        free(children[i]);
    }
    free(children);
    for (int64_t i = 0; i < array->n_buffers; i++)
        free((void *)(uintptr_t)array->buffers[i]);
    free((void *)array->buffers);
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i] != NULL && schema->children[i]->release != NULL)
            schema->children[i]->release(schema->children[i]);
        free(schema->children[i]);
    }
    free(schema->children);
    free((void *)(uintptr_t)schema->name);
    schema->release = NULL;
}

static bool make_array(struct ArrowArray *out, int64_t length, int64_t nulls, int64_t buffers, int64_t children) {
    *out = (struct ArrowArray){.length = length, .null_count = nulls, .n_buffers = buffers, .release = release_array};
    out->buffers = calloc((size_t)buffers + 1, sizeof *out->buffers);
    out->children = calloc((size_t)children + 1, sizeof *out->children);
    bool ok = out->buffers != NULL && out->children != NULL;
    for (int64_t i = 0; ok && i < children; i++) {
        out->children[i] = calloc(1, sizeof **out->children);
        ok = out->children[i] != NULL;
        out->n_children += ok;
    }
    out->n_buffers = out->buffers != NULL ? buffers : 0;
    return ok;
}

static bool make_schema(struct ArrowSchema *out, const char *format, const char *name, int64_t children) {
    *out = (struct ArrowSchema){.format = format, .flags = ARROW_NULLABLE, .release = release_schema};
    out->name = strdup(name);
    out->children = calloc((size_t)children + 1, sizeof *out->children);
    bool ok = out->name != NULL && out->children != NULL;
    for (int64_t i = 0; ok && i < children; i++) {
        out->children[i] = calloc(1, sizeof **out->children);
        ok = out->children[i] != NULL;
        out->n_children += ok;
    }
    return ok;
}

/* Moves a buffer; one that was never written to becomes some bytes all the same, since few readers take NULL. */
static bool move(const void **to, struct out_bytes *from) {
    *to = from->p != NULL ? from->p : calloc(1, 8);
    *from = (struct out_bytes){0};
    return *to != NULL;
}

static bool give_scalars(struct out_column *column, const char *name, struct ArrowSchema *schema,
                         struct ArrowArray *array) {
    static const char *const formats[] = {[OUT_BOOL] = "b",           [OUT_INT] = "l",    [OUT_FLOAT] = "g",
                                          [OUT_STR] = "u",            [OUT_JSON] = "u",   [OUT_DATE] = "tdD",
                                          [OUT_DATETIME] = "tsu:UTC", [OUT_TIMEDELTA] = "tDu"};
    bool text = is_text(column);
    if (!make_schema(schema, formats[column->type], name, 0) ||
        !make_array(array, column->count, column->nulls, text ? 3 : 2, 0) || !move(&array->buffers[0], &column->valid))
        return false;
    if (text && !move(&array->buffers[1], &column->offsets))
        return false;
    return move(&array->buffers[text ? 2 : 1], &column->values);
}

static bool give_column(struct out_column *column, struct ArrowSchema *schema, struct ArrowArray *array) {
    if (!column->is_list)
        return give_scalars(column, column->name, schema, array);
    return make_schema(schema, "+l", column->name, 1) &&
           make_array(array, column->list_count, column->list_nulls, 2, 1) &&
           move(&array->buffers[0], &column->list_valid) && move(&array->buffers[1], &column->list_offsets) &&
           give_scalars(column, "item", schema->children[0], array->children[0]);
}

bool out_give(struct out_column *columns, uint32_t count, int64_t rows, struct ArrowSchema *schema,
              struct ArrowArray *array, struct error *error) {
    bool ok = make_schema(schema, "+s", "", count);
    ok = make_array(array, rows, 0, 1, count) && ok; /* both, so that both can be released */
    for (uint32_t i = 0; ok && i < count; i++) {
        ASSERT((columns[i].is_list ? columns[i].list_count : columns[i].count) == rows);
        ok = give_column(&columns[i], schema->children[i], array->children[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        out_release(&columns[i]);
    if (ok)
        return true;
    schema->release(schema);
    array->release(array);
    return error_set(error, ERROR_SYSTEM, "out of memory");
}
