#include "host/supervisor.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FIRST_SOCKET 3 /* SD_LISTEN_FDS_START */
#define SOCKETS_MAX  16
#define LOOK_MS      1000
#define EXTEND_S     60

struct supervisor {
    uv_timer_t timer;
    int fd; /* -1: nobody listens */
    struct sockaddr_un to;
    socklen_t to_length;
    enum supervisor_state state;
    bool untold;          /* the state was not taken yet */
    uint64_t watchdog_ms; /* time between two signs of life; 0: none are wanted */
    uint64_t alive_at;
    supervisor_status *status;
    void *arg;
    char said[200]; /* the last status */
    struct list loops;
    struct {
        char name[64];
        int fd; /* -1: taken */
    } sockets[SOCKETS_MAX];
    int nsockets;
};

/* --- what the environment says ---------------------------------------------------------------- */

static bool is_for_us(const char *pid)
{
    return !pid || strtoll(pid, NULL, 10) == (long long)getpid();
}

/* A path, or '@' and a name that is in no folder. */
static int find_address(struct supervisor *s, const char *name, struct error *e)
{
    size_t n = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof s->to.sun_path)
        return error_set(e, ERR_INVALID, "NOTIFY_SOCKET: \"%.120s\" is no address of a socket",
                         name);
    s->to.sun_family = AF_UNIX;
    memcpy(s->to.sun_path, name, n + 1);
    s->to_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
    if (name[0] == '@')
        s->to.sun_path[0] = '\0';
    s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return s->fd < 0 ? error_set(e, ERR_IO, "NOTIFY_SOCKET: %s", strerror(errno)) : 0;
}

static int find_sockets(struct supervisor *s, const char *count, const char *names, struct error *e)
{
    char *rest;
    unsigned long n = strtoul(count, &rest, 10);

    if (*rest || n > SOCKETS_MAX)
        return error_set(e, ERR_INVALID, "LISTEN_FDS: \"%.20s\" is not a number up to %d", count,
                         SOCKETS_MAX);
    for (int i = 0; i < (int)n; i++) {
        size_t length = names ? strcspn(names, ":") : 0;

        s->sockets[i].fd = FIRST_SOCKET + i;
        snprintf(s->sockets[i].name, sizeof s->sockets[i].name, "%.*s", (int)length,
                 length ? names : "");
        fcntl(FIRST_SOCKET + i, F_SETFD, FD_CLOEXEC);
        if (names)
            names += length + (names[length] == ':');
    }
    s->nsockets = (int)n;
    return 0;
}

static int read_environment(struct supervisor *s, struct error *e)
{
    static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                            "LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES"};
    const char *address = getenv("NOTIFY_SOCKET"), *watchdog = getenv("WATCHDOG_USEC");
    const char *count = getenv("LISTEN_FDS");
    int err = 0;

    if (address && *address)
        err = find_address(s, address, e);
    if (s->fd >= 0 && watchdog && is_for_us(getenv("WATCHDOG_PID")))
        s->watchdog_ms = strtoull(watchdog, NULL, 10) / 1000 / 3;
    if (!err && count && getenv("LISTEN_PID") && is_for_us(getenv("LISTEN_PID")))
        err = find_sockets(s, count, getenv("LISTEN_FDNAMES"), e);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    return err;
}

int supervisor_take_socket(struct supervisor *s, const char *name)
{
    for (int i = 0; i < s->nsockets; i++) {
        int fd = s->sockets[i].fd;

        if (fd < 0 || strcmp(s->sockets[i].name, name) != 0)
            continue;
        s->sockets[i].fd = -1;
        return fd;
    }
    return -1;
}

int supervisor_sockets_taken(const struct supervisor *s, struct error *e)
{
    for (int i = 0; i < s->nsockets; i++) {
        if (s->sockets[i].fd >= 0)
            return error_set(e, ERR_INVALID,
                             "socket %d of LISTEN_FDS is called \"%s\"; a service takes one "
                             "\"public\" and one \"admin\"",
                             i + 1, s->sockets[i].name);
    }
    return 0;
}

/* --- what it is told -------------------------------------------------------------------------- */

/* Never waits: a supervisor that does not listen must not stop the service. */
static bool tell(struct supervisor *s, const char *text)
{
    return sendto(s->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&s->to, s->to_length) >= 0 ||
           (errno != EAGAIN && errno != ENOBUFS && errno != EINTR);
}

