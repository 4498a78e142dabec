/* The collections of a call: kept as arrays in the resource, under the API's names. */
#include "base/json.h"
#include "core/machine.h"

#include <string.h>

/* The array `name` of the resource, made when absent; NULL = no memory. */
static cJSON *collection(struct leg *leg, const char *name)
{
    cJSON *a = json_get(leg->collections, name);

    if (cJSON_IsArray(a))
        return a;
    return call_leg_collect(leg, name, cJSON_CreateArray()) ? NULL
                                                            : json_get(leg->collections, name);
}

static cJSON *by_id(const cJSON *array, const char *id)
{
    cJSON *v;

    cJSON_ArrayForEach (v, array)
        if (id_equal(json_str(v, "id"), id))
            return v;
    return NULL;
}

/* Twice as many as can be in a meeting. */
enum { ITEMS_MAX = 2000 };

/* Whether one more may be put in: one that has left makes room. */
static bool has_room(cJSON *array)
{
    cJSON *v;

    if (cJSON_GetArraySize(array) < ITEMS_MAX)
        return true;
    cJSON_ArrayForEach (v, array) {
        if (json_get(v, "removedState")) {
            cJSON_Delete(cJSON_DetachItemViaPointer(array, v));
            return true;
        }
    }
    return false;
}

static int append_copy(cJSON *array, const cJSON *item)
{
    cJSON *copy;

    if (!has_room(array))
        return 0;
    copy = json_copy(item);

    if (copy && cJSON_AddItemToArray(array, copy))
        return 0;
    cJSON_Delete(copy);
    return ERR_NOMEM;
}

/* Put `item` in place of the one with its id, or at the end. */
static int upsert(cJSON *array, const cJSON *item)
{
    cJSON *old = by_id(array, json_str(item, "id"));

    return old ? json_merge(old, item) : append_copy(array, item);
}

static bool is_delta(const struct leg *leg, const cJSON *data)
{
    const cJSON *v;

    if (leg->delta_roster)
        return true;
    cJSON_ArrayForEach (v, data)
        if (json_get(v, "removedState") || json_get(v, "rosterSequenceNumber"))
            return true;
    return false;
}

/* A participant who left keeps its entry, marked, while deltas may still overtake each other; it is
 * filtered where Lua reads the roster. */
int call_leg_roster(struct leg *leg, const cJSON *data)
{
    cJSON *roster;
    const cJSON *v;
    int err = 0;

    if (!cJSON_IsArray(data) || leg->ended)
        return 0;
    if (!is_delta(leg, data))
        return call_leg_collect(leg, "participants", json_copy(data));
    roster = collection(leg, "participants");
    if (!roster)
        return ERR_NOMEM;
    cJSON_ArrayForEach (v, data) {
        const cJSON *old = by_id(roster, json_str(v, "id"));
        int64_t now = json_int(v, "rosterSequenceNumber", 0);

        if (err || !json_str(v, "id"))
            continue;
        if (old && now && json_int(old, "rosterSequenceNumber", 0) > now)
            continue;
        if (old && json_get(old, "removedState") && !json_get(v, "removedState"))
            cJSON_DeleteItemFromObjectCaseSensitive((cJSON *)old, "removedState");
        err = upsert(roster, v);
    }
    return err;
}

int call_leg_collection(struct leg *leg, const char *name, const cJSON *data, enum change change)
{
    cJSON *array;
    const cJSON *v, *first = cJSON_IsArray(data) ? data->child : data;
    int err = 0;

    if (leg->ended || !first)
        return 0;
    array = collection(leg, name);
    if (!array)
        return ERR_NOMEM;
    for (v = first; v && !err; v = cJSON_IsArray(data) ? v->next : NULL) {
        cJSON *old = by_id(array, json_str(v, "id"));

        if (!json_str(v, "id"))
            continue;
        if (change != CHANGE_DELETED)
            err = upsert(array, v);
        else if (old)
            cJSON_Delete(cJSON_DetachItemViaPointer(array, old));
    }
    return err;
}
