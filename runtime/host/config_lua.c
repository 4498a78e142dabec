#include "host/config_lua.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INSTRUCTIONS 1000000
#define MAX_MEMORY       (16u << 20)

struct reading {
    struct config_value *values;
    const char *path, *text;
    size_t n;
    size_t memory;
    int err;
    struct error *e;
};

static void *allocate(void *arg, void *p, size_t old, size_t n)
{
    struct reading *r = arg;
    void *new;

    if (!p)
        old = 0; /* Lua passes a type here */
    if (n == 0) {
        free(p);
        r->memory -= old;
        return NULL;
    }
    if (n > old && r->memory + (n - old) > MAX_MEMORY)
        return NULL;
    new = realloc(p, n);
    if (new)
        r->memory += n - old;
    return new;
}

static void too_long(lua_State *L, lua_Debug *ar)
{
    lua_getinfo(L, "Sl", ar);
    luaL_error(L, "%s:%d: the configuration takes too long", ar->short_src, ar->currentline);
}

/* --- what the file says ---------------------------------------------------------------------- */

/* `e` holds what is wrong with key `name`: put place and key before it. */
static int blame(struct reading *r, const char *name, int err)
{
    int line = config_lua_line(r->text, name);

    error_prefix(r->e, err, "%s", name);
    if (line)
        error_prefix(r->e, err, "%s:%d", r->path, line);
    else
        error_prefix(r->e, err, "%s", r->path);
    return r->err = err;
}

static int no_such_key(struct reading *r, const char *name)
{
    const char *like = config_key_like(name);

    if (like)
        error_set(r->e, ERR_INVALID, "no such key (did you mean %s?)", like);
    else
        error_set(r->e, ERR_INVALID, "no such key");
    return blame(r, name, ERR_INVALID);
}

/* The list on top of the stack. */
static int put_list(lua_State *L, struct config_value *v, const struct config_key *k,
                    struct error *e)
{
    size_t n = lua_rawlen(L, -1), found = 0;
    int err = 0;

    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        found++;
    }
    if (found != n || n == 0)
        return error_set(e, ERR_INVALID, "must be a list of texts, { \"...\", \"...\" }");
    for (size_t i = 0; i < n && !err; i++) {
        size_t length;
        const char *text;

        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
        err = text ? config_put_item(v, k, i, text, length, e)
                   : error_set(e, ERR_INVALID, "item %zu is no text", i + 1);
        lua_pop(L, 1);
    }
    return err;
}

/* The value on top of the stack. */
static int put(lua_State *L, struct config_value *v, const struct config_key *k, struct error *e)
{
    size_t n;
    const char *text;

    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        text = lua_tolstring(L, -1, &n);
        return config_put_text(v, k, text, n, e);
    case LUA_TNUMBER:
        return config_put_number(v, k, lua_tonumber(L, -1), e);
    case LUA_TBOOLEAN:
        return config_put_flag(v, k, lua_toboolean(L, -1), e);
    case LUA_TTABLE:
        if (k->type == CONFIG_LIST)
            return put_list(L, v, k, e);
        return error_set(e, ERR_INVALID, "is a table, must be a single value");
    default:
        return error_set(e, ERR_INVALID, "is a %s", luaL_typename(L, -1));
    }
}

static int put_key(lua_State *L, struct reading *r, const char *name, int i)
{
    struct config_value *v = &r->values[i];
    int line = config_lua_line(r->text, name);
    char place[300];
    int err = put(L, v, &config_keys[i], r->e);

    if (err)
        return blame(r, name, err);
    if (line)
        snprintf(place, sizeof place, "%s:%d", r->path, line);
    else
        snprintf(place, sizeof place, "%s", r->path);
    free(v->origin);
    v->origin = strdup(place);
    return v->origin ? 0 : (r->err = error_set(r->e, ERR_NOMEM, "no memory"));
}

