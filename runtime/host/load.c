#include "host/load.h"

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

void load_run(struct load *l)
{
    if (!l->bundle)
        l->err = read_folder(l);
    if (l->err || strcmp(l->bundle->id, l->known) == 0)
        return;
    /* Loaded first: prompts of a bundle that is refused are not kept. */
    l->err = core_load(l->cfg->core, l->bundle, &l->cell, &l->e);
    if (!l->err)
        l->err = prompt_store_add(l->cfg->store, l->bundle, &l->e);
    if (l->err) {
        cell_free(l->cell);
        l->cell = NULL;
    }
}

void load_fini(struct load *l)
{
    cell_free(l->cell);
    bundle_unref(l->bundle);
    places_fini(&l->places);
    *l = (struct load){0};
}
