#include "graph/wire_state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* --- actions ---------------------------------------------------------------------------------- */

struct action *wire_action_new(enum wire_action_kind kind)
{
    struct action *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    list_init(&a->link);
    a->a.kind = kind;
    return a;
}

void wire_action_push(struct wire *w, struct action *a)
{
    list_append(&w->actions, &a->link);
}

void wire_action_free(struct action *a)
{
    if (!a)
        return;
    wire_action_fini(&a->a);
    free(a);
}

void wire_action_fini(struct wire_action *a)
{
    http_fini(&a->message);
    event_fini(&a->event);
    free(a->text);
    wire_parcel_free(a->parcel);
    *a = (struct wire_action){0};
}

bool wire_next(struct wire *w, struct wire_action *out)
{
    struct action *a;

    if (list_empty(&w->actions))
        return false;
    a = list_entry(w->actions.next, struct action, link);
    list_remove(&a->link);
    *out = a->a;
    free(a);
    return true;
}

static void say(struct wire *w, const char *level, const char *key, const char *fmt, va_list ap)
{
    struct action *a = wire_action_new(WIRE_LOG);
    struct error text;

    error_vset(&text, 0, fmt, ap);
    wire_plain(text.text);
    if (!a || !(a->a.text = strdup(text.text))) {
        wire_action_free(a);
        return;
    }
    a->a.level = level;
    text_copy(a->a.event.key, sizeof a->a.event.key, key);
    wire_action_push(w, a);
}

void wire_log(struct wire *w, const char *level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(w, level, "", fmt, ap);
    va_end(ap);
}

void wire_log_call(struct wire *w, const char *level, const char *key, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(w, level, key, fmt, ap);
    va_end(ap);
}

/* --- timers ----------------------------------------------------------------------------------- */

int wire_reserve(struct wire *w, size_t n)
{
    if (heap_reserve(&w->timers, w->reserved + n))
        return ERR_NOMEM;
    w->reserved += n;
    return 0;
}

void wire_release(struct wire *w, size_t n)
{
    CHECK(w->reserved >= n);
    w->reserved -= n;
}

void wire_timer_arm(struct wire *w, struct timer *t, int64_t at)
{
    CHECK(heap_put(&w->timers, &t->entry, at) == 0);
}

void wire_timer_stop(struct wire *w, struct timer *t)
{
    heap_remove(&w->timers, &t->entry);
}

int64_t wire_next_deadline(const struct wire *w)
{
    const struct heap_entry *e = heap_first(&w->timers);

    return e ? e->at : INT64_MAX;
}

void wire_advance(struct wire *w, int64_t now)
{
    if (now > w->now)
        w->now = now;
}

int wire_tick(struct wire *w, int64_t now)
{
    struct heap_entry *e;

    wire_advance(w, now);
    while ((e = heap_first(&w->timers)) && e->at <= w->now) {
        struct timer *t = list_entry(e, struct timer, entry);

        heap_remove(&w->timers, e);
        t->fire(w, t);
    }
    return 0;
}

/* --- requests under way ------------------------------------------------------------------------
 */

static void sending_name(char out[17], uint64_t id)
{
    hex_encode(out, &id, sizeof id);
}

void wire_sending_forget(struct wire *w, struct sending *s)
{
    char name[17];

    if (!s->id)
        return;
    sending_name(name, s->id);
    map_remove(&w->sendings, name);
    wire_timer_stop(w, &s->timer);
    s->id = 0;
}

void wire_sending_abort(struct wire *w, struct sending *s)
{
    struct action *a;

    if (!s->id)
        return;
    a = wire_action_new(
        WIRE_ABORT); /* without it the driver's answer meets nobody, which is fine too */
    if (a) {
        a->a.id = s->id;
        wire_action_push(w, a);
    }
    wire_sending_forget(w, s);
}

static void sending_overdue(struct wire *w, struct timer *t)
{
    struct sending *s = list_entry(t, struct sending, timer);

    wire_sending_abort(w, s);
    s->done(w, s, NULL);
}

int wire_sending_start(struct wire *w, struct sending *s, struct http_message *m, int64_t deadline)
{
    struct action *a = wire_action_new(WIRE_SEND);
    char name[17];

    CHECK(!s->id);
    sending_name(name, w->next_id);
    if (!a || map_put(&w->sendings, name, s)) {
        wire_action_free(a);
        return ERR_NOMEM;
    }
    s->id = w->next_id++;
    s->deadline = deadline;
    s->timer.fire = sending_overdue;
    wire_timer_arm(w, &s->timer, deadline);
    a->a.id = s->id;
    a->a.deadline = deadline;
    a->a.message = *m;
    *m = (struct http_message){0};
    wire_action_push(w, a);
    return 0;
}

int wire_response(struct wire *w, uint64_t id, const struct http_message *response, int64_t now)
{
    struct sending *s;
    char name[17];

    wire_advance(w, now);
    sending_name(name, id);
    s = map_get(&w->sendings, name);
    if (!s)
        return 0; /* given up meanwhile */
    wire_sending_forget(w, s);
    s->done(w, s, response);
    return 0;
}
