/* What the workers are told about bundles. */
#include "host/bundles_state.h"

#include <stdlib.h>

/* A worker without the memory to take its cell keeps the old flows until the next change. */
static void say(const struct worker *w, int err)
{
    if (err)
        log_write(&w->host->log, LOG_ERROR, NULL, "worker %u keeps the flows that it has: %s",
                  w->number, error_name(err));
}

static void visit(struct trip *t, struct worker *w)
{
    struct bundles_order *o = list_entry(t, struct bundles_order, trip);
    struct core *core = engine_core(w->engine);
    int err = 0;

    switch (o->kind) {
    case BUNDLES_TAKE:
        err = core_take(core, o->cells[w->number]);
        core_try(core, NULL);
        break;
    case BUNDLES_TRY:
        err = core_try(core, o->cells[w->number]);
        break;
    case BUNDLES_PROMOTE:
        err = core_promote(core);
        break;
    case BUNDLES_DROP:
        core_try(core, NULL);
        break;
    }
    if (o->cells && !err)
        o->cells[w->number] = NULL;
    say(w, err);
}

static void done(struct trip *t, bool home)
{
    (void)home;
    bundles_order_free(list_entry(t, struct bundles_order, trip));
}

int bundles_order_new(struct bundles_order **out, struct bundles *b, enum bundles_order_kind kind,
                      struct cell **cells)
{
    struct bundles_order *o = calloc(1, sizeof *o);

    if (!o)
        return ERR_NOMEM;
    *o = (struct bundles_order){.trip = {.visit = visit, .done = done},
                                .kind = kind,
                                .cells = cells,
                                .ncells = b->how.ncores};
    *out = o;
    return 0;
}

void bundles_order_free(struct bundles_order *o)
{
    if (!o)
        return;
    load_free_cells(o->cells, o->ncells);
    free(o);
}

void bundles_order_give(struct bundles *b, struct bundles_order *o)
{
    trip_to_all(&o->trip, b->host);
}
