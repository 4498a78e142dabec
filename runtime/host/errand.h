/*
 * Errands: something to be done on another thread. Who has one sends it to the queue of a loop,
 * which runs it there; errands of one sender to one queue stay in order. An errand is embedded in
 * what it is about, belongs to whoever runs it, and is never copied, so sending cannot fail.
 *
 * A queue that was closed has nobody to run errands: each is run with place NULL by whoever sends
 * or closes, and then only frees what it holds.
 */
#ifndef IVORY_HOST_ERRAND_H
#define IVORY_HOST_ERRAND_H

#include "base/list.h"

#include <pthread.h>
#include <uv.h>

struct errand {
    struct list link;
    /* `place`: what the queue belongs to, on its thread; NULL: nobody is there any more. */
    void (*run)(struct errand *e, void *place);
};

struct errands {
    uv_async_t wake;
    pthread_mutex_t lock;
    struct list queue;
    void *place;
    bool closed;
};

/* For the loop of `place`. ERR_IO. */
int errands_init(struct errands *q, uv_loop_t *loop, void *place);

/* From any thread. */
void errands_send(struct errands *q, struct errand *e);

/* Run what waits now, on the queue's thread. */
void errands_run(struct errands *q);

/* On the loop's thread, or when that has ended. The loop must run once more for the handle. */
void errands_close(struct errands *q);

#endif
