#include "core/fiber.h"

#include "base/text.h"

#include "core/machine.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deterministic bound on the fibers resumed in one turn, for spawning in a circle. */
enum { RESUMES_PER_TURN = 20000 };

static const char threads_key; /* registry: table thread → true, the anchors */

static void push_threads(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &threads_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &threads_key);
    }
}

static void budget_over(struct timer *t)
{
    struct fiber *f = list_entry(t, struct fiber, budget);

    if (f->shield && f->unwind && !f->unwound) { /* it had its time; now it goes like the rest */
        f->shield = 0;
        fiber_unshield(f);
        return;
    }
    call_log(f->call, "error", f->path, f->where,
             "limit cleanup_ms: %s did not end in time and is closed by force",
             f->role == ROLE_END ? "an onEnd handler" : "a fiber");
    fiber_kill(f);
}

/* The stream of a fiber depends on the call and on its path, not on how fibers interleave. */
static void seed_random(struct fiber *f)
{
    uint64_t h = f->call->seed ^ UINT64_C(0xcbf29ce484222325);

    for (const char *s = f->path; *s; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    random_seed(&f->random, h);
}

static struct fiber *fiber_alloc(struct call *call, struct fiber *parent, enum fiber_role role)
{
    struct fiber *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    if (parent && parent->step) {
        f->step = strdup(parent->step);
        f->step_number = parent->step_number;
        if (!f->step) {
            free(f);
            return NULL;
        }
    }
    f->call = call;
    f->parent = parent;
    f->role = role;
    if (parent)
        snprintf(f->path, sizeof f->path, "%.20s.%u", parent->path, ++parent->children);
    else
        snprintf(f->path, sizeof f->path, "%u", ++call->tops);
    seed_random(f);
    timer_init(&f->timer, NULL);
    timer_init(&f->budget, budget_over);
    list_append(&call->fibers, &f->link);
    list_append(&call->ready, &f->queue);
    f->state = FIBER_READY;
    if (parent) {
        parent->live++;
        f->number = parent->children;
    }
    return f;
}

/* The outermost frames are the machine's own. */
static void cut_own_frames(char *trace)
{
    static const char frame[] = "\n\t[C]: in ?";
    size_t n = trace ? strlen(trace) : 0;

    while (n >= sizeof frame && strcmp(trace + n - (sizeof frame - 1), frame) == 0)
        trace[n -= sizeof frame - 1] = '\0';
}

/* Message handler: keep the traceback of the place where it went wrong. */
static int trace(lua_State *L)
{
    struct fiber *f = fiber_current(L);

    if (f && !unwind_kind(L, 1) && !f->unwound) {
        luaL_traceback(L, L, NULL, 1);
        free(f->trace);
        f->trace = strdup(lua_tostring(L, -1));
        cut_own_frames(f->trace);
        lua_settop(L, 1);
    }
    return 1;
}

static int body_end(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    if (status != LUA_OK && status != LUA_YIELD)
        return lua_error(L);
    return lua_gettop(L) - 1;
}

/* What sandbox_fiber calls: the flow's function under the message handler. */
static int body(lua_State *L)
{
    lua_pushcfunction(L, trace);
    lua_insert(L, 1);
    return body_end(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, body_end), 0);
}

/* A coroutine for a fiber of `call`, anchored: one that served before, or a new one. A coroutine
 * with its stack is 2 KiB that would wait for the collector, and a cell full of calls that wait
 * collects seldom. Raises when memory is out. */
static lua_State *take_thread(lua_State *L, struct call *call)
{
    struct core_cell *cell = call->cell;
    lua_State *co;

    if (cell->nspare)
        return cell->spare[--cell->nspare];
    co = lua_newthread(L);
    push_threads(L);
    lua_pushvalue(L, -2);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 2);
    return co;
}

/* Nothing of what ran on it stays. One that was ended by force or by an error that nobody caught is
 * not used again: Lua may have left its hooks switched off. */
static void give_thread(lua_State *co, struct call *call, bool good)
{
    struct core_cell *cell = call->cell;

    lua_sethook(co, NULL, 0, 0);
    if (good && cell->nspare < SPARE_THREADS && lua_resetthread(co) == LUA_OK) {
        lua_settop(co, 0);
        cell->spare[cell->nspare++] = co;
        return;
    }
    /* Setting an existing key to nil allocates nothing; the stack slots were checked at spawn. */
    lua_settop(co, 0);
    push_threads(co);
    lua_pushthread(co);
    lua_pushnil(co);
    lua_rawset(co, -3);
    lua_settop(co, 0);
}

struct fiber *fiber_spawn(lua_State *L, struct call *call, struct fiber *parent,
                          enum fiber_role role, int nargs)
{
    unsigned live = 0;
    lua_State *co;
    struct fiber *f;

    for (struct list *it = call->fibers.next; it != &call->fibers; it = it->next)
        live += list_entry(it, struct fiber, link)->state != FIBER_DONE;
    if (live >= call->core->cfg.limits.fibers)
        luaL_error(L, "limit fibers: more than %d at once", (int)call->core->cfg.limits.fibers);
    if (parent && strlen(parent->path) > 20)
        luaL_error(L, "limit fibers: spawned too deep");
    luaL_checkstack(L, 5, NULL);
    co = take_thread(L, call);
    if (!lua_checkstack(co, nargs + 3)) {
        give_thread(co, call, true);
        luaL_error(L, "too many arguments");
    }
    f = fiber_alloc(call, parent, role);
    if (!f) {
        give_thread(co, call, true);
        luaL_error(L, "not enough memory");
        return NULL;
    }
    f->co = co;
    lua_pushcfunction(co, sandbox_fiber);
    lua_pushcfunction(co, body);
    lua_xmove(L, co, nargs + 1);
    return f;
}

