/* Truth, equality, order and membership with Python's meaning.
 *
 * Exact between ints and floats of any size. A NaN equals nothing, itself included: Python's containers find the same NaN
 * object by identity, and cells have none. */
#include <math.h>

#include "big.h"
#include "moment.h"
#include "bytes.h"

bool truth(const struct value *v) {
    switch (v->tag) {
    case V_NONE: return false;
    case V_BOOL:
    case V_INT:
    case V_TIMEDELTA: return v->i != 0;
    case V_FLOAT: return v->f != 0;
    case V_STR:
    case V_BYTES:
    case V_TUPLE: return v->len != 0;
    case V_LIST: return bare(v).len != 0;
    case V_SET:
    case V_DICT:
    case V_VIEW: return ((const struct table *)v->p)->count != 0;
    case V_RANGE: return ((const struct range *)v->p)->len != 0;
    default: return true; /* datetimes, dates, bigints, iterators, secrets */
    }
}

static int sign_of(const struct value *v) {
    if (v->tag == V_FLOAT)
        return (v->f > 0) - (v->f < 0);
    if (v->tag == V_BIGINT)
        return v->flags & BIG_NEGATIVE ? -1 : 1;
    return (v->i > 0) - (v->i < 0);
}

static int compare_int_float(const struct value *i, double f) {
    if (isnan(f))
        return 2;
    if (is_int64(i) && i->i >= -(1ll << 53) && i->i <= 1ll << 53) {
        double exact = (double)i->i;
        return (exact > f) - (exact < f);
    }
    struct value other = value_float(f);
    int sign = sign_of(i), other_sign = sign_of(&other);
    if (sign != other_sign)
        return sign < other_sign ? -1 : 1;
    if (isinf(f))
        return f > 0 ? -1 : 1;
    struct big x, y;
    big_load(&x, i);
    big_from_double(&y, f);
    int order = big_compare(&x, &y);
    if (order != 0)
        return order;
    double fraction = f - trunc(f);
    return (fraction < 0) - (fraction > 0);
}

int compare_numbers(const struct value *a, const struct value *b) {
    ASSERT(is_number(a) && is_number(b));
    if (is_int64(a) && is_int64(b))
        return (a->i > b->i) - (a->i < b->i);
    if (a->tag == V_FLOAT && b->tag == V_FLOAT)
        return isnan(a->f) || isnan(b->f) ? 2 : (a->f > b->f) - (a->f < b->f);
    if (b->tag == V_FLOAT)
        return compare_int_float(a, b->f);
    if (a->tag == V_FLOAT) {
        int order = compare_int_float(b, a->f);
        return order == 2 ? 2 : -order;
    }
    struct big x, y;
    big_load(&x, a);
    big_load(&y, b);
    return big_compare(&x, &y);
}

static bool too_deep(struct run *run) {
    return run_raise(run, EXCEPTION_RecursionError, "maximum recursion depth exceeded in comparison");
}

static bool equal(struct run *run, const struct value *a, const struct value *b, int depth, bool *out);

static bool items_equal(struct run *run, const struct value *v, const struct value *w, int depth, bool *out) {
    const struct value a = bare(v), b = bare(w);
    *out = a.len == b.len;
    if (depth >= DEPTH_MAX)
        return too_deep(run);
    for (uint32_t i = 0; i < a.len && *out; i++)
        if (!equal(run, &value_items(&a)[i], &value_items(&b)[i], depth + 1, out))
            return false;
    return true;
}

static bool ranges_equal(const struct range *a, const struct range *b) {
    if (a->len != b->len)
        return false;
    return a->len == 0 || (a->start == b->start && (a->len == 1 || a->step == b->step));
}

static bool in_view(struct run *run, const struct value *item, const struct value *view, bool *out);

/* keys() and items() are sets; values() is only itself. */
static bool views_equal(struct run *run, const struct value *a, const struct value *b, bool *out) {
    const struct table *x = a->p, *y = b->p;
    *out = false;
    if (a->flags != b->flags || a->flags == VIEW_VALUES || x->count != y->count) {
        *out = compare_same(a, b) && a->flags != VIEW_VALUES;
        return true;
    }
    *out = true;
    for (uint32_t i = 0; *out && table_next(x, &i); i++) {
        struct value pair[2] = {x->keys[i], x->values[i]}, item = make_tuple(pair, 2);
        if (!in_view(run, a->flags == VIEW_KEYS ? &pair[0] : &item, b, out))
            return false;
    }
    return true;
}

