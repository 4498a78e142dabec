/*
 * Inside the machine: what core.h keeps to itself. A `struct call` (keyed by the event's key) is
 * one run of a flow: its fibers, its end handlers, and one or more legs. It goes through phases in
 * order and is freed at the end of the turn in which it is over.
 */
#ifndef IVORY_CORE_MACHINE_H
#define IVORY_CORE_MACHINE_H

#include "base/map.h"
#include "core/core.h"
#include "core/leg.h"

enum { SPARE_THREADS = 64 };

struct core_cell {
    struct list link; /* core->cells */
    struct cell *cell;
    lua_State *spare[SPARE_THREADS]; /* coroutines of fibers that have ended, for new ones */
    unsigned nspare;
    unsigned calls;
};

struct core {
    struct core_config cfg;
    struct bundle *bundle;   /* of new calls                                         */
    struct bundle *trial;    /* that some new calls get beside it; may be NULL       */
    struct bundle **bundles; /* of calls that are built anew                         */
    size_t nbundles;
    struct map by_key;
    struct list calls; /* in order of their start */
    struct list cells;
    struct heap timers;
    struct fiber *running;
    struct command_list *out;    /* of the turn that runs */
    struct command_list unheard; /* what calls say while everything is freed */
    struct handle_table handles; /* of Lua objects                           */
    struct core_pulse pulse;
    uint64_t waits;
    /* How the last turn was cut short: which limit, after how many completed resumes. */
    struct {
        char key[KEY_MAX], limit[32];
        char where[96]; /* for the log only */
        unsigned resumes;
        int64_t time;
    } overrun;
    struct { /* the same, told in advance by a replay; empty key: nothing told */
        char key[KEY_MAX], limit[32];
        unsigned resumes;
    } replay;
};

enum call_phase {
    PHASE_RUN,      /* onCall                                               */
    PHASE_ERROR,    /* it failed: onError                                   */
    PHASE_FALLBACK, /* that failed, or is not there: prompt, transfer       */
    PHASE_CONTINUE, /* the flow ends, another one is to follow              */
    PHASE_RESTART,  /* and begins                                           */
    PHASE_UNWIND,   /* fibers end                                           */
    PHASE_CLOSE,    /* legs end                                             */
    PHASE_HANDLERS, /* onEnd handlers, last in first out                    */
    PHASE_OVER
};

enum fallback_step { FALLBACK_BEGIN, FALLBACK_PLAY, FALLBACK_TRANSFER, FALLBACK_END };

struct call {
    struct list link;
    struct core *core;
    struct core_cell *cell;
    char key[KEY_MAX];
    char flow[64];
    char *tenant;
    enum call_phase phase;
    bool stalled;    /* a turn was cut short: its failure is taken up in the next */
    bool broken;     /* memory ran out: give it up    */
    bool muted;      /* flow code may issue nothing   */
    bool secret;     /* a key was taken as secret     */
    bool resumed;    /* the host crashed meanwhile    */
    bool rejoined;   /* begun in place of one that was lost in a crash */
    char *join;      /* of a call that we placed into a meeting: its create, as text */
    const char *why; /* how it ends: "done", "hangup", "error", "limit", "admin"; static */
    char limit[32];  /* the limit that was broken     */
    int64_t since, now;
    uint64_t seed;
    uint32_t command_seq, timer_seq, entries;
    unsigned resumes; /* completed in this turn */
    struct {          /* where the resume under way began */
        uint32_t command_seq, timer_seq, entries;
        size_t out;
        unsigned nends;
        int nlegs;
    } mark;
    struct leg **legs;
    int nlegs;
    struct list fibers, ready, waiting, requests, timers;
    int *ends; /* registry references of end handlers        */
    unsigned nends, capends;
    unsigned tops;      /* fibers at the top made so far */
    uint64_t ended;     /* fibers that have ended so far */
    struct fiber *main; /* the fiber that the phase waits for */
    struct timer duration, phase_timer, stall_timer;
    enum fallback_step step;
    struct request *step_request;
    char *next;     /* the flow that follows, */
    cJSON *state;   /* and what it is given   */
    unsigned steps; /* ivr.step begun so far  */
    bool warned;    /* of a long journal      */
};

/* --- call.c: life ------------------------------------------------------------------------------
 */
