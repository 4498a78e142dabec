#include "graph/wire_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Late and repeated notifications of a call that is over are nothing new. */
struct ended {
    struct list link;
    int64_t at;
    char name[]; /* a service's id, or "/" and a key of ours */
};

/* Nobody will find the call here any more. */
static void forget(struct wire *w, const char *name)
{
    if (name[0] != '/')
        wire_shard_unbind(w, name);
}

static void ended_drop_first(struct wire *w)
{
    struct ended *first = list_entry(w->ended.next, struct ended, link);

    list_remove(&first->link);
    map_remove(&w->ended_names, first->name);
    forget(w, first->name);
    free(first);
}

void wire_ended_add(struct wire *w, const char *mark, const char *name)
{
    size_t n = strlen(mark) + strlen(name) + 1;
    struct ended *it = malloc(sizeof *it + n);

    if (!it) {
        if (!mark[0])
            forget(w, name);
        return;
    }
    it->at = w->now;
    snprintf(it->name, n, "%s%s", mark, name);
    if (map_get(&w->ended_names, it->name)) {
        free(it);
        return;
    }
    if (map_put(&w->ended_names, it->name, it)) {
        forget(w, it->name);
        free(it);
        return;
    }
    list_append(&w->ended, &it->link);
    while (w->ended_names.n > WIRE_ENDED_MAX ||
           list_entry(w->ended.next, struct ended, link)->at < w->now - WIRE_ENDED_MS)
        ended_drop_first(w);
}

bool wire_ended_lately(const struct wire *w, const char *id)
{
    return map_get(&w->ended_names, id) != NULL;
}

void wire_ended_fini(struct wire *w)
{
    while (!list_empty(&w->ended))
        ended_drop_first(w);
}
