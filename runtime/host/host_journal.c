#include "host/host_journal.h"

#include "host/recover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { EXPIRE_MS = 3600 * 1000, DAY_MS = 24 * 3600 * 1000, QUEUE_BYTES = 64 << 20 };

struct host_journal {
    struct host *host;
    struct journal *journal;
    struct seal *seal;
    struct store store;
    struct recorder *recorder;
    uv_async_t wake;
    uv_timer_t expire;
    bool handles;
    int said; /* health that was last said in the log */
};

static void put_bundles(struct host *s)
{
    struct core *core = s->engine ? engine_core(s->engine) : NULL;

    if (core && core_bundle(core))
        host_journal_bundle(s, core_bundle(core));
    if (core && core_trial(core))
        host_journal_bundle(s, core_trial(core));
}

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
    put_bundles(s);
}

/* On the writer's thread. */
static void on_commit(void *arg)
{
    uv_async_send(&((struct host_journal *)arg)->wake);
}

static void on_wake(uv_async_t *handle)
{
    struct host_journal *j = handle->data;
    struct host *s = j->host;
    struct error e = {""};
    int health = journal_health(j->journal, &e);

    if (health && !j->said)
        log_write(&s->log, LOG_ERROR, NULL, "no new calls are taken: %s", e.text);
    else if (!health && j->said)
        log_write(&s->log, LOG_INFO, NULL, "the journal is written again; new calls are taken");
    j->said = health;
    say_news(j);
    if (s->engine) {
        engine_committed(s->engine, host_now(s));
        host_pump(s);
    }
}

static void on_expire(uv_timer_t *handle)
{
    struct host_journal *j = handle->data;
    struct host *s = j->host;
    int64_t keep = config_int(s->cfg, "journal.retain_days") * DAY_MS;

    journal_expire(j->journal, host_now(s) - keep, NULL);
    put_bundles(s); /* they may have been nobody's just now */
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

int host_journal_open(struct host *s, struct error *e)
{
    const char *tones = config_str(s->cfg, "journal.tones");
    struct host_journal *j;
    struct recorder_config c = {0};
    int err;

    if (!config_bool(s->cfg, "journal.enabled"))
        return 0;
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
    j->store = store_of_journal(j->journal);
    c.store = &j->store;
    c.seal = j->seal;
    c.keep_tones = tones ? strcmp(tones, "keep") == 0 : !config_str(s->cfg, "graph.url");
    err = recorder_new(&j->recorder, &c);
    if (!err && uv_timer_start(&j->expire, on_expire, EXPIRE_MS, EXPIRE_MS))
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

    if (!j)
        return;
    s->engine = NULL;
    s->journal = NULL;
    recorder_free(j->recorder);
    journal_close(j->journal);
    seal_close(j->seal);
    if (!j->handles) {
        free(j);
        return;
    }
    j->expire.data = j->wake.data = j;
    uv_close((uv_handle_t *)&j->expire, on_closed);
    uv_close((uv_handle_t *)&j->wake, on_closed);
}

const struct engine_record *host_journal_hooks(struct host_journal *j)
{
    return j ? recorder_hooks(j->recorder) : NULL;
}

void host_journal_bundle(struct host *s, const struct bundle *b)
{
    int err = s->journal ? recorder_bundle(s->journal->recorder, b) : 0;

    if (err)
        log_write(&s->log, LOG_ERROR, NULL, "the journal does not take the bundle: %s",
                  error_name(err));
}

void host_journal_recover(struct host *s)
{
    struct host_journal *j = s->journal;
    struct recovery_config c;
    struct error e = {""};
    size_t calls = 0;
    int err;

    if (!j)
        return;
    c = (struct recovery_config){.recorder = j->recorder, .store = &j->store, .seal = j->seal};
    err = engine_recover(s->engine, &c, host_now(s), &calls, &e);
    if (err)
        log_write(&s->log, LOG_ERROR, NULL, "calls in progress cannot be recovered: %s", e.text);
    else if (calls)
        log_write(&s->log, LOG_INFO, NULL, "%zu calls were in progress; they are taken up again",
                  calls);
}

int host_journal_health(struct host *s, struct error *e)
{
    return s->journal ? recorder_health(s->journal->recorder, e) : 0;
}
