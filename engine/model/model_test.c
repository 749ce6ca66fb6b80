/* The model room: broken parts each with an error, the two ways of walking against each other, and the steps' meaning
 * on small parts. The comparison with the frameworks themselves is tests/test_models_oracle.py. */
#include "model.h"

#include <math.h>

#include "../base/test.h"
#include "random_part.h"
#include "steps.h"

enum { INPUTS = 70 };

/* Few different numbers, so that rows hit thresholds. */
static double pick(uint64_t *state) {
    static const double odd[] = {0.0, -0.0, 1e-36, -1e-36, INFINITY, -INFINITY};
    return draw(state, 12) == 0 ? odd[draw(state, 6)] : ((double)draw(state, 200) - 100) / 8;
}

static struct model *read_part(const struct part_bytes *part) {
    struct error error = {0};
    struct model *model = model_read(part->p, part->len, &error);
    CHECK_TEXT(error.text, strlen(error.text), "");
    return model;
}

/* --- all ways through the trees give the same bits --- */

enum { ROWS = 300 };

static double fine(uint64_t *state) { return (double)draw(state, 1u << 20) / 1024; }

static void compare_ways_of(const struct part_bytes *part, uint32_t inputs, const char *fastest, const char *portable,
                            uint64_t *state) {
    struct error error = {0};
    struct model *models[3];
    static double rows[ROWS * INPUTS], answers[ROWS];
    for (uint32_t i = 0; i < ROWS * inputs; i++)
        rows[i] = draw(state, 8) == 0 && i / inputs % 2 ? NAN : draw(state, 3) == 0 ? fine(state) : pick(state);
    for (int path = MODEL_FASTEST; path <= MODEL_SIMPLE; path++)
        models[path] = model_read_path(part->p, part->len, (enum model_path)path, &error);
    CHECK_TEXT(error.text, strlen(error.text), "");
    bool vectors = false;
#if defined(__x86_64__)
    vectors = __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw");
#endif
    const char *expected[] = {vectors ? fastest : portable, portable, "nodes"};
    for (int path = MODEL_FASTEST; path <= MODEL_SIMPLE; path++) {
        CHECK_TEXT(model_way(models[path]), strlen(model_way(models[path])), expected[path]);
        model_predict_batch(models[path], rows, ROWS, answers);
        for (int row = 0; row < ROWS; row++) {
            double own, simple;
            model_predict(models[path], rows + (size_t)row * inputs, &own);
            model_predict(models[MODEL_SIMPLE], rows + (size_t)row * inputs, &simple);
            CHECK(memcmp(&own, &simple, sizeof own) == 0);
            CHECK(memcmp(&answers[row], &simple, sizeof own) == 0);
        }
    }
    for (int path = MODEL_FASTEST; path <= MODEL_SIMPLE; path++)
        model_free(models[path]);
}

static void test_all_ways_have_the_same_bits(void) {
    static const struct {
        uint32_t inputs, trees, leaves;
        bool vary;
        enum random_form form;
        const char *fastest, *portable;
    } shapes[] = {
        {70, 65, 1, false, RANDOM_GROWN, "symmetric", "symmetric"},
        {70, 1, 64, false, RANDOM_GROWN, "lanes", "compact"},
        {70, 63, 31, true, RANDOM_GROWN, "lanes", "compact"},
        {30, 64, 64, true, RANDOM_GROWN, "lanes", "compact"},
        {70, 257, 64, true, RANDOM_GROWN, "lanes", "compact"},
        {70, 700, 16, true, RANDOM_GROWN, "lanes", "compact"},
        {70, 1025, 3, true, RANDOM_GROWN, "blocks", "compact"},
        {70, 60, 256, true, RANDOM_GROWN, "blocks", "compact"},
        {70, 130, 64, false, RANDOM_COMPLETE, "blocks", "compact"},
        {70, 9, 256, false, RANDOM_COMPLETE, "blocks", "compact"},
        {20, 67, 64, false, RANDOM_SYMMETRIC, "symmetric", "symmetric"},
        {70, 601, 256, false, RANDOM_SYMMETRIC, "symmetric", "symmetric"},
    };
    /* each combination is a column of its own: of 70 inputs all eight would be too many */
    static const uint8_t flags[] = {0, NODE_NAN_LEFT, NODE_NAN_LEFT | NODE_ZERO_IS_MISSING | NODE_ZERO_LEFT};
    uint64_t state = 7;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (uint32_t kind = 0; kind < 6; kind++) {
            struct random_shape shape = {.inputs = shapes[i].inputs,
                                         .trees = shapes[i].trees,
                                         .leaves = shapes[i].leaves,
                                         .vary = shapes[i].vary,
                                         .flags = kind % 3 < 2 || shapes[i].inputs < 40 ? flags[kind % 3]
                                                                                        : NODE_ZERO_IS_MISSING,
                                         .threshold = pick,
                                         .form = shapes[i].form,
                                         .row_rule = kind < 3 ? ROW_ZERO : ROW_FLOAT32,
                                         .sum_rule = kind < 3 ? SUM_DOUBLE : SUM_FLOAT32};
            struct part_bytes part = random_part(&shape, &state);
            compare_ways_of(&part, shapes[i].inputs, shapes[i].fastest, shapes[i].portable, &state);
            free(part.p);
        }
}

