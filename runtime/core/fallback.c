/* Never dead air: what a caller gets whose flow failed. A prompt, then a transfer or the end. */
#include "base/json.h"
#include "core/machine.h"

#include <string.h>

static bool ask(struct call *call, const struct request_spec *spec, cJSON *args)
{
    call->step_request = NULL;
    if (!args) {
        call_nomem(call);
        return false;
    }
    return request_new(&call->step_request, call->legs[0], spec, NULL, "", NULL, args) == 0;
}

static cJSON *prompt_args(const struct bundle_prompt *p)
{
    cJSON *args = cJSON_CreateObject(), *list, *item, *prompt;

    list = args ? cJSON_AddArrayToObject(args, "prompts") : NULL;
    item = list ? cJSON_CreateObject() : NULL;
    if (!item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        cJSON_Delete(args);
        return NULL;
    }
    prompt = cJSON_AddObjectToObject(item, "prompt");
    if (!prompt || json_set_str(prompt, "language", p->language) ||
        json_set_str(prompt, "name", p->name) || json_set_str(prompt, "hash", p->hash)) {
        cJSON_Delete(args);
        return NULL;
    }
    return args;
}

/* "+1425..." is a phone, anything else a user. */
static cJSON *transfer_args(const char *to)
{
    cJSON *args = cJSON_CreateObject(), *target, *set, *identity;

    target = args ? cJSON_AddObjectToObject(args, "transferTarget") : NULL;
    if (target && json_set_str(target, "@odata.type", "#microsoft.graph.invitationParticipantInfo"))
        target = NULL;
    set = target ? cJSON_AddObjectToObject(target, "identity") : NULL;
    if (set && json_set_str(set, "@odata.type", "#microsoft.graph.identitySet"))
        set = NULL;
    identity = set ? cJSON_AddObjectToObject(set, to[0] == '+' ? "phone" : "user") : NULL;
    if (!identity || json_set_str(identity, "@odata.type", "#microsoft.graph.identity") ||
        json_set_str(identity, "id", to)) {
        cJSON_Delete(args);
        return NULL;
    }
    return args;
}

/* Bring the call to where a prompt can be heard; true when the fallback is through already. */
static bool begin(struct call *call, bool something)
{
    static const struct request_spec answer = {
        .method = "answer", .completes = REQUEST_STATE, .goal = GOAL_ESTABLISHED};
    static const struct request_spec reject = {
        .method = "reject", .completes = REQUEST_STATE, .goal = GOAL_ENDED};
    struct leg *leg = call->legs[0];

    if (call_leg_reached(leg, call_leg_state_rank("established"))) {
        call->step = FALLBACK_PLAY;
    } else if (!leg->incoming) {
        return true; /* nobody is there */
    } else if (leg->state == call_leg_state_rank("incoming")) {
        call->step = something ? FALLBACK_PLAY : FALLBACK_END;
        ask(call, something ? &answer : &reject, cJSON_CreateObject());
    }
    return false;
}

bool call_fallback(struct call *call)
{
    static const struct request_spec play = {.method = "playPrompt",
                                             .completes = REQUEST_OPERATION,
                                             .media = true,
                                             .own_context = true,
                                             .preempt = true};
    static const struct request_spec transfer = {
        .method = "transfer", .completes = REQUEST_STATE, .goal = GOAL_TRANSFERRED};
    const struct core_config *cfg = &call->core->cfg;
    const struct bundle_prompt *prompt =
        cfg->fallback_prompt[0] ? bundle_prompt(cell_bundle(call->cell->cell), cfg->language,
                                                cfg->language, cfg->fallback_prompt)
                                : NULL;

    if (call->step_request && !call->step_request->done)
        return false;
    if (call->step == FALLBACK_BEGIN) {
        if (begin(call, prompt || cfg->fallback_transfer[0]))
            return true;
        if (call->step != FALLBACK_PLAY || call->step_request)
            return call->broken;
    }
    if (call->step == FALLBACK_PLAY) {
        if (call->step_request && call->step_request->failed)
            return true;
        call->step = FALLBACK_TRANSFER;
        call->step_request = NULL;
        if (prompt) {
            ask(call, &play, prompt_args(prompt));
            return false;
        }
    }
    if (call->step == FALLBACK_TRANSFER) {
        call->step = FALLBACK_END;
        call->step_request = NULL;
        if (cfg->fallback_transfer[0]) {
            ask(call, &transfer, transfer_args(cfg->fallback_transfer));
            return false;
        }
    }
    return call->step == FALLBACK_END;
}
