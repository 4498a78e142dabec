/*
 * call:continueAs: the flow of a call ends, and another one begins in its place with nothing but
 * plain data, so that the journal of what was before is not needed any more. On the way there
 * fibers are unwound, end handlers run, other legs end and what plays is stopped; then all that the
 * machine still knows of the call is written into one command, and the new flow begins in a turn of
 * its own. core_continued makes of that command the start from which the call can be built anew:
 * both ways lead through `settle`, so that timers get the same numbers.
 */
#include "base/json.h"
#include "base/text.h"
#include "core/luajson.h"
#include "core/machine.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int call_continue(struct call *call, const char *flow, cJSON *state)
{
    struct list *it, *tmp;

    call->phase = PHASE_CONTINUE;
    call->why = "continue";
    call->main = NULL;
    call->step_request = NULL;
    cJSON_Delete(call->state);
    call->state = state;
    if (text_keep(&call->next, flow))
        return call_nomem(call);
    timer_clear(&call->phase_timer);
    list_each (it, tmp, &call->fibers) {
        struct fiber *f = list_entry(it, struct fiber, link);
        if (!f->parent)
            fiber_unwind(f, UNWIND_CANCEL);
    }
    for (int i = 1; i < call->nlegs; i++)
        if (call_leg_close(call->legs[i]))
            return call_nomem(call);
    return 0;
}

/* Whether the other legs have ended, and play and record: those are asked to. */
static bool at_rest(struct call *call)
{
    struct list *it, *tmp;
    bool rest = true;

    for (int i = 1; i < call->nlegs; i++)
        rest = rest && call->legs[i]->ended;
    list_each (it, tmp, &call->requests) {
        struct request *r = list_entry(it, struct request, link);
        if (!r->done && r->spec.media && request_cancel(r))
            rest = false;
    }
    return rest;
}

static uint64_t next_seed(uint64_t seed)
{
    struct random random;

    random_seed(&random, seed + 1);
    return random_next(&random);
}

