/* Reads LightGBM's text model (model.h) into a table (forest.h). The file is hostile: every count, index and shape is
 * checked here, so that prediction needs no check.
 *
 *   tree                            first line
 *   key=value ...                   version, num_class, max_feature_idx, objective, feature_names, ...;
 * `average_output` Tree=0 / key=value ... / blank  per tree: num_leaves, num_cat and one array a key, in the trees'
 * order end of trees                    what follows (importances, parameters) does not matter to predict
 *
 * Numbers that decide (thresholds, leaves) are read correctly rounded, as LightGBM does. `tree_sizes` is not used. A
 * child c of a node is node c, or leaf ~c if negative; every node and leaf must be reached from the root exactly once.
 */
#include "forest.h"
#include "lanes.h"
#include "reader.h"

#include <math.h>
#include <stdlib.h>

#include "../base/assert.h"
#include "../base/number.h"

enum {
    LEAVES_MAX = 1 << 24,
    NODES_MAX = 1 << 30,
    CLASSES_MAX = 10000,
    DECISION_DEFAULT_LEFT = 2,
    DECISION_CATEGORICAL = 1
};
enum { MISSING_TYPE_ZERO = 1, MISSING_TYPE_NAN = 2 };

/* --- one tree --- */

enum tree_key {
    NUM_LEAVES,
    NUM_CAT,
    SPLIT_FEATURE,
    THRESHOLD,
    DECISION_TYPE,
    LEFT_CHILD,
    RIGHT_CHILD,
    LEAF_VALUE,
    IS_LINEAR,
    TREE_KEYS
};

static const char *const tree_keys[TREE_KEYS] = {
    "num_leaves", "num_cat",     "split_feature", "threshold", "decision_type",
    "left_child", "right_child", "leaf_value",    "is_linear",
};

struct tree {
    uint32_t leaf_count; /* n; arrays of nodes have n - 1 */
    int64_t *feature, *decision, *left, *right;
    double *threshold, *leaf_value;
};

static void tree_release(struct tree *tree) {
    free(tree->feature);
    free(tree->decision);
    free(tree->left);
    free(tree->right);
    free(tree->threshold);
    free(tree->leaf_value);
}

/* Reads the tree's lines into values[], up to the blank line. */
static bool read_tree_lines(struct reader *reader, uint32_t index, struct str values[TREE_KEYS]) {
    struct str line, key, value;
    memset(values, 0, TREE_KEYS * sizeof *values);
    while (reader_line(reader, &line) && line.len > 0) {
        if (!split_pair(line, &key, &value))
            return reader_fail(reader, "tree %u: expected key=value, found \"%.*s\"", index, SHOWN(line));
        for (int i = 0; i < TREE_KEYS; i++) {
            if (!str_equal(key, str_of(tree_keys[i])))
                continue;
            if (values[i].p != NULL)
                return reader_fail(reader, "tree %u: %s is given twice", index, tree_keys[i]);
            values[i] = value;
        }
    }
    return true;
}

static bool read_tree_head(struct reader *reader, uint32_t index, const struct str values[TREE_KEYS],
                           struct tree *tree) {
    int64_t leaves, categories, linear = 0;
    if (!read_count(reader, values[NUM_LEAVES], 1, LEAVES_MAX, &leaves))
        return reader_fail(reader, "tree %u: num_leaves is \"%.*s\", expected a number from 1 to %d", index,
                           SHOWN(values[NUM_LEAVES]), LEAVES_MAX);
    if (!read_count(reader, values[NUM_CAT], 0, INT32_MAX, &categories))
        return reader_fail(reader, "tree %u: num_cat is \"%.*s\", expected a number of 0 or more", index,
                           SHOWN(values[NUM_CAT]));
    if (categories > 0)
        return reader_fail(reader, "tree %u: has %lld categorical splits, which are not supported", index,
                           (long long)categories);
    if (values[IS_LINEAR].p != NULL && !read_count(reader, values[IS_LINEAR], 0, 1, &linear))
        return reader_fail(reader, "tree %u: is_linear is \"%.*s\", expected 0 or 1", index, SHOWN(values[IS_LINEAR]));
    if (linear)
        return reader_fail(reader, "tree %u: is a linear tree (linear_tree=true), which is not supported", index);
    tree->leaf_count = (uint32_t)leaves;
    return true;
}

