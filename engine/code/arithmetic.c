/* The arithmetic operators with CPython's meaning, whole: numbers here, the rest by dispatch to sequences and times. The
 * interpreter tries its fast paths first, so nothing here is short of exactness for speed.
 *
 * A complex result ((-8) ** 0.5) does not exist here: TypeError. */
#include <errno.h>
#include <math.h>

#include "big.h"
#include "spec.h"

bool arithmetic_double_of(struct run *run, const struct value *v, double *out) {
    if (is_int64(v)) {
        *out = (double)v->i;
        return true;
    }
    if (v->tag != V_BIGINT)
        return run_raise(run, EXCEPTION_TypeError, "must be real number, not %s", type_name(v));
    struct big big;
    big_load(&big, v);
    *out = big_double(&big);
    if (isinf(*out))
        return run_raise(run, EXCEPTION_OverflowError, "int too large to convert to float");
    return true;
}

static bool both_doubles(struct run *run, const struct value *b, const struct value *c, double *x, double *y) {
    return arithmetic_double(run, b, x) && arithmetic_double(run, c, y);
}

static bool both_ints(const struct value *b, const struct value *c) { return is_int(b) && is_int(c); }
static bool both_numbers(const struct value *b, const struct value *c) { return is_number(b) && is_number(c); }

static bool not_a_number(struct run *run, enum opcode op, const char *operator, const struct value *b,
                         const struct value *c, struct value *out) {
    if (is_time(b) || is_time(c)) {
        enum times_result result = times_operator(run, op, b, c, out);
        if (result != TIMES_NOT)
            return result == TIMES_DONE;
    }
    if (op == OP_SUB) {
        enum times_result result = table_operator(run, op, b, c, out);
        if (result != TIMES_NOT)
            return result == TIMES_DONE;
    }
    return run_unsupported(run, operator, b, c);
}

static bool is_sequence(const struct value *v) {
    return v->tag == V_STR || v->tag == V_LIST || v->tag == V_TUPLE || v->tag == V_BYTES;
}

bool arithmetic_add(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (both_ints(b, c)) {
        struct big x, y;
        big_load(&x, b);
        big_load(&y, c);
        big_add(&x, &x, &y);
        return big_value(run, &x, out);
    }
    if (both_numbers(b, c)) {
        double x, y;
        if (!both_doubles(run, b, c, &x, &y))
            return false;
        *out = value_float(x + y);
        return true;
    }
    if (is_sequence(b))
        return sequence_concat(run, b, c, out);
    return not_a_number(run, OP_ADD, "+", b, c, out);
}

bool arithmetic_sub(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (both_ints(b, c)) {
        struct big x, y;
        big_load(&x, b);
        big_load(&y, c);
        big_subtract(&x, &x, &y);
        return big_value(run, &x, out);
    }
    if (both_numbers(b, c)) {
        double x, y;
        if (!both_doubles(run, b, c, &x, &y))
            return false;
        *out = value_float(x - y);
        return true;
    }
    return not_a_number(run, OP_SUB, "-", b, c, out);
}

bool arithmetic_mul(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (both_ints(b, c)) {
        struct big x, y, product;
        big_load(&x, b);
        big_load(&y, c);
        big_multiply(&product, &x, &y);
        return big_value(run, &product, out);
    }
    if (both_numbers(b, c)) {
        double x, y;
        if (!both_doubles(run, b, c, &x, &y))
            return false;
        *out = value_float(x * y);
        return true;
    }
    if (is_sequence(b) || is_sequence(c)) {
        const struct value *sequence = is_sequence(b) ? b : c, *times = is_sequence(b) ? c : b;
        if (!is_int(times))
            return run_raise(run, EXCEPTION_TypeError, "can't multiply sequence by non-int of type '%s'", type_name(times));
        return sequence_repeat(run, sequence, times, out);
    }
    return not_a_number(run, OP_MUL, "*", b, c, out);
}

static bool zero_division(struct run *run, const char *text) {
    return run_raise(run, EXCEPTION_ZeroDivisionError, "%s", text);
}

bool arithmetic_div(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (both_ints(b, c)) {
        struct big x, y;
        big_load(&x, b);
        big_load(&y, c);
        if (y.count == 0)
            return zero_division(run, "division by zero");
        double quotient;
        if (!big_true_divide(&x, &y, &quotient))
            return run_raise(run, EXCEPTION_OverflowError, "integer division result too large for a float");
        *out = value_float(quotient);
        return true;
    }
    if (both_numbers(b, c)) {
        double x, y;
        if (!both_doubles(run, b, c, &x, &y))
            return false;
        if (y == 0)
            return zero_division(run, "float division by zero");
        *out = value_float(x / y);
        return true;
    }
    return not_a_number(run, OP_DIV, "/", b, c, out);
}

double float_mod(double x, double y) {
    double mod = fmod(x, y);
    if (mod == 0)
        return copysign(0.0, y);
    return (y < 0) != (mod < 0) ? mod + y : mod;
}

