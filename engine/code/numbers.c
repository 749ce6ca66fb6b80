/* Built-ins and methods of numbers outside math: abs, divmod, pow, bit counts, attributes; and math's functions of ints. */
#include <math.h>

#include "big.h"

bool builtin_abs(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return arithmetic_abs(run, &args[0], out);
}

bool builtin_divmod(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    bool numbers = is_number(&args[0]) && is_number(&args[1]);
    bool deltas = args[0].tag == V_TIMEDELTA && args[1].tag == V_TIMEDELTA;
    if (!numbers && !deltas)
        return run_unsupported(run, "divmod()", &args[0], &args[1]);
    struct value *pair = run_items(run, 2);
    if (pair == NULL || !arithmetic_floordiv(run, &args[0], &args[1], &pair[0]) ||
        !arithmetic_mod(run, &args[0], &args[1], &pair[1]))
        return false;
    *out = make_tuple(pair, 2);
    return true;
}

/* --- pow --- */

static void multiply_modulo(struct big *x, const struct big *y, const struct big *modulus) {
    struct big product;
    big_multiply(&product, x, y);
    big_divide(NULL, x, &product, modulus);
}

/* The inverse of a modulo m > 1, by Euclid; false if there is none. */
static bool invert_modulo(struct run *run, const struct big *a, const struct big *m, struct big *out) {
    struct big r0, r1, s0, s1, quotient, rest, product;
    big_set_limbs(&r0, m->limbs, m->count, false);
    big_divide(NULL, &r1, a, m);
    big_set(&s0, 0);
    big_set(&s1, 1);
    while (r1.count > 0) {
        big_divide(&quotient, &rest, &r0, &r1);
        big_multiply(&product, &quotient, &s1);
        big_subtract(&product, &s0, &product);
        s0 = s1;
        s1 = product;
        r0 = r1;
        r1 = rest;
        if (!run_charge(run, 10))
            return false;
    }
    if (big_bits(&r0) != 1)
        return run_raise(run, EXCEPTION_ValueError, "base is not invertible for the given modulus");
    big_divide(NULL, out, &s0, m);
    return true;
}

static bool power_modulo(struct run *run, const struct value *args, struct value *out) {
    struct big base, exponent, modulus, result;
    big_load(&base, &args[0]);
    big_load(&exponent, &args[1]);
    big_load(&modulus, &args[2]);
    if (modulus.count == 0)
        return run_raise(run, EXCEPTION_ValueError, "pow() 3rd argument cannot be 0");
    bool negative = modulus.negative;
    modulus.negative = false;
    if (exponent.negative) {
        struct big inverse;
        if (!invert_modulo(run, &base, &modulus, &inverse))
            return false;
        base = inverse;
        exponent.negative = false;
    } else {
        struct big rest;
        big_divide(NULL, &rest, &base, &modulus);
        base = rest;
    }
    struct big one;
    big_set(&one, 1);
    big_divide(NULL, &result, &one, &modulus); /* 0 when the modulus is 1 */
    for (uint32_t bit = big_bits(&exponent); bit-- > 0;) {
        multiply_modulo(&result, &result, &modulus);
        if (exponent.limbs[bit / 64] >> bit % 64 & 1)
            multiply_modulo(&result, &base, &modulus);
        if (!run_charge(run, 1 + modulus.count))
            return false;
    }
    if (negative && result.count > 0)
        big_subtract(&result, &result, &modulus);
    return big_value(run, &result, out);
}

bool builtin_pow(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (count == 2 || args[2].tag == V_NONE)
        return arithmetic_pow(run, &args[0], &args[1], out);
    if (!is_int(&args[0]) || !is_int(&args[1]) || !is_int(&args[2]))
        return run_raise(run, EXCEPTION_TypeError, "pow() 3rd argument not allowed unless all arguments are integers");
    return power_modulo(run, args, out);
}

/* --- methods and attributes --- */

bool builtin_method_bit_length(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!is_int(&args[0]))
        return no_attribute(run, &args[0], "bit_length");
    struct big x;
    big_load(&x, &args[0]);
    *out = value_int(big_bits(&x));
    return true;
}

bool builtin_method_bit_count(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!is_int(&args[0]))
        return no_attribute(run, &args[0], "bit_count");
    struct big x;
    int64_t bits = 0;
    big_load(&x, &args[0]);
    for (uint32_t i = 0; i < x.count; i++)
        bits += __builtin_popcountll(x.limbs[i]);
    *out = value_int(bits);
    return true;
}

bool builtin_method_is_integer(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[0].tag != V_FLOAT)
        return no_attribute(run, &args[0], "is_integer");
    *out = value_bool(isfinite(args[0].f) && args[0].f == trunc(args[0].f));
    return true;
}

static bool number_itself(struct run *run, const struct value *v, const char *name, struct value *out) {
    return is_number(v) ? arithmetic_pos(run, v, out) : no_attribute(run, v, name);
}

bool builtin_method_conjugate(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return number_itself(run, &args[0], "conjugate", out);
}

bool builtin_attribute_real(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return number_itself(run, &args[0], "real", out);
}

bool builtin_attribute_imag(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!is_number(&args[0]))
        return no_attribute(run, &args[0], "imag");
    *out = args[0].tag == V_FLOAT ? value_float(0.0) : value_int(0);
    return true;
}

bool builtin_attribute_numerator(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return is_int(&args[0]) ? arithmetic_pos(run, &args[0], out) : no_attribute(run, &args[0], "numerator");
}

