/* What became of commands whose answer, or whose operation's end, nobody heard. */
#include "host/recover_state.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    GRACE_MS = 300,   /* a notification may be on its way           */
    LOOK_MS = 100,    /* how often to look whether it has come      */
    FRESH_MS = 1000,  /* the earlier process was not further ahead than that */
    CREATE_MS = 5000, /* the same, of a call that was perhaps placed: told again after up to 4 s */
};

void doubt_free(struct recovery *r, struct doubt *d)
{
    heap_remove(&r->timers, &d->at);
    list_remove(&d->link);
    command_fini(&d->command);
    free(d);
}

static bool is(const struct doubt *d, const char *method)
{
    return d->command.method && strcmp(d->command.method, method) == 0;
}

/* --- the three ways out ----------------------------------------------------------------------- */

static void give(struct recovery *r, struct event *ev, const struct doubt *d, int64_t now)
{
    ev->time = now;
    ev->leg = d->command.leg;
    strcpy(ev->key, d->command.key);
    if (engine_turn(r->engine, ev, now) < 0)
        recovery_log(r, "error", d->command.key, "recovery: an event was lost: no memory");
    event_fini(ev);
}

/* It was carried out; `data` (taken over) is what the answer would have said. */
static void confirm(struct recovery *r, const struct doubt *d, int status, const char *id,
                    cJSON *data, int64_t now)
{
    struct event ev = {.kind = EVENT_ANSWER, .seq = d->command.seq, .status = status, .data = data};

    if (id)
        id_normalise(ev.id, id);
    give(r, &ev, d, now);
}

static void fail(struct recovery *r, const struct doubt *d, int64_t now)
{
    cJSON *data = cJSON_CreateObject(),
          *error = data ? cJSON_AddObjectToObject(data, "error") : NULL;

    if (!error || json_set_str(error, "code", "inDoubt") ||
        json_set_str(error, "message", "the host was away: it may have been carried out or not")) {
        cJSON_Delete(data);
        data = NULL;
    }
    recovery_log(r, "warn", d->command.key, "recovery: %s at %s is in doubt and is not repeated",
                 d->command.method ? d->command.method : "an HTTP request",
                 d->command.where[0] ? d->command.where : "the machine itself");
    confirm(r, d, 0, NULL, data, now);
}

static void send_again(struct recovery *r, struct doubt *d, int64_t now)
{
    d->command.again = true;
    if (engine_hand_command(r->engine, &d->command, now))
        recovery_log(r, "error", d->command.key, "recovery: a command was lost: no memory");
}

/* --- deciding --------------------------------------------------------------------------------- */

/* An HTTP request of the flow that says itself that it may come twice, or asks only. */
static bool may_repeat(const struct command *c)
{
    const cJSON *h, *headers = json_get(c->args, "headers");
    const char *verb = json_str(c->args, "method");

    if (verb && (strcmp(verb, "GET") == 0 || strcmp(verb, "HEAD") == 0))
        return true;
    cJSON_ArrayForEach (h, headers)
        if (strcasecmp(h->string, "Idempotency-Key") == 0)
            return true;
    return false;
}

/* What moves the call to another state: the state tells whether it did. */
static void by_state(struct recovery *r, struct doubt *d, int64_t now)
{
    bool transfer = is(d, "transfer");
    bool unmoved = transfer ? strcmp(d->state, "established") == 0 || strcmp(d->state, "hold") == 0
                            : strcmp(d->state, "incoming") == 0;

    if (!d->state[0])
        fail(r, d, now);
    else if (unmoved)
        send_again(r, d, now);
    else
        confirm(r, d, 202, NULL, NULL, now);
}

/* What plays or records was told to stop: that goes out again only while it is not known to have
 * ended, since it would stop what came after it as well. */
static void stop_again(struct recovery *r, const struct patient *p, struct doubt *d, int64_t now)
{
    char id[ID_MAX];
    cJSON *data;

    for (size_t i = 0; i < p->issued.n; i++) {
        const struct command *c = &p->issued.items[i];
        const struct method *m = c->method ? method_find(c->method) : NULL;

        if (m && m->media && c->leg == d->command.leg &&
            core_outcome(r->engine->core, p->key, c->seq, id) != CORE_SETTLED) {
            send_again(r, d, now);
            return;
        }
    }
    data = cJSON_CreateObject();
    if (data && json_set_str(data, "status", "completed")) {
        cJSON_Delete(data);
        data = NULL;
    }
    confirm(r, d, 200, NULL, data, now);
}

