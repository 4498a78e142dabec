/* Which bundle a new call gets: the one in use, or a second one on trial when its start says so. */
#include "base/json.h"
#include "core/machine.h"

#include <string.h>

bool core_keeps(const struct core *core, const struct bundle *b)
{
    return b == core->bundle || b == core->trial;
}

struct bundle *core_trial(struct core *core)
{
    return core->trial;
}

/* `*which` becomes `b`, and what nobody needs any more is closed. */
static void replace(struct core *core, struct bundle **which, struct bundle *b)
{
    struct bundle *old = *which;

    *which = b ? bundle_ref(b) : NULL;
    bundle_unref(old);
    cells_sweep(core);
}

int core_take(struct core *core, struct cell *cell)
{
    int err = cells_adopt(core, cell);

    if (!err)
        replace(core, &core->bundle, cell_bundle(cell));
    return err;
}

int core_use(struct core *core, struct bundle *b, struct error *e)
{
    struct cell *cell;
    int err = core_load(core, b, &cell, e);

    if (err)
        return err;
    err = core_take(core, cell);
    if (err) {
        cell_free(cell);
        return error_set(e, err, "not enough memory");
    }
    return 0;
}

int core_try(struct core *core, struct cell *cell)
{
    int err = cell ? cells_adopt(core, cell) : 0;

    if (!err)
        replace(core, &core->trial, cell ? cell_bundle(cell) : NULL);
    return err;
}

int core_promote(struct core *core)
{
    if (!core->trial)
        return ERR_CONFLICT;
    replace(core, &core->bundle, core->trial);
    replace(core, &core->trial, NULL);
    return 0;
}

void core_visit_cells(const struct core *core, core_cell_seen *seen, void *arg)
{
    for (const struct list *it = core->cells.next; it != &core->cells; it = it->next) {
        const struct core_cell *cell = list_entry(it, struct core_cell, link);

        seen(arg, cell_bundle(cell->cell), cell->calls, cell_bytes(cell->cell));
    }
}

void core_visit_calls(const struct core *core, core_call_seen *seen, void *arg)
{
    for (const struct list *it = core->calls.next; it != &core->calls; it = it->next)
        seen(arg, call_leg_state(list_entry(it, struct call, link)->legs[0]));
}
