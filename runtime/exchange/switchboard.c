#include "exchange/switchboard.h"

#include "exchange/leg.h"
#include "exchange/line.h"
#include "exchange/media.h"
#include "exchange/roster.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 15000, SILENCE_MS = 45 * 60 * 1000, LATE_MS = 1000 };

static int copy_config(struct switchboard *s, const struct switchboard_config *cfg)
{
    s->cfg = *cfg;
    s->cfg.root = s->cfg.app_id = s->cfg.webhook = s->cfg.tenant = NULL;
    board_set(s, &s->cfg.root, cfg->root ? cfg->root : "");
    board_set(s, &s->cfg.app_id, cfg->app_id ? cfg->app_id : "");
    board_set(s, &s->cfg.webhook, cfg->webhook ? cfg->webhook : "");
    board_set(s, &s->cfg.tenant, cfg->tenant ? cfg->tenant : "");
    if (s->cfg.answer_ms <= 0)
        s->cfg.answer_ms = ANSWER_MS;
    if (s->cfg.silence_ms <= 0)
        s->cfg.silence_ms = SILENCE_MS;
    return board_leave(s, 0);
}

static void init_maps(struct switchboard *s)
{
    struct map *maps[] = {&s->legs,  &s->lines,   &s->phones,  &s->meetings,
                          &s->clips, &s->fetches, &s->notices, &s->recordings};

    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        map_init(maps[i], random_next(&s->random));
}

int switchboard_new(struct switchboard **out, const struct switchboard_config *cfg, struct error *e)
{
    struct switchboard *s = calloc(1, sizeof *s);

    if (!s)
        return error_set(e, ERR_NOMEM, "no memory for the switchboard");
    random_seed(&s->random, cfg->seed);
    init_maps(s);
    list_init(&s->actions);
    list_init(&s->kept);
    list_init(&s->all_legs);
    list_init(&s->all_conferences);
    list_init(&s->dead);
    if (copy_config(s, cfg)) {
        switchboard_free(s);
        return error_set(e, ERR_NOMEM, "no memory for the switchboard");
    }
    *out = s;
    return 0;
}

static void free_objects(struct switchboard *s, struct list *head)
{
    while (!list_empty(head)) {
        struct board_object *o = list_entry(head->next, struct board_object, link);

        list_remove(&o->link);
        o->free(s, o->object);
    }
}

void switchboard_free(struct switchboard *s)
{
    struct switchboard_action a;

    if (!s)
        return;
    while (!list_empty(&s->kept))
        recording_free(s, list_entry(s->kept.next, struct recording, link));
    board_leave(s, 0);
    free_objects(s, &s->all_legs);
    while (s->lines.n) {
        struct line *l = s->lines.entries[0].value;

        map_remove(&s->lines, l->id);
        l->object.free(s, l);
    }
    free_objects(s, &s->all_conferences);
    while (s->phones.n)
        switchboard_unregister(s, ((struct phone *)s->phones.entries[0].value)->address);
    while (s->clips.n) {
        struct clip *c = s->clips.entries[0].value;

        map_remove(&s->clips, c->key);
        clip_free(c);
    }
    while (switchboard_next(s, &a))
        switchboard_action_fini(&a);
    map_fini(&s->legs);
    map_fini(&s->lines);
    map_fini(&s->phones);
    map_fini(&s->meetings);
    map_fini(&s->clips);
    map_fini(&s->fetches);
    map_fini(&s->notices);
    map_fini(&s->recordings);
    heap_fini(&s->timers);
    free(s->cfg.root);
    free(s->cfg.app_id);
    free(s->cfg.webhook);
    free(s->cfg.tenant);
    free(s);
}

void switchboard_set_faults(struct switchboard *s, const struct switchboard_faults *f)
{
    s->cfg.faults = *f;
}

size_t switchboard_calls(const struct switchboard *s)
{
    return s->legs.n;
}

int64_t switchboard_next_deadline(const struct switchboard *s)
{
    const struct heap_entry *e = heap_first(&s->timers);

    return e ? e->at : INT64_MAX;
}

int switchboard_tick(struct switchboard *s, int64_t now)
{
    struct heap_entry *e;
    int err = 0;

    while ((e = heap_first(&s->timers)) && e->at <= now) {
        struct board_timer *t = list_entry(e, struct board_timer, entry);
        /* A late tick does not stretch what was to follow; one that is very late does not replay
         * the time that was missed either. */
        int64_t at = e->at + LATE_MS < now ? now : e->at;

        heap_remove(&s->timers, e);
        t->fire(s, t->owner, at);
        err = board_leave(s, err);
    }
    return err;
}

/* --- phones come in ------------------------------------------------------------------------ */

/* Who is called: a number reaches the bot through a resource account; an id is the bot itself, or
 * somebody whose calls go on to it. */
