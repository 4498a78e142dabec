/* The way of a call through its phases. */
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "core/machine.h"
#include "core/raise.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FALLBACK_MS = 120000 };

static void begin_fallback(struct call *call);

static void push_leg(lua_State *L, struct leg *leg)
{
    if (lua_getfield(L, LUA_REGISTRYINDEX, LEG_OBJECT) != LUA_TFUNCTION)
        return;
    lua_pushlightuserdata(L, leg);
    lua_call(L, 1, 1);
}

static int start_main(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);

    if (!cell_push_flow(call->cell->cell, L, call->flow))
        return luaL_error(L, "no such flow: %s", call->flow);
    lua_pushstring(L, "onCall");
    if (lua_rawget(L, -2) != LUA_TFUNCTION)
        return luaL_error(L, "flow %s has no onCall", call->flow);
    push_leg(L, call->legs[0]);
    call->main = fiber_spawn(L, call, NULL, ROLE_MAIN, 1);
    return 0;
}

static int place(struct call *call, const cJSON *create)
{
    static const struct request_spec spec = {.method = "create", .completes = REQUEST_STATE};
    struct leg *leg = call->legs[0];
    struct request *r;
    cJSON *args = create ? json_copy(create) : cJSON_CreateObject();
    int err;

    if (!args)
        return call_nomem(call);
    err = call_leg_learn(leg, create);
    if (!err && json_get(create, "meetingInfo")) /* the service may not tell all of it again */
        err = (call->join = json_text(create)) ? 0 : ERR_NOMEM;
    if (!err)
        err = call_leg_note(leg, "direction", "\"outgoing\"");
    if (err) {
        cJSON_Delete(args);
        return call_nomem(call);
    }
    return request_new(&r, leg, &spec, NULL, "", NULL, args);
}

int call_begin_failed(struct call *call, const struct error *e)
{
    call->main = NULL;
    snprintf(call->limit, sizeof call->limit, "start");
    return call_log(call, "error", "", "", "%s", e->text);
}

/* The call lost its flow: what it needs to be led to its end by the fallback. */
static int begin_without_flow(struct call *call, const struct event *start)
{
    struct leg *leg = call->legs[0];
    int err = call_leg_update(leg, json_get(start->data, "call"), CHANGE_UPDATED);

    call->why = "error";
    snprintf(call->limit, sizeof call->limit, "recovery");
    leg->media_ready = leg->established;
    begin_fallback(call);
    return err;
}

int call_begin(struct call *call, const struct event *start)
{
    struct leg *leg = call->legs[0];
    struct error e = {{0}};
    int err;

    if (start->call_id[0] && text_keep(&leg->id, start->call_id))
        return call_nomem(call);
    if (json_bool(start->data, "fallback", false))
        return begin_without_flow(call, start);
    if (json_get(start->data, "continue"))
        return call_restore(call, start);
    if (leg->incoming)
        err = call_leg_update(leg, json_get(start->data, "call"), CHANGE_CREATED);
    else
        err = place(call, json_get(start->data, "create"));
    if (err)
        return err;
    err = call_route(call, json_str(start->data, "flow"), &e);
    if (!err)
        err = call_protect(call, start_main, call, &e);
    return err == ERR_NOMEM ? err : err ? call_begin_failed(call, &e) : 0;
}

struct failure {
    struct call *call;
    struct fiber *fiber;
    char *text;
};

static int failure_text(lua_State *L)
{
    struct failure *x = lua_touserdata(L, 1);
    lua_State *co = x->fiber->co;

    luaL_checkstack(L, 4, NULL);
    if (lua_gettop(co) < 1 || !lua_checkstack(co, 1))
        lua_pushliteral(L, "an error");
    else {
        lua_pushvalue(co, 1);
        lua_xmove(co, L, 1);
    }
    x->text = strdup(sandbox_tostring(L, -1, NULL));
    return 0;
}

void call_log_failure(struct fiber *f, const char *what)
{
    struct call *call = f->call;
    struct failure x = {.call = call, .fiber = f};

    call_protect(call, failure_text, &x, NULL);
    call_log(call, "error", f->path, f->where, "flow %s: %s: %s%s%s", call->flow, what,
             x.text ? x.text : "an error", f->trace ? "\n" : "", f->trace ? f->trace : "");
    free(x.text);
}

