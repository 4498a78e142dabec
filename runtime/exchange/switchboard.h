/*
 * The exchange's machine: a call service that speaks the API of `graph/reference.md`. In: REST
 * requests, what phones do, time. Out: REST answers, notifications, what phones shall do. It holds
 * calls, the media queue of each, operations, conferences with their rosters, and recordings. No
 * I/O, no clock, no Lua; shells give it HTTP, scripted callers, terminals, later SIP. One thread.
 */
#ifndef IVORY_EXCHANGE_SWITCHBOARD_H
#define IVORY_EXCHANGE_SWITCHBOARD_H

#include "base/error.h"
#include "base/http.h"
#include "base/id.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct switchboard;

/* Faults on purpose, for tests. Probabilities 0–1, drawn from the seeded generator. */
struct switchboard_faults {
    double drop, repeat, reorder, delay; /* of notifications */
    int64_t delay_ms; /* up to this much                                           */
    double throttle;  /* answer 429 with Retry-After instead                       */
    double fail;      /* answer 500 instead                                        */
    double early;     /* send an operation's end before the answer that starts it  */
};

struct switchboard_config {
    char *root; /* how clients reach it, "http://127.0.0.1:8090"; in Location and recording URLs */
    char *app_id;       /* the bot's application id       */
    char *webhook;      /* where new incoming calls are offered: ".../api/calls"      */
    char *tenant;       /* a GUID       */
    uint64_t seed;      /* of ids and faults      */
    int64_t answer_ms;  /* 15,000: time to answer, reject or redirect an offered call  */
    int64_t silence_ms; /* 45 min: a call without keepAlive ends with 408/8537 */
    struct switchboard_faults faults;
};

int switchboard_new(struct switchboard **out, const struct switchboard_config *cfg,
                    struct error *e);
void switchboard_free(struct switchboard *s);
void switchboard_set_faults(struct switchboard *s, const struct switchboard_faults *f);

/* A REST request (path with version prefix, as on the wire). Always fills `response`: what the
 * documentation says, or a Graph error body with a fitting 4xx, 501 for what is known but not done.
 * ERR_NOMEM only. */
int switchboard_request(struct switchboard *s, const struct http_message *request, int64_t now,
                        struct http_message *response);

/* --- phones
 * ---------------------------------------------------------------------------------------------- A
 * phone is a party outside the bot. `line` names its leg; ids are strings of the machine's own
 * making. */

/* A phone calls the bot. `from`, `to`: phone numbers or user ids. The leg's id is written to
 * `line`. */
int switchboard_dial(struct switchboard *s, const char *from, const char *to, int64_t now,
                     char line[ID_MAX], struct error *e);

/* Be reachable as `address` for calls the bot places; `auto_answer_ms` < 0: rings until
 * switchboard_pick_up. */
int switchboard_register(struct switchboard *s, const char *address, int64_t auto_answer_ms);
void switchboard_unregister(struct switchboard *s, const char *address);

int switchboard_pick_up(struct switchboard *s, const char *line, int64_t now);
int switchboard_refuse(struct switchboard *s, const char *line, int sip_code,
                       int64_t now); /* 486, 603, 480 */
int switchboard_press(struct switchboard *s, const char *line, char key,
                      int64_t now); /* 0-9 * # A-D */
/* Speak 16 kHz mono 16-bit samples from now on; recordings take them in. Copied. */
int switchboard_speak(struct switchboard *s, const char *line, const int16_t *samples, size_t n,
                      int64_t now);
int switchboard_hang_up(struct switchboard *s, const char *line, int64_t now);

/* A phone joins the meeting named by a thread id, a meeting id (digits) or a join link; the meeting
 * comes to be with whoever joins first. An address "guest:Name" waits in the lobby until admitted.
 */
int switchboard_join(struct switchboard *s, const char *address, const char *meeting, int64_t now,
                     char line[ID_MAX], struct error *e);

/* The phone is under policy-based recording (reference §6): the bot is called into the meeting that
 * it has joined, with 5 s to answer, or asked by a participantJoiningNotification when it is there
 * with participantCapacity left. ERR_CONFLICT outside a group. */
int switchboard_observe(struct switchboard *s, const char *line, int64_t now);

/* The phone begins or ends sharing its screen in the conference it is in. */
int switchboard_share(struct switchboard *s, const char *line, bool on, int64_t now);

/* The answer to SWITCH_FETCH `id`: how long the WAV at that address plays; `ms` < 0: it cannot be
 * had or played. */
int switchboard_fetched(struct switchboard *s, uint64_t id, int64_t ms, int64_t now);

enum switchboard_action_kind {
    SWITCH_NOTIFY, /* POST `body` to `url`; answer with switchboard_notified */
    SWITCH_FETCH,  /* find out how long the WAV at `url` plays; answer with switchboard_fetched */
    SWITCH_RING,   /* `line` is a new leg towards the phone registered as `url` */
    SWITCH_STATE,  /* `line` is now `url`: see below */
    SWITCH_PLAY,   /* on `line` the WAV at `url` begins now and lasts `ms`; 0 = until SWITCH_STOP */
    SWITCH_STOP,   /* on `line` what was playing has ended; `body` = {"completed":bool} */
    SWITCH_RECORD, /* on `line` recording begins, for `ms` at most; `body` = {"beep":bool} */
    SWITCH_TONES,  /* on `line` the bot sends the keys in `url`, "12#" */
    SWITCH_LOST,   /* a notification to `url` is given up */
};

/* SWITCH_STATE, `url`:
 *   "ringing"      the call of switchboard_dial is offered to the bot
 *   "lobby"        the phone waits to be let into a meeting
 *   "connected"    it talks; `body` = {"with":address} when that is no longer the bot
 *   "transferred"  as "connected", after a transfer or redirect by the bot
 *   "observed"     a bot records it by policy; "unobserved": none does, or no longer
 *   "ended"        the line is gone, always the last word; `body` = {"code","subcode","message"}
 */
struct switchboard_action {
    enum switchboard_action_kind kind;
    uint64_t id;
    char line[ID_MAX];
    char *url;
    char *body;
    int64_t ms;
    /* NOTIFY: faults.early is at work. The bot must have this before it gets the answer to the
     * request that switchboard_request has just returned: a shell drains the actions after each
     * request and holds the response back until early ones have been delivered. */
    bool early;
};

bool switchboard_next(struct switchboard *s, struct switchboard_action *out);
void switchboard_action_fini(struct switchboard_action *a);

/* Outcome of SWITCH_NOTIFY `id`: HTTP status and body of the bot's answer; 0 = not reached.
 * Anything but 2xx is sent again after 1, 2, 4 s, then dropped, with the call ended if it was the
 * offer. The next notification of a call comes only after this; one that is not heard of for 30 s
 * counts as not delivered. An unknown `id` (a repeat, a late answer) is fine. */
int switchboard_notified(struct switchboard *s, uint64_t id, int status, const char *body, size_t n,
                         int64_t now);

int64_t switchboard_next_deadline(const struct switchboard *s);
int switchboard_tick(struct switchboard *s, int64_t now);

/* The bot's calls in meetings are lost, as in an outage: without a word to the bot. How many. */
unsigned switchboard_lose_meetings(struct switchboard *s, int64_t now);

/* Live calls on the bot's side. */
size_t switchboard_calls(const struct switchboard *s);

#endif
