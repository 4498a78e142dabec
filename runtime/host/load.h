/*
 * Loading flows, start to end, off the loop's thread: look for the places to watch, read the
 * folder, copy its prompts into the store, load the files into cells. Touches nothing that the
 * running service changes. A load belongs to its caller, on one thread at a time.
 */
#ifndef IVORY_HOST_LOAD_H
#define IVORY_HOST_LOAD_H

#include "core/core.h"
#include "host/places.h"
#include "host/prompt_store.h"

struct load_config {
    struct core **cores; /* a cell for each; only for core_load, which any thread may call */
    unsigned ncores;
    struct prompt_store *store;
    const char *folder;
    const struct bundle_source *stdlib;
};

struct load {
    const struct load_config *cfg;
    int watch_fd;          /* -1: no watching                                     */
    char known[65];        /* a folder with this content is not loaded once more  */
    struct bundle *bundle; /* given: load this one; else what was read, may be NULL */
    struct cell **cells;   /* the result, one a core; NULL when known, or with an error */
    struct places places;
    int err;
    struct error e;
};

/* Do the work. */
void load_run(struct load *l);

/* Free what is left in it. */
void load_fini(struct load *l);
/* Free `n` cells and the array; those that somebody took are NULL. NULL is allowed. */
void load_free_cells(struct cell **cells, unsigned n);

#endif