static bool read_ints(struct reader *reader, uint32_t index, enum tree_key key, struct str text, uint32_t count,
                      int64_t **out) {
    const char *name = tree_keys[key];
    if (!check_items(reader, index, name, text, count))
        return false;
    *out = calloc(count, sizeof **out);
    if (*out == NULL)
        return error_set(reader->error, ERROR_LIMIT, "tree %u: no memory for %u numbers", index, count);
    for (uint32_t i = 0; i < count; i++) {
        struct str item = next_item(&text);
        if (!read_count(reader, item, INT32_MIN, INT32_MAX, &(*out)[i]))
            return reader_fail(reader, "tree %u: %s[%u] is \"%.*s\", expected a 32-bit integer", index, name, i,
                               SHOWN(item));
    }
    return true;
}

static bool read_doubles(struct reader *reader, uint32_t index, enum tree_key key, struct str text, uint32_t count,
                         double **out) {
    const char *name = tree_keys[key];
    if (!check_items(reader, index, name, text, count))
        return false;
    *out = calloc(count, sizeof **out);
    if (*out == NULL)
        return error_set(reader->error, ERROR_LIMIT, "tree %u: no memory for %u numbers", index, count);
    for (uint32_t i = 0; i < count; i++) {
        struct str item = next_item(&text);
        if (!read_double(item, &(*out)[i]))
            return reader_fail(reader, "tree %u: %s[%u] is \"%.*s\", expected a number", index, name, i, SHOWN(item));
    }
    return true;
}

static bool read_tree(struct reader *reader, uint32_t index, struct tree *tree) {
    struct str values[TREE_KEYS];
    if (!read_tree_lines(reader, index, values) || !read_tree_head(reader, index, values, tree) ||
        !read_doubles(reader, index, LEAF_VALUE, values[LEAF_VALUE], tree->leaf_count, &tree->leaf_value))
        return false;
    uint32_t nodes = tree->leaf_count - 1;
    if (nodes == 0)
        return true;
    return read_ints(reader, index, SPLIT_FEATURE, values[SPLIT_FEATURE], nodes, &tree->feature) &&
           read_doubles(reader, index, THRESHOLD, values[THRESHOLD], nodes, &tree->threshold) &&
           (values[DECISION_TYPE].p == NULL ||
            read_ints(reader, index, DECISION_TYPE, values[DECISION_TYPE], nodes, &tree->decision)) &&
           read_ints(reader, index, LEFT_CHILD, values[LEFT_CHILD], nodes, &tree->left) &&
           read_ints(reader, index, RIGHT_CHILD, values[RIGHT_CHILD], nodes, &tree->right);
}

/* --- a tree into the table --- */

struct builder {
    struct reader *reader;
    struct model *model;
    size_t node_room, tree_room;
    uint32_t *depths; /* per tree */
    /* of the tree at hand */
    const struct tree *tree;
    uint32_t index;
    uint8_t *seen; /* nodes, then leaves */
    struct pending *pending;
    uint32_t pending_count;
};

/* A child that has its place in the table but is not written yet; a list used as a queue, so breadth first. */
struct pending {
    int64_t child;
    uint32_t at, depth;
};

static bool grow(void **array, size_t *room, size_t needed, size_t size) {
    if (needed <= *room)
        return true;
    size_t larger = *room == 0 ? 64 : *room * 2;
    while (larger < needed)
        larger *= 2;
    void *moved = realloc(*array, larger * size);
    if (moved == NULL)
        return false;
    *array = moved;
    *room = larger;
    return true;
}

static bool take_nodes(struct builder *builder, uint32_t count) {
    struct model *model = builder->model;
    if (model->node_count > NODES_MAX - count ||
        !grow((void **)&model->nodes, &builder->node_room, (size_t)model->node_count + count, sizeof *model->nodes))
        return error_set(builder->reader->error, ERROR_LIMIT, "tree %u: no room for its nodes, beyond %u so far",
                         builder->index, model->node_count);
    model->node_count += count;
    return true;
}

static void write_leaf(struct model *model, uint32_t at, double value) {
    model->nodes[at] = (struct node){.threshold = value, .child = at};
}

/* Takes note of a child; each node and each leaf may be one only once. */
static bool add_pending(struct builder *builder, const char *side, uint32_t node, int64_t child, uint32_t at,
                        uint32_t depth) {
    uint32_t leaves = builder->tree->leaf_count;
    int64_t place = child >= 0 ? child : (int64_t)leaves - 1 + ~child;
    if (child >= (int64_t)leaves - 1 || ~child >= (int64_t)leaves)
        return reader_fail(builder->reader, "tree %u: %s_child[%u] is %lld, expected from %lld to %lld", builder->index,
                           side, node, (long long)child, -(long long)leaves, (long long)leaves - 2);
    if (builder->seen[place])
        return reader_fail(builder->reader, "tree %u: %s_child[%u] is %lld, which is reached twice; expected a tree",
                           builder->index, side, node, (long long)child);
    builder->seen[place] = 1;
    builder->pending[builder->pending_count++] = (struct pending){child, at, depth};
    return true;
}

