/*
 * The command line's way to a running service: one request to its admin listener, waited for.
 */
#ifndef IVORY_HOST_CONTROL_H
#define IVORY_HOST_CONTROL_H

#include "base/error.h"
#include "host/config.h"

#include <cjson/cJSON.h>

/* Send `verb` `path` with `body` (may be NULL) to admin.listen of `cfg`, with its token when it has
 * one. `*answer` becomes the JSON answered. ERR_IO: nothing answered there; else the reason the
 * service gave. */
int control_request(const struct config *cfg, const char *verb, const char *path, const cJSON *body,
                    cJSON **answer, struct error *e);

#endif
