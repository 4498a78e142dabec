#include "host/host_journal.h"

#include "host/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FIRST_MS = 5000,
    EXPIRE_MS = 3600 * 1000,
    DAY_MS = 24 * 3600 * 1000,
    QUEUE_BYTES = 64 << 20
};

struct host_journal {
    struct host *host;
    struct journal *journal;
    struct seal *seal;
    struct values_source values;
    uv_async_t wake;
    uv_timer_t expire;
    bool handles;
    atomic_int said; /* health that was last said in the log */
};

/* The database could not be used any more, and a new one has taken its place. */
static void say_news(struct host_journal *j)
{
    struct host *s = j->host;
    struct journal_news n;

    if (!journal_news(j->journal, &n))
        return;
    log_write(
        &s->log, LOG_ERROR, NULL,
        "%s; it is kept as %s and a new one is begun. Taken over: %u calls in progress, %u of "
        "them with entries missing%s",
        n.why, n.aside, n.calls, n.torn,
        n.complete ? "" : "; there may have been more that could not be read");
    if (s->bundles)
        bundles_keep(s->bundles);
}

/* On the writer's thread. */
static void on_commit(void *arg)
{
    struct host_journal *j = arg;

    for (unsigned i = 0; i < j->host->nworkers; i++)
        uv_async_send(&j->host->workers[i].committed);
    if (journal_health(j->journal, NULL) != atomic_load(&j->said) || journal_news(j->journal, NULL))
        uv_async_send(&j->wake);
}

static void on_wake(uv_async_t *handle)
{
    struct host_journal *j = handle->data;
    struct host *s = j->host;
    struct error e = {""};
    int health = journal_health(j->journal, &e), said = atomic_exchange(&j->said, health);

    if (health && !said)
        log_write(&s->log, LOG_ERROR, NULL, "no new calls are taken: %s", e.text);
    else if (!health && said)
        log_write(&s->log, LOG_INFO, NULL, "the journal is written again; new calls are taken");
    say_news(j);
}

static void on_expire(uv_timer_t *handle)
{
    struct host_journal *j = handle->data;
    struct host *s = j->host;
    int64_t keep = config_int(s->cfg, "journal.retain_days") * DAY_MS;

    journal_expire(j->journal, host_time() - keep, NULL);
    bundles_keep(s->bundles); /* they may have been nobody's just now */
}

static int open_files(struct host_journal *j, struct error *e)
{
    struct host *s = j->host;
    const char *data = config_str(s->cfg, "data"), *key = config_str(s->cfg, "journal.key_file");
    char path[1100], key_path[1100];
    struct journal_config c = {
        .path = path,
        .full_sync = strcmp(config_str(s->cfg, "journal.sync"), "power") == 0,
        .commit_ms = config_int(s->cfg, "journal.commit_ms"),
        .keep_entries = config_bool(s->cfg, "journal.keep_entries"),
        .max_queue_bytes = QUEUE_BYTES,
        .wake = on_commit,
        .wake_arg = j,
    };
    struct error wrong;
    int err;

    if (mkdir(data, 0700) && errno != EEXIST)
        return error_set(e, ERR_IO, "data: %s: %s", data, strerror(errno));
    snprintf(path, sizeof path, "%s/journal.db", data);
    snprintf(key_path, sizeof key_path, "%s/journal.key", data);
    err = seal_open(&j->seal, key ? key : key_path, &wrong, e);
    if (!err && wrong.text[0])
        log_write(&s->log, LOG_ERROR, NULL, "%s", wrong.text);
    if (!err)
        err = journal_open(&j->journal, &c, e);
    if (!err)
        say_news(j);
    return err;
}

/* Values are read under their own lock, by whichever worker holds it. */
static int get_value(void *arg, const char *name, void **p, size_t *n, struct error *e)
{
    return journal_get_value(arg, name, p, n, e);
}

static uint64_t committed(void *arg)
{
    return journal_committed(arg);
}

int host_journal_open(struct host *s, struct error *e)
{
    struct host_journal *j;
    int err;

    if (!config_bool(s->cfg, "journal.enabled"))
        return values_new(&s->values, NULL) ? error_set(e, ERR_NOMEM, "no memory") : 0;
    j = calloc(1, sizeof *j);
    if (!j)
        return error_set(e, ERR_NOMEM, "no memory");
    s->journal = j;
    j->host = s;
    if (uv_async_init(&s->loop, &j->wake, on_wake) || uv_timer_init(&s->loop, &j->expire))
        return error_set(e, ERR_IO, "the journal's events cannot be made");
    j->handles = true;
    j->wake.data = j->expire.data = j;
    err = open_files(j, e);
    if (err)
        return err;
    j->values = (struct values_source){get_value, committed, j->journal};
    err = values_new(&s->values, &j->values);
    if (!err && uv_timer_start(&j->expire, on_expire, FIRST_MS, EXPIRE_MS))
        err = ERR_IO;
    return err ? error_set(e, err, "the journal: %s", error_name(err)) : 0;
}

/* Freed with the second of the two handles. */
static void on_closed(uv_handle_t *handle)
{
    struct host_journal *j = handle->data;
    bool second = !j->handles;

    j->handles = false;
    if (second)
        free(j);
}

void host_journal_close(struct host *s)
{
    struct host_journal *j = s->journal;

    values_free(s->values);
    s->values = NULL;
    if (!j)
        return;
    journal_close(j->journal);
    seal_close(j->seal);
    s->journal = NULL;
    if (!j->handles) {
        free(j);
        return;
    }
    uv_close((uv_handle_t *)&j->expire, on_closed);
    uv_close((uv_handle_t *)&j->wake, on_closed);
}

struct journal *host_journal_file(struct host *s)
{
    return s->journal->journal;
}

int host_journal_reader(struct host *s, struct journal **out, struct error *e)
{
    return journal_new_reader(out, s->journal->journal, e);
}

void host_journal_rules(struct host *s, struct recorder_config *c)
{
    const char *tones = config_str(s->cfg, "journal.tones");

    c->seal = s->journal->seal;
    c->keep_tones = tones ? strcmp(tones, "keep") == 0 : !config_str(s->cfg, "graph.url");
}

void host_journal_bundle(struct host *s, const struct bundle *b, bool use)
{
    struct journal_store both;
    struct store store;
    int err;

    if (!s->journal)
        return;
    both = (struct journal_store){s->journal->journal, s->journal->journal};
    store = store_of_journal(&both);
    err = store_bundle(&store, b);
    if (!err && use)
        err = journal_use_bundle(s->journal->journal, b->id, NULL);
    if (err)
        log_write(&s->log, LOG_ERROR, NULL, "the journal does not take the bundle: %s",
                  error_name(err));
}

int host_journal_used(struct host *s, struct bundle **out, struct error *e)
{
    void *p = NULL;
    size_t n = 0;
    int err = s->journal ? journal_used_bundle(s->journal->journal, &p, &n, e)
                         : error_set(e, ERR_NOTFOUND, "there is no journal");

    if (!err)
        err = bundle_decode(out, p, n, e);
    free(p);
    return err;
}

int host_journal_health(struct host *s, struct error *e)
{
    return s->journal ? journal_health(s->journal->journal, e) : 0;
}
