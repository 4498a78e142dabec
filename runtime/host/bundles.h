/*
 * The bundles of a running service: the one that new calls get, one on trial beside it, those that
 * calls in progress still run, and a few of the past to go back to. A change of the flows folder,
 * or a request, loads a new one off the loop's thread (load.h); one that does not load is refused,
 * its reason kept and logged once, and everything goes on as before. The bytes of the folder
 * decide: the same content is the same bundle.
 *
 * On the main thread, which tells the workers what new calls get; what is theirs to call says so.
 */
#ifndef IVORY_HOST_BUNDLES_H
#define IVORY_HOST_BUNDLES_H

#include "core/command.h"
#include "core/event.h"
#include "core/bundle.h"
#include "base/json.h"

struct bundles;
struct host;
struct survey;

/* Read the flows for the first time, here and now: nothing works without them. After the workers'
 * machines are made; they take them when they begin. */
int bundles_new(struct bundles **out, struct host *host, struct error *e);

/* What became of a request; called exactly once, on the main thread, maybe before the request
 * returns. ERR_CONFLICT when the service ends before. On the main thread. */
typedef void(bundles_done)(void *arg, int err, const struct error *e);

/* Read the folder now. `done` may be NULL. */
void bundles_reload(struct bundles *b, bundles_done *done, void *arg);

/* Give all new calls the bundle whose id begins with `id` (4 digits at least), one of those in the
 * list; a trial ends. ERR_NOTFOUND; ERR_CONFLICT when several begin so. */
void bundles_use(struct bundles *b, const char *id, bundles_done *done, void *arg);

/* The trial, asked and told on the workers' threads: which bundle this start is to name (NULL:
 * none), and what became of calls. `trial` is the bundle on trial as that worker knows it. */
const char *bundles_choose(struct bundles *b, const struct bundle *trial,
                           const struct event *start);
void bundles_event(struct bundles *b, const struct bundle *trial, const struct event *ev);
void bundles_command(struct bundles *b, const struct command *c);

/* What new calls get, and what is on trial (NULL: nothing). */
const struct bundle *bundles_active(const struct bundles *b);
const struct bundle *bundles_trial(const struct bundles *b);

/* Give both to the journal once more. */
void bundles_keep(struct bundles *b);

/* How many calls run each, as a survey has found. */
void bundles_counted(struct bundles *b, const struct survey *s);

/* {"bundles":[{"id","state":"active"|"trial"|"draining"|"retired","since" (ms),"calls","cells",
 * "bytes","files","prompts"}],"refused":{...}?,"trial":{...}?}, newest first, with the numbers of
 * the last survey; NULL = no memory. */
cJSON *bundles_describe(struct bundles *b);

/* Why the content of the folder is not in use: {"time","text","file"?,"line"?,"reason","bundle"?};
 * NULL: it is. Owned by the list. */
const cJSON *bundles_refused(const struct bundles *b);

/* How many loads were good and refused so far (the first one is not counted). */
void bundles_count(const struct bundles *b, uint64_t *good, uint64_t *refused);

/* Wait for a load under way, and free; when the workers have stopped, before their machines are
 * freed. NULL is allowed. */
void bundles_free(struct bundles *b);

#endif
