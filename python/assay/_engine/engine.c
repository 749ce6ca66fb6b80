/* The type assay._engine.Engine: one engine and one engine_thread behind the GIL, for notebooks, `assay check` and
 * tests. Not thread-safe beyond the GIL; answers are copied into bytes objects before the next call. */
#include "types.h"

#include <stddef.h>

#include "../../../engine/base/calendar.h"
#include "../../../engine/engine.h"

struct engine_object {
    PyObject_HEAD struct engine *engine;
    struct engine_thread *thread;
};

struct choice {
    const char *name;
    int value;
};

static int choose(const struct choice *choices, const char *what, const char *name, int *value) {
    for (; choices->name != NULL; choices++) {
        if (strcmp(choices->name, name) == 0) {
            *value = choices->value;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "unknown %s: %s", what, name);
    return -1;
}

static PyObject *engine_error(PyObject *self) {
    PyObject *module = PyType_GetModule(Py_TYPE(self));
    return module != NULL ? PyObject_GetAttrString(module, "EngineError") : NULL;
}

static void raise_engine_error(PyObject *self, const struct error *error) {
    PyObject *type = engine_error(self);
    if (type != NULL)
        PyErr_SetString(type, error->text);
    Py_XDECREF(type);
}

static void close_engine(struct engine_object *self) {
    engine_thread_close(self->thread);
    engine_close(self->engine);
    self->thread = NULL;
    self->engine = NULL;
}

static int engine_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static const struct choice histories[] = {
        {"definition", HISTORY_DEFINITION}, {"empty", HISTORY_EMPTY}, {"unknown", HISTORY_UNKNOWN}, {NULL, 0}};
    static const struct choice durabilities[] = {
        {"commit", DURABILITY_COMMIT}, {"interval", DURABILITY_INTERVAL}, {"none", DURABILITY_NONE}, {NULL, 0}};
    static char *names[] = {"bundle", "data", "history", "durability", "deployed_at", NULL};
    struct engine_object *self = (struct engine_object *)object;
    const char *bundle, *data = NULL, *history = "definition", *durability = "commit";
    int history_value, durability_value;
    PyObject *deployed_at = Py_None;
    int64_t deployed_at_us = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|z$ssO", names, &bundle, &data, &history, &durability,
                                     &deployed_at) ||
        choose(histories, "history", history, &history_value) < 0 ||
        choose(durabilities, "durability", durability, &durability_value) < 0)
        return -1;
    if (deployed_at != Py_None) {
        deployed_at_us = PyLong_AsLongLong(deployed_at);
        if (PyErr_Occurred())
            return -1;
    }
    struct engine_config config = {.bundle_path = bundle,
                                   .data_folder = data,
                                   .history = (enum engine_history)history_value,
                                   .durability = (enum durability)durability_value,
                                   .interval_us = 50000,
                                   .deployed_at_us = deployed_at != Py_None ? &deployed_at_us : NULL};
    struct error error = {0};
    close_engine(self);
    Py_BEGIN_ALLOW_THREADS self->engine = engine_open(&config, &error);
    if (self->engine != NULL)
        self->thread = engine_thread_open(self->engine, &error);
    Py_END_ALLOW_THREADS if (self->thread != NULL) return 0;
    close_engine(self);
    raise_engine_error(object, &error);
    return -1;
}

static int is_open(struct engine_object *self) {
    if (self->thread != NULL)
        return 1;
    PyErr_SetString(PyExc_ValueError, "the engine is closed");
    return 0;
}

static void engine_dealloc(PyObject *object);

struct engine *engine_of(PyObject *object) {
    if (Py_TYPE(object)->tp_dealloc != engine_dealloc) {
        PyErr_SetString(PyExc_TypeError, "not an assay._engine.Engine");
        return NULL;
    }
    return is_open((struct engine_object *)object) ? ((struct engine_object *)object)->engine : NULL;
}

static PyObject *answer_tuple(const struct engine_answer *answer) {
    return Py_BuildValue("(iy#)", answer->http_status, answer->body.p, (Py_ssize_t)answer->body.len);
}

