/* Calls that another process began. */
#include "graph/wire_state.h"

int wire_adopt(struct wire *w, const char *key, const char *tenant, int number, bool incoming,
               const char *call_id, const char *spelled, int64_t now)
{
    struct call *call;
    struct leg *leg;
    int err = 0;

    wire_advance(w, now);
    call = wire_call_find(w, key);
    if (!call)
        err = wire_call_new(w, key, wire_tenant_valid(tenant) ? tenant : w->cfg.tenant, &call);
    if (err)
        return err;
    leg = wire_leg_find(call, number);
    if (!leg)
        err = wire_leg_new(w, call, number, &leg);
    if (err || !call_id || !call_id[0])
        return err;
    leg->incoming = incoming;
    err = wire_leg_bind(w, leg, call_id, spelled);
    if (!err)
        wire_leg_release(w, leg);
    return err;
}

void wire_ended(struct wire *w, const char *key, const char *call_id, int64_t now)
{
    wire_advance(w, now);
    wire_ended_add(w, "/", key);
    wire_ended_add(w, "", call_id);
}
