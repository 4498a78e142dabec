#include "host/bundles.h"

#include "base/json.h"
#include "host/bundles_state.h"
#include "host/host_journal.h"
#include "host/survey.h"

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
    log_write(&b->host->log, LOG_INFO, NULL, "flows from %s: bundle %.12s, %zu files, %zu prompts",
              bundle->folder, bundle->id, bundle->nfiles, bundle->nprompts);
}

static void on_counted(struct survey *s, void *arg, bool home)
{
    if (home)
        bundles_counted(arg, s);
}

static void use(struct bundles *b, struct bundle *bundle)
{
    struct bundle *old = b->active;

    b->active = bundle_ref(bundle);
    bundle_unref(old);
    bundles_end_trial(b, false);
    bundles_forget_score(b);
}

/* The cells of `l` go to the workers: new calls get its bundle, or those on trial do. */
static int take(struct bundles *b, struct load *l, bool trial)
{
    struct bundles_order *order = NULL, *end = NULL;
    int err = bundles_enter(b, l->bundle);

    if (!err && trial)
        err = bundles_order_new(&end, b, BUNDLES_DROP, NULL);
    if (!err)
        err = bundles_order_new(&order, b, trial ? BUNDLES_TRY : BUNDLES_TAKE, l->cells);
    if (err) {
        bundles_order_free(end);
        return error_set(&l->e, err, "no memory");
    }
    l->cells = NULL;
    host_journal_bundle(b->host, l->bundle, !trial);
    say_taken(b, l->bundle);
    if (trial)
        bundles_begin_trial(b, l->bundle, end);
    else
        use(b, l->bundle);
    bundles_order_give(b, order);
    /* Without memory what is retired is forgotten the next time. */
    (void)survey_begin(b->host, NULL, on_counted, b);
    return 0;
}

/* The folder was read: `l` holds its content, loaded unless it was known. */
static int take_folder(struct bundles *b, struct load *l)
{
    const char *refused = json_str(b->refused, "bundle");
    double canary = config_num(b->host->cfg, "reload.canary");
    int err = 0;

    if (!refused || l->cells || strcmp(refused, l->bundle->id) != 0)
        bundles_clear_refusal(b);
    memcpy(b->seen, l->bundle->id, sizeof b->seen);
    if (!l->cells || (b->trial && strcmp(b->trial->id, l->bundle->id) == 0))
        return 0;
    if (strcmp(b->active->id, l->bundle->id) == 0)
        bundles_end_trial(b, true); /* what was new has been taken back */
    else
        err = take(b, l, canary > 0 && canary < 100);
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
    log_write(&b->host->log, LOG_ERROR, NULL, "flows not taken: %s", l->e.text);
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
        log_write(&b->host->log, LOG_WARN, NULL,
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
            log_write(&b->host->log, LOG_ERROR, NULL, "bundle %.12s not taken: %s", r->bundle->id,
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
    b->load = (struct load){.cfg = &b->how,
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
    CHECK(uv_queue_work(&b->host->loop, &b->work, run, ran) == 0);
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

/* The folder cannot be used: what was in use when the process before ended goes on. */
static int load_used(struct bundles *b, struct load *folder)
{
    struct load l = {.cfg = &b->how, .watch_fd = -1};
    struct error e;
    int err = host_journal_used(b->host, &l.bundle, &e);

    if (!err) {
        load_run(&l);
        err = l.err ? l.err : take(b, &l, false);
    }
    if (!err) {
        refuse(b, folder, true);
        log_write(&b->host->log, LOG_ERROR, NULL,
                  "new calls get bundle %.12s, which was in use before, until the flows are mended",
                  b->active->id);
    }
    load_fini(&l);
    return err;
}

static int load_first(struct bundles *b, struct error *e)
{
    struct load l = {.cfg = &b->how, .watch_fd = b->watch ? watch_fd(b->watch) : -1};
    int err;

    load_run(&l);
    take_places(b, &l);
    err = l.err ? l.err : take(b, &l, false);
    if (!err)
        memcpy(b->seen, l.bundle->id, sizeof b->seen);
    else if (load_used(b, &l) == 0)
        err = 0;
    else
        error_set(e, err, "%s", l.e.text);
    load_fini(&l);
    return err;
}

static int list_cores(struct bundles *b, struct error *e)
{
    struct host *host = b->host;

    b->how = (struct load_config){.cores = calloc(host->nworkers, sizeof(struct core *)),
                                  .ncores = host->nworkers,
                                  .store = host->store,
                                  .folder = config_str(host->cfg, "flows"),
                                  .stdlib = host->stdlib};
    if (!b->how.cores)
        return error_set(e, ERR_NOMEM, "no memory");
    for (unsigned i = 0; i < host->nworkers; i++)
        b->how.cores[i] = engine_core(host->workers[i].engine);
    return 0;
}

int bundles_new(struct bundles **out, struct host *host, struct error *e)
{
    struct bundles *b = calloc(1, sizeof *b);
    int err;

    if (!b)
        return error_set(e, ERR_NOMEM, "no memory");
    b->host = host;
    list_init(&b->entries);
    list_init(&b->queue);
    bundles_score_init(b);
    err = list_cores(b, e);
    if (!err && config_bool(host->cfg, "reload.watch"))
        err = watch_new(&b->watch, &host->loop, QUIET_MS, MOST_MS, on_change, b, e);
    if (!err)
        err = load_first(b, e);
    if (err) {
        bundles_free(b);
        return err;
    }
    *out = b;
    return 0;
}

const struct bundle *bundles_active(const struct bundles *b)
{
    return b->active;
}

const struct bundle *bundles_trial(const struct bundles *b)
{
    return b->trial;
}

void bundles_keep(struct bundles *b)
{
    host_journal_bundle(b->host, b->active, true);
    if (b->trial)
        host_journal_bundle(b->host, b->trial, false);
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
        uv_run(&b->host->loop, UV_RUN_ONCE);
    watch_free(b->watch);
    bundles_end_trial(b, false);
    bundles_score_fini(b);
    bundle_unref(b->active);
    bundles_list_fini(b);
    free(b->how.cores);
    free(b);
}
