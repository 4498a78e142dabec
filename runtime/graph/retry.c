#include "graph/retry.h"

#include <stddef.h>

enum {
    FIRST_MS = 250,    /* back-off before the second sending, doubled each time */
    LONGEST_MS = 8000, /* of the back-off                                       */
    ASKED_LEAST_MS = 100,
    ASKED_MOST_S = 3600,
};

int64_t retry_after_ms(const char *value)
{
    int64_t ms = 0, unit = 1000;

    if (!value || *value < '0' || *value > '9')
        return -1;
    for (; *value >= '0' && *value <= '9'; value++) {
        ms = ms * 10 + (*value - '0') * 1000;
        if (ms > ASKED_MOST_S * 1000)
            return ASKED_MOST_S * 1000;
    }
    if (*value == '.') {
        bool more = false;

        for (value++; *value >= '0' && *value <= '9'; value++) {
            unit /= 10;
            ms += (*value - '0') * unit;
            more |= !unit && *value != '0';
        }
        ms += more;
    }
    return *value ? -1 : ms;
}

/* Half of the doubled step is certain, the other half is drawn. */
static int64_t back_off(int tries, uint64_t random)
{
    int64_t step = FIRST_MS;

    while (--tries > 0 && step < LONGEST_MS)
        step *= 2;
    return step / 2 + (int64_t)(random % (uint64_t)(step / 2 + 1));
}

bool retry_throttled(int status)
{
    return status == 429 || status == 503;
}

int64_t retry_delay(int status, const char *retry_after, bool harmless, int tries, uint64_t random)
{
    bool throttled = retry_throttled(status);
    int64_t asked = throttled ? retry_after_ms(retry_after) : -1;

    if (tries >= (throttled ? RETRY_TRIES_THROTTLED : RETRY_TRIES))
        return -1;
    if (!throttled &&
        !(harmless && (status == 0 || status == 500 || status == 502 || status == 504)))
        return -1;
    if (asked < 0)
        return back_off(tries, random);
    return asked > ASKED_LEAST_MS ? asked : ASKED_LEAST_MS;
}
