#include "exchange/conference.h"

#include "base/json.h"
#include "exchange/leg.h"
#include "exchange/line.h"
#include "exchange/observe.h"
#include "exchange/roster.h"
#include "graph/joinlink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void routing_group_free(struct routing_group *g)
{
    if (!g)
        return;
    list_remove(&g->link);
    cJSON_Delete(g->sources);
    cJSON_Delete(g->receivers);
    free(g->id);
    free(g);
}

static void conference_free(struct switchboard *s, void *object)
{
    struct conference *c = object;
    struct list *it, *tmp;

    if (c->key && map_get(&s->meetings, c->key) == c)
        map_remove(&s->meetings, c->key);
    list_each (it, tmp, &c->groups) {
        routing_group_free(list_entry(it, struct routing_group, link));
    }
    list_each (it, tmp, &c->sessions) {
        free(list_entry(it, struct sharing_session, link));
    }
    list_each (it, tmp, &c->members) {
        struct member *m = list_entry(it, struct member, object.link);

        m->object.free(s, m);
    }
    free(c->key);
    free(c->passcode);
    free(c);
}

struct conference *conference_new(struct switchboard *s, bool group)
{
    struct conference *c = calloc(1, sizeof *c);

    if (!c) {
        board_nomem(s);
        return NULL;
    }
    c->object.free = conference_free;
    c->object.object = c;
    list_append(&s->all_conferences, &c->object.link);
    list_init(&c->members);
    list_init(&c->groups);
    list_init(&c->sessions);
    c->group = group;
    c->next_source = 1;
    board_guid(s, c->id);
    board_guid(s, c->chain);
    return c;
}

static void member_free(struct switchboard *s, void *object)
{
    struct member *m = object;

    (void)s;
    free(m->identity);
    free(m->metadata);
    free(m);
}

struct member *conference_add(struct switchboard *s, struct conference *c, const char *identity)
{
    struct member *m;

    if (c->nmembers >= BOARD_MAX_MEMBERS)
        return NULL;
    m = calloc(1, sizeof *m);
    if (!m) {
        board_nomem(s);
        return NULL;
    }
    m->object.free = member_free;
    m->object.object = m;
    m->conference = c;
    m->source = c->next_source++;
    m->synthetic = -1;
    board_guid(s, m->id);
    board_set(s, &m->identity, identity);
    list_append(&c->members, &m->object.link);
    c->nmembers++;
    return m;
}

static void end_session(struct switchboard *s, struct conference *c, struct sharing_session *x,
                        int64_t now)
{
    list_remove(&x->link);
    roster_sharing(s, c, x, "deleted", now);
    free(x);
}

void conference_share(struct switchboard *s, struct member *m, bool on, int64_t now)
{
    struct conference *c = m->conference;
    struct sharing_session *x = NULL;
    struct list *it, *tmp;

    if (m->sharing == on)
        return;
    m->sharing = on;
    if (on && !(x = calloc(1, sizeof *x))) {
        board_nomem(s);
        return;
    }
    if (x) {
        board_guid(s, x->id);
        memcpy(x->presenter, m->id, sizeof x->presenter);
        list_append(&c->sessions, &x->link);
        roster_sharing(s, c, x, "created", now);
    } else {
        list_each (it, tmp, &c->sessions) {
            x = list_entry(it, struct sharing_session, link);
            if (strcmp(x->presenter, m->id) == 0)
                end_session(s, c, x, now);
        }
    }
    roster_changed(s, m, NULL, now);
}

void conference_remove(struct switchboard *s, struct member *m, const char *reason, int64_t now)
{
    struct conference *c = m->conference;

    if (m->observer)
        observe_left(s, m, now);
    if (m->sharing)
        conference_share(s, m, false, now);
    board_bury(s, &m->object);
    c->nmembers--;
    if (m->leg)
        m->leg->me = NULL;
    if (m->line)
        m->line->member = NULL;
    m->leg = NULL;
    m->line = NULL;
    if (!m->pending)
        roster_changed(s, m, reason, now);
}

static void end_member(struct switchboard *s, struct member *m, int code, int subcode,
                       const char *message, int64_t now)
{
    if (m->leg)
        leg_end(s, m->leg, code, subcode, message, now);
    else if (m->line)
        line_end(s, m->line, code, subcode, message, now);
    else
        conference_remove(s, m, "Removed", now);
}

/* Phones that are in the conference or still ring, and bots. */
static void count(const struct conference *c, size_t *phones, size_t *bots)
{
    struct list *it;

    *phones = *bots = 0;
    for (it = c->members.next; it != &c->members; it = it->next) {
        const struct member *m = list_entry(it, struct member, object.link);

        *phones += m->line != NULL;
        *bots += m->leg != NULL;
    }
}

static struct member *first_member(const struct conference *c)
{
    return list_empty(&c->members) ? NULL : list_entry(c->members.next, struct member, object.link);
}

