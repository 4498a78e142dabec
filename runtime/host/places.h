/*
 * Where a change of a folder can show: the folder and those below it, and every folder in which the
 * system looks something up on its way there or to the far end of a link in it. So a swapped link
 * is seen wherever it stands: `current` in a folder above (releases), `..data` inside (mounted
 * configuration), or the target of a single file.
 *
 * A scan walks the disk and adds inotify watches; it may run on any thread.
 */
#ifndef IVORY_HOST_PLACES_H
#define IVORY_HOST_PLACES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place {
    char *path;   /* absolute, without links           */
    int wd;       /* inotify's number for it           */
    bool tree;    /* every name in it concerns us ...  */
    char **names; /* ... else these                    */
    size_t nnames, cap;
};

struct places {
    struct place *items;
    size_t n, cap;
    int failed; /* errno of the first folder that could not be watched, or 0 */
};

/* Watch (on the inotify descriptor `fd`) all places of `folder`; `{0}` becomes their list. What is
 * missing is passed over: its parent is watched. ERR_NOMEM leaves a part that places_fini frees. */
int places_scan(struct places *out, int fd, const char *folder);

/* What is watched under that number, or NULL. */
const struct place *places_find(const struct places *p, int wd);

/* Whether a change of `name` there can change the folder; true for a place not known (yet). */
bool places_concern(const struct places *p, int wd, const char *name);

/* End the watches of `old` that are not in `p`. */
void places_replace(struct places *old, const struct places *p, int fd);

void places_fini(struct places *p);

#endif
