#include "graph/wire_state.h"

#include <stdlib.h>
#include <string.h>

/* Answer a command that cannot even be begun. ERR_NOMEM. */
static int refuse(struct wire *w, const struct command *c, const char *code, const char *message)
{
    struct action *a = wire_action_new(WIRE_EVENT);

    if (!a)
        return ERR_NOMEM;
    wire_answer_event(w, c, &a->a.event);
    a->a.event.data = wire_error_data(code, message);
    wire_action_push(w, a);
    return 0;
}

/* The call of a create command: made here when the core began it by itself (recovery, tests). */
static int call_to_create(struct wire *w, const struct command *c, struct call **out)
{
    const char *tenant = json_str(c->args, "tenantId");

    *out = wire_call_find(w, c->key);
    if (*out)
        return 0;
    return wire_call_new(w, c->key, wire_tenant_valid(tenant) ? tenant : w->cfg.tenant, out);
}

static int take_create(struct wire *w, struct command *c)
{
    struct call *call = NULL;
    struct leg *leg;
    int err = call_to_create(w, c, &call);

    if (err == ERR_LIMIT)
        return refuse(w, c, "tooManyCalls", "this host has as many calls as it may have");
    if (err)
        return err;
    leg = wire_leg_find(call, c->leg);
    if (!leg && wire_leg_new(w, call, c->leg, &leg))
        return ERR_NOMEM;
    if (leg->id)
        return refuse(w, c, "conflict", "this leg has been created already");
    return wire_request_start(w, REQUEST_METHOD, call, leg, c);
}

static int take_method(struct wire *w, struct command *c)
{
    const struct method *m = c->method ? method_find(c->method) : NULL;
    struct call *call = wire_call_find(w, c->key);
    struct leg *leg = call ? wire_leg_find(call, c->leg) : NULL;

    if (!m || !m->verb)
        return refuse(w, c, "notSupported", "no such method");
    if (strcmp(m->name, "create") == 0)
        return take_create(w, c);
    if (!call)
        return refuse(w, c, "itemNotFound", "the call is not known or is over");
    if (strcmp(m->name, "recording.download") == 0)
        return wire_request_start(w, REQUEST_DOWNLOAD, call, NULL, c);
    if (!leg)
        return refuse(w, c, "itemNotFound", "the call has no such leg");
    return wire_request_start(w, REQUEST_METHOD, call, leg, c);
}

static int take_http(struct wire *w, struct command *c)
{
    struct call *call = wire_call_find(w, c->key);

    if (!call)
        return refuse(w, c, "itemNotFound", "the call is not known or is over");
    return wire_request_start(w, REQUEST_HTTP, call, NULL, c);
}

/* A request that can still be called back is; it is answered too, so that its command ends in one
 * way only. */
static void take_cancel(struct wire *w, const struct command *c)
{
    struct call *call = wire_call_find(w, c->key);
    int64_t seq = json_int(c->args, "seq", -1);
    struct list *it, *next;

    if (!call)
        return;
    list_each (it, next, &call->requests) {
        struct request *r = list_entry(it, struct request, link);

        if (r->kind != REQUEST_CHECK && r->command.seq == seq && wire_request_revocable(r)) {
            wire_request_fail(w, r, "cancelled", "called back before it was carried out");
            return;
        }
    }
}

static void take_reply(struct wire *w, const struct command *c)
{
    struct call *call = wire_call_find(w, c->key);
    int64_t number = json_int(c->ids, "joining", -1);
    struct list *it, *next;

    if (call) {
        list_each (it, next, &call->held) {
            struct held *h = list_entry(it, struct held, link);
            if (h->number == number) {
                wire_held_answer(w, h, 200, c->args);
                return;
            }
        }
    }
    wire_log_call(w, "warn", c->key, "the reply to joining notification %lld came too late",
                  (long long)number);
}

int wire_command_take(struct wire *w, struct command *c)
{
    struct call *call;
    int err = 0;

    switch (c->kind) {
    case COMMAND_METHOD:
        err = take_method(w, c);
        break;
    case COMMAND_HTTP:
        err = take_http(w, c);
        break;
    case COMMAND_CANCEL:
        take_cancel(w, c);
        break;
    case COMMAND_REPLY:
        take_reply(w, c);
        break;
    case COMMAND_END:
        call = wire_call_find(w, c->key);
        if (call)
            wire_call_forget(w, call);
        break;
    case COMMAND_LOG:
    case COMMAND_STORE:
    case COMMAND_CONTINUE:
    case COMMAND_KINDS:
        break;
    }
    if (!err)
        command_fini(c);
    return err;
}
