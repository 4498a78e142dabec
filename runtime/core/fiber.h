/*
 * Fibers: the coroutines of a call. Runnable ones run first in, first out, until all wait; there is
 * one place that resumes. A waiting fiber holds one `struct wait`, which says in C what it waits
 * for
 * (`ready`, asked after every event) and how the result gets into Lua (`finish`, run inside the
 * protected coroutine, so that memory running out there fails the flow and not the process).
 *
 * A fiber does not end before the fibers it spawned have. Ending one from outside ("unwinding")
 * raises an object at its wait that the flow's pcall does not catch: children first, then itself,
 * so that `<close>` variables run and may wait; limits.cleanup_ms later what is left is closed by
 * force. Until a fiber has ended, its results (or its error) stay on its own stack.
 */
#ifndef IVORY_CORE_FIBER_H
#define IVORY_CORE_FIBER_H

#include "base/error.h"
#include "base/list.h"
#include "base/random.h"
#include "core/handle.h"
#include "core/sandbox.h"
#include "core/timer.h"

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct fiber;

enum { FIBER_PATH_MAX = 32, WHERE_MAX = 96 };

/* `finish` found that the thing is not there after all (another fiber took it). */
enum { WAIT_AGAIN = -1 };

struct wait {
    const char *what; /* "playPrompt", "sleep": for people; a static string              */
    bool (*ready)(const struct fiber *f);
    int (*finish)(lua_State *L, struct fiber *f); /* pushes results, returns how many    */
    /* The fiber is to be unwound: stop what it waits for. May be NULL. Unwinding then waits until
     * `ready`, which the thing itself must bound. NULL: raised at once. */
    bool (*cancel)(struct fiber *f);
    void *object;
    int64_t arg;
    int64_t timeout_ms; /* < 0: limits.wait_ms */
    bool input;         /* for a key of the caller */
};

enum fiber_state { FIBER_READY, FIBER_RUNNING, FIBER_WAITING, FIBER_ENDING, FIBER_DONE };

/* What a fiber is for. */
enum fiber_role { ROLE_MAIN, ROLE_CHILD, ROLE_ERROR, ROLE_END, ROLE_JOINING, ROLE_LEFT };

struct fiber {
    struct list link;  /* call->fibers, in order of birth          */
    struct list queue; /* call->ready or call->waiting             */
    struct call *call;
    struct fiber *parent; /* NULL at the top, and after the parent is gone */
    lua_State *co;        /* anchored in the cell's registry          */
    char path[FIBER_PATH_MAX];
    enum fiber_role role;
    enum fiber_state state;
    unsigned children; /* spawned so far                           */
    unsigned number;   /* which child of its parent it is          */
    unsigned group;    /* children begun together by first or all share a number, else 0 */
    uint64_t ended;    /* DONE: the how-manieth fiber of the call to end                 */
    unsigned live;     /* children that have not ended             */
    bool started, failed, surfaced;
    bool returned; /* by itself: its coroutine is good for another */
    bool stopping; /* wait.cancel has begun something that ends */
    enum unwind unwind;
    bool unwound; /* the unwinding was raised                 */
    unsigned shield;
    bool timed_out;
    bool resumed; /* waits for a key, and the host was away when its time ran out */
    struct wait wait;
    char where[WHERE_MAX];
    struct timer timer, budget;
    struct random random;
    char *trace;          /* traceback of the error it failed with    */
    struct named named;   /* by Lua objects                           */
    uint32_t joining;     /* ROLE_JOINING: seq of the event           */
    char *step;           /* name of the ivr.step it is in, or NULL   */
    unsigned step_number; /* which step of the call that is           */
};

/* Make a fiber from the function and `nargs` arguments on top of L's stack (popped); it is put at
 * the end of the ready queue. Raises in Lua: call it from a protected context. `parent` NULL = top.
 */
struct fiber *fiber_spawn(lua_State *L, struct call *call, struct fiber *parent,
                          enum fiber_role role, int nargs);

/* The fiber that runs on L, or NULL (while a file loads). */
struct fiber *fiber_current(lua_State *L);

/* The same, raising "<what> works only inside a call". */
struct fiber *fiber_need(lua_State *L, const char *what);

/* Wait: `return fiber_wait(L, &w)` from a C function. Raises where Lua cannot yield, naming
 * `what`. When the thing is ready already, goes on without yielding. */
int fiber_wait(lua_State *L, const struct wait *w);

/* Run ready and woken fibers until all wait. The limit that one broke, or NULL. */
const char *fibers_run(struct call *call);

/* End `f` from outside, children first. Harmless when it is under way. */
void fiber_unwind(struct fiber *f, enum unwind how);

/* What was shielded is over, or had its time: an unwinding that was put off begins. */
void fiber_unshield(struct fiber *f);

/* End `f` and its children now, running no flow code that waits. The last resort. */
void fiber_kill(struct fiber *f);

/* The function of `f` has returned, or a child has ended: `f` is over when its children are. */
void fiber_settle(struct fiber *f);

/* Close the coroutine where it stands. Its <close> handlers run, but cannot wait, nor ask anything
 * of the service. */
void fiber_close(struct fiber *f);

/* Free fibers that nobody can ask about any more; of ended calls all. */
void fibers_sweep(struct call *call);
void fiber_free(struct fiber *f);

/* Whether the end of its call forbids `f` new waits on a leg (shielded code and end handlers get an
 * error they can catch, the rest is unwound). Raises; returns when nothing forbids. */
void fiber_refuse_dead(lua_State *L, struct fiber *f, const char *method);

#endif
