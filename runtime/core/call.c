#include "base/json.h"
#include "core/machine.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void too_long(struct timer *t)
{
    struct call *call = list_entry(t, struct call, duration);

    snprintf(call->limit, sizeof call->limit, "call_ms");
    call_log(call, "error", "", "", "limit call_ms: the call lasted longer than %lld s",
             (long long)(call->core->cfg.limits.call_ms / 1000));
    call_finish(call, "limit");
}

static void go_on(struct timer *t)
{
    list_entry(t, struct call, stall_timer)->stalled = false;
}

int call_new(struct call **out, struct core *core, const struct event *start)
{
    const char *seed = json_str(start->data, "seed");
    const char *tenant = json_str(start->data, "tenant");
    const char *direction = json_str(start->data, "direction");
    struct call *call = calloc(1, sizeof *call);
    struct leg *leg;
    int err = ERR_NOMEM;

    if (!call)
        return ERR_NOMEM;
    call->core = core;
    strcpy(call->key, start->key);
    call->since = call->now = start->time;
    call->seed = seed ? strtoull(seed, NULL, 16) : 0;
    call->rejoined = json_bool(start->data, "rejoined", false);
    list_init(&call->link);
    list_init(&call->fibers);
    list_init(&call->ready);
    list_init(&call->waiting);
    list_init(&call->requests);
    list_init(&call->timers);
    timer_init(&call->duration, too_long);
    timer_init(&call->phase_timer, NULL);
    timer_init(&call->stall_timer, go_on);
    if (tenant && !(call->tenant = strdup(tenant)))
        goto out;
    err = call_leg_new(&leg, call, !direction || strcmp(direction, "outgoing") != 0);
    if (!err)
        err = cells_take(core, core_start_bundle(core, start), &call->cell, NULL);
    if (!err)
        err = timer_set(&call->duration, call, start->time + core->cfg.limits.call_ms);
    if (!err)
        err = map_put(&core->by_key, call->key, call);
out:
    if (err) {
        call_free(call);
        return err;
    }
    list_append(&core->calls, &call->link);
    *out = call;
    return 0;
}

void call_free(struct call *call)
{
    struct core *core = call->core;
    struct list *it, *tmp;

    call->muted = true;
    list_each (it, tmp, &call->fibers)
        fiber_kill(list_entry(it, struct fiber, link));
    while (!list_empty(&call->fibers))
        fiber_free(list_entry(call->fibers.next, struct fiber, link));
    while (!list_empty(&call->requests))
        request_free(list_entry(call->requests.next, struct request, link));
    for (unsigned i = 0; i < call->nends; i++)
        luaL_unref(cell_state(call->cell->cell), LUA_REGISTRYINDEX, call->ends[i]);
    for (int i = 0; i < call->nlegs; i++)
        call_leg_free(call->legs[i]);
    timer_clear(&call->duration);
    timer_clear(&call->phase_timer);
    timer_clear(&call->stall_timer);
    CHECK(list_empty(&call->timers));
    if (map_get(&core->by_key, call->key) == call)
        map_remove(&core->by_key, call->key);
    list_remove(&call->link);
    if (call->cell)
        cells_return(core, call->cell);
    free(call->legs);
    free(call->ends);
    free(call->tenant);
    free(call->join);
    free(call->next);
    cJSON_Delete(call->state);
    free(call);
}

int call_protect(struct call *call, lua_CFunction fn, void *arg, struct error *e)
{
    lua_State *L = cell_state(call->cell->cell);
    int status;

    if (!lua_checkstack(L, 2))
        return error_set(e, ERR_NOMEM, "not enough memory");
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, arg);
    status = lua_pcall(L, 1, 0, 0);
    if (status == LUA_OK)
        return 0;
    error_set(e, ERR_SCRIPT, "%s",
              lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error");
    lua_pop(L, 1);
    return status == LUA_ERRMEM ? ERR_NOMEM : ERR_SCRIPT;
}

int call_nomem(struct call *call)
{
    call->broken = true;
    return ERR_NOMEM;
}

