#include "exchange/caller.h"

#include "base/json.h"
#include "exchange/caller_lua.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1u << 20)

struct caller {
    lua_State *L;
    struct caller_scope scope;
    int module;   /* registry reference of what `require "ivr.test"` gives      */
    char *folder; /* where `require` looks                                      */
    size_t ntests;
};

/* --- loading --------------------------------------------------------------------------------- */

/* Run a protected function with the caller as its argument; the reason of a failure goes to `e`. */
static int protect(struct caller *c, int nargs, int nresults, struct error *e)
{
    int rc = lua_pcall(c->L, nargs, nresults, 0);
    const char *why;

    if (rc == LUA_OK)
        return 0;
    why = luaL_tolstring(c->L, -1, NULL);
    error_set(e, 0, "%s", why);
    lua_pop(c->L, 2);
    return rc == LUA_ERRMEM ? ERR_NOMEM : ERR_SCRIPT;
}

/* Load the Lua text of a file as a function on the stack; raises on failure. */
static void load_file(lua_State *L, const char *path)
{
    luaL_Buffer b;
    FILE *f = fopen(path, "rb");
    size_t n = 0, got;

    if (!f)
        luaL_error(L, "%s: cannot be read", path);
    luaL_buffinit(L, &b);
    do {
        got = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, f);
        luaL_addsize(&b, got);
        n += got;
    } while (got > 0 && n <= FILE_MAX);
    fclose(f);
    luaL_pushresult(&b);
    if (n > FILE_MAX)
        luaL_error(L, "%s: over 1 MiB", path);
    lua_pushfstring(L, "@%s", path);
    if (luaL_loadbufferx(L, lua_tostring(L, -2), n, lua_tostring(L, -1), "t") != LUA_OK)
        lua_error(L);
}

/* require(name): the test library, or a Lua file below the folder, loaded once. */
static int f_require(lua_State *L)
{
    struct caller *c = lua_touserdata(L, lua_upvalueindex(1));
    const char *name = luaL_checkstring(L, 1);

    if (strcmp(name, "ivr.test") == 0) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, c->module);
        return 1;
    }
    for (const char *p = name; *p; p++)
        luaL_argcheck(L,
                      *p == '.' || *p == '_' || (*p >= '0' && *p <= '9') ||
                          ((*p | 32) >= 'a' && (*p | 32) <= 'z'),
                      1, "not a module's name");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, "caller.loaded");
    if (lua_getfield(L, -1, name) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    luaL_gsub(L, name, ".", "/");
    lua_pushfstring(L, "%s/%s.lua", c->folder, lua_tostring(L, -1));
    load_file(L, lua_tostring(L, -1));
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, 2, name);
    return 1;
}

/* Scripts get the plain language: no files, no processes, no bytecode, and no time but the test's.
 */
static void open_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},        {LUA_TABLIBNAME, luaopen_table},
        {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8},  {LUA_COLIBNAME, luaopen_coroutine},
    };
    static const char *const removed[] = {"dofile", "loadfile", "load", "collectgarbage"};

    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++) {
        lua_pushnil(L);
        lua_setglobal(L, removed[i]);
    }
    /* A script that draws numbers draws the same ones in every run. */
    if (luaL_dostring(L, "math.randomseed(1) math.randomseed = nil string.dump = nil") != LUA_OK)
        lua_error(L);
}

