/* What a model does to a row, as read.c makes it and model.c runs it. Private to the room.
 *
 * A model is a list of steps over numbered cells: the inputs come first, then what each step gives. A step reads cells
 * that are already there and gives new ones; the last step's are the model's answer. */
#ifndef ASSAY_MODEL_STEPS_H
#define ASSAY_MODEL_STEPS_H

#include "forest.h"

enum step_kind {
    STEP_FOREST,
    STEP_LINEAR,      /* starts + weights * inputs */
    STEP_EACH,        /* one operation, each cell with its own numbers a and b */
    STEP_TRANSFORM,   /* of a margin to the answer */
    STEP_MEAN,        /* of several vectors of out_count, one after another */
    STEP_INTERPOLATE, /* isotonic calibration: piecewise linear, constant beyond the ends */
    STEP_KINDS
};

enum each {
    EACH_STANDARD, /* (x - a) / b */
    EACH_SCALE,    /* x * a + b */
    EACH_CLIP,     /* to [a, b] */
    EACH_IMPUTE,   /* a for NaN */
    EACH_EQUAL,    /* 1 if x is a (or both are NaN), else 0 */
    EACH_FLOAT32,  /* rounded */
    EACH_KINDS
};

enum transform {
    TRANSFORM_NONE,
    TRANSFORM_SQUARE, /* sign(x) x^2, for a model of the square root */
    TRANSFORM_EXP,
    TRANSFORM_SIGMOID, /* 1 / (1 + exp(-parameter x)), each */
    TRANSFORM_LOG1P_EXP,
    TRANSFORM_SOFTMAX,
    TRANSFORM_EXP_FLOAT32,
    TRANSFORM_SIGMOID_FLOAT32, /* XGBoost's: 1 / (1 + expf(min(-x, 88.7)) + 1e-16f) */
    TRANSFORM_SOFTMAX_FLOAT32,
    TRANSFORM_SIGMOID_TABLE, /* CatBoost's, whose exp is a table of 2048 powers and a cubic */
    TRANSFORM_SOFTMAX_TABLE,
    TRANSFORM_EXP_TABLE,
    TRANSFORM_ARGMAX,    /* the number of the largest, of several one */
    TRANSFORM_POSITIVE,  /* 1 above zero, else 0 */
    TRANSFORM_ISOLATION, /* -(2 ^ (-x / parameter)) */
    TRANSFORM_KINDS
};

enum { EXP_TABLE = 2048 };

struct step {
    enum step_kind kind;
    uint32_t in_count, out_count, out_first; /* cells out_first ... are this step's */
    uint32_t *cells;                         /* in_count of them */
    bool straight;                           /* the cells lie together, in order */
    struct forest forest;
    enum each each;
    enum transform transform;
    bool float32; /* of a linear step: sums in float32, NaN left out */
    double parameter;
    double *a, *b;  /* each: per cell; linear: starts, weights [output][input]; interpolate: x, y */
    uint32_t count; /* of a and b, of an interpolation */
};

struct category_text {
    struct str text;
    double code;
};

struct category_number {
    double value, code;
};

struct model_input {
    struct str name;
    struct category_text *texts;     /* sorted by bytes */
    struct category_number *numbers; /* sorted */
    uint32_t text_count, number_count;
    double unknown; /* the code of what is in neither */
};

struct model {
    struct model_input *inputs;
    struct step *steps;
    char *texts;       /* the bytes of all names and categories */
    double *exp_table; /* 2^(i/2048), if a transform needs it */
    uint32_t input_count, step_count, raw_step, cell_count, output_count;
};

#endif
