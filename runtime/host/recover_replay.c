/* Reading a call's journal, and building the call from it. */
#include "host/recover_state.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what the journal tells without the core ------------------------------------------------- */

struct reading {
    struct recovery *r;
    struct patient *p;
    bool *lost;
    struct error *e;
};

/* Leg `n`, made when it is new. NULL: no memory, or no number of a leg. */
static struct past_leg *leg_at(struct patient *p, int n)
{
    struct past_leg *legs;

    if (n < 0 || n >= LEGS_MAX)
        return NULL;
    if (n < p->nlegs)
        return &p->legs[n];
    legs = realloc(p->legs, ((size_t)n + 1) * sizeof *legs);
    if (!legs)
        return NULL;
    memset(legs + p->nlegs, 0, ((size_t)(n + 1 - p->nlegs)) * sizeof *legs);
    p->legs = legs;
    p->nlegs = n + 1;
    return &legs[n];
}

static void tell_leg(struct past_leg *leg, const char *id, const char *spelled)
{
    leg->told = true;
    snprintf(leg->id, sizeof leg->id, "%s", id);
    if (spelled && id_equal(spelled, id))
        snprintf(leg->spelled, sizeof leg->spelled, "%s", spelled);
}

static int note_leg(struct patient *p, const struct event *ev)
{
    struct past_leg *leg;

    if (!ev->call_id[0])
        return 0;
    leg = leg_at(p, ev->leg);
    if (!leg)
        return ERR_NOMEM;
    if (!leg->told)
        tell_leg(leg, ev->call_id,
                 ev->kind == EVENT_CALL || ev->kind == EVENT_ANSWER ? json_str(ev->data, "id")
                                                                    : NULL);
    if (ev->kind == EVENT_CALL && ev->change == CHANGE_DELETED)
        leg->deleted = true;
    return 0;
}

static int read_entry(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    struct reading *x = arg;
    struct event ev = {0};
    int err;

    if (kind == JOURNAL_MARK)
        *x->lost = true;
    if (kind != JOURNAL_EVENT)
        return 0;
    err = event_decode(&ev, p, n, x->e);
    if (err)
        return err;
    err = note_leg(x->p, &ev);
    if (ev.kind == EVENT_SIGNAL && json_str(ev.data, "name") &&
        strcmp(json_str(ev.data, "name"), "rejoined") == 0)
        x->p->rejoined = true;
    event_fini(&ev);
    return err;
}

int past_read(struct recovery *r, struct patient *p, bool *lost, struct error *e)
{
    struct reading x = {r, p, lost, e};
    const cJSON *call = json_get(p->start.data, "call");
    const char *direction = json_str(p->start.data, "direction");
    struct past_leg *first = leg_at(p, 0);

    *lost = false;
    if (!first)
        return ERR_NOMEM;
    p->incoming = !direction || strcmp(direction, "outgoing") != 0;
    if (p->start.call_id[0])
        tell_leg(first, p->start.call_id, json_str(call, "id"));
    return r->cfg.store->entries(r->cfg.store->arg, p->key, read_entry, &x, e);
}

/* --- building it ------------------------------------------------------------------------------ */

struct replay {
    struct recovery *r;
    struct patient *p;
    struct error *e;
    struct command_list now; /* what the core issued and the journal has not confirmed: */
    size_t next;             /* from here on                                            */
    struct event held;       /* read, but its turn may have been cut short: the next entry tells */
    char *held_text;
    bool holds, told; /* its turn was told to be cut short */
    bool last;        /* nothing comes after it */
};

static int diverged(struct replay *x, const cJSON *recorded, const struct command *now,
                    bool arguments)
{
    struct difference d = {.arguments = arguments};

    difference_recorded(&d.then, recorded);
    difference_issued(&d.now, now);
    if (x->r->difference)
        *x->r->difference = d;
    return difference_error(x->e, &d);
}

static bool same_text(const cJSON *recorded, const char *name, const char *now)
{
    const char *then = json_str(recorded, name);

    return strcmp(then ? then : "", now ? now : "") == 0;
}

static int same_command(struct replay *x, const cJSON *recorded, const struct command *c)
{
    const struct seal *seal = x->r->cfg.seal;
    const char *digest = json_str(recorded, "digest");
    char *text = recorder_command_text(seal, c);
    cJSON *now = NULL;
    int err = text ? json_parse(&now, text, strlen(text), NULL) : ERR_NOMEM;

    if (!err &&
        (!same_text(recorded, "kind", command_kind_name(c->kind)) ||
         !same_text(recorded, "method", c->method) || !same_text(recorded, "fiber", c->fiber) ||
         json_int(recorded, "leg", 0) != c->leg || json_int(recorded, "seq", 0) != c->seq))
        err = diverged(x, recorded, c, false);
    if (!err && digest && seal && seal_digested(seal, digest) && !same_text(now, "digest", digest))
        err = diverged(x, recorded, c, true);
    free(text);
    cJSON_Delete(now);
    return err;
}

