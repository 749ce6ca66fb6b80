/* Reads a model's part (model.h) into steps (steps.h). The part is hostile: every count, index and shape is checked
 * here, so that prediction needs no check. Little-endian, nothing between the items:
 *
 *   8 bytes "ASSAYMDL"; u32 version = 1, inputs, steps, raw_step (whose cells are the raw margins)
 *   per input   text name; u32 texts, numbers; f64 unknown; texts * (text, f64 code), ascending; numbers * (f64 value,
 *               f64 code), ascending. A text is u32 bytes and UTF-8.
 *   per step    u32 kind, in, out; u32 cells[in], each an input or of an earlier step; then
 *     forest       u32 row_rule, sum_rule, trees, nodes, words, lines, line_weights, covers (0 or 1); f64 divisor; f64
 *                  starts[out], after[out]; u32 tree_sizes[trees]; f64 values[nodes] (threshold, a leaf's value, or u32
 * first word and u32 words of a category split's set); u16 features[nodes]; u8 flags[nodes]; f64 covers[nodes] if so;
 * u32 words[words]; lines * (u32 node, first, count; f64 constant); u16 line_inputs[line_weights]; f64
 * line_weights[line_weights] linear       u32 float32 (0 or 1); f64 starts[out]; f64 weights[out][in] each         u32
 * operation; f64 a[in], b[in] transform    u32 transform; f64 parameter mean         nothing interpolate  u32 count;
 * f64 x[count], ascending; f64 y[count]
 *
 * A tree's nodes stand breadth first, the root first; the children of its k-th split are the nodes 2k + 1 and 2k + 2,
 * so there is no index to be wrong: every tree of n nodes has (n - 1) / 2 splits, and each split stands before its
 * children. */
#include "steps.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/assert.h"

enum { VERSION = 1, STEPS_MAX = 4096, NODES_MAX = 1 << 28, TREES_MAX = 1 << 22, SET_WORDS_MAX = 1 << 20 };

struct reader {
    const uint8_t *bytes;
    size_t len, at;
    char place[64]; /* what is read, for the error */
    enum model_path path;
    struct error *error;
    struct model *model;
};

static bool fail(struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct reader *reader, const char *format, ...) {
    char text[400];
    va_list items;
    va_start(items, format);
    vsnprintf(text, sizeof text, format, items);
    va_end(items);
    return error_set(reader->error, ERROR_INPUT, "byte %zu, %s: %s", reader->at, reader->place, text);
}

static bool no_memory(struct reader *reader) {
    return error_set(reader->error, ERROR_LIMIT, "%s: no memory for the model", reader->place);
}

static bool take(struct reader *reader, void *out, size_t size, size_t count) {
    if (count > 0 && size > (reader->len - reader->at) / count)
        return fail(reader, "%zu items of %zu bytes expected, %zu bytes are left", count, size,
                    reader->len - reader->at);
    if (count > 0)
        memcpy(out, reader->bytes + reader->at, size * count);
    reader->at += size * count;
    return true;
}

/* An array of its own out of the part. The part's length bounds it, so a wrong count takes no memory. */
static bool take_array(struct reader *reader, void *pointer, size_t size, size_t count, size_t spare) {
    if (count > 0 && size > (reader->len - reader->at) / count)
        return fail(reader, "%zu items of %zu bytes expected, %zu bytes are left", count, size,
                    reader->len - reader->at);
    void *array = calloc(count + spare, size);
    if (array == NULL)
        return no_memory(reader);
    memcpy(pointer, &array, sizeof array);
    return take(reader, array, size, count);
}

static bool take_u32(struct reader *reader, const char *name, uint32_t least, uint32_t most, uint32_t *out) {
    if (!take(reader, out, sizeof *out, 1))
        return false;
    if (*out < least || *out > most)
        return fail(reader, "%s is %u, expected from %u to %u", name, *out, least, most);
    return true;
}

static bool take_text(struct reader *reader, struct str *out) {
    uint32_t len = 0;
    bool ascii;
    if (!take(reader, &len, sizeof len, 1))
        return false;
    if (len > reader->len - reader->at)
        return fail(reader, "a text of %u bytes, %zu bytes are left", len, reader->len - reader->at);
    *out = (struct str){reader->model->texts + reader->at, len};
    if (utf8_valid_prefix(out->p, len, &ascii) != len)
        return fail(reader, "a text that is not UTF-8");
    reader->at += len;
    return true;
}

/* --- inputs --- */

