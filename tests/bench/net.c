#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 16 * 1024, EVENTS = 256 };

struct conn {
    struct net *net;
    int fd;
    bool ours, busy;
    void *what;        /* of ours: what its answer is handed over with */
    struct conn *next; /* free one of ours                             */
    size_t n, unsent;  /* bytes in `in` and `out`                      */
    char in[ROOM + 1], out[ROOM];
};

struct net {
    int epoll, listener;
    unsigned port, most, open;
    net_request *request;
    net_answer *answer;
    void *arg;
    struct conn *free;
    bool spins;
    uint64_t busy_ns;
};

void fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void watch(struct net *n, int op, int fd, unsigned events, void *what)
{
    struct epoll_event e = {.events = events, .data.ptr = what};

    if (epoll_ctl(n->epoll, op, fd, &e))
        fail("epoll_ctl: %s", strerror(errno));
}

static struct conn *conn_new(struct net *n, int fd, bool ours)
{
    struct conn *c = malloc(sizeof *c);
    int one = 1;

    if (!c)
        fail("out of memory");
    *c = (struct conn){.net = n, .fd = fd, .ours = ours};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(n, EPOLL_CTL_ADD, fd, EPOLLIN, c);
    return c;
}

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

struct net *net_new(unsigned listen_port, unsigned port, unsigned most, net_request *request,
                    net_answer *answer, void *arg)
{
    struct net *n = calloc(1, sizeof *n);
    struct sockaddr_in a = loopback(listen_port);
    int one = 1;

    if (!n)
        fail("out of memory");
    *n = (struct net){.epoll = epoll_create1(EPOLL_CLOEXEC),
                      .listener = -1,
                      .port = port,
                      .most = most,
                      .request = request,
                      .answer = answer,
                      .arg = arg};
    signal(SIGPIPE, SIG_IGN);
    if (!listen_port)
        return n;
    n->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(n->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(n->listener, (struct sockaddr *)&a, sizeof a) || listen(n->listener, 4096))
        fail("port %u: %s", listen_port, strerror(errno));
    watch(n, EPOLL_CTL_ADD, n->listener, EPOLLIN, NULL);
    return n;
}

static void write_out(struct conn *c, const char *p, size_t n)
{
    ssize_t sent = write(c->fd, p, n);

    if (sent < 0 && errno != EAGAIN && errno != EPIPE && errno != ECONNRESET)
        fail("write: %s", strerror(errno));
    if (sent < 0)
        sent = 0;
    c->unsent = n - (size_t)sent;
    if (!c->unsent)
        return;
    memmove(c->out, p + sent, c->unsent);
    watch(c->net, EPOLL_CTL_MOD, c->fd, EPOLLIN | EPOLLOUT, c);
}

void conn_send(struct conn *c, const char *p, size_t n)
{
    if (n > ROOM || c->unsent)
        fail("more to send on a connection than is ever sent");
    write_out(c, p, n);
}

bool net_send(struct net *n, void *what, const char *p, size_t length)
{
    struct sockaddr_in a = loopback(n->port);
    struct conn *c = n->free;

    if (c) {
        n->free = c->next;
    } else if (n->open == n->most) {
        return false;
    } else {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        /* On loopback this does not block unless the backlog is full. */
        if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a))
            fail("connecting to port %u: %s", n->port, strerror(errno));
        c = conn_new(n, fd, true);
        n->open++;
    }
    c->what = what;
    c->busy = true;
    conn_send(c, p, length);
    return true;
}

static void close_conn(struct conn *c)
{
    if (c->ours) {
        struct conn **at = &c->net->free;

        if (c->busy)
            fail("the other side closed a connection without an answer");
        while (*at != c)
            at = &(*at)->next;
        *at = c->next;
        c->net->open--;
    }
    close(c->fd);
    free(c);
}

