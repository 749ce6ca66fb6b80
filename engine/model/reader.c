/* Lines, items and the objective line of LightGBM's text (reader.h): pure functions over (pointer, length). */
#include "reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "../base/assert.h"
#include "../base/number.h"

bool reader_fail(struct reader *reader, const char *format, ...) {
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ASSERT(len >= 0);
    return error_set(reader->error, ERROR_INPUT, "line %u: %s", reader->line, text);
}

bool reader_line(struct reader *reader, struct str *line) {
    if (reader->at == reader->end)
        return false;
    size_t left = (size_t)(reader->end - reader->at);
    const char *newline = memchr(reader->at, '\n', left);
    *line = (struct str){reader->at, newline != NULL ? (size_t)(newline - reader->at) : left};
    reader->at = newline != NULL ? newline + 1 : reader->end;
    reader->line++;
    if (line->len > 0 && line->p[line->len - 1] == '\r')
        line->len--;
    return true;
}

bool split_pair(struct str line, struct str *key, struct str *value) {
    const char *equals = line.len > 0 ? memchr(line.p, '=', line.len) : NULL;
    if (equals == NULL)
        return false;
    *key = (struct str){line.p, (size_t)(equals - line.p)};
    *value = (struct str){equals + 1, line.len - key->len - 1};
    return true;
}

struct str next_item(struct str *text) {
    size_t at = 0, start;
    while (at < text->len && text->p[at] == ' ')
        at++;
    start = at;
    while (at < text->len && text->p[at] != ' ')
        at++;
    struct str item = {text->p + start, at - start};
    *text = (struct str){text->p + at, text->len - at};
    return item;
}

size_t count_items(struct str text) {
    size_t count = 0;
    while (next_item(&text).len > 0)
        count++;
    return count;
}

bool check_items(struct reader *reader, uint32_t tree, const char *name, struct str text, uint32_t count) {
    if (text.p == NULL)
        return reader_fail(reader, "tree %u: %s is missing", tree, name);
    size_t found = count_items(text);
    if (found != count)
        return reader_fail(reader, "tree %u: %s has %zu items, expected %u", tree, name, found, count);
    return true;
}

bool read_count(const struct reader *reader, struct str text, int64_t least, int64_t most, int64_t *out) {
    ASSERT(reader != NULL && least <= most);
    bool negative = text.len > 0 && text.p[0] == '-';
    size_t digits = text.len - negative;
    if (text.p == NULL || digits == 0 || digits > 18)
        return false;
    int64_t value = 0;
    for (size_t i = negative; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value = value * 10 + (text.p[i] - '0');
    }
    *out = negative ? -value : value;
    return *out >= least && *out <= most;
}

bool read_double(struct str text, double *out) {
    if (number_parse_double(text.p, text.len, out))
        return true;
    struct str word = text;
    bool negative = word.len > 0 && word.p[0] == '-';
    if (word.len > 0 && (negative || word.p[0] == '+'))
        word = (struct str){word.p + 1, word.len - 1};
    if (!str_equal(word, STR("inf")) && !str_equal(word, STR("nan")))
        return false;
    *out = word.p[0] == 'i' ? INFINITY : NAN;
    if (negative)
        *out = -*out;
    return true;
}

/* --- the objective --- */

static const struct {
    const char *name;
    enum transform transform;
    bool may_sqrt, sigmoid, classes; /* which tokens matter: "sqrt", "sigmoid:S" (required), "num_class:N" (required) */
} objectives[] = {
    {"regression", TRANSFORM_NONE, .may_sqrt = true},
    {"regression_l1", TRANSFORM_NONE, .may_sqrt = true},
    {"huber", TRANSFORM_NONE, .may_sqrt = false},
    {"fair", TRANSFORM_NONE, .may_sqrt = true},
    {"quantile", TRANSFORM_NONE, .may_sqrt = true},
    {"mape", TRANSFORM_NONE, .may_sqrt = true},
    {"poisson", TRANSFORM_EXP, .may_sqrt = false},
    {"gamma", TRANSFORM_EXP, .may_sqrt = false},
    {"tweedie", TRANSFORM_EXP, .may_sqrt = false},
    {"binary", TRANSFORM_SIGMOID, .sigmoid = true},
    {"cross_entropy", TRANSFORM_SIGMOID, .may_sqrt = false},
    {"cross_entropy_lambda", TRANSFORM_LOG1P_EXP, .may_sqrt = false},
    {"multiclass", TRANSFORM_SOFTMAX, .classes = true},
    {"multiclassova", TRANSFORM_SIGMOID, .sigmoid = true, .classes = true},
    {"lambdarank", TRANSFORM_NONE, .may_sqrt = false},
    {"rank_xendcg", TRANSFORM_NONE, .may_sqrt = false},
    {"custom", TRANSFORM_NONE, .may_sqrt = false},
};