/* What compares its parts by compare_equal: that one goes on counting the depth from here, since a dict or an object may hold
 * itself. */
static bool parts_equal(struct run *run, const struct value *a, const struct value *b, int depth, bool *out) {
    if (depth >= DEPTH_MAX)
        return too_deep(run);
    uint32_t outer = run->nested;
    run->nested = (uint32_t)depth + 1;
    bool ok = a->tag == V_OBJECT ? object_equal(run, a, b, out)
              : a->tag == V_VIEW ? views_equal(run, a, b, out)
                                 : table_equal(run, a->p, b->p, out);
    run->nested = outer;
    return ok;
}

static bool equal(struct run *run, const struct value *a, const struct value *b, int depth, bool *out) {
    if (!run_charge(run, 1))
        return false;
    if (is_number(a) && is_number(b)) {
        *out = compare_numbers(a, b) == 0;
        return true;
    }
    *out = false;
    if (is_datetime(a) && is_datetime(b) && a->tag + b->tag != 2 * V_DATETIME) {
        *out = moment_equal(a, b);
        return true;
    }
    if (a->tag != b->tag)
        return true;
    switch (a->tag) {
    case V_TIME:
    case V_ZONE: *out = moment_equal(a, b); return true;
    case V_LIST:
    case V_TUPLE: return items_equal(run, a, b, depth, out);
    case V_SET:
    case V_DICT:
    case V_VIEW:
    case V_OBJECT: return parts_equal(run, a, b, depth, out);
    case V_RANGE: *out = ranges_equal(a->p, b->p); return true;
    case V_ITERATOR:
    case V_EXCEPTION: *out = compare_same(a, b); return true;
    case V_STR:
    case V_BYTES:
        *out = equal_texts(a, b);
        return run_charge(run, a->len / 64);
    default: *out = value_equal(a, b); return true;
    }
}

bool compare_equal(struct run *run, const struct value *a, const struct value *b, bool *out) {
    return equal(run, a, b, (int)run->nested, out);
}

bool compare_same(const struct value *a, const struct value *b) {
    if (a->tag != b->tag)
        return false;
    switch (a->tag) {
    case V_NONE: return true;
    case V_BOOL:
    case V_INT:
    case V_FLOAT: /* by bits, as for the same object */
    case V_DATETIME:
    case V_DATE:
    case V_TIMEDELTA: return a->i == b->i;
    case V_ZONE: return zone_same(a->p, b->p);
    default: return a->p == b->p && a->len == b->len && (a->tag != V_VIEW || a->flags == b->flags);
    }
}

static bool by_order(enum opcode op, int order) {
    switch (op) {
    case OP_LT: return order == -1;
    case OP_LE: return order == -1 || order == 0;
    case OP_GT: return order == 1;
    case OP_GE: return order == 0 || order == 1;
    default: UNREACHABLE();
    }
}

static bool not_ordered(struct run *run, enum opcode op, const struct value *a, const struct value *b) {
    static const char *const names[] = {"<", "<=", ">", ">="};
    return run_raise(run, EXCEPTION_TypeError, "'%s' not supported between instances of '%s' and '%s'", names[op - OP_LT],
                     type_name(a), type_name(b));
}

static bool sets_ordered(struct run *run, enum opcode op, const struct value *a, const struct value *b, bool *out) {
    if (op == OP_GT || op == OP_GE) {
        const struct value *swap = a;
        a = b;
        b = swap;
    }
    const struct table *x = a->p, *y = b->p;
    *out = op == OP_LT || op == OP_GT ? x->count < y->count : x->count <= y->count;
    return !*out || table_subset(run, x, y, out);
}

static bool ordered(struct run *run, enum opcode op, const struct value *a, const struct value *b, int depth, bool *out);

static bool items_ordered(struct run *run, enum opcode op, const struct value *v, const struct value *w, int depth, bool *out) {
    if (depth >= DEPTH_MAX)
        return too_deep(run);
    const struct value a = bare(v), b = bare(w);
    uint32_t len = a.len < b.len ? a.len : b.len;
    for (uint32_t i = 0; i < len; i++) {
        bool same;
        if (!equal(run, &value_items(&a)[i], &value_items(&b)[i], depth + 1, &same))
            return false;
        if (!same)
            return ordered(run, op, &value_items(&a)[i], &value_items(&b)[i], depth + 1, out);
    }
    *out = by_order(op, (a.len > b.len) - (a.len < b.len));
    return true;
}

