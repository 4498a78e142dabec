#include "host/errand.h"

#include "base/error.h"

static void take_all(struct errands *q, struct list *out)
{
    list_init(out);
    pthread_mutex_lock(&q->lock);
    while (!list_empty(&q->queue)) {
        struct list *first = q->queue.next;

        list_remove(first);
        list_append(out, first);
    }
    pthread_mutex_unlock(&q->lock);
}

static void run_all(struct errands *q, void *place)
{
    struct list now;

    take_all(q, &now);
    while (!list_empty(&now)) {
        struct errand *e = list_entry(now.next, struct errand, link);

        list_remove(&e->link);
        e->run(e, place);
    }
}

void errands_run(struct errands *q)
{
    run_all(q, q->place);
}

static void on_wake(uv_async_t *handle)
{
    errands_run(handle->data);
}

int errands_init(struct errands *q, uv_loop_t *loop, void *place)
{
    list_init(&q->queue);
    q->place = place;
    q->closed = false;
    if (uv_async_init(loop, &q->wake, on_wake))
        return ERR_IO;
    q->wake.data = q;
    pthread_mutex_init(&q->lock, NULL);
    return 0;
}

void errands_send(struct errands *q, struct errand *e)
{
    bool closed, first = false;

    list_init(&e->link);
    pthread_mutex_lock(&q->lock);
    closed = q->closed;
    if (!closed) {
        first = list_empty(&q->queue);
        list_append(&q->queue, &e->link);
        /* Under the lock, so that the handle is not closed meanwhile. */
        if (first)
            uv_async_send(&q->wake);
    }
    pthread_mutex_unlock(&q->lock);
    if (closed)
        e->run(e, NULL);
}

void errands_close(struct errands *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_mutex_unlock(&q->lock);
    run_all(q, NULL);
    uv_close((uv_handle_t *)&q->wake, NULL);
}
