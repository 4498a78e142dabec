/* ivr.step: a named piece of work outside the call, and the key that lets its requests be repeated.
 */
#include "base/buf.h"
#include "base/json.h"
#include "bindings/internal.h"

#include <stdlib.h>
#include <string.h>

enum { STEP_NAME_MAX = 48 };

static const char metatable[] = "ivory.step";

static int leave(lua_State *L)
{
    struct fiber *f = fiber_current(L);

    if (f) {
        free(f->step);
        f->step = NULL;
    }
    return 0;
}

static int bad(lua_State *L, const char *why)
{
    struct raise x = {.code = "badArgument", .method = "step", .message = why};

    return raise_error(L, &x);
}

/* step(name): from here to the close of what it returns the fiber is in that step. */
static int enter(lua_State *L)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    struct fiber *f = fiber_need(L, "step");
    const char *name = luaL_checkstring(L, 1);
    size_t n = strlen(name);

    if (!n || n > STEP_NAME_MAX || strspn(name, letters) != n)
        return bad(L, "a name of 1 to 48 letters, digits, \".\", \"_\", \"-\"");
    if (f->step)
        return bad(L, "not inside another step");
    lua_newuserdatauv(L, 1, 0);
    luaL_setmetatable(L, metatable);
    f->step = strdup(name);
    if (!f->step)
        return luaL_error(L, "not enough memory");
    f->step_number = ++f->call->steps;
    return 1;
}

void step_refuse(lua_State *L, const struct fiber *f, const char *method)
{
    if (f->step)
        luaL_error(L, "%s: not inside ivr.step (%s): a step does nothing with the call", method,
                   f->step);
}

/* Inside a step equal requests have equal keys, so that trying again is safe; elsewhere each has
 * its own. */
static char *make_key(const struct fiber *f, const cJSON *request)
{
    const char *body = json_str(request, "body");
    struct buf b = {0}, what = {0};
    char hash[65], *key = NULL;

    if (!f->step) {
        buf_fmt(&b, "%s/%s/%lu", f->call->key, f->path, (unsigned long)f->call->command_seq + 1);
    } else if (buf_fmt(&what, "%s %s\n%s", json_str(request, "method"), json_str(request, "url"),
                       body ? body : "") == 0) {
        sha256_hex(hash, what.p, what.n);
        buf_fmt(&b, "%s/%s.%u/%.12s", f->call->key, f->step, f->step_number, hash);
    }
    if (!what.err)
        key = buf_take(&b);
    buf_fini(&what);
    buf_fini(&b);
    return key;
}

int step_key(const struct fiber *f, cJSON *request)
{
    const char *method = json_str(request, "method");
    cJSON *headers = json_get(request, "headers");
    char *key;
    int err;

    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
        cJSON_GetObjectItem(headers, "idempotency-key")) /* in any case of letters */
        return 0;
    key = make_key(f, request);
    err = key ? json_set_str(headers, "Idempotency-Key", key) : ERR_NOMEM;
    free(key);
    return err;
}

void step_open(lua_State *L)
{
    luaL_newmetatable(L, metatable);
    lua_pushcfunction(L, leave);
    lua_setfield(L, -2, "__close");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_pushcfunction(L, enter);
}
