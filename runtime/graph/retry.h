/*
 * When a failed request is sent again (DESIGN §5, limits §4 and §5). Throttling (429, 503) means
 * that the service did not carry it out, so every method may be repeated after the time it asks
 * for. Other failures of the service and of the network leave open what happened: only a method
 * whose repetition is harmless goes again. Pure functions.
 */
#ifndef IVORY_GRAPH_RETRY_H
#define IVORY_GRAPH_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RETRY_TRIES = 4,           /* sendings in all after failures              */
    RETRY_TRIES_THROTTLED = 8, /* the same after 429 and 503                  */
};

/* Milliseconds to wait before the next sending, or -1: report the failure. `status` 0 = no answer
 * came; `retry_after` is the header or NULL; `tries` counts the sendings so far; `random` is any
 * number, for the jitter. */
int64_t retry_delay(int status, const char *retry_after, bool harmless, int tries, uint64_t random);

/* The service says with that status that it has not carried the request out. */
bool retry_throttled(int status);

/* A Retry-After value in seconds, maybe with a fraction ("2.128"), as milliseconds rounded up; -1
 * when it is absent or anything else (a date, too). */
int64_t retry_after_ms(const char *value);

#endif