static bool ascending(struct str a, struct str b) {
    int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return order < 0 || (order == 0 && a.len < b.len);
}

static bool read_input(struct reader *reader, struct model_input *input) {
    uint32_t texts = 0, numbers = 0;
    if (!take_text(reader, &input->name) || !take(reader, &texts, 4, 1) || !take(reader, &numbers, 4, 1) ||
        !take(reader, &input->unknown, 8, 1))
        return false;
    if (texts > (reader->len - reader->at) / 12)
        return fail(reader, "%u categories, %zu bytes are left", texts, reader->len - reader->at);
    input->texts = calloc((size_t)texts + 1, sizeof *input->texts);
    if (input->texts == NULL)
        return no_memory(reader);
    input->text_count = texts;
    for (uint32_t i = 0; i < texts; i++) {
        struct category_text *text = &input->texts[i];
        if (!take_text(reader, &text->text) || !take(reader, &text->code, 8, 1))
            return false;
        if (i > 0 && !ascending(text[-1].text, text->text))
            return fail(reader, "category %u is not above the one before", i);
    }
    if (!take_array(reader, &input->numbers, sizeof *input->numbers, numbers, 1))
        return false;
    input->number_count = numbers;
    for (uint32_t i = 0; i < numbers; i++)
        if (isnan(input->numbers[i].value) || (i > 0 && !(input->numbers[i - 1].value < input->numbers[i].value)))
            return fail(reader, "category number %u is not above the one before", i);
    return true;
}

/* --- forests --- */

struct forest_part {
    uint32_t *sizes;
    double *values;
    uint16_t *features;
    uint8_t *flags;
};

static bool check_category(struct reader *reader, const struct forest *forest, uint32_t at) {
    const struct node *node = &forest->nodes[at];
    if (node->set.words > SET_WORDS_MAX || node->set.first_word > forest->word_count ||
        node->set.words > forest->word_count - node->set.first_word)
        return fail(reader, "node %u: the set of words %u + %u, expected within %u words", at, node->set.first_word,
                    node->set.words, forest->word_count);
    return true;
}

static bool place_node(struct reader *reader, struct forest *forest, const struct forest_part *part, uint32_t at) {
    uint8_t flags = part->flags[at];
    struct node *node = &forest->nodes[at];
    *node = (struct node){.threshold = part->values[at], .feature = part->features[at], .step = 1, .flags = flags};
    if (flags & NODE_LEAF) {
        if (flags & ~(NODE_LEAF | NODE_LINEAR))
            return fail(reader, "node %u: a leaf's flags are %u", at, flags);
        node->child = at;
        node->feature = 0;
        node->step = 0;
        return true;
    }
    if (flags & (NODE_LINEAR | 64))
        return fail(reader, "node %u: a split's flags are %u", at, flags);
    if (node->feature >= forest->input_count)
        return fail(reader, "node %u: the input is %u, expected below %u", at, node->feature, forest->input_count);
    forest->zero_missing |= (flags & NODE_ZERO_IS_MISSING) != 0;
    forest->categories |= (flags & NODE_CATEGORY) != 0;
    return !(flags & NODE_CATEGORY) || check_category(reader, forest, at);
}

/* Children are numbered as splits come; the depth of a tree is that of its last node. */
static bool place_tree(struct reader *reader, struct forest *forest, const struct forest_part *part, uint32_t tree,
                       uint32_t *depths) {
    uint32_t root = forest->tree_roots[tree], size = part->sizes[tree], children = 1;
    depths[0] = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (i >= children)
            return fail(reader, "tree %u: %u nodes, but its splits have children for %u only", tree, size, children);
        if (!place_node(reader, forest, part, root + i))
            return false;
        if (!forest->nodes[root + i].step)
            continue;
        if (size - children < 2)
            return fail(reader, "tree %u: split %u has no children: the tree ends at %u nodes", tree, i, size);
        forest->nodes[root + i].child = root + children;
        depths[children] = depths[children + 1] = depths[i] + 1;
        children += 2;
    }
    if (children != size)
        return fail(reader, "tree %u: %u nodes, expected %u", tree, size, children);
    forest->tree_depths[tree] = depths[size - 1];
    return true;
}

