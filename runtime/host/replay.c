#include "host/replay.h"

#include "base/json.h"
#include "host/recover_state.h"
#include "host/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    enum journal_kind kind;
    char *text;
};

/* One call that is run again. */
struct desk {
    const struct replay_config *cfg;
    char key[KEY_MAX], bundle[65];
    bool ended;
    char *facts; /* the start               */
    cJSON *summary;
    struct kept *items;
    size_t n;
    const char *tones; /* those that are left     */
    bool stopped;      /* at a key that was wiped */
    const char *gap;   /* why it cannot be run    */
    struct difference difference;
    struct error e;
};

static int note_call(void *arg, const struct journal_call *c)
{
    struct desk *d = arg;

    d->ended = c->ended != 0;
    memcpy(d->bundle, c->bundle, sizeof d->bundle);
    if (d->ended)
        return json_parse(&d->summary, c->facts, c->n, &d->e);
    d->facts = strndup(c->facts, c->n);
    return d->facts ? 0 : ERR_NOMEM;
}

static const char *tone_name(char key)
{
    static const char *const names[] = {"tone0", "tone1", "tone2", "tone3", "tone4", "tone5",
                                        "tone6", "tone7", "tone8", "tone9", "tonea", "toneb",
                                        "tonec", "toned", "star",  "pound"};
    static const char keys[] = "0123456789abcd*#";
    const char *at = key ? strchr(keys, key >= 'A' && key <= 'D' ? key - 'A' + 'a' : key) : NULL;

    return at ? names[at - keys] : NULL;
}

/* Whether the value of the key event `o` is there; else one of those given takes its place. */
static bool has_tone(struct desk *d, cJSON *o)
{
    cJSON *data = json_get(o, "data");
    const char *name;

    if (json_str(data, "tone") || (json_str(data, "sealed") && d->cfg->seal))
        return true;
    while (*d->tones == ',' || *d->tones == ' ')
        d->tones++;
    name = tone_name(*d->tones);
    if (!name || !data || json_set_str(data, "tone", name))
        return false;
    d->tones++;
    cJSON_DeleteItemFromObjectCaseSensitive(data, "sealed");
    return true;
}

static int add(struct desk *d, enum journal_kind kind, char *text)
{
    struct kept *items = text ? realloc(d->items, (d->n + 1) * sizeof *items) : NULL;

    if (!items) {
        free(text);
        return ERR_NOMEM;
    }
    d->items = items;
    d->items[d->n++] = (struct kept){kind, text};
    return 0;
}

static int take_event(struct desk *d, const void *p, size_t n)
{
    cJSON *o = NULL;
    const char *kind;
    char *text;
    int err = json_parse(&o, p, n, &d->e);

    if (err)
        return err;
    kind = json_str(o, "kind");
    if (!kind || strcmp(kind, "tone") != 0) {
        text = strndup(p, n);
    } else if (has_tone(d, o)) {
        text = json_text(o);
    } else {
        cJSON_Delete(o);
        d->stopped = true;
        return 0;
    }
    cJSON_Delete(o);
    return add(d, JOURNAL_EVENT, text);
}

static int note_entry(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    struct desk *d = arg;

    if (d->stopped)
        return 0;
    switch (kind) {
    case JOURNAL_FACTS:
        free(d->facts);
        d->facts = strndup(p, n);
        return d->facts ? 0 : ERR_NOMEM;
    case JOURNAL_MARK:
        d->gap = "entries are missing, or it went on without its flow";
        return 0;
    case JOURNAL_EVENT:
        return take_event(d, p, n);
    case JOURNAL_COMMAND:
        return add(d, kind, strndup(p, n));
    }
    return 0;
}

/* The call's entries, for the code that compares. */
static int give_entries(void *arg, const char *key, journal_entry_cb *cb, void *cb_arg,
                        struct error *e)
{
    const struct desk *d = arg;
    int err = 0;

    (void)key, (void)e;
    for (size_t i = 0; !err && i < d->n; i++)
        err = cb(cb_arg, d->items[i].kind, d->items[i].text, strlen(d->items[i].text));
    return err;
}

static int read_desk(struct desk *d)
{
    int err = journal_find(d->cfg->journal, d->key, note_call, d, &d->e);

    if (!err)
        err = journal_kept(d->cfg->journal, d->key, note_entry, d, &d->e);
    if (!err && !d->gap && !d->facts)
        d->gap = "its entries were not kept (journal.keep_entries)";
    if (!err && d->gap)
        err = error_set(&d->e, ERR_NOTFOUND, "%s", d->gap);
    return err;
}

static int own_bundle(struct desk *d, struct bundle **out)
{
    void *p = NULL;
    size_t n = 0;
    int err = journal_get_bundle(d->cfg->journal, d->bundle, &p, &n, &d->e);

    if (!err)
        err = bundle_decode(out, p, n, &d->e);
    free(p);
    return err;
}

/* A machine with the flows that are wanted. */
static int make_core(struct desk *d, struct core **out)
{
    struct bundle *b = d->cfg->bundle ? bundle_ref(d->cfg->bundle) : NULL;
    int err = b ? 0 : own_bundle(d, &b);

    if (!err)
        err = core_new(out, &d->cfg->core, &d->e);
    if (!err)
        err = core_use(*out, b, &d->e);
    bundle_unref(b);
    return err;
}

/* What was recorded of the end, against what is done now: a command, or another result. */
static int other_end(struct desk *d, const char *then, const struct command *c, const char *now)
{
    snprintf(d->difference.then.what, sizeof d->difference.then.what, "its end: %s",
             then ? then : "?");
    if (c)
        difference_issued(&d->difference.now, c);
    else
        snprintf(d->difference.now.what, sizeof d->difference.now.what, "%s%s",
                 now ? "its end: " : "it goes on", now ? now : "");
    return difference_error(&d->e, &d->difference);
}

