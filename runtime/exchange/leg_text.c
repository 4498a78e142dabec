/* How a call reads on the wire. */
#include "exchange/leg.h"

#include <string.h>

static const char *const state_names[] = {"incoming",    "establishing", "ringing",
                                          "established", "transferring", "transferAccepted",
                                          "redirecting", "terminating",  "terminated"};

static const struct {
    char key;
    const char *name;
} tones[] = {{'0', "tone0"}, {'1', "tone1"}, {'2', "tone2"}, {'3', "tone3"}, {'4', "tone4"},
             {'5', "tone5"}, {'6', "tone6"}, {'7', "tone7"}, {'8', "tone8"}, {'9', "tone9"},
             {'*', "star"},  {'#', "pound"}, {'A', "a"},     {'B', "b"},     {'C', "c"},
             {'D', "d"},     {'!', "flash"}};

const char *leg_tone_name(char key)
{
    if (key >= 'a' && key <= 'd')
        key = (char)(key - 32);
    for (size_t i = 0; i < sizeof tones / sizeof *tones; i++) {
        if (tones[i].key == key)
            return tones[i].name;
    }
    return NULL;
}

char leg_tone_key(const char *name)
{
    for (size_t i = 0; i < sizeof tones / sizeof *tones; i++) {
        if (strcmp(tones[i].name, name) == 0)
            return tones[i].key;
    }
    return '\0';
}

static void state_members(struct buf *b, const struct leg *leg)
{
    BOARD_TEXTS(b,
                "{\"@odata.type\":\"#microsoft.graph.call\",\"@odata.id\":\"/communications/calls/",
                leg->id, "\",\"id\":\"", leg->id, "\",\"state\":\"", state_names[leg->state],
                "\",\"direction\":\"", leg->incoming ? "incoming" : "outgoing", "\"");
}

void leg_state_text(struct buf *b, const struct leg *leg, const char *more)
{
    state_members(b, leg);
    BOARD_TEXTS(b, more ? more : "", "}");
}

static void member_json(struct buf *b, const char *name, const char *json)
{
    BOARD_TEXTS(b, ",\"", name, "\":", json ? json : "null");
}

static void member_string(struct buf *b, const char *name, const char *text)
{
    BOARD_TEXTS(b, ",\"", name, "\":");
    board_quote(b, text);
}

void leg_text(struct buf *b, const struct leg *leg)
{
    const struct conference *c = leg->me ? leg->me->conference : NULL;

    state_members(b, leg);
    member_string(b, "callbackUri", leg->callback);
    member_string(b, "callChainId", leg->chain);
    member_json(b, "callRoutes", leg->routes ? leg->routes : "[]");
    member_json(b, "source", leg->source);
    member_json(b, "targets", leg->targets ? leg->targets : "[]");
    member_json(b, "requestedModalities", leg->modalities ? leg->modalities : "[\"audio\"]");
    member_string(b, "tenantId", leg->tenant);
    member_string(b, "myParticipantId", leg->me ? leg->me->id : NULL);
    member_string(b, "subject", leg->subject);
    member_json(b, "chatInfo", leg->chat);
    member_json(b, "meetingInfo", leg->meeting);
    member_json(b, "resultInfo", NULL);
    if (leg->context)
        member_json(b, "incomingContext", leg->context);
    if (leg->state != LEG_INCOMING) {
        member_json(b, "mediaConfig", leg->media_config);
        member_json(b, "mediaState", leg->sound ? "{\"audio\":\"active\"}" : NULL);
    }
    if (c && c->was_transcribed) {
        buf_fmt(b, ",\"transcription\":{\"state\":\"%s\",\"lastModifiedDateTime\":",
                c->transcription ? "active" : "inactive");
        board_time(b, c->transcription_changed);
        buf_char(b, '}');
    }
    if (leg->version == VERSION_BETA && leg->state != LEG_INCOMING) {
        member_json(b, "activeModalities", leg->sound ? "[\"audio\"]" : "[]");
        member_json(b, "routingPolicies", "[]");
        member_json(b, "answeredBy", leg->answered_by);
        member_json(b, "meetingCapability", NULL);
        member_json(b, "terminationReason", NULL);
        if (leg->ringing_s)
            buf_fmt(b, ",\"ringingTimeoutInSeconds\":%d", leg->ringing_s);
        else
            member_json(b, "ringingTimeoutInSeconds", NULL);
    }
    buf_char(b, '}');
}
