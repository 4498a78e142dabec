#include "host/recover_state.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void recovery_log(struct recovery *r, const char *level, const char *key, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    engine_note(r->engine, level, key, text);
}

void patient_free(struct patient *p)
{
    if (!p)
        return;
    list_remove(&p->link);
    while (!list_empty(&p->last)) {
        struct letter *l = list_entry(p->last.next, struct letter, link);

        list_remove(&l->link);
        letter_free(l);
    }
    for (int i = 0; i < p->nlegs; i++)
        cJSON_Delete(p->legs[i].resource);
    free(p->legs);
    event_fini(&p->start);
    command_list_fini(&p->issued);
    command_list_fini(&p->extra);
    free(p);
}

/* The store could not be read: after so long once more. */
enum {
    AGAIN_MS = 1000,
    LATE_MS = 60000, /* the service does not tell of an ended call for longer */
};

/* --- asking the service ----------------------------------------------------------------------- */

int recovery_ask(struct recovery *r, const struct question *q, const char *key, const char *method,
                 cJSON *ids, int64_t now)
{
    struct command c = {.kind = COMMAND_METHOD, .leg = q->leg, .method = method, .ids = ids};
    struct question *own = malloc(sizeof *own);
    char name[16];
    int err;

    c.seq = ENGINE_SEQ + ++r->next_seq % ENGINE_SEQ;
    snprintf(name, sizeof name, "%lu", (unsigned long)c.seq);
    snprintf(c.key, sizeof c.key, "%s", key);
    err = own && map_put(&r->questions, name, own) == 0 ? 0 : ERR_NOMEM;
    if (err) {
        free(own);
        command_fini(&c);
        return err;
    }
    *own = *q;
    err = engine_hand_command(r->engine, &c, now);
    if (err) {
        free(map_remove(&r->questions, name));
        command_fini(&c);
    }
    return err;
}

static void ask_legs(struct recovery *r, struct patient *p, int64_t now)
{
    char id[ID_MAX];

    for (int i = 0; i < p->nlegs; i++) {
        struct past_leg *leg = &p->legs[i];
        struct question q = {.kind = ASK_LEG, .patient = p, .leg = i};

        if (!leg->told || leg->deleted ||
            (!p->fallback && !core_leg(r->engine->core, p->key, i, id)))
            continue;
        if (recovery_ask(r, &q, p->key, "get", NULL, now) == 0) {
            leg->asked = true;
            p->legs_asked++;
        }
    }
}

/* --- a call goes on --------------------------------------------------------------------------- */

void recovery_give(struct recovery *r, struct event *ev, int64_t now)
{
    ev->time = now;
    if (engine_turn(r->engine, ev, now) < 0)
        recovery_log(r, "error", ev->key, "recovery: an event was lost: no memory");
    event_fini(ev);
}

/* What the service said about leg `i`, as an event. */
static void give_leg(struct recovery *r, struct patient *p, int i, int64_t now)
{
    struct past_leg *leg = &p->legs[i];
    struct event ev = {.kind = EVENT_CALL, .change = CHANGE_UPDATED, .leg = i};
    const char *state = json_str(leg->resource, "state");

    if (!leg->answered || leg->status / 100 != 2)
        return; /* a leg that is gone is told by the wire; of the others nothing is known */
    if (state && strcmp(state, "terminated") == 0)
        ev.change = CHANGE_DELETED;
    strcpy(ev.key, p->key);
    strcpy(ev.call_id, leg->id);
    ev.data = json_copy(leg->resource);
    recovery_give(r, &ev, now);
}

void recovery_signal(struct recovery *r, const struct patient *p, const char *name, const char *as,
                     int64_t now)
{
    struct event ev = {.kind = EVENT_SIGNAL};

    strcpy(ev.key, p->key);
    ev.data = cJSON_CreateObject();
    if (ev.data &&
        (json_set_str(ev.data, "name", name) || (as && json_set_str(ev.data, "as", as)))) {
        cJSON_Delete(ev.data);
        ev.data = NULL;
    }
    recovery_give(r, &ev, now);
}

