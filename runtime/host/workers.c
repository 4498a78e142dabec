#include "host/workers.h"

#include <stdlib.h>

int workers_open(struct host *s, unsigned n, struct error *e)
{
    int err = 0;

    s->workers = calloc(n, sizeof *s->workers);
    if (!s->workers)
        return error_set(e, ERR_NOMEM, "no memory for the workers");
    while (s->nworkers < n && !err) {
        unsigned number = s->nworkers++;

        err = worker_open(&s->workers[number], s, number, e);
    }
    return err;
}

int workers_build(struct host *s, const struct engine_config *cfg, int fd, struct error *e)
{
    int err = 0;

    for (unsigned i = 0; i < s->nworkers && !err; i++)
        err = worker_build(&s->workers[i], *cfg, fd, e);
    return err;
}

int workers_start(struct host *s, struct error *e)
{
    int err = 0;

    for (unsigned i = 0; i < s->nworkers && !err; i++)
        err = worker_start(&s->workers[i], e);
    for (unsigned i = 0; i < s->nworkers && !err; i++)
        worker_go(&s->workers[i]);
    return err;
}

void workers_stop(struct host *s)
{
    for (unsigned i = 0; i < s->nworkers; i++)
        worker_stop(&s->workers[i]);
}

void workers_unbuild(struct host *s)
{
    /* First of all: what is on its way may hold something of any of them. */
    for (unsigned i = 0; i < s->nworkers; i++)
        worker_shut(&s->workers[i]);
    for (unsigned i = 0; i < s->nworkers; i++)
        worker_unbuild(&s->workers[i]);
}

void workers_close(struct host *s)
{
    for (unsigned i = 0; i < s->nworkers; i++)
        worker_close(&s->workers[i]);
    free(s->workers);
}

struct worker *workers_owner(struct host *s, const char *key)
{
    return &s->workers[id_shard(key, s->nworkers)];
}

struct worker *workers_least(struct host *s)
{
    struct worker *best = &s->workers[0];

    for (unsigned i = 1; i < s->nworkers; i++)
        if (atomic_load(&s->workers[i].calls) < atomic_load(&best->calls))
            best = &s->workers[i];
    return best;
}

size_t workers_calls(const struct host *s)
{
    size_t n = 0;

    for (unsigned i = 0; i < s->nworkers; i++)
        n += atomic_load_explicit(&s->workers[i].calls, memory_order_relaxed);
    return n;
}

size_t workers_legs(const struct host *s)
{
    size_t n = 0;

    for (unsigned i = 0; i < s->nworkers; i++)
        n += atomic_load_explicit(&s->workers[i].legs, memory_order_relaxed);
    return n;
}

/* --- trips --------------------------------------------------------------------------------------
 */

static void forward(struct trip *t)
{
    struct host *s = t->host;

    errands_send(t->at < t->end ? &s->workers[t->at].errands : &s->errands, &t->errand);
}

/* A queue without a place passes it on all the same, to the end of the trip. */
static void arrive(struct errand *e, void *place)
{
    struct trip *t = list_entry(e, struct trip, errand);

    if (t->at == t->end) {
        t->done(t, place != NULL);
        return;
    }
    if (place)
        t->visit(t, place);
    t->at++;
    forward(t);
}

static void begin(struct trip *t, struct host *s, unsigned first, unsigned n)
{
    t->errand.run = arrive;
    t->host = s;
    t->at = first;
    t->end = first + n;
    forward(t);
}

void trip_to_all(struct trip *t, struct host *s)
{
    begin(t, s, 0, s->nworkers);
}

void trip_to(struct trip *t, struct worker *w)
{
    begin(t, w->host, w->number, 1);
}
