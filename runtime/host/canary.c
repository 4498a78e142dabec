#include "host/canary.h"

#include <math.h>

bool canary_picks(struct canary *c)
{
    c->credit += c->percent;
    if (c->credit < 100)
        return false;
    c->credit -= 100;
    return true;
}

enum canary_verdict canary_ended(struct canary *c, bool failed, uint64_t old_ended,
                                 uint64_t old_failed)
{
    double rate = old_ended ? (double)old_failed / (double)old_ended : 0, ended, expected;

    if (failed)
        c->failed++;
    else
        c->good++;
    ended = (double)(c->good + c->failed);
    expected = rate * ended;
    if (failed && c->good + c->failed >= CANARY_LEAST &&
        (double)c->failed > expected + 1 + 2 * sqrt(expected))
        return CANARY_BAD;
    return c->good >= c->wanted ? CANARY_GOOD : CANARY_WAIT;
}
