/* Ints beyond 64 bits, on the stack: sign and magnitude, 64-bit limbs, the lowest first. A V_BIGINT's limbs lie in the arena or
 * among the constants, always more than 64 bits' worth (big_value sees to it). Values have at most LIMIT_INT_BITS;
 * what is between has room for a product and the shifts of a division. */
#ifndef ASSAY_CODE_BIG_H
#define ASSAY_CODE_BIG_H

#include "run.h"

enum { BIG_VALUE_LIMBS = LIMIT_INT_BITS / 64, BIG_LIMBS = 2 * BIG_VALUE_LIMBS + 40 };

struct big {
    uint32_t count; /* limbs; the top one is not zero; 0 is zero */
    bool negative;
    uint64_t limbs[BIG_LIMBS];
};

void big_set(struct big *out, int64_t i);
void big_set_unsigned(struct big *out, uint64_t i);
void big_set_limbs(struct big *out, const uint64_t *limbs, uint32_t count, bool negative);
/* v is a bool, an int or a bigint. */
void big_load(struct big *out, const struct value *v);
/* The integral part of a finite double. */
void big_from_double(struct big *out, double f);
/* The value, an int if it fits 64 bits; OverflowError beyond LIMIT_INT_BITS. */
bool big_value(struct run *run, const struct big *big, struct value *out);
/* Rounded half to even; infinite if too large. */
double big_double(const struct big *big);
uint32_t big_bits(const struct big *big);
bool big_is_odd(const struct big *big);
bool big_int64(const struct big *big, int64_t *out);
int big_compare(const struct big *a, const struct big *b);
int big_compare_magnitude(const struct big *a, const struct big *b);

/* The result may be an operand, except for big_multiply and big_divide. */
void big_add(struct big *out, const struct big *a, const struct big *b);
void big_subtract(struct big *out, const struct big *a, const struct big *b);
void big_multiply(struct big *out, const struct big *a, const struct big *b);
/* Floor division; b is not zero. q may be NULL. */
void big_divide(struct big *quotient, struct big *remainder, const struct big *a, const struct big *b);
void big_shift_left(struct big *out, const struct big *a, uint32_t bits);
void big_shift_right(struct big *out, const struct big *a, uint64_t bits); /* floor */
void big_bit_operation(struct big *out, enum opcode op, const struct big *a, const struct big *b);
/* a / b, b > 0, to the nearest integer, half to even. */
void big_divide_nearest(struct big *out, const struct big *a, const struct big *b);
/* a / b as a double, rounded once. False if it is too large. b is not zero. */
bool big_true_divide(const struct big *a, const struct big *b, double *out);
/* The magnitude's digits in base 2 to 36 into out, which has room for the bits + 1; returns their number. */
size_t big_digits(const struct big *big, int base, char *out);
/* Reads digits below base (already values, not characters); false beyond LIMIT_INT_BITS. */
bool big_from_digits(struct big *out, const uint8_t *digits, size_t count, int base);

#endif
