#include "core/cell_state.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS 1000000 /* ns */

/* Instructions between two looks at the clock while loading. */
#define LOAD_STEPS 1000

/* And between two looks of C code that loops. */
#define POLLS 16

const struct cell_keys cell_keys;

struct cell *cell_of(lua_State *L)
{
    /* A new thread gets a copy of the main thread's extra space, whoever made it. */
    return *(struct cell **)lua_getextraspace(L);
}

lua_State *cell_state(struct cell *c)
{
    return c->L;
}

struct bundle *cell_bundle(struct cell *c)
{
    return c->bundle;
}

const struct limits *cell_limits(const struct cell *c)
{
    return &c->limits;
}

size_t cell_bytes(const struct cell *c)
{
    return c->bytes;
}

bool cell_push_flow(struct cell *c, lua_State *L, const char *name)
{
    for (size_t i = 0; i < c->nflows; i++) {
        if (strcmp(c->flows[i].name, name) == 0) {
            CHECK(lua_checkstack(L, 1));
            lua_rawgeti(L, LUA_REGISTRYINDEX, c->flows[i].ref);
            return true;
        }
    }
    return false;
}

void cell_push_routes(struct cell *c, lua_State *L)
{
    CHECK(lua_checkstack(L, 1));
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->routes);
}

void cell_native(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cell_keys.natives);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* --- ending a turn ----------------------------------------------------------------------------*/

/* The one look at a clock in the core. While a bundle loads there is no event whose time could be
 * taken and no watchdog, which belongs to turns; and whether a bundle loads is no part of any call,
 * so replay does not mind. It is this thread's CPU time, so that a busy machine does not refuse a
 * good bundle. */
static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

/* The hook of an interrupted turn. It stays armed, so that code which stops the error does not get
 * further than its next instruction. Threads made meanwhile inherit it; in them, and after the
 * turn, it takes itself off. */
static void end_turn(lua_State *L, lua_Debug *ar)
{
    struct cell *c = cell_of(L);

    (void)ar;
    if (!c->broken || c->running != L)
        lua_sethook(L, NULL, 0, 0);
    else
        sandbox_poll(L);
}

void sandbox_poll(lua_State *L)
{
    struct cell *c = cell_of(L);
    char text[160];

    if (c->load_deadline && !c->broken && ++c->polls % POLLS == 0 && cpu_ns() > c->load_deadline)
        cell_interrupt(c, "load_ms");
    if (!c->broken || c->running != L)
        return;
    if (!c->where[0])
        sandbox_where(L, c->where, sizeof c->where);
    snprintf(text, sizeof text, "%s%slimits.%s exceeded", c->where, c->where[0] ? ": " : "",
             c->broken);
    unwind_raise(L, UNWIND_LIMIT, text);
}

bool cell_interrupted(lua_State *L)
{
    bool cell = lua_rawgetp(L, LUA_REGISTRYINDEX, &cell_keys.loaded) == LUA_TTABLE;

    lua_pop(L, 1);
    return cell && cell_of(L)->broken && cell_of(L)->running == L;
}

const char *volatile *cell_broken(lua_State *L)
{
    return &cell_of(L)->broken;
}

