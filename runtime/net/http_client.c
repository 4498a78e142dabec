#include "net/http_client.h"

#include "net/http_transfer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_IDLE 256 /* handles kept for later */

struct http_client {
    struct http_client_config cfg;
    char *ca_file;
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    struct list busy, idle; /* transfers */
    size_t nidle;
    struct socket **sockets; /* by descriptor, NULL where there is none */
    size_t nsockets;
    size_t handles; /* of libuv, not yet closed */
    bool closing;
};

/* A descriptor that curl wants watched. Those that we opened for it keep their uv_poll while they
 * are open, watched or not, since curl says "stop watching" for every pause. Their close ends it,
 * which curl leaves to us, but not always: a connection that does not come about it closes behind
 * our back. So each "stop" looks whether the descriptor is still what we opened, and a new one with
 * the number of an old one takes its place. Others (of the name lookup) are never ours to keep. */
struct socket {
    struct http_client *client;
    uv_poll_t poll;
    curl_socket_t fd;
    ino_t inode;
    int events; /* what is watched for */
    bool ours;
};

static void on_closed(uv_handle_t *h)
{
    struct http_client *c = h->data;

    if (--c->handles)
        return;
    free(c->sockets);
    free(c->ca_file);
    free(c);
    curl_global_cleanup();
}

/* --- results --------------------------------------------------------------------------------- */

static void put_back(struct http_client *c, struct transfer *t)
{
    list_remove(&t->link);
    if (c->nidle >= MAX_IDLE) {
        transfer_free(t);
        return;
    }
    transfer_reset(t);
    list_append(&c->idle, &t->link);
    c->nidle++;
}

/* Hand out what has ended. `done` may do anything, also free the client; its memory stays until the
 * loop runs again. */
static void drain(struct http_client *c)
{
    CURLMsg *m;
    int left;

    while (!c->closing && (m = curl_multi_info_read(c->multi, &left))) {
        CURLcode result = m->data.result;
        struct transfer *t = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        curl_multi_remove_handle(c->multi, t->easy);
        list_remove(&t->link); /* not to be found by cancel any more */
        if (!t->forgotten)
            c->cfg.done(c->cfg.arg, t->id, transfer_answer(t, result));
        if (c->closing)
            transfer_free(t);
        else
            put_back(c, t);
    }
}

