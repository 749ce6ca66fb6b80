/* Which column each field is read from (columns.h): walks the class's tree of names and the schema's structs together,
 * once a batch. Everything that can be known before the first row is checked here - a column that is missing, a type
 * that can never be the field's - so that it is said once and not for every row. */
#include <stdlib.h>

#include "../base/assert.h"
#include "leaf.h"

struct binder {
    const struct event_class *class;
    const struct ArrowSchema *schema;
    const struct ArrowArray *batch;
    struct arena *arena;
    struct error *error;
    struct column *fields;
    bool text, hashed, only_keys;
    const struct event_node *path[COLUMN_PARENTS];
    const struct leaf *structs[COLUMN_PARENTS];
};

/* --- types --- */

struct simple_type {
    const char *format;
    enum leaf_kind kind;
};

static const struct simple_type simple_types[] = {
    {"n", LEAF_NULL},        {"b", LEAF_BOOL},      {"c", LEAF_INT8},        {"C", LEAF_UINT8},    {"s", LEAF_INT16},
    {"S", LEAF_UINT16},      {"i", LEAF_INT32},     {"I", LEAF_UINT32},      {"l", LEAF_INT64},    {"L", LEAF_UINT64},
    {"f", LEAF_FLOAT},       {"g", LEAF_DOUBLE},    {"u", LEAF_STR},         {"U", LEAF_LARGE_STR}, {"vu", LEAF_STR_VIEW},
    {"z", LEAF_STR},         {"Z", LEAF_LARGE_STR}, {"vz", LEAF_STR_VIEW},
    {"tdD", LEAF_DATE_DAYS}, {"tdm", LEAF_DATE_MS}, {"+l", LEAF_LIST},       {"+L", LEAF_LARGE_LIST}, {"+s", LEAF_STRUCT},
};

static enum leaf_kind kind_of(const char *format, struct leaf *out) {
    for (size_t i = 0; i < sizeof simple_types / sizeof *simple_types; i++) {
        if (strcmp(simple_types[i].format, format) == 0) {
            return simple_types[i].kind;
        }
    }
    if (strncmp(format, "ts", 2) == 0 && format[2] != '\0' && format[3] == ':') {
        out->per_s = format[2] == 's' ? 1 : format[2] == 'm' ? 1000 : format[2] == 'u' ? 1000000 : 1000000000;
        out->zoned = format[4] != '\0';
        return LEAF_TIME;
    }
    if (strncmp(format, "d:", 2) == 0) {
        char *end;
        (void)strtol(format + 2, &end, 10);
        out->scale = *end == ',' ? (int32_t)strtol(end + 1, &end, 10) : 0;
        bool wide = *end == ',' && strcmp(end, ",128") != 0;
        return wide || out->scale < 0 || out->scale > 38 ? LEAF_OTHER : LEAF_DECIMAL;
    }
    if (strncmp(format, "+w:", 3) == 0) {
        out->list_size = (int32_t)strtol(format + 3, NULL, 10);
        return LEAF_FIXED_LIST;
    }
    return LEAF_OTHER;
}

bool leaf_is_string(enum leaf_kind kind) {
    return kind == LEAF_STR || kind == LEAF_LARGE_STR || kind == LEAF_STR_VIEW;
}

static bool is_list(enum leaf_kind kind) {
    return kind == LEAF_LIST || kind == LEAF_LARGE_LIST || kind == LEAF_FIXED_LIST;
}

static bool is_integer(enum leaf_kind kind) { return kind >= LEAF_INT8 && kind <= LEAF_UINT64; }

static bool is_number(enum leaf_kind kind) { return kind >= LEAF_INT8 && kind <= LEAF_DECIMAL; }

const char *leaf_name(const struct leaf *leaf) {
    const struct leaf *values = leaf->dictionary != NULL ? leaf->dictionary : leaf;
    if (leaf_is_string(values->kind)) {
        return "strings";
    }
    if (is_integer(values->kind)) {
        return "integers";
    }
    if (is_list(values->kind)) {
        return "lists";
    }
    switch (values->kind) {
    case LEAF_NULL: return "nulls";
    case LEAF_BOOL: return "bools";
    case LEAF_FLOAT:
    case LEAF_DOUBLE: return "floats";
    case LEAF_DECIMAL: return "decimals";
    case LEAF_DATE_DAYS:
    case LEAF_DATE_MS: return "dates";
    case LEAF_TIME: return values->zoned ? "timestamps with a zone" : "timestamps without a zone";
    case LEAF_STRUCT: return "structs";
    default: return "of another type";
    }
}

static int64_t buffers_of(enum leaf_kind kind) {
    switch (kind) {
    case LEAF_NULL:
    case LEAF_OTHER: return 0;
    case LEAF_STRUCT:
    case LEAF_FIXED_LIST: return 1;
    case LEAF_STR:
    case LEAF_LARGE_STR:
    case LEAF_STR_VIEW: return 3;
    default: return 2;
    }
}

