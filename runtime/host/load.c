#include "host/load.h"

#include <stdlib.h>
#include <string.h>

static int read_folder(struct load *l)
{
    int err = 0;

    /* First the watches, then the bytes: what changes in between is noticed. */
    if (l->watch_fd >= 0)
        err = places_scan(&l->places, l->watch_fd, l->cfg->folder);
    if (err)
        return error_set(&l->e, err, "no memory");
    return bundle_read(&l->bundle, l->cfg->folder, l->cfg->stdlib, &l->e);
}

static int load_cells(struct load *l)
{
    int err = 0;

    l->cells = calloc(l->cfg->ncores, sizeof *l->cells);
    if (!l->cells)
        return error_set(&l->e, ERR_NOMEM, "no memory");
    for (unsigned i = 0; i < l->cfg->ncores && !err; i++)
        err = core_load(l->cfg->cores[i], l->bundle, &l->cells[i], &l->e);
    return err;
}

void load_free_cells(struct cell **cells, unsigned n)
{
    for (unsigned i = 0; cells && i < n; i++)
        cell_free(cells[i]);
    free(cells);
}

void load_run(struct load *l)
{
    if (!l->bundle)
        l->err = read_folder(l);
    if (l->err || strcmp(l->bundle->id, l->known) == 0)
        return;
    /* Loaded first: prompts of a bundle that is refused are not kept. */
    l->err = load_cells(l);
    if (!l->err)
        l->err = prompt_store_add(l->cfg->store, l->bundle, &l->e);
    if (l->err) {
        load_free_cells(l->cells, l->cfg->ncores);
        l->cells = NULL;
    }
}

void load_fini(struct load *l)
{
    if (l->cfg)
        load_free_cells(l->cells, l->cfg->ncores);
    bundle_unref(l->bundle);
    places_fini(&l->places);
    *l = (struct load){0};
}
