#include "core/cell_state.h"

#include <lauxlib.h>
#include <string.h>

/* A userdata whose user value is the coroutine it was raised in: that keeps the coroutine, and so
 * its address, as long as somebody holds on to the object. */
struct unwind_object {
    enum unwind kind;
    char text[];
};

static int unwind_tostring(lua_State *L)
{
    const struct unwind_object *u = lua_touserdata(L, 1);

    lua_pushstring(L, u->text);
    return 1;
}

static void push_metatable(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &cell_keys.unwind) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 3);
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "unwind");
    lua_setfield(L, -2, "__name");
    lua_pushcfunction(L, unwind_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cell_keys.unwind);
}

int unwind_raise(lua_State *L, enum unwind kind, const char *text)
{
    size_t n = strlen(text) + 1;
    struct unwind_object *u;

    luaL_checkstack(L, 4, NULL);
    u = lua_newuserdatauv(L, sizeof *u + n, 1);
    u->kind = kind;
    memcpy(u->text, text, n);
    lua_pushthread(L);
    lua_setiuservalue(L, -2, 1);
    push_metatable(L);
    lua_setmetatable(L, -2);
    return lua_error(L);
}

static const struct unwind_object *check(lua_State *L, int index)
{
    const struct unwind_object *u = lua_touserdata(L, index);
    bool ours;

    if (!u || lua_type(L, index) != LUA_TUSERDATA || !lua_checkstack(L, 2))
        return NULL;
    index = lua_absindex(L, index);
    if (!lua_getmetatable(L, index))
        return NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cell_keys.unwind);
    ours = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (!ours)
        return NULL;
    lua_getiuservalue(L, index, 1);
    ours = lua_tothread(L, -1) == L;
    lua_pop(L, 1);
    return ours ? u : NULL;
}

enum unwind unwind_kind(lua_State *L, int index)
{
    const struct unwind_object *u = check(L, index);

    return u ? u->kind : UNWIND_NONE;
}

const char *unwind_text(lua_State *L, int index)
{
    const struct unwind_object *u = check(L, index);

    return u ? u->text : "";
}
