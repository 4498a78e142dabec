#include "journal/internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum write_kind {
    WRITE_BEGIN,
    WRITE_APPEND,
    WRITE_RESTART,
    WRITE_END,
    WRITE_ATTEMPT,
    WRITE_BUNDLE,
    WRITE_VALUE,
    WRITE_EXPIRE
};

/* One queued write. `bytes` holds the first part, then the second. */
struct write {
    struct list link;
    enum write_kind kind;
    enum journal_kind entry;
    char name[65];
    char bundle[65];
    char key[KEY_MAX]; /* of a value: whose event the second part is */
    int64_t time;
    uint64_t position;
    bool remove; /* a value   */
    bool wipe;   /* at an end */
    size_t n, n2;
    char bytes[];
};

/* --- the writer thread
 * ---------------------------------------------------------------------------------------- */

/* The next number of an entry of `key`. Survives a failed commit: a gap is harmless, a repeat would
 * not be. */
static int64_t next_entry(struct journal *j, const char *key)
{
    intptr_t n = (intptr_t)map_get(&j->counts, key);

    return map_put(&j->counts, key, (void *)(n + 1)) ? -1 : (int64_t)n + 1;
}

static int run(sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);

    sqlite3_reset(st);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : rc;
}

static int run_for(struct journal *j, enum statement which, const struct write *w)
{
    sqlite3_stmt *st = database_statement(&j->db, which);

    sqlite3_bind_text(st, 1, w->name, -1, SQLITE_STATIC);
    return run(st);
}

static int drop_entries(struct journal *j, const struct write *w)
{
    map_remove(&j->counts, w->name);
    return run_for(j, SQL_DROP_ENTRIES, w);
}

static int append_entry(struct journal *j, const char *key, enum journal_kind kind, const void *p,
                        size_t n)
{
    sqlite3_stmt *st = database_statement(&j->db, SQL_APPEND);
    int64_t number = next_entry(j, key);

    if (number < 0)
        return SQLITE_NOMEM;
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, number);
    sqlite3_bind_int(st, 3, kind);
    sqlite3_bind_blob(st, 4, p, (int)n, SQLITE_STATIC);
    return run(st);
}

static int write_restart(struct journal *j, const struct write *w)
{
    sqlite3_stmt *st;
    int rc = drop_entries(j, w);

    if (rc)
        return rc;
    st = database_statement(&j->db, SQL_CALL_RESTART);
    sqlite3_bind_text(st, 1, w->name, -1, SQLITE_STATIC);
    sqlite3_bind_blob(st, 2, w->bytes, (int)w->n, SQLITE_STATIC);
    return run(st);
}

/* The entries stay, and before them the facts, whose place the summary takes. */
static int keep_entries(struct journal *j, const struct write *w)
{
    int rc = run_for(j, SQL_KEEP_FACTS, w);

    if (!rc && w->wipe)
        rc = run_for(j, SQL_WIPE, w);
    map_remove(&j->counts, w->name);
    return rc;
}

static int write_end(struct journal *j, const struct write *w)
{
    sqlite3_stmt *st;
    int rc = j->cfg.keep_entries ? keep_entries(j, w) : drop_entries(j, w);

    if (rc)
        return rc;
    st = database_statement(&j->db, SQL_CALL_END);
    sqlite3_bind_text(st, 1, w->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, w->time);
    sqlite3_bind_blob(st, 3, w->bytes, (int)w->n, SQLITE_STATIC);
    sqlite3_bind_blob(st, 4, w->bytes + w->n, (int)w->n2, SQLITE_STATIC);
    return run(st);
}

