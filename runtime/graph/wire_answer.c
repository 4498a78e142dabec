#include "graph/wire_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/bundle.h"
#include "graph/request.h"

enum { LOOK_AFTER_DELETE_MS = 10 * 1000 };

void wire_answer_event(const struct wire *w, const struct command *c, struct event *ev)
{
    event_fini(ev);
    ev->kind = EVENT_ANSWER;
    ev->time = w->now;
    ev->leg = c->leg;
    ev->seq = c->seq;
    strcpy(ev->key, c->key);
}

cJSON *wire_error_data(const char *code, const char *message)
{
    cJSON *data = cJSON_CreateObject(), *error = cJSON_CreateObject();
    char text[256];

    snprintf(text, sizeof text, "%s", message);
    wire_plain(text);
    if (!data || !error || json_set_str(error, "code", code) ||
        json_set_str(error, "message", text)) {
        cJSON_Delete(error);
        cJSON_Delete(data);
        return NULL;
    }
    if (json_set(data, "error", error)) { /* frees it */
        cJSON_Delete(data);
        return NULL;
    }
    return data;
}

/* The event goes out, unless the call is over and nobody waits. */
static void push(struct wire *w, struct request *r)
{
    if (r->call->over)
        return;
    wire_action_push(w, r->answer);
    r->answer = NULL;
}

void wire_answer_fail(struct wire *w, struct request *r, const char *code, const char *message)
{
    if (r->kind == REQUEST_CHECK) {
        r->leg->check = NULL;
        wire_leg_checked(w, r->leg, r->method->name, 0);
        return;
    }
    wire_answer_event(w, &r->command, &r->answer->a.event);
    r->answer->a.event.data = wire_error_data(code, message);
    push(w, r);
}

/* --- a recording -------------------------------------------------------------------------------
 */

static double seconds_of(const struct http_message *m)
{
    size_t at, n;
    int64_t ms;

    if (wav_check(m->body, m->n, &ms, &at, &n, NULL) == 0)
        return (double)ms / 1000;
    return m->n > 44 ? (double)(m->n - 44) / 32000 : 0; /* as if it were what it should be */
}

static cJSON *recording_data(struct wire *w, const struct http_message *m)
{
    char hash[65];
    cJSON *data;
    int err;

    if (!m->n)
        return wire_error_data("recordingEmpty", "the recording is empty");
    if (m->n > WIRE_RECORDING_MAX)
        return wire_error_data("recordingTooLarge", "the recording is longer than 16 MiB");
    sha256_hex(hash, m->body, m->n);
    err = w->cfg.keep_recording
              ? w->cfg.keep_recording(w->cfg.keep_recording_arg, hash, m->body, m->n)
              : ERR_UNSUPPORTED;
    if (err)
        return wire_error_data("recordingNotKept", error_name(err));
    data = cJSON_CreateObject();
    if (data && (json_set_str(data, "hash", hash) || json_set_int(data, "bytes", (int64_t)m->n) ||
                 json_set(data, "seconds", cJSON_CreateNumber(seconds_of(m))))) {
        cJSON_Delete(data);
        return NULL;
    }
    return data;
}

/* --- the service's answers ----------------------------------------------------------------------
 */

/* The call was created after its flow had ended: nobody will ever hang it up but us. */
static void hang_up_orphan(struct wire *w, struct request *r)
{
    struct command c = {.kind = COMMAND_METHOD, .leg = r->leg->number, .method = "delete"};

    strcpy(c.key, r->call->key);
    wire_log_call(w, "warn", c.key, "was over when its leg %d was created; hanging up", c.leg);
    if (wire_request_start(w, REQUEST_CHECK, r->call, r->leg, &c))
        wire_log_call(w, "error", r->command.key, "leg %d is left to the service", c.leg);
}

/* A created call: from now on the leg has the service's id. */
static void adopt(struct wire *w, struct request *r, const struct event *ev)
{
    int err = ev->id[0] ? wire_leg_bind(w, r->leg, ev->id, json_str(ev->data, "id")) : ERR_INVALID;

    if (err)
        wire_log_call(w, "error", ev->key, "leg %d was created without a usable id (%s)", ev->leg,
                      error_name(err));
    else if (r->call->over)
        hang_up_orphan(w, r);
}

/* Whether a 404 may mean that the leg is over: of what lies below a call, only the call itself is
 * certain to be known (reference §1.6). A hang-up of what is gone has done its work. */