void cell_interrupt(struct cell *c, const char *limit)
{
    lua_State *L = c->running;

    if (!L)
        return;
    if (!c->broken)
        c->broken = limit;
    /* Once is enough, and more is harm: setting the hook walks all frames of the coroutine, which
     * may be 200,000, and the watchdog's next signal comes before the walk is over, and so on for
     * ever. */
    if (lua_gethook(L) == end_turn)
        return;
    lua_sethook(L, end_turn, LUA_MASKCALL | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

void cell_enter(struct cell *c, lua_State *co)
{
    CHECK(!c->running);
    c->turn_base = c->bytes;
    c->outside = 0;
    c->asked = NULL;
    c->broken = NULL;
    c->where[0] = '\0';
    c->running = co;
}

const char *cell_leave(struct cell *c)
{
    lua_State *co = c->running;
    const char *limit;

    CHECK(co);
    c->running = NULL; /* from here on an interrupt finds no turn */
    limit = c->broken ? c->broken : c->asked;
    c->broken = NULL;
    if (limit)
        lua_sethook(co, NULL, 0, 0);
    return limit;
}

const char *cell_broken_where(const struct cell *c)
{
    return c->where;
}

/* --- loading ----------------------------------------------------------------------------------*/

static void watch_load(lua_State *L, lua_Debug *ar)
{
    struct cell *c = cell_of(L);

    (void)ar;
    if (c->load_deadline && cpu_ns() > c->load_deadline) {
        cell_interrupt(c, "load_ms");
        sandbox_poll(L);
    }
}

static bool is_flow(const char *file)
{
    static const char top[] = "flows/";

    return strncmp(file, top, strlen(top)) == 0 && !strchr(file + strlen(top), '/') &&
           strcmp(file, "flows/routes.lua") != 0;
}

/* Load `f` and refer to the table it returned. */
static int load_table(lua_State *L, const struct bundle_file *f, const char *what)
{
    cell_load_file(L, f);
    if (!lua_istable(L, -1))
        luaL_error(L, "%s: %s returns a table, not %s", f->name, what, luaL_typename(L, -1));
    watch_load(L, NULL);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

static void load_flow(lua_State *L, struct cell *c, const struct bundle_file *f)
{
    const char *base = strrchr(f->name, '/') + 1;
    size_t n = strlen(base) - strlen(".lua");
    int ref = load_table(L, f, "a flow");
    char *name = strndup(base, n);

    if (!name)
        luaL_error(L, "%s: out of memory", f->name);
    c->flows[c->nflows++] = (struct cell_flow){name, ref};
}

/* Files that nothing has loaded so far are compiled at least, so that a mistake in one of them is
 * found now and not in the middle of a call. */
static void compile_only(lua_State *L, const struct bundle_file *f)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cell_keys.loaded);
    if (lua_getfield(L, -1, f->name) == LUA_TNIL && !f->code)
        cell_compile_file(L, f);
    lua_settop(L, 0);
    watch_load(L, NULL);
}

/* The route on top of the stack: known keys, texts, a flow that is there. */
static void check_route(lua_State *L, struct cell *c, int number)
{
    if (!lua_istable(L, -1))
        luaL_error(L, "flows/routes.lua: route %d is not a table", number);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";

        if (strcmp(key, "to") != 0 && strcmp(key, "from") != 0 && strcmp(key, "tenant") != 0 &&
            strcmp(key, "flow") != 0)
            luaL_error(L, "flows/routes.lua: route %d: \"%s\" is not one of to, from, tenant, flow",
                       number, key);
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "flows/routes.lua: route %d: %s is not a text", number, key);
        lua_pop(L, 1);
    }
    lua_pushliteral(L, "flow");
    if (lua_rawget(L, -2) != LUA_TSTRING)
        luaL_error(L, "flows/routes.lua: route %d has no flow", number);
    if (!cell_push_flow(c, L, lua_tostring(L, -1)))
        luaL_error(L, "flows/routes.lua: route %d: there is no flow \"%s\"", number,
                   lua_tostring(L, -1));
    lua_pop(L, 2);
}

