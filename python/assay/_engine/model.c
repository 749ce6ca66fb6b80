/* The type assay._engine.Model: a model's part and its predictions (engine/model/model.h), so that the build can
 * check a model and the tests can compare it with the framework. Immutable; predictions run without the GIL. */
#include "types.h"

#include "../../../engine/base/assert.h"
#include "../../../engine/model/contributions.h"
#include "../../../engine/model/model.h"

struct model_object {
    PyObject_HEAD struct model *model;
};

static PyObject *model_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"part", "path", NULL};
    static const char *const paths[] = {"fastest", "portable", "simple"}; /* of enum model_path */
    const char *wanted = paths[0];
    Py_buffer text;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*|s:Model", names, &text, &wanted))
        return NULL;
    struct error error = {0};
    int path = 0;
    while (path < 3 && strcmp(wanted, paths[path]) != 0)
        path++;
    if (path == 3) {
        PyBuffer_Release(&text);
        return PyErr_Format(PyExc_ValueError, "path \"%s\", expected fastest, portable or simple", wanted);
    }
    struct model_object *self = (struct model_object *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->model = model_read_path(text.buf, (size_t)text.len, (enum model_path)path, &error);
        if (self->model == NULL) {
            PyErr_SetString(PyExc_ValueError, error.text);
            Py_CLEAR(self);
        }
    }
    PyBuffer_Release(&text);
    return (PyObject *)self;
}

static void model_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    model_free(((struct model_object *)object)->model);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *get_input_names(PyObject *object, void *closure) {
    const struct model *model = ((struct model_object *)object)->model;
    uint32_t count = model_input_count(model);
    PyObject *names = PyList_New(count);
    for (uint32_t i = 0; names != NULL && i < count; i++) {
        struct str name = model_input_name(model, i);
        PyObject *text = PyUnicode_DecodeUTF8(name.p, (Py_ssize_t)name.len, NULL);
        if (text == NULL)
            Py_CLEAR(names);
        else
            PyList_SET_ITEM(names, i, text);
    }
    return names;
}

static PyObject *get_outputs(PyObject *object, void *closure) {
    return PyLong_FromUnsignedLong(model_output_count(((struct model_object *)object)->model));
}

static PyObject *get_trees(PyObject *object, void *closure) {
    return PyLong_FromUnsignedLong(model_tree_count(((struct model_object *)object)->model));
}

static PyObject *category(PyObject *object, PyObject *args) {
    const struct model *model = ((struct model_object *)object)->model;
    unsigned input;
    PyObject *value;
    if (!PyArg_ParseTuple(args, "IO:category", &input, &value))
        return NULL;
    if (input >= model_input_count(model))
        return PyErr_Format(PyExc_IndexError, "input %u, expected below %u", input, model_input_count(model));
    if (PyUnicode_Check(value)) {
        Py_ssize_t len;
        const char *text = PyUnicode_AsUTF8AndSize(value, &len);
        return text == NULL ? NULL : PyFloat_FromDouble(model_text(model, input, (struct str){text, (size_t)len}));
    }
    double number = PyFloat_AsDouble(value);
    if (number == -1 && PyErr_Occurred())
        return NULL;
    return PyFloat_FromDouble(model_number(model, input, number));
}

typedef void predictor(const struct model *model, const double *row, double *out);

static bool check_rows(const Py_buffer *rows, size_t row_bytes) {
    if (rows->format != NULL && (rows->itemsize != sizeof(double) || strcmp(rows->format, "d") != 0)) {
        PyErr_Format(PyExc_TypeError, "rows of format \"%s\", expected doubles (\"d\")", rows->format);
        return false;
    }
    if ((size_t)rows->len % row_bytes != 0) {
        PyErr_Format(PyExc_ValueError, "%zd bytes, expected whole rows of %zu inputs (%zu bytes)", rows->len,
                     row_bytes / sizeof(double), row_bytes);
        return false;
    }
    return true;
}

