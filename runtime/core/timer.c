#include "core/timer.h"

#include "core/machine.h"

void timer_init(struct timer *t, struct call *call, void (*fire)(struct timer *t))
{
    *t = (struct timer){.call = call, .fire = fire};
    list_init(&t->link);
}

int timer_set(struct timer *t, int64_t at)
{
    int err;

    timer_clear(t);
    err = heap_put(&t->call->core->timers, &t->entry, at);
    if (err)
        return err;
    t->seq = ++t->call->timer_seq;
    list_append(&t->call->timers, &t->link);
    return 0;
}

void timer_clear(struct timer *t)
{
    if (!t->seq)
        return;
    heap_remove(&t->call->core->timers, &t->entry);
    list_remove(&t->link);
    t->seq = 0;
}
