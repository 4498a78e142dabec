/*
 * The simulator: engine and switchboard facing each other in one process, through the real codec,
 * with no socket between them and a clock that jumps from one deadline to the next. Scripted
 * callers are on the phones, doubles answer the flow's own HTTP requests. A run is a test; it is
 * decided by the bundle, the script and the seed alone, so that two processes do the same byte for
 * byte. One thread.
 */
#ifndef IVORY_HOST_SIMULATE_H
#define IVORY_HOST_SIMULATE_H

#include "core/bundle.h"
#include "core/core.h"

#include <stdint.h>
#include <stdio.h>

struct simulate_options {
    const char *folder;                 /* flows, their prompts and *_test.lua below it     */
    const struct bundle_source *stdlib; /* the library in the binary                        */
    const char *filter;                 /* run tests whose file or name contains it; NULL: all */
    uint64_t seed;
    const char *trace; /* write every event and command to this file; may be NULL           */
    bool hangups;      /* run each test again with a hang-up at each of its waits           */
    bool crash;        /* run each test again with a crash after each entry of its journal    */
    bool replay;       /* build every call anew from its journal after each event             */
    unsigned sample;   /* crash: so many entries of each test, drawn by the seed; 0: all      */
    bool faults;       /* run each test again with each kind of fault                       */
    unsigned version;  /* VERSION_BETA or VERSION_V1                                        */
    struct core_config core;
    FILE *out; /* failures and the summary; NULL: standard output                           */
};

/* `ivory test`: run the tests below o->folder, say what failed, end with "N passed, N failed".
 * Returns the process's exit status: 0, 1 when a test failed, 2 when they could not be run. */
int simulate_main_tests(const struct simulate_options *o);

#endif
