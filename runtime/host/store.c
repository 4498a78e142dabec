#include "host/store.h"

#include <stdlib.h>

static struct journal *writer(void *arg)
{
    return ((struct journal_store *)arg)->file;
}

static struct journal *reader(void *arg)
{
    return ((struct journal_store *)arg)->reader;
}

static int begin(void *arg, const char *key, int64_t time, const char *bundle, const void *facts,
                 size_t n, uint64_t *position)
{
    return journal_begin(writer(arg), key, time, bundle, facts, n, position);
}

static int append(void *arg, const char *key, enum journal_kind kind, const void *p, size_t n,
                  uint64_t *position)
{
    return journal_append(writer(arg), key, kind, p, n, position);
}

static int end(void *arg, const char *key, int64_t time, const void *summary, size_t n,
               const void *timeline, size_t timeline_n, bool wipe, uint64_t *position)
{
    return journal_end(writer(arg), key, time, summary, n, timeline, timeline_n, wipe, position);
}

static int attempts(void *arg, const char *key, int n, uint64_t *position)
{
    return journal_attempts(writer(arg), key, n, position);
}

static int put_bundle(void *arg, const char *id, const void *p, size_t n, uint64_t *position)
{
    return journal_put_bundle(writer(arg), id, p, n, position);
}

static int restart(void *arg, const char *key, const void *facts, size_t n, uint64_t *position)
{
    return journal_restart(writer(arg), key, facts, n, position);
}

static int put_value(void *arg, const char *name, const void *p, size_t n, const char *key,
                     const void *event, size_t event_n, uint64_t *position)
{
    return journal_put_value_for(writer(arg), name, p, n, key, event, event_n, position);
}

static uint64_t committed(void *arg)
{
    return journal_committed(writer(arg));
}

static int health(void *arg, struct error *e)
{
    return journal_health(writer(arg), e);
}

static int each_open(void *arg, journal_call_cb *cb, void *cb_arg, struct error *e)
{
    return journal_each_open(reader(arg), cb, cb_arg, e);
}

static int each_ended(void *arg, int64_t since, journal_call_cb *cb, void *cb_arg, struct error *e)
{
    return journal_each_ended(reader(arg), since, cb, cb_arg, e);
}

static int entries(void *arg, const char *key, journal_entry_cb *cb, void *cb_arg, struct error *e)
{
    return journal_entries(reader(arg), key, cb, cb_arg, e);
}

static int get_bundle(void *arg, const char *id, void **p, size_t *n, struct error *e)
{
    return journal_get_bundle(reader(arg), id, p, n, e);
}

static int get_value(void *arg, const char *name, void **p, size_t *n, struct error *e)
{
    return journal_get_value(reader(arg), name, p, n, e);
}

struct store store_of_journal(struct journal_store *j)
{
    return (struct store){begin,      append,    end,        attempts,  put_bundle,
                          restart,    put_value, committed,  health,    each_open,
                          each_ended, entries,   get_bundle, get_value, j};
}

int store_bundle(const struct store *s, const struct bundle *b)
{
    size_t n;
    char *bytes = bundle_encode(b, &n);
    int err = bytes ? s->put_bundle(s->arg, b->id, bytes, n, NULL) : ERR_NOMEM;

    free(bytes);
    return err;
}
