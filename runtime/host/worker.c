#include "host/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

int64_t worker_now(struct worker *w)
{
    uint64_t ticks = uv_hrtime();
    int64_t ms = host_time(), steady = w->now + (int64_t)((ticks - w->ticks) / 1000000);

    if (w->now && ms < steady)
        ms = steady;
    if (ms > w->now) {
        w->now = ms;
        w->ticks = ticks;
    }
    return w->now;
}

static void on_clock(uv_timer_t *timer)
{
    struct worker *w = timer->data;

    w->armed = INT64_MAX;
    engine_tick(w->engine, worker_now(w));
    worker_pump(w);
}

static void on_committed(uv_async_t *handle)
{
    struct worker *w = handle->data;

    if (w->engine) {
        engine_committed(w->engine, worker_now(w));
        worker_pump(w);
    }
}

static void perform(struct worker *w, struct engine_action *a, int64_t now)
{
    int64_t left = a->deadline - now;

    switch (a->kind) {
    case ENGINE_SEND:
        if (http_client_send(w->client, a->id, &a->message, left > 1 ? left : 1)) {
            struct http_message none = {.body = "out of memory", .n = 13};
            engine_response(w->engine, a->id, &none, now);
        }
        break;
    case ENGINE_ABORT:
        http_client_cancel(w->client, a->id);
        break;
    case ENGINE_ANSWER:
        worker_answer(w, a->id, &a->message);
        break;
    case ENGINE_PARCEL:
        worker_send_parcel(w, a->id, a->parcel);
        a->parcel = NULL;
        break;
    case ENGINE_LOG:
        log_write(&w->host->log, log_level_parse(a->level),
                  &(struct log_call){a->key, a->flow, a->bundle}, "%s", a->text);
        break;
    }
}

void worker_count_calls(struct worker *w)
{
    atomic_store_explicit(&w->calls, core_calls(engine_core(w->engine)), memory_order_relaxed);
    atomic_store_explicit(&w->legs, wire_calls(engine_wire(w->engine)), memory_order_relaxed);
}

void worker_pump(struct worker *w)
{
    struct engine_action a;
    int64_t now = w->now, next; /* what came was given that time */

    while (engine_next(w->engine, &a)) {
        perform(w, &a, now);
        engine_action_fini(&a);
    }
    worker_count_calls(w);
    /* The clock is set anew only when it would come too late: most deadlines go before it does, and
     * the system's may have been set forward. */
    next = engine_next_deadline(w->engine);
    if (next >= w->armed && (w->armed > now || next == INT64_MAX))
        return;
    w->armed = next;
    uv_timer_start(&w->clock, on_clock, next > now ? (uint64_t)(next - now) : 0, 0);
}

static void on_response(void *arg, uint64_t id, const struct http_message *response)
{
    struct worker *w = arg;

    engine_response(w->engine, id, response, worker_now(w));
    worker_pump(w);
}

/* --- making it ----------------------------------------------------------------------------------
 */

int worker_open(struct worker *w, struct host *s, unsigned number, struct error *e)
{
    w->host = s;
    w->number = number;
    w->armed = INT64_MAX;
    list_init(&w->webhooks);
    metrics_init(&w->metrics);
    if (uv_loop_init(&w->loop))
        return error_set(e, ERR_IO, "the event loop cannot be made");
    uv_timer_init(&w->loop, &w->clock);
    w->clock.data = w->committed.data = w;
    if (uv_async_init(&w->loop, &w->committed, on_committed) ||
        errands_init(&w->errands, &w->loop, w) || uv_sem_init(&w->ready, 0) ||
        uv_sem_init(&w->go, 0) || supervisor_watch(s->supervisor, &w->alive, &w->loop))
        return error_set(e, ERR_IO, "a worker's events cannot be made");
    w->reachable = true;
    return 0;
}

static void on_refused(void *arg, const struct http_message *request, struct http_message *response)
{
    host_refused(&((struct worker *)arg)->host->log, request, response);
}

