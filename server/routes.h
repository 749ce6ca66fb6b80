/* From a request to the engine and back: paths, methods, content types, who may ask; arrays and lines of events; what waits
 * for the journal. The service that http/loop.h calls. */
#ifndef ASSAY_SERVER_ROUTES_H
#define ASSAY_SERVER_ROUTES_H

#include "../engine/engine.h"
#include "../http/loop.h"

struct routes;

struct routes_config {
    struct engine *engine;
    uint32_t deadline_ms; /* of a request; Assay-Deadline-Ms may ask for less */
    uint32_t loops;
};

enum { ROUTES_LOOPS_LIMIT = 64 }; /* the journal wakes at most as many */

struct routes *routes_open(const struct routes_config *config, struct error *error);
/* The service for the server's configuration. */
struct http_service routes_service(struct routes *routes);
/* Gives every loop of the server its engine thread and makes the engine wake it. Before the server starts. */
bool routes_attach(struct routes *routes, struct http_server *server, struct error *error);
/* After the server has stopped and before the engine is closed. */
void routes_close(struct routes *routes);

#endif
