/* The type assay._engine.Backfill: the batch driver (engine/backfill.h) over an Engine, with columns passed as the
 * capsules of the Arrow PyCapsule protocol. The GIL is released while events are taken; one call at a time. */
#include "types.h"

#include <stdbool.h>
#include <stdlib.h>

#include "../../../engine/backfill.h"
#include "../../../engine/base/limits.h"

enum { CLASSES_MAX = LIMIT_EVENT_CLASSES };

struct backfill_object {
    PyObject_HEAD PyObject *engine; /* keeps it open */
    PyObject *names;                /* keeps the columns' names */
    struct backfill *backfill;
    bool busy;
};

static PyObject *raise_error(const struct error *error) {
    PyErr_SetString(error->kind == ERROR_SYSTEM ? PyExc_MemoryError : PyExc_ValueError, error->text);
    return NULL;
}

/* --- columns --- */

static bool type_of(const char *name, enum out_type *type) {
    static const char *const names[] = {[OUT_BOOL] = "bool",   [OUT_INT] = "int",           [OUT_FLOAT] = "float",
                                        [OUT_STR] = "str",     [OUT_DATETIME] = "datetime", [OUT_DATE] = "date",
                                        [OUT_JSON] = "json",   [OUT_TIMEDELTA] = "timedelta"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) {
            *type = (enum out_type)i;
            return true;
        }
    PyErr_Format(PyExc_ValueError, "unknown type of a column: %s", name);
    return false;
}

static bool find_slot(const struct engine *engine, const char *name, uint16_t *slot) {
    for (uint32_t i = 0; i < engine_slot_count(engine); i++) {
        struct engine_slot named = engine_slot(engine, i);
        if (str_equal(named.name, str_of(name))) {
            *slot = named.slot;
            return true;
        }
    }
    PyErr_Format(PyExc_ValueError, "the bundle has no value of the name %s", name);
    return false;
}

/* A source "NAME[i]" is an item of the vector NAME. */
static bool find_item(const struct engine *engine, const char *source, struct backfill_column *out) {
    char name[1024];
    const char *bracket = strrchr(source, '[');
    size_t len = bracket == NULL ? 0 : (size_t)(bracket - source);
    long item = bracket == NULL ? -1 : strtol(bracket + 1, NULL, 10);
    if (len == 0 || len >= sizeof name || item < 0 || item >= (long)LIMIT_VECTOR_ITEMS) {
        PyErr_Format(PyExc_ValueError, "unknown source of a column: %s", source);
        return false;
    }
    memcpy(name, source, len);
    name[len] = 0;
    out->item = (int32_t)item;
    return find_slot(engine, name, &out->slot);
}

static bool read_column(const struct engine *engine, PyObject *item, struct backfill_column *out) {
    const char *source, *type;
    int is_list;
    if (!PyArg_ParseTuple(item, "sssp", &out->name, &source, &type, &is_list) || !type_of(type, &out->type))
        return false;
    out->is_list = is_list != 0;
    out->source = strcmp(source, "decision") == 0 ? BACKFILL_DECISION
                  : strcmp(source, "score") == 0  ? BACKFILL_SCORE
                                                  : BACKFILL_CELL;
    out->item = -1;
    if (out->source != BACKFILL_CELL)
        return true;
    return *source != 0 ? find_item(engine, source, out) : find_slot(engine, out->name, &out->slot);
}

static int open_backfill(struct backfill_object *self, struct engine *engine, PyObject *columns,
                         struct backfill_config *config) {
    Py_ssize_t count = PyList_GET_SIZE(columns);
    struct backfill_column *specs = calloc((size_t)count + 1, sizeof *specs);
    bool good = specs != NULL;
    for (Py_ssize_t i = 0; good && i < count; i++)
        good = read_column(engine, PyList_GET_ITEM(columns, i), &specs[i]);
    if (good) {
        struct error error = {0};
        config->columns = specs;
        config->column_count = (uint32_t)count;
        self->backfill = backfill_open(engine, config, &error);
        if (self->backfill == NULL)
            raise_error(&error);
    }
    free(specs);
    return self->backfill != NULL ? 0 : -1;
}

