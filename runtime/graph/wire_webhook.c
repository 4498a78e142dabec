#include "base/text.h"
#include "graph/notify.h"
#include "graph/wire_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { KEYS_WAIT_MS = 10 * 1000 };

/* A notification being taken in. Its texts are the caller's; one that waits has copies. */
struct webhook {
    struct list link; /* in w->waiting */
    int64_t expires;
    struct action *answer; /* NULL: given, or held back for a flow's reply */
    char *path_key, *authorization, *body;
    size_t n;
    char tenant[WIRE_TENANT_MAX]; /* of its token; empty when tokens are not checked */
    bool parcel;                  /* another wire received it: what is in it stays here */
    int later_s;                  /* a call in it is to be offered again after so long */
};

static void respond(struct wire *w, struct webhook *in, int status)
{
    in->answer->a.message.status = status;
    if (status == 401) /* lost when memory is out; the status is what counts */
        (void)http_set_header(&in->answer->a.message, "WWW-Authenticate", "Bearer");
    if (status == 503 && in->later_s) {
        char seconds[16];

        snprintf(seconds, sizeof seconds, "%d", in->later_s);
        (void)http_set_header(&in->answer->a.message, "Retry-After", seconds);
    }
    wire_action_push(w, in->answer);
    in->answer = NULL;
}

/* Keep the webhook open for the flow's reply to `ev`. Where that cannot be, it is answered as any
 * other and the reply will find nothing. */
static void hold(struct wire *w, struct webhook *in, struct call *c, struct event *ev)
{
    ev->seq = ++w->next_held;
    if (in->answer && wire_held_open(w, c, in->answer, ev->seq))
        in->answer = NULL;
}

/* --- what a notification says --------------------------------------------------------------------
 */

/* A call that somebody places to us. */
static bool is_offer(const struct event *ev)
{
    const char *state = json_str(ev->data, "state");
    const char *direction = json_str(ev->data, "direction");

    return ev->kind == EVENT_CALL && ev->change == CHANGE_CREATED && ev->call_id[0] &&
           (!state || strcasecmp(state, "incoming") == 0) &&
           (!direction || strcasecmp(direction, "incoming") == 0);
}

static const char *tenant_of_offer(struct wire *w, const struct webhook *in, const cJSON *call)
{
    const char *said = json_str(call, "tenantId");

    return in->tenant[0] ? in->tenant : wire_tenant_valid(said) ? said : w->cfg.tenant;
}

/* One call more may be one too many. The rest of the notification is taken all the same: it is
 * about calls in progress, and harmless when it comes again. */
static bool admitted(struct wire *w, struct webhook *in, const struct event *ev)
{
    int later_s =
        w->cfg.admit ? w->cfg.admit(w->cfg.hooks_arg, tenant_of_offer(w, in, ev->data)) : 0;

    if (later_s)
        in->later_s = later_s;
    return !later_s;
}

static int take_offer(struct wire *w, const struct webhook *in, struct action *a)
{
    const char *tenant = tenant_of_offer(w, in, a->a.event.data);
    char id[ID_MAX], spelled[ID_MAX] = "", owner[WIRE_TENANT_MAX];
    struct call *c = NULL;
    struct leg *l;
    cJSON *resource = a->a.event.data;
    int err;

    if (json_str(resource, "id") && strlen(json_str(resource, "id")) < sizeof spelled)
        strcpy(spelled, json_str(resource, "id"));
    strcpy(id, a->a.event.call_id);
    strcpy(owner, tenant); /* it may stand in the resource */
    a->a.event.data = NULL;
    err = wire_call_start(w, "call", resource, NULL, owner, a, &c);
    if (err)
        return err;
    l = wire_leg_find(c, 0);
    l->incoming = true;
    err = wire_leg_bind(w, l, id, spelled[0] ? spelled : NULL);
    if (!err && in->tenant[0] && !(c->peer = strdup(in->tenant)))
        err = ERR_NOMEM;
    if (err) {
        wire_call_forget(w, c);
        return err;
    }
    strcpy(a->a.event.call_id, id);
    wire_action_push(w, a);
    wire_leg_release(w, l);
    return 0;
}

/* The leg that `ev` is about, its id bound if the path tells more than we knew. */
static int find_leg(struct wire *w, struct leg *on_path, const struct event *ev, struct leg **out)
{
    struct leg *l = ev->call_id[0] ? wire_leg_by_id(w, ev->call_id) : on_path;
    int err;

    if (!l && on_path && !on_path->id) {
        err = wire_leg_bind(w, on_path, ev->call_id,
                            json_str(ev->kind == EVENT_CALL ? ev->data : NULL, "id"));
        if (err)
            return err;
        l = on_path;
        wire_leg_release(w, l);
    }
    *out = l;
    return 0;
}

