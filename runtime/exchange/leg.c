#include "exchange/leg.h"

#include "exchange/line.h"
#include "exchange/media.h"
#include "exchange/observe.h"
#include "exchange/roster.h"
#include "exchange/transfer.h"

#include <stdlib.h>
#include <string.h>

static void leg_free(struct switchboard *s, void *object)
{
    struct leg *leg = object;
    char **texts[] = {&leg->callback,     &leg->context,     &leg->source,  &leg->targets,
                      &leg->media_config, &leg->modalities,  &leg->chat,    &leg->meeting,
                      &leg->routes,       &leg->answered_by, &leg->subject, &leg->tenant,
                      &leg->chain,        &leg->replaces,    &leg->target};

    while (!list_empty(&leg->operations))
        operation_free(s, list_entry(leg->operations.next, struct operation, link));
    media_fini(s, leg);
    observe_fini(leg);
    outbox_fini(s, &leg->outbox);
    board_timer_stop(s, &leg->step);
    board_timer_stop(s, &leg->sounds);
    board_timer_stop(s, &leg->silence);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(*texts[i]);
    free(leg);
}

/* Nothing is left to be sent: an ended leg can go. */
static void drained(struct switchboard *s, void *owner)
{
    struct leg *leg = owner;

    if (leg->over)
        board_bury(s, &leg->object);
}

static void sound_fires(struct switchboard *s, void *owner, int64_t now)
{
    struct leg *leg = owner;

    if (!leg_in_conversation(leg) || leg->sound)
        return;
    leg->sound = true;
    leg_state(s, leg, leg->state,
              ",\"mediaState\":{\"@odata.type\":\"#microsoft.graph.callMediaState\","
              "\"audio\":\"active\"}",
              now);
    media_pump(s, leg, now);
}

static void silence_fires(struct switchboard *s, void *owner, int64_t now)
{
    leg_end(s, owner, 408, 8537, "The call has ended because no keepAlive was received.", now);
}

static void step_fires(struct switchboard *s, void *owner, int64_t now)
{
    struct leg *leg = owner;

    switch (leg->next) {
    case STEP_OFFER_EXPIRES:
        leg_end(s, leg, 408, 10057, "The call was not answered in time.", now);
        break;
    case STEP_ESTABLISH:
        leg_established(s, leg, now);
        break;
    case STEP_DELETE:
        leg_end(s, leg, 200, 7000, "The call was ended by the bot.", now);
        break;
    case STEP_TRANSFER:
        transfer_step(s, leg, now);
        break;
    case STEP_TRANSFER_DONE:
        transfer_done(s, leg, now);
        break;
    case STEP_REDIRECT_EXPIRES:
        redirect_failed(s, leg, 408, 0, "No target has picked up.", now);
        break;
    case STEP_UNWATCHED:
        leg_end(s, leg, 200, 5002, "All recorded participants have left.", now);
        break;
    case STEP_LOBBY_EXPIRES:
        leg_end(s, leg, 200, 5855, "Nobody has admitted the participant from the lobby.", now);
        break;
    }
}

struct leg *leg_new(struct switchboard *s, struct conference *c, const char *identity)
{
    struct leg *leg = calloc(1, sizeof *leg);
    char key[ID_MAX];

    if (!leg) {
        board_nomem(s);
        return NULL;
    }
    leg->object.free = leg_free;
    leg->object.object = leg;
    list_append(&s->all_legs, &leg->object.link);
    list_init(&leg->operations);
    list_init(&leg->ringing);
    list_init(&leg->recordings);
    list_init(&leg->questions);
    outbox_init(&leg->outbox, drained, leg);
    media_init(leg);
    board_timer_init(&leg->step, step_fires, leg);
    board_timer_init(&leg->sounds, sound_fires, leg);
    board_timer_init(&leg->silence, silence_fires, leg);
    board_guid(s, leg->id);
    leg->me = conference_add(s, c, identity);
    if (!leg->me || !id_normalise(key, leg->id) || map_put(&s->legs, key, leg)) {
        if (leg->me) {
            board_nomem(s);
            board_bury(s, &leg->me->object);
            c->nmembers--;
        }
        leg->over = true;
        board_bury(s, &leg->object);
        return NULL;
    }
    leg->me->leg = leg;
    board_set(s, &leg->chain, c->chain);
    return leg;
}

