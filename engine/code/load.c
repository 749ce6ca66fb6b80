/* Loads a bundle's code and verifies it as if an attacker had written it (code.h says what is verified). Everything is checked
 * here once, so that the interpreter (run.c) can trust operands, jumps, counts and numbers without looking. */
#include <stdlib.h>

#include "load.h"

enum form { FORM_ABC, FORM_AB, FORM_ABX, FORM_T, FORM_BT, FORM_RUN, FORM_CALL, FORM_OUT, FORM_SLICE, FORM_B, FORM_RAISE, FORM_NEXT,
            FORM_READ, FORM_STAR, FORM_EXC, FORM_OBJ, FORM_ROUT, FORM_ISEXC, FORM_ISOBJ, FORM_ISANY, FORM_BCT };
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

/* A function or a routine. */
static const char routine_kind[] = "routine";

struct verifier {
    const struct code *code;
    const char *kind;
    struct str name;
    uint32_t number, at;        /* of the function; of the instruction in it */
    uint32_t first, count;      /* instructions */
    uint32_t first_temporary;   /* the temporaries that it may name: from here */
    uint32_t cells;             /* to before here */
    const struct code_handler *handlers;
    uint32_t handler_count;
    struct error *error;
};

static bool refuse(struct verifier *v, const char *what, uint32_t got, uint32_t limit) {
    const struct instruction *i = &v->code->instructions[v->first + v->at];
    return error_set(v->error, ERROR_INPUT, "%s %u (%.*s), instruction %u (%s): %s %u, expected below %u", v->kind, v->number,
                     (int)(v->name.len < 100 ? v->name.len : 100), v->name.p, v->at, i->op < OP_COUNT ? opcode_names[i->op] : "?",
                     what, got, limit);
}

/* Cells first .. first+count-1 exist: constants and slots, or temporaries of its own. */
static bool reads(struct verifier *v, uint32_t first, uint32_t count) {
    uint32_t shared = v->code->constant_count + v->code->slot_count, end = first + count;
    if (count == 0 || end <= shared)
        return true;
    if (end > v->cells)
        return refuse(v, "cell", end - 1, v->cells);
    if (first < v->first_temporary && v->first_temporary > shared)
        return refuse(v, "temporary of another function: cell", first, v->first_temporary);
    return true;
}

static bool writes(struct verifier *v, uint32_t first, uint32_t count) {
    if (count > 0 && first < v->first_temporary)
        return error_set(v->error, ERROR_INPUT, "%s %u (%.*s), instruction %u: cell %u is written, expected a temporary (%u and up)",
                         v->kind, v->number, (int)(v->name.len < 100 ? v->name.len : 100), v->name.p, v->at, first,
                         v->first_temporary);
    return reads(v, first, count);
}

static bool jumps(struct verifier *v, uint32_t target) {
    return target < v->count || refuse(v, "target", target, v->count);
}

static bool call_is_valid(struct verifier *v, const struct instruction *i) {
    if (i->c >= BUILTIN_COUNT)
        return refuse(v, "built-in", i->c, BUILTIN_COUNT);
    if (i->x < builtins[i->c].min || i->x > builtins[i->c].max)
        return error_set(v->error, ERROR_INPUT, "%s %u, instruction %u: %s with %u arguments, expected %u to %u", v->kind, v->number,
                         v->at, builtins[i->c].name, i->x, builtins[i->c].min, builtins[i->c].max);
    return writes(v, i->a, 1) && reads(v, i->b, i->x);
}

static bool exception_exists(struct verifier *v, uint32_t class) {
    uint32_t count = EXCEPTION_COUNT + v->code->exception_count;
    return class < count || refuse(v, "exception", class, count);
}

static bool class_exists(struct verifier *v, uint32_t class) {
    return class < v->code->class_count || refuse(v, "class", class, v->code->class_count);
}

static bool routine_is_valid(struct verifier *v, const struct instruction *i) {
    if (i->c >= v->code->routine_count)
        return refuse(v, "routine", i->c, v->code->routine_count);
    uint32_t wanted = v->code->routines[i->c].parameters;
    if (i->x != wanted)
        return error_set(v->error, ERROR_INPUT, "%s %u, instruction %u: routine %u with %u arguments, expected %u", v->kind,
                         v->number, v->at, i->c, i->x, wanted);
    return writes(v, i->a, 1) && reads(v, i->b, i->x);
}

