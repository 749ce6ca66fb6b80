/* bytes: values that live inside functions only (V_BYTES; p: len bytes of any kind). What bytes share with str - finding,
 * splitting, replacing - runs the str method on the same bytes as if each were a character. */
#ifndef ASSAY_CODE_BYTES_H
#define ASSAY_CODE_BYTES_H

#include "run.h"

static inline struct value make_bytes(const void *p, size_t len) {
    return (struct value){.tag = V_BYTES, .len = (uint32_t)len, .p = p};
}

/* Calls a str method with bytes in place of strs, and turns what it gives back. TypeError where a str came. */
bool bytes_method(struct run *run, builtin_call *method, const struct value *args, uint32_t count, struct value *out);
/* The bytes that an item of bytes is: an int from 0 to 255. */
bool bytes_item(struct run *run, const struct value *v, uint8_t *out);
bool bytes_in(struct run *run, const struct value *item, const struct value *bytes, bool *out);
/* repr: b'...' */
void bytes_text(struct buf *out, const struct value *v);
/* ASCII only: case and classes. */
bool bytes_case(struct run *run, const char *name, const struct value *v, struct value *out);
bool bytes_class(struct run *run, const char *name, const struct value *v, struct value *out);
bool bytes_strip(struct run *run, const struct value *args, uint32_t count, bool left, bool right, struct value *out);
/* Words between white space (bytes have no more of it than ASCII). */
bool bytes_split(struct run *run, const struct value *args, uint32_t count, bool right, struct value *out);
/* replace() of nothing: between all bytes. */
bool bytes_replace_between(struct run *run, const struct value *args, uint64_t most, struct value *out);
bool bytes_join(struct run *run, const struct value *args, struct value *out);

/* Bytes or a str of ASCII, where a function of Python takes either ("a bytes-like object or ASCII string"). */
bool bytes_or_ascii(struct run *run, const struct value *v, struct str *out);
/* Bytes; TypeError for anything else. */
bool bytes_argument(struct run *run, const struct value *v, struct str *out);
/* float.hex() */
bool float_hex(struct run *run, const struct value *v, struct value *out);
bool bytes_hex(struct run *run, const void *p, size_t len, struct value *out);

#endif
