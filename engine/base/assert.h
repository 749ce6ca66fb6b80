/* Assertions that stay on in release: a broken invariant of ours stops the process before it can answer.
 * Arguments and invariants are asserted; input is checked and answered (error.h). */
#ifndef ASSAY_BASE_ASSERT_H
#define ASSAY_BASE_ASSERT_H

#include <stdnoreturn.h>

/* Prints where and what to standard error and aborts. */
noreturn void assert_failed(const char *file, int line, const char *condition);

#define ASSERT(condition)                                                                                              \
    (__builtin_expect(!!(condition), 1) ? (void)0 : assert_failed(__FILE__, __LINE__, #condition))
#define UNREACHABLE() assert_failed(__FILE__, __LINE__, "unreachable")

#endif
