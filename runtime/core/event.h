/*
 * Events: everything that can happen to a call, as plain data. The machine learns of the world
 * through nothing else, so the sequence of its events is the call. An event owns its `data`; it can
 * be written as one line of JSON and read back unchanged (the journal and the traces do).
 *
 *   kind          from                          data
 *   start         a new call                    {"direction":"incoming"|"outgoing", "seed":hex16,
 * "flow":name?, "call":resource (incoming), "create":arguments (outgoing), "tenant":id?} call call
 * notification             partial call resource            (`change`) operation     operation
 * notification        the operation; `id` = its id     (`change`) roster        participants
 * notification     array of participant             (`change`) sharing       content sharing
 * notification  array of contentSharingSession, or an object with `id` routing       audio routing
 * group notif.    audioRoutingGroup or array tone          call notification with a tone
 * {"tone":"tone1", "sequenceId":1} joining       participantJoiningNotification  the notification;
 * `seq` = what a reply must name left          participantLeftNotification   the notification
 *   answer        the answer to command `seq`   the body, or {"error":{...}}; `status` = HTTP
 * status, 0 = none came; `id` = operation id, or call id for a create timer         a deadline of
 * the machine     none; `seq` = which overrun       a turn broke a limit          {"limit":name}:
 * the outcome of that turn, for replay signal        the outside world             {"name":...,
 * ...} (admin, other calls)
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
