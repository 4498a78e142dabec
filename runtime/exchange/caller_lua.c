#include "exchange/caller_lua.h"

#include "core/bundle.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE          16000
#define SPEECH_MAX_MS 600000

static struct caller_scope *scope_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static struct caller_world *world_of(lua_State *L)
{
    struct caller_world *w = scope_of(L)->world;

    if (!w)
        luaL_error(L, "only inside a test");
    return w;
}

static int64_t now_of(const struct caller_world *w)
{
    return w->now(w->arg);
}

/* nil and the reason. */
static int refused(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* --- values ---------------------------------------------------------------------------------- */

void caller_push_json(lua_State *L, const cJSON *v)
{
    const cJSON *item;
    int i = 0;

    luaL_checkstack(L, 4, "JSON nested too deep");
    if (cJSON_IsString(v)) {
        lua_pushstring(L, v->valuestring);
    } else if (cJSON_IsBool(v)) {
        lua_pushboolean(L, cJSON_IsTrue(v));
    } else if (cJSON_IsNumber(v)) {
        if (floor(v->valuedouble) == v->valuedouble && fabs(v->valuedouble) < 9e15)
            lua_pushinteger(L, (lua_Integer)v->valuedouble);
        else
            lua_pushnumber(L, v->valuedouble);
    } else if (cJSON_IsArray(v) || cJSON_IsObject(v)) {
        lua_newtable(L);
        cJSON_ArrayForEach (item, v) {
            caller_push_json(L, item);
            if (item->string)
                lua_setfield(L, -2, item->string);
            else
                lua_rawseti(L, -2, ++i);
        }
    } else {
        lua_pushnil(L);
    }
}

static cJSON *read_value(lua_State *L, int index, int depth, const char **why);

/* The entries of the table at `index` into `to`; false with the reason. */
static bool read_entries(lua_State *L, int index, cJSON *to, int depth, const char **why)
{
    bool ok = true;

    lua_pushnil(L);
    while (ok && lua_next(L, index) != 0) {
        cJSON *item = read_value(L, lua_gettop(L), depth + 1, why);

        if (item && lua_type(L, -2) == LUA_TSTRING) {
            ok = cJSON_AddItemToObject(to, lua_tostring(L, -2), item);
        } else {
            *why = item ? "a key that is not text" : *why;
            ok = false;
        }
        if (!ok)
            cJSON_Delete(item);
        lua_pop(L, ok ? 1 : 2);
    }
    return ok;
}

static bool read_items(lua_State *L, int index, cJSON *to, int depth, const char **why)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, index);

    for (lua_Integer i = 1; i <= n; i++) {
        cJSON *item;

        lua_rawgeti(L, index, i);
        item = read_value(L, lua_gettop(L), depth + 1, why);
        lua_pop(L, 1);
        if (!item || !cJSON_AddItemToArray(to, item)) {
            cJSON_Delete(item);
            return false;
        }
    }
    return true;
}

static cJSON *read_value(lua_State *L, int index, int depth, const char **why)
{
    cJSON *out;

    *why = "no memory";
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        return cJSON_CreateString(lua_tostring(L, index));
    case LUA_TBOOLEAN:
        return cJSON_CreateBool(lua_toboolean(L, index));
    case LUA_TNUMBER:
        return cJSON_CreateNumber(lua_tonumber(L, index));
    case LUA_TTABLE:
        break;
    default:
        *why = luaL_typename(L, index);
        return NULL;
    }
    if (depth > 32 || !lua_checkstack(L, 4)) {
        *why = "nesting over 32";
        return NULL;
    }
    out = lua_rawlen(L, index) > 0 ? cJSON_CreateArray() : cJSON_CreateObject();
    if (out && (cJSON_IsArray(out) ? read_items(L, index, out, depth, why)
                                   : read_entries(L, index, out, depth, why)))
        return out;
    cJSON_Delete(out);
    return NULL;
}

cJSON *caller_read_json(lua_State *L, int index)
{
    const char *why;
    cJSON *out = read_value(L, lua_absindex(L, index), 0, &why);

    if (!out)
        luaL_error(L, "cannot be written as JSON: %s", why);
    return out;
}

/* --- time ------------------------------------------------------------------------------------ */

static int f_now(lua_State *L)
{
    lua_pushinteger(L, now_of(world_of(L)));
    return 1;
}

static int f_elapsed(lua_State *L)
{
    lua_pushinteger(L, now_of(world_of(L)) - scope_of(L)->began);
    return 1;
}

static int f_set_clock(lua_State *L)
{
    struct caller_world *w = world_of(L);
    int64_t at = luaL_checkinteger(L, 1);
    bool done = w->set_clock && w->set_clock(w->arg, at);

    if (done)
        scope_of(L)->began = at;
    lua_pushboolean(L, done);
    return 1;
}

