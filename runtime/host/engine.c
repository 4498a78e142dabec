#include "host/engine_state.h"
#include "host/recover.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Turns run on behalf of one thing that came in. What is left then is done at the next tick, which
 * is due at once: a flow that makes work for itself without end cannot hold the driver. */
#define TURNS 1000

/* Memory was out: go on after so long. */
#define RETRY_MS 100

static int make_wire(struct engine *en, struct error *e)
{
    struct wire_config cfg = en->cfg.wire;

    cfg.stray = recovery_stray;
    cfg.stray_arg = en;
    return wire_new(&en->wire, &cfg, e);
}

int engine_new(struct engine **out, const struct engine_config *cfg, struct error *e)
{
    struct engine *en = calloc(1, sizeof *en);
    int rc;

    if (!en)
        return error_set(e, ERR_NOMEM, "no memory");
    en->cfg = *cfg;
    gate_init(&en->gate);
    mailbox_init(&en->mailbox);
    turnaway_init(&en->turnaway);
    en->again = en->recover_at = INT64_MAX;
    if (cfg->record)
        en->source = (struct values_source){cfg->record->get_value, cfg->record->committed,
                                            cfg->record->arg};
    en->values = cfg->values;
    rc = cfg->values ? 0 : values_new(&en->values, cfg->record ? &en->source : NULL);
    if (rc == 0)
        rc = core_new(&en->core, &cfg->core, e);
    else
        error_set(e, rc, "no memory");
    if (rc == 0)
        rc = make_wire(en, e);
    if (rc < 0) {
        engine_free(en);
        return rc;
    }
    *out = en;
    return 0;
}

void engine_free(struct engine *en)
{
    if (!en)
        return;
    recovery_free(en->recovery);
    if (en->core)
        core_free(en->core);
    if (en->wire)
        wire_free(en->wire);
    for (size_t i = en->head; i < en->n; i++)
        engine_action_fini(&en->actions[i]);
    free(en->actions);
    command_list_fini(&en->commands);
    gate_fini(&en->gate);
    mailbox_fini(&en->mailbox);
    turnaway_fini(&en->turnaway);
    command_list_fini(&en->asked);
    if (en->values != en->cfg.values)
        values_free(en->values);
    free(en);
}

struct core *engine_core(struct engine *en)
{
    return en->core;
}

struct wire *engine_wire(struct engine *en)
{
    return en->wire;
}

/* Room for one more action, so that what is taken from the wire can always be kept. */
int engine_reserve(struct engine *en)
{
    struct engine_action *p;
    size_t cap;

    if (en->n < en->cap)
        return 0;
    if (en->head > 0) {
        memmove(en->actions, en->actions + en->head, (en->n - en->head) * sizeof *en->actions);
        en->n -= en->head;
        en->head = 0;
        if (en->n < en->cap)
            return 0;
    }
    cap = en->cap ? 2 * en->cap : 16;
    p = realloc(en->actions, cap * sizeof *p);
    if (!p)
        return ERR_NOMEM;
    en->actions = p;
    en->cap = cap;
    return 0;
}

static void record_event(struct engine *en, const struct event *ev)
{
    const struct engine_record *record = en->cfg.record;
    uint64_t position;

    if (en->cfg.event)
        en->cfg.event(en->cfg.trace_arg, ev);
    if (!record)
        return;
    position = record->event(record->arg, ev);
    if (position > en->position)
        en->position = position;
    if (!position && ev->kind == EVENT_START)
        engine_note(en, "error", ev->key,
                    strdup("the journal has not taken the call: it would not survive a crash"));
}

/* A turn that was cut short is part of the record: the hooks see that right after its event. */
static void record_overrun(struct engine *en)
{
    struct event ev = {0};

    if (!core_overrun(en->core, &ev))
        return;
    record_event(en, &ev);
    event_fini(&ev);
}

/* The machine has given call `key` up for want of memory, or could not begin it. What it still
 * wanted done is done as far as possible, and journal and wire forget the call too, which takes no
 * memory in the wire. */
