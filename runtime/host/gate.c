#include "host/gate.h"

#include <stdlib.h>
#include <string.h>

void gate_init(struct gate *g)
{
    list_init(&g->queue);
    map_init(&g->keys, 0);
}

void gate_fini(struct gate *g)
{
    while (!list_empty(&g->queue))
        gate_remove(g, list_entry(g->queue.next, struct gated, link));
    map_fini(&g->keys);
}

static struct gated *add(struct gate *g, uint64_t position, int64_t now)
{
    struct gated *one = calloc(1, sizeof *one);

    if (!one)
        return NULL;
    one->position = position;
    one->until = now + GATE_MS;
    list_append(&g->queue, &one->link);
    return one;
}

int gate_command(struct gate *g, struct command *c, uint64_t position, int64_t now)
{
    intptr_t n = (intptr_t)map_get(&g->keys, c->key);
    struct gated *one = map_put(&g->keys, c->key, (void *)(n + 1)) ? NULL : add(g, position, now);

    if (!one) {
        if (n)
            map_put(&g->keys, c->key, (void *)n);
        else
            map_remove(&g->keys, c->key);
        return ERR_NOMEM;
    }
    memcpy(one->key, c->key, sizeof one->key);
    one->command = *c;
    *c = (struct command){0};
    return 0;
}

int gate_answer(struct gate *g, struct engine_action *a, uint64_t position, int64_t now)
{
    struct gated *one = add(g, position, now);

    if (!one)
        return ERR_NOMEM;
    one->is_answer = true;
    one->answer = *a;
    *a = (struct engine_action){0};
    return 0;
}

bool gate_has(const struct gate *g, const char *key)
{
    return g->keys.n && map_get(&g->keys, key);
}

struct gated *gate_first(const struct gate *g, uint64_t committed, int64_t now)
{
    struct gated *one;

    if (list_empty(&g->queue))
        return NULL;
    one = list_entry(g->queue.next, struct gated, link);
    return one->position <= committed || one->until <= now ? one : NULL;
}

void gate_remove(struct gate *g, struct gated *one)
{
    if (!one->is_answer) {
        intptr_t n = (intptr_t)map_get(&g->keys, one->key);

        if (n > 1)
            map_put(&g->keys, one->key, (void *)(n - 1));
        else
            map_remove(&g->keys, one->key);
    }
    list_remove(&one->link);
    command_fini(&one->command);
    engine_action_fini(&one->answer);
    free(one);
}

int64_t gate_deadline(const struct gate *g)
{
    return list_empty(&g->queue) ? INT64_MAX : list_entry(g->queue.next, struct gated, link)->until;
}
