/* The server's command line. */
#ifndef ASSAY_SERVER_OPTIONS_H
#define ASSAY_SERVER_OPTIONS_H

#include "../engine/engine.h"
#include "../http/loop.h"

#define ASSAY_VERSION "0.1.0"

struct options {
    struct engine_config engine;
    struct http_limits limits;
    char host[64];
    uint16_t port;
    uint32_t threads;
    uint32_t deadline_ms;
    bool replay, help, version;
};

/* Reads argv. False: the error says which argument, what was expected and what came. */
bool options_read(int count, char **arguments, struct options *options, struct error *error);
/* The text of --help. */
extern const char options_help[];

#endif
