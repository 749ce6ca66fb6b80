/* The model room: broken LightGBM files each with its own error, and the shapes that training seldom gives. The
 * comparison with LightGBM itself is tests/test_model_room.py. */
#include "model.h"

#include <math.h>
#include <stdlib.h>

#include "../base/test.h"
#include "lanes.h"

static const char good[] = "tree\n"
                           "version=v4\n"
                           "num_class=1\n"
                           "num_tree_per_iteration=1\n"
                           "label_index=0\n"
                           "max_feature_idx=1\n"
                           "objective=binary sigmoid:1\n"
                           "feature_names=amount hour\n"
                           "feature_infos=[0:1] [0:23]\n"
                           "tree_sizes=300 80\n"
                           "\n"
                           "Tree=0\n"
                           "num_leaves=3\n"
                           "num_cat=0\n"
                           "split_feature=0 1\n"
                           "split_gain=1 2\n"
                           "threshold=0.5 6\n"
                           "decision_type=2 8\n"
                           "left_child=1 -1\n"
                           "right_child=-2 -3\n"
                           "leaf_value=0.25 -1 4\n"
                           "is_linear=0\n"
                           "shrinkage=1\n"
                           "\n"
                           "\n"
                           "Tree=1\n"
                           "num_leaves=1\n"
                           "num_cat=0\n"
                           "leaf_value=0.125\n"
                           "\n"
                           "end of trees\n"
                           "\n"
                           "feature_importances:\namount=1\n";

/* The good file with the first `old` replaced by `new` (old "": nothing replaced). */
static size_t replaced(char *out, size_t room, const char *old, const char *new) {
    const char *at = strstr(good, old);
    CHECK(at != NULL);
    int len = snprintf(out, room, "%.*s%s%s", (int)(at - good), good, new, at + strlen(old));
    CHECK(len > 0 && (size_t)len < room);
    return (size_t)len;
}

static struct model *read_changed(const char *old, const char *new, struct error *error) {
    char text[4096];
    *error = (struct error){0};
    return model_read_lightgbm(text, replaced(text, sizeof text, old, new), error);
}

