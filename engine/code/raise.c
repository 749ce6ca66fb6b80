/* Exceptions as values: what `except ... as e` binds, `raise` throws and str(e) shows.
 *
 * An operation that fails only notes its class and a text for people (run_raise). The value is made when a handler asks for it;
 * its args are then that text, which is Python's for the errors whose text functions read. */
#include "load.h"

static const struct {
    const char *name;
    uint32_t parent;
} classes[EXCEPTION_COUNT] = {
#define EXCEPTION(name, parent) {#name, EXCEPTION_##parent},
    EXCEPTIONS(EXCEPTION)
#undef EXCEPTION
};

const char *exception_name(const struct code *code, uint32_t class) {
    if (class < EXCEPTION_COUNT)
        return classes[class].name;
    ASSERT(code != NULL && class - EXCEPTION_COUNT < code->exception_count);
    return code->exception_names[class - EXCEPTION_COUNT];
}

bool exception_is(const struct code *code, uint32_t class, uint32_t ancestor) {
    while (class != ancestor && class != EXCEPTION_BaseException)
        class = class < EXCEPTION_COUNT ? classes[class].parent : code->exceptions[class - EXCEPTION_COUNT].parent;
    return class == ancestor;
}

static struct raised *new_raised(struct run *run, uint32_t class, const struct value *args, uint32_t count) {
    struct raised *raised = run_alloc(run, sizeof *raised);
    struct value *items = raised == NULL ? NULL : run_items(run, count);
    if (items == NULL)
        return NULL;
    copy_bytes(items, args, count * sizeof *items);
    *raised = (struct raised){class, make_tuple(items, count), NULL};
    return raised;
}

bool exception_make(struct run *run, uint32_t class, const struct value *args, uint32_t count, struct value *out) {
    struct raised *raised = new_raised(run, class, args, count);
    *out = (struct value){.tag = V_EXCEPTION, .p = raised};
    return raised != NULL;
}

/* For people: what str() of it gives, if it can be had. */
static bool note_text(struct run *run, const struct raised *raised) {
    struct buf buf;
    struct value text;
    run_buf(run, &buf);
    if (!exception_text(run, raised, false, &buf) || !run_text(run, &buf, false, &text))
        return false;
    bool ascii;
    enum { SHOWN = 240 };
    run->text = (struct str){text.p, utf8_valid_prefix(text.p, text.len < SHOWN ? text.len : SHOWN, &ascii)};
    return true;
}

bool exception_raise(struct run *run, const struct value *v) {
    if (v->tag != V_EXCEPTION)
        return run_raise(run, EXCEPTION_TypeError, "exceptions must derive from BaseException");
    const struct raised *raised = v->p;
    if (!note_text(run, raised) && run->exception == EXCEPTION_LimitError)
        return false;
    run->exception = raised->class;
    run->raised = raised;
    run->raised_in = NULL;
    return false;
}

bool raise_key(struct run *run, const struct value *key) {
    struct value v;
    return exception_make(run, EXCEPTION_KeyError, key, 1, &v) && exception_raise(run, &v);
}

bool exception_caught(struct run *run, const struct instruction *at, struct value *out) {
    struct raised *raised = (struct raised *)(uintptr_t)run->raised;
    if (raised == NULL) {
        struct value text = value_str(run->text.p, run->text.len);
        raised = new_raised(run, run->exception, &text, run->text.len > 0);
        if (raised == NULL)
            return false;
    }
    if (raised->at == NULL)
        raised->at = run->raised_in != NULL ? run->raised_in : at;
    run->raised = NULL;
    run->raised_in = NULL;
    *out = (struct value){.tag = V_EXCEPTION, .p = raised};
    return true;
}

bool exception_text(struct run *run, const struct raised *raised, bool repr, struct buf *out) {
    struct value part;
    const struct value *args = value_items(&raised->args);
    if (repr) {
        buf_str(out, str_of(exception_name(run->code, raised->class)));
        if (raised->args.len == 1) {
            if (!format_value(run, FORMAT_REPR, &args[0], &part))
                return false;
            buf_char(out, '(');
            buf_str(out, value_text(&part));
            buf_char(out, ')');
            return true;
        }
    }
    if (raised->args.len == 0 && !repr)
        return true;
    bool key = exception_is(run->code, raised->class, EXCEPTION_KeyError);
    const struct value *shown = raised->args.len == 1 ? &args[0] : &raised->args;
    if (!format_value(run, key || raised->args.len > 1 || repr ? FORMAT_REPR : FORMAT_STR, shown, &part))
        return false;
    buf_str(out, value_text(&part));
    return true;
}