static bool place_trees(struct reader *reader, struct forest *forest, const struct forest_part *part) {
    uint32_t at = 0, largest = 1;
    for (uint32_t t = 0; t < forest->tree_count; t++) {
        if (part->sizes[t] == 0 || part->sizes[t] > forest->node_count - at)
            return fail(reader, "tree %u: %u nodes, expected from 1 to %u", t, part->sizes[t], forest->node_count - at);
        forest->tree_roots[t] = at;
        forest->tree_sizes[t] = part->sizes[t];
        at += part->sizes[t];
        largest = part->sizes[t] > largest ? part->sizes[t] : largest;
    }
    if (at != forest->node_count)
        return fail(reader, "the trees have %u nodes, expected %u", at, forest->node_count);
    uint32_t *depths = calloc((size_t)largest + 2, sizeof *depths);
    if (depths == NULL)
        return no_memory(reader);
    bool good = true;
    for (uint32_t t = 0; t < forest->tree_count && good; t++)
        good = place_tree(reader, forest, part, t, depths);
    free(depths);
    forest->nodes[forest->node_count] = (struct node){.child = forest->node_count}; /* the idle leaf */
    return good;
}

/* The linear functions of leaves: one for each leaf that says so, in order. */
static bool read_lines(struct reader *reader, struct forest *forest, uint32_t weights) {
    uint32_t next = 0;
    if (forest->line_count > (reader->len - reader->at) / 20)
        return fail(reader, "%u linear leaves, %zu bytes are left", forest->line_count, reader->len - reader->at);
    forest->lines = calloc((size_t)forest->line_count + 1, sizeof *forest->lines);
    if (forest->lines == NULL)
        return no_memory(reader);
    for (uint32_t i = 0; i < forest->line_count; i++) {
        struct leaf_line *line = &forest->lines[i];
        if (!take(reader, &line->node, 4, 1) || !take(reader, &line->first, 4, 1) ||
            !take(reader, &line->count, 4, 1) || !take(reader, &line->constant, 8, 1))
            return false;
        while (next < forest->node_count && !(forest->nodes[next].flags & NODE_LINEAR))
            next++;
        if (line->node != next || next++ == forest->node_count)
            return fail(reader, "linear leaf %u is node %u, expected %u", i, line->node, next);
        if (line->first > weights || line->count > weights - line->first)
            return fail(reader, "linear leaf %u: weights %u + %u, expected within %u", i, line->first, line->count,
                        weights);
    }
    for (; next < forest->node_count; next++)
        if (forest->nodes[next].flags & NODE_LINEAR)
            return fail(reader, "node %u is a linear leaf without a function", next);
    if (!take_array(reader, &forest->line_inputs, 2, weights, 1) ||
        !take_array(reader, &forest->line_weights, 8, weights, 1))
        return false;
    for (uint32_t i = 0; i < weights; i++)
        if (forest->line_inputs[i] >= forest->input_count)
            return fail(reader, "weight %u of a linear leaf: the input is %u, expected below %u", i,
                        forest->line_inputs[i], forest->input_count);
    return true;
}

static bool allocate_forest(struct reader *reader, struct forest *forest) {
    forest->nodes = calloc((size_t)forest->node_count + 1, sizeof *forest->nodes);
    forest->tree_roots = calloc((size_t)forest->tree_count + 1, sizeof *forest->tree_roots);
    forest->tree_sizes = calloc((size_t)forest->tree_count + 1, sizeof *forest->tree_sizes);
    forest->tree_depths = calloc((size_t)forest->tree_count + 1, sizeof *forest->tree_depths);
    return forest->nodes != NULL && forest->tree_roots != NULL && forest->tree_sizes != NULL &&
                   forest->tree_depths != NULL
               ? true
               : no_memory(reader);
}

static bool read_nodes(struct reader *reader, struct forest *forest, struct forest_part *part, uint32_t covers) {
    uint32_t nodes = forest->node_count;
    if (!take_array(reader, &forest->starts, 8, forest->output_count, 1) ||
        !take_array(reader, &forest->after, 8, forest->output_count, 1) ||
        !take_array(reader, &part->sizes, 4, forest->tree_count, 1) ||
        !take_array(reader, &part->values, 8, nodes, 1) || !take_array(reader, &part->features, 2, nodes, 1) ||
        !take_array(reader, &part->flags, 1, nodes, 1) ||
        (covers && !take_array(reader, &forest->covers, 8, nodes, 1)) ||
        !take_array(reader, &forest->words, 4, forest->word_count, 1))
        return false;
    return allocate_forest(reader, forest) && place_trees(reader, forest, part);
}

