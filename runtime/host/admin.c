/*
 * The admin listener: health for a load balancer, and what the command line asks a running service.
 * Bound to loopback by default; with admin.token_file every path but the health ones wants the
 * bearer token.
 */
#include "host/admin.h"

#include "base/json.h"
#include "graph/joinlink.h"
#include "host/host_hooks.h"
#include "host/host_journal.h"
#include "host/leave.h"
#include "host/recover.h"
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

static void get_ready(struct host *s, struct http_call *call, const struct http_message *request,
                      const char *rest)
{
    cJSON *body = cJSON_CreateObject();
    struct core *core = engine_core(s->engine);
    struct error e = {""};
    bool written = host_journal_health(s, &e) == 0;
    bool draining = leave_refuses(s->leave) != 0;
    bool ready = written && !s->stopping && !draining && core_bundle(core);

    (void)request, (void)rest;
    if (!body || json_set(body, "ready", cJSON_CreateBool(ready)) ||
        json_set_str(body, "bundle", core_bundle(core) ? core_bundle(core)->id : "") ||
        json_set_int(body, "calls", (int64_t)core_calls(core)) ||
        json_set_int(body, "recovering", (int64_t)engine_recovering(s->engine)) ||
        (draining && json_set(body, "draining", cJSON_CreateTrue())) ||
        (bundles_refused(s->bundles) &&
         json_set(body, "refused", cJSON_Duplicate(bundles_refused(s->bundles), true))) ||
        (!written && json_set_str(body, "journal", e.text))) {
        cJSON_Delete(body);
        body = NULL;
    }
    answer_json(call, ready ? 200 : 503, body);
}

static void get_calls(struct host *s, struct http_call *call, const struct http_message *request,
                      const char *rest)
{
    cJSON *list = core_describe(engine_core(s->engine), *rest ? rest : NULL);

    (void)request;
    if (*rest && cJSON_GetArraySize(list) == 0) {
        cJSON_Delete(list);
        answer_error(call, 404, "notFound", "no such call in progress");
    } else {
        answer_json(call, 200, list);
    }
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

/* POST {"flow":name, "target":text}: place a call (joinlink.h says what a target is). */
static void post_call(struct host *s, struct http_call *call, const struct http_message *request,
                      const char *rest)
{
    struct error e = {""};
    cJSON *body = NULL, *create = NULL, *answer;
    const char *flow, *target;
    char key[KEY_MAX];
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
    if (!err && !core_has_flow(engine_core(s->engine), flow))
        err = error_set(&e, ERR_NOTFOUND, "no flow \"%.100s\"", flow);
    if (err) {
        answer_error(call, err == ERR_NOTFOUND ? 404 : 400, error_name(err), e.text);
        cJSON_Delete(create);
        cJSON_Delete(body);
        return;
    }
    if (put_off(s, call)) {
        cJSON_Delete(create);
        cJSON_Delete(body);
        return;
    }
    err = engine_dial(s->engine, flow, create, host_now(s), key);
    answer = err ? NULL : cJSON_CreateObject();
    if (answer && json_set_str(answer, "key", key)) {
        cJSON_Delete(answer);
        answer = NULL;
    }
    answer_json(call, 202, answer);
    cJSON_Delete(body);
    host_pump(s);
}

static void delete_call(struct host *s, struct http_call *call, const struct http_message *request,
                        const char *rest)
{
    int err = engine_signal(s->engine, rest, "hangup", host_now(s));

    (void)request;
    if (err)
        answer_error(call, err == ERR_NOTFOUND ? 404 : 500, error_name(err),
                     "no such call in progress");
    else
        answer_status(call, 202);
    host_pump(s);
}

static void post_drain(struct host *s, struct http_call *call, const struct http_message *request,
                       const char *rest)
{
    cJSON *body = cJSON_CreateObject();

    (void)request, (void)rest;
    leave_drain(s->leave, "drain");
    if (body && json_set_int(body, "calls", (int64_t)core_calls(engine_core(s->engine)))) {
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
