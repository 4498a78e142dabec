/*
 * What the service is told from outside the network: SIGHUP reads the flows anew; SIGTERM and
 * SIGINT end it. It ends in one of two ways:
 *
 * leaving: no new calls, what was written is committed, the process goes. Calls in progress go on
 *     in the next one. This is what SIGTERM does, so that an upgrade is a restart.
 * draining: new calls are refused (503 with Retry-After), and the process leaves when the last call
 *     has ended, or after stop.drain_s. SIGTERM does this with stop.drain (`serve --drain`), `ivory
 *     drain` always. A second SIGTERM, or one during a drain, leaves at once.
 *
 * On the main loop's thread, but for leave_refuses.
 */
#ifndef IVORY_HOST_LEAVE_H
#define IVORY_HOST_LEAVE_H

#include "host/host.h"

struct leave;

/* Watch the signals. ERR_IO, ERR_NOMEM. */
int leave_new(struct leave **out, struct host *s, struct error *e);

/* `ivory drain`: refuse new calls from now on, and leave when there are none. Again: nothing. */
void leave_drain(struct leave *l);

/* 0, or after how many seconds a call should be offered again: we drain. */
int leave_refuses(const struct leave *l);

/* Whether a drain was asked for that no signal has cut short. */
bool leave_was_asked(const struct leave *l);

/* The memory goes when the loop has run once more. NULL is allowed. */
void leave_free(struct leave *l);

#endif
