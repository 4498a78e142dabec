/* The public listener of a worker: webhooks, and what the service fetches from us. */
#include "host/public_path.h"
#include "host/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A webhook, or a part of one, that is not answered yet. Where it was received it has a call;
 * elsewhere it is a part of one at `from`. */
struct webhook {
    struct list link;
    uint64_t id;
    struct http_call *call;
    struct worker *from;
    uint64_t from_id;
    unsigned parts;             /* answers still to come     */
    struct http_message answer; /* the worst of those so far */
};

/* What one worker hands to another about webhook `id` of `from`: all of it, a part, or, on the way
 * back, the answer. */
struct handover {
    struct errand errand;
    struct worker *from;
    uint64_t id;
    uint64_t began; /* hrtime of its arrival */
    char key[PUBLIC_NAME_MAX];
    char *authorization, *body;
    size_t n;
    struct wire_parcel *parcel;
    struct http_message answer;
};

static void refuse_webhook(struct worker *w, struct http_call *call, int status)
{
    metrics_webhook(&w->metrics, status);
    answer_status(call, status);
}

/* --- what waits for an answer --------------------------------------------------------------------
 */

static struct webhook *find(struct worker *w, uint64_t id)
{
    struct list *it, *next;

    list_each (it, next, &w->webhooks) {
        struct webhook *one = list_entry(it, struct webhook, link);

        if (one->id == id)
            return one;
    }
    return NULL;
}

static struct webhook *expect(struct worker *w, struct http_call *call, struct worker *from,
                              uint64_t from_id)
{
    struct webhook *one = malloc(sizeof *one);

    if (!one)
        return NULL;
    *one = (struct webhook){
        .id = ++w->next_webhook, .call = call, .from = from, .from_id = from_id, .parts = 1};
    list_append(&w->webhooks, &one->link);
    return one;
}

static void drop(struct webhook *one)
{
    list_remove(&one->link);
    http_fini(&one->answer);
    free(one);
}

void worker_forget(struct worker *w)
{
    while (!list_empty(&w->webhooks))
        drop(list_entry(w->webhooks.next, struct webhook, link));
}

/* --- to another worker and back
 * -------------------------------------------------------------------
 */

static void handover_free(struct handover *h)
{
    free(h->authorization);
    free(h->body);
    wire_parcel_free(h->parcel);
    http_fini(&h->answer);
    free(h);
}

static void arrive_back(struct errand *e, void *place)
{
    struct handover *h = list_entry(e, struct handover, errand);

    if (place)
        worker_answer(place, h->id, &h->answer);
    handover_free(h);
}

/* Without memory there is no answer: the listener's time for it runs out, and the service sends it
 * all again. */
static void send_back(struct worker *from, uint64_t id, const struct http_message *answer)
{
    struct handover *h = calloc(1, sizeof *h);

    if (!h)
        return;
    h->id = id;
    if (http_copy(&h->answer, answer))
        h->answer.status = answer->status;
    h->errand.run = arrive_back;
    errands_send(&from->errands, &h->errand);
}

static void take(struct worker *w, struct webhook *one, const char *key, const char *authorization,
                 const char *body, size_t n, uint64_t began)
{
    int err;

    w->metrics.webhook_began = began;
    err = engine_webhook(w->engine, one->id, key, authorization, body, n, worker_now(w));
    if (err)
        log_write(&w->host->log, LOG_ERROR, NULL, "webhook not taken: %s", error_name(err));
    worker_pump(w);
    w->metrics.webhook_began = 0;
}

static void take_parcel(struct worker *w, struct webhook *one, struct wire_parcel *p)
{
    int err = engine_parcel(w->engine, one->id, p, worker_now(w));

    if (err)
        log_write(&w->host->log, LOG_ERROR, NULL, "webhook not taken: %s", error_name(err));
    worker_pump(w);
}

static void arrive(struct errand *e, void *place)
{
    struct handover *h = list_entry(e, struct handover, errand);
    struct worker *w = place;
    struct webhook *one = w ? expect(w, NULL, h->from, h->id) : NULL;

    if (one && h->parcel) {
        take_parcel(w, one, h->parcel);
        h->parcel = NULL;
    } else if (one) {
        take(w, one, h->key, h->authorization, h->body, h->n, h->began);
    } else if (w) {
        send_back(h->from, h->id, &(struct http_message){.status = 503});
    }
    handover_free(h);
}

