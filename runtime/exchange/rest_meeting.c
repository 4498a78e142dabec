/* Collections of a call besides the participants: reference §3.16, §5. */
#include "exchange/rest.h"

#include "base/json.h"
#include "exchange/roster.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_GROUPS = 100 };

/* --- large gallery ------------------------------------------------------------------------- */

static void gallery_fires(struct switchboard *s, void *owner, int64_t now)
{
    struct operation *op = owner;
    struct conference *c = op->leg->me->conference;
    struct member *m;

    operation_end(s, op, OPERATION_COMPLETED, 0, 0, NULL, now);
    if (c->gallery)
        return;
    c->gallery = true;
    m = conference_add(s, c,
                       "{\"@odata.type\":\"#microsoft.graph.identitySet\",\"application\":"
                       "{\"@odata.type\":\"#microsoft.graph.identity\",\"displayName\":"
                       "\"LargeGallery\",\"ApplicationType\":\"LargeGallery-V2\"}}");
    if (!m)
        return;
    board_set(s, &m->metadata, "{\"audienceView\":{\"view\":\"largeGallery\"}}");
    roster_changed(s, m, NULL, now);
}

static void add_large_gallery_view(struct rest *r)
{
    struct operation *op = rest_operation(r, false, NULL, NULL);

    if (!op)
        return;
    board_timer_init(&op->timer, gallery_fires, op);
    if (op->early)
        gallery_fires(r->s, op, r->now);
    else
        board_timer_set(r->s, &op->timer, r->now + BOARD_SETUP_MS);
}

/* --- audio routing groups ------------------------------------------------------------------ */

static struct routing_group *find_group(struct rest *r, const char *id)
{
    struct conference *c = r->leg->me->conference;
    struct list *it;

    for (it = c->groups.next; it != &c->groups; it = it->next) {
        struct routing_group *g = list_entry(it, struct routing_group, link);

        if (strcmp(g->id, id) == 0)
            return g;
    }
    return NULL;
}

/* The group of the path; answers 404. */
static struct routing_group *named_group(struct rest *r)
{
    const char *id = json_str(r->ids, "group");
    struct routing_group *g = id ? find_group(r, id) : NULL;

    if (!g)
        rest_error(r, 404, "itemNotFound", "Audio routing group not found.");
    return g;
}

static bool participants_of(struct rest *r, const char *name, const cJSON *ids)
{
    const cJSON *id;

    cJSON_ArrayForEach (id, ids) {
        const char *text = cJSON_GetStringValue(id);

        if (text && conference_find(r->leg->me->conference, text))
            continue;
        rest_error(r, 400, "invalidRequest", "%s: %.64s is not a participant.", name,
                   text ? text : "null");
        return false;
    }
    return true;
}

/* One source; one receiver, or several when it is multicast. Answers 400. */
static bool sound_group(struct rest *r, bool multicast, const cJSON *sources,
                        const cJSON *receivers)
{
    int nsources = cJSON_GetArraySize(sources), nreceivers = cJSON_GetArraySize(receivers);

    if (nsources != 1)
        rest_error(r, 400, "invalidRequest", "sources: exactly one.");
    else if (nreceivers < 1 || (!multicast && nreceivers > 1))
        rest_error(r, 400, "invalidRequest", "receivers: %s.",
                   multicast ? "at least one" : "exactly one in oneToOne");
    else
        return participants_of(r, "sources", sources) && participants_of(r, "receivers", receivers);
    return false;
}

static void answer_group(struct rest *r, const struct routing_group *g)
{
    struct buf b = {0};

    roster_group(&b, g);
    rest_json(r, &b);
}

static cJSON *copied(struct rest *r, const cJSON *v)
{
    cJSON *copy = json_copy(v);

    if (!copy)
        board_nomem(r->s);
    return copy;
}

static void create_group(struct rest *r)
{
    const cJSON *sources = json_get(r->args, "sources"),
                *receivers = json_get(r->args, "receivers");
    const char *id = json_str(r->args, "id"), *mode = json_str(r->args, "routingMode");
    bool multicast = mode && strcmp(mode, "multicast") == 0;
    struct conference *c = r->leg->me->conference;
    struct routing_group *g;
    char own[BOARD_GUID];
    struct list *it;
    int n = 0;

    for (it = c->groups.next; it != &c->groups; it = it->next)
        n++;
    if (n >= MAX_GROUPS) {
        rest_error(r, 409, "quotaLimitReached", "At most %d groups.", MAX_GROUPS);
        return;
    }
    if (id && find_group(r, id)) {
        rest_error(r, 409, "nameAlreadyExists", "There is a group of that id.");
        return;
    }
    if (!sound_group(r, multicast, sources, receivers))
        return;
    g = calloc(1, sizeof *g);
    if (!g) {
        board_nomem(r->s);
        return;
    }
    list_init(&g->link);
    board_guid(r->s, own);
    board_set(r->s, &g->id, id ? id : own);
    g->multicast = multicast;
    g->sources = copied(r, sources);
    g->receivers = copied(r, receivers);
    if (r->s->err) {
        routing_group_free(g);
        return;
    }
    list_append(&c->groups, &g->link);
    answer_group(r, g);
}

