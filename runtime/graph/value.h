/*
 * Small things done to JSON values of the API: making typed objects, changing a value where it
 * stands. Used inside runtime/graph only.
 */
#ifndef IVORY_GRAPH_VALUE_H
#define IVORY_GRAPH_VALUE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#define TYPE_KEY    "@odata.type"
#define TYPE_PREFIX "#microsoft.graph."

/* A new object that says its type ("identity" → "#microsoft.graph.identity"); NULL = no memory. */
cJSON *value_object(const char *type);

/* Say the type of object `o`, replacing what it says. ERR_NOMEM. */
int value_set_type(cJSON *o, const char *type);

/* The type that object `o` says it has, without prefix and '#'; NULL when it says none. */
const char *value_type(const cJSON *o);

/* Exchange content and kind of two values; each keeps its name and its place. ERR_NOMEM. */
int value_swap(cJSON *a, cJSON *b);

/* `to` takes over content and kind of `from`, but keeps its name and its place; `from` is freed.
 * Its text, if it is one, must not have come from json_parse or json_copy. */
void value_become(cJSON *to, cJSON *from);

/* Take member or element `item` out of `parent` and give it to `o` as `name`, replacing what is
 * there. ERR_NOMEM frees it. */
int value_move(cJSON *parent, cJSON *item, cJSON *o, const char *name);

#endif
