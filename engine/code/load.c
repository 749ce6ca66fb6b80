/* Loads a bundle's code and verifies it as if an attacker had written it (code.h says what is verified). Everything is checked
 * here once, so that the interpreter (run.c) can trust operands, jumps, counts and numbers without looking. */
#include <stdlib.h>

#include "load.h"

enum form { FORM_ABC, FORM_AB, FORM_ABX, FORM_T, FORM_BT, FORM_RUN, FORM_CALL, FORM_OUT, FORM_SLICE, FORM_B, FORM_RAISE, FORM_NEXT };
enum { NO_TEXT = 0xffff, FORMATS = 4 };

static const uint8_t forms[OP_COUNT] = {
#define OPCODE(name, form) FORM_##form,
    OPCODES(OPCODE)
#undef OPCODE
};

static const struct {
    const char *name;
    uint8_t min, max;
} builtins[BUILTIN_COUNT] = {
#define BUILTIN(c_name, name, min, max) {name, min, max},
    BUILTINS(BUILTIN)
#undef BUILTIN
};

static const char *const opcode_names[OP_COUNT] = {
#define OPCODE(name, form) #name,
    OPCODES(OPCODE)
#undef OPCODE
};

struct verifier {
    const struct code *code;
    const struct code_function *function;
    uint32_t number, at;      /* of the function; of the instruction in it */
    uint32_t cells, first_temporary;
    uint32_t used;            /* temporaries */
    struct error *error;
};

static bool refuse(struct verifier *v, const char *what, uint32_t got, uint32_t limit) {
    const struct instruction *i = &v->code->instructions[v->function->first + v->at];
    return error_set(v->error, ERROR_INPUT, "function %u (%.*s), instruction %u (%s): %s %u, expected below %u", v->number,
                     (int)(v->function->name.len < 100 ? v->function->name.len : 100), v->function->name.p, v->at,
                     i->op < OP_COUNT ? opcode_names[i->op] : "?", what, got, limit);
}

/* Cells first .. first+count-1 exist. */
static bool reads(struct verifier *v, uint32_t first, uint32_t count) {
    if (first + count > v->cells)
        return refuse(v, "cell", first + count - 1, v->cells);
    if (first + count > v->first_temporary + v->used && count > 0)
        v->used = first + count - v->first_temporary;
    return true;
}

static bool writes(struct verifier *v, uint32_t first, uint32_t count) {
    if (count > 0 && first < v->first_temporary)
        return error_set(v->error, ERROR_INPUT, "function %u (%.*s), instruction %u: cell %u is written, expected a temporary (%u and up)",
                         v->number, (int)(v->function->name.len < 100 ? v->function->name.len : 100), v->function->name.p, v->at,
                         first, v->first_temporary);
    return reads(v, first, count);
}

static bool jumps(struct verifier *v, uint32_t target) {
    return target < v->function->count || refuse(v, "target", target, v->function->count);
}

static bool call_is_valid(struct verifier *v, const struct instruction *i) {
    if (i->c >= BUILTIN_COUNT)
        return refuse(v, "built-in", i->c, BUILTIN_COUNT);
    if (i->x < builtins[i->c].min || i->x > builtins[i->c].max)
        return error_set(v->error, ERROR_INPUT, "function %u, instruction %u: %s with %u arguments, expected %u to %u", v->number,
                         v->at, builtins[i->c].name, i->x, builtins[i->c].min, builtins[i->c].max);
    return writes(v, i->a, 1) && reads(v, i->b, i->x);
}

static bool instruction_is_valid(struct verifier *v, const struct instruction *i) {
    if (i->op >= OP_COUNT)
        return refuse(v, "opcode", i->op, OP_COUNT);
    switch ((enum form)forms[i->op]) {
    case FORM_ABC: return writes(v, i->a, 1) && reads(v, i->b, 1) && reads(v, i->c, 1);
    case FORM_AB: return writes(v, i->a, 1) && reads(v, i->b, 1);
    case FORM_ABX: return writes(v, i->a, 1) && reads(v, i->b, 1) && (i->x < FORMATS || refuse(v, "format", i->x, FORMATS));
    case FORM_T: return jumps(v, i->c);
    case FORM_BT: return reads(v, i->b, 1) && jumps(v, i->c);
    case FORM_RUN: return writes(v, i->a, 1) && reads(v, i->b, i->x);
    case FORM_CALL: return call_is_valid(v, i);
    case FORM_OUT: return writes(v, i->a, i->x) && reads(v, i->b, 1);
    case FORM_SLICE: return writes(v, i->a, 1) && reads(v, i->b, 1) && reads(v, i->c, 3);
    case FORM_B: return reads(v, i->b, 1);
    case FORM_RAISE:
        return (i->x < EXCEPTION_COUNT || refuse(v, "exception", i->x, EXCEPTION_COUNT)) && (i->b == NO_TEXT || reads(v, i->b, 1));
    case FORM_NEXT: return writes(v, i->a, 1) && reads(v, i->b, 1) && jumps(v, i->c);
    }
    UNREACHABLE();
}

/* The cells it needs and gives, and its piece of the code. */
static bool outline_is_valid(struct verifier *v, uint64_t instructions) {
    const struct code_function *f = v->function;
    if (f->count == 0 || f->count > LIMIT_FUNCTION_INSTRUCTIONS)
        return error_set(v->error, ERROR_INPUT, "function %u: %u instructions, expected 1 to %u", v->number, f->count,
                         LIMIT_FUNCTION_INSTRUCTIONS);
    if (f->first > instructions || f->count > instructions - f->first)
        return error_set(v->error, ERROR_INPUT, "function %u: instructions %u to %llu, there are %llu", v->number, f->first,
                         (unsigned long long)f->first + f->count, (unsigned long long)instructions);
    if (f->slot < v->code->constant_count || f->slot >= v->first_temporary)
        return error_set(v->error, ERROR_INPUT, "function %u: result cell %u, expected a slot (%u to %u)", v->number, f->slot,
                         v->code->constant_count, v->first_temporary - 1);
    for (uint32_t i = 0; i < f->required_count; i++)
        if (f->required[i] >= v->first_temporary)
            return error_set(v->error, ERROR_INPUT, "function %u: required cell %u, expected below %u", v->number, f->required[i],
                             v->first_temporary);
    return true;
}

