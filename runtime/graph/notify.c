#include "graph/notify.h"

#include "base/json.h"
#include "graph/normalise.h"
#include "graph/place.h"
#include "graph/value.h"

#include <string.h>
#include <strings.h>

/* --- what a notification is about */

enum family { CALL, OPERATION, ROSTER, SHARING, ROUTING, JOINING, LEFT, UNKNOWN };

static enum family family_of_type(const char *type)
{
    static const struct {
        const char *type;
        enum family family;
    } types[] = {{"call", CALL},
                 {"participant", ROSTER},
                 {"contentSharingSession", SHARING},
                 {"audioRoutingGroup", ROUTING},
                 {"participantJoiningNotification", JOINING},
                 {"participantLeftNotification", LEFT}};
    static const char tail[] = "Operation";
    size_t n = type ? strlen(type) : 0;

    for (size_t i = 0; n && i < sizeof types / sizeof *types; i++) {
        if (strcasecmp(type, types[i].type) == 0)
            return types[i].family;
    }
    return n >= sizeof tail - 1 && strcasecmp(type + n - (sizeof tail - 1), tail) == 0 ? OPERATION
                                                                                       : UNKNOWN;
}

static enum family family_of_place(const struct place *p)
{
    static const struct {
        const char *collection;
        enum family family;
    } places[] = {{"", CALL},
                  {"operations", OPERATION},
                  {"participants", ROSTER},
                  {"contentsharingsessions", SHARING},
                  {"audioroutinggroups", ROUTING}};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strcmp(places[i].collection, p->collection) == 0)
            return places[i].family;
    }
    return UNKNOWN;
}

static enum change change_of(const char *text)
{
    if (text && strcasecmp(text, "created") == 0)
        return CHANGE_CREATED;
    if (text && strcasecmp(text, "deleted") == 0)
        return CHANGE_DELETED;
    return CHANGE_UPDATED; /* also what is missing or newer than we are */
}

/* --- from one notification to its events */

/* Put the id into `data` as the service spelled it in the path, where it has none of its own. */
static int keep_name(cJSON *data, const char *name)
{
    return *name && !json_str(data, "id") ? json_set_str(data, "id", name) : 0;
}

static int add(struct event_list *out, const struct place *p, enum event_kind kind,
               enum change change, cJSON *data)
{
    struct event ev = {.kind = kind, .change = change, .data = data};
    int err;

    memcpy(ev.call_id, p->call_id, ID_MAX);
    memcpy(ev.id, p->id, ID_MAX);
    err = event_list_add(out, &ev);
    if (err)
        event_fini(&ev);
    return err;
}

/* Whether a call notification with a tone tells something else too (reference 2.2, rule 4). */
static bool tells_more(const cJSON *data, enum change change)
{
    const cJSON *m;

    if (change != CHANGE_UPDATED)
        return true;
    cJSON_ArrayForEach (m, data) {
        if (m->string[0] == '@' || strcmp(m->string, "id") == 0 || cJSON_IsNull(m))
            continue;
        if (strcmp(m->string, "state") == 0 && cJSON_IsString(m) &&
            strcmp(m->valuestring, "established") == 0)
            continue;
        return true;
    }
    return false;
}

/* {"tone","sequenceId"} of `info`; the number is 0 when the service gave none. */
static int add_tone(struct event_list *out, const struct place *p, const cJSON *info,
                    struct error *e)
{
    const char *tone = json_str(info, "tone");
    int64_t sequence = json_int(info, "sequenceId", 0);
    cJSON *data;

    if (!tone || !enumeration_member(enumeration_find("tone"), tone))
        return error_set(e, ERR_INVALID, "toneInfo names no tone");
    if (!(data = cJSON_CreateObject()))
        return ERR_NOMEM;
    if (json_set_str(data, "tone", tone) || json_set_int(data, "sequenceId", sequence)) {
        cJSON_Delete(data);
        return ERR_NOMEM;
    }
    return add(out, p, EVENT_TONE, CHANGE_UPDATED, data);
}

