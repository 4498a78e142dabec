#include "host/memory_store.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

struct bytes {
    char *p;
    size_t n;
};

struct entry {
    enum journal_kind kind;
    struct bytes data;
};

struct kept {
    char key[KEY_MAX], bundle[65];
    int64_t began, ended;
    int attempts;
    struct bytes facts, timeline;
    struct entry *entries;
    size_t n, cap;
};

struct memory_store {
    struct map calls;           /* key → struct kept, in order of their beginning */
    struct map bundles;         /* id → struct bytes */
    struct map values;          /* name → struct bytes */
    uint64_t position, stop_at; /* stop_at 0: never */
};

static int copy(struct bytes *to, const void *p, size_t n)
{
    char *own = malloc(n + 1);

    if (!own)
        return ERR_NOMEM;
    if (n)
        memcpy(own, p, n);
    own[n] = '\0';
    free(to->p);
    *to = (struct bytes){own, n};
    return 0;
}

static void kept_free(struct kept *k)
{
    for (size_t i = 0; i < k->n; i++)
        free(k->entries[i].data.p);
    free(k->entries);
    free(k->facts.p);
    free(k->timeline.p);
    free(k);
}

int memory_store_new(struct memory_store **out)
{
    struct memory_store *m = calloc(1, sizeof *m);

    if (!m)
        return ERR_NOMEM;
    map_init(&m->calls, 0);
    map_init(&m->bundles, 0);
    map_init(&m->values, 0);
    *out = m;
    return 0;
}

static void free_all(struct map *m)
{
    for (size_t i = 0; i < m->n; i++) {
        struct bytes *b = m->entries[i].value;
        free(b->p);
        free(b);
    }
    map_fini(m);
}

void memory_store_free(struct memory_store *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->calls.n; i++)
        kept_free(m->calls.entries[i].value);
    free_all(&m->bundles);
    free_all(&m->values);
    map_fini(&m->calls);
    free(m);
}

/* Whether the crash has come: the write is taken and lost. */
static bool late(struct memory_store *m, uint64_t *position)
{
    if (!memory_store_stopped(m))
        return false;
    if (position)
        *position = m->position + 1;
    return true;
}

static int written(struct memory_store *m, uint64_t *position)
{
    m->position++;
    if (position)
        *position = m->position;
    return 0;
}

static int begin(void *arg, const char *key, int64_t time, const char *bundle, const void *facts,
                 size_t n, uint64_t *position)
{
    struct memory_store *m = arg;
    struct kept *k;

    if (late(m, position))
        return 0;
    k = calloc(1, sizeof *k);
    if (!k || copy(&k->facts, facts, n) || map_put(&m->calls, key, k)) {
        if (k)
            kept_free(k);
        return ERR_NOMEM;
    }
    strncpy(k->key, key, sizeof k->key - 1);
    strncpy(k->bundle, bundle, sizeof k->bundle - 1);
    k->began = time;
    return written(m, position);
}

static int append(void *arg, const char *key, enum journal_kind kind, const void *p, size_t n,
                  uint64_t *position)
{
    struct memory_store *m = arg;
    struct kept *k = map_get(&m->calls, key);

    if (late(m, position))
        return 0;
    if (!k || k->ended)
        return written(m, position);
    if (k->n == k->cap) {
        size_t cap = k->cap ? 2 * k->cap : 16;
        struct entry *entries = realloc(k->entries, cap * sizeof *entries);

        if (!entries)
            return ERR_NOMEM;
        k->entries = entries;
        k->cap = cap;
    }
    k->entries[k->n] = (struct entry){.kind = kind};
    if (copy(&k->entries[k->n].data, p, n))
        return ERR_NOMEM;
    k->n++;
    return written(m, position);
}

static int end(void *arg, const char *key, int64_t time, const void *summary, size_t n,
               const void *timeline, size_t timeline_n, bool wipe, uint64_t *position)
{
    struct memory_store *m = arg;
    struct kept *k = map_get(&m->calls, key);

    (void)wipe;
    if (late(m, position))
        return 0;
    if (k) {
        if (copy(&k->facts, summary, n) || copy(&k->timeline, timeline, timeline_n))
            return ERR_NOMEM;
        k->ended = time;
    }
    return written(m, position);
}

static int attempts(void *arg, const char *key, int n, uint64_t *position)
{
    struct memory_store *m = arg;
    struct kept *k = map_get(&m->calls, key);

    if (k)
        k->attempts = n;
    if (position)
        *position = m->position;
    return 0;
}

static int put_bundle(void *arg, const char *id, const void *p, size_t n, uint64_t *position)
{
    struct memory_store *m = arg;
    struct bytes *b;

    if (map_get(&m->bundles, id) || late(m, position))
        return 0;
    b = calloc(1, sizeof *b);
    if (!b || copy(b, p, n) || map_put(&m->bundles, id, b)) {
        free(b ? b->p : NULL);
        free(b);
        return ERR_NOMEM;
    }
    if (position)
        *position = m->position;
    return 0;
}

