/*
 * A cell: one lua_State that holds one bundle and at most `limits.calls_per_cell` calls. It is the
 * fence around a flow: a counting allocator, the sandboxed environment (sandbox.h), and the modules
 * of the bundle, loaded once. Belongs to one thread. Nothing is ever patched in place: a new bundle
 * gets new cells, and a cell is closed when its last call has ended.
 */
#ifndef IVORY_CORE_CELL_H
#define IVORY_CORE_CELL_H

#include "core/bundle.h"
#include "core/limits.h"

#include <lua.h>
#include <stdbool.h>

struct cell;

/* Called once per cell, inside a protected call, after the sandbox is made and before any flow is
 * loaded: registers native modules with cell_native. Raises Lua errors as it likes. */
typedef void(cell_open)(lua_State *L, void *arg);

/* Make a cell for `b` (a reference is taken) and load routes.lua and every flow in it: each *.lua
 * of the bundle's top folder that is not routes.lua. Fails with ERR_SCRIPT and "file:line: reason"
 * when a file does not compile, raises, runs longer than limits.load_ms, or returns something else
 * than a table. */
int cell_new(struct cell **out, struct bundle *b, const struct limits *l, cell_open *open,
             void *arg, struct error *e);

/* Close the state. No call may be left in it. */
void cell_free(struct cell *c);

lua_State *cell_state(struct cell *c);
struct cell *cell_of(lua_State *L); /* the cell any of its threads belongs to */
struct bundle *cell_bundle(struct cell *c);
const struct limits *cell_limits(const struct cell *c);

/* Push onto L the table that flow `name` returned; false (nothing pushed) when there is no such
 * flow. */
bool cell_push_flow(struct cell *c, lua_State *L, const char *name);

/* Push the list that routes.lua returned (an empty table when there is none). */
void cell_push_routes(struct cell *c, lua_State *L);

/* Make the value on top of L's stack (popped) what `require(name)` gives. For cell_open. */
void cell_native(lua_State *L, const char *name);

/* Bytes the state holds now. */
size_t cell_bytes(const struct cell *c);

/* --- one turn ---------------------------------------------------------------------------------
 * cell_enter before resuming coroutine `co`, cell_leave after. Between them, memory growth is
 * bounded by limits.turn_bytes and cell_interrupt applies. cell_leave returns the name of the limit
 * that was broken during the turn ("turn_ms", "turn_bytes", "cell_bytes"), or NULL. */
void cell_enter(struct cell *c, lua_State *co);
const char *cell_leave(struct cell *c);

/* Where the flow was when that limit was broken, "flows/main.lua:12", or empty; until the next
 * cell_enter. It depends on the machine that ran it: for people, not for the record. */
const char *cell_broken_where(const struct cell *c);

/* Count `n` bytes that the turn holds outside of the state, in what it says to the service and to
 * the log, as growth of this turn. */
void cell_charge(struct cell *c, size_t n);

/* Whether the turn that runs on L has been interrupted: for C code that loops and may not raise.
 * False in a state that is no cell. Raises nothing; takes one place on the stack. */
bool cell_interrupted(lua_State *L);

/* End the turn in progress: the running code raises an error that `pcall` does not stop.
 * Async-signal- safe, but must run on the cell's thread (from a signal handler there, or from a
 * hook). `limit` is the name that cell_leave will return; a static string. Does nothing between
 * turns. */
void cell_interrupt(struct cell *c, const char *limit);

#endif