/* One event of an accepted notification; `a` is taken over in any case. */
static int take_event(struct wire *w, struct webhook *in, struct leg *on_path, struct action *a)
{
    struct event *ev = &a->a.event;
    struct leg *l = NULL;
    int err = find_leg(w, on_path, ev, &l);

    if (err) {
        wire_action_free(a);
        return err;
    }
    if (l && in->tenant[0] && !l->call->peer && !(l->call->peer = strdup(in->tenant))) {
        wire_action_free(a);
        return ERR_NOMEM;
    }
    if (l && l->incoming && is_offer(ev)) {
        wire_action_free(a); /* offered again */
    } else if (l) {
        if (ev->kind == EVENT_JOINING)
            hold(w, in, l->call, ev);
        wire_leg_deliver(w, l, a);
    } else if (on_path) {
        wire_log_call(w, "warn", on_path->call->key, "dropped a notification that names call %s",
                      ev->call_id);
        wire_action_free(a);
    } else if (wire_ended_lately(w, ev->call_id)) {
        wire_action_free(a);
    } else if (is_offer(ev) && !admitted(w, in, ev)) {
        wire_action_free(a);
    } else if (is_offer(ev)) {
        err = take_offer(w, in, a);
        if (err)
            wire_action_free(a);
    } else {
        wire_early_add(w, a, in->n);
    }
    return err;
}

/* Mostly they are spelled alike. */
static bool same_tenant(const char *a, const char *b)
{
    return text_same(a, b) || id_equal(a, b);
}

/* Whether the token's tenant is that of every call the notification is about. */
static bool tenants_agree(struct wire *w, const struct webhook *in, const struct leg *on_path,
                          const struct event_list *events)
{
    if (!in->tenant[0])
        return true;
    if (on_path && on_path->call->peer && !same_tenant(on_path->call->peer, in->tenant))
        return false;
    for (size_t i = 0; i < events->n; i++) {
        const struct leg *l = wire_leg_by_id(w, events->items[i].call_id);

        if (l && l->call->peer && !same_tenant(l->call->peer, in->tenant))
            return false;
    }
    return true;
}

static int take_events(struct wire *w, struct webhook *in, struct leg *on_path,
                       struct event_list *events)
{
    for (size_t i = 0; i < events->n; i++) {
        struct action *a = wire_action_new(WIRE_EVENT);
        int err;

        if (!a)
            return ERR_NOMEM;
        a->a.event = events->items[i];
        events->items[i] = (struct event){0};
        err = take_event(w, in, on_path, a);
        if (err)
            return err;
    }
    return 0;
}

static int status_of(int err)
{
    return err == 0 ? 202 : err == ERR_LIMIT ? 503 : 500;
}

/* What was read of an accepted notification. Returns the status. What was taken in before an error
 * stays; the service sends it all again, and repetition does no harm. */
static int take_in(struct wire *w, struct webhook *in, struct leg *on_path,
                   struct event_list *events)
{
    int err = 0;

    if (!tenants_agree(w, in, on_path, events)) {
        wire_log(w, "warn", "notification refused: the token is of tenant %s, the call is not",
                 in->tenant);
        return 403;
    }
    if (!in->path_key[0] && !in->parcel)
        err = wire_share_out(w, in->answer->a.id, in->tenant, in->n, events);
    if (!err)
        err = take_events(w, in, on_path, events);
    if (err)
        wire_log(w, "error", "notification not taken: %s", error_name(err));
    return in->later_s ? 503 : status_of(err);
}

/* Whether somebody takes a call that is told of at an address of nobody's. */
static bool is_taken(struct wire *w, struct webhook *in, const struct event_list *events,
                     bool ended)
{
    char key[KEY_MAX];

    if (!w->cfg.stray || strlen(in->path_key) != KEY_MAX - 1 ||
        strspn(in->path_key, "0123456789abcdef") != KEY_MAX - 1)
        return false;
    strcpy(key, in->path_key);
    for (size_t i = 0; i < events->n; i++) {
        const struct event *ev = &events->items[i];
        const char *state = json_str(ev->data, "state");

        if (!ev->call_id[0] || wire_ended_lately(w, ev->call_id) ||
            (ev->kind == EVENT_CALL &&
             (ev->change == CHANGE_DELETED || (state && strcasecmp(state, "terminated") == 0))))
            continue;
        return w->cfg.stray(w->cfg.stray_arg, key, ev->call_id,
                            in->tenant[0] ? in->tenant : w->cfg.tenant, ended);
    }
    return false;
}

/* The token was found good: read the body. */
static void accept(struct wire *w, struct webhook *in)
{
    struct event_list events = {0};
    struct leg *on_path = NULL;
    bool ended = false;
    struct error e = {""};
    int status, err = notify_decode(in->body, in->n, &events, &e);

    if (in->path_key[0])
        on_path = wire_leg_by_path(w, in->path_key, &ended);
    if (err && !events.n) {
        status = err == ERR_NOMEM ? 500 : 400;
        wire_log(w, "warn", "notification refused: %s", e.text);
    } else if (in->path_key[0] && !on_path) {
        status = is_taken(w, in, &events, ended) || ended ? 202 : 404;
        if (status == 404)
            wire_log(w, "warn", "notification refused: no call %.40s", in->path_key);
    } else {
        if (err)
            wire_log(w, "warn", "part of a notification was skipped: %s", e.text);
        status = take_in(w, in, on_path, &events);
    }
    event_list_fini(&events);
    if (in->answer)
        respond(w, in, status);
}

