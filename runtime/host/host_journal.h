/*
 * The journal of the running service: opens and closes it with the key file and the recorder, wakes
 * the engine after commits, begins the recovery of calls that an earlier process left, and forgets
 * old calls every hour. On the loop's thread.
 */
#ifndef IVORY_HOST_HOST_JOURNAL_H
#define IVORY_HOST_HOST_JOURNAL_H

#include "host/engine.h"
#include "host/host.h"

/* Open it in the folder "data", as the configuration wants it; a database that cannot be used is
 * moved aside with an error in the log. Does nothing when journal.enabled is false. */
int host_journal_open(struct host *s, struct error *e);
/* Commit what waits, and close. After the engine has gone. */
void host_journal_close(struct host *s);

/* For engine_config. NULL for NULL. */
const struct engine_record *host_journal_hooks(struct host_journal *j);

/* New calls run with that bundle from now on. */
void host_journal_bundle(struct host *s, const struct bundle *b);

/* Begin to build the calls anew that were in progress when the last process ended. */
void host_journal_recover(struct host *s);

/* 0, or why no new calls are taken. */
int host_journal_health(struct host *s, struct error *e);

#endif
