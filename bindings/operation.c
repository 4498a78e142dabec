/* op = call:start(...): a request that goes on while the flow does something else. */
#include "base/json.h"
#include "bindings/internal.h"

#include <string.h>

static const char name[] = "ivory.operation.begun";

static int collect(lua_State *L)
{
    struct handle *h = lua_touserdata(L, 1);

    handle_close(&core_of(L)->handles, h);
    return 0;
}

void operation_push(lua_State *L, struct request *r)
{
    struct handle *h = lua_newuserdatauv(L, sizeof *h, 0);

    *h = (struct handle){0};
    luaL_setmetatable(L, name);
    if (handle_open(&r->call->core->handles, &r->named, r, h))
        luaL_error(L, "not enough memory");
}

static struct request *check(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, name);
    struct request *r = handle_target(&core_of(L)->handles, h);
    struct fiber *f = fiber_current(L);

    if (!r || !f || r->call != f->call)
        luaL_error(L, "this operation belongs to a call that is over");
    return r;
}

static int await(lua_State *L)
{
    struct request *r = check(L);

    lua_settop(L, 2);
    return method_wait(L, r, timeout_option(L, 2, "await"), false);
}

static bool ended(const struct fiber *f)
{
    return ((const struct request *)f->wait.object)->done;
}

static int cancelled(lua_State *L, struct fiber *f)
{
    (void)L;
    (void)f;
    return 0;
}

static int cancel(lua_State *L)
{
    struct request *r = check(L);
    struct wait w = {
        .what = "cancel", .ready = ended, .finish = cancelled, .object = r, .timeout_ms = -1};

    if (!request_cancel(r))
        return 0;
    return fiber_wait(L, &w);
}

static int get(lua_State *L)
{
    struct request *r = check(L);
    const char *key = luaL_checkstring(L, 2);

    if (strcmp(key, "await") == 0)
        lua_pushcfunction(L, await);
    else if (strcmp(key, "cancel") == 0)
        lua_pushcfunction(L, cancel);
    else if (strcmp(key, "id") == 0 && r->op_id[0])
        lua_pushstring(L, r->op_id);
    else if (strcmp(key, "status") != 0)
        lua_pushnil(L);
    else if (r->failed)
        lua_pushliteral(L, "failed");
    else if (json_str(r->body, "status"))
        lua_pushstring(L, json_str(r->body, "status"));
    else
        lua_pushstring(L, r->done ? "completed" : r->answered ? "running" : "notStarted");
    return 1;
}

void operation_open(lua_State *L)
{
    luaL_newmetatable(L, name);
    lua_pushcfunction(L, get);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