static bool objects_ordered(struct run *run, enum opcode op, const struct value *a, const struct value *b, int depth, bool *out) {
    if (!object_has_order(a, b))
        return not_ordered(run, op, a, b);
    if (depth >= DEPTH_MAX)
        return too_deep(run);
    uint32_t outer = run->nested;
    run->nested = (uint32_t)depth + 1;
    bool ok = object_order(run, op, a, b, out);
    run->nested = outer;
    return ok;
}

static bool texts_ordered(struct run *run, enum opcode op, const struct value *a, const struct value *b, bool *out) {
    uint32_t len = a->len < b->len ? a->len : b->len;
    int order = len == 0 ? 0 : memcmp(a->p, b->p, len); /* UTF-8's byte order is the code points' */
    if (order == 0)
        order = (a->len > b->len) - (a->len < b->len);
    *out = by_order(op, (order > 0) - (order < 0));
    return run_charge(run, len / 64);
}

static bool ordered(struct run *run, enum opcode op, const struct value *a, const struct value *b, int depth, bool *out) {
    if (!run_charge(run, 1))
        return false;
    if (is_number(a) && is_number(b)) {
        *out = by_order(op, compare_numbers(a, b));
        return true;
    }
    if ((is_datetime(a) && is_datetime(b)) || (a->tag == V_TIME && b->tag == V_TIME)) {
        int order = (a->i > b->i) - (a->i < b->i);
        if (a->tag + b->tag != 2 * V_DATETIME && !moment_order(run, a, b, &order))
            return false;
        *out = by_order(op, order);
        return true;
    }
    if (a->tag != b->tag)
        return not_ordered(run, op, a, b);
    switch (a->tag) {
    case V_STR:
    case V_BYTES: return texts_ordered(run, op, a, b, out);
    case V_DATE:
    case V_TIMEDELTA: *out = by_order(op, (a->i > b->i) - (a->i < b->i)); return true;
    case V_LIST:
    case V_TUPLE: return items_ordered(run, op, a, b, depth, out);
    case V_SET: return sets_ordered(run, op, a, b, out);
    case V_OBJECT: return objects_ordered(run, op, a, b, depth, out);
    default: return not_ordered(run, op, a, b);
    }
}

bool compare_order(struct run *run, enum opcode op, const struct value *a, const struct value *b, bool *out) {
    ASSERT(op >= OP_LT && op <= OP_GE);
    return ordered(run, op, a, b, (int)run->nested, out);
}

static bool in_view(struct run *run, const struct value *item, const struct value *view, bool *out) {
    const struct table *table = view->p;
    *out = false;
    uint32_t at;
    if (view->flags == VIEW_KEYS) {
        bool ok = table_find(run, table, item, &at);
        *out = ok && at != TABLE_NONE;
        return ok;
    }
    if (view->flags == VIEW_ITEMS) {
        if (item->tag != V_TUPLE || item->len != 2)
            return true;
        const struct value *pair = value_items(item);
        if (!table_find(run, table, &pair[0], &at))
            return false;
        return at == TABLE_NONE || compare_equal(run, &pair[1], &table->values[at], out);
    }
    for (uint32_t i = 0; !*out && table_next(table, &i); i++)
        if (!compare_equal(run, &table->values[i], item, out))
            return false;
    return true;
}

bool compare_in_other(struct run *run, const struct value *item, const struct value *container, bool *out) {
    uint64_t place;
    *out = false;
    switch (container->tag) {
    case V_STR:
        return run_raise(run, EXCEPTION_TypeError, "'in <string>' requires string as left operand, not %s", type_name(item));
    case V_BYTES: return bytes_in(run, item, container, out);
    case V_LIST:
    case V_TUPLE: {
        const struct value all = bare(container);
        for (uint32_t i = 0; i < all.len && !*out; i++)
            if (!compare_equal(run, &value_items(&all)[i], item, out))
                return false;
        return true;
    }
    case V_RANGE:
        *out = range_find(container->p, item, &place);
        return true;
    case V_VIEW: return in_view(run, item, container, out);
    case V_ITERATOR: {
        struct value next;
        int more;
        while (!*out && (more = sequence_next(run, container, &next)) != 0)
            if (more < 0 || !run_charge(run, 1) || !compare_equal(run, &next, item, out))
                return false;
        return true;
    }
    default:
        return run_raise(run, EXCEPTION_TypeError, "argument of type '%s' is not iterable", type_name(container));
    }
}