static bool function_is_valid(struct verifier *v, uint64_t instructions) {
    if (!outline_is_valid(v, instructions))
        return false;
    const struct instruction *code = v->code->instructions + v->function->first;
    for (v->at = 0; v->at < v->function->count; v->at++)
        if (!instruction_is_valid(v, &code[v->at]))
            return false;
    v->at--;
    uint8_t last = code[v->at].op;
    if (last != OP_RET && last != OP_RAISE && last != OP_JMP)
        return error_set(v->error, ERROR_INPUT, "function %u: the last instruction is %s, expected RET, RAISE or JMP", v->number,
                         opcode_names[last]);
    return true;
}

static bool functions_load(struct code *code, const struct code_config *config, struct error *error) {
    uint32_t *used = arena_alloc(&code->arena, (config->function_count + 1ull) * sizeof *used);
    if (used == NULL)
        return error_set(error, ERROR_LIMIT, "functions: no memory for %u", config->function_count);
    struct verifier v = {.code = code,
                         .error = error,
                         .first_temporary = code->constant_count + code->slot_count,
                         .cells = code->constant_count + code->slot_count + code->temporary_count};
    for (uint32_t i = 0; i < config->function_count; i++) {
        v.function = &config->functions[i];
        v.number = i;
        v.used = 0;
        if (!function_is_valid(&v, config->instruction_bytes / sizeof(struct instruction)))
            return false;
        used[i] = v.used;
    }
    code->functions = config->functions;
    code->function_count = config->function_count;
    code->used_temporaries = used;
    return true;
}

static bool sizes_are_valid(const struct code_config *config, struct error *error) {
    uint64_t count = config->instruction_bytes / sizeof(struct instruction);
    if (config->instruction_bytes % sizeof(struct instruction) != 0 || count > LIMIT_INSTRUCTIONS)
        return error_set(error, ERROR_CORRUPT, "code: %zu bytes, expected at most %u instructions of %zu", config->instruction_bytes,
                         LIMIT_INSTRUCTIONS, sizeof(struct instruction));
    if (config->position_bytes != count * sizeof(struct code_position))
        return error_set(error, ERROR_CORRUPT, "positions: %zu bytes, expected %zu for each of %llu instructions",
                         config->position_bytes, sizeof(struct code_position), (unsigned long long)count);
    if (config->function_count > LIMIT_FUNCTIONS)
        return error_set(error, ERROR_LIMIT, "functions: %u, expected at most %u", config->function_count, LIMIT_FUNCTIONS);
    return true;
}

static bool positions_are_valid(const struct code *code, const struct code_config *config, struct error *error) {
    size_t count = config->position_bytes / sizeof *code->positions;
    for (size_t i = 0; i < count; i++)
        if (code->positions[i].file >= config->file_count)
            return error_set(error, ERROR_INPUT, "position of instruction %zu: file %u, expected below %u", i,
                             code->positions[i].file, config->file_count);
    return true;
}

static bool frame_is_valid(const struct code *code, const struct code_config *config, struct error *error) {
    uint64_t cells = (uint64_t)code->constant_count + config->slot_count + config->temporary_count;
    if (cells > LIMIT_FRAME_CELLS)
        return error_set(error, ERROR_LIMIT, "frame: %llu cells, expected at most %u", (unsigned long long)cells, LIMIT_FRAME_CELLS);
    return true;
}

static bool load(struct code *code, const struct code_config *config, struct error *error) {
    if (!sizes_are_valid(config, error) || !constants_load(code, config, error) || !frame_is_valid(code, config, error))
        return false;
    /* Copies, so that they are aligned wherever the bytes came from. */
    void *unicode = arena_copy(&code->arena, config->unicode, config->unicode_bytes);
    code->instructions = arena_copy(&code->arena, config->instructions, config->instruction_bytes);
    code->positions = arena_copy(&code->arena, config->positions, config->position_bytes);
    if (unicode == NULL || code->instructions == NULL || code->positions == NULL)
        return error_set(error, ERROR_LIMIT, "code: no memory for %zu bytes", config->instruction_bytes + config->unicode_bytes);
    code->slot_count = config->slot_count;
    code->temporary_count = config->temporary_count;
    return positions_are_valid(code, config, error) &&
           unicode_load(&code->unicode, unicode, config->unicode_bytes, error) && functions_load(code, config, error);
}

struct code *code_load(const struct code_config *config, struct error *error) {
    ASSERT(config != NULL && error != NULL);
    struct code *code = calloc(1, sizeof *code);
    if (code == NULL) {
        error_set(error, ERROR_LIMIT, "code: no memory");
        return NULL;
    }
    arena_init(&code->arena, LIMIT_BUNDLE_BYTES);
    if (!load(code, config, error)) {
        code_free(code);
        return NULL;
    }
    return code;
}

void code_free(struct code *code) {
    if (code == NULL)
        return;
    arena_release(&code->arena);
    free(code);
}

uint32_t code_constant_count(const struct code *code) { return code->constant_count; }
const struct value *code_constants(const struct code *code) { return code->constants; }
uint32_t code_frame_cells(const struct code *code) {
    return code->constant_count + code->slot_count + code->temporary_count;
}