static int start_on_error(lua_State *L)
{
    struct failure *x = lua_touserdata(L, 1);
    struct call *call = x->call;

    call->main = NULL;
    if (!cell_push_flow(call->cell->cell, L, call->flow))
        return 0;
    lua_pushstring(L, "onError");
    if (lua_rawget(L, -2) != LUA_TFUNCTION)
        return 0;
    push_leg(L, call->legs[0]);
    if (x->fiber && lua_gettop(x->fiber->co) >= 1 && lua_checkstack(x->fiber->co, 1)) {
        lua_pushvalue(x->fiber->co, 1);
        lua_xmove(x->fiber->co, L, 1);
    } else {
        char message[96];
        struct raise r = {.code = "limit", .message = message};

        snprintf(message, sizeof message, "the flow broke limit %s", call->limit);
        raise_push(L, &r);
    }
    call->main = fiber_spawn(L, call, NULL, ROLE_ERROR, 2);
    return 0;
}

static void fallback_over(struct timer *t)
{
    struct call *call = list_entry(t, struct call, phase_timer);

    call->step = FALLBACK_END;
    call->step_request = NULL;
}

static void begin_fallback(struct call *call)
{
    call->phase = PHASE_FALLBACK;
    call->main = NULL;
    call->step = FALLBACK_BEGIN;
    call->phase_timer.fire = fallback_over;
    if (timer_set(&call->phase_timer, call, call->now + FALLBACK_MS))
        call_nomem(call);
}

/* onCall failed, or was cut short, or could not begin. */
static void failed(struct call *call)
{
    struct failure x = {.call = call, .fiber = call->main};
    struct error e = {{0}};

    call->why = "error";
    if (call->main)
        call_log_failure(call->main, "onCall");
    call->phase = PHASE_ERROR;
    if (strcmp(call->limit, "start") == 0 || call_protect(call, start_on_error, &x, &e) ||
        !call->main)
        begin_fallback(call);
}

void call_finish(struct call *call, const char *why)
{
    struct list *it, *tmp;

    if (call->phase >= PHASE_UNWIND)
        return;
    if (call->phase == PHASE_CONTINUE)
        call->why = NULL;
    call->phase = PHASE_UNWIND;
    call->why = call->why ? call->why : why;
    call->main = NULL;
    call->step_request = NULL;
    timer_clear(&call->phase_timer);
    list_each (it, tmp, &call->fibers) {
        struct fiber *f = list_entry(it, struct fiber, link);
        if (!f->parent && f->role != ROLE_END)
            fiber_unwind(f, UNWIND_HANGUP);
    }
    for (int i = 0; i < call->nlegs; i++)
        if (call_leg_close(call->legs[i]))
            call_nomem(call);
}

static bool legs_ended(const struct call *call)
{
    for (int i = 0; i < call->nlegs; i++)
        if (!call->legs[i]->ended)
            return false;
    return true;
}

bool call_fibers_live(const struct call *call)
{
    for (struct list *it = call->fibers.next; it != &call->fibers; it = it->next)
        if (list_entry(it, struct fiber, link)->state != FIBER_DONE)
            return true;
    return false;
}

static int start_handler(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);
    int ref = call->ends[--call->nends];

    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    luaL_unref(L, LUA_REGISTRYINDEX, ref);
    lua_pushstring(L, call->why);
    call->main = fiber_spawn(L, call, NULL, ROLE_END, 1);
    return 0;
}

static void handlers_over(struct timer *t)
{
    struct call *call = list_entry(t, struct call, phase_timer);

    call_log(call, "error", "", "", "limit cleanup_total_ms: %u onEnd handlers are left out",
             call->nends);
    if (call->main)
        fiber_kill(call->main);
    while (call->nends)
        luaL_unref(cell_state(call->cell->cell), LUA_REGISTRYINDEX, call->ends[--call->nends]);
}

