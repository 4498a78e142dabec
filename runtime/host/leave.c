#include "host/leave.h"

#include "host/workers.h"

#include <signal.h>
#include <stdlib.h>

enum {
    LOOK_MS = 100,
    LAST_WORD_MS = 10000, /* for telling the call service that calls have ended */
    RETRY_AFTER_S = 10,
};

struct leave {
    struct host *host;
    uv_signal_t signals[3];
    uv_timer_t timer;
    unsigned open; /* handles that are not closed */
    atomic_bool draining;
    bool asked;           /* by `ivory drain` */
    int64_t until, ended; /* drain no longer than; since when there is no call, 0: there is one */
};

static void leave_now(struct leave *l, const char *why)
{
    struct host *s = l->host;

    if (s->stopping)
        return;
    log_write(&s->log, LOG_INFO, NULL, "%s: leaving with %zu calls in progress", why,
              workers_calls(s));
    s->stopping = true;
    supervisor_say(s->supervisor, SUPERVISOR_STOPPING);
    uv_stop(&s->loop);
}

/* Time is the loop's own, so that a clock set forward ends no drain. */
static void on_look(uv_timer_t *timer)
{
    struct leave *l = timer->data;
    struct host *s = l->host;
    int64_t now = (int64_t)uv_now(timer->loop);

    if (workers_calls(s))
        l->ended = 0;
    else if (!l->ended)
        l->ended = now;
    if (l->ended && (!workers_legs(s) || now >= l->ended + LAST_WORD_MS))
        leave_now(l, "drained");
    else if (now >= l->until)
        leave_now(l, "stop.drain_s is over");
}

static void drain(struct leave *l, const char *why)
{
    struct host *s = l->host;
    int64_t longest = config_int(s->cfg, "stop.drain_s");

    if (l->draining || s->stopping)
        return;
    l->draining = true;
    l->until = (int64_t)uv_now(&s->loop) + longest * 1000;
    log_write(&s->log, LOG_INFO, NULL,
              "%s: no new calls; leaving when %zu calls have ended, or in %lld s", why,
              workers_calls(s), (long long)longest);
    supervisor_say(s->supervisor, SUPERVISOR_DRAINING);
    uv_timer_start(&l->timer, on_look, 0, LOOK_MS);
}

void leave_drain(struct leave *l)
{
    if (!l->draining)
        l->asked = true;
    drain(l, "drain");
}

bool leave_was_asked(const struct leave *l)
{
    return l && l->asked;
}

int leave_refuses(const struct leave *l)
{
    return l && l->draining ? RETRY_AFTER_S : 0;
}

static void reloaded(void *arg, int err, const struct error *e)
{
    struct host *s = arg;

    (void)err, (void)e; /* it is logged, and the old flows go on */
    supervisor_say(s->supervisor, SUPERVISOR_READY);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct leave *l = handle->data;
    const char *name = number == SIGTERM ? "SIGTERM" : "SIGINT";

    if (number == SIGHUP) {
        supervisor_say(l->host->supervisor, SUPERVISOR_RELOADING);
        certificates_reload(l->host->certificates);
        bundles_reload(l->host->bundles, reloaded, l->host);
    } else if (config_bool(l->host->cfg, "stop.drain") && !l->draining) {
        drain(l, name);
    } else {
        l->asked = false;
        leave_now(l, name);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct leave *l = handle->data;

    if (--l->open == 0)
        free(l);
}

int leave_new(struct leave **out, struct host *s, struct error *e)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct leave *l = calloc(1, sizeof *l);
    int err = 0;

    if (!l)
        return error_set(e, ERR_NOMEM, "no memory");
    l->host = s;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is a write that fails */
    if (uv_timer_init(&s->loop, &l->timer)) {
        free(l);
        return error_set(e, ERR_IO, "the event loop has no timer");
    }
    l->timer.data = l;
    l->open = 1;
    for (unsigned i = 0; i < 3 && !err; i++) {
        uv_signal_t *h = &l->signals[i];

        h->data = l;
        err = uv_signal_init(&s->loop, h);
        l->open += !err;
        if (!err)
            err = uv_signal_start(h, on_signal, numbers[i]);
    }
    *out = l;
    return err ? error_set(e, ERR_IO, "signals cannot be watched") : 0;
}

void leave_free(struct leave *l)
{
    if (!l)
        return;
    for (unsigned i = l->open; i-- > 1;)
        uv_close((uv_handle_t *)&l->signals[i - 1], on_closed);
    uv_close((uv_handle_t *)&l->timer, on_closed);
}