/* A call that was to be placed is there: it has told its id. */
static bool was_placed(struct recovery *r, const struct doubt *d, int64_t now)
{
    char id[ID_MAX] = "";

    if (!core_leg(r->engine->core, d->command.key, d->command.leg, id) || !id[0])
        return false;
    confirm(r, d, 201, id, NULL, now);
    return true;
}

/* How long to wait before asking; 0: it is decided now. */
static int64_t patience(struct recovery *r, const struct patient *p, struct doubt *d, int64_t now)
{
    const struct method *m = d->command.method ? method_find(d->command.method) : NULL;

    if (d->running)
        return GRACE_MS;
    if (!m) { /* the store answers as it acts: what has no answer was not carried out */
        if (d->command.kind == COMMAND_STORE || may_repeat(&d->command))
            send_again(r, d, now);
        else
            fail(r, d, now);
    } else if (is(d, "cancelMediaProcessing")) {
        stop_again(r, p, d, now);
    } else if (is(d, "create")) {
        d->until = (d->command.taken_up ? d->command.taken_up : now) + CREATE_MS;
        return was_placed(r, d, now) ? 0 : LOOK_MS;
    } else if (is(d, "answer") || is(d, "transfer") || is(d, "reject") || is(d, "redirect")) {
        by_state(r, d, now);
    } else if (m->repeat == REPEAT_CONTEXT || evidence_of(&d->command)) {
        return GRACE_MS;
    } else if (m->repeat == REPEAT_NEVER) {
        fail(r, d, now);
    } else {
        send_again(r, d, now);
    }
    return 0;
}

void doubts_begin(struct recovery *r, struct patient *p, int64_t now)
{
    for (size_t i = 0; i < p->issued.n; i++) {
        struct command *c = &p->issued.items[i];
        const struct past_leg *leg = c->leg < p->nlegs ? &p->legs[c->leg] : NULL;
        const char *state = leg && leg->answered ? json_str(leg->resource, "state") : NULL;
        char id[ID_MAX] = "";
        enum core_outcome outcome = core_outcome(r->engine->core, p->key, c->seq, id);
        struct doubt *d = outcome == CORE_SETTLED ? NULL : calloc(1, sizeof *d);
        int64_t wait;

        if (outcome == CORE_SETTLED)
            continue;
        if (!d || command_copy(&d->command, c)) {
            recovery_log(r, "error", p->key,
                         "recovery: what became of %s at %s is not looked at: "
                         "no memory",
                         c->method ? c->method : command_kind_name(c->kind), c->where);
            free(d);
            continue;
        }
        d->running = outcome == CORE_RUNNING;
        strcpy(d->op_id, id);
        snprintf(d->state, sizeof d->state, "%s", state ? state : "");
        list_init(&d->link);
        list_append(&r->doubts, &d->link);
        wait = patience(r, p, d, now);
        if (!wait || heap_put(&r->timers, &d->at, now + wait))
            doubt_free(r, d);
    }
}

bool recovery_takes(struct recovery *r, struct command *c, int64_t now)
{
    const struct method *m = c->kind == COMMAND_METHOD ? method_find(c->method) : NULL;
    intptr_t since = r->fresh.n ? (intptr_t)map_get(&r->fresh, c->key) : 0;
    struct doubt *d;

    if (!since || !m)
        return false;
    c->again = now - since <= FRESH_MS;
    if (m->repeat != REPEAT_CONTEXT)
        return false;
    map_remove(&r->fresh, c->key);
    if (now - since > FRESH_MS || !(d = calloc(1, sizeof *d)))
        return false;
    list_init(&d->link);
    if (command_copy(&d->command, c) || heap_put(&r->timers, &d->at, now)) {
        command_fini(&d->command);
        free(d);
        return false;
    }
    list_append(&r->doubts, &d->link);
    return true;
}

static void ask_for_evidence(struct recovery *r, struct doubt *d, int64_t now)
{
    struct question q = {.kind = ASK_EVIDENCE, .doubt = d, .leg = d->command.leg};
    cJSON *ids = d->command.ids ? json_copy(d->command.ids) : NULL;

    if ((d->command.ids && !ids) ||
        recovery_ask(r, &q, d->command.key, evidence_of(&d->command)->ask, ids, now)) {
        fail(r, d, now);
        doubt_free(r, d);
    }
}

