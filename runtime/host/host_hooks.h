/*
 * What the engine tells the parts of the service that count and choose: metrics, admission and the
 * list of bundles. On the loop's thread.
 */
#ifndef IVORY_HOST_HOST_HOOKS_H
#define IVORY_HOST_HOST_HOOKS_H

#include "host/host.h"

/* Make admission and the counters; before the engine. */
int host_hooks_open(struct host *s, struct error *e);
void host_hooks_close(struct host *s);

/* Fill in the hooks of `c`. */
void host_hooks(struct host *s, struct engine_config *c);

/* Read the flows for the first time, and watch them from then on; after the engine. */
int host_bundles_open(struct host *s, struct error *e);

/* Ask for one call more. 0: it may come, and is counted; else after how many seconds to try again.
 * A refusal is logged now and then. */
int host_admit(struct host *s, const char *tenant);

#endif
