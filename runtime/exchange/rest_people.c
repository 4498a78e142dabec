/* Participants: reference §4. */
#include "exchange/rest.h"

#include "base/json.h"
#include "exchange/line.h"
#include "exchange/media.h"
#include "exchange/roster.h"
#include "exchange/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INVITE_RING_MS = 60000 };

static void list_participants(struct rest *r)
{
    struct buf b = {0};

    buf_str(&b, "{\"value\":");
    roster_array(&b, r->leg->me->conference, r->leg->me);
    buf_char(&b, '}');
    rest_json(r, &b);
}

static void get(struct rest *r)
{
    struct buf b = {0};

    if (r->member->pending) {
        rest_error(r, 404, "itemNotFound", "Participant not found.");
        return;
    }
    roster_participant(&b, r->member, NULL);
    rest_json(r, &b);
}

static void invite_people(struct rest *r)
{
    const cJSON *people = json_get(r->args, "participants"), *item;
    struct conference *c = r->leg->me->conference;
    int n = cJSON_GetArraySize(people);
    struct operation *op;
    bool room = true;
    char *text;

    if (n > 1 && !c->group) {
        rest_error(r, 400, "invalidRequest", "participants: several only in a group call.");
        return;
    }
    cJSON_ArrayForEach (item, people) {
        if (!conference_identity_id(json_get(item, "identity"), NULL)) {
            rest_error(r, 400, "invalidRequest", "participants: an identity without id.");
            return;
        }
        if (n > 1 && json_str(item, "participantId")) {
            rest_error(r, 400, "invalidRequest", "participants: one is moved at a time.");
            return;
        }
    }
    text = rest_text(r, "participants");
    op = rest_operation(r, false, "participants", text);
    free(text);
    if (!op)
        return;
    c->group = true; /* a 1:1 call becomes a group call */
    op->invited++;   /* held until all have been called */
    cJSON_ArrayForEach (item, people) {
        room = invite(r->s, r->leg, op, item, INVITE_RING_MS, r->now) && room;
    }
    op->invited--;
    if (op->early)
        operation_end(r->s, op, OPERATION_COMPLETED, 0, 0, NULL, r->now);
    else if (!op->invited && !op->joined)
        operation_end(r->s, op, OPERATION_FAILED, 480, 0, "The participants cannot be called.",
                      r->now);
    else if (!op->invited)
        operation_complete_soon(r->s, op, r->now);
}

/* Take somebody out. The member is gone afterwards. */
static void drop(struct rest *r, struct member *m, const char *message)
{
    struct conference *c = m->conference;

    if (m->leg) {
        leg_end(r->s, m->leg, 200, 5300, message, r->now);
        return;
    }
    if (m->line)
        line_end(r->s, m->line, 200, 5300, message, r->now);
    else
        conference_remove(r->s, m, "Removed", r->now);
    conference_settle(r->s, c, 200, 5010, "Only one participant is left.", r->now);
}

static void delete (struct rest *r)
{
    struct line *l = r->member->line;

    rest_empty(r);
    if (r->member->pending && l)
        invite_answered(r->s, l, false, 487, 0, "The invitation was cancelled.", r->now);
    drop(r, r->member, "The participant was removed by another participant.");
}

static void mute(struct rest *r)
{
    if (!rest_operation(r, true, NULL, NULL) || r->member->muted)
        return;
    r->member->muted = true;
    roster_told(r->s, r->member, NULL, r->now);
}

/* Everybody else, or those named; an empty name, which the documentation shows, names nobody. */
static void mute_all(struct rest *r)
{
    const cJSON *names = json_get(r->args, "participants"), *name;
    struct conference *c = r->leg->me->conference;
    struct list *it, *tmp;
    bool any = false;

    cJSON_ArrayForEach (name, names) {
        const char *id = cJSON_GetStringValue(name);

        if (!id || !*id)
            continue;
        any = true;
        if (!conference_find(c, id)) {
            rest_error(r, 404, "itemNotFound", "participants: %.64s is not there.", id);
            return;
        }
    }
    if (!rest_operation(r, true, NULL, NULL))
        return;
    list_each (it, tmp, &c->members) {
        struct member *m = list_entry(it, struct member, object.link);
        bool named = !any && m != r->leg->me;

        cJSON_ArrayForEach (name, names) {
            named = named || id_equal(m->id, cJSON_GetStringValue(name));
        }
        if (!named || m->muted || m->pending)
            continue;
        m->muted = true;
        roster_told(r->s, m, NULL, r->now);
    }
}

/* --- hold music ---------------------------------------------------------------------------- */

