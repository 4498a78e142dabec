#include "graph/wire_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "graph/request.h"
#include "graph/retry.h"

enum { LOOK_MS = 5000 }; /* whether a call is still there: others wait for the answer */

static bool uses_our_token(const struct request *r)
{
    return r->kind == REQUEST_METHOD || r->kind == REQUEST_CHECK;
}

static bool is_method(const struct request *r, const char *name)
{
    return r->method && strcmp(r->method->name, name) == 0;
}

/* --- ending ----------------------------------------------------------------------------------- */

void wire_request_drop(struct wire *w, struct request *r)
{
    if (r->leg && r->leg->check == r)
        r->leg->check = NULL;
    list_remove(&r->link);
    list_remove(&r->token_link);
    wire_sending_abort(w, &r->sending);
    wire_timer_stop(w, &r->wake);
    wire_release(w, 2);
    wire_action_free(r->answer);
    command_fini(&r->command);
    free(r);
}

static void finish(struct wire *w, struct request *r)
{
    struct call *c = r->call;

    wire_request_drop(w, r);
    wire_call_settle(w, c);
}

void wire_request_fail(struct wire *w, struct request *r, const char *code, const char *message)
{
    wire_answer_fail(w, r, code, message);
    finish(w, r);
}

bool wire_request_revocable(const struct request *r)
{
    if (!r->sending.id)
        return true;
    return r->kind == REQUEST_HTTP || r->kind == REQUEST_DOWNLOAD ||
           strcmp(r->method->verb, "GET") == 0 || is_method(r, "keepAlive");
}

/* --- sending ---------------------------------------------------------------------------------- */

/* Begin a sending: with a token of ours, or without. */
static void try(struct wire *w, struct request *r)
{
    if (uses_our_token(r)) {
        wire_timer_arm(w, &r->wake, r->deadline); /* should no token ever come */
        wire_token_ask(w, r);
    } else {
        wire_request_go_on(w, r, NULL, 0);
    }
}

static void awake(struct wire *w, struct timer *t)
{
    struct request *r = list_entry(t, struct request, wake);

    if (w->now >= r->deadline)
        wire_request_fail(w, r, "timeout", "no token of ours came in time");
    else
        try(w, r);
}

static int encode_method(struct wire *w, struct request *r, struct http_message *m, struct error *e)
{
    struct request_context x = {.root = w->cfg.graph_url,
                                .version = w->cfg.version,
                                .call_id = r->leg->spelled,
                                .prompt_root = w->prompt_root,
                                .recording_root = w->recording_root};
    char path[WIRE_PATH_MAX];
    struct buf uri = {0};
    int err;

    wire_leg_path(r->leg, path);
    buf_str(&uri, w->cfg.public_url);
    buf_str(&uri, "/api/calls/");
    if (buf_str(&uri, path)) {
        buf_fini(&uri);
        return error_set(e, ERR_NOMEM, "out of memory");
    }
    x.callback_uri = uri.p;
    err = request_encode(&r->command, &x, m, e);
    buf_fini(&uri);
    return err;
}

/* A recording stands at any address the service named; only its own token goes there. */
static int encode_download(const struct request *r, struct http_message *m, struct error *e)
{
    const char *token = json_str(r->command.ids, "token");
    struct buf bearer = {0};
    int err = wire_http_encode(r->command.ids, m, e);

    if (!err && token && token[0]) {
        err = buf_fmt(&bearer, "Bearer %s", token);
        if (!err)
            err = http_set_header(m, "Authorization", bearer.p);
        if (err) {
            http_fini(m);
            error_set(e, err, err == ERR_NOMEM ? "out of memory" : "token: not fit for a header");
        }
    }
    buf_fini(&bearer);
    return err;
}

static int encode(struct wire *w, struct request *r, const char *token, struct http_message *m,
                  struct error *e)
{
    char guid[37];
    int err;

    if (r->kind == REQUEST_HTTP)
        return wire_http_encode(r->command.args, m, e);
    if (r->kind == REQUEST_DOWNLOAD)
        return encode_download(r, m, e);
    err = encode_method(w, r, m, e);
    if (err)
        return err;
    wire_guid(w, guid);
    err = http_set_header(m, "Authorization", token);
    if (!err)
        err = http_set_header(m, "Client-Request-Id", guid);
    if (!err)
        err = http_set_header(m, "Scenario-Id", r->call->scenario);
    if (err) {
        http_fini(m);
        error_set(e, err, "out of memory");
    }
    return err;
}

