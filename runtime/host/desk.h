/*
 * The commands that read the journal of a service, running or not: what ended calls came to, one
 * call as a timeline, calls run again. Nothing is written to it. Each returns the exit status of
 * the process; what is wrong is said in `e`.
 */
#ifndef IVORY_HOST_DESK_H
#define IVORY_HOST_DESK_H

#include "core/core.h"
#include "host/config.h"

#include <stdio.h>

struct desk_options {
    const struct config *cfg;
    const struct bundle_source *stdlib;
    struct core_config core; /* replay */
    const char *key;         /* of a call; NULL with --all */
    const char *since;       /* NULL: everything           */
    const char *flows;       /* replay: a folder; NULL: those of the call's time */
    const char *tones;
    bool json, csv;
    FILE *out;
};

int desk_cdr(const struct desk_options *o, struct error *e);
int desk_show(const struct desk_options *o, struct error *e);
int desk_replay(const struct desk_options *o, struct error *e);
/* Calls in progress, for when no service can be asked. */
int desk_calls(const struct desk_options *o, struct error *e);

#endif
