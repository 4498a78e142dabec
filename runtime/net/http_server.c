#include "net/http_server.h"

#include "net/http_call.h"
#include "net/http_listen.h"
#include "net/tls_serve.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection's memory beyond the headers of a request: for those of the answer, so that a request
 * which just fits is not left without one. */
#define ROOM 4096

#define SWEEP_MS 1000

/* One connection; what its client may take time for. */
struct peer {
    struct list link;
    struct http_server *server;
    int fd;
    uint64_t deadline; /* in the loop's ms; 0 = it is our turn */
    bool asks;         /* we wait for (the rest of) a request  */
    bool known;        /* has had an answer that was no refusal */
    bool finished;     /* its last byte had come at the last sweep, and we waited still */
};

/* --- time a client may take ------------------------------------------------------------------ */

void http_server_give_time(struct http_server *s, struct MHD_Connection *c, unsigned times)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct peer *p = info ? info->socket_context : NULL;

    if (!p)
        return;
    p->deadline = times ? uv_now(s->poll.loop) + times * s->cfg.timeout_s * 1000ull : 0;
    p->asks = times == HTTP_TIMES_REQUEST;
    p->finished = false;
    list_remove(&p->link);
    list_append(&s->peers, &p->link);
}

void http_server_know(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct peer *p = info ? info->socket_context : NULL;

    if (p)
        p->known = true;
}

/* The daemon has no call to end a connection, but it sees this as the peer's end. */
static void end(struct peer *p)
{
    shutdown(p->fd, SHUT_RDWR);
    p->deadline = 0;
    p->asks = false;
}

/* Nearly as many connections as there may be: let one go of which we wait for a request, so that
 * who comes now is served. Rather one that never said anything of use, and the one that has been
 * silent for longest: the list is in the order of last turns. */
static void make_room(struct http_server *s)
{
    struct peer *victim = NULL;

    for (struct list *it = s->peers.next; it != &s->peers; it = it->next) {
        struct peer *p = list_entry(it, struct peer, link);

        if (p->asks && !p->known) {
            victim = p;
            break;
        }
        /* A request comes before an answer that is read slowly. */
        if (p->deadline && (!victim || (p->asks && !victim->asks)))
            victim = p;
    }
    if (victim)
        end(victim);
}

bool http_peer_has_left(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void on_connection(void *arg, struct MHD_Connection *c, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = arg;
    struct peer *p = *context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (p) {
            list_remove(&p->link);
            s->npeers--;
        }
        free(p);
        *context = NULL;
        return;
    }
    p = calloc(1, sizeof *p);
    if (!p)
        return; /* such a connection has the idle timeout only */
    p->server = s;
    p->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    p->deadline = uv_now(s->poll.loop) + HTTP_TIMES_REQUEST * 1000ull * s->cfg.timeout_s;
    p->asks = true;
    list_append(&s->peers, &p->link);
    *context = p;
    if (++s->npeers > s->cfg.connections - s->cfg.connections / 8)
        make_room(s);
}

static void on_sweep(uv_timer_t *t)
{
    struct http_server *s = t->data;
    struct list *it, *tmp;

    list_each (it, tmp, &s->peers) {
        struct peer *p = list_entry(it, struct peer, link);
        bool left = p->deadline && p->asks && http_peer_has_left(p->fd);

        if ((left && p->finished) || (p->deadline && p->deadline < uv_now(t->loop))) {
            end(p);
            continue;
        }
        /* The daemon overlooks an end that came together with the last bytes. Whether it did is
         * known at the next sweep: it may have those bytes still before it. */
        p->finished = left;
    }
}

/* --- the loop ------------------------------------------------------------------------------- */

static void run(struct http_server *s);

static void on_timer(uv_timer_t *t)
{
    run(t->data);
}

/* A resumed connection wakes nobody: in external mode the daemon's descriptor stays silent. One run
 * serves all that were resumed until then. */
void http_server_run_soon(struct http_server *s)
{
    if (s->running)
        s->again = true;
    else if (!s->closing)
        uv_timer_start(&s->timer, on_timer, 0, 0);
}

/* Let the daemon work. Its sockets are edge-triggered: it must be asked after every run whether
 * something is left, which no descriptor will tell. */
static void run(struct http_server *s)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    int rounds = 0;
    bool wants;

    CHECK(!s->running);
    s->running = true;
    do {
        s->again = false;
        MHD_run(s->daemon);
        wants = MHD_get_timeout(s->daemon, &ms) == MHD_YES;
        if (s->again) {
            wants = true;
            ms = 0;
        }
    } while (wants && ms == 0 && ++rounds < 4);
    s->running = false;
    if (wants)
        uv_timer_start(&s->timer, on_timer, ms, 0);
    else
        uv_timer_stop(&s->timer);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
    (void)status; /* an error of the descriptor shows in the run */
    (void)events;
    run(p->data);
}

static void on_closed(uv_handle_t *h)
{
    struct http_server *s = h->data;

    if (--s->open == 0) {
        MHD_destroy_response(s->empty);
        free(s);
    }
}

