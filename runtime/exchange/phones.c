#include "exchange/phones.h"

#include "base/json.h"
#include "base/random.h"
#include "exchange/phone_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what happens on lines ------------------------------------------------------------------- */

/* An object with one member; NULL = no memory. */
static cJSON *with_str(const char *key, const char *value)
{
    cJSON *o = cJSON_CreateObject();

    if (o && json_set_str(o, key, value)) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

static cJSON *with_ms(cJSON *o, int64_t ms)
{
    if (o && json_set_int(o, "ms", ms)) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

/* The switchboard's own JSON, or an empty object. */
static cJSON *detail(const struct switchboard_action *a)
{
    cJSON *v = NULL;

    if (a->body && json_parse(&v, a->body, strlen(a->body), NULL) == 0 && cJSON_IsObject(v))
        return v;
    cJSON_Delete(v);
    return cJSON_CreateObject();
}

static void ring(struct phones *p, const struct switchboard_action *a, int64_t now)
{
    struct phone_line *to = phone_line_registered(p, a->url), *l;
    cJSON *what;

    l = phone_line_new(p, a->line, a->url, "ringing", now);
    if (!l) {
        switchboard_refuse(p->board, a->line, 480, now);
        return;
    }
    what = with_str("line", a->line);
    if (what && json_set_str(what, "address", a->url)) {
        cJSON_Delete(what);
        what = NULL;
    }
    if (to)
        phone_line_event(to, "ring", what, now);
    else
        cJSON_Delete(what);
}

static void change_state(struct phone_line *l, const struct switchboard_action *a, int64_t now)
{
    bool ended = strcmp(a->url, "ended") == 0, bad;
    cJSON *what = with_str("state", a->url), *more = detail(a);

    /* The end carries a result, other states say with whom. */
    if (ended) {
        bad = !what || json_set(what, "result", more);
        if (!what)
            cJSON_Delete(more);
    } else {
        bad = !what || !more || json_merge(what, more);
        cJSON_Delete(more);
    }
    if (bad) {
        cJSON_Delete(what);
        what = NULL;
    }
    snprintf(l->state, sizeof l->state, "%s",
             strcmp(a->url, "transferred") == 0 ? "connected" : a->url);
    if (ended)
        l->ended = now;
    phone_line_event(l, "state", what, now);
    if (ended)
        phone_line_poll_end(l);
}

void phones_action(struct phones *p, const struct switchboard_action *a, int64_t now)
{
    struct phone_line *l = phone_line_find(p, a->line);

    if (a->kind == SWITCH_RING) {
        ring(p, a, now);
        return;
    }
    if (!l)
        return;
    switch (a->kind) {
    case SWITCH_STATE:
        change_state(l, a, now);
        break;
    case SWITCH_PLAY:
        phone_line_event(l, "play", with_ms(with_str("url", a->url ? a->url : ""), a->ms), now);
        break;
    case SWITCH_STOP:
        phone_line_event(l, "stop", detail(a), now);
        break;
    case SWITCH_RECORD:
        phone_line_event(l, "record", with_ms(detail(a), a->ms), now);
        break;
    case SWITCH_TONES:
        phone_line_event(l, "tones", with_str("tones", a->url ? a->url : ""), now);
        break;
    default:
        break;
    }
}

/* --- time ------------------------------------------------------------------------------------ */

static int64_t deadline(const struct phone_line *l)
{
    int64_t at = l->ended  ? l->ended + PHONE_KEPT_MS
                 : l->left ? l->left + PHONE_LEFT_MS
                           : l->asked + PHONE_ASKED_MS;

    return l->poll && l->poll_end < at ? l->poll_end : at;
}

void phones_tick(struct phones *p, int64_t now)
{
    struct list *it, *tmp;

    list_each (it, tmp, &p->order) {
        struct phone_line *l = list_entry(it, struct phone_line, link);

        if (l->poll && http_call_peer_left(l->poll)) {
            phone_line_poll_end(l);
            l->left = now;
        }
        if (deadline(l) > now)
            continue;
        if (l->poll) {
            l->asked = now; /* it was asked about all the while */
            phone_line_poll_end(l);
        } else if (l->ended) {
            phone_line_free(p, l);
        } else if (l->registered) {
            phone_line_unregister(p, l, now);
        } else {
            /* The line ends by the action that follows; when the switchboard knows of none, now. */
            l->asked = now;
            l->left = 0;
            if (switchboard_hang_up(p->board, l->id, now))
                l->ended = now;
        }
    }
}

/* --- life ------------------------------------------------------------------------------------ */

int phones_new(struct phones **out, struct switchboard *board, bool anywhere, struct error *e)
{
    struct phones *p = calloc(1, sizeof *p);
    unsigned long long seed;

    if (!p)
        return error_set(e, ERR_NOMEM, "no memory for the phones");
    random_bytes(&seed, sizeof seed);
    map_init(&p->lines, seed);
    list_init(&p->order);
    p->board = board;
    p->anywhere = anywhere;
    *out = p;
    return 0;
}

void phones_free(struct phones *p)
{
    if (!p)
        return;
    while (!list_empty(&p->order))
        phone_line_free(p, list_entry(p->order.next, struct phone_line, link));
    map_fini(&p->lines);
    free(p);
}
