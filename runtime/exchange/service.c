#include "exchange/service.h"

#include "base/buf.h"
#include "base/random.h"
#include "exchange/service_state.h"
#include "net/http_listen.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t service_now(void)
{
    uv_timeval64_t t;

    uv_gettimeofday(&t);
    return t.tv_sec * 1000 + t.tv_usec / 1000;
}

/* --- the loop -------------------------------------------------------------------------------- */

static void on_clock(uv_timer_t *timer)
{
    struct exchange_service *s = timer->data;

    switchboard_tick(s->board, service_now());
    service_pump(s);
}

static void on_second(uv_timer_t *timer)
{
    struct exchange_service *s = timer->data;

    phones_tick(s->phones, service_now());
    service_pump(s);
}

void service_pump(struct exchange_service *s)
{
    struct switchboard_action a;
    int64_t now = service_now(), next;

    while (switchboard_next(s->board, &a)) {
        if (a.kind == SWITCH_NOTIFY)
            notifier_post(s, &a, now);
        else if (a.kind == SWITCH_FETCH)
            notifier_fetch(s, &a, now);
        else if (a.kind == SWITCH_LOST)
            log_write(s->cfg.log, LOG_WARN, NULL, "exchange: a notification is given up: %s",
                      a.url);
        else
            phones_action(s->phones, &a, now);
        switchboard_action_fini(&a);
    }
    next = switchboard_next_deadline(s->board);
    if (next == INT64_MAX)
        uv_timer_stop(&s->clock);
    else
        uv_timer_start(&s->clock, on_clock, next > now ? (uint64_t)(next - now) : 0, 0);
}

/* Close everything; the loop ends when all of it is closed. */
static void close_all(struct exchange_service *s)
{
    http_server_free(s->server);
    http_client_free(s->client);
    s->server = NULL;
    s->client = NULL;
    if (!s->handles)
        return;
    s->handles = false;
    uv_close((uv_handle_t *)&s->stop, NULL);
    uv_close((uv_handle_t *)&s->clock, NULL);
    uv_close((uv_handle_t *)&s->second, NULL);
}

static void on_stop(uv_async_t *async)
{
    close_all(async->data);
}

