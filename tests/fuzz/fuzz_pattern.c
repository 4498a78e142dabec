/*
 * A pattern and a subject, apart by the first byte, which is the length of the pattern: our matcher
 * against the stock one. Ours may refuse more (a malformed part that would not have been reached,
 * what costs too much); what it finds must be the same.
 */
#include "core/pattern.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

/* The stock matcher takes exponential time: short texts only. */
enum { PATTERN_MAX = 12, SUBJECT_MAX = 16 };

static lua_State *L;

static void same_capture(const struct pattern_run *r, int i, int index)
{
    const struct pattern_capture *c = &r->captures[i];
    size_t n;
    const char *text;

    if (c->n == PATTERN_POSITION) {
        if (!lua_isinteger(L, index) || lua_tointeger(L, index) != (lua_Integer)c->at + 1)
            abort();
        return;
    }
    text = lua_tolstring(L, index, &n);
    if (lua_type(L, index) != LUA_TSTRING || n != c->n || memcmp(text, r->subject + c->at, n) != 0)
        abort();
}

/* What the stock string.find says, from offset 0: ours found the match from `at` to `end`, or none.
 */
static void compare(const struct pattern *p, const struct pattern_run *r, const char *text,
                    size_t n, bool found, size_t at, size_t end)
{
    int status;

    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushlstring(L, r->subject, r->n);
    lua_pushlstring(L, text, n);
    status = lua_pcall(L, 2, LUA_MULTRET, 0);
    if (status != LUA_OK || found == lua_isnil(L, 2))
        abort();
    if (!found)
        return;
    if (lua_tointeger(L, 2) != (lua_Integer)at + 1 || lua_tointeger(L, 3) != (lua_Integer)end ||
        lua_gettop(L) != 3 + p->captures)
        abort();
    for (int i = 0; i < p->captures; i++)
        same_capture(r, i, 4 + i);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct pattern_item items[PATTERN_MAX * 2 + 8];
    struct pattern p;
    struct pattern_run r = {.steps = 1000000};
    size_t length, at = 0, end = 0;
    const char *text = (const char *)data + 1;
    bool anchored, found = false;

    if (!L) {
        L = luaL_newstate();
        luaL_openlibs(L);
        lua_getglobal(L, "string");
        lua_getfield(L, -1, "find");
        lua_replace(L, 1);
    }
    if (n < 2 || data[0] % PATTERN_MAX + 1u > n)
        return 0;
    length = data[0] % PATTERN_MAX;
    r.subject = text + length;
    r.n = n - 1 - length < SUBJECT_MAX ? n - 1 - length : SUBJECT_MAX;
    anchored = length && *text == '^';
    if (pattern_room(length) > sizeof items / sizeof *items)
        abort();
    if (pattern_compile(&p, items, text + anchored, length - anchored))
        return 0;
    do {
        found = pattern_match(&p, &r, at, &end);
    } while (!found && r.steps >= 0 && !anchored && at++ < r.n);
    if (r.steps >= 0)
        compare(&p, &r, text, length, found, at, end);
    return 0;
}
