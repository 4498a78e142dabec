/* The reading half of the journal. */
#include "journal/internal.h"
#include "journal/rows.h"

#include <stdlib.h>
#include <string.h>

static int read_failed(struct journal *j, struct error *e)
{
    database_failure(j->reader.handle, sqlite3_extended_errcode(j->reader.handle), e);
    return ERR_IO;
}

/* Look at the database that is written now. */
static int ready(struct journal *j, struct error *e)
{
    unsigned renewals = atomic_load(&j->of->renewals);

    if (renewals != j->seen_renewals)
        database_close(&j->reader);
    j->seen_renewals = renewals;
    if (j->reader.handle)
        return 0;
    return database_open_reader(&j->reader, j->cfg.path, e) ? ERR_IO : 0;
}

/* Give each row of a statement over CALL_COLUMNS to `cb`. */
static int each_call(struct journal *j, sqlite3_stmt *st, journal_call_cb *cb, void *arg,
                     struct error *e)
{
    int err = 0, rc = SQLITE_DONE;

    while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct journal_call c = {.began = sqlite3_column_int64(st, 2),
                                 .ended = sqlite3_column_int64(st, 3),
                                 .attempts = sqlite3_column_int(st, 4),
                                 .facts = sqlite3_column_blob(st, 5),
                                 .n = (size_t)sqlite3_column_bytes(st, 5)};

        const char *key = (const char *)sqlite3_column_text(st, 0);
        const char *bundle = (const char *)sqlite3_column_text(st, 1);

        if (!key || !bundle)
            continue; /* memory is out, or the row is damaged */
        if (sqlite3_column_type(st, 6) == SQLITE_BLOB)
            c.facts = row_find(sqlite3_column_blob(st, 6), (size_t)sqlite3_column_bytes(st, 6),
                               ROW_SUMMARY, &c.n);
        strncpy(c.key, key, sizeof c.key - 1);
        strncpy(c.bundle, bundle, sizeof c.bundle - 1);
        err = cb(arg, &c);
    }
    if (!err && rc != SQLITE_DONE)
        err = read_failed(j, e);
    sqlite3_reset(st);
    return err;
}

int journal_each_open(struct journal *j, journal_call_cb *cb, void *arg, struct error *e)
{
    if (ready(j, e))
        return ERR_IO;
    return each_call(j, database_statement(&j->reader, SQL_OPEN_CALLS), cb, arg, e);
}

int journal_each_ended(struct journal *j, int64_t since, journal_call_cb *cb, void *arg,
                       struct error *e)
{
    sqlite3_stmt *st;

    if (ready(j, e))
        return ERR_IO;
    st = database_statement(&j->reader, SQL_ENDED_CALLS);
    sqlite3_bind_int64(st, 1, since);
    return each_call(j, st, cb, arg, e);
}

struct found {
    journal_call_cb *cb;
    void *arg;
    bool any;
};

static int note_found(void *arg, const struct journal_call *c)
{
    struct found *f = arg;

    f->any = true;
    return f->cb(f->arg, c);
}

int journal_find(struct journal *j, const char *key, journal_call_cb *cb, void *arg,
                 struct error *e)
{
    struct found f = {cb, arg, false};
    sqlite3_stmt *st;
    int err;

    if (ready(j, e))
        return ERR_IO;
    st = database_statement(&j->reader, SQL_FIND_CALL);
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    err = each_call(j, st, note_found, &f, e);
    return !err && !f.any ? error_set(e, ERR_NOTFOUND, "no call %s in the journal", key) : err;
}

/* Of a call that ended in version 1 the timeline stands alone. */
static int give_timeline(sqlite3_stmt *st, journal_entry_cb *cb, void *arg)
{
    const void *p = sqlite3_column_blob(st, 0);
    size_t n = (size_t)sqlite3_column_bytes(st, 0);

    if (sqlite3_column_type(st, 1) == SQLITE_BLOB)
        p = row_find(sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1), ROW_TIMELINE,
                     &n);
    return cb(arg, JOURNAL_MARK, p, n);
}

int journal_entries(struct journal *j, const char *key, journal_entry_cb *cb, void *arg,
                    struct error *e)
{
    sqlite3_stmt *st;
    int err = 0, rc;

    if (ready(j, e))
        return ERR_IO;
    st = database_statement(&j->reader, SQL_TIMELINE);
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        err = give_timeline(st, cb, arg);
    sqlite3_reset(st);
    return err || rc == SQLITE_ROW ? err : journal_kept(j, key, cb, arg, e);
}

struct entries {
    journal_entry_cb *cb;
    void *arg;
};

static int give_entry(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    const struct entries *x = arg;

    return kind <= JOURNAL_FACTS ? x->cb(x->arg, kind, p, n) : 0;
}

static int each_row(struct journal *j, enum statement which, const char *key, journal_entry_cb *cb,
                    void *arg, struct error *e)
{
    sqlite3_stmt *st = database_statement(&j->reader, which);
    struct entries x = {cb, arg};
    int err = 0, rc = SQLITE_DONE;

    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        err = row_each(sqlite3_column_int(st, 0), sqlite3_column_blob(st, 1),
                       (size_t)sqlite3_column_bytes(st, 1), give_entry, &x);
    }
    if (!err && rc != SQLITE_DONE)
        err = read_failed(j, e);
    sqlite3_reset(st);
    return err;
}

int journal_kept(struct journal *j, const char *key, journal_entry_cb *cb, void *arg,
                 struct error *e)
{
    static const enum statement parts[] = {SQL_KEPT_FACTS, SQL_ENTRIES, SQL_LOG};
    int err = ready(j, e);

    for (size_t i = 0; !err && i < sizeof parts / sizeof *parts; i++)
        err = each_row(j, parts[i], key, cb, arg, e);
    return err;
}

static int get_blob(struct journal *j, enum statement which, const char *name, void **p, size_t *n,
                    struct error *e)
{
    sqlite3_stmt *st;
    int err = 0, rc;

    if (ready(j, e))
        return ERR_IO;
    st = database_statement(&j->reader, which);
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *n = (size_t)sqlite3_column_bytes(st, 0);
        *p = malloc(*n + 1);
        if (*p && *n)
            memcpy(*p, sqlite3_column_blob(st, 0), *n);
        err = *p ? 0 : ERR_NOMEM;
    } else {
        err = rc == SQLITE_DONE ? error_set(e, ERR_NOTFOUND, "not in the journal: %s", name)
                                : read_failed(j, e);
    }
    sqlite3_reset(st);
    return err;
}

int journal_get_bundle(struct journal *j, const char *id, void **p, size_t *n, struct error *e)
{
    return get_blob(j, SQL_GET_BUNDLE, id, p, n, e);
}

int journal_used_bundle(struct journal *j, void **p, size_t *n, struct error *e)
{
    return get_blob(j, SQL_USED_BUNDLE, "the bundle in use", p, n, e);
}

int journal_get_value(struct journal *j, const char *name, void **p, size_t *n, struct error *e)
{
    return get_blob(j, SQL_GET_VALUE, name, p, n, e);
}