static void give_up(struct engine *en, const char *key, int code, int64_t now)
{
    struct command end = {.kind = COMMAND_END};

    for (; en->done < en->commands.n; en->done++, en->traced = false) {
        engine_issue(en, &en->commands.items[en->done], &en->traced, now);
    }
    command_list_reset(&en->commands);
    en->done = 0;
    memcpy(end.key, key, sizeof end.key);
    if (en->cfg.record)
        en->cfg.record->command(en->cfg.record->arg, &end);
    wire_command(en->wire, &end, now);
    engine_note_lost(en, key, "the call", code);
}

/* Give an incoming call the flow that the driver wants for it. */
static void override_route(struct engine *en, struct event *ev)
{
    const char *direction = json_str(ev->data, "direction"), *flow;

    if (!en->cfg.route || !direction || strcmp(direction, "incoming") != 0)
        return;
    flow = en->cfg.route(en->cfg.route_arg, ev);
    if (flow && json_set_str(ev->data, "flow", flow) < 0)
        engine_note_lost(en, ev->key, "the choice of a flow", ERR_NOMEM);
}

/* What a start is to say beside what the wire knows. */
static void complete_start(struct engine *en, struct event *ev)
{
    const struct bundle *b = core_bundle(en->core);
    const char *id = en->cfg.record && b ? b->id : NULL, *chosen = NULL;
    int err = 0;

    if (json_str(ev->data, "bundle"))
        return; /* it was begun before */
    override_route(en, ev);
    if (en->cfg.choose)
        chosen = en->cfg.choose(en->cfg.trace_arg, ev);
    if (chosen || id)
        err = json_set_str(ev->data, "bundle", chosen ? chosen : id);
    if (!err && en->rejoining[0] && strcmp(en->rejoining, ev->key) == 0)
        err = json_set(ev->data, "rejoined", cJSON_CreateTrue());
    if (!err && en->rejoining[0] && strcmp(en->rejoining, ev->key) == 0)
        err = json_set_str(ev->data, "rejoins", en->rejoins);
    if (err)
        engine_note_lost(en, ev->key, "part of a start", err);
}

/* Events for calls that have ended, and a second start of one, are dropped quietly: the service may
 * deliver late and twice. */
int engine_turn(struct engine *en, struct event *ev, int64_t now)
{
    if (ev->kind == EVENT_START)
        complete_start(en, ev);
    record_event(en, ev);
    return engine_handle(en, ev, now);
}

int engine_handle(struct engine *en, const struct event *ev, int64_t now)
{
    int rc = core_handle(en->core, ev, &en->commands);

    if (en->cfg.turned)
        en->cfg.turned(en->cfg.trace_arg);
    record_overrun(en);
    if (rc == ERR_NOMEM || (ev->kind == EVENT_START && rc < 0 && rc != ERR_EXISTS)) {
        give_up(en, ev->key, rc, now);
        return 0;
    }
    if (rc < 0 && rc != ERR_NOTFOUND && rc != ERR_EXISTS)
        engine_note_lost(en, ev->key, event_kind_name(ev->kind), rc);
    return engine_hand_commands(en, now);
}

static bool is_turned_away(const struct engine *en, const struct event *ev)
{
    const char *direction = json_str(ev->data, "direction");

    return ev->kind == EVENT_START && en->cfg.busy && direction &&
           strcmp(direction, "incoming") == 0 && !json_str(ev->data, "bundle") &&
           en->cfg.busy(en->cfg.trace_arg, ev);
}