/* --- phones ---------------------------------------------------------------------------------- */

static int f_dial(lua_State *L)
{
    struct caller_world *w = world_of(L);
    struct error e = {""};
    char line[ID_MAX];

    if (w->dial(w->arg, luaL_checkstring(L, 1), luaL_checkstring(L, 2), luaL_optstring(L, 3, NULL),
                line, &e) < 0)
        return refused(L, e.text);
    lua_pushstring(L, line);
    return 1;
}

static int f_register(lua_State *L)
{
    const char *address = luaL_checkstring(L, 1);
    int64_t ms = luaL_checkinteger(L, 2);

    lua_pushboolean(L, switchboard_register(world_of(L)->switchboard, address, ms) == 0);
    return 1;
}

static int f_unregister(lua_State *L)
{
    switchboard_unregister(world_of(L)->switchboard, luaL_checkstring(L, 1));
    return 0;
}

static int f_pick_up(lua_State *L)
{
    struct caller_world *w = world_of(L);
    const char *line = luaL_checkstring(L, 1);

    lua_pushboolean(L, switchboard_pick_up(w->switchboard, line, now_of(w)) == 0);
    return 1;
}

static int f_refuse(lua_State *L)
{
    struct caller_world *w = world_of(L);
    const char *line = luaL_checkstring(L, 1);
    int code = (int)luaL_checkinteger(L, 2);

    lua_pushboolean(L, switchboard_refuse(w->switchboard, line, code, now_of(w)) == 0);
    return 1;
}

static int f_press(lua_State *L)
{
    struct caller_world *w = world_of(L);
    const char *line = luaL_checkstring(L, 1), *key = luaL_checkstring(L, 2);

    lua_pushboolean(L, switchboard_press(w->switchboard, line, key[0], now_of(w)) == 0);
    return 1;
}

static int f_hang_up(lua_State *L)
{
    struct caller_world *w = world_of(L);
    const char *line = luaL_checkstring(L, 1);

    lua_pushboolean(L, switchboard_hang_up(w->switchboard, line, now_of(w)) == 0);
    return 1;
}

static int f_join(lua_State *L)
{
    struct caller_world *w = world_of(L);
    struct error e = {""};
    char line[ID_MAX];

    if (switchboard_join(w->switchboard, luaL_checkstring(L, 1), luaL_checkstring(L, 2), now_of(w),
                         line, &e) < 0)
        return refused(L, e.text);
    lua_pushstring(L, line);
    return 1;
}

static int f_share(lua_State *L)
{
    struct caller_world *w = world_of(L);
    const char *line = luaL_checkstring(L, 1);

    luaL_checktype(L, 2, LUA_TBOOLEAN);
    lua_pushboolean(L,
                    switchboard_share(w->switchboard, line, lua_toboolean(L, 2), now_of(w)) == 0);
    return 1;
}

/* `ms` of a plain tone of 440 Hz. */
static int16_t *plain_tone(int64_t ms, size_t *n)
{
    int16_t *samples;

    *n = (size_t)(ms * RATE / 1000);
    samples = malloc((*n + 1) * sizeof *samples);
    for (size_t i = 0; samples && i < *n; i++)
        samples[i] = (int16_t)(8000 * sin(2 * M_PI * 440 * (double)i / RATE));
    return samples;
}

static int16_t *read_wav(const char *path, size_t *n, struct error *e)
{
    size_t cap = 44 + SPEECH_MAX_MS / 1000 * RATE * 2, size, at, bytes;
    FILE *f = fopen(path, "rb");
    int16_t *samples = NULL;
    char *p = NULL;
    int64_t ms;

    if (!f) {
        error_set(e, ERR_IO, "%s: cannot be read", path);
        return NULL;
    }
    p = malloc(cap);
    if (!p) {
        error_set(e, ERR_NOMEM, "no memory");
        goto out;
    }
    size = fread(p, 1, cap, f);
    if (wav_check(p, size, &ms, &at, &bytes, e) < 0)
        goto out;
    *n = bytes / 2;
    samples = malloc(bytes + 1);
    if (samples)
        memcpy(samples, p + at, bytes);
    else
        error_set(e, ERR_NOMEM, "no memory");
out:
    free(p);
    fclose(f);
    return samples;
}

/* speak(line, path or seconds): how long it takes in ms, or nil and the reason. */
static int f_speak(lua_State *L)
{
    struct caller_world *w = world_of(L);
    const char *line = luaL_checkstring(L, 1);
    struct error e = {"no memory"};
    int16_t *samples;
    size_t n = 0;
    int rc;

    if (lua_type(L, 2) == LUA_TSTRING) {
        samples = read_wav(lua_tostring(L, 2), &n, &e);
    } else {
        lua_Number s = luaL_checknumber(L, 2);

        luaL_argcheck(L, s >= 0 && s * 1000 <= SPEECH_MAX_MS, 2, "at most 600 seconds");
        samples = plain_tone((int64_t)(s * 1000), &n);
    }
    if (!samples)
        return refused(L, e.text);
    rc = switchboard_speak(w->switchboard, line, samples, n, now_of(w));
    free(samples);
    if (rc < 0)
        return refused(L, error_name(rc));
    lua_pushinteger(L, (lua_Integer)(n * 1000 / RATE));
    return 1;
}

