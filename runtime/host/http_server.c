#include "host/http_server.h"

#include "base/buf.h"
#include "base/list.h"
#include "host/http_listen.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct http_server {
    struct http_server_config cfg;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;   /* the daemon's own epoll descriptor                      */
    uv_timer_t timer; /* when the daemon wants to run though nothing came        */
    uv_timer_t sweep; /* looks for clients that trickle                          */
    unsigned open;    /* handles of the three not yet closed                     */
    unsigned port;
    bool running; /* inside MHD_run                          */
    bool again;   /* resumed a connection while inside      */
    bool closing;
    struct list peers;
    struct list waiting; /* calls that the handler has and has not answered */
};

/* One connection; what its client may take time for. */
struct peer {
    struct list link;
    int fd;
    uint64_t deadline; /* in the loop's ms; 0 = it is our turn */
};

struct http_call {
    struct list link;
    struct http_server *server;
    struct MHD_Connection *connection;
    struct http_message request;
    struct buf body;
    size_t dropped;  /* bytes of a body over the limit that were read and thrown away */
    unsigned refuse; /* status with which the server itself will answer */
    bool begun;
    bool handled;   /* the handler has been called                                      */
    bool answered;  /* a response is queued, or could not be made: then `dead`          */
    bool suspended; /* the daemon does not look at the connection until it is resumed   */
    bool dead;
};

/* --- time a client may take ------------------------------------------------------------------ */

static void give_time(struct http_server *s, struct MHD_Connection *c, unsigned times)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct peer *p = info ? info->socket_context : NULL;

    if (p)
        p->deadline = times ? uv_now(s->poll.loop) + times * s->cfg.timeout_s * 1000ull : 0;
}

static void on_connection(void *arg, struct MHD_Connection *c, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = arg;
    struct peer *p = *context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (p)
            list_remove(&p->link);
        free(p);
        *context = NULL;
        return;
    }
    p = calloc(1, sizeof *p);
    if (!p)
        return; /* such a connection has the idle timeout only */
    p->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    p->deadline = uv_now(s->poll.loop) + 2000ull * s->cfg.timeout_s;
    list_append(&s->peers, &p->link);
    *context = p;
}

static void on_sweep(uv_timer_t *t)
{
    struct http_server *s = t->data;
    struct list *it, *tmp;

    list_each (it, tmp, &s->peers) {
        struct peer *p = list_entry(it, struct peer, link);
        if (p->deadline && p->deadline < uv_now(t->loop)) {
            /* The daemon has no call to end a connection, but it sees this as the peer's end. */
            shutdown(p->fd, SHUT_RDWR);
            p->deadline = 0;
        }
    }
}

static void run(struct http_server *s);

static void on_timer(uv_timer_t *t)
{
    run(t->data);
}

/* A resumed connection wakes nobody: in external mode the daemon's descriptor stays silent. One run
 * serves all that were resumed until then. */
static void run_soon(struct http_server *s)
{
    if (s->running)
        s->again = true;
    else if (!s->closing)
        uv_timer_start(&s->timer, on_timer, 0, 0);
}

/* --- answers --------------------------------------------------------------------------------- */

static bool made_by_daemon(const char *name)
{
    return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0;
}

/* Queue `r` (taken over, may be NULL: no memory) and let the daemon go on with the connection. */
static void queue(struct http_call *c, unsigned status, struct MHD_Response *r)
{
    CHECK(!c->answered);
    c->answered = true;
    list_remove(&c->link);
    give_time(c->server, c->connection, 10);
    c->dead = !r || MHD_queue_response(c->connection, status, r) != MHD_YES;
    if (r)
        MHD_destroy_response(r);
    if (c->suspended) {
        c->suspended = false;
        MHD_resume_connection(c->connection);
        run_soon(c->server);
    }
}

void http_call_answer(struct http_call *c, const struct http_message *m)
{
    unsigned status = m->status >= 200 && m->status <= 599 ? (unsigned)m->status : 500;
    bool bare = status == 204 || status == 304;
    struct MHD_Response *r = MHD_create_response_from_buffer(
        bare ? 0 : m->n, bare || !m->n ? (void *)"" : m->body, MHD_RESPMEM_MUST_COPY);

    for (size_t i = 0; r && i < m->nheaders; i++) {
        if (!made_by_daemon(m->headers[i].name))
            MHD_add_response_header(r, m->headers[i].name, m->headers[i].value);
    }
    queue(c, status, r);
}

