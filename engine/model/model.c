/* Runs a model's steps (steps.h, model.h). Called by the engine for every scored event; allocates nothing. */
#include "steps.h"

#include <math.h>
#include <stdlib.h>

#include "../base/assert.h"
#include "fast.h"

void model_free(struct model *model) {
    if (model == NULL)
        return;
    for (uint32_t i = 0; i < model->step_count && model->steps != NULL; i++) {
        forest_release(&model->steps[i].forest);
        free(model->steps[i].cells);
        free(model->steps[i].a);
        free(model->steps[i].b);
    }
    for (uint32_t i = 0; i < model->input_count && model->inputs != NULL; i++) {
        free(model->inputs[i].texts);
        free(model->inputs[i].numbers);
    }
    free(model->steps);
    free(model->inputs);
    free(model->texts);
    free(model->exp_table);
    free(model);
}

uint32_t model_input_count(const struct model *model) { return model->input_count; }
uint32_t model_output_count(const struct model *model) { return model->output_count; }
uint32_t model_raw_count(const struct model *model) { return model->steps[model->raw_step].out_count; }

uint32_t model_tree_count(const struct model *model) {
    uint32_t trees = 0;
    for (uint32_t i = 0; i < model->step_count; i++)
        trees += model->steps[i].kind == STEP_FOREST ? model->steps[i].forest.tree_count : 0;
    return trees;
}

const char *model_way(const struct model *model) {
    for (uint32_t i = 0; i < model->step_count; i++)
        if (model->steps[i].kind == STEP_FOREST)
            return model->steps[i].forest.fast != NULL ? fast_name(model->steps[i].forest.fast) : "nodes";
    return "none";
}

struct str model_input_name(const struct model *model, uint32_t input) {
    ASSERT(input < model->input_count);
    return model->inputs[input].name;
}

bool model_input_has_categories(const struct model *model, uint32_t input) {
    ASSERT(input < model->input_count);
    return model->inputs[input].text_count + model->inputs[input].number_count > 0;
}

