/*
 * A leg: one call at the service, as far as notifications and answers told. The resource is merged
 * from partial updates; a null in an update says "not told", never "gone" (the documented
 * notifications carry nulls for what is merely unset), so facts like `source` stay. The state goes
 * forward only, by progress, but for the two documented ways back: hold to established, and a
 * failed transfer, which is `established` with a resultInfo (reference §2.2). Leg 0 is the call
 * itself.
 */
#ifndef IVORY_CORE_LEG_H
#define IVORY_CORE_LEG_H

#include "core/event.h"
#include "core/request.h"

enum { MEDIA_GRACE_MS = 500, MEDIA_WAIT_MS = 5000, TONE_GAP_MS = 5000, DELETE_BOUND_MS = 10000 };

struct tone {
    int64_t sequence; /* 0 = the service gave none */
    char key;
};

struct tone_buffer {
    struct tone *ready, *early; /* in order; behind a gap, sorted. NULL while there are none */
    unsigned nready, nearly;
    int64_t last; /* sequence of the last one made ready */
    bool overflowed;
};

struct leg {
    struct call *call;
    int index;
    struct named named; /* by Lua objects */
    bool incoming;
    bool known;    /* the service has it: an id was told    */
    bool closing;  /* its end is wanted                     */
    bool deleting; /* and asked for                         */
    bool ended;
    bool established;     /* was, once                           */
    bool tone_subscribed; /* subscribeToTone succeeded */
    bool media_told, media_active, media_ready;
    bool transferring;
    int state;        /* rank, see call_leg_state_rank                   */
    char *id;         /* the service's, NULL until it is told              */
    const char *told; /* the name of that state, static, or NULL           */
    char *facts;      /* the resource but for its collections, see facts.c */
    size_t nfacts;
    cJSON *collections;       /* the collections in it by name, or NULL            */
    char *from, *to, *routed; /* who calls, who is called, who was called first; or NULL */
    bool delta_roster;        /* asked for in callOptions */
    int code, subcode;        /* of the result                      */
    char *message;
    struct timer media_timer, gap_timer, delete_timer;
    struct tone_buffer tones;
    struct list queue;      /* requests waiting for the lane */
    struct request *lane;   /* the submitted one             */
    struct event_list held; /* operation events that came before any answer named them */
};

/* Add a leg to the call; index is the next number. ERR_LIMIT, ERR_NOMEM. */
int call_leg_new(struct leg **out, struct call *call, bool incoming);
void call_leg_free(struct leg *leg);

/* Take a partial resource: merge, move the state, note media and result. `change` deleted = over.
 */
int call_leg_update(struct leg *leg, const cJSON *data, enum change change);

/* The resource. Members are told by their names and kept, of an object one by one; null too. Read,
 * they are copies, which the caller frees. ERR_NOMEM. */
int call_leg_keep(struct leg *leg, const cJSON *member);
int call_leg_note(struct leg *leg, const char *name, const char *json);     /* no collection */
int call_leg_collect(struct leg *leg, const char *name, cJSON *collection); /* taken over */
int call_leg_learn(struct leg *leg, const cJSON *resource);
/* Whether the JSON of a member is this; that of one that is not told is null. */
bool call_leg_says(const struct leg *leg, const char *name, const char *json);
/* `*out` NULL: there is none. */
int call_leg_fact(const struct leg *leg, const char *name, cJSON **out);
/* All of it; NULL = no memory. */
cJSON *call_leg_resource(const struct leg *leg);
/* The number or id of who calls and who is called: "" when it is not known. */
const char *call_leg_from(const struct leg *leg);
const char *call_leg_to(const struct leg *leg);
/* The service's id of it, "" until it is told. */
const char *call_leg_id(const struct leg *leg);

/* It is over; `data` may hold a resultInfo. */
int call_leg_end(struct leg *leg, const cJSON *data);

/* It never came to be: call_leg_end with `message` in place of the service's result. */
int call_leg_fail(struct leg *leg, const char *message);

/* Have it ended: once, as soon as the service has it. */
int call_leg_close(struct leg *leg);

/* Progress of a state: 0 = unknown name. */
int call_leg_state_rank(const char *state);
/* Its name as the API spells it, static; NULL = unknown. */
const char *call_leg_state_known(const char *state);
const char *call_leg_state(const struct leg *leg);

/* `state` is reached: for "established" media flows too. */
bool call_leg_reached(const struct leg *leg, int rank);

/* Tones. */
int call_leg_tone(struct leg *leg, const cJSON *data);
bool call_leg_tone_take(struct leg *leg, struct tone *out);
unsigned call_leg_tones_flush(struct leg *leg);
void call_leg_tone_gap_over(struct timer *t); /* the missing one did not come: go on without */
/* Whoever waits for a key will do so no longer: the missing one is given up now. ERR_NOMEM. */
int call_leg_tone_hurry(struct leg *leg);

/* Collections: the roster (whole or delta), content sharing sessions, audio routing groups; they
 * stand in the resource under the API's names. */
int call_leg_roster(struct leg *leg, const cJSON *data);
int call_leg_collection(struct leg *leg, const char *name, const cJSON *data, enum change change);

#endif