/* What is changed in the good file, and the error that it gives. */
static const struct {
    const char *old, *new, *error;
} broken[] = {
    {"tree\n", "", "line 1: expected a LightGBM text model, whose first line is \"tree\""},
    {"version=v4", "version=v2", "line 12: version is \"v2\", expected v3 or v4"},
    {"version=v4\n", "", "line 11: version is \"\", expected v3 or v4"},
    {"label_index=0", "label_index", "line 5: expected key=value, found \"label_index\""},
    {"num_class=1\n", "", "line 11: num_class is \"\", expected from 1 to 10000"},
    {"num_class=1", "num_class=0", "line 12: num_class is \"0\", expected from 1 to 10000"},
    {"num_class=1", "num_class=1 ", "line 12: num_class is \"1 \", expected from 1 to 10000"},
    {"num_class=1", "num_class=1\nnum_class=1", "line 4: num_class is given twice"},
    {"num_tree_per_iteration=1", "num_tree_per_iteration=2",
     "line 12: num_tree_per_iteration is \"2\", expected num_class, which is 1"},
    {"max_feature_idx=1", "max_feature_idx=-1", "line 12: max_feature_idx is \"-1\", expected from 0 to 4095"},
    {"max_feature_idx=1", "max_feature_idx=99999999999999999999",
     "line 12: max_feature_idx is \"99999999999999999999\", expected from 0 to 4095"},
    {"max_feature_idx=1", "max_feature_idx=2",
     "line 12: feature_names: 2 names, expected max_feature_idx + 1, which is 3"},
    {"feature_names=amount hour", "feature_names=hour hour", "line 12: feature_names: \"hour\" is given twice"},
    {"feature_names=amount hour\n", "", "line 11: feature_names: expected one UTF-8 line of names"},
    {"feature_names=amount", "feature_names=am\xffnt", "line 12: feature_names: expected one UTF-8 line of names"},
    {"objective=binary", "objective=magic", "line 12: objective \"magic\" is not supported"},
    {"sigmoid:1", "sigmoid:-1", "line 12: objective: sigmoid is \"-1\", expected a number above 0"},
    {"sigmoid:1", "sigmoid:0", "line 12: objective: sigmoid is \"0\", expected a number above 0"},
    {" sigmoid:1", "", "line 12: objective \"binary\": sigmoid is missing"},
    {"binary sigmoid:1", "multiclass num_class:3",
     "line 12: objective \"multiclass num_class:3\" does not fit num_class, which is 1"},
    {"Tree=0", "Tree=1", "line 12: expected \"Tree=0\" or \"end of trees\", found \"Tree=1\""},
    {"Tree=1", "Tree=7", "line 26: expected \"Tree=1\" or \"end of trees\", found \"Tree=7\""},
    {"Tree=1", "tree 1", "line 26: expected \"Tree=1\" or \"end of trees\", found \"tree 1\""},
    {"end of trees\n\nfeature_importances:\namount=1\n", "",
     "line 30: the file ends after tree 1, expected \"end of trees\""},
    {"num_leaves=3", "num_leaves=4", "line 24: tree 0: leaf_value has 3 items, expected 4"},
    {"num_leaves=3", "num_leaves=0", "line 24: tree 0: num_leaves is \"0\", expected a number from 1 to 16777216"},
    {"num_leaves=3", "num_leaves=4294967299",
     "line 24: tree 0: num_leaves is \"4294967299\", expected a number from 1 to 16777216"},
    {"num_leaves=3", "num_leaves=16777216", "line 24: tree 0: leaf_value has 3 items, expected 16777216"},
    {"num_leaves=3\n", "", "line 23: tree 0: num_leaves is \"\", expected a number from 1 to 16777216"},
    {"num_cat=0", "num_cat=2", "line 24: tree 0: has 2 categorical splits, which are not supported"},
    {"num_cat=0\n", "", "line 23: tree 0: num_cat is \"\", expected a number of 0 or more"},
    {"is_linear=0", "is_linear=1", "line 24: tree 0: is a linear tree (linear_tree=true), which is not supported"},
    {"is_linear=0", "is_linear=2", "line 24: tree 0: is_linear is \"2\", expected 0 or 1"},
    {"shrinkage=1", "shrinkage", "line 23: tree 0: expected key=value, found \"shrinkage\""},
    {"leaf_value=0.25 -1 4", "leaf_value=0.25 -1", "line 24: tree 0: leaf_value has 2 items, expected 3"},
    {"leaf_value=0.25 -1 4", "leaf_value=0.25 x 4", "line 24: tree 0: leaf_value[1] is \"x\", expected a number"},
    {"leaf_value=0.25 -1 4", "leaf_value=0.25 1e 4", "line 24: tree 0: leaf_value[1] is \"1e\", expected a number"},
    {"leaf_value=0.25 -1 4", "leaf_value=0.25 -1 4 5", "line 24: tree 0: leaf_value has 4 items, expected 3"},
    {"leaf_value=0.25", "leaf_value=1 2 3\nleaf_value=0.25", "line 22: tree 0: leaf_value is given twice"},
    {"threshold=0.5 6\n", "", "line 23: tree 0: threshold is missing"},
    {"threshold=0.5 6", "threshold=0,5 6", "line 24: tree 0: threshold[0] is \"0,5\", expected a number"},
    {"threshold=0.5 6", "threshold=0x10 6", "line 24: tree 0: threshold[0] is \"0x10\", expected a number"},
    {"split_feature=0 1", "split_feature=0 2", "line 24: tree 0: split_feature[1] is 2, expected from 0 to 1"},
    {"split_feature=0 1", "split_feature=-1 1", "line 24: tree 0: split_feature[0] is -1, expected from 0 to 1"},
    {"split_feature=0 1", "split_feature=0", "line 24: tree 0: split_feature has 1 items, expected 2"},
    {"split_feature=0 1", "split_feature=0 9999999999",
     "line 24: tree 0: split_feature[1] is \"9999999999\", expected a 32-bit integer"},
    {"decision_type=2 8", "decision_type=3 8",
     "line 24: tree 0: split 0 is categorical (decision_type 3), which is not supported"},
    {"decision_type=2 8", "decision_type=2 12",
     "line 24: tree 0: decision_type[1] is 12, expected an even number from 0 to 10"},
    {"decision_type=2 8", "decision_type=2 -2",
     "line 24: tree 0: decision_type[1] is -2, expected an even number from 0 to 10"},
    {"left_child=1 -1", "left_child=0 -1",
     "line 24: tree 0: left_child[0] is 0, which is reached twice; expected a tree"},
    {"left_child=1 -1", "left_child=1 1",
     "line 24: tree 0: left_child[1] is 1, which is reached twice; expected a tree"},
    {"left_child=1 -1", "left_child=2 -1", "line 24: tree 0: left_child[0] is 2, expected from -3 to 1"},
    {"right_child=-2 -3", "right_child=-2 -4", "line 24: tree 0: right_child[1] is -4, expected from -3 to 1"},
    {"right_child=-2 -3", "right_child=-2 -1",
     "line 24: tree 0: right_child[1] is -1, which is reached twice; expected a tree"},
    {"right_child=-2 -3", "right_child=-2 -2147483648",
     "line 24: tree 0: right_child[1] is -2147483648, expected from -3 to 1"},
    {"left_child=1 -1", "left_child=-1 1",
     "line 24: tree 0: 3 of 5 nodes and leaves are reached from the root, expected all"},
};