int call_new(struct call **out, struct core *core, const struct event *start);
void call_free(struct call *call);

/* Run `fn(L)` protected on the cell's main state, with `arg` as light userdata 1. On failure the
 * reason is in `e`, ERR_SCRIPT or ERR_NOMEM. */
int call_protect(struct call *call, lua_CFunction fn, void *arg, struct error *e);

/* Issue `c` (key and seq are filled in, `c` is moved in any case). ERR_NOMEM marks the call. */
int call_issue(struct call *call, struct command *c);
int call_log(struct call *call, const char *level, const char *fiber, const char *where,
             const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* One log entry for a fiber that failed: the error and where it came from. */
void call_log_failure(struct fiber *f, const char *what);
/* Remember that memory ran out; returns ERR_NOMEM. */
int call_nomem(struct call *call);

/* --- phase.c: the way through the phases --------------------------------------------------------
 */
/* Start the flow. */
int call_begin(struct call *call, const struct event *start);
/* Look whether the phase is through; true when something changed. */
bool call_advance(struct call *call);
/* End it from outside: unwind, close the legs, run the handlers. */
void call_finish(struct call *call, const char *why);
/* The resume under way broke `limit`: what it did is undone, all fibers are closed, and the failure
 * is taken up in a turn of its own. */
void call_overrun(struct call *call, const char *limit);
/* Before each resume: what call_overrun goes back to. */
void call_mark(struct call *call);

/* onCall cannot even begin: said, and then as if it had failed. */
int call_begin_failed(struct call *call, const struct error *e);
bool call_fibers_live(const struct call *call);
/* End handlers: their time begins; the next one, true when something changed. */
bool call_handlers_begin(struct call *call);
bool call_next_handler(struct call *call);

/* --- continue.c
 * ------------------------------------------------------------------------------------ */
/* Have flow `flow` follow with `state` (taken over; NULL: nil). */
int call_continue(struct call *call, const char *flow, cJSON *state);
/* Push the flow's table and its onContinue or onCall; false (nothing pushed): it has none. */
bool call_push_entry(struct call *call, lua_State *L, const char *flow);
/* PHASE_CONTINUE and PHASE_RESTART: true when something changed. */
bool call_continuing(struct call *call);
bool call_restart(struct call *call);
/* A start with "continue". */
int call_restore(struct call *call, const struct event *start);

/* --- what cell_open leaves in the registry for the machine: a function that makes the Lua object
 * of a leg (light userdata). */
#define LEG_OBJECT "ivory.leg"

/* --- fallback.c ----------------------------------------------------------------------------------
 */
/* One step further; true when the fallback is through. */
bool call_fallback(struct call *call);

/* --- hooks.c: fibers beside the main one --------------------------------------------------------
 */
int call_joining(struct call *call, const struct event *ev);
int call_left(struct call *call, const struct event *ev);
/* One of their fibers has ended: its failure is logged, a joining participant answered. */
void call_hook_ended(struct fiber *f);

/* --- route.c
 * --------------------------------------------------------------------------------------- */
/* Find the flow for a new call, into call->flow: `name`, else by routes.lua. ERR_NOTFOUND. */
int call_route(struct call *call, const char *name, struct error *e);

/* --- recovery.c
 * -------------------------------------------------------------------------------- */
/* The bundle that a start names, by default the one of new calls; NULL: there is none. */
struct bundle *core_start_bundle(const struct core *core, const struct event *start);
/* The host was away: who waited for a key longer than he wanted to is told so, since keys may have
 * been lost. */
void call_resumed(struct call *call);

/* --- trial.c
 * ---------------------------------------------------------------------------------------- */
/* Whether new calls may get `b`. */
bool core_keeps(const struct core *core, const struct bundle *b);

/* --- cells.c
 * ---------------------------------------------------------------------------------------- */
int cells_take(struct core *core, struct bundle *b, struct core_cell **out, struct error *e);
void cells_return(struct core *core, struct core_cell *cell);
/* A cell loaded outside becomes one of the machine's. ERR_NOMEM leaves it with the caller. */
int cells_adopt(struct core *core, struct cell *cell);
/* Close the cells that have no call and will get none. */
void cells_sweep(struct core *core);
void cells_fini(struct core *core);
struct core *core_of(lua_State *L);

#endif
