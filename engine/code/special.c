/* math's functions that CPython computes itself: gamma and lgamma (Lanczos' approximation with g = 6.0246800407767296,
 * n = 13), hypot and dist (a scaled sum of squares in twice the precision, corrected once), fsum (Shewchuk's exact
 * partial sums), prod. Same algorithms, same order of operations, so the same bits. */
#include <errno.h>
#include <math.h>

#include "big.h"

static bool give(struct value *out, double f) {
    *out = value_float(f);
    return true;
}

/* --- gamma --- */

enum { LANCZOS_COUNT = 13, GAMMA_INTEGRAL = 23 };
static const double LANCZOS_G = 6.024680040776729583740234375;
static const double LANCZOS_G_MINUS_HALF = 5.524680040776729583740234375;
static const double lanczos_numerator[LANCZOS_COUNT] = {
    23531376880.410759688572007674451636754734846804940, 42919803642.649098768957899047001988850926355848959,
    35711959237.355668049440185451547166705960488635843, 17921034426.037209699919755754458931112671403265390,
    6039542586.3520280050642916443072979210699388420708, 1439720407.3117216736632230727949123939715485786372,
    248874557.86205415651146038641322942321632125127801, 31426415.585400194380614231628318205362874684987640,
    2876370.6289353724412254090516208496135991145378768, 186056.26539522349504029498971604569928220784236328,
    8071.6720023658162106380029022722506138218516325024, 210.82427775157934587250973392071336271166969580291,
    2.5066282746310002701649081771338373386264310793408};
static const double lanczos_denominator[LANCZOS_COUNT] = {
    0.0, 39916800.0, 120543840.0, 150917976.0, 105258076.0, 45995730.0, 13339535.0, 2637558.0, 357423.0, 32670.0, 1925.0, 66.0,
    1.0};

static double lanczos_sum(double x) {
    double numerator = 0, denominator = 0;
    ASSERT(x > 0);
    if (x < 5.0) {
        for (int i = LANCZOS_COUNT; --i >= 0;) {
            numerator = numerator * x + lanczos_numerator[i];
            denominator = denominator * x + lanczos_denominator[i];
        }
    } else { /* in 1/x, so that nothing overflows */
        for (int i = 0; i < LANCZOS_COUNT; i++) {
            numerator = numerator / x + lanczos_numerator[i];
            denominator = denominator / x + lanczos_denominator[i];
        }
    }
    return numerator / denominator;
}

/* sin(pi x), exact where it is 0 or 1. */
static double sin_pi(double x) {
    ASSERT(isfinite(x));
    double y = fmod(fabs(x), 2.0), result = 0;
    switch ((int)round(2.0 * y)) {
    case 0: result = sin(M_PI * y); break;
    case 1: result = cos(M_PI * (y - 0.5)); break;
    case 2: result = sin(M_PI * (1.0 - y)); break;
    case 3: result = -cos(M_PI * (y - 1.5)); break;
    case 4: result = sin(M_PI * (y - 2.0)); break;
    default: UNREACHABLE();
    }
    return copysign(1.0, x) * result;
}

/* The cases that need no approximation. errno: EDOM at a pole, ERANGE when too large. */
static bool gamma_simple(double x, double *out) {
    if (!isfinite(x)) {
        bool minus_infinity = isinf(x) && x < 0;
        errno = minus_infinity ? EDOM : errno;
        *out = minus_infinity ? NAN : x;
    } else if (x == 0 || (x < 0 && x == floor(x))) {
        errno = EDOM;
        *out = NAN;
    } else if (x == floor(x) && x <= GAMMA_INTEGRAL) {
        *out = 1;
        for (int i = 2; i < (int)x; i++)
            *out *= i; /* exact up to 22! */
    } else if (fabs(x) < 1e-20) {
        *out = 1.0 / x;
        errno = isinf(*out) ? ERANGE : errno;
    } else if (fabs(x) > 200.0) {
        *out = x < 0 ? 0.0 / sin_pi(x) : INFINITY;
        errno = x < 0 ? errno : ERANGE;
    } else {
        return false;
    }
    return true;
}

/* x times (or by) y ** exponent, in two steps where the power alone would overflow. */
static double times_power(double x, double y, double exponent, bool divide, bool in_two) {
    double power = pow(y, in_two ? exponent / 2.0 : exponent);
    x = divide ? x / power : x * power;
    if (in_two)
        x = divide ? x / power : x * power;
    return x;
}

