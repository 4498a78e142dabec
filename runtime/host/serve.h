/*
 * `ivory serve`: the engine driven by sockets. One libuv loop on one thread holds the public
 * listener (webhooks, prompts, recordings), the admin listener, the HTTP client and the engine's
 * clock; the embedded exchange, when it is on, is a thread of its own that talks to us over
 * loopback HTTP like any other call service.
 */
#ifndef IVORY_HOST_SERVE_H
#define IVORY_HOST_SERVE_H

#include "base/error.h"
#include "core/bundle.h"
#include "host/config.h"

/* Serve until SIGTERM or SIGINT. 0, or an error that kept the service from starting. */
int serve(const struct config *cfg, const struct bundle_source *stdlib, struct error *e);

#endif
