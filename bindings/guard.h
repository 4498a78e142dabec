/*
 * Holds a C object while Lua code that may raise runs: a userdata whose collection frees it.
 */
#ifndef IVORY_BINDINGS_GUARD_H
#define IVORY_BINDINGS_GUARD_H

#include <cjson/cJSON.h>
#include <lua.h>

/* Push a guard that holds nothing yet; put the cJSON value into `*slot` when it is there. It is
 * freed when the guard is collected, or by guard_free. */
cJSON **guard_push(lua_State *L);
void guard_free(cJSON **slot);

#endif
