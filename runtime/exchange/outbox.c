#include "exchange/outbox.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_WAITING = 1000,
    TRIES = 4,
    UNHEARD_MS = 30000,
    REORDER_MS = 300, /* how long a held one waits for a successor */
};

struct notice {
    struct list link;
    struct outbox *box;
    uint64_t id;
    char *url, *body;
    int tries;
    bool fault_drawn; /* the dice of delay and reorder fall once per notification */
    outbox_done *done;
};

static void pump(struct switchboard *s, struct outbox *o, int64_t now);

static struct notice *first(struct outbox *o)
{
    return list_entry(o->queue.next, struct notice, link);
}

static void discard(struct switchboard *s, struct notice *n)
{
    char key[24];

    board_key(key, n->id);
    if (n->id)
        map_remove(&s->notices, key);
    list_remove(&n->link);
    n->box->n--;
    free(n->url);
    free(n->body);
    free(n);
}

/* The first notification is through, or given up. */
static void finish(struct switchboard *s, struct outbox *o, bool delivered, const char *body,
                   size_t size, int64_t now)
{
    struct notice *n = first(o);
    outbox_done *done = n->done;

    o->flying = false;
    board_timer_stop(s, &o->timer);
    discard(s, n);
    if (done)
        done(s, o->owner, delivered, body, size, now);
    pump(s, o, now);
}

static void failed(struct switchboard *s, struct outbox *o, int64_t now)
{
    struct notice *n = first(o);

    o->flying = false;
    if (++n->tries == TRIES) {
        board_action(s, SWITCH_LOST, NULL, n->url, NULL, 0);
        finish(s, o, false, NULL, 0, now);
        return;
    }
    o->held = true;
    board_timer_set(s, &o->timer, now + (INT64_C(1000) << (n->tries - 1)));
}

static void timer_fires(struct switchboard *s, void *owner, int64_t now)
{
    struct outbox *o = owner;

    if (o->flying) {
        failed(s, o, now);
        return;
    }
    o->held = false;
    pump(s, o, now);
}

static void launch(struct switchboard *s, struct outbox *o, int64_t now)
{
    struct notice *n = first(o);
    char key[24];

    if (n->id) {
        board_key(key, n->id);
        map_remove(&s->notices, key);
    }
    n->id = board_action(s, SWITCH_NOTIFY, NULL, n->url, n->body, 0);
    board_key(key, n->id);
    if (map_put(&s->notices, key, n))
        board_nomem(s);
    o->flying = true;
    board_timer_set(s, &o->timer, now + UNHEARD_MS);
    if (n->tries == 0 && board_chance(s, s->cfg.faults.repeat))
        board_action(s, SWITCH_NOTIFY, NULL, n->url, n->body, 0);
}

/* Draw the faults of the first notification. True when it is not to be sent now. */
static bool disturbed(struct switchboard *s, struct outbox *o, int64_t now)
{
    const struct switchboard_faults *f = &s->cfg.faults;
    struct notice *n = first(o);

    if (n->fault_drawn)
        return false;
    n->fault_drawn = true;
    if (board_chance(s, f->drop)) {
        /* As if it were lost on the way and nobody noticed. */
        finish(s, o, true, NULL, 0, now);
        return true;
    }
    if (board_chance(s, f->delay) && f->delay_ms > 0) {
        o->held = true;
        board_timer_set(s, &o->timer,
                        now + 1 + (int64_t)random_below(&s->random, (uint64_t)f->delay_ms));
        return true;
    }
    if (board_chance(s, f->reorder)) {
        if (o->n > 1) {
            list_remove(&n->link);
            /* behind the one that was second */
            n->link.next = o->queue.next->next;
            n->link.prev = o->queue.next;
            n->link.prev->next = n->link.next->prev = &n->link;
            first(o)->fault_drawn = true;
            return false;
        }
        o->held = true;
        board_timer_set(s, &o->timer, now + REORDER_MS);
        return true;
    }
    return false;
}

static void pump(struct switchboard *s, struct outbox *o, int64_t now)
{
    if (o->flying || o->held)
        return;
    if (list_empty(&o->queue)) {
        o->drained(s, o->owner);
        return;
    }
    if (!disturbed(s, o, now))
        launch(s, o, now);
}

void outbox_init(struct outbox *o, void (*drained)(struct switchboard *, void *), void *owner)
{
    *o = (struct outbox){.drained = drained, .owner = owner};
    list_init(&o->queue);
    board_timer_init(&o->timer, timer_fires, o);
}

void outbox_fini(struct switchboard *s, struct outbox *o)
{
    while (!list_empty(&o->queue))
        discard(s, first(o));
    board_timer_stop(s, &o->timer);
}

bool outbox_empty(const struct outbox *o)
{
    return list_empty(&o->queue);
}

void outbox_add(struct switchboard *s, struct outbox *o, const char *url, const char *body,
                bool must, outbox_done *done, int64_t now)
{
    struct notice *n;

    if (!url || !body || (o->n >= MAX_WAITING && !must))
        return;
    n = calloc(1, sizeof *n);
    if (!n) {
        board_nomem(s);
        return;
    }
    n->box = o;
    n->done = done;
    board_set(s, &n->url, url);
    board_set(s, &n->body, body);
    list_append(&o->queue, &n->link);
    o->n++;
    if (o->held && !o->flying && o->n == 2 && first(o)->tries == 0 && s->cfg.faults.reorder > 0) {
        /* The held one has got its successor: let that overtake. */
        struct notice *old = first(o);

        list_remove(&old->link);
        list_append(&o->queue, &old->link);
        n->fault_drawn = true;
        o->held = false;
        board_timer_stop(s, &o->timer);
    }
    pump(s, o, now);
}

void outbox_early(struct switchboard *s, const char *url, const char *body)
{
    struct switchboard_action *a;
    uint64_t id = board_action(s, SWITCH_NOTIFY, NULL, url, body, 0);

    a = board_last_action(s);
    if (a && a->id == id)
        a->early = true;
}

int switchboard_notified(struct switchboard *s, uint64_t id, int status, const char *body, size_t n,
                         int64_t now)
{
    struct notice *notice;
    char key[24];

    board_key(key, id);
    notice = map_get(&s->notices, key);
    if (notice && notice->box->flying && first(notice->box) == notice) {
        if (status >= 200 && status < 300)
            finish(s, notice->box, true, body, n, now);
        else
            failed(s, notice->box, now);
    }
    return board_leave(s, 0);
}
