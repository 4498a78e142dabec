/*
 * Microsoft Graph as the load driver plays it: calls that go through a menu, ten webhooks out and
 * five requests in each, every step of every call checked.
 *
 *     webhook            ->        <- request
 *     incoming                     answer
 *     establishing
 *     established                  subscribeToTone and playPrompt, in any order
 *     media active
 *     the prompt's end
 *     a key                        playPrompt
 *     the prompt's end             transfer
 *     transferring
 *     transferAccepted
 *     terminated
 *
 * A webhook goes out when the one before it was answered and the requests due by then have come. A
 * call may be parked before the key, with nothing going on.
 */
#ifndef BENCH_PLAY_H
#define BENCH_PLAY_H

#include "net.h"

#include <stdio.h>

enum deviation {
    UNEXPECTED_REQUEST, /* of a method, or at a time, that the scenario does not have */
    UNKNOWN_CALL,
    WRONG_PATH,
    WRONG_BODY,   /* a field that must be there is missing or wrong */
    WRONG_TOKEN,  /* of a request of the bot's                      */
    WRONG_STATUS, /* a webhook was not answered with 2xx            */
    STUCK,        /* nothing happened for ten seconds               */
    DEVIATIONS
};

enum { BUCKETS = 2048 };

/* Times in nanoseconds, 32 buckets for each doubling. */
struct histogram {
    uint64_t n, most;
    uint32_t buckets[BUCKETS];
};

struct play;

typedef void(play_ended)(void *arg);

struct play_config {
    unsigned listen, server; /* ports                                             */
    unsigned connections;    /* to the server, at most                            */
    size_t calls;            /* in progress, at most                              */
    bool parks;              /* a call stops before the key; see play_hang_up     */
    play_ended *ended;       /* a call is over, or parked                         */
    void *arg;
};

struct play *play_new(const struct play_config *cfg);
struct net *play_net(struct play *p);

/* Offer a call. `due`: when that should have happened, from which the time to its first request
 * counts. false: so many calls are in progress already. */
bool play_offer(struct play *p, uint64_t due);
/* Hang a parked call up, any; false: none is parked. */
bool play_hang_up(struct play *p);

size_t play_in_progress(const struct play *p); /* parked ones are not */
/* Calls that nothing has happened to for ten seconds are given up. */
void play_give_up(struct play *p);

/* From the webhook that unblocks a flow to its next request, four a call. */
struct histogram *play_times(struct play *p);
/* The value that the share `q` of all is at most, in microseconds. */
double histogram_at(const struct histogram *h, double q);

/* Deviations so far; `to`, if not NULL, gets a JSON object of the kinds. */
unsigned long play_deviations(const struct play *p, FILE *to);

#endif