/* --- the runtime and its surroundings -------------------------------------------------------- */

static int f_outgoing(lua_State *L)
{
    struct caller_world *w = world_of(L);
    const char *flow = luaL_checkstring(L, 1), *target = luaL_checkstring(L, 2);
    struct error e = {""};
    char key[KEY_MAX];

    if (!w->outgoing)
        return refused(L, "there is no runtime here");
    if (w->outgoing(w->arg, flow, target, key, &e) < 0)
        return refused(L, e.text);
    lua_pushstring(L, key);
    return 1;
}

static double probability(lua_State *L, const char *name, double now)
{
    double p = now;

    if (lua_getfield(L, 1, name) != LUA_TNIL)
        p = luaL_checknumber(L, -1);
    lua_pop(L, 1);
    if (!(p >= 0 && p <= 1))
        luaL_error(L, "%s: not between 0 and 1", name);
    return p;
}

/* faults{...}: what is not given stays as it was. */
static int f_faults(lua_State *L)
{
    static const char *const known[] = {"drop",     "repeat_", "reorder", "delay",
                                        "throttle", "fail",    "early",   NULL};
    struct caller_scope *scope = scope_of(L);
    struct caller_world *w = world_of(L);
    struct switchboard_faults f = scope->faults;

    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        luaL_checkoption(L, -1, NULL, known);
        lua_pop(L, 1);
    }
    f.drop = probability(L, "drop", f.drop);
    f.repeat = probability(L, "repeat_", f.repeat);
    f.reorder = probability(L, "reorder", f.reorder);
    f.throttle = probability(L, "throttle", f.throttle);
    f.fail = probability(L, "fail", f.fail);
    f.early = probability(L, "early", f.early);
    f.delay = probability(L, "delay", f.delay);
    if (f.delay_ms == 0)
        f.delay_ms = 2000;
    scope->faults = f;
    switchboard_set_faults(w->switchboard, &f);
    return 0;
}

static int f_faulty(lua_State *L)
{
    const struct switchboard_faults *f = &world_of(L)->faults;

    double sum = f->drop + f->repeat + f->reorder + f->delay + f->throttle + f->fail + f->early;

    lua_pushboolean(L, sum > 0 || world_of(L)->crashes);
    return 1;
}

static int f_lose_meetings(lua_State *L)
{
    world_of(L)->loses_meetings = true;
    return 0;
}

static int f_mock(lua_State *L)
{
    struct caller_world *w = world_of(L);
    struct error e = {""};
    cJSON *mock;

    luaL_checktype(L, 1, LUA_TTABLE);
    if (!w->mock)
        return luaL_error(L, "there is no runtime here");
    mock = caller_read_json(L, 1);
    if (w->mock(w->arg, mock, &e) == 0)
        return 0;
    lua_pushstring(L, e.text);
    return 1;
}

static int f_requests(lua_State *L)
{
    struct caller_world *w = world_of(L);
    const char *pattern = luaL_optstring(L, 1, NULL);
    cJSON *list = w->requests ? w->requests(w->arg, pattern) : NULL;

    if (!list)
        return luaL_error(L, "no memory, or no runtime here");
    caller_push_json(L, list);
    cJSON_Delete(list);
    return 1;
}

static int f_logged(lua_State *L)
{
    struct caller_world *w = world_of(L);
    const char *text = luaL_checkstring(L, 1);

    lua_pushboolean(L, w->logged && w->logged(w->arg, text));
    return 1;
}

void caller_push_functions(lua_State *L, struct caller_scope *scope)
{
    static const luaL_Reg functions[] = {
        {"now", f_now},         {"elapsed", f_elapsed},   {"set_clock", f_set_clock},
        {"dial", f_dial},       {"register", f_register}, {"unregister", f_unregister},
        {"pick_up", f_pick_up}, {"refuse", f_refuse},     {"press", f_press},
        {"hang_up", f_hang_up}, {"speak", f_speak},       {"outgoing", f_outgoing},
        {"faults", f_faults},   {"faulty", f_faulty},     {"lose_meetings", f_lose_meetings},
        {"mock", f_mock},       {"requests", f_requests}, {"logged", f_logged},
        {"join", f_join},       {"share", f_share},       {NULL, NULL},
    };

    luaL_newlibtable(L, functions);
    lua_pushlightuserdata(L, scope);
    luaL_setfuncs(L, functions, 1);
}
