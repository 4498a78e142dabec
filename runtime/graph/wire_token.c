#include "graph/wire_state.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

enum {
    TRIES = 3, /* as the vendor's samples do (limits §1) */
    PAUSE_MS = 1000,
    FETCH_MS = 10 * 1000,
    EARLY_MS =
        5 * 60 * 1000,    /* renewed that long before it expires, or after 3/4 of a short life */
    LATER_MS = 30 * 1000, /* between renewals that fail while the old one still serves         */
    LIFE_S = 3599,        /* when the authority does not say */
    LIFE_LEAST_S = 10,
    LIFE_MOST_S = 24 * 3600,
};

struct tenant {
    char *name;
    char *bearer; /* the header's value; NULL = there is none */
    uint64_t generation;
    int64_t renew_at, expires_at;
    int tries;
    struct list waiting; /* requests, by token_link */
    struct sending sending;
    struct timer pause;
};

static bool is_idle(const struct tenant *t)
{
    return list_empty(&t->waiting) && !t->sending.id && !t->pause.entry.index;
}

void wire_tenant_free(struct wire *w, struct tenant *t)
{
    while (!list_empty(&t->waiting))
        list_remove(t->waiting.next);
    wire_sending_forget(w, &t->sending);
    wire_timer_stop(w, &t->pause);
    wire_release(w, 2);
    free(t->name);
    free(t->bearer);
    free(t);
}

/* --- asking the authority ----------------------------------------------------------------------
 */

static int encode(struct wire *w, const struct tenant *t, struct http_message *m)
{
    struct buf url = {0}, form = {0};
    int err;

    buf_fmt(&url, "%s/%s/oauth2/v2.0/token", w->cfg.authority, t->name);
    buf_str(&form, "client_id=");
    buf_urlencode(&form, w->cfg.app_id ? w->cfg.app_id : "");
    buf_str(&form, "&scope=");
    buf_urlencode(&form, w->cfg.graph_url);
    buf_urlencode(&form, "/.default");
    buf_str(&form, "&client_secret=");
    buf_urlencode(&form, w->cfg.app_secret ? w->cfg.app_secret : "");
    buf_str(&form, "&grant_type=client_credentials");
    err = url.err | form.err ? ERR_NOMEM : http_request_init(m, "POST", url.p);
    if (!err)
        err = http_set_body(m, "application/x-www-form-urlencoded", form.p, form.n);
    if (err)
        http_fini(m);
    buf_fini(&url);
    buf_fini(&form);
    return err;
}

/* No token can be had: those that wait hear why. */
static void give_up(struct wire *w, struct tenant *t, const char *why)
{
    t->tries = 0;
    t->renew_at = w->now + LATER_MS;
    wire_log(w, "error", "no token for tenant %s: %s", t->name, why);
    while (!list_empty(&t->waiting)) {
        struct request *r = list_entry(t->waiting.next, struct request, token_link);

        list_remove(&r->token_link);
        wire_request_fail(w, r, "noToken", why);
    }
}

static void failed(struct wire *w, struct tenant *t, const char *why)
{
    if (t->tries < TRIES)
        wire_timer_arm(w, &t->pause, w->now + PAUSE_MS);
    else
        give_up(w, t, why);
}

static void fetch(struct wire *w, struct tenant *t)
{
    struct http_message m = {0};

    t->tries++;
    if (encode(w, t, &m) || wire_sending_start(w, &t->sending, &m, w->now + FETCH_MS)) {
        http_fini(&m);
        failed(w, t, "out of memory");
    }
}

static void pause_over(struct wire *w, struct timer *timer)
{
    fetch(w, list_entry(timer, struct tenant, pause));
}

/* --- its answer ---------------------------------------------------------------------------------
 */

static int take_token(struct wire *w, struct tenant *t, const cJSON *body, struct error *e)
{
    const char *token = json_str(body, "access_token"), *type = json_str(body, "token_type");
    int64_t life = json_int(body, "expires_in", LIFE_S), early;
    struct buf bearer = {0};

    if (!token || !token[0] || (type && strcasecmp(type, "Bearer") != 0))
        return error_set(e, ERR_INVALID, "the authority's answer holds no bearer token");
    for (const char *at = token; *at; at++) {
        if (*at <= ' ' || *at >= 0x7F)
            return error_set(e, ERR_INVALID, "the authority's token is not fit for a header");
    }
    if (buf_fmt(&bearer, "Bearer %s", token)) {
        buf_fini(&bearer);
        return error_set(e, ERR_NOMEM, "out of memory");
    }
    life = life < LIFE_LEAST_S ? LIFE_LEAST_S : life > LIFE_MOST_S ? LIFE_MOST_S : life;
    early = life * 1000 / 4 < EARLY_MS ? life * 1000 / 4 : EARLY_MS;
    free(t->bearer);
    t->bearer = buf_take(&bearer);
    t->generation++;
    t->expires_at = w->now + life * 1000;
    t->renew_at = t->expires_at - early;
    t->tries = 0;
    return 0;
}

