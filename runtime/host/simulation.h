/*
 * A simulation: engine and switchboard facing each other in one process, through the real codec,
 * with no socket between them and a clock that jumps from one deadline to the next. Scripted
 * callers are on the phones, doubles answer the flow's own HTTP requests. A run is decided by the
 * bundle, the script and the seed alone, so that two processes do the same byte for byte. One
 * thread.
 */
#ifndef IVORY_HOST_SIMULATION_H
#define IVORY_HOST_SIMULATION_H

#include "exchange/caller.h"
#include "host/engine.h"
#include "host/watchdog.h"

#include <stdio.h>

struct simulation_config {
    struct bundle *bundle;
    struct caller *caller;
    struct core_config core;
    struct watchdog *watchdog; /* of this thread; watches the run, and nothing afterwards */
    unsigned version;
    uint64_t seed;
    uint64_t hang_up_at; /* every phone hangs up when the core has begun so many waits; 0: never */
    struct switchboard_faults faults;
    bool journalled;      /* calls are written down, in memory                                 */
    uint64_t crash_at;    /* the engine dies when so many entries are written; 0: never        */
    uint64_t crash_again; /* and once more so many entries later; 0: not */
    bool crash_late;      /* what it had begun to send by then still leaves                    */
    bool replay;          /* all calls are built anew from their journals after every event    */
    int64_t patience_ms;  /* more time for the scripts' waits, for faults that delay */
    FILE *trace;          /* may be NULL */
};

struct simulation_result {
    bool failed;  /* an assertion failed; `text` has file, line and reason                    */
    bool stuck;   /* something never ended, or the run itself broke; `text` says what         */
    bool skipped; /* the test asked to be left out                                            */
    char text[2048];
    uint64_t waits;   /* begun by the core */
    uint64_t calls;   /* that were started */
    uint64_t entries; /* written by the journal                                           */
    uint64_t never;   /* requests at the service that must not be repeated               */
    unsigned lost;    /* calls that the service has lost in a crash                      */
    int crashes;      /* that came to be                                                 */
    char *log;        /* warnings and errors logged, a line each; free() it; may be NULL */
};

/* Run test `i` of cfg->caller until its scripts and all calls have ended. After an assertion
 * failed, callers hang up and the rest must still end. ERR_NOMEM, ERR_SCRIPT (the bundle does not
 * load); what went wrong within the test is in `out`. */
int simulation_run(const struct simulation_config *cfg, size_t i, struct simulation_result *out,
                   struct error *e);

#endif
