/*
 * The resource of a leg, kept small while its call waits: a tree of JSON takes four times its text,
 * and most of it (who calls, where from, what for) is told once and read seldom. So objects and
 * arrays are kept as text and opened when they are read; the collections, which change often, stay
 * trees.
 */
#include "base/json.h"
#include "core/machine.h"

#include <stdlib.h>
#include <string.h>

/* The number or id in an identitySet. */
static const char *identity_text(const cJSON *set)
{
    static const char *const kinds[] = {"phone",     "user",  "applicationInstance", "application",
                                        "encrypted", "guest", "onPremises",          "device"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *id = json_str(json_get(set, kinds[i]), "id");
        if (id)
            return id;
    }
    return NULL;
}

static int remember(char **to, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        return ERR_NOMEM;
    free(*to);
    *to = copy;
    return 0;
}

/* What the machine itself wants to know of member `v`. */
static int note(struct leg *leg, const cJSON *v)
{
    const cJSON *first = cJSON_IsArray(v) ? v->child : NULL;

    if (strcmp(v->string, "source") == 0)
        return remember(&leg->from, identity_text(json_get(v, "identity")));
    if (strcmp(v->string, "targets") == 0)
        return remember(&leg->to, identity_text(json_get(first, "identity")));
    if (strcmp(v->string, "callRoutes") == 0) /* first sent there (reference §2.3) */
        return remember(&leg->routed, identity_text(json_get(first, "original")));
    if (strcmp(v->string, "callOptions") == 0)
        leg->delta_roster = json_bool(v, "isDeltaRosterEnabled", false);
    return 0;
}

static bool is_collection(const char *name)
{
    return strcmp(name, "participants") == 0 || strcmp(name, "contentSharingSessions") == 0 ||
           strcmp(name, "audioRoutingGroups") == 0;
}

/* Unknown members are kept too, but not without end. */
enum { MEMBERS_MAX = 1000 };

int call_leg_keep(struct leg *leg, const cJSON *v)
{
    bool deep = (cJSON_IsObject(v) || cJSON_IsArray(v)) && !is_collection(v->string);
    char *text = NULL;
    int err;

    if (!cJSON_GetObjectItemCaseSensitive(leg->facts, v->string) &&
        cJSON_GetArraySize(leg->facts) >= MEMBERS_MAX)
        return note(leg, v);
    if (deep && !(text = json_text(v)))
        return ERR_NOMEM;
    err = note(leg, v);
    if (!err)
        err = deep ? json_set_raw(leg->facts, v->string, text)
                   : json_set_copy(leg->facts, v->string, v);
    free(text);
    return err;
}

int call_leg_learn(struct leg *leg, const cJSON *resource)
{
    const cJSON *v;
    int err = 0;

    cJSON_ArrayForEach (v, resource)
        if (!err && v->string)
            err = call_leg_keep(leg, v);
    return err;
}

/* A copy of a member, opened. */
static cJSON *opened(const cJSON *v)
{
    cJSON *copy = NULL;

    if (!cJSON_IsRaw(v))
        return json_copy(v);
    return json_parse(&copy, v->valuestring, strlen(v->valuestring), NULL) ? NULL : copy;
}

int call_leg_fact(const struct leg *leg, const char *name, cJSON **out)
{
    const cJSON *v = json_get(leg->facts, name);

    *out = v ? opened(v) : NULL;
    return v && !*out ? ERR_NOMEM : 0;
}

cJSON *call_leg_resource(const struct leg *leg)
{
    cJSON *all = cJSON_CreateObject();
    const cJSON *v;

    cJSON_ArrayForEach (v, leg->facts) {
        if (all && json_set(all, v->string, opened(v))) {
            cJSON_Delete(all);
            return NULL;
        }
    }
    return all;
}

const char *call_leg_from(const struct leg *leg)
{
    return leg->from ? leg->from : "";
}

const char *call_leg_to(const struct leg *leg)
{
    return leg->routed ? leg->routed : leg->to ? leg->to : "";
}
