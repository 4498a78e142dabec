#include "host/serve.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/random.h"
#include "bindings/bindings.h"
#include "host/data_lock.h"
#include "host/host_journal.h"
#include "host/leave.h"
#include "host/settings.h"
#include "host/workers.h"
#include "net/http_listen.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIM_MS = 60 * 1000 };

/* Everything a running service is, beside the part that the handlers see. */
struct server {
    struct host host;
    struct exchange_service *exchange; /* NULL: there is none here */
    char *exchange_url;                /* wherever it is; NULL with Graph */
    int listening;                     /* the socket of webhooks; each worker has its own of it */
    unsigned port;
    uv_timer_t trim;
    struct bindings_config bindings;
    char *public_url;
    int lock;
    char *secret;
};

int64_t host_time(void)
{
    uv_timeval64_t t;

    uv_gettimeofday(&t);
    return t.tv_sec * 1000 + t.tv_usec / 1000;
}

static void random_from_system(void *arg, void *p, size_t n)
{
    (void)arg;
    random_bytes(p, n);
}

static void on_refused(void *arg, const struct http_message *request, struct http_message *response)
{
    host_refused(&((struct host *)arg)->log, request, response);
}

/* One socket, which all workers listen on; and the admin listener. */
static int start_network(struct server *sv, struct error *e)
{
    struct host *s = &sv->host;
    struct http_server_config c = {.listen = config_str(s->cfg, "admin.listen"),
                                   .tls = certificates_of(s->certificates, LISTENER_ADMIN),
                                   .max_body = 1u << 20,
                                   .timeout_s = 30,
                                   .connections = 4096,
                                   .handler = admin_handle,
                                   .refusal = on_refused,
                                   .arg = s};
    int err;

    sv->listening = supervisor_take_socket(s->supervisor, listener_name(LISTENER_PUBLIC));
    c.fd = supervisor_take_socket(s->supervisor, listener_name(LISTENER_ADMIN));
    c.given = c.fd >= 0;
    if (sv->listening >= 0)
        err = listen_take(sv->listening, &sv->port, e);
    else
        err = listen_open(&sv->listening, config_str(s->cfg, "listen"), &sv->port, e);
    if (err)
        return error_prefix(e, err, "listen");
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

static void add_url(struct buf *b, struct server *sv, enum listener which)
{
    struct host *s = &sv->host;
    const char *listen = config_str(s->cfg, which == LISTENER_PUBLIC ? "listen" : "admin.listen");

    buf_fmt(b, "http%s://%.*s:%u", certificates_of(s->certificates, which) ? "s" : "",
            (int)(strrchr(listen, ':') - listen), listen,
            which == LISTENER_PUBLIC ? sv->port : http_server_port(s->admin));
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
        add_url(&url, sv, LISTENER_PUBLIC);
    sv->public_url = buf_take(&url);
    return sv->public_url ? 0 : error_set(e, ERR_NOMEM, "no memory");
}

static int name_exchange(struct server *sv, unsigned port, struct error *e)
{
    sv->exchange_url = exchange_service_url(config_str(sv->host.cfg, "exchange.listen"), port);
    return sv->exchange_url ? 0 : error_set(e, ERR_NOMEM, "no memory");
}

/* Start the exchange, or know where it is. */
static int start_exchange(struct server *sv, struct error *e)
{
    const struct config *cfg = sv->host.cfg;
    struct buf webhook = {0};
    struct exchange_service_config c;
    int err;

    if (config_str(cfg, "graph.url"))
        return 0;
    if (config_bool(cfg, "exchange.apart"))
        return name_exchange(sv, 0, e);
    if (buf_fmt(&webhook, "%s/api/calls", sv->public_url))
        return error_set(e, ERR_NOMEM, "no memory");
    settings_exchange(cfg, &sv->host.log, sv->secret, &c);
    if (!c.webhook)
        c.webhook = webhook.p;
    err = exchange_service_start(&sv->exchange, &c, e);
    buf_fini(&webhook);
    return err ? error_prefix(e, err, "exchange.listen")
               : name_exchange(sv, exchange_service_port(sv->exchange), e);
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

/* With the exchange its address stands for everything of the service's. */
static int build_workers(struct server *sv, struct error *e)
{
    struct host *s = &sv->host;
    const struct config *cfg = s->cfg;
    const char *graph = config_str(cfg, "graph.url");
    const char *url = graph ? graph : sv->exchange_url;
    struct buf openid = {0};
    int err;
    struct engine_config c = {
        .route = graph ? NULL : route_by_name,
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
                 .unknown_key_ms = graph ? 0 : 1000, /* an exchange that starts anew has new ones */
                 .random = random_from_system}};

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
    err = workers_build(s, &c, sv->listening, e);
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
             workers_calls(s));
}

