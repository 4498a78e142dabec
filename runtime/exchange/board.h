/*
 * What all parts of the switchboard share: its tables, timers, generator, actions, and how memory
 * failures and the freeing of what has ended are handled.
 *
 * Memory: parts do not pass ERR_NOMEM along. They call board_nomem, go on with what they have, and
 * the public function that is under way returns ERR_NOMEM at its end. Ends: a leg, line, member or
 * conference that is over is only unlinked and put on `dead`; board_sweep frees it when the public
 * function ends, so that no function loses the ground under its feet.
 */
#ifndef IVORY_EXCHANGE_BOARD_H
#define IVORY_EXCHANGE_BOARD_H

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "exchange/switchboard.h"

enum {
    BOARD_MAX_CALLS = 10000,
    BOARD_MAX_LINES = 20000,
    BOARD_MAX_PHONES = 10000,
    BOARD_MAX_MEMBERS = 300,     /* of one conference */
    BOARD_MAX_OPERATIONS = 1000, /* kept per call     */
    BOARD_MAX_ADDRESS = 100,     /* bytes             */
    BOARD_MAX_CLIPS = 10000,
    BOARD_SETUP_MS = 40, /* what signalling takes: answer to established, refusal of the unknown */
    BOARD_SOUND_MS = 20, /* established to media active */
    BOARD_GUID = 37,
};

/* Something that happens at a time. The owner is what `fire` gets. */
typedef void board_fire(struct switchboard *s, void *owner, int64_t now);

struct board_timer {
    struct heap_entry entry;
    board_fire *fire;
    void *owner;
};

/* The head of every object that can end: its place in a list, and later among the dead. */
struct board_object {
    struct list link;
    void (*free)(struct switchboard *s, void *object);
    void *object;
};

struct switchboard {
    struct switchboard_config cfg;
    struct random random;
    struct heap timers;
    struct list actions;
    struct map legs;       /* normalised call id → struct leg       */
    struct map lines;      /* line id → struct line                 */
    struct map phones;     /* address → struct phone                */
    struct map meetings;   /* key → struct conference               */
    struct map clips;      /* resource id or uri → struct clip      */
    struct map fetches;    /* action id → struct clip               */
    struct map notices;    /* action id → struct notice             */
    struct map recordings; /* id → struct recording               */
    struct list kept;      /* recordings, oldest first            */
    size_t kept_bytes;
    struct list all_legs, all_conferences, dead;
    uint64_t next_id;
    int err; /* ERR_NOMEM when memory failed since the public function began */
};

void board_nomem(struct switchboard *s);

/* Take what the public function returns: the remembered failure, or `err`. Frees what is dead. */
int board_leave(struct switchboard *s, int err);

void board_timer_init(struct board_timer *t, board_fire *fire, void *owner);
void board_timer_set(struct switchboard *s, struct board_timer *t, int64_t at);
void board_timer_stop(struct switchboard *s, struct board_timer *t);

/* `object` is over: freed by the next board_leave. */
void board_bury(struct switchboard *s, struct board_object *o);

void board_guid(struct switchboard *s, char out[BOARD_GUID]);
bool board_chance(struct switchboard *s, double probability);

/* Append an action. `url` and `body` are copied, `body` may be NULL. Returns its id. */
uint64_t board_action(struct switchboard *s, enum switchboard_action_kind kind, const char *line,
                      const char *url, const char *body, int64_t ms);
/* The action appended last; NULL when there is none. */
struct switchboard_action *board_last_action(struct switchboard *s);

/* Decimal key of an id in a map. */
void board_key(char out[24], uint64_t id);

/* An address as the map of phones has it: lower case, without blanks, dashes and brackets. False
 * when it is empty, too long or not plain text. */
bool board_address(char out[BOARD_MAX_ADDRESS], const char *text);

/* `text` as a JSON string with its quotes; NULL as null. */
void board_quote(struct buf *b, const char *text);
/* Append texts one after another: what is on every call's way is put together so, as formats take
 * several times as long. */
#define BOARD_TEXTS(b, ...) board_texts(b, (const char *const[]){__VA_ARGS__, NULL})
void board_texts(struct buf *b, const char *const *texts); /* ends with NULL */
/* An ISO 8601 UTC time with its quotes. */
void board_time(struct buf *b, int64_t ms);
/* {"@odata.type":"#microsoft.graph.resultInfo","code":..,"subcode":..,"message":..} */
void board_result(struct buf *b, int code, int subcode, const char *message);
/* The text of `b`, to be freed; failures are remembered. May be NULL. */
char *board_take(struct switchboard *s, struct buf *b);
/* Replace the string at `to` by a copy of `text` (NULL: by none). */
void board_set(struct switchboard *s, char **to, const char *text);

#endif