/* CPython's: from the exact remainder, so that x == y * (x // y) + x % y as nearly as it can be. */
double float_floordiv(double x, double y) {
    double mod = fmod(x, y), quotient = (x - mod) / y;
    if (mod != 0 && (y < 0) != (mod < 0))
        quotient -= 1.0;
    if (quotient == 0)
        return copysign(0.0, x / y);
    double floored = floor(quotient);
    return quotient - floored > 0.5 ? floored + 1.0 : floored;
}

static bool int_divide(struct run *run, const struct value *b, const struct value *c, bool want_mod, struct value *out) {
    struct big x, y, quotient, remainder;
    big_load(&x, b);
    big_load(&y, c);
    if (y.count == 0)
        return zero_division(run, "integer division or modulo by zero");
    big_divide(&quotient, &remainder, &x, &y);
    return big_value(run, want_mod ? &remainder : &quotient, out);
}

bool arithmetic_floordiv(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (both_ints(b, c))
        return int_divide(run, b, c, false, out);
    if (both_numbers(b, c)) {
        double x, y;
        if (!both_doubles(run, b, c, &x, &y))
            return false;
        if (y == 0)
            return zero_division(run, "float floor division by zero");
        *out = value_float(float_floordiv(x, y));
        return true;
    }
    return not_a_number(run, OP_FLOORDIV, "//", b, c, out);
}

bool arithmetic_mod(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (both_ints(b, c))
        return int_divide(run, b, c, true, out);
    if (both_numbers(b, c)) {
        double x, y;
        if (!both_doubles(run, b, c, &x, &y))
            return false;
        if (y == 0)
            return zero_division(run, "float modulo");
        *out = value_float(float_mod(x, y));
        return true;
    }
    if (b->tag == V_STR)
        return percent_format(run, b, c, out);
    return not_a_number(run, OP_MOD, "%", b, c, out);
}

static bool is_odd(double y) {
    y = fabs(y);
    return y < 0x1p53 ? y == (double)(int64_t)y && (int64_t)y & 1 : false; /* those beyond are even */
}

/* The cases that CPython decides before it asks the C library, so that platforms agree. True if *out is the answer. */
static bool power_special(double x, double y, double *out) {
    bool odd = is_odd(y);
    if (y == 0)
        *out = 1.0;
    else if (isnan(x))
        *out = x;
    else if (isnan(y))
        *out = x == 1.0 ? 1.0 : y;
    else if (isinf(y))
        *out = fabs(x) == 1.0 ? 1.0 : (y > 0) == (fabs(x) > 1.0) ? INFINITY : 0.0;
    else if (isinf(x))
        *out = y > 0 ? (odd ? x : fabs(x)) : (odd ? copysign(0.0, x) : 0.0);
    else
        return false;
    return true;
}

static bool float_power(struct run *run, double x, double y, struct value *out) {
    double result;
    if (power_special(x, y, &result)) {
        *out = value_float(result);
        return true;
    }
    bool odd = is_odd(y);
    if (x == 0) {
        if (y < 0)
            return zero_division(run, "0.0 cannot be raised to a negative power");
        *out = value_float(odd ? x : 0.0);
        return true;
    }
    if (x < 0 && y != floor(y)) { /* complex, which can overflow too */
        return isinf(pow(-x, y)) ? run_raise(run, EXCEPTION_OverflowError, "complex exponentiation")
                                 : run_raise(run, EXCEPTION_TypeError, "a negative number to a fractional power is complex");
    }
    bool negate = x < 0 && odd;
    errno = 0;
    result = fabs(x) == 1.0 ? 1.0 : pow(fabs(x), y);
    if (isinf(result) || (errno != 0 && result != 0))
        return run_raise(run, EXCEPTION_OverflowError, "Numerical result out of range");
    *out = value_float(negate ? -result : result);
    return true;
}

static bool int_power(struct run *run, const struct value *b, uint64_t exponent, struct value *out) {
    struct big base, result, product;
    big_load(&base, b);
    uint32_t bits = big_bits(&base);
    if (bits <= 1) { /* 0, 1, -1 */
        bool odd = exponent & 1;
        *out = value_int(exponent == 0 || bits == 0 ? exponent == 0 : base.negative && odd ? -1 : 1);
        return true;
    }
    if (exponent > LIMIT_INT_BITS || (bits - 1) * exponent > LIMIT_INT_BITS)
        return run_raise(run, EXCEPTION_OverflowError, "an int of more than %u bits", LIMIT_INT_BITS);
    big_set(&result, 1);
    for (int bit = 63 - (exponent == 0 ? 63 : __builtin_clzll(exponent)); bit >= 0; bit--) {
        big_multiply(&product, &result, &result);
        big_set_limbs(&result, product.limbs, product.count, product.negative);
        if (exponent >> bit & 1) {
            big_multiply(&product, &result, &base);
            big_set_limbs(&result, product.limbs, product.count, product.negative);
        }
        if (result.count > BIG_VALUE_LIMBS + 1)
            return run_raise(run, EXCEPTION_OverflowError, "an int of more than %u bits", LIMIT_INT_BITS);
    }
    return big_value(run, &result, out);
}

