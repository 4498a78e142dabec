/* Bundles and metrics, for the command line and for Prometheus. */
#include "base/json.h"
#include "host/admin.h"
#include "host/survey.h"

#include <stdlib.h>
#include <string.h>

/* A request that is answered when the flows are loaded. */
struct waiting {
    struct host *host;
    struct http_call *call;
};

static void loaded(void *arg, int err, const struct error *e)
{
    struct waiting *w = arg;
    struct host *s = w->host;
    struct http_call *call = w->call;
    cJSON *body;

    free(w);
    if (s->stopping) /* the listener has answered for us */
        return;
    if (err) {
        answer_error(call,
                     err == ERR_NOTFOUND ? 404
                     : err == ERR_NOMEM  ? 500
                                         : 409,
                     error_name(err), e->text);
        return;
    }
    body = cJSON_CreateObject();
    if (body && json_set_str(body, "bundle", bundles_active(s->bundles)->id)) {
        cJSON_Delete(body);
        body = NULL;
    }
    if (body && bundles_trial(s->bundles))
        (void)json_set_str(body, "trial", bundles_trial(s->bundles)->id);
    answer_json(call, 200, body);
}

static struct waiting *wait_for(struct host *s, struct http_call *call)
{
    struct waiting *w = malloc(sizeof *w);

    if (w)
        *w = (struct waiting){s, call};
    else
        answer_status(call, 500);
    return w;
}

void admin_post_reload(struct host *s, struct http_call *call, const struct http_message *request,
                       const char *rest)
{
    struct waiting *w = wait_for(s, call);

    (void)request, (void)rest;
    certificates_reload(s->certificates);
    if (w)
        bundles_reload(s->bundles, loaded, w);
}

static void say_bundles(struct survey *v, void *call, bool home)
{
    struct bundles *b = v->trip.host->bundles;

    if (!home)
        return;
    bundles_counted(b, v);
    answer_json(call, 200, bundles_describe(b));
}

void admin_get_bundles(struct host *s, struct http_call *call, const struct http_message *request,
                       const char *rest)
{
    (void)request, (void)rest;
    if (survey_begin(s, NULL, say_bundles, call))
        answer_status(call, 500);
}

void admin_post_bundles(struct host *s, struct http_call *call, const struct http_message *request,
                        const char *rest)
{
    struct error e = {""};
    cJSON *body = NULL;
    struct waiting *w;
    int err;

    (void)rest;
    if (!request_is_json(request)) { /* also keeps out forms of web pages, which cannot say so */
        answer_error(call, 415, "unsupportedMediaType", "the body must be application/json");
        return;
    }
    err = json_parse(&body, request->body ? request->body : "", request->n, &e);
    if (!err && !json_str(body, "id"))
        err = error_set(&e, ERR_INVALID, "id is required: the beginning of a bundle's id");
    if (err) {
        answer_error(call, 400, error_name(err), e.text);
    } else {
        w = wait_for(s, call);
        if (w)
            bundles_use(s->bundles, json_str(body, "id"), loaded, w);
    }
    cJSON_Delete(body);
}

static void say_metrics(struct survey *v, void *call, bool home)
{
    struct http_message m = {.status = 200};
    char *text = home ? metrics_text(v) : NULL;

    if (!home)
        return;
    if (!text || http_set_body(&m, "text/plain; version=0.0.4", text, strlen(text)))
        m.status = 500;
    http_call_answer(call, &m);
    http_fini(&m);
    free(text);
}

void admin_get_metrics(struct host *s, struct http_call *call, const struct http_message *request,
                       const char *rest)
{
    (void)request, (void)rest;
    if (survey_begin(s, NULL, say_metrics, call))
        answer_status(call, 500);
}
