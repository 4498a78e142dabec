/*
 * Rules that concern more than one field of a request, one function a method.
 */
#ifndef IVORY_GRAPH_RULES_H
#define IVORY_GRAPH_RULES_H

#include "graph/methods.h"

/* Whether `args`, whose fields have been checked one by one, fit together. ERR_INVALID names the
 * field. */
int rules_check(const struct method *m, const cJSON *args, struct error *e);

#endif
