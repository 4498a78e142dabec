/* The objects of a call in Lua. They hold no resources: an object whose call is over says so. */
#include "bindings/internal.h"

#include <string.h>

static const struct {
    const char *kind, *metatable; /* the latter's name in the registry */
} kinds[] = {{"call", "ivory.call"},
             {"participant", "ivory.participant"},
             {"audioRoutingGroup", "ivory.audioRoutingGroup"},
             {"contentSharingSession", "ivory.contentSharingSession"},
             {"operation", "ivory.operation"},
             {"recording", "ivory.recording"}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *metatable_name(const char *kind)
{
    size_t i = 0;

    while (i + 1 < KINDS && strcmp(kinds[i].kind, kind) != 0)
        i++;
    return kinds[i].metatable;
}

void object_push(lua_State *L, struct leg *leg, const char *kind, const char *id)
{
    struct object *o;

    luaL_checkstack(L, 4, NULL);
    o = lua_newuserdatauv(L, sizeof *o, 1);
    o->handle = (struct handle){0};
    o->kind = kind;
    luaL_setmetatable(L, metatable_name(kind));
    if (id) {
        lua_pushstring(L, id);
        lua_setiuservalue(L, -2, 1);
    }
    if (handle_open(&leg->call->core->handles, &leg->named, leg, &o->handle))
        luaL_error(L, "not enough memory");
}

static struct leg *target(lua_State *L, const struct object *o)
{
    return handle_target(&core_of(L)->handles, &o->handle);
}

static int collect(lua_State *L)
{
    struct object *o = lua_touserdata(L, 1);

    handle_close(&core_of(L)->handles, &o->handle);
    return 0;
}

struct object *object_check(lua_State *L, int index, const char *kind)
{
    struct object *o = luaL_checkudata(L, index, metatable_name(kind));
    struct fiber *f = fiber_current(L);
    const struct leg *leg = target(L, o);

    if (!leg || !f || leg->call != f->call)
        luaL_error(L, "this %s belongs to another call, or to one that is over", kind);
    return o;
}

struct leg *object_leg(lua_State *L, int index, const char *kind)
{
    return target(L, object_check(L, index, kind));
}

/* obj.key: a method, else a property. Upvalues: the methods, the kind. */
static int get(lua_State *L)
{
    const char *kind = lua_tostring(L, lua_upvalueindex(2));
    struct object *o = object_check(L, 1, kind);
    const char *key = lua_tostring(L, 2);

    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL || !key)
        return 1;
    if (strcmp(kind, "call") == 0)
        return call_property(L, target(L, o), key);
    if (strcmp(key, "id") == 0)
        lua_getiuservalue(L, 1, 1);
    return 1;
}

static int refuse_set(lua_State *L)
{
    return luaL_error(L, "a %s is read only: keep your own values in variables",
                      lua_tostring(L, lua_upvalueindex(1)));
}

static int same(lua_State *L)
{
    const struct object *a = lua_touserdata(L, 1), *b = lua_touserdata(L, 2);
    bool equal =
        a && b && target(L, a) && target(L, a) == target(L, b) && strcmp(a->kind, b->kind) == 0;

    if (equal) {
        lua_getiuservalue(L, 1, 1);
        lua_getiuservalue(L, 2, 1);
        equal = lua_rawequal(L, -1, -2);
    }
    lua_pushboolean(L, equal);
    return 1;
}

/* "call <id>", "participant <id>". */
static int text(lua_State *L)
{
    const struct object *o = lua_touserdata(L, 1);
    const struct leg *leg = target(L, o);

    lua_getiuservalue(L, 1, 1);
    lua_pushfstring(L, "%s %s", o->kind,
                    lua_isstring(L, -1) ? lua_tostring(L, -1)
                    : leg && leg->id    ? leg->id
                                        : "?");
    return 1;
}

static void open_kind(lua_State *L, const char *kind)
{
    luaL_newmetatable(L, metatable_name(kind));
    lua_newtable(L);
    for (const struct method *m = method_table; m->name; m++) {
        if (strcmp(m->object, kind) != 0)
            continue;
        method_push(L, m);
        lua_setfield(L, -2, m->lua);
    }
    if (strcmp(kind, "call") == 0)
        call_methods(L);
    lua_pushstring(L, kind);
    lua_pushcclosure(L, get, 2);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, kind);
    lua_pushcclosure(L, refuse_set, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, same);
    lua_setfield(L, -2, "__eq");
    lua_pushcfunction(L, text);
    lua_setfield(L, -2, "__tostring");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void objects_open(lua_State *L)
{
    for (size_t i = 0; i < KINDS; i++)
        open_kind(L, kinds[i].kind);
}
