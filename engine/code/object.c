/* Instances of the definition's classes (dataclasses, named tuples, exceptions), attributes by name, and isinstance().
 *
 * A dataclass's instance is an object; a named tuple's is a tuple that remembers its class (value.zone - 1). */
#include "load.h"

static const struct code_class *class_of_tuple(const struct run *run, const struct value *v) {
    if (v->tag != V_TUPLE || v->zone == 0 || run->code == NULL || v->zone > run->code->class_count)
        return NULL;
    return &run->code->classes[v->zone - 1];
}

bool object_make(struct run *run, uint32_t number, const struct value *fields, uint32_t count, struct value *out) {
    const struct code_class *class = &run->code->classes[number];
    if (count != class->field_count)
        return run_raise(run, EXCEPTION_TypeError, "%.*s() takes %u fields, %u are given", (int)class->name.len, class->name.p,
                         class->field_count, count);
    if (class->flags & CLASS_TUPLE) {
        struct value *items = run_items(run, count);
        if (items == NULL)
            return false;
        copy_bytes(items, fields, count * sizeof *items);
        *out = make_tuple(items, count);
        out->zone = (uint16_t)(number + 1);
        return true;
    }
    struct object *object = run_alloc(run, sizeof *object + count * sizeof *fields);
    if (object == NULL)
        return false;
    object->class = class;
    object->frozen = class->flags & CLASS_FROZEN;
    copy_bytes(object->fields, fields, count * sizeof *fields);
    *out = (struct value){.tag = V_OBJECT, .p = object};
    return true;
}

static int field_of(const struct code_class *class, const struct value *name) {
    for (uint32_t i = 0; i < class->field_count; i++)
        if (class->fields[i].len == name->len && memcmp(class->fields[i].p, name->p, name->len) == 0)
            return (int)i;
    return -1;
}

static bool lacks(struct run *run, const struct value *v, const struct value *name) {
    const char *class = v->tag == V_OBJECT ? ((const struct object *)v->p)->class->name.p : type_name(v);
    return run_raise(run, EXCEPTION_AttributeError, "'%s' object has no attribute '%.*s'", class, (int)name->len,
                     (const char *)name->p);
}

bool object_attribute(struct run *run, const struct value *b, const struct value *name, struct value *out) {
    if (name->tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "attribute name must be string");
    const struct code_class *class = b->tag == V_OBJECT ? ((const struct object *)b->p)->class : class_of_tuple(run, b);
    if (b->tag == V_EXCEPTION && name->len == 4 && memcmp(name->p, "args", 4) == 0) {
        *out = ((const struct raised *)b->p)->args;
        return true;
    }
    int at = class == NULL ? -1 : field_of(class, name);
    if (at < 0)
        return lacks(run, b, name);
    *out = b->tag == V_OBJECT ? ((const struct object *)b->p)->fields[at] : value_items(b)[at];
    return true;
}

bool object_store(struct run *run, const struct value *b, const struct value *name, const struct value *v) {
    if (b->tag != V_OBJECT || name->tag != V_STR)
        return lacks(run, b, name);
    struct object *object = (struct object *)(uintptr_t)b->p;
    int at = field_of(object->class, name);
    if (at < 0)
        return lacks(run, b, name);
    if (object->frozen)
        return run_raise(run, EXCEPTION_AttributeError, "cannot assign to field '%.*s'", (int)name->len, (const char *)name->p);
    object->fields[at] = *v;
    return true;
}

/* The fields as a tuple, whatever the class. */
static struct value fields_of(const struct value *v) {
    const struct object *object = v->p;
    return make_tuple(object->fields, object->class->field_count);
}

bool object_equal(struct run *run, const struct value *a, const struct value *b, bool *out) {
    const struct object *x = a->p, *y = b->p;
    *out = x == y;
    if (x->class != y->class || !(x->class->flags & CLASS_EQUAL) || x == y)
        return true;
    struct value p = fields_of(a), q = fields_of(b);
    return compare_equal(run, &p, &q, out);
}

