/*
 * The bundles of a running service: the one that new calls get, one on trial beside it, those that
 * calls in progress still run, and a few of the past to go back to. A change of the flows folder,
 * or a request, loads a new one off the loop's thread (load.h); one that does not load is refused,
 * its reason kept and logged once, and everything goes on as before. The bytes of the folder
 * decide: the same content is the same bundle.
 *
 * On the loop's thread.
 */
#ifndef IVORY_HOST_BUNDLES_H
#define IVORY_HOST_BUNDLES_H

#include "core/core.h"
#include "host/load.h"
#include "net/log.h"

#include <uv.h>

struct bundles;

struct bundles_config {
    struct load_config load;
    uv_loop_t *loop;
    const struct log *log;
    bool watch;           /* reload.watch                                             */
    double canary;        /* reload.canary: percent of new calls for a new bundle, 0: all */
    int64_t canary_calls; /* reload.canary_calls                                      */
    /* Called with each bundle before calls get it. May be NULL. */
    void (*taken)(void *arg, struct bundle *b);
    void *arg;
};

/* Read the flows for the first time, here and now: nothing works without them. */
int bundles_new(struct bundles **out, const struct bundles_config *cfg, struct error *e);

/* What became of a request; called exactly once, on the loop's thread, maybe before the request
 * returns. ERR_CONFLICT when the service ends before. */
typedef void(bundles_done)(void *arg, int err, const struct error *e);

/* Read the folder now. `done` may be NULL. */
void bundles_reload(struct bundles *b, bundles_done *done, void *arg);

/* Give all new calls the bundle whose id begins with `id` (4 digits at least), one of those in the
 * list; a trial ends. ERR_NOTFOUND; ERR_CONFLICT when several begin so. */
void bundles_use(struct bundles *b, const char *id, bundles_done *done, void *arg);

/* The trial: which bundle this start is to name (NULL: none), and what became of calls. */
const char *bundles_choose(struct bundles *b, const struct event *start);
void bundles_event(struct bundles *b, const struct event *ev);
void bundles_command(struct bundles *b, const struct command *c);

/* {"bundles":[{"id","state":"active"|"trial"|"draining"|"retired","since" (ms),"calls","cells",
 * "bytes","files","prompts"}],"refused":{...}?,"trial":{...}?}, newest first; NULL = no memory. */
cJSON *bundles_describe(struct bundles *b);

/* Why the content of the folder is not in use: {"time","text","file"?,"line"?,"reason","bundle"?};
 * NULL: it is. Owned by the list. */
const cJSON *bundles_refused(const struct bundles *b);

/* How many loads were good and refused so far (the first one is not counted). */
void bundles_count(const struct bundles *b, uint64_t *good, uint64_t *refused);

/* Wait for a load under way, and free; before the machine. NULL is allowed. */
void bundles_free(struct bundles *b);

#endif