/* More than 255 thresholds an input take several columns; more than 256 columns are walked node by node. */
static void test_many_thresholds_are_walked_with_the_same_bits(void) {
    uint64_t state = 11;
    for (uint32_t inputs = 3; inputs <= INPUTS; inputs += INPUTS - 3) {
        struct random_shape shape = {
            .inputs = inputs, .trees = 80, .leaves = 60, .flags = NODE_NAN_LEFT, .threshold = fine};
        struct part_bytes part = random_part(&shape, &state);
        compare_ways_of(&part, inputs, "lanes", "compact", &state);
        free(part.p);
    }
    struct random_shape shape = {.inputs = 1, .trees = 2000, .leaves = 60, .threshold = fine};
    struct part_bytes part = random_part(&shape, &state);
    compare_ways_of(&part, 1, "nodes", "nodes", &state);
    free(part.p);
    for (uint8_t flags = 0; flags <= NODE_NAN_LEFT; flags += NODE_NAN_LEFT) {
        struct random_shape deep = {.inputs = INPUTS,
                                    .trees = 400,
                                    .leaves = 256,
                                    .vary = flags,
                                    .flags = flags,
                                    .threshold = fine,
                                    .row_rule = ROW_FLOAT32};
        part = random_part(&deep, &state);
        compare_ways_of(&part, INPUTS, "deep", "deep", &state);
        free(part.p);
    }
}

/* --- broken parts --- */

static struct part_bytes small_part(void) {
    uint64_t state = 3;
    struct random_shape shape = {.inputs = 2,
                                 .trees = 3,
                                 .leaves = 4,
                                 .flags = NODE_NAN_LEFT | NODE_ZERO_IS_MISSING | NODE_ZERO_LEFT,
                                 .threshold = pick};
    return random_part(&shape, &state);
}

static void test_a_part_that_is_cut_is_refused_with_its_place(void) {
    struct part_bytes part = small_part();
    for (size_t len = 0; len < part.len; len++) {
        struct error error = {0};
        struct model *model = model_read(part.p, len, &error);
        CHECK(model == NULL);
        CHECK(error.kind == ERROR_INPUT && strncmp(error.text, "byte ", 5) == 0);
        model_free(model);
    }
    free(part.p);
}

/* Every single wrong byte is refused, or gives a model that predicts within its memory (ASan watches). */
static void test_a_wrong_byte_does_no_harm(void) {
    static const uint8_t wrong[] = {0, 1, 0x7f, 0x80, 0xff};
    struct part_bytes part = small_part();
    for (size_t at = 0; at < part.len; at++)
        for (size_t k = 0; k < sizeof wrong; k++) {
            uint8_t kept = part.p[at];
            struct error error = {0};
            part.p[at] = wrong[k];
            struct model *model = model_read(part.p, part.len, &error);
            part.p[at] = kept;
            CHECK((model == NULL) == (error.text[0] != '\0'));
            if (model != NULL) {
                double row[LIMIT_MODEL_INPUTS] = {0}, out[LIMIT_MODEL_OUTPUTS];
                model_predict(model, row, out);
            }
            model_free(model);
        }
    free(part.p);
}