static int backfill_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"engine", "columns", "threads", "repeated", "ids_of", "import_", NULL};
    struct backfill_object *self = (struct backfill_object *)object;
    PyObject *engine_object, *columns, *ids_of = Py_None;
    int import = 0;
    Py_ssize_t threads = 1;
    Py_buffer repeated = {0};
    if (self->backfill != NULL) {
        PyErr_SetString(PyExc_ValueError, "a backfill is opened once");
        return -1;
    }
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!|$ny*Op", names, &engine_object, &PyList_Type, &columns,
                                     &threads, &repeated, &ids_of, &import))
        return -1;
    int result = -1;
    struct engine *engine = engine_of(engine_object);
    if (threads < 1 || threads > 1024) {
        PyErr_Format(PyExc_ValueError, "%zd threads, expected 1 to 1024", threads);
    } else if (engine != NULL) {
        self->engine = Py_NewRef(engine_object);
        self->names = Py_NewRef(columns);
        struct backfill_config config = {
            .threads = (uint32_t)threads,
            .repeated = repeated.buf,
            .repeated_count = (size_t)repeated.len / sizeof(uint64_t),
            .import = import != 0,
            .ids_of = Py_TYPE(ids_of) == Py_TYPE(object) ? ((struct backfill_object *)ids_of)->backfill : NULL};
        result = open_backfill(self, engine, columns, &config);
    }
    if (repeated.obj != NULL)
        PyBuffer_Release(&repeated);
    return result;
}

static bool is_open(struct backfill_object *self) {
    if (self->backfill == NULL || engine_of(self->engine) == NULL) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the backfill is closed");
        return false;
    }
    if (self->busy)
        PyErr_SetString(PyExc_RuntimeError, "the backfill is taking events in another thread");
    return !self->busy;
}

/* --- batches --- */

static bool read_batch(PyObject *item, struct backfill_batch *out) {
    PyObject *schema, *array;
    int form;
    if (!PyArg_ParseTuple(item, "OOi", &schema, &array, &form))
        return false;
    out->schema = PyCapsule_GetPointer(schema, "arrow_schema");
    out->array = PyCapsule_GetPointer(array, "arrow_array");
    out->form = (enum backfill_form)form;
    if (out->schema == NULL || out->array == NULL)
        return false;
    if (form < BACKFILL_COLUMNS || form > BACKFILL_SERVED || out->schema->release == NULL || out->array->release == NULL) {
        PyErr_SetString(PyExc_ValueError, "a batch that was given away, or of an unknown form");
        return false;
    }
    return true;
}

static PyObject *backfill_keys_method(PyObject *object, PyObject *args) {
    struct backfill_object *self = (struct backfill_object *)object;
    PyObject *item, *times = NULL, *ids = NULL, *result = NULL;
    unsigned event;
    struct backfill_batch batch;
    struct error error = {0};
    if (!PyArg_ParseTuple(args, "IO!", &event, &PyTuple_Type, &item) || !is_open(self) || !read_batch(item, &batch))
        return NULL;
    Py_ssize_t bytes = (Py_ssize_t)batch.array->length * 8;
    times = PyBytes_FromStringAndSize(NULL, bytes);
    ids = PyBytes_FromStringAndSize(NULL, bytes);
    if (times != NULL && ids != NULL) {
        int64_t *at_us = (int64_t *)(void *)PyBytes_AS_STRING(times);
        uint64_t *hashes = (uint64_t *)(void *)PyBytes_AS_STRING(ids);
        bool good;
        self->busy = true;
        Py_BEGIN_ALLOW_THREADS good = backfill_keys(self->backfill, event, &batch, at_us, hashes, &error);
        Py_END_ALLOW_THREADS self->busy = false;
        result = good ? PyTuple_Pack(2, times, ids) : raise_error(&error);
    }
    Py_XDECREF(times);
    Py_XDECREF(ids);
    return result;
}

static PyObject *backfill_cover_method(PyObject *object, PyObject *args) {
    struct backfill_object *self = (struct backfill_object *)object;
    unsigned event;
    long long since_us;
    if (!PyArg_ParseTuple(args, "IL", &event, &since_us) || !is_open(self))
        return NULL;
    backfill_cover(self->backfill, event, since_us);
    Py_RETURN_NONE;
}