/* A leaf of the arena; NULL after an error. */
static const struct leaf *inner_leaf(const struct ArrowSchema *schema, const struct ArrowArray *array,
                                     struct arena *arena, struct error *error) {
    struct leaf *leaf = schema == NULL || array == NULL ? NULL : arena_alloc(arena, sizeof *leaf);
    if (leaf == NULL) {
        error_set(error, ERROR_INPUT, "a column without its values");
        return NULL;
    }
    return leaf_of(schema, array, arena, leaf, error) ? leaf : NULL;
}

bool leaf_of(const struct ArrowSchema *schema, const struct ArrowArray *array, struct arena *arena, struct leaf *out,
             struct error *error) {
    ASSERT(schema != NULL && array != NULL);
    *out = (struct leaf){.array = array};
    out->kind = kind_of(schema->format, out);
    int64_t buffers = buffers_of(out->kind);
    if (array->n_buffers < (out->kind == LEAF_STR_VIEW ? 2 : buffers) || (buffers > 0 && array->buffers == NULL)) {
        return error_set(error, ERROR_INPUT, "a column with fewer buffers than its type \"%s\" has", schema->format);
    }
    if (schema->dictionary != NULL) {
        out->dictionary = inner_leaf(schema->dictionary, array->dictionary, arena, error);
        return out->dictionary != NULL &&
               ((is_integer(out->kind) && out->dictionary->dictionary == NULL && !is_list(out->dictionary->kind)) ||
                error_set(error, ERROR_INPUT, "a dictionary whose indexes are not integers"));
    }
    if (is_list(out->kind)) {
        bool one = schema->n_children == 1 && array->n_children == 1;
        out->inner = inner_leaf(one ? schema->children[0] : NULL, one ? array->children[0] : NULL, arena, error);
        return out->inner != NULL;
    }
    return true;
}

/* --- what a field takes --- */

static bool takes(const struct binder *binder, const struct field *field, const struct leaf *leaf, bool item) {
    if (leaf->kind == LEAF_NULL || (leaf->dictionary != NULL && leaf->dictionary->kind == LEAF_NULL)) {
        return true;
    }
    if (field->is_list && !item) {
        return is_list(leaf->kind) && takes(binder, field, leaf->inner, true);
    }
    enum leaf_kind kind = leaf->dictionary != NULL ? leaf->dictionary->kind : leaf->kind;
    if (leaf_is_string(kind) && (binder->text || (binder->hashed && field->hash_slot != NO_SLOT))) {
        return true;
    }
    switch (field->type) {
    case FIELD_STR: return leaf_is_string(kind);
    case FIELD_INT:
    case FIELD_FLOAT: return is_number(kind);
    case FIELD_BOOL: return kind == LEAF_BOOL;
    case FIELD_DATE: return leaf_is_string(kind) || kind == LEAF_DATE_DAYS || kind == LEAF_DATE_MS;
    case FIELD_DATETIME:
        if (kind == LEAF_TIME) {
            return (leaf->dictionary != NULL ? leaf->dictionary : leaf)->zoned || binder->class->naive_is_utc;
        }
        return field->unit == UNIT_ISO ? leaf_is_string(kind) : is_number(kind);
    }
    UNREACHABLE();
}

static bool refuse_type(const struct binder *binder, const struct field *field, const struct leaf *leaf) {
    struct parser parser = {.json = json_of(binder->arena, STR("")), .class = binder->class};
    struct str expected = field_expected(&parser, field, false), class = binder->class->name;
    bool naive = leaf->kind == LEAF_TIME && !leaf->zoned && field->type == FIELD_DATETIME;
    return error_set(binder->error, ERROR_INPUT, "the column %.*s holds %s, %.*s.%.*s expects %.*s%s",
                     (int)field->name.len, field->name.p, leaf_name(leaf), (int)class.len, class.p,
                     (int)field->name.len, field->name.p, (int)(expected.len < 200 ? expected.len : 200), expected.p,
                     naive ? ": give the column a zone, or declare the event with timezone=\"UTC\"" : "");
}

/* --- names --- */

static int64_t find_child(const struct ArrowSchema *schema, struct str name) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->name != NULL && str_equal(str_of(schema->children[i]->name), name)) {
            return i;
        }
    }
    return -1;
}

/* The names on the way to a field, joined by dots. */
static struct str dotted(struct binder *binder, uint32_t depth) {
    struct buf out;
    buf_init(&out, binder->arena, LIMIT_VALUE_BYTES);
    for (uint32_t i = 0; i < depth; i++) {
        if (i > 0) {
            buf_char(&out, '.');
        }
        buf_str(&out, binder->path[i]->name);
    }
    return (struct str){out.p, out.failed ? 0 : out.len};
}

static void *kept(struct binder *binder, const void *from, size_t bytes) {
    void *copy = arena_copy(binder->arena, from, bytes + 1);
    if (copy == NULL) {
        error_set(binder->error, ERROR_LIMIT, "too many columns");
    }
    return copy;
}

