/* The Python module assay._engine: the C engine in process, and the tables that the compiler needs (the instructions,
 * built-ins and exceptions of the code room, so that their numbers have one home). */
#include "types.h"

#include "../../../engine/code/builtins.h"
#include "../../../engine/code/exceptions.h"
#include "../../../engine/code/opcodes.h"

static int set_number(PyObject *dict, const char *name, long number) {
    PyObject *value = PyLong_FromLong(number);
    if (value == NULL)
        return -1;
    int result = PyDict_SetItemString(dict, name, value);
    Py_DECREF(value);
    return result;
}

static int set_tuple(PyObject *dict, const char *name, PyObject *tuple) {
    if (tuple == NULL)
        return -1;
    int result = PyDict_SetItemString(dict, name, tuple);
    Py_DECREF(tuple);
    return result;
}

/* OPCODES: name -> (number, operand form). */
static int fill_opcodes(PyObject *dict) {
    static const char *const rows[][2] = {
#define OPCODE(name, form) {#name, #form},
        OPCODES(OPCODE)
#undef OPCODE
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (set_tuple(dict, rows[i][0], Py_BuildValue("(ns)", (Py_ssize_t)i, rows[i][1])) < 0)
            return -1;
    return 0;
}

/* BUILTINS: Python name -> (number, least arguments, most arguments). */
static int fill_builtins(PyObject *dict) {
    static const struct {
        const char *name;
        int min, max;
    } rows[] = {
#define BUILTIN(c_name, name, min, max) {name, min, max},
        BUILTINS(BUILTIN)
#undef BUILTIN
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (set_tuple(dict, rows[i].name, Py_BuildValue("(nii)", (Py_ssize_t)i, rows[i].min, rows[i].max)) < 0)
            return -1;
    return 0;
}

/* EXCEPTIONS: class name -> number. */
static int fill_exceptions(PyObject *dict) {
    static const char *const names[] = {
#define EXCEPTION(name, parent) #name,
        EXCEPTIONS(EXCEPTION)
#undef EXCEPTION
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (set_number(dict, names[i], (long)i) < 0)
            return -1;
    return 0;
}

static int add_table(PyObject *module, const char *name, int (*fill)(PyObject *)) {
    PyObject *dict = PyDict_New();
    if (dict == NULL)
        return -1;
    int result = fill(dict) < 0 ? -1 : PyModule_AddObjectRef(module, name, dict);
    Py_DECREF(dict);
    return result;
}

static int module_exec(PyObject *module) {
    if (add_table(module, "OPCODES", fill_opcodes) < 0 || add_table(module, "BUILTINS", fill_builtins) < 0 ||
        add_table(module, "EXCEPTIONS", fill_exceptions) < 0)
        return -1;
    return engine_type_add(module) < 0 || model_type_add(module) < 0 || tokenizer_type_add(module) < 0 ||
                   backfill_type_add(module) < 0 || export_add(module) < 0
               ? -1
               : 0;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, module_exec}, {0, NULL}};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "assay._engine",
    .m_doc = "The C engine of Assay, in process.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__engine(void);
PyMODINIT_FUNC PyInit__engine(void) { return PyModuleDef_Init(&module_definition); }