void recovery_open_letter(struct recovery *r, struct letter *l, int64_t now)
{
    struct engine *en = r->engine;

    list_remove(&l->link);
    if (l->is_event)
        recovery_give(r, &l->event, now);
    else
        engine_settle(
            en, wire_webhook(en->wire, l->id, l->path_key, l->authorization, l->body, l->n, now),
            now);
    letter_free(l);
}

/* What came in meanwhile. First what the service sent: it knows better why a call ended than we who
 * found it gone, and a key that was pressed counts although the time for it is over by now. */
static void open_mail(struct recovery *r, const char *key, int64_t now)
{
    struct list sent, ours;
    struct letter *l;

    list_init(&sent);
    list_init(&ours);
    while ((l = mailbox_take(&r->engine->mailbox, key)))
        list_append(l->is_event ? &ours : &sent, &l->link);
    mailbox_close(&r->engine->mailbox, key);
    while (!list_empty(&sent))
        recovery_open_letter(r, list_entry(sent.next, struct letter, link), now);
    while (!list_empty(&ours))
        recovery_open_letter(r, list_entry(ours.next, struct letter, link), now);
}

/* Beyond the journal's end: now they are written down. What must not be repeated was waiting for
 * that, so it was never sent; of the rest nobody knows. */
static void issue_extra(struct recovery *r, struct patient *p, int64_t now)
{
    struct command_list l = p->extra;

    p->extra = (struct command_list){0};
    for (size_t i = 0; i < l.n; i++) {
        struct command *c = &l.items[i];
        bool traced = false;
        int err = 0;

        if (engine_must_not_repeat(c) || (c->kind != COMMAND_METHOD && c->kind != COMMAND_HTTP)) {
            err = engine_issue(r->engine, c, &traced, now);
        } else {
            const struct engine_record *record = r->engine->cfg.record;

            if (record)
                record->command(record->arg, c);
            err = command_list_add(&p->issued, c);
        }
        if (err)
            recovery_log(r, "error", p->key, "recovery: a command was lost: no memory");
    }
    command_list_fini(&l);
}

static bool is_gone(const struct patient *p)
{
    return p->nlegs > 0 && p->legs[0].answered && p->legs[0].status == 404;
}

static void go_on(struct recovery *r, struct patient *p, int64_t now)
{
    bool gone = is_gone(p);

    issue_extra(r, p, now);
    if (gone)
        recovery_rejoin(r, p, now);
    map_put(&r->fresh, p->key, (void *)(intptr_t)now);
    for (int i = 0; i < p->nlegs; i++)
        give_leg(r, p, i, now);
    recovery_signal(r, p, "resumed", NULL, now);
    open_mail(r, p->key, now);
    while (!list_empty(&p->last))
        recovery_open_letter(r, list_entry(p->last.next, struct letter, link), now);
    doubts_begin(r, p, now);
    recovery_log(r, "info", p->key, "recovered%s",
                 gone ? "; the service does not have it any more" : "");
}

/* --- the steps -------------------------------------------------------------------------------- */

/* Have the core hold the bundle that the call began with. */
static int need_bundle(struct recovery *r, const char *id, struct error *e)
{
    const struct store *s = r->cfg.store;
    struct bundle *b = NULL;
    void *bytes = NULL;
    size_t n;
    int err;

    if (!id || core_has_bundle(r->engine->core, id))
        return 0;
    err = s->get_bundle(s->arg, id, &bytes, &n, e);
    if (!err)
        err = bundle_decode(&b, bytes, n, e);
    free(bytes);
    if (!err)
        err = core_add_bundle(r->engine->core, b);
    bundle_unref(b);
    return err;
}

/* A leg that was perhaps placed: the service may be about to tell of it, at the leg's address. */
static int adopt_unknown(struct recovery *r, struct patient *p, int64_t now)
{
    char id[ID_MAX];
    int err = 0;

    for (size_t i = 0; i < p->issued.n && !err; i++) {
        const struct command *c = &p->issued.items[i];

        if (!c->leg || !c->method || strcmp(c->method, "create") != 0 ||
            core_outcome(r->engine->core, p->key, c->seq, id) == CORE_SETTLED)
            continue;
        err = wire_adopt(r->engine->wire, p->key, p->tenant, c->leg, false, NULL, NULL, now);
    }
    return err;
}

