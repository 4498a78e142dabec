#include "core/cell_state.h"
#include "core/sandbox_state.h"

#include <lauxlib.h>
#include <string.h>

/* Go on as the stock function, in the same frame, so that its errors name the flow's line. */
static int stock(lua_State *L)
{
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* string.rep with a bound of its own, since neither the hook nor, for "" times n, the allocator
 * would see it. The stock function is upvalue 1. */
static int string_rep(lua_State *L)
{
    size_t max = cell_of(L)->limits.string_bytes, n, sep;
    lua_Integer times = luaL_checkinteger(L, 2);

    luaL_checklstring(L, 1, &n);
    luaL_optlstring(L, 3, "", &sep);
    lua_settop(L, 3);
    if (times <= 0 || n + sep == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (n + sep > max || (lua_Unsigned)times > (max + sep) / (n + sep))
        return luaL_error(L, "string.rep: the result is over limits.string_bytes (%I)",
                          (lua_Integer)max);
    return stock(L);
}

/* string.format with our tostring for %s and without %p. The stock function, upvalue 1, checks the
 * rest of the format. */
static int string_format(lua_State *L)
{
    size_t n;
    const char *p = luaL_checklstring(L, 1, &n), *end = p + n;
    int arg = 1, top = lua_gettop(L);

    while (p < end) {
        if (*p++ != '%')
            continue;
        if (p < end && *p == '%') {
            p++;
            continue;
        }
        arg++;
        while (p < end && strchr("-+ #0123456789.", *p))
            p++;
        if (p < end && *p == 'p')
            return luaL_error(L, "string.format: %%p is not available in flows");
        if (p < end && *p == 's' && arg <= top && lua_type(L, arg) != LUA_TSTRING) {
            sandbox_tostring(L, arg, NULL);
            lua_replace(L, arg);
        }
    }
    return stock(L);
}

static void wrap(lua_State *L, const char *name, lua_CFunction f)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

void sandbox_string(lua_State *L)
{
    wrap(L, "rep", string_rep);
    wrap(L, "format", string_format);
}
