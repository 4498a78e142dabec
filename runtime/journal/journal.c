#include "journal/internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_MS = 2000, RETRY_MS = 1000, LOOK_MS = 1000, RENEW_MS = 60000 };

/* --- the writer thread
 * ---------------------------------------------------------------------------------------- */

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

/* Wait until something is queued; for LOOK_MS at most. */
static void wait_for_more(struct journal *j)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_MS / 1000;
    pthread_cond_timedwait(&j->more, &j->lock, &until);
}

/* Take everything that is queued; nothing when the file was taken away meanwhile, which shall not
 * come to light with the next write only. False when closing and nothing is left. */
static bool take(struct journal *j, struct list *batch)
{
    bool away = false;

    list_init(batch);
    pthread_mutex_lock(&j->lock);
    while (list_empty(&j->queue) && !j->closing && !away) {
        wait_for_more(j);
        away = journal_taken_away(j);
    }
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
    return away || !list_empty(batch);
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
    if (written && last)
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
    err = journal_commit(j, batch, why);
    if (err == ERR_INVALID && journal_clock() - j->renewed_at > RENEW_MS) {
        if (journal_renew(j, why, &e))
            *why = e;
        else
            err = journal_commit(j, batch, why);
    }
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
