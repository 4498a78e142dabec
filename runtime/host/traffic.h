/*
 * Inside a simulation: what travels between the engine and the switchboard, in virtual time.
 * Requests of the engine are carried out when they are sent and their answers take a moment;
 * notifications take a little longer, so that the usual order of the real service comes about.
 */
#ifndef IVORY_HOST_TRAFFIC_H
#define IVORY_HOST_TRAFFIC_H

#include "base/heap.h"
#include "base/map.h"
#include "host/engine.h"
#include "host/mocks.h"

#include "exchange/switchboard.h"

/* Addresses of the simulated world. */
#define TRAFFIC_SERVICE "https://graph.test"
#define TRAFFIC_LOGIN   "https://login.test"
#define TRAFFIC_BOT     "https://bot.test"
#define TRAFFIC_WEBHOOK TRAFFIC_BOT "/api/calls"

struct traffic {
    struct engine *engine;
    struct switchboard *board;
    const struct bundle *bundle;
    struct mocks mocks;
    struct heap under_way;
    struct map hooks;      /* number of a webhook at the engine → its struct delivery  */
    struct map recordings; /* hash → int64_t *, how long it plays in ms                */
    uint64_t next_hook;
    uint64_t never; /* requests at the service that must not be repeated */
};

void traffic_init(struct traffic *t);
void traffic_fini(struct traffic *t);

/* Another engine has taken the place of the one that died: answers to its requests are lost, and
 * the notifications it had not answered come to the new one. */
int traffic_crashed(struct traffic *t, struct engine *engine, int64_t now);

/* Carry out ENGINE_SEND, ENGINE_ABORT and ENGINE_ANSWER. */
int traffic_engine(struct traffic *t, struct engine_action *a, int64_t now);

/* Carry out SWITCH_NOTIFY and SWITCH_FETCH. */
int traffic_switch(struct traffic *t, struct switchboard_action *a, int64_t now);

/* Let the next thing that is due arrive, one at a time; false in `*arrived` when none is. */
int traffic_arrive(struct traffic *t, int64_t now, bool *arrived);
int64_t traffic_next_deadline(const struct traffic *t);

/* wire_config.keep_recording; `arg` is the struct traffic. */
int traffic_keep_recording(void *arg, const char *hash, const void *p, size_t n);

#endif