bool object_order(struct run *run, enum opcode op, const struct value *a, const struct value *b, bool *out) {
    struct value p = fields_of(a), q = fields_of(b);
    return compare_order(run, op, &p, &q, out);
}

bool object_has_order(const struct value *a, const struct value *b) {
    const struct object *x = a->p, *y = b->p;
    return x->class == y->class && x->class->flags & CLASS_ORDERED;
}

bool object_text(struct run *run, const struct value *v, int depth, struct buf *out) {
    const struct code_class *class = v->tag == V_OBJECT ? ((const struct object *)v->p)->class : class_of_tuple(run, v);
    const struct value *fields = v->tag == V_OBJECT ? ((const struct object *)v->p)->fields : value_items(v);
    ASSERT(class != NULL);
    if (!(class->flags & CLASS_TEXT))
        return run_raise(run, EXCEPTION_TypeError, "the text of a %.*s is not available", (int)class->name.len, class->name.p);
    buf_str(out, class->name);
    buf_char(out, '(');
    for (uint32_t i = 0; i < class->field_count && !out->failed; i++) {
        if (i > 0)
            BUF_LITERAL(out, ", ");
        buf_str(out, class->fields[i]);
        buf_char(out, '=');
        if (!text_repr_of(run, &fields[i], depth + 1, out))
            return false;
    }
    buf_char(out, ')');
    return true;
}

bool object_is(const struct run *run, const struct value *v, uint32_t class) {
    if (v->tag == V_OBJECT)
        return ((const struct object *)v->p)->class->number == class;
    return v->tag == V_TUPLE && v->zone == class + 1;
}

bool is_named_tuple(const struct run *run, const struct value *v) { return class_of_tuple(run, v) != NULL; }

/* --- isinstance --- */

static uint32_t kinds_of(const struct value *v) {
    switch (v->tag) {
    case V_NONE: return 1u << KIND_NONE;
    case V_BOOL: return 1u << KIND_BOOL | 1u << KIND_INT;
    case V_INT:
    case V_BIGINT: return 1u << KIND_INT;
    case V_FLOAT: return 1u << KIND_FLOAT;
    case V_STR: return 1u << KIND_STR;
    case V_DATETIME: return 1u << KIND_DATETIME | 1u << KIND_DATE;
    case V_MOMENT: return 1u << KIND_DATETIME | 1u << KIND_DATE;
    case V_TIME: return 1u << KIND_TIME;
    case V_BYTES: return 1u << KIND_BYTES;
    case V_DATE: return 1u << KIND_DATE;
    case V_TIMEDELTA: return 1u << KIND_TIMEDELTA;
    case V_LIST: return 1u << KIND_LIST;
    case V_TUPLE: return 1u << KIND_TUPLE;
    case V_SET: return v->flags & SET_HASHABLE ? 1u << KIND_FROZENSET : 1u << KIND_SET;
    case V_DICT: return 1u << KIND_DICT;
    case V_RANGE: return 1u << KIND_RANGE;
    default: return 0;
    }
}

bool value_is_kind(const struct value *v, uint32_t kinds) { return (kinds_of(v) & kinds) != 0; }

bool builtin_type_name(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *v = &args[0];
    struct str name = str_of(type_name(v));
    const struct code_class *class = v->tag == V_OBJECT ? ((const struct object *)v->p)->class : class_of_tuple(run, v);
    if (class != NULL)
        name = class->name;
    if (v->tag == V_EXCEPTION)
        name = str_of(exception_name(run->code, ((const struct raised *)v->p)->class));
    for (size_t i = 0; i < name.len; i++)
        if (name.p[i] == '.') /* "datetime.date" without its module */
            name = (struct str){name.p + i + 1, name.len - i - 1};
    *out = value_str(name.p, name.len);
    return true;
}
