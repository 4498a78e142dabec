/* Methods of the API: one closure a row of the table; and operations that nobody waits for yet. */
#include "base/json.h"
#include "bindings/internal.h"

#include <math.h>
#include <string.h>

int raise_hangup(lua_State *L, const struct leg *leg, const char *method)
{
    struct raise r = {.code = "hangup", .method = method, .subcode = leg->subcode};

    r.message = leg->message ? leg->message : "the call is over";
    return raise_error(L, &r);
}

void refuse_dead(lua_State *L, struct fiber *f, const struct leg *leg, const char *method)
{
    step_refuse(L, f, method);
    fiber_refuse_dead(L, f, method);
    if (leg->ended || f->call->phase >= PHASE_UNWIND)
        raise_hangup(L, leg, method);
}

int64_t timeout_option(lua_State *L, int index, const char *what)
{
    lua_Number s;

    if (lua_isnoneornil(L, index))
        return -1;
    if (lua_istable(L, index)) {
        lua_pushliteral(L, "timeout");
        lua_rawget(L, index);
    } else {
        lua_pushvalue(L, index);
    }
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return -1;
    }
    if (lua_type(L, -1) != LUA_TNUMBER)
        luaL_error(L, "%s: timeout: seconds, not a %s", what, luaL_typename(L, -1));
    s = lua_tonumber(L, -1);
    lua_pop(L, 1);
    if (!(s >= 0 && s <= 1e7))
        luaL_error(L, "%s: timeout: from 0 to 10,000,000 seconds", what);
    return (int64_t)ceil(s * 1000 - 1e-6);
}

static bool preempts(lua_State *L, int opts, const char *what)
{
    const char *lane;
    bool preempt = false;

    if (!opts || lua_isnoneornil(L, opts))
        return false;
    luaL_checktype(L, opts, LUA_TTABLE);
    lua_pushliteral(L, "lane");
    lua_rawget(L, opts);
    lane = lua_tostring(L, -1);
    if (lane && strcmp(lane, "preempt") == 0)
        preempt = true;
    else if (!lua_isnil(L, -1) && !(lane && strcmp(lane, "wait") == 0))
        luaL_error(L, "%s: lane: \"wait\" or \"preempt\"", what);
    lua_pop(L, 1);
    return preempt;
}

static enum request_goal goal_of(const struct method *m)
{
    if (strcmp(m->name, "answer") == 0)
        return GOAL_ESTABLISHED;
    if (strcmp(m->name, "transfer") == 0)
        return GOAL_TRANSFERRED;
    if (strcmp(m->name, "delete") == 0 || strcmp(m->name, "reject") == 0 ||
        strcmp(m->name, "redirect") == 0)
        return GOAL_ENDED;
    return GOAL_NONE;
}

/* Path parameters below the call: {"participant": id}. */
static int make_ids(cJSON **out, const struct method *m, const char *id)
{
    static const char *const names[][2] = {{"participant", "participant"},
                                           {"audioRoutingGroup", "group"},
                                           {"contentSharingSession", "session"},
                                           {"operation", "operation"}};

    for (size_t i = 0; id && i < sizeof names / sizeof *names; i++) {
        if (strcmp(m->object, names[i][0]) != 0)
            continue;
        *out = cJSON_CreateObject();
        if (!*out || json_set_str(*out, names[i][1], id)) {
            cJSON_Delete(*out);
            return ERR_NOMEM;
        }
    }
    return 0;
}

static void raise_argument(lua_State *L, const struct method *m, int err, const struct error *e)
{
    struct raise r = {.code = err == ERR_UNSUPPORTED ? "unsupported"
                              : err == ERR_NOTFOUND  ? "noPrompt"
                              : err == ERR_NOMEM     ? "memory"
                                                     : "badArgument",
                      .message = e->text,
                      .method = m->name};

    raise_error(L, &r);
}

struct request *method_issue(lua_State *L, struct fiber *f, struct leg *leg, const struct method *m,
                             const char *id, int args, int opts)
{
    struct request_spec spec = {.method = m->name,
                                .completes = m->completes == COMPLETES_OPERATION ? REQUEST_OPERATION
                                             : m->completes == COMPLETES_STATE   ? REQUEST_STATE
                                                                                 : REQUEST_ANSWER,
                                .goal = goal_of(m),
                                .media = m->media,
                                .own_context = m->own_context,
                                .lingers = strcmp(m->name, "recordResponse") == 0,
                                .about = m};
    struct request *r;
    struct error e = {{0}};
    cJSON *body = NULL, *ids = NULL;
    char where[WHERE_MAX];
    int err;

    spec.preempt = preempts(L, opts, m->lua);
    timeout_option(L, opts, m->lua); /* a bad one is an error before anything is sent */
    sandbox_where(L, where, sizeof where);
    err = args_read(&body, L, args, m, f->call, bindings_version(L), &e);
    if (!err)
        err = make_ids(&ids, m, id);
    if (err) {
        cJSON_Delete(body);
        raise_argument(L, m, err, &e);
    }
    err = request_new(&r, leg, &spec, f, where, ids, body);
    if (err == ERR_LIMIT)
        luaL_error(L, "%s: limit requests: more than %d methods pending", m->lua,
                   (int)f->call->core->cfg.limits.fibers);
    if (err)
        luaL_error(L, "%s: %s", m->name, error_name(err));
    return r;
}