static void refuse(struct http_call *c, int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {{400, "The request is malformed.\n"},
                 {404, "There is no such thing.\n"},
                 {411, "The length of the body is missing.\n"},
                 {413, "The body is too large.\n"},
                 {503, "The service is going down.\n"}};
    struct http_message m = {.status = status};
    const char *text = "The server ran out of memory.\n";

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].status == status)
            text = texts[i].text;
    }
    /* Without memory for the text the status alone goes out. */
    (void)http_set_body(&m, "text/plain; charset=utf-8", text, strlen(text));
    if (c->server->cfg.refusal)
        c->server->cfg.refusal(c->server->cfg.arg, &c->request, &m);
    m.status = status;
    http_call_answer(c, &m);
    http_fini(&m);
}

void http_call_answer_file(struct http_call *c, const char *path, const char *type)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct MHD_Response *r = NULL;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        refuse(c, 404);
        return;
    }
    r = MHD_create_response_from_fd64((uint64_t)st.st_size, fd);
    if (r)
        MHD_add_response_header(r, "Content-Type", type);
    else
        close(fd);
    queue(c, 200, r);
}

/* --- requests -------------------------------------------------------------------------------- */

/* The daemon's earliest sight of a request; what we return is the request's context from then on.
 * It is here because only here is the address as it was sent, with its query. */
static void *on_address(void *arg, const char *uri, struct MHD_Connection *connection)
{
    struct http_call *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->server = arg;
    c->connection = connection;
    list_init(&c->link);
    if (strncasecmp(uri, "http://", 7) == 0) { /* absolute form, RFC 9112 §3.2.2 */
        uri += 7 + strcspn(uri + 7, "/?");
        if (*uri != '/')
            uri = "/";
    }
    c->request.url = strdup(uri);
    if (!c->request.url)
        c->refuse = 500;
    return c;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct http_call *c = *context;

    (void)code;
    if (!c)
        return;
    /* A connection whose call the handler holds is suspended, and the daemon leaves it alone. */
    CHECK(!c->handled || c->answered);
    give_time(arg, connection, 2);
    http_fini(&c->request);
    buf_fini(&c->body);
    free(c);
    *context = NULL;
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *key, size_t nkey,
                                 const char *value, size_t nvalue)
{
    struct http_call *c = arg;
    const char *old = http_header(&c->request, key);
    struct buf both = {0};
    int err;

    (void)kind;
    if (!value)
        value = "";
    if (strlen(key) != nkey || strlen(value) != nvalue) { /* a NUL inside */
        c->refuse = 400;
        return MHD_NO;
    }
    if (old) {
        buf_fmt(&both, "%s, %s", old, value);
        value = both.err ? NULL : both.p;
    }
    err = value ? http_set_header(&c->request, key, value) : ERR_NOMEM;
    buf_fini(&both);
    if (err)
        c->refuse = err == ERR_NOMEM ? 500 : 400;
    return err ? MHD_NO : MHD_YES;
}

/* What the headers alone tell: 0 or the status to refuse with. */
static unsigned check_headers(const struct http_call *c)
{
    const char *length = http_header(&c->request, "Content-Length");
    const char *coding = http_header(&c->request, "Transfer-Encoding");
    const char *verb = c->request.verb;

    if (coding && (length || strcasecmp(coding, "chunked") != 0))
        return 400; /* two lengths are how requests are smuggled past a proxy */
    if (length) {
        if (!*length || length[strspn(length, "0123456789")])
            return 400;
        if (strlen(length) > 15 || strtoull(length, NULL, 10) > c->server->cfg.max_body)
            return 413;
    } else if (!coding && (strcmp(verb, "POST") == 0 || strcmp(verb, "PUT") == 0 ||
                           strcmp(verb, "PATCH") == 0)) {
        return 411;
    }
    return 0;
}

