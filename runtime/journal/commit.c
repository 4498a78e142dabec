/* Carrying out what is queued, all in one transaction. The writer's thread. */
#include "journal/internal.h"
#include "journal/rows.h"

#include <stdlib.h>

/* A call in progress. What is appended to it in one commit becomes one row. */
struct written_call {
    int64_t id;                  /* its number in the database */
    struct write *first, **last; /* what is gathered for that row, by `more` */
    struct list link;            /* among journal.gathered, when there is any */
};

static int run(sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);

    sqlite3_reset(st);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : rc;
}

static int run_for(struct journal *j, enum statement which, int64_t id)
{
    sqlite3_stmt *st = database_statement(&j->db, which);

    sqlite3_bind_int64(st, 1, id);
    return run(st);
}

/* --- calls in progress
 * ----------------------------------------------------------------------------------------
 */

static int know(struct journal *j, const char *key, int64_t id, struct written_call **out)
{
    struct written_call *c = calloc(1, sizeof *c);

    if (!c || map_put(&j->calls, key, c)) {
        free(c);
        return SQLITE_NOMEM;
    }
    c->id = id;
    list_init(&c->link);
    *out = c;
    return 0;
}

void journal_forget_calls(struct journal *j)
{
    for (size_t i = 0; i < j->calls.n; i++)
        free(j->calls.entries[i].value);
    map_fini(&j->calls);
    map_init(&j->calls, 0);
    list_init(&j->gathered);
}

static void forget(struct journal *j, const char *key)
{
    struct written_call *c = map_remove(&j->calls, key);

    if (c)
        list_remove(&c->link);
    free(c);
}

/* Call `key`, NULL when it is not in progress; an SQLite code. */
static int find(struct journal *j, const char *key, struct written_call **out)
{
    sqlite3_stmt *st;
    int64_t id = 0;
    int rc;

    *out = map_get(&j->calls, key);
    if (*out)
        return 0;
    st = database_statement(&j->db, SQL_OPEN_CALL);
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        id = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    if (id)
        return know(j, key, id, out);
    return rc == SQLITE_DONE ? 0 : rc;
}

/* --- entries
 * ----------------------------------------------------------------------------------------
 */

/* The entry that `w` appends. */
static const char *entry_of(const struct write *w, enum journal_kind *kind, size_t *n)
{
    *kind = w->kind == WRITE_APPEND ? w->entry : JOURNAL_EVENT;
    *n = w->kind == WRITE_APPEND ? w->n : w->n2;
    return w->kind == WRITE_APPEND ? w->bytes : w->bytes + w->n;
}

static int gather(struct journal *j, const char *key, struct write *w)
{
    struct written_call *c;
    int rc = find(j, key, &c);

    if (!c)
        return rc;
    if (!c->first) {
        list_append(&j->gathered, &c->link);
        c->last = &c->first;
    }
    w->more = NULL;
    *c->last = w;
    c->last = &w->more;
    return 0;
}

static int insert_row(struct journal *j, int64_t id, int kind, const void *p, size_t n)
{
    sqlite3_stmt *st = database_statement(&j->db, SQL_APPEND);

    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_int(st, 2, kind);
    sqlite3_bind_blob(st, 3, p, (int)n, SQLITE_STATIC);
    return run(st);
}

/* What is gathered, and at the end of a call what `end` has. An entry alone is a row as it is. */
static int put_row(struct journal *j, struct written_call *c, const struct write *end)
{
    const struct write *w = c->first;
    enum journal_kind kind;
    const char *p;
    size_t n;

    list_remove(&c->link);
    c->first = NULL;
    if (!end && !w->more) {
        p = entry_of(w, &kind, &n);
        return insert_row(j, c->id, kind, p, n);
    }
    buf_reset(&j->row);
    for (; w; w = w->more) {
        p = entry_of(w, &kind, &n);
        row_add(&j->row, kind, p, n);
    }
    if (end) {
        row_add(&j->row, ROW_SUMMARY, end->bytes, end->n);
        row_add(&j->row, ROW_TIMELINE, end->bytes + end->n, end->n2);
    }
    return j->row.err ? SQLITE_NOMEM : insert_row(j, c->id, ROW_PACKED, j->row.p, j->row.n);
}

