/*
 * What the writing and the reading half of the journal share. Internal to runtime/journal/.
 */
#ifndef IVORY_JOURNAL_INTERNAL_H
#define IVORY_JOURNAL_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "journal/database.h"
#include "journal/journal.h"

#include <pthread.h>
#include <stdatomic.h>

struct journal {
    struct database db;     /* the writer thread's           */
    struct database reader; /* the reading thread's          */
    struct journal_config cfg;
    char *path;
    bool reads_only; /* neither writer nor lock */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    /* under the lock */
    struct list queue;
    size_t queued_bytes;
    uint64_t positions;
    bool closing;
    int health;
    struct error why;
    int64_t busy_since; /* steady, ms: a commit is under way; 0: none */
    struct journal_news news;
    bool any_news;

    struct journal *of;        /* whose database is read: itself, or the one that writes    */
    _Atomic unsigned renewals; /* how often the database was moved aside...                 */
    unsigned seen_renewals;    /* ...when the reader was opened                             */
    int64_t renewed_at;        /* the writer's                                              */

    _Atomic uint64_t committed;
    int64_t expiring; /* the writer's: some were forgotten, up to this time */
    /* The writer's alone: call key → entries so far + 1, for numbering. */
    struct map counts;
    struct map ids; /* call key → its number in the database; empty after a failure */
};

/* The steady clock, ms. */
int64_t journal_clock(void);

/* The writer's thread. */
void *journal_write(void *journal);

/* Move the database aside for the reason `why`, and go on with a new one. On failure the old one is
 * open as before, or none is. */
int journal_renew(struct journal *j, const struct error *why, struct error *e);

#endif
