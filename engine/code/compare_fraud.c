/* assay.fn: the comparisons that fraud detection needs. Each does the operations of its twin in python/assay/fn.py in the same
 * order, so that the results are the same to the last bit; sources are named there. */
#include <math.h>

#include "run.h"
#include "table.h"

#define EARTH_RADIUS_KM 6371.0088
enum { PREFIX_MOST = 4, PRECISION_MOST = 22, WORD = 64 };

static bool is_text(struct run *run, const struct value *v, const char *function) {
    return v->tag == V_STR || run_raise(run, EXCEPTION_TypeError, "%s() takes a str, not %s", function, type_name(v));
}

/* --- places --- */

static bool radians(struct run *run, const struct value *v, double *out) {
    if (!arithmetic_double(run, v, out))
        return false;
    *out *= M_PI / 180;
    return true;
}

/* sin or cos, which have no value at infinity. */
static bool wave(struct run *run, double (*function)(double), double x, double *out) {
    *out = function(x);
    return !isinf(x) || run_raise(run, EXCEPTION_ValueError, "math domain error");
}

bool builtin_fn_haversine_km(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    double phi1, phi2, lambda1, lambda2, north, east, cos1, cos2;
    if (!radians(run, &args[0], &phi1) || !radians(run, &args[2], &phi2) || !wave(run, sin, (phi2 - phi1) / 2, &north) ||
        !radians(run, &args[3], &lambda2) || !radians(run, &args[1], &lambda1) ||
        !wave(run, sin, (lambda2 - lambda1) / 2, &east) || !wave(run, cos, phi1, &cos1) || !wave(run, cos, phi2, &cos2))
        return false;
    double h = north * north + cos1 * cos2 * (east * east);
    if (h < 0)
        return run_raise(run, EXCEPTION_ValueError, "math domain error");
    *out = value_float(2 * EARTH_RADIUS_KM * asin(sqrt(h > 1.0 ? 1.0 : h)));
    return true;
}

static bool degrees(struct run *run, const struct value *v, double *out) {
    if (!is_number(v))
        return run_raise(run, EXCEPTION_TypeError, "geohash() takes numbers, not %s", type_name(v));
    return arithmetic_double(run, v, out);
}

static bool within(struct run *run, double degrees, double limit, const char *what) {
    return (degrees >= -limit && degrees <= limit) ||
           run_raise(run, EXCEPTION_ValueError, "geohash() takes a %s from -%.0f to %.0f", what, limit, limit);
}