/* --- sockets and time ------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    struct http_client *c = timer->data;
    int running;

    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    drain(c);
}

/* Curl forbids to act from within its callbacks: 0 ms becomes a timer of 0 ms. */
static int on_timeout(CURLM *multi, long ms, void *arg)
{
    struct http_client *c = arg;

    (void)multi;
    if (ms < 0)
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

static void on_poll(uv_poll_t *p, int status, int events)
{
    struct socket *s = p->data;
    struct http_client *c = s->client;
    int flags = 0, running;

    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(c->multi, s->fd, flags, &running);
    drain(c);
}

static struct socket *socket_of(const struct http_client *c, curl_socket_t fd)
{
    return (size_t)fd < c->nsockets ? c->sockets[fd] : NULL;
}

static int make_room(struct http_client *c, curl_socket_t fd)
{
    size_t n = c->nsockets ? c->nsockets : 64;
    struct socket **all;

    if ((size_t)fd < c->nsockets)
        return 0;
    while (n <= (size_t)fd)
        n *= 2;
    all = realloc(c->sockets, n * sizeof(struct socket *));
    if (!all)
        return ERR_NOMEM;
    memset(all + c->nsockets, 0, (n - c->nsockets) * sizeof(struct socket *));
    c->sockets = all;
    c->nsockets = n;
    return 0;
}

static ino_t inode_of(curl_socket_t fd)
{
    struct stat st;

    return fstat(fd, &st) ? 0 : st.st_ino;
}

static struct socket *watch(struct http_client *c, curl_socket_t fd, bool ours)
{
    struct socket *s = calloc(1, sizeof *s);

    if (!s || make_room(c, fd) || uv_poll_init(c->loop, &s->poll, fd)) {
        free(s);
        return NULL;
    }
    s->poll.data = s;
    s->client = c;
    s->fd = fd;
    s->inode = inode_of(fd);
    s->ours = ours;
    c->handles++;
    c->sockets[fd] = s;
    return s;
}

static void on_socket_closed(uv_handle_t *h)
{
    struct socket *s = h->data;

    h->data = s->client;
    on_closed(h);
    free(s);
}

static void unwatch(struct socket *s)
{
    s->client->sockets[s->fd] = NULL;
    uv_close((uv_handle_t *)&s->poll, on_socket_closed);
}

static int start(struct socket *s, int events)
{
    s->events = events;
    return uv_poll_start(&s->poll, events, on_poll) ? -1 : 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct http_client *c = arg;
    struct socket *s = socket_of(c, fd);
    int events = 0;

    (void)easy;
    (void)known; /* what curl would remember for a number may belong to its last owner */
    if (what == CURL_POLL_REMOVE) {
        if (s && s->ours && s->inode && inode_of(fd) == s->inode) {
            s->events = 0;
            uv_poll_stop(&s->poll);
        } else if (s) {
            unwatch(s);
        }
        return 0;
    }
    if (!s)
        s = watch(c, fd, false);
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return s ? start(s, events) : -1; /* -1 fails the transfer */
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    int fd = socket(a->family, a->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->protocol);
    struct http_client *c = arg;
    struct socket *old = fd < 0 ? NULL : socket_of(c, fd), *s;
    int events = old ? old->events : 0;

    (void)purpose;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (old)
        unwatch(old);
    s = watch(c, fd, true);
    /* Curl, too, takes the new one for the old one, and may not ask again. */
    if (!s || (events && start(s, events))) {
        if (s)
            unwatch(s);
        close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct socket *s = socket_of(arg, fd);

    if (s)
        unwatch(s); /* before the close: libuv aborts on a watched descriptor that is gone */
    return close(fd);
}

/* --- requests -------------------------------------------------------------------------------- */

static struct transfer *take(struct http_client *c)
{
    struct transfer *t;

    if (!list_empty(&c->idle)) {
        t = list_entry(c->idle.prev, struct transfer, link); /* the warmest */
        list_remove(&t->link);
        c->nidle--;
        return t;
    }
    t = transfer_new(c->cfg.max_body, c->cfg.http2, c->ca_file);
    if (!t)
        return NULL;
    if (c->cfg.pin) {
        if (curl_easy_setopt(t->easy, CURLOPT_PINNEDPUBLICKEY, c->cfg.pin)) {
            transfer_free(t);
            return NULL;
        }
        curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETDATA, c);
    return t;
}

int http_client_send(struct http_client *c, uint64_t id, const struct http_message *request,
                     int64_t timeout_ms)
{
    struct transfer *t = take(c);
    int err;

    if (!t)
        return ERR_NOMEM;
    err = transfer_prepare(t, id, request, timeout_ms);
    if (!err && curl_multi_add_handle(c->multi, t->easy))
        err = ERR_NOMEM;
    if (err)
        put_back(c, t);
    else
        list_append(&c->busy, &t->link);
    return err;
}

void http_client_cancel(struct http_client *c, uint64_t id)
{
    struct list *it, *tmp;

    list_each (it, tmp, &c->busy) {
        struct transfer *t = list_entry(it, struct transfer, link);
        curl_off_t begun = 0;

        if (t->id != id || t->forgotten)
            continue;
        curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &begun);
        if (begun) {
            t->forgotten = true;
        } else {
            curl_multi_remove_handle(c->multi, t->easy);
            put_back(c, t);
        }
        return;
    }
}

/* --- life ------------------------------------------------------------------------------------ */

static void block_sigpipe(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int http_client_new(struct http_client **out, uv_loop_t *loop, const struct http_client_config *cfg,
                    struct error *e)
{
    struct http_client *c = calloc(1, sizeof *c);
    int err;

    if (!c || curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(c);
        return error_set(e, ERR_NOMEM, "no memory for the HTTP client");
    }
    c->cfg = *cfg;
    c->loop = loop;
    if (!c->cfg.max_body)
        c->cfg.max_body = 16 << 20;
    list_init(&c->busy);
    list_init(&c->idle);
    block_sigpipe();
    err = cfg->ca_file && access(cfg->ca_file, R_OK)
              ? error_set(e, ERR_IO, "cannot read %s: %s", cfg->ca_file, strerror(errno))
              : 0;
    if (!err &&
        ((cfg->ca_file && !(c->ca_file = strdup(cfg->ca_file))) || !(c->multi = curl_multi_init())))
        err = error_set(e, ERR_NOMEM, "no memory for the HTTP client");
    if (err) {
        free(c->ca_file);
        free(c);
        curl_global_cleanup();
        return err;
    }
    uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    c->handles = 1;
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, 256L);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 256L);
    *out = c;
    return 0;
}

void http_client_free(struct http_client *c)
{
    struct list *it, *tmp;

    if (!c || c->closing)
        return;
    c->closing = true;
    list_each (it, tmp, &c->busy) {
        struct transfer *t = list_entry(it, struct transfer, link);
        curl_multi_remove_handle(c->multi, t->easy);
        list_remove(it);
        transfer_free(t);
    }
    list_each (it, tmp, &c->idle) {
        list_remove(it);
        transfer_free(list_entry(it, struct transfer, link));
    }
    curl_multi_cleanup(c->multi); /* closes the connections, each by on_close */
    for (size_t i = 0; i < c->nsockets; i++) {
        if (c->sockets[i])
            unwatch(c->sockets[i]);
    }
    uv_close((uv_handle_t *)&c->timer, on_closed);
}