static double gamma_of(double x) {
    double result, magnitude = fabs(x);
    if (gamma_simple(x, &result))
        return result;
    /* y = magnitude + g - 1/2, and z what its rounding lost */
    double y = magnitude + LANCZOS_G_MINUS_HALF, z;
    if (magnitude > LANCZOS_G_MINUS_HALF) {
        double q = y - magnitude;
        z = q - LANCZOS_G_MINUS_HALF;
    } else {
        double q = y - LANCZOS_G_MINUS_HALF;
        z = q - magnitude;
    }
    z = z * LANCZOS_G / y;
    bool in_two = magnitude >= 140.0;
    if (x < 0) {
        result = -M_PI / sin_pi(magnitude) / magnitude * exp(y) / lanczos_sum(magnitude);
        result -= z * result;
        result = times_power(result, y, magnitude - 0.5, true, in_two);
    } else {
        result = lanczos_sum(magnitude) / exp(y);
        result += z * result;
        result = times_power(result, y, magnitude - 0.5, false, in_two);
    }
    if (isinf(result))
        errno = ERANGE;
    return result;
}

static double lgamma_of(double x) {
    if (!isfinite(x))
        return isnan(x) ? x : INFINITY;
    if (x == floor(x) && x <= 2.0) {
        if (x > 0)
            return 0.0;
        errno = EDOM;
        return INFINITY;
    }
    double magnitude = fabs(x);
    if (magnitude < 1e-20)
        return -log(magnitude);
    double result = log(lanczos_sum(magnitude)) - LANCZOS_G;
    result += (magnitude - 0.5) * (log(magnitude + LANCZOS_G - 0.5) - 1);
    if (x < 0)
        result = log(M_PI) - log(fabs(sin_pi(magnitude))) - log(magnitude) - result;
    if (isinf(result))
        errno = ERANGE;
    return result;
}

static bool with_errno(struct run *run, double (*function)(double), const struct value *v, struct value *out) {
    double x;
    if (!arithmetic_double(run, v, &x))
        return false;
    errno = 0;
    double result = function(x);
    if (errno == EDOM)
        return run_raise(run, EXCEPTION_ValueError, "math domain error");
    if (errno == ERANGE && fabs(result) >= 1.5)
        return run_raise(run, EXCEPTION_OverflowError, "math range error");
    return give(out, result);
}

bool builtin_math_gamma(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return with_errno(run, gamma_of, &args[0], out);
}

bool builtin_math_lgamma(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return with_errno(run, lgamma_of, &args[0], out);
}

/* --- hypot, dist --- */

struct squares {
    double sum, lost_high, lost_cross, lost_low;
};

static void add_exactly(double *sum, double *lost, double x) {
    double old = *sum;
    *sum += x;
    *lost += (old - *sum) + x;
}

static void halve(double x, double *high, double *low) {
    double t = x * 134217729.0; /* 2^27 + 1 */
    *high = t - (t - x);
    *low = x - *high;
}

/* The largest is `max`; nothing is NaN. */
static double norm_scaled(const double *values, uint32_t count, int exponent) {
    struct squares s = {.sum = 1.0};
    double scale = ldexp(1.0, -exponent), high, low;
    for (uint32_t i = 0; i < count; i++) {
        halve(values[i] * scale, &high, &low);
        add_exactly(&s.sum, &s.lost_high, high * high);
        add_exactly(&s.sum, &s.lost_cross, 2.0 * high * low);
        s.lost_low += low * low;
    }
    double root = sqrt(s.sum - 1.0 + (s.lost_high + s.lost_cross + s.lost_low));
    halve(root, &high, &low);
    add_exactly(&s.sum, &s.lost_high, -high * high);
    add_exactly(&s.sum, &s.lost_cross, -2.0 * high * low);
    add_exactly(&s.sum, &s.lost_low, -low * low);
    double rest = s.sum - 1.0 + (s.lost_high + s.lost_cross + s.lost_low);
    return (root + rest / (2.0 * root)) / scale;
}

/* For a maximum below 2^-1023, whose scale would overflow. */
static double norm_divided(const double *values, uint32_t count, double max) {
    double sum = 1.0, lost = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        double x = values[i] / max;
        add_exactly(&sum, &lost, x * x);
    }
    return max * sqrt(sum - 1.0 + lost);
}

