/*
 * The REST side of the switchboard: from a request to the handler of its method and to the answer.
 * Routing and the checking of arguments are the method table's; what a handler needs of the call
 * (established, a group, media at the service) stands in its row. Handlers answer first and act
 * then, so that an answer says how things stood when the request came.
 */
#ifndef IVORY_EXCHANGE_REST_H
#define IVORY_EXCHANGE_REST_H

#include "exchange/leg.h"

struct rest {
    struct switchboard *s;
    const struct method *method;
    unsigned version;
    struct leg *leg;       /* NULL for methods of the collection          */
    struct member *member; /* of paths with {participant}                 */
    cJSON *ids, *args;
    int64_t now;
    struct http_message *response;
};

typedef void rest_handler(struct rest *r);

enum {
    NEEDS_TALK = 1,   /* established or in transfer     */
    NEEDS_GROUP = 2,  /* a group call or meeting        */
    NEEDS_MEDIA = 4,  /* service-hosted media           */
    NEEDS_INSIDE = 8, /* the bot itself not in the lobby */
};

struct rest_row {
    const char *method;
    rest_handler *handler;
    unsigned needs;
};

/* The handlers of each file; end with NULL. */
extern const struct rest_row rest_call_rows[];
extern const struct rest_row rest_media_rows[];
extern const struct rest_row rest_people_rows[];
extern const struct rest_row rest_meeting_rows[];

/* Answers. All take the documented success status but the error. */
void rest_empty(struct rest *r);
void rest_json(struct rest *r, struct buf *b); /* ends `b` */
void rest_error(struct rest *r, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A new operation of the method, answered as it is now: running, or with `done` completed, in which
 * case no notification follows. `extra` is the name and JSON of one more member, or NULL. NULL: the
 * answer is an error already. */
struct operation *rest_operation(struct rest *r, bool done, const char *name, const char *json);

/* Location of the call, with `suffix`. */
void rest_location(struct rest *r, const struct leg *leg, const char *suffix);

/* Member `name` of the arguments as JSON text, NULL when absent; free() it. */
char *rest_text(struct rest *r, const char *name);

/* Whether `uri` is an address that can be fetched or posted to. */
bool rest_is_http(const char *uri);

#endif
