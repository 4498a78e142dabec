/*
 * A hash map from strings to pointers. Keys are copied, unless the map borrows them; values belong
 * to the caller. The hash is seeded per map, so that keys from the network cannot be chosen to
 * collide. Iteration order is the order of insertion while nothing is removed; removal moves the
 * last entry into the gap.
 */
#ifndef IVORY_BASE_MAP_H
#define IVORY_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
    struct map_entry *entries; /* dense, `n` of them */
    size_t n, cap;
    unsigned *slots; /* index into entries + 1, 0 = empty; power of two many */
    size_t nslots;
    unsigned long long seed;
    bool borrows;
};

struct map_entry {
    const char *key;
    void *value;
    uint64_t hash;
};

/* Start an empty map; `seed` from random_bytes for keys from the network, 0 where that is moot. */
void map_init(struct map *m, unsigned long long seed);

/* One that keeps no copies: a key must stay, unchanged, until it is removed. Best it is a part of
 * its value. */
void map_init_borrowing(struct map *m, unsigned long long seed);

/* Set `key` to `value` (not NULL), replacing what was there. ERR_NOMEM leaves the map as it was. */
int map_put(struct map *m, const char *key, void *value);

/* The value of `key`, or NULL. */
void *map_get(const struct map *m, const char *key);

/* Remove `key` and return its value, or NULL when it was not there. */
void *map_remove(struct map *m, const char *key);

void map_fini(struct map *m);

#endif