/* The length of the body, or -1. Headers' names in any case. */
static long body_length(const char *head)
{
    for (const char *at = strchr(head, '\n'); at; at = strchr(at + 1, '\n')) {
        if ((at[1] | 32) == 'c' && strncasecmp(at + 1, "Content-Length:", 15) == 0)
            return strtol(at + 16, NULL, 10);
    }
    return -1;
}

/* Bytes of the message that begins at `p`, after it was handled; 0: it is not whole. */
static size_t take(struct conn *c, char *p, size_t n)
{
    struct message m = {.head = p};
    char *end, kept;
    long length;
    size_t whole;

    p[n] = '\0';
    end = strstr(p, "\r\n\r\n");
    if (!end)
        return 0;
    end[2] = '\0';
    length = body_length(p);
    end[2] = '\r';
    m.n = length < 0 ? 0 : (size_t)length;
    whole = (size_t)(end - p) + 4 + m.n;
    if (whole > ROOM)
        fail("a message of %zu bytes", whole);
    if (n < whole)
        return 0;
    m.body = end + 4;
    end[2] = '\0';
    kept = p[whole];
    p[whole] = '\0';
    if (c->ours) {
        void *what = c->what;

        m.status = atoi(p + 9);
        c->busy = false;
        c->next = c->net->free; /* before the call, which may want to send */
        c->net->free = c;
        c->net->answer(c->net->arg, what, &m);
    } else {
        c->net->request(c->net->arg, c, &m);
    }
    p[whole] = kept;
    return whole;
}

/* One of ours may be used again by what its answer leads to, so it is looked at no more then. */
static void read_in(struct conn *c)
{
    ssize_t got = recv(c->fd, c->in + c->n, ROOM - c->n, MSG_DONTWAIT);
    size_t at = 0, one;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_conn(c);
        return;
    }
    c->n += (size_t)got;
    if (c->ours) {
        size_t n = c->n;

        if (!c->busy)
            fail("an answer to nothing: %.80s", c->in);
        c->n = 0;
        if (!take(c, c->in, n))
            c->n = n;
        return;
    }
    while (at < c->n && (one = take(c, c->in + at, c->n - at)))
        at += one;
    c->n -= at;
    if (c->n && at)
        memmove(c->in, c->in + at, c->n);
}

static void accept_all(struct net *n)
{
    int fd;

    while ((fd = accept4(n->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        conn_new(n, fd, false);
}

static void handle(struct net *n, struct epoll_event *e)
{
    struct conn *c = e->data.ptr;

    if (!c) {
        accept_all(n);
        return;
    }
    if (e->events & EPOLLOUT && c->unsent) {
        char rest[ROOM];
        size_t length = c->unsent;

        memcpy(rest, c->out, length);
        write_out(c, rest, length);
        if (!c->unsent)
            watch(n, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
    }
    if (e->events & ~(unsigned)EPOLLOUT)
        read_in(c);
}

static int wait_for(struct net *n, struct epoll_event *events, int64_t wait_ns)
{
    struct timespec t = {wait_ns / 1000000000, wait_ns % 1000000000};
    uint64_t until = now_ns() + (uint64_t)wait_ns;
    int got;

    if (!n->spins)
        return epoll_pwait2(n->epoll, events, EVENTS, wait_ns < 0 ? NULL : &t, NULL);
    do
        got = epoll_wait(n->epoll, events, EVENTS, 0);
    while (got == 0 && (wait_ns < 0 || now_ns() < until));
    return got;
}

void net_run(struct net *n, int64_t wait_ns)
{
    struct epoll_event events[EVENTS];
    int got = wait_for(n, events, wait_ns);
    uint64_t begin = now_ns();

    for (int i = 0; i < got; i++)
        handle(n, &events[i]);
    if (got > 0)
        n->busy_ns += now_ns() - begin;
}

void net_spin(struct net *n)
{
    n->spins = true;
}

uint64_t net_busy_ns(const struct net *n)
{
    return n->busy_ns;
}