static void test_broken_files_are_refused(void) {
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct error error;
        struct model *model = read_changed(broken[i].old, broken[i].new, &error);
        CHECK(model == NULL);
        CHECK_TEXT(error.text, strlen(error.text), broken[i].error);
        CHECK_INT(error.kind, ERROR_INPUT);
        model_free(model);
    }
}

/* Whatever is cut off: an error or, after "end of trees", the model. */
static void test_truncated_files(void) {
    size_t complete = (size_t)(strstr(good, "end of trees") - good) + strlen("end of trees");
    for (size_t len = 0; len < sizeof good; len++) {
        struct error error = {0};
        struct model *model = model_read_lightgbm(good, len, &error);
        CHECK((model != NULL) == (len >= complete));
        CHECK((error.text[0] == '\0') == (model != NULL));
        model_free(model);
    }
}

static double raw(const struct model *model, double amount, double hour) {
    double out;
    model_predict_raw(model, (double[]){amount, hour}, &out);
    return out;
}

static void test_prediction(void) {
    struct error error;
    struct model *model = read_changed("", "", &error);
    CHECK(model != NULL);
    CHECK_INT(model_input_count(model), 2);
    CHECK_INT(model_output_count(model), 1);
    CHECK_INT(model_tree_count(model), 2);
    CHECK_TEXT(model_input_name(model, 1).p, model_input_name(model, 1).len, "hour");
    CHECK(raw(model, 0.5, 6) == 0.25 + 0.125);
    CHECK(raw(model, nextafter(0.5, 1), 6) == -1 + 0.125);
    CHECK(raw(model, 0.5, NAN) == 4 + 0.125);  /* missing type NaN, default right */
    CHECK(raw(model, NAN, 6) == 0.25 + 0.125); /* no missing type: NaN is zero */
    CHECK(raw(model, INFINITY, -INFINITY) == -1 + 0.125);
    double out;
    model_predict(model, (double[]){1, 1}, &out);
    CHECK(out == 1 / (1 + exp(0.875)));
    model_free(model);
}

/* "\r\n", names with '=', no decision_type, average_output: all read. */
static void test_variants_of_the_format(void) {
    static const char *const changes[][2] = {
        {"version=v4", "version=v3\r"},      {"amount hour", "a=b c"},
        {"decision_type=2 8\n", ""},         {"objective=binary sigmoid:1\n", ""},
        {"label_index=0", "average_output"}, {"threshold=0.5 6", "threshold=nan  -inf"},
        {"num_tree_per_iteration=1\n", ""},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct error error;
        struct model *model = read_changed(changes[i][0], changes[i][1], &error);
        CHECK_TEXT(error.text, strlen(error.text), "");
        model_free(model);
    }
}

/* --- the fast way and the plain one give the same bits --- */

enum { MANY_INPUTS = 70, MANY_BYTES = 8 << 20 };

static uint32_t draw(uint64_t *state, uint32_t below) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}

/* Few different numbers, so that rows hit thresholds. */
static double pick(uint64_t *state) {
    static const double odd[] = {0.0, -0.0, 1e-36, -1e-36, INFINITY, -INFINITY};
    return draw(state, 12) == 0 ? odd[draw(state, 6)] : ((double)draw(state, 200) - 100) / 8;
}