struct leg *leg_find(const struct switchboard *s, const char *id)
{
    char key[ID_MAX];

    return id_normalise(key, id) ? map_get(&s->legs, key) : NULL;
}

bool leg_in_conversation(const struct leg *leg)
{
    return !leg->over && leg->state >= LEG_ESTABLISHED && leg->state <= LEG_TRANSFER_ACCEPTED;
}

bool leg_is_group(const struct leg *leg)
{
    return leg->me && leg->me->conference->group;
}

struct line *leg_phone(const struct leg *leg)
{
    return leg->me && !leg_is_group(leg) ? conference_phone(leg->me->conference, 0) : NULL;
}

static char *envelope(struct switchboard *s, const struct leg *leg, const char *change,
                      const char *suffix, const char *data)
{
    struct buf b = {0};

    BOARD_TEXTS(&b,
                "{\"@odata.type\":\"#microsoft.graph.commsNotifications\",\"value\":["
                "{\"@odata.type\":\"#microsoft.graph.commsNotification\",\"changeType\":\"",
                change, "\",\"resourceUrl\":\"/communications/calls/", leg->id,
                suffix ? suffix : "", "\",\"callbackUri\":");
    board_quote(&b, leg->callback);
    if (data)
        BOARD_TEXTS(&b, ",\"resourceData\":", data);
    buf_str(&b, "}]}");
    return board_take(s, &b);
}

void leg_notify(struct switchboard *s, struct leg *leg, const char *change, const char *suffix,
                const char *data, int64_t now)
{
    char *body = envelope(s, leg, change, suffix, data);

    outbox_add(s, &leg->outbox, leg->callback, body, strcmp(change, "deleted") == 0, NULL, now);
    free(body);
}

void leg_notify_early(struct switchboard *s, struct leg *leg, const char *change,
                      const char *suffix, const char *data)
{
    char *body = envelope(s, leg, change, suffix, data);

    if (body && leg->callback)
        outbox_early(s, leg->callback, body);
    free(body);
}

void leg_state(struct switchboard *s, struct leg *leg, enum leg_state state, const char *more,
               int64_t now)
{
    struct buf b = {0};
    char *data;

    leg->state = state;
    leg_state_text(&b, leg, more);
    data = board_take(s, &b);
    leg_notify(s, leg, state == LEG_TERMINATED ? "deleted" : "updated", NULL, data, now);
    free(data);
}

static void offered(struct switchboard *s, void *owner, bool delivered, const char *body, size_t n,
                    int64_t now)
{
    struct leg *leg = owner;

    (void)body;
    (void)n;
    if (!delivered && !leg->over && leg->state == LEG_INCOMING)
        leg_end(s, leg, 500, 1005, "The bot could not be reached.", now);
}

void leg_offer(struct switchboard *s, struct leg *leg, int64_t answer_ms, int64_t now)
{
    struct buf b = {0};
    char *data, *body;

    leg->state = LEG_INCOMING;
    leg_text(&b, leg);
    data = board_take(s, &b);
    body = envelope(s, leg, "created", NULL, data);
    outbox_add(s, &leg->outbox, leg->callback, body, true, offered, now);
    free(data);
    free(body);
    leg_step_at(s, leg, STEP_OFFER_EXPIRES, now + answer_ms);
    board_timer_set(s, &leg->silence, now + s->cfg.silence_ms);
}

void leg_step_at(struct switchboard *s, struct leg *leg, enum leg_step next, int64_t at)
{
    leg->next = next;
    board_timer_set(s, &leg->step, at);
}

void leg_sound_soon(struct switchboard *s, struct leg *leg, int64_t now)
{
    if (!leg->sound)
        board_timer_set(s, &leg->sounds, now + BOARD_SOUND_MS);
}