/* --- waiting for keys ----------------------------------------------------------------------------
 */

static void waiting_free(struct wire *w, struct webhook *in)
{
    list_remove(&in->link);
    w->nwaiting--;
    w->waiting_bytes -= in->n;
    wire_action_free(in->answer);
    free(in->path_key);
    free(in->authorization);
    free(in->body);
    free(in);
}

static void waiting_overdue(struct wire *w, struct timer *t)
{
    while (!list_empty(&w->waiting)) {
        struct webhook *in = list_entry(w->waiting.next, struct webhook, link);

        if (in->expires > w->now) {
            wire_timer_arm(w, t, in->expires);
            return;
        }
        wire_log(w, "error", "notification refused: the service's keys did not come in time");
        respond(w, in, 503);
        waiting_free(w, in);
    }
}

/* Copy `in` into the queue. ERR_LIMIT, ERR_NOMEM. */
static int wait_for_keys(struct wire *w, struct webhook *in)
{
    struct webhook *own;

    if (w->nwaiting >= WIRE_WAITING_MAX || w->waiting_bytes + in->n > WIRE_WAITING_BYTES)
        return ERR_LIMIT;
    own = calloc(1, sizeof *own);
    if (!own)
        return ERR_NOMEM;
    list_init(&own->link);
    own->path_key = strdup(in->path_key);
    own->authorization = in->authorization ? strdup(in->authorization) : NULL;
    own->body = malloc(in->n + 1);
    if (!own->path_key || (in->authorization && !own->authorization) || !own->body) {
        free(own->path_key);
        free(own->authorization);
        free(own->body);
        free(own);
        return ERR_NOMEM;
    }
    if (in->n)
        memcpy(own->body, in->body, in->n);
    own->body[in->n] = '\0';
    own->n = in->n;
    own->answer = in->answer;
    in->answer = NULL;
    own->expires = w->now + KEYS_WAIT_MS;
    if (list_empty(&w->waiting))
        wire_timer_arm(w, &w->waiting_timer, own->expires);
    list_append(&w->waiting, &own->link);
    w->nwaiting++;
    w->waiting_bytes += own->n;
    return 0;
}

/* `may_wait`: it has not waited yet. */
static void judge(struct wire *w, struct webhook *in, bool may_wait)
{
    struct error e = {""};

    switch (wire_keys_judge(w, in->authorization, in->tenant, &e)) {
    case VERDICT_GOOD:
        accept(w, in);
        return;
    case VERDICT_BAD:
        wire_log(w, "warn", "notification refused: %s", e.text);
        respond(w, in, 401);
        return;
    case VERDICT_WAIT:
        if (may_wait && wait_for_keys(w, in) == 0)
            return;
        break;
    case VERDICT_UNSURE:
        break;
    }
    wire_log(w, "error", "notification refused: its token cannot be checked now");
    respond(w, in, 503);
}

void wire_webhooks_judge(struct wire *w)
{
    struct list now;

    list_init(&now);
    wire_timer_stop(w, &w->waiting_timer);
    while (!list_empty(&w->waiting)) {
        struct list *first = w->waiting.next;

        list_remove(first);
        list_append(&now, first);
    }
    while (!list_empty(&now)) {
        struct webhook *in = list_entry(now.next, struct webhook, link);

        judge(w, in, false);
        waiting_free(w, in);
    }
}

void wire_webhooks_init(struct wire *w)
{
    list_init(&w->waiting);
    w->waiting_timer.fire = waiting_overdue;
}

void wire_webhooks_fini(struct wire *w)
{
    while (!list_empty(&w->waiting))
        waiting_free(w, list_entry(w->waiting.next, struct webhook, link));
}

int wire_webhook_take(struct wire *w, uint64_t id, const char *path_key, const char *authorization,
                      const char *body, size_t n)
{
    struct webhook in = {.path_key = (char *)path_key,
                         .authorization = (char *)authorization,
                         .body = (char *)(body ? body : ""),
                         .n = body ? n : 0};

    in.answer = wire_action_new(WIRE_ANSWER);
    if (!in.answer)
        return ERR_NOMEM;
    in.answer->a.id = id;
    if (!path_key)
        in.path_key = "";
    if (n > NOTIFY_MAX_BODY) {
        wire_log(w, "warn", "notification refused: a body of %zu bytes", n);
        respond(w, &in, 413);
    } else {
        judge(w, &in, true);
    }
    return 0;
}

int wire_take_parcel(struct wire *w, uint64_t id, struct wire_parcel *p, int64_t now)
{
    struct webhook in = {.path_key = "", .n = p->bytes, .parcel = true};
    int status;

    wire_advance(w, now);
    in.answer = wire_action_new(WIRE_ANSWER);
    if (!in.answer)
        return ERR_NOMEM;
    in.answer->a.id = id;
    memcpy(in.tenant, p->tenant, sizeof in.tenant);
    status = take_in(w, &in, NULL, &p->events);
    wire_parcel_free(p);
    if (in.answer)
        respond(w, &in, status);
    return 0;
}
