#include "graph/wire_state.h"

#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GONE_MS = 3600 * 1000, /* a call whose legs all ended is forgotten then, END or not */
    AGAIN_MS = 60 * 1000,  /* a keepAlive that failed is sent again                     */
    REASON_MS = 2000,      /* the service tells why a call is over, some time after it is */
};

/* --- legs --------------------------------------------------------------------------------------
 */

struct leg *wire_leg_find(const struct call *c, int number)
{
    struct list *it, *next;

    list_each (it, next, &c->legs) {
        struct leg *l = list_entry(it, struct leg, link);
        if (l->number == number)
            return l;
    }
    return NULL;
}

struct leg *wire_leg_by_id(const struct wire *w, const char *id)
{
    return map_get(&w->ids, id);
}

void wire_leg_path(const struct leg *l, char out[WIRE_PATH_MAX])
{
    if (l->number)
        snprintf(out, WIRE_PATH_MAX, "%s.%d", l->call->key, l->number);
    else
        text_copy(out, WIRE_PATH_MAX, l->call->key);
}

struct leg *wire_leg_by_path(const struct wire *w, const char *path_key, bool *ended)
{
    size_t n = strcspn(path_key, ".");
    char name[KEY_MAX + 1], whole[WIRE_PATH_MAX];
    struct call *c;
    struct leg *l;
    long number;

    *ended = false;
    if (n >= KEY_MAX)
        return NULL;
    name[0] = '/';
    memcpy(name + 1, path_key, n);
    name[n + 1] = '\0';
    c = map_get(&w->calls, name + 1);
    if (!c) {
        *ended = wire_ended_lately(w, name);
        return NULL;
    }
    number = path_key[n] ? strtol(path_key + n + 1, NULL, 10) : 0;
    l = number >= 0 && number <= INT_MAX ? wire_leg_find(c, (int)number) : NULL;
    if (!l)
        return NULL;
    wire_leg_path(l, whole); /* one spelling of a number only */
    return strcmp(whole, path_key) == 0 ? l : NULL;
}

static void check(struct wire *w, struct leg *l, const char *method)
{
    struct command c = {.kind = COMMAND_METHOD, .leg = l->number, .method = method};

    strcpy(c.key, l->call->key);
    if (!l->check && wire_request_start(w, REQUEST_CHECK, l->call, l, &c))
        wire_timer_arm(w, &l->timer, w->now + AGAIN_MS);
}

/* The service has not told why in time. Answers wait for this: without memory it is tried soon. */
static void say_gone(struct wire *w, struct leg *l)
{
    if (!l->call->over &&
        !wire_leg_report_gone(w, l, "the service does not know the call any more"))
        wire_timer_arm(w, &l->timer, w->now + REASON_MS);
}

static void leg_wake(struct wire *w, struct timer *t)
{
    struct leg *l = list_entry(t, struct leg, timer);
    struct call *c = l->call;
    struct list *it, *next;

    if (l->gone && !l->ended) {
        say_gone(w, l);
        return;
    }
    if (!l->ended) {
        check(w, l, "keepAlive");
        return;
    }
    list_each (it, next, &c->legs) {
        struct leg *other = list_entry(it, struct leg, link);
        if (other->id && !other->ended)
            return; /* that one's end looks again */
    }
    wire_log_call(w, "warn", c->key, "over for an hour and never closed; forgotten");
    wire_call_forget(w, c);
}

int wire_leg_new(struct wire *w, struct call *c, int number, struct leg **out)
{
    struct leg *l = calloc(1, sizeof *l);

    if (!l || wire_reserve(w, 1)) {
        free(l);
        return ERR_NOMEM;
    }
    l->call = c;
    l->number = number;
    l->timer.fire = leg_wake;
    list_init(&l->doubts);
    list_append(&c->legs, &l->link);
    *out = l;
    return 0;
}

/* How an address names `id` when the service's spelling is not known: dashed, as in its examples.
 */
