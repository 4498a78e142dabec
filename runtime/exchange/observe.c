#include "exchange/observe.h"

#include "base/json.h"
#include "exchange/line.h"

#include <stdlib.h>
#include <string.h>

enum { DECIDE_MS = 5000 };

/* A joining participant that the bot has been asked about. */
struct question {
    struct list link; /* in leg.questions */
    char line[BOARD_GUID];
};

static void tell(struct switchboard *s, const struct line *l, const char *state)
{
    board_action(s, SWITCH_STATE, l->id, state, NULL, 0);
}

/* --- the first of them: a call ------------------------------------------------------------- */

static void describe(struct switchboard *s, struct leg *leg, const struct member *who)
{
    struct buf b = {0};

    buf_fmt(&b,
            "{\"@odata.type\":\"#microsoft.graph.incomingContext\",\"sourceParticipantId\":\"%s\","
            "\"observedParticipantId\":\"%s\"}",
            who->id, who->id);
    leg->context = board_take(s, &b);
    buf_fmt(&b,
            "{\"@odata.type\":\"#microsoft.graph.tokenMeetingInfo\",\"token\":\"%s\","
            "\"allowConversationWithoutHost\":true}",
            who->conference->id);
    leg->meeting = board_take(s, &b);
    buf_fmt(&b,
            "{\"@odata.type\":\"#microsoft.graph.participantInfo\",\"identity\":%s,"
            "\"languageId\":\"en-US\"}",
            who->identity ? who->identity : "{}");
    leg->source = board_take(s, &b);
    buf_fmt(&b,
            "[{\"@odata.type\":\"#microsoft.graph.invitationParticipantInfo\",\"identity\":%s}]",
            leg->me->identity ? leg->me->identity : "{}");
    leg->targets = board_take(s, &b);
}

static void call_bot(struct switchboard *s, struct member *who, const char *url, int64_t now)
{
    struct buf b = {0};
    struct leg *leg;
    char *identity;

    buf_str(&b, "{\"@odata.type\":\"#microsoft.graph.identitySet\",\"applicationInstance\":"
                "{\"@odata.type\":\"#microsoft.graph.identity\",\"displayName\":\"Recorder\","
                "\"id\":");
    board_quote(&b, s->cfg.app_id);
    buf_str(&b, "}}");
    identity = board_take(s, &b);
    leg = s->legs.n < BOARD_MAX_CALLS ? leg_new(s, who->conference, identity) : NULL;
    free(identity);
    if (!leg) {
        tell(s, who->line, "unobserved");
        return;
    }
    leg->incoming = true;
    leg->me->pending = true;
    board_set(s, &leg->callback, url);
    board_set(s, &leg->tenant, s->cfg.tenant);
    describe(s, leg, who);
    who->observer = leg;
    leg_offer(s, leg, DECIDE_MS, now);
}

void observe_begins(struct switchboard *s, struct leg *leg)
{
    struct list *it;

    if (!leg->context)
        return;
    for (it = leg->me->conference->members.next; it != &leg->me->conference->members;
         it = it->next) {
        struct member *m = list_entry(it, struct member, object.link);

        if (m->observer != leg)
            continue;
        leg->observed++;
        if (m->line)
            tell(s, m->line, "observed");
    }
}

void observe_ends(struct switchboard *s, struct leg *leg)
{
    struct list *it, *head = leg->me ? &leg->me->conference->members : NULL;

    for (it = head ? head->next : NULL; it != head; it = it->next) {
        struct member *m = list_entry(it, struct member, object.link);

        if (m->observer != leg)
            continue;
        m->observer = NULL;
        if (m->line)
            tell(s, m->line, "unobserved");
    }
    for (it = leg->questions.next; it != &leg->questions; it = it->next) {
        struct line *l = line_find(s, list_entry(it, struct question, link)->line);

        if (l)
            tell(s, l, "unobserved");
    }
    observe_fini(leg);
}

void observe_fini(struct leg *leg)
{
    while (!list_empty(&leg->questions)) {
        struct question *q = list_entry(leg->questions.next, struct question, link);

        list_remove(&q->link);
        free(q);
    }
}

/* --- the next: a question ------------------------------------------------------------------ */

static void accepted(struct switchboard *s, struct leg *leg, struct line *l)
{
    l->member->observer = leg;
    leg->observed++;
    tell(s, l, "observed");
}