void wire_request_go_on(struct wire *w, struct request *r, const char *token, uint64_t generation)
{
    struct http_message m = {0};
    struct error e = {""};
    int err;

    wire_timer_stop(w, &r->wake);
    r->token = generation;
    err = encode(w, r, token, &m, &e);
    if (!err && wire_sending_start(w, &r->sending, &m, r->deadline))
        err = error_set(&e, ERR_NOMEM, "out of memory");
    if (err) {
        http_fini(&m);
        wire_request_fail(w, r,
                          err == ERR_NOMEM      ? "outOfMemory"
                          : err == ERR_CONFLICT ? "conflict"
                                                : "invalidRequest",
                          e.text);
        return;
    }
    if (r->tries++ == 0 && r->kind == REQUEST_METHOD && w->cfg.sent)
        w->cfg.sent(w->cfg.hooks_arg, r->call->key);
}

/* --- the answer ------------------------------------------------------------------------------- */

/* Whether a second sending of what may have been carried out does no harm. */
static bool harmless(const struct request *r)
{
    switch (r->kind) {
    case REQUEST_HTTP:
        return false; /* the flow's business */
    case REQUEST_DOWNLOAD:
    case REQUEST_CHECK:
        return true;
    case REQUEST_METHOD:
        break;
    }
    switch (r->method->repeat) {
    case REPEAT_HARMLESS:
    case REPEAT_REFUSED:
        return true;
    case REPEAT_CONTEXT:
        return json_str(r->command.args, "clientContext");
    case REPEAT_NEVER:
    case REPEAT_NONE:
        break;
    }
    return false;
}

/* After the end of its call only a hang-up is worth another sending. */
static bool still_wanted(const struct request *r)
{
    return !r->call->over || is_method(r, "delete");
}

/* When to send again, or -1. */
static int64_t again_at(struct wire *w, const struct request *r,
                        const struct http_message *response)
{
    uint64_t random;
    int64_t delay;

    if (r->kind == REQUEST_HTTP || !still_wanted(r))
        return -1;
    wire_random(w, &random, sizeof random);
    delay = retry_delay(response->status, http_header(response, "Retry-After"), harmless(r),
                        r->tries, random);
    return delay >= 0 && w->now + delay < r->deadline ? w->now + delay : -1;
}

static void tell(const struct wire *w, const struct request *r, int status, bool again)
{
    if (w->cfg.answered)
        w->cfg.answered(w->cfg.hooks_arg, r->method ? r->method->name : "http", status, again);
}

static void answered(struct wire *w, struct sending *s, const struct http_message *response)
{
    struct request *r = list_entry(s, struct request, sending);
    int64_t at;

    if (!response) {
        tell(w, r, 0, false);
        wire_request_fail(w, r, "timeout", "no answer in time");
        return;
    }
    if (response->status == 401 && uses_our_token(r) && !r->renewed && still_wanted(r)) {
        r->renewed = true;
        tell(w, r, 401, true);
        wire_token_refused(w, r->call->tenant, r->token);
        try(w, r);
        return;
    }
    at = again_at(w, r, response);
    tell(w, r, response->status, at >= 0);
    if (at >= 0) {
        r->perhaps_done = r->perhaps_done || !retry_throttled(response->status);
        wire_timer_arm(w, &r->wake, at);
    } else if (response->status == 0) {
        wire_request_fail(w, r, w->now >= r->deadline ? "timeout" : "network",
                          response->body ? response->body : "no answer");
    } else {
        wire_answer_give(w, r, response);
        finish(w, r);
    }
}

int wire_request_start(struct wire *w, enum request_kind kind, struct call *call, struct leg *leg,
                       struct command *c)
{
    struct request *r = calloc(1, sizeof *r);
    int64_t limit = w->cfg.request_ms;

    if (!r)
        return ERR_NOMEM;
    if (kind != REQUEST_CHECK && !(r->answer = wire_action_new(WIRE_EVENT))) {
        free(r);
        return ERR_NOMEM;
    }
    if (wire_reserve(w, 2)) {
        wire_action_free(r->answer);
        free(r);
        return ERR_NOMEM;
    }
    if (kind == REQUEST_HTTP)
        limit = wire_http_timeout(c->args, limit);
    else
        r->method = method_find(c->method);
    if (kind == REQUEST_CHECK && is_method(r, "get") && limit > LOOK_MS)
        limit = LOOK_MS;
    r->kind = kind;
    r->call = call;
    r->leg = leg;
    r->command = *c;
    r->perhaps_done = c->again;
    *c = (struct command){0};
    r->deadline = w->now + limit;
    r->sending.done = answered;
    r->wake.fire = awake;
    list_init(&r->token_link);
    list_append(&call->requests, &r->link);
    if (kind == REQUEST_CHECK)
        leg->check = r;
    try(w, r);
    return 0;
}
