/*
 * Inside the list of bundles, for bundles*.c.
 */
#ifndef IVORY_HOST_BUNDLES_STATE_H
#define IVORY_HOST_BUNDLES_STATE_H

#include "base/list.h"
#include "base/map.h"
#include "host/bundles.h"
#include "host/canary.h"
#include "host/load.h"
#include "host/watch.h"
#include "host/workers.h"

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

/* What the workers are told, by a trip through them. */
enum bundles_order_kind {
    BUNDLES_TAKE,    /* new calls get the bundle of `cells`; a trial ends */
    BUNDLES_TRY,     /* it is on trial                                    */
    BUNDLES_PROMOTE, /* new calls get what was on trial                   */
    BUNDLES_DROP,    /* nothing is on trial                               */
};

struct bundles_order {
    struct trip trip;
    enum bundles_order_kind kind;
    struct cell **cells; /* one a worker; NULL for those who have theirs */
    unsigned ncells;
};

/* What the workers' calls tell about the trial. */
struct bundles_score {
    pthread_mutex_t lock;
    struct canary canary;
    struct map tried; /* keys of calls that run the bundle on trial */
    uint64_t old_ended, old_failed;
    bool judged, good;     /* judged: there is no trial, or it is decided */
    bool sent;             /* the verdict is on its way                   */
    struct errand verdict; /* to the main thread                          */
};

struct bundles {
    struct host *host;
    struct load_config how;
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
    struct bundle *active, *trial;
    struct bundles_order *end; /* of the trial: made when it begins, so that it can be ended */
    struct bundles_score score;
    bool leaving;
};

/* bundles_list.c */
struct bundles_entry *bundles_find(struct bundles *b, const char *id);
/* Put `bundle` first. ERR_NOMEM. */
int bundles_enter(struct bundles *b, struct bundle *bundle);
/* Note why the content is refused (its id, if it could be read that far), or that it is not; true
 * when that is news. */
bool bundles_note_refusal(struct bundles *b, const char *id, const char *text);
void bundles_clear_refusal(struct bundles *b);
void bundles_list_fini(struct bundles *b);

/* bundles_order.c */
/* ERR_NOMEM. `cells` (may be NULL) are taken over on success. */
int bundles_order_new(struct bundles_order **out, struct bundles *b, enum bundles_order_kind kind,
                      struct cell **cells);
void bundles_order_free(struct bundles_order *o);
/* Send it on its way; it is freed at the end. */
void bundles_order_give(struct bundles *b, struct bundles_order *o);

/* bundles_trial.c */
void bundles_score_init(struct bundles *b);
void bundles_score_fini(struct bundles *b);
/* The trial of `bundle` begins, with an order to end it. */
void bundles_begin_trial(struct bundles *b, struct bundle *bundle, struct bundles_order *end);
/* Nothing is on trial any more; without a word to the workers unless `tell`. */
void bundles_end_trial(struct bundles *b, bool tell);
/* Another bundle is in use: what is known of the old one's failures is of no use. */
void bundles_forget_score(struct bundles *b);

#endif
