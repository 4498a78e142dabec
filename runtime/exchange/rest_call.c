/* Methods of the call itself: reference §3.1–§3.8, §3.19. */
#include "exchange/rest.h"

#include "base/json.h"
#include "exchange/line.h"
#include "exchange/media.h"
#include "exchange/roster.h"
#include "exchange/transfer.h"

#include <stdlib.h>
#include <string.h>

enum { RING_MS = 60000, MAX_VOIP = 5, REDIRECT_S = 55, REDIRECT_SEVERAL_S = 60 };

/* --- create -------------------------------------------------------------------------------- */

/* Members that create and answer have in common. */
static void take_options(struct rest *r, struct leg *leg)
{
    const cJSON *options = json_get(r->args, "callOptions"), *item;
    const cJSON *media = json_get(r->args, "mediaConfig");
    const char *type = json_str(media, "@odata.type");

    leg->version = r->version;
    leg->delta_roster = json_bool(options, "isDeltaRosterEnabled", false);
    leg->sharing_told = json_bool(options, "isContentSharingNotificationEnabled", false);
    leg->app_media = type && strstr(type, "appHosted");
    free(leg->media_config);
    leg->media_config = rest_text(r, "mediaConfig");
    cJSON_ArrayForEach (item, json_get(media, "preFetchMedia")) {
        struct prompt p = {(char *)json_str(item, "uri"), (char *)json_str(item, "resourceId")};

        if (rest_is_http(p.uri))
            clip_want(r->s, &p, true);
    }
}

/* The bot as a participant: what `source` says, else the application. */
static char *own_identity(struct rest *r, bool phone)
{
    const cJSON *identity = json_get(json_get(r->args, "source"), "identity");
    struct buf b = {0};

    if (identity)
        return json_text(identity);
    buf_fmt(&b,
            "{\"@odata.type\":\"#microsoft.graph.identitySet\",\"%s\":"
            "{\"@odata.type\":\"#microsoft.graph.identity\",\"displayName\":\"Calling Bot\","
            "\"id\":",
            phone ? "applicationInstance" : "application");
    board_quote(&b, r->s->cfg.app_id);
    buf_str(&b, "}}");
    return board_take(r->s, &b);
}

static void take_source(struct rest *r, struct leg *leg)
{
    struct buf b = {0};

    leg->source = rest_text(r, "source");
    if (leg->source)
        return;
    buf_fmt(&b,
            "{\"@odata.type\":\"#microsoft.graph.participantInfo\",\"identity\":%s,"
            "\"countryCode\":null,\"endpointType\":null,\"region\":null,\"languageId\":null}",
            leg->me->identity ? leg->me->identity : "{}");
    leg->source = board_take(r->s, &b);
}

/* chatInfo of the response when the meeting was named by its id. */
static void take_chat(struct rest *r, struct leg *leg)
{
    struct buf b = {0};

    leg->chat = rest_text(r, "chatInfo");
    if (leg->chat || !leg->meeting)
        return;
    buf_fmt(&b,
            "{\"@odata.type\":\"#microsoft.graph.chatInfo\","
            "\"threadId\":\"19:meeting_%s@thread.v2\",\"messageId\":\"0\","
            "\"replyChainMessageId\":null}",
            leg->me->conference->id);
    leg->chat = board_take(r->s, &b);
}

/* The conference of the new call; an error is answered when there can be none. */
static struct conference *conference_of(struct rest *r, int ntargets)
{
    const cJSON *meeting = json_get(r->args, "meetingInfo");
    const char *passcode = json_str(meeting, "passcode");
    struct conference *c;
    char key[256];

    if (!meeting && !json_get(r->args, "chatInfo"))
        return conference_new(r->s, ntargets > 1);
    if (!conference_key_json(key, json_get(r->args, "chatInfo"), meeting)) {
        rest_error(r, 400, "invalidRequest",
                   "chatInfo.threadId, meetingInfo.joinMeetingId or .token must name the meeting.");
        return NULL;
    }
    c = conference_meeting(r->s, key);
    if (!c)
        return NULL;
    if (!c->passcode && passcode && c->nmembers == 0)
        board_set(r->s, &c->passcode, passcode);
    if (c->passcode && (!passcode || strcmp(passcode, c->passcode) != 0)) {
        rest_error(r, 403, "accessDenied", "The passcode of the meeting is another.");
        return NULL;
    }
    return c;
}

