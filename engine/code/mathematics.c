/* math's functions of floats, with CPython's errors. Values are the C library's, as CPython's are, except where CPython
 * has its own: gamma, lgamma, hypot, dist, fsum, log of large ints, and the special cases of pow and the like. */
#include <errno.h>
#include <math.h>

#include "big.h"

static bool domain_error(struct run *run) { return run_raise(run, EXCEPTION_ValueError, "math domain error"); }
static bool range_error(struct run *run) { return run_raise(run, EXCEPTION_OverflowError, "math range error"); }

static bool give(struct value *out, double f) {
    *out = value_float(f);
    return true;
}

/* A function of one float: NaN out of no NaN is a domain error; an infinity out of a finite argument is a range error
 * where the function grows (can_overflow), else a domain error (a pole). */
static bool one(struct run *run, double (*function)(double), bool can_overflow, const struct value *args, struct value *out) {
    double x;
    if (!arithmetic_double(run, &args[0], &x))
        return false;
    double result = function(x);
    if (isnan(result) && !isnan(x))
        return domain_error(run);
    if (isinf(result) && isfinite(x))
        return can_overflow ? range_error(run) : domain_error(run);
    return give(out, result);
}

#define MATH_ONE(name, function, can_overflow)                                                                         \
    bool builtin_math_##name(struct run *run, const struct value *args, uint32_t count, struct value *out) {          \
        return one(run, function, can_overflow, args, out);                                                            \
    }

MATH_ONE(acos, acos, false)
MATH_ONE(acosh, acosh, false)
MATH_ONE(asin, asin, false)
MATH_ONE(asinh, asinh, false)
MATH_ONE(atan, atan, false)
MATH_ONE(atanh, atanh, false)
MATH_ONE(cbrt, cbrt, false)
MATH_ONE(cos, cos, false)
MATH_ONE(cosh, cosh, true)
MATH_ONE(erf, erf, false)
MATH_ONE(erfc, erfc, false)
MATH_ONE(exp, exp, true)
MATH_ONE(exp2, exp2, true)
MATH_ONE(expm1, expm1, true)
MATH_ONE(fabs, fabs, false)
MATH_ONE(log1p, log1p, false)
MATH_ONE(sin, sin, false)
MATH_ONE(sinh, sinh, true)
MATH_ONE(sqrt, sqrt, false)
MATH_ONE(tan, tan, false)
MATH_ONE(tanh, tanh, false)

static bool two(struct run *run, const struct value *args, double *x, double *y) {
    return arithmetic_double(run, &args[0], x) && arithmetic_double(run, &args[1], y);
}

bool builtin_math_atan2(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double y, x;
    return two(run, args, &y, &x) && give(out, atan2(y, x));
}

bool builtin_math_copysign(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x, y;
    return two(run, args, &x, &y) && give(out, copysign(x, y));
}

bool builtin_math_nextafter(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x, y;
    return two(run, args, &x, &y) && give(out, nextafter(x, y));
}

bool builtin_math_fmod(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x, y;
    if (!two(run, args, &x, &y))
        return false;
    double result = fmod(x, y);
    return isnan(result) && !isnan(x) && !isnan(y) ? domain_error(run) : give(out, result);
}

bool builtin_math_remainder(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x, y;
    if (!two(run, args, &x, &y))
        return false;
    double result = remainder(x, y);
    return isnan(result) && !isnan(x) && !isnan(y) ? domain_error(run) : give(out, result);
}

bool builtin_math_pow(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x, y;
    if (!two(run, args, &x, &y))
        return false;
    errno = 0;
    double result = pow(x, y);
    if (!isfinite(x) || !isfinite(y))
        return give(out, result); /* C99's cases are CPython's */
    if (isnan(result))
        return domain_error(run);
    if (isinf(result))
        return x == 0 ? domain_error(run) : range_error(run);
    return give(out, result);
}

bool builtin_math_ulp(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x;
    if (!arithmetic_double(run, &args[0], &x))
        return false;
    if (!isfinite(x))
        return give(out, fabs(x));
    double next = nextafter(fabs(x), INFINITY);
    return give(out, isinf(next) ? fabs(x) - nextafter(fabs(x), -INFINITY) : next - fabs(x));
}

bool builtin_math_degrees(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x;
    return arithmetic_double(run, &args[0], &x) && give(out, x * (180.0 / M_PI));
}

bool builtin_math_radians(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x;
    return arithmetic_double(run, &args[0], &x) && give(out, x * (M_PI / 180.0));
}

#define MATH_TEST(name, test)                                                                                          \
    bool builtin_math_##name(struct run *run, const struct value *args, uint32_t count, struct value *out) {          \
        double x;                                                                                                      \
        if (!arithmetic_double(run, &args[0], &x))                                                                     \
            return false;                                                                                              \
        *out = value_bool(test(x));                                                                                    \
        return true;                                                                                                   \
    }