static int open_state(lua_State *L)
{
    struct caller *c = lua_touserdata(L, 1);
    const struct caller_config *cfg = lua_touserdata(L, 2);

    open_libraries(L);
    lua_pushlightuserdata(L, c);
    lua_pushcclosure(L, f_require, 1);
    lua_setglobal(L, "require");
    if (luaL_loadbufferx(L, cfg->source, cfg->n, "@stdlib/ivr/test.lua", "t") != LUA_OK)
        return lua_error(L);
    caller_push_functions(L, &c->scope);
    luaL_requiref(L, LUA_DBLIBNAME, luaopen_debug, 0);
    lua_getfield(L, -1, "getinfo");
    lua_setfield(L, -3, "info");
    lua_pop(L, 1);
    lua_call(L, 1, 1);
    c->module = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

int caller_new(struct caller **out, const struct caller_config *cfg, struct error *e)
{
    struct caller *c = calloc(1, sizeof *c);
    int rc = ERR_NOMEM;

    if (c)
        c->L = luaL_newstate();
    if (!c || !c->L) {
        error_set(e, ERR_NOMEM, "no memory");
        goto out;
    }
    lua_pushcfunction(c->L, open_state);
    lua_pushlightuserdata(c->L, c);
    lua_pushlightuserdata(c->L, (void *)cfg);
    rc = protect(c, 2, 0, e);
    if (rc == 0) {
        *out = c;
        c = NULL;
    }
out:
    caller_free(c);
    return rc;
}

void caller_free(struct caller *c)
{
    if (!c)
        return;
    if (c->L)
        lua_close(c->L);
    free(c->folder);
    free(c);
}

/* Push member `name` of the test library. */
static void push_member(struct caller *c, const char *name)
{
    lua_rawgeti(c->L, LUA_REGISTRYINDEX, c->module);
    lua_getfield(c->L, -1, name);
    lua_remove(c->L, -2);
}

static int load_tests(lua_State *L)
{
    load_file(L, lua_touserdata(L, 1));
    lua_call(L, 0, 0);
    return 0;
}

int caller_load(struct caller *c, const char *folder, const char *path, struct error *e)
{
    char *copy = strdup(folder);
    int rc;

    if (!copy)
        return error_set(e, ERR_NOMEM, "no memory");
    free(c->folder);
    c->folder = copy;
    lua_pushcfunction(c->L, load_tests);
    lua_pushlightuserdata(c->L, (void *)path);
    rc = protect(c, 1, 0, e);
    push_member(c, "tests");
    c->ntests = lua_rawlen(c->L, -1);
    lua_pop(c->L, 1);
    return rc;
}

size_t caller_tests(const struct caller *c)
{
    return c->ntests;
}

/* --- running --------------------------------------------------------------------------------- */

static const char *test_member(const struct caller *c, size_t i, const char *name)
{
    lua_State *L = c->L;
    const char *text;

    lua_rawgeti(L, LUA_REGISTRYINDEX, c->module);
    lua_getfield(L, -1, "tests");
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    lua_getfield(L, -1, name);
    text = lua_tostring(L, -1);
    lua_pop(L, 4); /* the table keeps the string */
    return text;
}

const char *caller_test_name(const struct caller *c, size_t i)
{
    return test_member(c, i, "name");
}

const char *caller_test_place(const struct caller *c, size_t i)
{
    return test_member(c, i, "place");
}

int caller_begin(struct caller *c, size_t i, struct caller_world *w, struct error *e)
{
    c->scope.world = w;
    c->scope.began = w->now(w->arg);
    c->scope.faults = w->faults;
    switchboard_set_faults(w->switchboard, &w->faults);
    push_member(c, "begin");
    lua_pushinteger(c->L, (lua_Integer)i + 1);
    lua_pushinteger(c->L, w->patience_ms);
    return protect(c, 2, 0, e);
}

static const char *action_name(enum switchboard_action_kind kind)
{
    switch (kind) {
    case SWITCH_RING:
        return "ring";
    case SWITCH_STATE:
        return "state";
    case SWITCH_PLAY:
        return "play";
    case SWITCH_STOP:
        return "stop";
    case SWITCH_RECORD:
        return "record";
    case SWITCH_TONES:
        return "tones";
    case SWITCH_NOTIFY:
    case SWITCH_FETCH:
    case SWITCH_LOST:
        break;
    }
    return NULL;
}

static int tell(lua_State *L)
{
    const struct switchboard_action *a = lua_touserdata(L, 2);
    cJSON *body = NULL;

    lua_pushstring(L, a->line);
    lua_pushstring(L, action_name(a->kind));
    lua_pushstring(L, a->url);
    lua_pushinteger(L, a->ms);
    if (a->body && json_parse(&body, a->body, strlen(a->body), NULL) == 0)
        caller_push_json(L, body);
    else
        lua_pushnil(L);
    cJSON_Delete(body);
    lua_remove(L, 2);
    lua_call(L, 5, 0);
    return 0;
}

int caller_happened(struct caller *c, const struct switchboard_action *a)
{
    if (!action_name(a->kind))
        return 0;
    lua_pushcfunction(c->L, tell);
    push_member(c, "happened");
    lua_pushlightuserdata(c->L, (void *)a);
    return protect(c, 2, 0, NULL);
}

int caller_run(struct caller *c, int64_t *next)
{
    int rc, left;

    push_member(c, "run");
    rc = protect(c, 0, 2, NULL);
    if (rc < 0)
        return rc;
    left = (int)lua_tointeger(c->L, -2);
    *next = lua_isnil(c->L, -1) ? INT64_MAX : lua_tointeger(c->L, -1);
    lua_pop(c->L, 2);
    return left;
}

bool caller_skipped(const struct caller *c)
{
    bool skipped;

    lua_rawgeti(c->L, LUA_REGISTRYINDEX, c->module);
    lua_getfield(c->L, -1, "reason");
    lua_getfield(c->L, -2, "skip");
    skipped = lua_rawequal(c->L, -1, -2);
    lua_pop(c->L, 3);
    return skipped;
}

const char *caller_failure(const struct caller *c)
{
    const char *why;

    lua_rawgeti(c->L, LUA_REGISTRYINDEX, c->module);
    lua_getfield(c->L, -1, "reason");
    why = lua_tostring(c->L, -1); /* kept by the library's table; NULL for the mark of a skip */
    lua_pop(c->L, 2);
    return why;
}

int caller_leave(struct caller *c)
{
    push_member(c, "leave");
    return protect(c, 0, 0, NULL);
}