static bool request_ready(const struct fiber *f)
{
    return ((const struct request *)f->wait.object)->done;
}

static bool request_stop(struct fiber *f)
{
    return request_cancel(f->wait.object);
}

static int raise_timeout(lua_State *L, const struct request *r)
{
    const struct method *m = r->spec.about;
    struct raise x = {.code = "timeout", .method = m ? m->name : "http"};

    x.message = "no end in the time given";
    return raise_error(L, &x);
}

/* wait.arg: whether a timeout cancels. */
static int request_finished(lua_State *L, struct fiber *f)
{
    struct request *r = f->wait.object;

    if (r->done)
        return result_push(L, r);
    if (f->wait.arg)
        request_cancel(r);
    return raise_timeout(L, r);
}

int method_wait(lua_State *L, struct request *r, int64_t timeout_ms, bool cancels)
{
    const struct method *m = r->spec.about;
    struct wait w = {.what = m->lua,
                     .ready = request_ready,
                     .finish = request_finished,
                     .cancel = cancels ? request_stop : NULL,
                     .object = r,
                     .arg = cancels,
                     .timeout_ms = timeout_ms};

    return fiber_wait(L, &w);
}

/* What ivr.createCall returns: the leg's object. */
static int leg_placed(lua_State *L, struct fiber *f)
{
    struct request *r = f->wait.object;

    if (r->done && !r->failed) {
        object_push(L, r->leg, "call", NULL);
        return 1;
    }
    if (!r->done && call_leg_close(r->leg))
        call_nomem(f->call);
    return request_finished(L, f);
}

/* A place for a leg whose making was cancelled: it is ended as soon as the service has it. */
static bool leg_unwanted(struct fiber *f)
{
    if (call_leg_close(((struct request *)f->wait.object)->leg))
        call_nomem(f->call);
    return false;
}

static int create_call(lua_State *L, struct fiber *f, const struct method *m)
{
    struct wait w = {.what = m->lua,
                     .ready = request_ready,
                     .finish = leg_placed,
                     .cancel = leg_unwanted,
                     .timeout_ms = timeout_option(L, 2, m->lua)};
    struct leg *leg;
    struct error e = {{0}};
    cJSON *args = NULL;
    int err;

    /* Arguments first: a leg that cannot be placed must not count. */
    err = args_read(&args, L, 1, m, f->call, bindings_version(L), &e);
    if (err)
        raise_argument(L, m, err, &e);
    err = call_leg_new(&leg, f->call, false);
    if (!err)
        err = call_leg_learn(leg, args);
    cJSON_Delete(args);
    if (err == ERR_LIMIT)
        return luaL_error(L, "createCall: limit legs: more than %d",
                          (int)f->call->core->cfg.limits.legs);
    if (err)
        return luaL_error(L, "not enough memory");
    w.object = method_issue(L, f, leg, m, NULL, 1, 2);
    return fiber_wait(L, &w);
}

/* ivr.<method>(args, options). */
static int call_global(lua_State *L)
{
    const struct method *m = lua_touserdata(L, lua_upvalueindex(1));
    struct fiber *f = fiber_need(L, m->lua);
    struct leg *leg = f->call->legs[0];

    lua_settop(L, 2);
    refuse_dead(L, f, leg, m->name);
    if (!lua_isyieldable(L))
        return luaL_error(L, "%s waits, and nothing can wait here", m->lua);
    if (strcmp(m->name, "create") == 0)
        return create_call(L, f, m);
    return method_wait(L, method_issue(L, f, leg, m, NULL, 1, 2), timeout_option(L, 2, m->lua),
                       true);
}

/* object:<method>(args, options). */
static int call_method(lua_State *L)
{
    const struct method *m = lua_touserdata(L, lua_upvalueindex(1));
    struct fiber *f = fiber_need(L, m->lua);
    struct leg *leg = object_leg(L, 1, m->object);
    bool plain = m->fields->name == NULL;
    struct request *r;
    const char *id;

    /* A method without arguments takes its options first. */
    lua_settop(L, 3);
    if (plain && lua_isnil(L, 3) && lua_istable(L, 2))
        lua_insert(L, 2);
    lua_settop(L, 3);
    refuse_dead(L, f, leg, m->name);
    if (!lua_isyieldable(L))
        return luaL_error(L,
                          "%s waits, and nothing can wait here (inside a table.sort comparator, a "
                          "string.gsub callback or __tostring)",
                          m->lua);
    lua_getiuservalue(L, 1, 1);
    id = lua_tostring(L, 4);
    r = method_issue(L, f, leg, m, id, 2, 3);
    return method_wait(L, r, timeout_option(L, 3, m->lua), true);
}

void method_push(lua_State *L, const struct method *m)
{
    lua_pushlightuserdata(L, (void *)m);
    lua_pushcclosure(L, strcmp(m->object, "ivr") == 0 ? call_global : call_method, 1);
}
