/*
 * How it is found out whether a command that must not be repeated was carried out, where neither
 * the state of the call nor a notification tells: by what it has left behind at the service.
 */
#include "host/recover_state.h"

#include "base/json.h"

#include <string.h>
#include <strings.h>

/* The same party: an identity of the same kind with the same id. */
static bool same_party(const cJSON *a, const cJSON *b)
{
    const cJSON *one;

    cJSON_ArrayForEach (one, a) {
        const char *id = json_str(one, "id"), *other = json_str(json_get(b, one->string), "id");

        if (id && other && strcasecmp(id, other) == 0)
            return true;
    }
    return false;
}

static bool in_roster(const cJSON *roster, const cJSON *identity)
{
    const cJSON *p;

    cJSON_ArrayForEach (p, roster)
        if (same_party(identity, json_get(json_get(p, "info"), "identity")))
            return true;
    return false;
}

/* All are there: then they were invited. Somebody who is not may be on the way, or have refused. */
static enum verdict invited(const struct command *c, const cJSON *answer, cJSON **body)
{
    const cJSON *p, *list = json_get(c->args, "participants");

    if (!cJSON_IsArray(list) || !list->child)
        return VERDICT_OPEN;
    cJSON_ArrayForEach (p, list)
        if (!in_roster(json_get(answer, "value"), json_get(p, "identity")))
            return VERDICT_OPEN;
    *body = cJSON_CreateObject();
    if (!*body || json_set_str(*body, "status", "completed"))
        return VERDICT_OPEN;
    return VERDICT_DONE;
}

/* Running is what was wanted; when it is not running, starting it does no harm. */
static enum verdict transcribed(const struct command *c, const cJSON *answer, cJSON **body)
{
    const char *state = json_str(json_get(answer, "transcription"), "state");

    (void)c;
    if (!state)
        return VERDICT_OPEN;
    if (strcasecmp(state, "active") != 0)
        return VERDICT_NOT_DONE;
    *body = cJSON_CreateObject();
    return *body && !json_set_str(*body, "status", "completed") ? VERDICT_DONE : VERDICT_OPEN;
}

static bool same_group(const cJSON *wanted, const cJSON *group)
{
    static const char *const members[] = {"sources", "receivers"};
    const char *id = json_str(wanted, "id"), *mode = json_str(wanted, "routingMode"),
               *other = json_str(group, "routingMode");

    if (id)
        return json_str(group, "id") && strcmp(id, json_str(group, "id")) == 0;
    if (!mode || !other || strcasecmp(mode, other) != 0)
        return false;
    for (size_t i = 0; i < 2; i++)
        if (!cJSON_Compare(json_get(wanted, members[i]), json_get(group, members[i]), true))
            return false;
    return true;
}

/* A group stays until it is deleted: one that is not in the list was not made. */
static enum verdict grouped(const struct command *c, const cJSON *answer, cJSON **body)
{
    const cJSON *group, *list = json_get(answer, "value");

    if (!cJSON_IsArray(list))
        return VERDICT_OPEN;
    cJSON_ArrayForEach (group, list) {
        if (same_group(c->args, group))
            return (*body = json_copy(group)) ? VERDICT_DONE : VERDICT_OPEN;
    }
    return VERDICT_NOT_DONE;
}

static enum verdict reported(const struct command *c, const cJSON *answer, cJSON **body)
{
    const char *id = json_str(c->args, "id"),
               *seen = json_str(json_get(answer, "syntheticMediaDetection"), "detectionId");

    (void)body;
    return id && seen && strcasecmp(id, seen) == 0 ? VERDICT_DONE : VERDICT_OPEN;
}

static const struct evidence rows[] = {
    {"invite", true, "listParticipants", invited},
    {"startRecording", true, NULL, NULL},
    {"startTranscription", true, "get", transcribed},
    {"createAudioRoutingGroup", false, "listAudioRoutingGroups", grouped},
    {"participant.reportSyntheticMedia", false, "participant.get", reported},
};

const struct evidence *evidence_of(const struct command *c)
{
    for (size_t i = 0; c->method && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].method, c->method) == 0)
            return &rows[i];
    return NULL;
}

/* "#microsoft.graph.startRecordingOperation" */
static bool is_of_type(const cJSON *operation, const char *type)
{
    const char *said = json_str(operation, "@odata.type"), *dot = said ? strrchr(said, '.') : NULL;

    return type && dot && strcasecmp(dot + 1, type) == 0;
}

/* With a clientContext it counts, too, of which kind the operation is: the earlier process may have
 * given the same number, and so the same context, to another command, which it did not come to
 * write down. */
const cJSON *evidence_operation(const struct command *c, const cJSON *answer)
{
    const char *context = json_str(c->args, "clientContext");
    const char *kind = method_find(c->method)->operation;
    const struct evidence *e = evidence_of(c);
    const cJSON *operation, *found = NULL;
    unsigned n = 0;

    cJSON_ArrayForEach (operation, json_get(answer, "value")) {
        const char *one = json_str(operation, "clientContext");
        bool of_kind = kind && is_of_type(operation, kind),
             untold = !kind || !json_str(operation, "@odata.type");

        if (context ? one && strcmp(one, context) == 0 && (of_kind || untold)
                    : e && e->operation && of_kind) {
            found = operation;
            n++;
        }
    }
    return n == 1 || context ? found : NULL; /* without a context, one of its kind is ours */
}