/* Where the small part's head has what, by its offset, and the error of the number put there. */
static const struct {
    size_t at;
    uint32_t value;
    const char *error;
} broken[] = {
    {0, 0, "byte 8, head: expected a model's part, which begins with \"ASSAYMDL\""},
    {8, 2, "byte 12, head: version is 2, expected from 1 to 1"},
    {12, 0, "byte 16, head: inputs is 0, expected from 1 to 4096"},
    {16, 0, "byte 20, head: steps is 0, expected from 1 to 4096"},
    {20, 1, "byte 24, head: raw_step is 1, expected from 0 to 0"},
    {24, 4000000000u, "byte 28, input 0: a text of 4000000000 bytes, 527 bytes are left"},
    {68, 9, "byte 72, step 0: kind is 9, expected from 0 to 5"},
    {80, 2, "byte 88, step 0: cell 2, expected below 2"},
    {88, 7, "byte 92, step 0: row_rule is 7, expected from 0 to 2"},
    {108, 1u << 27, "byte 555, step 0: 134217728 linear leaves, 0 bytes are left"}, /* once three gigabytes */
    {144, 9, "byte 555, step 0: tree 2: 7 nodes, expected from 1 to 5"},
};

static void test_each_wrong_number_has_its_own_error(void) {
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct part_bytes part = small_part();
        struct error error = {0};
        memcpy(part.p + broken[i].at, &broken[i].value, 4);
        struct model *model = model_read(part.p, part.len, &error);
        CHECK(model == NULL);
        CHECK_TEXT(error.text, strlen(error.text), broken[i].error);
        model_free(model);
        free(part.p);
    }
}

/* --- categories --- */

/* One input "kind" with two texts and a number, and one step that gives its code. */
static struct part_bytes category_part(bool ordered) {
    struct part_bytes out = {0};
    put(&out, "ASSAYMDL", 8);
    for (int i = 0; i < 4; i++)
        put_u32(&out, (uint32_t[]){1, 1, 1, 0}[i]);
    put_u32(&out, 4);
    put(&out, "kind", 4);
    put_u32(&out, 2);
    put_u32(&out, 1);
    put_f64(&out, -1);
    for (int i = 0; i < 2; i++) {
        put_u32(&out, 1);
        put(&out, ordered ? (i == 0 ? "a" : "b") : "a", 1);
        put_f64(&out, i + 10);
    }
    put_f64(&out, 7);
    put_f64(&out, 12);
    for (int i = 0; i < 6; i++)
        put_u32(&out, (uint32_t[]){STEP_TRANSFORM, 1, 1, 0, TRANSFORM_NONE, 0}[i]);
    put_u32(&out, 0);
    return out;
}

static void test_categories_have_their_codes(void) {
    struct part_bytes part = category_part(true);
    struct model *model = read_part(&part);
    CHECK(model_input_has_categories(model, 0));
    CHECK(model_text(model, 0, STR("a")) == 10 && model_text(model, 0, STR("b")) == 11);
    CHECK(model_text(model, 0, STR("")) == -1 && model_text(model, 0, STR("aa")) == -1);
    CHECK(model_number(model, 0, 7) == 12 && model_number(model, 0, 8) == -1 && isnan(model_number(model, 0, NAN)));
    double out;
    model_predict(model, (double[]){11}, &out);
    CHECK(out == 11);
    model_free(model);
    free(part.p);
    part = category_part(false);
    struct error error = {0};
    CHECK(model_read(part.p, part.len, &error) == NULL);
    CHECK(strstr(error.text, "category 1 is not above the one before") != NULL);
    free(part.p);
}

int main(void) {
    TEST(test_all_ways_have_the_same_bits);
    TEST(test_many_thresholds_are_walked_with_the_same_bits);
    TEST(test_a_part_that_is_cut_is_refused_with_its_place);
    TEST(test_a_wrong_byte_does_no_harm);
    TEST(test_each_wrong_number_has_its_own_error);
    TEST(test_categories_have_their_codes);
    return test_end();
}
