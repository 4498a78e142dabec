/*
 * From a command to the HTTP request that carries it, and from the answer to the event.
 */
#ifndef IVORY_GRAPH_REQUEST_H
#define IVORY_GRAPH_REQUEST_H

#include "base/http.h"
#include "core/command.h"
#include "core/event.h"
#include "graph/methods.h"

/* What only the driver knows of a call. */
struct request_context {
    const char *root; /* "https://graph.microsoft.com"                                */
    unsigned version;
    const char *call_id;        /* as the service spelled it; NULL before a create was answered */
    const char *callback_uri;   /* of this leg                                                  */
    const char *prompt_root;    /* "https://ivr.example.com/prompts"                            */
    const char *recording_root; /* "https://ivr.example.com/recordings"                       */
};

/* Build the request of a METHOD command. Fills `callbackUri` where the method needs one and none is
 * given, `mediaConfig` and modalities likewise (service-hosted, audio), and turns prompt references
 * ({"prompt":{"language","name","hash"}}, made by the bindings) into mediaPrompt with
 * uri = <prompt_root>/<hash>/<language>/<name>.wav and resourceId = hash. An empty body is no body.
 * ERR_CONFLICT: there is no call id yet. */
int request_encode(const struct command *c, const struct request_context *x,
                   struct http_message *out, struct error *e);

/* Make the answer event of `c` (kind, key, leg, seq, status, id, data; the caller sets the time). A
 * body that is not JSON becomes {"error":{...}} when the status is not 2xx, else is ignored; no
 * answer (status 0) has the code "noAnswer". Enums and numbers of a 2xx body are made uniform as in
 * notifications. Operation id from the body's id, else from Location; the same for a create, where
 * `call_id` is set too. ERR_NOMEM. */
int request_answer(const struct command *c, const struct http_message *response, struct event *out);

/* The innermost known code and the message of a Graph error body (reference §1.6); empty when none.
 */
void graph_error_read(const cJSON *body, char code[64], char message[256]);

/* A Graph error body: {"error":{"code","message","innerError":{"date","request-id"}}}. NULL = no
 * memory. */
cJSON *graph_error_body(const char *code, const char *message, const char *request_id, int64_t now);

#endif
