/*
 * The admin listener: health for a load balancer, and what the command line asks a running service.
 * Bound to loopback by default; with admin.token_file every path but the health ones wants the
 * bearer token.
 */
#include "host/admin.h"

#include "base/json.h"
#include "graph/joinlink.h"
#include "host/host_journal.h"
#include "host/leave.h"
#include "host/recover.h"
#include "host/survey.h"
#include "net/http_listen.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void get_health(struct host *s, struct http_call *call, const struct http_message *request,
                       const char *rest)
{
    (void)s, (void)request, (void)rest;
    answer_status(call, 200);
}

/* A request that is answered when a trip comes home. */
static void survey_for(struct host *s, struct http_call *call, const char *key, survey_done *done)
{
    if (survey_begin(s, key, done, call))
        answer_status(call, 500);
}

static void say_ready(struct survey *v, void *call, bool home)
{
    struct host *s = v->trip.host;
    cJSON *body = cJSON_CreateObject();
    struct error e = {""};
    const cJSON *refused;
    bool written = host_journal_health(s, &e) == 0, draining = leave_refuses(s->leave) != 0;
    bool ready = written && !s->stopping && !draining;

    if (!home) { /* the listener has answered for us */
        cJSON_Delete(body);
        return;
    }
    refused = bundles_refused(s->bundles);
    if (!body || json_set(body, "ready", cJSON_CreateBool(ready)) ||
        json_set_str(body, "bundle", bundles_active(s->bundles)->id) ||
        json_set_int(body, "calls", (int64_t)v->calls) ||
        json_set_int(body, "recovering", (int64_t)v->recovering) ||
        (draining && json_set(body, "draining", cJSON_CreateTrue())) ||
        (refused && json_set_copy(body, "refused", refused)) ||
        (!written && json_set_str(body, "journal", e.text))) {
        cJSON_Delete(body);
        body = NULL;
    }
    answer_json(call, ready ? 200 : 503, body);
}

static void get_ready(struct host *s, struct http_call *call, const struct http_message *request,
                      const char *rest)
{
    (void)request, (void)rest;
    survey_for(s, call, NULL, say_ready);
}

static void say_calls(struct survey *v, void *call, bool home)
{
    if (!home)
        return;
    if (v->key[0] && cJSON_GetArraySize(v->described) == 0) {
        answer_error(call, 404, "notFound", "no such call in progress");
    } else {
        answer_json(call, 200, v->err ? NULL : v->described);
        v->described = v->err ? v->described : NULL;
    }
}

static void get_calls(struct host *s, struct http_call *call, const struct http_message *request,
                      const char *rest)
{
    (void)request;
    survey_for(s, call, rest, say_calls);
}

/* No call is placed now: 429, a cap on calls is reached; 503, the service drains, or the
 * journal cannot be written. */
static void answer_later(struct http_call *call, int status, int after_s, const char *code,
                         const char *why)
{
    cJSON *body = cJSON_CreateObject(),
          *error = body ? cJSON_AddObjectToObject(body, "error") : NULL;
    struct http_message m = {.status = status};
    char seconds[16], *text = NULL;

    snprintf(seconds, sizeof seconds, "%d", after_s);
    if (error && !json_set_str(error, "code", code) && !json_set_str(error, "message", why))
        text = json_text(body);
    if (!text || http_set_header(&m, "Retry-After", seconds) ||
        http_set_body(&m, "application/json", text, strlen(text)))
        m.status = 503;
    http_call_answer(call, &m);
    http_fini(&m);
    free(text);
    cJSON_Delete(body);
}

static bool put_off(struct host *s, struct http_call *call)
{
    struct error e = {""};
    int after_s;

    if (host_journal_health(s, &e)) {
        answer_later(call, 503, 5, "noJournal", e.text);
        return true;
    }
    after_s = host_admit(s, NULL);
    if (after_s && leave_refuses(s->leave))
        answer_later(call, 503, after_s, "draining", "the service takes no new calls");
    else if (after_s)
        answer_later(call, 429, after_s, "tooManyCalls", "a cap on calls is reached");
    return after_s != 0;
}

/* Something that one worker is to do for a request. */
struct order {
    struct trip trip;
    struct http_call *call;
    char key[KEY_MAX];
    char *flow; /* a call is to be placed; NULL: that call is to be hung up */
    cJSON *create;
    int err;
};

static void order_free(struct order *o)
{
    cJSON_Delete(o->create);
    free(o->flow);
    free(o);
}

static void order_visit(struct trip *t, struct worker *w)
{
    struct order *o = list_entry(t, struct order, trip);

    if (o->flow) {
        o->err = engine_dial(w->engine, o->flow, o->create, worker_now(w), o->key);
        o->create = NULL;
    } else {
        o->err = engine_signal(w->engine, o->key, "hangup", worker_now(w));
    }
    worker_pump(w);
}

static void order_done(struct trip *t, bool home)
{
    struct order *o = list_entry(t, struct order, trip);
    cJSON *answer = o->flow && !o->err ? cJSON_CreateObject() : NULL;

    if (answer && json_set_str(answer, "key", o->key)) {
        cJSON_Delete(answer);
        answer = NULL;
    }
    if (!home)
        cJSON_Delete(answer);
    else if (o->flow)
        answer_json(o->call, 202, answer);
    else if (o->err)
        answer_error(o->call, o->err == ERR_NOTFOUND ? 404 : 500, error_name(o->err),
                     "no such call in progress");
    else
        answer_status(o->call, 202);
    order_free(o);
}

