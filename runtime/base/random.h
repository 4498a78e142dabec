/*
 * Randomness. `random_bytes` is the system's, for keys and seeds, and is used by drivers only.
 * `struct random` is a small generator (xoshiro256**) for machines: same seed, same numbers.
 */
#ifndef IVORY_BASE_RANDOM_H
#define IVORY_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t s[4];
};

/* Fill from the system; aborts if it has none to give. */
void random_bytes(void *p, size_t n);

void random_seed(struct random *r, uint64_t seed);
uint64_t random_next(struct random *r);

/* Uniform in [0, n), n > 0. */
uint64_t random_below(struct random *r, uint64_t n);

/* Uniform in [0, 1). */
double random_unit(struct random *r);

#endif
