/* text.bag and text.embed: lists of token ids to vectors. Their arguments beside the ids are constants of the plan, but
 * a hostile bundle may say anything: all are checked. What they visit is charged to the call's steps. */
#include "../text/embedding.h"
#include "load.h"

/* Items of a row that are one step of the budget. */
enum { ITEMS_A_STEP = 16 };

static bool are_tokens(struct run *run, const struct value *tokens) {
    if (tokens->tag != V_LIST && tokens->tag != V_TUPLE)
        return run_raise(run, EXCEPTION_TypeError, "tokens are a %s, expected a list of ints", type_name(tokens));
    for (uint32_t i = 0; i < tokens->len; i++)
        if (value_items(tokens)[i].tag != V_INT)
            return run_raise(run, EXCEPTION_TypeError, "a token is a %s, expected an int",
                             type_name(&value_items(tokens)[i]));
    return run_charge(run, tokens->len / ITEMS_A_STEP);
}

bool builtin_text_bag(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    if (args[1].tag != V_INT || args[1].i < 1 || args[1].i > LIMIT_VECTOR_ITEMS)
        return run_raise(run, EXCEPTION_ValueError, "a bag of a size that no vector has");
    uint32_t size = (uint32_t)args[1].i;
    struct value *items = are_tokens(run, &args[0]) ? run_items(run, size) : NULL;
    if (items == NULL)
        return false;
    for (uint32_t i = 0; i < size; i++)
        items[i] = value_float(0);
    for (uint32_t i = 0; i < args[0].len; i++) {
        int64_t at = value_items(&args[0])[i].i % (int64_t)size;
        items[at < 0 ? at + (int64_t)size : at].f += 1;
    }
    *out = make_list(items, size);
    return true;
}

static const struct embedding *find(const struct run *run, const struct value *number) {
    const struct code *code = run->code;
    if (code == NULL || number->tag != V_INT || number->i < 0 || number->i >= code->embedding_count)
        return NULL;
    return &code->embeddings[number->i];
}

bool builtin_text_embed(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct embedding *embedding = find(run, &args[1]);
    if (embedding == NULL || args[2].tag != V_INT || args[2].i < 0 || args[2].i >= POOLS)
        return run_raise(run, EXCEPTION_LookupError, "no such vectors in the bundle");
    enum embedding_pool pool = (enum embedding_pool)args[2].i;
    const struct value *tokens = &args[0];
    if (!are_tokens(run, tokens))
        return false;
    uint32_t used = pool == POOL_FIRST && tokens->len > 1 ? 1 : tokens->len;
    uint64_t work = (uint64_t)used * (embedding->width / ITEMS_A_STEP + 1);
    struct value *items = run_charge(run, work) ? run_items(run, embedding->width) : NULL;
    double *sums = items == NULL ? NULL : run_alloc(run, embedding->width * sizeof *sums);
    if (sums == NULL)
        return false;
    memset(sums, 0, embedding->width * sizeof *sums);
    for (uint32_t i = 0; i < used; i++) {
        int64_t id = value_items(tokens)[i].i;
        if (id < 0 || id >= embedding->rows)
            return run_raise(run, EXCEPTION_IndexError, "token %lld of %u vectors", (long long)id, embedding->rows);
        embedding_add(embedding, (uint32_t)id, pool, i == 0, sums);
    }
    for (uint32_t i = 0; i < embedding->width; i++)
        items[i] = value_float(pool == POOL_MEAN && used > 0 ? sums[i] / used : sums[i]);
    *out = make_list(items, embedding->width);
    return true;
}