/* `parent`, `array`: the struct that should hold it, or NULL. */
static bool bind_field(struct binder *binder, const struct event_node *node, const struct ArrowSchema *parent,
                       const struct ArrowArray *array, uint32_t depth) {
    const struct field *field = &binder->class->fields[node->field];
    struct column *column = &binder->fields[node->field];
    bool key = (uint32_t)node->field == binder->class->id_field || (uint32_t)node->field == binder->class->time_field;
    uint32_t structs = parent != NULL ? depth - 1 : 0;
    int64_t at = parent != NULL ? find_child(parent, node->name) : -1;
    if (at < 0) {
        parent = binder->schema;
        array = binder->batch;
        structs = 0;
        at = depth > 1 ? find_child(parent, dotted(binder, depth)) : -1;
        if (at < 0) {
            at = find_child(parent, field->name);
        }
    }
    column->path_count = depth;
    column->path = kept(binder, binder->path, depth * sizeof *binder->path);
    column->structs = kept(binder, binder->structs, structs * sizeof *binder->structs);
    column->struct_count = structs;
    if (column->path == NULL || column->structs == NULL) {
        return false;
    }
    if (at < 0 || (binder->only_keys && !key)) {
        return !field->required || (binder->only_keys && !key) ||
               error_set(binder->error, ERROR_INPUT, "there is no column %.*s, which %.*s has no default for",
                         (int)field->name.len, field->name.p, (int)binder->class->name.len, binder->class->name.p);
    }
    if (!leaf_of(parent->children[at], array->children[at], binder->arena, &column->leaf, binder->error)) {
        return error_prefix(binder->error, "the column %.*s", (int)field->name.len, field->name.p);
    }
    return takes(binder, field, &column->leaf, false) || refuse_type(binder, field, &column->leaf);
}

static bool bind_node(struct binder *binder, const struct event_node *node, const struct ArrowSchema *schema,
                      const struct ArrowArray *array, uint32_t depth) {
    ASSERT(depth < COLUMN_PARENTS);
    for (uint32_t i = 0; i < node->child_count; i++) {
        const struct event_node *child = &binder->class->nodes[node->first_child + i];
        binder->path[depth] = child;
        if (child->field >= 0) {
            if (!bind_field(binder, child, schema, array, depth + 1)) {
                return false;
            }
            continue;
        }
        const struct ArrowSchema *inner = NULL;
        const struct ArrowArray *inner_array = NULL;
        int64_t at = schema != NULL ? find_child(schema, child->name) : -1;
        if (at >= 0 && strcmp(schema->children[at]->format, "+s") == 0) {
            inner = schema->children[at];
            inner_array = array->children[at];
            binder->structs[depth] = inner_leaf(inner, inner_array, binder->arena, binder->error);
            if (binder->structs[depth] == NULL) {
                return false;
            }
        }
        if (!bind_node(binder, child, inner, inner_array, depth + 1)) {
            return false;
        }
    }
    return true;
}

static bool is_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch) {
    return strcmp(schema->format, "+s") == 0 && schema->n_children == batch->n_children;
}

bool columns_bind(const struct event_class *class, const struct ArrowSchema *schema, const struct ArrowArray *batch,
                  enum columns_form form, bool only_keys, struct arena *arena, struct columns *out,
                  struct error *error) {
    struct binder binder = {.class = class,
                            .schema = schema,
                            .batch = batch,
                            .arena = arena,
                            .error = error,
                            .text = form == COLUMNS_TEXT,
                            .hashed = form == COLUMNS_HASHED,
                            .only_keys = only_keys};
    ASSERT(class->node_count > 0);
    if (!is_batch(schema, batch) || batch->offset != 0) {
        return error_set(error, ERROR_INPUT, "not a record batch");
    }
    binder.fields = arena_alloc(arena, class->field_count * sizeof *binder.fields);
    if (binder.fields == NULL) {
        return error_set(error, ERROR_LIMIT, "too many columns");
    }
    memset(binder.fields, 0, class->field_count * sizeof *binder.fields);
    *out = (struct columns){.class = class, .fields = binder.fields, .length = batch->length};
    out->text = binder.text;
    out->hashed = binder.hashed;
    return bind_node(&binder, &class->nodes[0], schema, batch, 0);
}

bool columns_bind_json(const struct event_class *class, const struct ArrowSchema *schema,
                       const struct ArrowArray *batch, struct arena *arena, struct columns *out, struct error *error) {
    bool one = is_batch(schema, batch) && batch->offset == 0 && schema->n_children == 1;
    const struct leaf *leaf = inner_leaf(one ? schema->children[0] : NULL, one ? batch->children[0] : NULL, arena, error);
    if (leaf == NULL || !leaf_is_string(leaf->kind)) {
        return error_set(error, ERROR_INPUT, "not a batch of one column of strings");
    }
    *out = (struct columns){.class = class, .json = leaf, .length = batch->length};
    return true;
}
