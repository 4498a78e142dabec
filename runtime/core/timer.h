/*
 * A deadline of a call. It is embedded in the object that waits, sits in the machine's heap, and
 * has a number, unique in its call, by which the timer event names it: so that a replay, which asks
 * no heap, fires the same timers. Numbers are given in the order of setting.
 */
#ifndef IVORY_CORE_TIMER_H
#define IVORY_CORE_TIMER_H

#include "base/heap.h"
#include "base/list.h"

struct call;

struct timer {
    struct heap_entry entry;
    struct list link; /* call->timers while set */
    struct call *call;
    uint32_t seq; /* 0 = not set */
    void (*fire)(
        struct timer *t); /* runs inside the timer event's turn, after the timer is cleared */
};

/* Begin as "not set". */
void timer_init(struct timer *t, struct call *call, void (*fire)(struct timer *t));

/* Set (again) to `at`, ms since the epoch. ERR_NOMEM leaves it cleared. */
int timer_set(struct timer *t, int64_t at);
void timer_clear(struct timer *t);

static inline bool timer_is_set(const struct timer *t)
{
    return t->seq != 0;
}

#endif
