/* What the reading files share (read.c: the file's order; read_steps.c: normalizer and pre-tokenizer; read_model.c). */
#ifndef ASSAY_TEXT_READ_H
#define ASSAY_TEXT_READ_H

#include "part.h"

enum section_kind {
    SECTION_HEAD = 1,
    SECTION_KINDS,
    SECTION_PROPERTY,
    SECTION_MAP,
    SECTION_PAIRS,
    SECTION_BYTES,
    SECTION_PROGRAM,
    SECTION_CHARSMAP,
    SECTION_TRIE,
    SECTION_STEPS,
    SECTION_STAGES,
    SECTION_ADDED,
    SECTION_MODEL,
    SECTION_NUMBERS,
    SECTION_POST
};

struct section {
    uint32_t kind;
    const uint8_t *p; /* aligned to 8 bytes */
    size_t bytes;
};

struct part_reader {
    struct tokenizer *tokenizer;
    struct section sections[256];
    uint32_t count;
    const char *place; /* what is read, for the error */
    struct error *error;
};

/* Each answers false with the error set. */
bool text_fail(struct part_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool text_section(struct part_reader *reader, uint32_t number, enum section_kind kind, struct section *out);
bool text_read_property(struct part_reader *reader, uint32_t number, struct text_property *property);
bool text_read_map(struct part_reader *reader, uint32_t number, struct text_map *map);
bool text_read_bytes(struct part_reader *reader, uint32_t number, struct text_bytes *bytes);
bool text_read_program(struct part_reader *reader, uint32_t number, struct text_program *program);
bool text_read_trie(struct part_reader *reader, uint32_t number, uint32_t value_bound, struct trie *trie);
bool text_read_steps(struct part_reader *reader, uint32_t number);
bool text_read_stages(struct part_reader *reader, uint32_t number);
bool text_read_model(struct part_reader *reader, uint32_t number);

#endif
