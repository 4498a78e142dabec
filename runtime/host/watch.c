#include "host/watch.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

struct watch {
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned open; /* handles that are not closed */
    int fd;
    unsigned quiet_ms, most_ms;
    watch_changed *changed;
    void *arg;
    struct places places;
    uint64_t count, since; /* of the changes not told yet: when the first came, 0: none */
};

static void tell(uv_timer_t *timer)
{
    struct watch *w = timer->data;

    w->since = 0;
    w->changed(w->arg);
}

static void note_change(struct watch *w)
{
    uint64_t now = uv_now(w->poll.loop), wait = w->quiet_ms;

    w->count++;
    if (!w->since)
        w->since = now ? now : 1;
    if (now + wait > w->since + w->most_ms)
        wait = w->since + w->most_ms > now ? w->since + w->most_ms - now : 0;
    uv_timer_start(&w->timer, tell, wait, 0);
}

/* A new file is of interest when its writer closes it; what is never written to shows only now. */
static bool complete_when_made(const struct watch *w, const struct inotify_event *ev)
{
    const struct place *at = places_find(&w->places, ev->wd);
    struct buf path = {0};
    struct stat st;
    bool yes = true;

    if (ev->mask & IN_ISDIR || !at || !ev->len)
        return true;
    if (buf_fmt(&path, "%s/%s", at->path, ev->name) == 0 && lstat(path.p, &st) == 0)
        yes = S_ISLNK(st.st_mode) || st.st_nlink > 1;
    buf_fini(&path);
    return yes;
}

static void take_event(struct watch *w, const struct inotify_event *ev)
{
    if (ev->mask & (IN_Q_OVERFLOW | IN_UNMOUNT)) {
        note_change(w);
        return;
    }
    if (ev->mask & IN_IGNORED || !places_concern(&w->places, ev->wd, ev->len ? ev->name : ""))
        return;
    if (!(ev->mask & IN_CREATE) || complete_when_made(w, ev))
        note_change(w);
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    char bytes[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n;

    (void)status, (void)events;
    /* A flood is read piece by piece, so that it does not hold the loop. */
    n = read(w->fd, bytes, sizeof bytes);
    for (char *p = bytes; n > 0 && p < bytes + n;) {
        const struct inotify_event *ev = (const struct inotify_event *)(void *)p;

        take_event(w, ev);
        p += sizeof *ev + ev->len;
    }
}

static void closed(uv_handle_t *handle)
{
    struct watch *w = handle->data;

    if (--w->open)
        return;
    close(w->fd);
    places_fini(&w->places);
    free(w);
}

int watch_new(struct watch **out, uv_loop_t *loop, unsigned quiet_ms, unsigned most_ms,
              watch_changed *changed, void *arg, struct error *e)
{
    struct watch *w = calloc(1, sizeof *w);

    if (!w)
        return error_set(e, ERR_NOMEM, "no memory");
    w->quiet_ms = quiet_ms;
    w->most_ms = most_ms;
    w->changed = changed;
    w->arg = arg;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0 || uv_poll_init(loop, &w->poll, w->fd)) {
        int err = error_set(e, ERR_IO, "folders cannot be watched: %s", strerror(errno));

        if (w->fd >= 0)
            close(w->fd);
        free(w);
        return err;
    }
    uv_timer_init(loop, &w->timer);
    w->poll.data = w->timer.data = w;
    w->open = 2;
    uv_poll_start(&w->poll, UV_READABLE, readable);
    *out = w;
    return 0;
}

int watch_fd(const struct watch *w)
{
    return w->fd;
}

void watch_take(struct watch *w, struct places *places)
{
    places_replace(&w->places, places, w->fd);
    *places = (struct places){0};
}

uint64_t watch_count(const struct watch *w)
{
    return w->count;
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    uv_close((uv_handle_t *)&w->timer, closed);
    uv_close((uv_handle_t *)&w->poll, closed);
}