static int adopt(struct recovery *r, struct patient *p, int64_t now)
{
    int err = 0;

    for (int i = 0; i < p->nlegs && !err; i++) {
        const struct past_leg *leg = &p->legs[i];

        if (i == 0 || (leg->told && !leg->deleted))
            err =
                wire_adopt(r->engine->wire, p->key, p->tenant, i, i == 0 && p->incoming,
                           leg->told ? leg->id : NULL, leg->spelled[0] ? leg->spelled : NULL, now);
        if (err == ERR_EXISTS)
            err = 0;
    }
    return err || p->fallback ? err : adopt_unknown(r, p, now);
}

/* Build `p` anew. */
static int build(struct recovery *r, struct patient *p, struct error *e)
{
    bool lost = false;
    int err;

    recorder_resume_event(r->cfg.recorder, &p->start, NULL);
    err = past_read(r, p, &lost, e);
    if (!err && p->unreadable)
        err = error_set(e, ERR_CONFLICT, "its beginning cannot be read");
    if (!err && p->failed >= RECOVERY_FAILURES)
        err = error_set(e, ERR_CONFLICT, "its recovery failed %d times already", p->failed);
    if (!err && lost)
        err = error_set(e, ERR_CONFLICT, "its journal is not complete, or its flow was given up");
    if (!err)
        err = need_bundle(r, json_str(p->start.data, "bundle"), e);
    if (!err)
        err = past_replay(r, p, e);
    return err;
}

/* As if it had not been begun. */
static void undo(struct recovery *r, struct patient *p)
{
    core_drop(r->engine->core, p->key);
    recorder_forget(r->cfg.recorder, p->key);
    command_list_fini(&p->issued);
    command_list_fini(&p->extra);
}

int patient_begin(struct recovery *r, struct patient *p, int64_t now)
{
    struct error e = {""};
    int err = p->stray ? error_set(&e, ERR_CONFLICT, "nobody knows it") : build(r, p, &e);

    if (err && !p->stray) { /* memory that fails for a moment can look like anything: once more,
                               from the start */
        undo(r, p);
        err = build(r, p, &e);
    }
    if (err && err != ERR_NOMEM) {
        recovery_log(r, "error", p->key, "recovery failed, the call goes on without its flow: %s",
                     e.text[0] ? e.text : error_name(err));
        core_drop(r->engine->core, p->key);
        recorder_mark_fallback(r->cfg.recorder, p->key);
        p->fallback = true;
        r->fallbacks++;
        err = 0;
    }
    if (!err)
        err = adopt(r, p, now);
    if (err == ERR_NOMEM && !p->fallback) {
        undo(r, p);
        return err;
    }
    if (err)
        recovery_log(r, "error", p->key, "recovery: %s", error_name(err));
    ask_legs(r, p, now);
    return 0;
}

int patient_finish(struct recovery *r, struct patient *p, int64_t now)
{
    const struct store *s = r->cfg.store;

    if (p->fallback) {
        if (patient_without_flow(r, p, now))
            return ERR_NOMEM;
    } else {
        go_on(r, p, now);
        s->attempts(s->arg, p->key, 0, &r->position);
    }
    patient_free(p);
    r->left--;
    if (r->left == 0) {
        core_forget_bundles(r->engine->core);
        r->say_until = now + GATE_MS;
    }
    return 0;
}

void recovery_answered(struct recovery *r, const struct event *ev, int64_t now)
{
    struct question *q;
    struct past_leg *leg;
    char name[16];

    snprintf(name, sizeof name, "%lu", (unsigned long)ev->seq);
    q = map_remove(&r->questions, name);
    if (!q)
        return;
    if (q->kind == ASK_LEG) {
        leg = &q->patient->legs[q->leg];
        leg->answered = true;
        leg->status = ev->status;
        leg->resource = json_copy(ev->data);
        q->patient->legs_asked--;
    } else if (q->kind != ASK_NOTHING) {
        doubt_answered(r, q, ev, now);
    }
    free(q);
}

