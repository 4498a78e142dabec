#include "cell_fixture.h"

#include "core/luajson.h"
#include "test.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

static int wait(lua_State *L)
{
    return lua_yield(L, lua_gettop(L));
}

static int raise_unwind(lua_State *L)
{
    return unwind_raise(L, (enum unwind)luaL_checkinteger(L, 1), "gone");
}

static int raise_later(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    return unwind_raise(L, UNWIND_HANGUP, "gone");
}

static int hang(lua_State *L)
{
    return lua_yieldk(L, 0, 0, raise_later);
}

static int interrupt(lua_State *L)
{
    cell_interrupt(cell_of(L), "turn_ms");
    return 0;
}

/* Read the value as JSON; what for does not matter. */
static int json(lua_State *L)
{
    struct error e;
    cJSON *v = NULL;

    luaL_checkany(L, 1);
    if (luajson_read(&v, L, 1, &e))
        return luaL_error(L, "%s", e.text);
    cJSON_Delete(v);
    return 0;
}

static int64_t some_time(lua_State *L)
{
    (void)L;
    return 1700000000123;
}

static struct random *some_random(lua_State *L)
{
    struct random *r;

    lua_getfield(L, LUA_REGISTRYINDEX, "fixture.random");
    r = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return r;
}

static void open_native(lua_State *L, void *arg)
{
    static const luaL_Reg functions[] = {{"wait", wait}, {"raise", raise_unwind},
                                         {"hang", hang}, {"interrupt", interrupt},
                                         {"json", json}, {NULL, NULL}};
    static const struct sandbox_source source = {some_time, some_random};

    (void)arg;
    luaL_newlib(L, functions);
    cell_native(L, "native");
    random_seed(lua_newuserdatauv(L, sizeof(struct random), 0), 7);
    lua_setfield(L, LUA_REGISTRYINDEX, "fixture.random");
    sandbox_use(L, &source);
}

static struct cell *make(const struct bundle_source *files, const struct limits *l, bool compiled,
                         struct error *e, int *code)
{
    static const struct limits defaults = LIMITS_DEFAULT;
    struct bundle *b = NULL;
    struct cell *c = NULL;

    e->text[0] = '\0';
    *code = bundle_from(&b, files, e);
    if (*code)
        return NULL;
    if (compiled)
        bundle_compile(b);
    *code = cell_new(&c, b, l ? l : &defaults, open_native, NULL, e);
    bundle_unref(b);
    return *code ? NULL : c;
}

struct cell *fixture_cell(const struct bundle_source *files, const struct limits *l,
                          struct error *e, int *code)
{
    return make(files, l, false, e, code);
}

struct cell *fixture_compiled(const struct bundle_source *files, struct error *e, int *code)
{
    return make(files, NULL, true, e, code);
}

struct cell *fixture_flow(const char *text, const struct limits *l, struct error *e)
{
    struct bundle_source files[] = {{"flows/main.lua", text, strlen(text)}, {0}};
    int code;

    return fixture_cell(files, l, e, &code);
}

void run_start(struct run *r, struct cell *c)
{
    lua_State *L = cell_state(c);

    r->c = c;
    r->co = lua_newthread(L);
    r->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushcfunction(r->co, sandbox_fiber);
    EXPECT(cell_push_flow(c, r->co, "main"));
    lua_getfield(r->co, -1, "run");
    lua_remove(r->co, -2);
}

int run_turn(struct run *r, int n, const char **limit)
{
    int results, status;

    cell_enter(r->c, r->co);
    status = lua_resume(r->co, NULL, n, &results);
    *limit = cell_leave(r->c);
    return status;
}

void run_stop(struct run *r)
{
    cell_enter(r->c, r->co);
    lua_resetthread(r->co);
    cell_leave(r->c);
    luaL_unref(cell_state(r->c), LUA_REGISTRYINDEX, r->ref);
}

const char *outcome(const char *text, const struct limits *l)
{
    static char out[1024];
    struct error e;
    struct cell *c = fixture_flow(text, l, &e);
    const char *limit;
    struct run r;
    int status;

    if (!c) {
        snprintf(out, sizeof out, "load: %s", e.text);
        return out;
    }
    run_start(&r, c);
    status = run_turn(&r, 1, &limit);
    if (status != LUA_OK)
        snprintf(out, sizeof out, "status %d", status);
    else
        snprintf(out, sizeof out, "%s%s%s%s",
                 lua_toboolean(r.co, 1) ? "" : "error: ", unwind_kind(r.co, 2) ? "unwind: " : "",
                 lua_gettop(r.co) < 2 ? "(nothing)" : sandbox_tostring(r.co, 2, NULL),
                 limit ? " (limit)" : "");
    run_stop(&r);
    cell_free(c);
    return out;
}