bool builtin_attribute_denominator(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (!is_int(&args[0]))
        return no_attribute(run, &args[0], "denominator");
    *out = value_int(1);
    return true;
}

/* --- math of ints --- */

static bool int_argument(struct run *run, const struct value *v, struct big *out) {
    if (!is_int(v))
        return run_raise(run, EXCEPTION_TypeError, "'%s' object cannot be interpreted as an integer", type_name(v));
    big_load(out, v);
    return true;
}

static bool gcd(struct run *run, struct big *a, struct big *b) {
    struct big rest;
    a->negative = b->negative = false;
    while (b->count > 0) {
        big_divide(NULL, &rest, a, b);
        *a = *b;
        *b = rest;
        if (!run_charge(run, 2))
            return false;
    }
    return true;
}

bool builtin_math_gcd(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct big sum, next;
    big_set(&sum, 0);
    for (uint32_t i = 0; i < count; i++)
        if (!int_argument(run, &args[i], &next) || !gcd(run, &sum, &next))
            return false;
    return big_value(run, &sum, out);
}

bool builtin_math_lcm(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct big all, next, common, scratch, rest;
    struct value part;
    big_set(&all, 1);
    for (uint32_t i = 0; i < count; i++) {
        if (!int_argument(run, &args[i], &next))
            return false;
        if (all.count == 0 || next.count == 0) {
            big_set(&all, 0);
            continue;
        }
        common = all;
        scratch = next;
        if (!gcd(run, &common, &scratch))
            return false;
        big_divide(&scratch, &rest, &all, &common);
        next.negative = false;
        big_multiply(&all, &scratch, &next);
        if (!big_value(run, &all, &part)) /* within the limit for the next round */
            return false;
    }
    return big_value(run, &all, out);
}

bool builtin_math_factorial(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    enum { FACTORIAL_MAX = 600 }; /* beyond LIMIT_INT_BITS already */
    struct big n, product, factor, next;
    if (!int_argument(run, &args[0], &n))
        return false;
    if (n.negative)
        return run_raise(run, EXCEPTION_ValueError, "factorial() not defined for negative values");
    if (n.count > 1 || (n.count == 1 && n.limbs[0] > FACTORIAL_MAX))
        return run_raise(run, EXCEPTION_OverflowError, "an int of more than %u bits", LIMIT_INT_BITS);
    big_set(&product, 1);
    for (int64_t i = 2; n.count > 0 && i <= (int64_t)n.limbs[0]; i++) {
        big_set(&factor, i);
        big_multiply(&next, &product, &factor);
        product = next;
    }
    return run_charge(run, n.count > 0 ? n.limbs[0] : 0) && big_value(run, &product, out);
}

/* n! / (n - k)!, divided by k! too for a combination. Each step is a product of i numbers in a row, which i! divides. */
static bool choose(struct run *run, struct big *n, struct big *k, bool divide, struct value *out) {
    struct big one, result, product, divisor, rest;
    int64_t steps;
    big_set(&one, 1);
    big_set(&result, 1);
    if (!big_int64(k, &steps)) /* n is not smaller */
        return run_raise(run, EXCEPTION_OverflowError, "k is too large");
    for (int64_t i = 1; i <= steps; i++) {
        big_multiply(&product, &result, n);
        big_subtract(n, n, &one);
        if (divide) {
            big_set(&divisor, i);
            big_divide(&result, &rest, &product, &divisor);
        } else {
            result = product;
        }
        if (big_bits(&result) > LIMIT_INT_BITS)
            break;
        if (!run_charge(run, 4))
            return false;
    }
    return big_value(run, &result, out);
}

static bool choose_arguments(struct run *run, const struct value *args, struct big *n, struct big *k) {
    if (!int_argument(run, &args[0], n) || !int_argument(run, &args[1], k))
        return false;
    if (n->negative || k->negative)
        return run_raise(run, EXCEPTION_ValueError, "%s must be a non-negative integer", n->negative ? "n" : "k");
    return true;
}

bool builtin_math_comb(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct big n, k, other;
    if (!choose_arguments(run, args, &n, &k))
        return false;
    big_subtract(&other, &n, &k);
    if (other.negative) {
        *out = value_int(0);
        return true;
    }
    return choose(run, &n, big_compare(&other, &k) < 0 ? &other : &k, true, out);
}

bool builtin_math_perm(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct big n, k;
    if (count == 1 || args[1].tag == V_NONE)
        return builtin_math_factorial(run, args, 1, out);
    if (!choose_arguments(run, args, &n, &k))
        return false;
    if (big_compare(&n, &k) < 0) {
        *out = value_int(0);
        return true;
    }
    return choose(run, &n, &k, false, out);
}

/* Newton from above; exact. */
bool builtin_math_isqrt(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct big n, root, next, rest;
    if (!int_argument(run, &args[0], &n))
        return false;
    if (n.negative)
        return run_raise(run, EXCEPTION_ValueError, "isqrt() argument must be nonnegative");
    if (n.count == 0) {
        *out = value_int(0);
        return true;
    }
    big_set(&root, 1);
    big_shift_left(&root, &root, (big_bits(&n) + 1) / 2);
    for (;;) {
        big_divide(&next, &rest, &n, &root);
        big_add(&next, &next, &root);
        big_shift_right(&next, &next, 1);
        if (big_compare(&next, &root) >= 0)
            break;
        root = next;
        if (!run_charge(run, 10))
            return false;
    }
    return big_value(run, &root, out);
}
