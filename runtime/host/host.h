/*
 * What the parts of the running service share: the listeners' handlers and the loop around the
 * engine. Internal to runtime/host/; everything is used on the loop's thread only.
 */
#ifndef IVORY_HOST_HOST_H
#define IVORY_HOST_HOST_H

#include "base/list.h"
#include "core/bundle.h"
#include "host/admission.h"
#include "host/bundles.h"
#include "host/certificates.h"
#include "host/config.h"
#include "host/engine.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/log.h"
#include "host/metrics.h"
#include "host/prompt_store.h"
#include "host/supervisor.h"

#include <uv.h>

struct host {
    uv_loop_t loop;
    uv_timer_t clock;
    int64_t now;    /* the last that host_now said...     */
    uint64_t ticks; /* ...and the steady clock then, ns   */
    const struct config *cfg;
    const struct bundle_source *stdlib;
    struct log log;
    struct engine *engine;
    struct prompt_store *store;
    struct http_client *client;
    struct http_server *public, *admin;
    struct list webhooks; /* struct webhook: requests that wait for the engine's answer */
    uint64_t next_webhook;
    struct host_journal *journal; /* NULL: journal.enabled is false */
    struct bundles *bundles;
    struct admission *admission;
    int64_t refusal_said; /* when the log last said that calls are refused */
    struct metrics metrics;
    struct certificates *certificates;
    struct supervisor *supervisor;
    struct leave *leave;
    char *admin_token;
    bool stopping;
};

/* Milliseconds since the epoch. When the system's clock is set back, it goes on from where it was.
 */
int64_t host_now(struct host *s);

/* Do what the engine asks for and set the clock to its next deadline. Call after every input. */
void host_pump(struct host *s);

/* Handlers of the two listeners; `arg` is the service. */
void public_handle(void *arg, struct http_call *call, const struct http_message *request);
void admin_handle(void *arg, struct http_call *call, const struct http_message *request);

/* What the HTTP server refused before a handler saw it goes into the log; `arg` is the host. */
void host_refused(void *arg, const struct http_message *request, struct http_message *response);

/* The engine's answer to webhook `id`; unknown ids are ignored. */
void public_answer(struct host *s, uint64_t id, const struct http_message *response);
/* Drop what waits, without an answer: the listener is closed already. */
void public_forget(struct host *s);

/* Answers: JSON text (taken over; NULL = 500), or a status with an empty body. */
void answer_json(struct http_call *call, int status, cJSON *body);
void answer_status(struct http_call *call, int status);
/* Whether a request says that its body is JSON. */
bool request_is_json(const struct http_message *request);
/* An error body {"error":{"code","message"}}. */
void answer_error(struct http_call *call, int status, const char *code, const char *message);

#endif
