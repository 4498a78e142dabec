/*
 * Short forms of arguments: "+14255550100" for a whole invitationParticipantInfo, "serviceHosted"
 * for a mediaConfig, "12#" for three tones. What they stand for, in one place.
 */
#ifndef IVORY_GRAPH_EXPAND_H
#define IVORY_GRAPH_EXPAND_H

#include "graph/methods.h"

/* Whether `v` is {"prompt":{...}} or {"recording":{...}}, which only request_encode can resolve.
 * `key` (may be NULL) becomes which. */
bool expand_is_reference(const cJSON *v, const char **key);

/* Turn `v`, due to be of `type`, into the full form when it is a short one; else leave it. */
int expand_value(const char *type, cJSON *v);

/* Turn `v`, due to be a list of `type`, into an array when it is not: one value becomes a list of
 * one, an empty object (which is what an empty Lua table is) an empty list, "12#" a list of keys or
 * tones. */
int expand_list(const char *type, cJSON *v);

/* Whether `text` is an E.164 number ("+" and 3 to 15 digits), and whether it is a GUID. */
bool expand_is_phone(const char *text);
bool expand_is_guid(const char *text);

#endif
