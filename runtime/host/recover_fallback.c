/* Calls whose flow cannot go on, on their way to the fallback. */
#include "host/recover_state.h"

#include "base/json.h"

#include <string.h>

static void end_record(struct recovery *r, struct patient *p, const char *result, int64_t now)
{
    struct command c = {.kind = COMMAND_END};
    bool traced = false;

    strcpy(c.key, p->key);
    c.args = cJSON_CreateObject();
    if (!c.args || json_set_str(c.args, "result", result) ||
        engine_issue(r->engine, &c, &traced, now)) {
        recovery_log(r, "error", p->key, "recovery: the end of the call was lost: no memory");
        command_fini(&c);
    }
}

/* Legs beside the first one have nobody any more who would end them. */
static void end_other_legs(struct recovery *r, struct patient *p, int64_t now)
{
    for (int i = 1; i < p->nlegs; i++) {
        struct question q = {.kind = ASK_NOTHING, .leg = i};

        if (p->legs[i].told && !p->legs[i].deleted)
            recovery_ask(r, &q, p->key, "delete", NULL, now);
    }
}

static int fallback_start(struct patient *p, struct event *ev)
{
    struct past_leg *leg = &p->legs[0];
    const char *seed = json_str(p->start.data, "seed");
    cJSON *call = leg->resource ? json_copy(leg->resource) : cJSON_CreateObject();
    int err;

    *ev = (struct event){.kind = EVENT_START};
    strcpy(ev->key, p->key);
    strcpy(ev->call_id, leg->id);
    ev->data = cJSON_CreateObject();
    err = ev->data ? json_set(ev->data, "call", call) : ERR_NOMEM;
    if (!ev->data)
        cJSON_Delete(call);
    if (!err)
        err = json_set(ev->data, "fallback", cJSON_CreateTrue());
    if (!err)
        err = json_set_str(ev->data, "direction", p->incoming ? "incoming" : "outgoing");
    if (!err)
        err = json_set_str(ev->data, "seed", seed ? seed : "0");
    if (!err)
        err = json_set_str(ev->data, "tenant", p->tenant);
    return err;
}

int patient_without_flow(struct recovery *r, struct patient *p, int64_t now)
{
    const struct question silence = {.kind = ASK_NOTHING};
    struct past_leg *leg = p->nlegs ? &p->legs[0] : NULL;
    bool lost = !leg || !leg->told || leg->deleted || (leg->answered && leg->status == 404);
    struct event ev = {0};

    if (!lost && fallback_start(p, &ev)) {
        event_fini(&ev);
        return ERR_NOMEM;
    }
    end_other_legs(r, p, now);
    mailbox_close(&r->engine->mailbox, p->key);
    if (lost) {
        end_record(r, p, "lost", now);
    } else { /* what the flow had begun to say would go before the fallback's prompt */
        recovery_ask(r, &silence, p->key, "cancelMediaProcessing", NULL, now);
        recovery_give(r, &ev, now);
    }
    return 0;
}
