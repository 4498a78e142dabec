#include "base/map.h"

#include "base/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void map_init(struct map *m, unsigned long long seed)
{
    *m = (struct map){.seed = seed};
}

void map_init_borrowing(struct map *m, unsigned long long seed)
{
    *m = (struct map){.seed = seed, .borrows = true};
}

/* The map's own copy. */
static void drop_key(struct map *m, const char *key)
{
    if (!m->borrows)
        free((char *)key);
}

/* Both halves of the product of two words. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes of the key at a time, with the seed in each step: as wyhash does it. */
static uint64_t hash_key(const struct map *m, const char *key)
{
    const uint64_t odd = 0x9E3779B97F4A7C15;
    size_t n = strlen(key);
    uint64_t h = m->seed ^ n * odd, word;

    for (; n > 8; n -= 8, key += 8) {
        memcpy(&word, key, 8);
        h = mix(word ^ m->seed ^ odd, h ^ 0xA0761D6478BD642F);
    }
    word = 0;
    memcpy(&word, key, n);
    return mix(word ^ m->seed ^ odd, h ^ 0xE7037ED1A0B428DB);
}

/* The slot that holds `key`, or the empty slot where it would go. */
static size_t find_slot(const struct map *m, const char *key, uint64_t hash)
{
    size_t i = hash & (m->nslots - 1);

    while (m->slots[i]) {
        const struct map_entry *e = &m->entries[m->slots[i] - 1];
        if (e->hash == hash && strcmp(e->key, key) == 0)
            break;
        i = (i + 1) & (m->nslots - 1);
    }
    return i;
}

static int grow(struct map *m)
{
    size_t nslots = m->nslots ? m->nslots * 2 : 16;
    size_t cap = nslots / 2;
    unsigned *slots;
    struct map_entry *entries;

    entries = realloc(m->entries, cap * sizeof *entries);
    if (!entries)
        return ERR_NOMEM;
    m->entries = entries;
    slots = calloc(nslots, sizeof *slots);
    if (!slots)
        return ERR_NOMEM;
    free(m->slots);
    m->slots = slots;
    m->nslots = nslots;
    m->cap = cap;
    for (size_t i = 0; i < m->n; i++)
        m->slots[find_slot(m, m->entries[i].key, m->entries[i].hash)] = (unsigned)i + 1;
    return 0;
}

int map_put(struct map *m, const char *key, void *value)
{
    uint64_t hash = hash_key(m, key);
    size_t slot;

    CHECK(value);
    if (m->n == m->cap && grow(m))
        return ERR_NOMEM;
    slot = find_slot(m, key, hash);
    if (m->slots[slot]) {
        struct map_entry *e = &m->entries[m->slots[slot] - 1];

        e->key = m->borrows ? key : e->key;
        e->value = value;
        return 0;
    }
    if (!m->borrows && !(key = strdup(key)))
        return ERR_NOMEM;
    m->entries[m->n] = (struct map_entry){key, value, hash};
    m->slots[slot] = (unsigned)++m->n;
    return 0;
}

void *map_get(const struct map *m, const char *key)
{
    size_t slot;

    if (!m->n)
        return NULL;
    slot = find_slot(m, key, hash_key(m, key));
    return m->slots[slot] ? m->entries[m->slots[slot] - 1].value : NULL;
}

/* Empty `slot` and move later members of its run back, so that no search stops too early. */
static void clear_slot(struct map *m, size_t slot)
{
    size_t mask = m->nslots - 1, gap = slot, i = slot;

    for (;;) {
        size_t home;

        i = (i + 1) & mask;
        if (!m->slots[i])
            break;
        home = m->entries[m->slots[i] - 1].hash & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            m->slots[gap] = m->slots[i];
            gap = i;
        }
    }
    m->slots[gap] = 0;
}

void *map_remove(struct map *m, const char *key)
{
    size_t slot, index;
    void *value;

    if (!m->n)
        return NULL;
    slot = find_slot(m, key, hash_key(m, key));
    if (!m->slots[slot])
        return NULL;
    index = m->slots[slot] - 1;
    value = m->entries[index].value;
    clear_slot(m, slot);
    drop_key(m, m->entries[index].key);
    if (index != m->n - 1) {
        struct map_entry last = m->entries[m->n - 1];
        m->slots[find_slot(m, last.key, last.hash)] = (unsigned)index + 1;
        m->entries[index] = last;
    }
    m->n--;
    return value;
}

void map_fini(struct map *m)
{
    for (size_t i = 0; i < m->n; i++)
        drop_key(m, m->entries[i].key);
    free(m->entries);
    free(m->slots);
    *m = (struct map){0};
}
