/* ivr.store: values that outlive calls, shared by all flows. The engine carries them out. */
#include "base/json.h"
#include "bindings/guard.h"
#include "bindings/internal.h"
#include "core/luajson.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64, VALUE_MAX_BYTES = 64 << 10 };

static bool ready(const struct fiber *f)
{
    return ((const struct request *)f->wait.object)->done;
}

static bool stop(struct fiber *f)
{
    return request_cancel(f->wait.object);
}

static int finished(lua_State *L, struct fiber *f)
{
    struct request *r = f->wait.object;
    struct raise x = {.code = "timeout", .method = "store", .message = "no answer"};

    if (r->done && !r->failed) {
        luajson_push(L, json_get(r->body, "value"), true);
        return 1;
    }
    if (r->done)
        x = (struct raise){.code = r->code, .method = "store", .message = r->message};
    else
        request_cancel(r);
    return raise_error(L, &x);
}

static int bad(lua_State *L, const char *why)
{
    struct raise x = {.code = "badArgument", .method = "store", .message = why};

    return raise_error(L, &x);
}

/* The value at `index` as member "value" of `o`; nil: no member. */
static void take_value(lua_State *L, int index, cJSON *o)
{
    struct error e = {{0}};
    cJSON *value = NULL;
    char *text;
    size_t n;

    if (lua_isnoneornil(L, index))
        return;
    if (luajson_read(&value, L, index, &e))
        bad(L, e.text);
    text = json_text(value);
    n = text ? strlen(text) : 0;
    free(text);
    if (n > VALUE_MAX_BYTES) {
        cJSON_Delete(value);
        bad(L, "value: more than 64 KiB");
    }
    if (json_set(o, "value", value) || !n)
        luaL_error(L, "not enough memory");
}

/* <op>(name, value): ask, and wait for the answer. */
static int ask(lua_State *L, const char *op)
{
    static const struct request_spec spec = {.completes = REQUEST_ANSWER, .store = true};
    struct wait w = {
        .what = "store", .ready = ready, .finish = finished, .cancel = stop, .timeout_ms = -1};
    struct fiber *f = fiber_need(L, "store");
    const char *name = luaL_checkstring(L, 1);
    char where[WHERE_MAX];
    struct request *r;
    cJSON **o, *args;
    int err;

    lua_settop(L, 2);
    if (f->call->muted || !lua_isyieldable(L))
        return luaL_error(L, "store.%s waits, and nothing can wait here", op);
    if (!name[0] || strlen(name) > NAME_MAX_BYTES || strlen(name) != lua_rawlen(L, 1))
        return bad(L, "name: 1 to 64 bytes");
    o = guard_push(L);
    *o = cJSON_CreateObject();
    if (!*o || json_set_str(*o, "op", op) || json_set_str(*o, "name", name))
        return luaL_error(L, "not enough memory");
    take_value(L, 2, *o);
    sandbox_where(L, where, sizeof where);
    args = *o;
    *o = NULL;
    err = request_new(&r, f->call->legs[0], &spec, f, where, NULL, args);
    if (err == ERR_LIMIT)
        return luaL_error(L, "store: limit requests: more than %d pending",
                          (int)f->call->core->cfg.limits.requests);
    if (err)
        return luaL_error(L, "not enough memory");
    w.object = r;
    return fiber_wait(L, &w);
}

static int get(lua_State *L)
{
    lua_settop(L, 1); /* no value */
    return ask(L, "get");
}

static int put(lua_State *L)
{
    return ask(L, "put");
}

static int incr(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_pushinteger(L, 1);
        lua_replace(L, 2);
    }
    luaL_checknumber(L, 2);
    return ask(L, "incr");
}

void store_module(lua_State *L)
{
    static const luaL_Reg functions[] = {{"get", get}, {"put", put}, {"incr", incr}, {NULL, NULL}};

    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    sandbox_freeze(L, "ivr.store");
}
