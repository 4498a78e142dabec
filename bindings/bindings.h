/*
 * What Lua sees of the runtime, C side (docs/lua-api.md): the objects of a call with one method per
 * row of the method table, and the modules ivr.http, ivr.json, ivr.log and ivr.native (from which
 * stdlib/ivr.lua makes `ivr`). Bindings check and convert; the machine (core/machine.h) does.
 */
#ifndef IVORY_BINDINGS_BINDINGS_H
#define IVORY_BINDINGS_BINDINGS_H

#include <lua.h>

struct bindings_config {
    unsigned version; /* VERSION_V1 or VERSION_BETA: which methods and fields there are */
};

/* For core_config.open; `arg` is a `const struct bindings_config` that outlives the machine. */
void bindings_open(lua_State *L, void *arg);

#endif
