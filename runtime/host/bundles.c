#include "host/bundles.h"

#include "base/json.h"
#include "host/bundles_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_MS 150
#define MOST_MS  1000
#define UNSTEADY 5 /* loads overtaken by further changes, before one is judged all the same */

static void begin_next(struct bundles *b);

static void answer(struct bundles_request *r, int err, const struct error *e)
{
    if (r->done)
        r->done(r->arg, err, e);
    bundle_unref(r->bundle);
    free(r);
}

/* --- what was loaded comes into use --------------------------------------------------------------
 */

static void say_taken(const struct bundles *b, const struct bundle *bundle)
{
    log_write(b->cfg.log, LOG_INFO, NULL, "flows from %s: bundle %.12s, %zu files, %zu prompts",
              bundle->folder, bundle->id, bundle->nfiles, bundle->nprompts);
}

/* The cell of `l` becomes the machine's: of the bundle in use, or of the one on trial. */
static int take(struct bundles *b, struct load *l, bool trial)
{
    struct core *core = b->cfg.load.core;
    int err = bundles_enter(b, l->bundle);

    if (!err && b->cfg.taken)
        b->cfg.taken(b->cfg.arg, l->bundle);
    if (!err)
        err = trial ? core_try(core, l->cell) : core_take(core, l->cell);
    if (err)
        return error_set(&l->e, err, "no memory");
    l->cell = NULL;
    say_taken(b, l->bundle);
    if (trial) {
        bundles_begin_trial(b, l->bundle);
    } else {
        bundles_end_trial(b);
        b->old_ended = b->old_failed = 0;
    }
    bundles_prune(b);
    return 0;
}

/* The folder was read: `l` holds its content, loaded unless it was known. */
static int take_folder(struct bundles *b, struct load *l)
{
    struct core *core = b->cfg.load.core;
    const struct bundle *active = core_bundle(core), *trial = core_trial(core);
    const char *refused = json_str(b->refused, "bundle");
    int err = 0;

    if (!refused || l->cell || strcmp(refused, l->bundle->id) != 0)
        bundles_clear_refusal(b);
    memcpy(b->seen, l->bundle->id, sizeof b->seen);
    if (!l->cell || (trial && strcmp(trial->id, l->bundle->id) == 0))
        return 0;
    if (strcmp(active->id, l->bundle->id) == 0)
        bundles_end_trial(b); /* what was new has been taken back */
    else
        err = take(b, l, b->cfg.canary > 0 && b->cfg.canary < 100);
    if (!err)
        b->good++;
    return err;
}

static void refuse(struct bundles *b, const struct load *l, bool asked)
{
    const char *id = l->bundle ? l->bundle->id : "";
    bool news = bundles_note_refusal(b, id, l->e.text);

    if (l->bundle && l->err == ERR_SCRIPT)
        memcpy(b->seen, id, sizeof b->seen);
    if (!news && !asked)
        return;
    b->bad++;
    log_write(b->cfg.log, LOG_ERROR, NULL, "flows not taken: %s", l->e.text);
}

/* --- loading -------------------------------------------------------------------------------------
 */

/* Further changes came while the folder was read: what was read may be half of each. The watch will
 * call again; but a folder that never holds still is judged now and then. */
static bool overtaken(struct bundles *b, const struct bundles_request *r)
{
    bool yes = !r->asked && b->watch && watch_count(b->watch) != b->changes;

    b->unsteady = yes ? b->unsteady + 1 : 0;
    if (b->unsteady <= UNSTEADY)
        return yes;
    b->unsteady = 0;
    return false;
}

static void take_places(struct bundles *b, struct load *l)
{
    int failed = l->places.failed;

    if (!b->watch || !l->places.n)
        return;
    watch_take(b->watch, &l->places);
    if (failed && failed != b->blind)
        log_write(b->cfg.log, LOG_WARN, NULL,
                  "not every folder of the flows can be watched (%s): use ivory reload",
                  strerror(failed));
    b->blind = failed;
}

static void finish(struct bundles *b, struct bundles_request *r, struct load *l)
{
    if (!r->bundle) {
        take_places(b, l);
        if (!overtaken(b, r)) {
            if (!l->err)
                l->err = take_folder(b, l);
            if (l->err)
                refuse(b, l, r->asked);
        }
    } else {
        if (!l->err)
            l->err = take(b, l, false);
        if (l->err)
            log_write(b->cfg.log, LOG_ERROR, NULL, "bundle %.12s not taken: %s", r->bundle->id,
                      l->e.text);
    }
    answer(r, l->err, &l->e);
}

static void run(uv_work_t *work)
{
    struct bundles *b = work->data;

    load_run(&b->load);
}

static void ran(uv_work_t *work, int status)
{
    struct bundles *b = work->data;
    struct bundles_request *r = b->busy;
    struct load l = b->load;

    (void)status; /* a load is never called back */
    b->busy = NULL;
    b->load = (struct load){0};
    if (b->leaving)
        answer(r, ERR_CONFLICT, &(struct error){"the service is leaving"});
    else
        finish(b, r, &l);
    load_fini(&l);
    begin_next(b);
}

