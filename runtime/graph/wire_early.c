#include "graph/wire_state.h"

#include <stdlib.h>
#include <string.h>

/* --- events that wait for their call ------------------------------------------------------------
 */

static void early_remove(struct wire *w, struct action *a)
{
    list_remove(&a->link);
    w->nearly--;
    w->early_bytes -= a->bytes;
}

/* The oldest have waited long enough. */
static void early_overdue(struct wire *w, struct timer *t)
{
    while (!list_empty(&w->early)) {
        struct action *a = list_entry(w->early.next, struct action, link);

        if (a->expires > w->now) {
            wire_timer_arm(w, t, a->expires);
            return;
        }
        wire_log(w, "warn", "dropped a notification (%s) of call %s, which nobody knows",
                 event_kind_name(a->a.event.kind), a->a.event.call_id);
        early_remove(w, a);
        wire_action_free(a);
    }
}

void wire_early_add(struct wire *w, struct action *a, size_t bytes)
{
    if (w->nearly >= WIRE_EARLY_MAX || w->early_bytes + bytes > WIRE_EARLY_BYTES) {
        wire_log(w, "warn", "dropped a notification (%s) of call %s: too many wait for their call",
                 event_kind_name(a->a.event.kind), a->a.event.call_id);
        wire_action_free(a);
        return;
    }
    a->expires = w->now + w->cfg.early_ms;
    a->bytes = bytes;
    if (list_empty(&w->early))
        wire_timer_arm(w, &w->early_timer, a->expires);
    list_append(&w->early, &a->link);
    w->nearly++;
    w->early_bytes += bytes;
}

void wire_leg_deliver(struct wire *w, struct leg *l, struct action *a)
{
    struct event *ev = &a->a.event;

    strcpy(ev->key, l->call->key);
    ev->leg = l->number;
    ev->time = w->now;
    wire_action_push(w, a);
    if (ev->kind == EVENT_CALL && ev->change == CHANGE_DELETED)
        wire_leg_end(w, l);
}

void wire_leg_release(struct wire *w, struct leg *l)
{
    struct list *it, *next;

    list_each (it, next, &w->early) {
        struct action *a = list_entry(it, struct action, link);

        if (strcmp(a->a.event.call_id, l->id) == 0) {
            early_remove(w, a);
            wire_leg_deliver(w, l, a);
        }
    }
    if (list_empty(&w->early))
        wire_timer_stop(w, &w->early_timer);
}

/* --- joining notifications -----------------------------------------------------------------------
 */

void wire_held_answer(struct wire *w, struct held *h, int status, const cJSON *body)
{
    char *text = body ? json_text(body) : NULL;

    h->answer->a.message.status = status;
    if (body &&
        (!text || http_set_body(&h->answer->a.message, "application/json", text, strlen(text)))) {
        wire_log_call(w, "error", h->call->key,
                      "no memory for the reply to a joining notification");
        h->answer->a.message.status = 500;
    }
    free(text);
    wire_action_push(w, h->answer);
    list_remove(&h->link);
    wire_timer_stop(w, &h->timer);
    wire_release(w, 1);
    w->nheld--;
    free(h);
}

static void held_overdue(struct wire *w, struct timer *t)
{
    struct held *h = list_entry(t, struct held, timer);

    wire_log_call(w, "warn", h->call->key, "no reply to joining notification %lu in time",
                  (unsigned long)h->number);
    wire_held_answer(w, h, 202, NULL);
}

bool wire_held_open(struct wire *w, struct call *c, struct action *answer, uint32_t number)
{
    struct held *h;

    if (w->nheld >= WIRE_HELD_MAX || !(h = calloc(1, sizeof *h)))
        return false;
    if (wire_reserve(w, 1)) {
        free(h);
        return false;
    }
    h->call = c;
    h->number = number;
    h->answer = answer;
    h->timer.fire = held_overdue;
    list_append(&c->held, &h->link);
    w->nheld++;
    wire_timer_arm(w, &h->timer, w->now + w->cfg.reply_ms);
    return true;
}

void wire_early_init(struct wire *w)
{
    list_init(&w->early);
    w->early_timer.fire = early_overdue;
}

void wire_early_fini(struct wire *w)
{
    while (!list_empty(&w->early)) {
        struct action *a = list_entry(w->early.next, struct action, link);

        early_remove(w, a);
        wire_action_free(a);
    }
}
