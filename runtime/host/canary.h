/*
 * A new bundle on trial: it gets a share of the new calls until enough of them have ended well, or
 * until more of them fail than with the old bundle. Plain numbers, no I/O.
 */
#ifndef IVORY_HOST_CANARY_H
#define IVORY_HOST_CANARY_H

#include <stdbool.h>
#include <stdint.h>

struct canary {
    double percent;  /* of new calls                             */
    double credit;   /* collected so far; at 100 it gets a call  */
    uint64_t wanted; /* calls that must end well                */
    uint64_t good, failed;
};

/* How many calls have ended, at the least, before failures count against the new bundle. */
#define CANARY_LEAST 10

enum canary_verdict { CANARY_WAIT, CANARY_GOOD, CANARY_BAD };

/* Whether the next new call goes to the new bundle: evenly, not by chance. */
bool canary_picks(struct canary *c);

/* A call of the new bundle has ended. `old_failed` of `old_ended` calls failed with the old one.
 * BAD: more fail than the old rate and chance (two standard deviations) explain. */
enum canary_verdict canary_ended(struct canary *c, bool failed, uint64_t old_ended,
                                 uint64_t old_failed);

#endif
