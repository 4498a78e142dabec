/*
 * A survey: what all workers together are doing now, added up by a trip through them. For /readyz,
 * /metrics, the lists of calls and bundles.
 */
#ifndef IVORY_HOST_SURVEY_H
#define IVORY_HOST_SURVEY_H

#include "host/metrics.h"
#include "host/workers.h"

struct survey_bundle {
    struct bundle *bundle; /* a reference */
    size_t calls, cells, bytes;
};

struct survey_worker {
    size_t calls;
    uint64_t turns;
    double cpu_s; /* of its thread */
};

struct survey {
    struct trip trip;
    /* `home` false: the service is leaving, and what is here says little. The survey is freed
     * after it. */
    void (*done)(struct survey *s, void *arg, bool home);
    void *arg;
    bool list;         /* the calls are to be listed...  */
    char key[KEY_MAX]; /* ...or this one, when not empty */

    struct metrics sum;
    size_t calls, recovering;
    struct {
        char name[32];
        size_t n;
    } states[16];
    size_t nstates;
    struct survey_bundle *bundles;
    size_t nbundles;
    struct survey_worker *workers; /* one each */
    cJSON *described;              /* core_describe's list; NULL: none, or no memory */
    int err;                       /* ERR_NOMEM: something is missing */
};

typedef void(survey_done)(struct survey *s, void *arg, bool home);

/* Begin; `key` NULL: no list of calls, "": all, else that one. ERR_NOMEM: `done` is not called. */
int survey_begin(struct host *h, const char *key, survey_done *done, void *arg);

#endif
