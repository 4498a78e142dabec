#include "core/cell_state.h"
#include "core/sandbox_state.h"

#include <lauxlib.h>
#include <stdbool.h>

/* Elements that one function goes through at most. */
#define TABLE_MAX 1000000

/* The stock functions go through as many elements as `#t` or the arguments say, without a single
 * allocation where the elements are nil; a sparse table or a __len can say 2^62. So these count
 * first. Elements are read and written with metamethods, as in stock Lua. */

static void check_count(lua_State *L, const char *name, lua_Integer n)
{
    if (n > TABLE_MAX)
        luaL_error(L, "table.%s: more than %d elements", name, TABLE_MAX);
}

static int table_insert(lua_State *L)
{
    lua_Integer n, at;
    int top = lua_gettop(L);

    luaL_checktype(L, 1, LUA_TTABLE);
    if (top != 2 && top != 3)
        return luaL_error(L, "wrong number of arguments to 'insert'");
    n = luaL_len(L, 1);
    at = top == 2 ? (lua_Integer)((lua_Unsigned)n + 1) : luaL_checkinteger(L, 2);
    /* As unsigned, so that n + 1 may wrap: 1 <= at <= n + 1. */
    if (top == 3 && (lua_Unsigned)at - 1u >= (lua_Unsigned)n + 1u)
        return luaL_argerror(L, 2, "position out of bounds");
    if (n > 0 && top == 3)
        check_count(L, "insert", n - at + 1);
    for (lua_Integer i = n; top == 3 && i >= at; i--) {
        sandbox_poll(L);
        lua_geti(L, 1, i);
        lua_seti(L, 1, i + 1);
    }
    lua_pushvalue(L, top);
    lua_seti(L, 1, at);
    return 0;
}

static int table_remove(lua_State *L)
{
    lua_Integer n, at;

    luaL_checktype(L, 1, LUA_TTABLE);
    n = luaL_len(L, 1);
    at = luaL_optinteger(L, 2, n);
    /* 1 <= at <= n + 1; the default is always good. */
    if (at != n && (lua_Unsigned)at - 1u > (lua_Unsigned)n)
        return luaL_argerror(L, 2, "position out of bounds");
    if (at < n)
        check_count(L, "remove", n - at);
    lua_geti(L, 1, at);
    for (; at < n; at++) {
        sandbox_poll(L);
        lua_geti(L, 1, at + 1);
        lua_seti(L, 1, at);
    }
    lua_pushnil(L);
    lua_seti(L, 1, at);
    return 1;
}

static int table_move(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    lua_Integer to = luaL_checkinteger(L, 4), n;
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    bool forward;

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, target, LUA_TTABLE);
    if (last >= from) {
        if ((lua_Unsigned)last - (lua_Unsigned)from >= TABLE_MAX)
            check_count(L, "move", LUA_MAXINTEGER);
        n = last - from + 1;
        if (to > LUA_MAXINTEGER - n + 1)
            return luaL_argerror(L, 4, "destination wrap around");
        /* Backwards where the target overlaps the part that is still to be read. */
        forward = to > last || to <= from || (target != 1 && !lua_compare(L, 1, target, LUA_OPEQ));
        for (lua_Integer i = 0; i < n; i++) {
            lua_Integer k = forward ? i : n - 1 - i;
            sandbox_poll(L);
            lua_geti(L, 1, from + k);
            lua_seti(L, target, to + k);
        }
    }
    lua_pushvalue(L, target);
    return 1;
}

/* --- sort -------------------------------------------------------------------------------------
 * A merge sort over a copy. It is stable and always makes the same comparisons, where the stock
 * function takes its pivots from the clock; an order function that contradicts itself gives some
 * order; one that raises leaves the table as it was. */

enum { SORT_TABLE = 1, SORT_ORDER, SORT_FROM, SORT_TO };

/* Compare the two values on top: whether the upper one goes first. */
static bool goes_first(lua_State *L)
{
    bool first;

    if (lua_isnil(L, SORT_ORDER))
        return lua_compare(L, -1, -2, LUA_OPLT);
    lua_pushvalue(L, SORT_ORDER);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -4);
    lua_call(L, 2, 1);
    first = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return first;
}

