/* Waiting: the one way in which flow code gives up the processor, and gets it back. */
#include "core/machine.h"

#include <lauxlib.h>

struct fiber *fiber_current(lua_State *L)
{
    struct core *core = core_of(L);

    return core && core->running && core->running->co == L ? core->running : NULL;
}

struct fiber *fiber_need(lua_State *L, const char *what)
{
    struct fiber *f = fiber_current(L);

    if (!f)
        luaL_error(L, "%s works only inside a call, not while a file loads", what);
    return f;
}

static void deadline(struct timer *t)
{
    struct fiber *f = list_entry(t, struct fiber, timer);

    f->timed_out = true;
}

/* Put the running fiber to sleep on f->wait. */
static int suspend(lua_State *L, struct fiber *f);

/* The fiber runs again: raise what ends it, or push what it waited for. */
static int wake(lua_State *L, int status, lua_KContext ctx)
{
    struct fiber *f = fiber_current(L);
    int n;

    (void)status;
    (void)ctx;
    if (f->unwind && !f->unwound && !f->shield) {
        f->unwound = true;
        if (timer_set(&f->budget, f->call, f->call->now + f->call->core->cfg.limits.cleanup_ms))
            call_nomem(f->call);
        return unwind_raise(L, f->unwind,
                            f->unwind == UNWIND_HANGUP ? "the call is over" : "cancelled");
    }
    n = f->wait.finish(L, f);
    return n == WAIT_AGAIN ? suspend(L, f) : n;
}

static int suspend(lua_State *L, struct fiber *f)
{
    f->state = FIBER_WAITING;
    list_append(&f->call->waiting, &f->queue);
    f->call->core->waits++;
    return lua_yieldk(L, 0, 0, wake);
}

int fiber_wait(lua_State *L, const struct wait *w)
{
    struct fiber *f = fiber_need(L, w->what);
    const struct limits *limits = &f->call->core->cfg.limits;
    unsigned timers = 0;

    if (!lua_isyieldable(L))
        return luaL_error(L,
                          "%s waits, and nothing can wait here (inside a table.sort comparator, a "
                          "string.gsub callback, __tostring, or while a call is closed by force)",
                          w->what);
    f->wait = *w;
    f->timed_out = false;
    f->resumed = false;
    f->stopping = false;
    sandbox_where(L, f->where, sizeof f->where);
    if (f->wait.timeout_ms < 0)
        f->wait.timeout_ms = limits->wait_ms;
    if (w->ready(f) && (!f->unwind || f->unwound || f->shield)) {
        int n = w->finish(L, f);
        if (n != WAIT_AGAIN)
            return n;
    }
    for (struct list *it = f->call->timers.next; it != &f->call->timers; it = it->next)
        timers++;
    if (timers >= limits->timers)
        return luaL_error(L, "limit timers: more than %d deadlines pending", (int)limits->timers);
    if (timer_set(&f->timer, f->call, f->call->now + f->wait.timeout_ms)) {
        call_nomem(f->call);
        return luaL_error(L, "not enough memory");
    }
    f->timer.fire = deadline;
    if (f->unwind && !f->unwound && !f->shield && w->cancel) /* ended while it ran */
        f->stopping = w->cancel(f);
    return suspend(L, f);
}
