/*
 * Which worker has a call of the service, for the ids that fall to another one (id_shard): those of
 * calls that we place, whose id the service chooses, and of calls that were taken up with another
 * number of workers than they began with. All others need no table. Thread-safe.
 */
#ifndef IVORY_HOST_OWNERS_H
#define IVORY_HOST_OWNERS_H

#include <stdbool.h>

struct owners;

/* ERR_NOMEM. */
int owners_new(struct owners **out);
void owners_free(struct owners *o);

/* Worker `who` has call `id`, or (`theirs` false) has it no more. Without memory it is not noted,
 * and a notification about it that names no callback address is not taken. */
void owners_note(struct owners *o, const char *id, unsigned who, bool theirs);

/* -1: not in the table. */
int owners_find(struct owners *o, const char *id);

#endif
