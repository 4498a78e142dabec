#include "core/sandbox.h"

#include "core/cell_state.h"
#include "core/luajson.h"
#include "core/sandbox_state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

void sandbox_use(lua_State *L, const struct sandbox_source *s)
{
    cell_of(L)->source = s;
}

/* --- read-only tables -------------------------------------------------------------------------*/

static int refuse_write(lua_State *L)
{
    const char *what = lua_tostring(L, lua_upvalueindex(1));

    return luaL_error(L, "cannot set '%s' of %s: it is read-only", sandbox_tostring(L, 2, NULL),
                      what);
}

static int view_pairs(lua_State *L)
{
    return sandbox_pairs(L, lua_upvalueindex(1));
}

void sandbox_freeze(lua_State *L, const char *what)
{
    lua_newtable(L); /* the view: empty, so that every access goes through the metatable */
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, what);
    lua_pushcclosure(L, refuse_write, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, view_pairs, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

/* --- globals ----------------------------------------------------------------------------------
 * The environment is an empty table. What is read from it comes from the base table behind it,
 * which nothing hands out; what the base table does not have is an error there. */

static int refuse_global(lua_State *L)
{
    return luaL_error(L,
                      "cannot set global '%s': globals are shared by all calls (is a 'local' "
                      "missing?)",
                      sandbox_tostring(L, 2, NULL));
}

static int undefined_global(lua_State *L)
{
    return luaL_error(L, "undefined global '%s'", sandbox_tostring(L, 2, NULL));
}

/* Make the environment over the base table on top (popped). */
static void lock_globals(lua_State *L)
{
    lua_newtable(L); /* the environment */
    lua_createtable(L, 0, 3);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, refuse_global);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "_G");
    /* Chunks get their environment from here. */
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);

    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, undefined_global);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cell_keys.base);
}

void sandbox_global(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cell_keys.base);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* --- libraries --------------------------------------------------------------------------------*/

/* Copy the functions in `names` from the table on top into the one below. */
static void copy(lua_State *L, const char *const *names)
{
    for (; *names; names++) {
        lua_getfield(L, -1, *names);
        lua_setfield(L, -3, *names);
    }
}

/* Open a stock library and push a new table with the functions of it that are `names`. */
static void pick(lua_State *L, const char *name, lua_CFunction open, const char *const *names)
{
    lua_newtable(L);
    luaL_requiref(L, name, open, false);
    copy(L, names);
    lua_pop(L, 1);
}

static void open_base(lua_State *L)
{
    static const char *const names[] = {"_VERSION", "assert",   "error",  "getmetatable",
                                        "ipairs",   "rawequal", "rawget", "rawlen",
                                        "select",   "tonumber", "type",   NULL};

    pick(L, "_G", luaopen_base, names);
    sandbox_base(L);
    sandbox_order(L);
    lua_pushcfunction(L, cell_require);
    lua_setfield(L, -2, "require");
}

/* With the base table on top: put the library above it in. */
static void add_library(lua_State *L, const char *name)
{
    char what[32];

    snprintf(what, sizeof what, "library '%s'", name);
    sandbox_freeze(L, what);
    lua_setfield(L, -2, name);
}

static void open_string(lua_State *L)
{
    static const char *const names[] = {
        "byte", "char", "find",     "format",  "gmatch", "gsub",   "len",   "lower", "match",
        "pack", "rep",  "packsize", "reverse", "sub",    "unpack", "upper", NULL};

    pick(L, "string", luaopen_string, names);
    sandbox_string(L);
    sandbox_pattern(L);
    /* The metatable of strings is one for the whole state: its methods are ours, and it is locked.
     */
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
    add_library(L, "string");
}

static void open_table(lua_State *L)
{
    static const char *const names[] = {"pack", NULL};

    pick(L, "table", luaopen_table, names);
    sandbox_table(L);
    add_library(L, "table");
}

static void open_math(lua_State *L)
{
    static const char *const names[] = {
        "abs",  "acos", "asin", "atan", "ceil",       "cos",  "deg",        "exp",  "floor",
        "fmod", "huge", "log",  "max",  "maxinteger", "min",  "mininteger", "modf", "pi",
        "rad",  "sin",  "sqrt", "tan",  "tointeger",  "type", "ult",        NULL};

    pick(L, "math", luaopen_math, names);
    sandbox_math(L);
    add_library(L, "math");
}

static void open_utf8(lua_State *L)
{
    static const char *const names[] = {"char", "charpattern", "codepoint", "codes",
                                        "len",  "offset",      NULL};

    pick(L, "utf8", luaopen_utf8, names);
    add_library(L, "utf8");
}

/* The only light userdata that a flow sees is JSON's null. All of them share one metatable. */
static void name_null(lua_State *L)
{
    luajson_push_null(L);
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "null");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

void sandbox_open(lua_State *L)
{
    name_null(L);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cell_keys.natives);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cell_keys.loaded);
    open_base(L);
    open_string(L);
    open_table(L);
    open_math(L);
    open_utf8(L);
    lua_newtable(L);
    sandbox_os(L);
    add_library(L, "os");
    lock_globals(L);
    /* The stock tables are not needed any more, and nothing shall find a way to them. */
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}

/* --- where ------------------------------------------------------------------------------------*/

/* "flows/main.lua:12", by hand: it is asked for at every wait. */
static void write_where(char *out, size_t cap, const lua_Debug *ar)
{
    size_t n = strlen(ar->source + 1), at = 12;
    char digits[12] = "";

    for (int line = ar->currentline; at == 12 || line; line /= 10)
        digits[--at] = (char)('0' + line % 10);
    digits[--at] = ':';
    if (n + 12 - at >= cap)
        n = cap - 1 - (12 - at);
    memcpy(out, ar->source + 1, n);
    memcpy(out + n, digits + at, 12 - at);
    out[n + 12 - at] = '\0';
}

void sandbox_where(lua_State *L, char *out, size_t cap)
{
    static const char ours[] = "@flows/";
    lua_Debug ar;

    out[0] = '\0';
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        if (!lua_getinfo(L, "Sl", &ar) || ar.currentline < 0 || ar.source[0] != '@')
            continue;
        if (strncmp(ar.source, ours, strlen(ours)) == 0) {
            write_where(out, cap, &ar);
            return;
        }
        if (!out[0])
            write_where(out, cap, &ar);
    }
}
