/* ivr.native: time and fibers; `first` and `all` are made from them in stdlib/ivr.lua. */
#include "bindings/internal.h"

#include <math.h>
#include <string.h>

static const char metatable[] = "ivory.fiber";

static struct wait wait_for(const char *what, bool (*ready)(const struct fiber *),
                            int (*finish)(lua_State *, struct fiber *), void *object)
{
    return (struct wait){
        .what = what, .ready = ready, .finish = finish, .object = object, .timeout_ms = -1};
}

/* --- time ---------------------------------------------------------------------------------------
 */

static bool never(const struct fiber *f)
{
    (void)f;
    return false;
}

static int nothing(lua_State *L, struct fiber *f)
{
    (void)L;
    (void)f;
    return 0;
}

static int sleep_for(lua_State *L)
{
    struct wait w = wait_for("sleep", never, nothing, NULL);
    lua_Number s = luaL_checknumber(L, 1);

    if (!(s >= 0 && s <= 1e7))
        return luaL_error(L, "sleep: from 0 to 10,000,000 seconds");
    w.timeout_ms = (int64_t)ceil(s * 1000 - 1e-6);
    return fiber_wait(L, &w);
}

static int now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)fiber_need(L, "now")->call->now / 1000);
    return 1;
}

/* --- fibers -------------------------------------------------------------------------------------
 */

static int collect(lua_State *L)
{
    struct handle *h = lua_touserdata(L, 1);

    handle_close(&core_of(L)->handles, h);
    return 0;
}

/* spawn(group, fn, ...) */
static int spawn(lua_State *L)
{
    struct fiber *f = fiber_need(L, "spawn"), *child;
    lua_Integer group = luaL_checkinteger(L, 1);
    struct handle *h;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (f->call->muted || (f->unwind && !f->unwound && !f->shield))
        return luaL_error(L, "spawn: this fiber is being ended");
    h = lua_newuserdatauv(L, sizeof *h, 0);
    *h = (struct handle){0};
    luaL_setmetatable(L, metatable);
    lua_replace(L, 1);
    child = fiber_spawn(L, f->call, f, ROLE_CHILD, lua_gettop(L) - 2);
    child->group = (unsigned)group;
    if (handle_open(&f->call->core->handles, &child->named, child, h))
        return luaL_error(L, "not enough memory");
    return 1;
}

static struct fiber *check(lua_State *L, struct fiber *f)
{
    struct handle *h = luaL_checkudata(L, 1, metatable);
    struct fiber *child = handle_target(&f->call->core->handles, h);

    if (!child || child->call != f->call)
        luaL_error(L, "this fiber belongs to a call that is over");
    for (const struct fiber *up = f; up; up = up->parent)
        if (up == child)
            luaL_error(L, "a fiber cannot wait for itself, nor for one that it is part of");
    return child;
}

static bool has_ended(const struct fiber *f)
{
    return ((const struct fiber *)f->wait.object)->state == FIBER_DONE;
}

static int outcome(lua_State *L, struct fiber *f)
{
    struct fiber *child = f->wait.object;
    struct raise r = {.code = "timeout", .method = "await"};
    int n;

    if (child->state != FIBER_DONE) {
        r.message = "the fiber did not end in the time given";
        return raise_error(L, &r);
    }
    n = lua_gettop(child->co);
    luaL_checkstack(L, n + 1, NULL);
    if (!lua_checkstack(child->co, n))
        return luaL_error(L, "not enough memory");
    for (int i = 1; i <= n; i++)
        lua_pushvalue(child->co, i);
    lua_xmove(child->co, L, n);
    if (child->failed) {
        child->surfaced = true;
        return lua_error(L);
    }
    if (child->unwind) {
        r.code = "cancelled";
        r.message = "the fiber was cancelled";
        return raise_error(L, &r);
    }
    return n;
}

static int await(lua_State *L)
{
    struct fiber *f = fiber_need(L, "await");
    struct wait w = wait_for("await", has_ended, outcome, check(L, f));

    lua_settop(L, 2);
    w.timeout_ms = timeout_option(L, 2, "await");
    return fiber_wait(L, &w);
}

static int cancel(lua_State *L)
{
    struct fiber *f = fiber_need(L, "cancel");
    struct wait w = wait_for("cancel", has_ended, nothing, check(L, f));
    struct fiber *child = w.object;

    child->surfaced = true; /* who cancels does not ask how it went */
    fiber_unwind(child, UNWIND_CANCEL);
    return fiber_wait(L, &w);
}

/* --- groups: wait.arg = the group ------------------------------------------------------------- */

/* The member of the group that ended first, of those that failed when `failed`; NULL = none yet. */
static struct fiber *first_ended(const struct fiber *f, bool failed)
{
    struct fiber *first = NULL;

