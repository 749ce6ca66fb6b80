/* What the journal costs: an append of 1 KB (reserve, lock, copy, unlock) and the time until a group is durable,
 * beside a bare write and fdatasync of as many bytes into a file prepared in the same way. Usage: journal_bench
 * [FOLDER], /tmp by default; makes and removes a folder there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal.h"

enum { BODY_BYTES = 1024, GROUPS = 1000, APPENDS = 200000 };

static char body[BODY_BYTES];

static uint64_t now_ns(void) { return io_system()->table->monotonic_ns(io_system()); }

static bool see(void *context, const struct record *record, struct error *error) { return true; }

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, uint64_t *ns) {
    qsort(ns, GROUPS, sizeof *ns, compare);
    printf("%-44s p50 %6.0f us  p99 %6.0f us\n", what, (double)ns[GROUPS / 2] / 1e3,
           (double)ns[GROUPS * 99 / 100] / 1e3);
}

static struct journal *open_journal(const char *folder, enum durability durability) {
    struct journal_config config = {
        .io = io_system(), .folder = folder, .durability = durability, .interval_us = 50000};
    struct error error;
    struct journal *journal = journal_open(&config, see, NULL, &error);
    if (journal == NULL) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    return journal;
}

static bool append(struct journal *journal, uint32_t records, uint64_t *end) {
    struct str part = {body, sizeof body};
    if (!journal_reserve(journal, records, (size_t)records * BODY_BYTES))
        return false;
    for (uint32_t i = 0; i < records; i++) {
        journal_lock(journal);
        journal_append(journal, RECORD_OUTPUT, i + 1, 0, &part, 1, end);
        journal_unlock(journal);
    }
    return true;
}

static void time_appends(const char *folder) {
    struct journal *journal = open_journal(folder, DURABILITY_NONE);
    uint64_t end, spent = 0;
    for (int i = 0; i < APPENDS;) {
        uint64_t from = now_ns();
        int k = 0;
        while (k < 100 && append(journal, 1, &end))
            k++;
        spent += now_ns() - from;
        i += k;
        if (k < 100)
            usleep(1000); /* the buffer is full: not counted */
    }
    printf("%-44s %.0f ns\n", "append of 1 KB, one thread", (double)spent / APPENDS);
    journal_close(journal);
}

static void time_groups(const char *folder, uint32_t records, uint64_t *ns) {
    struct journal *journal = open_journal(folder, DURABILITY_COMMIT);
    for (int i = 0; i < GROUPS; i++) {
        uint64_t from = now_ns(), end;
        while (!append(journal, records, &end))
            usleep(1000);
        if (!journal_wait(journal, end))
            exit(1);
        ns[i] = now_ns() - from;
    }
    struct journal_stats stats;
    journal_stats(journal, &stats);
    char what[100];
    snprintf(what, sizeof what, "%u x 1 KB durable (%.2f syncs each)", records, (double)stats.syncs / GROUPS);
    report(what, ns);
    journal_close(journal);
}

static void time_disk(const char *path, size_t bytes, uint64_t *ns) {
    struct io *io = io_system();
    char *block = calloc(1, bytes);
    int file = io->table->open(io, path, IO_READ | IO_WRITE | IO_CREATE, 0600);
    if (block == NULL || file < 0 || io->table->allocate(io, file, bytes * GROUPS) != 0 ||
        io->table->sync(io, file) != 0)
        exit(1);
    for (int i = 0; i < GROUPS; i++) {
        uint64_t from = now_ns();
        if (io->table->write_at(io, file, block, bytes, bytes * (uint64_t)i) < 0 || io->table->sync(io, file) != 0)
            exit(1);
        ns[i] = now_ns() - from;
    }
    io->table->close(io, file);
    free(block);
    char what[100];
    snprintf(what, sizeof what, "bare write and fdatasync of %zu KB", bytes / 1024);
    report(what, ns);
}

int main(int argc, char **argv) {
    static uint64_t ns[GROUPS];
    char root[200], folder[300], path[300];
    snprintf(root, sizeof root, "%s/journal-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (mkdtemp(root) == NULL) {
        perror(root);
        return 1;
    }
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)(i * 31);
    snprintf(path, sizeof path, "%s/bare", root);
    snprintf(folder, sizeof folder, "%s/journal", root);
    time_disk(path, 1024, ns);
    time_groups(folder, 1, ns);
    time_disk(path, 64 * 1024, ns);
    time_groups(folder, 64, ns);
    time_appends(folder);
    char command[300];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command) == 0 ? 0 : 1;
}
