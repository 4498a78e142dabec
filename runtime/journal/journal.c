#include "journal/internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_MS = 2000, RETRY_MS = 1000, RENEW_MS = 60000 };

enum write_kind {
    WRITE_BEGIN,
    WRITE_APPEND,
    WRITE_RESTART,
    WRITE_END,
    WRITE_ATTEMPTS,
    WRITE_BUNDLE,
    WRITE_USE,
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
    int attempts;
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
    map_remove(&j->ids, w->name);
    return run_for(j, SQL_DROP_ENTRIES, w);
}

/* The number of call `key` in the database, 0 when it is not in progress there; an SQLite code. */
static int call_id(struct journal *j, const char *key, int64_t *id)
{
    sqlite3_stmt *st;
    int rc;

    *id = (intptr_t)map_get(&j->ids, key);
    if (*id)
        return 0;
    st = database_statement(&j->db, SQL_OPEN_CALL);
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *id = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    if (*id)
        (void)map_put(&j->ids, key, (void *)(intptr_t)*id); /* else it is looked up again */
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : rc;
}

/* After a failure what was begun may be begun anew, with another number. */
static void forget_ids(struct journal *j)
{
    map_fini(&j->ids);
    map_init(&j->ids, 0);
}

static int append_entry(struct journal *j, const char *key, enum journal_kind kind, const void *p,
                        size_t n)
{
    sqlite3_stmt *st = database_statement(&j->db, SQL_APPEND);
    int64_t id, number;
    int rc = call_id(j, key, &id);

    if (rc || !id)
        return rc;
    number = next_entry(j, key);
    if (number < 0)
        return SQLITE_NOMEM;
    sqlite3_bind_int64(st, 1, id);
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
    map_remove(&j->ids, w->name);
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
    static const enum statement which[] = {
        [WRITE_BEGIN] = SQL_CALL_BEGIN,  [WRITE_ATTEMPTS] = SQL_ATTEMPTS,
        [WRITE_BUNDLE] = SQL_PUT_BUNDLE, [WRITE_USE] = SQL_USE_BUNDLE,
        [WRITE_VALUE] = SQL_PUT_VALUE,   [WRITE_EXPIRE] = SQL_EXPIRE};
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
    case WRITE_ATTEMPTS:
        sqlite3_bind_int(st, 2, w->attempts);
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
    if (!rc && w->kind == WRITE_EXPIRE && sqlite3_changes(j->db.handle) >= DATABASE_EXPIRE_MOST)
        j->expiring = w->time;
    else if (!rc && w->kind == WRITE_EXPIRE)
        rc = run(database_statement(&j->db, SQL_DROP_BUNDLES));
    if (!rc && w->kind == WRITE_VALUE && w->n2)
        rc = append_entry(j, w->key, JOURNAL_EVENT, w->bytes + w->n, w->n2);
    return rc;
}

/* Put what waits into the database; 0 or an error, then nothing of it is in. */
static int commit(struct journal *j, struct list *batch, struct error *e)
{
    struct list *it, *next;
    int moved = 0, rc, err;

    if (!j->db.handle)
        return error_set(e, ERR_INVALID, "journal: the database is not open");
    if (!sqlite3_file_control(j->db.handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) && moved)
        return error_set(e, ERR_INVALID, "journal: the database file was taken away");
    rc = run(database_statement(&j->db, SQL_BEGIN));
    list_each (it, next, batch) {
        if (rc)
            break;
        rc = perform(j, list_entry(it, struct write, link));
    }
    if (!rc)
        rc = run(database_statement(&j->db, SQL_COMMIT));
    if (!rc)
        return 0;
    forget_ids(j);
    err = database_failure(j->db.handle, sqlite3_extended_errcode(j->db.handle), e);
    if (!sqlite3_get_autocommit(j->db.handle))
        run(database_statement(&j->db, SQL_ROLLBACK));
    return err;
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

static void set_health(struct journal *j, int health, const struct error *why)
{
    pthread_mutex_lock(&j->lock);
    j->health = health;
    if (health)
        j->why = *why;
    pthread_mutex_unlock(&j->lock);
}

static void set_busy(struct journal *j, int64_t since)
{
    pthread_mutex_lock(&j->lock);
    j->busy_since = since;
    pthread_mutex_unlock(&j->lock);
}

int64_t journal_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
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

/* One try. A database that cannot be used is replaced, but not over and over: a disk that damages
 * each new one is a failing disk. */
static int try_commit(struct journal *j, struct list *batch, struct error *why)
{
    struct error e = {""};
    int err;

    set_busy(j, journal_clock());
    err = commit(j, batch, why);
    if (err == ERR_INVALID && journal_clock() - j->renewed_at > RENEW_MS) {
        if (journal_renew(j, why, &e))
            *why = e;
        else
            err = commit(j, batch, why);
    }
    if (!err)
        empty_wal(j, batch);
    set_busy(j, 0);
    return err == ERR_INVALID ? ERR_IO : err;
}

static bool is_closing(struct journal *j)
{
    bool closing;

    pthread_mutex_lock(&j->lock);
    closing = j->closing;
    pthread_mutex_unlock(&j->lock);
    return closing;
}

void *journal_write(void *arg)
{
    struct journal *j = arg;
    struct list batch;

    while (take(j, &batch)) {
        int err, tries = 0;
        bool closing = false;
        struct error why;

        while ((err = try_commit(j, &batch, &why)) != 0) {
            set_health(j, err, &why);
            if (j->cfg.wake && tries == 0)
                j->cfg.wake(j->cfg.wake_arg);
            closing = is_closing(j);
            if (closing && ++tries > 5)
                break;
            tries += tries == 0;
            pause_ms(j->cfg.retry_ms ? j->cfg.retry_ms : RETRY_MS);
        }
        if (!err)
            set_health(j, 0, NULL);
        finish(j, &batch, err == 0);
        if (!err && j->expiring && !is_closing(j)) /* there may be more of them */
            journal_expire(j, j->expiring, NULL);
        j->expiring = 0;
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

int journal_attempts(struct journal *j, const char *key, int attempts, uint64_t *position)
{
    struct write *w = new_write(WRITE_ATTEMPTS, key, NULL, 0, NULL, 0);

    if (w)
        w->attempts = attempts;
    return queue(j, w, position);
}

int journal_put_bundle(struct journal *j, const char *id, const void *p, size_t n,
                       uint64_t *position)
{
    return queue(j, new_write(WRITE_BUNDLE, id, p, n, NULL, 0), position);
}

int journal_use_bundle(struct journal *j, const char *id, uint64_t *position)
{
    return queue(j, new_write(WRITE_USE, id, NULL, 0, NULL, 0), position);
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
    int64_t waited;
    int health;

    pthread_mutex_lock(&j->lock);
    health = j->health;
    waited = j->busy_since ? journal_clock() - j->busy_since : 0;
    if (health && e)
        *e = j->why;
    pthread_mutex_unlock(&j->lock);
    if (!health && waited > SLOW_MS)
        return error_set(e, ERR_IO, "journal: the disk is slow, a write has lasted for %d s so far",
                         (int)(waited / 1000));
    return health;
}

bool journal_news(struct journal *j, struct journal_news *out)
{
    bool any;

    pthread_mutex_lock(&j->lock);
    any = j->any_news;
    if (out) {
        j->any_news = false;
        *out = j->news;
    }
    pthread_mutex_unlock(&j->lock);
    return any;
}
