/*
 * Calls that are turned away as busy: no flow begins; the service is told to reject the call, and
 * what else it says about it is dropped. Part of the engine.
 */
#ifndef IVORY_HOST_TURNAWAY_H
#define IVORY_HOST_TURNAWAY_H

#include "base/map.h"
#include "core/event.h"
#include "graph/wire.h"

#include <stdbool.h>

struct turnaway {
    struct map keys; /* of calls whose rejection is under way */
};

void turnaway_init(struct turnaway *t);
void turnaway_fini(struct turnaway *t);

/* Reject the call of this start. ERR_NOMEM: nothing was done. */
int turnaway_begin(struct turnaway *t, struct wire *w, const struct event *start, int64_t now);

bool turnaway_has(const struct turnaway *t, const char *key);
/* Something came for such a call: the answer to the rejection ends it. */
void turnaway_event(struct turnaway *t, struct wire *w, const struct event *ev, int64_t now);

#endif