/* `data` is an object here; taken over. */
static int decode_call(struct event_list *out, const struct place *p, enum change change,
                       cJSON *data, struct error *e)
{
    cJSON *info = json_take(data, "toneInfo");
    int err = 0;

    if (!cJSON_IsObject(info) || tells_more(data, change)) {
        err = keep_name(data, p->name);
        if (!err)
            err = add(out, p, EVENT_CALL, change, data);
        else
            cJSON_Delete(data);
    } else {
        cJSON_Delete(data);
    }
    if (!err && cJSON_IsObject(info))
        err = add_tone(out, p, info, e);
    cJSON_Delete(info);
    return err;
}

/* One page writes "operations/participants" where an operation's id should be. */
static void forget_slip(struct place *p)
{
    if (strcmp(p->collection, "operations") == 0 && strcmp(p->id, "participants") == 0)
        p->id[0] = p->name[0] = '\0';
}

/* The shape that each family has: an array for the roster, an object or an array of objects else.
 * `*data` is replaced where it has another; NULL stays when nothing can be made of it. */
static int shape(enum family family, const struct place *p, cJSON **data, struct error *e)
{
    bool list = family == ROSTER;
    cJSON *o;

    if (!*data) {
        if ((list || family == SHARING || family == ROUTING) && !p->name[0])
            return error_set(e, ERR_INVALID, "no resourceData");
        if (!(*data = cJSON_CreateObject()))
            return ERR_NOMEM;
    }
    if (cJSON_IsArray(*data) && (family == CALL || family == OPERATION))
        return error_set(e, ERR_INVALID, "resourceData is a list");
    if (!cJSON_IsArray(*data) && !cJSON_IsObject(*data))
        return error_set(e, ERR_INVALID, "resourceData is neither object nor list");
    cJSON_ArrayForEach (o, *data) {
        if (cJSON_IsArray(*data) && !cJSON_IsObject(o))
            return error_set(e, ERR_INVALID, "resourceData holds what is no object");
    }
    if (cJSON_IsObject(*data) && family != CALL && keep_name(*data, p->name))
        return ERR_NOMEM;
    if (list && cJSON_IsObject(*data)) {
        if (!(o = cJSON_CreateArray()))
            return ERR_NOMEM;
        cJSON_AddItemToArray(o, *data);
        *data = o;
    }
    return 0;
}

/* A participant joins or leaves under policy-based recording (reference §6). `data` is taken over.
 * The call may be named by the notification's path, or only by the call inside. */
static int decode_policy(struct event_list *out, enum family family, struct place *p, cJSON *data)
{
    bool joining = family == JOINING;
    const cJSON *call = json_get(data, "call");
    int err =
        normalise(data, joining ? "participantJoiningNotification" : "participantLeftNotification");

    if (!p->call_id[0] && !id_normalise(p->call_id, json_str(call, "id")))
        p->call_id[0] = '\0';
    if (joining || !id_normalise(p->id, json_str(data, "participantId")))
        p->id[0] = '\0';
    if (err) {
        cJSON_Delete(data);
        return err;
    }
    return add(out, p, joining ? EVENT_JOINING : EVENT_LEFT, CHANGE_NONE, data);
}

static bool place_of(const cJSON *item, struct place *p)
{
    const char *paths[] = {json_str(item, "resourceUrl"), json_str(item, "resource"),
                           json_str(json_get(item, "resourceData"), "@odata.id")};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (paths[i] && place_find(paths[i], p))
            return true;
    }
    *p = (struct place){0};
    return false;
}

static int decode_data(struct event_list *out, enum family family, struct place *p,
                       enum change change, cJSON *data, struct error *e)
{
    static const struct {
        enum event_kind kind;
        const char *type;
    } kinds[] = {[CALL] = {EVENT_CALL, "call"},
                 [OPERATION] = {EVENT_OPERATION, "commsOperation"},
                 [ROSTER] = {EVENT_ROSTER, "participant"},
                 [SHARING] = {EVENT_SHARING, "contentSharingSession"},
                 [ROUTING] = {EVENT_ROUTING, "audioRoutingGroup"}};
    int err = shape(family, p, &data, e);

