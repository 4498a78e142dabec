#include "test.h"

#include "base/json.h"
#include "core/luajson.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

static int null(lua_State *L)
{
    luajson_push_null(L);
    return 1;
}

static int array(lua_State *L)
{
    luajson_mark_array(L, 1);
    lua_settop(L, 1);
    return 1;
}

static lua_State *new_state(void)
{
    lua_State *L = luaL_newstate();

    luaL_openlibs(L);
    lua_register(L, "null", null);
    lua_register(L, "array", array);
    return L;
}

/* Push the value of the Lua expression. */
static void push(lua_State *L, const char *expression)
{
    lua_settop(L, 0);
    lua_pushfstring(L, "return %s", expression);
    if (luaL_dostring(L, lua_tostring(L, 1)) != LUA_OK)
        EXPECT_STR(lua_tostring(L, -1), "");
    lua_remove(L, 1);
}

static void writes_values(void)
{
    static const struct {
        const char *lua, *json;
    } rows[] = {
        {"1", "1"},
        {"1.5", "1.5"},
        {"3.0", "3"},
        {"-999999999999999", "-999999999999999"},
        {"'a\\n\\u{e4}'", "\"a\\n\xC3\xA4\""},
        {"true", "true"},
        {"null()", "null"},
        {"{}", "{}"},
        {"array {}", "[]"},
        {"array { 1 }", "[1]"},
        {"{ 1, 'a', { 2 } }", "[1,\"a\",[2]]"},
        {"{ 1, null(), 3 }", "[1,null,3]"},
        {"{ z = 1, a = { m = {}, b = array {} }, [''] = 0 }",
         "{\"\":0,\"a\":{\"b\":[],\"m\":{}},\"z\":1}"},
        {"{ ['1'] = 1, ['10'] = 2, ['2'] = 3 }", "{\"1\":1,\"10\":2,\"2\":3}"},
        {"setmetatable({ 1 }, { __index = error, __pairs = error, __len = error })", "[1]"},
        {"(function() local t = { 1, 2, 3, nil, 5 } t[5] = nil return t end)()", "[1,2,3]"},
    };
    lua_State *L = new_state();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error e = {""};
        cJSON *v = NULL;
        char *text;

        push(L, rows[i].lua);
        EXPECT_INT(luajson_read(&v, L, 1, &e), 0);
        EXPECT_INT(lua_gettop(L), 1);
        text = json_text(v);
        EXPECT_STR(text, rows[i].json);
        free(text);
        cJSON_Delete(v);
    }
    lua_close(L);
}

static void says_what_cannot_be_written(void)
{
    static const struct {
        const char *lua, *why;
    } rows[] = {
        {"nil", "nil"},
        {"print", "a function"},
        {"{ prompts = { 'a', { uri = print } } }", "prompts[2].uri: a function"},
        {"{ a = { b = coroutine.create(print) } }", "a.b: a thread"},
        {"{ io.stdout }", "[1]: a userdata"},
        {"{ 1, 2, { x = 0/0 } }", "[3].x: a number that is not finite"},
        {"{ x = -math.huge }", "x: a number that is not finite"},
        {"{ x = 1000000000000000 }", "x: an integer of more than 15 digits"},
        {"{ x = math.mininteger }", "x: an integer of more than 15 digits"},
        {"{ x = 'a\\xff' }", "x: a string that is not UTF-8"},
        {"{ x = '\\xed\\xa0\\x80' }", "x: a string that is not UTF-8"},
        {"{ x = 'a\\0b' }", "x: a string with a zero byte"},
        {"{ y = { ['\\xff'] = 1 } }", "y: a string that is not UTF-8"},
        {"{ y = { ['\\0'] = 1 } }", "y: a string with a zero byte"},
        {"{ 1, 2, x = 3 }", "a table with numbers as keys is an array"},
        {"{ a = { [2] = 1 } }", "a: a table with numbers as keys is an array"},
        {"{ a = { 1, 2, nil, 4 } }", "a: a table with numbers as keys is an array"},
        {"{ a = { [1.5] = 1 } }", "a: a table with numbers as keys is an array"},
        {"{ a = { [0] = 1 } }", "a: a table with numbers as keys is an array"},
        {"{ [true] = 1 }", "a table with a key that is not a string"},
        {"{ [{}] = 1 }", "a table with a key that is not a string"},
        {"(function() local t = {} t.x = t return t end)()", "nested over 32 deep"},
        {"(function() local t = {} for i = 1, 32 do t = { t } end return t end)()",
         "nested over 32 deep"},
    };
    lua_State *L = new_state();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error e = {""};
        cJSON *v = NULL;

        push(L, rows[i].lua);
        EXPECT_INT(luajson_read(&v, L, -1, &e), ERR_INVALID);
        EXPECT_IN(e.text, rows[i].why);
        EXPECT(!v);
        EXPECT_INT(lua_gettop(L), 1);
    }
    lua_close(L);
}

