#include "bindings/guard.h"

#include <lauxlib.h>

static int collect(lua_State *L)
{
    guard_free(lua_touserdata(L, 1));
    return 0;
}

cJSON **guard_push(lua_State *L)
{
    cJSON **slot = lua_newuserdatauv(L, sizeof *slot, 0);

    *slot = NULL;
    if (luaL_newmetatable(L, "ivory.guard")) {
        lua_pushcfunction(L, collect);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return slot;
}

void guard_free(cJSON **slot)
{
    cJSON_Delete(*slot);
    *slot = NULL;
}