    if (!err)
        err = normalise(data, kinds[family].type);
    if (err) {
        cJSON_Delete(data);
        return err;
    }
    if (family == CALL)
        return decode_call(out, p, change, data, e);
    if (!p->id[0] && !id_normalise(p->id, json_str(data, "id")))
        p->id[0] = '\0';
    return add(out, p, kinds[family].kind, change, data);
}

/* `item` is taken over. */
static int decode_item(struct event_list *out, cJSON *item, struct error *e)
{
    enum family family = family_of_type(value_type(item)), by_data;
    cJSON *data = NULL;
    struct place p;
    bool placed = place_of(item, &p);
    enum change change = change_of(json_str(item, "changeType"));
    int err;

    if (family == JOINING || family == LEFT)
        return decode_policy(out, family, &p, item);
    data = json_take(item, "resourceData");
    cJSON_Delete(item);
    if (cJSON_IsNull(data)) {
        cJSON_Delete(data);
        data = NULL;
    }
    by_data = family_of_type(value_type(cJSON_IsArray(data) ? data->child : data));
    if (by_data == JOINING || by_data == LEFT)
        return decode_policy(out, by_data, &p, data);
    if (!placed)
        err = error_set(e, ERR_INVALID, "resourceUrl names no call");
    else if ((family = by_data != UNKNOWN ? by_data : family_of_place(&p)) == UNKNOWN)
        err = error_set(e, ERR_INVALID, "nothing is known of \"%s\"", p.collection);
    else {
        forget_slip(&p);
        return decode_data(out, family, &p, change, data, e);
    }
    cJSON_Delete(data);
    return err;
}

/* --- a body */

static void cut_back(struct event_list *out, size_t n)
{
    while (out->n > n)
        event_fini(&out->items[--out->n]);
}

/* A body holds a list of notifications, or (policy-based recording) is one. */
static int take_values(cJSON **body, cJSON **values, struct error *e)
{
    if (!cJSON_IsObject(*body))
        return error_set(e, ERR_INVALID, "the body is no object");
    *values = json_take(*body, "value");
    if (!*values) {
        if (!(*values = cJSON_CreateArray()))
            return ERR_NOMEM;
        cJSON_AddItemToArray(*values, *body);
        *body = NULL;
    }
    if (!cJSON_IsArray(*values))
        return error_set(e, ERR_INVALID, "value is no list");
    if (cJSON_GetArraySize(*values) > NOTIFY_MAX_VALUES)
        return error_set(e, ERR_LIMIT, "more than %d notifications", NOTIFY_MAX_VALUES);
    return 0;
}

int notify_decode(const char *body, size_t n, struct event_list *out, struct error *e)
{
    cJSON *root = NULL, *values = NULL, *item;
    size_t before = out->n, number = 0;
    struct error reason, first = {""};
    int err, bad = 0;

    if (n > NOTIFY_MAX_BODY)
        return error_set(e, ERR_LIMIT, "the body is longer than %u bytes", NOTIFY_MAX_BODY);
    err = json_parse(&root, body, n, e);
    if (!err)
        err = take_values(&root, &values, e);
    /* What is looked up by name or id takes time that grows with the square of this. */
    if (!err && json_width(values) > NOTIFY_MAX_WIDTH)
        err =
            error_set(e, ERR_LIMIT, "an object or list has more than %u members", NOTIFY_MAX_WIDTH);
    while (!err && (item = cJSON_DetachItemFromArray(values, 0))) {
        int one;

        number++;
        if (cJSON_IsObject(item)) {
            one = decode_item(out, item, &reason);
        } else {
            one = error_set(&reason, ERR_INVALID, "is no object");
            cJSON_Delete(item);
        }
        if (one == ERR_NOMEM)
            err = error_set(e, ERR_NOMEM, "out of memory");
        else if (one && !bad++)
            error_set(&first, one, "notification %zu: %s", number, reason.text);
    }
    cJSON_Delete(values);
    cJSON_Delete(root);
    if (err)
        cut_back(out, before);
    else if (bad)
        err = error_set(e, ERR_INVALID, "%s", first.text);
    return err;
}
