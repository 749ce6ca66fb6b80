/* The function assay._engine.export: the journal of a data folder as batches of columns (engine/served.h), given to a
 * Python callable one by one. */
#include "types.h"

#include <stdlib.h>

#include "../../../engine/served.h"

static void free_schema(PyObject *capsule) {
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema != NULL && schema->release != NULL)
        schema->release(schema);
    free(schema);
}

static void free_array(PyObject *capsule) {
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (array != NULL && array->release != NULL)
        array->release(array);
    free(array);
}

PyObject *arrow_capsules(const struct ArrowSchema *schema, const struct ArrowArray *array) {
    struct ArrowSchema *kept_schema = malloc(sizeof *kept_schema);
    struct ArrowArray *kept_array = malloc(sizeof *kept_array);
    if (kept_schema == NULL || kept_array == NULL) {
        struct ArrowSchema lost_schema = *schema;
        struct ArrowArray lost_array = *array;
        lost_schema.release(&lost_schema);
        lost_array.release(&lost_array);
        free(kept_schema);
        free(kept_array);
        return PyErr_NoMemory();
    }
    *kept_schema = *schema;
    *kept_array = *array;
    PyObject *first = PyCapsule_New(kept_schema, "arrow_schema", free_schema);
    PyObject *second = PyCapsule_New(kept_array, "arrow_array", free_array);
    PyObject *pair = first != NULL && second != NULL ? PyTuple_Pack(2, first, second) : NULL;
    Py_XDECREF(first);
    Py_XDECREF(second);
    return pair;
}

static bool receive(void *context, struct str name, struct ArrowSchema *schema, struct ArrowArray *array,
                    struct error *error) {
    PyObject *pair = arrow_capsules(schema, array);
    PyObject *result = pair == NULL ? NULL
                                    : PyObject_CallFunction(context, "s#O", name.p, (Py_ssize_t)name.len, pair);
    Py_XDECREF(pair);
    Py_XDECREF(result);
    return result != NULL || error_set(error, ERROR_SYSTEM, "the receiver failed");
}

static PyObject *since_dict(const struct engine_export *export, PyObject *names) {
    PyObject *since = PyDict_New();
    for (Py_ssize_t i = 0; since != NULL && i < PyList_GET_SIZE(names); i++) {
        PyObject *us = PyLong_FromLongLong(export->since_us[i]);
        if (us == NULL || PyDict_SetItem(since, PyList_GET_ITEM(names, i), us) < 0)
            Py_CLEAR(since);
        Py_XDECREF(us);
    }
    return since;
}

static PyObject *export_function(PyObject *module, PyObject *args) {
    const char *bundle, *data;
    unsigned rows;
    PyObject *receiver, *names;
    if (!PyArg_ParseTuple(args, "ssIO!O", &bundle, &data, &rows, &PyList_Type, &names, &receiver))
        return NULL;
    if (PyList_GET_SIZE(names) > LIMIT_EVENT_CLASSES)
        return PyErr_Format(PyExc_ValueError, "too many event classes");
    struct engine_config config = {.bundle_path = bundle, .data_folder = data};
    struct engine_export export = {.rows = rows, .receive = receive, .context = receiver};
    struct error error = {0};
    if (!engine_export(&config, &export, &error)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, error.text);
        return NULL;
    }
    PyObject *since = since_dict(&export, names);
    return since == NULL ? NULL
                         : Py_BuildValue("(KKN)", (unsigned long long)export.events,
                                         (unsigned long long)export.unknown, since);
}

static PyMethodDef functions[] = {
    {"export", export_function, METH_VARARGS,
     "export(bundle, data, rows, classes, receive): calls receive(class, capsules) for each batch."},
    {NULL, NULL, 0, NULL},
};

int export_add(PyObject *module) { return PyModule_AddFunctions(module, functions); }