/* Take `ev` (moved) where it belongs: to its call, to whoever recovers it, or into the mailbox. */
static int hand_event(struct engine *en, struct event *ev, int64_t now)
{
    int rc = 0;

    if (ev->kind == EVENT_ANSWER && ev->seq >= ENGINE_SEQ) {
        if (en->recovery)
            recovery_answered(en->recovery, ev, now);
    } else if (mailbox_is_open(&en->mailbox, ev->key)) {
        if (en->recovery && ev->kind == EVENT_CALL && ev->change == CHANGE_DELETED)
            recovery_ended(en->recovery, ev->key);
        rc = mailbox_event(&en->mailbox, ev);
        if (rc < 0)
            engine_note_lost(en, ev->key, event_kind_name(ev->kind), rc);
        rc = 0;
    } else if (turnaway_has(&en->turnaway, ev->key)) {
        turnaway_event(&en->turnaway, en->wire, ev, now);
    } else if (is_turned_away(en, ev) && turnaway_begin(&en->turnaway, en->wire, ev, now) == 0) {
        engine_note(en, "debug", ev->key, strdup("turned away as busy"));
    } else {
        return engine_turn(en, ev, now);
    }
    event_fini(ev);
    return rc;
}

/* Carry one action of the wire out, or on to the driver. There is room for it. */
static int take(struct engine *en, struct wire_action *w, int64_t now)
{
    struct engine_action a = {.id = w->id};

    switch (w->kind) {
    case WIRE_EVENT:
        return hand_event(en, &w->event, now);
    case WIRE_SEND:
        a.kind = ENGINE_SEND;
        a.deadline = w->deadline;
        break;
    case WIRE_ANSWER:
        a.kind = ENGINE_ANSWER;
        break;
    case WIRE_ABORT:
        a.kind = ENGINE_ABORT;
        break;
    case WIRE_PARCEL:
        a.kind = ENGINE_PARCEL;
        break;
    case WIRE_LOG:
        engine_note(en, w->level, w->event.key, w->text);
        w->text = NULL;
        return 0;
    }
    a.message = w->message;
    a.text = w->text;
    a.parcel = w->parcel;
    memset(&w->message, 0, sizeof w->message);
    w->text = NULL;
    w->parcel = NULL;
    if (a.kind == ENGINE_ANSWER && a.message.status / 100 == 2 && en->position > engine_safe(en) &&
        gate_answer(&en->gate, &a, en->position, now) == 0)
        return 0;
    en->actions[en->n++] = a;
    return 0;
}

/* Run turns until the wire is quiet, at most `budget` of them. */
static int pump(struct engine *en, int64_t now, unsigned *budget)
{
    struct wire_action w;
    int rc = engine_release(en, now);

    if (rc == 0)
        rc = engine_hand_commands(en, now);
    while (rc == 0) {
        rc = engine_tell(en, now);
        if (rc < 0)
            break;
        if (*budget == 0) {
            en->again = now;
            return 0;
        }
        rc = engine_reserve(en);
        if (rc < 0 || !wire_next(en->wire, &w))
            break;
        if (w.kind == WIRE_EVENT)
            (*budget)--;
        rc = take(en, &w, now);
        wire_action_fini(&w);
    }
    if (rc < 0)
        en->again = now + RETRY_MS;
    return rc;
}

/* After something came in with result `rc`: do what follows from it, and report the first failure.
 */
int engine_settle(struct engine *en, int rc, int64_t now)
{
    unsigned budget = TURNS;
    int pumped = pump(en, now, &budget);

    return rc < 0 ? rc : pumped;
}

/* The webhook is not taken now: it shall come again. */
static int put_off(struct engine *en, uint64_t id, const char *seconds)
{
    struct engine_action a = {.kind = ENGINE_ANSWER, .id = id};

    a.message.status = 503;
    if (engine_reserve(en) < 0 || http_set_header(&a.message, "Retry-After", seconds) < 0) {
        http_fini(&a.message);
        return ERR_NOMEM;
    }
    en->actions[en->n++] = a;
    return 0;
}

