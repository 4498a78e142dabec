#include "core/timer.h"

#include "core/machine.h"

#include <stdlib.h>

void timer_init(struct timer *t, void (*fire)(struct timer *t))
{
    *t = (struct timer){.fire = fire};
}

int timer_set(struct timer *t, struct call *call, int64_t at)
{
    struct alarm *a;

    timer_clear(t);
    a = calloc(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    if (heap_put(&call->core->timers, &a->entry, at)) {
        free(a);
        return ERR_NOMEM;
    }
    a->call = call;
    a->timer = t;
    a->seq = ++call->timer_seq;
    list_append(&call->timers, &a->link);
    t->alarm = a;
    return 0;
}

void timer_clear(struct timer *t)
{
    struct alarm *a = t->alarm;

    if (!a)
        return;
    heap_remove(&a->call->core->timers, &a->entry);
    list_remove(&a->link);
    free(a);
    t->alarm = NULL;
}
