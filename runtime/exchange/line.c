#include "exchange/line.h"

#include "exchange/leg.h"
#include "exchange/media.h"
#include "exchange/roster.h"
#include "exchange/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void line_free(struct switchboard *s, void *object)
{
    struct line *l = object;
    struct list *it, *tmp;

    board_timer_stop(s, &l->timer);
    list_remove(&l->ringing);
    list_each (it, tmp, &l->speech) {
        free(list_entry(it, struct segment, link));
    }
    free(l->address);
    free(l);
}

void line_refused(struct switchboard *s, struct line *l, int code, int subcode, const char *message,
                  int64_t now)
{
    struct conference *c = l->member ? l->member->conference : NULL;
    struct leg *leg = l->leg;

    switch (l->purpose) {
    case LINE_TARGET:
        line_end(s, l, code, subcode, message, now);
        if (leg)
            leg_end(s, leg, code, subcode, message, now);
        break;
    case LINE_TRANSFER:
        line_end(s, l, code, subcode, message, now);
        if (leg)
            transfer_failed(s, leg, 500, 7000, message, now);
        break;
    case LINE_REDIRECT:
        line_end(s, l, code, subcode, message, now);
        if (leg && list_empty(&leg->ringing))
            redirect_failed(s, leg, code, subcode, message, now);
        break;
    case LINE_INVITED:
        invite_answered(s, l, false, code, subcode, message, now);
        line_end(s, l, code, subcode, message, now);
        if (c)
            conference_settle(s, c, code, subcode, message, now);
        break;
    case LINE_CALLER:
        break;
    }
}

void line_picked_up(struct switchboard *s, struct line *l, int64_t now)
{
    board_timer_stop(s, &l->timer);
    switch (l->purpose) {
    case LINE_TARGET:
        l->member->pending = false;
        leg_established(s, l->leg, now);
        break;
    case LINE_INVITED:
        l->member->pending = false;
        l->member->conference->joined = true;
        line_connect(s, l, "connected", NULL);
        invite_answered(s, l, true, 0, 0, NULL, now);
        roster_changed(s, l->member, NULL, now);
        break;
    case LINE_TRANSFER:
        transfer_accepted(s, l->leg, l, now);
        break;
    case LINE_REDIRECT:
        redirect_won(s, l->leg, l, now);
        break;
    case LINE_CALLER:
        break;
    }
}

static void timer_fires(struct switchboard *s, void *owner, int64_t now)
{
    struct line *l = owner;

    if (l->state != LINE_RINGING || l->over)
        return;
    if (l->unknown)
        line_refused(s, l, 480, 10037, "No endpoint of the called party was found.", now);
    else if (now >= l->gives_up)
        line_refused(s, l, 408, 0, "The called party did not answer.", now);
    else
        line_picked_up(s, l, now);
}

struct line *line_new(struct switchboard *s, const char *address)
{
    struct line *l = s->lines.n < BOARD_MAX_LINES ? calloc(1, sizeof *l) : NULL;

    if (!l) {
        if (s->lines.n < BOARD_MAX_LINES)
            board_nomem(s);
        return NULL;
    }
    l->object.free = line_free;
    l->object.object = l;
    list_init(&l->object.link);
    list_init(&l->ringing);
    list_init(&l->speech);
    board_timer_init(&l->timer, timer_fires, l);
    board_guid(s, l->id);
    board_set(s, &l->address, address);
    if (!l->address || map_put(&s->lines, l->id, l)) {
        board_nomem(s);
        line_free(s, l);
        return NULL;
    }
    return l;
}

struct line *line_ring(struct switchboard *s, const char *address, enum line_purpose purpose,
                       struct leg *leg, int64_t timeout_ms, int64_t now)
{
    char key[BOARD_MAX_ADDRESS];
    struct phone *phone = board_address(key, address) ? map_get(&s->phones, key) : NULL;
    struct line *l = line_new(s, phone ? phone->address : address);

    if (!l)
        return NULL;
    l->purpose = purpose;
    l->leg = leg;
    l->unknown = !phone;
    l->gives_up = now + timeout_ms;
    if (leg && purpose != LINE_TARGET)
        list_append(&leg->ringing, &l->ringing);
    if (!phone) {
        board_timer_set(s, &l->timer, now + BOARD_SETUP_MS);
        return l;
    }
    board_action(s, SWITCH_RING, l->id, phone->address, NULL, 0);
    if (phone->auto_answer_ms >= 0 && phone->auto_answer_ms < timeout_ms)
        board_timer_set(s, &l->timer, now + phone->auto_answer_ms);
    else
        board_timer_set(s, &l->timer, l->gives_up);
    return l;
}