static void connect_phones(struct switchboard *s, struct conference *c)
{
    struct list *it, *tmp;

    list_each (it, tmp, &c->members) {
        struct member *m = list_entry(it, struct member, object.link);

        if (m->line && !m->pending && m->line->state == LINE_RINGING)
            line_connect(s, m->line, "connected", NULL);
    }
}

void leg_established(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct conference *c = leg->me->conference;
    struct buf b = {0};
    char *more = NULL;

    board_timer_stop(s, &leg->step);
    leg->me->pending = false;
    observe_begins(s, leg);
    if (leg->chat || leg->meeting) {
        buf_fmt(&b, ",\"chatInfo\":%s,\"meetingInfo\":%s", leg->chat ? leg->chat : "null",
                leg->meeting ? leg->meeting : "null");
        more = board_take(s, &b);
    }
    leg_state(s, leg, LEG_ESTABLISHED, more, now);
    free(more);
    if (!c->group)
        connect_phones(s, c);
    roster_first(s, leg, now);
    if (leg->me->lobby)
        leg_step_at(s, leg, STEP_LOBBY_EXPIRES, now + LEG_LOBBY_MS);
    else
        leg_sound_soon(s, leg, now);
}

void leg_end(struct switchboard *s, struct leg *leg, int code, int subcode, const char *message,
             int64_t now)
{
    leg_end_with(s, leg, code, subcode, message, NULL, now);
}

void leg_end_with(struct switchboard *s, struct leg *leg, int code, int subcode,
                  const char *message, const char *more, int64_t now)
{
    struct conference *c = leg->me ? leg->me->conference : NULL;
    char key[ID_MAX], *text;
    struct buf b = {0};

    if (leg->over)
        return;
    media_end(s, leg, now);
    observe_ends(s, leg);
    leg->over = true;
    board_timer_stop(s, &leg->step);
    board_timer_stop(s, &leg->sounds);
    board_timer_stop(s, &leg->silence);
    if (id_normalise(key, leg->id))
        map_remove(&s->legs, key);
    while (!list_empty(&leg->ringing))
        line_end(s, list_entry(leg->ringing.next, struct line, ringing), 487, 0,
                 "The call is over.", now);
    if (code >= 0) {
        buf_str(&b, ",\"resultInfo\":");
        board_result(&b, code, subcode, message);
    }
    buf_str(&b, more ? more : "");
    text = board_take(s, &b);
    leg_state(s, leg, LEG_TERMINATED, text, now);
    free(text);
    if (leg->me)
        conference_remove(s, leg->me, "Removed", now);
    if (c)
        conference_settle(s, c, code < 0 ? 200 : code, code < 0 ? 0 : subcode, message, now);
    if (outbox_empty(&leg->outbox))
        board_bury(s, &leg->object);
}

unsigned switchboard_lose_meetings(struct switchboard *s, int64_t now)
{
    struct list *it, *tmp;
    unsigned n = 0;

    list_each (it, tmp, &s->all_legs) {
        struct leg *leg = (struct leg *)list_entry(it, struct board_object, link)->object;

        if (leg->over || !leg->me || !leg->me->conference->meeting)
            continue;
        free(leg->callback);
        leg->callback = NULL;
        leg_end(s, leg, 500, 0, "The service has lost the call.", now);
        n++;
    }
    return n;
}

void leg_tone(struct switchboard *s, struct leg *leg, char key, int64_t now)
{
    const char *name = leg_tone_name(key);
    struct buf b = {0};
    char *more;

    if (!leg_in_conversation(leg) || leg->me->lobby || leg->app_media || !name)
        return;
    if (leg->subscribed) {
        buf_fmt(&b,
                ",\"toneInfo\":{\"@odata.type\":\"#microsoft.graph.toneInfo\",\"sequenceId\":%lld,"
                "\"tone\":\"%s\"}",
                (long long)++leg->tones, name);
        more = board_take(s, &b);
        leg_state(s, leg, leg->state, more, now);
        free(more);
    }
    media_tone(s, leg, key, now);
}

void leg_keep_alive(struct switchboard *s, struct leg *leg, int64_t now)
{
    board_timer_set(s, &leg->silence, now + s->cfg.silence_ms);
}
