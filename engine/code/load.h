/* Private to the code room: what code_load makes (load.c, constant.c) and the interpreter runs (run.c). */
#ifndef ASSAY_CODE_LOAD_H
#define ASSAY_CODE_LOAD_H

#include "run.h"

/* What calling a function takes, close together. */
struct code_entry {
    struct code_piece piece;
    const uint16_t *required, *required_end;
    uint64_t plain; /* bits 1 << tag % 64 of results that go to the slot as they are */
    uint32_t slot, number;
    uint64_t padding; /* to 64 bytes, a shift away from its number */
};

struct code {
    struct arena arena; /* owns what is below, but for the functions */
    struct unicode unicode;
    const struct instruction *instructions;
    const struct code_position *positions;
    const struct value *constants;
    uint32_t pattern_count; /* constants that need a matcher (regex.h) */
    uint32_t constant_count, slot_count, temporary_count;
    const struct code_function *functions;
    const struct code_entry *entries; /* of the functions */
    uint32_t function_count;
    const struct code_routine *routines;
    uint32_t routine_count;
    const struct code_class *classes;
    uint32_t class_count;
    const struct code_exception *exceptions;
    const char *const *exception_names; /* of the bundle's own, ended by zero bytes */
    uint32_t exception_count;
    const struct tokenizer *const *tokenizers; /* of text.tokens */
    uint32_t tokenizer_count;
    const struct embedding *embeddings; /* of text.embed */
    uint32_t embedding_count;
    const struct vectorizer *vectorizers; /* of text.vectorize */
    uint32_t vectorizer_count;
};

/* Reads the constant pool into code->constants. */
bool constants_load(struct code *code, const struct code_config *config, struct error *error);

#endif