static int open_listener(struct worker *w, int fd, struct error *e)
{
    struct http_server_config c = {.listen = config_str(w->host->cfg, "listen"),
                                   .tls = certificates_of(w->host->certificates, LISTENER_PUBLIC),
                                   .given = true,
                                   .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
                                   .max_body = 1u << 20,
                                   .timeout_s = 30,
                                   .connections = 4096,
                                   .handler = worker_handle,
                                   .refusal = on_refused,
                                   .arg = w};

    if (c.fd < 0)
        return error_set(e, ERR_IO, "listen: %s", strerror(errno));
    return http_server_new(&w->public, &w->loop, &c, e);
}

static int keep_recording(void *arg, const char *hash, const void *p, size_t n)
{
    struct worker *w = arg;

    return prompt_store_put_recording(w->host->store, hash, p, n, NULL);
}

int worker_build(struct worker *w, struct engine_config c, int fd, struct error *e)
{
    const struct config *cfg = w->host->cfg;
    struct http_client_config client = {.max_body = 16u << 20,
                                        .http2 = config_bool(cfg, "graph.http2"),
                                        .ca_file = config_str(cfg, "graph.ca_file"),
                                        .service = c.wire.graph_url,
                                        .done = on_response,
                                        .arg = w};
    int err = http_client_new(&w->client, &w->loop, &client, e);

    if (!err)
        err = worker_journal_open(w, e);
    if (err)
        return err;
    c.record = w->recorder ? recorder_hooks(w->recorder) : NULL;
    c.values = w->host->values;
    c.wire.keep_recording = keep_recording;
    c.wire.keep_recording_arg = w;
    worker_hooks(w, &c);
    err = engine_new(&w->engine, &c, e);
    return err ? err : open_listener(w, fd, e);
}

/* --- its thread ---------------------------------------------------------------------------------
 */

static void *run(void *arg)
{
    struct worker *w = arg;
    int err = watchdog_new(&w->watchdog, core_pulse(engine_core(w->engine)),
                           config_int(w->host->cfg, "limits.turn_ms"), &w->why);

    if (!err) {
        errands_run(&w->errands); /* the flows, before the first call */
        worker_journal_recover(w);
        worker_pump(w);
    }
    uv_sem_post(&w->ready);
    uv_sem_wait(&w->go);
    if (!err)
        uv_run(&w->loop, UV_RUN_DEFAULT);
    watchdog_free(w->watchdog);
    return NULL;
}

static void on_leave(struct errand *e, void *place)
{
    struct worker *w = list_entry(e, struct worker, leave);

    (void)place;
    uv_stop(&w->loop);
}

/* Signals are for the main thread, but for the watchdog's. */
int worker_start(struct worker *w, struct error *e)
{
    sigset_t all, old;
    int err;

    w->leave.run = on_leave;
    sigfillset(&all);
    sigdelset(&all, SIGURG);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!err) {
        w->started = true;
        uv_sem_wait(&w->ready);
    }
    if (err)
        return error_set(e, ERR_IO, "a worker's thread cannot start: %s", strerror(err));
    return w->why.text[0] ? error_set(e, ERR_IO, "%s", w->why.text) : 0;
}

void worker_go(struct worker *w)
{
    uv_sem_post(&w->go);
}

void worker_stop(struct worker *w)
{
    if (w->started) {
        worker_go(w);
        errands_send(&w->errands, &w->leave);
        pthread_join(w->thread, NULL);
    }
    w->started = false;
    http_server_free(w->public);
    w->public = NULL;
    worker_forget(w);
}

void worker_shut(struct worker *w)
{
    if (w->reachable)
        errands_close(&w->errands);
}

void worker_unbuild(struct worker *w)
{
    http_client_free(w->client);
    w->client = NULL;
    engine_free(w->engine);
    w->engine = NULL;
    worker_journal_close(w);
}

void worker_close(struct worker *w)
{
    metrics_fini(&w->metrics);
    if (w->reachable) {
        supervisor_unwatch(&w->alive);
        uv_close((uv_handle_t *)&w->alive.async, NULL);
        uv_close((uv_handle_t *)&w->committed, NULL);
        uv_close((uv_handle_t *)&w->clock, NULL);
        uv_run(&w->loop, UV_RUN_DEFAULT);
        CHECK(uv_loop_close(&w->loop) == 0);
        uv_sem_destroy(&w->ready);
        uv_sem_destroy(&w->go);
    }
}
