/* Dicts and sets that functions make: displays, methods and operators. Constants are read through the same methods; changing one is
 * a TypeError. */
#include "run.h"

bool make_dict(struct run *run, const struct value *pairs, uint32_t count, struct value *out) {
    struct table *table = table_new(run, true, count / 2);
    if (table == NULL)
        return false;
    for (uint32_t i = 0; i + 1 < count; i += 2)
        if (!table_set(run, table, &pairs[i], &pairs[i + 1]))
            return false;
    *out = (struct value){.tag = V_DICT, .p = table};
    return true;
}

bool make_set(struct run *run, const struct value *items, uint32_t count, struct value *out) {
    struct table *table = table_new(run, false, count);
    if (table == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!table_set(run, table, &items[i], NULL))
            return false;
    *out = (struct value){.tag = V_SET, .p = table};
    return true;
}

/* Adds every item of an iterable. */
static bool set_add_all(struct run *run, struct table *table, const struct value *iterable) {
    struct value iterator, next;
    int more;
    if (!sequence_iter(run, iterable, &iterator))
        return false;
    while ((more = sequence_next(run, &iterator, &next)) == 1)
        if (!run_charge(run, 1) || !table_set(run, table, &next, NULL))
            return false;
    return more == 0;
}

static bool set_of(struct run *run, const struct value *args, uint32_t count, uint8_t flags, struct value *out) {
    struct table *table;
    if (count == 1 && args[0].tag == V_SET)
        table = table_copy(run, args[0].p);
    else if ((table = table_new(run, false, 0)) != NULL && count == 1 && !set_add_all(run, table, &args[0]))
        return false;
    *out = (struct value){.tag = V_SET, .flags = flags, .p = table};
    return table != NULL;
}

bool builtin_set(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return set_of(run, args, count, 0, out);
}

bool builtin_frozenset(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return set_of(run, args, count, SET_HASHABLE, out);
}

bool builtin_len_set(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct ascii_set set = {{0}};
    if (args[0].tag != V_STR || !is_ascii(&args[0]))
        return builtin_set(run, args, count, out) && builtin_len(run, out, 1, out);
    for (size_t i = 0; i < args[0].len; i++)
        ascii_set_add(&set, ((const unsigned char *)args[0].p)[i]);
    uint64_t halves[2];
    memcpy(halves, set.nibbles, sizeof halves);
    *out = value_int(__builtin_popcountll(halves[0]) + __builtin_popcountll(halves[1]));
    return run_charge(run, args[0].len);
}

/* --- dict(...) and update --- */

static bool update_from_table(struct run *run, struct table *table, const struct table *from) {
    for (uint32_t i = 0; table_next(from, &i); i++)
        if (!run_charge(run, 1) || !table_set(run, table, &from->keys[i], &from->values[i]))
            return false;
    return true;
}

static bool update_from(struct run *run, struct table *table, const struct value *source) {
    struct value iterator, next, pair[2];
    int more;
    if (source->tag == V_DICT)
        return update_from_table(run, table, source->p);
    if (!sequence_iter(run, source, &iterator))
        return false;
    for (uint32_t at = 0; (more = sequence_next(run, &iterator, &next)) == 1; at++) {
        const struct value *items;
        uint32_t len;
        if (!run_charge(run, 1))
            return false;
        if (next.tag != V_STR && next.tag != V_LIST && next.tag != V_TUPLE)
            return run_raise(run, EXCEPTION_TypeError, "cannot convert dictionary update sequence element #%u to a sequence", at);
        if (!sequence_items(run, &next, &items, &len))
            return false;
        if (len != 2)
            return run_raise(run, EXCEPTION_ValueError, "dictionary update sequence element #%u has length %u; 2 is required", at, len);
        pair[0] = items[0];
        pair[1] = items[1];
        if (!table_set(run, table, &pair[0], &pair[1]))
            return false;
    }
    return more == 0;
}