/* The children of `f` stay behind without a parent, or go on under none. */
static void orphan(struct fiber *f)
{
    struct list *it, *tmp;

    list_each (it, tmp, &f->call->fibers) {
        struct fiber *child = list_entry(it, struct fiber, link);
        if (child->parent == f)
            child->parent = NULL;
    }
}

/* What sandbox_fiber returned stands on the stack: true and results, or false and the error. Keep
 * the results, or the error alone. */
static void returned(struct fiber *f)
{
    bool ok = lua_toboolean(f->co, 1);

    lua_remove(f->co, 1);
    f->returned = true;
    f->state = FIBER_ENDING;
    if (!ok && unwind_kind(f->co, 1) != UNWIND_NONE) {
        lua_settop(f->co, 0);
        f->unwind = f->unwind ? f->unwind : UNWIND_CANCEL;
    } else if (!ok && f->unwound) {
        /* A <close> handler failed on the way out: said, and no more. */
        call_log(f->call, "error", f->path, f->where, "in clean-up: %s",
                 lua_type(f->co, 1) == LUA_TSTRING ? lua_tostring(f->co, 1) : "an error");
        lua_settop(f->co, 0);
    } else {
        f->failed = !ok;
    }
    fiber_settle(f);
}

static const char *resume(struct fiber *f)
{
    struct call *call = f->call;
    struct core *core = call->core;
    struct cell *cell = call->cell->cell;
    const char *limit;
    int status, nres = 0;
    int nargs = f->started ? 0 : lua_gettop(f->co) - 1;

    f->started = true;
    f->state = FIBER_RUNNING;
    list_remove(&f->queue);
    timer_clear(&f->timer);
    core->running = f;
    core->pulse.running = cell;
    cell_enter(cell, f->co);
    status = lua_resume(f->co, cell_state(cell), nargs, &nres);
    limit = cell_leave(cell);
    if (limit)
        text_copy(core->overrun.where, sizeof core->overrun.where, cell_broken_where(cell));
    core->pulse.running = NULL;
    core->running = NULL;
    if (limit || status == LUA_YIELD)
        return limit;
    if (status == LUA_OK) {
        returned(f);
        return NULL;
    }
    /* Not even sandbox_fiber could catch it: memory. Closing leaves the error alone. */
    fiber_close(f);
    f->failed = true;
    f->state = FIBER_ENDING;
    fiber_settle(f);
    return NULL;
}

/* Whether a waiting fiber can go on. One that is to be unwound goes on only to be told so, and not
 * before its children have ended and what it waited for was stopped. */
static bool wakes(struct fiber *f)
{
    if (f->unwind && !f->unwound && !f->shield)
        return f->live == 0 && (!f->stopping || f->wait.ready(f));
    return f->timed_out || f->wait.ready(f);
}

static void wake_waiting(struct call *call)
{
    struct list *it, *tmp;

    list_each (it, tmp, &call->waiting) {
        struct fiber *f = list_entry(it, struct fiber, queue);

        if (!wakes(f))
            continue;
        list_remove(&f->queue);
        list_append(&call->ready, &f->queue);
        f->state = FIBER_READY;
    }
    list_each (it, tmp, &call->fibers) {
        struct fiber *f = list_entry(it, struct fiber, link);

        if (f->state == FIBER_ENDING)
            fiber_settle(f);
    }
}

const char *fibers_run(struct call *call)
{
    struct core *core = call->core;

    while (!call->broken) {
        const char *limit;

        if (list_empty(&call->ready))
            wake_waiting(call);
        if (list_empty(&call->ready))
            return NULL;
        call_mark(call);
        core->overrun.where[0] = '\0';
        if (call->resumes == RESUMES_PER_TURN)
            return "fibers";
        if (core->replay.key[0] && core->replay.resumes == call->resumes)
            return core->replay.limit;
        limit = resume(list_entry(call->ready.next, struct fiber, queue));
        if (limit)
            return limit;
        call->resumes++;
    }
    return NULL;
}

void fiber_free(struct fiber *f)
{
    if (f->state != FIBER_DONE)
        fiber_kill(f);
    orphan(f);
    named_drop(&f->call->core->handles, &f->named);
    list_remove(&f->link);
    give_thread(f->co, f->call, f->returned);
    free(f->trace);
    free(f->step);
    free(f);
}

void fibers_sweep(struct call *call)
{
    struct list *it, *tmp;

    list_each (it, tmp, &call->fibers) {
        struct fiber *f = list_entry(it, struct fiber, link);

        if (f->state == FIBER_DONE && f != call->main && !f->named.handles &&
            (!f->parent || !f->failed || f->surfaced))
            fiber_free(f);
    }
}

void fiber_refuse_dead(lua_State *L, struct fiber *f, const char *method)
{
    struct call *call = f->call;

    if (call->muted)
        luaL_error(L, "%s: the call was given up (limit %s)", method, call->limit);
    if (call->phase < PHASE_UNWIND && !call->legs[0]->ended)
        return;
    if (f->role == ROLE_END || f->shield)
        return; /* the caller raises an ordinary error, code "hangup" */
    f->unwind = f->unwind ? f->unwind : UNWIND_HANGUP;
    if (!f->unwound &&
        timer_set(&f->budget, f->call, call->now + call->core->cfg.limits.cleanup_ms))
        call_nomem(call);
    f->unwound = true;
    unwind_raise(L, f->unwind, "the call is over");
}