static PyObject *engine_event_method(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"class_name", "json", "features", NULL};
    struct engine_object *self = (struct engine_object *)object;
    const char *name;
    Py_ssize_t name_len;
    Py_buffer json;
    int features = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s#y*|$p", names, &name, &name_len, &json, &features))
        return NULL;
    PyObject *result = NULL;
    if (is_open(self)) {
        struct engine_options options = {.features = features != 0};
        struct engine_answer answer;
        engine_reset(self->thread);
        /* Strings of the frame point into the JSON: a copy in the arena lives as long as values() may be asked for. */
        const char *copy = arena_copy(engine_arena(self->thread), json.buf, (size_t)json.len);
        if (copy == NULL) {
            PyBuffer_Release(&json);
            return PyErr_NoMemory();
        }
        engine_event(self->thread, (struct str){name, (size_t)name_len}, (struct str){copy, (size_t)json.len}, &options,
                     &answer);
        while (engine_is_durable(self->engine, answer.wait) == ENGINE_PENDING && PyErr_CheckSignals() == 0) {
            Py_BEGIN_ALLOW_THREADS struct timespec pause = {.tv_nsec = 50000};
            nanosleep(&pause, NULL);
            Py_END_ALLOW_THREADS
        }
        result = PyErr_Occurred() ? NULL : answer_tuple(&answer);
    }
    PyBuffer_Release(&json);
    return result;
}

static PyObject *engine_decision_method(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"id", "explain", NULL};
    struct engine_object *self = (struct engine_object *)object;
    const char *id;
    Py_ssize_t id_len;
    int explain = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s#|$p", names, &id, &id_len, &explain) || !is_open(self))
        return NULL;
    struct engine_answer answer;
    engine_reset(self->thread);
    engine_decision(self->thread, (struct str){id, (size_t)id_len}, explain != 0, &answer);
    return answer_tuple(&answer);
}

/* datetime.datetime.fromtimestamp is inexact: built from its parts. */
static PyObject *datetime_object(int64_t us) {
    struct civil c;
    calendar_civil(us, &c);
    PyObject *module = PyImport_ImportModule("datetime"), *result = NULL;
    if (module == NULL)
        return NULL;
    PyObject *zone = PyObject_GetAttrString(module, "timezone"),
             *utc = zone != NULL ? PyObject_GetAttrString(zone, "utc") : NULL;
    if (utc != NULL)
        result = PyObject_CallMethod(module, "datetime", "iiiiiiiO", c.year, c.month, c.day, c.hour, c.minute, c.second,
                                     c.microsecond, utc);
    Py_XDECREF(utc);
    Py_XDECREF(zone);
    Py_DECREF(module);
    return result;
}

static PyObject *date_object(int64_t days) {
    struct civil c;
    calendar_civil(days * 86400000000ll, &c);
    PyObject *module = PyImport_ImportModule("datetime");
    PyObject *result = module != NULL ? PyObject_CallMethod(module, "date", "iii", c.year, c.month, c.day) : NULL;
    Py_XDECREF(module);
    return result;
}

static PyObject *timedelta_object(int64_t us) {
    PyObject *module = PyImport_ImportModule("datetime");
    PyObject *result = module != NULL ? PyObject_CallMethod(module, "timedelta", "iiL", 0, 0, (long long)us) : NULL;
    Py_XDECREF(module);
    return result;
}

static PyObject *python_value(const struct value *v);

static PyObject *sequence_object(const struct value *v) {
    PyObject *result = v->tag == V_LIST ? PyList_New(v->len) : PyTuple_New(v->len);
    for (uint32_t i = 0; result != NULL && i < v->len; i++) {
        PyObject *item = python_value(&value_items(v)[i]);
        if (item == NULL)
            Py_CLEAR(result);
        else if (v->tag == V_LIST)
            PyList_SET_ITEM(result, i, item);
        else
            PyTuple_SET_ITEM(result, i, item);
    }
    return result;
}

/* The cell as the Python object that it stands for; a Secret and what has no such object as text. */
static PyObject *python_value(const struct value *v) {
    switch ((enum value_tag)v->tag) {
    case V_NONE: Py_RETURN_NONE;
    case V_BOOL: return PyBool_FromLong(v->i != 0);
    case V_INT: return PyLong_FromLongLong(v->i);
    case V_FLOAT: return PyFloat_FromDouble(v->f);
    case V_STR: return PyUnicode_DecodeUTF8(v->p, v->len, "strict");
    case V_DATETIME: return datetime_object(v->i);
    case V_DATE: return date_object(v->i);
    case V_TIMEDELTA: return timedelta_object(v->i);
    case V_LIST:
    case V_TUPLE: return sequence_object(v);
    case V_SECRET: return PyUnicode_FromString("<secret>");
    default: return PyUnicode_FromString("<not shown>");
    }
}