static void check_routes(lua_State *L, struct cell *c)
{
    cell_push_routes(c, L);
    for (int i = 1; i <= (int)lua_rawlen(L, -1); i++) {
        lua_rawgeti(L, -1, i);
        check_route(L, c, i);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void load_bundle(lua_State *L, struct cell *c)
{
    const struct bundle *b = c->bundle;
    const struct bundle_file *routes = bundle_file(b, "flows/routes.lua");

    c->flows = calloc(b->nfiles + 1, sizeof *c->flows);
    if (!c->flows)
        luaL_error(L, "out of memory");
    if (routes) {
        c->routes = load_table(L, routes, "routes.lua");
    } else {
        lua_newtable(L);
        c->routes = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    for (size_t i = 0; i < b->nfiles; i++)
        if (is_flow(b->files[i].name))
            load_flow(L, c, &b->files[i]);
    check_routes(L, c);
    for (size_t i = 0; i < b->nfiles; i++)
        if (strncmp(b->files[i].name, "flows/", 6) == 0)
            compile_only(L, &b->files[i]);
}

struct boot {
    struct cell *c;
    cell_open *open;
    void *arg;
};

static int boot(lua_State *L)
{
    const struct boot *b = lua_touserdata(L, 1);

    sandbox_open(L);
    if (b->open)
        b->open(L, b->arg);
    lua_settop(L, 0);
    load_bundle(L, b->c);
    return 0;
}

/* Turns the error of boot into text that C can read; its own failure is caught once more. */
static int describe(lua_State *L)
{
    if (unwind_kind(L, 1) != UNWIND_NONE)
        lua_pushstring(L, unwind_text(L, 1));
    else
        sandbox_tostring(L, 1, NULL);
    return 1;
}

static int load_failed(struct cell *c, const char *limit, struct error *e)
{
    lua_State *L = c->L;
    int code = limit && strcmp(limit, "load_ms") != 0 ? ERR_LIMIT : ERR_SCRIPT;
    const char *text = "it raised an error that has no text";

    lua_pushcfunction(L, describe);
    lua_insert(L, -2);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING)
        text = lua_tostring(L, -1);
    if (limit && !strstr(text, limit))
        error_set(e, code, "%s (limits.%s exceeded)", text, limit);
    else
        error_set(e, code, "%s", text);
    if (strncmp(text, "flows/", 6) != 0 && strncmp(text, "stdlib/", 7) != 0 &&
        (c->where[0] || c->failed))
        error_prefix(e, code, "%s", c->where[0] ? c->where : c->failed);
    return code;
}

static int out_of_panic(lua_State *L)
{
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(no text)";

    check_failed("a Lua error outside of a protected call", text, 0);
}

int cell_new(struct cell **out, struct bundle *b, const struct limits *l, cell_open *open,
             void *arg, struct error *e)
{
    struct cell *c = calloc(1, sizeof *c);
    struct boot args = {c, open, arg};
    const char *limit;
    int status, err;

    if (!c)
        return error_set(e, ERR_NOMEM, "out of memory");
    c->limits = *l;
    c->bundle = bundle_ref(b);
    c->L = lua_newstate(cell_alloc, c);
    if (!c->L) {
        err = error_set(e, ERR_LIMIT, "no memory for a cell (limits.cell_bytes is %zu)",
                        l->cell_bytes);
        goto fail;
    }
    *(struct cell **)lua_getextraspace(c->L) = c;
    lua_atpanic(c->L, out_of_panic);
    /* Generational mode would stop for every coroutine in each young collection. */
    lua_gc(c->L, LUA_GCINC, 200, 100, 13);

    c->load_deadline = cpu_ns() + l->load_ms * MS;
    lua_sethook(c->L, watch_load, LUA_MASKCOUNT, LOAD_STEPS);
    cell_enter(c, c->L);
    lua_pushcfunction(c->L, boot);
    lua_pushlightuserdata(c->L, &args);
    status = lua_pcall(c->L, 1, 0, 0);
    limit = cell_leave(c);
    c->load_deadline = 0;
    lua_sethook(c->L, NULL, 0, 0);
    if (status != LUA_OK || limit) {
        err = status != LUA_OK ? load_failed(c, limit, e)
                               : error_set(e, ERR_LIMIT, "limits.%s exceeded", limit);
        goto fail;
    }
    *out = c;
    return 0;
fail:
    cell_free(c);
    return err;
}

void cell_free(struct cell *c)
{
    if (!c)
        return;
    CHECK(!c->running);
    if (c->L)
        lua_close(c->L);
    for (size_t i = 0; i < c->nflows; i++)
        free(c->flows[i].name);
    free(c->flows);
    bundle_unref(c->bundle);
    free(c);
}
