/*
 * What Lua code of a bundle can reach: the standard functions that neither touch the world nor
 * differ from run to run, with the rest left out or replaced. Globals and libraries are read-only
 * and shared by all calls of a cell. Time and random numbers come from the machine through
 * `struct sandbox_source`. No library function can run for long without allocating, so the hook of
 * cell_interrupt and the allocator between them stop everything.
 *
 * Differences from stock Lua that a flow can see: `pairs` and `next` go by key (numbers ascending,
 * strings by their bytes, booleans; any other key is an error); `pcall` and `xpcall` do not stop an
 * unwind; patterns have a budget and are checked as a whole before they are used; `table.sort` is
 * stable; `os.date` is always UTC; no text holds an address.
 */
#ifndef IVORY_CORE_SANDBOX_H
#define IVORY_CORE_SANDBOX_H

#include "base/random.h"

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- unwinding --------------------------------------------------------------------------------
 * An unwind is an error object that `pcall` and `xpcall` of a flow let through, so that it ends the
 * coroutine it was raised in; <close> variables run, and may wait while they do (except where the
 * thread is closed from outside). Lua code can neither make one nor use one that a <close> handler
 * was shown: the object counts only in the coroutine in which it was raised. To carry an unwind
 * into another coroutine, raise a new one there. An error raised by a <close> handler on the way
 * does not stop it. C code that catches one with lua_pcallk raises it again. */
enum unwind { UNWIND_NONE, UNWIND_HANGUP, UNWIND_CANCEL, UNWIND_LIMIT };

/* Raise one in L; `text` is for people and is copied. Does not return. */
int unwind_raise(lua_State *L, enum unwind kind, const char *text);

/* What the value at `index` is to the coroutine L; UNWIND_NONE for an ordinary error. Raises
 * nothing, allocates nothing. */
enum unwind unwind_kind(lua_State *L, int index);

/* Its text, "" when it is none; lives as long as the value. */
const char *unwind_text(lua_State *L, int index);

/* --- coroutines -------------------------------------------------------------------------------
 * The function to start a coroutine with: `sandbox_fiber(f, ...)` calls f(...) and returns true and
 * its results, or false and the error (an unwind too, or what a <close> handler raised in its place
 * after the last pcall). Do not resume a flow's function bare: an
 * error that leaves a coroutine uncaught keeps its <close> handlers for lua_resetthread, where they
 * cannot wait, and, when it was raised by a hook, Lua 5.4.4 leaves hooks switched off in that
 * thread, so that an endless loop in such a handler could not be stopped. Inside sandbox_fiber they
 * run in the coroutine itself, interruptible. */
int sandbox_fiber(lua_State *L);

/* --- time and randomness ----------------------------------------------------------------------
 * Where `os.time`, `os.clock`, `os.date` and `math.random` take theirs from. Both are asked with
 * the coroutine that runs; neither is asked while a file loads, which is an error in the flow. */
struct sandbox_source {
    int64_t (*now_ms)(lua_State *L);        /* ms since the epoch, UTC            */
    struct random *(*random)(lua_State *L); /* the generator of the call that runs */
};

/* Set it for the cell of L; `s` must outlive the cell. For cell_open. */
void sandbox_use(lua_State *L, const struct sandbox_source *s);

/* --- for bindings -----------------------------------------------------------------------------*/

/* Make the value on top of the stack (popped) the global `name`. For cell_open. */
void sandbox_global(lua_State *L, const char *name);

/* Replace the table on top of the stack by a read-only view of it: writing raises an error that
 * names `what`, reading an absent field gives nil, `pairs` works. */
void sandbox_freeze(lua_State *L, const char *what);

/* Push what `tostring` of a flow gives for the value at `index`, and return it. May raise. */
const char *sandbox_tostring(lua_State *L, int index, size_t *n);

/* The line that runs in L, as "flows/main.lua:12": the innermost one under flows/, else the
 * innermost of any Lua code, else "". Raises nothing. */
void sandbox_where(lua_State *L, char *out, size_t cap);

/* --- for the cell -----------------------------------------------------------------------------
 * Make the environment in a new state. Raises on memory. */
void sandbox_open(lua_State *L);

/* Called from C code that loops: raises UNWIND_LIMIT when the turn has been interrupted. */
void sandbox_poll(lua_State *L);

#endif
