/*
 * Where calls are written down: the journal, or its double in memory for tests. A struct of
 * functions so that the recorder and recovery need not know which. Semantics are those of
 * journal/journal.h.
 */
#ifndef IVORY_HOST_STORE_H
#define IVORY_HOST_STORE_H

#include "core/bundle.h"
#include "journal/journal.h"

struct store {
    int (*begin)(void *arg, const char *key, int64_t time, const char *bundle, const void *facts,
                 size_t n, uint64_t *position);
    int (*append)(void *arg, const char *key, enum journal_kind kind, const void *p, size_t n,
                  uint64_t *position);
    int (*end)(void *arg, const char *key, int64_t time, const void *summary, size_t n,
               const void *timeline, size_t timeline_n, bool wipe, uint64_t *position);
    int (*attempts)(void *arg, const char *key, int attempts, uint64_t *position);
    int (*put_bundle)(void *arg, const char *id, const void *p, size_t n, uint64_t *position);
    int (*restart)(void *arg, const char *key, const void *facts, size_t n, uint64_t *position);
    int (*put_value)(void *arg, const char *name, const void *p, size_t n, const char *key,
                     const void *event, size_t event_n, uint64_t *position);
    uint64_t (*committed)(void *arg);
    int (*health)(void *arg, struct error *e);
    int (*each_open)(void *arg, journal_call_cb *cb, void *cb_arg, struct error *e);
    int (*each_ended)(void *arg, int64_t since, journal_call_cb *cb, void *cb_arg, struct error *e);
    int (*entries)(void *arg, const char *key, journal_entry_cb *cb, void *cb_arg, struct error *e);
    int (*get_bundle)(void *arg, const char *id, void **p, size_t *n, struct error *e);
    int (*get_value)(void *arg, const char *name, void **p, size_t *n, struct error *e);
    void *arg;
};

/* The journal as a store. `file` is written to; `reader` is what this store's thread reads with,
 * and may be the same. Outlives the store. */
struct journal_store {
    struct journal *file, *reader;
};
struct store store_of_journal(struct journal_store *j);

/* Keep a bundle for the calls that run with it. ERR_NOMEM, ERR_LIMIT. */
int store_bundle(const struct store *s, const struct bundle *b);

#endif