/* The next command that is not a line for the log: those were written the first time. */
static struct command *next_command(struct replay *x)
{
    while (x->next < x->now.n && x->now.items[x->next].kind == COMMAND_LOG)
        x->next++;
    return x->next < x->now.n ? &x->now.items[x->next] : NULL;
}

/* Recorded command `p`: the core must have issued it as the next one. */
static int take_command(struct replay *x, const char *p, size_t n)
{
    struct command *c = next_command(x);
    cJSON *recorded = NULL;
    int err = json_parse(&recorded, p, n, x->e);

    if (!err)
        err = c ? same_command(x, recorded, c) : diverged(x, recorded, NULL, false);
    cJSON_Delete(recorded);
    if (err)
        return err;
    if (x->r->cfg.recorder)
        recorder_resume_command(x->r->cfg.recorder, c);
    x->next++;
    if (c->kind == COMMAND_METHOD || c->kind == COMMAND_HTTP || c->kind == COMMAND_STORE)
        return command_list_add(&x->p->issued, c);
    return 0;
}

/* The turn of the held event breaks a limit now. When the process ended before it could write that
 * down, it is written now; a desk that replays does not write. */
static int cut_short(struct replay *x, const struct event *cut)
{
    const struct engine_record *record = x->r->engine->cfg.record;

    if (x->told)
        return 0;
    if (!x->last || !record)
        return error_set(x->e, ERR_CONFLICT, "a turn breaks limit %s that it did not break then",
                         json_str(cut->data, "limit"));
    record->event(record->arg, cut);
    return 0;
}

/* The event that waited for the next entry has its turn. */
static int give_held(struct replay *x)
{
    struct core *core = x->r->engine->core;
    struct event cut = {0};
    int err;

    if (!x->holds)
        return 0;
    x->holds = false;
    if (x->r->cfg.recorder)
        recorder_resume_event(x->r->cfg.recorder, &x->held, x->held_text);
    err = core_handle(core, &x->held, &x->now);
    if (!err && core_overrun(core, &cut))
        err = cut_short(x, &cut);
    else if (err)
        err = error_set(x->e, err == ERR_NOMEM ? err : ERR_CONFLICT,
                        "an event that was taken then is not taken now: %s", error_name(err));
    event_fini(&cut);
    x->told = false;
    event_fini(&x->held);
    free(x->held_text);
    x->held_text = NULL;
    return err;
}

/* An earlier process took the call up, and what had no answer then was in doubt already. */
static void note_resumed(struct patient *p, const struct event *ev)
{
    const char *name = ev->kind == EVENT_SIGNAL ? json_str(ev->data, "name") : NULL;

    if (!name || strcmp(name, "resumed") != 0)
        return;
    for (size_t i = p->issued.n; i-- > 0 && !p->issued.items[i].taken_up;)
        p->issued.items[i].taken_up = ev->time;
}

static int take_event(struct replay *x, const char *p, size_t n)
{
    struct core *core = x->r->engine->core;
    struct event ev = {0};
    int err = recorder_event_read(x->r->cfg.seal, p, n, &ev, x->e);

    if (err)
        return err;
    if (ev.kind ==
        EVENT_OVERRUN) { /* of the event before it, which shall be cut at the same place */
        err = core_handle(core, &ev, &x->now);
        if (x->r->cfg.recorder)
            recorder_resume_event(x->r->cfg.recorder, &ev, NULL);
        event_fini(&ev);
        x->told = true;
        return err ? err : give_held(x);
    }
    err = give_held(x);
    if (!err && next_command(x))
        err = diverged(x, NULL, next_command(x), false);
    if (err) {
        event_fini(&ev);
        return err;
    }
    note_resumed(x->p, &ev);
    command_list_reset(&x->now);
    x->next = 0;
    x->held = ev;
    x->holds = true;
    x->held_text = strndup(p, n);
    return x->held_text ? 0 : ERR_NOMEM;
}

static int replay_entry(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    struct replay *x = arg;
    int err;

    switch (kind) {
    case JOURNAL_EVENT:
        return take_event(x, p, n);
    case JOURNAL_COMMAND:
        err = give_held(x);
        return err ? err : take_command(x, p, n);
    case JOURNAL_MARK:
    case JOURNAL_FACTS:
        break;
    }
    return 0;
}

int past_replay(struct recovery *r, struct patient *p, struct error *e)
{
    struct replay x = {.r = r, .p = p, .e = e};
    int err = event_copy(&x.held, &p->start);

    x.holds = !err;
    core_repeats(r->engine->core, true);
    if (!err)
        err = r->cfg.store->entries(r->cfg.store->arg, p->key, replay_entry, &x, e);
    x.last = true;
    if (!err)
        err = give_held(&x);
    core_repeats(r->engine->core, false);
    /* What was issued beyond the journal's end is still to be done; lines for the log among it may
     * be written twice, which is better than not at all. */
    for (; !err && x.next < x.now.n; x.next++)
        err = command_list_add(&p->extra, &x.now.items[x.next]);
    command_list_fini(&x.now);
    event_fini(&x.held);
    free(x.held_text);
    return err;
}