/* After the last entry nothing may come but the end, with the same result. */
static int compare_end(struct desk *d, const struct patient *p)
{
    const char *then = json_str(d->summary, "result"), *now;
    const struct command *end = NULL;

    if (!d->ended || d->stopped)
        return 0;
    for (size_t i = 0; i < p->extra.n; i++) {
        const struct command *c = &p->extra.items[i];

        if (c->kind == COMMAND_END)
            end = c;
        else if (c->kind != COMMAND_LOG)
            return other_end(d, then, c, NULL);
    }
    now = end ? json_str(end->args, "result") : NULL;
    return !now || (then && strcmp(now, then) != 0) ? other_end(d, then, NULL, now) : 0;
}

static int start_of(struct desk *d, struct event *start)
{
    int err = event_decode(start, d->facts, strlen(d->facts), &d->e);

    if (!err)
        cJSON_DeleteItemFromObjectCaseSensitive(start->data, "bundle");
    return err;
}

static int run(struct desk *d)
{
    struct store store = {.entries = give_entries, .arg = d};
    struct engine engine = {0};
    struct recovery r = {.cfg = {.store = &store, .seal = d->cfg->seal},
                         .engine = &engine,
                         .difference = &d->difference};
    struct patient p = {0};
    struct watchdog *dog = NULL;
    int err = read_desk(d);

    memcpy(p.key, d->key, sizeof p.key);
    if (!err)
        err = make_core(d, &engine.core);
    if (!err)
        err = watchdog_new(&dog, core_pulse(engine.core), d->cfg->core.limits.turn_ms, &d->e);
    if (!err)
        err = start_of(d, &p.start);
    if (err == ERR_CONFLICT)
        err = ERR_INVALID; /* not a difference */
    if (!err)
        err = past_replay(&r, &p, &d->e);
    if (!err)
        err = compare_end(d, &p);
    watchdog_free(dog);
    event_fini(&p.start);
    command_list_fini(&p.issued);
    command_list_fini(&p.extra);
    core_free(engine.core);
    return err;
}

/* Line against line; what else can be the matter has only its reason. */
static void write_difference(struct desk *d)
{
    const struct difference *x = &d->difference;
    struct bundle *own = NULL;
    struct error text = d->e;

    if (!x->then.what[0]) {
        fprintf(d->cfg->out, "DIFFERENT: %s\n", text.text);
        return;
    }
    fprintf(d->cfg->out, "DIFFERENT%s\n", x->arguments ? ": other arguments" : "");
    own_bundle(d, &own); /* without it there is no source to show */
    difference_write(d->cfg->out, x, own, d->cfg->bundle ? d->cfg->bundle : own);
    bundle_unref(own);
}

static int report(struct desk *d, int err)
{
    const char *text = d->e.text[0] ? d->e.text : error_name(err);

    fprintf(d->cfg->out, "%s  ", d->key);
    if (!err && d->stopped && d->n == 0)
        fputs("stops at its first key, which was wiped: give --tones\n", d->cfg->out);
    else if (!err && d->stopped)
        fprintf(d->cfg->out, "the same as far as a key that was wiped (%zu entries); see --tones\n",
                d->n);
    else if (!err)
        fprintf(d->cfg->out, "the same (%zu entries)\n", d->n);
    else if (err == ERR_CONFLICT)
        write_difference(d);
    else
        fprintf(d->cfg->out, "cannot be run: %s\n", text);
    return !err ? REPLAY_SAME : err == ERR_CONFLICT ? REPLAY_DIFFERENT : REPLAY_CANNOT;
}

int replay_call(const struct replay_config *cfg, const char *key)
{
    struct desk d = {.cfg = cfg, .tones = cfg->tones ? cfg->tones : ""};
    int status;

    snprintf(d.key, sizeof d.key, "%s", key);
    status = report(&d, run(&d));
    for (size_t i = 0; i < d.n; i++)
        free(d.items[i].text);
    free(d.items);
    free(d.facts);
    cJSON_Delete(d.summary);
    return status;
}

struct keys {
    char (*items)[KEY_MAX];
    size_t n;
};

static int note_key(void *arg, const struct journal_call *c)
{
    struct keys *k = arg;
    char(*items)[KEY_MAX] = realloc(k->items, (k->n + 1) * sizeof *items);

    if (!items)
        return ERR_NOMEM;
    k->items = items;
    memcpy(k->items[k->n++], c->key, KEY_MAX);
    return 0;
}

int replay_all(const struct replay_config *cfg, int64_t since)
{
    struct keys keys = {0};
    struct error e = {""};
    size_t came[3] = {0};
    int err = journal_each_ended(cfg->journal, since, note_key, &keys, &e);

    for (size_t i = 0; !err && i < keys.n; i++)
        came[replay_call(cfg, keys.items[i])]++;
    free(keys.items);
    if (err) {
        fprintf(cfg->out, "%s\n", e.text);
        return REPLAY_CANNOT;
    }
    fprintf(cfg->out, "%zu calls: %zu the same, %zu different, %zu cannot be run\n", keys.n,
            came[REPLAY_SAME], came[REPLAY_DIFFERENT], came[REPLAY_CANNOT]);
    if (came[REPLAY_DIFFERENT])
        return REPLAY_DIFFERENT;
    return came[REPLAY_CANNOT] && !came[REPLAY_SAME] ? REPLAY_CANNOT : REPLAY_SAME;
}