static bool yield_is_valid(struct verifier *v, const struct instruction *i) {
    return i->op != OP_YIELD || v->kind == routine_kind || refuse(v, "YIELD in a function", 0, 0);
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
    case FORM_B: return yield_is_valid(v, i) && reads(v, i->b, 1);
    case FORM_READ: return reads(v, i->a, 1) && reads(v, i->b, 1) && reads(v, i->c, 1);
    case FORM_STAR: return (i->c < i->x || refuse(v, "star", i->c, i->x)) && writes(v, i->a, i->x) && reads(v, i->b, 1);
    case FORM_EXC: return exception_exists(v, i->c) && writes(v, i->a, 1) && reads(v, i->b, i->x);
    case FORM_OBJ: return class_exists(v, i->c) && writes(v, i->a, 1) && reads(v, i->b, i->x);
    case FORM_ROUT: return routine_is_valid(v, i);
    case FORM_ISEXC: return exception_exists(v, i->c) && writes(v, i->a, 1) && reads(v, i->b, 1);
    case FORM_ISOBJ: return class_exists(v, i->c) && writes(v, i->a, 1) && reads(v, i->b, 1);
    case FORM_ISANY: return writes(v, i->a, 1) && reads(v, i->b, 1);
    case FORM_BCT: return (i->x < 2 || refuse(v, "sense", i->x, 2)) && reads(v, i->a, 1) && reads(v, i->b, 1) && jumps(v, i->c);
    case FORM_RAISE:
        return (i->x < EXCEPTION_COUNT || refuse(v, "exception", i->x, EXCEPTION_COUNT)) && (i->b == NO_TEXT || reads(v, i->b, 1));
    case FORM_NEXT: return writes(v, i->a, 1) && reads(v, i->b, 1) && jumps(v, i->c);
    }
    UNREACHABLE();
}

static bool span_is_valid(struct verifier *v, uint64_t instructions) {
    if (v->count == 0 || v->count > LIMIT_FUNCTION_INSTRUCTIONS)
        return error_set(v->error, ERROR_INPUT, "%s %u: %u instructions, expected 1 to %u", v->kind, v->number, v->count,
                         LIMIT_FUNCTION_INSTRUCTIONS);
    if (v->first > instructions || v->count > instructions - v->first)
        return error_set(v->error, ERROR_INPUT, "%s %u: instructions %u to %llu, there are %llu", v->kind, v->number, v->first,
                         (unsigned long long)v->first + v->count, (unsigned long long)instructions);
    return true;
}

static bool handlers_are_valid(struct verifier *v) {
    for (uint32_t i = 0; i < v->handler_count; i++) {
        const struct code_handler *handler = &v->handlers[i];
        v->at = 0;
        if (handler->first >= handler->end || handler->end > v->count)
            return error_set(v->error, ERROR_INPUT, "%s %u, handler %u: instructions %u to %u, there are %u", v->kind, v->number, i,
                             handler->first, handler->end, v->count);
        if (!jumps(v, handler->target) || !writes(v, handler->cell, 1))
            return false;
    }
    return true;
}

static bool piece_is_valid(struct verifier *v, uint64_t instructions) {
    if (!span_is_valid(v, instructions))
        return false;
    const struct instruction *code = v->code->instructions + v->first;
    for (v->at = 0; v->at < v->count; v->at++)
        if (!instruction_is_valid(v, &code[v->at]))
            return false;
    v->at--;
    uint8_t last = code[v->at].op;
    if (last != OP_RET && last != OP_RAISE && last != OP_JMP && last != OP_THROW)
        return error_set(v->error, ERROR_INPUT, "%s %u: the last instruction is %s, expected RET, RAISE, THROW or JMP", v->kind,
                         v->number, opcode_names[last]);
    return handlers_are_valid(v);
}

/* The cells that a function needs and gives. */
static bool outline_is_valid(struct verifier *v, const struct code_function *f) {
    if (f->slot < v->code->constant_count || f->slot >= v->first_temporary)
        return error_set(v->error, ERROR_INPUT, "function %u: result cell %u, expected a slot (%u to %u)", v->number, f->slot,
                         v->code->constant_count, v->first_temporary - 1);
    for (uint32_t i = 0; i < f->required_count; i++)
        if (f->required[i] >= v->first_temporary)
            return error_set(v->error, ERROR_INPUT, "function %u: required cell %u, expected below %u", v->number, f->required[i],
                             v->first_temporary);
    return true;
}

static bool entries_load(struct code *code, struct error *error) {
    struct code_entry *entries = arena_alloc(&code->arena, (code->function_count + 1ull) * sizeof *entries);
    if (entries == NULL)
        return error_set(error, ERROR_LIMIT, "code: no memory for %u functions", code->function_count);
    const uint32_t plain = 1u << V_BOOL | 1u << V_INT | 1u << V_FLOAT; /* outside as they are inside */
    for (uint32_t i = 0; i < code->function_count; i++) {
        const struct code_function *f = &code->functions[i];
        const uint16_t *end = f->required_count == 0 ? f->required : f->required + f->required_count;
        entries[i] = (struct code_entry){{code->instructions + f->first, f->handlers, f->handler_count},
                                         f->required, end, f->result.mask & plain, f->slot, i, 0};
    }
    code->entries = entries;
    return true;
}