/* Carry out one write inside the open transaction; an SQLite code. */
static int perform(struct journal *j, const struct write *w)
{
    static const enum statement which[] = {[WRITE_BEGIN] = SQL_CALL_BEGIN,
                                           [WRITE_ATTEMPT] = SQL_ATTEMPT,
                                           [WRITE_BUNDLE] = SQL_PUT_BUNDLE,
                                           [WRITE_VALUE] = SQL_PUT_VALUE,
                                           [WRITE_EXPIRE] = SQL_EXPIRE};
    sqlite3_stmt *st;
    int rc;

    if (w->kind == WRITE_END)
        return write_end(j, w);
    if (w->kind == WRITE_RESTART)
        return write_restart(j, w);
    if (w->kind == WRITE_EXPIRE) {
        st = database_statement(&j->db, SQL_EXPIRE_ENTRIES);
        sqlite3_bind_int64(st, 1, w->time);
        rc = run(st);
        if (rc)
            return rc;
    }
    if (w->kind == WRITE_APPEND)
        return append_entry(j, w->name, w->entry, w->bytes, w->n);
    st = database_statement(&j->db,
                            w->kind == WRITE_VALUE && w->remove ? SQL_DROP_VALUE : which[w->kind]);
    if (w->kind == WRITE_EXPIRE)
        sqlite3_bind_int64(st, 1, w->time);
    else
        sqlite3_bind_text(st, 1, w->name, -1, SQLITE_STATIC);
    switch (w->kind) {
    case WRITE_BEGIN:
        sqlite3_bind_text(st, 2, w->bundle, -1, SQLITE_STATIC);
        sqlite3_bind_int64(st, 3, w->time);
        sqlite3_bind_blob(st, 4, w->bytes, (int)w->n, SQLITE_STATIC);
        break;
    case WRITE_BUNDLE:
    case WRITE_VALUE:
        if (!w->remove)
            sqlite3_bind_blob(st, 2, w->bytes, (int)w->n, SQLITE_STATIC);
        break;
    default:
        break;
    }
    rc = run(st);
    if (!rc && w->kind == WRITE_EXPIRE)
        rc = run(database_statement(&j->db, SQL_DROP_BUNDLES));
    if (!rc && w->kind == WRITE_VALUE && w->n2)
        rc = append_entry(j, w->key, JOURNAL_EVENT, w->bytes + w->n, w->n2);
    return rc;
}

static int commit(struct journal *j, struct list *batch)
{
    struct list *it, *next;
    int rc = run(database_statement(&j->db, SQL_BEGIN));

    if (rc)
        return rc;
    list_each (it, next, batch) {
        rc = perform(j, list_entry(it, struct write, link));
        if (rc)
            break;
    }
    if (!rc)
        rc = run(database_statement(&j->db, SQL_COMMIT));
    if (rc)
        run(database_statement(&j->db, SQL_ROLLBACK));
    return rc;
}

