/* Writing and reading doubles, in nanoseconds each: amounts of two decimals, and random bits (mostly 17 digits). */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "number.h"

enum { NUMBERS = 4096, ROUNDS = 50 };

static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void measure(const char *name, const double *values) {
    static char texts[NUMBERS][NUMBER_TEXT_BYTES];
    static size_t lengths[NUMBERS];
    double write_ns = 1e18, read_ns = 1e18;
    int wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < NUMBERS; i++) {
            lengths[i] = number_repr(values[i], texts[i]);
        }
        double middle = now_ns();
        for (int i = 0; i < NUMBERS; i++) {
            double value = 0;
            wrong += !number_parse_double(texts[i], lengths[i], &value) || value != values[i];
        }
        write_ns = fmin(write_ns, (middle - start) / NUMBERS);
        read_ns = fmin(read_ns, (now_ns() - middle) / NUMBERS);
    }
    printf("%-20s write %6.1f ns   read %6.1f ns%s\n", name, write_ns, read_ns, wrong ? "   WRONG" : "");
}

int main(void) {
    static double values[NUMBERS];
    uint64_t state = 88172645463325252u; /* xorshift */
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < NUMBERS; i++) {
            do {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                memcpy(&values[i], &state, 8);
            } while (!isfinite(values[i]));
            if (round == 0) {
                values[i] = (double)(state % 1000000) / 100;
            }
        }
        measure(round == 0 ? "amounts" : "random bits", values);
    }
    return 0;
}
