/* The journal of a worker: it writes through a recorder of its own and reads with a connection of
 * its own; the file and the thread that writes it are the host's. */
#include "host/host_journal.h"
#include "host/recover.h"
#include "host/worker.h"

int worker_journal_open(struct worker *w, struct error *e)
{
    struct host *s = w->host;
    struct recorder_config c = {.store = &w->store};
    int err;

    if (!s->journal)
        return 0;
    err = host_journal_reader(s, &w->reader, e);
    if (err)
        return err;
    w->both = (struct journal_store){host_journal_file(s), w->reader};
    w->store = store_of_journal(&w->both);
    host_journal_rules(s, &c);
    err = recorder_new(&w->recorder, &c);
    return err ? error_set(e, err, "the journal: %s", error_name(err)) : 0;
}

void worker_journal_recover(struct worker *w)
{
    struct recovery_config c = {.recorder = w->recorder,
                                .store = &w->store,
                                .floor = &w->host->floor,
                                .shards = w->host->nworkers,
                                .shard = w->number};
    struct recorder_config rules = {0};
    struct error e = {""};
    size_t calls = 0;
    int err;

    if (!w->recorder)
        return;
    host_journal_rules(w->host, &rules);
    c.seal = rules.seal;
    err = engine_recover(w->engine, &c, worker_now(w), &calls, &e);
    if (err)
        log_write(&w->host->log, LOG_ERROR, NULL,
                  "calls in progress cannot be taken up now, it is tried again: %s", e.text);
    else if (calls)
        log_write(&w->host->log, LOG_INFO, NULL,
                  "%zu calls were in progress; they are taken up again", calls);
}

void worker_journal_close(struct worker *w)
{
    recorder_free(w->recorder);
    w->recorder = NULL;
    journal_close(w->reader);
    w->reader = NULL;
}
