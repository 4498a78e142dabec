#include "host/engine.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Turns run on behalf of one thing that came in. What is left then is done at the next tick, which
 * is due at once: a flow that makes work for itself without end cannot hold the driver. */
#define TURNS 1000

/* Memory was out: go on after so long. */
#define RETRY_MS 100

struct engine {
    struct core *core;
    struct wire *wire;
    void (*event)(void *arg, const struct event *ev);
    void (*command)(void *arg, const struct command *c);
    void *trace_arg;
    const char *(*route)(void *arg, const struct event *start);
    void *route_arg;
    struct engine_action *actions; /* those at [head, n) are to be taken by the driver  */
    size_t head, n, cap;
    struct command_list commands; /* of the last turn; those before `done` are handed over */
    size_t done;
    bool traced;   /* the hook has seen commands.items[done]                       */
    int64_t again; /* when to go on by itself; INT64_MAX: nothing left over        */
};

int engine_new(struct engine **out, const struct engine_config *cfg, struct error *e)
{
    struct engine *en = calloc(1, sizeof *en);
    int rc;

    if (!en)
        return error_set(e, ERR_NOMEM, "no memory");
    en->event = cfg->event;
    en->command = cfg->command;
    en->trace_arg = cfg->trace_arg;
    en->route = cfg->route;
    en->route_arg = cfg->route_arg;
    en->again = INT64_MAX;
    rc = core_new(&en->core, &cfg->core, e);
    if (rc == 0)
        rc = wire_new(&en->wire, &cfg->wire, e);
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
    if (en->core)
        core_free(en->core);
    if (en->wire)
        wire_free(en->wire);
    for (size_t i = en->head; i < en->n; i++)
        engine_action_fini(&en->actions[i]);
    free(en->actions);
    command_list_fini(&en->commands);
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
static int reserve(struct engine *en)
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

/* A log line; lost without harm when there is no memory for it. Takes `text`. */
static void note(struct engine *en, const char *level, const char *key, char *text)
{
    struct engine_action a = {.kind = ENGINE_LOG, .level = level, .text = text};

    if (!text || reserve(en) < 0) {
        free(text);
        return;
    }
    snprintf(a.key, sizeof a.key, "%s", key);
    en->actions[en->n++] = a;
}

static void note_lost(struct engine *en, const char *key, const char *what, int code)
{
    char text[160];

    snprintf(text, sizeof text, "%s given up: %s", what, error_name(code));
    note(en, "error", key, strdup(text));
}

static const char *level_of(const char *name)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (name && strcmp(name, levels[i]) == 0)
            return levels[i];
    return "info";
}

static int hand_command(struct engine *en, struct command *c, int64_t now)
{
    const char *text;
    char key[KEY_MAX];
    int rc;

    if (c->kind == COMMAND_LOG) {
        text = json_str(c->args, "text");
        note(en, level_of(json_str(c->args, "level")), c->key, strdup(text ? text : ""));
        command_fini(c);
        return 0;
    }
    memcpy(key, c->key, sizeof key);
    rc = wire_command(en->wire, c, now);
    if (rc < 0 && rc != ERR_NOMEM) {
        note_lost(en, key, command_kind_name(c->kind), rc);
        command_fini(c);
        rc = 0;
    }
    return rc;
}

/* Hand the commands of the last turn to the wire, in order; those that find no memory stay. */
static int hand_commands(struct engine *en, int64_t now)
{
    int rc;

    while (en->done < en->commands.n) {
        struct command *c = &en->commands.items[en->done];

        if (!en->traced && en->command)
            en->command(en->trace_arg, c);
        en->traced = true;
        rc = hand_command(en, c, now);
        if (rc < 0)
            return rc;
        en->done++;
        en->traced = false;
    }
    command_list_reset(&en->commands);
    en->done = 0;
    return 0;
}

/* A turn that was cut short is part of the record: the hook sees that right after its event. */
static void record_overrun(struct engine *en)
{
    struct event ev = {0};

    if (!en->event || !core_overrun(en->core, &ev))
        return;
    en->event(en->trace_arg, &ev);
    event_fini(&ev);
}

