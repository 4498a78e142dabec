/* ivr.json: text and values. */
#include "base/json.h"
#include "bindings/guard.h"
#include "bindings/internal.h"
#include "core/luajson.h"

#include <stdlib.h>

static int encode(lua_State *L)
{
    struct error e = {{0}};
    cJSON **value, **out;
    char *text;

    luaL_checkany(L, 1);
    lua_settop(L, 1);
    value = guard_push(L);
    out = guard_push(L); /* of the text: pushing it may raise, and so may making a guard */
    if (luajson_read(value, L, 1, &e))
        return luaL_error(L, "json.encode: %s", e.text);
    text = json_text(*value);
    guard_free(value);
    if (!text)
        return luaL_error(L, "not enough memory");
    *out = cJSON_CreateStringReference(text);
    if (!*out) {
        free(text);
        return luaL_error(L, "not enough memory");
    }
    (*out)->type &= ~cJSON_IsReference;
    lua_pushstring(L, text);
    guard_free(out);
    return 1;
}

static int decode(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    struct error e = {{0}};
    cJSON **value = guard_push(L);

    if (json_parse(value, text, n, &e))
        return luaL_error(L, "json.decode: %s", e.text);
    luajson_push(L, *value, true);
    guard_free(value);
    return 1;
}

static int array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luajson_mark_array(L, 1);
    return 1;
}

void json_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"encode", encode}, {"decode", decode}, {"array", array}, {NULL, NULL}};

    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    luajson_push_null(L);
    lua_setfield(L, -2, "null");
    sandbox_freeze(L, "ivr.json");
}
