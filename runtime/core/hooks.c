/* Policy-based recording: participants who join and leave, each in a fiber of its own (reference
 * §6). */
#include "base/json.h"
#include "core/luajson.h"
#include "core/machine.h"

#include <lauxlib.h>
#include <string.h>

struct hook {
    struct call *call;
    const struct event *ev;
    const char *name;
    enum fiber_role role;
    struct fiber *fiber;
};

/* Start flow.<name>(call, data) when the flow has it. */
static int start(lua_State *L)
{
    struct hook *x = lua_touserdata(L, 1);

    if (!cell_push_flow(x->call->cell->cell, L, x->call->flow))
        return 0;
    lua_pushstring(L, x->name);
    if (lua_rawget(L, -2) != LUA_TFUNCTION)
        return 0;
    lua_getfield(L, LUA_REGISTRYINDEX, LEG_OBJECT);
    lua_pushlightuserdata(L, x->call->legs[0]);
    lua_call(L, 1, 1);
    luajson_push(L, x->ev->data, false);
    x->fiber = fiber_spawn(L, x->call, NULL, x->role, 2);
    x->fiber->joining = x->ev->seq;
    return 0;
}

static cJSON *body_of(const char *type)
{
    cJSON *body = cJSON_CreateObject();

    if (body && json_set_str(body, "@odata.type", type)) {
        cJSON_Delete(body);
        return NULL;
    }
    return body;
}

/* What the flow said, as the body of the answer; accepting is the default. */
static cJSON *reply_body(const cJSON *said)
{
    const char *reason = json_str(said, "reject"), *uri = json_str(said, "invite");
    const char *name = reason ? "reason" : "inviteUri";
    cJSON *body = body_of(reason ? "#microsoft.graph.rejectJoinResponse"
                          : uri  ? "#microsoft.graph.inviteNewBotResponse"
                                 : "#microsoft.graph.acceptJoinResponse");

    if (body && (reason || uri) && json_set_str(body, name, reason ? reason : uri)) {
        cJSON_Delete(body);
        return NULL;
    }
    return body;
}

static int reply(struct call *call, uint32_t joining, const char *fiber, const cJSON *said)
{
    struct command c = {
        .kind = COMMAND_REPLY, .args = reply_body(said), .ids = cJSON_CreateObject()};

    if (!c.args || !c.ids || json_set_int(c.ids, "joining", joining)) {
        command_fini(&c);
        return call_nomem(call);
    }
    strcpy(c.fiber, fiber);
    return call_issue(call, &c);
}

int call_joining(struct call *call, const struct event *ev)
{
    struct hook x = {call, ev, "onParticipantJoining", ROLE_JOINING, NULL};
    struct error e = {{0}};
    int err = 0;

    if (call->phase == PHASE_RUN && !call->stalled)
        err = call_protect(call, start, &x, &e);
    if (err == ERR_NOMEM)
        return call_nomem(call);
    if (err)
        call_log(call, "error", "", "", "flow %s: onParticipantJoining: %s", call->flow, e.text);
    return x.fiber ? 0 : reply(call, ev->seq, "", NULL);
}

int call_left(struct call *call, const struct event *ev)
{
    struct hook x = {call, ev, "onParticipantLeft", ROLE_LEFT, NULL};
    struct error e = {{0}};
    int err = 0;

    if (call->phase == PHASE_RUN && !call->stalled)
        err = call_protect(call, start, &x, &e);
    if (err == ERR_NOMEM)
        return call_nomem(call);
    return err ? call_log(call, "error", "", "", "flow %s: onParticipantLeft: %s", call->flow,
                          e.text)
               : 0;
}

struct answer {
    struct fiber *f;
    cJSON *said;
};

static int read_answer(lua_State *L)
{
    struct answer *x = lua_touserdata(L, 1);
    struct error e = {{0}};

    if (!lua_checkstack(x->f->co, 1))
        return 0;
    lua_pushvalue(x->f->co, 1);
    lua_xmove(x->f->co, L, 1);
    if (lua_istable(L, -1) && luajson_read(&x->said, L, -1, &e))
        return luaL_error(L, "%s", e.text);
    if (!lua_istable(L, -1) && !lua_isnil(L, -1) &&
        !(lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "accept") == 0))
        return luaL_error(L, "returned neither \"accept\", { reject = } nor { invite = }");
    return 0;
}

static void joining_reply(struct fiber *f)
{
    struct answer x = {.f = f};
    struct error e = {{0}};

    if (!f->failed && lua_gettop(f->co) >= 1 && call_protect(f->call, read_answer, &x, &e) != 0)
        call_log(f->call, "error", f->path, f->where, "flow %s: onParticipantJoining: %s",
                 f->call->flow, e.text);
    reply(f->call, f->joining, f->path, x.said);
    cJSON_Delete(x.said);
}

void call_hook_ended(struct fiber *f)
{
    if (f->failed)
        call_log_failure(f, f->role == ROLE_JOINING ? "onParticipantJoining" : "onParticipantLeft");
    if (f->role == ROLE_JOINING)
        joining_reply(f);
}
