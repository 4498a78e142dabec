/*
 * Inside the list of bundles, for bundles*.c.
 */
#ifndef IVORY_HOST_BUNDLES_STATE_H
#define IVORY_HOST_BUNDLES_STATE_H

#include "base/list.h"
#include "base/map.h"
#include "host/bundles.h"
#include "host/canary.h"
#include "host/watch.h"

#define BUNDLES_KEPT 10 /* to go back to, beside those that calls run */

struct bundles_entry {
    struct list link;
    struct bundle *bundle;
    int64_t since; /* when it was taken into use last */
    size_t calls, cells, bytes;
};

/* Something to load: the folder, or a bundle of the list. */
struct bundles_request {
    struct list link;
    struct bundle *bundle; /* NULL: the folder                                */
    bool asked;            /* by a person, who wants an answer; else a change */
    bundles_done *done;
    void *arg;
};

struct bundles {
    struct bundles_config cfg;
    struct watch *watch; /* NULL: not wanted */
    struct list entries; /* newest first */
    struct list queue;
    uv_work_t work;
    struct bundles_request *busy; /* what `load` is for */
    struct load load;
    uint64_t changes;  /* of the watch, when the load began           */
    unsigned unsteady; /* loads in a row that were overtaken          */
    int blind;         /* errno of the last folder that went unwatched */
    char seen[65];     /* the content of the folder, judged already   */
    cJSON *refused;
    uint64_t good, bad;
    struct canary canary;
    struct map tried; /* keys of calls that run the bundle on trial */
    uint64_t old_ended, old_failed;
    bool leaving;
};

/* bundles_list.c */
struct bundles_entry *bundles_find(struct bundles *b, const char *id);
/* Put `bundle` first. ERR_NOMEM. */
int bundles_enter(struct bundles *b, struct bundle *bundle);
/* Forget what is neither run nor worth keeping. */
void bundles_prune(struct bundles *b);
/* Note why the content is refused (its id, if it could be read that far), or that it is not; true
 * when that is news. */
bool bundles_note_refusal(struct bundles *b, const char *id, const char *text);
void bundles_clear_refusal(struct bundles *b);
void bundles_list_fini(struct bundles *b);

/* bundles_trial.c */
void bundles_begin_trial(struct bundles *b, const struct bundle *bundle);
void bundles_end_trial(struct bundles *b);

#endif
