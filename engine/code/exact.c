/* Exact sums of numbers, which statistics' mean, variance and the like are made of (python/assay/_prelude.py, exact_sums): every
 * int and finite float is a whole number of the same power of two, and these are added as big ints. */
#include <math.h>

#include "big.h"

enum { MANTISSA_BITS = 53 };

/* A finite float as mantissa * 2 ** exponent, the mantissa odd or 0. */
static int64_t taken_apart(double f, int *exponent) {
    int64_t mantissa = (int64_t)ldexp(frexp(f, exponent), MANTISSA_BITS);
    *exponent -= MANTISSA_BITS;
    if (mantissa == 0) {
        *exponent = 0;
        return 0;
    }
    int zeros = __builtin_ctzll((uint64_t)mantissa);
    *exponent += zeros;
    return mantissa >> zeros;
}

/* The shift that makes all of them whole; *ints: none is a float; *odd: there is one that is not finite. */
static bool look(struct run *run, const struct value *items, uint32_t count, uint32_t *shift, bool *ints, bool *odd) {
    *shift = 0;
    *ints = true;
    *odd = false;
    for (uint32_t i = 0; i < count; i++) {
        int exponent;
        if (!is_number(&items[i]))
            return run_raise(run, EXCEPTION_TypeError, "can't convert type '%s' to numerator/denominator", type_name(&items[i]));
        if (items[i].tag != V_FLOAT)
            continue;
        *ints = false;
        if (!isfinite(items[i].f)) {
            *odd = true;
            continue;
        }
        taken_apart(items[i].f, &exponent);
        if (-exponent > (int)*shift)
            *shift = (uint32_t)-exponent;
    }
    return run_charge(run, count);
}

static void whole(const struct value *v, uint32_t shift, struct big *out) {
    int exponent = 0;
    if (v->tag == V_FLOAT)
        big_set(out, taken_apart(v->f, &exponent));
    else
        big_load(out, v);
    ASSERT(exponent + (int)shift >= 0);
    big_shift_left(out, out, (uint32_t)(exponent + (int)shift));
}

static struct value sum_of_odd(const struct value *items, uint32_t count) {
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        if (items[i].tag == V_FLOAT && !isfinite(items[i].f))
            sum += items[i].f;
    return value_float(sum);
}

bool builtin_exact_sums(struct run *run, const struct value *args, uint32_t argc, struct value *out) {
    const struct value *items;
    uint32_t count, shift;
    bool ints, odd;
    struct value *parts = run_items(run, 4);
    if (parts == NULL || !sequence_items(run, &args[0], &items, &count) || !look(run, items, count, &shift, &ints, &odd))
        return false;
    struct big sum = {0}, squares = {0}, one, square;
    parts[0] = value_bool(ints && !odd);
    parts[3] = value_int(odd ? 0 : shift);
    *out = make_tuple(parts, 4);
    if (odd) {
        parts[1] = sum_of_odd(items, count);
        parts[2] = value_int(0);
        return true;
    }
    for (uint32_t i = 0; i < count; i++) {
        whole(&items[i], shift, &one);
        big_add(&sum, &sum, &one);
        if (truth(&args[1])) {
            big_multiply(&square, &one, &one);
            big_add(&squares, &squares, &square);
        }
        if (!run_charge(run, 2 + one.count))
            return false;
        if (squares.count > BIG_LIMBS - 2)
            return run_raise(run, EXCEPTION_OverflowError, "an int of more than %u bits", LIMIT_INT_BITS);
    }
    return big_value(run, &sum, &parts[1]) && big_value(run, &squares, &parts[2]);
}
