#include "host/recorder.h"

#include "base/json.h"
#include "base/map.h"
#include "host/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char torn_mark[] = "{\"torn\":true}", fallback_mark[] = "{\"fallback\":true}";

/* A call that is being written down. */
struct written {
    struct summary summary;
    int64_t now;       /* of its last event */
    bool torn, marked; /* something is missing; and the store says so */
};

struct recorder {
    struct recorder_config cfg;
    struct engine_record hooks;
    struct map calls; /* key → struct written */
    bool full;        /* the store refused the last time it was asked */
    uint64_t seen;    /* committed then */
};

static void written_free(struct written *w)
{
    if (!w)
        return;
    summary_fini(&w->summary);
    free(w);
}

static struct written *begin(struct recorder *r, const struct event *start)
{
    const char *bundle = json_str(start->data, "bundle");
    struct written *w = calloc(1, sizeof *w);

    if (!w || map_put(&r->calls, start->key, w)) {
        free(w);
        return NULL;
    }
    w->now = start->time;
    w->summary.began = json_int(json_get(start->data, "continue"), "since", start->time);
    snprintf(w->summary.bundle, sizeof w->summary.bundle, "%s", bundle ? bundle : "");
    return w;
}

/* The store's answer: a position, or 0 after a failure, after which the call's journal has ended.
 */
static uint64_t outcome(struct recorder *r, struct written *w, int err, uint64_t position)
{
    r->full = err == ERR_LIMIT;
    if (!err)
        return position;
    r->seen = r->cfg.store->committed(r->cfg.store->arg);
    w->torn = true;
    return 0;
}

/* Entries are missing: say so in the journal as soon as it takes anything again. */
static uint64_t still_torn(struct recorder *r, struct written *w, const char *key)
{
    const struct store *s = r->cfg.store;

    if (!w->marked &&
        s->append(s->arg, key, JOURNAL_MARK, torn_mark, sizeof torn_mark - 1, NULL) == 0)
        w->marked = true;
    return 0;
}

static uint64_t append(struct recorder *r, struct written *w, const char *key,
                       enum journal_kind kind, const char *text)
{
    const struct store *s = r->cfg.store;
    uint64_t position = 0;
    int err;

    if (w->torn)
        return still_torn(r, w, key);
    err = text ? s->append(s->arg, key, kind, text, strlen(text), &position) : ERR_NOMEM;
    return outcome(r, w, err, position);
}

/* The sealed value in what is written of a tone. */
static void note_event(struct written *w, const struct event *ev, const char *text, bool keep)
{
    static const char mark[] = "\"sealed\":\"";
    const char *at = keep && ev->kind == EVENT_TONE && text ? strstr(text, mark) : NULL;
    char sealed[256] = "";

    if (at)
        snprintf(sealed, sizeof sealed, "%.*s", (int)strcspn(at + sizeof mark - 1, "\""),
                 at + sizeof mark - 1);
    if (ev->time > w->now)
        w->now = ev->time;
    summary_event(&w->summary, ev, sealed);
}

static uint64_t write_start(struct recorder *r, struct written *w, const struct event *ev,
                            const char *text)
{
    const struct store *s = r->cfg.store;
    uint64_t position = 0;
    int err =
        text ? s->begin(s->arg, ev->key, ev->time, w->summary.bundle, text, strlen(text), &position)
             : ERR_NOMEM;

    return outcome(r, w, err, position);
}

static uint64_t on_event(void *arg, const struct event *ev)
{
    struct recorder *r = arg;
    struct written *w = map_get(&r->calls, ev->key);
    bool start = ev->kind == EVENT_START && !w;
    uint64_t position;
    char *text;

    if (start)
        w = begin(r, ev);
    if (!w)
        return 0; /* a call that is over, or for which there is no memory */
    text = recorder_event_text(r->cfg.seal, ev);
    position = start ? write_start(r, w, ev, text) : append(r, w, ev->key, JOURNAL_EVENT, text);
    note_event(w, ev, text, r->cfg.keep_tones);
    free(text);
    return position;
}

static uint64_t write_end(struct recorder *r, struct written *w, const struct command *c)
{
    const struct store *s = r->cfg.store;
    char *summary = summary_text(&w->summary, c, w->now);
    char *timeline = summary_timeline(&w->summary, c, r->cfg.keep_tones);
    bool wipe = !r->cfg.keep_tones || json_bool(c->args, "secret", false);
    uint64_t position = 0;
    int err = summary && timeline ? s->end(s->arg, c->key, w->now, summary, strlen(summary),
                                           timeline, strlen(timeline), wipe, &position)
                                  : ERR_NOMEM;

    free(summary);
    free(timeline);
    position = outcome(r, w, err, position);
    map_remove(&r->calls, c->key);
    written_free(w);
    return position;
}