/* `predict` takes one row after the other; NULL: all rows by one call. */
static PyObject *predict_rows(PyObject *object, PyObject *argument, predictor *predict, size_t outputs) {
    const struct model *model = ((struct model_object *)object)->model;
    size_t inputs = model_input_count(model);
    Py_buffer rows;
    if (PyObject_GetBuffer(argument, &rows, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0)
        return NULL;
    PyObject *result = NULL;
    if (check_rows(&rows, inputs * sizeof(double))) {
        size_t count = (size_t)rows.len / (inputs * sizeof(double));
        result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * outputs * sizeof(double)));
        if (result != NULL) {
            const double *row = rows.buf;
            double *out = (double *)(void *)PyBytes_AS_STRING(result);
            Py_BEGIN_ALLOW_THREADS if (predict == NULL)
                model_predict_batch(model, row, count, out);
            for (size_t i = 0; predict != NULL && i < count; i++)
                predict(model, row + i * inputs, out + i * outputs);
            Py_END_ALLOW_THREADS
        }
    }
    PyBuffer_Release(&rows);
    return result;
}

static PyObject *model_predict_method(PyObject *object, PyObject *rows) {
    return predict_rows(object, rows, model_predict, model_output_count(((struct model_object *)object)->model));
}
static PyObject *model_predict_raw_method(PyObject *object, PyObject *rows) {
    return predict_rows(object, rows, model_predict_raw, model_raw_count(((struct model_object *)object)->model));
}

static PyObject *model_predict_batch_method(PyObject *object, PyObject *rows) {
    return predict_rows(object, rows, NULL, model_output_count(((struct model_object *)object)->model));
}

static PyObject *model_way_of(PyObject *object, void *closure) {
    return PyUnicode_FromString(model_way(((struct model_object *)object)->model));
}

/* contributions(rows, exact): what each input contributed to each margin, as bytes of doubles. */
static PyObject *contributions(PyObject *object, PyObject *args) {
    const struct model *model = ((struct model_object *)object)->model;
    size_t inputs = model_input_count(model), width = (inputs + 1) * model_raw_count(model);
    Py_buffer rows;
    int exact;
    struct error error = {0};
    if (!PyArg_ParseTuple(args, "y*p:contributions", &rows, &exact))
        return NULL;
    struct contributions *made = contributions_make(model, &error);
    PyObject *result = NULL;
    if (made == NULL) {
        PyErr_SetString(PyExc_ValueError, error.text);
    } else if (check_rows(&rows, inputs * sizeof(double))) {
        size_t count = (size_t)rows.len / (inputs * sizeof(double));
        result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * width * sizeof(double)));
        double *out = result == NULL ? NULL : (double *)(void *)PyBytes_AS_STRING(result);
        for (size_t i = 0; out != NULL && i < count; i++)
            (exact ? contributions_exact : contributions_path)(made, (const double *)rows.buf + i * inputs,
                                                               out + i * width);
    }
    contributions_free(made);
    PyBuffer_Release(&rows);
    return result;
}

static PyMethodDef methods[] = {
    {"contributions", contributions, METH_VARARGS,
     "contributions(rows, exact): what each input contributed to each margin, then the bias, as bytes of doubles."},
    {"predict", model_predict_method, METH_O, "The framework's predict of rows of doubles, as bytes of doubles."},
    {"predict_batch", model_predict_batch_method, METH_O, "As predict, all rows by one call."},
    {"predict_raw", model_predict_raw_method, METH_O, "The raw margins of rows of doubles, as bytes of doubles."},
    {"category", category, METH_VARARGS, "category(input, value): the code of a category that is a text or a number."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"way", model_way_of, NULL, "How its trees are walked: lanes, blocks, symmetric, compact, nodes; none.", NULL},
    {"input_names", get_input_names, NULL, "Names of the inputs, in order.", NULL},
    {"outputs", get_outputs, NULL, "1, or the number of classes.", NULL},
    {"trees", get_trees, NULL, "Number of trees.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Model(part: bytes): a model as its bundle has it (assay._models makes the part)."},
    {Py_tp_new, model_new},
    {Py_tp_dealloc, model_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "assay._engine.Model",
    .basicsize = sizeof(struct model_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

int model_type_add(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL)
        return -1;
    int result = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return result;
}