static void list_groups(struct rest *r)
{
    struct conference *c = r->leg->me->conference;
    struct buf b = {0};
    struct list *it;

    buf_str(&b, "{\"value\":[");
    for (it = c->groups.next; it != &c->groups; it = it->next) {
        if (it != c->groups.next)
            buf_char(&b, ',');
        roster_group(&b, list_entry(it, struct routing_group, link));
    }
    buf_str(&b, "]}");
    rest_json(r, &b);
}

static void get_group(struct rest *r)
{
    struct routing_group *g = named_group(r);

    if (g)
        answer_group(r, g);
}

static void replace(cJSON **to, cJSON *by)
{
    if (by) {
        cJSON_Delete(*to);
        *to = by;
    }
}

static void update_group(struct rest *r)
{
    struct routing_group *g = named_group(r);
    const cJSON *sources = json_get(r->args, "sources"),
                *receivers = json_get(r->args, "receivers");
    const char *mode = json_str(r->args, "routingMode");
    bool multicast;

    if (!g)
        return;
    multicast = mode ? strcmp(mode, "multicast") == 0 : g->multicast;
    if (!sound_group(r, multicast, sources ? sources : g->sources,
                     receivers ? receivers : g->receivers))
        return;
    g->multicast = multicast;
    if (sources)
        replace(&g->sources, copied(r, sources));
    if (receivers)
        replace(&g->receivers, copied(r, receivers));
    answer_group(r, g);
}

static void delete_group(struct rest *r)
{
    struct routing_group *g = named_group(r);

    if (!g)
        return;
    routing_group_free(g);
    rest_empty(r);
}

/* --- content sharing, operations ----------------------------------------------------------- */

static void list_sessions(struct rest *r)
{
    struct conference *c = r->leg->me->conference;
    struct buf b = {0};
    struct list *it;

    buf_str(&b, "{\"value\":[");
    for (it = c->sessions.next; it != &c->sessions; it = it->next) {
        if (it != c->sessions.next)
            buf_char(&b, ',');
        roster_session(&b, list_entry(it, struct sharing_session, link),
                       r->version == VERSION_BETA);
    }
    buf_str(&b, "]}");
    rest_json(r, &b);
}

static void get_session(struct rest *r)
{
    struct conference *c = r->leg->me->conference;
    const char *id = json_str(r->ids, "session");
    struct buf b = {0};
    struct list *it;

    for (it = c->sessions.next; it != &c->sessions; it = it->next) {
        struct sharing_session *x = list_entry(it, struct sharing_session, link);

        if (!id_equal(x->id, id))
            continue;
        roster_session(&b, x, r->version == VERSION_BETA);
        rest_json(r, &b);
        return;
    }
    rest_error(r, 404, "itemNotFound", "Content sharing session not found.");
}

static void list_operations(struct rest *r)
{
    struct buf b = {0};
    struct list *it;

    buf_str(&b, "{\"value\":[");
    for (it = r->leg->operations.next; it != &r->leg->operations; it = it->next) {
        if (it != r->leg->operations.next)
            buf_char(&b, ',');
        operation_text(&b, list_entry(it, struct operation, link));
    }
    buf_str(&b, "]}");
    rest_json(r, &b);
}

static void get_operation(struct rest *r)
{
    const char *id = json_str(r->ids, "operation");
    struct operation *op = id ? operation_find(r->leg, id) : NULL;
    struct buf b = {0};

    if (!op) {
        rest_error(r, 404, "itemNotFound", "Operation not found.");
        return;
    }
    operation_text(&b, op);
    rest_json(r, &b);
}

enum { MEETING = NEEDS_TALK | NEEDS_GROUP | NEEDS_INSIDE };

const struct rest_row rest_meeting_rows[] = {
    {"addLargeGalleryView", add_large_gallery_view, MEETING},
    {"createAudioRoutingGroup", create_group, MEETING},
    {"listAudioRoutingGroups", list_groups, MEETING},
    {"audioRoutingGroup.get", get_group, MEETING},
    {"audioRoutingGroup.update", update_group, MEETING},
    {"audioRoutingGroup.delete", delete_group, MEETING},
    {"listContentSharingSessions", list_sessions, 0},
    {"contentSharingSession.get", get_session, 0},
    {"listOperations", list_operations, 0},
    {"operation.get", get_operation, 0},
    {0},
};