/* `create` is taken over. */
static void give_order(struct http_call *call, struct worker *w, const char *key, const char *flow,
                       cJSON *create)
{
    struct order *o = calloc(1, sizeof *o);

    if (o && flow)
        o->flow = strdup(flow);
    if (!o || (flow && !o->flow)) {
        cJSON_Delete(create);
        free(o);
        answer_status(call, 500);
        return;
    }
    o->trip.visit = order_visit;
    o->trip.done = order_done;
    o->call = call;
    o->create = create;
    snprintf(o->key, sizeof o->key, "%s", key);
    trip_to(&o->trip, w);
}

static bool has_flow(struct host *s, const char *name)
{
    char file[160];

    return snprintf(file, sizeof file, "flows/%s.lua", name) < (int)sizeof file &&
           strcmp(name, "routes") != 0 && !strchr(name, '/') &&
           bundle_file(bundles_active(s->bundles), file);
}

/* POST {"flow":name, "target":text}: place a call (joinlink.h says what a target is). */
static void post_call(struct host *s, struct http_call *call, const struct http_message *request,
                      const char *rest)
{
    struct error e = {""};
    cJSON *body = NULL, *create = NULL;
    const char *flow, *target;
    int err;

    (void)rest;
    if (!request_is_json(request)) { /* also keeps out forms of web pages, which cannot say so */
        answer_error(call, 415, "unsupportedMediaType", "the body must be application/json");
        return;
    }
    err = json_parse(&body, request->body ? request->body : "", request->n, &e);
    flow = json_str(body, "flow");
    target = json_str(body, "target");
    if (!err && (!flow || !target))
        err = error_set(&e, ERR_INVALID, "flow and target are required, both text");
    if (!err)
        err = joinlink_target(target, &create, &e);
    if (!err && !has_flow(s, flow))
        err = error_set(&e, ERR_NOTFOUND, "no flow \"%.100s\"", flow);
    if (err) {
        answer_error(call, err == ERR_NOTFOUND ? 404 : 400, error_name(err), e.text);
    } else if (!put_off(s, call)) {
        give_order(call, workers_least(s), "", flow, create);
        create = NULL;
    }
    cJSON_Delete(create);
    cJSON_Delete(body);
}

static void delete_call(struct host *s, struct http_call *call, const struct http_message *request,
                        const char *rest)
{
    (void)request;
    give_order(call, workers_owner(s, rest), rest, NULL, NULL);
}

static void post_drain(struct host *s, struct http_call *call, const struct http_message *request,
                       const char *rest)
{
    cJSON *body = cJSON_CreateObject();

    (void)request, (void)rest;
    leave_drain(s->leave);
    if (body && json_set_int(body, "calls", (int64_t)workers_calls(s))) {
        cJSON_Delete(body);
        body = NULL;
    }
    answer_json(call, 202, body);
}

static const struct {
    const char *verb, *path;
    bool below; /* also what follows "path/" */
    bool open;  /* needs no token           */
    admin_action *action;
} routes[] = {
    {"GET", "/healthz", false, true, get_health},
    {"GET", "/readyz", false, true, get_ready},
    {"GET", "/admin/v1/calls", true, false, get_calls},
    {"POST", "/admin/v1/calls", false, false, post_call},
    {"DELETE", "/admin/v1/calls", true, false, delete_call},
    {"POST", "/admin/v1/reload", false, false, admin_post_reload},
    {"POST", "/admin/v1/drain", false, false, post_drain},
    {"GET", "/admin/v1/bundles", false, false, admin_get_bundles},
    {"POST", "/admin/v1/bundles", false, false, admin_post_bundles},
    {"GET", "/metrics", false, false, admin_get_metrics},
};

/* Without a token we trust this machine, but not a web page that its browser shows: such a page can
 * have a name of its own lead here, which then stands in Host. */
static bool is_meant_for_us(const struct http_message *request)
{
    const char *host = http_header(request, "Host");
    char url[300];

    if (!host)
        return true;
    snprintf(url, sizeof url, "http://%s", host);
    return url_is_loopback(url);
}

static bool allowed(const struct host *s, const struct http_message *request)
{
    const char *auth = http_header(request, "Authorization");
    size_t n;

    if (!s->admin_token)
        return is_meant_for_us(request);
    if (!auth || strncmp(auth, "Bearer ", 7) != 0)
        return false;
    n = strlen(s->admin_token);
    return strlen(auth + 7) == n && CRYPTO_memcmp(auth + 7, s->admin_token, n) == 0;
}

void admin_handle(void *arg, struct http_call *call, const struct http_message *request)
{
    struct host *s = arg;
    size_t length = strcspn(request->url, "?");
    bool known = false;

    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        size_t n = strlen(routes[i].path);
        char rest[KEY_MAX] = "";

        if (length < n || strncmp(request->url, routes[i].path, n) != 0)
            continue;
        if (length > n) {
            if (!routes[i].below || request->url[n] != '/' || length - n > KEY_MAX)
                continue;
            memcpy(rest, request->url + n + 1, length - n - 1);
            rest[length - n - 1] = '\0';
        }
        known = true;
        if (strcmp(request->verb, routes[i].verb) != 0)
            continue;
        if (routes[i].open || allowed(s, request))
            routes[i].action(s, call, request, rest);
        else
            answer_error(call, s->admin_token ? 401 : 403,
                         s->admin_token ? "unauthorized" : "forbidden",
                         s->admin_token ? "a bearer token is needed"
                                        : "the Host of the request is not this machine");
        return;
    }
    answer_error(call, known ? 405 : 404, known ? "methodNotAllowed" : "notFound", request->url);
}
