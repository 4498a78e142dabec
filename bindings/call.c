/* What a call has beside the API's methods: its properties, waiting for states and tones, the end.
 */
#include "base/json.h"
#include "bindings/guard.h"
#include "bindings/internal.h"
#include "core/luajson.h"

#include <stdlib.h>
#include <string.h>

enum { ENDS_MAX = 64 };

static void push_result(lua_State *L, const struct leg *leg)
{
    if (!leg->ended) {
        lua_pushnil(L);
        return;
    }
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, leg->code);
    lua_setfield(L, -2, "code");
    lua_pushinteger(L, leg->subcode);
    lua_setfield(L, -2, "subcode");
    lua_pushstring(L, leg->message ? leg->message : "");
    lua_setfield(L, -2, "message");
}

/* Those who are there: a delta roster keeps the removed, marked. */
static void push_roster(lua_State *L, const struct leg *leg)
{
    const cJSON *v;
    lua_Integer n = 0;

    luaL_checkstack(L, 4, NULL);
    lua_newtable(L);
    luajson_mark_array(L, -1);
    cJSON_ArrayForEach (v, json_get(leg->collections, "participants")) {
        if (json_get(v, "removedState"))
            continue;
        luajson_push(L, v, false);
        lua_rawseti(L, -2, ++n);
    }
}

/* Operations that are under way. */
static void push_operations(lua_State *L, const struct leg *leg)
{
    lua_Integer n = 0;

    luaL_checkstack(L, 4, NULL);
    lua_newtable(L);
    luajson_mark_array(L, -1);
    for (struct list *it = leg->call->requests.next; it != &leg->call->requests; it = it->next) {
        const struct request *r = list_entry(it, struct request, link);
        if (r->leg != leg || r->done || r->spec.completes != REQUEST_OPERATION || !r->body)
            continue;
        luajson_push(L, r->body, false);
        lua_rawseti(L, -2, ++n);
    }
}

static void push_text(lua_State *L, const char *s)
{
    if (s[0])
        lua_pushstring(L, s);
    else
        lua_pushnil(L);
}

/* A member of the resource, or the whole of it (`key` NULL). */
static void push_fact(lua_State *L, const struct leg *leg, const char *key)
{
    cJSON **v = guard_push(L);
    int err = 0;

    if (key)
        err = call_leg_fact(leg, key, v);
    else if (!(*v = call_leg_resource(leg)))
        err = ERR_NOMEM;
    if (err)
        luaL_error(L, "not enough memory");
    luajson_push(L, *v, false);
    guard_free(v);
}

int call_property(lua_State *L, struct leg *leg, const char *key)
{
    if (strcmp(key, "id") == 0 && call_leg_says(leg, key, "null"))
        push_text(L, call_leg_id(leg));
    else if (strcmp(key, "key") == 0)
        lua_pushstring(L, leg->call->key);
    else if (strcmp(key, "direction") == 0)
        lua_pushstring(L, leg->incoming ? "incoming" : "outgoing");
    else if (strcmp(key, "from") == 0)
        push_text(L, call_leg_from(leg));
    else if (strcmp(key, "to") == 0)
        push_text(L, call_leg_to(leg));
    else if (strcmp(key, "ended") == 0)
        lua_pushboolean(L, leg->ended);
    else if (strcmp(key, "result") == 0)
        push_result(L, leg);
    else if (strcmp(key, "roster") == 0 || strcmp(key, "participants") == 0)
        push_roster(L, leg);
    else if (strcmp(key, "operations") == 0)
        push_operations(L, leg);
    else if (strcmp(key, "resumed") == 0)
        lua_pushboolean(L, leg->call->resumed);
    else if (strcmp(key, "rejoined") == 0)
        lua_pushboolean(L, leg->call->rejoined);
    else if (strcmp(key, "toneSubscribed") == 0)
        lua_pushboolean(L, leg->tone_subscribed);
    else if (strcmp(key, "resource") == 0)
        push_fact(L, leg, NULL);
    else
        push_fact(L, leg, key);
    return 1;
}

/* --- waiting ------------------------------------------------------------------------------------
 */

static bool state_reached(const struct fiber *f)
{
    const struct leg *leg = f->wait.object;

    return leg->ended || call_leg_reached(leg, (int)f->wait.arg);
}

static int state_finished(lua_State *L, struct fiber *f)
{
    const struct leg *leg = f->wait.object;
    bool reached = call_leg_reached(leg, (int)f->wait.arg);

    if (!reached && leg->ended)
        return raise_hangup(L, leg, "waitFor");
    lua_pushboolean(L, reached);
    return 1;
}

static int wait_for(lua_State *L)
{
    struct leg *leg = object_leg(L, 1, "call");
    struct fiber *f = fiber_need(L, "waitFor");
    const char *state = luaL_checkstring(L, 2);
    struct wait w = {.what = "waitFor",
                     .ready = state_reached,
                     .finish = state_finished,
                     .object = leg,
                     .arg = call_leg_state_rank(state)};

    lua_settop(L, 3);
    if (!w.arg)
        return luaL_error(L, "waitFor: unknown state \"%s\"", state);
    w.timeout_ms = timeout_option(L, 3, "waitFor");
    if (!leg->ended)
        refuse_dead(L, f, leg, "waitFor");
    return fiber_wait(L, &w);
}