bool builtin_dict(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct table *table = table_new(run, true, 0);
    if (table == NULL || (count == 1 && !update_from(run, table, &args[0])))
        return false;
    *out = (struct value){.tag = V_DICT, .p = table};
    return true;
}

static struct table *dict_owner(struct run *run, const struct value *v, const char *method) {
    if (v->tag == V_DICT)
        return table_owner(run, v);
    no_attribute(run, v, method);
    return NULL;
}

static bool is_table(const struct value *v) { return v->tag == V_DICT || v->tag == V_SET; }

static bool add_count(struct run *run, struct table *table, const struct value *key, const struct value *count) {
    uint32_t entry;
    struct value sum = *count;
    if (!run_charge(run, 1) || !table_find(run, table, key, &entry))
        return false;
    if (entry != TABLE_NONE && !arithmetic_add(run, &table->values[entry], count, &sum))
        return false;
    return table_set(run, table, key, &sum);
}

static bool count_all(struct run *run, struct table *table, const struct value *source) {
    struct value iterator, next, one = value_int(1);
    int more;
    if (!sequence_iter(run, source, &iterator))
        return false;
    while ((more = sequence_next(run, &iterator, &next)) == 1)
        if (!add_count(run, table, &next, &one))
            return false;
    return more == 0;
}

/* Counter.update adds the counts. */
static bool counter_update(struct run *run, struct table *table, const struct value *source) {
    if (source->tag != V_DICT)
        return count_all(run, table, source);
    const struct table *from = source->p;
    for (uint32_t i = 0; table_next(from, &i); i++)
        if (!add_count(run, table, &from->keys[i], &from->values[i]))
            return false;
    return true;
}

bool builtin_method_update(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    *out = value_none(MISSING_NOT);
    if (!is_table(&args[0]) || args[0].flags & SET_HASHABLE)
        return no_attribute(run, &args[0], "update");
    struct table *table = table_owner(run, &args[0]);
    if (table == NULL)
        return false;
    for (uint32_t i = 1; i < count; i++) {
        if (args[0].tag == V_DICT && i > 1)
            return run_raise(run, EXCEPTION_TypeError, "update expected at most 1 argument, got %u", count - 1);
        if (args[i].p == table && is_table(&args[i]) && table->missing != MISSING_ZERO)
            continue;
        if (args[0].tag == V_DICT && table->missing == MISSING_ZERO) {
            if (!counter_update(run, table, &args[i]))
                return false;
            continue;
        }
        if (args[0].tag == V_DICT ? !update_from(run, table, &args[i]) : !set_add_all(run, table, &args[i]))
            return false;
    }
    return true;
}

bool builtin_method_setdefault(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct table *table = dict_owner(run, &args[0], "setdefault");
    struct value value = count > 2 ? args[2] : value_none(MISSING_NOT);
    uint32_t entry;
    if (table == NULL || !table_find(run, table, &args[1], &entry))
        return false;
    if (entry != TABLE_NONE)
        value = table->values[entry];
    else if (!table_set(run, table, &args[1], &value))
        return false;
    *out = value;
    return true;
}

bool builtin_method_pop(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_LIST)
        return list_pop(run, args, count, out);
    if (args[0].tag == V_SET)
        return run_raise(run, EXCEPTION_TypeError, "which item pop() of a set gives depends on its order");
    struct table *table = dict_owner(run, &args[0], "pop");
    uint32_t entry;
    if (table == NULL)
        return false;
    if (count < 2)
        return run_raise(run, EXCEPTION_TypeError, "pop expected at least 1 argument, got 0");
    if (!table_find(run, table, &args[1], &entry))
        return false;
    if (entry == TABLE_NONE && count < 3)
        return raise_key(run, &args[1]);
    *out = entry == TABLE_NONE ? args[2] : table->values[entry];
    if (entry != TABLE_NONE)
        table_remove(table, entry);
    return true;
}

