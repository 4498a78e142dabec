#include "core/core.h"

#include "base/json.h"
#include "base/text.h"
#include "core/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int core_new(struct core **out, const struct core_config *cfg, struct error *e)
{
    struct core *core = calloc(1, sizeof *core);

    if (!core)
        return error_set(e, ERR_NOMEM, "not enough memory");
    core->cfg = *cfg;
    map_init_borrowing(&core->by_key, 0); /* keys are ours, unguessable */
    list_init(&core->calls);
    list_init(&core->cells);
    *out = core;
    return 0;
}

void core_free(struct core *core)
{
    if (!core)
        return;
    core->out = &core->unheard;
    while (!list_empty(&core->calls))
        call_free(list_entry(core->calls.next, struct call, link));
    cells_fini(core);
    handle_table_fini(&core->handles);
    core_forget_bundles(core);
    bundle_unref(core->trial);
    bundle_unref(core->bundle);
    map_fini(&core->by_key);
    heap_fini(&core->timers);
    command_list_fini(&core->unheard);
    free(core);
}

struct bundle *core_bundle(struct core *core)
{
    return core->bundle;
}

bool core_has_flow(const struct core *core, const char *flow)
{
    char name[160];

    snprintf(name, sizeof name, "flows/%s.lua", flow);
    return core->bundle && !strchr(flow, '/') && strcmp(flow, "routes") != 0 &&
           bundle_file(core->bundle, name);
}

static int apply_signal(struct call *call, const struct event *ev)
{
    const char *name = json_str(ev->data, "name");

    if (name && strcmp(name, "hangup") == 0)
        call_finish(call, "admin");
    else if (name && strcmp(name, "resumed") == 0)
        call_resumed(call);
    return 0;
}

static int apply_timer(struct call *call, const struct event *ev)
{
    struct list *it, *tmp;

    list_each (it, tmp, &call->timers) {
        const struct alarm *a = list_entry(it, struct alarm, link);
        struct timer *t = a->timer;

        if (a->seq == ev->seq) {
            timer_clear(t);
            t->fire(t);
            return 0;
        }
    }
    return 0; /* what it was for has ended */
}

/* Let the event change what the machine knows; flow code runs afterwards. */
static int apply(struct call *call, const struct event *ev)
{
    struct leg *leg = ev->leg >= 0 && ev->leg < call->nlegs ? call->legs[ev->leg] : NULL;

    switch (ev->kind) {
    case EVENT_TIMER:
        return apply_timer(call, ev);
    case EVENT_ANSWER:
        return request_answered(call, ev);
    case EVENT_SIGNAL:
        return apply_signal(call, ev);
    case EVENT_START:
        return call_begin(call, ev);
    case EVENT_JOINING:
        return call_joining(call, ev);
    case EVENT_LEFT:
        return call_left(call, ev);
    default:
        break;
    }
    if (!leg)
        return 0;
    if (ev->call_id[0] && !leg->id && text_keep(&leg->id, ev->call_id))
        return ERR_NOMEM;
    switch (ev->kind) {
    case EVENT_CALL:
        return call_leg_update(leg, ev->data, ev->change);
    case EVENT_OPERATION:
        return request_operation(leg, ev);
    case EVENT_TONE:
        return call_leg_tone(leg, ev->data);
    case EVENT_ROSTER:
        return call_leg_roster(leg, ev->data);
    case EVENT_SHARING:
        return call_leg_collection(leg, "contentSharingSessions", ev->data, ev->change);
    case EVENT_ROUTING:
        return call_leg_collection(leg, "audioRoutingGroups", ev->data, ev->change);
    default:
        return 0;
    }
}

/* Run the call until it waits for the next event. */
static void run(struct call *call)
{
    do {
        const char *limit;

        while (call_advance(call))
            ;
        limit = call->stalled ? NULL : fibers_run(call);
        if (limit)
            call_overrun(call, limit);
    } while (call_advance(call));
}

/* Memory ran out inside the machine: the call is given up as tidily as memory allows. */
static void give_up(struct call *call)
{
    for (int i = 0; i < call->nlegs; i++) {
        struct command c = {.kind = COMMAND_METHOD, .leg = i, .method = "delete"};
        if (call->legs[i]->known && !call->legs[i]->ended && !call->legs[i]->deleting)
            call_issue(call, &c);
    }
    if (call->phase != PHASE_OVER) {
        struct command c = {.kind = COMMAND_END};
        c.args = cJSON_CreateObject();
        if (c.args)
            json_set_str(c.args, "result", "memory");
        call_issue(call, &c);
    }
}

static int find_call(struct core *core, const struct event *ev, struct call **out)
{
    *out = map_get(&core->by_key, ev->key);
    if (ev->kind != EVENT_START)
        return *out ? 0 : ERR_NOTFOUND;
    if (*out)
        return ERR_EXISTS;
    if (!core_start_bundle(core, ev))
        return ERR_CONFLICT;
    return call_new(out, core, ev);
}

/* An overrun told in advance is for the next event of its call. */
static int expect_overrun(struct core *core, const struct event *ev)
{
    const char *limit = json_str(ev->data, "limit");
    int64_t resumes = json_int(ev->data, "resumes", -1);

    if (!limit || resumes < 0)
        return ERR_INVALID;
    strcpy(core->replay.key, ev->key);
    snprintf(core->replay.limit, sizeof core->replay.limit, "%s", limit);
    core->replay.resumes = (unsigned)resumes;
    return 0;
}

