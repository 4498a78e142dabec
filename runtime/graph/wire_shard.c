/* Several wires of one service: which of them has a call. */
#include "graph/wire_state.h"

#include <stdio.h>
#include <stdlib.h>

bool wire_shard_takes(const struct wire *w, const char *key)
{
    return id_shard(key, w->cfg.shards.count) == w->cfg.shards.self;
}

/* The wire that has `id`, as far as can be told. */
static unsigned shard_of(const struct wire *w, const char *id)
{
    const struct wire_shards *s = &w->cfg.shards;
    int told;

    if (s->count < 2 || !id[0] || wire_leg_by_id(w, id) || wire_ended_lately(w, id))
        return s->self;
    told = s->find(s->arg, id);
    return told >= 0 ? (unsigned)told : id_shard(id, s->count);
}

static void tell(struct wire *w, const char *id, bool ours)
{
    if (w->cfg.shards.count > 1 && !wire_shard_takes(w, id))
        w->cfg.shards.bound(w->cfg.shards.arg, id, ours);
}

void wire_shard_bind(struct wire *w, const char *id)
{
    tell(w, id, true);
}

void wire_shard_unbind(struct wire *w, const char *id)
{
    tell(w, id, false);
}

void wire_parcel_free(struct wire_parcel *p)
{
    if (!p)
        return;
    event_list_fini(&p->events);
    free(p);
}

/* The parcel for `shard` among those made for webhook `id`, which are the last of the actions. */
static struct wire_parcel *find_parcel(struct wire *w, uint64_t id, unsigned shard)
{
    for (struct list *it = w->actions.prev; it != &w->actions; it = it->prev) {
        struct wire_action *a = &list_entry(it, struct action, link)->a;

        if (a->kind != WIRE_PARCEL || a->id != id)
            break;
        if (a->parcel->shard == shard)
            return a->parcel;
    }
    return NULL;
}

static struct wire_parcel *new_parcel(struct wire *w, uint64_t id, unsigned shard)
{
    struct action *a = wire_action_new(WIRE_PARCEL);

    if (!a)
        return NULL;
    a->a.id = id;
    a->a.parcel = calloc(1, sizeof *a->a.parcel);
    if (!a->a.parcel) {
        wire_action_free(a);
        return NULL;
    }
    a->a.parcel->shard = shard;
    wire_action_push(w, a);
    return a->a.parcel;
}

int wire_share_out(struct wire *w, uint64_t id, const char *tenant, size_t bytes,
                   struct event_list *events)
{
    size_t kept = 0;
    int err = 0;

    if (w->cfg.shards.count < 2)
        return 0;
    for (size_t i = 0; i < events->n; i++) {
        struct event *ev = &events->items[i];
        unsigned shard = shard_of(w, ev->call_id);
        struct wire_parcel *p;

        if (err || shard == w->cfg.shards.self) {
            events->items[kept++] = *ev;
            continue;
        }
        p = find_parcel(w, id, shard);
        if (!p && (p = new_parcel(w, id, shard))) {
            snprintf(p->tenant, sizeof p->tenant, "%s", tenant);
            p->bytes = bytes;
        }
        err = p ? event_list_add(&p->events, ev) : ERR_NOMEM;
        if (err)
            events->items[kept++] = *ev;
    }
    events->n = kept;
    return err;
}
