/*
 * All workers: made and ended together, and trips through them.
 *
 * A trip visits one worker after the other, on their threads, and then the main thread: so what it
 * carries is never touched by two at once, and needs no lock. That is how the main thread asks
 * ("how many calls?") and tells ("hang this call up").
 */
#ifndef IVORY_HOST_WORKERS_H
#define IVORY_HOST_WORKERS_H

#include "host/worker.h"

/* Make the loops of `n` workers; then what works on them (worker_build); then begin. On failure,
 * stop and close. */
int workers_open(struct host *s, unsigned n, struct error *e);
int workers_build(struct host *s, const struct engine_config *cfg, int fd, struct error *e);
int workers_start(struct host *s, struct error *e);

/* End the threads; free what worker_build made; free the rest. Each in its turn, all on the main
 * thread; see worker.h. */
void workers_stop(struct host *s);
void workers_unbuild(struct host *s);
void workers_close(struct host *s);

/* The worker that a call with this key falls to. */
struct worker *workers_owner(struct host *s, const char *key);
/* One that has few calls. */
struct worker *workers_least(struct host *s);

/* Calls in progress; legs that the call service has, as far as is known. Any thread. */
size_t workers_calls(const struct host *s);
size_t workers_legs(const struct host *s);

struct trip {
    struct errand errand;
    struct host *host;
    unsigned at, end;
    void (*visit)(struct trip *t, struct worker *w); /* on the worker's thread */
    /* On the main thread, exactly once; `home` false: the service is leaving, only free. */
    void (*done)(struct trip *t, bool home);
};

/* Begin, with `visit` and `done` set: to all workers, or to one. */
void trip_to_all(struct trip *t, struct host *s);
void trip_to(struct trip *t, struct worker *w);

#endif
