/*
 * `pairs` and `next` in the order of keys. Stock Lua goes by hash, and the hash of strings is
 * seeded differently in every process, so that a replay would see another order than the call did.
 */
#include "core/sandbox.h"
#include "core/sandbox_state.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Elements between two looks whether the turn is over. */
#define LOOK 1024

enum rank { RANK_NUMBER, RANK_STRING, RANK_BOOLEAN };

struct key {
    enum rank rank;
    bool is_integer;
    lua_Integer integer; /* also the boolean  */
    lua_Number number;
    const char *text; /* the string itself lives in the table */
    size_t n;
    lua_Integer place; /* where it stood before sorting */
};

/* Describe the key at `index`; raises for one that has no order. */
static void read_key(lua_State *L, int index, struct key *k)
{
    *k = (struct key){0};
    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
        k->is_integer = lua_isinteger(L, index);
        if (k->is_integer)
            k->integer = lua_tointeger(L, index);
        else
            k->number = lua_tonumber(L, index);
        break;
    case LUA_TSTRING:
        k->rank = RANK_STRING;
        k->text = lua_tolstring(L, index, &k->n);
        break;
    case LUA_TBOOLEAN:
        k->rank = RANK_BOOLEAN;
        k->integer = lua_toboolean(L, index);
        break;
    default:
        luaL_error(L,
                   "a table with a %s as key cannot be traversed: such keys have no order that "
                   "two runs share",
                   luaL_typename(L, index));
    }
}

/* Integer against float; never equal, since a float key with an integral value is an integer. */
static int compare_mixed(lua_Integer i, lua_Number f)
{
    if (f >= 0x1p63)
        return -1;
    if (f < -0x1p63)
        return 1;
    return i <= (lua_Integer)floor(f) ? -1 : 1;
}

static int compare_numbers(const struct key *a, const struct key *b)
{
    if (a->is_integer && b->is_integer)
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (a->is_integer)
        return compare_mixed(a->integer, b->number);
    if (b->is_integer)
        return -compare_mixed(b->integer, a->number);
    return (a->number > b->number) - (a->number < b->number);
}

static int compare(const void *x, const void *y)
{
    const struct key *a = x, *b = y;
    int order;

    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->rank == RANK_NUMBER)
        return compare_numbers(a, b);
    if (a->rank == RANK_BOOLEAN)
        return (int)(a->integer - b->integer);
    order = memcmp(a->text, b->text, a->n < b->n ? a->n : b->n);
    return order ? order : (a->n > b->n) - (a->n < b->n);
}

/* --- pairs: a list of the keys, made at the start ---------------------------------------------*/

/* Upvalues: the table, the keys in order, how many were given out. */
static int next_pair(lua_State *L)
{
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(3));

    for (;;) {
        if (lua_rawgeti(L, lua_upvalueindex(2), ++i) == LUA_TNIL)
            return 1;
        if (i % LOOK == 0)
            sandbox_poll(L);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
            break; /* else it was taken out meanwhile */
        lua_pop(L, 2);
    }
    lua_pushinteger(L, i);
    lua_replace(L, lua_upvalueindex(3));
    return 2;
}

/* Push the list of keys of the table at `t`, unsorted, and return how many; `*sorted` when they
 * came in order, as those of an array do. */
static lua_Integer list_keys(lua_State *L, int t, bool *sorted)
{
    struct key last, k;
    lua_Integer n = 0;

    *sorted = true;
    lua_createtable(L, (int)lua_rawlen(L, t) < 1 << 20 ? (int)lua_rawlen(L, t) : 0, 0);
    lua_pushnil(L);
    while (lua_next(L, t)) {
        lua_pop(L, 1);
        read_key(L, -1, &k);
        if (n && compare(&last, &k) > 0)
            *sorted = false;
        last = k;
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, ++n);
        if (n % LOOK == 0)
            sandbox_poll(L);
    }
    return n;
}

/* Replace the list of `n` keys on top by one in order. */
static void sort_keys(lua_State *L, lua_Integer n)
{
    struct key *keys = lua_newuserdatauv(L, (size_t)n * sizeof *keys, 0);

    for (lua_Integer i = 0; i < n; i++) {
        lua_rawgeti(L, -2, i + 1);
        read_key(L, -1, &keys[i]);
        keys[i].place = i + 1;
        lua_pop(L, 1);
    }
    qsort(keys, (size_t)n, sizeof *keys, compare);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 0; i < n; i++) {
        lua_rawgeti(L, -3, keys[i].place);
        lua_rawseti(L, -2, i + 1);
    }
    lua_replace(L, -3);
    lua_pop(L, 1);
}

int sandbox_pairs(lua_State *L, int index)
{
    bool sorted;
    lua_Integer n;

    luaL_checkstack(L, 8, "pairs");
    lua_pushvalue(L, index);
    n = list_keys(L, lua_gettop(L), &sorted);
    if (!sorted)
        sort_keys(L, n);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_pair, 3);
    return 1;
}

static int pairs_done(lua_State *L, int status, lua_KContext ctx)
{
    (void)L, (void)status, (void)ctx;
    return 3;
}

static int order_pairs(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 3, 0, pairs_done);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    sandbox_pairs(L, 1);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* --- next: the least key above the one given --------------------------------------------------*/

static int order_next(lua_State *L)
{
    struct key after, best = {0}, k;
    bool found = false;
    unsigned n = 0;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2))
        read_key(L, 2, &after);
    lua_pushnil(L); /* 3: the best so far */
    lua_pushnil(L); /* 4: the walk        */
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        if (++n % LOOK == 0)
            sandbox_poll(L);
        read_key(L, 4, &k);
        if ((lua_isnil(L, 2) || compare(&k, &after) > 0) && (!found || compare(&k, &best) < 0)) {
            found = true;
            best = k;
            lua_copy(L, 4, 3);
        }
    }
    lua_settop(L, 3);
    if (!found)
        return 1;
    lua_pushvalue(L, 3);
    lua_rawget(L, 1);
    return 2;
}

void sandbox_order(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"next", order_next}, {"pairs", order_pairs}, {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
