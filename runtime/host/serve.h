/*
 * `ivory serve`: the engine driven by sockets. Calls run on workers (worker.h), each a thread with
 * a loop, an engine and the public listener; the main thread has the admin listener and what else
 * is there once (host.h); the embedded exchange, when it is on, is a thread of its own that talks
 * to us over loopback HTTP like any other call service.
 */
#ifndef IVORY_HOST_SERVE_H
#define IVORY_HOST_SERVE_H

#include "base/error.h"
#include "core/bundle.h"
#include "host/config.h"

/* Serve until SIGTERM or SIGINT. 0; SERVE_DRAINED when it was `ivory drain` that ended it, for a
 * supervisor that would start it again; or an error that kept the service from starting. */
#define SERVE_DRAINED 4
int serve(const struct config *cfg, const struct bundle_source *stdlib, struct error *e);

#endif
