#include "host/traffic.h"

#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 5 /* until the answer to a request is there                        */
#define NOTIFY_MS 6 /* until a notification is there                                 */
#define EARLY_MS  2 /* until one is there that shall overtake the answer to a request */
#define BRIEF_MS  1

enum delivery_kind { DELIVER_ANSWER, DELIVER_WEBHOOK, DELIVER_NOTIFIED, DELIVER_FETCHED };

/* Something under way. */
struct delivery {
    struct heap_entry due;
    enum delivery_kind kind;
    uint64_t id;                 /* of the request, the notification or the fetch           */
    struct http_message message; /* the answer, or the notification                         */
    int64_t ms;                  /* FETCHED                                                 */
};

static void delivery_free(struct delivery *d)
{
    if (!d)
        return;
    http_fini(&d->message);
    free(d);
}

void traffic_init(struct traffic *t)
{
    memset(t, 0, sizeof *t);
    map_init(&t->hooks, 0);
    map_init(&t->recordings, 0);
}

void traffic_fini(struct traffic *t)
{
    struct heap_entry *first;

    while ((first = heap_first(&t->under_way))) {
        heap_remove(&t->under_way, first);
        delivery_free(list_entry(first, struct delivery, due));
    }
    heap_fini(&t->under_way);
    for (size_t i = 0; i < t->hooks.n; i++)
        delivery_free(t->hooks.entries[i].value);
    map_fini(&t->hooks);
    for (size_t i = 0; i < t->recordings.n; i++)
        free(t->recordings.entries[i].value);
    map_fini(&t->recordings);
    mocks_fini(&t->mocks);
}

/* Send something on its way; moves `m` (may be NULL). */
static int deliver(struct traffic *t, enum delivery_kind kind, uint64_t id, struct http_message *m,
                   int64_t ms, int64_t at)
{
    struct delivery *d = calloc(1, sizeof *d);

    if (d) {
        d->kind = kind;
        d->id = id;
        d->ms = ms;
        if (m) {
            d->message = *m;
            memset(m, 0, sizeof *m);
        }
        if (heap_put(&t->under_way, &d->due, at) == 0)
            return 0;
        delivery_free(d);
    }
    if (m)
        http_fini(m);
    return ERR_NOMEM;
}

/* --- from the engine ------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static int token(struct http_message *out)
{
    static const char body[] =
        "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"test\"}";

    out->status = 200;
    return http_set_body(out, "application/json", body, sizeof body - 1);
}

static int no_answer(struct http_message *out, const char *why)
{
    http_fini(out);
    memset(out, 0, sizeof *out);
    return http_set_body(out, "text/plain", why, strlen(why));
}

int traffic_crashed(struct traffic *t, struct engine *engine, int64_t now)
{
    int rc = 0;

    t->engine = engine;
    for (size_t i = 0; i < t->under_way.n;) {
        struct delivery *d = list_entry(t->under_way.entries[i], struct delivery, due);

        if (d->kind == DELIVER_ANSWER) {
            heap_remove(&t->under_way, &d->due);
            delivery_free(d);
            i = 0; /* the heap has been put in order anew */
        } else {
            i++;
        }
    }
    while (t->hooks.n && rc == 0) {
        struct delivery *d = map_remove(&t->hooks, t->hooks.entries[0].key);

        rc = heap_put(&t->under_way, &d->due, now + BRIEF_MS);
        if (rc < 0)
            delivery_free(d);
    }
    return rc;
}

static bool must_not_repeat(const struct http_message *request)
{
    const char *path = strstr(request->url, "/v1.0");
    const struct method *m;
    bool other;

    if (!path)
        path = strstr(request->url, "/beta");
    m = path ? method_route(request->verb, path + 5, NULL, &other) : NULL;
    return m && m->repeat == REPEAT_NEVER;
}

static int send_request(struct traffic *t, const struct engine_action *a, int64_t now)
{
    const struct http_message *request = &a->message;
    struct http_message answer = {0};
    int64_t delay = 0, at;
    int rc;

    t->never += must_not_repeat(request);
    if (begins(request->url, TRAFFIC_SERVICE "/"))
        rc = switchboard_request(t->board, request, now, &answer);
    else if (begins(request->url, TRAFFIC_LOGIN "/"))
        rc = token(&answer);
    else
        rc = mocks_answer(&t->mocks, request, &answer, &delay);
    at = now + ANSWER_MS + delay;
    if (rc == 0 && at > a->deadline) {
        at = a->deadline > now ? a->deadline : now + BRIEF_MS;
        rc = no_answer(&answer, "no answer in time");
    }
    if (rc < 0) {
        http_fini(&answer);
        return rc;
    }
    return deliver(t, DELIVER_ANSWER, a->id, &answer, 0, at);
}

static void forget_request(struct traffic *t, uint64_t id)
{
    for (size_t i = 0; i < t->under_way.n; i++) {
        struct delivery *d = list_entry(t->under_way.entries[i], struct delivery, due);

        if (d->kind == DELIVER_ANSWER && d->id == id) {
            heap_remove(&t->under_way, &d->due);
            delivery_free(d);
            return;
        }
    }
}

static void hook_name(char name[24], uint64_t id)
{
    snprintf(name, 24, "%llu", (unsigned long long)id);
}