bool builtin_method_popitem(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct table *table = dict_owner(run, &args[0], "popitem");
    if (table == NULL)
        return false;
    if (table->count == 0)
        return run_raise(run, EXCEPTION_KeyError, "'popitem(): dictionary is empty'");
    uint32_t at = table->used - 1;
    while (table->keys[at].tag == V_HOLE)
        at--;
    struct value *pair = run_items(run, 2);
    if (pair == NULL || !run_charge(run, table->used - at))
        return false;
    pair[0] = table->keys[at];
    pair[1] = table->values[at];
    table_remove(table, at);
    *out = make_tuple(pair, 2);
    return true;
}

bool builtin_method_clear(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    *out = value_none(MISSING_NOT);
    if (args[0].tag == V_LIST)
        return list_clear(run, &args[0]);
    if (!is_table(&args[0]) || args[0].flags & SET_HASHABLE)
        return no_attribute(run, &args[0], "clear");
    struct table *table = table_owner(run, &args[0]);
    if (table != NULL)
        table_clear(table);
    return table != NULL;
}

bool builtin_method_copy(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag == V_LIST) {
        struct value items = bare(&args[0]);
        struct value *copy = run_items(run, items.len);
        if (copy == NULL)
            return false;
        copy_bytes(copy, items.p, items.len * sizeof *copy);
        *out = make_list(copy, items.len);
        return true;
    }
    if (!is_table(&args[0]))
        return no_attribute(run, &args[0], "copy");
    struct table *table = table_copy(run, args[0].p);
    *out = (struct value){.tag = args[0].tag, .flags = args[0].flags, .p = table};
    return table != NULL;
}

/* --- sets --- */

static struct table *set_owner(struct run *run, const struct value *v, const char *method) {
    if (v->tag == V_SET && !(v->flags & SET_HASHABLE))
        return table_owner(run, v);
    no_attribute(run, v, method);
    return NULL;
}

bool builtin_method_add(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct table *table = set_owner(run, &args[0], "add");
    *out = value_none(MISSING_NOT);
    return table != NULL && table_set(run, table, &args[1], NULL);
}

static bool set_discard(struct run *run, const struct value *args, bool must, const char *method) {
    struct table *table = set_owner(run, &args[0], method);
    uint32_t entry;
    if (table == NULL || !table_find(run, table, &args[1], &entry))
        return false;
    if (entry != TABLE_NONE)
        table_remove(table, entry);
    return entry != TABLE_NONE || !must || raise_key(run, &args[1]);
}

bool builtin_method_discard(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    *out = value_none(MISSING_NOT);
    return set_discard(run, args, false, "discard");
}

bool builtin_method_remove(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    *out = value_none(MISSING_NOT);
    return args[0].tag == V_LIST ? list_remove(run, args) : set_discard(run, args, true, "remove");
}

/* Any iterable as a table of its items. */
static const struct table *as_table(struct run *run, const struct value *v) {
    if (v->tag == V_SET || v->tag == V_DICT || (v->tag == V_VIEW && v->flags == VIEW_KEYS))
        return v->p;
    struct table *table = table_new(run, false, 0);
    return table != NULL && set_add_all(run, table, v) ? table : NULL;
}

/* Entries of a that are in b, or are not. */
static bool keep(struct run *run, struct table *to, const struct table *a, const struct table *b, bool in) {
    for (uint32_t i = 0; table_next(a, &i); i++) {
        uint32_t entry;
        if (!run_charge(run, 1) || !table_find(run, b, &a->keys[i], &entry))
            return false;
        if ((entry != TABLE_NONE) == in && !table_set(run, to, &a->keys[i], NULL))
            return false;
    }
    return true;
}

