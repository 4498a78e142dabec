/*
 * The journal of the running service: opens and closes it with the key file, tells the workers when
 * something is committed, says in the log when it fails, keeps bundles, and forgets old calls every
 * hour. On the main thread, but for host_journal_health.
 */
#ifndef IVORY_HOST_HOST_JOURNAL_H
#define IVORY_HOST_HOST_JOURNAL_H

#include "host/host.h"
#include "host/recorder.h"

/* Open it in the folder "data", as the configuration wants it; a database that cannot be used is
 * moved aside with an error in the log. After the workers' loops are made. Does nothing when
 * journal.enabled is false. */
int host_journal_open(struct host *s, struct error *e);
/* Commit what waits, and close. After the engines have gone. */
void host_journal_close(struct host *s);

/* The file, for writing from any thread. */
struct journal *host_journal_file(struct host *s);
/* Another connection for reading, for one thread. */
int host_journal_reader(struct host *s, struct journal **out, struct error *e);
/* Fill in what recorders are to keep, and how they seal. */
void host_journal_rules(struct host *s, struct recorder_config *c);

/* Calls may run with that bundle from now on; with `use`, all new ones do. */
void host_journal_bundle(struct host *s, const struct bundle *b, bool use);
/* The bundle that was in use last. ERR_NOTFOUND: there is none, or no journal. */
int host_journal_used(struct host *s, struct bundle **out, struct error *e);

/* 0, or why no new calls are taken. Any thread. */
int host_journal_health(struct host *s, struct error *e);

#endif
