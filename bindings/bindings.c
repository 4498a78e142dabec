#include "bindings/bindings.h"

#include "bindings/guard.h"
#include "bindings/internal.h"
#include "graph/joinlink.h"
#include "core/luajson.h"

#include <string.h>

static const char version_key; /* registry: the API version */

unsigned bindings_version(lua_State *L)
{
    unsigned version;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &version_key);
    version = (unsigned)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return version;
}

/* What core asks for when it hands a leg to a flow. */
static int make_leg(lua_State *L)
{
    object_push(L, lua_touserdata(L, 1), "call", NULL);
    return 1;
}

static int join_info(lua_State *L)
{
    const char *url = luaL_checkstring(L, 1);
    struct error e = {{0}};
    cJSON **info = guard_push(L);
    int err = joinlink_decode(url, info, &e);

    if (err) {
        struct raise r = {.code = "badArgument", .message = e.text, .method = "joinInfo"};
        return raise_error(L, &r);
    }
    luajson_push(L, *info, false);
    guard_free(info);
    return 1;
}

void bindings_open(lua_State *L, void *arg)
{
    const struct bindings_config *cfg = arg;

    lua_pushinteger(L, (lua_Integer)cfg->version);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &version_key);
    objects_open(L);
    operation_open(L);
    lua_pushcfunction(L, make_leg);
    lua_setfield(L, LUA_REGISTRYINDEX, LEG_OBJECT);
    fiber_module(L);
    lua_pushcfunction(L, join_info);
    lua_setfield(L, -2, "joinInfo");
    step_open(L);
    lua_setfield(L, -2, "step");
    for (const struct method *m = method_table; m->name; m++) {
        if (strcmp(m->object, "ivr") != 0)
            continue;
        method_push(L, m);
        lua_setfield(L, -2, m->lua);
    }
    sandbox_freeze(L, "ivr.native");
    cell_native(L, "ivr.native");
    http_module(L);
    cell_native(L, "ivr.http");
    json_module(L);
    cell_native(L, "ivr.json");
    log_module(L);
    cell_native(L, "ivr.log");
    store_module(L);
    cell_native(L, "ivr.store");
    lua_pushcfunction(L, log_print);
    sandbox_global(L, "print");
}
