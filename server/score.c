/* Events into the engine: one object, an array, or lines. Called by routes.c once the head is found good.
 *
 * A batch is taken in order, some items a call, so that other connections get their turn. Its answers gather in the
 * connection; it leaves when the last of them is durable. An event whose twin is in flight is asked again until the
 * request's deadline, and what follows it in the batch waits, so that the order of a batch is the order of its events. */
#include "handlers.h"

#include "../engine/base/assert.h"
#include "../engine/event/event.h"

enum { ITEMS_A_CALL = 128 };
#define RETRY_NS 2000000ull /* besides each time that the journal moves */

static struct str skip_space(struct str text) {
    while (text.len > 0 && (text.p[0] == ' ' || text.p[0] == '\t' || text.p[0] == '\n' || text.p[0] == '\r')) {
        text.p++;
        text.len--;
    }
    return text;
}

/* Whether to ask the engine again about an event whose twin is in flight; else the deadline has passed. */
static bool ask_again(struct http_response *response, const struct note *note) {
    uint64_t now = http_now_ns();
    if (now >= note->deadline_ns)
        return false;
    response->retry_ns = now + RETRY_NS < note->deadline_ns ? now + RETRY_NS : note->deadline_ns;
    return true;
}

static enum http_outcome handle_one(struct routes_local *local, struct str class_name, struct str json,
                                    struct http_response *response) {
    const struct note *note = note_of(response);
    struct engine_options options = {.features = (note->options & NOTE_OPTION) != 0};
    struct engine_answer answer;
    engine_event(local->thread, class_name, json, &options, &answer);
    if (answer.status == ENGINE_IN_FLIGHT) {
        if (ask_again(response, note))
            return HTTP_AGAIN;
        answer.wait = 0; /* its own answer is that there is none yet */
    }
    return reply_engine(local, response, &answer);
}

/* One answer of a batch. False: no memory for it. */
static bool add_item(struct http_response *response, const struct engine_answer *answer) {
    struct note *note = note_of(response);
    struct str body = answer->body;
    ASSERT(body.len > 0 && !memchr(body.p, '\n', body.len));
    bool lines = (note->options & NOTE_LINES) != 0;
    if (!lines && note->next_item > 0 && !http_body_add(response, ",\n", 2))
        return false;
    if (!http_body_add(response, body.p, body.len) || (lines && !http_body_add(response, "\n", 1)))
        return false;
    if (answer->status != ENGINE_IN_FLIGHT && answer->wait > response->ticket)
        response->ticket = answer->wait;
    note->next_item++;
    return true;
}

/* Finds the items of a batch, or knows them from the call before. False: answered. */
static bool split(struct routes_local *local, const struct http_request *request, struct http_response *response) {
    struct event_result result = {0};
    struct arena *arena = &local->items_arena;
    bool lines = (note_of(response)->options & NOTE_LINES) != 0;
    if (request->calls > 0 && local->batch == request)
        return true;
    arena_reset(arena);
    local->batch = request;
    if (lines ? event_split_lines(arena, request->body, &local->items, &local->item_count, &result)
              : event_split_array(arena, request->body, &local->items, &local->item_count, &result))
        return true;
    local->batch = NULL;
    const char *detail = result.detail.p ? result.detail.p : "";
    if (result.status == EVENT_LIMIT)
        (void)reply_problem(local, response, 413, "%.*s", (int)result.detail.len, detail);
    else
        (void)reply_problem(local, response, 400, "byte %zu of the body: %.*s", result.offset, (int)result.detail.len, detail);
    return false;
}

static enum http_outcome no_memory(struct routes_local *local, struct http_response *response) {
    return reply_problem(local, response, 503, "no memory for the answers of this batch; ask again, or in smaller batches");
}

static enum http_outcome handle_batch(struct routes_local *local, struct str class_name, const struct http_request *request,
                                      struct http_response *response) {
    struct note *note = note_of(response);
    struct engine_options options = {.features = (note->options & NOTE_OPTION) != 0};
    bool lines = (note->options & NOTE_LINES) != 0;
    if (!split(local, request, response))
        return HTTP_DONE;
    ASSERT(note->next_item <= local->item_count);
    if (note->next_item == 0 && !lines && http_body(response).len == 0 && !http_body_add(response, "[", 1))
        return no_memory(local, response);
    for (unsigned i = 0; note->next_item < local->item_count; i++) {
        struct engine_answer answer;
        if (i == ITEMS_A_CALL) {
            response->retry_ns = 0;
            return HTTP_AGAIN;
        }
        engine_event(local->thread, class_name, local->items[note->next_item], &options, &answer);
        if (answer.status == ENGINE_IN_FLIGHT && ask_again(response, note))
            return HTTP_AGAIN;
        if (!add_item(response, &answer))
            return no_memory(local, response);
        engine_reset(local->thread); /* memory that is warm, and as much for the last item as for the first */
    }
    if (!lines && !http_body_add(response, "]", 1))
        return no_memory(local, response);
    response->status = class_name.len == 0 ? 200 : 202;
    response->content_type = lines ? STR("application/x-ndjson") : STR("application/json");
    return response->ticket ? HTTP_WAIT : HTTP_DONE;
}

enum http_outcome handle_events(struct routes_local *local, struct str class_name, const struct http_request *request,
                                struct http_response *response) {
    ASSERT(local && request && response);
    struct note *note = note_of(response);
    struct str body = skip_space(request->body);
    if (body.len > 0 && body.p[0] == '[')
        note->options |= (note->options & NOTE_LINES) ? 0 : NOTE_ARRAY;
    if (note->options & (NOTE_LINES | NOTE_ARRAY))
        return handle_batch(local, class_name, request, response);
    return handle_one(local, class_name, request->body, response);
}