static void address_bot(struct switchboard *s, struct leg *leg, const char *to)
{
    const char *kind = to[0] == '+' ? "applicationInstance" : "application";
    struct buf b = {0};

    buf_fmt(&b,
            "[{\"@odata.type\":\"#microsoft.graph.invitationParticipantInfo\",\"identity\":"
            "{\"@odata.type\":\"#microsoft.graph.identitySet\",\"%s\":"
            "{\"@odata.type\":\"#microsoft.graph.identity\",\"displayName\":\"Calling Bot\","
            "\"id\":",
            kind);
    board_quote(&b, s->cfg.app_id);
    buf_str(&b, ",\"tenantId\":");
    board_quote(&b, s->cfg.tenant);
    buf_str(&b, "}},\"endpointType\":\"default\",\"region\":null,\"languageId\":null}]");
    leg->targets = board_take(s, &b);
    if (id_equal(to, s->cfg.app_id))
        return;
    buf_fmt(&b,
            "[{\"@odata.type\":\"#microsoft.graph.callRoute\",\"routingType\":\"%s\","
            "\"original\":{\"@odata.type\":\"#microsoft.graph.identitySet\",\"%s\":"
            "{\"@odata.type\":\"#microsoft.graph.identity\",\"id\":",
            to[0] == '+' ? "lookup" : "forwarded", to[0] == '+' ? "phone" : "user");
    board_quote(&b, to);
    buf_str(&b, "}},\"final\":{\"@odata.type\":\"#microsoft.graph.identitySet\","
                "\"applicationInstance\":{\"@odata.type\":\"#microsoft.graph.identity\","
                "\"displayName\":\"Calling Bot\",\"id\":");
    board_quote(&b, s->cfg.app_id);
    buf_str(&b, "}}}]");
    leg->routes = board_take(s, &b);
}

static void describe_caller(struct switchboard *s, struct leg *leg, const char *identity)
{
    struct buf b = {0};

    buf_fmt(&b,
            "{\"@odata.type\":\"#microsoft.graph.participantInfo\",\"identity\":%s,"
            "\"endpointType\":\"default\",\"countryCode\":null,\"region\":\"emea\","
            "\"languageId\":\"en-US\"}",
            identity ? identity : "{}");
    leg->source = board_take(s, &b);
}

static char *bot_identity(struct switchboard *s)
{
    struct buf b = {0};

    buf_str(&b, "{\"@odata.type\":\"#microsoft.graph.identitySet\",\"application\":"
                "{\"@odata.type\":\"#microsoft.graph.identity\",\"displayName\":\"Calling Bot\","
                "\"id\":");
    board_quote(&b, s->cfg.app_id);
    buf_str(&b, "}}");
    return board_take(s, &b);
}

int switchboard_dial(struct switchboard *s, const char *from, const char *to, int64_t now,
                     char line[ID_MAX], struct error *e)
{
    char plain[BOARD_MAX_ADDRESS], *identity, *own;
    struct conference *c;
    struct leg *leg;
    struct line *l;

    if (!board_address(plain, from) || !board_address(plain, to))
        return error_set(e, ERR_INVALID, "an address is a phone number or a user id");
    if (s->legs.n >= BOARD_MAX_CALLS || s->lines.n >= BOARD_MAX_LINES)
        return error_set(e, ERR_LIMIT, "at most %d calls", BOARD_MAX_CALLS);
    c = conference_new(s, false);
    l = c ? line_new(s, from) : NULL;
    own = bot_identity(s);
    identity = conference_identity(s, from);
    leg = l ? leg_new(s, c, own) : NULL;
    if (!leg || !line_seat(s, l, c, identity)) {
        free(own);
        free(identity);
        if (leg)
            leg_end(s, leg, 500, 0, NULL, now);
        else if (l)
            line_end(s, l, 500, 0, NULL, now);
        if (c)
            conference_settle(s, c, 500, 0, NULL, now);
        return error_set(e, board_leave(s, ERR_NOMEM), "no memory for a call");
    }
    leg->incoming = true;
    board_set(s, &leg->callback, s->cfg.webhook);
    board_set(s, &leg->tenant, s->cfg.tenant);
    describe_caller(s, leg, identity);
    address_bot(s, leg, to);
    free(own);
    free(identity);
    memcpy(line, l->id, sizeof l->id);
    board_action(s, SWITCH_STATE, l->id, "ringing", NULL, 0);
    leg_offer(s, leg, s->cfg.answer_ms, now);
    return board_leave(s, 0);
}

int switchboard_join(struct switchboard *s, const char *address, const char *meeting, int64_t now,
                     char line[ID_MAX], struct error *e)
{
    char plain[BOARD_MAX_ADDRESS], key[256], *identity;
    struct conference *c;
    struct member *m;
    struct line *l;

    if (!board_address(plain, address))
        return error_set(e, ERR_INVALID, "an address is a phone number, a user id or guest:name");
    if (!conference_key_text(key, meeting))
        return error_set(e, ERR_INVALID, "a meeting is a thread id, a meeting id or a join link");
    if (s->lines.n >= BOARD_MAX_LINES)
        return error_set(e, ERR_LIMIT, "at most %d lines", BOARD_MAX_LINES);
    c = conference_meeting(s, key);
    l = c ? line_new(s, address) : NULL;
    identity = conference_identity(s, address);
    m = l ? line_seat(s, l, c, identity) : NULL;
    free(identity);
    if (!m) {
        int err = s->err ? s->err : ERR_LIMIT;

        if (l)
            line_end(s, l, 480, 0, "The meeting is full.", now);
        if (c)
            conference_settle(s, c, 500, 0, NULL, now);
        return error_set(e, board_leave(s, err),
                         err == ERR_LIMIT ? "the meeting is full" : "no memory for a line");
    }
    memcpy(line, l->id, sizeof l->id);
    if (strncmp(address, "guest:", 6) == 0) {
        m->lobby = true;
        line_wait(s, l);
    } else {
        line_connect(s, l, "connected", NULL);
    }
    roster_changed(s, m, NULL, now);
    return board_leave(s, 0);
}
