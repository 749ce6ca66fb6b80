/* Reads of plan.json what text features need: `tokenizers`, each the name of its part. The parts verify themselves
 * (engine/text/read.c). A plan without text features need not have the array. */
#include "plan_text.h"

#include "text/embedding.h"
#include "text/tokenizer.h"
#include "text/vectorizer.h"

/* The parts that text.embed looks in; they lie in the bundle as long as the plan does. */
static bool read_embeddings(struct plan *plan, struct plan_json *json, struct code_config *config, struct error *error) {
    if (plan_json_is_null(json, "$.embeddings"))
        return !json->failed;
    uint32_t count = plan_json_length(json, LIMIT_EMBEDDINGS, "$.embeddings");
    struct embedding *embeddings = arena_alloc(&plan->arena, (count + 1) * sizeof *embeddings);
    if (embeddings == NULL)
        return plan_json_fail(json, "$.embeddings", "less memory");
    for (uint32_t i = 0; i < count && !json->failed; i++) {
        struct str name = plan_json_text(json, "$.embeddings[%u].part", i);
        const struct bundle_part *part = json->failed ? NULL : bundle_part(plan->bundle, name);
        if (part == NULL)
            return plan_json_fail(json, "$.embeddings", "embeddings' parts that are in the bundle");
        if (!embedding_open(&embeddings[i], part->bytes, part->len, error)) {
            error_prefix(error, "%.*s", (int)(name.len < 100 ? name.len : 100), name.p);
            json->failed = true;
        }
    }
    config->embeddings = embeddings;
    config->embedding_count = count;
    return !json->failed;
}

/* The parts of text.vectorize, in place too. */
static bool read_vectorizers(struct plan *plan, struct plan_json *json, struct code_config *config, struct error *error) {
    if (plan_json_is_null(json, "$.vectorizers"))
        return !json->failed;
    uint32_t count = plan_json_length(json, LIMIT_VECTORIZERS, "$.vectorizers");
    struct vectorizer *vectorizers = arena_alloc(&plan->arena, (count + 1) * sizeof *vectorizers);
    if (vectorizers == NULL)
        return plan_json_fail(json, "$.vectorizers", "less memory");
    for (uint32_t i = 0; i < count && !json->failed; i++) {
        struct str name = plan_json_text(json, "$.vectorizers[%u].part", i);
        const struct bundle_part *part = json->failed ? NULL : bundle_part(plan->bundle, name);
        if (part == NULL)
            return plan_json_fail(json, "$.vectorizers", "vectorizers' parts that are in the bundle");
        if (!vectorizer_open(&vectorizers[i], part->bytes, part->len, error)) {
            error_prefix(error, "%.*s", (int)(name.len < 100 ? name.len : 100), name.p);
            json->failed = true;
        }
    }
    config->vectorizers = vectorizers;
    config->vectorizer_count = count;
    return !json->failed;
}

bool plan_read_text(struct plan *plan, struct plan_json *json, struct code_config *config, struct error *error) {
    if (!read_embeddings(plan, json, config, error) || !read_vectorizers(plan, json, config, error))
        return false;
    if (plan_json_is_null(json, "$.tokenizers"))
        return !json->failed;
    uint32_t count = plan_json_length(json, LIMIT_TOKENIZERS, "$.tokenizers");
    struct tokenizer **tokenizers = arena_alloc(&plan->arena, (count + 1) * sizeof *tokenizers);
    if (tokenizers == NULL)
        return plan_json_fail(json, "$.tokenizers", "less memory");
    plan->tokenizers = tokenizers;
    for (uint32_t i = 0; i < count && !json->failed; i++) {
        struct str name = plan_json_text(json, "$.tokenizers[%u].part", i);
        const struct bundle_part *part = json->failed ? NULL : bundle_part(plan->bundle, name);
        if (part == NULL)
            return plan_json_fail(json, "$.tokenizers", "tokenizers' parts that are in the bundle");
        tokenizers[i] = tokenizer_open(part->bytes, part->len, error);
        if (tokenizers[i] == NULL) {
            error_prefix(error, "%.*s", (int)(name.len < 100 ? name.len : 100), name.p);
            json->failed = true;
            return false;
        }
        plan->tokenizer_count = i + 1;
    }
    config->tokenizers = (const struct tokenizer *const *)tokenizers;
    config->tokenizer_count = plan->tokenizer_count;
    return !json->failed;
}

void plan_free_text(struct plan *plan) {
    for (uint32_t i = 0; i < plan->tokenizer_count; i++)
        tokenizer_close(plan->tokenizers[i]);
}
