#include "graph/rules.h"

#include "base/id.h"
#include "base/json.h"
#include "graph/value.h"

#include <string.h>

/* Reference 2.5, 3.1: targets make a call, meeting coordinates join one. */
static int create(const cJSON *args, struct error *e)
{
    static const char *const single[] = {"ringingTimeoutInSeconds", "routingPolicies"};
    int targets = cJSON_GetArraySize(json_get(args, "targets"));
    const cJSON *meeting = json_get(args, "meetingInfo");
    const char *kind = meeting ? value_type(meeting) : NULL;

    if (!targets && !meeting)
        return error_set(e, ERR_INVALID, "targets: required, or meetingInfo to join a meeting");
    if (targets && meeting)
        return error_set(e, ERR_INVALID, "targets: not together with meetingInfo");
    if (kind && strcmp(kind, "organizerMeetingInfo") == 0 && !json_get(args, "chatInfo"))
        return error_set(e, ERR_INVALID, "chatInfo: required with an organizerMeetingInfo");
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (json_get(args, single[i]) && targets != 1)
            return error_set(e, ERR_INVALID, "%s: only with exactly one target", single[i]);
    }
    return 0;
}

/* Reference 4.3. The page allows one participant with replacesCallId, but its own example invites
 * two who leave the same call: that passes, different calls do not. */
static int invite(const cJSON *args, struct error *e)
{
    const cJSON *list = json_get(args, "participants"), *p;
    const char *first = json_str(list->child, "replacesCallId");
    int n = cJSON_GetArraySize(list), i = 0;

    cJSON_ArrayForEach (p, list) {
        const char *replaced = json_str(p, "replacesCallId");

        i++;
        if (n > 1 && json_str(p, "participantId"))
            return error_set(e, ERR_INVALID,
                             "participants[%d].participantId: only with exactly one participant",
                             i);
        if ((first || replaced) && !id_equal(first, replaced))
            return error_set(
                e, ERR_INVALID,
                "participants[%d].replacesCallId: all participants must leave the same call", i);
    }
    return 0;
}

/* Reference 5.1. An update may carry any part of a group, so only a new one can be judged (the
 * documented update gives a oneToOne group two receivers). */
static int create_group(const cJSON *args, struct error *e)
{
    bool single = strcmp(json_str(args, "routingMode"), "oneToOne") == 0;

    if (cJSON_GetArraySize(json_get(args, "sources")) != 1)
        return error_set(e, ERR_INVALID, "sources: a group has exactly one");
    if (single && cJSON_GetArraySize(json_get(args, "receivers")) != 1)
        return error_set(e, ERR_INVALID, "receivers: a oneToOne group has exactly one");
    return 0;
}

int rules_check(const struct method *m, const cJSON *args, struct error *e)
{
    static const struct {
        const char *method;
        int (*check)(const cJSON *args, struct error *e);
    } rules[] = {
        {"create", create},
        {"invite", invite},
        {"createAudioRoutingGroup", create_group},
    };

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strcmp(rules[i].method, m->name) == 0)
            return rules[i].check(args, e);
    }
    return 0;
}
