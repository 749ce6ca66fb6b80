/* Raising, step and byte limits, texts in the arena: what every operation of the code room stands on (run.h). */
#include <stdarg.h>
#include <stdio.h>

#include "zone.h"

enum { RAISE_TEXT_BYTES = 240 };

bool run_raise(struct run *run, uint32_t exception, const char *format, ...) {
    ASSERT(exception < EXCEPTION_COUNT);
    char text[RAISE_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ASSERT(len >= 0);
    size_t kept = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    bool ascii;
    kept = utf8_valid_prefix(text, kept, &ascii); /* a cut may fall inside a character */
    const char *copy = arena_copy(run->arena, text, kept);
    run->exception = exception;
    run->raised = NULL;
    run->raised_in = NULL;
    run->text = copy == NULL ? (struct str){"", 0} : (struct str){copy, kept};
    return false;
}

bool run_unsupported(struct run *run, const char *operator, const struct value *b, const struct value *c) {
    return run_raise(run, EXCEPTION_TypeError, "unsupported operand type(s) for %s: '%s' and '%s'", operator,
                     type_name(b), type_name(c));
}

bool run_out_of_steps(struct run *run) {
    run->steps_left = 0;
    return run_raise(run, EXCEPTION_LimitError, "more than %u steps", LIMIT_STEPS);
}

void *run_alloc(struct run *run, uint64_t bytes) {
    if (bytes > LIMIT_VALUE_BYTES) {
        run_raise(run, EXCEPTION_LimitError, "a value of more than %u bytes", LIMIT_VALUE_BYTES);
        return NULL;
    }
    if (!run_charge(run, bytes / 64))
        return NULL;
    void *p = arena_alloc(run->arena, bytes == 0 ? 1 : bytes);
    if (p == NULL)
        run_raise(run, EXCEPTION_LimitError, "the memory of a request is used up");
    return p;
}

struct value *run_items(struct run *run, uint64_t count) {
    if (count > LIMIT_VALUE_BYTES / sizeof(struct value))
        count = LIMIT_VALUE_BYTES / sizeof(struct value) + 1; /* no overflow below */
    return run_alloc(run, count * sizeof(struct value));
}

void run_buf(struct run *run, struct buf *out) { buf_init(out, run->arena, LIMIT_VALUE_BYTES); }

bool run_text(struct run *run, const struct buf *buf, bool ascii, struct value *out) {
    if (buf->failed)
        return run_raise(run, EXCEPTION_LimitError, "a text of more than %u bytes", LIMIT_VALUE_BYTES);
    ASSERT(buf->len <= LIMIT_VALUE_BYTES);
    if (!run_charge(run, buf->len / 64))
        return false;
    if (ascii)
        *out = text_ascii(buf->len == 0 ? "" : buf->p, buf->len);
    else
        *out = value_str(buf->len == 0 ? "" : buf->p, buf->len);
    return true;
}

const char *type_name(const struct value *v) {
    switch (v->tag) {
    case V_NONE: return "NoneType";
    case V_BOOL: return "bool";
    case V_INT:
    case V_BIGINT: return "int";
    case V_FLOAT: return "float";
    case V_STR: return "str";
    case V_DATETIME: return "datetime.datetime";
    case V_DATE: return "datetime.date";
    case V_TIMEDELTA: return "datetime.timedelta";
    case V_MOMENT: return "datetime.datetime";
    case V_TIME: return "datetime.time";
    case V_ZONE: return zone_is(v->p, ZONE_RULES) ? "zoneinfo.ZoneInfo" : "datetime.timezone";
    case V_LIST: return "list";
    case V_TUPLE: return "tuple";
    case V_SET: return v->flags & SET_HASHABLE ? "frozenset" : "set";
    case V_DICT: return "dict";
    case V_SECRET: return "Secret";
    case V_RANGE: return "range";
    case V_ITERATOR: return "iterator";
    case V_BYTES: return "bytes";
    case V_HASH: return "hash";
    case V_PATTERN: return "re.Pattern";
    case V_MATCH: return "re.Match";
    case V_VIEW: return v->flags == VIEW_KEYS ? "dict_keys" : v->flags == VIEW_VALUES ? "dict_values" : "dict_items";
    case V_EXCEPTION: return "Exception";
    case V_OBJECT: return "object";
    case V_GENERATOR: return "generator";
    default: UNREACHABLE();
    }
}

bool no_attribute(struct run *run, const struct value *v, const char *name) {
    return run_raise(run, EXCEPTION_AttributeError, "'%s' object has no attribute '%s'", type_name(v), name);
}