static bool read_forest(struct reader *reader, struct step *step) {
    struct forest *forest = &step->forest;
    struct forest_part part = {0};
    uint32_t row_rule = 0, sum_rule = 0, covers = 0, weights = 0;
    forest->input_count = step->in_count;
    forest->output_count = step->out_count;
    if (step->in_count > LIMIT_MODEL_INPUTS)
        return fail(reader, "%u inputs, expected at most %u", step->in_count, LIMIT_MODEL_INPUTS);
    if (!take_u32(reader, "row_rule", 0, ROW_RULES - 1, &row_rule) ||
        !take_u32(reader, "sum_rule", 0, SUM_RULES - 1, &sum_rule) ||
        !take_u32(reader, "trees", 0, TREES_MAX, &forest->tree_count) ||
        !take_u32(reader, "nodes", 0, NODES_MAX, &forest->node_count) ||
        !take_u32(reader, "words", 0, NODES_MAX, &forest->word_count) ||
        !take_u32(reader, "lines", 0, NODES_MAX, &forest->line_count) ||
        !take_u32(reader, "line_weights", 0, NODES_MAX, &weights) || !take_u32(reader, "covers", 0, 1, &covers) ||
        !take(reader, &forest->divisor, 8, 1))
        return false;
    if (forest->tree_count % forest->output_count != 0)
        return fail(reader, "%u trees, expected a multiple of the outputs, which are %u", forest->tree_count,
                    forest->output_count);
    forest->row_rule = (enum row_rule)row_rule;
    forest->sum_rule = (enum sum_rule)sum_rule;
    forest->line_weight_count = weights;
    forest->path = reader->path;
    bool good = read_nodes(reader, forest, &part, covers) && read_lines(reader, forest, weights);
    free(part.sizes);
    free(part.values);
    free(part.features);
    free(part.flags);
    return good && (forest_finish(forest) || no_memory(reader));
}

/* --- the other steps --- */

static bool read_linear(struct reader *reader, struct step *step) {
    uint32_t float32 = 0;
    if (!take_u32(reader, "float32", 0, 1, &float32))
        return false;
    step->float32 = float32;
    return take_array(reader, &step->a, 8, step->out_count, 1) &&
           take_array(reader, &step->b, 8, (size_t)step->out_count * step->in_count, 1);
}

static bool read_each(struct reader *reader, struct step *step) {
    uint32_t operation = 0;
    if (!take_u32(reader, "operation", 0, EACH_KINDS - 1, &operation))
        return false;
    step->each = (enum each)operation;
    if (step->in_count != step->out_count)
        return fail(reader, "%u cells give %u, expected as many", step->in_count, step->out_count);
    return take_array(reader, &step->a, 8, step->in_count, 1) && take_array(reader, &step->b, 8, step->in_count, 1);
}

static bool read_transform(struct reader *reader, struct step *step) {
    uint32_t transform = 0;
    if (!take_u32(reader, "transform", 0, TRANSFORM_KINDS - 1, &transform) || !take(reader, &step->parameter, 8, 1))
        return false;
    step->transform = (enum transform)transform;
    uint32_t expected = transform == TRANSFORM_ARGMAX ? 1 : step->in_count;
    if (step->out_count != expected)
        return fail(reader, "%u cells give %u, expected %u", step->in_count, step->out_count, expected);
    bool table = transform == TRANSFORM_SIGMOID_TABLE || transform == TRANSFORM_SOFTMAX_TABLE ||
                 transform == TRANSFORM_EXP_TABLE;
    if (table && reader->model->exp_table == NULL) {
        reader->model->exp_table = calloc(EXP_TABLE, sizeof(double));
        if (reader->model->exp_table == NULL)
            return no_memory(reader);
        for (int i = 0; i < EXP_TABLE; i++)
            reader->model->exp_table[i] = pow(2.0, i * (1.0 / EXP_TABLE));
    }
    return true;
}

static bool read_interpolate(struct reader *reader, struct step *step) {
    if (!take_u32(reader, "count", 1, NODES_MAX, &step->count))
        return false;
    if (step->in_count != step->out_count)
        return fail(reader, "%u cells give %u, expected as many", step->in_count, step->out_count);
    if (!take_array(reader, &step->a, 8, step->count, 1) || !take_array(reader, &step->b, 8, step->count, 1))
        return false;
    for (uint32_t i = 1; i < step->count; i++)
        if (!(step->a[i - 1] < step->a[i]))
            return fail(reader, "x[%u] is not above the one before", i);
    return true;
}

