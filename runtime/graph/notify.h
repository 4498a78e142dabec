/*
 * From a notification body to events (reference §2.1): liberal in what it takes. Ids come from
 * resourceUrl (or the older `resource`), are normalised; enums are read in any case; unknown
 * properties are kept; a body may hold several notifications. A call notification with a tone is a
 * tone event, and a call event too (before it) when it carries more than the tone and the state
 * "established"; toneInfo itself is in the tone event only, its sequenceId 0 when the service gave
 * none. What is said of the resource's type goes before what the path says. A call, operation or
 * session without an id of its own gets the one of the path, spelled as there, as data.id. A
 * missing or new changeType counts as updated. `call_id` may be empty in joining and left events:
 * then only the address that was called tells.
 */
#ifndef IVORY_GRAPH_NOTIFY_H
#define IVORY_GRAPH_NOTIFY_H

#include "core/event.h"

#define NOTIFY_MAX_BODY   (1u << 20)
#define NOTIFY_MAX_VALUES 1000
#define NOTIFY_MAX_WIDTH  2000 /* members of an object, items of a list */

/* Decode `body`, appending to `out` (key, leg, time not set; call_id set). One bad notification
 * among good ones is skipped and named in `e` with ERR_INVALID *after* the good ones are appended,
 * unless nothing was good, when `out` is left as it was. ERR_LIMIT: longer, more or wider than
 * above. ERR_INVALID, ERR_LIMIT, ERR_NOMEM. */
int notify_decode(const char *body, size_t n, struct event_list *out, struct error *e);

/* The call id (normalised), resource kind and its id in a resource path; false when it is no
 * call's.
 * "/communications/calls/57DA.../operations/0fe0..." → "57da...", "operations", "0fe0...". */
bool notify_resource(const char *path, char call_id[ID_MAX], char collection[32], char id[ID_MAX]);

#endif