/* Where a NaN and a zero go at a node that takes zero as missing, or has no missing type, as flags (model.c). */
static bool write_node(struct builder *builder, uint32_t i, uint32_t at) {
    const struct tree *tree = builder->tree;
    struct model *model = builder->model;
    int64_t decision = tree->decision != NULL ? tree->decision[i] : 0, missing = decision >> 2;
    if (decision & DECISION_CATEGORICAL)
        return reader_fail(builder->reader,
                           "tree %u: split %u is categorical (decision_type %lld), which is not supported",
                           builder->index, i, (long long)decision);
    if (missing < 0 || missing > MISSING_TYPE_NAN)
        return reader_fail(builder->reader, "tree %u: decision_type[%u] is %lld, expected an even number from 0 to 10",
                           builder->index, i, (long long)decision);
    if (tree->feature[i] < 0 || tree->feature[i] >= model->input_count)
        return reader_fail(builder->reader, "tree %u: split_feature[%u] is %lld, expected from 0 to %u", builder->index,
                           i, (long long)tree->feature[i], model->input_count - 1);
    bool default_left = decision & DECISION_DEFAULT_LEFT,
         nan_left = missing == 0 ? 0.0 <= tree->threshold[i] : default_left;
    uint8_t flags = nan_left ? NODE_NAN_LEFT : 0;
    if (missing == MISSING_TYPE_ZERO) {
        flags |= NODE_ZERO_IS_MISSING | (default_left ? NODE_ZERO_LEFT : 0);
        model->zero_missing = true;
    }
    model->nodes[at] = (struct node){.threshold = tree->threshold[i],
                                     .child = model->node_count,
                                     .feature = (uint16_t)tree->feature[i],
                                     .step = 1,
                                     .flags = flags};
    return true;
}

static bool place_tree(struct builder *builder) {
    const struct tree *tree = builder->tree;
    struct model *model = builder->model;
    uint32_t root = model->node_count, written = 0, depth = 0;
    if (!take_nodes(builder, 1))
        return false;
    model->roots[builder->index] = root;
    builder->pending_count = 0;
    if (tree->leaf_count == 1)
        write_leaf(model, root, tree->leaf_value[0]);
    else if (!add_pending(builder, "root", 0, 0, root, 0))
        return false;
    for (; written < builder->pending_count; written++) {
        struct pending at = builder->pending[written];
        depth = at.depth;
        if (at.child < 0) {
            write_leaf(model, at.at, tree->leaf_value[~at.child]);
            continue;
        }
        uint32_t i = (uint32_t)at.child, children = model->node_count;
        if (!write_node(builder, i, at.at) || !take_nodes(builder, 2) ||
            !add_pending(builder, "left", i, tree->left[i], children, at.depth + 1) ||
            !add_pending(builder, "right", i, tree->right[i], children + 1, at.depth + 1))
            return false;
    }
    if (tree->leaf_count > 1 && written != 2 * tree->leaf_count - 1)
        return reader_fail(builder->reader,
                           "tree %u: %u of %u nodes and leaves are reached from the root, expected all", builder->index,
                           written, 2 * tree->leaf_count - 1);
    builder->depths[builder->index] = depth;
    return true;
}

static bool add_tree(struct builder *builder) {
    struct model *model = builder->model;
    struct tree tree = {0};
    size_t room = builder->tree_room;
    bool good = grow((void **)&model->roots, &room, (size_t)builder->index + 1 + FOREST_GROUP, sizeof *model->roots);
    good = good && grow((void **)&builder->depths, &builder->tree_room, (size_t)builder->index + 1 + FOREST_GROUP,
                        sizeof *builder->depths);
    if (!good)
        return error_set(builder->reader->error, ERROR_LIMIT, "tree %u: no memory", builder->index);
    good = read_tree(builder->reader, builder->index, &tree);
    if (good) {
        size_t places = 2 * (size_t)tree.leaf_count;
        builder->tree = &tree;
        builder->seen = calloc(places, 1);
        builder->pending = calloc(places, sizeof *builder->pending);
        if (builder->seen == NULL || builder->pending == NULL)
            good = error_set(builder->reader->error, ERROR_LIMIT, "tree %u: no memory", builder->index);
        else
            good = place_tree(builder);
        free(builder->seen);
        free(builder->pending);
        builder->tree = NULL;
    }
    tree_release(&tree);
    return good;
}

struct deep_tree {
    uint32_t root, depth;
    uint16_t place; /* in its block */
};