static bool doubtful(const struct leg *l, const struct method *m, int status)
{
    return status == 404 && !l->call->over && l->id && !l->ended && strstr(m->path, "{call}") &&
           strcmp(m->name, "delete") != 0;
}

/* A 404: that the leg is over, if it is, is said before the answer. */
static void give_doubtful(struct wire *w, struct request *r)
{
    struct action *answer = r->answer;
    const char *name = r->method->name;

    r->answer = NULL;
    if (strcmp(name, "get") == 0 || strcmp(name, "keepAlive") == 0) {
        wire_leg_report_gone(w, r->leg, "the service does not know the call any more");
        wire_action_push(w, answer);
    } else {
        wire_leg_doubt(w, r->leg, answer);
    }
}

/* 404: it is gone, as was wanted. 2xx does not prove that, and the notification may be lost. */
static void conclude_delete(struct wire *w, struct leg *l, int status)
{
    if (l->call->over || !l->id || l->ended)
        return;
    if (status == 404)
        wire_leg_end(w, l);
    else if (status / 100 == 2)
        wire_timer_arm(w, &l->timer, w->now + LOOK_AFTER_DELETE_MS);
}

/* A second sending is refused since the first was carried out: it is as was wanted, and that is
 * what its flow hears. */
static void take_refusal(const struct request *r, struct event *ev)
{
    cJSON *data = NULL;

    if (!r->perhaps_done || r->method->repeat != REPEAT_REFUSED ||
        (ev->status != 404 && ev->status != 409))
        return;
    if (r->method->operation) {
        data = cJSON_CreateObject();
        if (!data || json_set_str(data, "status", "completed")) {
            cJSON_Delete(data);
            return;
        }
    }
    cJSON_Delete(ev->data);
    ev->data = data;
    ev->status = (int)r->method->success;
}

static void give_method(struct wire *w, struct request *r, const struct http_message *response)
{
    struct event *ev = &r->answer->a.event;
    struct leg *l = r->leg;
    bool created = strcmp(r->method->name, "create") == 0 && response->status / 100 == 2;

    event_fini(ev);
    if (request_answer(&r->command, response, ev)) {
        wire_answer_event(w, &r->command, ev);
        ev->status = response->status;
    }
    take_refusal(r, ev);
    ev->time = w->now;
    if (created)
        adopt(w, r, ev);
    if (doubtful(l, r->method, response->status)) {
        give_doubtful(w, r);
        return;
    }
    push(w, r);
    if (created && l->id && !l->call->over)
        wire_leg_release(w, l);
    if (strcmp(r->method->name, "delete") == 0)
        conclude_delete(w, l, response->status);
}

/* The state in a body that a look brought; a call that has ended may still be readable. */
static bool says_terminated(const struct http_message *response)
{
    cJSON *body = NULL;
    const char *state;
    bool is = false;

    if (response->n && json_parse(&body, response->body, response->n, NULL) == 0) {
        state = json_str(body, "state");
        is = state && strcasecmp(state, "terminated") == 0;
    }
    cJSON_Delete(body);
    return is;
}

static void give_check(struct wire *w, struct request *r, const struct http_message *response)
{
    bool look = strcmp(r->method->name, "get") == 0;

    r->leg->check = NULL;
    wire_leg_checked(w, r->leg, r->method->name,
                     look && says_terminated(response) ? 404 : response->status);
}

/* The answer to a flow's own request, or a recording. What came but cannot be used counts as no
 * answer: `status` is 0 then. */
static void give_data(struct wire *w, struct request *r, const struct http_message *response)
{
    struct event *ev = &r->answer->a.event;

    wire_answer_event(w, &r->command, ev);
    ev->data = r->kind == REQUEST_HTTP ? wire_http_data(response) : recording_data(w, response);
    ev->status = json_get(ev->data, "error") || !ev->data ? 0 : response->status;
    push(w, r);
}

/* The store's refusal, in the words of a service's error. */
static void give_refusal(struct wire *w, struct request *r, const struct http_message *response)
{
    struct event *ev = &r->answer->a.event;

    event_fini(ev);
    if (request_answer(&r->command, response, ev))
        wire_answer_event(w, &r->command, ev);
    ev->time = w->now;
    push(w, r);
}

void wire_answer_give(struct wire *w, struct request *r, const struct http_message *response)
{
    if (r->kind == REQUEST_CHECK)
        give_check(w, r, response);
    else if (r->kind == REQUEST_METHOD)
        give_method(w, r, response);
    else if (r->kind == REQUEST_DOWNLOAD && response->status / 100 != 2)
        give_refusal(w, r, response);
    else
        give_data(w, r, response);
}