/* The machine has given call `key` up for want of memory, or could not begin it. What it still
 * wanted done is done as far as possible, and the wire forgets the call too, which takes no memory.
 */
static void give_up(struct engine *en, const char *key, int code, int64_t now)
{
    struct command end = {.kind = COMMAND_END};

    for (; en->done < en->commands.n; en->done++, en->traced = false) {
        if (!en->traced && en->command)
            en->command(en->trace_arg, &en->commands.items[en->done]);
        hand_command(en, &en->commands.items[en->done], now);
    }
    command_list_reset(&en->commands);
    en->done = 0;
    memcpy(end.key, key, sizeof end.key);
    wire_command(en->wire, &end, now);
    note_lost(en, key, "the call", code);
}

/* Give an incoming call the flow that the driver wants for it. */
static void override_route(struct engine *en, struct event *ev)
{
    const char *direction = json_str(ev->data, "direction"), *flow;

    if (ev->kind != EVENT_START || !en->route || !direction || strcmp(direction, "incoming") != 0)
        return;
    flow = en->route(en->route_arg, ev);
    if (flow && json_set_str(ev->data, "flow", flow) < 0)
        note_lost(en, ev->key, "the choice of a flow", ERR_NOMEM);
}

/* One turn. Events for calls that have ended, and a second start of one, are dropped quietly: the
 * service may deliver late and twice. */
static int hand_event(struct engine *en, struct event *ev, int64_t now)
{
    int rc;

    override_route(en, ev);
    if (en->event)
        en->event(en->trace_arg, ev);
    rc = core_handle(en->core, ev, &en->commands);
    record_overrun(en);
    if (rc == ERR_NOMEM || (ev->kind == EVENT_START && rc < 0 && rc != ERR_EXISTS)) {
        give_up(en, ev->key, rc, now);
        return 0;
    }
    if (rc < 0 && rc != ERR_NOTFOUND && rc != ERR_EXISTS)
        note_lost(en, ev->key, event_kind_name(ev->kind), rc);
    return hand_commands(en, now);
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
    case WIRE_LOG:
        a.kind = ENGINE_LOG;
        a.level = level_of(w->level);
        break;
    }
    a.message = w->message;
    a.text = w->text;
    memset(&w->message, 0, sizeof w->message);
    w->text = NULL;
    en->actions[en->n++] = a;
    return 0;
}

/* Run turns until the wire is quiet, at most `budget` of them. */
static int pump(struct engine *en, int64_t now, unsigned *budget)
{
    struct wire_action w;
    int rc = hand_commands(en, now);

    while (rc == 0) {
        if (*budget == 0) {
            en->again = now;
            return 0;
        }
        rc = reserve(en);
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
static int settle(struct engine *en, int rc, int64_t now)
{
    unsigned budget = TURNS;
    int pumped = pump(en, now, &budget);

    return rc < 0 ? rc : pumped;
}

int engine_webhook(struct engine *en, uint64_t id, const char *path_key, const char *authorization,
                   const char *body, size_t n, int64_t now)
{
    int rc = wire_webhook(en->wire, id, path_key, authorization, body, n, now);

    return settle(en, rc, now);
}

int engine_response(struct engine *en, uint64_t id, const struct http_message *m, int64_t now)
{
    return settle(en, wire_response(en->wire, id, m, now), now);
}

int engine_dial(struct engine *en, const char *flow, cJSON *create, int64_t now, char key[KEY_MAX])
{
    return settle(en, wire_dial(en->wire, flow, create, now, key), now);
}

int engine_signal(struct engine *en, const char *key, const char *name, int64_t now)
{
    struct event ev = {.kind = EVENT_SIGNAL, .time = now};
    cJSON *calls = strlen(key) < sizeof ev.key ? core_describe(en->core, key) : NULL;
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
    return settle(en, hand_event(en, &ev, now), now);
}

int engine_tick(struct engine *en, int64_t now)
{
    unsigned budget = TURNS;
    struct event ev;
    int rc, first;

    en->again = INT64_MAX;
    first = wire_tick(en->wire, now);
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

    if (core < at)
        at = core;
    return wire < at ? wire : at;
}

bool engine_next(struct engine *en, struct engine_action *out)
{
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
    a->text = NULL;
}