/* The engine has answered a webhook: the switchboard hears of it. */
static int answer_webhook(struct traffic *t, uint64_t hook, struct http_message *answer,
                          int64_t now)
{
    struct delivery *d;
    uint64_t id;
    char name[24];

    hook_name(name, hook);
    d = map_remove(&t->hooks, name);
    if (!d)
        return 0;
    id = d->id;
    delivery_free(d);
    return deliver(t, DELIVER_NOTIFIED, id, answer, 0, now + BRIEF_MS);
}

int traffic_engine(struct traffic *t, struct engine_action *a, int64_t now)
{
    switch (a->kind) {
    case ENGINE_SEND:
        return send_request(t, a, now);
    case ENGINE_ABORT:
        forget_request(t, a->id);
        return 0;
    case ENGINE_ANSWER:
        return answer_webhook(t, a->id, &a->message, now);
    case ENGINE_PARCEL: /* there is one engine only */
    case ENGINE_LOG:
        break;
    }
    return 0;
}

/* --- from the switchboard -------------------------------------------------------------------- */

/* How long the WAV at `url` plays; -1: it is none of ours. */
static int64_t wav_length(const struct traffic *t, const char *url)
{
    const struct bundle_prompt *prompt;
    const int64_t *recording;
    char hash[65] = "";

    if (sscanf(url, TRAFFIC_BOT "/prompts/%64[0-9a-f]/", hash) == 1) {
        prompt = bundle_prompt_by_hash(t->bundle, hash);
        return prompt ? prompt->ms : -1;
    }
    if (sscanf(url, TRAFFIC_BOT "/recordings/%64[0-9a-f].wav", hash) == 1) {
        recording = map_get(&t->recordings, hash);
        return recording ? *recording : -1;
    }
    return -1;
}

int traffic_switch(struct traffic *t, struct switchboard_action *a, int64_t now)
{
    struct http_message m = {0};
    int rc;

    if (a->kind == SWITCH_FETCH)
        return deliver(t, DELIVER_FETCHED, a->id, NULL, wav_length(t, a->url), now + BRIEF_MS);
    if (a->kind != SWITCH_NOTIFY)
        return 0;
    rc = http_request_init(&m, "POST", a->url);
    if (rc == 0)
        rc = http_set_body(&m, "application/json", a->body, strlen(a->body));
    if (rc < 0) {
        http_fini(&m);
        return rc;
    }
    return deliver(t, DELIVER_WEBHOOK, a->id, &m, 0, now + (a->early ? EARLY_MS : NOTIFY_MS));
}

/* --- arriving -------------------------------------------------------------------------------- */

/* Tell the switchboard that its notification could not be taken. */
static int not_taken(struct traffic *t, struct delivery *d, int status, int64_t now)
{
    int rc = switchboard_notified(t->board, d->id, status, NULL, 0, now);

    delivery_free(d);
    return rc;
}

/* Give the engine a notification; `d` is kept until the engine answers it. */
static int hand_webhook(struct traffic *t, struct delivery *d, int64_t now)
{
    const char *path = d->message.url;
    uint64_t hook = ++t->next_hook;
    char name[24];

    if (!begins(path, TRAFFIC_WEBHOOK))
        return not_taken(t, d, 404, now);
    path += strlen(TRAFFIC_WEBHOOK);
    path += *path == '/';
    hook_name(name, hook);
    if (map_put(&t->hooks, name, d) < 0)
        return not_taken(t, d, 503, now);
    if (engine_webhook(t->engine, hook, path, NULL, d->message.body, d->message.n, now) < 0 &&
        map_remove(&t->hooks, name))
        return not_taken(t, d, 503, now);
    return 0;
}

int traffic_arrive(struct traffic *t, int64_t now, bool *arrived)
{
    struct heap_entry *first = heap_first(&t->under_way);
    struct delivery *d;
    int rc = 0;

    *arrived = first && first->at <= now;
    if (!*arrived)
        return 0;
    heap_remove(&t->under_way, first);
    d = list_entry(first, struct delivery, due);
    switch (d->kind) {
    case DELIVER_WEBHOOK:
        return hand_webhook(t, d, now);
    case DELIVER_ANSWER:
        rc = engine_response(t->engine, d->id, &d->message, now);
        break;
    case DELIVER_NOTIFIED:
        rc = switchboard_notified(t->board, d->id, d->message.status, d->message.body, d->message.n,
                                  now);
        break;
    case DELIVER_FETCHED:
        rc = switchboard_fetched(t->board, d->id, d->ms, now);
        break;
    }
    delivery_free(d);
    return rc;
}

int64_t traffic_next_deadline(const struct traffic *t)
{
    struct heap_entry *first = heap_first(&t->under_way);

    return first ? first->at : INT64_MAX;
}

int traffic_keep_recording(void *arg, const char *hash, const void *p, size_t n)
{
    struct traffic *t = arg;
    size_t at, bytes;
    int64_t *ms;
    int rc;

    if (map_get(&t->recordings, hash))
        return 0;
    ms = malloc(sizeof *ms);
    if (!ms)
        return ERR_NOMEM;
    rc = wav_check(p, n, ms, &at, &bytes, NULL);
    if (rc == 0)
        rc = map_put(&t->recordings, hash, ms);
    if (rc < 0)
        free(ms);
    return rc;
}