static PyObject *engine_values_method(PyObject *object, PyObject *unused) {
    struct engine_object *self = (struct engine_object *)object;
    if (!is_open(self))
        return NULL;
    PyObject *dict = PyDict_New();
    for (uint32_t i = 0; dict != NULL && i < engine_slot_count(self->engine); i++) {
        struct engine_slot slot = engine_slot(self->engine, i);
        PyObject *name = PyUnicode_DecodeUTF8(slot.name.p, (Py_ssize_t)slot.name.len, "strict");
        PyObject *value = name != NULL ? python_value(engine_value(self->thread, slot.slot)) : NULL;
        if (value == NULL || PyDict_SetItem(dict, name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
        Py_XDECREF(name);
    }
    return dict;
}

/* time(function, rounds): nanoseconds a call, over the cells of the last event. */
static PyObject *engine_time_method(PyObject *object, PyObject *args) {
    struct engine_object *self = (struct engine_object *)object;
    unsigned int function, rounds;
    uint64_t total_ns;
    if (!PyArg_ParseTuple(args, "II", &function, &rounds) || !is_open(self))
        return NULL;
    if (rounds == 0 || !engine_time(self->thread, function, rounds, &total_ns)) {
        PyErr_Format(PyExc_ValueError, "function %u, %u rounds: there is no such function, or nothing to do", function,
                     rounds);
        return NULL;
    }
    return PyFloat_FromDouble((double)total_ns / rounds);
}

static PyObject *engine_digest_method(PyObject *object, PyObject *unused) {
    struct engine_object *self = (struct engine_object *)object;
    if (!is_open(self))
        return NULL;
    struct hash128 digest = engine_digest(self->engine);
    char text[40];
    snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)digest.high, (unsigned long long)digest.low);
    return PyUnicode_FromString(text);
}

static PyObject *engine_close_method(PyObject *object, PyObject *unused) {
    close_engine((struct engine_object *)object);
    Py_RETURN_NONE;
}

static PyObject *engine_enter(PyObject *object, PyObject *unused) { return Py_NewRef(object); }

static PyObject *engine_exit(PyObject *object, PyObject *args) {
    close_engine((struct engine_object *)object);
    Py_RETURN_NONE;
}

static void engine_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    close_engine((struct engine_object *)object);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef engine_methods[] = {
    {"event", (PyCFunction)(void (*)(void))engine_event_method, METH_VARARGS | METH_KEYWORDS,
     "One event: (HTTP status, JSON body)."},
    {"decision", (PyCFunction)(void (*)(void))engine_decision_method, METH_VARARGS | METH_KEYWORDS,
     "The decision on an id: (HTTP status, JSON body)."},
    {"values", engine_values_method, METH_NOARGS, "Every named value of the last event that was decided."},
    {"time", engine_time_method, METH_VARARGS,
     "Calls a function, by its number in the plan, so many times with the last event's inputs: nanoseconds a call."},
    {"digest", engine_digest_method, METH_NOARGS, "A hash over what all windows hold."},
    {"close", engine_close_method, METH_NOARGS, "Closes the engine; closing twice is fine."},
    {"__enter__", engine_enter, METH_NOARGS, NULL},
    {"__exit__", engine_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot engine_slots[] = {
    {Py_tp_init, engine_init},
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_dealloc, engine_dealloc},
    {Py_tp_methods, engine_methods},
    {Py_tp_doc, "The C engine over one bundle, in process."},
    {0, NULL},
};

static PyType_Spec engine_spec = {
    .name = "assay._engine.Engine",
    .basicsize = sizeof(struct engine_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = engine_slots,
};

int engine_type_add(PyObject *module) {
    PyObject *error = PyErr_NewExceptionWithDoc(
        "assay._engine.EngineError",
        "The engine refused to open: the bundle, the journal or the system is not as it should be.", NULL, NULL);
    if (error == NULL || PyModule_AddObjectRef(module, "EngineError", error) < 0) {
        Py_XDECREF(error);
        return -1;
    }
    Py_DECREF(error);
    PyObject *type = PyType_FromModuleAndSpec(module, &engine_spec, NULL);
    if (type == NULL)
        return -1;
    int result = PyModule_AddObjectRef(module, "Engine", type);
    Py_DECREF(type);
    return result;
}
