/* The type assay._engine.Tokenizer: a tokenizer's part and its encodings (engine/text/tokenizer.h), so that the build can
 * check one, the twin can use it and the tests can compare it with the `tokenizers` package; and build_trie, which makes
 * the double arrays of a part. Immutable; encoding has the scratch of the call. */
#include "types.h"

#include "../../../engine/text/tokenizer.h"
#include "../../../engine/text/trie.h"

#include <stdlib.h>

struct tokenizer_object {
    PyObject_HEAD struct tokenizer *tokenizer;
};

static PyObject *tokenizer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"part", NULL};
    Py_buffer part;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*:Tokenizer", names, &part))
        return NULL;
    struct error error = {0};
    struct tokenizer_object *self = (struct tokenizer_object *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->tokenizer = tokenizer_open(part.buf, (size_t)part.len, &error);
        if (self->tokenizer == NULL) {
            PyErr_SetString(PyExc_ValueError, error.text);
            Py_CLEAR(self);
        }
    }
    PyBuffer_Release(&part);
    return (PyObject *)self;
}

static void tokenizer_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    tokenizer_close(((struct tokenizer_object *)object)->tokenizer);
    type->tp_free(object);
    Py_DECREF(type);
}

/* Scratch and ids in one block, kept over a batch. */
struct room {
    void *scratch;
    size_t scratch_bytes;
    uint32_t *ids;
    size_t ids_size;
};

static bool make_room(struct room *room, const struct tokenizer *tokenizer, size_t text_bytes) {
    size_t scratch_bytes = tokenizer_scratch_size(tokenizer, text_bytes), ids = tokenizer_ids_size(tokenizer, text_bytes);
    if (scratch_bytes > room->scratch_bytes) {
        free(room->scratch);
        room->scratch = aligned_alloc(16, (scratch_bytes + 15) / 16 * 16);
        room->scratch_bytes = room->scratch == NULL ? 0 : scratch_bytes;
    }
    if (ids > room->ids_size) {
        free(room->ids);
        room->ids = malloc(ids * sizeof *room->ids);
        room->ids_size = room->ids == NULL ? 0 : ids;
    }
    if (room->scratch != NULL && room->ids != NULL)
        return true;
    PyErr_NoMemory();
    return false;
}

static void free_room(struct room *room) {
    free(room->scratch);
    free(room->ids);
}

static PyObject *encode_one(const struct tokenizer *tokenizer, PyObject *text, bool special, struct room *room) {
    Py_ssize_t len;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &len);
    if (bytes == NULL || !make_room(room, tokenizer, (size_t)len))
        return NULL;
    int64_t count = tokenizer_encode(tokenizer, bytes, (size_t)len, special, room->scratch, room->scratch_bytes, room->ids,
                                     room->ids_size);
    if (count < 0) {
        PyErr_SetString(PyExc_ValueError, tokenizer_failure_text(count));
        return NULL;
    }
    PyObject *ids = PyList_New((Py_ssize_t)count);
    for (int64_t i = 0; ids != NULL && i < count; i++) {
        PyObject *id = PyLong_FromUnsignedLong(room->ids[i]);
        if (id == NULL)
            Py_CLEAR(ids);
        else
            PyList_SET_ITEM(ids, (Py_ssize_t)i, id);
    }
    return ids;
}

static PyObject *encode(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"text", "special", NULL};
    PyObject *text;
    int special = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|p:encode", names, &text, &special))
        return NULL;
    struct room room = {0};
    PyObject *ids = encode_one(((struct tokenizer_object *)object)->tokenizer, text, special, &room);
    free_room(&room);
    return ids;
}

static PyObject *encode_batch(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"texts", "special", NULL};
    PyObject *texts;
    int special = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|p:encode_batch", names, &PyList_Type, &texts, &special))
        return NULL;
    struct room room = {0};
    PyObject *batch = PyList_New(PyList_GET_SIZE(texts));
    for (Py_ssize_t i = 0; batch != NULL && i < PyList_GET_SIZE(texts); i++) {
        PyObject *ids = encode_one(((struct tokenizer_object *)object)->tokenizer, PyList_GET_ITEM(texts, i), special, &room);
        if (ids == NULL)
            Py_CLEAR(batch);
        else
            PyList_SET_ITEM(batch, i, ids);
    }
    free_room(&room);
    return batch;
}

