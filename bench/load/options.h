/* The generator's command line. */
#ifndef ASSAY_BENCH_OPTIONS_H
#define ASSAY_BENCH_OPTIONS_H

#include "bodies.h"

struct options {
    struct bodies_config bodies;
    uint32_t connections;
    double rate; /* requests a second; 0: closed loop */
    bool poisson;
    uint64_t seed;
    double seconds, warmup_seconds, drain_seconds;
    uint64_t first;    /* number of the first request */
    uint64_t requests; /* stop after so many; 0: no such end */
    bool help;
};

/* Reads argv. False: the error says which argument, what was expected and what came. */
bool options_read(int count, char **arguments, struct options *options, struct error *error);
/* The text of --help. */
extern const char options_help[];

#endif
