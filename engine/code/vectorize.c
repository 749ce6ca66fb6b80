/* text.vectorize: a text, or the words that a pattern found in it, to the numbers of one of the bundle's vectorizers
 * (engine/text/vectorizer.h). Beside the text the arguments are constants of the plan, but a hostile bundle may say
 * anything: all are checked. What is visited is charged to the call's steps. */
#include "../text/vectorizer.h"
#include "load.h"

/* N-grams, or numbers of a result, that are one step of the budget. */
enum { ITEMS_A_STEP = 16 };

static const struct vectorizer *find(const struct run *run, const struct value *number) {
    const struct code *code = run->code;
    if (code == NULL || number->tag != V_INT || number->i < 0 || number->i >= code->vectorizer_count)
        return NULL;
    return &code->vectorizers[number->i];
}

/* The words as the vectorizer takes them. */
static bool words_of(struct run *run, const struct value *given, struct vectorizer_input *input) {
    const struct value own = bare(given), *list = &own, *items = value_items(list);
    struct str *words = run_charge(run, list->len / ITEMS_A_STEP) ? run_alloc(run, (list->len + 1) * sizeof *words) : NULL;
    if (words == NULL)
        return false;
    for (uint32_t i = 0; i < list->len; i++) {
        if (items[i].tag != V_STR)
            return run_raise(run, EXCEPTION_TypeError, "a word is a %s, expected a str", type_name(&items[i]));
        words[i] = (struct str){items[i].p, items[i].len};
    }
    *input = (struct vectorizer_input){.tokens = words, .token_count = list->len};
    return true;
}

static bool input_of(struct run *run, const struct vectorizer *v, const struct value *what, struct vectorizer_input *input) {
    if (what->tag == V_LIST || what->tag == V_TUPLE)
        return v->analyzer == ANALYZER_WORD ? words_of(run, what, input)
                                            : run_raise(run, EXCEPTION_TypeError, "words for a vectorizer of characters");
    struct value text = *what;
    if (text.tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "text.vectorize of a %s, expected a str", type_name(what));
    if (vectorizer_lowers(v, is_ascii(&text)) && !builtin_method_lower(run, what, 1, &text))
        return false;
    *input = (struct vectorizer_input){.p = text.p, .len = text.len, .ascii = is_ascii(&text)};
    return true;
}

static bool no_memory(struct run *run, size_t bytes) {
    return run_raise(run, EXCEPTION_LimitError, "the terms of %zu bytes need more memory than one event may use", bytes);
}

/* The text as a token_pattern sees it. */
static bool prepare(struct run *run, const struct vectorizer *v, const struct vectorizer_input *input, struct value *out) {
    if (input->tokens != NULL)
        return run_raise(run, EXCEPTION_TypeError, "words are not prepared again");
    const struct arena mark = *run->arena;
    size_t scratch_bytes = vectorizer_scratch_size(v, input);
    void *scratch = arena_alloc(run->arena, scratch_bytes);
    if (scratch == NULL)
        return no_memory(run, input->len);
    const char *text;
    bool ascii;
    size_t len = vectorizer_prepare(v, input, scratch, scratch_bytes, &text);
    utf8_valid_prefix(text, len, &ascii);
    arena_rewind(run->arena, &mark); /* the text stays where it is; its copy may overlap it */
    char *copy = run_alloc(run, len + 1);
    if (copy == NULL)
        return false;
    memmove(copy, text, len);
    *out = (struct value){.tag = V_STR, .flags = ascii ? STR_ASCII : 0, .len = (uint32_t)len, .p = copy};
    return true;
}

/* The numbers, which lie in the arena; the scratch is given back. */
static double *vectorize(struct run *run, const struct vectorizer *v, const struct vectorizer_input *input) {
    size_t bytes = vectorizer_input_bytes(input), scratch_bytes = vectorizer_scratch_size(v, input);
    double *numbers = run_alloc(run, v->width * sizeof *numbers);
    if (numbers == NULL || !run_charge(run, (vectorizer_work(v, bytes) + v->widest) / ITEMS_A_STEP))
        return NULL;
    const struct arena mark = *run->arena;
    void *scratch = arena_alloc(run->arena, scratch_bytes);
    if (scratch == NULL) {
        no_memory(run, bytes);
        return NULL;
    }
    bool done = vectorizer_run(v, input, scratch, scratch_bytes, numbers);
    arena_rewind(run->arena, &mark);
    if (!done)
        run_raise(run, EXCEPTION_LimitError, "a text with more than %u different terms", LIMIT_VECTORIZER_TERMS / 4 * 3);
    return done ? numbers : NULL;
}

bool builtin_text_vectorize(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct vectorizer *v = find(run, &args[1]);
    if (v == NULL || args[2].tag != V_BOOL)
        return run_raise(run, EXCEPTION_LookupError, "no such vectorizer in the bundle");
    struct vectorizer_input input;
    if (!input_of(run, v, &args[0], &input))
        return false;
    if (args[2].i != 0)
        return prepare(run, v, &input, out);
    const double *numbers = vectorize(run, v, &input);
    if (numbers == NULL)
        return false;
    if (v->flags & VECTORIZER_NUMBER) {
        *out = value_float(numbers[0]);
        return true;
    }
    struct value *items = run_items(run, v->width);
    if (items == NULL)
        return false;
    for (uint32_t i = 0; i < v->width; i++)
        items[i] = value_float(numbers[i]);
    *out = make_list(items, v->width);
    return true;
}