static void start_hold_music(struct rest *r)
{
    const char *uri = json_str(json_get(json_get(r->args, "customPrompt"), "mediaInfo"), "uri");
    struct list *it;
    struct operation *op;

    for (it = r->member->conference->members.next; it != &r->member->conference->members;
         it = it->next) {
        if (list_entry(it, struct member, object.link)->music) {
            rest_error(r, 409, "invalidRequest", "One participant is on hold at a time.");
            return;
        }
    }
    if (uri && !rest_is_http(uri)) {
        rest_error(r, 400, "invalidRequest", "customPrompt.mediaInfo.uri: not an address.");
        return;
    }
    if (!r->member->line || r->member->pending) {
        rest_error(r, 400, "invalidRequest", "Only a person can be put on hold.");
        return;
    }
    op = rest_operation(r, false, NULL, NULL);
    if (!op)
        return;
    line_quiet(r->s, r->member->line);
    r->member->music = true;
    board_action(r->s, SWITCH_PLAY, r->member->line->id, uri ? uri : "about:hold-music", NULL, 0);
    roster_changed(r->s, r->member, NULL, r->now);
    operation_complete_soon(r->s, op, r->now);
}

static void stop_hold_music(struct rest *r)
{
    if (!r->member->music) {
        rest_error(r, 409, "invalidRequest", "The participant is not on hold.");
        return;
    }
    if (!rest_operation(r, true, NULL, NULL))
        return;
    r->member->music = false;
    board_action(r->s, SWITCH_STOP, r->member->line->id, NULL, "{\"completed\":false}", 0);
    roster_changed(r->s, r->member, NULL, r->now);
}

/* --- lobby --------------------------------------------------------------------------------- */

static void admit(struct rest *r, struct member *m)
{
    m->lobby = false;
    if (m->line)
        line_connect(r->s, m->line, "connected", NULL);
    if (!m->leg) {
        roster_changed(r->s, m, NULL, r->now);
        return;
    }
    board_timer_stop(r->s, &m->leg->step);
    roster_first(r->s, m->leg, r->now);
    leg_sound_soon(r->s, m->leg, r->now);
}

/* Answers 409 unless the participant waits in the lobby. */
static bool waits(struct rest *r)
{
    /* A bot is admitted when its own call says established, not before. */
    if (r->member->lobby && (!r->member->leg || leg_in_conversation(r->member->leg)))
        return true;
    rest_error(r, 409, "invalidRequest", "The participant is not in the lobby.");
    return false;
}

static void admit_from_lobby(struct rest *r)
{
    if (waits(r) && rest_operation(r, true, NULL, NULL))
        admit(r, r->member);
}

static void admit_all_from_lobby(struct rest *r)
{
    struct list *it, *tmp;

    if (!rest_operation(r, true, NULL, NULL))
        return;
    list_each (it, tmp, &r->leg->me->conference->members) {
        struct member *m = list_entry(it, struct member, object.link);

        if (m->lobby && (!m->leg || leg_in_conversation(m->leg)))
            admit(r, m);
    }
}

static void remove_from_lobby(struct rest *r)
{
    if (waits(r) && rest_operation(r, true, NULL, NULL))
        drop(r, r->member, "The participant was turned away in the lobby.");
}

static void report_synthetic_media(struct rest *r)
{
    const char *id = json_str(r->args, "id");
    const cJSON *confidence = json_get(r->args, "overallConfidence");

    rest_empty(r);
    snprintf(r->member->detection, sizeof r->member->detection, "%.36s", id ? id : "");
    r->member->synthetic = cJSON_IsNumber(confidence) ? confidence->valuedouble : 0;
    roster_told(r->s, r->member, NULL, r->now);
}

enum { TALK = NEEDS_TALK | NEEDS_INSIDE, MEETING = TALK | NEEDS_GROUP };

const struct rest_row rest_people_rows[] = {
    {"listParticipants", list_participants, 0},
    {"participant.get", get, 0},
    {"invite", invite_people, TALK},
    {"participant.delete", delete, TALK},
    {"participant.mute", mute, TALK},
    {"muteAll", mute_all, MEETING},
    {"participant.startHoldMusic", start_hold_music, MEETING},
    {"participant.stopHoldMusic", stop_hold_music, MEETING},
    {"participant.admitFromLobby", admit_from_lobby, MEETING},
    {"admitAllFromLobby", admit_all_from_lobby, MEETING},
    {"participant.removeFromLobby", remove_from_lobby, MEETING},
    {"participant.reportSyntheticMedia", report_synthetic_media, TALK},
    {0},
};
