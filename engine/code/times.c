/* datetime, date and timedelta: operators and texts with the meaning of Python's datetime module. What a datetime of any zone
 * is stands in moment.c, attributes and methods in time_parts.c, constructors in time_make.c.
 *
 * A timedelta is 64 bits of microseconds, some 292,000 years: where Python's goes on to 999,999,999 days, this one is an
 * OverflowError. */
#include <math.h>

#include "big.h"
#include "moment.h"

static int64_t floor_divide(int64_t a, int64_t b) {
    ASSERT(b > 0);
    return a / b - (a % b < 0);
}

static int64_t floor_rest(int64_t a, int64_t b) {
    ASSERT(b > 0);
    return a % b < 0 ? a % b + b : a % b;
}

bool is_time(const struct value *v) {
    return v->tag == V_DATETIME || v->tag == V_DATE || v->tag == V_TIMEDELTA || v->tag == V_MOMENT;
}

static bool out_of_range(struct run *run) { return run_raise(run, EXCEPTION_OverflowError, "date value out of range"); }

bool times_shift(struct run *run, int64_t us, int64_t delta, struct value *out) {
    int64_t sum;
    if (__builtin_add_overflow(us, delta, &sum) || sum < CALENDAR_MIN_US || sum > CALENDAR_MAX_US)
        return out_of_range(run);
    *out = value_datetime(sum);
    return true;
}

static bool date_shift(struct run *run, int64_t days, int64_t delta, struct value *out) {
    int64_t sum = days + delta; /* a delta is at most 2^63 / DAY_US */
    if (sum < CALENDAR_MIN_US / DAY_US || sum > CALENDAR_MAX_US / DAY_US)
        return out_of_range(run);
    *out = make_date(sum);
    return true;
}

static bool delta_from_big(struct run *run, const struct big *us, struct value *out) {
    int64_t small;
    if (!big_int64(us, &small))
        return run_raise(run, EXCEPTION_OverflowError, "timedelta out of range");
    *out = make_timedelta(small);
    return true;
}

static bool delta_add(struct run *run, int64_t a, int64_t b, bool subtract, struct value *out) {
    int64_t sum;
    if (subtract ? __builtin_sub_overflow(a, b, &sum) : __builtin_add_overflow(a, b, &sum))
        return run_raise(run, EXCEPTION_OverflowError, "timedelta out of range");
    *out = make_timedelta(sum);
    return true;
}

/* f = numerator / denominator exactly, denominator > 0. */
static bool float_ratio(struct run *run, double f, struct big *numerator, struct big *denominator) {
    if (isnan(f))
        return run_raise(run, EXCEPTION_ValueError, "cannot convert NaN to integer ratio");
    if (isinf(f))
        return run_raise(run, EXCEPTION_OverflowError, "cannot convert Infinity to integer ratio");
    int exponent;
    double mantissa = frexp(f, &exponent);
    big_set(numerator, (int64_t)ldexp(mantissa, 53));
    big_set(denominator, 1);
    exponent -= 53;
    if (exponent > 0)
        big_shift_left(numerator, numerator, (uint32_t)exponent);
    else
        big_shift_left(denominator, denominator, (uint32_t)-exponent);
    return true;
}

/* delta * (numerator / denominator), half to even. */
static bool delta_scale(struct run *run, int64_t us, struct big *numerator, struct big *denominator, struct value *out) {
    if (denominator->count == 0)
        return run_raise(run, EXCEPTION_ZeroDivisionError, "division by zero");
    struct big delta, product;
    big_set(&delta, us);
    big_multiply(&product, &delta, numerator);
    if (denominator->negative) {
        denominator->negative = false;
        product.negative = product.count > 0 && !product.negative;
    }
    big_divide_nearest(&product, &product, denominator);
    return delta_from_big(run, &product, out);
}

static enum times_result done(bool ok) { return ok ? TIMES_DONE : TIMES_RAISED; }

static enum times_result times_add(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (b->tag == V_TIMEDELTA && c->tag != V_TIMEDELTA) {
        const struct value *swap = b;
        b = c;
        c = swap;
    }
    if (c->tag != V_TIMEDELTA)
        return TIMES_NOT;
    if (b->tag == V_DATETIME)
        return done(times_shift(run, b->i, c->i, out));
    if (b->tag == V_MOMENT)
        return done(moment_add(run, b, c->i, out));
    if (b->tag == V_DATE)
        return done(date_shift(run, b->i, floor_divide(c->i, DAY_US), out));
    return b->tag == V_TIMEDELTA ? done(delta_add(run, b->i, c->i, false, out)) : TIMES_NOT;
}

static enum times_result times_sub(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (c->tag == V_TIMEDELTA) {
        if (b->tag == V_TIMEDELTA)
            return done(delta_add(run, b->i, c->i, true, out));
        if (b->tag == V_DATE)
            return done(date_shift(run, b->i, -floor_divide(c->i, DAY_US), out));
        int64_t negated = c->i == INT64_MIN ? INT64_MAX : -c->i; /* out of range either way */
        if (b->tag == V_MOMENT)
            return done(moment_add(run, b, negated, out));
        return b->tag == V_DATETIME ? done(times_shift(run, b->i, negated, out)) : TIMES_NOT;
    }
    if (b->tag == V_DATETIME && c->tag == V_DATETIME) {
        *out = make_timedelta(b->i - c->i);
        return TIMES_DONE;
    }
    if (is_datetime(b) && is_datetime(c))
        return done(moment_subtract(run, b, c, out));
    if (b->tag != V_DATE || c->tag != V_DATE)
        return TIMES_NOT;
    *out = make_timedelta((b->i - c->i) * DAY_US);
    return TIMES_DONE;
}

