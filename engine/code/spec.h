/* Format specs ("{:>10,.2f}"), and the texts of numbers with a precision, as CPython writes them. */
#ifndef ASSAY_CODE_SPEC_H
#define ASSAY_CODE_SPEC_H

#include "run.h"

/* How a double is written: PyOS_double_to_string's format code ('e', 'f', 'g', their capitals, 'r' for repr), precision and flags. */
struct float_style {
    char code;
    int64_t precision;
    bool alternate;       /* "#": the point stays, 'g' keeps its zeros */
    bool add_point;       /* at least one digit after the point, as repr has */
    bool no_negative_zero;/* "z" */
};
void float_text(struct buf *out, double f, const struct float_style *style);

/* `count` times the `bytes` at p; too many for one value: out->failed. */
void fill_text(struct buf *out, const char *p, size_t bytes, uint64_t count);

/* format(v, spec). */
bool spec_format(struct run *run, const struct value *v, struct str spec, struct value *out);

/* template % args (percent.c). */
bool percent_format(struct run *run, const struct value *template, const struct value *args, struct value *out);

#endif