static bool tone_ready(const struct fiber *f)
{
    const struct leg *leg = f->wait.object;

    return leg->tones.nready > 0 || leg->ended || f->resumed;
}

/* wait.arg: whether the key is secret. */
static int tone_finished(lua_State *L, struct fiber *f)
{
    struct leg *leg = f->wait.object;
    struct tone t;

    if (f->timed_out && !leg->tones.nready && call_leg_tone_hurry(leg))
        return luaL_error(L, "not enough memory");
    if (!call_leg_tone_take(leg, &t)) {
        if (leg->ended)
            return raise_hangup(L, leg, "nextTone");
        if (!f->timed_out && !f->resumed)
            return WAIT_AGAIN;
        lua_pushnil(L);
        if (f->resumed)
            lua_pushliteral(L, "resumed");
        return f->resumed ? 2 : 1;
    }
    leg->call->secret |= f->wait.arg != 0;
    lua_createtable(L, 0, 3);
    lua_pushlstring(L, &t.key, 1);
    lua_setfield(L, -2, "key");
    lua_pushinteger(L, t.sequence);
    lua_setfield(L, -2, "sequenceId");
    lua_pushboolean(L, f->wait.arg != 0);
    lua_setfield(L, -2, "secret");
    return 1;
}

static int next_tone(lua_State *L)
{
    struct leg *leg = object_leg(L, 1, "call");
    struct fiber *f = fiber_need(L, "nextTone");
    struct wait w = {.what = "nextTone",
                     .ready = tone_ready,
                     .finish = tone_finished,
                     .object = leg,
                     .input = true};

    lua_settop(L, 2);
    w.timeout_ms = timeout_option(L, 2, "nextTone");
    if (lua_istable(L, 2)) {
        lua_getfield(L, 2, "secret");
        w.arg = lua_toboolean(L, -1);
    }
    refuse_dead(L, f, leg, "nextTone");
    if (w.timeout_ms == 0 && !leg->tones.nready) {
        lua_pushnil(L);
        return 1;
    }
    return fiber_wait(L, &w);
}

static int flush_tones(lua_State *L)
{
    lua_pushinteger(L, call_leg_tones_flush(object_leg(L, 1, "call")));
    return 1;
}

/* --- the rest
 * ------------------------------------------------------------------------------------- */

static int on_end(lua_State *L)
{
    struct call *call = object_leg(L, 1, "call")->call;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (call->muted || call->phase >= PHASE_HANDLERS || fiber_need(L, "onEnd")->role == ROLE_END)
        return luaL_error(L, "onEnd: the call has ended already");
    if (call->nends == ENDS_MAX)
        return luaL_error(L, "onEnd: more than %d handlers", ENDS_MAX);
    if (call->nends == call->capends) {
        unsigned cap = call->capends ? call->capends * 2 : 4;
        int *ends = realloc(call->ends, cap * sizeof *ends);
        if (!ends)
            return luaL_error(L, "not enough memory");
        call->ends = ends;
        call->capends = cap;
    }
    lua_pushvalue(L, 2);
    call->ends[call->nends] = luaL_ref(L, LUA_REGISTRYINDEX);
    call->nends++;
    return 0;
}

static int start(lua_State *L)
{
    struct leg *leg = object_leg(L, 1, "call");
    struct fiber *f = fiber_need(L, "start");
    const char *lua_name = luaL_checkstring(L, 2);
    const struct method *m = method_of("call", strcmp(lua_name, "hangup") ? lua_name : "delete");

    lua_settop(L, 4);
    if (!m)
        return luaL_error(L, "start: a call has no method \"%s\"", lua_name);
    refuse_dead(L, f, leg, m->name);
    operation_push(L, method_issue(L, f, leg, m, NULL, 3, 4));
    return 1;
}

/* call:participant(id) and its like; upvalue 1 = kind. */
static int sub_object(lua_State *L)
{
    struct leg *leg = object_leg(L, 1, "call");
    const char *id = luaL_checkstring(L, 2);
    const char *kind = lua_touserdata(L, lua_upvalueindex(1));

    if (!id[0] || strlen(id) > 200)
        return luaL_error(L, "%s: an id of 1 to 200 bytes", kind);
    object_push(L, leg, kind, id);
    return 1;
}

void call_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"waitFor", wait_for}, {"nextTone", next_tone}, {"flushTones", flush_tones},
        {"onEnd", on_end},     {"start", start},        {"continueAs", call_continue_as},
        {NULL, NULL},
    };
    static const char *const kinds[] = {"participant", "audioRoutingGroup", "contentSharingSession",
                                        "operation"};

    luaL_setfuncs(L, methods, 0);
    lua_getfield(L, -1, "delete");
    lua_setfield(L, -2, "hangup");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        lua_pushlightuserdata(L, (void *)kinds[i]);
        lua_pushcclosure(L, sub_object, 1);
        lua_setfield(L, -2, kinds[i]);
    }
}