static enum MHD_Result begin(struct http_call *c, const char *verb)
{
    c->begun = true;
    if (!c->refuse && !(c->request.verb = strdup(verb)))
        c->refuse = 500;
    if (!c->refuse)
        MHD_get_connection_values_n(c->connection, MHD_HEADER_KIND, on_header, c);
    if (!c->refuse)
        c->refuse = check_headers(c);
    if (c->refuse)
        refuse(c, (int)c->refuse); /* before the body: the daemon then closes the connection */
    return c->dead ? MHD_NO : MHD_YES;
}

/* A piece of the body. The daemon takes no answer in the middle, so a body over the limit is read
 * on and thrown away, but not without end. */
static enum MHD_Result take(struct http_call *c, const char *data, size_t *n)
{
    size_t max = c->server->cfg.max_body;

    if (!c->refuse && c->body.n + *n > max)
        c->refuse = 413;
    if (!c->refuse && buf_add(&c->body, data, *n))
        c->refuse = 500;
    if (c->refuse) {
        buf_fini(&c->body);
        c->dropped += *n;
        if (c->dropped > 4 * max)
            return MHD_NO;
    }
    *n = 0;
    return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *verb, const char *version, const char *data,
                                  size_t *n, void **context)
{
    struct http_server *s = arg;
    struct http_call *c = *context;

    (void)connection;
    (void)url;
    (void)version;
    if (!c || c->dead)
        return MHD_NO;
    if (!c->begun)
        return begin(c, verb);
    if (*n)
        return take(c, data, n);
    if (c->answered)
        return MHD_YES;
    if (!c->refuse && s->closing)
        c->refuse = 503;
    if (c->refuse) {
        refuse(c, (int)c->refuse);
        return c->dead ? MHD_NO : MHD_YES;
    }
    c->request.n = c->body.n;
    c->request.body = c->body.n ? buf_take(&c->body) : NULL;
    give_time(s, connection, 0);
    c->handled = true;
    list_append(&s->waiting, &c->link);
    s->cfg.handler(s->cfg.arg, c, &c->request);
    if (!c->answered) {
        c->suspended = true;
        MHD_suspend_connection(connection);
    }
    return c->dead ? MHD_NO : MHD_YES;
}

/* --- the loop -------------------------------------------------------------------------------- */

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

    if (--s->open == 0)
        free(s);
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

static void fill_defaults(struct http_server_config *cfg)
{
    if (!cfg->max_body)
        cfg->max_body = 1 << 20;
    if (!cfg->max_headers)
        cfg->max_headers = 32 << 10;
    if (!cfg->timeout_s)
        cfg->timeout_s = 30;
    if (!cfg->connections)
        cfg->connections = 4096;
    cfg->listen = NULL; /* the caller's */
}

static struct MHD_Daemon *start(struct http_server *s, int fd)
{
    const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;

    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
                            MHD_OPTION_CONNECTION_LIMIT, s->cfg.connections,
                            MHD_OPTION_CONNECTION_TIMEOUT, s->cfg.timeout_s,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, s->cfg.max_headers,
                            MHD_OPTION_URI_LOG_CALLBACK, on_address, s, MHD_OPTION_NOTIFY_COMPLETED,
                            on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
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
    err = listen_open(&fd, cfg->listen, &s->port, e);
    if (err)
        goto out;
    s->daemon = start(s, fd);
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
    uv_timer_start(&s->sweep, on_sweep, 500ull * s->cfg.timeout_s, 500ull * s->cfg.timeout_s);
    *out = s;
    s = NULL;
out:
    free(s);
    return err;
}

unsigned http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_free(struct http_server *s)
{
    MHD_UNSIGNED_LONG_LONG ms;
    struct list *it, *tmp;
    int rounds = 0;

    if (!s)
        return;
    CHECK(!s->running);
    s->closing = true;
    list_each (it, tmp, &s->waiting)
        refuse(list_entry(it, struct http_call, link), 503);
    /* The daemon must not be stopped while connections are suspended, and the answers shall go out
     * as far as the sockets take them at once. */
    do
        MHD_run(s->daemon);
    while (MHD_get_timeout(s->daemon, &ms) == MHD_YES && ms == 0 && ++rounds < 16);
    close_handles(s);
    MHD_stop_daemon(s->daemon);
}
