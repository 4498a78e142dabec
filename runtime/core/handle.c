#include "core/handle.h"

#include "base/error.h"

#include <stdlib.h>

struct handle_place {
    void *target; /* NULL: free */
    struct named *named;
    uint32_t turn;
    uint32_t next; /* of the free ones */
};

static uint32_t take_place(struct handle_table *t)
{
    uint32_t place = t->free;

    if (place) {
        t->free = t->places[place].next;
        return place;
    }
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        struct handle_place *places =
            cap > UINT32_MAX ? NULL : realloc(t->places, cap * sizeof *places);

        if (!places)
            return 0;
        t->places = places;
        t->cap = cap;
    }
    if (t->n == 0)
        t->places[t->n++] = (struct handle_place){0};
    t->places[t->n] = (struct handle_place){0};
    return (uint32_t)t->n++;
}

int handle_open(struct handle_table *t, struct named *named, void *target, struct handle *out)
{
    struct handle_place *p;

    if (!named->place) {
        uint32_t place = take_place(t);

        if (!place)
            return ERR_NOMEM;
        t->places[place].target = target;
        t->places[place].named = named;
        *named = (struct named){.place = place};
    }
    p = &t->places[named->place];
    CHECK(p->target == target);
    named->handles++;
    *out = (struct handle){named->place, p->turn};
    return 0;
}

static struct handle_place *find(const struct handle_table *t, const struct handle *h)
{
    struct handle_place *p = h->place && h->place < t->n ? &t->places[h->place] : NULL;

    return p && p->target && p->turn == h->turn ? p : NULL;
}

void *handle_target(const struct handle_table *t, const struct handle *h)
{
    const struct handle_place *p = find(t, h);

    return p ? p->target : NULL;
}

void handle_close(struct handle_table *t, const struct handle *h)
{
    struct handle_place *p = find(t, h);

    if (p)
        p->named->handles--;
}

void named_drop(struct handle_table *t, struct named *named)
{
    struct handle_place *p;

    if (!named->place)
        return;
    p = &t->places[named->place];
    p->target = NULL;
    p->turn++;
    p->next = t->free;
    t->free = named->place;
    *named = (struct named){0};
}

void handle_table_fini(struct handle_table *t)
{
    free(t->places);
    *t = (struct handle_table){0};
}
