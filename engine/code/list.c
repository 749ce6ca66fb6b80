/* Lists that change: their methods, b[c] = v and del b[c].
 *
 * A list that a function made has an owner (struct list), so that every name of it sees a change. The lists of fields and
 * constants have none: changing one would change what other functions see, and is a TypeError that says so. */
#include "run.h"

bool list_own(struct run *run, const struct value *items, uint32_t len, struct value *out) {
    struct list *list = arena_alloc(run->arena, sizeof *list);
    if (list == NULL)
        return run_raise(run, EXCEPTION_LimitError, "the memory of a request is used up");
    *list = (struct list){(struct value *)(uintptr_t)items, len, 0};
    *out = (struct value){.tag = V_LIST, .flags = LIST_OWNED, .p = list};
    return true;
}

static struct list *owner(struct run *run, const struct value *v, const char *method) {
    if (v->tag != V_LIST) {
        no_attribute(run, v, method);
        return NULL;
    }
    if (!(v->flags & LIST_OWNED)) {
        run_raise(run, EXCEPTION_TypeError, "this list belongs to the event or to a constant: change a copy, list(...)");
        return NULL;
    }
    return (struct list *)(uintptr_t)v->p;
}

/* Room for `len` items that are the list's own. */
static bool make_room(struct run *run, struct list *list, uint64_t len) {
    if (len <= list->room)
        return true;
    uint64_t room = 4;
    while (room < len)
        room *= 2;
    struct value *items = run_items(run, room);
    if (items == NULL)
        return false;
    copy_bytes(items, list->items, list->len * sizeof *items);
    list->items = items;
    list->room = (uint32_t)room;
    return true;
}

/* Makes `removed` items at `at` into `added` ones, whose places are not filled. */
static bool splice(struct run *run, struct list *list, uint32_t at, uint32_t removed, uint32_t added) {
    ASSERT(at + removed <= list->len);
    uint64_t len = (uint64_t)list->len - removed + added;
    uint32_t rest = list->len - at - removed;
    if (!make_room(run, list, len > list->len ? len : list->len) || !run_charge(run, rest / 4))
        return false;
    if (rest > 0)
        memmove(&list->items[at + added], &list->items[at + removed], rest * sizeof *list->items);
    list->len = (uint32_t)len;
    return true;
}

bool list_append(struct run *run, const struct value *v, const struct value *item) {
    struct list *list = owner(run, v, "append");
    if (list == NULL || !make_room(run, list, list->len + 1ull))
        return false;
    list->items[list->len++] = *item;
    return true;
}

bool builtin_method_append(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    *out = value_none(MISSING_NOT);
    struct value item = args[1];
    return list_append(run, &args[0], &item);
}

bool builtin_method_extend(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct list *list = owner(run, &args[0], "extend");
    const struct value *items;
    uint32_t added, len;
    if (list == NULL || !sequence_items(run, &args[1], &items, &added))
        return false;
    len = list->len;
    if (!make_room(run, list, (uint64_t)len + added))
        return false;
    if (items == NULL || added == 0)
        added = 0;
    copy_bytes(&list->items[len], items, added * sizeof *items);
    list->len = len + added;
    *out = value_none(MISSING_NOT);
    return true;
}

static bool index_argument(struct run *run, const struct value *v, int64_t *out) {
    if (!is_int(v))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(v));
    return sequence_int(run, v, "list indices", out);
}

bool builtin_method_insert(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct list *list = owner(run, &args[0], "insert");
    int64_t at;
    struct value item = args[2];
    if (list == NULL || !index_argument(run, &args[1], &at))
        return false;
    if (at < 0)
        at = at + list->len < 0 ? 0 : at + list->len;
    if (at > list->len)
        at = list->len;
    if (!splice(run, list, (uint32_t)at, 0, 1))
        return false;
    list->items[at] = item;
    *out = value_none(MISSING_NOT);
    return true;
}

static bool place(struct run *run, const struct list *list, int64_t *at, const char *what) {
    if (*at < 0)
        *at += list->len;
    return (*at >= 0 && *at < list->len) || run_raise(run, EXCEPTION_IndexError, "%s index out of range", what);
}

bool list_pop(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct list *list = owner(run, &args[0], "pop");
    int64_t at = -1;
    if (list == NULL || (count > 1 && !index_argument(run, &args[1], &at)))
        return false;
    if (list->len == 0)
        return run_raise(run, EXCEPTION_IndexError, "pop from empty list");
    if (!place(run, list, &at, "pop"))
        return false;
    *out = list->items[at];
    return splice(run, list, (uint32_t)at, 1, 0);
}