/* The table on top of the stack; its keys begin with `prefix`. */
static int walk(lua_State *L, struct reading *r, const char *prefix)
{
    luaL_checkstack(L, 8, NULL);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        char name[200];
        size_t n;
        int i, err;

        if (lua_type(L, -2) != LUA_TSTRING) {
            error_set(r->e, ERR_INVALID, "holds a value without a name");
            return blame(r, *prefix ? prefix : "the file", ERR_INVALID);
        }
        snprintf(name, sizeof name, "%s%s%.100s", prefix, *prefix ? "." : "",
                 lua_tolstring(L, -2, &n));
        i = config_key_find(name, strlen(name));
        if (i >= 0)
            err = put_key(L, r, name, i);
        else if (config_key_is_group(name) && lua_istable(L, -1))
            err = walk(L, r, name);
        else if (config_key_is_group(name))
            err = blame(r, name, error_set(r->e, ERR_INVALID, "must be a table"));
        else
            err = no_such_key(r, name);
        if (err)
            return err;
        lua_pop(L, 1);
    }
    return 0;
}

/* --- running it ------------------------------------------------------------------------------ */

/* Give the table on top an empty table for each group, so that `graph.url = ...` needs no `graph =
 * {}` before it. */
static void add_groups(lua_State *L)
{
    for (size_t i = 0; config_keys[i].name; i++) {
        const char *at = config_keys[i].name, *dot;
        int depth = 0;

        for (; (dot = strchr(at, '.')); at = dot + 1, depth++) {
            lua_pushlstring(L, at, (size_t)(dot - at));
            if (lua_rawget(L, -2) != LUA_TTABLE) {
                lua_pop(L, 1);
                lua_newtable(L);
                lua_pushlstring(L, at, (size_t)(dot - at));
                lua_pushvalue(L, -2);
                lua_rawset(L, -4);
            }
        }
        lua_pop(L, depth);
    }
}

static int evaluate(lua_State *L)
{
    struct reading *r = lua_touserdata(L, 1);
    enum { CHUNK = 3, ENV, RESULT };

    lua_sethook(L, too_long, LUA_MASKCOUNT, MAX_INSTRUCTIONS);
    if (luaL_loadbufferx(L, r->text, r->n, lua_pushfstring(L, "@%s", r->path), "t"))
        return lua_error(L);
    lua_newtable(L);
    add_groups(L);
    lua_pushvalue(L, ENV);
    lua_setupvalue(L, CHUNK, 1);
    lua_pushvalue(L, CHUNK);
    lua_call(L, 0, 1);
    lua_sethook(L, NULL, 0, 0);
    if (!lua_isnil(L, RESULT) && !lua_istable(L, RESULT))
        return luaL_error(L, "%s: returns a %s, must be a table", r->path,
                          luaL_typename(L, RESULT));
    lua_pushvalue(L, ENV);
    if (walk(L, r, "") || lua_isnil(L, RESULT))
        return 0;
    lua_settop(L, RESULT);
    walk(L, r, "");
    return 0;
}

int config_lua_read(struct config_value *values, const char *path, const char *text, size_t n,
                    struct error *e)
{
    struct reading r = {.values = values, .path = path, .text = text, .n = n, .e = e};
    lua_State *L = lua_newstate(allocate, &r);
    int status;

    if (!L)
        return error_set(e, ERR_NOMEM, "no memory");
    lua_pushcfunction(L, evaluate);
    lua_pushlightuserdata(L, &r);
    status = lua_pcall(L, 1, 0, 0);
    if (status == LUA_ERRMEM) {
        r.err = error_set(e, ERR_NOMEM, "%s: no memory to read it", path);
    } else if (status) {
        const char *why = lua_tostring(L, -1);

        r.err = error_set(e, ERR_INVALID, "%s", why ? why : "raises an error");
        if (!why || !strstr(why, ":"))
            error_prefix(e, r.err, "%s", path);
    }
    lua_close(L);
    return r.err;
}