/* What comes is another flow with plain data: what was before is not needed any more. */
static uint64_t write_restart(struct recorder *r, struct written *w, const struct command *c)
{
    const struct store *s = r->cfg.store;
    struct event start = {0};
    uint64_t position = 0;
    char *text = core_continued(&start, c, w->summary.bundle) ? NULL : event_encode(&start);
    int err = text ? s->restart(s->arg, c->key, text, strlen(text), &position) : ERR_NOMEM;

    free(text);
    event_fini(&start);
    if (!err)
        w->torn = w->marked = false;
    return outcome(r, w, err, position);
}

static uint64_t on_command(void *arg, const struct command *c)
{
    struct recorder *r = arg;
    struct written *w = map_get(&r->calls, c->key);
    uint64_t position;
    char *text;

    if (!w)
        return 0;
    summary_command(&w->summary, c, w->now);
    if (c->kind == COMMAND_END)
        return write_end(r, w, c);
    if (c->kind == COMMAND_CONTINUE)
        return write_restart(r, w, c);
    text = recorder_command_text(r->cfg.seal, c);
    position = append(r, w, c->key, JOURNAL_COMMAND, text);
    free(text);
    return position;
}

/* A value of the flows' store and the answer that says so, in one. */
static uint64_t on_value(void *arg, const struct event *answer, const char *name, const char *text)
{
    struct recorder *r = arg;
    const struct store *s = r->cfg.store;
    struct written *w = map_get(&r->calls, answer->key);
    char *event = w && !w->torn ? event_encode(answer) : NULL;
    uint64_t position = 0;
    int err = s->put_value(s->arg, name, text, text ? strlen(text) : 0, answer->key, event,
                           event ? strlen(event) : 0, &position);

    if (w) {
        if (!w->torn)
            position = outcome(r, w, err || event ? err : ERR_NOMEM, position);
        note_event(w, answer, event, false);
    }
    free(event);
    return err ? 0 : position;
}

static int get_value(void *arg, const char *name, void **p, size_t *n, struct error *e)
{
    const struct store *s = ((struct recorder *)arg)->cfg.store;

    return s->get_value(s->arg, name, p, n, e);
}

static uint64_t committed(void *arg)
{
    const struct store *s = ((struct recorder *)arg)->cfg.store;

    return s->committed(s->arg);
}

static int health(void *arg)
{
    return recorder_health(arg, NULL);
}

int recorder_health(struct recorder *r, struct error *e)
{
    const struct store *s = r->cfg.store;
    int err = s->health(s->arg, e);

    if (!err && r->full && s->committed(s->arg) == r->seen)
        return error_set(e, ERR_LIMIT, "journal: too much waits to be written");
    return err;
}

int recorder_new(struct recorder **out, const struct recorder_config *cfg)
{
    struct recorder *r = calloc(1, sizeof *r);

    if (!r)
        return ERR_NOMEM;
    r->cfg = *cfg;
    r->hooks =
        (struct engine_record){on_event, on_command, on_value, get_value, committed, health, r};
    map_init(&r->calls, 0);
    *out = r;
    return 0;
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->calls.n; i++)
        written_free(r->calls.entries[i].value);
    map_fini(&r->calls);
    free(r);
}

const struct engine_record *recorder_hooks(struct recorder *r)
{
    return &r->hooks;
}

void recorder_resume_event(struct recorder *r, const struct event *ev, const char *text)
{
    struct written *w = map_get(&r->calls, ev->key);

    if (ev->kind == EVENT_START) /* which is noted once: it may be given again */
        w = w ? NULL : begin(r, ev);
    if (w)
        note_event(w, ev, text, r->cfg.keep_tones);
}

void recorder_resume_command(struct recorder *r, const struct command *c)
{
    struct written *w = map_get(&r->calls, c->key);

    if (w && c->kind != COMMAND_LOG)
        summary_command(&w->summary, c, w->now);
}

void recorder_forget(struct recorder *r, const char *key)
{
    written_free(map_remove(&r->calls, key));
}

static void mark(struct recorder *r, const char *key, const char *text)
{
    struct written *w = map_get(&r->calls, key);

    if (w)
        append(r, w, key, JOURNAL_MARK, text);
}

void recorder_mark_fallback(struct recorder *r, const char *key)
{
    mark(r, key, fallback_mark);
}
