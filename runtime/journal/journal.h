/*
 * The journal: one append-only log per call, in SQLite (WAL), kept until the call has ended and
 * then reduced to its summary. It stores entries as opaque bytes; what they mean is the host's
 * business.
 *
 * Appending never waits: entries are queued, and one writer thread commits everything that waits in
 * one transaction. Positions grow by one per queued write; a write is durable once
 * journal_committed() has reached its position. What "durable" survives is `full_sync`: false = a
 * crash of the process, true = a loss of power too.
 *
 * When the disk is full, failing or slow, writes stay queued (bounded) and are tried again every
 * second; journal_health tells, so that new calls can be refused meanwhile. A database that cannot
 * be used (damaged, of another version, taken away from under us) is moved aside, at open or later,
 * and a new one is begun with what could be read of calls in progress: the service must take calls.
 * Reading is done on the caller's thread with a connection of its own.
 */
#ifndef IVORY_JOURNAL_JOURNAL_H
#define IVORY_JOURNAL_JOURNAL_H

#include "base/error.h"
#include "base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal;

/* JOURNAL_FACTS: the facts of the beginning, among the entries that are kept of an ended call. */
enum journal_kind { JOURNAL_EVENT = 1, JOURNAL_COMMAND = 2, JOURNAL_MARK = 3, JOURNAL_FACTS = 4 };

struct journal_config {
    const char *path;  /* the database file; its folder must exist                               */
    bool full_sync;    /* fsync at every commit                                                  */
    int64_t commit_ms; /* gather writes for up to this long before a commit; 0: at once          */
    bool keep_entries; /* the entries of a call stay when it has ended, until it expires          */
    int64_t retry_ms;  /* after a write that failed; 0: 1000                                      */
    size_t max_queue_bytes; /* 64 MiB: beyond it appends fail with ERR_LIMIT */
    /* Called on the writer thread after a commit and when health changes; must only wake the owner.
     */
    void (*wake)(void *arg);
    void *wake_arg;
};

/* Open or create. ERR_IO: it cannot be opened now; ERR_NOMEM. */
int journal_open(struct journal **out, const struct journal_config *cfg, struct error *e);

/* A database that could not be used: where it is now, why, and what was taken over. A call of which
 * entries are missing has a mark {"torn":true} among them. */
struct journal_news {
    char aside[512], why[512];
    unsigned calls, torn;
    bool complete; /* all that was in it could be read */
};
/* True once each time that happens, also for what happened at open. `out` NULL: only whether. */
bool journal_news(struct journal *j, struct journal_news *out);

/* Open an existing one for reading only, also while a service writes to it. ERR_NOTFOUND, ERR_IO.
 */
int journal_open_reader(struct journal **out, const char *path, struct error *e);

/* Commit what is queued (given up after 5 s when the disk refuses) and close. NULL is accepted. */
void journal_close(struct journal *j);

/* Another one for reading what `of` writes, for a thread of its own; closed before `of`. It opens
 * the database when it is first asked. ERR_NOMEM. */
int journal_new_reader(struct journal **out, struct journal *of, struct error *e);

/* --- writing: any thread; copies the bytes; `position` may be NULL
 * --------------------------------------------- */

/* A call begins. `facts`: opaque, read back by journal_each_open. */
int journal_begin(struct journal *j, const char *key, int64_t time, const char *bundle,
                  const void *facts, size_t n, uint64_t *position);
int journal_append(struct journal *j, const char *key, enum journal_kind kind, const void *p,
                   size_t n, uint64_t *position);
/* A call is over: `summary` and `timeline` (both opaque) replace its entries, or stand beside them
 * (keep_entries). `wipe`: member "data.sealed" is taken out of events that have one. */
int journal_end(struct journal *j, const char *key, int64_t time, const void *summary, size_t n,
                const void *timeline, size_t timeline_n, bool wipe, uint64_t *position);
/* What was written of the call so far is not needed any more: it begins anew with these facts. */
int journal_restart(struct journal *j, const char *key, const void *facts, size_t n,
                    uint64_t *position);
/* How its recovery stands, should the process end now: a number of the host's, 0 at first and after
 * journal_restart. */
int journal_attempts(struct journal *j, const char *key, int attempts, uint64_t *position);
/* Keep a bundle under its id; one that is there already is left alone. */
int journal_put_bundle(struct journal *j, const char *id, const void *p, size_t n,
                       uint64_t *position);
/* It is the one in use from now on, and kept whether calls need it or not. */
int journal_use_bundle(struct journal *j, const char *id, uint64_t *position);
/* The flows' durable key-value store; `p` NULL removes. */
int journal_put_value(struct journal *j, const char *name, const void *p, size_t n,
                      uint64_t *position);
/* The same, and in one with it an event of call `key`, as journal_append does it: both are
 * committed or neither. */
int journal_put_value_for(struct journal *j, const char *name, const void *p, size_t n,
                          const char *key, const void *event, size_t event_n, uint64_t *position);
/* Forget calls that ended before `time` (ms), and bundles nobody needs any more. */
int journal_expire(struct journal *j, int64_t time, uint64_t *position);

uint64_t journal_committed(const struct journal *j);

/* 0, or ERR_LIMIT (the disk is full) or ERR_IO (also: a commit lasts for more than 2 s), with the
 * reason. */
int journal_health(struct journal *j, struct error *e);

/* --- reading: one thread; sees what is committed
 * ----------------------------------------------------------------- */

struct journal_call {
    char key[KEY_MAX];
    char bundle[65];
    int64_t began, ended; /* ms; ended 0: not yet                                   */
    int attempts;         /* what journal_attempts said last                        */
    const void *facts;    /* of the beginning; of the end: the summary              */
    size_t n;
};

typedef int(journal_call_cb)(void *arg, const struct journal_call *c);
typedef int(journal_entry_cb)(void *arg, enum journal_kind kind, const void *p, size_t n);

/* Calls without an end, newest first; calls ended since `since`, newest first. A callback's
 * non-zero result stops and is returned. ERR_IO with the reason when the database cannot be read.
 */
int journal_each_open(struct journal *j, journal_call_cb *cb, void *arg, struct error *e);
int journal_each_ended(struct journal *j, int64_t since, journal_call_cb *cb, void *arg,
                       struct error *e);
/* One call, open or ended. ERR_NOTFOUND. */
int journal_find(struct journal *j, const char *key, journal_call_cb *cb, void *arg,
                 struct error *e);
/* Its entries in order; of an ended call, one JOURNAL_MARK with its timeline. */
int journal_entries(struct journal *j, const char *key, journal_entry_cb *cb, void *arg,
                    struct error *e);
/* What was kept of an ended call: its facts first, then its entries; of an open one its entries. */
int journal_kept(struct journal *j, const char *key, journal_entry_cb *cb, void *arg,
                 struct error *e);
/* A bundle's or a value's bytes, to be freed with free. ERR_NOTFOUND. */
int journal_get_bundle(struct journal *j, const char *id, void **p, size_t *n, struct error *e);
/* The bytes of the one that was in use last. */
int journal_used_bundle(struct journal *j, void **p, size_t *n, struct error *e);
int journal_get_value(struct journal *j, const char *name, void **p, size_t *n, struct error *e);

#endif