/* --- beginning and end ------------------------------------------------------------------------ */

struct listing {
    struct recovery *r;
    struct error *e;
    int64_t now;
    size_t calls; /* of all engines */
};

static bool is_known(const struct engine *en, const char *key)
{
    const char *flow, *bundle;

    return core_names(en->core, key, &flow, &bundle);
}

/* The wire knows a call that was offered by its id at once: the offer may come again, if nobody
 * heard that it was taken. What does not work here is said when the call is taken up. */
static void expect_offer(struct listing *x, const struct patient *p)
{
    const char *direction = json_str(p->start.data, "direction");

    if (direction && strcmp(direction, "incoming") == 0)
        wire_adopt(x->r->engine->wire, p->key, p->tenant, 0, true, p->start.call_id,
                   json_str(json_get(p->start.data, "call"), "id"), x->now);
}

/* A call that falls to another engine may stand in for one of ours. */
static int note_other(struct listing *x, const struct journal_call *c)
{
    struct event start = {0};
    int err = 0;

    if (memmem(c->facts, c->n, "\"rejoins\"", 9) && event_decode(&start, c->facts, c->n, NULL) == 0)
        err = recovery_claims(x->r, &start);
    event_fini(&start);
    return err;
}

static int list_call(void *arg, const struct journal_call *c)
{
    struct listing *x = arg;
    const struct recovery_config *cfg = &x->r->cfg;
    struct patient *p;
    const char *tenant;
    int err;

    x->calls++;
    if (cfg->shards && id_shard(c->key, cfg->shards) != cfg->shard)
        return note_other(x, c);
    if (!x->r->rebuilds && is_known(x->r->engine, c->key))
        return 0; /* begun by this process, before the store could be read */
    p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    list_init(&p->link);
    list_init(&p->last);
    strcpy(p->key, c->key);
    patient_read_attempts(p, c->attempts);
    err = event_decode(&p->start, c->facts, c->n, x->e);
    tenant = json_str(p->start.data, "tenant");
    snprintf(p->tenant, sizeof p->tenant, "%s", tenant ? tenant : "");
    if (err == ERR_INVALID) { /* nothing is known but that there was a call */
        recovery_log(x->r, "error", c->key, "recovery: the beginning cannot be read: %s",
                     x->e->text);
        strcpy(p->start.key, c->key);
        p->start.time = c->began;
        p->unreadable = true;
        err = 0;
    }
    if (!err)
        err = recovery_claims(x->r, &p->start);
    if (!err)
        err = mailbox_open(&x->r->engine->mailbox, p->key);
    if (err) {
        patient_free(p);
        return err;
    }
    if (!x->r->rebuilds)
        expect_offer(x, p);
    recovery_enter(x->r, p);
    x->r->left++;
    return 0;
}

struct recovery *recovery_new(struct engine *en, const struct recovery_config *cfg)
{
    struct recovery *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->cfg = *cfg;
    r->floor = cfg->floor ? cfg->floor : &r->own;
    r->engine = en;
    for (int i = 0; i < RECOVERY_LISTS; i++)
        list_init(&r->lists[i]);
    list_init(&r->doubts);
    map_init(&r->questions, 0);
    map_init(&r->fresh, 0);
    map_init(&r->claimed, 0);
    return r;
}

/* A call that ended just before the earlier process did. */
static int note_ended(void *arg, const struct journal_call *c)
{
    struct listing *x = arg;
    cJSON *summary = NULL;
    const char *id;
    int err = json_parse(&summary, c->facts, c->n, NULL);

    id = json_str(summary, "id");
    if (id)
        wire_ended(x->r->engine->wire, c->key, id, x->now);
    cJSON_Delete(summary);
    return err == ERR_NOMEM ? err : 0;
}

