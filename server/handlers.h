/* Private to the server folder: what routes.c and score.c share. */
#ifndef ASSAY_SERVER_HANDLERS_H
#define ASSAY_SERVER_HANDLERS_H

#include "metrics.h"
#include "routes.h"

struct routes {
    struct routes_config config;
    struct http_server *server;
    struct routes_local *locals;
    struct metrics *metrics[ROUTES_LOOPS_LIMIT];
    uint32_t attached;
};

/* One loop's own. */
struct routes_local {
    struct routes *routes;
    struct engine_thread *thread;
    struct metrics metrics;
    /* The batch that was split last: its items lie in `items_arena`, so that the thread's own arena can be reset after each. */
    struct arena items_arena;
    const struct http_request *batch;
    struct str *items;
    uint32_t item_count;
    char name[LIMIT_TARGET_BYTES]; /* the decoded last part of the path */
};

/* What is remembered of a request between calls of its handler: the notes of its response. */
struct note {
    uint64_t route;       /* enum route */
    uint64_t engine_ns;   /* time spent in handlers */
    uint64_t handled_ns;  /* when the last handler returned */
    uint64_t deadline_ns;
    uint64_t next_item;   /* of a batch */
    uint64_t options;     /* NOTE_... */
};
/* OPTION: features=1 or explain=1 was asked for. LINES, ARRAY: the body's form. */
enum { NOTE_OPTION = 1, NOTE_LINES = 2, NOTE_ARRAY = 4 };
_Static_assert(sizeof(struct note) <= sizeof((struct http_response *)0)->notes, "a note fits");

static inline struct note *note_of(struct http_response *response) { return (struct note *)response->notes; }

/* Answers a problem; the detail may hold any text. HTTP_DONE. */
enum http_outcome reply_problem(struct routes_local *local, struct http_response *response, int status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Answers what the engine answered; waits if it says so. */
enum http_outcome reply_engine(struct routes_local *local, struct http_response *response, const struct engine_answer *answer);

/* POST /v1/score and /v1/events/NAME, whose head has been checked; class_name is empty for score. Called again after HTTP_AGAIN. */
enum http_outcome handle_events(struct routes_local *local, struct str class_name, const struct http_request *request,
                                struct http_response *response);

#endif