static int start_admission(struct host *s, struct error *e)
{
    const struct admission_config c = {.calls = config_int(s->cfg, "admission.calls"),
                                       .per_second =
                                           config_int(s->cfg, "admission.calls_per_second"),
                                       .per_tenant = config_int(s->cfg, "admission.per_tenant")};

    if (owners_new(&s->owners))
        return error_set(e, ERR_NOMEM, "no memory");
    return admission_new(&s->admission, &c, e);
}

/* Cells come and go, each many megabytes in small pieces; of those that have gone the allocator
 * keeps whole pages between what is still in use, until it is asked. */
static void on_trim(uv_timer_t *timer)
{
    (void)timer;
    malloc_trim(0);
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
        err = start_admission(s, e);
    if (!err)
        err = workers_open(s, (unsigned)config_int(s->cfg, "workers"), e);
    if (!err)
        err = host_journal_open(s, e);
    if (!err)
        err = build_workers(sv, e);
    if (!err)
        err = bundles_new(&s->bundles, s, e);
    if (!err)
        err = workers_start(s, e);
    return err;
}

static void stop(struct server *sv)
{
    struct host *s = &sv->host;

    workers_stop(s);
    if (sv->listening >= 0)
        close(sv->listening);
    http_server_free(s->admin);
    errands_close(&s->errands);
    exchange_service_stop(sv->exchange);
    bundles_free(s->bundles);
    workers_unbuild(s);
    host_journal_close(s);
    workers_close(s);
    owners_free(s->owners);
    admission_free(s->admission);
    prompt_store_free(s->store);
    certificates_free(s->certificates);
    uv_close((uv_handle_t *)&sv->trim, NULL);
    leave_free(s->leave);
    supervisor_free(s->supervisor);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&s->loop) == 0);
    if (sv->lock >= 0)
        close(sv->lock);
    free(sv->public_url);
    free(sv->exchange_url);
    free(s->admin_token);
    free(sv->secret);
}

static void say_where(struct server *sv)
{
    struct host *s = &sv->host;
    const char *graph = config_str(s->cfg, "graph.url");
    struct buf admin = {0};

    add_url(&admin, sv, LISTENER_ADMIN);
    log_write(&s->log, LOG_INFO, NULL, "webhooks at %s/api/calls, admin at %s", sv->public_url,
              admin.p ? admin.p : "?");
    buf_fini(&admin);
    if (graph)
        log_write(&s->log, LOG_INFO, NULL, "call service: %s (%s)", graph,
                  config_str(s->cfg, "graph.version"));
    else
        log_write(&s->log, LOG_INFO, NULL,
                  "call service: the exchange at %s; to call, in another terminal: %s phone",
                  sv->exchange_url, program_invocation_name);
}

int serve(const struct config *cfg, const struct bundle_source *stdlib, struct error *e)
{
    struct server sv = {.host = {.cfg = cfg, .stdlib = stdlib}, .listening = -1, .lock = -1};
    struct host *s = &sv.host;
    int err;

    settings_log(cfg, &s->log);
    s->log.counts = s->logged;
    if (uv_loop_init(&s->loop) || uv_timer_init(&s->loop, &sv.trim) ||
        errands_init(&s->errands, &s->loop, s))
        return error_set(e, ERR_IO, "the event loop cannot be made");
    err = log_writer_new(&s->log.writer, STDERR_FILENO, e);
    if (!err)
        err = start(&sv, e);
    if (!err) {
        say_where(&sv);
        supervisor_say(s->supervisor, SUPERVISOR_READY);
        uv_timer_start(&sv.trim, on_trim, TRIM_MS, TRIM_MS);
        uv_run(&s->loop, UV_RUN_DEFAULT);
        err = leave_was_asked(s->leave) ? SERVE_DRAINED : 0;
    }
    stop(&sv);
    log_writer_free(s->log.writer);
    return err;
}