static PyObject *repeats_list(const struct backfill_result *result) {
    PyObject *list = PyList_New((Py_ssize_t)result->repeat_count);
    for (size_t i = 0; list != NULL && i < result->repeat_count; i++) {
        const struct backfill_repeat *repeat = &result->repeats[i];
        PyObject *item = Py_BuildValue("(LnO)", (long long)repeat->row, (Py_ssize_t)repeat->id,
                                       repeat->first ? Py_True : Py_False);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

static PyObject *result_tuple(const struct backfill_result *result) {
    PyObject *values = arrow_capsules(&result->schema, &result->array);
    PyObject *errors = arrow_capsules(&result->error_schema, &result->error_array);
    PyObject *repeats = repeats_list(result);
    PyObject *tuple = values != NULL && errors != NULL && repeats != NULL
                          ? Py_BuildValue("(OOOL)", values, errors, repeats, (long long)result->refused)
                          : NULL;
    Py_XDECREF(values);
    Py_XDECREF(errors);
    Py_XDECREF(repeats);
    return tuple;
}

/* Per event a 64-bit number, or no buffer. */
static bool check_numbers(const Py_buffer *numbers, const Py_buffer *order, const char *what) {
    if (numbers->obj == NULL || numbers->len == order->len * 8)
        return true;
    PyErr_Format(PyExc_ValueError, "%zd bytes of %s for %zd events", numbers->len, what, order->len);
    return false;
}

/* Seqs, arrivals, decided_seqs: all or none, a number per event each. */
static bool check_served(const Py_buffer served[3], const Py_buffer *order) {
    static const char *const names[] = {"numbers", "arrivals", "numbers of decisions"};
    for (size_t i = 0; i < 3; i++) {
        if (!check_numbers(&served[i], order, names[i]))
            return false;
        if ((served[i].obj == NULL) != (served[0].obj == NULL)) {
            PyErr_SetString(PyExc_ValueError, "numbers, arrivals and numbers of decisions: all or none");
            return false;
        }
    }
    return true;
}

static PyObject *take(struct backfill_object *self, PyObject *items, const Py_buffer *order, const Py_buffer served[3],
                      const Py_buffer *outcomes) {
    struct backfill_batch batches[CLASSES_MAX] = {0};
    struct backfill_result result;
    struct error error = {0};
    if (!is_open(self) || !check_served(served, order))
        return NULL;
    if (PyList_GET_SIZE(items) > CLASSES_MAX) {
        PyErr_SetString(PyExc_ValueError, "too many batches");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items); i++)
        if (PyList_GET_ITEM(items, i) != Py_None && !read_batch(PyList_GET_ITEM(items, i), &batches[i]))
            return NULL;
    if (outcomes->obj != NULL && outcomes->len != order->len) {
        PyErr_SetString(PyExc_ValueError, "not one outcome per event");
        return NULL;
    }
    const struct backfill_known known = {served[0].buf, served[1].buf, served[2].buf, outcomes->buf};
    bool good;
    self->busy = true;
    Py_BEGIN_ALLOW_THREADS good =
        backfill_take(self->backfill, batches, order->buf, (size_t)order->len, &known, &result, &error);
    Py_END_ALLOW_THREADS self->busy = false;
    return good ? result_tuple(&result) : raise_error(&error);
}

static PyObject *backfill_take_method(PyObject *object, PyObject *args) {
    PyObject *items;
    Py_buffer order, served[3] = {0}, outcomes = {0};
    if (!PyArg_ParseTuple(args, "O!y*|z*z*z*z*", &PyList_Type, &items, &order, &served[0], &served[1], &served[2],
                          &outcomes))
        return NULL;
    PyObject *result = take((struct backfill_object *)object, items, &order, served, &outcomes);
    PyBuffer_Release(&order);
    for (size_t i = 0; i < 3; i++)
        if (served[i].obj != NULL)
            PyBuffer_Release(&served[i]);
    if (outcomes.obj != NULL)
        PyBuffer_Release(&outcomes);
    return result;
}

static void close_backfill(struct backfill_object *self) {
    backfill_close(self->backfill);
    self->backfill = NULL;
    Py_CLEAR(self->engine);
    Py_CLEAR(self->names);
}

static PyObject *backfill_close_method(PyObject *object, PyObject *unused) {
    struct backfill_object *self = (struct backfill_object *)object;
    if (self->busy) {
        PyErr_SetString(PyExc_RuntimeError, "the backfill is taking events in another thread");
        return NULL;
    }
    close_backfill(self);
    Py_RETURN_NONE;
}

static void backfill_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    close_backfill((struct backfill_object *)object);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef backfill_methods[] = {
    {"keys", backfill_keys_method, METH_VARARGS, "Times and hashed ids of a batch."},
    {"cover", backfill_cover_method, METH_VARARGS, "Since when a class's windows have seen every event."},
    {"take", backfill_take_method, METH_VARARGS, "Takes events in an order: (results, errors, repeats, refused)."},
    {"close", backfill_close_method, METH_NOARGS, "Closes it; closing twice is fine."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot backfill_slots[] = {
    {Py_tp_init, backfill_init},
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_dealloc, backfill_dealloc},
    {Py_tp_methods, backfill_methods},
    {Py_tp_doc, "Many events at once, from Arrow columns to Arrow columns."},
    {0, NULL},
};

static PyType_Spec backfill_spec = {
    .name = "assay._engine.Backfill",
    .basicsize = sizeof(struct backfill_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = backfill_slots,
};

int backfill_type_add(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &backfill_spec, NULL);
    if (type == NULL)
        return -1;
    int result = PyModule_AddObjectRef(module, "Backfill", type);
    Py_DECREF(type);
    return result;
}