static void *run(void *arg)
{
    struct exchange_service *s = arg;

    uv_run(&s->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

static char *copy(const char *text, int *err)
{
    char *own = text ? strdup(text) : NULL;

    if (text && !own)
        *err = ERR_NOMEM;
    return own;
}

/* An address that means "all" is reached at loopback. */
char *exchange_service_url(const char *listen, unsigned port)
{
    struct buf b = {0};
    char host[256];
    unsigned given;

    if (listen_parse(listen, host, sizeof host, &given, NULL))
        return NULL;
    if (strcmp(host, "0.0.0.0") == 0)
        snprintf(host, sizeof host, "127.0.0.1");
    if (strcmp(host, "::") == 0)
        snprintf(host, sizeof host, "::1");
    buf_fmt(&b, strchr(host, ':') ? "http://[%s]:%u" : "http://%s:%u", host, port ? port : given);
    return buf_take(&b);
}

static int copy_config(struct exchange_service *s, const struct exchange_service_config *cfg,
                       struct error *e)
{
    int err = 0;

    s->cfg = *cfg;
    s->webhook = copy(cfg->webhook ? cfg->webhook : "http://127.0.0.1:8080/api/calls", &err);
    s->tenant = copy(cfg->tenant, &err);
    s->app_id = copy(cfg->app_id, &err);
    s->secret = copy(cfg->secret, &err);
    s->url = copy(cfg->url, &err);
    s->access.app_id = s->app_id;
    s->access.secret = s->secret;
    random_bytes(s->access.key, sizeof s->access.key);
    return err ? error_set(e, err, "no memory for the exchange") : 0;
}

static int open_loop(struct exchange_service *s, struct error *e)
{
    if (uv_async_init(&s->loop, &s->stop, on_stop))
        return error_set(e, ERR_IO, "the exchange's loop cannot be made");
    uv_timer_init(&s->loop, &s->clock);
    uv_timer_init(&s->loop, &s->second);
    s->stop.data = s->clock.data = s->second.data = s;
    s->handles = true;
    uv_timer_start(&s->second, on_second, 1000, 1000);
    return 0;
}

static int open_network(struct exchange_service *s, struct error *e)
{
    struct http_server_config server = {
        .listen = s->cfg.listen, .handler = service_request, .refusal = service_refusal, .arg = s};
    struct http_client_config client = {.ca_file = s->cfg.ca_file, .done = notifier_done, .arg = s};
    int err = http_server_new(&s->server, &s->loop, &server, e);

    if (err)
        return err;
    s->port = http_server_port(s->server);
    if (!s->url && !(s->url = exchange_service_url(s->cfg.listen, s->port)))
        return error_set(e, ERR_NOMEM, "no memory for the exchange");
    return http_client_new(&s->client, &s->loop, &client, e);
}

static int open_machines(struct exchange_service *s, struct error *e)
{
    struct switchboard_config board = {
        .root = s->url,
        .app_id = s->app_id,
        .webhook = s->webhook,
        .tenant = s->tenant,
        .seed = s->cfg.seed,
        .answer_ms = s->cfg.answer_ms ? s->cfg.answer_ms : 15000,
        .silence_ms = s->cfg.silence_ms ? s->cfg.silence_ms : 45 * 60 * 1000,
        .faults = s->cfg.faults,
    };
    int err;

    if (!board.seed)
        random_bytes(&board.seed, sizeof board.seed);
    err = switchboard_new(&s->board, &board, e);
    if (!err)
        err = phones_new(&s->phones, s->board, s->cfg.phones_anywhere, e);
    if (!err)
        err = jwt_signer_new(&s->signer, e);
    return err;
}

/* The thread takes no signals: they are for whoever started it. */
static int start_thread(struct exchange_service *s, struct error *e)
{
    sigset_t all, old;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return err ? error_set(e, ERR_IO, "the exchange's thread cannot start: %s", strerror(err)) : 0;
}

/* Free; the loop has ended. */
static void destroy(struct exchange_service *s)
{
    CHECK(uv_loop_close(&s->loop) == 0);
    notifier_fini(s);
    phones_free(s->phones);
    switchboard_free(s->board);
    jwt_signer_free(s->signer);
    free(s->url);
    free(s->webhook);
    free(s->tenant);
    free(s->app_id);
    free(s->secret);
    free(s);
}

int exchange_service_start(struct exchange_service **out, const struct exchange_service_config *cfg,
                           struct error *e)
{
    struct exchange_service *s = calloc(1, sizeof *s);
    int err;

    if (!s || uv_loop_init(&s->loop)) {
        free(s);
        return error_set(e, ERR_NOMEM, "no memory for the exchange");
    }
    list_init(&s->flights);
    list_init(&s->held);
    err = copy_config(s, cfg, e);
    if (!err)
        err = open_loop(s, e);
    if (!err)
        err = open_network(s, e);
    if (!err)
        err = open_machines(s, e);
    if (!err)
        err = start_thread(s, e);
    if (err) {
        close_all(s);
        uv_run(&s->loop, UV_RUN_DEFAULT);
        destroy(s);
        return err;
    }
    *out = s;
    return 0;
}

unsigned exchange_service_port(const struct exchange_service *s)
{
    return s->port;
}

void exchange_service_stop(struct exchange_service *s)
{
    if (!s)
        return;
    uv_async_send(&s->stop);
    pthread_join(s->thread, NULL);
    log_write(s->cfg.log, LOG_INFO, NULL, "exchange: ends with %zu calls in progress",
              switchboard_calls(s->board));
    destroy(s);
}