static int put_all_gathered(struct journal *j)
{
    int rc = 0;

    while (!rc && !list_empty(&j->gathered))
        rc = put_row(j, list_entry(j->gathered.next, struct written_call, link), NULL);
    return rc;
}

static int drop_rows(struct journal *j, struct written_call *c)
{
    list_remove(&c->link);
    c->first = NULL;
    return run_for(j, SQL_DROP_ROWS, c->id);
}

static int wipe_row(struct journal *j, sqlite3_stmt *row)
{
    int err = row_wipe(sqlite3_column_int(row, 1), sqlite3_column_blob(row, 2),
                       (size_t)sqlite3_column_bytes(row, 2), &j->row);
    sqlite3_stmt *st;

    if (err)
        return SQLITE_NOMEM;
    if (!j->row.n)
        return 0;
    st = database_statement(&j->db, SQL_WIPE);
    sqlite3_bind_int64(st, 1, sqlite3_column_int64(row, 0));
    sqlite3_bind_blob(st, 2, j->row.p, (int)j->row.n, SQLITE_STATIC);
    return run(st);
}

/* Keys that were pressed, and what could tell of them, out of what is kept of a call. */
static int wipe(struct journal *j, int64_t id)
{
    sqlite3_stmt *st = database_statement(&j->db, SQL_ROWS);
    int rc, err = 0;

    sqlite3_bind_int64(st, 1, id);
    while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW)
        err = wipe_row(j, st);
    sqlite3_reset(st);
    return err ? err : rc == SQLITE_DONE ? 0 : rc;
}

/* --- writes
 * ----------------------------------------------------------------------------------------
 */

static int write_begin(struct journal *j, const struct write *w)
{
    sqlite3_stmt *st = database_statement(&j->db, SQL_CALL_BEGIN);
    struct written_call *c;
    int rc;

    sqlite3_bind_text(st, 1, w->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, w->bundle, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, w->time);
    sqlite3_bind_blob(st, 4, w->bytes, (int)w->n, SQLITE_STATIC);
    rc = run(st);
    if (rc || !sqlite3_changes(j->db.handle))
        return rc; /* it was begun before */
    return know(j, w->name, sqlite3_last_insert_rowid(j->db.handle), &c);
}

static int write_restart(struct journal *j, const struct write *w)
{
    struct written_call *c;
    sqlite3_stmt *st;
    int rc = find(j, w->name, &c);

    if (!c)
        return rc;
    rc = drop_rows(j, c);
    if (rc)
        return rc;
    st = database_statement(&j->db, SQL_CALL_RESTART);
    sqlite3_bind_int64(st, 1, c->id);
    sqlite3_bind_blob(st, 2, w->bytes, (int)w->n, SQLITE_STATIC);
    return run(st);
}

/* Facts and rows stay, or go before the last one comes. */
static int write_end(struct journal *j, const struct write *w)
{
    struct written_call *c;
    sqlite3_stmt *st;
    int rc = find(j, w->name, &c);

    if (!c)
        return rc;
    if (!j->cfg.keep_entries)
        rc = drop_rows(j, c);
    if (!rc && !j->cfg.keep_entries)
        rc = run_for(j, SQL_DROP_FACTS, c->id);
    if (!rc)
        rc = put_row(j, c, w);
    if (!rc && j->cfg.keep_entries && w->wipe)
        rc = wipe(j, c->id);
    if (rc)
        return rc;
    st = database_statement(&j->db, SQL_CALL_END);
    sqlite3_bind_int64(st, 1, c->id);
    sqlite3_bind_int64(st, 2, w->time);
    forget(j, w->name);
    return run(st);
}

