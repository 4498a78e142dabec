/*
 * The inside of a cell, for the files of the fence (cell*.c, sandbox*.c) and nobody else.
 */
#ifndef IVORY_CORE_CELL_STATE_H
#define IVORY_CORE_CELL_STATE_H

#include "core/cell.h"
#include "core/sandbox.h"

/* A file whose top level is running; they form a chain through `require`. On the C stack. */
struct loading {
    const char *file;
    struct loading *up;
};

struct cell_flow {
    char *name; /* "main" */
    int ref;    /* in the registry: the table it returned */
};

struct cell {
    lua_State *L; /* the main thread */
    struct bundle *bundle;
    struct limits limits;
    const struct sandbox_source *source; /* may be NULL */

    size_t bytes;      /* held by the state                        */
    size_t turn_base;  /* what it held at the begin of the turn    */
    size_t outside;    /* what the turn holds outside of the state */
    const char *asked; /* the limit for which the last request for memory was refused, or NULL */
    void *asked_p;     /* and that request */
    size_t asked_n;

    lua_State *volatile running; /* the coroutine of the turn; NULL between turns */
    const char *volatile broken; /* the limit broken in this turn                 */
    char where[96];              /* where the last turn was ended for that        */
    int64_t load_deadline;       /* ns of this thread's CPU time; 0 when loaded   */
    unsigned polls;              /* while loading: looks at the clock are few     */
    struct loading *loading;     /* innermost first; NULL when no top level runs  */
    const char *failed;          /* the file that failed to load last             */

    uint64_t serial; /* protected calls begun so far */

    struct cell_flow *flows;
    size_t nflows;
    int routes; /* in the registry */
};

/* Registry keys are addresses of these. */
struct cell_keys {
    char base, natives, loaded, unwind, unwinding;
};
extern const struct cell_keys cell_keys;

/* lua_load of text from memory, interruptible: status, and the function or the error pushed. */
int cell_compile(lua_State *L, const char *text, size_t n, const char *name);

/* The function of a file of the bundle, pushed behind its name; raises. */
void cell_compile_file(lua_State *L, const struct bundle_file *f);

/* cell_alloc.c: the allocator of the state; `ud` is the cell. */
void *cell_alloc(void *ud, void *p, size_t old, size_t n);

/* cell_load.c: `require` of the sandbox, and the same for the file itself: pushes what it gave. */
int cell_require(lua_State *L);
void cell_load_file(lua_State *L, const struct bundle_file *f);

/* The limit broken in this turn, changed by a signal: for loops that cannot raise. */
const char *volatile *cell_broken(lua_State *L);

/* unwind.c: with the error of a protected call on top, which began as number `serial`: put the
 * unwind that is under way in its place, if there is one. */
void unwind_restore(lua_State *L, uint64_t serial);

#endif
