/*
 * `ivory show`: one call of the journal as a timeline, a line for each thing that happened. Keys
 * are counted, never shown.
 */
#ifndef IVORY_HOST_TIMELINE_H
#define IVORY_HOST_TIMELINE_H

#include "journal/journal.h"

#include <stdio.h>

/* Write call `key`, in progress or ended; `json`: as one JSON object. ERR_NOTFOUND, ERR_IO,
 * ERR_INVALID (what is there cannot be read). */
int timeline_write(struct journal *j, const char *key, bool json, FILE *out, struct error *e);

#endif
