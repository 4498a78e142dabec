#include "exchange/transfer.h"

#include "base/json.h"
#include "exchange/roster.h"

#include <stdlib.h>
#include <string.h>

enum { TRANSFER_RING_MS = 60000 };

/* --- transfer ------------------------------------------------------------------------------ */

/* Who is moved: the transferee of a group call, or the phone of a 1:1 call. */
static struct line *moved(const struct leg *leg)
{
    struct member *m;

    if (!leg->transferee[0])
        return conference_phone(leg->me->conference, 0);
    m = conference_find(leg->me->conference, leg->transferee);
    return m && !m->pending ? m->line : NULL;
}

/* Join `a`, who is moved, and `b` without the bot. In a 1:1 call that is the bot's leaving; out of
 * a group they get a conference of their own. */
static bool bridge(struct switchboard *s, struct leg *leg, struct line *a, struct line *b,
                   int64_t now)
{
    struct conference *c = leg->me->conference, *old = b->member ? b->member->conference : NULL;
    char *identity;
    bool ok;

    if (c->group) {
        c = conference_new(s, false);
        if (!c || !line_move(s, a, c, now))
            return false;
    }
    if (old) {
        ok = line_move(s, b, c, now) != NULL;
    } else {
        identity = conference_identity(s, b->address);
        ok = line_seat(s, b, c, identity) != NULL;
        free(identity);
    }
    if (!ok)
        return false;
    line_quiet(s, a);
    line_quiet(s, b);
    line_connect(s, a, "transferred", b->address);
    line_connect(s, b, old ? "transferred" : "connected", a->address);
    return true;
}

/* The other call's phone, for a consultative transfer; NULL when that call cannot be merged. */
static struct line *consulted(struct switchboard *s, const struct leg *leg)
{
    struct leg *other = leg_find(s, leg->replaces);

    return other && other != leg && other->state == LEG_ESTABLISHED ? leg_phone(other) : NULL;
}

void transfer_step(struct switchboard *s, struct leg *leg, int64_t now)
{
    if (!moved(leg)) {
        transfer_failed(s, leg, 500, leg->replaces ? 7700 : 7000, "The transferee has left.", now);
    } else if (!leg->replaces) {
        if (!line_ring(s, leg->target, LINE_TRANSFER, leg, TRANSFER_RING_MS, now))
            transfer_failed(s, leg, 500, 7000, "The target cannot be called.", now);
    } else if (consulted(s, leg)) {
        leg_state(s, leg, LEG_TRANSFER_ACCEPTED, NULL, now);
        leg_step_at(s, leg, STEP_TRANSFER_DONE, now + BOARD_SETUP_MS);
    } else {
        transfer_failed(s, leg, 500, 7700, "The call to be replaced is not established.", now);
    }
}

void transfer_accepted(struct switchboard *s, struct leg *leg, struct line *target, int64_t now)
{
    struct line *a = moved(leg);

    if (!a || !bridge(s, leg, a, target, now)) {
        line_end(s, target, 480, 0, "The other party has left.", now);
        transfer_failed(s, leg, 500, 7000, "The transferee has left.", now);
        return;
    }
    leg_state(s, leg, LEG_TRANSFER_ACCEPTED, NULL, now);
    leg_step_at(s, leg, STEP_TRANSFER_DONE, now + BOARD_SETUP_MS);
}

void transfer_done(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct leg *other = leg->replaces ? leg_find(s, leg->replaces) : NULL;
    struct line *a, *b;

    if (!leg->replaces) {
        leg_end(s, leg, 0, 7015, "GracefulTransferCompleted", now);
        return;
    }
    a = moved(leg);
    b = consulted(s, leg);
    if (!a || !b || !bridge(s, leg, a, b, now)) {
        transfer_failed(s, leg, 500, 7700, "One of the two calls has ended.", now);
        return;
    }
    leg_end(s, other, 0, 7015, "GracefulTransferCompleted", now);
    leg_end_with(s, leg, -1, 0, NULL, ",\"terminationReason\":\"AppTransferred\"", now);
}

void transfer_failed(struct switchboard *s, struct leg *leg, int code, int subcode,
                     const char *message, int64_t now)
{
    struct buf b = {0};
    char *more;

    if (leg->over || leg->state < LEG_TRANSFERRING || leg->state > LEG_TRANSFER_ACCEPTED)
        return;
    board_timer_stop(s, &leg->step);
    buf_str(&b, ",\"resultInfo\":");
    board_result(&b, code, subcode, message);
    if (leg->replaces) {
        buf_str(&b, ",\"replacesContext\":");
        board_quote(&b, leg->replaces);
    }
    more = board_take(s, &b);
    board_set(s, &leg->replaces, NULL);
    leg_state(s, leg, LEG_ESTABLISHED, more, now);
    free(more);
}

/* --- redirect ------------------------------------------------------------------------------ */