bool builtin_fn_geohash(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    static const char letters[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    const struct value precision = count > 2 ? args[2] : value_int(12);
    double at[2], low[2] = {-180, -90}, high[2] = {180, 90}; /* longitude, latitude */
    if (!degrees(run, &args[0], &at[1]) || !degrees(run, &args[1], &at[0]) || !within(run, at[1], high[1], "latitude") ||
        !within(run, at[0], high[0], "longitude"))
        return false;
    if (!is_int(&precision))
        return run_raise(run, EXCEPTION_TypeError, "geohash() takes an int as precision, not %s", type_name(&precision));
    if (!is_int64(&precision) || precision.i < 1 || precision.i > PRECISION_MOST)
        return run_raise(run, EXCEPTION_ValueError, "geohash() takes a precision from 1 to %d", PRECISION_MOST);
    char *code = run_alloc(run, (uint64_t)precision.i);
    if (code == NULL)
        return false;
    unsigned bits = 0;
    for (int bit = 0; bit < 5 * precision.i; bit++) {
        int which = bit % 2;
        double middle = (low[which] + high[which]) / 2;
        bool upper = at[which] >= middle;
        *(upper ? &low[which] : &high[which]) = middle;
        bits = (bits << 1 | upper) & 31;
        if (bit % 5 == 4)
            code[bit / 5] = letters[bits];
    }
    *out = text_ascii(code, (size_t)precision.i);
    return true;
}

/* --- names --- */

/* A text's code points, in the arena. */
static bool points_of(struct run *run, const struct value *v, uint32_t **points, uint32_t *count) {
    *count = 0;
    *points = run_alloc(run, (uint64_t)v->len * sizeof **points);
    if (*points == NULL || !run_charge(run, v->len / 8))
        return false;
    const char *p = v->p;
    unsigned bytes;
    for (size_t at = 0; at < v->len; at += bytes)
        (*points)[(*count)++] = utf8_decode(p + at, &bytes);
    return true;
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* The points of a that have their like in b, at most `reach` away: put in front of a, those of b in front of b. */
static uint32_t match(uint32_t *a, uint32_t a_len, uint32_t *b, uint32_t b_len, uint8_t *taken) {
    const uint32_t longer = a_len > b_len ? a_len : b_len, reach = longer / 2 > 1 ? longer / 2 - 1 : 0;
    uint32_t count = 0, kept = 0;
    memset(taken, 0, b_len);
    for (uint32_t i = 0; i < a_len; i++)
        for (uint32_t j = i > reach ? i - reach : 0, end = least(i + reach + 1, b_len); j < end; j++)
            if (!taken[j] && b[j] == a[i]) {
                taken[j] = 1;
                a[count++] = a[i];
                break;
            }
    for (uint32_t j = 0; j < b_len; j++)
        if (taken[j])
            b[kept++] = b[j];
    ASSERT(kept == count);
    return count;
}

bool builtin_fn_jaro_winkler(struct run *run, const struct value *args, uint32_t argc, struct value *out) {
    uint32_t *a, *b, a_len, b_len, prefix = 0, moved = 0;
    if (!is_text(run, &args[0], "jaro_winkler") || !is_text(run, &args[1], "jaro_winkler") ||
        !points_of(run, &args[0], &a, &a_len) || !points_of(run, &args[1], &b, &b_len))
        return false;
    if (equal_texts(&args[0], &args[1])) {
        *out = value_float(1.0);
        return true;
    }
    while (prefix < least(least(a_len, b_len), PREFIX_MOST) && a[prefix] == b[prefix])
        prefix++;
    uint8_t *taken = run_alloc(run, b_len);
    if (taken == NULL || !run_charge(run, (uint64_t)a_len * b_len / 4))
        return false;
    const uint32_t count = match(a, a_len, b, b_len, taken);
    for (uint32_t i = 0; i < count; i++)
        moved += a[i] != b[i];
    if (count == 0) {
        *out = value_float(0.0);
        return true;
    }
    const double m = count;
    double jaro = (m / a_len + m / b_len + (count - moved / 2) / m) / 3;
    *out = value_float(jaro + prefix * 0.1 * (1 - jaro));
    return true;
}

/* Hyyro's form of Myers' algorithm: a column of the table of distances as two words of bits. a is ASCII, 1 to 64 bytes. */
static uint32_t distance_by_bits(const unsigned char *a, uint32_t a_len, const unsigned char *b, uint32_t b_len) {
    uint64_t places[128] = {0}, plus = ~0ull, minus = 0;
    const uint64_t last = 1ull << (a_len - 1);
    uint32_t distance = a_len;
    ASSERT(a_len > 0 && a_len <= WORD);
    for (uint32_t i = 0; i < a_len; i++)
        places[a[i]] |= 1ull << i;
    for (uint32_t j = 0; j < b_len; j++) {
        const uint64_t same = places[b[j]], x = same | minus;
        const uint64_t diagonal = (((x & plus) + plus) ^ plus) | x;
        uint64_t up = minus | ~(diagonal | plus), down = plus & diagonal;
        distance += (up & last) != 0;
        distance -= (down & last) != 0;
        up = up << 1 | 1;
        down <<= 1;
        plus = down | ~(diagonal | up);
        minus = up & diagonal;
    }
    return distance;
}

static uint32_t distance_by_rows(const uint32_t *a, uint32_t a_len, const uint32_t *b, uint32_t b_len, uint32_t *row) {
    for (uint32_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (uint32_t i = 0; i < a_len; i++) {
        uint32_t before = row[0];
        row[0] = i + 1;
        for (uint32_t j = 0; j < b_len; j++) {
            uint32_t above = row[j + 1];
            row[j + 1] = least(least(above, row[j]) + 1, before + (a[i] != b[j]));
            before = above;
        }
    }
    return row[b_len];
}

bool builtin_fn_levenshtein(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct value *a = &args[0], *b = &args[1];
    uint32_t *points, *others, a_len, b_len;
    if (!is_text(run, a, "levenshtein") || !is_text(run, b, "levenshtein"))
        return false;
    if (b->len < a->len)
        a = &args[1], b = &args[0];
    if (is_ascii(a) && is_ascii(b) && a->len > 0 && a->len <= WORD) {
        *out = value_int(distance_by_bits(a->p, a->len, b->p, b->len));
        return run_charge(run, 16 + b->len);
    }
    if (!points_of(run, a, &points, &a_len) || !points_of(run, b, &others, &b_len))
        return false;
    uint32_t *row = run_alloc(run, (b_len + 1ull) * sizeof *row);
    if (row == NULL || !run_charge(run, (uint64_t)a_len * b_len / 4))
        return false;
    *out = value_int(distance_by_rows(points, a_len, others, b_len, row));
    return true;
}

bool builtin_fn_soundex(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    static const char digits[] = "01230120022455012623010202"; /* of A to Z; 0: none */
    if (!is_text(run, &args[0], "soundex") || !run_charge(run, args[0].len / 16))
        return false;
    char *code = run_alloc(run, 4);
    if (code == NULL)
        return false;
    const char *p = args[0].p;
    uint32_t used = 0;
    char last = '0';
    for (size_t i = 0; i < args[0].len && used < 4; i++) {
        unsigned letter = ((unsigned char)p[i] | 32u) - 'a';
        if (letter >= 26 || (used > 0 && (letter == 'h' - 'a' || letter == 'w' - 'a')))
            continue;
        if (used == 0)
            code[used++] = (char)('A' + letter);
        else if (digits[letter] != '0' && digits[letter] != last)
            code[used++] = digits[letter];
        last = digits[letter];
    }
    memset(code + used, '0', 4 - used);
    *out = text_ascii(code, used == 0 ? 0 : 4);
    return true;
}

/* --- numbers and letters --- */

bool builtin_fn_luhn_valid(struct run *run, const struct value *args, uint32_t argc, struct value *out) {
    if (!is_text(run, &args[0], "luhn_valid") || !run_charge(run, args[0].len / 16))
        return false;
    const char *p = args[0].p;
    uint64_t total = 0, count = 0;
    bool valid = true;
    for (size_t i = args[0].len; i-- > 0 && valid;) {
        if (p[i] == ' ' || p[i] == '-')
            continue;
        unsigned digit = (unsigned char)p[i] - (unsigned)'0';
        valid = digit <= 9;
        if (count++ % 2)
            digit = digit > 4 ? digit * 2 - 9 : digit * 2;
        total += digit;
    }
    *out = value_bool(valid && count > 0 && total % 10 == 0);
    return true;
}

/* How often each code point is there, in the order in which they come first. */
static bool tally(struct run *run, const struct value *v, struct table **out) {
    struct table *table = *out = table_new(run, true, 16);
    unsigned bytes;
    if (table == NULL)
        return false;
    for (size_t at = 0; at < v->len; at += bytes) {
        uint32_t entry;
        utf8_decode((const char *)v->p + at, &bytes);
        const struct value point = text_part(v, at, at + bytes), one = value_int(1);
        if (!run_charge(run, 1) || !table_find(run, table, &point, &entry))
            return false;
        if (entry != TABLE_NONE)
            table->values[entry].i++;
        else if (!table_set(run, table, &point, &one))
            return false;
    }
    return true;
}

static double bits_of(double count, double all) {
    double share = count / all;
    return share * log2(share);
}

bool builtin_fn_entropy(struct run *run, const struct value *args, uint32_t argc, struct value *out) {
    const struct value *v = &args[0];
    double bits = 0.0, all;
    if (!is_text(run, v, "entropy"))
        return false;
    if (is_ascii(v)) {
        uint32_t counts[128] = {0};
        const unsigned char *p = v->p;
        for (size_t i = 0; i < v->len; i++)
            counts[p[i]]++;
        for (size_t i = 0; i < v->len; i++)
            if (counts[p[i]] > 0) { /* the first of its kind */
                bits -= bits_of(counts[p[i]], v->len);
                counts[p[i]] = 0;
            }
        *out = value_float(bits);
        return run_charge(run, v->len / 4);
    }
    struct table *table;
    if (!tally(run, v, &table))
        return false;
    all = (double)text_length(v);
    for (uint32_t at = 0; table_next(table, &at); at++)
        bits -= bits_of((double)table->values[at].i, all);
    *out = value_float(bits);
    return true;
}
