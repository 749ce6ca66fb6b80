/* The heap types of the _engine module, one C file each. Every function adds its type to the module: 0, or -1 with an
 * exception set. */
#ifndef ASSAY_PYTHON_TYPES_H
#define ASSAY_PYTHON_TYPES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int engine_type_add(PyObject *module);
int model_type_add(PyObject *module);

#endif
