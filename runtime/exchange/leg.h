/*
 * A leg is the bot's side of a call: the `call` resource, its state by the table of reference §2.2,
 * and what belongs to it: operations, media queue, notifications. It is alive (found by its id)
 * until leg_end; afterwards it stays only until its last notification is out.
 */
#ifndef IVORY_EXCHANGE_LEG_H
#define IVORY_EXCHANGE_LEG_H

#include "exchange/conference.h"
#include "exchange/operation.h"
#include "exchange/outbox.h"
#include "graph/methods.h"

enum leg_state {
    LEG_INCOMING,
    LEG_ESTABLISHING,
    LEG_RINGING,
    LEG_ESTABLISHED,
    LEG_TRANSFERRING,
    LEG_TRANSFER_ACCEPTED,
    LEG_REDIRECTING,
    LEG_TERMINATING,
    LEG_TERMINATED,
};

/* What leg.step does when it fires. */
enum leg_step {
    STEP_OFFER_EXPIRES,
    STEP_ESTABLISH,
    STEP_DELETE,
    STEP_TRANSFER,      /* look for the target, or merge the two calls */
    STEP_TRANSFER_DONE, /* after transferAccepted                      */
    STEP_REDIRECT_EXPIRES,
    STEP_LOBBY_EXPIRES,
    STEP_UNWATCHED, /* nobody is left whom it records */
};

enum { LEG_LOBBY_MS = 30 * 60 * 1000 };

struct media {
    struct list queue;         /* operations that wait        */
    struct operation *current; /* the one that plays or records */
    struct list waiting;       /* in clip.waiters             */
    struct board_timer timer;
    bool playing, pumping;
};

struct leg {
    struct board_object object; /* in switchboard.all_legs */
    char id[BOARD_GUID];
    unsigned version; /* of the request that made or answered it */
    bool incoming, over;
    enum leg_state state;
    char *callback;
    char *context; /* incomingContext as JSON, or NULL */
    /* parts of the resource as JSON, NULL = null */
    char *source, *targets, *media_config, *modalities, *chat, *meeting, *routes, *answered_by;
    char *subject, *tenant, *chain; /* texts */
    int ringing_s;                  /* ringingTimeoutInSeconds, 0 = not given */
    bool app_media, sound, subscribed;
    bool delta_roster, sharing_told;
    int capacity;          /* participantCapacity: how many it records by policy */
    int observed;          /* how many it does                                   */
    struct list questions; /* joining participants it was asked about, oldest first */
    int64_t tones;         /* sequenceId of the last */
    struct member *me;
    struct list ringing;         /* lines that ring for a transfer or redirect */
    char *replaces;              /* id of the call to merge with               */
    char transferee[BOARD_GUID]; /* participant that is transferred, "" in a 1:1 call */
    char *target;                /* address of the transfer */
    struct outbox outbox;
    struct board_timer step, sounds, silence;
    enum leg_step next;
    struct list operations;
    size_t noperations, busy; /* all, and those that run */
    struct media media;
    struct list recordings;
};

/* A new leg with member `identity` (JSON) in `c`. NULL: memory is out or the conference is full. */
struct leg *leg_new(struct switchboard *s, struct conference *c, const char *identity);

/* A live leg by its id in any spelling. */
struct leg *leg_find(const struct switchboard *s, const char *id);

bool leg_in_conversation(const struct leg *leg); /* established, transferring, ... */
bool leg_is_group(const struct leg *leg);

/* The only phone of a 1:1 call, or NULL. */
struct line *leg_phone(const struct leg *leg);

/* Notify of the resource at the call's path + `suffix`. `data` is JSON. */
void leg_notify(struct switchboard *s, struct leg *leg, const char *change, const char *suffix,
                const char *data, int64_t now);
void leg_notify_early(struct switchboard *s, struct leg *leg, const char *change,
                      const char *suffix, const char *data);

/* Set the state and notify it; `more` are further JSON members, each with a comma before. */
void leg_state(struct switchboard *s, struct leg *leg, enum leg_state state, const char *more,
               int64_t now);

/* Offer an incoming leg to the bot at its callback; it has `answer_ms` to decide. */
void leg_offer(struct switchboard *s, struct leg *leg, int64_t answer_ms, int64_t now);

void leg_step_at(struct switchboard *s, struct leg *leg, enum leg_step next, int64_t at);

/* The far end is there: established, and soon after it media. */
void leg_established(struct switchboard *s, struct leg *leg, int64_t now);
/* Media flows `BOARD_SOUND_MS` from now. */
void leg_sound_soon(struct switchboard *s, struct leg *leg, int64_t now);

/* End it: operations are cancelled, lines that ring for it end, it leaves its conference, and the
 * `deleted` notification goes out. `code` < 0: without resultInfo. `more` as in leg_state. */
void leg_end(struct switchboard *s, struct leg *leg, int code, int subcode, const char *message,
             int64_t now);
void leg_end_with(struct switchboard *s, struct leg *leg, int code, int subcode,
                  const char *message, const char *more, int64_t now);

/* A key was pressed on a phone of its conference. */
void leg_tone(struct switchboard *s, struct leg *leg, char key, int64_t now);

/* A successful keepAlive. */
void leg_keep_alive(struct switchboard *s, struct leg *leg, int64_t now);

/* What a notification of a state says. */
void leg_state_text(struct buf *b, const struct leg *leg, const char *more);

/* The whole resource. */
void leg_text(struct buf *b, const struct leg *leg);

/* Names of tones on the wire: "tone1", "star"; NULL or '\0' for what is none. */
const char *leg_tone_name(char key);
char leg_tone_key(const char *name);

#endif
