#include "host/serve.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/random.h"
#include "bindings/bindings.h"
#include "host/data_lock.h"
#include "host/host.h"
#include "host/host_hooks.h"
#include "host/host_journal.h"
#include "host/leave.h"
#include "host/settings.h"
#include "host/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Everything a running service is, beside the part that the handlers see. */
struct server {
    struct host host;
    struct exchange_service *exchange;
    struct watchdog *watchdog;
    struct bindings_config bindings;
    char *public_url;
    int lock;
    char *secret;
};

int64_t host_now(struct host *s)
{
    uv_timeval64_t t;
    uint64_t ticks = uv_hrtime();
    int64_t ms, steady = s->now + (int64_t)((ticks - s->ticks) / 1000000);

    uv_gettimeofday(&t);
    ms = t.tv_sec * 1000 + t.tv_usec / 1000;
    if (s->now && ms < steady)
        ms = steady;
    if (ms > s->now) {
        s->now = ms;
        s->ticks = ticks;
    }
    return s->now;
}

static void on_clock(uv_timer_t *timer)
{
    struct host *s = timer->data;

    engine_tick(s->engine, host_now(s));
    host_pump(s);
}

static void perform(struct host *s, struct engine_action *a, int64_t now)
{
    int64_t left = a->deadline - now;

    switch (a->kind) {
    case ENGINE_SEND:
        if (http_client_send(s->client, a->id, &a->message, left > 1 ? left : 1)) {
            struct http_message none = {.body = "out of memory", .n = 13};
            engine_response(s->engine, a->id, &none, now);
        }
        break;
    case ENGINE_ABORT:
        http_client_cancel(s->client, a->id);
        break;
    case ENGINE_ANSWER:
        public_answer(s, a->id, &a->message);
        break;
    case ENGINE_LOG:
        log_write(&s->log, log_level_parse(a->level),
                  &(struct log_call){a->key, a->flow, a->bundle}, "%s", a->text);
        break;
    }
}

void host_pump(struct host *s)
{
    struct engine_action a;
    int64_t now = host_now(s), next;

    while (engine_next(s->engine, &a)) {
        perform(s, &a, now);
        engine_action_fini(&a);
    }
    next = engine_next_deadline(s->engine);
    if (next == INT64_MAX)
        uv_timer_stop(&s->clock);
    else
        uv_timer_start(&s->clock, on_clock, next > now ? (uint64_t)(next - now) : 0, 0);
}

static void on_response(void *arg, uint64_t id, const struct http_message *response)
{
    struct host *s = arg;

    engine_response(s->engine, id, response, host_now(s));
    host_pump(s);
}

static void random_from_system(void *arg, void *p, size_t n)
{
    (void)arg;
    random_bytes(p, n);
}

static int keep_recording(void *arg, const char *hash, const void *p, size_t n)
{
    struct host *s = arg;

    return prompt_store_put_recording(s->store, hash, p, n, NULL);
}

static struct http_server_config listener(struct host *s, enum listener which, const char *key,
                                          http_handler *handler)
{
    int fd = supervisor_take_socket(s->supervisor, listener_name(which));

    return (struct http_server_config){.listen = config_str(s->cfg, key),
                                       .tls = certificates_of(s->certificates, which),
                                       .given = fd >= 0,
                                       .fd = fd,
                                       .max_body = 1u << 20,
                                       .max_headers = 32u << 10,
                                       .timeout_s = 30,
                                       .connections = 4096,
                                       .handler = handler,
                                       .refusal = host_refused,
                                       .arg = s};
}

static int start_network(struct server *sv, struct error *e)
{
    struct host *s = &sv->host;
    struct http_client_config client = {.max_body = 16u << 20,
                                        .http2 = config_bool(s->cfg, "graph.http2"),
                                        .ca_file = config_str(s->cfg, "graph.ca_file"),
                                        .service = config_str(s->cfg, "graph.url"),
                                        .done = on_response,
                                        .arg = s};
    struct http_server_config c = listener(s, LISTENER_PUBLIC, "listen", public_handle);
    int err = http_client_new(&s->client, &s->loop, &client, e);

    if (!err)
        err = http_server_new(&s->public, &s->loop, &c, e);
    if (err)
        return error_prefix(e, err, "listen");
    c = listener(s, LISTENER_ADMIN, "admin.listen", admin_handle);
    err = http_server_new(&s->admin, &s->loop, &c, e);
    if (!err && !s->admin_token && !http_server_is_local(s->admin))
        err = error_set(e, ERR_INVALID,
                        "others than this machine could reach it; that needs admin.token_file");
    if (err)
        return error_prefix(e, err, "admin.listen");
    return supervisor_sockets_taken(s->supervisor, e);
}

