/* Numbers and text, with CPython's bits. Locale-free. */
#ifndef ASSAY_BASE_NUMBER_H
#define ASSAY_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_TEXT_BYTES = 40 };

/* Writes repr(value) as CPython does (shortest digits that read back the same; "inf", "nan", "1e+16", "5.0") and
 * returns its length, at most 32. Not NUL-terminated. */
size_t number_repr(double value, char out[NUMBER_TEXT_BYTES]);
size_t number_int(int64_t value, char out[NUMBER_TEXT_BYTES]);

struct number {
    bool is_int;       /* written without fraction and exponent */
    bool overflow;     /* is_int and beyond 64 bits; or a float beyond the largest double */
    bool negative_zero;/* "-0" */
    int64_t i;         /* when is_int and not overflow */
    double f;          /* the correctly rounded double in every case but overflow of a float */
};

/* Parses a JSON number at p[0..len): returns the bytes it takes (RFC 8259 grammar: no leading zeros, no '+', no ".5"),
 * or 0 if there is none. Never reads beyond len. */
size_t number_parse_json(const char *p, size_t len, struct number *out);

/* Correctly rounded double of a decimal number "[+-]digits[.digits][e[+-]digits]" that takes all of p[0..len) (at least
 * one digit; digits may stand on one side of the point only). False if it is not one. Overflow gives an infinity. */
bool number_parse_double(const char *p, size_t len, double *out);

#endif
