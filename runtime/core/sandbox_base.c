#include "core/cell_state.h"
#include "core/sandbox_state.h"

#include <lauxlib.h>
#include <string.h>

/* --- protected calls --------------------------------------------------------------------------
 * Calls go through lua_pcallk, so that a wait inside works: the rest of pcall is then done by the
 * continuation. */

/* The context of a protected call: its number, and how many values stand below the results. */
static lua_KContext begin(lua_State *L, int base)
{
    return (lua_KContext)(++cell_of(L)->serial << 2 | (unsigned)base);
}

/* What is left to do after the call: on the stack are those values, then results or an error. */
static int pcall_done(lua_State *L, int status, lua_KContext ctx)
{
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L) - (int)(ctx & 3);
    unwind_restore(L, (uint64_t)ctx >> 2);
    if (unwind_kind(L, -1) != UNWIND_NONE)
        return lua_error(L);
    lua_pushboolean(L, false);
    lua_insert(L, -2);
    return 2;
}

static int base_pcall(lua_State *L)
{
    lua_KContext ctx = begin(L, 0);

    luaL_checkany(L, 1);
    lua_pushboolean(L, true);
    lua_insert(L, 1);
    return pcall_done(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, ctx, pcall_done), ctx);
}

/* The flow's message handler, which is not shown an unwind. */
static int handle_message(lua_State *L)
{
    if (unwind_kind(L, 1) == UNWIND_NONE) {
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_insert(L, 1);
        lua_call(L, lua_gettop(L) - 1, 1);
    }
    return 1;
}

static int base_xpcall(lua_State *L)
{
    lua_KContext ctx = begin(L, 2);
    int n = lua_gettop(L) - 2;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, handle_message, 1);
    lua_replace(L, 2);
    lua_pushboolean(L, true);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* f, handler, true, f, arguments */
    return pcall_done(L, lua_pcallk(L, n, LUA_MULTRET, 2, ctx, pcall_done), ctx);
}

static int fiber_done(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_pushboolean(L, false);
        lua_replace(L, 1);
    }
    return lua_gettop(L);
}

int sandbox_fiber(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, true);
    lua_insert(L, 1);
    return fiber_done(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, fiber_done), 0);
}

/* --- values -----------------------------------------------------------------------------------*/

const char *sandbox_tostring(lua_State *L, int index, size_t *n)
{
    int type;

    index = lua_absindex(L, index);
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING:
        return luaL_tolstring(L, index, n);
    default:
        break;
    }
    luaL_checkstack(L, 4, "tostring");
    if (luaL_callmeta(L, index, "__tostring")) {
        if (!lua_isstring(L, -1))
            luaL_error(L, "'__tostring' must return a string");
        return lua_tolstring(L, -1, n);
    }
    type = luaL_getmetafield(L, index, "__name");
    if (type != LUA_TSTRING) {
        if (type != LUA_TNIL)
            lua_pop(L, 1);
        lua_pushstring(L, luaL_typename(L, index));
    }
    return lua_tolstring(L, -1, n);
}

static int base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    sandbox_tostring(L, 1, NULL);
    return 1;
}

/* Finalizers and weak tables would show when the collector runs, which no two runs share. */
static int base_setmetatable(lua_State *L)
{
    static const char *const never[] = {"__gc", "__mode"};
    int type = lua_type(L, 2);

    luaL_checktype(L, 1, LUA_TTABLE);
    if (type != LUA_TNIL && type != LUA_TTABLE)
        return luaL_typeerror(L, 2, "nil or table");
    for (int i = 0; type == LUA_TTABLE && i < 2; i++) {
        lua_pushstring(L, never[i]);
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "'%s' is not available in flows", never[i]);
        lua_pop(L, 1);
    }
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

/* --- load -------------------------------------------------------------------------------------*/

#define PIECE 5 /* the stack slot that keeps the piece the compiler reads */

struct pieces {
    size_t left; /* bytes that may still come */
};

static const char *next_piece(lua_State *L, void *arg, size_t *n)
{
    struct pieces *p = arg;
    const char *text;

    sandbox_poll(L);
    luaL_checkstack(L, 2, "too many nested functions");
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        *n = 0;
        return NULL;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "reader function must return a string");
    lua_replace(L, PIECE);
    text = lua_tolstring(L, PIECE, n);
    if (*n > p->left)
        luaL_error(L, "load: more than limits.string_bytes of source");
    p->left -= *n;
    return text;
}

/* load(chunk [, name [, mode [, env]]]), of text only. The compiler is out of the hook's reach, so
 * the length of what it gets is bounded. */
static int base_load(lua_State *L)
{
    struct pieces p = {cell_of(L)->limits.string_bytes};
    const char *mode = luaL_optstring(L, 3, "t");
    bool has_env = !lua_isnone(L, 4);
    const char *name;
    int status;

    lua_settop(L, 4);
    if (!strchr(mode, 't')) {
        luaL_pushfail(L);
        lua_pushliteral(L, "load: only text can be loaded");
        return 2;
    }
    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t n;
        const char *text = lua_tolstring(L, 1, &n);
        name = luaL_optstring(L, 2, text);
        if (n > p.left)
            return luaL_error(L, "load: more than limits.string_bytes of source");
        status = cell_compile(L, text, n, name);
    } else {
        luaL_checktype(L, 1, LUA_TFUNCTION);
        name = luaL_optstring(L, 2, "=(load)");
        lua_settop(L, PIECE);
        status = lua_load(L, next_piece, &p, name, "t");
    }
    if (status != LUA_OK) {
        if (unwind_kind(L, -1) != UNWIND_NONE)
            return lua_error(L);
        luaL_pushfail(L);
        lua_insert(L, -2);
        return 2;
    }
    if (has_env) {
        lua_pushvalue(L, 4);
        if (!lua_setupvalue(L, -2, 1))
            lua_pop(L, 1);
    }
    return 1;
}

void sandbox_base(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"load", base_load},         {"pcall", base_pcall},   {"setmetatable", base_setmetatable},
        {"tostring", base_tostring}, {"xpcall", base_xpcall}, {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