/* LightGBM reads the sigmoid's text with less than correct rounding: whole part and fraction each on its own. Its
 * writer gives at most six digits, for which the powers of ten are exact. */
static bool read_sigmoid(struct str text, double *out) {
    double value = 0, fraction = 0, scale = 1;
    size_t at = 0, digits = 0;
    for (; at < text.len && text.p[at] >= '0' && text.p[at] <= '9'; at++, digits++)
        value = value * 10 + (text.p[at] - '0');
    if (at < text.len && text.p[at] == '.')
        for (at++; at < text.len && text.p[at] >= '0' && text.p[at] <= '9'; at++, digits++) {
            fraction = fraction * 10 + (text.p[at] - '0');
            scale *= 10;
        }
    if (digits == 0 || digits > 15)
        return false;
    value += fraction / scale;
    if (at < text.len && (text.p[at] == 'e' || text.p[at] == 'E')) {
        at++;
        bool negative = at < text.len && text.p[at] == '-';
        at += at < text.len && (text.p[at] == '-' || text.p[at] == '+');
        int64_t exponent;
        if (!read_count(&(struct reader){0}, (struct str){text.p + at, text.len - at}, 0, 22, &exponent))
            return false;
        for (scale = 1, at = text.len; exponent > 0; exponent--)
            scale *= 10;
        value = negative ? value / scale : value * scale;
    }
    *out = value;
    return at == text.len && value > 0;
}

static bool starts_with(struct str text, struct str start, struct str *rest) {
    if (text.len < start.len || memcmp(text.p, start.p, start.len) != 0)
        return false;
    *rest = (struct str){text.p + start.len, text.len - start.len};
    return true;
}

bool objective_read(struct reader *reader, struct str text, struct model *model) {
    struct str whole = text, name = next_item(&text), value;
    size_t kind = 0, kinds = sizeof objectives / sizeof *objectives;
    while (kind < kinds && !str_equal(name, str_of(objectives[kind].name)))
        kind++;
    if (kind == kinds)
        return reader_fail(reader, "objective \"%.*s\" is not supported", SHOWN(name));
    model->transform = objectives[kind].transform;
    model->sigmoid = objectives[kind].sigmoid ? 0 : 1;
    int64_t classes = 0;
    for (struct str item = next_item(&text); item.len > 0; item = next_item(&text)) {
        if (objectives[kind].may_sqrt && str_equal(item, STR("sqrt")))
            model->transform = TRANSFORM_SQUARE;
        if (objectives[kind].sigmoid && starts_with(item, STR("sigmoid:"), &value) &&
            !read_sigmoid(value, &model->sigmoid))
            return reader_fail(reader, "objective: sigmoid is \"%.*s\", expected a number above 0", SHOWN(value));
        if (objectives[kind].classes && starts_with(item, STR("num_class:"), &value) &&
            !read_count(reader, value, 1, INT32_MAX, &classes))
            return reader_fail(reader, "objective: num_class is \"%.*s\", expected a number", SHOWN(value));
    }
    if (model->sigmoid == 0)
        return reader_fail(reader, "objective \"%.*s\": sigmoid is missing", SHOWN(whole));
    bool one = !objectives[kind].classes && !str_equal(name, STR("custom"));
    if (one ? model->output_count != 1 : objectives[kind].classes && classes != model->output_count)
        return reader_fail(reader, "objective \"%.*s\" does not fit num_class, which is %u", SHOWN(whole),
                           model->output_count);
    return true;
}