/* Merge [lo, mid) and [mid, hi) of the list at SORT_FROM into the one at SORT_TO. */
static void merge(lua_State *L, lua_Integer lo, lua_Integer mid, lua_Integer hi)
{
    lua_Integer a = lo, b = mid, out = lo;

    while (a < mid && b < hi) {
        lua_rawgeti(L, SORT_FROM, a);
        lua_rawgeti(L, SORT_FROM, b);
        if (goes_first(L)) {
            lua_rawseti(L, SORT_TO, out++);
            lua_pop(L, 1);
            b++;
        } else {
            lua_pop(L, 1);
            lua_rawseti(L, SORT_TO, out++);
            a++;
        }
        sandbox_poll(L);
    }
    for (; a < mid; a++) {
        lua_rawgeti(L, SORT_FROM, a);
        lua_rawseti(L, SORT_TO, out++);
    }
    for (; b < hi; b++) {
        lua_rawgeti(L, SORT_FROM, b);
        lua_rawseti(L, SORT_TO, out++);
    }
}

static int table_sort(lua_State *L)
{
    lua_Integer n;

    luaL_checktype(L, 1, LUA_TTABLE);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    n = luaL_len(L, 1);
    check_count(L, "sort", n);
    if (n < 2)
        return 0;
    lua_createtable(L, (int)n, 0);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        sandbox_poll(L);
        lua_geti(L, SORT_TABLE, i);
        lua_rawseti(L, SORT_FROM, i);
    }
    for (lua_Integer width = 1; width < n; width *= 2) {
        for (lua_Integer lo = 1; lo <= n; lo += 2 * width) {
            lua_Integer mid = lo + width <= n ? lo + width : n + 1;
            lua_Integer hi = mid + width <= n ? mid + width : n + 1;
            merge(L, lo, mid, hi);
        }
        lua_rotate(L, SORT_FROM, 1);
    }
    for (lua_Integer i = 1; i <= n; i++) {
        sandbox_poll(L);
        lua_rawgeti(L, SORT_FROM, i);
        lua_seti(L, SORT_TABLE, i);
    }
    return 0;
}

/* --- concat, unpack ---------------------------------------------------------------------------*/

static int table_concat(lua_State *L)
{
    size_t n;
    const char *between = luaL_optlstring(L, 2, "", &n);
    lua_Integer i = luaL_optinteger(L, 3, 1), last;
    luaL_Buffer b;

    luaL_checktype(L, 1, LUA_TTABLE);
    last = luaL_opt(L, luaL_checkinteger, 4, luaL_len(L, 1));
    luaL_buffinit(L, &b);
    for (; i <= last; i++) {
        sandbox_poll(L);
        lua_geti(L, 1, i);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "invalid value (at index %I) in table for 'concat'", i);
        luaL_addvalue(&b);
        if (i == last) /* it may be the last there is */
            break;
        luaL_addlstring(&b, between, n);
    }
    luaL_pushresult(&b);
    return 1;
}

static int table_unpack(lua_State *L)
{
    lua_Integer i = luaL_optinteger(L, 2, 1);
    lua_Integer last = luaL_opt(L, luaL_checkinteger, 3, luaL_len(L, 1));
    lua_Unsigned n;

    if (i > last)
        return 0;
    n = (lua_Unsigned)last - (lua_Unsigned)i;
    if (n >= TABLE_MAX || !lua_checkstack(L, (int)n + 1))
        return luaL_error(L, "too many results to unpack");
    for (lua_Unsigned k = 0; k <= n; k++) {
        sandbox_poll(L);
        lua_geti(L, 1, i + (lua_Integer)k);
    }
    return (int)n + 1;
}

void sandbox_table(lua_State *L)
{
    static const luaL_Reg functions[] = {{"concat", table_concat},
                                         {"insert", table_insert},
                                         {"move", table_move},
                                         {"remove", table_remove},
                                         {"sort", table_sort},
                                         {"unpack", table_unpack},
                                         {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
