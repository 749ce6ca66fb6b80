/* A tokenizer on strings, one at a time, another each call, as bench/text.py asks for it:
 *
 *     text_bench PART STRINGS PASSES IDS [each]
 *
 * STRINGS: each as its length (u32, little-endian) and its UTF-8. Writes the ids of each string on a line of IDS, which
 * warms up; then prints, as a JSON list, nanoseconds a string of each pass, in CPU time of this thread. With `each`
 * the least of each string instead. */
#include "tokenizer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct strings {
    char *data;
    size_t bytes, count, longest;
};

struct room {
    struct tokenizer *tokenizer;
    void *scratch;
    uint32_t *ids;
    size_t scratch_bytes, ids_size;
};

static double cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); /* the machine may be shared */
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static char *read_file(const char *name, size_t *bytes) {
    FILE *file = fopen(name, "rb");
    char *data = NULL;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        *bytes = (size_t)ftell(file);
        data = malloc(*bytes + 1);
        rewind(file);
        if (data != NULL && fread(data, 1, *bytes, file) != *bytes) {
            free(data);
            data = NULL;
        }
    }
    if (file != NULL)
        fclose(file);
    if (data == NULL)
        fprintf(stderr, "text_bench: %s cannot be read\n", name);
    return data;
}

/* The string at `at`, and where the next begins. */
static const char *string_at(const struct strings *strings, size_t *at, uint32_t *bytes) {
    memcpy(bytes, strings->data + *at, sizeof *bytes);
    const char *text = strings->data + *at + sizeof *bytes;
    *at += sizeof *bytes + *bytes;
    return text;
}

static bool read_strings(const char *name, struct strings *strings) {
    size_t bytes = 0;
    *strings = (struct strings){.data = read_file(name, &bytes)};
    strings->bytes = bytes;
    for (size_t at = 0; strings->data != NULL && at + 4 <= bytes; strings->count++) {
        uint32_t size;
        string_at(strings, &at, &size);
        strings->longest = size > strings->longest ? size : strings->longest;
    }
    return strings->data != NULL && strings->count > 0;
}

static int64_t encode(struct room *room, const char *text, size_t bytes) {
    return tokenizer_encode(room->tokenizer, text, bytes, true, room->scratch, room->scratch_bytes, room->ids,
                            room->ids_size);
}

static bool write_ids(struct room *room, const struct strings *strings, const char *name) {
    FILE *out = fopen(name, "wb");
    for (size_t at = 0; out != NULL && at < strings->bytes;) {
        uint32_t bytes;
        const char *text = string_at(strings, &at, &bytes);
        int64_t count = encode(room, text, bytes);
        if (count < 0)
            fprintf(stderr, "text_bench: %s\n", tokenizer_failure_text(count));
        for (int64_t i = 0; i < count; i++)
            fprintf(out, "%" PRIu32 " ", room->ids[i]);
        fputc('\n', out);
    }
    return out != NULL && fclose(out) == 0;
}

/* Nanoseconds a string; with `least`, of each string the least so far. */
static double pass(struct room *room, const struct strings *strings, double *least) {
    double start = cpu_ns();
    for (size_t at = 0, i = 0; at < strings->bytes; i++) {
        uint32_t bytes;
        const char *text = string_at(strings, &at, &bytes);
        double began = least != NULL ? cpu_ns() : 0;
        encode(room, text, bytes);
        double taken = least != NULL ? cpu_ns() - began : 0;
        if (least != NULL && (least[i] == 0 || taken < least[i]))
            least[i] = taken;
    }
    return (cpu_ns() - start) / (double)strings->count;
}

static void measure(struct room *room, const struct strings *strings, long passes, bool each) {
    double *least = each ? calloc(strings->count, sizeof *least) : NULL;
    for (long i = 0; i < passes; i++) {
        double ns = pass(room, strings, least);
        if (!each)
            printf("%s%.1f", i == 0 ? "[" : ", ", ns);
    }
    for (size_t i = 0; least != NULL && i < strings->count; i++)
        printf("%s%.1f", i == 0 ? "[" : ", ", least[i]);
    printf("]\n");
    free(least);
}

static bool open_room(struct room *room, const char *name, size_t longest) {
    size_t bytes = 0;
    struct error error = {0};
    char *part = read_file(name, &bytes);
    *room = (struct room){.tokenizer = part != NULL ? tokenizer_open(part, bytes, &error) : NULL};
    free(part);
    if (room->tokenizer == NULL) {
        fprintf(stderr, "text_bench: %s: %s\n", name, error.text);
        return false;
    }
    room->scratch_bytes = (tokenizer_scratch_size(room->tokenizer, longest) + 15) / 16 * 16;
    room->ids_size = tokenizer_ids_size(room->tokenizer, longest);
    room->scratch = aligned_alloc(16, room->scratch_bytes + 16);
    room->ids = malloc((room->ids_size + 1) * sizeof *room->ids);
    return room->scratch != NULL && room->ids != NULL;
}

int main(int count, char **arguments) {
    struct strings strings = {0};
    struct room room = {0};
    if (count < 5 || count > 6) {
        fprintf(stderr, "usage: text_bench PART STRINGS PASSES IDS [each]\n");
        return 2;
    }
    if (!read_strings(arguments[2], &strings) || !open_room(&room, arguments[1], strings.longest))
        return 1;
    bool good = write_ids(&room, &strings, arguments[4]);
    measure(&room, &strings, strtol(arguments[3], NULL, 10), count == 6);
    free(room.scratch);
    free(room.ids);
    free(strings.data);
    tokenizer_close(room.tokenizer);
    return good ? 0 : 1;
}
