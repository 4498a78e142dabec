/*
 * What the writing and the reading half of the journal share. Internal to runtime/journal/.
 */
#ifndef IVORY_JOURNAL_INTERNAL_H
#define IVORY_JOURNAL_INTERNAL_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "journal/database.h"
#include "journal/journal.h"

#include <pthread.h>
#include <stdatomic.h>

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
    struct write *more; /* the next entry of the same row; the writer's */
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
    /* The writer's alone */
    struct map calls;     /* in progress: key → struct written_call */
    struct list gathered; /* of those: what of them goes into this commit */
    struct buf row;
};

/* The steady clock, ms. */
int64_t journal_clock(void);

/* The writer's thread. */
void *journal_write(void *journal);

/* Put what waits into the database; 0, or an error, and then nothing of it is in. */
int journal_commit(struct journal *j, struct list *batch, struct error *e);
void journal_forget_calls(struct journal *j);
/* Its file is not where it was. */
bool journal_taken_away(const struct journal *j);

/* Move the database aside for the reason `why`, and go on with a new one. On failure the old one is
 * open as before, or none is. */
int journal_renew(struct journal *j, const struct error *why, struct error *e);

#endif
