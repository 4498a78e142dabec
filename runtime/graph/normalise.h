/*
 * What the service sends, made uniform where it differs from itself (reference 1.5): enum members
 * in lower camel case, numbers that came as text as numbers, `subCode` as `subcode`. Everything
 * else, and all that the types do not know, stays as it is.
 */
#ifndef IVORY_GRAPH_NORMALISE_H
#define IVORY_GRAPH_NORMALISE_H

#include "graph/methods.h"

/* Normalise `v` in place, read as `type` or as what its "@odata.type" says. ERR_NOMEM. */
int normalise(cJSON *v, const char *type);

#endif
