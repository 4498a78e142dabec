#include "host/turnaway.h"

#include "base/json.h"

#include <string.h>

void turnaway_init(struct turnaway *t)
{
    map_init(&t->keys, 0); /* keys are ours */
}

void turnaway_fini(struct turnaway *t)
{
    map_fini(&t->keys);
}

int turnaway_begin(struct turnaway *t, struct wire *w, const struct event *start, int64_t now)
{
    struct command c = {.kind = COMMAND_METHOD, .seq = 1, .method = method_find("reject")->name};
    int err;

    strcpy(c.key, start->key);
    c.args = cJSON_CreateObject();
    if (!c.args || json_set_str(c.args, "reason", "busy") || map_put(&t->keys, c.key, t)) {
        command_fini(&c);
        return ERR_NOMEM;
    }
    err = wire_command(w, &c, now);
    if (err) {
        map_remove(&t->keys, start->key);
        command_fini(&c);
    }
    return err;
}

bool turnaway_has(const struct turnaway *t, const char *key)
{
    return t->keys.n && map_get(&t->keys, key);
}

void turnaway_event(struct turnaway *t, struct wire *w, const struct event *ev, int64_t now)
{
    struct command end = {.kind = COMMAND_END};

    /* Every command is answered once. Ending a call takes no memory. */
    if (ev->kind != EVENT_ANSWER)
        return;
    strcpy(end.key, ev->key);
    map_remove(&t->keys, ev->key);
    wire_command(w, &end, now);
}
