/*
 * Joining a meeting again: the service has lost our call while we were away, the meeting goes on,
 * and the flow wants to be in it. The new call is one of its own. That it stands in for another is
 * in the journal twice, so that a crash at any moment leaves one call in the meeting: its start
 * names the call that was lost ("rejoins"), and is written before anything of it leaves; the lost
 * call is told next (the signal "rejoined"), and only then of its end.
 */
#include "host/recover_state.h"

#include "base/json.h"

#include <string.h>

int recovery_claims(struct recovery *r, const struct event *start)
{
    const char *other = json_str(start->data, "rejoins");

    return other ? map_put(&r->claimed, other, r) : 0;
}

void recovery_rejoin(struct recovery *r, struct patient *p, int64_t now)
{
    struct engine *en = r->engine;
    const char *flow = NULL;
    cJSON *create;
    char key[KEY_MAX];
    int err;

    if (p->rejoined || map_get(&r->claimed, p->key))
        return;
    create = core_rejoin(en->core, p->key, &flow);
    if (!create)
        return;
    err = wire_dial(en->wire, flow, create, now, key);
    if (err) {
        recovery_log(r, "error", p->key, "recovery: the meeting cannot be joined again: %s",
                     error_name(err));
        return;
    }
    strcpy(en->rejoining, key);
    strcpy(en->rejoins, p->key);
    engine_settle(en, 0, now);
    en->rejoining[0] = '\0';
    recovery_signal(r, p, "rejoined", key, now);
    recovery_log(r, "info", p->key, "the call was lost; its meeting is joined again as call %s",
                 key);
}