static int restart(void *arg, const char *key, const void *facts, size_t n, uint64_t *position)
{
    struct memory_store *m = arg;
    struct kept *k = map_get(&m->calls, key);

    if (late(m, position))
        return 0;
    if (k && copy(&k->facts, facts, n))
        return ERR_NOMEM;
    for (size_t i = 0; k && i < k->n; i++)
        free(k->entries[i].data.p);
    if (k)
        k->n = 0;
    return written(m, position);
}

static int put_value(void *arg, const char *name, const void *p, size_t n, const char *key,
                     const void *event, size_t event_n, uint64_t *position)
{
    struct memory_store *m = arg;
    struct bytes *b = map_get(&m->values, name);

    if (late(m, position))
        return 0;
    if (!p) {
        b = map_remove(&m->values, name);
        free(b ? b->p : NULL);
        free(b);
    } else if (b) {
        if (copy(b, p, n))
            return ERR_NOMEM;
    } else {
        b = calloc(1, sizeof *b);
        if (!b || copy(b, p, n) || map_put(&m->values, name, b)) {
            free(b ? b->p : NULL);
            free(b);
            return ERR_NOMEM;
        }
    }
    return event ? append(m, key, JOURNAL_EVENT, event, event_n, position) : written(m, position);
}

static uint64_t committed(void *arg)
{
    return ((struct memory_store *)arg)->position;
}

static int health(void *arg, struct error *e)
{
    (void)arg, (void)e;
    return 0;
}

/* Those that have not ended (since < 0), or have since. */
static int each(const struct memory_store *m, int64_t since, journal_call_cb *cb, void *cb_arg)
{
    int err = 0;

    for (size_t i = m->calls.n; !err && i-- > 0;) {
        const struct kept *k = m->calls.entries[i].value;
        struct journal_call c = {.began = k->began,
                                 .ended = k->ended,
                                 .attempts = k->attempts,
                                 .facts = k->facts.p,
                                 .n = k->facts.n};

        if (since < 0 ? k->ended != 0 : !k->ended || k->ended < since)
            continue;
        strcpy(c.key, k->key);
        strcpy(c.bundle, k->bundle);
        err = cb(cb_arg, &c);
    }
    return err;
}

static int each_open(void *arg, journal_call_cb *cb, void *cb_arg, struct error *e)
{
    (void)e;
    return each(arg, -1, cb, cb_arg);
}

static int each_ended(void *arg, int64_t since, journal_call_cb *cb, void *cb_arg, struct error *e)
{
    (void)e;
    return each(arg, since, cb, cb_arg);
}

static int entries(void *arg, const char *key, journal_entry_cb *cb, void *cb_arg, struct error *e)
{
    struct memory_store *m = arg;
    const struct kept *k = map_get(&m->calls, key);
    int err = 0;

    if (!k)
        return error_set(e, ERR_NOTFOUND, "no call %s", key);
    for (size_t i = 0; !err && i < k->n; i++)
        err = cb(cb_arg, k->entries[i].kind, k->entries[i].data.p, k->entries[i].data.n);
    return err;
}

static int get(const struct map *m, const char *name, void **p, size_t *n, struct error *e)
{
    const struct bytes *b = map_get(m, name);
    struct bytes own = {0};

    if (!b)
        return error_set(e, ERR_NOTFOUND, "no %s", name);
    if (copy(&own, b->p, b->n))
        return error_set(e, ERR_NOMEM, "no memory");
    *p = own.p;
    *n = own.n;
    return 0;
}

static int get_bundle(void *arg, const char *id, void **p, size_t *n, struct error *e)
{
    return get(&((struct memory_store *)arg)->bundles, id, p, n, e);
}

static int get_value(void *arg, const char *name, void **p, size_t *n, struct error *e)
{
    return get(&((struct memory_store *)arg)->values, name, p, n, e);
}

struct store memory_store_use(struct memory_store *m)
{
    return (struct store){begin,      append,    end,        attempts,  put_bundle,
                          restart,    put_value, committed,  health,    each_open,
                          each_ended, entries,   get_bundle, get_value, m};
}

void memory_store_stop_at(struct memory_store *m, uint64_t entries)
{
    m->stop_at = entries;
}

bool memory_store_stopped(const struct memory_store *m)
{
    return m->stop_at && m->position >= m->stop_at;
}

uint64_t memory_store_entries(const struct memory_store *m)
{
    return m->position;
}

const char *memory_store_summary(const struct memory_store *m, const char *key)
{
    const struct kept *k = map_get(&m->calls, key);

    return k && k->ended ? k->facts.p : NULL;
}

const char *memory_store_timeline(const struct memory_store *m, const char *key)
{
    const struct kept *k = map_get(&m->calls, key);

    return k && k->ended ? k->timeline.p : NULL;
}