struct line *line_find(const struct switchboard *s, const char *id)
{
    return map_get(&s->lines, id);
}

static void state_action(struct switchboard *s, const struct line *l, const char *state,
                         const char *with)
{
    struct buf b = {0};
    char *body = NULL;

    if (with) {
        buf_str(&b, "{\"with\":");
        board_quote(&b, with);
        buf_char(&b, '}');
        body = board_take(s, &b);
    }
    board_action(s, SWITCH_STATE, l->id, state, body, 0);
    free(body);
}

void line_connect(struct switchboard *s, struct line *l, const char *state, const char *with)
{
    board_timer_stop(s, &l->timer);
    list_remove(&l->ringing);
    l->leg = NULL;
    l->state = LINE_CONNECTED;
    if (l->member && l->purpose != LINE_INVITED)
        l->member->conference->joined = true;
    state_action(s, l, state, with);
}

void line_quiet(struct switchboard *s, struct line *l)
{
    if (l->hears)
        board_action(s, SWITCH_STOP, l->id, NULL, "{\"completed\":false}", 0);
    l->hears = NULL;
}

void line_wait(struct switchboard *s, struct line *l)
{
    l->state = LINE_LOBBY;
    state_action(s, l, "lobby", NULL);
}

void line_end(struct switchboard *s, struct line *l, int code, int subcode, const char *message,
              int64_t now)
{
    struct buf b = {0};
    char *body;

    if (l->over)
        return;
    l->over = true;
    board_timer_stop(s, &l->timer);
    list_remove(&l->ringing);
    map_remove(&s->lines, l->id);
    line_quiet(s, l);
    if (l->member)
        conference_remove(s, l->member, "Removed", now);
    buf_fmt(&b, "{\"code\":%d,\"subcode\":%d,\"message\":", code, subcode);
    board_quote(&b, message ? message : "");
    buf_char(&b, '}');
    body = board_take(s, &b);
    board_action(s, SWITCH_STATE, l->id, "ended", body, 0);
    free(body);
    board_bury(s, &l->object);
}

void line_leave(struct switchboard *s, struct line *l, int64_t now)
{
    struct conference *c = l->member ? l->member->conference : NULL;
    bool phone = l->address[0] == '+';

    line_end(s, l, 200, 0, "Hung up.", now);
    if (c)
        conference_settle(s, c, 200, phone ? 540000 : 4521,
                          phone ? "The call was ended by the phone user."
                                : "The call was ended by the other participant.",
                          now);
}

struct member *line_seat(struct switchboard *s, struct line *l, struct conference *c,
                         const char *identity)
{
    struct member *m = conference_add(s, c, identity);

    if (m) {
        m->line = l;
        l->member = m;
    }
    return m;
}

struct member *line_move(struct switchboard *s, struct line *l, struct conference *c, int64_t now)
{
    struct member *old = l->member, *m = line_seat(s, l, c, old ? old->identity : "{}");

    if (m && old) {
        /* line_seat has taken l->member; the old seat must not clear it */
        old->line = NULL;
        conference_remove(s, old, "Moved", now);
    } else if (!m) {
        l->member = old;
    }
    if (m)
        c->joined = true;
    return m;
}

/* --- speech -------------------------------------------------------------------------------- */

static int64_t segment_end(const struct segment *g)
{
    return g->from + (int64_t)(g->n / 16);
}

void line_forget_spoken(struct line *l, int64_t now)
{
    struct list *it, *tmp;

    list_each (it, tmp, &l->speech) {
        struct segment *g = list_entry(it, struct segment, link);

        if (segment_end(g) > now)
            break;
        list_remove(&g->link);
        l->speech_bytes -= g->n * sizeof *g->samples;
        free(g);
    }
}

void line_speech_to(struct switchboard *s, struct line *l, struct leg *leg, int64_t now)
{
    struct list *it, *tmp;

    line_forget_spoken(l, now);
    list_each (it, tmp, &l->speech) {
        struct segment *g = list_entry(it, struct segment, link);

        media_hear(s, leg, g->from, g->samples, g->n, now);
    }
}
