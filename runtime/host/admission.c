#include "host/admission.h"

#include "base/json.h"
#include "base/map.h"
#include "base/random.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TENANT_MAX 128
#define FULL_S     5 /* calls last; a place is free some seconds later at the earliest */

struct tenant {
    char name[TENANT_MAX];
    int64_t calls;
};

struct admission {
    pthread_mutex_t lock;
    struct admission_config cfg;
    int64_t let_in;     /* and not begun yet               */
    double allowance;   /* new calls that may come at once */
    int64_t counted;    /* when it was worked out          */
    struct map tenants; /* name to struct tenant             */
    struct map calls;   /* key of a call to its tenant       */
    uint64_t refused[ADMISSION_CAPS];
};

const char *admission_cap_name(enum admission_cap cap)
{
    static const char *const names[] = {"", "calls", "calls_per_second", "per_tenant"};

    return names[cap];
}

int admission_new(struct admission **out, const struct admission_config *cfg, struct error *e)
{
    struct admission *a = calloc(1, sizeof *a);
    unsigned long long seed;

    if (!a)
        return error_set(e, ERR_NOMEM, "no memory");
    pthread_mutex_init(&a->lock, NULL);
    a->cfg = *cfg;
    a->allowance = (double)cfg->per_second;
    random_bytes(&seed, sizeof seed);
    map_init(&a->tenants, seed); /* names from the network */
    map_init(&a->calls, 0);
    *out = a;
    return 0;
}

/* Tenants are spelled in either case. */
static void spell(char out[TENANT_MAX], const char *tenant)
{
    size_t i;

    for (i = 0; i < TENANT_MAX - 1 && tenant[i]; i++)
        out[i] = (char)tolower((unsigned char)tenant[i]);
    out[i] = '\0';
}

static struct tenant *find_tenant(const struct admission *a, const char *tenant)
{
    char name[TENANT_MAX];

    spell(name, tenant);
    return map_get(&a->tenants, name);
}

/* One second's worth of calls may come at once, and more as time goes by. */
static void refill(struct admission *a, int64_t now)
{
    double most = (double)a->cfg.per_second;

    if (a->counted && now > a->counted)
        a->allowance += most * (double)(now - a->counted) / 1000;
    if (a->allowance > most)
        a->allowance = most;
    if (now > a->counted)
        a->counted = now;
}

static enum admission_cap judge(struct admission *a, const char *tenant, size_t calls)
{
    const struct tenant *t = a->cfg.per_tenant && tenant ? find_tenant(a, tenant) : NULL;

    if (a->cfg.calls && (int64_t)calls + a->let_in >= a->cfg.calls)
        return ADMISSION_CALLS;
    if (t && t->calls >= a->cfg.per_tenant)
        return ADMISSION_PER_TENANT;
    if (a->cfg.per_second && a->allowance < 1)
        return ADMISSION_CALLS_PER_SECOND;
    return ADMISSION_FREE;
}

enum admission_cap admission_ask(struct admission *a, const char *tenant, size_t calls, int64_t now,
                                 int *after_s)
{
    enum admission_cap cap;

    pthread_mutex_lock(&a->lock);
    refill(a, now);
    cap = judge(a, tenant, calls);
    *after_s = cap == ADMISSION_FREE ? 0 : cap == ADMISSION_CALLS_PER_SECOND ? 1 : FULL_S;
    a->refused[cap]++;
    if (cap == ADMISSION_FREE) {
        a->let_in++;
        a->allowance -= 1;
    }
    pthread_mutex_unlock(&a->lock);
    return cap;
}

uint64_t admission_refused(struct admission *a, enum admission_cap cap)
{
    uint64_t n;

    pthread_mutex_lock(&a->lock);
    n = a->refused[cap];
    pthread_mutex_unlock(&a->lock);
    return n;
}

/* Without memory a call is not counted: it is let in rather than lost. */
static void count_call(struct admission *a, const char *key, const char *tenant)
{
    struct tenant *t = find_tenant(a, tenant);

    if (map_get(&a->calls, key))
        return;
    if (!t) {
        t = calloc(1, sizeof *t);
        if (!t)
            return;
        spell(t->name, tenant);
        if (map_put(&a->tenants, t->name, t)) {
            free(t);
            return;
        }
    }
    if (map_put(&a->calls, key, t) == 0) {
        t->calls++;
    } else if (!t->calls) {
        map_remove(&a->tenants, t->name);
        free(t);
    }
}

void admission_event(struct admission *a, const struct event *ev)
{
    const char *tenant;

    if (ev->kind != EVENT_START)
        return;
    tenant = json_str(ev->data, "tenant");
    pthread_mutex_lock(&a->lock);
    if (a->let_in > 0)
        a->let_in--;
    if (a->cfg.per_tenant && tenant)
        count_call(a, ev->key, tenant);
    pthread_mutex_unlock(&a->lock);
}

void admission_command(struct admission *a, const struct command *c)
{
    struct tenant *t;

    if (c->kind != COMMAND_END || !a->cfg.per_tenant)
        return;
    pthread_mutex_lock(&a->lock);
    t = map_remove(&a->calls, c->key);
    if (t && --t->calls == 0) {
        map_remove(&a->tenants, t->name);
        free(t);
    }
    pthread_mutex_unlock(&a->lock);
}

void admission_free(struct admission *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->tenants.n; i++)
        free(a->tenants.entries[i].value);
    map_fini(&a->tenants);
    map_fini(&a->calls);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
