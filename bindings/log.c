/* ivr.log, and print. */
#include "bindings/internal.h"

/* Bytes of one entry; the rest is cut off. */
enum { TEXT_MAX = 4096 };

static int write(lua_State *L, const char *level)
{
    struct fiber *f = fiber_need(L, "log");
    char where[WHERE_MAX];
    luaL_Buffer b;
    size_t len;
    int n = lua_gettop(L);

    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&b, '\t');
        sandbox_tostring(L, i, NULL);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    sandbox_where(L, where, sizeof where);
    lua_tolstring(L, -1, &len);
    if (call_log(f->call, level, f->path, where, "%.*s%s", TEXT_MAX, lua_tostring(L, -1),
                 len > TEXT_MAX ? " ..." : ""))
        return luaL_error(L, "not enough memory");
    return 0;
}

static int debug(lua_State *L)
{
    return write(L, "debug");
}

static int info(lua_State *L)
{
    return write(L, "info");
}

static int warn(lua_State *L)
{
    return write(L, "warn");
}

static int error(lua_State *L)
{
    return write(L, "error");
}

int log_print(lua_State *L)
{
    return write(L, "info");
}

void log_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"debug", debug}, {"info", info}, {"warn", warn}, {"error", error}, {NULL, NULL}};

    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    sandbox_freeze(L, "ivr.log");
}
