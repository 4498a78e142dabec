#include "core/luajson.h"

#include "base/utf8.h"
#include "core/cell.h"

#include <lauxlib.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32
#define BYTES_MAX (1u << 20)

/* What a value costs beside its text; nodes are larger than what they are written as. */
#define VALUE_COST 8

/* cJSON writes 15 digits, and takes what they say for exact when it is near enough. */
#define EXACT_MAX ((lua_Integer)999999999999999)

static const char array_mark; /* its address is the registry key of the metatable */

/* --- marks ------------------------------------------------------------------------------------*/

static void push_array_metatable(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_mark);
}

void luajson_mark_array(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    push_array_metatable(L);
    lua_setmetatable(L, index);
}

static bool is_marked(lua_State *L, int index)
{
    bool marked;

    if (!lua_getmetatable(L, index))
        return false;
    marked =
        lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark) == LUA_TTABLE && lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return marked;
}

void luajson_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
}

bool luajson_is_null(lua_State *L, int index)
{
    return lua_islightuserdata(L, index) && !lua_touserdata(L, index);
}

/* --- JSON to Lua ------------------------------------------------------------------------------*/

static void push_number(lua_State *L, double d)
{
    lua_Integer i;

    if (floor(d) == d && lua_numbertointeger(d, &i))
        lua_pushinteger(L, i);
    else
        lua_pushnumber(L, d);
}

static void push_members(lua_State *L, const cJSON *v, bool keep_null)
{
    const cJSON *it;

    lua_createtable(L, 0, cJSON_GetArraySize(v));
    cJSON_ArrayForEach (it, v) {
        if (cJSON_IsNull(it) && !keep_null)
            continue;
        luajson_push(L, it, keep_null);
        lua_setfield(L, -2, it->string);
    }
}

static void push_items(lua_State *L, const cJSON *v, bool keep_null)
{
    const cJSON *it;
    lua_Integer n = 0;

    lua_createtable(L, cJSON_GetArraySize(v), 0);
    cJSON_ArrayForEach (it, v) {
        if (cJSON_IsNull(it) && !keep_null)
            continue;
        luajson_push(L, it, keep_null);
        lua_rawseti(L, -2, ++n);
    }
    luajson_mark_array(L, -1);
}

void luajson_push(lua_State *L, const cJSON *v, bool keep_null)
{
    luaL_checkstack(L, 6, "JSON nested too deep");
    if (cJSON_IsObject(v))
        push_members(L, v, keep_null);
    else if (cJSON_IsArray(v))
        push_items(L, v, keep_null);
    else if (cJSON_IsString(v))
        lua_pushstring(L, v->valuestring);
    else if (cJSON_IsNumber(v))
        push_number(L, v->valuedouble);
    else if (cJSON_IsBool(v))
        lua_pushboolean(L, cJSON_IsTrue(v));
    else if (cJSON_IsNull(v) && keep_null)
        luajson_push_null(L);
    else
        lua_pushnil(L);
}

/* --- Lua to JSON ------------------------------------------------------------------------------
 * Raises nothing and allocates nothing in the state, so that no tree is lost when Lua's memory is
 * out. */

/* Where a value stands; the root has no parent. */
struct place {
    const struct place *up;
    const char *key; /* NULL: an index */
    lua_Integer index;
    int depth;
};

struct reader {
    lua_State *L;
    struct error *e;
    size_t bytes;
};

static int read_value(struct reader *r, const struct place *at, cJSON **out);

/* Write the path of `at` into `out`, "prompts[2].uri". */
static void describe(const struct place *at, char *out, size_t cap)
{
    size_t n;

    out[0] = '\0';
    if (!at->up)
        return;
    describe(at->up, out, cap);
    n = strlen(out);
    if (at->key)
        snprintf(out + n, cap - n, "%s%s", n ? "." : "", at->key);
    else
        snprintf(out + n, cap - n, "[%lld]", (long long)at->index);
}

static int refuse(struct reader *r, const struct place *at, int code, const char *what)
{
    char path[256];

    describe(at, path, sizeof path);
    return error_set(r->e, code, "%s%s%s", path, path[0] ? ": " : "", what);
}

static int spend(struct reader *r, const struct place *at, size_t bytes)
{
    r->bytes += bytes + VALUE_COST;
    return r->bytes > BYTES_MAX ? refuse(r, at, ERR_LIMIT, "the value is over 1 MiB as JSON") : 0;
}

/* The string on top of the stack, if it can stand in JSON. */
static int check_text(struct reader *r, const struct place *at, const char **text)
{
    size_t n;

    *text = lua_tolstring(r->L, -1, &n);
    if (utf8_check(*text, n) != n)
        return refuse(r, at, ERR_INVALID, "a string that is not UTF-8");
    if (strlen(*text) != n)
        return refuse(r, at, ERR_INVALID, "a string with a zero byte");
    return spend(r, at, n);
}

static int read_string(struct reader *r, const struct place *at, cJSON **out)
{
    const char *text;
    int err = check_text(r, at, &text);

    if (err)
        return err;
    *out = cJSON_CreateString(text);
    return *out ? 0 : ERR_NOMEM;
}

static int read_number(struct reader *r, const struct place *at, cJSON **out)
{
    lua_Number d = lua_tonumber(r->L, -1);
    lua_Integer i = lua_tointeger(r->L, -1);

    if (!isfinite(d))
        return refuse(r, at, ERR_INVALID, "a number that is not finite");
    if (lua_isinteger(r->L, -1) && (i > EXACT_MAX || i < -EXACT_MAX))
        return refuse(r, at, ERR_INVALID, "an integer of more than 15 digits (write it as text)");
    *out = cJSON_CreateNumber(d);
    return *out ? spend(r, at, 0) : ERR_NOMEM;
}