bool arithmetic_pow(struct run *run, const struct value *b, const struct value *c, struct value *out) {
    if (both_ints(b, c) && (c->tag == V_BIGINT ? !(c->flags & BIG_NEGATIVE) : c->i >= 0)) {
        if (!run_charge(run, 200))
            return false;
        if (c->tag == V_BIGINT) { /* only 0, 1 and -1 have a result; its parity decides */
            const uint64_t *limbs = c->p;
            return int_power(run, b, UINT64_MAX - 1 + (limbs[0] & 1), out);
        }
        return int_power(run, b, (uint64_t)c->i, out);
    }
    if (both_numbers(b, c)) {
        double x, y;
        return both_doubles(run, b, c, &x, &y) && float_power(run, x, y, out);
    }
    return run_unsupported(run, "** or pow()", b, c);
}

bool arithmetic_bits(struct run *run, enum opcode op, const struct value *b, const struct value *c, struct value *out) {
    static const char *const names[] = {"&", "|", "^"};
    ASSERT(op == OP_BIT_AND || op == OP_BIT_OR || op == OP_BIT_XOR);
    if (!both_ints(b, c)) {
        enum times_result result = table_operator(run, op, b, c, out);
        return result == TIMES_NOT ? run_unsupported(run, names[op - OP_BIT_AND], b, c) : result == TIMES_DONE;
    }
    if (is_int64(b) && is_int64(c)) {
        int64_t bits = op == OP_BIT_AND ? b->i & c->i : op == OP_BIT_OR ? b->i | c->i : b->i ^ c->i;
        *out = b->tag == V_BOOL && c->tag == V_BOOL ? value_bool(bits != 0) : value_int(bits);
        return true;
    }
    struct big x, y;
    big_load(&x, b);
    big_load(&y, c);
    big_bit_operation(&x, op, &x, &y);
    return big_value(run, &x, out);
}

bool arithmetic_shift(struct run *run, bool left, const struct value *b, const struct value *c, struct value *out) {
    if (!both_ints(b, c))
        return run_unsupported(run, left ? "<<" : ">>", b, c);
    struct big x, by;
    big_load(&x, b);
    big_load(&by, c);
    if (by.negative)
        return run_raise(run, EXCEPTION_ValueError, "negative shift count");
    if (left) {
        if (x.count > 0 && (by.count > 1 || (by.count == 1 && by.limbs[0] > LIMIT_INT_BITS)))
            return run_raise(run, EXCEPTION_OverflowError, "an int of more than %u bits", LIMIT_INT_BITS);
        big_shift_left(&x, &x, x.count == 0 || by.count == 0 ? 0 : (uint32_t)by.limbs[0]);
    } else {
        big_shift_right(&x, &x, by.count > 1 ? UINT64_MAX : by.count == 0 ? 0 : by.limbs[0]);
    }
    return big_value(run, &x, out);
}

bool arithmetic_neg(struct run *run, const struct value *b, struct value *out) {
    if (is_int(b)) {
        struct big x;
        big_load(&x, b);
        x.negative = x.count > 0 && !x.negative;
        return big_value(run, &x, out);
    }
    if (b->tag == V_FLOAT) {
        *out = value_float(-b->f);
        return true;
    }
    if (b->tag == V_TIMEDELTA) {
        if (b->i == INT64_MIN)
            return run_raise(run, EXCEPTION_OverflowError, "timedelta out of range");
        *out = make_timedelta(-b->i);
        return true;
    }
    return run_raise(run, EXCEPTION_TypeError, "bad operand type for unary -: '%s'", type_name(b));
}

bool arithmetic_pos(struct run *run, const struct value *b, struct value *out) {
    if (b->tag == V_BOOL)
        *out = value_int(b->i);
    else if (is_number(b) || b->tag == V_TIMEDELTA)
        *out = *b;
    else
        return run_raise(run, EXCEPTION_TypeError, "bad operand type for unary +: '%s'", type_name(b));
    return true;
}

bool arithmetic_invert(struct run *run, const struct value *b, struct value *out) {
    if (is_int64(b)) {
        *out = value_int(~b->i);
        return true;
    }
    if (b->tag != V_BIGINT)
        return run_raise(run, EXCEPTION_TypeError, "bad operand type for unary ~: '%s'", type_name(b));
    struct big x, one;
    big_load(&x, b);
    big_set(&one, 1);
    big_add(&x, &x, &one);
    x.negative = !x.negative;
    return big_value(run, &x, out);
}

bool arithmetic_abs(struct run *run, const struct value *b, struct value *out) {
    bool negative = b->tag == V_BIGINT ? (b->flags & BIG_NEGATIVE) != 0 : b->tag == V_FLOAT ? signbit(b->f) : b->i < 0;
    if (!is_number(b) && b->tag != V_TIMEDELTA)
        return run_raise(run, EXCEPTION_TypeError, "bad operand type for abs(): '%s'", type_name(b));
    if (b->tag == V_FLOAT) {
        *out = value_float(fabs(b->f));
        return true;
    }
    return negative ? arithmetic_neg(run, b, out) : arithmetic_pos(run, b, out);
}
