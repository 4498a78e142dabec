/* How fibers end: by themselves, with their scope, from outside, by force. */
#include "core/machine.h"

#include <stdlib.h>
#include <string.h>

static void done(struct fiber *f)
{
    f->state = FIBER_DONE;
    f->ended = ++f->call->ended;
    timer_clear(&f->timer);
    timer_clear(&f->budget);
    list_remove(&f->queue);
    if (f->role == ROLE_JOINING || f->role == ROLE_LEFT)
        call_hook_ended(f);
    if (f->parent)
        f->parent->live--;
}

/* The first child of `f` that failed without anybody having been told; NULL when there is none. */
static struct fiber *failed_child(struct fiber *f)
{
    struct list *it, *tmp;

    list_each (it, tmp, &f->call->fibers) {
        struct fiber *child = list_entry(it, struct fiber, link);
        if (child->parent == f && child->state == FIBER_DONE && child->failed && !child->surfaced)
            return child;
    }
    return NULL;
}

static void unwind_children(struct fiber *f, enum unwind how)
{
    struct list *it, *tmp;

    list_each (it, tmp, &f->call->fibers) {
        struct fiber *child = list_entry(it, struct fiber, link);
        if (child->parent == f && child->state != FIBER_DONE)
            fiber_unwind(child, how);
    }
}

void fiber_settle(struct fiber *f)
{
    struct fiber *child = failed_child(f);

    if (child && !f->failed && !f->unwind) { /* the scope ends with the child's error */
        child->surfaced = true;
        lua_settop(f->co, 0);
        if (lua_checkstack(child->co, 1) && lua_checkstack(f->co, 1)) {
            lua_pushvalue(child->co, 1);
            lua_xmove(child->co, f->co, 1);
        }
        f->failed = true;
        f->trace = child->trace;
        child->trace = NULL;
    }
    if (f->failed || f->unwind)
        unwind_children(f, f->unwind ? f->unwind : UNWIND_CANCEL);
    if (f->live == 0)
        done(f);
}

void fiber_close(struct fiber *f)
{
    struct call *call = f->call;
    struct core *core = call->core;
    bool muted = call->muted;

    call->muted = true;
    core->running = f;
    core->pulse.running = call->cell->cell;
    cell_enter(call->cell->cell, f->co);
    lua_resetthread(f->co);
    cell_leave(call->cell->cell);
    core->pulse.running = NULL;
    core->running = NULL;
    call->muted = muted;
}

void fiber_unwind(struct fiber *f, enum unwind how)
{
    if (f->state == FIBER_DONE || f->unwound || (f->unwind && f->unwind != UNWIND_CANCEL))
        return;
    if (f->unwind == how)
        return;
    f->unwind = how;
    if (f->shield) {
        if (!timer_is_set(&f->budget) &&
            timer_set(&f->budget, f->call, f->call->now + f->call->core->cfg.limits.cleanup_ms))
            call_nomem(f->call);
        return;
    }
    unwind_children(f, how);
    if (!f->started) {
        lua_settop(f->co, 0);
        f->state = FIBER_ENDING;
        list_remove(&f->queue);
        fiber_settle(f);
    } else if (f->state == FIBER_WAITING && f->wait.cancel && !f->stopping) {
        f->stopping = f->wait.cancel(f);
    } else if (f->state == FIBER_READY) {
        list_remove(&f->queue); /* its children end first */
        list_append(&f->call->waiting, &f->queue);
        f->state = FIBER_WAITING;
    }
}

void fiber_unshield(struct fiber *f)
{
    enum unwind how = f->unwind;

    if (!how || f->unwound || f->shield)
        return;
    f->unwind = UNWIND_NONE;
    fiber_unwind(f, how);
}

void fiber_kill(struct fiber *f)
{
    struct list *it, *tmp;

    if (f->state == FIBER_DONE)
        return;
    list_each (it, tmp, &f->call->fibers) {
        struct fiber *child = list_entry(it, struct fiber, link);
        if (child->parent == f)
            fiber_kill(child);
    }
    f->unwind = UNWIND_LIMIT;
    f->unwound = true;
    fiber_close(f);
    lua_settop(f->co, 0);
    done(f);
}