static bool create_is_sound(struct rest *r, int ntargets)
{
    const cJSON *meeting = json_get(r->args, "meetingInfo"), *target;

    if (r->s->legs.n >= BOARD_MAX_CALLS)
        rest_error(r, 503, "serviceNotAvailable", "Too many calls.");
    else if (!rest_is_http(json_str(r->args, "callbackUri")))
        rest_error(r, 400, "invalidRequest", "callbackUri: required, an absolute address.");
    else if (!json_get(r->args, "mediaConfig"))
        rest_error(r, 400, "invalidRequest", "mediaConfig: required.");
    else if (!ntargets && !meeting)
        rest_error(r, 400, "invalidRequest", "targets or meetingInfo: one of them is required.");
    else if (ntargets && meeting)
        rest_error(r, 400, "invalidRequest", "targets and meetingInfo exclude each other.");
    else if (ntargets > MAX_VOIP)
        rest_error(r, 400, "invalidRequest", "targets: at most %d.", MAX_VOIP);
    else {
        cJSON_ArrayForEach (target, json_get(r->args, "targets")) {
            if (conference_identity_id(json_get(target, "identity"), NULL))
                continue;
            rest_error(r, 400, "invalidRequest", "targets: an identity without id.");
            return false;
        }
        return true;
    }
    return false;
}

static void ring_targets(struct rest *r, struct leg *leg, int ntargets)
{
    const cJSON *target, *targets = json_get(r->args, "targets");
    int64_t timeout_ms = leg->ringing_s ? leg->ringing_s * INT64_C(1000) : RING_MS;
    struct conference *c = leg->me->conference;
    struct line *l;
    char *identity;

    if (ntargets != 1) {
        leg_step_at(r->s, leg, STEP_ESTABLISH, r->now + BOARD_SETUP_MS);
        cJSON_ArrayForEach (target, targets) {
            invite(r->s, leg, NULL, target, timeout_ms, r->now);
        }
        return;
    }
    target = json_get(targets->child, "identity");
    l = line_ring(r->s, conference_identity_id(target, NULL), LINE_TARGET, leg, timeout_ms, r->now);
    identity = json_text(target);
    if (!l || !line_seat(r->s, l, c, identity)) {
        free(identity);
        leg_end(r->s, leg, 480, 10037, "The target cannot be called.", r->now);
        return;
    }
    free(identity);
    l->member->pending = true;
    if (!l->unknown && r->version == VERSION_BETA)
        leg_state(r->s, leg, LEG_RINGING, NULL, r->now);
}

static void create(struct rest *r)
{
    const cJSON *targets = json_get(r->args, "targets");
    int ntargets = cJSON_GetArraySize(targets);
    bool phone = ntargets == 1 && json_get(json_get(targets->child, "identity"), "phone");
    struct conference *c;
    struct leg *leg;
    struct buf b = {0};
    char *identity;

    if (!create_is_sound(r, ntargets) || !(c = conference_of(r, ntargets)))
        return;
    identity = own_identity(r, phone);
    leg = leg_new(r->s, c, identity);
    free(identity);
    if (!leg) {
        rest_error(r, 503, "serviceNotAvailable", "The meeting is full.");
        conference_settle(r->s, c, 500, 0, NULL, r->now);
        return;
    }
    leg->state = LEG_ESTABLISHING;
    board_set(r->s, &leg->callback, json_str(r->args, "callbackUri"));
    board_set(r->s, &leg->subject, json_str(r->args, "subject"));
    board_set(r->s, &leg->tenant, json_str(r->args, "tenantId"));
    if (!leg->tenant)
        board_set(r->s, &leg->tenant, r->s->cfg.tenant);
    if (json_str(r->args, "callChainId"))
        board_set(r->s, &leg->chain, json_str(r->args, "callChainId"));
    leg->targets = rest_text(r, "targets");
    leg->modalities = rest_text(r, "requestedModalities");
    leg->meeting = rest_text(r, "meetingInfo");
    leg->ringing_s = (int)json_int(r->args, "ringingTimeoutInSeconds", 0);
    leg->me->lobby =
        c->meeting && strstr(leg->me->identity ? leg->me->identity : "", "\"guest\":{");
    take_options(r, leg);
    take_source(r, leg);
    take_chat(r, leg);
    leg_text(&b, leg);
    rest_location(r, leg, "");
    rest_json(r, &b);
    leg_keep_alive(r->s, leg, r->now);
    leg_state(r->s, leg, LEG_ESTABLISHING, NULL, r->now);
    ring_targets(r, leg, ntargets);
}

/* --- get, delete, keepAlive ---------------------------------------------------------------- */

static void get(struct rest *r)
{
    struct buf b = {0};

    leg_text(&b, r->leg);
    rest_json(r, &b);
}

static void delete (struct rest *r)
{
    rest_empty(r);
    if (r->leg->state == LEG_TERMINATING)
        return;
    leg_state(r->s, r->leg, LEG_TERMINATING, NULL, r->now);
    leg_step_at(r->s, r->leg, STEP_DELETE, r->now + BOARD_SETUP_MS);
}

static void keep_alive(struct rest *r)
{
    rest_empty(r);
    leg_keep_alive(r->s, r->leg, r->now);
}

/* --- an offered call ----------------------------------------------------------------------- */

/* Answers 409 unless the call still waits for the bot's decision. */
static bool undecided(struct rest *r)
{
    if (r->leg->state == LEG_INCOMING)
        return true;
    rest_error(r, 409, "invalidRequest", "%s: the call is not incoming.", r->method->name);
    return false;
}

