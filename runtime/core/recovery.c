/* What building a call anew from its journal needs of the machine. */
#include "base/json.h"
#include "core/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bundle *find_bundle(const struct core *core, const char *id)
{
    if (core->bundle && strcmp(core->bundle->id, id) == 0)
        return core->bundle;
    if (core->trial && strcmp(core->trial->id, id) == 0)
        return core->trial;
    for (size_t i = 0; i < core->nbundles; i++)
        if (strcmp(core->bundles[i]->id, id) == 0)
            return core->bundles[i];
    return NULL;
}

struct bundle *core_start_bundle(const struct core *core, const struct event *start)
{
    const char *id = json_str(start->data, "bundle");

    return id ? find_bundle(core, id) : core->bundle;
}

bool core_has_bundle(const struct core *core, const char *id)
{
    return find_bundle(core, id) != NULL;
}

int core_add_bundle(struct core *core, struct bundle *b)
{
    struct bundle **bundles;

    if (find_bundle(core, b->id))
        return 0;
    bundles = realloc(core->bundles, (core->nbundles + 1) * sizeof(struct bundle *));
    if (!bundles)
        return ERR_NOMEM;
    core->bundles = bundles;
    core->bundles[core->nbundles++] = bundle_ref(b);
    return 0;
}

void core_forget_bundles(struct core *core)
{
    for (size_t i = 0; i < core->nbundles; i++)
        bundle_unref(core->bundles[i]);
    free(core->bundles);
    core->bundles = NULL;
    core->nbundles = 0;
}

void core_drop(struct core *core, const char *key)
{
    struct call *call = map_get(&core->by_key, key);
    struct command_list unheard = {0};

    if (!call)
        return;
    core->out = &unheard;
    call_free(call);
    core->out = NULL;
    command_list_fini(&unheard);
}

enum core_outcome core_outcome(const struct core *core, const char *key, uint32_t seq,
                               char id[ID_MAX])
{
    const struct call *call = map_get(&core->by_key, key);
    struct list *it;

    for (it = call ? call->requests.next : NULL; it && it != &call->requests; it = it->next) {
        const struct request *r = list_entry(it, struct request, link);

        if (r->seq != seq || r->done)
            continue;
        if (!r->answered)
            return CORE_UNANSWERED;
        if (r->spec.completes != REQUEST_OPERATION || !r->op_id[0])
            return CORE_SETTLED;
        snprintf(id, ID_MAX, "%s", r->op_id);
        return CORE_RUNNING;
    }
    return CORE_SETTLED;
}

bool core_leg(const struct core *core, const char *key, int leg, char id[ID_MAX])
{
    const struct call *call = map_get(&core->by_key, key);

    if (!call || leg < 0 || leg >= call->nlegs || call->legs[leg]->ended)
        return false;
    snprintf(id, ID_MAX, "%s", call_leg_id(call->legs[leg]));
    return true;
}

struct question {
    struct call *call;
    const char *flow;
    bool yes;
};

static int ask_rejoin(lua_State *L)
{
    struct question *q = lua_touserdata(L, 1);

    if (cell_push_flow(q->call->cell->cell, L, q->flow)) {
        lua_pushliteral(L, "rejoin");
        lua_rawget(L, -2);
        q->yes = lua_toboolean(L, -1);
    }
    return 0;
}

/* What the service said of the call that we were called into. */
static cJSON *join_as_told(const struct leg *leg)
{
    static const char *const kept[] = {"chatInfo", "meetingInfo", "tenantId", "subject",
                                       "requestedModalities"};
    cJSON *create = cJSON_CreateObject(), *v;

    for (size_t i = 0; create && i < sizeof kept / sizeof *kept; i++) {
        if (call_leg_fact(leg, kept[i], &v) || (v && json_set(create, kept[i], v))) {
            cJSON_Delete(create);
            return NULL;
        }
    }
    return create;
}

cJSON *core_rejoin(struct core *core, const char *key, const char **flow)
{
    struct question q = {.call = map_get(&core->by_key, key)};
    const struct leg *leg = q.call ? q.call->legs[0] : NULL;
    cJSON *create = NULL;

    if (!leg || (!q.call->join && call_leg_says(leg, "meetingInfo", "null")) ||
        (q.call->phase != PHASE_RUN && q.call->phase != PHASE_CONTINUE &&
         q.call->phase != PHASE_RESTART))
        return NULL;
    *flow = q.flow = q.call->phase == PHASE_RUN ? q.call->flow : q.call->next;
    if (call_protect(q.call, ask_rejoin, &q, NULL) || !q.yes)
        return NULL;
    if (!q.call->join)
        return join_as_told(leg);
    return json_parse(&create, q.call->join, strlen(q.call->join), NULL) ? NULL : create;
}

void call_resumed(struct call *call)
{
    call->resumed = true;
    for (struct list *it = call->waiting.next; it != &call->waiting; it = it->next) {
        struct fiber *f = list_entry(it, struct fiber, queue);

        if (f->wait.input && timer_at(&f->timer) <= call->now)
            f->resumed = true;
    }
}
