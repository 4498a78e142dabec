/*
 * Inside a simulation: what the machines and the scripts are given in place of the world
 * (addresses, randomness, traces, doubles), set up for one run and taken down after it.
 */
#ifndef IVORY_HOST_SURROUNDINGS_H
#define IVORY_HOST_SURROUNDINGS_H

#include "base/buf.h"
#include "base/random.h"
#include "host/simulation.h"
#include "host/memory_store.h"
#include "host/recorder.h"
#include "host/traffic.h"

#define SIMULATION_BOUND_MS (6 * 3600 * 1000LL) /* nothing may go on for longer than this */

/* A phone has called, with a flow of its choice or with none. */
struct simulation_dialled {
    char *from, *flow;
};

struct simulation {
    const struct simulation_config *cfg;
    struct simulation_result *result;
    struct engine *engine;
    struct memory_store *memory; /* NULL: not journalled */
    struct store store;
    struct seal *seal;
    struct recorder *recorder;
    struct switchboard *board;
    struct caller_world world;
    struct traffic traffic;
    struct random random;
    struct simulation_dialled *dialled;
    size_t ndialled;
    char *route; /* what `route` returned last */
    struct buf log, serious;
    int64_t now, limit, script_at;
    int crashed;   /* crash_at was reached, and crash_again                              */
    bool begun;    /* the clock cannot be set any more                           */
    bool heard;    /* the scripts have something to do                           */
    bool left;     /* hang_up_at was reached                                     */
    bool finished; /* the scripts have ended, and everybody has put down         */
};

/* Make the machines and the world of the scripts. After a failure too, take down. */
int simulation_set_up(struct simulation *s, struct error *e);
void simulation_tear_down(struct simulation *s);

/* The engine dies, and a new one takes its calls up. */
int simulation_crash(struct simulation *s, struct error *e);
/* All calls are built anew from their journals. */
int simulation_rebuild(struct simulation *s, struct error *e);

/* The run itself has failed, not an assertion; the first reason counts. */
void simulation_broken(struct simulation *s, const char *what);

#endif