static int list_calls(struct recovery *r, int64_t now, struct error *e)
{
    const struct store *s = r->cfg.store;
    struct listing x = {.r = r, .e = e, .now = now};
    int err = s->each_open(s->arg, list_call, &x, e);

    if (!err) /* as far as it can be had */
        s->each_ended(s->arg, now - LATE_MS, note_ended, &x, NULL);
    r->began = now;
    r->total = r->left;
    r->only = x.calls == 1;
    for (int i = 0; err && i < RECOVERY_LISTS; i++)
        for (struct list *it = r->lists[i].next; it != &r->lists[i]; it = it->next)
            mailbox_close(&r->engine->mailbox, list_entry(it, struct patient, link)->key);
    return err;
}

int engine_recover(struct engine *en, const struct recovery_config *cfg, int64_t now, size_t *calls,
                   struct error *e)
{
    struct recovery *r = recovery_new(en, cfg);
    int err = r ? list_calls(r, now, e) : error_set(e, ERR_NOMEM, "no memory");

    en->later = *cfg;
    if (calls)
        *calls = err ? 0 : r->total;
    if (err) {
        en->recover_at = now + AGAIN_MS;
        recovery_free(r);
        return err;
    }
    if (r->total == 0) {
        recovery_free(r);
        return 0;
    }
    recovery_free(en->recovery);
    en->recovery = r;
    return 0;
}

void recovery_try_again(struct engine *en, int64_t now)
{
    struct recovery_config cfg = en->later;
    struct error e = {""};
    size_t calls = 0;
    char *text = NULL;

    en->recover_at = INT64_MAX;
    if (engine_recover(en, &cfg, now, &calls, &e) == 0 &&
        asprintf(&text, "the journal can be read now; %zu calls are taken up", calls) >= 0)
        engine_note(en, "info", "", text);
}

bool recovery_may_know(const struct engine *en, const char *path_key)
{
    size_t n = strcspn(path_key, ".");
    char key[KEY_MAX];

    if (en->recover_at == INT64_MAX || n >= KEY_MAX)
        return false;
    snprintf(key, sizeof key, "%.*s", (int)n, path_key);
    return !is_known(en, key);
}

int engine_rebuild(struct engine *en, const struct recovery_config *cfg, struct error *e)
{
    struct recovery r = {.cfg = *cfg, .engine = en, .rebuilds = true};
    struct listing x = {.r = &r, .e = e};
    int err;

    if (en->recovery && en->recovery->left)
        return 0;
    for (int i = 0; i < RECOVERY_LISTS; i++)
        list_init(&r.lists[i]);
    map_init(&r.claimed, 0);
    err = cfg->store->each_open(cfg->store->arg, list_call, &x, e);
    while (!list_empty(&r.lists[RECOVERY_WAITING])) {
        struct patient *p = list_entry(r.lists[RECOVERY_WAITING].next, struct patient, link);

        mailbox_close(&en->mailbox, p->key);
        core_drop(en->core, p->key);
        if (!err)
            err = past_replay(&r, p, e);
        if (!err && p->extra.n && p->extra.items[p->extra.n - 1].kind != COMMAND_LOG)
            err = error_set(e, ERR_CONFLICT, "%s at %s is issued by the replay only",
                            command_kind_name(p->extra.items[p->extra.n - 1].kind),
                            p->extra.items[p->extra.n - 1].where);
        patient_free(p);
    }
    map_fini(&r.claimed);
    return err;
}

size_t engine_recovering(const struct engine *en)
{
    return en->recovery ? en->recovery->left : 0;
}

void recovery_free(struct recovery *r)
{
    if (!r)
        return;
    recovery_leave(r);
    for (int i = 0; i < RECOVERY_LISTS; i++)
        while (!list_empty(&r->lists[i]))
            patient_free(list_entry(r->lists[i].next, struct patient, link));
    while (!list_empty(&r->doubts))
        doubt_free(r, list_entry(r->doubts.next, struct doubt, link));
    for (size_t i = 0; i < r->questions.n; i++)
        free(r->questions.entries[i].value);
    map_fini(&r->questions);
    map_fini(&r->fresh);
    map_fini(&r->claimed);
    heap_fini(&r->timers);
    free(r);
}