static void set_health(struct journal *j, int rc)
{
    int health = rc == 0 ? 0 : rc == SQLITE_FULL ? ERR_LIMIT : ERR_IO;

    pthread_mutex_lock(&j->lock);
    j->health = health;
    if (rc)
        error_set(&j->why, health, "journal: %s", sqlite3_errmsg(j->db.handle));
    pthread_mutex_unlock(&j->lock);
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

/* Take everything that is queued; false when closing and nothing is left. */
static bool take(struct journal *j, struct list *batch)
{
    list_init(batch);
    pthread_mutex_lock(&j->lock);
    while (list_empty(&j->queue) && !j->closing)
        pthread_cond_wait(&j->more, &j->lock);
    if (!list_empty(&j->queue) && j->cfg.commit_ms && !j->closing) {
        pthread_mutex_unlock(&j->lock);
        pause_ms(j->cfg.commit_ms);
        pthread_mutex_lock(&j->lock);
    }
    if (!list_empty(&j->queue)) {
        *batch = j->queue;
        batch->next->prev = batch->prev->next = batch;
        list_init(&j->queue);
    }
    pthread_mutex_unlock(&j->lock);
    return !list_empty(batch);
}

static void finish(struct journal *j, struct list *batch, bool written)
{
    struct list *it, *next;
    uint64_t last = 0;
    size_t bytes = 0;

    list_each (it, next, batch) {
        struct write *w = list_entry(it, struct write, link);

        last = w->position;
        bytes += w->n + w->n2;
        free(w);
    }
    pthread_mutex_lock(&j->lock);
    j->queued_bytes -= bytes;
    pthread_mutex_unlock(&j->lock);
    if (written)
        atomic_store(&j->committed, last);
    if (j->cfg.wake)
        j->cfg.wake(j->cfg.wake_arg);
}

static void *write_loop(void *arg)
{
    struct journal *j = arg;
    struct list batch;

    while (take(j, &batch)) {
        int rc, tries = 0;
        bool closing = false;

        while ((rc = commit(j, &batch)) != 0) {
            set_health(j, rc);
            if (j->cfg.wake && tries == 0)
                j->cfg.wake(j->cfg.wake_arg);
            pthread_mutex_lock(&j->lock);
            closing = j->closing;
            pthread_mutex_unlock(&j->lock);
            if (closing && ++tries > 5)
                break;
            tries += tries == 0;
            pause_ms(1000);
        }
        if (!rc)
            set_health(j, 0);
        finish(j, &batch, rc == 0);
    }
    return NULL;
}

/* --- queueing
 * ---------------------------------------------------------------------------------------------------
 */

/* A write with room for two parts. NULL: no memory. */
static struct write *new_write(enum write_kind kind, const char *name, const void *p, size_t n,
                               const void *p2, size_t n2)
{
    struct write *w = calloc(1, sizeof *w + n + n2 + 1);

    if (!w)
        return NULL;
    w->kind = kind;
    strncpy(w->name, name, sizeof w->name - 1);
    w->n = n;
    w->n2 = n2;
    if (n)
        memcpy(w->bytes, p, n);
    if (n2)
        memcpy(w->bytes + n, p2, n2);
    return w;
}

static int queue(struct journal *j, struct write *w, uint64_t *position)
{
    int err = 0;

    if (!w)
        return ERR_NOMEM;
    pthread_mutex_lock(&j->lock);
    if (j->queued_bytes + w->n + w->n2 > j->cfg.max_queue_bytes) {
        err = ERR_LIMIT;
        free(w);
    } else {
        bool was_empty = list_empty(&j->queue);

        w->position = ++j->positions;
        j->queued_bytes += w->n + w->n2;
        if (position)
            *position = w->position;
        list_append(&j->queue, &w->link);
        if (was_empty)
            pthread_cond_signal(&j->more);
    }
    pthread_mutex_unlock(&j->lock);
    return err;
}

int journal_begin(struct journal *j, const char *key, int64_t time, const char *bundle,
                  const void *facts, size_t n, uint64_t *position)
{
    struct write *w = new_write(WRITE_BEGIN, key, facts, n, NULL, 0);

    if (w) {
        w->time = time;
        strncpy(w->bundle, bundle, sizeof w->bundle - 1);
    }
    return queue(j, w, position);
}

int journal_append(struct journal *j, const char *key, enum journal_kind kind, const void *p,
                   size_t n, uint64_t *position)
{
    struct write *w = new_write(WRITE_APPEND, key, p, n, NULL, 0);

    if (w)
        w->entry = kind;
    return queue(j, w, position);
}

int journal_end(struct journal *j, const char *key, int64_t time, const void *summary, size_t n,
                const void *timeline, size_t timeline_n, bool wipe, uint64_t *position)
{
    struct write *w = new_write(WRITE_END, key, summary, n, timeline, timeline_n);

    if (w) {
        w->time = time;
        w->wipe = wipe;
    }
    return queue(j, w, position);
}

int journal_attempt(struct journal *j, const char *key, uint64_t *position)
{
    return queue(j, new_write(WRITE_ATTEMPT, key, NULL, 0, NULL, 0), position);
}

int journal_put_bundle(struct journal *j, const char *id, const void *p, size_t n,
                       uint64_t *position)
{
    return queue(j, new_write(WRITE_BUNDLE, id, p, n, NULL, 0), position);
}

int journal_put_value_for(struct journal *j, const char *name, const void *p, size_t n,
                          const char *key, const void *event, size_t event_n, uint64_t *position)
{
    struct write *w;

    if (strlen(name) >= sizeof w->name)
        return ERR_LIMIT;
    w = new_write(WRITE_VALUE, name, p, n, event, event_n);
    if (w) {
        w->remove = p == NULL;
        strncpy(w->key, key, sizeof w->key - 1);
    }
    return queue(j, w, position);
}

int journal_put_value(struct journal *j, const char *name, const void *p, size_t n,
                      uint64_t *position)
{
    return journal_put_value_for(j, name, p, n, "", NULL, 0, position);
}

int journal_restart(struct journal *j, const char *key, const void *facts, size_t n,
                    uint64_t *position)
{
    return queue(j, new_write(WRITE_RESTART, key, facts, n, NULL, 0), position);
}

int journal_expire(struct journal *j, int64_t time, uint64_t *position)
{
    struct write *w = new_write(WRITE_EXPIRE, "", NULL, 0, NULL, 0);

    if (w)
        w->time = time;
    return queue(j, w, position);
}

uint64_t journal_committed(const struct journal *j)
{
    return atomic_load(&j->committed);
}

int journal_health(struct journal *j, struct error *e)
{
    int health;

    pthread_mutex_lock(&j->lock);
    health = j->health;
    if (health && e)
        *e = j->why;
    pthread_mutex_unlock(&j->lock);
    return health;
}

/* --- opening and closing
 * ---------------------------------------------------------------------------------------- */

/* Entries that an earlier process wrote are numbered from 1; ours go on after them. */
static int load_counts(struct journal *j, struct error *e)
{
    sqlite3_stmt *st = NULL;
    int err = 0;

    if (sqlite3_prepare_v2(j->db.handle,
                           "SELECT key, max(n) FROM entries JOIN calls ON calls.id = entries.call"
                           " WHERE ended = 0 GROUP BY call",
                           -1, &st, NULL) != SQLITE_OK)
        return error_set(e, ERR_INVALID, "journal: %s", sqlite3_errmsg(j->db.handle));
    for (;;) {
        int rc = sqlite3_step(st);

        if (rc == SQLITE_DONE)
            break;
        if (rc != SQLITE_ROW)
            err = error_set(e, ERR_INVALID, "journal: %s", sqlite3_errmsg(j->db.handle));
        else if (map_put(&j->counts, (const char *)sqlite3_column_text(st, 0),
                         (void *)(intptr_t)sqlite3_column_int64(st, 1)))
            err = ERR_NOMEM;
        if (err)
            break;
    }
    sqlite3_finalize(st);
    return err;
}

static int open_database(struct journal *j, struct error *e)
{
    int err = database_open(&j->db, j->cfg.path, j->cfg.full_sync, e);

    if (!err)
        err = load_counts(j, e);
    if (!err)
        err = database_open_reader(&j->reader, j->cfg.path, e);
    if (err) {
        database_close(&j->db);
        map_fini(&j->counts);
    }
    return err;
}

int journal_open(struct journal **out, const struct journal_config *cfg, char moved_aside[512],
                 struct error *e)
{
    struct journal *j = calloc(1, sizeof *j);
    char aside[512] = "";
    int err;

    if (!j)
        return ERR_NOMEM;
    j->cfg = *cfg;
    list_init(&j->queue);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->more, NULL);
    err = open_database(j, e);
    if (err == ERR_INVALID) {
        err = database_move_aside(cfg->path, aside, e);
        if (!err)
            err = open_database(j, e);
    }
    if (!err && pthread_create(&j->thread, NULL, write_loop, j))
        err = error_set(e, ERR_IO, "journal: no thread");
    if (err) {
        database_close(&j->db);
        database_close(&j->reader);
        map_fini(&j->counts);
        free(j);
        return err;
    }
    if (moved_aside)
        memcpy(moved_aside, aside, sizeof aside);
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
    *out = j;
    return 0;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->reads_only) {
        database_close(&j->reader);
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
    map_fini(&j->counts);
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->more);
    free(j);
}