static int issue_end(struct call *call)
{
    const struct leg *leg = call->legs[0];
    struct command c = {.kind = COMMAND_END};
    int err;

    c.args = cJSON_CreateObject();
    err = c.args ? json_set_str(c.args, "result", call->why) : ERR_NOMEM;
    if (!err)
        err = json_set_int(c.args, "code", leg->code);
    if (!err)
        err = json_set_int(c.args, "subcode", leg->subcode);
    if (!err && leg->message)
        err = json_set_str(c.args, "message", leg->message);
    if (!err && call->limit[0])
        err = json_set_str(c.args, "limit", call->limit);
    if (!err)
        err = json_set_str(c.args, "flow", call->flow);
    if (!err)
        err = json_set_str(c.args, "direction", leg->incoming ? "incoming" : "outgoing");
    if (!err)
        err = json_set_str(c.args, "from", call_leg_from(leg));
    if (!err)
        err = json_set_str(c.args, "to", call_leg_to(leg));
    if (!err && call->secret)
        err = json_set(c.args, "secret", cJSON_CreateTrue());
    if (!err)
        err = json_set_int(c.args, "ms", call->now - call->since);
    if (err) {
        command_fini(&c);
        return call_nomem(call);
    }
    return call_issue(call, &c);
}

/* One handler at a time, last in first out. */
bool call_next_handler(struct call *call)
{
    struct fiber *f = call->main;
    struct error e = {{0}};

    if (f && f->state != FIBER_DONE)
        return false;
    if (f && f->failed)
        call_log_failure(f, "onEnd");
    call->main = NULL;
    if (!call->nends && call->phase == PHASE_CONTINUE)
        return true;
    if (!call->nends) {
        call->phase = PHASE_OVER;
        issue_end(call);
        return true;
    }
    if (call_protect(call, start_handler, call, &e)) {
        call_log(call, "error", "", "", "flow %s: onEnd: %s", call->flow, e.text);
    } else if (timer_set(&call->main->budget, call,
                         call->now + call->core->cfg.limits.cleanup_ms)) {
        call_nomem(call);
    }
    return true;
}

bool call_handlers_begin(struct call *call)
{
    call->phase_timer.fire = handlers_over;
    if (call->nends &&
        timer_set(&call->phase_timer, call, call->now + call->core->cfg.limits.cleanup_total_ms))
        call_nomem(call);
    return true;
}

/* Whether the flow itself brought leg 0 to its end: it hung up, transferred, rejected, redirected.
 */
static bool ended_by_flow(const struct call *call)
{
    for (struct list *it = call->requests.next; it != &call->requests; it = it->next) {
        const struct request *r = list_entry(it, struct request, link);
        if (r->leg == call->legs[0] && r->done && !r->failed &&
            (r->spec.goal == GOAL_ENDED || r->spec.goal == GOAL_TRANSFERRED))
            return true;
    }
    return false;
}

/* What onCall (or onError) came to. */
static bool main_through(struct call *call)
{
    if (call->legs[0]->ended) {
        call_finish(call, ended_by_flow(call) ? "done" : "hangup");
    } else if (call->entries > call->core->cfg.limits.entries) {
        snprintf(call->limit, sizeof call->limit, "entries");
        call_log(call, "error", "", "", "limit entries: more than %lu commands and events",
                 (unsigned long)call->core->cfg.limits.entries);
        call_finish(call, "limit");
    } else if (call->main && call->main->state != FIBER_DONE) {
        return false;
    } else if (call->main && !call->main->failed) {
        call_finish(call, "done");
    } else if (call->phase == PHASE_RUN) {
        failed(call);
    } else {
        if (call->main)
            call_log_failure(call->main, "onError");
        begin_fallback(call);
    }
    return true;
}

bool call_advance(struct call *call)
{
    if (call->stalled || call->broken)
        return false;
    switch (call->phase) {
    case PHASE_RUN:
    case PHASE_ERROR:
        return main_through(call);
    case PHASE_FALLBACK:
        if (!call->legs[0]->ended && !call_fallback(call))
            return false;
        call_finish(call, "error");
        return true;
    case PHASE_CONTINUE:
        return call_continuing(call);
    case PHASE_RESTART:
        return call_restart(call);
    case PHASE_UNWIND:
        if (call_fibers_live(call))
            return false;
        call->phase = PHASE_CLOSE;
        return true;
    case PHASE_CLOSE:
        if (!legs_ended(call))
            return false;
        call->phase = PHASE_HANDLERS;
        return call_handlers_begin(call);
    case PHASE_HANDLERS:
        return call_next_handler(call);
    case PHASE_OVER:
        return false;
    }
    return false;
}