static bool functions_load(struct code *code, const struct code_config *config, struct error *error) {
    uint32_t shared = code->constant_count + code->slot_count;
    for (uint32_t i = 0; i < config->function_count; i++) {
        const struct code_function *f = &config->functions[i];
        struct verifier v = {.code = code, .kind = "function", .name = f->name, .number = i, .error = error,
                             .first = f->first, .count = f->count, .first_temporary = shared,
                             .cells = shared + code->temporary_count, .handlers = f->handlers, .handler_count = f->handler_count};
        if (!outline_is_valid(&v, f) || !piece_is_valid(&v, config->instruction_bytes / sizeof(struct instruction)))
            return false;
    }
    code->functions = config->functions;
    code->function_count = config->function_count;
    return entries_load(code, error);
}

static bool routines_load(struct code *code, const struct code_config *config, struct error *error) {
    code->routines = config->routines;
    code->routine_count = config->routine_count;
    if (config->routine_count > LIMIT_FUNCTIONS)
        return error_set(error, ERROR_LIMIT, "routines: %u, expected at most %u", config->routine_count, LIMIT_FUNCTIONS);
    for (uint32_t i = 0; i < config->routine_count; i++) {
        const struct code_routine *r = &config->routines[i];
        uint32_t first = code->constant_count + code->slot_count + r->base;
        if (r->base + r->cells > code->temporary_count || r->parameters > r->cells || r->parameters > UINT8_MAX)
            return error_set(error, ERROR_INPUT, "routine %u: %u parameters, temporaries %u to %u, there are %u", i, r->parameters,
                             r->base, r->base + r->cells, code->temporary_count);
        struct verifier v = {.code = code, .kind = routine_kind, .name = r->name, .number = i, .error = error,
                             .first = r->first, .count = r->count, .first_temporary = first, .cells = first + r->cells,
                             .handlers = r->handlers, .handler_count = r->handler_count};
        if (!piece_is_valid(&v, config->instruction_bytes / sizeof(struct instruction)))
            return false;
    }
    return true;
}

static bool classes_load(struct code *code, const struct code_config *config, struct error *error) {
    code->classes = config->classes;
    code->class_count = config->class_count;
    code->exceptions = config->exceptions;
    code->exception_count = config->exception_count;
    if (config->class_count > LIMIT_CLASSES || config->exception_count > LIMIT_CLASSES)
        return error_set(error, ERROR_LIMIT, "classes: %u and %u of exceptions, expected at most %u", config->class_count,
                         config->exception_count, LIMIT_CLASSES);
    for (uint32_t i = 0; i < config->class_count; i++)
        if (config->classes[i].number != i || config->classes[i].flags > CLASS_FLAGS || config->classes[i].field_count > UINT8_MAX)
            return error_set(error, ERROR_INPUT, "class %u: number %u, %u fields, flags %u", i, config->classes[i].number,
                             config->classes[i].field_count, config->classes[i].flags);
    const char **names = arena_alloc(&code->arena, (config->exception_count + 1ull) * sizeof *names);
    if (names == NULL)
        return error_set(error, ERROR_LIMIT, "exceptions: no memory for %u", config->exception_count);
    for (uint32_t i = 0; i < config->exception_count; i++) {
        const struct code_exception *exception = &config->exceptions[i];
        char *name = arena_alloc(&code->arena, exception->name.len + 1);
        if (exception->parent >= EXCEPTION_COUNT + i || name == NULL)
            return error_set(error, ERROR_INPUT, "exception class %u: parent %u, expected below %u", i, exception->parent,
                             EXCEPTION_COUNT + i);
        copy_bytes(name, exception->name.p, exception->name.len);
        name[exception->name.len] = 0;
        names[i] = name;
    }
    code->exception_names = names;
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
    if (!sizes_are_valid(config, error) || !classes_load(code, config, error) || !constants_load(code, config, error) ||
        !frame_is_valid(code, config, error))
        return false;
    /* Copies, so that they are aligned wherever the bytes came from. */
    void *unicode = arena_copy(&code->arena, config->unicode, config->unicode_bytes);
    code->instructions = arena_copy(&code->arena, config->instructions, config->instruction_bytes);
    code->positions = arena_copy(&code->arena, config->positions, config->position_bytes);
    if (unicode == NULL || code->instructions == NULL || code->positions == NULL)
        return error_set(error, ERROR_LIMIT, "code: no memory for %zu bytes", config->instruction_bytes + config->unicode_bytes);
    code->slot_count = config->slot_count;
    code->temporary_count = config->temporary_count;
    code->tokenizers = config->tokenizers;
    code->tokenizer_count = config->tokenizer_count;
    code->embeddings = config->embeddings;
    code->embedding_count = config->embedding_count;
    code->vectorizers = config->vectorizers;
    code->vectorizer_count = config->vectorizer_count;
    return positions_are_valid(code, config, error) &&
           unicode_load(&code->unicode, unicode, config->unicode_bytes, error) && routines_load(code, config, error) &&
           functions_load(code, config, error);
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