static bool combine(struct run *run, enum opcode op, const struct table *a, const struct table *b, struct table *to) {
    switch (op) {
    case OP_BIT_OR: {
        const struct table *both[2] = {a, b};
        for (int side = 0; side < 2; side++)
            for (uint32_t i = 0; table_next(both[side], &i); i++)
                if (!run_charge(run, 1) || !table_set(run, to, &both[side]->keys[i], NULL))
                    return false;
        return true;
    }
    case OP_BIT_AND: /* CPython takes the items of the smaller side, of the right one where they are as long */
        return b->count > a->count ? keep(run, to, a, b, true) : keep(run, to, b, a, true);
    case OP_SUB: return keep(run, to, a, b, false);
    default: return keep(run, to, a, b, false) && keep(run, to, b, a, false);
    }
}

static bool is_set_like(const struct value *v) { return v->tag == V_SET || (v->tag == V_VIEW && v->flags != VIEW_VALUES); }

enum times_result table_operator(struct run *run, enum opcode op, const struct value *b, const struct value *c, struct value *out) {
    if (op == OP_BIT_OR && b->tag == V_DICT && c->tag == V_DICT) {
        struct table *table = table_copy(run, b->p);
        if (table == NULL || !update_from_table(run, table, c->p))
            return TIMES_RAISED;
        *out = (struct value){.tag = V_DICT, .p = table};
        return TIMES_DONE;
    }
    if (!is_set_like(b) || !is_set_like(c))
        return TIMES_NOT;
    struct table *to = table_new(run, false, 0);
    const struct table *x = as_table(run, b), *y = as_table(run, c);
    if (to == NULL || x == NULL || y == NULL || !combine(run, op, x, y, to))
        return TIMES_RAISED;
    *out = (struct value){.tag = V_SET, .flags = b->tag == V_SET ? b->flags : 0, .p = to};
    return TIMES_DONE;
}

static bool set_method(struct run *run, enum opcode op, const char *name, const struct value *args, uint32_t count,
                       struct value *out) {
    if (args[0].tag != V_SET)
        return no_attribute(run, &args[0], name);
    struct table *result = table_copy(run, args[0].p);
    for (uint32_t i = 1; i < count && result != NULL; i++) {
        const struct table *other = as_table(run, &args[i]);
        struct table *to = other == NULL ? NULL : table_new(run, false, 0);
        if (to == NULL || !combine(run, op, result, other, to))
            return false;
        result = to;
    }
    *out = (struct value){.tag = V_SET, .flags = args[0].flags, .p = result};
    return result != NULL;
}

bool builtin_method_union(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return set_method(run, OP_BIT_OR, "union", args, count, out);
}
bool builtin_method_intersection(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return set_method(run, OP_BIT_AND, "intersection", args, count, out);
}
bool builtin_method_difference(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return set_method(run, OP_SUB, "difference", args, count, out);
}
bool builtin_method_symmetric_difference(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return set_method(run, OP_BIT_XOR, "symmetric_difference", args, count, out);
}

static bool set_test(struct run *run, const char *name, const struct value *args, int which, struct value *out) {
    if (args[0].tag != V_SET)
        return no_attribute(run, &args[0], name);
    const struct table *a = args[0].p, *b = as_table(run, &args[1]);
    bool yes;
    if (b == NULL || !table_subset(run, which > 0 ? b : a, which > 0 ? a : b, &yes))
        return false;
    *out = value_bool(yes);
    return true;
}

bool builtin_method_issubset(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return set_test(run, "issubset", args, 0, out);
}
bool builtin_method_issuperset(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return set_test(run, "issuperset", args, 1, out);
}

bool builtin_method_isdisjoint(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag != V_SET && args[0].tag != V_VIEW)
        return no_attribute(run, &args[0], "isdisjoint");
    const struct table *a = as_table(run, &args[0]), *b = a == NULL ? NULL : as_table(run, &args[1]);
    if (b == NULL)
        return false;
    bool found = false;
    for (uint32_t i = 0; !found && table_next(a, &i); i++) {
        uint32_t entry;
        if (!run_charge(run, 1) || !table_find(run, b, &a->keys[i], &entry))
            return false;
        found = entry != TABLE_NONE;
    }
    *out = value_bool(!found);
    return true;
}