/* The answer to the oldest question of the leg. */
static void decided(struct switchboard *s, void *owner, bool delivered, const char *body, size_t n,
                    int64_t now)
{
    struct leg *leg = owner;
    struct question *q;
    struct line *l;
    cJSON *v = NULL;
    const char *type, *uri;

    if (list_empty(&leg->questions))
        return; /* the leg has ended meanwhile */
    q = list_entry(leg->questions.next, struct question, link);
    list_remove(&q->link);
    l = line_find(s, q->line);
    free(q);
    if (!l || !l->member || l->member->observer)
        return;
    if (body && n && json_parse(&v, body, n, NULL) == ERR_NOMEM)
        board_nomem(s);
    type = json_str(v, "@odata.type");
    uri = json_str(v, "inviteUri");
    if (delivered && !leg->over && type && strstr(type, "acceptJoinResponse"))
        accepted(s, leg, l);
    else if (delivered && type && strstr(type, "inviteNewBotResponse") && uri)
        call_bot(s, l->member, uri, now);
    else
        tell(s, l, "unobserved");
    cJSON_Delete(v);
}

static void ask(struct switchboard *s, struct leg *leg, struct line *l, int64_t now)
{
    struct question *q = calloc(1, sizeof *q);
    struct buf b = {0};
    char *body;

    if (!q) {
        board_nomem(s);
        return;
    }
    memcpy(q->line, l->id, sizeof q->line);
    list_append(&leg->questions, &q->link);
    buf_fmt(&b,
            "{\"@odata.type\":\"#microsoft.graph.commsNotifications\",\"value\":["
            "{\"@odata.type\":\"#microsoft.graph.commsNotification\",\"changeType\":\"created\","
            "\"resourceUrl\":\"/communications/calls/%s\",\"resourceData\":"
            "{\"@odata.type\":\"#microsoft.graph.participantJoiningNotification\",\"call\":"
            "{\"@odata.type\":\"#microsoft.graph.call\",\"id\":\"%s\",\"source\":"
            "{\"@odata.type\":\"#microsoft.graph.participantInfo\",\"identity\":%s,"
            "\"participantId\":\"%s\"},\"incomingContext\":"
            "{\"sourceParticipantId\":\"%s\",\"observedParticipantId\":\"%s\"}}}}]}",
            leg->id, leg->id, l->member->identity ? l->member->identity : "{}", l->member->id,
            l->member->id, l->member->id);
    body = board_take(s, &b);
    outbox_add(s, &leg->outbox, leg->callback, body, true, decided, now);
    free(body);
}

void observe_left(struct switchboard *s, struct member *m, int64_t now)
{
    struct leg *leg = m->observer;
    struct buf b = {0};
    char *data;

    m->observer = NULL;
    if (leg->over)
        return;
    if (leg->observed > 0)
        leg->observed--;
    buf_fmt(&b,
            "{\"@odata.type\":\"#microsoft.graph.participantLeftNotification\","
            "\"participantId\":\"%s\",\"call\":{\"@odata.type\":\"#microsoft.graph.call\","
            "\"id\":\"%s\"}}",
            m->id, leg->id);
    data = board_take(s, &b);
    leg_notify(s, leg, "updated", NULL, data, now);
    free(data);
    if (!leg->observed && list_empty(&leg->questions))
        leg_step_at(s, leg, STEP_UNWATCHED, now + BOARD_SETUP_MS);
}

int switchboard_observe(struct switchboard *s, const char *line, int64_t now)
{
    struct line *l = line_find(s, line);
    struct list *it, *head;

    if (!l)
        return ERR_NOTFOUND;
    if (l->state != LINE_CONNECTED || !l->member || !l->member->conference->group ||
        l->member->observer)
        return ERR_CONFLICT;
    head = &l->member->conference->members;
    for (it = head->next; it != head; it = it->next) {
        struct leg *leg = list_entry(it, struct member, object.link)->leg;
        int asked = 0;

        if (!leg || !leg->context || !leg_in_conversation(leg))
            continue;
        for (struct list *j = leg->questions.next; j != &leg->questions; j = j->next)
            asked++;
        if (leg->observed + asked < leg->capacity) {
            ask(s, leg, l, now);
            return board_leave(s, 0);
        }
    }
    call_bot(s, l->member, s->cfg.webhook, now);
    return board_leave(s, 0);
}
