/*
 * Events: everything that can happen to a call, as plain data. The machine learns of the world
 * through nothing else, so the sequence of its events is the call. An event owns its `data`; it can
 * be written as one line of JSON and read back unchanged (the journal and the traces do).
 *
 * start      a new call. data {"direction":"incoming"|"outgoing", "seed":hex16, "flow":name?,
 *            "call":resource (incoming), "create":arguments (outgoing), "tenant":id?}; of a
 *            call that goes on as another flow, "continue" (see core_continued)
 * call       call notification, also what a GET told. data: partial call resource; `change`
 * operation  operation notification. data: the operation; `id` = its id; `change`
 * roster     participants notification. data: array of participant
 * sharing    content sharing notification. data: array of contentSharingSession, or an object with
 *            `id`; `change`
 * routing    audio routing group notification. data: audioRoutingGroup or array; `change`
 * tone       call notification with a tone. data {"tone":"tone1", "sequenceId":1}
 * joining    participantJoiningNotification. data: it; `seq` = what a reply must name
 * left       participantLeftNotification. data: it
 * answer     to command `seq`. data: the body, or {"error":{...}}; `status` = HTTP status, 0 = none
 *            came; `id` = operation id, or call id for a create
 * timer      a deadline of the machine. no data; `seq` = which
 * overrun    the turn of the event before broke a limit. data {"limit":name} (see core.h)
 * signal     the outside world. data {"name":..., ...}; "hangup" ends the call
 *
 * `key`, `call_id` and `id` hold only what id_normalise lets through, so they need no quoting.
 */
#ifndef IVORY_CORE_EVENT_H
#define IVORY_CORE_EVENT_H

#include "base/error.h"
#include "base/id.h"

#include <cjson/cJSON.h>
#include <stdint.h>

enum event_kind {
    EVENT_START,
    EVENT_CALL,
    EVENT_OPERATION,
    EVENT_ROSTER,
    EVENT_SHARING,
    EVENT_ROUTING,
    EVENT_TONE,
    EVENT_JOINING,
    EVENT_LEFT,
    EVENT_ANSWER,
    EVENT_TIMER,
    EVENT_OVERRUN,
    EVENT_SIGNAL,
    EVENT_KINDS
};

/* changeType of a notification (reference §2.1). */
enum change { CHANGE_NONE, CHANGE_CREATED, CHANGE_UPDATED, CHANGE_DELETED };

struct event {
    enum event_kind kind;
    enum change change;
    int64_t time;      /* when it was taken, ms since the epoch, UTC; never goes back per call    */
    char key[KEY_MAX]; /* the call (ours); empty while only `call_id` is known                    */
    int leg;           /* which leg of the call; 0 is the call itself                             */
    char call_id[ID_MAX]; /* the service's call id, normalised; may be empty                      */
    uint32_t seq;         /* answer, timer, joining: which                                        */
    int status;           /* answer: HTTP status                                                  */
    char id[ID_MAX];      /* operation id, normalised, or another resource's id; may be empty     */
    cJSON *data;          /* owned; may be NULL                                                   */
};

/* A growing array of events; `{0}` is empty. */
struct event_list {
    struct event *items;
    size_t n, cap;
};

/* Append, moving `ev` (zeroed on success; kept by the caller on ERR_NOMEM). */
int event_list_add(struct event_list *l, struct event *ev);
void event_list_fini(struct event_list *l);

const char *event_kind_name(enum event_kind k);
const char *change_name(enum change c);

/* One line of JSON, without a newline, members in a fixed order; NULL = no memory. free() it. */
char *event_encode(const struct event *ev);

/* The reverse. ERR_INVALID names what is wrong. */
int event_decode(struct event *out, const char *text, size_t n, struct error *e);

int event_copy(struct event *to, const struct event *from);
void event_fini(struct event *ev);

#endif