static int read_secrets(struct server *sv, struct error *e)
{
    struct host *s = &sv->host;
    const char *key =
        config_str(s->cfg, "graph.url") ? "graph.secret_file" : "exchange.secret_file";

    sv->secret = config_secret(s->cfg, key, e);
    if (!sv->secret && config_str(s->cfg, key))
        return ERR_IO;
    s->admin_token = config_secret(s->cfg, "admin.token_file", e);
    if (!s->admin_token && config_str(s->cfg, "admin.token_file"))
        return ERR_IO;
    return 0;
}

static void add_url(struct buf *b, struct host *s, enum listener which)
{
    const struct http_server *server = which == LISTENER_PUBLIC ? s->public : s->admin;
    const char *listen = config_str(s->cfg, which == LISTENER_PUBLIC ? "listen" : "admin.listen");

    buf_fmt(b, "http%s://%.*s:%u", certificates_of(s->certificates, which) ? "s" : "",
            (int)(strrchr(listen, ':') - listen), listen, http_server_port(server));
}

/* Our own address for the service: public_url, or with the exchange on this machine where we
 * listen. */
static int find_public_url(struct server *sv, struct error *e)
{
    const char *given = config_str(sv->host.cfg, "public_url");
    struct buf url = {0};

    if (given)
        buf_str(&url, given);
    else
        add_url(&url, &sv->host, LISTENER_PUBLIC);
    sv->public_url = buf_take(&url);
    return sv->public_url ? 0 : error_set(e, ERR_NOMEM, "no memory");
}

static int start_exchange(struct server *sv, struct error *e)
{
    const struct config *cfg = sv->host.cfg;
    struct buf webhook = {0};
    struct exchange_service_config c;
    int err;

    if (config_str(cfg, "graph.url"))
        return 0;
    if (buf_fmt(&webhook, "%s/api/calls", sv->public_url))
        return error_set(e, ERR_NOMEM, "no memory");
    settings_exchange(cfg, &sv->host.log, sv->secret, &c);
    if (!c.webhook)
        c.webhook = webhook.p;
    err = exchange_service_start(&sv->exchange, &c, e);
    buf_fini(&webhook);
    return err ? error_prefix(e, err, "exchange.listen") : 0;
}

/* With the exchange, "flow:<name>" may be called like a number: `ivory phone <name>` does. */
static const char *route_by_name(void *arg, const struct event *start)
{
    const cJSON *routes = json_get(json_get(start->data, "call"), "callRoutes");
    const cJSON *called = json_get(cJSON_GetArrayItem(routes, 0), "original"), *party;

    (void)arg;
    cJSON_ArrayForEach (party, called) {
        const char *id = json_str(party, "id");

        if (id && strncmp(id, "flow:", 5) == 0)
            return id + 5;
    }
    return NULL;
}

/* With the embedded exchange its address stands for everything of the service's. */
static int start_engine(struct server *sv, struct error *e)
{
    struct host *s = &sv->host;
    const struct config *cfg = s->cfg;
    const char *graph = config_str(cfg, "graph.url");
    const char *url = graph ? graph : exchange_service_url(sv->exchange);
    struct buf openid = {0};
    int err;
    struct engine_config c = {
        .route = graph ? NULL : route_by_name,
        .record = host_journal_hooks(s->journal),
        .wire = {.version = version_parse(config_str(cfg, "graph.version")),
                 .graph_url = (char *)url,
                 .public_url = sv->public_url,
                 .authority = graph ? (char *)config_str(cfg, "graph.authority") : (char *)url,
                 .tenant = (char *)config_str(cfg, graph ? "graph.tenant" : "exchange.tenant"),
                 .app_id = (char *)config_str(cfg, graph ? "graph.app_id" : "exchange.app_id"),
                 .verify = config_bool(cfg, "inbound.verify"),
                 .issuers = config_list(cfg, "inbound.issuers"),
                 .request_ms = 30000,
                 .keepalive_ms = 15 * 60 * 1000,
                 .early_ms = 5000,
                 .reply_ms = 3000,
                 .random = random_from_system,
                 .keep_recording = keep_recording,
                 .keep_recording_arg = s}};

    if (graph)
        buf_str(&openid, config_str(cfg, "inbound.openid"));
    else
        buf_fmt(&openid, "%s/v1/.well-known/OpenIdConfiguration", url);
    if (openid.err)
        return error_set(e, ERR_NOMEM, "no memory");
    c.wire.openid = openid.p;
    sv->bindings.version = c.wire.version;
    settings_core(cfg, &c.core);
    c.core.open = bindings_open;
    c.core.open_arg = &sv->bindings;
    c.wire.app_secret = sv->secret ? sv->secret : "exchange";
    host_hooks(s, &c);
    err = engine_new(&s->engine, &c, e);
    buf_fini(&openid);
    return err;
}

