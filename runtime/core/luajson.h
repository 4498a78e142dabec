/*
 * Values between Lua and JSON, for arguments, results and `ivr.json`. Lua side: a table with keys
 * 1..n is an array; an empty table is an object unless it carries the array mark
 * (`ivr.json.array`); JSON null inside arrays and objects becomes `ivr.json.null` when `keep_null`,
 * else is left out. Integral numbers become integers. Sorted member order on the way out.
 */
#ifndef IVORY_CORE_LUAJSON_H
#define IVORY_CORE_LUAJSON_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <lua.h>
#include <stdbool.h>

/* Push `v` (NULL pushes nil). Raises on memory; call it in a protected context. */
void luajson_push(lua_State *L, const cJSON *v, bool keep_null);

/* Convert the value at `index` (metamethods are not asked). ERR_INVALID names the path of what
 * cannot be written ("prompts[2].uri: a function"), nesting over 32, a number that is not finite or
 * an integer of more than 15 digits, a string that is not UTF-8 or holds a zero byte; ERR_LIMIT
 * over about 1 MiB (each value counts 8 bytes and its text). Raises nothing and allocates nothing
 * in L. */
int luajson_read(cJSON **out, lua_State *L, int index, struct error *e);

/* The value that stands for JSON null. Raise nothing. */
void luajson_push_null(lua_State *L);
bool luajson_is_null(lua_State *L, int index);

/* Give the table at `index` the metatable that marks arrays; luajson_push does so with every array
 * it makes. Raises on memory. */
void luajson_mark_array(lua_State *L, int index);

#endif