/* What a command costs at least: writing it down takes time too. */
enum { COMMAND_BYTES = 4096 };

int call_issue(struct call *call, struct command *c)
{
    bool journalled = c->kind != COMMAND_LOG;
    int err;

    /* A turn that does nothing but say things must end as well, and before the host runs out of
     * memory for what it says. */
    if (call->cell)
        cell_charge(call->cell->cell, COMMAND_BYTES + json_bytes(c->args));

    strcpy(c->key, call->key);
    c->seq = journalled ? call->command_seq + 1 : 0;
    err = command_list_add(call->core->out, c);
    command_fini(c);
    if (err)
        return call_nomem(call);
    if (journalled) {
        call->command_seq++;
        call->entries++;
    }
    return 0;
}

int call_log(struct call *call, const char *level, const char *fiber, const char *where,
             const char *fmt, ...)
{
    struct command c = {.kind = COMMAND_LOG};
    char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return call_nomem(call);
    snprintf(c.fiber, sizeof c.fiber, "%s", fiber);
    snprintf(c.where, sizeof c.where, "%s", where);
    c.args = cJSON_CreateObject();
    if (!c.args || json_set_str(c.args, "level", level) || json_set_str(c.args, "text", text) ||
        json_set_str(c.args, "flow", call->flow) ||
        (call->cell && json_set_str(c.args, "bundle", cell_bundle(call->cell->cell)->id))) {
        free(text);
        command_fini(&c);
        return call_nomem(call);
    }
    free(text);
    return call_issue(call, &c);
}

void call_mark(struct call *call)
{
    call->mark.command_seq = call->command_seq;
    call->mark.timer_seq = call->timer_seq;
    call->mark.entries = call->entries;
    call->mark.out = call->core->out->n;
    call->mark.nends = call->nends;
    call->mark.nlegs = call->nlegs;
}

/* Drop the commands issued since the mark; what was logged stays, it tells what happened. */
static void undo_commands(struct call *call)
{
    struct command_list *out = call->core->out;
    size_t kept = call->mark.out;

    for (size_t i = kept; i < out->n; i++) {
        if (out->items[i].kind == COMMAND_LOG)
            out->items[kept++] = out->items[i];
        else
            command_fini(&out->items[i]);
    }
    out->n = kept;
}

void call_overrun(struct call *call, const char *limit)
{
    struct core *core = call->core;
    struct list *it, *tmp;

    snprintf(core->overrun.limit, sizeof core->overrun.limit, "%s", limit);
    strcpy(core->overrun.key, call->key);
    core->overrun.resumes = call->resumes;
    core->overrun.time = call->now;
    snprintf(call->limit, sizeof call->limit, "%s", core->overrun.limit);
    call_log(call, "error", "", core->overrun.where, "flow %s: limits.%s exceeded%s%s", call->flow,
             limit, core->overrun.where[0] ? " at " : "", core->overrun.where);
    call->main = NULL;
    call->step_request = NULL;
    if (call->phase == PHASE_CONTINUE) /* it broke down on the way out: no other flow follows */
        call->phase = PHASE_RUN;
    list_each (it, tmp, &call->fibers)
        fiber_kill(list_entry(it, struct fiber, link));
    while (!list_empty(&call->fibers))
        fiber_free(list_entry(call->fibers.next, struct fiber, link));
    while (!list_empty(&call->requests))
        request_free(list_entry(call->requests.next, struct request, link));
    undo_commands(call);
    while (call->nends > call->mark.nends)
        luaL_unref(cell_state(call->cell->cell), LUA_REGISTRYINDEX, call->ends[--call->nends]);
    while (call->nlegs > call->mark.nlegs)
        call_leg_free(call->legs[--call->nlegs]);
    call->command_seq = call->mark.command_seq;
    call->timer_seq = call->mark.timer_seq;
    call->entries = call->mark.entries;
    call->stalled = true;
    if (timer_set(&call->stall_timer, call, call->now))
        call_nomem(call);
}