    for (struct list *it = f->call->fibers.next; it != &f->call->fibers; it = it->next) {
        struct fiber *child = list_entry(it, struct fiber, link);
        if (child->parent == f && child->group == (unsigned)f->wait.arg &&
            child->state == FIBER_DONE && (child->failed || !failed) &&
            (!first || child->ended < first->ended))
            first = child;
    }
    return first;
}

static bool group_ended(const struct fiber *f)
{
    for (struct list *it = f->call->fibers.next; it != &f->call->fibers; it = it->next) {
        const struct fiber *child = list_entry(it, struct fiber, link);
        if (child->parent == f && child->group == (unsigned)f->wait.arg &&
            child->state != FIBER_DONE)
            return false;
    }
    return true;
}

static bool any_ended(const struct fiber *f)
{
    return first_ended(f, false) != NULL;
}

static int which_ended(lua_State *L, struct fiber *f)
{
    const struct fiber *first = first_ended(f, false);

    lua_pushinteger(L, first ? (lua_Integer)first->number : 0);
    return 1;
}

static bool all_ended(const struct fiber *f)
{
    return group_ended(f) || first_ended(f, true);
}

static int which_failed(lua_State *L, struct fiber *f)
{
    const struct fiber *first = first_ended(f, true);

    if (!first)
        return 0;
    lua_pushinteger(L, (lua_Integer)first->number);
    return 1;
}

static int wait_group(lua_State *L, const char *what, bool (*ready)(const struct fiber *),
                      int (*finish)(lua_State *, struct fiber *))
{
    struct fiber *f = fiber_need(L, what);
    struct wait w = wait_for(what, ready, finish, NULL);

    w.arg = luaL_checkinteger(L, 1);
    w.timeout_ms = f->call->core->cfg.limits.call_ms; /* the branches have deadlines of their own */
    return fiber_wait(L, &w);
}

/* any(group): number of the first to end. */
static int any(lua_State *L)
{
    return wait_group(L, "first", any_ended, which_ended);
}

/* all(group): waits for all, or for the first that fails and returns its number. */
static int all(lua_State *L)
{
    return wait_group(L, "all", all_ended, which_failed);
}

/* close(group): cancels those that are left and waits for their end. */
static int close_group(lua_State *L)
{
    struct fiber *f = fiber_need(L, "first");
    lua_Integer group = luaL_checkinteger(L, 1);
    struct list *it, *tmp;

    list_each (it, tmp, &f->call->fibers) {
        struct fiber *child = list_entry(it, struct fiber, link);
        if (child->parent != f || child->group != (unsigned)group)
            continue;
        child->surfaced = true;
        fiber_unwind(child, UNWIND_CANCEL);
    }
    return wait_group(L, "first", group_ended, nothing);
}

/* forget(group): nobody asks about its members any more; those that have ended go with this turn.
 */
static int forget(lua_State *L)
{
    struct fiber *f = fiber_need(L, "first");
    lua_Integer number = luaL_checkinteger(L, 1);
    struct list *it, *tmp;

    list_each (it, tmp, &f->call->fibers) {
        struct fiber *child = list_entry(it, struct fiber, link);

        if (child->parent == f && child->group == (unsigned)number)
            named_drop(&f->call->core->handles, &child->named);
    }
    return 0;
}

/* group(): a number for the next group of this fiber. */
static int group(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)fiber_need(L, "first")->children + 1);
    return 1;
}

static int number(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, metatable);
    const struct fiber *child = handle_target(&core_of(L)->handles, h);

    lua_pushinteger(L, child ? (lua_Integer)child->number : 0);
    return 1;
}

/* --- shield
 * --------------------------------------------------------------------------------------- */

static int shield_end(lua_State *L, int status, lua_KContext ctx)
{
    struct fiber *f = fiber_current(L);
    struct wait w = wait_for("shield", never, nothing, NULL);

    (void)ctx;
    if (f->shield)
        f->shield--;
    if (status != LUA_OK && status != LUA_YIELD)
        return lua_error(L);
    if (f->unwind && !f->unwound && !f->shield) {
        fiber_unshield(f);
        return fiber_wait(L, &w);
    }
    return lua_gettop(L);
}

/* shield(fn, ...) */
static int shield(lua_State *L)
{
    struct fiber *f = fiber_need(L, "shield");

    luaL_checktype(L, 1, LUA_TFUNCTION);
    if (!lua_isyieldable(L))
        return luaL_error(L, "shield waits, and nothing can wait here");
    f->shield++;
    return shield_end(L, lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, 0, shield_end), 0);
}

void fiber_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"sleep", sleep_for}, {"now", now},           {"spawn", spawn},   {"any", any},
        {"all", all},         {"close", close_group}, {"forget", forget}, {"number", number},
        {"group", group},     {"shield", shield},     {NULL, NULL},
    };
    static const luaL_Reg methods[] = {{"await", await}, {"cancel", cancel}, {NULL, NULL}};

    luaL_newmetatable(L, metatable);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
}