/* A tree of `leaves` leaves in LightGBM's words: node n splits some earlier leaf. */
static size_t write_tree(char *out, size_t room, uint64_t *state, int number, int leaves) {
    int left[64], right[64];
    size_t len = (size_t)snprintf(out, room, "Tree=%d\nnum_leaves=%d\nnum_cat=0\n", number, leaves);
    for (int node = 0; node < leaves - 1; node++) {
        int split = node == 0 ? 0 : (int)draw(state, (uint32_t)node + 1);
        for (int i = 0; i < node; i++) {
            left[i] = left[i] == ~split ? node : left[i];
            right[i] = right[i] == ~split ? node : right[i];
        }
        left[node] = ~split;
        right[node] = ~(node + 1);
    }
    static const char *const keys[] = {"split_feature", "threshold", "decision_type", "left_child", "right_child"};
    for (int key = 0; key < 5 && leaves > 1; key++) {
        len += (size_t)snprintf(out + len, room - len, "%s=", keys[key]);
        for (int node = 0; node < leaves - 1; node++)
            if (key == 1)
                len += (size_t)snprintf(out + len, room - len, "%.17g ", pick(state));
            else
                len += (size_t)snprintf(out + len, room - len, "%d ",
                                        key == 0   ? (int)draw(state, MANY_INPUTS)
                                        : key == 2 ? 2 * (int)draw(state, 2) + 8 * (int)draw(state, 2)
                                        : key == 3 ? left[node]
                                                   : right[node]);
        len += (size_t)snprintf(out + len, room - len, "\n");
    }
    len += (size_t)snprintf(out + len, room - len, "leaf_value=");
    for (int leaf = 0; leaf < leaves; leaf++)
        len += (size_t)snprintf(out + len, room - len, "%.17g ", (double)draw(state, 1u << 30) / 1e9);
    return len + (size_t)snprintf(out + len, room - len, "\n\n");
}

static struct model *make_forest(uint64_t *state, int trees, int leaves) {
    char *text = malloc(MANY_BYTES);
    CHECK(text != NULL);
    size_t len = (size_t)snprintf(text, MANY_BYTES,
                                  "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
                                  "max_feature_idx=%d\nobjective=regression\nfeature_names=",
                                  MANY_INPUTS - 1);
    for (int i = 0; i < MANY_INPUTS; i++)
        len += (size_t)snprintf(text + len, MANY_BYTES - len, "f%d ", i);
    len += (size_t)snprintf(text + len, MANY_BYTES - len, "\n\n");
    for (int tree = 0; tree < trees; tree++)
        len += write_tree(text + len, MANY_BYTES - len, state, tree, 1 + (int)draw(state, (uint32_t)leaves));
    len += (size_t)snprintf(text + len, MANY_BYTES - len, "end of trees\n");
    struct error error = {0};
    struct model *model = model_read_lightgbm(text, len, &error);
    CHECK_TEXT(error.text, strlen(error.text), "");
    free(text);
    return model;
}

static void compare_ways(struct model *model, uint64_t *state) {
    struct lanes *lanes = model->lanes;
    for (int row = 0; row < 300; row++) {
        double values[MANY_INPUTS], fast, plain;
        for (int i = 0; i < MANY_INPUTS; i++)
            values[i] = draw(state, 8) == 0 && row % 2 ? NAN : pick(state);
        model_predict_raw(model, values, &fast);
        model->lanes = NULL;
        model_predict_raw(model, values, &plain);
        model->lanes = lanes;
        CHECK(memcmp(&fast, &plain, sizeof fast) == 0);
    }
}

static void test_lanes_have_the_bits_of_the_plain_walk(void) {
    static const int shapes[][2] = {{1, 1}, {1, 64}, {63, 31}, {64, 64}, {65, 8}, {257, 64}, {700, 16}, {1025, 3}};
    uint64_t state = 7;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct model *model = make_forest(&state, shapes[i][0], shapes[i][1]);
        if (model == NULL)
            continue;
#if defined(__x86_64__)
        CHECK((model->lanes != NULL) == (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw")));
#endif
        compare_ways(model, &state);
        model_free(model);
    }
}

int main(void) {
    TEST(test_lanes_have_the_bits_of_the_plain_walk);
    TEST(test_broken_files_are_refused);
    TEST(test_truncated_files);
    TEST(test_prediction);
    TEST(test_variants_of_the_format);
    return test_end();
}
