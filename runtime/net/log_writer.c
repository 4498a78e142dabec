#include "net/log_writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 64 << 10 };

struct log_writer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more, empty;
    int fd;
    bool terminal, ending;
    size_t from, n; /* what is kept, in the ring */
    unsigned long lost;
    char ring[LOG_WRITER_BYTES];
};

/* So many of these bytes are done with: written, or not to be written. */
static size_t carry(int fd, const char *p, size_t n)
{
    ssize_t done = write(fd, p, n);

    if (done >= 0)
        return (size_t)done;
    if (errno == EAGAIN)
        poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
    return errno == EAGAIN || errno == EINTR ? 0 : n;
}

static void *run(void *arg)
{
    struct log_writer *w = arg;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        size_t from = w->from, n = w->n;

        if (n == 0) {
            pthread_cond_signal(&w->empty);
            if (w->ending)
                break;
            pthread_cond_wait(&w->more, &w->lock);
            continue;
        }
        if (n > sizeof w->ring - from)
            n = sizeof w->ring - from;
        pthread_mutex_unlock(&w->lock);
        n = carry(w->fd, w->ring + from, n < AT_ONCE ? n : AT_ONCE);
        pthread_mutex_lock(&w->lock);
        w->from = (from + n) % sizeof w->ring;
        w->n -= n;
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int log_writer_new(struct log_writer **out, int fd, struct error *e)
{
    struct log_writer *w = malloc(sizeof *w); /* the ring is touched when it is used */
    sigset_t all, old;
    int err;

    if (!w)
        return error_set(e, ERR_NOMEM, "no memory");
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    pthread_cond_init(&w->empty, NULL);
    w->fd = fd;
    w->terminal = isatty(fd);
    w->ending = false;
    w->from = w->n = 0;
    w->lost = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err) {
        free(w);
        return error_set(e, ERR_IO, "the thread of the log cannot start: %s", strerror(err));
    }
    *out = w;
    return 0;
}

static void keep(struct log_writer *w, const char *p, size_t n)
{
    size_t at = (w->from + w->n) % sizeof w->ring, first = sizeof w->ring - at;

    if (first > n)
        first = n;
    memcpy(w->ring + at, p, first);
    memcpy(w->ring, p + first, n - first);
    w->n += n;
}

/* What is written at once, because nothing waits and the stream takes it without waiting: most
 * lines, so that they are there whatever happens next. Of a terminal nobody knows how much it
 * takes.
 */
static size_t write_now(struct log_writer *w, const char *line, size_t n)
{
    ssize_t done;

    if (w->n || n > PIPE_BUF || w->terminal ||
        poll(&(struct pollfd){.fd = w->fd, .events = POLLOUT}, 1, 0) <= 0)
        return 0;
    done = write(w->fd, line, n);
    return done > 0 ? (size_t)done : 0;
}

unsigned long log_writer_add(struct log_writer *w, const char *line, size_t n, bool minor)
{
    unsigned long lost = 0;
    size_t done;

    pthread_mutex_lock(&w->lock);
    done = write_now(w, line, n);
    line += done;
    n -= done;
    if (w->n + n > sizeof w->ring / (minor ? 2 : 1)) {
        w->lost++;
    } else {
        keep(w, line, n);
        if (n)
            pthread_cond_signal(&w->more);
        if (w->n < sizeof w->ring / 2) {
            lost = w->lost;
            w->lost = 0;
        }
    }
    pthread_mutex_unlock(&w->lock);
    return lost;
}

void log_writer_free(struct log_writer *w)
{
    struct timespec until;
    bool stuck;

    if (!w)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOG_WRITER_END_MS / 1000;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_signal(&w->more);
    while (w->n && pthread_cond_timedwait(&w->empty, &w->lock, &until) == 0)
        ;
    stuck = w->n != 0;
    pthread_mutex_unlock(&w->lock);
    if (stuck) { /* its write may never return: it goes with the process */
        pthread_detach(w->thread);
        return;
    }
    pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->more);
    pthread_cond_destroy(&w->empty);
    free(w);
}