int engine_webhook(struct engine *en, uint64_t id, const char *path_key, const char *authorization,
                   const char *body, size_t n, int64_t now)
{
    const struct engine_record *record = en->cfg.record;
    char key[KEY_MAX];
    int rc;

    if (!path_key[0] && record && record->health(record->arg))
        return put_off(en, id, "5");
    if (path_key[0] && recovery_may_know(en, path_key))
        return put_off(en, id, "1");
    if (mailbox_expects(&en->mailbox, path_key, key)) {
        rc = mailbox_webhook(&en->mailbox, key, id, path_key, authorization, body, n);
        return rc ? put_off(en, id, "1") : 0;
    }
    en->now = now;
    rc = wire_webhook(en->wire, id, path_key, authorization, body, n, now);
    return engine_settle(en, rc, now);
}

int engine_parcel(struct engine *en, uint64_t id, struct wire_parcel *p, int64_t now)
{
    const struct engine_record *record = en->cfg.record;
    int rc;

    if (record && record->health(record->arg)) {
        wire_parcel_free(p);
        return put_off(en, id, "5");
    }
    rc = wire_take_parcel(en->wire, id, p, now);
    if (rc < 0)
        wire_parcel_free(p);
    return engine_settle(en, rc, now);
}

int engine_response(struct engine *en, uint64_t id, const struct http_message *m, int64_t now)
{
    return engine_settle(en, wire_response(en->wire, id, m, now), now);
}

int engine_dial(struct engine *en, const char *flow, cJSON *create, int64_t now, char key[KEY_MAX])
{
    return engine_settle(en, wire_dial(en->wire, flow, create, now, key), now);
}

int engine_signal(struct engine *en, const char *key, const char *name, int64_t now)
{
    struct event ev = {.kind = EVENT_SIGNAL, .time = now};
    cJSON *calls = strlen(key) < sizeof ev.key ? core_describe(en->core, key) : NULL;
    int rc;
    bool known = cJSON_GetArraySize(calls) > 0;

    cJSON_Delete(calls);
    if (!known)
        return ERR_NOTFOUND;
    strcpy(ev.key, key);
    ev.data = cJSON_CreateObject();
    if (!ev.data || json_set_str(ev.data, "name", name)) {
        event_fini(&ev);
        return ERR_NOMEM;
    }
    rc = hand_event(en, &ev, now);
    event_fini(&ev);
    return engine_settle(en, rc, now);
}

int engine_tick(struct engine *en, int64_t now)
{
    unsigned budget = TURNS;
    struct event ev;
    int rc, first;

    en->again = INT64_MAX;
    first = wire_tick(en->wire, now);
    if (en->recover_at <= now)
        recovery_try_again(en, now);
    if (en->recovery)
        recovery_tick(en->recovery, now);
    rc = pump(en, now, &budget);
    while (rc == 0 && budget > 0 && core_due(en->core, now, &ev)) {
        budget--;
        rc = hand_event(en, &ev, now);
        event_fini(&ev);
        if (rc == 0)
            rc = pump(en, now, &budget);
        else
            en->again = now + RETRY_MS;
    }
    return first < 0 ? first : rc;
}

int64_t engine_next_deadline(const struct engine *en)
{
    int64_t at = en->again, core = core_next_deadline(en->core),
            wire = wire_next_deadline(en->wire);

    if (en->recovery && recovery_next_deadline(en->recovery) < at)
        at = recovery_next_deadline(en->recovery);
    if (en->recover_at < at)
        at = en->recover_at;
    if (gate_deadline(&en->gate) < at)
        at = gate_deadline(&en->gate);
    if (core < at)
        at = core;
    return wire < at ? wire : at;
}

int engine_committed(struct engine *en, int64_t now)
{
    return engine_settle(en, 0, now);
}

bool engine_next(struct engine *en, struct engine_action *out)
{
    engine_note_unsaid(en);
    if (en->head == en->n) {
        en->head = en->n = 0;
        return false;
    }
    *out = en->actions[en->head++];
    return true;
}

void engine_action_fini(struct engine_action *a)
{
    http_fini(&a->message);
    free(a->text);
    wire_parcel_free(a->parcel);
    a->text = NULL;
    a->parcel = NULL;
}