static void prepare(struct bundles *b, const struct bundles_request *r)
{
    b->load = (struct load){.cfg = &b->cfg.load,
                            .watch_fd = b->watch && !r->bundle ? watch_fd(b->watch) : -1,
                            .bundle = r->bundle ? bundle_ref(r->bundle) : NULL};
    /* Who asks may have a reason to try what was refused once more. */
    if (!r->asked)
        memcpy(b->load.known, b->seen, sizeof b->seen);
    b->changes = b->watch ? watch_count(b->watch) : 0;
}

static void begin_next(struct bundles *b)
{
    struct bundles_request *r;

    if (b->busy || list_empty(&b->queue))
        return;
    r = list_entry(b->queue.next, struct bundles_request, link);
    list_remove(&r->link);
    prepare(b, r);
    b->busy = r;
    b->work.data = b;
    CHECK(uv_queue_work(b->cfg.loop, &b->work, run, ran) == 0);
}

static void ask(struct bundles *b, struct bundle *bundle, bool asked, bundles_done *done, void *arg)
{
    struct bundles_request *r = calloc(1, sizeof *r);

    if (!r) {
        if (done)
            done(arg, ERR_NOMEM, &(struct error){"no memory"});
        return;
    }
    *r = (struct bundles_request){
        .bundle = bundle ? bundle_ref(bundle) : NULL, .asked = asked, .done = done, .arg = arg};
    list_append(&b->queue, &r->link);
    begin_next(b);
}

void bundles_reload(struct bundles *b, bundles_done *done, void *arg)
{
    ask(b, NULL, true, done, arg);
}

static void on_change(void *arg)
{
    struct bundles *b = arg;
    struct list *it, *tmp;

    list_each (it, tmp, &b->queue) {
        if (!list_entry(it, struct bundles_request, link)->bundle)
            return; /* the folder will be read anyway */
    }
    ask(b, NULL, false, NULL, NULL);
}

void bundles_use(struct bundles *b, const char *id, bundles_done *done, void *arg)
{
    struct bundles_entry *found = NULL;
    struct error e = {""};
    struct list *it, *tmp;
    size_t n = strlen(id);
    int err = n >= 4 ? 0 : error_set(&e, ERR_NOTFOUND, "give at least 4 digits of the bundle's id");

    list_each (it, tmp, &b->entries) {
        struct bundles_entry *en = list_entry(it, struct bundles_entry, link);

        if (err || strncmp(en->bundle->id, id, n) != 0)
            continue;
        if (found)
            err = error_set(&e, ERR_CONFLICT, "several bundles begin with %.64s", id);
        found = en;
    }
    if (!err && !found)
        err = error_set(&e, ERR_NOTFOUND, "no bundle %.64s", id);
    if (!err)
        ask(b, found->bundle, true, done, arg);
    else if (done)
        done(arg, err, &e);
}

void bundles_count(const struct bundles *b, uint64_t *good, uint64_t *refused)
{
    *good = b->good;
    *refused = b->bad;
}

/* --- life ----------------------------------------------------------------------------------------
 */

static int load_first(struct bundles *b, struct error *e)
{
    struct load l = {.cfg = &b->cfg.load, .watch_fd = b->watch ? watch_fd(b->watch) : -1};
    int err;

    load_run(&l);
    take_places(b, &l);
    err = l.err ? l.err : take(b, &l, false);
    if (err)
        error_set(e, err, "%s", l.e.text);
    else
        memcpy(b->seen, l.bundle->id, sizeof b->seen);
    load_fini(&l);
    return err;
}

int bundles_new(struct bundles **out, const struct bundles_config *cfg, struct error *e)
{
    struct bundles *b = calloc(1, sizeof *b);
    int err = 0;

    if (!b)
        return error_set(e, ERR_NOMEM, "no memory");
    b->cfg = *cfg;
    list_init(&b->entries);
    list_init(&b->queue);
    map_init(&b->tried, 0);
    if (cfg->watch)
        err = watch_new(&b->watch, cfg->loop, QUIET_MS, MOST_MS, on_change, b, e);
    if (!err)
        err = load_first(b, e);
    if (err) {
        bundles_free(b);
        return err;
    }
    *out = b;
    return 0;
}

void bundles_free(struct bundles *b)
{
    if (!b)
        return;
    b->leaving = true;
    while (!list_empty(&b->queue)) {
        struct bundles_request *r = list_entry(b->queue.next, struct bundles_request, link);

        list_remove(&r->link);
        answer(r, ERR_CONFLICT, &(struct error){"the service is leaving"});
    }
    while (b->busy)
        uv_run(b->cfg.loop, UV_RUN_ONCE);
    watch_free(b->watch);
    map_fini(&b->tried);
    bundles_list_fini(b);
    free(b);
}