/* dict.fromkeys(iterable, value) */
bool builtin_dict_fromkeys(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct value iterator, next, value = count > 1 ? args[1] : value_none(MISSING_NOT);
    struct table *table = table_new(run, true, 0);
    int more;
    if (table == NULL || !sequence_iter(run, &args[0], &iterator))
        return false;
    while ((more = sequence_next(run, &iterator, &next)) == 1)
        if (!run_charge(run, 1) || !table_set(run, table, &next, &value))
            return false;
    *out = (struct value){.tag = V_DICT, .p = table};
    return more == 0;
}

/* defaultdict(factory, source): what a missing key gets (0: the constant args[1]; 1 to 3: a new list, dict or set;
 * 4: a copy of args[1], a list, set or dict, which may be a defaultdict itself). */
bool builtin_defaultdict(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct table *table = table_new(run, true, 0);
    if (table == NULL || (count == 3 && !update_from(run, table, &args[2])))
        return false;
    if (args[0].tag != V_INT || args[0].i < 0 || args[0].i > MISSING_COPY - MISSING_FALLBACK)
        return run_raise(run, EXCEPTION_TypeError, "first argument must be callable or None");
    if (args[0].i == MISSING_COPY - MISSING_FALLBACK && !is_table(&args[1]) && args[1].tag != V_LIST)
        return run_raise(run, EXCEPTION_TypeError, "a copy of what is no list, set or dict");
    table->missing = MISSING_FALLBACK + (enum table_missing)args[0].i;
    table->fallback = args[1];
    *out = (struct value){.tag = V_DICT, .p = table};
    return true;
}

bool builtin_Counter(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct table *table = table_new(run, true, 0);
    if (table == NULL)
        return false;
    if (args[0].tag == V_DICT ? !update_from_table(run, table, args[0].p) : !count_all(run, table, &args[0]))
        return false;
    table->missing = MISSING_ZERO;
    *out = (struct value){.tag = V_DICT, .p = table};
    return true;
}

/* a op= b where a may be something that changes: a list (+=), a set (|= &= -= ^=), a dict (|=). */
bool builtin_inplace(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct value a = args[0], none, pair[2] = {args[0], args[1]};
    if (args[2].tag != V_INT)
        return run_raise(run, EXCEPTION_TypeError, "no operator");
    enum opcode op = (enum opcode)args[2].i;
    if (op == OP_ADD && a.tag == V_LIST) {
        *out = a;
        return builtin_method_extend(run, pair, 2, &none);
    }
    bool changes = (a.tag == V_SET && !(a.flags & SET_HASHABLE) && is_set_like(&args[1])) ||
                   (a.tag == V_DICT && op == OP_BIT_OR);
    if (changes && (op == OP_BIT_OR || op == OP_BIT_AND || op == OP_SUB || op == OP_BIT_XOR)) {
        struct table *table = table_owner(run, &a);
        if (table == NULL)
            return false;
        if (a.tag == V_DICT || op == OP_BIT_OR) {
            *out = a;
            return builtin_method_update(run, pair, 2, &none);
        }
        struct value made;
        if (table_operator(run, op, &a, &args[1], &made) != TIMES_DONE)
            return false;
        *table = *(const struct table *)made.p;
        *out = a;
        return true;
    }
    switch (op) {
    case OP_ADD: return arithmetic_add(run, &pair[0], &pair[1], out);
    case OP_SUB: return arithmetic_sub(run, &pair[0], &pair[1], out);
    case OP_BIT_AND:
    case OP_BIT_OR:
    case OP_BIT_XOR: return arithmetic_bits(run, op, &pair[0], &pair[1], out);
    default: return run_raise(run, EXCEPTION_TypeError, "no operator");
    }
}