static void close_handles(struct http_server *s)
{
    uv_close((uv_handle_t *)&s->poll, on_closed);
    uv_close((uv_handle_t *)&s->timer, on_closed);
    uv_close((uv_handle_t *)&s->sweep, on_closed);
}

static void block_sigpipe(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Several listeners, the requests that we send, files and the journal share the descriptors of the
 * process. Who cannot open one more is worse off than who serves fewer connections. */
static unsigned within_descriptors(unsigned connections)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / 4 >= connections)
        return connections;
    return limit.rlim_cur > 4 ? (unsigned)limit.rlim_cur / 4 : 1;
}

static void fill_defaults(struct http_server_config *cfg)
{
    if (!cfg->max_body)
        cfg->max_body = 1 << 20;
    if (!cfg->max_headers)
        cfg->max_headers = 16 << 10;
    if (!cfg->timeout_s)
        cfg->timeout_s = 30;
    if (!cfg->connections)
        cfg->connections = 4096;
    cfg->connections = within_descriptors(cfg->connections);
    cfg->listen = NULL; /* the caller's */
}

/* A handshake wants our certificate. The daemon gives its sessions the connection as their pointer.
 */
static int present(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                   gnutls_pcert_st **certs, unsigned *n, gnutls_ocsp_data_st **ocsp,
                   unsigned *nocsp, gnutls_privkey_t *key, unsigned *flags)
{
    const union MHD_ConnectionInfo *about = MHD_get_connection_info(
        gnutls_session_get_ptr(session), MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct peer *p = about ? about->socket_context : NULL;

    (void)info;
    *ocsp = NULL;
    *nocsp = 0;
    return p ? tls_present(p->server->cfg.tls, certs, n, key, flags) : -1;
}

static struct MHD_Daemon *start(struct http_server *s, int fd)
{
    const unsigned flags =
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (s->cfg.tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)present},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL}};

    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_call_take, s, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, s->cfg.connections, MHD_OPTION_CONNECTION_TIMEOUT,
        s->cfg.timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, s->cfg.max_headers + ROOM,
        MHD_OPTION_URI_LOG_CALLBACK, http_call_begin, s, MHD_OPTION_NOTIFY_COMPLETED, http_call_end,
        s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, s->cfg.tls ? secure : &secure[2], MHD_OPTION_END);
}

int http_server_new(struct http_server **out, uv_loop_t *loop, const struct http_server_config *cfg,
                    struct error *e)
{
    struct http_server *s = calloc(1, sizeof *s);
    const union MHD_DaemonInfo *info;
    int fd = -1, err;

    if (!s)
        return error_set(e, ERR_NOMEM, "no memory for the HTTP server");
    s->cfg = *cfg;
    fill_defaults(&s->cfg);
    list_init(&s->peers);
    list_init(&s->waiting);
    block_sigpipe();
    if (cfg->given) {
        fd = cfg->fd;
        err = listen_take(fd, &s->port, e);
    } else {
        err = listen_open(&fd, cfg->listen, &s->port, e);
    }
    if (err)
        goto out;
    s->local = listen_is_local(fd);
    s->empty = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    s->daemon = s->empty ? start(s, fd) : NULL;
    if (!s->daemon) {
        close(fd);
        err = error_set(e, ERR_IO, "the HTTP server cannot start on %s", cfg->listen);
        goto out;
    }
    info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (uv_poll_init(loop, &s->poll, info->epoll_fd)) {
        MHD_stop_daemon(s->daemon);
        err = error_set(e, ERR_IO, "the loop cannot watch the HTTP server");
        goto out;
    }
    uv_timer_init(loop, &s->timer);
    uv_timer_init(loop, &s->sweep);
    s->poll.data = s->timer.data = s->sweep.data = s;
    s->open = 3;
    uv_poll_start(&s->poll, UV_READABLE, on_poll);
    uv_timer_start(&s->timer, on_timer, 0, 0);
    uv_timer_start(&s->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    *out = s;
    s = NULL;
out:
    if (s && s->empty)
        MHD_destroy_response(s->empty);
    free(s);
    return err;
}

unsigned http_server_port(const struct http_server *s)
{
    return s->port;
}

bool http_server_is_local(const struct http_server *s)
{
    return s->local;
}

void http_server_free(struct http_server *s)
{
    MHD_UNSIGNED_LONG_LONG ms;
    int rounds = 0, fd;

    if (!s)
        return;
    CHECK(!s->running);
    s->closing = true;
    /* Who connects from now on waits for the next process, when the socket was given to us. */
    fd = MHD_quiesce_daemon(s->daemon);
    if (fd >= 0)
        close(fd);
    http_call_refuse_all(s);
    /* The daemon must not be stopped while connections are suspended, and the answers shall go out
     * as far as the sockets take them at once. */
    do
        MHD_run(s->daemon);
    while (MHD_get_timeout(s->daemon, &ms) == MHD_YES && ms == 0 && ++rounds < 16);
    close_handles(s);
    MHD_stop_daemon(s->daemon);
}
