/* Where a broken invariant of ours ends: see assert.h. */
#include "assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *file, int line, const char *condition) {
    fprintf(stderr, "assay: internal error: %s:%d: %s\n", file, line, condition);
    fflush(stderr);
    abort();
}
