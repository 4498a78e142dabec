/*
 * The resource of a leg, kept small while its call waits: a tree of JSON takes four times its text,
 * and most of it (who calls, where from, what for) is told once and read seldom. So all members lie
 * in one piece of memory, each as its name, NUL, its JSON, NUL, and are opened when they are read;
 * the collections, which change often, are trees.
 */
#include "base/json.h"
#include "base/text.h"
#include "core/machine.h"

#include <stdlib.h>
#include <string.h>

const char *core_party(const cJSON *set)
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

/* What the machine itself wants to know of member `v`. */
static int note(struct leg *leg, const cJSON *v)
{
    const cJSON *first = cJSON_IsArray(v) ? v->child : NULL;

    if (text_same(v->string, "source"))
        return text_keep(&leg->from, core_party(json_get(v, "identity")));
    if (text_same(v->string, "targets"))
        return text_keep(&leg->to, core_party(json_get(first, "identity")));
    if (text_same(v->string, "callRoutes")) /* first sent there (reference §2.3) */
        return text_keep(&leg->routed, core_party(json_get(first, "original")));
    if (text_same(v->string, "state"))
        leg->told = call_leg_state_known(v->valuestring);
    if (text_same(v->string, "callOptions"))
        leg->delta_roster = json_bool(v, "isDeltaRosterEnabled", false);
    return 0;
}

static bool is_collection(const char *name)
{
    return text_same(name, "participants") || text_same(name, "contentSharingSessions") ||
           text_same(name, "audioRoutingGroups");
}

/* Unknown members are kept too, but not without end. */
enum { MEMBERS_MAX = 1000 };

static const char *text_of(const char *member)
{
    return member + strlen(member) + 1;
}

static size_t size_of(const char *member)
{
    const char *text = text_of(member);

    return (size_t)(text - member) + strlen(text) + 1;
}

static const char *find(const struct leg *leg, const char *name)
{
    for (size_t at = 0; at < leg->nfacts; at += size_of(leg->facts + at))
        if (text_same(leg->facts + at, name))
            return leg->facts + at;
    return NULL;
}

static bool has_room(const struct leg *leg)
{
    unsigned members = 0;

    if (leg->nfacts < MEMBERS_MAX) /* so many bytes are fewer members */
        return true;
    for (size_t at = 0; at < leg->nfacts; at += size_of(leg->facts + at))
        members++;
    return members < MEMBERS_MAX;
}

int call_leg_note(struct leg *leg, const char *name, const char *json)
{
    const char *old = find(leg, name);
    size_t at = old ? (size_t)(old - leg->facts) : leg->nfacts, gone = old ? size_of(old) : 0;
    size_t n = strlen(name) + 1, m = strlen(json) + 1, more = n + m;
    size_t rest = leg->nfacts - at - gone;

    if (!old && !has_room(leg))
        return 0;
    if (more > gone) {
        char *facts = realloc(leg->facts, leg->nfacts + more - gone);

        if (!facts)
            return ERR_NOMEM;
        leg->facts = facts;
    }
    memmove(leg->facts + at, leg->facts + at + gone, rest);
    memcpy(leg->facts + at + rest, name, n);
    memcpy(leg->facts + at + rest + n, json, m);
    leg->nfacts = at + rest + more;
    return 0;
}

int call_leg_collect(struct leg *leg, const char *name, cJSON *collection)
{
    if (!leg->collections)
        leg->collections = cJSON_CreateObject();
    return json_set(leg->collections, name, collection);
}

int call_leg_keep(struct leg *leg, const cJSON *v)
{
    char *text;
    int err;

    if (is_collection(v->string))
        return call_leg_collect(leg, v->string, json_copy(v));
    text = json_text(v);
    err = text ? note(leg, v) : ERR_NOMEM;
    if (!err)
        err = call_leg_note(leg, v->string, text);
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

bool call_leg_says(const struct leg *leg, const char *name, const char *json)
{
    const char *member = find(leg, name);

    return strcmp(member ? text_of(member) : "null", json) == 0;
}

static cJSON *opened(const char *member)
{
    const char *text = text_of(member);
    cJSON *v;

    return json_parse(&v, text, strlen(text), NULL) ? NULL : v;
}

int call_leg_fact(const struct leg *leg, const char *name, cJSON **out)
{
    const cJSON *collection = json_get(leg->collections, name);

    *out = NULL;
    if (!collection && call_leg_says(leg, name, "null"))
        return 0;
    *out = collection ? json_copy(collection) : opened(find(leg, name));
    return *out ? 0 : ERR_NOMEM;
}

cJSON *call_leg_resource(const struct leg *leg)
{
    cJSON *all = leg->collections ? json_copy(leg->collections) : cJSON_CreateObject();

    for (size_t at = 0; at < leg->nfacts && all; at += size_of(leg->facts + at)) {
        if (json_set(all, leg->facts + at, opened(leg->facts + at))) {
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
