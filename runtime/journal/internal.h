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

    _Atomic uint64_t committed;
    /* The writer's alone: call key → entries so far + 1, for numbering. */
    struct map counts;
};

#endif