static int by_depth(const void *a, const void *b) {
    const struct deep_tree *x = a, *y = b;
    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* Sorts a block's trees by depth and puts them where they are walked. */
static void order_block(struct builder *builder, uint32_t first, uint32_t count) {
    struct model *model = builder->model;
    struct deep_tree trees[FOREST_BLOCK];
    for (uint32_t i = 0; i < count; i++)
        trees[i] = (struct deep_tree){model->roots[first + i], builder->depths[first + i], (uint16_t)i};
    qsort(trees, count, sizeof *trees, by_depth);
    for (uint32_t i = 0; i < count; i++) {
        model->roots[first + i] = trees[i].root;
        model->places[first + i] = trees[i].place;
        model->group_steps[(first + i) / FOREST_GROUP] = trees[i].depth; /* the last of a group is its deepest */
    }
}

/* Orders the trees, fills the last group with an idle leaf and notes each group's steps. */
static bool finish_groups(struct builder *builder) {
    _Static_assert(FOREST_BLOCK % FOREST_GROUP == 0, "only the last group of all has idle places");
    struct model *model = builder->model;
    model->group_count = (model->tree_count + FOREST_GROUP - 1) / FOREST_GROUP;
    model->group_steps = calloc(model->group_count, sizeof *model->group_steps);
    model->places = calloc((size_t)model->group_count * FOREST_GROUP, sizeof *model->places);
    if (model->group_steps == NULL || model->places == NULL)
        return error_set(builder->reader->error, ERROR_LIMIT, "no memory for the model");
    uint32_t idle = model->node_count;
    if (!take_nodes(builder, 1))
        return false;
    write_leaf(model, idle, 0);
    for (uint32_t i = model->tree_count; i < model->group_count * FOREST_GROUP; i++) {
        model->roots[i] = idle;
        model->places[i] = FOREST_BLOCK;
    }
    for (uint32_t i = 0; i < model->tree_count; i += FOREST_BLOCK)
        order_block(builder, i, model->tree_count - i < FOREST_BLOCK ? model->tree_count - i : FOREST_BLOCK);
    return true;
}

/* Trees from `line` ("Tree=0") up to "end of trees". */
static bool read_trees(struct reader *reader, struct str line, struct model *model) {
    struct builder builder = {.reader = reader, .model = model};
    bool good = true, ended = false;
    do {
        int64_t number;
        if (line.len == 0)
            continue;
        ended = str_equal(line, STR("end of trees"));
        if (ended)
            break;
        struct str key, value;
        if (!split_pair(line, &key, &value) || !str_equal(key, STR("Tree")) ||
            !read_count(reader, value, builder.index, builder.index, &number))
            good = reader_fail(reader, "expected \"Tree=%u\" or \"end of trees\", found \"%.*s\"", builder.index,
                               SHOWN(line));
        else
            good = add_tree(&builder);
        builder.index += good;
    } while (good && reader_line(reader, &line));
    model->tree_count = builder.index;
    if (good && !ended)
        good = reader_fail(reader, "the file ends after tree %u, expected \"end of trees\"", builder.index - 1);
    if (good && builder.index % model->output_count != 0)
        good = reader_fail(reader, "%u trees, expected a multiple of num_tree_per_iteration, which is %u",
                           builder.index, model->output_count);
    good = good && finish_groups(&builder);
    free(builder.depths);
    return good;
}

/* --- the whole file --- */

enum head_key {
    VERSION,
    NUM_CLASS,
    TREES_PER_ITERATION,
    LABEL_INDEX,
    MAX_FEATURE,
    OBJECTIVE,
    NAMES,
    INFOS,
    AVERAGE,
    HEAD_KEYS
};

static const char *const head_keys[HEAD_KEYS] = {
    "version",   "num_class",     "num_tree_per_iteration", "label_index",    "max_feature_idx",
    "objective", "feature_names", "feature_infos",          "average_output",
};

/* Reads up to the first "Tree=", which is left in *line. */
static bool read_head(struct reader *reader, struct str values[HEAD_KEYS], struct str *line) {
    struct str key, value;
    memset(values, 0, HEAD_KEYS * sizeof *values);
    if (!reader_line(reader, line) || !str_equal(*line, STR("tree")))
        return reader_fail(reader, "expected a LightGBM text model, whose first line is \"tree\"");
    while (reader_line(reader, line)) {
        if (line->len == 0)
            continue;
        if (str_equal(*line, STR("average_output"))) {
            key = *line;
            value = STR("1");
        } else if (!split_pair(*line, &key, &value)) {
            return reader_fail(reader, "expected key=value, found \"%.*s\"", SHOWN(*line));
        }
        if (str_equal(key, STR("Tree")))
            return true;
        for (int i = 0; i < HEAD_KEYS; i++) {
            if (!str_equal(key, str_of(head_keys[i])))
                continue;
            if (values[i].p != NULL)
                return reader_fail(reader, "%s is given twice", head_keys[i]);
            values[i] = value;
        }
    }
    return reader_fail(reader, "no trees: expected \"Tree=0\" before the end of the file");
}

static int compare_names(const void *a, const void *b) {
    const struct str *left = a, *right = b;
    size_t len = left->len < right->len ? left->len : right->len;
    int order = memcmp(left->p, right->p, len);
    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

static bool check_names_differ(struct reader *reader, const struct model *model) {
    struct str *sorted = calloc(model->input_count, sizeof *sorted);
    if (sorted == NULL)
        return error_set(reader->error, ERROR_LIMIT, "no memory for the model");
    memcpy(sorted, model->input_names, model->input_count * sizeof *sorted);
    qsort(sorted, model->input_count, sizeof *sorted, compare_names);
    bool good = true;
    for (uint32_t i = 1; i < model->input_count && good; i++)
        if (str_equal(sorted[i - 1], sorted[i]))
            good = reader_fail(reader, "feature_names: \"%.*s\" is given twice", SHOWN(sorted[i]));
    free(sorted);
    return good;
}

static bool read_names(struct reader *reader, struct str text, struct model *model) {
    bool ascii;
    if (text.p == NULL || utf8_valid_prefix(text.p, text.len, &ascii) != text.len)
        return reader_fail(reader, "feature_names: expected one UTF-8 line of names");
    if (count_items(text) != model->input_count)
        return reader_fail(reader, "feature_names: %zu names, expected max_feature_idx + 1, which is %u",
                           count_items(text), model->input_count);
    model->names = malloc(text.len + 1);
    model->input_names = calloc(model->input_count, sizeof *model->input_names);
    if (model->names == NULL || model->input_names == NULL)
        return error_set(reader->error, ERROR_LIMIT, "no memory for the model");
    memcpy(model->names, text.p, text.len);
    struct str copy = {model->names, text.len};
    for (uint32_t i = 0; i < model->input_count; i++)
        model->input_names[i] = next_item(&copy);
    return check_names_differ(reader, model);
}

static bool use_head(struct reader *reader, const struct str values[HEAD_KEYS], struct model *model) {
    int64_t classes, last_feature, per_iteration;
    struct str version = values[VERSION];
    if (!str_equal(version, STR("v3")) && !str_equal(version, STR("v4")))
        return reader_fail(reader, "version is \"%.*s\", expected v3 or v4", SHOWN(version));
    if (!read_count(reader, values[NUM_CLASS], 1, CLASSES_MAX, &classes))
        return reader_fail(reader, "num_class is \"%.*s\", expected from 1 to %d", SHOWN(values[NUM_CLASS]),
                           CLASSES_MAX);
    per_iteration = classes;
    if (values[TREES_PER_ITERATION].p != NULL &&
        (!read_count(reader, values[TREES_PER_ITERATION], 1, CLASSES_MAX, &per_iteration) || per_iteration != classes))
        return reader_fail(reader, "num_tree_per_iteration is \"%.*s\", expected num_class, which is %lld",
                           SHOWN(values[TREES_PER_ITERATION]), (long long)classes);
    if (!read_count(reader, values[MAX_FEATURE], 0, LIMIT_MODEL_INPUTS - 1, &last_feature))
        return reader_fail(reader, "max_feature_idx is \"%.*s\", expected from 0 to %u", SHOWN(values[MAX_FEATURE]),
                           LIMIT_MODEL_INPUTS - 1);
    model->output_count = (uint32_t)classes;
    model->input_count = (uint32_t)last_feature + 1;
    model->average = values[AVERAGE].p != NULL;
    return read_names(reader, values[NAMES], model) &&
           (values[OBJECTIVE].p == NULL || objective_read(reader, values[OBJECTIVE], model));
}

struct model *model_read_lightgbm(const char *text, size_t len, struct error *error) {
    struct reader reader = {.at = text, .end = text + len, .error = error};
    struct str values[HEAD_KEYS], line;
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        error_set(error, ERROR_LIMIT, "no memory for the model");
        return NULL;
    }
    if (!read_head(&reader, values, &line) || !use_head(&reader, values, model) || !read_trees(&reader, line, model)) {
        model_free(model);
        return NULL;
    }
    ASSERT(model->tree_count > 0 && model->group_count > 0);
    model->lanes = lanes_make(model);
    return model;
}
