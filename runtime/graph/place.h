/*
 * Where a resource is: the path in a notification or a Location header, in parts (reference 1.1,
 * 2.1): [https://host][/v1.0]/communications/calls/<call>[/<collection>[/<id>]], also below /app,
 * and without what comes before "calls".
 */
#ifndef IVORY_GRAPH_PLACE_H
#define IVORY_GRAPH_PLACE_H

#include "base/id.h"

#include <stdbool.h>

struct place {
    char call_id[ID_MAX];  /* normalised                                     */
    char collection[32];   /* lower case; empty: the call itself             */
    char id[ID_MAX];       /* of the member, normalised; empty: all of it    */
    char name[2 * ID_MAX]; /* the last of the two ids as the service spelled it */
};

/* False when `path` is no call's or an id in it is none. */
bool place_find(const char *path, struct place *p);

#endif
