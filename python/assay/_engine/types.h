/* The heap types of the _engine module, one C file each. Every function adds its type to the module: 0, or -1 with an
 * exception set. */
#ifndef ASSAY_PYTHON_TYPES_H
#define ASSAY_PYTHON_TYPES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int engine_type_add(PyObject *module);
int backfill_type_add(PyObject *module);
int export_add(PyObject *module);
/* Capsules of Arrow's protocol for a batch that is given away; owns it in every case. */
struct ArrowSchema;
struct ArrowArray;
PyObject *arrow_capsules(const struct ArrowSchema *schema, const struct ArrowArray *array);
/* The engine of an assay._engine.Engine; NULL with an exception if it is closed or another object. */
struct engine *engine_of(PyObject *object);
int model_type_add(PyObject *module);
int tokenizer_type_add(PyObject *module);

#endif