/* For `systemctl status`. */
static void host_status(void *arg, char *text, size_t n)
{
    struct host *s = arg;

    snprintf(text, n, "%s%zu calls in progress",
             s->stopping               ? "leaving; "
             : leave_refuses(s->leave) ? "no new calls; "
                                       : "",
             core_calls(engine_core(s->engine)));
}

static int start(struct server *sv, struct error *e)
{
    struct host *s = &sv->host;
    int err = config_check(s->cfg, e);

    if (!err)
        err = supervisor_new(&s->supervisor, &s->loop, host_status, s, e);
    if (!err)
        err = leave_new(&s->leave, s, e);
    if (!err)
        err = read_secrets(sv, e);
    if (!err)
        err = certificates_new(&s->certificates, &s->loop, s->cfg, &s->log, e);
    if (!err)
        err = prompt_store_new(&s->store, config_str(s->cfg, "data"), e);
    if (!err)
        err = data_lock(&sv->lock, config_str(s->cfg, "data"), e);
    if (!err)
        err = start_network(sv, e);
    if (!err)
        err = find_public_url(sv, e);
    if (!err)
        err = start_exchange(sv, e);
    if (!err)
        err = host_journal_open(s, e);
    if (!err)
        err = host_hooks_open(s, e);
    if (!err)
        err = start_engine(sv, e);
    if (!err)
        err = host_bundles_open(s, e);
    if (!err)
        host_journal_recover(s);
    if (!err)
        err = watchdog_new(&sv->watchdog, core_pulse(engine_core(s->engine)),
                           config_int(s->cfg, "limits.turn_ms"), e);
    return err;
}

static void stop(struct server *sv)
{
    struct host *s = &sv->host;

    watchdog_free(sv->watchdog);
    http_server_free(s->public);
    http_server_free(s->admin);
    public_forget(s);
    exchange_service_stop(sv->exchange);
    http_client_free(s->client);
    bundles_free(s->bundles);
    engine_free(s->engine);
    host_hooks_close(s);
    host_journal_close(s);
    prompt_store_free(s->store);
    certificates_free(s->certificates);
    leave_free(s->leave);
    supervisor_free(s->supervisor);
    uv_close((uv_handle_t *)&s->clock, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&s->loop) == 0);
    if (sv->lock >= 0)
        close(sv->lock);
    free(sv->public_url);
    free(s->admin_token);
    free(sv->secret);
}

static void say_where(struct server *sv)
{
    struct host *s = &sv->host;
    const char *graph = config_str(s->cfg, "graph.url");
    struct buf admin = {0};

    add_url(&admin, s, LISTENER_ADMIN);
    log_write(&s->log, LOG_INFO, NULL, "webhooks at %s/api/calls, admin at %s", sv->public_url,
              admin.p ? admin.p : "?");
    buf_fini(&admin);
    if (graph)
        log_write(&s->log, LOG_INFO, NULL, "call service: %s (%s)", graph,
                  config_str(s->cfg, "graph.version"));
    else
        log_write(&s->log, LOG_INFO, NULL,
                  "call service: the exchange at %s; to call, in another terminal: %s phone",
                  exchange_service_url(sv->exchange), program_invocation_name);
}

int serve(const struct config *cfg, const struct bundle_source *stdlib, struct error *e)
{
    struct server sv = {.host = {.cfg = cfg, .stdlib = stdlib}, .lock = -1};
    struct host *s = &sv.host;
    int err;

    settings_log(cfg, &s->log);
    list_init(&s->webhooks);
    if (uv_loop_init(&s->loop) || uv_timer_init(&s->loop, &s->clock))
        return error_set(e, ERR_IO, "the event loop cannot be made");
    s->clock.data = s;
    err = start(&sv, e);
    if (!err) {
        say_where(&sv);
        supervisor_say(s->supervisor, SUPERVISOR_READY);
        host_pump(s);
        uv_run(&s->loop, UV_RUN_DEFAULT);
    }
    stop(&sv);
    return err;
}
