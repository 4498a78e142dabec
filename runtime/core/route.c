/* Which flow takes a call: routes.lua, read as plain data; and who calls whom, as text. */
#include "base/json.h"
#include "core/machine.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

/* The number or id in an identitySet. */
static const char *identity_text(const cJSON *set)
{
    static const char *const kinds[] = {"phone",     "user",  "applicationInstance", "application",
                                        "encrypted", "guest", "onPremises",          "device"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *id = json_str(json_get(set, kinds[i]), "id");
        if (id)
            return id;
    }
    return NULL;
}

const char *call_leg_from(const struct leg *leg)
{
    const char *text = identity_text(json_get(json_get(leg->resource, "source"), "identity"));

    return text ? text : "";
}

/* Where the call was first sent to, when it was routed on from there (reference §2.3). */
static const char *routed_to(const struct leg *leg)
{
    const cJSON *route = json_get(leg->resource, "callRoutes");

    route = cJSON_IsArray(route) ? route->child : NULL;
    return identity_text(json_get(route, "original"));
}

static const char *target(const struct leg *leg)
{
    const cJSON *targets = json_get(leg->resource, "targets");

    return cJSON_IsArray(targets) ? identity_text(json_get(targets->child, "identity")) : NULL;
}

const char *call_leg_to(const struct leg *leg)
{
    const char *text = routed_to(leg);

    if (!text)
        text = target(leg);
    return text ? text : "";
}

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

        if (admits(L, "to", call_leg_to(leg), target(leg)) &&
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
