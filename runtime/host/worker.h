/*
 * A worker: one thread with a loop, a machine (engine) with the calls that fall to it, an HTTP
 * client, and a listener on the address that all workers share. A call belongs to one worker for
 * life, the one that its key falls to (id_shard); a webhook that lands elsewhere is handed over.
 * Workers share what struct host says, and nothing else; they are spoken to by errands and trips.
 *
 * Made, started and freed by the main thread (workers.h); everything else is the worker's thread's.
 */
#ifndef IVORY_HOST_WORKER_H
#define IVORY_HOST_WORKER_H

#include "host/engine.h"
#include "host/host.h"
#include "host/metrics.h"
#include "host/recorder.h"
#include "host/watchdog.h"
#include "net/http_client.h"

struct worker {
    struct host *host;
    unsigned number;
    struct errands errands;

    uv_loop_t loop;
    uv_timer_t clock;
    int64_t armed;        /* when the clock comes; INT64_MAX: it does not */
    uv_async_t committed; /* the journal has written something            */
    int64_t now;          /* the last that worker_now said...             */
    uint64_t ticks;       /* ...and the steady clock then, ns             */
    struct engine *engine;
    struct http_client *client;
    struct http_server *public;
    struct list webhooks; /* struct webhook: what waits for an answer     */
    uint64_t next_webhook;
    struct metrics metrics;
    struct watchdog *watchdog;
    /* For those who ask from elsewhere: calls in progress, and legs that the service has. */
    _Atomic size_t calls, legs;
    struct supervised alive;

    struct recorder *recorder; /* NULL: no journal */
    struct journal *reader;
    struct journal_store both;
    struct store store;

    pthread_t thread;
    bool started, reachable; /* reachable: its handles are open */
    uv_sem_t ready, go;
    struct error why; /* it did not start */
    struct errand leave;
};

/* Make the loop and its handles. ERR_IO. */
int worker_open(struct worker *w, struct host *s, unsigned number, struct error *e);

/* Make what works on it: `cfg` as all workers have it, `fd` the socket that all listen on (one of
 * the worker's own is made of it). */
int worker_build(struct worker *w, struct engine_config cfg, int fd, struct error *e);

/* Begin, and wait until the thread is ready: it has the flows, and waits for webhooks of the calls
 * of an earlier process. It handles nothing yet: worker_go, once all workers are ready. */
int worker_start(struct worker *w, struct error *e);
void worker_go(struct worker *w);

/* Stop listening and end the thread; calls stay where they are. */
void worker_stop(struct worker *w);
/* No errands are run any more. */
void worker_shut(struct worker *w);
/* Free what worker_build made, after all workers have stopped; then, when the journal is closed
 * too, the rest. */
void worker_unbuild(struct worker *w);
void worker_close(struct worker *w);

/* --- on its thread */

/* Milliseconds since the epoch. When the system's clock is set back, it goes on from where it was.
 */
int64_t worker_now(struct worker *w);

/* Do what the engine asks for and set the clock to its next deadline. Call after every input. */
void worker_pump(struct worker *w);

/* Tell the others how many calls there are. */
void worker_count_calls(struct worker *w);

/* worker_http.c: the listener's handler (`arg` is the worker); the engine's answer to webhook `id`
 * (unknown ids are ignored), a part of it for another worker; drop what waits, without an answer:
 * the listener is closed already. */
void worker_handle(void *arg, struct http_call *call, const struct http_message *request);
void worker_answer(struct worker *w, uint64_t id, const struct http_message *response);
void worker_send_parcel(struct worker *w, uint64_t id, struct wire_parcel *p);
void worker_forget(struct worker *w);

/* worker_hooks.c: what the engine tells those who count and choose. */
void worker_hooks(struct worker *w, struct engine_config *c);

/* worker_journal.c: its recorder (before the engine), and the recovery of its calls. */
int worker_journal_open(struct worker *w, struct error *e);
void worker_journal_recover(struct worker *w);
void worker_journal_close(struct worker *w);

#endif