static enum times_result times_mul(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    const struct value *delta = b->tag == V_TIMEDELTA ? b : c, *factor = b->tag == V_TIMEDELTA ? c : b;
    if (delta->tag != V_TIMEDELTA || !is_number(factor))
        return TIMES_NOT;
    struct big numerator, denominator;
    if (factor->tag == V_FLOAT) {
        if (!float_ratio(run, factor->f, &numerator, &denominator))
            return TIMES_RAISED;
    } else {
        big_load(&numerator, factor);
        big_set(&denominator, 1);
    }
    return done(delta_scale(run, delta->i, &numerator, &denominator, out));
}

static enum times_result times_div(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (b->tag != V_TIMEDELTA)
        return TIMES_NOT;
    if (c->tag == V_TIMEDELTA) {
        struct value x = value_int(b->i), y = value_int(c->i);
        return done(arithmetic_div(run, &x, &y, out));
    }
    if (!is_number(c))
        return TIMES_NOT;
    struct big numerator, denominator;
    if (c->tag == V_FLOAT) {
        if (!float_ratio(run, c->f, &denominator, &numerator))
            return TIMES_RAISED;
    } else {
        big_load(&denominator, c);
        big_set(&numerator, 1);
    }
    return done(delta_scale(run, b->i, &numerator, &denominator, out));
}

static enum times_result times_floordiv(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (b->tag != V_TIMEDELTA || !(c->tag == V_TIMEDELTA || is_int(c)))
        return TIMES_NOT;
    struct value x = value_int(b->i), y = c->tag == V_TIMEDELTA ? value_int(c->i) : *c, quotient;
    if (!arithmetic_floordiv(run, &x, &y, &quotient))
        return TIMES_RAISED;
    if (c->tag == V_TIMEDELTA) {
        *out = quotient;
        return TIMES_DONE;
    }
    struct big us;
    big_load(&us, &quotient);
    return done(delta_from_big(run, &us, out));
}

static enum times_result times_mod(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (b->tag != V_TIMEDELTA || c->tag != V_TIMEDELTA)
        return TIMES_NOT;
    struct value x = value_int(b->i), y = value_int(c->i), rest;
    if (!arithmetic_mod(run, &x, &y, &rest))
        return TIMES_RAISED;
    *out = make_timedelta(rest.i);
    return TIMES_DONE;
}

enum times_result times_operator(struct run *run, enum opcode op, const struct value *b, const struct value *c,
                                 struct value *out) {
    ASSERT(is_time(b) || is_time(c));
    switch (op) {
    case OP_ADD: return times_add(run, b, c, out);
    case OP_SUB: return times_sub(run, b, c, out);
    case OP_MUL: return times_mul(run, b, c, out);
    case OP_DIV: return times_div(run, b, c, out);
    case OP_FLOORDIV: return times_floordiv(run, b, c, out);
    case OP_MOD: return times_mod(run, b, c, out);
    default: return TIMES_NOT;
    }
}

/* --- texts --- */

static void delta_text(struct buf *out, int64_t us, bool repr) {
    int64_t days = floor_divide(us, DAY_US), rest = floor_rest(us, DAY_US);
    int64_t seconds = rest / 1000000, micros = rest % 1000000;
    if (!repr) {
        if (days != 0)
            buf_format(out, "%lld day%s, ", (long long)days, days == 1 || days == -1 ? "" : "s");
        buf_format(out, "%d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
        if (micros != 0)
            buf_format(out, ".%06d", (int)micros);
        return;
    }
    const char *comma = "";
    BUF_LITERAL(out, "datetime.timedelta(");
    if (days != 0) {
        buf_format(out, "days=%lld", (long long)days);
        comma = ", ";
    }
    if (seconds != 0) {
        buf_format(out, "%sseconds=%d", comma, (int)seconds);
        comma = ", ";
    }
    if (micros != 0)
        buf_format(out, "%smicroseconds=%d", comma, (int)micros);
    else if (us == 0)
        buf_char(out, '0');
    buf_char(out, ')');
}

static void time_repr(struct buf *out, int64_t us) {
    struct civil civil;
    calendar_civil(us, &civil);
    buf_format(out, "datetime.datetime(%d, %d, %d, %d, %d", civil.year, civil.month, civil.day, civil.hour, civil.minute);
    if (civil.second != 0 || civil.microsecond != 0)
        buf_format(out, ", %d", civil.second);
    if (civil.microsecond != 0)
        buf_format(out, ", %d", civil.microsecond);
    BUF_LITERAL(out, ", tzinfo=datetime.timezone.utc)");
}

void times_text(struct buf *out, const struct value *v, bool repr) {
    ASSERT(v->tag == V_DATETIME || v->tag == V_DATE || v->tag == V_TIMEDELTA);
    char text[CALENDAR_TEXT_BYTES];
    if (v->tag == V_TIMEDELTA) {
        delta_text(out, v->i, repr);
    } else if (v->tag == V_DATETIME) {
        if (repr)
            time_repr(out, v->i);
        else
            buf_add(out, text, calendar_format_time(v->i, ' ', text));
    } else if (repr) {
        struct civil civil;
        calendar_civil(v->i * DAY_US, &civil);
        buf_format(out, "datetime.date(%d, %d, %d)", civil.year, civil.month, civil.day);
    } else {
        buf_add(out, text, calendar_format_date(v->i, text));
    }
}
