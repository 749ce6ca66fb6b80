/* Filling struct error (error.h). Texts are cut at the struct's size, never written past it. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "assert.h"

bool error_set(struct error *error, enum error_kind kind, const char *format, ...) {
    ASSERT(error != NULL && kind != ERROR_NONE);
    error->kind = kind;
    error->code = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

bool error_system(struct error *error, int code, const char *format, ...) {
    ASSERT(error != NULL);
    error->kind = ERROR_SYSTEM;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    size_t len = strlen(error->text);
    char text[128];
    snprintf(error->text + len, sizeof error->text - len, ": %s", strerror_r(code, text, sizeof text));
    return false;
}

bool error_prefix(struct error *error, const char *format, ...) {
    ASSERT(error != NULL && error->kind != ERROR_NONE);
    char old[sizeof error->text];
    memcpy(old, error->text, sizeof old);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    size_t len = strlen(error->text);
    snprintf(error->text + len, sizeof error->text - len, ": %s", old);
    return false;
}