/* The values are not negative. */
static double norm(const double *values, uint32_t count) {
    double max = 0;
    bool nan = false;
    for (uint32_t i = 0; i < count; i++) {
        ASSERT(!(values[i] < 0));
        nan |= isnan(values[i]);
        if (values[i] > max)
            max = values[i];
    }
    if (isinf(max))
        return max;
    if (nan)
        return NAN;
    if (max == 0 || count <= 1)
        return max;
    int exponent;
    frexp(max, &exponent);
    return exponent >= -1023 ? norm_scaled(values, count, exponent) : norm_divided(values, count, max);
}

bool builtin_math_hypot(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double values[256];
    ASSERT(count < 256);
    for (uint32_t i = 0; i < count; i++) {
        if (!arithmetic_double(run, &args[i], &values[i]))
            return false;
        values[i] = fabs(values[i]);
    }
    return give(out, norm(values, count));
}

bool builtin_math_dist(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *p, *q;
    uint32_t p_count, q_count;
    if (!sequence_items(run, &args[0], &p, &p_count) || !sequence_items(run, &args[1], &q, &q_count))
        return false;
    if (p_count != q_count)
        return run_raise(run, EXCEPTION_ValueError, "both points must have the same number of dimensions");
    double *values = run_charge(run, p_count) ? run_alloc(run, p_count * sizeof *values) : NULL;
    if (values == NULL)
        return false;
    for (uint32_t i = 0; i < p_count; i++) {
        double x, y;
        if (!arithmetic_double(run, &p[i], &x) || !arithmetic_double(run, &q[i], &y))
            return false;
        values[i] = fabs(x - y);
    }
    return give(out, norm(values, p_count));
}

/* --- fsum --- */

struct partials {
    double *values;
    uint32_t count, room;
    double special, infinities;
};

static bool partials_add(struct run *run, struct partials *partials, double x) {
    double given = x;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < partials->count; i++) {
        double y = partials->values[i];
        if (fabs(x) < fabs(y)) {
            double swap = x;
            x = y;
            y = swap;
        }
        double high = x + y, low = y - (high - x);
        if (low != 0)
            partials->values[kept++] = low;
        x = high;
    }
    partials->count = kept;
    if (x == 0)
        return true;
    if (!isfinite(x)) {
        if (isfinite(given))
            return run_raise(run, EXCEPTION_OverflowError, "intermediate overflow in fsum");
        if (isinf(given))
            partials->infinities += given;
        partials->special += given;
        partials->count = 0;
        return true;
    }
    if (kept == partials->room) {
        uint32_t room = partials->room * 2 + 32;
        double *values = run_alloc(run, room * sizeof *values);
        if (values == NULL)
            return false;
        copy_bytes(values, partials->values, kept * sizeof *values);
        partials->values = values;
        partials->room = room;
    }
    partials->values[partials->count++] = x;
    return true;
}

/* The partials do not overlap and grow: their sum, rounded once, half to even over all of them. */
static double partials_sum(const struct partials *partials) {
    uint32_t n = partials->count;
    if (n == 0)
        return 0.0;
    double high = partials->values[--n], low = 0;
    while (n > 0) {
        double x = high, y = partials->values[--n];
        high = x + y;
        low = y - (high - x);
        if (low != 0)
            break;
    }
    if (n > 0 && ((low < 0 && partials->values[n - 1] < 0) || (low > 0 && partials->values[n - 1] > 0))) {
        double twice = low * 2.0, x = high + twice;
        if (twice == x - high)
            high = x;
    }
    return high;
}

bool builtin_math_fsum(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct value iterator, next;
    struct partials partials = {0};
    int more;
    if (!sequence_iter(run, &args[0], &iterator))
        return false;
    while ((more = sequence_next(run, &iterator, &next)) == 1) {
        double x;
        if (!run_charge(run, 1 + partials.count / 8) || !arithmetic_double(run, &next, &x) || !partials_add(run, &partials, x))
            return false;
    }
    if (more < 0)
        return false;
    if (partials.special != 0) {
        if (isnan(partials.infinities))
            return run_raise(run, EXCEPTION_ValueError, "-inf + inf in fsum");
        return give(out, partials.special);
    }
    return give(out, partials_sum(&partials));
}

bool builtin_math_prod(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct value iterator, next, product = count > 1 ? args[1] : value_int(1);
    int more;
    if (!sequence_iter(run, &args[0], &iterator))
        return false;
    while ((more = sequence_next(run, &iterator, &next)) == 1)
        if (!run_charge(run, 1) || !arithmetic_mul(run, &product, &next, &product))
            return false;
    *out = product;
    return more == 0;
}