static int order_texts(struct str a, struct str b) {
    int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

double model_text(const struct model *model, uint32_t input, struct str text) {
    ASSERT(input < model->input_count);
    const struct model_input *in = &model->inputs[input];
    for (uint32_t low = 0, high = in->text_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        int order = order_texts(in->texts[middle].text, text);
        if (order == 0)
            return in->texts[middle].code;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return in->unknown;
}

double model_number(const struct model *model, uint32_t input, double value) {
    ASSERT(input < model->input_count);
    const struct model_input *in = &model->inputs[input];
    if (in->text_count + in->number_count == 0 || isnan(value))
        return value;
    for (uint32_t low = 0, high = in->number_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (in->numbers[middle].value == value)
            return in->numbers[middle].code;
        if (in->numbers[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return in->unknown;
}

/* --- output transforms --- */

static double largest(const double *in, uint32_t count) {
    double most = in[0];
    for (uint32_t i = 1; i < count; i++)
        most = most < in[i] ? in[i] : most;
    return most;
}

static void softmax(const double *in, uint32_t count, double *out) {
    double most = largest(in, count), sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = exp(in[i] - most);
        sum += out[i];
    }
    for (uint32_t i = 0; i < count; i++)
        out[i] /= sum;
}

/* XGBoost's: float32, but the sum is a double. */
static void softmax_float32(const double *in, uint32_t count, double *out) {
    float most = (float)largest(in, count);
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (double)expf((float)in[i] - most);
        sum += out[i];
    }
    for (uint32_t i = 0; i < count; i++)
        out[i] = (double)((float)out[i] / (float)sum);
}

static double sigmoid_float32(double x) {
    float negative = -(float)x < 88.7f ? -(float)x : 88.7f;
    return (double)(1.0f / (expf(negative) + 1.0f + 1e-16f));
}

/* CatBoost's exp: x log2(e) 2048 is split into a whole number, whose low bits choose a power of two out of the table
 * and whose high bits are the exponent, and a rest for a cubic. */
static double exp_table(const double *table, double x) {
    static const double shift = 6755399441055744.0; /* 3 * 2^51: adding it rounds to a whole number in the low bits */
    static const double scale = EXP_TABLE / 0.693147180559945309417, rest = 0.693147180559945309417 / EXP_TABLE;
    if (isnan(x))
        return x;
    if (x <= -708.39641853226408)
        return 0;
    if (x >= 709.78271289338397)
        return INFINITY;
    double shifted = x * scale + shift, power;
    uint64_t bits, mantissa;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&mantissa, &table[bits % EXP_TABLE], sizeof mantissa);
    double t = (shifted - shift) * rest - x;
    double y = (3.0000000027955394 - t) * (t * t) * 0.16666666685227835064 - t + 1.0;
    uint64_t exponent = ((bits + ((uint64_t)1023 * EXP_TABLE)) / EXP_TABLE) << 52;
    bits = exponent | (mantissa & 0xfffffffffffffull);
    memcpy(&power, &bits, sizeof power);
    return y * power;
}

static void softmax_table(const double *table, const double *in, uint32_t count, double *out) {
    double most = largest(in, count), sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = exp_table(table, in[i] - most);
        sum += out[i];
    }
    for (uint32_t i = 0; i < count; i++)
        out[i] /= sum;
}

static double transformed(const struct model *model, const struct step *step, double x) {
    switch (step->transform) {
    case TRANSFORM_NONE: return x;
    case TRANSFORM_SQUARE: return (double)((x > 0) - (x < 0)) * x * x;
    case TRANSFORM_EXP: return exp(x);
    case TRANSFORM_SIGMOID: return 1.0 / (1.0 + exp(-step->parameter * x));
    case TRANSFORM_LOG1P_EXP: return log1p(exp(x));
    case TRANSFORM_EXP_FLOAT32: return (double)expf((float)x);
    case TRANSFORM_SIGMOID_FLOAT32: return sigmoid_float32(x);
    case TRANSFORM_SIGMOID_TABLE: return 1.0 / (1.0 + exp_table(model->exp_table, -x));
    case TRANSFORM_EXP_TABLE: return exp_table(model->exp_table, x);
    case TRANSFORM_POSITIVE: return x > 0;
    case TRANSFORM_ISOLATION: return -pow(2.0, -x / step->parameter);
    case TRANSFORM_SOFTMAX:
    case TRANSFORM_SOFTMAX_FLOAT32:
    case TRANSFORM_SOFTMAX_TABLE:
    case TRANSFORM_ARGMAX:
    case TRANSFORM_KINDS: break;
    }
    UNREACHABLE();
}

static void run_transform(const struct model *model, const struct step *step, const double *in, double *out) {
    uint32_t best = 0;
    switch (step->transform) {
    case TRANSFORM_SOFTMAX: softmax(in, step->in_count, out); return;
    case TRANSFORM_SOFTMAX_FLOAT32: softmax_float32(in, step->in_count, out); return;
    case TRANSFORM_SOFTMAX_TABLE: softmax_table(model->exp_table, in, step->in_count, out); return;
    case TRANSFORM_ARGMAX:
        for (uint32_t i = 1; i < step->in_count; i++)
            best = in[i] > in[best] ? i : best;
        out[0] = best;
        return;
    default:
        for (uint32_t i = 0; i < step->in_count; i++)
            out[i] = transformed(model, step, in[i]);
    }
}

/* --- the other steps --- */

static double each_of(const struct step *step, double x, double a, double b) {
    switch (step->each) {
    case EACH_STANDARD: return (x - a) / b;
    case EACH_SCALE: return x * a + b;
    case EACH_CLIP: return x < a ? a : x > b ? b : x;
    case EACH_IMPUTE: return isnan(x) ? a : x;
    case EACH_EQUAL: return x == a || (isnan(x) && isnan(a));
    case EACH_FLOAT32: return (double)(float)x;
    case EACH_KINDS: break;
    }
    UNREACHABLE();
}

static void run_linear(const struct step *step, const double *in, double *out) {
    for (uint32_t k = 0; k < step->out_count; k++) {
        const double *weights = step->b + (size_t)k * step->in_count;
        double sum = step->float32 ? step->a[k] : 0;
        for (uint32_t i = 0; i < step->in_count; i++) {
            if (step->float32 && isnan(in[i]))
                continue;
            double part = weights[i] * (step->float32 ? (double)(float)in[i] : in[i]);
            sum = step->float32 ? (double)(float)(sum + (double)(float)part) : sum + part;
        }
        out[k] = step->float32 ? sum : sum + step->a[k];
    }
}

/* As numpy.interp; NaN stays. */
static double interpolate(const struct step *step, double x) {
    const double *xs = step->a, *ys = step->b;
    uint32_t low = 0, high = step->count - 1;
    if (isnan(x) || x <= xs[0])
        return isnan(x) ? x : ys[0];
    if (x >= xs[high])
        return ys[high];
    while (low + 1 < high) {
        uint32_t middle = (low + high) / 2;
        if (xs[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return ys[low] + (ys[low + 1] - ys[low]) / (xs[low + 1] - xs[low]) * (x - xs[low]);
}

static void run_mean(const struct step *step, const double *in, double *out) {
    uint32_t vectors = step->in_count / step->out_count;
    for (uint32_t k = 0; k < step->out_count; k++) {
        out[k] = 0;
        for (uint32_t i = 0; i < vectors; i++)
            out[k] += in[(size_t)i * step->out_count + k];
        out[k] /= vectors;
    }
}

static void run_step(const struct model *model, const struct step *step, const double *in, double *out) {
    switch (step->kind) {
    case STEP_FOREST: forest_predict(&step->forest, in, out); return;
    case STEP_LINEAR: run_linear(step, in, out); return;
    case STEP_EACH:
        for (uint32_t i = 0; i < step->in_count; i++)
            out[i] = each_of(step, in[i], step->a[i], step->b[i]);
        return;
    case STEP_TRANSFORM: run_transform(model, step, in, out); return;
    case STEP_MEAN: run_mean(step, in, out); return;
    case STEP_INTERPOLATE:
        for (uint32_t i = 0; i < step->in_count; i++)
            out[i] = interpolate(step, in[i]);
        return;
    case STEP_KINDS: break;
    }
    UNREACHABLE();
}

/* What a step reads: where it lies together in the row or among the cells, else gathered. */
static const double *inputs_of(const struct model *model, const struct step *step, const double *row,
                               const double *cells, double *gathered) {
    uint32_t first = step->cells[0];
    if (step->straight && first + step->in_count <= model->input_count)
        return row + first;
    if (step->straight && first >= model->input_count)
        return cells + (first - model->input_count);
    for (uint32_t k = 0; k < step->in_count; k++) {
        uint32_t cell = step->cells[k];
        gathered[k] = cell < model->input_count ? row[cell] : cells[cell - model->input_count];
    }
    return gathered;
}

/* The steps from `first`, before which the cells are there, up to `last`, whose cells are the answer. */
static void run_from(const struct model *model, uint32_t first, uint32_t last, const double *row, double *cells,
                     double *out) {
    double gathered[LIMIT_MODEL_CELLS];
    ASSERT(last < model->step_count && model->cell_count <= LIMIT_MODEL_CELLS);
    for (uint32_t i = first; i <= last; i++) {
        const struct step *step = &model->steps[i];
        const double *in = inputs_of(model, step, row, cells, gathered);
        run_step(model, step, in, i == last ? out : cells + (step->out_first - model->input_count));
    }
}

static void run(const struct model *model, uint32_t last, const double *row, double *out) {
    double cells[LIMIT_MODEL_CELLS];
    run_from(model, 0, last, row, cells, out);
}

void model_predict(const struct model *model, const double *row, double *out) {
    run(model, model->step_count - 1, row, out);
}

void model_predict_raw(const struct model *model, const double *row, double *out) {
    run(model, model->raw_step, row, out);
}

enum { BATCH_ROWS = 1024, BATCH_MARGINS = 2048 };

/* Where the first step is a forest right over the inputs, as of most models, its rows are taken together. */
void model_predict_batch(const struct model *model, const double *rows, size_t count, double *out) {
    const struct step *step = &model->steps[0];
    uint32_t outputs = model->output_count, margins = step->out_count;
    bool together = step->kind == STEP_FOREST && step->straight && step->in_count > 0 && step->cells[0] == 0 &&
                    step->in_count <= model->input_count && margins <= BATCH_MARGINS;
    if (!together) {
        for (size_t r = 0; r < count; r++)
            model_predict(model, rows + r * model->input_count, out + r * outputs);
        return;
    }
    uint32_t most = BATCH_MARGINS / margins < BATCH_ROWS ? BATCH_MARGINS / margins : BATCH_ROWS;
    double found[BATCH_MARGINS], cells[LIMIT_MODEL_CELLS];
    for (size_t first = 0; first < count; first += most) {
        uint32_t now = count - first < most ? (uint32_t)(count - first) : most;
        const double *row = rows + first * model->input_count;
        forest_predict_rows(&step->forest, row, model->input_count, now, found);
        for (uint32_t r = 0; r < now; r++) {
            double *own = out + (first + r) * outputs;
            memcpy(model->step_count == 1 ? own : cells, found + (size_t)r * margins, margins * sizeof *own);
            if (model->step_count > 1)
                run_from(model, 1, model->step_count - 1, row + (size_t)r * model->input_count, cells, own);
        }
    }
}
