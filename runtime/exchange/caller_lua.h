/*
 * Inside the scripted callers: the functions that stdlib/ivr/test.lua is given (what a phone can
 * do, the clock, the doubles of the runtime's surroundings), and values between Lua and JSON.
 */
#ifndef IVORY_EXCHANGE_CALLER_LUA_H
#define IVORY_EXCHANGE_CALLER_LUA_H

#include "exchange/caller.h"

/* What the functions work on; `world` is NULL outside a run. */
struct caller_scope {
    struct caller_world *world;
    int64_t began;                    /* the virtual time at which the test began            */
    struct switchboard_faults faults; /* in force now                                        */
};

/* Push the table of functions; `scope` outlives the state. */
void caller_push_functions(lua_State *L, struct caller_scope *scope);

/* Push `v` as a Lua value (NULL and JSON null push nil). Raises on memory. */
void caller_push_json(lua_State *L, const cJSON *v);

/* The value at `index` as JSON; raises an error that says what cannot be written. A table with a
 * member 1 is an array. */
cJSON *caller_read_json(lua_State *L, int index);

#endif