static bool take_callback(struct rest *r)
{
    const char *uri = json_str(r->args, "callbackUri");

    if (uri && !rest_is_http(uri)) {
        rest_error(r, 400, "invalidRequest", "callbackUri: an absolute address is required.");
        return false;
    }
    if (uri)
        board_set(r->s, &r->leg->callback, uri);
    return true;
}

static void answer(struct rest *r)
{
    if (!undecided(r))
        return;
    if (!json_get(r->args, "mediaConfig")) {
        rest_error(r, 400, "invalidRequest", "mediaConfig: required.");
        return;
    }
    if (!take_callback(r))
        return;
    rest_empty(r);
    take_options(r, r->leg);
    r->leg->capacity = (int)json_int(r->args, "participantCapacity", 0);
    leg_state(r->s, r->leg, LEG_ESTABLISHING, NULL, r->now);
    leg_step_at(r->s, r->leg, STEP_ESTABLISH, r->now + BOARD_SETUP_MS);
}

static void reject(struct rest *r)
{
    const char *reason = json_str(r->args, "reason");
    bool busy = reason && strcmp(reason, "busy") == 0;
    bool forbidden = reason && strcmp(reason, "forbidden") == 0;
    struct list *it, *tmp;

    if (!undecided(r) || !take_callback(r))
        return;
    rest_empty(r);
    list_each (it, tmp, &r->leg->me->conference->members) {
        struct member *m = list_entry(it, struct member, object.link);

        if (m->line)
            line_end(r->s, m->line,
                     busy        ? 486
                     : forbidden ? 403
                                 : 603,
                     0, "The bot has rejected the call.", r->now);
    }
    leg_end(r->s, r->leg, -1, 0, NULL, r->now);
}

static void redirect(struct rest *r)
{
    const cJSON *target, *targets = json_get(r->args, "targets");
    int n = cJSON_GetArraySize(targets);
    int64_t timeout_ms =
        json_int(r->args, "timeout", n > 1 ? REDIRECT_SEVERAL_S : REDIRECT_S) * INT64_C(1000);

    if (!undecided(r) || !take_callback(r))
        return;
    rest_empty(r);
    leg_state(r->s, r->leg, LEG_REDIRECTING, NULL, r->now);
    leg_step_at(r->s, r->leg, STEP_REDIRECT_EXPIRES, r->now + timeout_ms);
    cJSON_ArrayForEach (target, targets) {
        const char *id = conference_identity_id(json_get(target, "identity"), NULL);

        line_ring(r->s, id ? id : "?", LINE_REDIRECT, r->leg, timeout_ms + 1000, r->now);
    }
}

/* --- transfer ------------------------------------------------------------------------------ */

/* Who of a group is moved: by participant id, else by identity. */
static struct member *transferee(struct rest *r)
{
    const cJSON *who = json_get(r->args, "transferee");
    const char *id = json_str(who, "participantId");
    const char *address = conference_identity_id(json_get(who, "identity"), NULL);
    struct conference *c = r->leg->me->conference;
    struct list *it;

    if (id)
        return conference_find(c, id);
    for (it = c->members.next; address && it != &c->members; it = it->next) {
        struct member *m = list_entry(it, struct member, object.link);

        if (m->line &&
            (id_equal(m->line->address, address) || strcmp(m->line->address, address) == 0))
            return m;
    }
    return NULL;
}

static void transfer(struct rest *r)
{
    const cJSON *target = json_get(r->args, "transferTarget");
    const char *address = conference_identity_id(json_get(target, "identity"), NULL);
    bool group = leg_is_group(r->leg);
    struct member *who = group ? transferee(r) : NULL;

    if (r->leg->state != LEG_ESTABLISHED) {
        rest_error(r, 409, "invalidRequest", "transfer: the call is not established.");
    } else if (!address) {
        rest_error(r, 400, "invalidRequest", "transferTarget.identity: has no id.");
    } else if (group && !json_get(r->args, "transferee")) {
        rest_error(r, 400, "invalidRequest", "transferee: required in a group call.");
    } else if (group && (!who || !who->line)) {
        rest_error(r, 400, "invalidRequest", "transferee: not a participant of the call.");
    } else {
        rest_empty(r);
        r->leg->transferee[0] = '\0';
        if (who)
            memcpy(r->leg->transferee, who->id, sizeof who->id);
        board_set(r->s, &r->leg->target, address);
        board_set(r->s, &r->leg->replaces, json_str(target, "replacesCallId"));
        leg_state(r->s, r->leg, LEG_TRANSFERRING, NULL, r->now);
        leg_step_at(r->s, r->leg, STEP_TRANSFER, r->now + BOARD_SETUP_MS);
    }
}

const struct rest_row rest_call_rows[] = {
    {"create", create, 0},
    {"get", get, 0},
    {"delete", delete, 0},
    {"keepAlive", keep_alive, 0},
    {"answer", answer, 0},
    {"reject", reject, 0},
    {"redirect", redirect, 0},
    {"transfer", transfer, NEEDS_TALK},
    {"logTeleconferenceDeviceQuality", rest_empty, 0},
    {0},
};