/* The machine's part of what is kept: enough for the same timers, states and numbers. */
static cJSON *snapshot(const struct call *call)
{
    const struct leg *leg = call->legs[0];
    cJSON *o = cJSON_CreateObject();

    if (!o || json_set_str(o, "flow", call->next) || json_set_str(o, "from", call->flow) ||
        json_set_int(o, "at", call->now) ||
        (call->state && json_set_copy(o, "state", call->state)) ||
        (call->join && json_set_str(o, "join", call->join)) ||
        json_set_int(o, "since", call->since) || json_set_int(o, "legs", call->nlegs) ||
        json_set_int(o, "commands", call->command_seq + 1) ||
        json_set_int(o, "timers", call->timer_seq) || json_set_int(o, "steps", call->steps) ||
        json_set_int(o, "rank", leg->state) || json_set_int(o, "tone", leg->tones.last) ||
        json_set(o, "established", cJSON_CreateBool(leg->established)) ||
        json_set(o, "toneSubscribed", cJSON_CreateBool(leg->tone_subscribed)) ||
        json_set(o, "mediaTold", cJSON_CreateBool(leg->media_told)) ||
        json_set(o, "mediaActive", cJSON_CreateBool(leg->media_active)) ||
        json_set(o, "mediaReady", cJSON_CreateBool(leg->media_ready))) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

static int issue(struct call *call)
{
    const struct leg *leg = call->legs[0];
    struct command c = {.kind = COMMAND_CONTINUE};
    char seed[24];
    int err;

    snprintf(seed, sizeof seed, "%016llx", (unsigned long long)call->seed);
    c.ids = cJSON_CreateObject();
    c.args = cJSON_CreateObject();
    err = c.ids && c.args ? json_set_str(c.ids, "call", call_leg_id(leg)) : ERR_NOMEM;
    if (!err)
        err = json_set_str(c.args, "direction", leg->incoming ? "incoming" : "outgoing");
    if (!err)
        err = json_set_str(c.args, "seed", seed);
    if (!err && call->tenant)
        err = json_set_str(c.args, "tenant", call->tenant);
    if (!err)
        err = json_set(c.args, "call", call_leg_resource(leg));
    if (!err)
        err = json_set(c.args, "continue", snapshot(call));
    if (err) {
        command_fini(&c);
        return call_nomem(call);
    }
    return call_issue(call, &c);
}

/* The rest is the same for the call that goes on and for the one that is built anew. */
static int settle(struct call *call)
{
    struct leg *leg = call->legs[0];
    int err;

    call->tops = call->entries = 0;
    call->warned = false;
    call->why = NULL;
    call->limit[0] = '\0';
    call->phase = PHASE_RESTART;
    timer_clear(&leg->media_timer);
    timer_clear(&call->phase_timer);
    err = timer_set(&call->duration, call, call->since + call->core->cfg.limits.call_ms);
    if (!err && leg->established && !leg->media_ready)
        err = timer_set(&leg->media_timer, call,
                        call->now + (leg->media_told ? MEDIA_WAIT_MS : MEDIA_GRACE_MS));
    call->stalled = true;
    return err ? err : timer_set(&call->stall_timer, call, call->now);
}

static void cut(struct call *call)
{
    struct leg *leg = call->legs[0];

    while (!list_empty(&call->fibers))
        fiber_free(list_entry(call->fibers.next, struct fiber, link));
    while (!list_empty(&call->requests))
        request_free(list_entry(call->requests.next, struct request, link));
    call_leg_tones_flush(leg);
    event_list_fini(&leg->held);
    call->seed = next_seed(call->seed);
    if (issue(call) == 0 && settle(call))
        call_nomem(call);
}

bool call_continuing(struct call *call)
{
    if (call->legs[0]->ended) {
        call_finish(call, "hangup");
        return true;
    }
    if (call_fibers_live(call))
        return false;
    if (!call->main && call->nends && !timer_is_set(&call->phase_timer))
        call_handlers_begin(call);
    if (call->main || call->nends)
        return call_next_handler(call);
    if (!at_rest(call))
        return false;
    cut(call);
    return true;
}

bool call_push_entry(struct call *call, lua_State *L, const char *flow)
{
    static const char *const names[] = {"onContinue", "onCall"};

    luaL_checkstack(L, 3, NULL);
    if (!cell_push_flow(call->cell->cell, L, flow))
        return false;
    for (size_t i = 0; i < 2; i++) {
        lua_pushstring(L, names[i]);
        if (lua_rawget(L, -2) == LUA_TFUNCTION)
            return true;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return false;
}

static int start(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);

    if (!call_push_entry(call, L, call->flow))
        return luaL_error(L, "flow %s has neither onContinue nor onCall", call->flow);
    lua_getfield(L, LUA_REGISTRYINDEX, LEG_OBJECT);
    lua_pushlightuserdata(L, call->legs[0]);
    lua_call(L, 1, 1);
    luajson_push(L, call->state, true);
    call->main = fiber_spawn(L, call, NULL, ROLE_MAIN, 2);
    return 0;
}

bool call_restart(struct call *call)
{
    struct error e = {{0}};
    int err;

    if (call->legs[0]->ended) {
        call_finish(call, "hangup");
        return true;
    }
    text_copy(call->flow, sizeof call->flow, call->next);
    call->phase = PHASE_RUN;
    err = call_protect(call, start, call, &e);
    cJSON_Delete(call->state);
    call->state = NULL;
    if (err == ERR_NOMEM)
        call_nomem(call);
    else if (err)
        call_begin_failed(call, &e);
    return true;
}

static int restore_leg(struct leg *leg, const cJSON *resource, const cJSON *o)
{
    leg->known = true;
    leg->state = (int)json_int(o, "rank", 0);
    leg->established = json_bool(o, "established", false);
    leg->tone_subscribed = json_bool(o, "toneSubscribed", false);
    leg->media_told = json_bool(o, "mediaTold", false);
    leg->media_active = json_bool(o, "mediaActive", false);
    leg->media_ready = json_bool(o, "mediaReady", false);
    leg->tones.last = json_int(o, "tone", 0);
    return call_leg_learn(leg, resource);
}

int call_restore(struct call *call, const struct event *start_event)
{
    const cJSON *o = json_get(start_event->data, "continue");
    const char *flow = json_str(o, "flow");
    int64_t legs = json_int(o, "legs", 1);
    struct leg *leg;
    int err;

    if (text_keep(&call->next, flow ? flow : ""))
        return ERR_NOMEM;
    if (json_get(o, "state") && !(call->state = json_copy(json_get(o, "state"))))
        return ERR_NOMEM;
    if (json_str(o, "join") && !(call->join = strdup(json_str(o, "join"))))
        return ERR_NOMEM;
    call->since = json_int(o, "since", call->now);
    call->command_seq = (uint32_t)json_int(o, "commands", 0);
    call->timer_seq = (uint32_t)json_int(o, "timers", 0);
    call->steps = (unsigned)json_int(o, "steps", 0);
    err = restore_leg(call->legs[0], json_get(start_event->data, "call"), o);
    while (!err && call->nlegs < legs) {
        err = call_leg_new(&leg, call, false);
        if (!err)
            leg->ended = leg->known = true;
    }
    return err ? err : settle(call);
}

int core_continued(struct event *out, const struct command *c, const char *bundle)
{
    const char *id = json_str(c->ids, "call");
    struct event ev = {.kind = EVENT_START,
                       .time = json_int(json_get(c->args, "continue"), "at", 0),
                       .data = json_copy(c->args)};

    memcpy(ev.key, c->key, sizeof ev.key);
    snprintf(ev.call_id, sizeof ev.call_id, "%s", id ? id : "");
    if (!ev.data || (bundle && json_set_str(ev.data, "bundle", bundle))) {
        event_fini(&ev);
        return ERR_NOMEM;
    }
    *out = ev;
    return 0;
}
