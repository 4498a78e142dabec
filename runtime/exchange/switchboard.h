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

/* The answer to SWITCH_FETCH `id`: how long the WAV at that address plays; `ms` < 0: it cannot be
 * had or played. */
int switchboard_fetched(struct switchboard *s, uint64_t id, int64_t ms, int64_t now);

enum switchboard_action_kind {
    SWITCH_NOTIFY, /* POST `body` to `url`; answer with switchboard_notified                      */
    SWITCH_FETCH, /* find out how long the WAV at `url` plays                                     */
    SWITCH_RING,  /* line: a new leg towards registered `url` (the address)                       */
    SWITCH_STATE, /* line: "ringing", "connected", "ended"; `body` = {"code","subcode","message"} */
    SWITCH_PLAY,  /* line: the WAV at `url` begins now, lasts `ms`                                */
    SWITCH_STOP,  /* line: what was playing has ended; `body` = {"completed":bool}                */
    SWITCH_RECORD, /* line: recording begins (`ms` = longest) */
    SWITCH_TONES, /* line: `url` = keys sent by the bot ("12#")                                   */
};

struct switchboard_action {
    enum switchboard_action_kind kind;
    uint64_t id;
    char line[ID_MAX];
    char *url;
    char *body;
    int64_t ms;
};

bool switchboard_next(struct switchboard *s, struct switchboard_action *out);
void switchboard_action_fini(struct switchboard_action *a);

/* Outcome of SWITCH_NOTIFY `id`: HTTP status and body of the bot's answer; 0 = not reached.
 * Anything but 2xx is sent again after 1, 2, 4 s, then dropped with the call ended if it was the
 * offer. */
int switchboard_notified(struct switchboard *s, uint64_t id, int status, const char *body, size_t n,
                         int64_t now);

int64_t switchboard_next_deadline(const struct switchboard *s);
int switchboard_tick(struct switchboard *s, int64_t now);

/* Live calls on the bot's side. */
size_t switchboard_calls(const struct switchboard *s);

#endif