/* The time for a notification is over: look, or ask. */
static void overdue(struct recovery *r, struct doubt *d, int64_t now)
{
    struct question q = {.doubt = d, .leg = d->command.leg};
    char id[ID_MAX] = "";
    cJSON *ids = NULL;
    enum core_outcome outcome = core_outcome(r->engine->core, d->command.key, d->command.seq, id);

    if (outcome == CORE_SETTLED || d->asked) {
        doubt_free(r, d);
        return;
    }
    if (is(d, "create")) {
        if (!was_placed(r, d, now)) {
            if (now < d->until && heap_put(&r->timers, &d->at, now + LOOK_MS) == 0)
                return;
            fail(r, d, now);
        }
        doubt_free(r, d);
        return;
    }
    d->asked = true;
    if (!id[0] && evidence_of(&d->command) && !evidence_of(&d->command)->operation) {
        ask_for_evidence(r, d, now);
        return;
    }
    q.kind = ASK_OPERATIONS;
    if (id[0]) {
        q.kind = ASK_OPERATION;
        strcpy(d->op_id, id);
        ids = cJSON_CreateObject();
        if (!ids || json_set_str(ids, "operation", id)) {
            cJSON_Delete(ids);
            ids = NULL;
        }
    }
    if ((id[0] && !ids) ||
        recovery_ask(r, &q, d->command.key, id[0] ? "operation.get" : "listOperations", ids, now))
        doubt_free(r, d);
}

void doubts_tick(struct recovery *r, int64_t now)
{
    struct heap_entry *first;

    while ((first = heap_first(&r->timers)) && first->at <= now) {
        heap_remove(&r->timers, first);
        overdue(r, list_entry(first, struct doubt, at), now);
    }
}

/* --- what the service says -------------------------------------------------------------------- */

static bool has_ended(const cJSON *operation)
{
    const char *status = json_str(operation, "status");

    return status && (strcasecmp(status, "completed") == 0 || strcasecmp(status, "failed") == 0);
}

static void operation_told(struct recovery *r, const struct doubt *d, const struct event *answer,
                           int64_t now)
{
    struct event ev = {.kind = EVENT_OPERATION, .change = CHANGE_UPDATED};

    if (answer->status == 404) {
        ev.change = CHANGE_DELETED;
        ev.data = cJSON_CreateObject();
        if (!ev.data || json_set_str(ev.data, "status", "failed"))
            return event_fini(&ev);
    } else if (answer->status / 100 == 2 && has_ended(answer->data)) {
        ev.data = json_copy(answer->data);
    } else {
        return; /* it goes on, or nothing is known: its end will be told */
    }
    strcpy(ev.id, d->op_id);
    give(r, &ev, d, now);
}

/* False: something else is asked. */
static bool operations_told(struct recovery *r, struct doubt *d, const struct event *answer,
                            int64_t now)
{
    const cJSON *found = evidence_operation(&d->command, answer->data);
    const struct evidence *e = evidence_of(&d->command);

    if (found) {
        confirm(r, d, 200, json_str(found, "id"), json_copy(found), now);
    } else if (e && e->ask) {
        ask_for_evidence(r, d, now);
        return false;
    } else if (engine_must_not_repeat(&d->command)) {
        fail(r, d, now);
    } else {
        send_again(r, d, now);
    }
    return true;
}

static void evidence_told(struct recovery *r, struct doubt *d, const struct event *answer,
                          int64_t now)
{
    cJSON *body = NULL;
    enum verdict v = answer->status / 100 == 2
                         ? evidence_of(&d->command)->judge(&d->command, answer->data, &body)
                         : VERDICT_OPEN;

    if (v == VERDICT_DONE) {
        confirm(r, d, 200, NULL, body, now);
        return;
    }
    cJSON_Delete(body);
    if (v == VERDICT_NOT_DONE)
        send_again(r, d, now);
    else
        fail(r, d, now);
}

void doubt_answered(struct recovery *r, struct question *q, const struct event *ev, int64_t now)
{
    struct doubt *d = q->doubt;
    char id[ID_MAX] = "";

    if (core_outcome(r->engine->core, d->command.key, d->command.seq, id) != CORE_SETTLED) {
        if (q->kind == ASK_OPERATION)
            operation_told(r, d, ev, now);
        else if (q->kind == ASK_EVIDENCE)
            evidence_told(r, d, ev, now);
        else if (!operations_told(r, d, ev, now))
            return;
    }
    doubt_free(r, d);
}
