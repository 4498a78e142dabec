/* Which flow takes a call: routes.lua, read as plain data. */
#include "base/json.h"
#include "core/machine.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

/* `pattern` equals `text`, or ends with * and begins it. */
static bool matches(const char *pattern, const char *text)
{
    size_t n = strlen(pattern);

    if (!text)
        return false;
    if (n && pattern[n - 1] == '*')
        return strncmp(pattern, text, n - 1) == 0;
    return strcmp(pattern, text) == 0;
}

/* Whether member `key` of the route on top of the stack is absent or matches one of two texts. */
static bool admits(lua_State *L, const char *key, const char *a, const char *b)
{
    bool ok = true;

    lua_pushstring(L, key);
    lua_rawget(L, -2);
    if (!lua_isnil(L, -1)) {
        const char *pattern = lua_tostring(L, -1);
        ok = pattern && (matches(pattern, a) || matches(pattern, b));
    }
    lua_pop(L, 1);
    return ok;
}

static int find(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    const struct leg *leg = call->legs[0];

    cell_push_routes(call->cell->cell, L);
    for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TTABLE; i++) {
        const char *flow;

        if (admits(L, "to", call_leg_to(leg), leg->to) &&
            admits(L, "from", call_leg_from(leg), NULL) &&
            admits(L, "tenant", call->tenant, NULL)) {
            lua_pushstring(L, "flow");
            lua_rawget(L, -2);
            flow = lua_tostring(L, -1);
            if (!flow)
                return luaL_error(L, "routes.lua: route %d has no flow", (int)i);
            if (strlen(flow) >= sizeof call->flow)
                return luaL_error(L, "routes.lua: route %d: flow: name too long", (int)i);
            strcpy(call->flow, flow);
            return 0;
        }
        lua_pop(L, 1);
    }
    /* No routes at all: a folder with one flow needs none. */
    if (lua_rawlen(L, 2) == 0 && cell_push_flow(call->cell->cell, L, "main"))
        strcpy(call->flow, "main");
    else
        return luaL_error(L, "no route for a call from \"%s\" to \"%s\"", call_leg_from(leg),
                          call_leg_to(leg));
    return 0;
}

int call_route(struct call *call, const char *name, struct error *e)
{
    if (!name)
        return call_protect(call, find, call, e);
    if (strlen(name) >= sizeof call->flow)
        return error_set(e, ERR_NOTFOUND, "no such flow: %.40s...", name);
    strcpy(call->flow, name);
    return 0;
}