static struct handover *handover_new(struct worker *from, uint64_t id)
{
    struct handover *h = calloc(1, sizeof *h);

    if (h) {
        h->errand.run = arrive;
        h->from = from;
        h->id = id;
        h->began = uv_hrtime();
    }
    return h;
}

void worker_send_parcel(struct worker *w, uint64_t id, struct wire_parcel *p)
{
    struct webhook *one = find(w, id);
    struct handover *h = one ? handover_new(w, id) : NULL;

    if (!h) {
        if (one && one->answer.status < 503)
            one->answer.status = 503;
        wire_parcel_free(p);
        return;
    }
    one->parts++;
    h->parcel = p;
    errands_send(&w->host->workers[p->shard].errands, &h->errand);
}

/* A webhook at the callback address of a call that another worker has. */
static int send_whole(struct worker *w, struct worker *to, const struct webhook *one,
                      const char *key, const struct http_message *request)
{
    const char *authorization = http_header(request, "Authorization");
    struct handover *h = handover_new(w, one->id);

    if (!h)
        return ERR_NOMEM;
    strcpy(h->key, key);
    h->authorization = authorization ? strdup(authorization) : NULL;
    h->body = malloc(request->n + 1);
    if (!h->body || (authorization && !h->authorization)) {
        handover_free(h);
        return ERR_NOMEM;
    }
    if (request->n)
        memcpy(h->body, request->body, request->n);
    h->body[request->n] = '\0';
    h->n = request->n;
    errands_send(&to->errands, &h->errand);
    return 0;
}

/* The answer of one part counts when it is the worst. */
void worker_answer(struct worker *w, uint64_t id, const struct http_message *response)
{
    struct webhook *one = find(w, id);

    if (!one)
        return;
    if (--one->parts) {
        if (response->status > one->answer.status) {
            http_fini(&one->answer);
            if (http_copy(&one->answer, response))
                one->answer = (struct http_message){.status = response->status};
        }
        return;
    }
    if (response->status < one->answer.status)
        response = &one->answer;
    if (one->call) {
        metrics_webhook(&w->metrics, response->status);
        http_call_answer(one->call, response);
    } else {
        send_back(one->from, one->from_id, response);
    }
    drop(one);
}

static void take_webhook(struct worker *w, struct http_call *call,
                         const struct http_message *request, const char *key)
{
    struct worker *owner = key[0] ? &w->host->workers[id_shard(key, w->host->nworkers)] : w;
    struct webhook *one;

    if (!request_is_json(request)) {
        log_write(&w->host->log, LOG_WARN, NULL,
                  "webhook refused: its Content-Type is not application/json");
        refuse_webhook(w, call, 415);
        return;
    }
    one = expect(w, call, NULL, 0);
    if (!one) {
        refuse_webhook(w, call, 503);
    } else if (owner == w) {
        take(w, one, key, http_header(request, "Authorization"), request->body ? request->body : "",
             request->n, uv_hrtime());
    } else if (send_whole(w, owner, one, key, request)) {
        worker_answer(w, one->id, &(struct http_message){.status = 503});
    }
}

/* --- what is asked for ---------------------------------------------------------------------------
 */

static void serve_audio(struct worker *w, struct http_call *call, const struct public_path *asked)
{
    char *path = prompt_store_path(w->host->store, asked->store, asked->name);

    if (path)
        http_call_answer_file(
            call, path, asked->store == STORE_TEXT ? "text/plain; charset=utf-8" : "audio/wav");
    else
        answer_status(call, 404);
    free(path);
}

void worker_handle(void *arg, struct http_call *call, const struct http_message *request)
{
    struct worker *w = arg;
    struct public_path asked;

    public_path_parse(&asked, request->url);
    if (asked.kind == PUBLIC_WEBHOOK) {
        if (strcmp(request->verb, "POST") == 0)
            take_webhook(w, call, request, asked.name);
        else
            refuse_webhook(w, call, 405);
    } else if (asked.kind == PUBLIC_AUDIO) {
        if (strcmp(request->verb, "GET") == 0 || strcmp(request->verb, "HEAD") == 0)
            serve_audio(w, call, &asked);
        else
            answer_status(call, 405);
    } else {
        answer_status(call, 404);
    }
}
