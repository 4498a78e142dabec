/*
 * Calls that the service has and nobody here knows: their journal is lost (the file is missing, or
 * could not be read), or they came to be after their flow had been told that they might not have.
 * The service tells of them at an address that only we can have given it.
 */
#include "host/recover_state.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { STRAYS_MAX = 1000 };

static int is_there(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    (void)arg, (void)kind, (void)p, (void)n;
    return 1;
}

/* It was placed after all; whom it was for is gone. */
static bool hang_up(struct recovery *r, const char *key, const char *call_id, const char *tenant,
                    int64_t now)
{
    const struct question nothing = {.kind = ASK_NOTHING};
    struct command end = {.kind = COMMAND_END};

    if (wire_adopt(r->engine->wire, key, tenant, 0, false, call_id, NULL, now))
        return false;
    recovery_log(r, "warn", key, "the call was placed after all, and is hung up");
    recovery_ask(r, &nothing, key, "delete", NULL, now);
    strcpy(end.key, key);
    wire_command(r->engine->wire, &end, now);
    return true;
}

static bool take(struct recovery *r, const char *key, const char *call_id, const char *tenant,
                 int64_t now)
{
    struct patient *p = calloc(1, sizeof *p);
    struct past_leg *leg = calloc(1, sizeof *leg);

    if (!p || !leg || mailbox_open(&r->engine->mailbox, key)) {
        free(p);
        free(leg);
        return false;
    }
    list_init(&p->link);
    list_init(&p->last);
    snprintf(p->key, sizeof p->key, "%s", key);
    snprintf(p->tenant, sizeof p->tenant, "%s", tenant);
    strcpy(p->start.key, p->key);
    p->start.time = now;
    p->stray = p->incoming = true;
    snprintf(leg->id, sizeof leg->id, "%s", call_id);
    leg->told = true;
    p->legs = leg;
    p->nlegs = 1;
    if (r->left == 0) {
        r->began = now;
        r->total = r->fallbacks = 0;
    }
    r->left++;
    r->total++;
    recovery_enter(r, p);
    return true;
}

bool recovery_stray(void *engine, const char *key, const char *call_id, const char *tenant,
                    bool ended)
{
    struct engine *en = engine;
    int64_t now = en->now;

    if (!en->later.store)
        return false; /* there is no journal, so it is in none */
    if (!en->recovery)
        en->recovery = recovery_new(en, &en->later);
    if (!en->recovery || en->recovery->left > STRAYS_MAX)
        return false;
    if (ended)
        return hang_up(en->recovery, key, call_id, tenant, now);
    if (en->later.store->entries(en->later.store->arg, key, is_there, NULL, NULL) > 0)
        return true; /* it ended in an earlier process */
    return take(en->recovery, key, call_id, tenant, now);
}