static void serve_waiting(struct wire *w, struct tenant *t)
{
    struct list now;

    list_init(&now); /* one that is refused again joins a new round, not this one */
    while (!list_empty(&t->waiting)) {
        struct list *first = t->waiting.next;

        list_remove(first);
        list_append(&now, first);
    }
    while (!list_empty(&now)) {
        struct request *r = list_entry(now.next, struct request, token_link);

        list_remove(&r->token_link);
        wire_request_go_on(w, r, t->bearer, t->generation);
    }
}

/* The authority's reason: {"error","error_description"}. */
static void read_reason(const struct http_message *m, const cJSON *body, struct error *e)
{
    const char *code = json_str(body, "error"), *text = json_str(body, "error_description");

    if (!m->status)
        error_set(e, ERR_IO, "%s", m->body ? m->body : "no answer");
    else
        error_set(e, ERR_IO, "the authority answered %d %s: %.200s", m->status, code ? code : "",
                  text ? text : "");
}

static void answered(struct wire *w, struct sending *s, const struct http_message *response)
{
    struct tenant *t = list_entry(s, struct tenant, sending);
    struct error e = {"no answer in time"};
    cJSON *body = NULL;
    bool final = false;

    if (response) {
        if (!response->n || json_parse(&body, response->body, response->n, NULL))
            body = NULL;
        if (response->status != 200)
            read_reason(response, body, &e);
        else if (take_token(w, t, body, &e) == 0)
            e.text[0] = '\0';
        /* "You are not who you say" does not change within seconds. */
        final = response->status >= 400 && response->status < 500 && response->status != 429 &&
                response->status != 408;
    }
    cJSON_Delete(body);
    if (!e.text[0])
        serve_waiting(w, t);
    else if (final)
        give_up(w, t, e.text);
    else
        failed(w, t, e.text);
}

/* --- asking for one -----------------------------------------------------------------------------
 */

/* Make room by forgetting a tenant that nobody waits for. */
static bool evict(struct wire *w)
{
    for (size_t i = 0; i < w->tenants.n; i++) {
        struct tenant *t = w->tenants.entries[i].value;

        if (is_idle(t)) {
            map_remove(&w->tenants, t->name);
            wire_tenant_free(w, t);
            return true;
        }
    }
    return false;
}

static struct tenant *tenant_of(struct wire *w, const char *name)
{
    struct tenant *t = map_get(&w->tenants, name);

    if (t)
        return t;
    if (w->tenants.n >= WIRE_TENANTS_MAX && !evict(w))
        return NULL;
    t = calloc(1, sizeof *t);
    if (!t || wire_reserve(w, 2)) {
        free(t);
        return NULL;
    }
    list_init(&t->waiting);
    t->sending.done = answered;
    t->pause.fire = pause_over;
    t->name = strdup(name);
    if (!t->name || map_put(&w->tenants, name, t)) {
        wire_tenant_free(w, t);
        return NULL;
    }
    return t;
}

void wire_token_ask(struct wire *w, struct request *r)
{
    struct tenant *t = tenant_of(w, r->call->tenant);
    bool serves;

    if (!t) {
        wire_request_fail(w, r, "outOfMemory", "no room for another tenant's token");
        return;
    }
    serves = t->bearer && w->now < t->expires_at;
    if (!serves)
        list_append(&t->waiting, &r->token_link);
    if ((!serves || w->now >= t->renew_at) && !t->sending.id && !t->pause.entry.index)
        fetch(w, t);
    /* The renewal goes on behind; what there is serves until it expires. */
    if (serves)
        wire_request_go_on(w, r, t->bearer, t->generation);
}

void wire_token_refused(struct wire *w, const char *tenant, uint64_t generation)
{
    struct tenant *t = map_get(&w->tenants, tenant);

    if (!t || t->generation != generation)
        return; /* renewed meanwhile */
    free(t->bearer);
    t->bearer = NULL;
}
