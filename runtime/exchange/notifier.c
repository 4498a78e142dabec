#include "base/buf.h"
#include "base/random.h"
#include "core/bundle.h"
#include "exchange/service_state.h"

#include <stdlib.h>
#include <string.h>

enum {
    NOTIFY_MS = 20000,
    FETCH_MS = 15000,
    TOKEN_MS = 3900 * 1000, /* how long a token is good (inbound-auth.md)...     */
    RENEW_MS = 600 * 1000,  /* ...and how long before its end a new one is made  */
};

/* A request of ours under way; its address is the client's id for it. */
struct flight {
    struct list link;
    uint64_t id; /* the switchboard's */
    bool fetch;
    struct held *held; /* the answer that waits for it, or NULL */
};

/* --- answers that wait ----------------------------------------------------------------------- */

static void let_go(struct held *h)
{
    list_remove(&h->link);
    http_call_answer(h->call, &h->response);
    http_fini(&h->response);
    free(h);
}

void notifier_hold_begin(struct exchange_service *s, struct http_call *call,
                         struct http_message *response)
{
    struct held *h = calloc(1, sizeof *h);

    if (!h) { /* without memory the order is not kept */
        http_call_answer(call, response);
        http_fini(response);
        return;
    }
    h->call = call;
    h->response = *response;
    *response = (struct http_message){0};
    list_append(&s->held, &h->link);
    s->answering = h;
}

void notifier_hold_end(struct exchange_service *s)
{
    struct held *h = s->answering;

    s->answering = NULL;
    if (h && h->early == 0)
        let_go(h);
}

/* --- requests -------------------------------------------------------------------------------- */

static struct flight *flight_new(struct exchange_service *s, uint64_t id, bool fetch)
{
    struct flight *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->id = id;
    f->fetch = fetch;
    list_append(&s->flights, &f->link);
    return f;
}

static void land(struct flight *f)
{
    struct held *h = f->held;

    list_remove(&f->link);
    free(f);
    if (h && --h->early == 0)
        let_go(h);
}

/* The token of the notifications, made anew in time. NULL: no memory. */
static const char *bearer(struct exchange_service *s, int64_t now)
{
    struct buf b = {0};
    char *token;

    if (s->bearer && now < s->bearer_end - RENEW_MS)
        return s->bearer;
    token = jwt_sign(s->signer, "https://api.botframework.com", s->app_id, s->tenant, now / 1000);
    if (token)
        buf_fmt(&b, "Bearer %s", token);
    free(token);
    if (!token || b.err)
        return NULL;
    free(s->bearer);
    s->bearer = buf_take(&b);
    s->bearer_end = now + TOKEN_MS;
    return s->bearer;
}

static int make_notification(struct exchange_service *s, const struct switchboard_action *a,
                             int64_t now, struct http_message *m)
{
    const char *token = bearer(s, now);
    unsigned char bytes[16];
    char scenario[37];
    int err = token ? http_request_init(m, "POST", a->url) : ERR_NOMEM;

    random_bytes(bytes, sizeof bytes);
    guid_format(scenario, bytes);
    if (!err)
        err = http_set_body(m, "application/json; charset=utf-8", a->body, strlen(a->body));
    if (!err)
        err = http_set_header(m, "Authorization", token);
    if (!err)
        err = http_set_header(m, "Scenario-Id", scenario);
    if (!err)
        err = http_set_header(m, "User-Agent", "Ivory-Exchange/1.0");
    return err;
}

void notifier_post(struct exchange_service *s, const struct switchboard_action *a, int64_t now)
{
    struct http_message m = {0};
    struct flight *f = flight_new(s, a->id, false);
    int err = f ? make_notification(s, a, now, &m) : ERR_NOMEM;

    if (f && a->early && s->answering) {
        f->held = s->answering;
        f->held->early++;
    }
    if (!err)
        err = http_client_send(s->client, (uintptr_t)f, &m, NOTIFY_MS);
    http_fini(&m);
    if (!err)
        return;
    if (f) {
        if (f->held)
            f->held->early--; /* notifier_hold_end will see it */
        list_remove(&f->link);
        free(f);
    }
    switchboard_notified(s->board, a->id, 0, NULL, 0, now);
}

void notifier_fetch(struct exchange_service *s, const struct switchboard_action *a, int64_t now)
{
    struct http_message m = {0};
    struct flight *f = flight_new(s, a->id, true);
    int err = f ? http_request_init(&m, "GET", a->url) : ERR_NOMEM;

    if (!err)
        err = http_client_send(s->client, (uintptr_t)f, &m, FETCH_MS);
    http_fini(&m);
    if (!err)
        return;
    if (f) {
        list_remove(&f->link);
        free(f);
    }
    switchboard_fetched(s->board, a->id, -1, now);
}

static void fetched(struct exchange_service *s, const struct flight *f,
                    const struct http_message *m, int64_t now)
{
    struct error e = {""};
    int64_t ms = -1;
    size_t at, n;

    if (m->status != 200)
        log_write(s->cfg.log, LOG_WARN, NULL, "exchange: a prompt cannot be fetched: %s",
                  m->status ? "not answered with 200"
                  : m->body ? m->body
                            : "no answer");
    else if (wav_check(m->body ? m->body : "", m->n, &ms, &at, &n, &e)) {
        log_write(s->cfg.log, LOG_WARN, NULL, "exchange: a prompt cannot be played: %s", e.text);
        ms = -1;
    }
    switchboard_fetched(s->board, f->id, ms, now);
}

void notifier_done(void *arg, uint64_t id, const struct http_message *m)
{
    struct exchange_service *s = arg;
    struct flight *f = (struct flight *)(uintptr_t)id;
    int64_t now = service_now();

    if (f->fetch) {
        fetched(s, f, m, now);
    } else {
        if (m->status < 200 || m->status > 299)
            log_write(s->cfg.log, LOG_WARN, NULL, "exchange: a notification was not taken: %d %.*s",
                      m->status, m->status ? 0 : 200, m->body ? m->body : "");
        switchboard_notified(s->board, f->id, m->status, m->body, m->n, now);
    }
    land(f);
    service_pump(s);
}

void notifier_fini(struct exchange_service *s)
{
    struct list *it, *tmp;

    list_each (it, tmp, &s->flights)
        free(list_entry(it, struct flight, link));
    list_each (it, tmp, &s->held) {
        struct held *h = list_entry(it, struct held, link);
        http_fini(&h->response); /* the server has answered the call itself */
        free(h);
    }
    free(s->bearer);
}
