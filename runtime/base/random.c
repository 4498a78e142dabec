#include "base/random.h"

#include "base/error.h"

#include <sys/random.h>

void random_bytes(void *p, size_t n)
{
    unsigned char *at = p;

    while (n) {
        ssize_t got = getrandom(at, n, 0);
        CHECK(got > 0);
        at += got;
        n -= (size_t)got;
    }
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* The state is spread from the seed by splitmix64, as the generator's authors advise. */
void random_seed(struct random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9E3779B97F4A7C15ULL);

        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        r->s[i] = z ^ (z >> 31);
    }
}

uint64_t random_next(struct random *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t random_below(struct random *r, uint64_t n)
{
    uint64_t limit, x;

    CHECK(n > 0);
    limit = UINT64_MAX - UINT64_MAX % n;
    do
        x = random_next(r);
    while (x >= limit);
    return x % n;
}

double random_unit(struct random *r)
{
    return (double)(random_next(r) >> 11) * 0x1.0p-53;
}
