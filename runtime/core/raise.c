#include "core/raise.h"

#include "core/fiber.h"

#include <lauxlib.h>

static const char *text_field(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, 1);
    return lua_tostring(L, -1);
}

/* "playPrompt: notFound (404/1234): the message [flows/main.lua:12]" */
static int error_text(lua_State *L)
{
    const char *method, *code, *status, *subcode, *message, *where;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    method = text_field(L, "method");
    code = text_field(L, "code");
    status = text_field(L, "status");
    subcode = text_field(L, "subcode");
    message = text_field(L, "message");
    where = text_field(L, "where");
    lua_pushfstring(L, "%s%s%s", method ? method : "", method ? ": " : "", code ? code : "error");
    if (status || subcode)
        lua_pushfstring(L, " (%s%s%s)", status ? status : "subcode ", status && subcode ? "/" : "",
                        subcode ? subcode : "");
    else
        lua_pushliteral(L, "");
    lua_pushfstring(L, "%s%s%s%s%s", message ? ": " : "", message ? message : "", where ? " [" : "",
                    where ? where : "", where ? "]" : "");
    lua_concat(L, 3);
    return 1;
}

static void set_text(lua_State *L, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

static void set_int(lua_State *L, const char *name, int value)
{
    if (!value)
        return;
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

void raise_push(lua_State *L, const struct raise *r)
{
    char where[WHERE_MAX];

    luaL_checkstack(L, 4, NULL);
    sandbox_where(L, where, sizeof where);
    lua_createtable(L, 0, 6);
    set_text(L, "code", r->code);
    set_int(L, "status", r->status);
    set_int(L, "subcode", r->subcode);
    set_text(L, "message", r->message);
    set_text(L, "method", r->method);
    set_text(L, "where", where);
    if (luaL_newmetatable(L, "ivory.error")) {
        lua_pushcfunction(L, error_text);
        lua_setfield(L, -2, "__tostring");
        lua_pushliteral(L, "error");
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
}

int raise_error(lua_State *L, const struct raise *r)
{
    raise_push(L, r);
    return lua_error(L);
}