static void tell_state(struct supervisor *s, bool status_too)
{
    char text[400] = "", status[sizeof s->said] = "";
    struct timespec now;
    size_t n = 0;

    if (s->untold && s->state == SUPERVISOR_READY) {
        n = (size_t)snprintf(text, sizeof text, "READY=1\n");
    } else if (s->untold && s->state == SUPERVISOR_RELOADING) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        n = (size_t)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
                             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    } else if (s->untold && s->state >= SUPERVISOR_DRAINING) {
        n = (size_t)snprintf(text, sizeof text, "STOPPING=1\n");
    }
    if (s->state == SUPERVISOR_DRAINING)
        n += (size_t)snprintf(text + n, sizeof text - n, "EXTEND_TIMEOUT_USEC=%d\n",
                              EXTEND_S * 1000000);
    if (status_too)
        s->status(s->arg, status, sizeof status);
    if (*status && (n || strcmp(status, s->said) != 0))
        n += (size_t)snprintf(text + n, sizeof text - n, "STATUS=%s\n", status);
    if (n && !tell(s, text))
        return;
    s->untold = false;
    if (*status)
        memcpy(s->said, status, sizeof status);
}

/* Whether every loop has answered since the last look; then ask again. That this one turns shows in
 * our being here. */
static bool all_turn(struct supervisor *s)
{
    struct list *it, *next;

    list_each (it, next, &s->loops) {
        if (atomic_load(&list_entry(it, struct supervised, link)->turns) ==
            list_entry(it, struct supervised, link)->seen)
            return false;
    }
    list_each (it, next, &s->loops) {
        struct supervised *loop = list_entry(it, struct supervised, link);

        loop->seen = atomic_load(&loop->turns);
        uv_async_send(&loop->async);
    }
    return true;
}

static void on_timer(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    uint64_t now = uv_now(timer->loop);

    tell_state(s, s->state != SUPERVISOR_STARTING);
    if (s->watchdog_ms && now >= s->alive_at + s->watchdog_ms && all_turn(s) &&
        tell(s, "WATCHDOG=1\n"))
        s->alive_at = now;
}

void supervisor_say(struct supervisor *s, enum supervisor_state state)
{
    if (!s || s->fd < 0 || state == s->state || s->state >= SUPERVISOR_STOPPING ||
        (s->state == SUPERVISOR_DRAINING && state != SUPERVISOR_STOPPING))
        return;
    s->state = state;
    s->untold = true;
    tell_state(s, true);
}

static void on_answer(uv_async_t *async)
{
    struct supervised *it = async->data;

    atomic_fetch_add(&it->turns, 1);
}

int supervisor_watch(struct supervisor *s, struct supervised *it, uv_loop_t *loop)
{
    *it = (struct supervised){.turns = 1};
    if (uv_async_init(loop, &it->async, on_answer))
        return ERR_IO;
    it->async.data = it;
    list_append(&s->loops, &it->link);
    return 0;
}

void supervisor_unwatch(struct supervised *it)
{
    list_remove(&it->link);
}

/* --- its life --------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int supervisor_new(struct supervisor **out, uv_loop_t *loop, supervisor_status *status, void *arg,
                   struct error *e)
{
    struct supervisor *s = calloc(1, sizeof *s);
    uint64_t look_ms = LOOK_MS;
    int err;

    if (!s)
        return error_set(e, ERR_NOMEM, "no memory");
    s->fd = -1;
    s->status = status;
    s->arg = arg;
    list_init(&s->loops);
    err = read_environment(s, e);
    if (!err && uv_timer_init(loop, &s->timer))
        err = error_set(e, ERR_IO, "the event loop has no timer");
    if (err) {
        if (s->fd >= 0)
            close(s->fd);
        free(s);
        return err;
    }
    s->timer.data = s;
    if (s->watchdog_ms && s->watchdog_ms < look_ms)
        look_ms = s->watchdog_ms;
    if (s->fd >= 0)
        uv_timer_start(&s->timer, on_timer, look_ms, look_ms);
    *out = s;
    return 0;
}

void supervisor_free(struct supervisor *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->nsockets; i++) {
        if (s->sockets[i].fd >= 0)
            close(s->sockets[i].fd);
    }
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    uv_close((uv_handle_t *)&s->timer, on_closed);
}