/* Far from the limit: time for the flow's author to hear of it. */
static void warn_of_length(struct call *call)
{
    uint32_t limit = call->core->cfg.limits.entries;

    if (call->warned || call->entries <= limit / 10)
        return;
    call->warned = true;
    call_log(call, "warn", "", "",
             "flow %s: more than %lu commands and events (limits.entries is %lu); call:continueAs "
             "begins a new journal",
             call->flow, (unsigned long)limit / 10, (unsigned long)limit);
}

int core_handle(struct core *core, const struct event *ev, struct command_list *out)
{
    struct call *call;
    int err;

    if (ev->kind == EVENT_OVERRUN)
        return expect_overrun(core, ev);
    core->out = out;
    core->overrun.key[0] = '\0';
    err = find_call(core, ev, &call);
    if (err)
        return err;
    __atomic_store_n(&core->pulse.turns, core->pulse.turns + 1, __ATOMIC_RELAXED);
    if (ev->time > call->now)
        call->now = ev->time;
    call->entries++;
    call->resumes = 0;
    warn_of_length(call);
    if (apply(call, ev) == ERR_NOMEM)
        call_nomem(call);
    run(call);
    core->replay.key[0] = '\0';
    err = call->broken ? ERR_NOMEM : 0;
    if (err)
        give_up(call);
    if (err || call->phase == PHASE_OVER) {
        call_free(call);
    } else {
        fibers_sweep(call);
        requests_sweep(call);
    }
    __atomic_store_n(&core->pulse.turns, core->pulse.turns + 1, __ATOMIC_RELAXED);
    core->out = NULL;
    return err;
}

bool core_overrun(const struct core *core, struct event *out)
{
    struct event ev = {.kind = EVENT_OVERRUN, .time = core->overrun.time};

    if (!core->overrun.key[0])
        return false;
    strcpy(ev.key, core->overrun.key);
    ev.data = cJSON_CreateObject();
    if (ev.data && (json_set_str(ev.data, "limit", core->overrun.limit) ||
                    json_set_int(ev.data, "resumes", core->overrun.resumes))) {
        cJSON_Delete(ev.data);
        ev.data = NULL;
    }
    *out = ev;
    return true;
}

int64_t core_next_deadline(const struct core *core)
{
    const struct heap_entry *first = heap_first(&core->timers);

    return first ? first->at : INT64_MAX;
}

bool core_due(struct core *core, int64_t now, struct event *out)
{
    struct heap_entry *first = heap_first(&core->timers);
    const struct alarm *a;

    if (!first || first->at > now)
        return false;
    a = list_entry(first, struct alarm, entry);
    heap_remove(&core->timers, first);
    *out = (struct event){.kind = EVENT_TIMER, .time = now, .seq = a->seq};
    strcpy(out->key, a->call->key);
    return true;
}

size_t core_calls(const struct core *core)
{
    return core->by_key.n;
}

uint64_t core_waits(const struct core *core)
{
    return core->waits;
}

const struct core_pulse *core_pulse(const struct core *core)
{
    return &core->pulse;
}

void core_repeats(struct core *core, bool on)
{
    __atomic_store_n(&core->pulse.repeats, on, __ATOMIC_RELAXED);
}

static cJSON *describe_waits(const struct call *call)
{
    cJSON *waits = cJSON_CreateArray();

    for (struct list *it = call->waiting.next; waits && it != &call->waiting; it = it->next) {
        const struct fiber *f = list_entry(it, struct fiber, queue);
        cJSON *w = cJSON_CreateObject();

        if (!w || json_set_str(w, "fiber", f->path) || json_set_str(w, "what", f->wait.what) ||
            json_set_str(w, "where", f->where) || !cJSON_AddItemToArray(waits, w)) {
            cJSON_Delete(w);
            cJSON_Delete(waits);
            return NULL;
        }
    }
    return waits;
}

static cJSON *describe(const struct call *call)
{
    static const char *const phases[] = {"running",    "error",      "fallback",
                                         "continuing", "restarting", "unwinding",
                                         "closing",    "handlers",   "over"};
    const struct leg *leg = call->legs[0];
    cJSON *o = cJSON_CreateObject();

    if (!o || json_set_str(o, "key", call->key) || json_set_str(o, "id", call_leg_id(leg)) ||
        json_set_str(o, "flow", call->flow) ||
        json_set_str(o, "bundle", cell_bundle(call->cell->cell)->id) ||
        json_set_str(o, "direction", leg->incoming ? "incoming" : "outgoing") ||
        json_set_str(o, "from", call_leg_from(leg)) || json_set_str(o, "to", call_leg_to(leg)) ||
        json_set_str(o, "state", call_leg_state(leg)) ||
        json_set_str(o, "phase", phases[call->phase]) || json_set_int(o, "since", call->since) ||
        json_set_int(o, "legs", call->nlegs) || json_set(o, "waits", describe_waits(call))) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

bool core_names(const struct core *core, const char *key, const char **flow, const char **bundle)
{
    const struct call *call = map_get(&core->by_key, key);

    if (!call || !call->cell)
        return false;
    *flow = call->flow;
    *bundle = cell_bundle(call->cell->cell)->id;
    return true;
}

cJSON *core_describe(const struct core *core, const char *key)
{
    cJSON *all = cJSON_CreateArray();

    for (struct list *it = core->calls.next; all && it != &core->calls; it = it->next) {
        const struct call *call = list_entry(it, struct call, link);
        cJSON *o;

        if (key && strcmp(key, call->key) != 0)
            continue;
        o = describe(call);
        if (!o || !cJSON_AddItemToArray(all, o)) {
            cJSON_Delete(o);
            cJSON_Delete(all);
            return NULL;
        }
    }
    return all;
}
