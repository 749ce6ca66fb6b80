/* Lines and items of LightGBM's text, for lightgbm.c, and the objective line. Private to the room. */
#ifndef ASSAY_MODEL_READER_H
#define ASSAY_MODEL_READER_H

#include "forest.h"

struct reader {
    const char *at, *end;
    unsigned line; /* number of the line read last */
    struct error *error;
};

/* The arguments of "%.*s" for a text shown in an error: at most 40 bytes. */
#define SHOWN(text) ((int)((text).len < 40 ? (text).len : 40)), ((text).p != NULL ? (text).p : "")

/* Fills the error with "line N: ..." and returns false. */
bool reader_fail(struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The next line without its end; false at the end of the text. */
bool reader_line(struct reader *reader, struct str *line);
/* "key=value" at the first '='. */
bool split_pair(struct str line, struct str *key, struct str *value);

/* Items are separated by spaces. next_item takes the next one (len 0 at the end) off the text. */
size_t count_items(struct str text);
struct str next_item(struct str *text);
/* That a tree's array is there and has that many items; else the error. */
bool check_items(struct reader *reader, uint32_t tree, const char *name, struct str text, uint32_t count);

/* A decimal integer from `least` to `most` that takes the whole text. */
bool read_count(const struct reader *reader, struct str text, int64_t least, int64_t most, int64_t *out);
/* A decimal number, or inf or nan with a sign or without. */
bool read_double(struct str text, double *out);

/* Sets the model's transform from the value of the objective line. */
bool objective_read(struct reader *reader, struct str text, struct model *model);

#endif