static PyObject *normalize(PyObject *object, PyObject *text) {
    const struct tokenizer *tokenizer = ((struct tokenizer_object *)object)->tokenizer;
    Py_ssize_t len;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &len);
    struct room room = {0};
    if (bytes == NULL || !make_room(&room, tokenizer, (size_t)len))
        return NULL;
    char *out = (char *)room.ids;
    int64_t written = tokenizer_normalize(tokenizer, bytes, (size_t)len, room.scratch, room.scratch_bytes, out,
                                          room.ids_size * sizeof *room.ids);
    PyObject *result = NULL;
    if (written < 0)
        PyErr_SetString(PyExc_ValueError, tokenizer_failure_text(written));
    else
        result = PyUnicode_DecodeUTF8(out, (Py_ssize_t)written, NULL);
    free_room(&room);
    return result;
}

/* time(texts, rounds): seconds that encoding all texts takes once, the best of `rounds`. */
static PyObject *time_texts(PyObject *object, PyObject *args) {
    const struct tokenizer *tokenizer = ((struct tokenizer_object *)object)->tokenizer;
    PyObject *texts;
    int rounds;
    struct room room = {0};
    size_t longest = 0;
    if (!PyArg_ParseTuple(args, "O!i:time", &PyList_Type, &texts, &rounds))
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(texts); i++) {
        Py_ssize_t len;
        if (PyUnicode_AsUTF8AndSize(PyList_GET_ITEM(texts, i), &len) == NULL)
            return NULL;
        longest = (size_t)len > longest ? (size_t)len : longest;
    }
    if (!make_room(&room, tokenizer, longest))
        return NULL;
    double best = 1e300;
    for (int round = 0; round < rounds; round++) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(texts); i++) {
            Py_ssize_t len;
            const char *bytes = PyUnicode_AsUTF8AndSize(PyList_GET_ITEM(texts, i), &len);
            tokenizer_encode(tokenizer, bytes, (size_t)len, true, room.scratch, room.scratch_bytes, room.ids, room.ids_size);
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        double seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
        best = seconds < best ? seconds : best;
    }
    free_room(&room);
    return PyFloat_FromDouble(best);
}

static PyObject *get_id_bound(PyObject *object, void *closure) {
    return PyLong_FromUnsignedLong(tokenizer_id_bound(((struct tokenizer_object *)object)->tokenizer));
}

/* build_trie(keys, ends, values): ends and values are little-endian u32, one a key; the units of the double array. */
static PyObject *build_trie(PyObject *module, PyObject *args) {
    Py_buffer keys, ends, values;
    if (!PyArg_ParseTuple(args, "y*y*y*:build_trie", &keys, &ends, &values))
        return NULL;
    PyObject *result = NULL;
    struct error error = {0};
    struct trie_unit *units = NULL;
    uint32_t unit_count = 0, count = (uint32_t)(ends.len / 4);
    const uint32_t *places = ends.buf;
    if (ends.len != values.len || (count > 0 && places[count - 1] != keys.len))
        PyErr_SetString(PyExc_ValueError, "as many ends as values, and keys up to the last end, were expected");
    else if (!trie_build(keys.buf, places, values.buf, count, &units, &unit_count, &error))
        PyErr_SetString(PyExc_ValueError, error.text);
    else
        result = PyBytes_FromStringAndSize((const char *)units, (Py_ssize_t)(unit_count * sizeof *units));
    free(units);
    PyBuffer_Release(&keys);
    PyBuffer_Release(&ends);
    PyBuffer_Release(&values);
    return result;
}

static PyMethodDef methods[] = {
    {"encode", (PyCFunction)(void (*)(void))encode, METH_VARARGS | METH_KEYWORDS,
     "encode(text, special=True): the ids of Tokenizer.encode(text, add_special_tokens=special).ids."},
    {"encode_batch", (PyCFunction)(void (*)(void))encode_batch, METH_VARARGS | METH_KEYWORDS,
     "encode_batch(texts, special=True): encode of each text (padding to a batch's longest is for whole batches only)."},
    {"normalize", normalize, METH_O, "normalize(text): what the normalizer makes of a text."},
    {"time", time_texts, METH_VARARGS, "time(texts, rounds): seconds to encode all texts, the best of the rounds."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"id_bound", get_id_bound, NULL, "One more than the largest id that can come out.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Tokenizer(part: bytes): a tokenizer as its bundle has it (assay._tokenizers makes the part)."},
    {Py_tp_new, tokenizer_new},
    {Py_tp_dealloc, tokenizer_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "assay._engine.Tokenizer",
    .basicsize = sizeof(struct tokenizer_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

static PyMethodDef functions[] = {
    {"build_trie", build_trie, METH_VARARGS, "build_trie(keys, ends, values): a double array over sorted keys."},
    {NULL, NULL, 0, NULL},
};

int tokenizer_type_add(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL)
        return -1;
    int result = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return result < 0 ? result : PyModule_AddFunctions(module, functions);
}
