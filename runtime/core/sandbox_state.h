/*
 * The parts of the sandbox, each adding or replacing functions in the library table on top of the
 * stack. Only sandbox.c calls them.
 */
#ifndef IVORY_CORE_SANDBOX_STATE_H
#define IVORY_CORE_SANDBOX_STATE_H

#include <lua.h>

void sandbox_base(lua_State *L);    /* sandbox_base.c: pcall, tostring, setmetatable, load, ...  */
void sandbox_order(lua_State *L);   /* sandbox_order.c: pairs, next                             */
void sandbox_string(lua_State *L);  /* sandbox_string.c: rep, format                            */
void sandbox_pattern(lua_State *L); /* sandbox_pattern.c: find, match, gmatch, gsub */
void sandbox_table(lua_State *L);   /* sandbox_table.c: insert, remove, move, sort, concat, ...  */
void sandbox_os(lua_State *L);      /* sandbox_time.c: time, date, clock, difftime              */
void sandbox_math(lua_State *L);    /* sandbox_time.c: random, randomseed                       */

/* sandbox_order.c: push iterator and state for the table at `index` (no metamethods). */
int sandbox_pairs(lua_State *L, int index);

#endif
