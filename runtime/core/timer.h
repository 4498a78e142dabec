/*
 * A deadline of a call. The timer is embedded in the object that waits, and small, since most are
 * never set; while it is, an alarm stands for it in the machine's heap. It has a number, unique in
 * its call, by which the timer event names it: so that a replay, which asks no heap, fires the same
 * timers. Numbers are given in the order of setting.
 */
#ifndef IVORY_CORE_TIMER_H
#define IVORY_CORE_TIMER_H

#include "base/heap.h"
#include "base/list.h"

struct call;

struct timer {
    struct alarm *alarm; /* NULL = not set */
    void (*fire)(
        struct timer *t); /* runs inside the timer event's turn, after the timer is cleared */
};

struct alarm {
    struct heap_entry entry;
    struct list link; /* call->timers */
    struct call *call;
    struct timer *timer;
    uint32_t seq;
};

/* Begin as "not set". */
void timer_init(struct timer *t, void (*fire)(struct timer *t));

/* Set (again) to `at`, ms since the epoch, as a deadline of `call`. ERR_NOMEM leaves it cleared. */
int timer_set(struct timer *t, struct call *call, int64_t at);
void timer_clear(struct timer *t);

static inline bool timer_is_set(const struct timer *t)
{
    return t->alarm != NULL;
}

/* INT64_MAX when it is not set. */
static inline int64_t timer_at(const struct timer *t)
{
    return t->alarm ? t->alarm->entry.at : INT64_MAX;
}

#endif
