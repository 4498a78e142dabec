#include "net/http_sockets.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A descriptor that curl wants watched. Those that we opened for it keep their uv_poll while they
 * are open, watched or not, since curl says "stop watching" for every pause. Their close ends it,
 * which curl leaves to us, but not always: a connection that does not come about it closes behind
 * our back. So each "stop" looks whether the descriptor is still what we opened, and a new one with
 * the number of an old one takes its place. Others (of the name lookup) are never ours to keep. */
struct socket {
    struct sockets *sockets;
    uv_poll_t poll;
    curl_socket_t fd;
    ino_t inode;
    int events; /* what is watched for */
    bool ours;
    socket_ready *ready; /* NULL: curl is told */
    void *arg;
};

static void on_timer(uv_timer_t *timer)
{
    struct sockets *all = timer->data;
    int running;

    curl_multi_socket_action(all->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    all->acted(all->arg);
}

/* Curl forbids to act from within its callbacks: 0 ms becomes a timer of 0 ms. */
static int on_timeout(CURLM *multi, long ms, void *arg)
{
    struct sockets *all = arg;

    (void)multi;
    if (ms < 0)
        uv_timer_stop(&all->timer);
    else
        uv_timer_start(&all->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

static void on_poll(uv_poll_t *p, int status, int events)
{
    struct socket *s = p->data;
    struct sockets *all = s->sockets;
    int flags = 0, running;

    if (s->ready) {
        s->ready(s->arg, status, events);
        return;
    }
    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(all->multi, s->fd, flags, &running);
    all->acted(all->arg);
}

static struct socket *socket_of(const struct sockets *all, curl_socket_t fd)
{
    return (size_t)fd < all->n ? all->all[fd] : NULL;
}

static int make_room(struct sockets *s, curl_socket_t fd)
{
    size_t n = s->n ? s->n : 64;
    struct socket **all;

    if ((size_t)fd < s->n)
        return 0;
    while (n <= (size_t)fd)
        n *= 2;
    all = realloc(s->all, n * sizeof(struct socket *));
    if (!all)
        return ERR_NOMEM;
    memset(all + s->n, 0, (n - s->n) * sizeof(struct socket *));
    s->all = all;
    s->n = n;
    return 0;
}

static ino_t inode_of(curl_socket_t fd)
{
    struct stat st;

    return fstat(fd, &st) ? 0 : st.st_ino;
}

static struct socket *watch(struct sockets *all, curl_socket_t fd, bool ours)
{
    struct socket *s = calloc(1, sizeof *s);

    if (!s || make_room(all, fd) || uv_poll_init(all->loop, &s->poll, fd)) {
        free(s);
        return NULL;
    }
    s->poll.data = s;
    s->sockets = all;
    s->fd = fd;
    s->inode = inode_of(fd);
    s->ours = ours;
    sockets_hold(all);
    all->all[fd] = s;
    return s;
}

void sockets_hold(struct sockets *all)
{
    all->handles++;
}

void sockets_let_go(struct sockets *all)
{
    if (--all->handles)
        return;
    free(all->all);
    all->closed(all->arg);
}

static void on_socket_closed(uv_handle_t *h)
{
    struct socket *s = h->data;
    struct sockets *all = s->sockets;

    free(s);
    sockets_let_go(all);
}

static void unwatch(struct socket *s)
{
    s->sockets->all[s->fd] = NULL;
    uv_close((uv_handle_t *)&s->poll, on_socket_closed);
}

static int start(struct socket *s, int events)
{
    s->events = events;
    return uv_poll_start(&s->poll, events, on_poll) ? -1 : 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct sockets *all = arg;
    struct socket *s = socket_of(all, fd);
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
        s = watch(all, fd, false);
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return s ? start(s, events) : -1; /* -1 fails the transfer */
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    int fd = socket(a->family, a->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->protocol);
    struct sockets *all = arg;
    struct socket *old = fd < 0 ? NULL : socket_of(all, fd), *s;
    int events = old ? old->events : 0;

    (void)purpose;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (old)
        unwatch(old);
    s = watch(all, fd, true);
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

/* --- life ------------------------------------------------------------------------------------ */

CURLcode sockets_own(struct sockets *all, CURL *easy)
{
    CURLcode err = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);

    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, all);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, all);
    return err;
}

int sockets_watch(struct sockets *all, curl_socket_t fd, int events, socket_ready *ready, void *arg)
{
    struct socket *s = socket_of(all, fd);

    if (!s)
        return ERR_NOTFOUND;
    s->ready = ready;
    s->arg = arg;
    return s->events == events ? 0 : start(s, events) ? ERR_IO : 0;
}

int sockets_init(struct sockets *all, uv_loop_t *loop)
{
    all->multi = curl_multi_init();
    if (!all->multi)
        return ERR_NOMEM;
    all->loop = loop;
    uv_timer_init(loop, &all->timer);
    all->timer.data = all;
    all->handles = 1;
    curl_multi_setopt(all->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(all->multi, CURLMOPT_SOCKETDATA, all);
    curl_multi_setopt(all->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(all->multi, CURLMOPT_TIMERDATA, all);
    return 0;
}

static void on_timer_closed(uv_handle_t *h)
{
    sockets_let_go(h->data);
}

void sockets_close(struct sockets *all)
{
    curl_multi_cleanup(all->multi); /* closes the connections, each by on_close */
    for (size_t i = 0; i < all->n; i++) {
        if (all->all[i])
            unwatch(all->all[i]);
    }
    uv_close((uv_handle_t *)&all->timer, on_timer_closed);
}
