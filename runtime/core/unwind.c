#include "core/cell_state.h"

#include <lauxlib.h>
#include <string.h>

/* The object is a userdata whose user value is the coroutine it was raised in: that keeps the
 * coroutine, and so its address, as long as somebody holds on to the object. */
struct unwind_object {
    enum unwind kind;
    uint64_t serial; /* of the last protected call that had begun when it was raised */
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

/* Push the table from coroutines to the last unwind that was raised in each. */
static void push_current(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &cell_keys.unwinding) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cell_keys.unwinding);
}

int unwind_raise(lua_State *L, enum unwind kind, const char *text)
{
    size_t n = strlen(text) + 1;
    struct unwind_object *u;

    luaL_checkstack(L, 6, NULL);
    u = lua_newuserdatauv(L, sizeof *u + n, 1);
    u->kind = kind;
    u->serial = cell_of(L)->serial;
    memcpy(u->text, text, n);
    lua_pushthread(L);
    lua_setiuservalue(L, -2, 1);
    push_metatable(L);
    lua_setmetatable(L, -2);
    push_current(L);
    lua_pushthread(L);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    return lua_error(L);
}

/* A <close> handler that raises puts its error in the place of the one that unwinds. A protected
 * call that had begun before the unwind was raised takes it up again; one inside the handler has a
 * later serial and catches what it catches. */
void unwind_restore(lua_State *L, uint64_t serial)
{
    const struct unwind_object *u;

    if (unwind_kind(L, -1) != UNWIND_NONE || !lua_checkstack(L, 3))
        return;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &cell_keys.unwinding) != LUA_TTABLE) {
        lua_pop(L, 1);
        return;
    }
    lua_pushthread(L);
    lua_rawget(L, -2);
    u = lua_touserdata(L, -1);
    if (u && u->serial >= serial)
        lua_replace(L, -3);
    else
        lua_pop(L, 1);
    lua_pop(L, 1);
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
