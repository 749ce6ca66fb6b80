/* text.tokens: a text to the ids of one of the bundle's tokenizers (engine/text). Its arguments are the text, the
 * tokenizer's number in the plan, and whether special tokens are added; scratch and ids lie in the request's arena. */
#include "../text/tokenizer.h"
#include "load.h"

/* A step of the budget for so many bytes of text. */
enum { BYTES_A_STEP = 16 };

static const struct tokenizer *find(const struct run *run, const struct value *number) {
    const struct code *code = run->code;
    if (code == NULL || number->tag != V_INT || number->i < 0 || number->i >= code->tokenizer_count)
        return NULL;
    return code->tokenizers[number->i];
}

static bool failed(struct run *run, int64_t failure) {
    uint32_t exception = failure == TOKENIZER_UNKNOWN ? EXCEPTION_ValueError : EXCEPTION_LimitError;
    return run_raise(run, exception, "%s", tokenizer_failure_text(failure));
}

bool builtin_text_tokens(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct tokenizer *tokenizer = find(run, &args[1]);
    if (tokenizer == NULL)
        return run_raise(run, EXCEPTION_LookupError, "no such tokenizer in the bundle");
    if (args[0].tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "tokens of a %s, expected a str", type_name(&args[0]));
    if (!run_charge(run, args[0].len / BYTES_A_STEP))
        return false;
    size_t scratch_bytes = tokenizer_scratch_size(tokenizer, args[0].len), ids_size = tokenizer_ids_size(tokenizer, args[0].len);
    size_t most = LIMIT_VALUE_BYTES / sizeof(struct value) + 1;
    ids_size = ids_size < most ? ids_size : most;
    void *scratch = arena_alloc(run->arena, scratch_bytes);
    uint32_t *ids = scratch == NULL ? NULL : arena_alloc(run->arena, ids_size * sizeof *ids);
    if (ids == NULL)
        return run_raise(run, EXCEPTION_LimitError, "the tokens of %u bytes need more memory than one event may use", args[0].len);
    int64_t found = tokenizer_encode(tokenizer, args[0].p, args[0].len, args[2].i != 0, scratch, scratch_bytes, ids, ids_size);
    if (found < 0)
        return failed(run, found);
    struct value *items = run_items(run, (uint64_t)found);
    if (items == NULL)
        return false;
    for (int64_t i = 0; i < found; i++)
        items[i] = value_int(ids[i]);
    *out = make_list(items, (uint32_t)found);
    return true;
}
