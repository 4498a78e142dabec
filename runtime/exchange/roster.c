#include "exchange/roster.h"

#include "base/json.h"
#include "exchange/leg.h"

#include <stdlib.h>
#include <string.h>

static const char *const recording_names[] = {NULL, "notRecording", "recording", "failed"};

static void streams(struct buf *b, const struct member *m)
{
    buf_fmt(b,
            "\"mediaStreams\":[{\"@odata.type\":\"#microsoft.graph.mediaStream\","
            "\"mediaType\":\"audio\",\"label\":\"main-audio\",\"sourceId\":\"%u\","
            "\"direction\":\"%s\",\"serverMuted\":%s}",
            m->source, m->music ? "inactive" : "sendReceive", m->muted ? "true" : "false");
    if (m->sharing)
        buf_fmt(b,
                ",{\"@odata.type\":\"#microsoft.graph.mediaStream\","
                "\"mediaType\":\"videoBasedScreenSharing\",\"label\":\"applicationsharing-video\","
                "\"sourceId\":\"%u\",\"direction\":\"sendOnly\",\"serverMuted\":false}",
                1000 + m->source);
    buf_str(b, "],");
}

void roster_participant(struct buf *b, const struct member *m, const char *removed)
{
    buf_fmt(b,
            "{\"@odata.type\":\"#microsoft.graph.participant\",\"id\":\"%s\",\"info\":"
            "{\"@odata.type\":\"#microsoft.graph.participantInfo\",\"identity\":%s,"
            "\"endpointType\":\"default\",\"languageId\":\"en-US\",\"participantId\":\"%s\"},",
            m->id, m->identity ? m->identity : "{}", m->id);
    streams(b, m);
    buf_fmt(b, "\"isMuted\":%s,\"isInLobby\":%s,\"rosterSequenceNumber\":%lld,\"metadata\":",
            m->muted ? "true" : "false", m->lobby ? "true" : "false", (long long)m->sequence);
    board_quote(b, m->metadata);
    if (m->recording != RECORDING_NONE)
        buf_fmt(b,
                ",\"recordingInfo\":{\"@odata.type\":\"#microsoft.graph.recordingInfo\","
                "\"initiator\":%s,\"recordingStatus\":\"%s\"}",
                m->identity ? m->identity : "{}", recording_names[m->recording]);
    else
        buf_str(b, ",\"recordingInfo\":null");
    if (m->synthetic >= 0)
        buf_fmt(b,
                ",\"syntheticMediaDetection\":{"
                "\"@odata.type\":\"#microsoft.graph.syntheticMediaDetectionInfo\","
                "\"detectionId\":\"%s\",\"syntheticConfidence\":%g}",
                m->detection, m->synthetic);
    if (removed) {
        buf_str(b, ",\"removedState\":{\"@odata.type\":\"#microsoft.graph.removedState\","
                   "\"reason\":");
        board_quote(b, removed);
        buf_char(b, '}');
    }
    buf_char(b, '}');
}

void roster_array(struct buf *b, const struct conference *c, const struct member *reader)
{
    struct list *it;
    bool any = false;

    buf_char(b, '[');
    for (it = c->members.next; it != &c->members; it = it->next) {
        const struct member *m = list_entry(it, struct member, object.link);

        if (m != reader && (m->pending || m->hidden || (reader && reader->lobby)))
            continue;
        if (any)
            buf_char(b, ',');
        any = true;
        roster_participant(b, m, NULL);
    }
    buf_char(b, ']');
}

static void tell(struct switchboard *s, struct leg *leg, const struct member *m,
                 const char *removed, int64_t now)
{
    struct buf b = {0};
    char *text;

    if (!leg_in_conversation(leg))
        return;
    if (leg->delta_roster && m && !leg->me->lobby) {
        buf_char(&b, '[');
        roster_participant(&b, m, removed);
        buf_char(&b, ']');
    } else {
        roster_array(&b, leg->me->conference, leg->me);
    }
    text = board_take(s, &b);
    leg_notify(s, leg, "updated", "/participants", text, now);
    free(text);
}

/* Tell all bots but `skip` of a change of `m`. */
static void spread(struct switchboard *s, struct member *m, const char *removed,
                   const struct leg *skip, int64_t now)
{
    struct conference *c = m->conference;
    struct list *it, *tmp;

    m->sequence = ++c->sequence;
    if (m->hidden)
        return;
    list_each (it, tmp, &c->members) {
        struct member *other = list_entry(it, struct member, object.link);

        if (other->leg && other->leg != skip && (!other->lobby || other == m))
            tell(s, other->leg, m, removed, now);
    }
}

void roster_told(struct switchboard *s, struct member *m, const char *removed, int64_t now)
{
    spread(s, m, removed, NULL, now);
}

void roster_changed(struct switchboard *s, struct member *m, const char *removed, int64_t now)
{
    if (m->conference->group)
        roster_told(s, m, removed, now);
}

void roster_first(struct switchboard *s, struct leg *leg, int64_t now)
{
    if (!leg->me->conference->group)
        return;
    spread(s, leg->me, NULL, leg, now);
    tell(s, leg, NULL, NULL, now);
}

void roster_session(struct buf *b, const struct sharing_session *x, bool beta)
{
    buf_fmt(b, "{\"@odata.type\":\"#microsoft.graph.contentSharingSession\",\"id\":\"%s\"", x->id);
    if (beta)
        buf_fmt(b, ",\"presenterParticipantId\":\"%s\"", x->presenter);
    buf_char(b, '}');
}

void roster_sharing(struct switchboard *s, struct conference *c, const struct sharing_session *x,
                    const char *change, int64_t now)
{
    struct list *it, *tmp;

    list_each (it, tmp, &c->members) {
        struct member *m = list_entry(it, struct member, object.link);
        struct buf b = {0};
        char *text;

        if (!m->leg || m->lobby || !m->leg->sharing_told || !leg_in_conversation(m->leg))
            continue;
        buf_char(&b, '[');
        roster_session(&b, x, m->leg->version == VERSION_BETA);
        buf_char(&b, ']');
        text = board_take(s, &b);
        leg_notify(s, m->leg, change, "/contentsharingsessions", text, now);
        free(text);
    }
}

void roster_group(struct buf *b, const struct routing_group *g)
{
    char *sources = json_text(g->sources), *receivers = json_text(g->receivers);

    if (!sources || !receivers)
        b->err = ERR_NOMEM;
    buf_str(b, "{\"@odata.type\":\"#microsoft.graph.audioRoutingGroup\",\"id\":");
    board_quote(b, g->id);
    buf_fmt(b, ",\"routingMode\":\"%s\",\"sources\":%s,\"receivers\":%s}",
            g->multicast ? "multicast" : "oneToOne", sources ? sources : "[]",
            receivers ? receivers : "[]");
    free(sources);
    free(receivers);
}