MATH_TEST(isfinite, isfinite)
MATH_TEST(isinf, isinf)
MATH_TEST(isnan, isnan)

bool builtin_math_isclose(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double a, b, relative = 1e-9, absolute = 0;
    if (!two(run, args, &a, &b) || (count > 2 && !arithmetic_double(run, &args[2], &relative)) ||
        (count > 3 && !arithmetic_double(run, &args[3], &absolute)))
        return false;
    if (relative < 0 || absolute < 0)
        return run_raise(run, EXCEPTION_ValueError, "tolerances must be non-negative");
    double difference = fabs(b - a);
    bool close = a == b;
    if (!close && !isinf(a) && !isinf(b))
        close = difference <= fabs(relative * b) || difference <= fabs(relative * a) || difference <= absolute;
    *out = value_bool(close);
    return true;
}

/* --- to ints --- */

static bool whole(struct run *run, double (*function)(double), bool truncates, const struct value *v, struct value *out) {
    double x;
    if (is_int(v))
        return arithmetic_pos(run, v, out);
    if (truncates && v->tag != V_FLOAT)
        return run_raise(run, EXCEPTION_TypeError, "type %s doesn't define __trunc__ method", type_name(v));
    return arithmetic_double(run, v, &x) && convert_float_to_int(run, function(x), out);
}

bool builtin_math_floor(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return whole(run, floor, false, &args[0], out);
}

bool builtin_math_ceil(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return whole(run, ceil, false, &args[0], out);
}

bool builtin_math_trunc(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return whole(run, trunc, true, &args[0], out);
}

/* --- parts of a float --- */

static bool pair(struct run *run, struct value first, struct value second, struct value *out) {
    struct value *items = run_items(run, 2);
    if (items == NULL)
        return false;
    items[0] = first;
    items[1] = second;
    *out = make_tuple(items, 2);
    return true;
}

bool builtin_math_frexp(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x;
    int exponent = 0;
    if (!arithmetic_double(run, &args[0], &x))
        return false;
    if (isfinite(x) && x != 0)
        x = frexp(x, &exponent);
    return pair(run, value_float(x), value_int(exponent), out);
}

bool builtin_math_modf(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x, integral;
    if (!arithmetic_double(run, &args[0], &x))
        return false;
    double fraction = modf(x, &integral);
    return pair(run, value_float(fraction), value_float(integral), out);
}

bool builtin_math_ldexp(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x;
    int64_t exponent;
    if (!arithmetic_double(run, &args[0], &x))
        return false;
    if (!is_int(&args[1]))
        return run_raise(run, EXCEPTION_TypeError, "Expected an int as second argument to ldexp.");
    if (!sequence_int(run, &args[1], "exponents", &exponent))
        return false;
    if (x == 0 || !isfinite(x))
        return give(out, x);
    if (exponent > INT32_MAX)
        return range_error(run);
    if (exponent < INT32_MIN)
        return give(out, copysign(0.0, x));
    double result = ldexp(x, (int)exponent);
    return isinf(result) ? range_error(run) : give(out, result);
}

/* --- logarithms --- */

/* The logarithm of an int too large for a double: of its top bits, and its exponent's. */
static bool log_of(struct run *run, double (*function)(double), const struct value *v, double *out) {
    double x;
    if (is_int(v)) {
        struct big big;
        big_load(&big, v);
        if (big.negative || big.count == 0)
            return domain_error(run);
        x = big_double(&big);
        if (isinf(x)) {
            uint32_t bits = big_bits(&big);
            struct big one, scale;
            double mantissa;
            big_set(&one, 1);
            big_shift_left(&scale, &one, bits);
            bool small = big_true_divide(&big, &scale, &mantissa);
            ASSERT(small);
            *out = function(mantissa) + function(2.0) * bits;
            return true;
        }
    } else if (!arithmetic_double(run, v, &x)) {
        return false;
    }
    if (x <= 0)
        return domain_error(run);
    *out = function(x);
    return true;
}

static bool give_log(struct run *run, double (*function)(double), const struct value *v, struct value *out) {
    double result;
    return log_of(run, function, v, &result) && give(out, result);
}

bool builtin_math_log2(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return give_log(run, log2, &args[0], out);
}

bool builtin_math_log10(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return give_log(run, log10, &args[0], out);
}

bool builtin_math_log(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double x, base;
    if (!log_of(run, log, &args[0], &x))
        return false;
    if (count == 1)
        return give(out, x);
    if (!log_of(run, log, &args[1], &base))
        return false;
    if (base == 0)
        return run_raise(run, EXCEPTION_ZeroDivisionError, "float division by zero");
    return give(out, x / base);
}