static bool read_cells(struct reader *reader, struct step *step) {
    struct model *model = reader->model;
    if (!take_array(reader, &step->cells, 4, step->in_count, 0))
        return false;
    step->straight = true;
    for (uint32_t i = 0; i < step->in_count; i++) {
        if (step->cells[i] >= model->cell_count)
            return fail(reader, "cell %u, expected below %u", step->cells[i], model->cell_count);
        step->straight &= step->cells[i] == step->cells[0] + i;
    }
    step->out_first = model->cell_count;
    if (step->out_count > LIMIT_MODEL_CELLS - model->cell_count)
        return fail(reader, "%u cells more than %u, expected at most %u in all", step->out_count, model->cell_count,
                    LIMIT_MODEL_CELLS);
    model->cell_count += step->out_count;
    return true;
}

static bool read_step(struct reader *reader, struct step *step) {
    uint32_t kind = 0;
    if (!take_u32(reader, "kind", 0, STEP_KINDS - 1, &kind) ||
        !take_u32(reader, "in", 1, LIMIT_MODEL_CELLS, &step->in_count) ||
        !take_u32(reader, "out", 1, LIMIT_MODEL_CELLS, &step->out_count) || !read_cells(reader, step))
        return false;
    step->kind = (enum step_kind)kind;
    switch (step->kind) {
    case STEP_FOREST: return read_forest(reader, step);
    case STEP_LINEAR: return read_linear(reader, step);
    case STEP_EACH: return read_each(reader, step);
    case STEP_TRANSFORM: return read_transform(reader, step);
    case STEP_MEAN:
        return step->in_count % step->out_count == 0 ||
               fail(reader, "the mean of %u cells gives %u", step->in_count, step->out_count);
    case STEP_INTERPOLATE: return read_interpolate(reader, step);
    case STEP_KINDS: break;
    }
    UNREACHABLE();
}

/* --- the whole part --- */

static bool read_model(struct reader *reader) {
    struct model *model = reader->model;
    char magic[8];
    uint32_t version = 0, inputs = 0, steps = 0;
    if (!take(reader, magic, 8, 1))
        return false;
    if (memcmp(magic, "ASSAYMDL", 8) != 0)
        return fail(reader, "expected a model's part, which begins with \"ASSAYMDL\"");
    if (!take_u32(reader, "version", VERSION, VERSION, &version) ||
        !take_u32(reader, "inputs", 1, LIMIT_MODEL_INPUTS, &inputs) ||
        !take_u32(reader, "steps", 1, STEPS_MAX, &steps) ||
        !take_u32(reader, "raw_step", 0, steps - 1, &model->raw_step))
        return false;
    model->inputs = calloc(inputs, sizeof *model->inputs);
    model->steps = calloc(steps, sizeof *model->steps);
    if (model->inputs == NULL || model->steps == NULL)
        return no_memory(reader);
    model->input_count = model->cell_count = inputs;
    model->step_count = steps;
    for (uint32_t i = 0; i < inputs; i++) {
        snprintf(reader->place, sizeof reader->place, "input %u", i);
        if (!read_input(reader, &model->inputs[i]))
            return false;
    }
    for (uint32_t i = 0; i < steps; i++) {
        snprintf(reader->place, sizeof reader->place, "step %u", i);
        if (!read_step(reader, &model->steps[i]))
            return false;
    }
    model->output_count = model->steps[steps - 1].out_count;
    if (model->output_count > LIMIT_MODEL_OUTPUTS || model_raw_count(model) > LIMIT_MODEL_OUTPUTS)
        return fail(reader, "%u outputs and %u margins, expected at most %u", model->output_count,
                    model_raw_count(model), LIMIT_MODEL_OUTPUTS);
    return reader->at == reader->len || fail(reader, "%zu bytes are left over", reader->len - reader->at);
}

struct model *model_read_path(const void *bytes, size_t len, enum model_path path, struct error *error) {
    struct model *model = calloc(1, sizeof *model);
    char *copy = malloc(len + 1);
    if (model == NULL || copy == NULL) {
        free(model);
        free(copy);
        error_set(error, ERROR_LIMIT, "no memory for the model");
        return NULL;
    }
    if (len > 0)
        memcpy(copy, bytes, len);
    model->texts = copy;
    struct reader reader = {.bytes = bytes, .len = len, .place = "head", .path = path, .error = error, .model = model};
    if (read_model(&reader)) {
        ASSERT(model->step_count > 0 && model->output_count > 0);
        return model;
    }
    model_free(model);
    return NULL;
}

struct model *model_read(const void *bytes, size_t len, struct error *error) {
    return model_read_path(bytes, len, MODEL_FASTEST, error);
}
