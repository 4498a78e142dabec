/*
 * Recovery: calls that an earlier process left in progress are built anew and go on. Newest first,
 * a bounded number at a time, each in these steps:
 *
 *   1. its mailbox opens (all calls, at once): webhooks and timers wait
 *   2. its journal is read; its bundle is loaded; START and events go through the core again, and
 *      every command is compared with the recorded one (recover_replay.c)
 *   3. its legs are adopted by the wire, and the service is asked about each
 *   4. it goes on: what the service said, a signal "resumed", the mailbox, and then what became of
 *      commands whose answer or end nobody heard (recover_doubt.c)
 *
 * A call that does not repeat what it did, whose recovery failed twice, or whose journal cannot be
 * read goes on without its flow, with the fallback; that is said in the log with both places. Part
 * of the engine, which drives it; no I/O but reading the store.
 */
#ifndef IVORY_HOST_RECOVER_H
#define IVORY_HOST_RECOVER_H

#include "host/recorder.h"

#include <stdatomic.h>

struct recovery;

/* Calls that are being taken up now in the process; -1: one, and nobody else may be meanwhile. Zero
 * at first. */
struct recovery_floor {
    atomic_int taken;
};

struct recovery_config { /* all outlive the engine */
    struct recorder *recorder;
    const struct store *store;
    const struct seal *seal;
    struct recovery_floor *floor; /* of all engines of the process; NULL: this one is alone */
    unsigned shards,
        shard; /* of the calls in the store, those that fall to it (id_shard); 0: all */
};

/* Begin. ERR_NOMEM, ERR_IO (the store cannot be read): it is tried again by itself, every second;
 * webhooks of calls that are not known are put off meanwhile. `*calls` (may be NULL): how many
 * there are. */
int engine_recover(struct engine *en, const struct recovery_config *cfg, int64_t now, size_t *calls,
                   struct error *e);

/* Build all calls of the core anew from their journals, in place: what they were is thrown away.
 * For tests. ERR_CONFLICT: one is not what it was. */
int engine_rebuild(struct engine *en, const struct recovery_config *cfg, struct error *e);

/* Calls that do not go on yet. */
size_t engine_recovering(const struct engine *en);

/* --- for the engine */
void recovery_try_again(struct engine *en, int64_t now);
/* A webhook's path names a call that may be among those that could not be read yet. */
bool recovery_may_know(const struct engine *en, const char *path_key);
void recovery_answered(struct recovery *r, const struct event *ev, int64_t now);
/* An end of the call came in while its mailbox is open. */
void recovery_ended(struct recovery *r, const char *key);
/* Whether recovery takes `c` (copied), a new command, or marks it: soon after a call goes on, what
 * the earlier process did without having written it down is done again, and may have been sent
 * already. */
bool recovery_takes(struct recovery *r, struct command *c, int64_t now);
int64_t recovery_next_deadline(const struct recovery *r);
void recovery_tick(struct recovery *r, int64_t now);
void recovery_free(struct recovery *r);
/* The wire's hook: the service has a call of ours that nobody knows (its journal is lost), or that
 * came to be after it was given up. It goes to the fallback, or is hung up. `engine` is the engine.
 */
bool recovery_stray(void *engine, const char *key, const char *call_id, const char *tenant,
                    bool ended);

#endif
