/*
 * The tables behind type_find, one a subject, and the notation they and the method table are
 * written in. Each ends with a row whose name is NULL. Nobody but runtime/graph reads this.
 */
#ifndef IVORY_GRAPH_TYPETABLES_H
#define IVORY_GRAPH_TYPETABLES_H

#include "graph/methods.h"

/* A row of a field list: name, type, BOTH, BETA or V1, then what else is to be said of it. */
#define FIELD(n, t, v, ...)                                                                        \
    {                                                                                              \
        .name = n, .type = t, .versions = VERSION_##v, __VA_ARGS__                                 \
    }

extern const struct type call_types[];      /* the call, its media, its meeting */
extern const struct type party_types[];     /* identities, participants, rosters */
extern const struct type operation_types[]; /* operations, notifications, answers to them */
extern const struct type report_types[];    /* device quality, synthetic media */

#endif
