/*
 * What a service and whoever supervises it tell each other, as systemd does it: sd_notify(3) and
 * sd_listen_fds(3). The service says that it is ready, reloads, ends, how many calls there are, and
 * that its loops still turn; it is given sockets that are bound already. Without NOTIFY_SOCKET and
 * LISTEN_FDS in the environment nothing here does anything.
 *
 * Everything on the thread of the main loop, but for supervisor_watch.
 */
#ifndef IVORY_HOST_SUPERVISOR_H
#define IVORY_HOST_SUPERVISOR_H

#include "base/error.h"
#include "base/list.h"

#include <stdatomic.h>
#include <stddef.h>
#include <uv.h>

struct supervisor;

enum supervisor_state {
    SUPERVISOR_STARTING,
    SUPERVISOR_READY,
    SUPERVISOR_RELOADING, /* READY is to follow */
    SUPERVISOR_DRAINING,  /* the end takes long, and that is wanted */
    SUPERVISOR_STOPPING
};

/* A sentence for people: what the service does now. */
typedef void(supervisor_status)(void *arg, char *text, size_t n);

/* Reads the environment and takes its variables out of it, so that no other process believes them
 * its own; before there are threads. `loop` is the main loop. ERR_IO, ERR_NOMEM. */
int supervisor_new(struct supervisor **out, uv_loop_t *loop, supervisor_status *status, void *arg,
                   struct error *e);

/* The socket that was given under that name, -1 when there is none. It is the caller's from now on.
 */
int supervisor_take_socket(struct supervisor *s, const char *name);
/* All sockets must have been taken: ERR_INVALID names one that was not. */
int supervisor_sockets_taken(const struct supervisor *s, struct error *e);

/* Tell the state. It is told again until the supervisor takes it. */
void supervisor_say(struct supervisor *s, enum supervisor_state state);

/* Another loop that must turn for the service to count as alive. */
struct supervised {
    struct list link;
    uv_async_t async;
    atomic_ulong turns;
    unsigned long seen;
};
/* Before `loop` runs, and while no other thread uses `s`; `it` is closed with the loop, by
 * uv_close(&it->async), after supervisor_unwatch on the main thread. */
int supervisor_watch(struct supervisor *s, struct supervised *it, uv_loop_t *loop);
void supervisor_unwatch(struct supervised *it);

/* The memory goes when the loop has run once more. NULL is allowed. */
void supervisor_free(struct supervisor *s);

#endif