/* The keys of the table on top are 1..n: n. 0 when it is empty, -1 when they are something else. */
static lua_Integer array_length(lua_State *L)
{
    lua_Integer count = 0, n = (lua_Integer)lua_rawlen(L, -1);

    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 || lua_tointeger(L, -1) > n) {
            lua_pop(L, 1);
            return -1;
        }
        count++;
    }
    return count == n ? n : -1;
}

static int read_items(struct reader *r, const struct place *at, lua_Integer n, cJSON *array)
{
    for (lua_Integer i = 1; i <= n; i++) {
        struct place here = {at, NULL, i, at->depth + 1};
        cJSON *item = NULL;
        int err;

        lua_rawgeti(r->L, -1, i);
        err = read_value(r, &here, &item);
        lua_pop(r->L, 1);
        if (err) {
            cJSON_Delete(item);
            return err;
        }
        cJSON_AddItemToArray(array, item);
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

/* The key below the value on top, as the name of a member. */
static int check_key(struct reader *r, const struct place *at, const char **key)
{
    int err;

    if (lua_type(r->L, -2) == LUA_TNUMBER)
        return refuse(r, at, ERR_INVALID,
                      "a table with numbers as keys is an array, and its keys must be 1 to n");
    if (lua_type(r->L, -2) != LUA_TSTRING)
        return refuse(r, at, ERR_INVALID, "a table with a key that is not a string");
    lua_pushvalue(r->L, -2);
    err = check_text(r, at, key);
    lua_pop(r->L, 1);
    return err;
}

/* Read the member whose key and value are on top into `*out`, with its name set. */
static int read_member(struct reader *r, const struct place *at, cJSON **out)
{
    struct place here = {at, NULL, 0, at->depth + 1};
    int err = check_key(r, at, &here.key);

    if (err)
        return err;
    err = read_value(r, &here, out);
    if (err)
        return err;
    /* cJSON frees names as it frees everything, with its own function, which is free. */
    (*out)->string = strdup(here.key);
    return (*out)->string ? 0 : ERR_NOMEM;
}

static int read_members(struct reader *r, const struct place *at, cJSON *object)
{
    cJSON **items = NULL, **more;
    size_t n = 0, cap = 0;
    int err = 0;

    lua_pushnil(r->L);
    while (lua_next(r->L, -2)) {
        if (n == cap) {
            cap = cap ? 2 * cap : 8;
            more = realloc(items, cap * sizeof(cJSON *));
            if (!more) {
                err = ERR_NOMEM;
                lua_pop(r->L, 2);
                break;
            }
            items = more;
        }
        items[n] = NULL;
        err = read_member(r, at, &items[n++]);
        if (err) {
            lua_pop(r->L, 2);
            break;
        }
        lua_pop(r->L, 1);
    }
    if (!err && n > 1)
        qsort(items, n, sizeof *items, by_name);
    for (size_t i = 0; i < n; i++) {
        if (err)
            cJSON_Delete(items[i]);
        else
            cJSON_AddItemToArray(object, items[i]); /* the name is set: a member */
    }
    free(items);
    return err;
}

static int read_table(struct reader *r, const struct place *at, cJSON **out)
{
    lua_Integer n;
    int err;

    if (at->depth >= DEPTH_MAX)
        return refuse(r, at, ERR_INVALID, "nested over 32 deep (does the table hold itself?)");
    if (!lua_checkstack(r->L, 8))
        return ERR_NOMEM;
    err = spend(r, at, 0);
    if (err)
        return err;
    /* A table may be large and all but empty, and stand in the value many times. */
    if (cell_interrupted(r->L))
        return refuse(r, at, ERR_LIMIT, "the turn is over");
    n = array_length(r->L);
    if (n > 0 || (n == 0 && is_marked(r->L, -1))) {
        *out = cJSON_CreateArray();
        return *out ? read_items(r, at, n, *out) : ERR_NOMEM;
    }
    *out = cJSON_CreateObject();
    return *out ? read_members(r, at, *out) : ERR_NOMEM;
}

static int other(struct reader *r, const struct place *at)
{
    char what[64];
    int type = lua_type(r->L, -1);

    snprintf(what, sizeof what, "a %s", lua_typename(r->L, type));
    return refuse(r, at, ERR_INVALID, type == LUA_TNIL ? "nil" : what);
}

/* Read the value on top of the stack, which stays. On failure `*out` may hold a part of it. */
static int read_value(struct reader *r, const struct place *at, cJSON **out)
{
    switch (lua_type(r->L, -1)) {
    case LUA_TSTRING:
        return read_string(r, at, out);
    case LUA_TNUMBER:
        return read_number(r, at, out);
    case LUA_TBOOLEAN:
        *out = cJSON_CreateBool(lua_toboolean(r->L, -1));
        return *out ? spend(r, at, 0) : ERR_NOMEM;
    case LUA_TTABLE:
        return read_table(r, at, out);
    default:
        if (!luajson_is_null(r->L, -1))
            return other(r, at);
        *out = cJSON_CreateNull();
        return *out ? spend(r, at, 0) : ERR_NOMEM;
    }
}

int luajson_read(cJSON **out, lua_State *L, int index, struct error *e)
{
    struct reader r = {L, e, 0};
    struct place root = {0};
    cJSON *v = NULL;
    int err;

    if (!lua_checkstack(L, 8))
        return error_set(e, ERR_NOMEM, "out of memory");
    lua_pushvalue(L, index);
    err = read_value(&r, &root, &v);
    lua_pop(L, 1);
    if (err) {
        cJSON_Delete(v);
        return err == ERR_NOMEM ? error_set(e, err, "out of memory") : err;
    }
    *out = v;
    return 0;
}
