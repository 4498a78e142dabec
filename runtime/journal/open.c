/* Opening and closing the journal, and going on with a new database when one cannot be used. */
#include "journal/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether what is needed to take calls up can be read. */
static int look_over(struct journal *j, struct error *e)
{
    if (sqlite3_exec(j->db.handle,
                     "SELECT sum(length(data)) FROM calls JOIN log ON log.call = calls.id"
                     " WHERE ended = 0",
                     NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return database_failure(j->db.handle, sqlite3_extended_errcode(j->db.handle), e);
}

static int open_database(struct journal *j, struct error *e)
{
    int err = database_open(&j->db, j->cfg.path, j->cfg.full_sync, e);

    if (!err)
        err = look_over(j, e);
    return err;
}

static void remove_files(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char name[600];

        snprintf(name, sizeof name, "%.500s%s", path, suffixes[i]);
        unlink(name);
    }
}

/* Whether there is anything that this program could read: a damaged database, but one of ours. */
static sqlite3 *open_old(const char *path)
{
    sqlite3 *old = NULL;

    if (sqlite3_open_v2(path, &old, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
            SQLITE_OK &&
        database_version(old) > 0)
        return old;
    sqlite3_close(old);
    return NULL;
}

/* The new database is made under another name, so that the old one can be read meanwhile. */
static int salvage(struct journal *j, const char *path, struct salvaged *out, struct error *e)
{
    sqlite3 *old = j->db.handle ? j->db.handle : open_old(j->cfg.path);
    struct database fresh;
    int err;

    *out = (struct salvaged){0};
    remove_files(path);
    err = database_open(&fresh, path, true, e);
    if (!err && old && database_salvage(&fresh, old, out))
        err = error_set(e, ERR_IO, "journal: a new database cannot be written");
    database_close(&fresh);
    if (err) {
        remove_files(path);
        if (!j->db.handle)
            sqlite3_close(old);
        return err;
    }
    if (old) /* what could not be read stays as it is, its -wal too */
        sqlite3_db_config(old, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (!j->db.handle)
        sqlite3_close(old);
    return 0;
}

int journal_renew(struct journal *j, const struct error *why, struct error *e)
{
    char path[512], aside[512];
    struct salvaged taken;
    int err;

    j->renewed_at = journal_clock();
    snprintf(path, sizeof path, "%.500s.new", j->cfg.path);
    err = salvage(j, path, &taken, e);
    if (err)
        return err;
    database_close(&j->db);
    err = database_move_aside(j->cfg.path, aside, e);
    if (!err && rename(path, j->cfg.path))
        err = error_set(e, ERR_IO, "journal: %s cannot be renamed", path);
    if (!err)
        err = database_open(&j->db, j->cfg.path, j->cfg.full_sync, e);
    if (err)
        return err;
    atomic_fetch_add(&j->renewals, 1);
    pthread_mutex_lock(&j->lock);
    j->news =
        (struct journal_news){.calls = taken.calls, .torn = taken.torn, .complete = taken.complete};
    memcpy(j->news.aside, aside, sizeof aside);
    snprintf(j->news.why, sizeof j->news.why, "%s", why->text);
    j->any_news = true;
    pthread_mutex_unlock(&j->lock);
    return 0;
}

static int open_all(struct journal *j, struct error *e)
{
    struct error why = {""};
    int err = open_database(j, &why);

    if (err == ERR_INVALID) { /* it is still open when only part of it cannot be read */
        err = journal_renew(j, &why, e);
    } else if (err) {
        *e = why;
    }
    if (!err)
        err = database_open_reader(&j->reader, j->cfg.path, e);
    j->seen_renewals = atomic_load(&j->renewals);
    if (!err && pthread_create(&j->thread, NULL, journal_write, j))
        err = error_set(e, ERR_IO, "journal: no thread");
    return err;
}

int journal_open(struct journal **out, const struct journal_config *cfg, struct error *e)
{
    struct journal *j = calloc(1, sizeof *j);
    pthread_condattr_t steady;
    struct error unused;
    int err;

    if (!j)
        return error_set(e, ERR_NOMEM, "no memory");
    j->cfg = *cfg;
    j->path = strdup(cfg->path);
    j->cfg.path = j->path;
    j->of = j;
    j->renewed_at = INT64_MIN / 2;
    list_init(&j->queue);
    list_init(&j->gathered);
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&j->more, &steady);
    pthread_condattr_destroy(&steady);
    err = j->path ? open_all(j, e ? e : &unused) : error_set(e, ERR_NOMEM, "no memory");
    if (err) {
        database_close(&j->db);
        database_close(&j->reader);
        free(j->path);
        free(j);
        return err;
    }
    *out = j;
    return 0;
}

int journal_open_reader(struct journal **out, const char *path, struct error *e)
{
    struct journal *j = calloc(1, sizeof *j);
    int err;

    if (!j)
        return ERR_NOMEM;
    if (access(path, F_OK))
        err = error_set(e, ERR_NOTFOUND, "there is no journal %s", path);
    else
        err = database_open_reader(&j->reader, path, e);
    if (err) {
        free(j);
        return err;
    }
    j->reads_only = true;
    j->of = j;
    *out = j;
    return 0;
}

int journal_new_reader(struct journal **out, struct journal *of, struct error *e)
{
    struct journal *j = calloc(1, sizeof *j);

    if (!j || !(j->path = strdup(of->cfg.path))) {
        free(j);
        return error_set(e, ERR_NOMEM, "no memory");
    }
    j->cfg.path = j->path;
    j->reads_only = true;
    j->of = of;
    j->seen_renewals = atomic_load(&of->renewals);
    *out = j;
    return 0;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->reads_only) {
        database_close(&j->reader);
        free(j->path);
        free(j);
        return;
    }
    pthread_mutex_lock(&j->lock);
    j->closing = true;
    pthread_cond_signal(&j->more);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->thread, NULL);
    database_close(&j->db);
    database_close(&j->reader);
    journal_forget_calls(j);
    buf_fini(&j->row);
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->more);
    free(j->path);
    free(j);
}