/* What goes with the oldest calls; at last they themselves. */
static int write_expire(struct journal *j, const struct write *w)
{
    static const enum statement steps[] = {SQL_EXPIRE_LOG, SQL_EXPIRE_ENTRIES, SQL_EXPIRE};
    int rc = 0;

    for (size_t i = 0; !rc && i < sizeof steps / sizeof *steps; i++)
        rc = run_for(j, steps[i], w->time);
    if (rc)
        return rc;
    if (sqlite3_changes(j->db.handle) < DATABASE_EXPIRE_MOST)
        return run(database_statement(&j->db, SQL_DROP_BUNDLES));
    j->expiring = w->time;
    return 0;
}

/* Under a name, and with bytes or a number. */
static int write_named(struct journal *j, struct write *w)
{
    static const enum statement which[] = {[WRITE_ATTEMPTS] = SQL_ATTEMPTS,
                                           [WRITE_BUNDLE] = SQL_PUT_BUNDLE,
                                           [WRITE_USE] = SQL_USE_BUNDLE,
                                           [WRITE_VALUE] = SQL_PUT_VALUE};
    sqlite3_stmt *st = database_statement(&j->db, w->remove ? SQL_DROP_VALUE : which[w->kind]);
    int rc;

    sqlite3_bind_text(st, 1, w->name, -1, SQLITE_STATIC);
    if (w->kind == WRITE_ATTEMPTS)
        sqlite3_bind_int(st, 2, w->attempts);
    else if (w->kind != WRITE_USE && !w->remove)
        sqlite3_bind_blob(st, 2, w->bytes, (int)w->n, SQLITE_STATIC);
    rc = run(st);
    return !rc && w->n2 ? gather(j, w->key, w) : rc;
}

/* Carry out one write inside the open transaction; an SQLite code. */
static int perform(struct journal *j, struct write *w)
{
    switch (w->kind) {
    case WRITE_BEGIN:
        return write_begin(j, w);
    case WRITE_APPEND:
        return gather(j, w->name, w);
    case WRITE_RESTART:
        return write_restart(j, w);
    case WRITE_END:
        return write_end(j, w);
    case WRITE_EXPIRE:
        return write_expire(j, w);
    default:
        return write_named(j, w);
    }
}

/* What was deleted is overwritten in the database (secure_delete), but stands in the -wal until
 * that begins anew: now. Whoever reads just now is not waited for. */
static void empty_wal(struct journal *j, const struct list *batch)
{
    for (const struct list *it = batch->next; it != batch; it = it->next) {
        if (list_entry(it, struct write, link)->kind != WRITE_EXPIRE)
            continue;
        sqlite3_busy_timeout(j->db.handle, 0);
        sqlite3_wal_checkpoint_v2(j->db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        sqlite3_busy_timeout(j->db.handle, DATABASE_BUSY_MS);
        return;
    }
}

bool journal_taken_away(const struct journal *j)
{
    int moved = 0;

    return j->db.handle &&
           !sqlite3_file_control(j->db.handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) && moved;
}

int journal_commit(struct journal *j, struct list *batch, struct error *e)
{
    struct list *it, *next;
    int rc, err;

    if (!j->db.handle)
        return error_set(e, ERR_INVALID, "journal: the database is not open");
    if (journal_taken_away(j))
        return error_set(e, ERR_INVALID, "journal: the database file was taken away");
    rc = run(database_statement(&j->db, SQL_BEGIN));
    list_each (it, next, batch) {
        if (rc)
            break;
        rc = perform(j, list_entry(it, struct write, link));
    }
    if (!rc)
        rc = put_all_gathered(j);
    if (!rc)
        rc = run(database_statement(&j->db, SQL_COMMIT));
    if (!rc) {
        empty_wal(j, batch);
        return 0;
    }
    journal_forget_calls(j); /* nothing is in: what was begun may get another number */
    err = database_failure(j->db.handle, sqlite3_extended_errcode(j->db.handle), e);
    if (!sqlite3_get_autocommit(j->db.handle))
        run(database_statement(&j->db, SQL_ROLLBACK));
    return err;
}