void redirect_won(struct switchboard *s, struct leg *leg, struct line *target, int64_t now)
{
    struct conference *c = leg->me->conference;
    struct line *caller = NULL;
    char *identity = conference_identity(s, target->address), *more;
    struct buf b = {0};
    struct list *it;

    for (it = c->members.next; it != &c->members; it = it->next) {
        struct member *m = list_entry(it, struct member, object.link);

        if (m->line)
            caller = m->line;
    }
    if (!caller || !line_seat(s, target, c, identity)) {
        free(identity);
        line_end(s, target, 480, 0, "The caller has left.", now);
        return;
    }
    line_connect(s, target, "connected", caller->address);
    line_connect(s, caller, "transferred", target->address);
    while (!list_empty(&leg->ringing))
        line_end(s, list_entry(leg->ringing.next, struct line, ringing), 487, 0,
                 "Answered elsewhere.", now);
    buf_str(&b, ",\"callbackUri\":");
    board_quote(&b, leg->callback);
    buf_fmt(&b, ",\"source\":%s,\"targets\":%s,\"tenantId\":", leg->source ? leg->source : "null",
            leg->targets ? leg->targets : "[]");
    board_quote(&b, leg->tenant);
    buf_fmt(&b,
            ",\"myParticipantId\":\"%s\",\"answeredBy\":"
            "{\"@odata.type\":\"#microsoft.graph.participantInfo\",\"identity\":%s,"
            "\"endpointType\":\"default\"}",
            leg->me->id, identity ? identity : "{}");
    free(identity);
    more = board_take(s, &b);
    leg_end_with(s, leg, -1, 0, NULL, more, now);
    free(more);
}

void redirect_failed(struct switchboard *s, struct leg *leg, int code, int subcode,
                     const char *message, int64_t now)
{
    if (!leg->over && leg->state == LEG_REDIRECTING)
        leg_end(s, leg, code, subcode, message, now);
}

/* --- invitations --------------------------------------------------------------------------- */

/* An invitee who is in another call of the bot is moved over, without ringing. */
static struct line *line_elsewhere(struct switchboard *s, const struct leg *leg,
                                   const cJSON *invitee)
{
    struct leg *other = leg_find(s, json_str(invitee, "replacesCallId"));
    const char *participant = json_str(invitee, "participantId");
    struct member *m;

    if (!other || other == leg || !leg_in_conversation(other))
        return NULL;
    if (!participant)
        return leg_phone(other);
    m = conference_find(other->me->conference, participant);
    return m && !m->pending ? m->line : NULL;
}

static void move_over(struct switchboard *s, struct leg *leg, struct operation *op, struct line *l,
                      int64_t now)
{
    struct conference *from = l->member->conference;
    struct member *m = line_move(s, l, leg->me->conference, now);

    if (!m)
        return;
    line_quiet(s, l);
    m->lobby = false;
    line_connect(s, l, "connected", NULL);
    roster_changed(s, m, NULL, now);
    conference_settle(s, from, 200, 5003, "The participant has moved to another call.", now);
    op->joined++;
    operation_complete_soon(s, op, now);
}

bool invite(struct switchboard *s, struct leg *leg, struct operation *op, const cJSON *invitee,
            int64_t timeout_ms, int64_t now)
{
    const cJSON *identity = json_get(invitee, "identity");
    const char *address = conference_identity_id(identity, NULL);
    struct line *l = op ? line_elsewhere(s, leg, invitee) : NULL;
    struct member *m;
    char *text;

    if (l) {
        move_over(s, leg, op, l, now);
        return true;
    }
    l = line_ring(s, address ? address : "?", LINE_INVITED, NULL, timeout_ms, now);
    if (!l)
        return false;
    text = json_text(identity);
    m = line_seat(s, l, leg->me->conference, text ? text : "{}");
    free(text);
    if (!m) {
        line_end(s, l, 480, 0, "The conference is full.", now);
        return false;
    }
    m->pending = true;
    m->hidden = json_bool(invitee, "hidden", false);
    memcpy(l->inviter, leg->id, sizeof l->inviter);
    if (op) {
        memcpy(l->operation, op->id, sizeof l->operation);
        op->invited++;
    }
    return true;
}

void invite_answered(struct switchboard *s, struct line *l, bool in, int code, int subcode,
                     const char *message, int64_t now)
{
    struct leg *leg = leg_find(s, l->inviter);
    struct operation *op = leg ? operation_find(leg, l->operation) : NULL;

    if (!op || op->status != OPERATION_RUNNING)
        return;
    op->invited--;
    op->joined += in;
    if (op->invited)
        return;
    if (op->joined)
        operation_end(s, op, OPERATION_COMPLETED, 0, 0, NULL, now);
    else
        operation_end(s, op, OPERATION_FAILED, code, subcode, message, now);
}
