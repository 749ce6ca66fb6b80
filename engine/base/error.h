/* An error with a text for people. Three kinds of error are never mixed:
 *   the user's input        a value with a place and a reason (this struct, or a field error of event.h), answered;
 *   the operating system's  this struct with kind ERROR_SYSTEM, handled by a written policy (see journal.h);
 *   our own bug             ASSERT (assert.h).
 * Functions that can fail take `struct error *error` last and return false (or NULL) after filling it. */
#ifndef ASSAY_BASE_ERROR_H
#define ASSAY_BASE_ERROR_H

#include <stdbool.h>

enum error_kind {
    ERROR_NONE = 0,
    ERROR_INPUT,   /* the input is not what was expected */
    ERROR_LIMIT,   /* a limit of limits.h was reached */
    ERROR_SYSTEM,  /* the operating system refused; `code` is its errno */
    ERROR_CORRUPT, /* stored bytes are not what was written */
};

struct error {
    enum error_kind kind;
    int code; /* errno, or 0 */
    char text[500];
};

/* Fill `error` and return false, so that a caller can write `return error_set(...)`. `error` may not be NULL. */
bool error_set(struct error *error, enum error_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for ERROR_SYSTEM: appends ": " and the text of errno. */
bool error_system(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before the text that is there, so that the outer caller can say where. Returns false. */
bool error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
