/* Latencies in HdrHistogram's layout: three significant decimal digits from 1 ns to 600 s in 250 KiB, and its text
 * form, which every HdrHistogram library reads. (Debian 12 has no package of the C library, and the part that is needed
 * here is small; tests/test_load.py compares it with the Python package.) */
#ifndef ASSAY_BENCH_HISTOGRAM_H
#define ASSAY_BENCH_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum { HISTOGRAM_HALF = 1024, HISTOGRAM_BUCKETS = 30, HISTOGRAM_COUNTS = (HISTOGRAM_BUCKETS + 1) * HISTOGRAM_HALF };
#define HISTOGRAM_HIGHEST_NS 600000000000ull

struct histogram {
    uint64_t counts[HISTOGRAM_COUNTS];
    uint64_t total, max_ns;
    double sum_ns;
};

/* Values above HISTOGRAM_HIGHEST_NS are counted there; max_ns keeps the true one. */
void histogram_add(struct histogram *histogram, uint64_t ns);
/* The highest value that counts as equal to the one at that percentile; 0 of an empty histogram. */
uint64_t histogram_percentile_ns(const struct histogram *histogram, double percentile);
/* The compressed V2 form in base64, without a line's end. */
void histogram_write(const struct histogram *histogram, FILE *out);

#endif