bool list_remove(struct run *run, const struct value *args) {
    struct list *list = owner(run, &args[0], "remove");
    if (list == NULL)
        return false;
    for (uint32_t i = 0; i < list->len; i++) {
        bool same;
        if (!compare_equal(run, &list->items[i], &args[1], &same))
            return false;
        if (same)
            return splice(run, list, i, 1, 0);
    }
    return run_raise(run, EXCEPTION_ValueError, "list.remove(x): x not in list");
}

bool list_clear(struct run *run, const struct value *v) {
    struct list *list = owner(run, v, "clear");
    if (list == NULL)
        return false;
    list->len = 0;
    return true;
}

bool builtin_method_reverse(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct list *list = owner(run, &args[0], "reverse");
    if (list == NULL || !make_room(run, list, list->len) || !run_charge(run, list->len / 4))
        return false;
    if (list->room == 0 && !make_room(run, list, 1))
        return false;
    for (uint32_t i = 0, j = list->len; i + 1 < j; i++) {
        struct value swap = list->items[i];
        list->items[i] = list->items[--j];
        list->items[j] = swap;
    }
    *out = value_none(MISSING_NOT);
    return true;
}

/* list.sort(): args are the list, the sorted one that takes its place. */
bool builtin_list_replace(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct list *list = owner(run, &args[0], "sort");
    struct value sorted = bare(&args[1]);
    if (list == NULL)
        return false;
    *list = (struct list){(struct value *)(uintptr_t)sorted.p, sorted.len, 0};
    *out = value_none(MISSING_NOT);
    return true;
}

/* --- b[c] = v, del b[c] --- */

static bool list_store(struct run *run, const struct value *b, const struct value *c, const struct value *v) {
    struct list *list = owner(run, b, "__setitem__");
    int64_t at;
    if (list == NULL || !sequence_int(run, c, "list indices", &at) || !place(run, list, &at, "list assignment"))
        return false;
    if (list->room == 0 && !make_room(run, list, list->len))
        return false;
    list->items[at] = *v;
    return true;
}

struct table *table_owner(struct run *run, const struct value *v) {
    struct table *table = (struct table *)(uintptr_t)v->p;
    if (table->room > 0)
        return table;
    run_raise(run, EXCEPTION_TypeError, "this %s is a constant: change a copy, %s(...)", type_name(v), type_name(v));
    return NULL;
}

bool store_item(struct run *run, const struct value *b, const struct value *c, const struct value *v) {
    struct table *table;
    switch (b->tag) {
    case V_LIST: return list_store(run, b, c, v);
    case V_DICT: return (table = table_owner(run, b)) != NULL && table_set(run, table, c, v);
    default: return run_raise(run, EXCEPTION_TypeError, "'%s' object does not support item assignment", type_name(b));
    }
}

bool delete_item(struct run *run, const struct value *b, const struct value *c) {
    if (b->tag == V_LIST) {
        struct list *list = owner(run, b, "__delitem__");
        int64_t at;
        return list != NULL && sequence_int(run, c, "list indices", &at) && place(run, list, &at, "list assignment") &&
               splice(run, list, (uint32_t)at, 1, 0);
    }
    if (b->tag != V_DICT)
        return run_raise(run, EXCEPTION_TypeError, "'%s' object doesn't support item deletion", type_name(b));
    struct table *table = table_owner(run, b);
    uint32_t entry;
    if (table == NULL || !table_find(run, table, c, &entry))
        return false;
    if (entry == TABLE_NONE)
        return raise_key(run, c);
    table_remove(table, entry);
    return true;
}

/* xs[i:j] = ys with step 1: args are the list, start, stop (None for the ends) and the new items. */
bool builtin_list_splice(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct list *list = owner(run, &args[0], "__setitem__");
    const struct value *items;
    uint32_t added;
    int64_t start, step, number;
    struct value parts[3] = {args[1], args[2], value_none(MISSING_NOT)};
    if (list == NULL || !slice_bounds(run, parts, list->len, &start, &step, &number) ||
        !sequence_items(run, &args[3], &items, &added))
        return false;
    struct value *copy = run_items(run, added);
    if (copy == NULL)
        return false;
    copy_bytes(copy, items, added * sizeof *copy);
    if (start > list->len) /* taking the items may have shortened the list: CPython cuts the places to what is left */
        start = list->len;
    if (start + number > list->len)
        number = list->len - start;
    if (!splice(run, list, (uint32_t)start, (uint32_t)number, added))
        return false;
    copy_bytes(&list->items[start], copy, added * sizeof *copy);
    *out = value_none(MISSING_NOT);
    return true;
}