static char *spell(const char *id)
{
    char guid[37];

    if (strlen(id) != 32 || strspn(id, "0123456789abcdef") != 32)
        return strdup(id);
    snprintf(guid, sizeof guid, "%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12, id + 16, id + 20);
    return strdup(guid);
}

int wire_leg_bind(struct wire *w, struct leg *l, const char *id, const char *spelled)
{
    bool same = l->id && strcmp(l->id, id) == 0;
    char *own, *url;

    if (same && !spelled)
        return 0;
    if (!same && wire_leg_by_id(w, id))
        return ERR_EXISTS;
    own = same ? l->id : strdup(id);
    url = id_equal(spelled, id) ? strdup(spelled) : spell(id);
    if (!own || !url || (!same && !l->call->over && map_put(&w->ids, own, l))) {
        if (!same)
            free(own);
        free(url);
        return ERR_NOMEM;
    }
    if (!l->id && !l->call->over) {
        w->live++;
        wire_timer_arm(w, &l->timer, w->now + w->cfg.keepalive_ms);
    } else if (!same && l->id) {
        wire_log_call(w, "warn", l->call->key, "the service renamed leg %d from %s to %s",
                      l->number, l->id, id);
        map_remove(&w->ids, l->id);
        wire_shard_unbind(w, l->id);
    }
    if (!same && !l->call->over)
        wire_shard_bind(w, id);
    if (!same)
        free(l->id);
    free(l->spelled);
    l->id = own;
    l->spelled = url;
    return 0;
}

static void settle_doubts(struct wire *w, struct leg *l)
{
    while (!list_empty(&l->doubts)) {
        struct action *a = list_entry(l->doubts.next, struct action, link);

        list_remove(&a->link);
        a->a.event.time = w->now;
        if (l->call->over)
            wire_action_free(a);
        else
            wire_action_push(w, a);
    }
}

void wire_leg_end(struct wire *w, struct leg *l)
{
    if (l->ended || l->call->over)
        return;
    l->ended = true;
    if (l->id)
        w->live--;
    wire_timer_arm(w, &l->timer, w->now + GONE_MS);
    settle_doubts(w, l);
}

void wire_leg_doubt(struct wire *w, struct leg *l, struct action *answer)
{
    list_append(&l->doubts, &answer->link);
    if (l->gone)
        return;
    check(w, l, "get");
    if (!l->check)
        settle_doubts(w, l); /* nobody can be asked */
}

bool wire_leg_report_gone(struct wire *w, struct leg *l, const char *why)
{
    struct action *a = wire_action_new(WIRE_EVENT);
    cJSON *result = cJSON_CreateObject();
    struct event *ev = a ? &a->a.event : NULL;

    if (!a || !result || json_set_int(result, "code", 404) || json_set_int(result, "subcode", 0) ||
        json_set_str(result, "message", why) || !(ev->data = cJSON_CreateObject()) ||
        json_set_str(ev->data, "state", "terminated")) {
        cJSON_Delete(result);
        wire_action_free(a);
        return false;
    }
    if (json_set(ev->data, "resultInfo", result)) { /* frees it */
        wire_action_free(a);
        return false;
    }
    ev->kind = EVENT_CALL;
    ev->change = CHANGE_DELETED;
    ev->time = w->now;
    ev->leg = l->number;
    strcpy(ev->key, l->call->key);
    strcpy(ev->call_id, l->id);
    wire_action_push(w, a);
    wire_leg_end(w, l);
    return true;
}

static void judge(struct wire *w, struct leg *l, const char *method, int status)
{
    int64_t again = w->cfg.keepalive_ms < AGAIN_MS ? w->cfg.keepalive_ms : AGAIN_MS;

    if (status == 404) {
        wire_log_call(w, "info", l->call->key, "%s says that leg %d is gone", method, l->number);
        l->gone = true;
        wire_timer_arm(w, &l->timer, w->now + REASON_MS);
    } else if (status / 100 == 2) {
        wire_timer_arm(w, &l->timer, w->now + w->cfg.keepalive_ms);
    } else {
        wire_log_call(w, "warn", l->call->key, "%s of leg %d failed with status %d", method,
                      l->number, status);
        wire_timer_arm(w, &l->timer, w->now + again);
    }
}

void wire_leg_checked(struct wire *w, struct leg *l, const char *method, int status)
{
    if (!l->ended && !l->call->over)
        judge(w, l, method, status);
    if (!l->gone || l->call->over)
        settle_doubts(w, l);
}

/* --- calls -------------------------------------------------------------------------------------
 */

struct call *wire_call_find(const struct wire *w, const char *key)
{
    return map_get(&w->calls, key);
}

int wire_call_new(struct wire *w, const char *key, const char *tenant, struct call **out)
{
    struct call *c;
    struct leg *l;

    if (w->calls.n >= WIRE_CALLS_MAX)
        return ERR_LIMIT;
    c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    list_init(&c->legs);
    list_init(&c->requests);
    list_init(&c->held);
    list_init(&c->over_link);
    strcpy(c->key, key);
    wire_guid(w, c->scenario);
    c->tenant = strdup(tenant);
    if (!c->tenant || wire_leg_new(w, c, 0, &l) || map_put(&w->calls, c->key, c)) {
        wire_call_free(w, c);
        return ERR_NOMEM;
    }
    *out = c;
    return 0;
}

int wire_call_start(struct wire *w, const char *what, cJSON *resource, const char *flow,
                    const char *tenant, struct action *a, struct call **out)
{
    unsigned char bytes[16];
    char key[KEY_MAX], seed[17];
    cJSON *data = cJSON_CreateObject();
    struct call *c;
    int err;

    do {
        wire_random(w, bytes, sizeof bytes);
        hex_encode(key, bytes, sizeof bytes);
    } while (!wire_shard_takes(w, key));
    wire_random(w, bytes, 8);
    hex_encode(seed, bytes, 8);
    err = data ? 0 : ERR_NOMEM;
    if (!err)
        err = json_set_str(data, "direction", strcmp(what, "call") ? "outgoing" : "incoming");
    if (!err)
        err = json_set_str(data, "seed", seed);
    if (!err && flow)
        err = json_set_str(data, "flow", flow);
    if (!err)
        err = json_set_str(data, "tenant", tenant);
    if (!err && resource) {
        err = json_set(data, what, resource);
        resource = NULL; /* taken over or freed */
    }
    cJSON_Delete(resource);
    if (!err)
        err = wire_call_new(w, key, tenant, &c);
    if (err) {
        cJSON_Delete(data);
        return err;
    }
    event_fini(&a->a.event);
    a->a.event.kind = EVENT_START;
    a->a.event.time = w->now;
    a->a.event.data = data;
    strcpy(a->a.event.key, key);
    *out = c;
    return 0;
}

/* Whether request `r` must go on although nobody waits for its answer. */
static bool goes_on(const struct request *r)
{
    if (r->method && strcmp(r->method->name, "delete") == 0)
        return true;
    return !wire_request_revocable(r);
}

void wire_call_forget(struct wire *w, struct call *c)
{
    struct list *it, *next;

    list_each (it, next, &c->legs) {
        struct leg *l = list_entry(it, struct leg, link);

        wire_timer_stop(w, &l->timer);
        if (!l->id)
            continue;
        if (!l->ended)
            w->live--;
        wire_ended_add(w, "", l->id);
        map_remove(&w->ids, l->id);
    }
    wire_ended_add(w, "/", c->key);
    map_remove(&w->calls, c->key);
    while (!list_empty(&c->held))
        wire_held_answer(w, list_entry(c->held.next, struct held, link), 202, NULL);
    c->over = true;
    list_append(&w->over, &c->over_link);
    list_each (it, next, &c->requests) {
        struct request *r = list_entry(it, struct request, link);
        if (!goes_on(r))
            wire_request_drop(w, r);
    }
    wire_call_settle(w, c);
}

void wire_call_settle(struct wire *w, struct call *c)
{
    if (c->over && list_empty(&c->requests))
        wire_call_free(w, c);
}

void wire_call_free(struct wire *w, struct call *c)
{
    while (!list_empty(&c->requests))
        wire_request_drop(w, list_entry(c->requests.next, struct request, link));
    while (!list_empty(&c->held))
        wire_held_answer(w, list_entry(c->held.next, struct held, link), 202, NULL);
    while (!list_empty(&c->legs)) {
        struct leg *l = list_entry(c->legs.next, struct leg, link);

        list_remove(&l->link);
        wire_timer_stop(w, &l->timer);
        settle_doubts(w, l);
        wire_release(w, 1);
        free(l->id);
        free(l->spelled);
        free(l);
    }
    list_remove(&c->over_link);
    free(c->tenant);
    free(c->peer);
    free(c);
}
