/* BlingFire's tokenizers, one string at a time, by the rules of rust/src/main.rs:
 *
 *     blingfire-peer LIBRARY MODEL STRINGS PASSES IDS
 *
 * LIBRARY is the shared library of its Python package, MODEL one of that package's .bin files. It knows no special
 * tokens around a text. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void *load_model(const char *file);
typedef int text_to_ids(void *model, const char *text, int length, int32_t *ids, int ids_max, int unknown);

enum { IDS_MAX = 1 << 17, UNKNOWN = 100 };

static int32_t ids[IDS_MAX];

static double cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static char *read_file(const char *name, size_t *length) {
    FILE *file = fopen(name, "rb");
    char *data = NULL;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (data = malloc((size_t)ftell(file) + 1)) != NULL) {
        *length = (size_t)ftell(file);
        rewind(file);
        *length = fread(data, 1, *length, file);
    }
    if (file != NULL)
        fclose(file);
    return data;
}

/* One pass; writes the ids if `out` is given. Returns the number of strings. */
static size_t pass(text_to_ids *encode, void *model, const char *data, size_t length, FILE *out) {
    size_t strings = 0;
    for (size_t at = 0; at + 4 <= length; strings++) {
        uint32_t size;
        memcpy(&size, data + at, sizeof size);
        int count = encode(model, data + at + 4, (int)size, ids, IDS_MAX, UNKNOWN);
        for (int i = 0; out != NULL && i < count && i < IDS_MAX; i++)
            fprintf(out, "%d ", ids[i]);
        if (out != NULL)
            fputc('\n', out);
        at += 4 + size;
    }
    return strings;
}

int main(int count, char **arguments) {
    if (count != 6) {
        fprintf(stderr, "usage: blingfire-peer LIBRARY MODEL STRINGS PASSES IDS\n");
        return 2;
    }
    void *library = dlopen(arguments[1], RTLD_NOW);
    load_model *load = library != NULL ? (load_model *)(uintptr_t)dlsym(library, "LoadModel") : NULL;
    text_to_ids *encode = library != NULL ? (text_to_ids *)(uintptr_t)dlsym(library, "TextToIds") : NULL;
    void *model = load != NULL && encode != NULL ? load(arguments[2]) : NULL;
    size_t length = 0;
    char *data = read_file(arguments[3], &length);
    FILE *out = fopen(arguments[5], "wb");
    if (model == NULL || data == NULL || out == NULL) {
        fprintf(stderr, "blingfire-peer: cannot load %s\n", library == NULL ? arguments[1] : arguments[2]);
        return 1;
    }
    size_t strings = pass(encode, model, data, length, out);
    fclose(out);
    for (long i = 0; i < strtol(arguments[4], NULL, 10); i++) {
        double start = cpu_ns();
        pass(encode, model, data, length, NULL);
        printf("%s%.1f", i == 0 ? "[" : ", ", (cpu_ns() - start) / (double)strings);
    }
    printf("]\n");
    free(data);
    return 0;
}