static void bounds_the_size(void)
{
    static const char *const large[] = {
        "string.rep('x', 1 << 20)",
        "{ string.rep('x', 1 << 19), string.rep('y', 1 << 19) }",
        "{ [string.rep('x', 1 << 20)] = 1 }",
        "(function() local t = {} for i = 1, 200000 do t[i] = 1 end return t end)()",
        /* few tables, many values: each level holds the next one twice */
        "(function() local t = 'x' for i = 1, 30 do t = { t, t } end return t end)()",
    };
    lua_State *L = new_state();
    struct error e;
    cJSON *v = NULL;

    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        push(L, large[i]);
        EXPECT_INT(luajson_read(&v, L, 1, &e), ERR_LIMIT);
        EXPECT_IN(e.text, "1 MiB");
    }
    push(L, "(function() local t = {} for i = 1, 31 do t = { t } end return t end)()");
    EXPECT_INT(luajson_read(&v, L, 1, &e), 0);
    cJSON_Delete(v);
    push(L, "string.rep('x', 1000000)");
    EXPECT_INT(luajson_read(&v, L, 1, &e), 0);
    cJSON_Delete(v);
    lua_close(L);
}

static void reads_values(void)
{
    static const char check[] =
        "local v, n = ...\n"
        "assert(math.type(v.i) == 'integer' and v.i == 5 and v.f == 2.5)\n"
        "assert(math.type(v.e) == 'integer' and v.e == 1000)\n"
        "assert(math.type(v.big) == 'float' and math.type(v.neg) == 'integer')\n"
        "assert(v.s == 'x' and v.t == true and v.no == false)\n"
        "assert(#v.list == 3 and v.list[2] == 'b' and v.list[3][1] == 1)\n"
        "assert(next(v.empty) == nil and next(v.object) == nil)\n"
        "assert(v.none == (n and null() or nil))\n"
        "assert(#v.holes == (n and 3 or 2) and v.holes[2] == (n and null() or 2))\n"
        "assert(getmetatable(v.empty) == false and getmetatable(v.object) == nil)\n";
    static const char text[] =
        "{\"i\":5,\"f\":2.5,\"e\":1e3,\"big\":1e300,\"neg\":-7,\"s\":\"x\",\"t\":true,\"no\":false,"
        "\"list\":[\"a\",\"b\",[1]],\"empty\":[],\"object\":{},\"none\":null,"
        "\"holes\":[1,null,2]}";
    lua_State *L = new_state();
    cJSON *v = NULL, *back = NULL;
    struct error e;

    EXPECT_INT(json_parse(&v, text, strlen(text), NULL), 0);
    for (int keep = 0; keep < 2; keep++) {
        lua_settop(L, 0);
        EXPECT_INT(luaL_loadstring(L, check), LUA_OK);
        luajson_push(L, v, keep);
        lua_pushboolean(L, keep);
        if (lua_pcall(L, 2, 0, 0) != LUA_OK)
            EXPECT_STR(lua_tostring(L, -1), "");
    }
    luajson_push(L, v, true);
    EXPECT_INT(luajson_read(&back, L, -1, &e), 0);
    EXPECT(json_equal(v, back));
    luajson_push(L, NULL, true);
    EXPECT(lua_isnil(L, -1));
    EXPECT(!luajson_is_null(L, -1));
    luajson_push_null(L);
    EXPECT(luajson_is_null(L, -1));
    cJSON_Delete(back);
    cJSON_Delete(v);
    lua_close(L);
}

static void survives_failing_memory(void)
{
    lua_State *L = new_state();

    push(L, "{ z = 1, a = { m = {}, b = { 'x', 2, true, null() } }, c = 1, d = 2, e = 3, f = 4,\n"
            "g = 5, h = 6, i = 7, j = 8 }");
    EVERY_ALLOCATION(n)
    {
        struct error e;
        cJSON *v = NULL;
        int err = luajson_read(&v, L, 1, &e);

        EXPECT((err == 0) == (v != NULL));
        EXPECT(err == 0 || err == ERR_NOMEM);
        EXPECT_INT(lua_gettop(L), 1);
        cJSON_Delete(v);
    }
    lua_close(L);
}

const struct test luajson_tests[] = {
    TEST(writes_values), TEST(says_what_cannot_be_written), TEST(bounds_the_size),
    TEST(reads_values),  TEST(survives_failing_memory),     {0}};
