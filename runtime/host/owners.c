#include "host/owners.h"

#include "base/error.h"
#include "base/map.h"
#include "base/random.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct owners {
    pthread_mutex_t lock;
    struct map ids; /* to the worker's number plus one */
};

int owners_new(struct owners **out)
{
    struct owners *o = calloc(1, sizeof *o);
    unsigned long long seed;

    if (!o)
        return ERR_NOMEM;
    random_bytes(&seed, sizeof seed);
    pthread_mutex_init(&o->lock, NULL);
    map_init(&o->ids, seed);
    *out = o;
    return 0;
}

void owners_free(struct owners *o)
{
    if (!o)
        return;
    map_fini(&o->ids);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

void owners_note(struct owners *o, const char *id, unsigned who, bool theirs)
{
    void *value = (void *)(uintptr_t)(who + 1);

    pthread_mutex_lock(&o->lock);
    if (theirs)
        (void)map_put(&o->ids, id, value);
    else if (map_get(&o->ids, id) == value)
        map_remove(&o->ids, id);
    pthread_mutex_unlock(&o->lock);
}

int owners_find(struct owners *o, const char *id)
{
    void *value;

    pthread_mutex_lock(&o->lock);
    value = map_get(&o->ids, id);
    pthread_mutex_unlock(&o->lock);
    return (int)(uintptr_t)value - 1;
}