void conference_settle(struct switchboard *s, struct conference *c, int code, int subcode,
                       const char *message, int64_t now)
{
    size_t phones, bots;

    if (c->over)
        return;
    count(c, &phones, &bots);
    if (c->meeting ? phones + bots > 0
        : c->group ? phones > 0 && phones + bots > 1
                   : c->nmembers > 1)
        return;
    if (c->group && bots) {
        code = 200;
        subcode = c->joined ? 5002 : 5013;
        message = c->joined ? "All other participants have left." : "Nobody joined the group call.";
    }
    /* Each end takes one member out and settles again, so mark it over first. */
    c->over = true;
    while (first_member(c))
        end_member(s, first_member(c), code, subcode, message, now);
    if (c->key && map_get(&s->meetings, c->key) == c)
        map_remove(&s->meetings, c->key);
    board_bury(s, &c->object);
}

struct member *conference_find(const struct conference *c, const char *id)
{
    struct list *it;

    for (it = c->members.next; it != &c->members; it = it->next) {
        struct member *m = list_entry(it, struct member, object.link);

        if (id_equal(m->id, id))
            return m;
    }
    return NULL;
}

struct line *conference_phone(const struct conference *c, size_t n)
{
    struct list *it;

    for (it = c->members.next; it != &c->members; it = it->next) {
        struct member *m = list_entry(it, struct member, object.link);

        if (m->line && !m->pending && !m->lobby && n-- == 0)
            return m->line;
    }
    return NULL;
}

struct conference *conference_meeting(struct switchboard *s, const char *key)
{
    struct conference *c = map_get(&s->meetings, key);

    if (c)
        return c;
    c = conference_new(s, true);
    if (!c)
        return NULL;
    c->meeting = true;
    board_set(s, &c->key, key);
    if (!c->key || map_put(&s->meetings, key, c)) {
        board_nomem(s);
        c->over = true;
        board_bury(s, &c->object);
        return NULL;
    }
    return c;
}

bool conference_key_json(char out[256], const cJSON *chat, const cJSON *meeting)
{
    const char *thread = json_str(chat, "threadId"), *message = json_str(chat, "messageId");
    const char *id = json_str(meeting, "joinMeetingId"), *token = json_str(meeting, "token");
    int n;

    if (token)
        n = snprintf(out, 256, "token:%s", token);
    else if (id)
        n = snprintf(out, 256, "id:%s", id);
    else if (thread && message && strcmp(message, "0") != 0)
        n = snprintf(out, 256, "thread:%s/%s", thread, message);
    else if (thread)
        n = snprintf(out, 256, "thread:%s", thread);
    else
        return false;
    if (n >= 256)
        return false;
    if (id) {
        /* "123 456 789" and "123456789" are one meeting */
        char *to = out;

        for (const char *at = out; *at; at++) {
            if (*at != ' ')
                *to++ = *at;
        }
        *to = '\0';
    }
    return true;
}

bool conference_key_text(char out[256], const char *text)
{
    size_t digits = strspn(text, "0123456789 ");
    cJSON *v = NULL, *meeting;
    bool ok = false;

    if (!*text || strlen(text) > 4096)
        return false;
    if (strncmp(text, "https://", 8) == 0) {
        if (joinlink_decode(text, &v, NULL) == 0)
            ok = conference_key_json(out, json_get(v, "chatInfo"), json_get(v, "meetingInfo"));
        cJSON_Delete(v);
        return ok;
    }
    meeting = cJSON_CreateObject();
    if (json_set_str(meeting, text[digits] ? "threadId" : "joinMeetingId", text) == 0)
        ok = text[digits] ? conference_key_json(out, meeting, NULL)
                          : conference_key_json(out, NULL, meeting);
    cJSON_Delete(meeting);
    return ok;
}

static bool looks_like_guid(const char *text)
{
    return strlen(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' &&
           text[23] == '-';
}

char *conference_identity(struct switchboard *s, const char *address)
{
    bool phone = address[0] == '+', guest = strncmp(address, "guest:", 6) == 0;
    struct buf b = {0};

    buf_fmt(&b,
            "{\"@odata.type\":\"#microsoft.graph.identitySet\",\"%s\":"
            "{\"@odata.type\":\"#microsoft.graph.identity\",\"id\":",
            phone   ? "phone"
            : guest ? "guest"
                    : "user");
    board_quote(&b, guest ? address + 6 : address);
    if (guest || (!phone && !looks_like_guid(address))) {
        buf_str(&b, ",\"displayName\":");
        board_quote(&b, guest ? address + 6 : address);
    }
    if (!phone && !guest) {
        buf_str(&b, ",\"tenantId\":");
        board_quote(&b, s->cfg.tenant);
    }
    buf_str(&b, "}}");
    return board_take(s, &b);
}

const char *conference_identity_id(const cJSON *identity, const char **kind)
{
    static const char *const kinds[] = {"phone",       "user",
                                        "application", "applicationInstance",
                                        "guest",       "azureCommunicationServicesUser",
                                        "onPremises",  "encrypted",
                                        "device",      "assertedIdentity"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *id = json_str(json_get(identity, kinds[i]), "id");

        if (id) {
            if (kind)
                *kind = kinds[i];
            return id;
        }
    }
    return NULL;
}
