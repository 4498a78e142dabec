/*
 * What the parts of the running service share. Calls run on workers (worker.h), each a thread with
 * a loop of its own; the loop here is that of the main thread, which has the admin listener, the
 * signals, the bundles and whatever else is there once. Unless it says otherwise, a function that
 * takes a struct host belongs to the main thread. Internal to runtime/host/.
 */
#ifndef IVORY_HOST_HOST_H
#define IVORY_HOST_HOST_H

#include "core/bundle.h"
#include "host/admission.h"
#include "host/bundles.h"
#include "host/certificates.h"
#include "host/config.h"
#include "host/errand.h"
#include "host/owners.h"
#include "host/prompt_store.h"
#include "host/recover.h"
#include "host/values.h"
#include "net/http_server.h"
#include "net/log.h"
#include "host/supervisor.h"

#include <stdatomic.h>
#include <uv.h>

struct worker;
struct survey;

struct host {
    uv_loop_t loop;
    struct errands errands;
    const struct config *cfg;
    const struct bundle_source *stdlib;
    struct log log;
    unsigned long logged[4]; /* lines of the log by level; atomic */
    struct worker *workers;
    unsigned nworkers;
    struct prompt_store *store;   /* any thread */
    struct admission *admission;  /* any thread */
    struct owners *owners;        /* any thread */
    struct values *values;        /* any thread, see there                          */
    struct host_journal *journal; /* NULL: journal.enabled is false                 */
    struct recovery_floor floor;  /* any thread                                     */
    struct bundles *bundles;
    struct certificates *certificates; /* tls: any thread */
    struct supervisor *supervisor;
    struct leave *leave;
    struct http_server *admin;
    char *admin_token;
    _Atomic int64_t refusal_said; /* when the log last said that calls are refused  */
    bool stopping;
};

/* Milliseconds since the epoch, as the system's clock says. Any thread. */
int64_t host_time(void);

/* Ask for one call more. 0: it may come, and is counted; else after how many seconds to try again.
 * A refusal is logged now and then. Any thread. */
int host_admit(struct host *s, const char *tenant);

/* The handler of the admin listener; `arg` is the host. */
void admin_handle(void *arg, struct http_call *call, const struct http_message *request);

/* What an HTTP server refused by itself (411, 413, 431, ...) goes into the log. */
void host_refused(const struct log *log, const struct http_message *request,
                  const struct http_message *response);

/* Answers: JSON text (taken over; NULL = 500), or a status with an empty body. Any thread. */
void answer_json(struct http_call *call, int status, cJSON *body);
void answer_status(struct http_call *call, int status);
/* Whether a request says that its body is JSON. */
bool request_is_json(const struct http_message *request);
/* An error body {"error":{"code","message"}}. */
void answer_error(struct http_call *call, int status, const char *code, const char *message);

#endif
